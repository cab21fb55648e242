"""/directory/certificateAuthorities: the lists of trusted authorities that certificates can be held to (beta)."""

from __future__ import annotations

from starlette.responses import Response

from unsecret.tenant.call import Call, Routes, no_content
from unsecret.tenant.certificates import authority_facts
from unsecret.tenant.description import described
from unsecret.tenant.use_cases import policies, reading
from unsecret.wire import collections, json_schemas
from unsecret.wire.trusted_authorities import trusted_configuration_from_graph, trusted_configuration_to_graph

_ROOT = "/directory/certificateAuthorities/certificateBasedApplicationConfigurations"
_CONTEXT = _ROOT.removeprefix("/")


def list_trusted_configurations(call: Call) -> Response:
    """GET: the tenant's lists of authorities."""
    configurations = call.read(reading.list_trusted_configurations)
    return call.whole(configurations, trusted_configuration_to_graph, _CONTEXT, collections.TRUSTED_CONFIGURATIONS)


@described(200, takes=json_schemas.TRUSTED_CONFIGURATION)
async def create_trusted_configuration(call: Call) -> Response:
    """POST: keep a list of authorities. Graph answers 200 here, not 201."""
    body = trusted_configuration_from_graph(await call.body(), facts_of=authority_facts)
    configuration = await call.write(
        policies.create_trusted_configuration,
        body.display_name,
        body.description,
        body.trusted_certificate_authorities,
    )
    return call.entity(trusted_configuration_to_graph(configuration), _CONTEXT)


def get_trusted_configuration(call: Call) -> Response:
    """GET one list."""
    configuration = call.read(reading.get_trusted_configuration, call.path("key"))
    select = call.asked(collections.TRUSTED_CONFIGURATIONS).select
    return call.entity(trusted_configuration_to_graph(configuration), _CONTEXT, select=select)


async def delete_trusted_configuration(call: Call) -> Response:
    """DELETE one list."""
    await call.write(policies.delete_trusted_configuration, call.path("key"))
    return no_content()


BETA_ROUTES: Routes = [
    ("GET", _ROOT, list_trusted_configurations),
    ("POST", _ROOT, create_trusted_configuration),
    ("GET", f"{_ROOT}/{{key}}", get_trusted_configuration),
    ("DELETE", f"{_ROOT}/{{key}}", delete_trusted_configuration),
]
