"""What has been agreed to, what is still to be asked, and who may agree.

https://learn.microsoft.com/en-us/entra/identity-platform/permissions-consent-overview. A client may have what Microsoft
agreed with it (its own clients), what the resource agreed beforehand (`preAuthorizedApplications`), and what was
granted to it for everybody or for this person (`oauth2PermissionGrants`).
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from unsecret.model.application import ObjectKind, ServicePrincipal, Tenant
from unsecret.model.consent import ConsentType, OAuth2PermissionGrant
from unsecret.model.event import Activity, ModifiedProperty, OperationType
from unsecret.model.identifiers import GRAPH_APP_ID, ObjectId
from unsecret.store import consent, directory_objects, directory_roles, links
from unsecret.tenant.settings import ServerSettings
from unsecret.tenant.signing_in.people import Person
from unsecret.tenant.signing_in.registrations import Registration
from unsecret.tenant.signing_in.scopes import (
    OPENID_CONNECT,
    AskedScopes,
    OfferedScope,
    offered_scopes,
    require_resource,
)
from unsecret.tenant.token_resources import Resource
from unsecret.tenant.use_cases.links import permission_grant_id
from unsecret.tenant.use_cases.transaction import Transaction
from unsecret.wire.aadsts import TokenRefused
from unsecret.wire.directory import offered_app_roles
from unsecret.wire.logs import as_json

if TYPE_CHECKING:
    from sqlalchemy import Connection

CONSENTING_ROLES = frozenset(
    {
        "62e90394-69f5-4237-9190-012177145e10",  # Global Administrator
        "e8611ab8-c189-46e8-94e1-60213ab1f814",  # Privileged Role Administrator
        "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3",  # Application Administrator
        "158c047a-c907-4556-b7ef-446551a6b5f7",  # Cloud Application Administrator
    }
)
"""Who may agree to delegated permissions for others.
https://learn.microsoft.com/en-us/entra/identity/enterprise-apps/grant-admin-consent#prerequisites"""

GRANTING_ROLES = frozenset({"62e90394-69f5-4237-9190-012177145e10", "e8611ab8-c189-46e8-94e1-60213ab1f814"})
"""Who may agree to application permissions of Microsoft Graph, too."""


class Wanted(Struct, frozen=True, kw_only=True):
    """One permission of a resource that has not been agreed to."""

    resource: ServicePrincipal
    scope: OfferedScope


class Judged(Struct, frozen=True, kw_only=True):
    """What a client may have for a person: `scope`, once nothing is `missing`."""

    resource: Resource
    scope: tuple[str, ...]
    missing: tuple[Wanted, ...]
    directory_roles: frozenset[str]
    roles: tuple[str, ...]

    @property
    def is_administrator(self) -> bool:
        """Whether the person may agree for everybody."""
        return bool(self.directory_roles & CONSENTING_ROLES)

    @property
    def needs_administrator(self) -> bool:
        """Whether something is missing that the person may not agree to."""
        return not self.is_administrator and any(wanted.scope.admin_only for wanted in self.missing)


def judge(
    conn: Connection,
    tenant: Tenant,
    client: Registration,
    asked: AskedScopes,
    *,
    person: Person,
    settings: ServerSettings,
) -> Judged:
    """What `client` may have of `asked` for `person`. Raises TokenRefused as `require_resource`, and 50105 when the
    client is for assigned people only and this one is not."""
    _require_assigned(conn, tenant, client, person)
    resource, named = require_resource(conn, tenant, asked, settings, client.name)
    graph = _graph(conn, tenant, resource)
    agreed = _agreed(conn, tenant, client, resource.principal, person) | _agreed_beforehand(resource, client)
    about_people = agreed if graph.id == resource.principal.id else _agreed(conn, tenant, client, graph, person)
    offered = offered_scopes(resource.principal)
    if asked.default and not agreed - set(OPENID_CONNECT):
        named = _required(client, resource.principal, offered.values())
    missing = [Wanted(resource=resource.principal, scope=scope) for scope in named if scope.value not in agreed]
    if not agreed and not about_people:  # whoever agreed to anything agreed to being signed in
        missing += _sign_in_scopes(graph, asked)
    scope = sorted({scope.value for scope in offered.values()} & agreed | {scope.value for scope in named})
    if graph.id == resource.principal.id:
        scope = list(dict.fromkeys([*scope, *asked.openid_connect]))
    if asked.default and not scope and not missing:
        raise TokenRefused(65001, app=client.app_id, name=client.name)
    return Judged(
        resource=resource,
        scope=tuple(scope),
        missing=tuple(missing),
        directory_roles=directory_roles.roles_of(conn, tenant.id, person.user.id),
        roles=_app_roles(conn, tenant, resource.principal, person),
    )


def agree(transaction: Transaction, client: ServicePrincipal, missing: Iterable[Wanted], *, for_all: bool) -> None:
    """Write a consent down, for everybody or for the person who gives it, and that it was given."""
    conn, tenant_id = transaction.conn, transaction.tenant_id
    principal = None if for_all else transaction.caller_id
    by_resource: dict[ObjectId, list[str]] = {}
    for wanted in missing:
        by_resource.setdefault(wanted.resource.id, []).append(wanted.scope.value)
    held = consent.grants_of_client(conn, tenant_id, client.id)
    written: list[str] = []
    for resource_id, values in by_resource.items():
        before = next(
            (grant for grant in held if (grant.resource_id, grant.principal_id) == (resource_id, principal)), None
        )
        if before is not None:
            scope = " ".join(dict.fromkeys([*before.scope.split(), *values]))
            consent.replace(conn, tenant_id, msgspec.structs.replace(before, scope=scope))
            written.append(before.id)
            continue
        grant = OAuth2PermissionGrant(
            id=permission_grant_id(client.id, resource_id, principal),
            client_id=client.id,
            consent_type=ConsentType.ALL_PRINCIPALS if principal is None else ConsentType.PRINCIPAL,
            principal_id=principal,
            resource_id=resource_id,
            scope=" ".join(values),
        )
        consent.add(conn, tenant_id, grant)
        written.append(grant.id)
    _record(transaction, client, by_resource, written, for_all=for_all)


def _record(
    transaction: Transaction,
    client: ServicePrincipal,
    by_resource: dict[ObjectId, list[str]],
    grants: Iterable[str],
    *,
    for_all: bool,
) -> None:
    """The names of the properties are those of live records of "Consent to application"."""
    scopes = [f"ResourceId: {resource_id}, Scope: {' '.join(values)}" for resource_id, values in by_resource.items()]
    transaction.attempt_on(client, Activity.CONSENT_TO_APPLICATION, OperationType.ASSIGN)
    transaction.record(
        ModifiedProperty("ConsentContext.OnBehalfOfAll", None, as_json(str(for_all))),
        ModifiedProperty("ConsentAction.Permissions", None, as_json("; ".join(scopes))),
        grants=grants,
    )


def mark_of(wanted: Iterable[Wanted]) -> str:
    """What a page that asks for `wanted` carries along, so that nothing else is agreed to by its answer: the
    application's owner may have changed what it requires while somebody was reading."""
    named = sorted(f"{one.resource.id} {one.scope.id} {one.scope.value}" for one in wanted)
    return hashlib.sha256("\n".join(named).encode()).hexdigest()


def require_agreed(judged: Judged, client: Registration) -> None:
    """For where nobody can be asked. Raises TokenRefused 65001 when something has not been agreed to."""
    if judged.missing:
        raise TokenRefused(65001, app=client.app_id, name=client.name)


def _graph(conn: Connection, tenant: Tenant, resource: Resource) -> ServicePrincipal:
    if resource.principal.app_id == GRAPH_APP_ID:
        return resource.principal
    found = directory_objects.get_by_app_id(conn, tenant.id, ObjectKind.SERVICE_PRINCIPAL, GRAPH_APP_ID)
    return found or resource.principal


def _agreed(
    conn: Connection,
    tenant: Tenant,
    client: Registration,
    resource: ServicePrincipal,
    person: Person,
) -> set[str]:
    agreed: set[str] = set()
    if client.first_party is not None:
        agreed |= client.first_party.agreed.get(resource.app_id, frozenset())
    if client.principal is not None:
        for grant in consent.grants_of_client(conn, tenant.id, client.principal.id):
            if grant.resource_id == resource.id and grant.principal_id in (None, person.user.id):
                agreed |= set(grant.scope.split())
    return agreed


def _agreed_beforehand(resource: Resource, client: Registration) -> set[str]:
    """What the resource's own application says that this client may have without being asked."""
    api = resource.application.other.get("api") or {} if resource.application else {}
    ids = {
        scope_id
        for entry in api.get("preAuthorizedApplications") or ()
        if entry.get("appId") == client.app_id
        for scope_id in entry.get("delegatedPermissionIds") or ()
    }
    return {scope.value for scope in offered_scopes(resource.principal).values() if scope.id in ids}


def _required(
    client: Registration, resource: ServicePrincipal, offered: Iterable[OfferedScope]
) -> tuple[OfferedScope, ...]:
    """The permissions on `resource` that the application lists as required: what `.default` asks consent for."""
    required = client.application.other.get("requiredResourceAccess") or () if client.application else ()
    ids = {
        access.get("id")
        for entry in required
        if entry.get("resourceAppId") == resource.app_id
        for access in entry.get("resourceAccess") or ()
        if access.get("type") == "Scope"
    }
    return tuple(scope for scope in offered if scope.id in ids)


def _sign_in_scopes(graph: ServicePrincipal, asked: AskedScopes) -> list[Wanted]:
    offered = offered_scopes(graph)
    return [Wanted(resource=graph, scope=offered[value]) for value in asked.openid_connect if value in offered]


def _require_assigned(conn: Connection, tenant: Tenant, client: Registration, person: Person) -> None:
    principal = client.principal
    if principal is None or not principal.other.get("appRoleAssignmentRequired"):
        return
    assigned = links.app_role_assignments(conn, tenant.id, person.user.id)
    if not any(assignment.resource_id == principal.id for assignment in assigned):
        raise TokenRefused(50105, account=person.user.user_principal_name, app=client.app_id, name=client.name)


def _app_roles(conn: Connection, tenant: Tenant, resource: ServicePrincipal, person: Person) -> tuple[str, ...]:
    assigned = {
        assignment.app_role_id
        for assignment in links.app_role_assignments(conn, tenant.id, person.user.id)
        if assignment.resource_id == resource.id
    }
    roles = offered_app_roles(resource, assigned)
    return tuple(role.value for role in roles if role.value and role.is_enabled)


def new_family() -> str:
    """What everything that comes of one sign-in shares."""
    return str(uuid.uuid4())
