"""/policies: the tenant's default app management policy, and the custom ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from starlette.responses import Response

from unsecret.model.policy import AppManagementPolicy
from unsecret.tenant.call import CREATED, Call, Routes, no_content
from unsecret.tenant.counting import counted
from unsecret.tenant.description import described
from unsecret.tenant.use_cases import policies, reading
from unsecret.wire import collections, json_schemas, odata
from unsecret.wire.directory import directory_object_to_graph
from unsecret.wire.policies import (
    default_policy_from_graph,
    default_policy_to_graph,
    policy_from_graph,
    policy_to_graph,
)


def get_default_policy(call: Call) -> Response:
    """GET /policies/defaultAppManagementPolicy."""
    policy = call.read(reading.get_default_policy)
    return call.entity(
        default_policy_to_graph(policy, beta=call.beta),
        "policies/defaultAppManagementPolicy",
        select=call.asked(collections.DEFAULT_APP_MANAGEMENT_POLICY).select,
    )


@described(
    204,
    takes=json_schemas.default_policy(beta=False),
    takes_in_beta=json_schemas.default_policy(beta=True),
)
async def update_default_policy(call: Call) -> Response:
    """PATCH /policies/defaultAppManagementPolicy."""
    reading = await call.reading(partial(default_policy_from_graph, beta=call.beta))
    await call.write(policies.update_default_policy, lambda current: reading(current=current))
    return no_content()


def list_policies(call: Call) -> Response:
    """GET /policies/appManagementPolicies."""
    asked = call.asked(collections.CUSTOM_POLICIES, expands=True)
    page = call.read(reading.list_policies, asked.query)
    return call.page(page, _shown(call, asked, page.items), "policies/appManagementPolicies", asked)


@described(201, takes=json_schemas.new_policy(beta=False), takes_in_beta=json_schemas.new_policy(beta=True))
async def create_policy(call: Call) -> Response:
    """POST /policies/appManagementPolicies."""
    reading = await call.reading(partial(policy_from_graph, beta=call.beta))
    policy = await call.write(policies.create_policy, lambda policy_id: reading(current=None, policy_id=policy_id))
    return call.entity(policy_to_graph(policy, beta=call.beta), "policies/appManagementPolicies", status=CREATED)


def get_policy(call: Call) -> Response:
    """GET /policies/appManagementPolicies/{id}."""
    asked = call.asked(collections.CUSTOM_POLICIES, expands=True)
    policy = call.read(reading.get_policy, call.path("policy"))
    body = _shown(call, asked, (policy,))(policy)
    return call.expanded_entity(body, "policies/appManagementPolicies", asked)


def _shown(
    call: Call, asked: odata.Asked, found: Sequence[AppManagementPolicy]
) -> Callable[[AppManagementPolicy], dict[str, Any]]:
    """How each of `found` is shown: with what it applies to where `$expand` asks for that."""
    bound = call.read(reading.list_bound, found) if "appliesTo" in asked.expand else None

    def encode(policy: AppManagementPolicy) -> dict[str, Any]:
        shown = policy_to_graph(policy, beta=call.beta)
        if bound is not None:
            objects = (directory_object_to_graph(obj, beta=call.beta) for obj in bound[policy.id])
            shown["appliesTo"] = [odata.select(obj, asked.within.get("appliesTo")) for obj in objects]
        return shown

    return encode


@described(204, takes=json_schemas.policy(beta=False), takes_in_beta=json_schemas.policy(beta=True))
async def update_policy(call: Call) -> Response:
    """PATCH /policies/appManagementPolicies/{id}."""
    reading = await call.reading(partial(policy_from_graph, beta=call.beta))
    await call.write(
        policies.update_policy, call.path("policy"), lambda current: reading(current=current, policy_id=current.id)
    )
    return no_content()


async def delete_policy(call: Call) -> Response:
    """DELETE /policies/appManagementPolicies/{id}."""
    await call.write(policies.delete_policy, call.path("policy"))
    return no_content()


def list_applies_to(call: Call) -> Response:
    """GET /policies/appManagementPolicies/{id}/appliesTo."""
    asked = call.asked(collections.DIRECTORY_OBJECTS)
    page = call.read(reading.list_applies_to, call.path("policy"), asked.query)
    return call.page(page, lambda obj: directory_object_to_graph(obj, beta=call.beta), "directoryObjects", asked)


ROUTES: Routes = [
    ("GET", "/policies/defaultAppManagementPolicy", get_default_policy),
    ("PATCH", "/policies/defaultAppManagementPolicy", update_default_policy),
    *counted("/policies/appManagementPolicies", list_policies),
    ("POST", "/policies/appManagementPolicies", create_policy),
    ("GET", "/policies/appManagementPolicies/{policy}", get_policy),
    ("PATCH", "/policies/appManagementPolicies/{policy}", update_policy),
    ("DELETE", "/policies/appManagementPolicies/{policy}", delete_policy),
    *counted("/policies/appManagementPolicies/{policy}/appliesTo", list_applies_to),
]
