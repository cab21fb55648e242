"""An application's token for itself.

https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-client-creds-grant-flow. The client is
authenticated before anything is said about what it may have.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from unsecret.model.application import ServicePrincipal
from unsecret.store.directory_roles import roles_of
from unsecret.tenant.client_authentication import require_client
from unsecret.tenant.signing_in.scopes import OPENID_CONNECT
from unsecret.tenant.token_answers import Trace
from unsecret.tenant.token_attempts import Asking, record
from unsecret.tenant.token_claims import EXPIRES_IN, Granted, claims_of
from unsecret.tenant.token_requests import Client, Endpoint, capabilities, required
from unsecret.tenant.token_resources import Resource, find_resource, granted_roles
from unsecret.wire.aadsts import TokenRefused

_DEFAULT = "/.default"
_FOR_PEOPLE = frozenset(OPENID_CONNECT)


class _Asked(Struct, frozen=True, kw_only=True):
    """`resource` is the identifier as it was asked for; `capabilities` are what the client says it can handle
    (`CP1`: continuous access evaluation)."""

    client: Client
    resource: str
    capabilities: tuple[str, ...]


async def issue(asking: Asking, form: Mapping[str, str], client: Client) -> dict[str, Any]:
    """The answer to `grant_type=client_credentials`. Raises TokenRefused."""
    granted = _judge(asking, _read(form, client, asking.endpoint))
    recorded = record(asking, None)  # on its way to the disk while the token is being signed
    token = asking.services.signing.sign(claims_of(granted, asking.trace, authority=asking.authority))
    await recorded
    return _body(token, granted, asking.trace, asking.endpoint)


def _read(form: Mapping[str, str], client: Client, endpoint: Endpoint) -> _Asked:
    """What `client` asks for. Raises TokenRefused for what no credential could make right."""
    if client.secret is None and client.assertion is None:
        raise TokenRefused(7000216)
    resource = _v2_resource(form) if endpoint is Endpoint.V2 else required(form, "resource")
    return _Asked(client=client, resource=resource, capabilities=capabilities(form.get("claims")))


def _v2_resource(form: Mapping[str, str]) -> str:
    """The resource of `<resource>/.default`; a resource that ends in a slash is written with two. MSAL for Java sends
    the scopes of OpenID Connect with every grant, in any order: to an application they mean nothing."""
    if "resource" in form:
        raise TokenRefused(901002)
    scope = required(form, "scope")
    scopes = set(scope.split()) - _FOR_PEOPLE
    if len(scopes) > 1:
        raise TokenRefused(70011, scope=scope)
    asked = next(iter(scopes), "")
    resource = asked.removesuffix(_DEFAULT)
    if not resource or resource == asked:
        raise TokenRefused(1002012, scope=scope)
    return resource


def _judge(asking: Asking, asked: _Asked) -> Granted:
    """What may be issued for `asked`, on one snapshot of the directory. Raises TokenRefused."""
    attempt, tenant = asking.attempt, asking.tenant
    with asking.services.store.questions(tenant.id) as questions:
        principal = require_client(questions, asking, asked.client)
        attempt.resource = find_resource(questions, tenant, asked.resource, asking.services.settings)
        roles = questions.ask(granted_roles, principal.id, attempt.resource.principal.app_id)
        held = questions.ask(roles_of, principal.id) if attempt.resource.is_microsoft else ()
    if roles is None and attempt.resource.principal.other.get("appRoleAssignmentRequired"):
        raise _not_assigned(principal, attempt.resource)
    return Granted(
        tenant=tenant,
        client=principal,
        resource=attempt.resource,
        roles=list(roles or ()),
        directory_roles=sorted(held),
        credential_type=attempt.credential_type,
        capabilities=asked.capabilities,
    )


def _not_assigned(client: ServicePrincipal, resource: Resource) -> TokenRefused:
    """The resource wants everybody to be assigned (`appRoleAssignmentRequired`), and this client is not."""
    return TokenRefused(
        501051,
        app=client.app_id,
        name=client.display_name,
        resource=resource.principal.app_id,
        resource_name=resource.principal.display_name,
    )


def _body(token: str, granted: Granted, trace: Trace, endpoint: Endpoint) -> dict[str, Any]:
    """The v1.0 endpoint writes its numbers as text, and repeats the resource."""
    if endpoint is Endpoint.V2:
        return {
            "token_type": "Bearer",
            "expires_in": EXPIRES_IN,
            "ext_expires_in": EXPIRES_IN,
            "access_token": token,
        }
    starts = int(trace.now.timestamp())
    return {
        "token_type": "Bearer",
        "expires_in": str(EXPIRES_IN),
        "ext_expires_in": str(EXPIRES_IN),
        "expires_on": str(starts + EXPIRES_IN),
        "not_before": str(starts),
        "resource": granted.resource.identifier,
        "access_token": token,
    }
