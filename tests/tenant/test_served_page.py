"""The page that lists what is served lists just that."""

from __future__ import annotations

from tests.tenant.served_page import PAGE, page


def test_the_page_is_what_the_route_table_says() -> None:
    assert PAGE.read_text() == page(), "stale: python -m tests.tenant.served_page"
