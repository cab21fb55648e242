"""Whoever prepares the ground for a client: signs in with the tenant's own certificate and speaks bare Graph.

Deliberately not the product's own client: what the strangers see must not depend on it.
"""

from __future__ import annotations

import base64
import ssl
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx2
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from joserfc import jwt
from joserfc.jwk import RSAKey

if TYPE_CHECKING:
    from tests.clients.certificates import Certificate
    from tests.running_tenant import RunningTenant

THROTTLED, MOST_REFUSALS = 429, 3
MICROSOFT_GRAPH = "00000003-0000-0000-c000-000000000000"
# What a client needs that manages applications and the policies that govern them.
MANAGER_ROLES = ("Application.ReadWrite.All", "Policy.Read.All", "Policy.ReadWrite.ApplicationConfiguration")


@dataclass(frozen=True)
class Registered:
    """An application that has a service principal in this tenant."""

    object_id: str
    app_id: str
    service_principal_id: str
    display_name: str


class Administrator:
    """Calls Graph as the tenant's administrator application. Unless it `keeps_alive`, each request makes a connection
    of its own."""

    def __init__(self, tenant: RunningTenant, *, keeps_alive: bool = True):
        trust = ssl.create_default_context(cafile=tenant.ca)
        limits = httpx2.Limits(max_keepalive_connections=None if keeps_alive else 0)
        self._http = httpx2.Client(base_url=tenant.graph, verify=trust, trust_env=False, timeout=30, limits=limits)
        self.client_id = tenant.client_id
        self.last_assertion = ""
        try:
            self.token = self._sign_in(tenant)
        except BaseException:
            self._http.close()
            raise
        self._http.headers["Authorization"] = f"Bearer {self.token}"

    def close(self) -> None:
        self._http.close()

    def send(self, method: str, path: str, body: Any = None, *, token: str | None = None) -> httpx2.Response:
        """One request to `/v1.0{path}`, whatever the answer is; with another caller's token if given. One that is
        throttled is sent again at once: mischief is for the client under test, and nobody waits for a test's own."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        for _ in range(MOST_REFUSALS):
            response = self._http.request(method, f"/v1.0{path}", json=body, headers=headers)
            if response.status_code != THROTTLED:
                return response
        return self._http.request(method, f"/v1.0{path}", json=body, headers=headers)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One request that must succeed; its decoded body, None where there is none."""
        response = self.send(method, path, body)
        assert response.is_success, f"{method} {path}: {response.status_code} {response.text}"
        return response.json() if response.content else None

    def register(self, display_name: str, *roles: str) -> Registered:
        """A new application with its service principal, granted these application permissions of Graph."""
        app = self.call("POST", "/applications", {"displayName": display_name})
        principal = self.call("POST", "/servicePrincipals", {"appId": app["appId"]})
        registered = Registered(app["id"], app["appId"], principal["id"], display_name)
        if roles:
            self.grant(registered, *roles)
        return registered

    def grant(self, app: Registered, *roles: str) -> None:
        graph = self.call("GET", f"/servicePrincipals(appId='{MICROSOFT_GRAPH}')")
        role_ids = {role["value"]: role["id"] for role in graph["appRoles"]}
        for role in roles:
            self.call(
                "POST",
                f"/servicePrincipals/{app.service_principal_id}/appRoleAssignments",
                {"principalId": app.service_principal_id, "resourceId": graph["id"], "appRoleId": role_ids[role]},
            )

    def add_password(self, app: Registered) -> str:
        """A new secret of the application, as text."""
        return self.call("POST", f"/applications/{app.object_id}/addPassword", {})["secretText"]

    def add_certificate(self, app: Registered, certificate: Certificate) -> None:
        """Make this the application's only certificate."""
        key = {"type": "AsymmetricX509Cert", "usage": "Verify", "key": certificate.der}
        self.call("PATCH", f"/applications/{app.object_id}", {"keyCredentials": [key]})

    def block_secrets(self, *, enabled: bool = True) -> str:
        """Forbid (or allow again) new secrets by the tenant's default policy; the id of that policy."""
        state = "enabled" if enabled else "disabled"
        restrictions = {"passwordCredentials": [{"restrictionType": "passwordAddition", "state": state}]}
        policy = {"isEnabled": enabled, "applicationRestrictions": restrictions}
        self.call("PATCH", "/policies/defaultAppManagementPolicy", policy)
        return self.call("GET", "/policies/defaultAppManagementPolicy")["id"]

    def request_token(self, tenant: RunningTenant, client_id: str, **credential: str) -> httpx2.Response:
        """One request to the token endpoint, whatever the answer is, with client_secret or client_assertion."""
        form = {"grant_type": "client_credentials", "client_id": client_id, "scope": f"{tenant.graph}/.default"}
        if "client_assertion" in credential:
            form["client_assertion_type"] = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        return self._http.post(_token_endpoint(tenant), data=form | credential)

    def _sign_in(self, tenant: RunningTenant) -> str:
        self.last_assertion = _client_assertion(tenant, _token_endpoint(tenant))
        response = self.request_token(tenant, tenant.client_id, client_assertion=self.last_assertion)
        assert response.is_success, response.text
        return response.json()["access_token"]


def _token_endpoint(tenant: RunningTenant) -> str:
    return f"{tenant.authority}/{tenant.tenant_id}/oauth2/v2.0/token"


def _client_assertion(tenant: RunningTenant, audience: str) -> str:
    pem = tenant.certificate.read_bytes()
    thumbprint = x509.load_pem_x509_certificate(pem).fingerprint(hashes.SHA256())
    header = {"alg": "PS256", "x5t#S256": base64.urlsafe_b64encode(thumbprint).decode().rstrip("=")}
    now = int(time.time())
    who = {"iss": tenant.client_id, "sub": tenant.client_id, "aud": audience, "jti": str(uuid.uuid4())}
    claims = {**who, "iat": now, "nbf": now, "exp": now + 300}
    return jwt.encode(header, claims, RSAKey.import_key(pem), algorithms=["PS256"])
