"""The `[tenants.NAME]` tables of the settings file, and the AZURE_* variables, as values.

Everything that is wrong with a table is said before anybody is called, and with the place where it stands.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from unsecret.errors import Invalid
from unsecret.model.identifiers import canonical_guid
from unsecret.operate.graph.named_tenants import (
    AUTHS,
    AZURE,
    CLOUDS,
    DEVICE_CODE,
    LOCAL,
    AzureVariables,
    NamedTenant,
    cloud_of,
)

MOST_TENANTS = 500
LONGEST_VALUE = 1024  # characters

TENANT_KEYS: dict[str, str] = {
    "tenant_id": "Id of the tenant, or one of its domains. Default: `AZURE_TENANT_ID`.",
    "cloud": f"{', '.join(f'`{one}`' for one in CLOUDS)}. Default: `global`.",
    "auth": f"How to sign in: {', '.join(f'`{one}`' for one in AUTHS)}. Default: `default`.",
    "client_id": "Id of the application (or managed identity) to sign in as. Default: `AZURE_CLIENT_ID`.",
    "certificate": "PEM or PFX file with its private key and certificate. Default: `AZURE_CLIENT_CERTIFICATE_PATH`.",
    "token_file": "File with the federated token of a workload. Default: `AZURE_FEDERATED_TOKEN_FILE`.",
    "authority": "Where to sign in, in place of `cloud`: `https://login.example`. Goes with `graph`.",
    "graph": "Where Graph is, in place of `cloud`: `https://graph.example`. Goes with `authority`.",
    "ca": "PEM file of an authority to trust besides the public ones.",
}
"""What a table may hold, and what it means. docs/reference/settings.md is written from it."""

AZURE_VARIABLES: dict[str, str] = {
    "tenant_id": "AZURE_TENANT_ID",
    "client_id": "AZURE_CLIENT_ID",
    "client_secret": "AZURE_CLIENT_SECRET",
    "certificate": "AZURE_CLIENT_CERTIFICATE_PATH",
    "certificate_password": "AZURE_CLIENT_CERTIFICATE_PASSWORD",
    "token_file": "AZURE_FEDERATED_TOKEN_FILE",
    "authority_host": "AZURE_AUTHORITY_HOST",
}
"""Those of azure-identity's variables that speak of the tenant and of who signs in."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_DOMAIN = re.compile(
    r"(?=.{4,253}\Z)[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)+"
)
_SECRETS = ("secret", "client_secret", "password", "certificate_password")


def azure_variables(environ: Mapping[str, str]) -> AzureVariables:
    """What the environment says; a variable that is set to nothing is not set."""
    return AzureVariables(**{name: environ.get(variable) or None for name, variable in AZURE_VARIABLES.items()})


def is_tenant_id(text: str) -> bool:
    """Whether this is a tenant's id or domain; `common` and the like are no tenant."""
    return bool(canonical_guid(text) or _DOMAIN.fullmatch(text))


def named_tenants(tables: object, file: Path, home: Path, azure: AzureVariables) -> dict[str, NamedTenant]:
    """The tenants of the settings file, by name. Raises Invalid, which names the table and the key."""
    if not isinstance(tables, dict):
        raise Invalid(f"'tenants' in {file} must be tables: [tenants.NAME].", target="tenants")
    if len(tables) > MOST_TENANTS:
        raise Invalid(f"{file} has more than {MOST_TENANTS} tenants.", target="tenants")
    return {name: _named(name, table, f"[tenants.{name}] in {file}", home, azure) for name, table in tables.items()}


def _named(name: str, table: Any, where: str, home: Path, azure: AzureVariables) -> NamedTenant:
    if not _NAME.fullmatch(name) or name in (LOCAL, AZURE) or is_tenant_id(name):
        raise Invalid(
            f"{where}: choose another name: letters, digits, '-' and '_', not '{LOCAL}', '{AZURE}', an id or a domain."
        )
    values = _values(table, where)
    authority, graph, cloud = _place(values, where)
    auth = values.get("auth", "default")
    if auth not in AUTHS:
        raise Invalid(f"{where}: there is no auth '{auth}'. There are: {', '.join(AUTHS)}.", target="auth")
    whoever = None if auth == DEVICE_CODE else azure.client_id  # the variable speaks of a workload, not of a client
    return NamedTenant(
        name=name,
        tenant_id=values.get("tenant_id") or azure.tenant_id or "",
        authority=authority,
        graph=graph,
        cloud=cloud,
        auth=auth,
        client_id=values.get("client_id") or whoever,
        certificate=_file(values.get("certificate") or azure.certificate, home),
        token_file=_file(values.get("token_file") or azure.token_file, home),
        ca=_file(values.get("ca"), home),
    )


def unnamed_tenant(name: str, home: Path, azure: AzureVariables) -> NamedTenant:
    """The tenant with this id or domain, or the one that the environment speaks of, which is named `azure`.

    Raises Invalid when AZURE_AUTHORITY_HOST is the host of no cloud that is known.
    """
    cloud = cloud_of(azure.authority_host) if azure.authority_host else "global"
    if cloud is None:
        raise Invalid(
            f"{AZURE_VARIABLES['authority_host']} is {azure.authority_host}, which is none of the clouds "
            f"{', '.join(CLOUDS)}.",
            hint="Name the tenant in the settings file, with its authority and graph.",
        )
    return NamedTenant(
        name=name,
        tenant_id=(azure.tenant_id or "") if name == AZURE else name,
        authority=CLOUDS[cloud].authority,
        graph=CLOUDS[cloud].graph,
        cloud=cloud,
        client_id=azure.client_id,
        certificate=_file(azure.certificate, home),
        token_file=_file(azure.token_file, home),
    )


def _values(table: Any, where: str) -> dict[str, str]:
    if not isinstance(table, dict):
        raise Invalid(f"{where} is no table.")
    for key, value in table.items():
        if key in _SECRETS:
            raise Invalid(
                f"{where}: '{key}' is not kept in a file.",
                hint='Sign in without one: auth = "certificate" or "workload-identity". If it has to be, set '
                f'{AZURE_VARIABLES["client_secret"]}, and auth = "client-secret".',
            )
        if key not in TENANT_KEYS:
            raise Invalid(f"{where}: there is no key '{key}'. There are: {', '.join(TENANT_KEYS)}.")
        if not isinstance(value, str) or not 0 < len(value) <= LONGEST_VALUE:
            raise Invalid(f"{where}: '{key}' must be some text, of {LONGEST_VALUE} characters at most.")
    return table


def _place(values: Mapping[str, str], where: str) -> tuple[str, str, str | None]:
    """Authority, Graph and the name of the cloud, None when it has none."""
    given = [key for key in ("authority", "graph") if key in values]
    if not given:
        cloud = values.get("cloud", "global")
        if cloud not in CLOUDS:
            raise Invalid(f"{where}: there is no cloud '{cloud}'. There are: {', '.join(CLOUDS)}.", target="cloud")
        return CLOUDS[cloud].authority, CLOUDS[cloud].graph, cloud
    if len(given) == 1 or "cloud" in values:
        raise Invalid(f"{where}: 'authority' and 'graph' go together, and without 'cloud'.")
    return _origin(values, "authority", where), _origin(values, "graph", where), None


def _origin(values: Mapping[str, str], key: str, where: str) -> str:
    text = values[key].rstrip("/")
    try:
        parts = urlsplit(text)
        is_origin = parts.scheme == "https" and parts.hostname and parts.port != 0 and not parts.username
    except ValueError:
        is_origin = False
    if not is_origin or text != f"https://{parts.netloc}":
        raise Invalid(f"{where}: '{key}' must be https://HOST or https://HOST:PORT, not '{values[key]}'.", target=key)
    return text


def _file(text: str | None, home: Path) -> Path | None:
    if not text:
        return None
    return home / text[2:] if text.startswith("~/") else Path(text).absolute()


def require_complete(tenant: NamedTenant, azure: AzureVariables) -> NamedTenant:
    """The tenant itself. Raises Invalid when something is missing without which nobody can sign in to it."""
    where = f"Tenant '{tenant.name}'"
    if not is_tenant_id(tenant.tenant_id):
        said = f"not '{tenant.tenant_id}'" if tenant.tenant_id else f"and {AZURE_VARIABLES['tenant_id']} is not set"
        raise Invalid(f"{where}: 'tenant_id' must be a tenant's id or one of its domains, {said}.", target="tenant_id")
    if tenant.client_id is not None and canonical_guid(tenant.client_id) is None:
        raise Invalid(f"{where}: 'client_id' must be an id such as 5c1f2a57-0000-4000-8000-1d2c3b4a5f60.")
    needed: dict[str, dict[str, object]] = {
        "certificate": {"client_id": tenant.client_id, "certificate": tenant.certificate},
        "workload-identity": {"client_id": tenant.client_id, "token_file": tenant.token_file},
        "client-secret": {"client_id": tenant.client_id, "client_secret": azure.client_secret},
    }
    for key, value in needed.get(tenant.auth, {}).items():
        if not value:
            instead = "" if key == "client_secret" else f"'{key}' in the settings file, or "
            raise Invalid(f"{where}: auth '{tenant.auth}' needs {instead}{AZURE_VARIABLES[key]}.", target=key)
    return tenant
