"""The reference is what the code says."""

from __future__ import annotations

import pytest

from tests.cli.reference_pages import PAGES, REFERENCE
from unsecret.cli.app import COMMANDS


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_up_to_date(name: str) -> None:
    assert (REFERENCE / name).read_text() == PAGES[name](), "write it anew: python -m tests.cli.reference_pages"


def test_every_command_is_in_the_reference() -> None:
    page = (REFERENCE / "cli.md").read_text()
    assert [name for name in COMMANDS if f"## unsecret {name}\n" not in page] == []
