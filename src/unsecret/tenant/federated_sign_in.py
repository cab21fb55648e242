"""Signing in with somebody else's token: an assertion whose issuer an application trusts.

https://learn.microsoft.com/en-us/entra/workload-id/workload-identity-federation. First the application's federated
credentials are compared with what the assertion says, and only when one agrees in everything is its issuer asked for
its keys. That is done before a grant looks at the directory, because an issuer may be slow; what it said travels with
the client. The comparison is made again on the snapshot that decides: whoever is no longer trusted gets nothing.

The tenants of this very server are asked in process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from unsecret.model.event import CredentialType
from unsecret.model.federation import FederatedIdentityCredential
from unsecret.model.identifiers import TenantId, canonical_guid
from unsecret.rules.federation import Mismatch, find_credential
from unsecret.store import federation, tenants
from unsecret.tenant.assertions import Assertion, read_assertion, require_time
from unsecret.tenant.discovery import v1_issuer
from unsecret.tenant.issuer_keys import IssuerKeys, require_issuer_signature
from unsecret.tenant.settings import ServerSettings, is_own_url
from unsecret.tenant.token_attempts import Asking
from unsecret.tenant.token_requests import Client
from unsecret.wire.aadsts import TokenRefused

if TYPE_CHECKING:
    from sqlalchemy import Connection

_REFUSALS = {
    Mismatch.ISSUER: 700211,
    Mismatch.AUDIENCE: 700212,
    Mismatch.SUBJECT: 700213,
    Mismatch.SUBJECT_CASE: 7002138,
    Mismatch.EXPRESSION: 7002131,
}


async def with_issuer_keys(asking: Asking, client: Client) -> Client:
    """`client`, with its assertion as it was read, and the keys of that one's issuer where its application trusts it.
    Refuses nothing: what is wrong is said once the client has been looked for, with everything else."""
    assertion = _readable(client)
    if assertion is None:
        return client
    client = msgspec.structs.replace(client, read=assertion)
    if not assertion.is_foreign:
        return client
    services = asking.services
    with services.store.read() as conn:
        trusted = _trusted(conn, asking, assertion)
        is_own = _is_own_issuer(conn, str(assertion.claims["iss"]), services.settings)
    if isinstance(trusted, Mismatch):
        return client
    if is_own:
        return msgspec.structs.replace(client, issuer_keys=IssuerKeys(tuple(services.signing.jwks()["keys"])))
    try:
        kid = assertion.names.get("kid")
        keys = await services.issuers.keys_of(trusted.issuer, kid=kid, now=asking.trace.machine_now)
    except TokenRefused as refused:
        return msgspec.structs.replace(client, issuer_keys=refused)
    return msgspec.structs.replace(client, issuer_keys=keys)


def require_trust(conn: Connection, asking: Asking, client: Client, assertion: Assertion) -> None:
    """Raise TokenRefused unless the application trusts the issuer, who really issued the assertion, and lately."""
    attempt = asking.attempt
    attempt.credential_type = CredentialType.FEDERATED_IDENTITY_CREDENTIAL
    trusted = _trusted(conn, asking, assertion)
    if isinstance(trusted, Mismatch):
        claims = assertion.claims
        raise TokenRefused(
            _REFUSALS[trusted], issuer=claims.get("iss"), subject=claims.get("sub"), audience=claims.get("aud")
        )
    attempt.federated_credential_id = trusted.id
    keys = client.issuer_keys
    if keys is None:
        raise TokenRefused(50166, reason="It was trusted only a moment ago; try again.")
    if isinstance(keys, TokenRefused):
        raise keys
    require_issuer_signature(assertion, keys)
    is_own = _is_own_issuer(conn, str(assertion.claims["iss"]), asking.services.settings)
    require_time(assertion, now=asking.trace.now if is_own else asking.trace.machine_now)


def _readable(client: Client) -> Assertion | None:
    """The assertion, if there is one that can be read."""
    try:
        return read_assertion(client.assertion) if client.assertion is not None else None
    except TokenRefused:
        return None


def _trusted(conn: Connection, asking: Asking, assertion: Assertion) -> FederatedIdentityCredential | Mismatch:
    credentials = federation.federated_credentials_of_app(conn, asking.tenant.id, asking.attempt.app_id)
    return find_credential(credentials, assertion.claims)


def _is_own_issuer(conn: Connection, issuer: str, settings: ServerSettings) -> bool:
    """Whether a tenant of this server issues tokens under this name, of either version."""
    name, _, rest = urlsplit(issuer).path.strip("/").partition("/")
    tenant_id = canonical_guid(name)
    if tenant_id is None or tenants.get_tenant(conn, TenantId(tenant_id)) is None:
        return False
    return issuer == v1_issuer(tenant_id) or (rest == "v2.0" and is_own_url(issuer, settings))
