"""A thing has one name from the route to the use case, so that one search prints the whole walk."""

from __future__ import annotations

from functools import partial
from types import FunctionType

import pytest

from unsecret.tenant.app import BETA_ROUTES, GRAPH_ROUTES

OTHER_VIEWS = {
    "create_role_assignment": "assign_role",
    "get_role_definition": "get_role",
    "get_role_template": "get_role",
    "get_allowed_value": "get_attribute_definition",
    "list_allowed_values": "get_attribute_definition",
    "list_role_definitions": "list_roles",
    "list_role_templates": "list_roles",
    "get_deleted_as": "get_deleted",
    "get_property": "get_object",
    "list_organizations": "get_organization",
    "list_my_app_role_assignments": "list_app_role_assignments",
    "list_references_to_policies": "list_assigned_policies",
    "update_authentication_behaviors": "update_application",
}
"""Handlers that show what another one's use case finds, in another way."""

ANSWERED_BY_ITSELF = {"batch", "refuse_me"}
HANDED_THE_QUESTION = {"held", "owned", "related", "listing"}
"""First parameters of handlers that serve many routes, each of which says what to ask."""


def handlers() -> dict[str, FunctionType]:
    """Every handler of Graph by its name, without what `partial` puts around it."""
    bare = [handler.func if isinstance(handler, partial) else handler for _, _, handler in GRAPH_ROUTES + BETA_ROUTES]
    functions = [handler for handler in bare if isinstance(handler, FunctionType)]
    assert len(functions) == len(bare)
    asking = [one for one in functions if not HANDED_THE_QUESTION & set(one.__code__.co_varnames[:2])]
    return {handler.__name__: handler for handler in asking if handler.__name__ not in ANSWERED_BY_ITSELF}


@pytest.mark.parametrize("name", handlers())
def test_a_handler_calls_the_use_case_of_its_own_name(name: str) -> None:
    assert OTHER_VIEWS.get(name, name) in handlers()[name].__code__.co_names
