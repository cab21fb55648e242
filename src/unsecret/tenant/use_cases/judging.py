"""From the directory to the law and back: gather what `decide` needs, and refuse when it says so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from unsecret.errors import PolicyDenied
from unsecret.model.application import Application, DirectoryObject, ObjectKind, ServicePrincipal
from unsecret.model.change import Actor, Addition, AudienceSet, Governed, IdentifierUriAdded, RedirectUriAdded
from unsecret.model.people import User
from unsecret.model.policy import AppManagementPolicy, TenantDefault
from unsecret.rules.decide import decide
from unsecret.store import directory_objects, policies, tenants
from unsecret.tenant.use_cases.transaction import Transaction

V2_TOKENS = 2

_REDIRECT_URIS = {
    "web": "web_redirect_uris",
    "spa": "spa_redirect_uris",
    "publicClient": "public_client_redirect_uris",
}
"""Platform → the field of Application that holds its redirect URIs."""


def require_lawful(transaction: Transaction, target: DirectoryObject, change: Sequence[Addition]) -> None:
    """Raise PolicyDenied, with every reason, when a policy forbids `change` on `target`.

    `target` is the object as it will be. The policies are read here, in the transaction that will also write:
    once a stricter policy is committed, nothing it forbids can follow.
    """
    if not change:
        return
    default, custom = policies.in_force(transaction.conn, transaction.tenant_id, target.id)
    if not default.is_enabled and custom is None:
        return
    verdict = decide(
        default,
        custom,
        _governed(transaction, target, change),
        change,
        _actor(transaction, default, custom),
        now=transaction.now,
    )
    if not verdict.allowed:
        raise PolicyDenied(verdict.reasons)


def _governed(transaction: Transaction, target: DirectoryObject, change: Sequence[Addition]) -> Governed:
    if isinstance(target, ServicePrincipal):
        return Governed(
            kind=ObjectKind.SERVICE_PRINCIPAL,
            tenant_id=transaction.tenant_id,
            app_id=target.app_id,
            created_at=target.created_at,
        )
    adds_uris = any(isinstance(addition, IdentifierUriAdded) for addition in change)
    return Governed(
        kind=ObjectKind.APPLICATION,
        tenant_id=transaction.tenant_id,
        app_id=target.app_id,
        created_at=target.created_at,
        verified_domains=verified_domains(transaction) if adds_uris else (),
        requested_access_token_version=target.requested_access_token_version,
        signs_in_with_saml=adds_uris and _signs_in_with_saml(transaction, target),
    )


def _signs_in_with_saml(transaction: Transaction, application: Application) -> bool:
    principal = directory_objects.get_by_app_id(
        transaction.conn, transaction.tenant_id, ObjectKind.SERVICE_PRINCIPAL, application.app_id
    )
    return principal is not None and (principal.preferred_single_sign_on_mode or "").casefold() == "saml"


def verified_domains(transaction: Transaction) -> tuple[str, ...]:
    """The tenant's verified domains, the initial one among them."""
    tenant = tenants.get_tenant(transaction.conn, transaction.tenant_id)
    return tenant.verified_domains if tenant else ()


def _actor(transaction: Transaction, default: TenantDefault, custom: AppManagementPolicy | None) -> Actor:
    """The custom security attributes of who calls, read only when some entry asks for them: the service principal's,
    and on behalf of a user the user's as well. Either of them can be exempt."""
    entries = default.application_restrictions + default.service_principal_restrictions
    entries += custom.restrictions if custom else ()
    if not any(entry.exclude_actors for entry in entries):
        return Actor()
    principals = (transaction.signed_in_user(), transaction.client())
    return Actor(tuple(attributes_of(principal) for principal in principals if principal is not None))


def attributes_of(principal: ServicePrincipal | User) -> dict[str, str]:
    """`<AttributeSet>_<AttributeName>` → value; only single string values can exempt anybody."""
    return {
        f"{set_name}_{name}": value
        for set_name, attributes in principal.custom_security_attributes.items()
        for name, value in attributes.items()
        if isinstance(value, str)
    }


def application_additions(new: Application, old: Application | None) -> list[Addition]:
    """What `new` adds to `old` apart from credentials (everything, when it is being created)."""
    change: list[Addition] = [IdentifierUriAdded(uri) for uri in _added_identifier_uris(new, old)]
    if old is None or new.sign_in_audience != old.sign_in_audience:
        change.append(AudienceSet(new.sign_in_audience))
    for platform, field in _REDIRECT_URIS.items():
        before = () if old is None else getattr(old, field)
        change += [RedirectUriAdded(platform, uri) for uri in added(getattr(new, field), before)]
    return change


def added(after: Iterable[str], before: Iterable[str]) -> list[str]:
    """What `after` has and `before` has not, in order."""
    known = frozenset(before)
    return [one for one in after if one not in known]


def _added_identifier_uris(new: Application, old: Application | None) -> list[str]:
    """The URIs that are new; *all* of them when the application leaves v2 tokens, because the exemption that
    let them in falls away (Entra: an application with such URIs cannot switch back)."""
    leaves_v2 = (
        old is not None
        and old.requested_access_token_version == V2_TOKENS
        and new.requested_access_token_version != V2_TOKENS
    )
    return added(new.identifier_uris, () if old is None or leaves_v2 else old.identifier_uris)
