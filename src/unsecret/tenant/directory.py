"""/directory/certificateAuthorities: the lists of trusted authorities that certificates can be held to (beta)."""

from __future__ import annotations

from functools import partial

from starlette.responses import Response

from unsecret.tenant.call import CREATED, Call, Routes, no_content
from unsecret.tenant.certificates import authority_facts
from unsecret.tenant.counting import counted
from unsecret.tenant.description import described
from unsecret.tenant.use_cases import policies, reading, trusted_authorities
from unsecret.wire import collections, json_schemas
from unsecret.wire.trusted_authorities import (
    authority_from_graph,
    authority_to_graph,
    trusted_configuration_from_graph,
    trusted_configuration_to_graph,
    trusted_properties_from_graph,
)

_ROOT = "/directory/certificateAuthorities/certificateBasedApplicationConfigurations"
_CONTEXT = _ROOT.removeprefix("/")
_AUTHORITIES = "trustedCertificateAuthorities"


def list_trusted_configurations(call: Call) -> Response:
    """GET: the tenant's lists of authorities."""
    configurations = call.read(reading.list_trusted_configurations)
    return call.whole(configurations, trusted_configuration_to_graph, _CONTEXT, collections.TRUSTED_CONFIGURATIONS)


@described(200, takes=json_schemas.TRUSTED_CONFIGURATION)
async def create_trusted_configuration(call: Call) -> Response:
    """POST: keep a list of authorities. Graph answers 200 here, not 201."""
    reading = await call.reading(partial(trusted_configuration_from_graph, facts_of=authority_facts))
    configuration = await call.write(policies.create_trusted_configuration, reading)
    return call.entity(trusted_configuration_to_graph(configuration), _CONTEXT)


def get_trusted_configuration(call: Call) -> Response:
    """GET one list."""
    configuration = call.read(reading.get_trusted_configuration, call.path("key"))
    select = call.asked(collections.TRUSTED_CONFIGURATIONS).select
    return call.entity(trusted_configuration_to_graph(configuration), _CONTEXT, select=select)


@described(200, takes=json_schemas.TRUSTED_CONFIGURATION_CHANGE)
async def update_trusted_configuration(call: Call) -> Response:
    """PATCH one list: its name and its description."""
    reading = await call.reading(trusted_properties_from_graph)
    changed = await call.write(trusted_authorities.update_trusted_configuration, call.path("key"), reading)
    return call.entity(trusted_configuration_to_graph(changed), _CONTEXT)


def list_trusted_authorities(call: Call) -> Response:
    """GET: the authorities of one list."""
    found = call.read(trusted_authorities.list_trusted_authorities, call.path("key"))
    return call.whole(found, authority_to_graph, _authorities(call), collections.TRUSTED_AUTHORITIES)


def get_trusted_authority(call: Call) -> Response:
    """GET one authority."""
    found = call.read(trusted_authorities.get_trusted_authority, call.path("key"), call.path("authority"))
    select = call.asked(collections.TRUSTED_AUTHORITIES).select
    return call.entity(authority_to_graph(found), _authorities(call), select=select)


@described(201, takes=json_schemas.TRUSTED_AUTHORITY)
async def create_trusted_authority(call: Call) -> Response:
    """POST: trust one authority more."""
    reading = await call.reading(partial(authority_from_graph, where="", facts_of=authority_facts))
    made = await call.write(trusted_authorities.create_trusted_authority, call.path("key"), reading)
    return call.entity(authority_to_graph(made), _authorities(call), status=CREATED)


@described(200, takes=json_schemas.TRUSTED_AUTHORITY_CHANGE)
async def update_trusted_authority(call: Call) -> Response:
    """PATCH one authority."""
    reading = await call.reading(authority_from_graph)
    changed = await call.write(
        trusted_authorities.update_trusted_authority,
        call.path("key"),
        call.path("authority"),
        lambda current: reading("", authority_facts, current),
    )
    return call.entity(authority_to_graph(changed), _authorities(call))


async def delete_trusted_authority(call: Call) -> Response:
    """DELETE one authority."""
    await call.write(trusted_authorities.delete_trusted_authority, call.path("key"), call.path("authority"))
    return no_content()


def _authorities(call: Call) -> str:
    return f"{_CONTEXT}('{call.path('key')}')/{_AUTHORITIES}"


async def delete_trusted_configuration(call: Call) -> Response:
    """DELETE one list."""
    await call.write(policies.delete_trusted_configuration, call.path("key"))
    return no_content()


BETA_ROUTES: Routes = [
    *counted(_ROOT, list_trusted_configurations),
    ("POST", _ROOT, create_trusted_configuration),
    ("GET", f"{_ROOT}/{{key}}", get_trusted_configuration),
    ("PATCH", f"{_ROOT}/{{key}}", update_trusted_configuration),
    ("DELETE", f"{_ROOT}/{{key}}", delete_trusted_configuration),
    *counted(f"{_ROOT}/{{key}}/{_AUTHORITIES}", list_trusted_authorities),
    ("POST", f"{_ROOT}/{{key}}/{_AUTHORITIES}", create_trusted_authority),
    ("GET", f"{_ROOT}/{{key}}/{_AUTHORITIES}/{{authority}}", get_trusted_authority),
    ("PATCH", f"{_ROOT}/{{key}}/{_AUTHORITIES}/{{authority}}", update_trusted_authority),
    ("DELETE", f"{_ROOT}/{{key}}/{_AUTHORITIES}/{{authority}}", delete_trusted_authority),
]
