"""/applications: app registrations."""

from __future__ import annotations

from functools import partial

from starlette.responses import Response

from unsecret.model.application import Application, ObjectKind
from unsecret.tenant.call import Call, Routes, no_content
from unsecret.tenant.description import described
from unsecret.tenant.directory_objects import encode, property_route, shared_routes
from unsecret.tenant.use_cases import applications
from unsecret.wire import json_schemas
from unsecret.wire.applications import application_from_graph, behaviors_from_graph
from unsecret.wire.credentials import password_to_graph


@described(201, takes=json_schemas.NEW_APPLICATION)
async def create_application(call: Call) -> Response:
    """POST /applications."""
    reading = await call.reading(application_from_graph)
    return _made(call, *await call.write(applications.create_application, reading))


def _made(call: Call, application: Application, made: applications.Secrets) -> Response:
    shown = encode(application, call, None)
    shown["passwordCredentials"] = [password_to_graph(credential, secret_text=text) for credential, text in made]
    return call.made(shown, "applications", "Application")


@described(201, 204, takes=json_schemas.APPLICATION)
async def update_application(call: Call) -> Response:
    """PATCH /applications/{id}: change it; by uniqueName and with `Prefer: create-if-missing`, make it when it is not
    there."""
    key = call.key()
    if key.name != "uniqueName" or not call.creates_if_missing:
        reading = await call.reading(application_from_graph)
        await call.write(applications.update_application, key, reading)
        return no_content()
    reading = await call.reading(partial(application_from_graph, named=key.value))
    made = await call.write(applications.upsert_application, key, reading)
    return no_content() if made is None else _made(call, *made)


@described(204, takes=json_schemas.AUTHENTICATION_BEHAVIORS)
async def update_authentication_behaviors(call: Call) -> Response:
    """PATCH /applications/{id}/authenticationBehaviors: change what of it is named."""
    await call.write(applications.update_application, call.key(), await call.reading(behaviors_from_graph))
    return no_content()


async def delete_application(call: Call) -> Response:
    """DELETE /applications/{id}."""
    await call.write(applications.delete_application, call.key())
    return no_content()


ROUTES: Routes = [
    *shared_routes(ObjectKind.APPLICATION),
    ("POST", "/applications", create_application),
    ("PATCH", "/applications/{key}", update_application),
    ("PATCH", "/applications/{key}/authenticationBehaviors", update_authentication_behaviors),
    ("DELETE", "/applications/{key}", delete_application),
    property_route(ObjectKind.APPLICATION),
]
