"""/applications/{id}/federatedIdentityCredentials: whose tokens an application may sign in with.

https://learn.microsoft.com/en-us/graph/api/resources/federatedidentitycredential. Of service principals only those of
managed identities have any, and they are made in Azure Resource Manager: here theirs can be looked at.
"""

from __future__ import annotations

from functools import partial

from starlette.responses import Response

from unsecret.model.application import ObjectKind
from unsecret.model.federation import FederatedIdentityCredential
from unsecret.tenant.call import CREATED, Call, Routes, name_of, no_content
from unsecret.tenant.counting import counted
from unsecret.tenant.description import described
from unsecret.tenant.use_cases import federation
from unsecret.wire import collections, json_schemas
from unsecret.wire.federation import federated_credential_from_graph, federated_credential_to_graph

_NAME = "federatedIdentityCredentials"


def list_federated_credentials(kind: ObjectKind, call: Call) -> Response:
    """GET: the credentials of one object."""
    asked = call.asked(_collection(call))
    target, page = call.read(federation.list_federated_credentials, kind, call.key(), asked.query)
    context = _context(kind, target.id)
    return call.page(page, lambda one: federated_credential_to_graph(one, beta=call.beta), context, asked)


def get_federated_credential(kind: ObjectKind, call: Call) -> Response:
    """GET one, by its id or its name."""
    select = call.asked(_collection(call)).select
    target, credential = call.read(federation.get_federated_credential, kind, call.key(), call.path("credential"))
    shown = federated_credential_to_graph(credential, beta=call.beta)
    return call.entity(shown, _context(kind, target.id), select=select)


@described(201, takes=json_schemas.NEW_FEDERATED_CREDENTIAL, takes_in_beta=json_schemas.NEW_BETA_FEDERATED_CREDENTIAL)
async def create_federated_credential(kind: ObjectKind, call: Call) -> Response:
    """POST: trust an issuer."""
    reading = await call.reading(partial(federated_credential_from_graph, beta=call.beta))
    target, credential = await call.write(
        federation.create_federated_credential,
        kind,
        call.key(),
        lambda existing, new_id: reading(existing=existing, new_id=new_id),
    )
    return _made(call, kind, target.id, credential)


@described(201, 204, takes=json_schemas.FEDERATED_CREDENTIAL, takes_in_beta=json_schemas.BETA_FEDERATED_CREDENTIAL)
async def update_federated_credential(kind: ObjectKind, call: Call) -> Response:
    """PATCH: change one; by name and with `Prefer: create-if-missing`, make it when it is not there."""
    reading = await call.reading(partial(federated_credential_from_graph, beta=call.beta))
    key = call.path("credential")
    named = key.removeprefix("name=") if key.startswith("name=") else None
    target, made = await call.write(
        federation.update_federated_credential,
        kind,
        call.key(),
        key,
        lambda existing, new_id: reading(existing=existing, new_id=new_id, named=None if existing else named),
        create_if_missing=named is not None and call.creates_if_missing,
    )
    return no_content() if made is None else _made(call, kind, target.id, made)


async def delete_federated_credential(kind: ObjectKind, call: Call) -> Response:
    """DELETE: trust it no longer."""
    await call.write(federation.delete_federated_credential, kind, call.key(), call.path("credential"))
    return no_content()


def _made(call: Call, kind: ObjectKind, object_id: str, credential: FederatedIdentityCredential) -> Response:
    shown = federated_credential_to_graph(credential, beta=call.beta)
    answer = call.entity(shown, _context(kind, object_id), status=CREATED)
    return call.placed(answer, f"{_NAME}/{credential.id}")


def _collection(call: Call) -> collections.Collection:
    return collections.BETA_FEDERATED_CREDENTIALS if call.beta else collections.FEDERATED_CREDENTIALS


def _context(kind: ObjectKind, object_id: str) -> str:
    return f"{name_of(kind)}('{object_id}')/{_NAME}"


def _reading(kind: ObjectKind) -> Routes:
    root = f"/{name_of(kind)}/{{key}}/{_NAME}"
    return [
        *counted(root, partial(list_federated_credentials, kind)),
        ("GET", f"{root}/{{credential}}", partial(get_federated_credential, kind)),
    ]


_OF_APPLICATIONS = f"/applications/{{key}}/{_NAME}"

ROUTES: Routes = [
    *_reading(ObjectKind.APPLICATION),
    ("POST", _OF_APPLICATIONS, partial(create_federated_credential, ObjectKind.APPLICATION)),
    ("PATCH", f"{_OF_APPLICATIONS}/{{credential}}", partial(update_federated_credential, ObjectKind.APPLICATION)),
    ("DELETE", f"{_OF_APPLICATIONS}/{{credential}}", partial(delete_federated_credential, ObjectKind.APPLICATION)),
    *_reading(ObjectKind.SERVICE_PRINCIPAL),
]
