"""One test's tenant: how to reach it, and the few things that most tests do to it."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from msgspec import Struct

from unsecret.operate.clock import move_clock, read_clock, set_clock
from unsecret.operate.graph.client import GraphClient
from unsecret.operate.graph.connection import Connection
from unsecret.wire.instants import format_instant


class EntraApplication(Struct, frozen=True, kw_only=True):
    """An application of the tenant: its object id, its appId (what it signs in as), its service principal's id."""

    id: str
    app_id: str
    principal_id: str


class EntraClock:
    """The tenant's clock. It ticks, can be moved forwards, and is this tenant's alone."""

    def __init__(self, client: GraphClient):
        self._client = client

    @property
    def now(self) -> datetime:
        """What it says."""
        return read_clock(self._client)

    def move(self, **by: float) -> datetime:
        """Move it on, by `days=30` or whatever timedelta takes; what it says then. Clients have to sign in again
        when their tokens, which last about an hour, are over."""
        return move_clock(self._client, timedelta(**by))

    def set(self, instant: datetime) -> datetime:
        """Set it to an instant with a zone; what it says then. Raises Conflict when that has passed."""
        return set_clock(self._client, instant)


class EntraTenant:
    """A tenant of one's own.

    `tenant_id` and `domain` name it; `authority` (an origin) is where to sign in, `graph_url` where Graph is.
    `client_id` with `certificate`, a PEM file of certificate and key, is its administrator; `ca` is the authority to
    trust. Refusals of Graph are raised as the errors of `unsecret.errors`, with Graph's `code` and `message`.
    """

    def __init__(self, connection: Connection, *, domain: str, proxy: str | None):
        self._connection = connection
        self.tenant_id = connection.tenant_id
        self.domain = domain
        self.authority = connection.authority
        self.graph_url = connection.graph
        self.ca: Path = connection.ca
        self.client_id = connection.client_id
        self.certificate: Path = connection.certificate
        self._proxy = proxy

    @property
    def environment(self) -> dict[str, str]:
        """What a program has to be told to sign in as the administrator with azure-identity, and to trust the
        tenant. Instance discovery has to be off where that is not a matter of the environment."""
        ca = str(self.ca)
        return {
            "AZURE_TENANT_ID": self.tenant_id,
            "AZURE_CLIENT_ID": self.client_id,
            "AZURE_CLIENT_CERTIFICATE_PATH": str(self.certificate),
            "AZURE_AUTHORITY_HOST": self.authority,
            "AZURE_CORE_INSTANCE_DISCOVERY": "false",
            "SSL_CERT_FILE": ca,
            "REQUESTS_CA_BUNDLE": ca,
            "NODE_EXTRA_CA_CERTS": ca,
        }

    @property
    def intercepted_environment(self) -> dict[str, str]:
        """The same for a program that asks for Microsoft's own hosts: a proxy leads it here."""
        direct = {"AZURE_AUTHORITY_HOST", "AZURE_CORE_INSTANCE_DISCOVERY"}
        kept = {name: value for name, value in self.environment.items() if name not in direct}
        return kept | {"HTTPS_PROXY": self._proxy or "", "NO_PROXY": "localhost,127.0.0.1,::1"}

    @cached_property
    def client(self) -> GraphClient:
        """Signed in as the administrator: pages, retries, and errors as exceptions."""
        return GraphClient(self._connection)

    @cached_property
    def clock(self) -> EntraClock:
        """This tenant's time."""
        return EntraClock(self.client)

    def graph(self, method: str, path: str, json: Any = None) -> Any:
        """One request to Graph as the administrator; the body of the answer, None where there is none. `path`
        begins with /v1.0 or /beta, or /v1.0 is meant."""
        return self.client.send(method, path, body=json).body

    def new_application(self, display_name: str = "under test", **properties: Any) -> EntraApplication:
        """An application with its service principal; `properties` are Graph's."""
        made = self.graph("POST", "/applications", {"displayName": display_name, **properties})
        principal = self.graph("POST", "/servicePrincipals", {"appId": made["appId"]})
        return EntraApplication(id=made["id"], app_id=made["appId"], principal_id=principal["id"])

    def secret(self, application: EntraApplication, *, ends_at: datetime | None = None) -> str:
        """A new client secret, in clear. Raises PolicyDenied where a policy forbids it."""
        asked = {} if ends_at is None else {"endDateTime": format_instant(ends_at)}
        path = f"/applications/{application.id}/addPassword"
        return self.graph("POST", path, {"passwordCredential": asked})["secretText"]

    def sign_in(self, app_id: str, secret: str) -> str:
        """An access token for Graph, by secret. Raises Unauthenticated with the number that Entra would give."""
        return self.client.sign_in_by_secret(app_id, secret)

    def block_secrets(self) -> None:
        """Forbid new client secrets in the whole tenant, as `unsecret block` does in a tenant without policies."""
        kinds = ("passwordAddition", "symmetricKeyAddition")
        section = {"passwordCredentials": [{"restrictionType": kind, "state": "enabled"} for kind in kinds]}
        body = {"isEnabled": True, "applicationRestrictions": section, "servicePrincipalRestrictions": section}
        self.graph("PATCH", "/policies/defaultAppManagementPolicy", body)

    def close(self) -> None:
        """Hang up. The tenant stays."""
        if "client" in self.__dict__:
            self.client.__exit__(None, None, None)
