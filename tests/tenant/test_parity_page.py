"""The page of parity is what the routes and the witnesses make it, and no operation goes without either."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.tenant import parity_page
from tests.tenant.graph_pages import PAGES
from tests.witnesses import all_operations, table

ROOT = Path(__file__).parents[2]


def test_the_page_is_up_to_date() -> None:
    assert parity_page.PAGE.read_text() == parity_page.page(), "run: make docs"


def test_every_operation_has_a_witness() -> None:
    assert parity_page.without_a_witness() == [], "run: make witnesses"


def test_every_operation_of_graph_has_its_page() -> None:
    assert parity_page.without_a_page() == [], "add it to tests/tenant/graph_pages.py"


def test_no_page_is_kept_for_what_is_not_served() -> None:
    served = {f"{method} {path}" for api, method, path in all_operations() if api != "sign-in"}
    assert [operation for operation in PAGES if operation not in served] == []


def test_every_witness_is_a_test_that_exists() -> None:
    for operation, test in table().items():
        file, _, name = test.partition("::")
        functions = {node.name for node in ast.parse((ROOT / file).read_text()).body if hasattr(node, "name")}
        assert name.partition("[")[0] in functions, f"{operation}: {test}"
