"""The page that explains the errors explains all that there are, and no others."""

from __future__ import annotations

from tests.tenant.errors_page import CODES, COMMANDS, PAGE, answered, failing, page


def test_the_page_is_what_the_code_says() -> None:
    assert PAGE.read_text() == page(), "stale: python -m tests.tenant.errors_page"


def test_every_code_that_the_tenant_answers_is_explained_and_no_other() -> None:
    assert answered() == set(CODES)


def test_every_code_of_a_command_that_failed_is_explained_and_no_other() -> None:
    assert failing() == set(COMMANDS)
