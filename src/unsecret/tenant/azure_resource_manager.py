"""The little of Azure Resource Manager that clients ask for when they register a cloud and sign in.

There is no Azure here: `/subscriptions` is truthfully empty, which is why `az login` needs
`--allow-no-subscriptions`. Who works only where there is one is shown one, by setting, with nothing in it.
https://learn.microsoft.com/en-us/rest/api/resources/subscriptions/list
"""

from __future__ import annotations

import uuid
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from unsecret.tenant.auth import authenticate_arm
from unsecret.tenant.call import instant_of
from unsecret.tenant.settings import Services, origin


def cloud_metadata(request: Request) -> Response:
    """GET /metadata/endpoints: what `az cloud register --endpoint-resource-manager` reads. An object, never a
    list: Azure CLI indexes it by name."""
    services: Services = request.app.state.services
    base = origin(request.headers.get("host"), services.settings)
    return JSONResponse(
        {
            "name": "unsecret",
            "portal": base,
            "resourceManager": base,
            "authentication": {
                "loginEndpoint": base,
                "audiences": [f"{base}/"],
                "tenant": "common",
                "identityProvider": "AAD",
            },
            "graph": f"{base}/",
            "graphAudience": f"{base}/",
            "microsoftGraphResourceId": f"{base}/",
            "suffixes": {},
            "activeDirectoryDataLake": "",
        }
    )


def list_subscriptions(request: Request) -> Response:
    """GET /subscriptions: none, or by setting one, to whoever holds a token for this resource."""
    found = _subscriptions(request)
    return JSONResponse({"value": found, "count": {"type": "Total", "value": len(found)}})


def list_locations(request: Request) -> Response:
    """GET /subscriptions/{subscription}/locations: none, because nothing can be made there."""
    wanted = request.path_params["subscription"].casefold()
    if wanted not in [subscription["subscriptionId"] for subscription in _subscriptions(request)]:
        error = {"code": "SubscriptionNotFound", "message": f"The subscription '{wanted}' could not be found."}
        return JSONResponse({"error": error}, 404)
    return JSONResponse({"value": []})


def list_tenants(request: Request) -> Response:
    """GET /tenants: the caller's own."""
    tenant_id = _authenticate(request)
    return JSONResponse({"value": [{"id": f"/tenants/{tenant_id}", "tenantId": tenant_id}]})


def _subscriptions(request: Request) -> list[dict[str, Any]]:
    """What the caller may see. The id is made of the tenant's, so that it is the same after every start."""
    tenant_id = _authenticate(request)
    services: Services = request.app.state.services
    if not services.settings.subscription:
        return []
    subscription_id = str(uuid.uuid5(uuid.UUID(tenant_id), "subscription"))
    return [
        {
            "id": f"/subscriptions/{subscription_id}",
            "authorizationSource": "RoleBased",
            "managedByTenants": [],
            "subscriptionId": subscription_id,
            "tenantId": tenant_id,
            "displayName": "Rehearsal",
            "state": "Enabled",
            "subscriptionPolicies": {
                "locationPlacementId": "Public_2014-09-01",
                "quotaId": "PayAsYouGo_2014-09-01",
                "spendingLimit": "Off",
            },
        }
    ]


def _authenticate(request: Request) -> str:
    services: Services = request.app.state.services
    return authenticate_arm(request.headers.get("authorization"), services, instant_of(request)).tenant_id


ROUTES = [
    Route("/metadata/endpoints", cloud_metadata, methods=["GET"]),
    Route("/subscriptions", list_subscriptions, methods=["GET"]),
    Route("/subscriptions/{subscription}/locations", list_locations, methods=["GET"]),
    Route("/tenants", list_tenants, methods=["GET"]),
]
