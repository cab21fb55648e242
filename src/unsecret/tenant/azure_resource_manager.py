"""The little of Azure Resource Manager that Azure CLI asks for when it registers a cloud and signs in.

There is no Azure here: `/subscriptions` is truthfully empty, which is why `az login` needs
`--allow-no-subscriptions`.
"""

from __future__ import annotations

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
    """GET /subscriptions: none, to whoever holds a token for this resource."""
    _authenticate(request)
    return JSONResponse({"value": [], "count": {"type": "Total", "value": 0}})


def list_tenants(request: Request) -> Response:
    """GET /tenants: the caller's own."""
    tenant_id = _authenticate(request)
    return JSONResponse({"value": [{"id": f"/tenants/{tenant_id}", "tenantId": tenant_id}]})


def _authenticate(request: Request) -> str:
    services: Services = request.app.state.services
    return authenticate_arm(request.headers.get("authorization"), services, instant_of(request)).tenant_id


ROUTES = [
    Route("/metadata/endpoints", cloud_metadata, methods=["GET"]),
    Route("/subscriptions", list_subscriptions, methods=["GET"]),
    Route("/tenants", list_tenants, methods=["GET"]),
]
