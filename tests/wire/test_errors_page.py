"""The page of errors lists every code that is answered."""

from __future__ import annotations

from tests.wire.errors_page import PAGE, PARTICULAR, codes_in_source, page, policy_codes
from unsecret.wire.problems import LIFETIME_DETAIL, STATUS


def test_the_page_is_what_the_tables_say() -> None:
    assert PAGE.read_text() == page(), "stale: make docs"


def test_every_code_that_is_raised_is_on_the_page() -> None:
    known = {kind.default_code for kind in STATUS} | set(PARTICULAR) | set(LIFETIME_DETAIL) | set(policy_codes())
    assert codes_in_source() - known == set()


def test_no_code_is_on_the_page_that_nobody_raises() -> None:
    mentioned = "".join(file.read_text() for file in PAGE.parents[2].joinpath("src", "unsecret").rglob("*.py"))
    assert [code for code in PARTICULAR if f'"{code}"' not in mentioned] == []
