"""Writes docs/reference/served.md from the route table and the permission table.

`python -m tests.tenant.served_page` writes the page; tests/tenant/test_served_page.py fails when it is stale.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from unsecret.model.directory_roles import ROLE_DEFINITIONS, Role
from unsecret.rules.app_only_permission import roles_for
from unsecret.rules.delegated_permission import Delegated, needed
from unsecret.rules.permission import REQUIRED
from unsecret.tenant import azure_resource_manager, clock, oauth2
from unsecret.tenant.app import BETA_ROUTES, GRAPH_ROUTES
from unsecret.tenant.call import Routes
from unsecret.tenant.description import said_by

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "served.md"

HEAD = """<!-- Written from the code by `python -m tests.tenant.served_page`; edit that, or the code. -->

# What is served

Everything else under `/v1.0` and `/beta` answers 501 with an error that says so, and a verb that a path does not have
answers 405. Paths are not case-sensitive; `applications(appId='…')`, `applications('…')`, doubled slashes and
`/myorganization` are understood. A body may have 1 MiB.
`/openapi.json` says the same, and what bodies look like, in OpenAPI 3.1; it needs no token.
How the answers differ from Microsoft's: [divergences](divergences.md).
"""


def page() -> str:
    """The whole page."""
    return "\n".join(
        [
            HEAD,
            "## Microsoft Graph, v1.0 and beta\n",
            _routes(GRAPH_ROUTES),
            "## Microsoft Graph, beta only\n",
            _routes(BETA_ROUTES),
            "## Sign-in\n",
            _plain(oauth2.ROUTES),
            "## Azure Resource Manager: what Azure CLI asks for when it signs in\n",
            _plain(azure_resource_manager.ROUTES),
            "## The clock, which Microsoft does not have: only with `unsecret up --now`\n",
            "It needs a Graph token of the tenant's administrator: see the\n"
            "[guide](../guides/walk-through-a-year.md).\n",
            _routes(clock.TABLE),
            "## What each operation needs\n",
            "Application permissions, granted as app role assignments on Microsoft Graph's service principal. Of each\n"
            "group one is enough; where there are several groups, one of every group is needed. Instead of all of\n"
            "them the application's service principal may hold one of the directory roles on the right.\n",
            _permissions(),
            "## What people may do\n",
            "On behalf of a signed-in person the client needs a delegated permission, and the person a directory\n"
            "role, or to own the object where that is enough. *Members* are people of the tenant who are not guests.\n"
            "Which roles somebody holds is read at each call.\n",
            _delegated(),
        ]
    )


def _routes(routes: Routes) -> str:
    rows = [f"| {method} | `{path}` | {about(handler)} |" for method, path, handler in routes]
    return "\n".join(["| | path | |", "| --- | --- | --- |", *rows, ""])


def _plain(routes) -> str:
    rows = [
        f"| {method} | `{route.path}` | {about(route.endpoint)} |"
        for route in routes
        for method in sorted(route.methods - {"HEAD"})
    ]
    return "\n".join(["| | path | |", "| --- | --- | --- |", *rows, ""])


def about(handler: Any) -> str:
    """What a handler does, as its docstring says beside the method and the path."""
    return said_by(handler)[1].replace("|", "\\|")


def _any_of(group: tuple[str, ...]) -> str:
    return " or ".join(f"`{name}`" for name in group)


def _delegated() -> str:
    rows = [
        f"| {operation.replace('_', ' ')} | {' **and** '.join(map(_any_of, needed(operation).scopes))} "
        f"| {_who(needed(operation))} |"
        for operation in REQUIRED
    ]
    return "\n".join(["| operation | delegated permissions | people |", "| --- | --- | --- |", *rows, ""])


def _who(row: Delegated) -> str:
    if row.to_anybody:
        return "everybody"
    if row.to_members:
        return "members"
    owners = ["owners"] if row.to_owners else []
    return ", ".join([*owners, *_names(row.roles)])


def _names(roles: frozenset[Role]) -> list[str]:
    return sorted(ROLE_DEFINITIONS[role].display_name for role in roles)


def _permissions() -> str:
    rows = [
        f"| {operation.replace('_', ' ')} | {' **and** '.join(map(_any_of, groups))} "
        f"| {', '.join(_names(roles_for(operation)))} |"
        for operation, groups in REQUIRED.items()
    ]
    return "\n".join(["| operation | permissions | or a directory role |", "| --- | --- | --- |", *rows, ""])


if __name__ == "__main__":
    PAGE.write_text(page())
