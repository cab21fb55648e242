"""What clients ask about a person: who a token is for, and where a name signs in.

https://learn.microsoft.com/en-us/entra/identity-platform/userinfo; the user realm is what MSAL asks for before it sends
a password.
"""

from __future__ import annotations

import hashlib
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from unsecret.errors import Unauthenticated
from unsecret.model.identifiers import GRAPH_APP_ID
from unsecret.store import users
from unsecret.tenant.auth import authenticate
from unsecret.tenant.call import instant_of
from unsecret.tenant.certificates import base64url
from unsecret.tenant.settings import Services
from unsecret.tenant.signing_in.people import LONGEST_ACCOUNT, tenant_of_account
from unsecret.tenant.token_answers import answer

_NOT_STORED = {"Cache-Control": "no-store, no-cache", "Pragma": "no-cache"}


def user_info(request: Request) -> Response:
    """GET, POST /oidc/userinfo: the person whose token it is. Raises Unauthenticated."""
    services: Services = request.app.state.services
    caller = authenticate(request.headers.get("authorization"), services, instant_of(request))
    if caller.user is None:
        raise Unauthenticated("The token is an application's. Sign somebody in, with the scope openid.")
    with services.store.read() as conn:
        user = users.get(conn, caller.tenant_id, caller.user.id)
    if user is None or not user.account_enabled:
        raise Unauthenticated("The person whom this token is for is not in the directory any more.")
    named = f"{caller.tenant_id}/{user.id}/{GRAPH_APP_ID}"
    body: dict[str, Any] = {"sub": base64url(hashlib.sha256(named.encode()).digest()), "name": user.display_name}
    for claim, value in {
        "family_name": user.other.get("surname"),
        "given_name": user.other.get("givenName"),
        "email": user.mail,
    }.items():
        if value:
            body[claim] = value
    return JSONResponse(body, headers=_NOT_STORED)


def user_realm(request: Request) -> Response:
    """GET /common/userrealm/{account}: whether the domain of a name is one of ours. It tells nothing about the name."""
    services: Services = request.app.state.services
    account = request.path_params["account"][:LONGEST_ACCOUNT]
    with services.store.read() as conn:
        tenant = tenant_of_account(conn, account)
    known = {
        "account_type": "Managed",
        "domain_name": account.rpartition("@")[2],
        "cloud_instance_name": "microsoftonline.com",
        "cloud_audience_urn": "urn:federation:MicrosoftOnline",
    }
    return answer({"ver": "1.0", **(known if tenant else {"account_type": "Unknown"})}, request)
