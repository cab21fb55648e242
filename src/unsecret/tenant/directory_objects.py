"""What applications and service principals have in common, and `/directoryObjects` itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import msgspec
from starlette.responses import Response

from unsecret.errors import Invalid
from unsecret.model.application import Application, DirectoryObject, ObjectKind
from unsecret.model.people import AnyObject, User
from unsecret.tenant.call import Call, Route, Routes, json_response, name_of, no_content
from unsecret.tenant.counting import counted
from unsecret.tenant.description import described
from unsecret.tenant.expansion import expanded
from unsecret.tenant.relationships import relationship
from unsecret.tenant.use_cases import credentials, key_rolling, links, policies, reading
from unsecret.wire import collections, json_schemas, key_actions, odata
from unsecret.wire.applications import BEHAVIORS, application_to_graph
from unsecret.wire.credentials import (
    add_password_from_graph,
    key_to_graph,
    password_to_graph,
    remove_password_from_graph,
)
from unsecret.wire.directory import directory_object_to_graph
from unsecret.wire.policies import policy_reference_to_graph, policy_to_graph
from unsecret.wire.references import reference_from_graph
from unsecret.wire.service_principals import service_principal_to_graph
from unsecret.wire.users import user_to_graph

COLLECTIONS = {
    ObjectKind.APPLICATION: collections.APPLICATIONS,
    ObjectKind.SERVICE_PRINCIPAL: collections.SERVICE_PRINCIPALS,
}

MOST_IDS = 1000
"""getByIds takes at most this many."""


def encode(obj: AnyObject, call: Call, select: odata.Names) -> dict[str, Any]:
    """`obj` in Graph's shape. Keys and custom security attributes are shown only to who selects them."""
    return _encode(obj, select, beta=call.beta)


def _encode(obj: AnyObject, select: odata.Names, *, beta: bool) -> dict[str, Any]:
    wanted = frozenset(select or ())
    keys = "keyCredentials" in wanted
    if isinstance(obj, User):
        return user_to_graph(obj, selected=select)
    if isinstance(obj, Application):
        return application_to_graph(obj, beta=beta, with_keys=keys, selected=wanted)
    attributes = shows_attributes(select)
    return service_principal_to_graph(obj, beta=beta, with_keys=keys, with_custom_security_attributes=attributes)


def _in_v1(obj: DirectoryObject) -> bytes:
    return msgspec.json.encode(_encode(obj, None, beta=False))


def _in_beta(obj: DirectoryObject) -> bytes:
    return msgspec.json.encode(_encode(obj, None, beta=True))


def shows_attributes(select: odata.Names) -> bool:
    """Whether custom security attributes are asked for, which need a permission of their own."""
    return "customSecurityAttributes" in (select or ())


def list_objects(kind: ObjectKind, call: Call) -> Response:
    """GET /applications, GET /servicePrincipals."""
    asked = call.asked(COLLECTIONS[kind], expands=True)
    attributes = shows_attributes(asked.select)
    page = call.read(reading.list_objects, kind, asked.query, with_attributes=attributes)
    shown = expanded(kind, page.items, call, asked, lambda obj: encode(obj, call, asked.select))
    return call.page(page, shown, name_of(kind), asked)


def get_object(kind: ObjectKind, call: Call) -> Response:
    """GET /applications/{id}."""
    if not call.request.scope["query_string"] and not call.services.mischief:
        shape = _in_beta if call.beta else _in_v1
        return call.written_entity(call.read(reading.get_shaped, kind, call.key(), shape), name_of(kind))
    asked = call.asked(COLLECTIONS[kind], expands=True)
    obj = call.read(reading.get_object, kind, call.key(), with_attributes=shows_attributes(asked.select))
    shown = expanded(kind, (obj,), call, asked, lambda obj: encode(obj, call, asked.select))
    return call.expanded_entity(shown(obj), name_of(kind), asked)


@described(200, 204)
def get_property(kind: ObjectKind, call: Call) -> Response:
    """GET /applications/{id}/passwordCredentials, …/displayName: one property by its path."""
    obj = call.read(reading.get_object, kind, call.key())
    name = call.path("property")
    shown = {known.casefold(): (known, value) for known, value in encode(obj, call, (BEHAVIORS,)).items()}
    if name.casefold() not in shown:  # or a relationship: clients would take a 404 for "there is none"
        raise call.not_served()
    known, value = shown[name.casefold()]
    return no_content() if value is None else call.value(value, f"{name_of(kind)}('{obj.id}')/{known}")


@described(200, takes=json_schemas.ADD_PASSWORD, needs_body=False)
async def add_password(kind: ObjectKind, call: Call) -> Response:
    """POST /applications/{id}/addPassword. The only answer that ever holds the secret's text."""
    reading = await call.reading(add_password_from_graph)
    credential, text = await call.write(credentials.add_password, kind, call.key(), reading)
    root = call.base_url
    context = odata.context_url(root, call.version, "microsoft.graph.passwordCredential", None)
    shown = {"@odata.context": context, **password_to_graph(credential, secret_text=text)}
    return json_response(shown, headers={"location": root})


@described(204, takes=json_schemas.REMOVE_PASSWORD)
async def remove_password(kind: ObjectKind, call: Call) -> Response:
    """POST /applications/{id}/removePassword."""
    reading = await call.reading(remove_password_from_graph)
    await call.write(credentials.remove_password, kind, call.key(), reading)
    return no_content()


@described(200, takes=key_actions.ADD_KEY)
async def add_key(kind: ObjectKind, call: Call) -> Response:
    """POST /applications/{id}/addKey."""
    reading = await call.reading(key_actions.add_key_from_graph)
    credential = await call.write(key_rolling.add_key, kind, call.key(), reading)
    context = odata.context_url(call.base_url, call.version, "microsoft.graph.keyCredential", None)
    return json_response({"@odata.context": context, **key_to_graph(credential, with_key=False)})


@described(204, takes=key_actions.REMOVE_KEY)
async def remove_key(kind: ObjectKind, call: Call) -> Response:
    """POST /applications/{id}/removeKey."""
    reading = await call.reading(key_actions.remove_key_from_graph)
    await call.write(key_rolling.remove_key, kind, call.key(), reading)
    return no_content()


def _owners(kind: ObjectKind, call: Call) -> tuple[AnyObject, ...]:
    return call.read(reading.list_owners, kind, call.key())


@described(204, takes=json_schemas.REFERENCE)
async def add_owner(kind: ObjectKind, call: Call) -> Response:
    """POST /applications/{id}/owners/$ref."""
    await call.write(links.add_owner, kind, call.key(), await call.reading(reference_from_graph))
    return no_content()


async def remove_owner(kind: ObjectKind, call: Call) -> Response:
    """DELETE /applications/{id}/owners/{ownerId}/$ref."""
    await call.write(links.remove_owner, kind, call.key(), call.path("owner"))
    return no_content()


def list_assigned_policies(kind: ObjectKind, call: Call) -> Response:
    """GET /applications/{id}/appManagementPolicies: none or one."""
    assigned = call.read(reading.list_assigned_policies, kind, call.key())
    return call.whole(
        assigned,
        lambda policy: policy_to_graph(policy, beta=call.beta),
        "policies/appManagementPolicies",
        collections.APP_MANAGEMENT_POLICIES,
    )


def list_references_to_policies(kind: ObjectKind, call: Call) -> Response:
    """GET /applications/{id}/appManagementPolicies/$ref: the address alone."""
    assigned = call.read(reading.list_assigned_policies, kind, call.key())
    root = f"{call.base_url}/v2/{call.caller.tenant_id}"
    context = odata.context_url(call.base_url, call.version, "Collection($ref)", None)
    references = [policy_reference_to_graph(policy, root) for policy in assigned]
    return json_response({"@odata.context": context, "value": references})


@described(204, takes=json_schemas.REFERENCE)
async def assign_policy(kind: ObjectKind, call: Call) -> Response:
    """POST /applications/{id}/appManagementPolicies/$ref."""
    await call.write(policies.assign_policy, kind, call.key(), await call.reading(reference_from_graph))
    return no_content()


async def unassign_policy(kind: ObjectKind, call: Call) -> Response:
    """DELETE /applications/{id}/appManagementPolicies/{policyId}/$ref."""
    await call.write(policies.unassign_policy, kind, call.key(), call.path("policy"))
    return no_content()


def shared_routes(kind: ObjectKind) -> Routes:
    """The routes that both kinds have, as (method, path, handler); the property path comes last of all."""
    root = f"/{name_of(kind)}"
    handlers: list[tuple[str, str, Callable[[ObjectKind, Call], Response | Awaitable[Response]]]] = [
        ("GET", f"{root}/{{key}}", get_object),
        ("POST", f"{root}/{{key}}/addPassword", add_password),
        ("POST", f"{root}/{{key}}/removePassword", remove_password),
        ("POST", f"{root}/{{key}}/addKey", add_key),
        ("POST", f"{root}/{{key}}/removeKey", remove_key),
        ("POST", f"{root}/{{key}}/owners/$ref", add_owner),
        ("DELETE", f"{root}/{{key}}/owners/{{owner}}/$ref", remove_owner),
        ("GET", f"{root}/{{key}}/appManagementPolicies", list_assigned_policies),
        ("GET", f"{root}/{{key}}/appManagementPolicies/$ref", list_references_to_policies),
        ("POST", f"{root}/{{key}}/appManagementPolicies/$ref", assign_policy),
        ("DELETE", f"{root}/{{key}}/appManagementPolicies/{{policy}}/$ref", unassign_policy),
    ]
    owners = relationship(f"{root}/{{key}}/owners", "owner", partial(_owners, kind))
    listed = counted(root, partial(list_objects, kind))
    return [*listed, *owners, *((method, path, partial(handler, kind)) for method, path, handler in handlers)]


def property_route(kind: ObjectKind) -> Route:
    """GET of one property; matches whatever no other route of the kind does."""
    return ("GET", f"/{name_of(kind)}/{{key}}/{{property}}", partial(get_property, kind))


def get_directory_object(call: Call) -> Response:
    """GET /directoryObjects/{id}."""
    asked = call.asked(collections.DIRECTORY_OBJECTS)
    obj = call.read(reading.get_directory_object, call.path("key"))
    return call.entity(directory_object_to_graph(obj, beta=call.beta), "directoryObjects", select=asked.select)


@described(200, takes=json_schemas.IDS)
async def get_by_ids(call: Call) -> Response:
    """POST /directoryObjects/getByIds."""
    body = await call.body()
    ids = body.get("ids") if isinstance(body, dict) else None
    if not isinstance(ids, list) or not all(isinstance(text, str) for text in ids):
        raise Invalid("getByIds needs 'ids', a list of object ids.", target="ids")
    if len(ids) > MOST_IDS:
        raise Invalid(f"getByIds takes at most {MOST_IDS} ids.", target="ids")
    found = call.read(reading.get_by_ids, tuple(ids), _kinds(body.get("types")))
    answer = call.whole(
        found,
        lambda obj: directory_object_to_graph(obj, beta=call.beta),
        "directoryObjects",
        collections.DIRECTORY_OBJECTS,
    )
    answer.headers["location"] = call.base_url
    return answer


def _kinds(types: Any) -> frozenset[ObjectKind]:
    """The kinds that `types` names; all of them when it names none. Those that are not kept here have no objects."""
    if types is not None and not (isinstance(types, list) and all(isinstance(name, str) for name in types)):
        raise Invalid("'types' of getByIds is a list of names of resource types, such as user.", target="types")
    names = {name.casefold() for name in types or ("directoryObject",)}
    return frozenset(kind for kind in ObjectKind if names & {kind.value.casefold(), "directoryobject"})


ROUTES: Routes = [
    ("POST", "/directoryObjects/getByIds", get_by_ids),
    ("GET", "/directoryObjects/{key}", get_directory_object),
]
