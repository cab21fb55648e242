"""Writes docs/reference/parity.md: every operation, Microsoft's page of it, what is served, and the test that
witnesses it.

`python -m tests.tenant.parity_page` writes the page; tests/tenant/test_parity_page.py fails when it is stale, or when
an operation has no page or no witness.
"""

from __future__ import annotations

from pathlib import Path
from posixpath import normpath
from typing import Any

from tests.tenant.graph_pages import PAGES
from tests.tenant.served_page import about
from tests.witnesses import Operation, all_operations, table

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "parity.md"
LEARN = "https://learn.microsoft.com/en-us/graph/"
PLATFORM = "https://learn.microsoft.com/en-us/entra/identity-platform/"

HEAD = """<!-- Written from the code by `python -m tests.tenant.parity_page`; edit that, or the code. -->

# Parity with Microsoft, operation by operation

Each row is served, and the test that it names calls it and sees it succeed: a test run fails when a witness no longer
calls its operation, and a build fails when an operation has no witness or no page. What a row does not serve of its
page, and where it answers otherwise, is in [divergences](divergences.md). The tests of real clients are not listed
here; they come on top.
"""

SECTIONS = (("graph", "Microsoft Graph, v1.0 and beta"), ("beta", "Microsoft Graph, beta only"), ("sign-in", "Sign-in"))


def page() -> str:
    """The whole page."""
    witnesses = table()
    parts = [HEAD]
    for api, title in SECTIONS:
        rows = [_row(operation, handler, witnesses) for operation, handler in _of(api)]
        parts += [f"## {title}\n", "| operation | what is served | witness |", "| --- | --- | --- |", *rows, ""]
    return "\n".join(parts)


def without_a_page() -> list[str]:
    """Operations of Graph that nobody has linked to Microsoft's page of them."""
    return [
        f"{method} {path}"
        for (api, method, path) in all_operations()
        if api != "sign-in" and _key(method, path) not in PAGES
    ]


def without_a_witness() -> list[str]:
    """Operations that no test is named for."""
    return [" ".join(operation) for operation in all_operations() if operation not in table()]


def _of(api: str) -> list[tuple[Operation, Any]]:
    return [(operation, handler) for operation, handler in all_operations().items() if operation[0] == api]


def _row(operation: Operation, handler: Any, witnesses: dict[Operation, str]) -> str:
    api, method, path = operation
    name = f"{method} `{path}`"
    if api != "sign-in":
        name = f"[{name}]({_learn(PAGES.get(_key(method, path), ''))})"
    return f"| {name} | {about(handler)} | {_shown(witnesses.get(operation, ''))} |"


def _key(method: str, path: str) -> str:
    return f"{method} {path}"


def _learn(page: str) -> str:
    return LEARN + normpath(f"api/{page}")


def _shown(test: str) -> str:
    file, _, name = test.partition("::")
    return f"[{name.partition('[')[0].removeprefix('test_').replace('_', ' ')}](../../{file})" if test else ""


if __name__ == "__main__":
    PAGE.write_text(page())
