"""/servicePrincipals: what signs in, and what it was granted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import cache, partial

from starlette.responses import Response

from unsecret.errors import UnsecretError
from unsecret.model.application import ObjectKind, ServicePrincipal
from unsecret.model.people import AnyObject
from unsecret.model.query import Page, Query
from unsecret.tenant.call import Call, Routes, json_response, no_content
from unsecret.tenant.certificates import CertificateFacts, read_certificate
from unsecret.tenant.description import described
from unsecret.tenant.directory_objects import encode, property_route, shared_routes
from unsecret.tenant.pki import new_self_signed, to_pem
from unsecret.tenant.relationships import owned_objects
from unsecret.tenant.use_cases import key_rolling, reading, service_principals
from unsecret.wire import json_schemas, key_actions, odata
from unsecret.wire.service_principals import service_principal_from_graph


@described(201, takes=json_schemas.NEW_SERVICE_PRINCIPAL)
async def create_service_principal(call: Call) -> Response:
    """POST /servicePrincipals."""
    reading = await call.reading(service_principal_from_graph)
    principal = await call.write(service_principals.create_service_principal, reading)
    return _made(call, principal)


def _made(call: Call, principal: ServicePrincipal) -> Response:
    return call.made(encode(principal, call, None), "servicePrincipals", "ServicePrincipal")


@described(201, 204, takes=json_schemas.SERVICE_PRINCIPAL)
async def update_service_principal(call: Call) -> Response:
    """PATCH /servicePrincipals/{id}: change it; by appId and with `Prefer: create-if-missing`, make it when it is not
    there."""
    key = call.key()
    if key.name != "appId" or not call.creates_if_missing:
        reading = await call.reading(service_principal_from_graph)
        await call.write(service_principals.update_service_principal, key, reading)
        return no_content()
    reading = await call.reading(partial(service_principal_from_graph, app_id=key.value))
    made = await call.write(service_principals.upsert_service_principal, key, reading)
    return no_content() if made is None else _made(call, made)


async def delete_service_principal(call: Call) -> Response:
    """DELETE /servicePrincipals/{id}."""
    await call.write(service_principals.delete_service_principal, call.key())
    return no_content()


@described(200, takes=key_actions.ADD_TOKEN_SIGNING_CERTIFICATE)
async def add_token_signing_certificate(call: Call) -> Response:
    """POST /servicePrincipals/{id}/addTokenSigningCertificate. The private key is made, and forgotten at once."""
    reading = await call.reading(key_actions.token_signing_from_graph)
    make = cache(partial(_self_signed, reading, call.circumstances.now))
    if call.read(key_rolling.may_sign, call.key()):  # a key takes long to make: nobody else should wait for it
        with suppress(UnsecretError):  # which is met again inside the transaction
            await asyncio.to_thread(make)
    public = await call.write(key_rolling.add_token_signing_certificate, call.key(), make)
    context = odata.context_url(call.base_url, call.version, "microsoft.graph.selfSignedCertificate", None)
    return json_response({"@odata.context": context, **key_actions.self_signed_certificate_to_graph(public)})


def _self_signed(reading: Callable[[], key_actions.TokenSigningRequest], now: datetime) -> CertificateFacts:
    asked = reading()
    lifetime = key_rolling.require_signing_end(asked.end_at, now) - now
    _, certificate = new_self_signed(asked.common_name, now=now, lifetime=lifetime)
    return read_certificate(to_pem(certificate))


def _owned(call: Call, query: Query, kind: ObjectKind | None) -> Page[AnyObject]:
    return call.read(reading.list_owned_objects, call.key(), query, kind)


ROUTES: Routes = [
    *shared_routes(ObjectKind.SERVICE_PRINCIPAL),
    ("POST", "/servicePrincipals", create_service_principal),
    ("PATCH", "/servicePrincipals/{key}", update_service_principal),
    ("DELETE", "/servicePrincipals/{key}", delete_service_principal),
    ("POST", "/servicePrincipals/{key}/addTokenSigningCertificate", add_token_signing_certificate),
    *owned_objects("/servicePrincipals/{key}", _owned),
    property_route(ObjectKind.SERVICE_PRINCIPAL),
]
