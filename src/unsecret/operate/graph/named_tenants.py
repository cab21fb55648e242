"""Tenants of Microsoft's clouds: where each is, and how to sign in to it. Values only; nothing is called.

https://learn.microsoft.com/en-us/graph/deployments (Graph's endpoints) and
https://learn.microsoft.com/en-us/entra/identity-platform/authentication-national-cloud (those of sign-in).
"""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct


class Cloud(Struct, frozen=True):
    """The origins of one national cloud."""

    authority: str
    graph: str


CLOUDS = {
    "global": Cloud("https://login.microsoftonline.com", "https://graph.microsoft.com"),
    "usgov": Cloud("https://login.microsoftonline.us", "https://graph.microsoft.us"),
    "usgovdod": Cloud("https://login.microsoftonline.us", "https://dod-graph.microsoft.us"),
    "china": Cloud("https://login.chinacloudapi.cn", "https://microsoftgraph.chinacloudapi.cn"),
}

DEVICE_CODE = "device-code"
AUTHS = (
    "default",
    "azure-cli",
    DEVICE_CODE,
    "certificate",
    "workload-identity",
    "managed-identity",
    "client-secret",
)
"""Ways of signing in; `default` tries those of DefaultAzureCredential one after another."""

LOCAL = "local"
"""The name of the tenant that `unsecret up` started last."""

AZURE = "azure"
"""The name of the tenant that the variables AZURE_TENANT_ID and AZURE_AUTHORITY_HOST speak of."""


class NamedTenant(Struct, frozen=True, kw_only=True):
    """One tenant and how to sign in to it.

    `tenant_id` is its id or one of its domains. `cloud` is a key of CLOUDS, or None where `authority` and `graph` were
    given instead. `certificate` is a PEM or PFX file with the private key, `token_file` one with a federated token,
    `ca` a PEM file with an authority to trust besides the public ones.
    """

    name: str
    tenant_id: str
    authority: str
    graph: str
    cloud: str | None = "global"
    auth: str = "default"
    client_id: str | None = None
    certificate: Path | None = None
    token_file: Path | None = None
    ca: Path | None = None


class AzureVariables(Struct, frozen=True, kw_only=True):
    """What the environment says in the words of azure-identity: AZURE_TENANT_ID and so on."""

    tenant_id: str | None = None
    client_id: str | None = None
    client_secret: str | None = None
    certificate: str | None = None
    certificate_password: str | None = None
    token_file: str | None = None
    authority_host: str | None = None


def cloud_of(authority_host: str) -> str | None:
    """The cloud that signs in at this host (`login.microsoftonline.us`, or its URL); None when it is none of them.

    Two of them sign in at the same host; the first is meant, which is the greater one.
    """
    host = authority_host.removeprefix("https://").rstrip("/").lower()
    return next((name for name, cloud in CLOUDS.items() if cloud.authority == f"https://{host}"), None)
