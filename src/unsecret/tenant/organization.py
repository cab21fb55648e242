"""/organization: the tenant itself."""

from __future__ import annotations

from starlette.responses import Response

from unsecret.tenant.call import Call, Routes
from unsecret.tenant.use_cases import reading
from unsecret.tenant.use_cases.transaction import not_found
from unsecret.wire import collections
from unsecret.wire.directory import organization_to_graph


def list_organizations(call: Call) -> Response:
    """GET /organization: a collection of one, the tenant itself."""
    tenant = call.read(reading.get_organization)
    return call.whole((tenant,), organization_to_graph, "organization", collections.ORGANIZATION)


def get_organization(call: Call) -> Response:
    """GET /organization/{tenantId}."""
    tenant = call.read(reading.get_organization)
    if call.path("key").casefold() != tenant.id:
        raise not_found(call.path("key"))
    return call.entity(
        organization_to_graph(tenant), "organization", select=call.asked(collections.ORGANIZATION).select
    )


ROUTES: Routes = [
    ("GET", "/organization", list_organizations),
    ("GET", "/organization/{key}", get_organization),
]
