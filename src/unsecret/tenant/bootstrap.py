"""Make a tenant: the organisation, Microsoft's own service principals, and the first administrator.

The administrator is an application that signs in with a certificate. No secret is ever made for it.
"""

from __future__ import annotations

import re
import secrets
import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from unsecret.errors import Invalid
from unsecret.model.application import (
    Application,
    AppRoleAssignment,
    ObjectKind,
    ServicePrincipal,
    Tenant,
)
from unsecret.model.identifiers import ARM_APP_ID, GRAPH_APP_ID, AppId, ObjectId, TenantId
from unsecret.store import credentials, directory_objects, links, tenants
from unsecret.store.published_permissions import app_role_id
from unsecret.tenant.certificates import CertificateFacts, certificate_credential
from unsecret.tenant.graph_permissions import ADMINISTRATOR_PERMISSIONS, permission_scope
from unsecret.tenant.use_cases.applications import mirrored
from unsecret.tenant.use_cases.links import new_assignment_id
from unsecret.tenant.use_cases.transaction import not_found

if TYPE_CHECKING:
    from sqlalchemy import Connection

MICROSOFT_TENANT_ID = TenantId("f8cdef31-a31e-4b4a-93e4-5f571e91255a")
"""The tenant that owns Microsoft's first-party applications."""

_USER_IMPERSONATION = (
    "41094075-9dad-400e-a0bd-54e686782033",
    "User",
    "Access Azure Service Management as organization users (preview)",
)
"""Azure Resource Manager's one delegated permission: its id, who may consent to it, its display name."""

LONGEST_ORGANISATION_NAME = 256  # characters
LONGEST_DOMAIN = 253  # characters, and of each of its parts:
LONGEST_LABEL = 63
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")

MOST_ADMINISTRATOR_CERTIFICATES = 20
"""Each machine that serves the directory has one of its own; the oldest give way."""

ADMINISTRATOR_UNIQUE_NAME = "unsecret-administrator"
"""How the first administrator's application is found again."""


class NewTenant(Struct, frozen=True):
    """A tenant and the application that administers it."""

    tenant: Tenant
    client_id: AppId


class Origin(Struct, frozen=True, kw_only=True):
    """What a tenant takes over from another that it is made after: its id, since when it is, and the ids that
    Microsoft's service principals have in it. None: it does not say, and the tenant gets its own."""

    id: TenantId | None
    created_at: datetime | None
    principals: dict[AppId, ObjectId]


_NEW = Origin(id=None, created_at=None, principals={})


def create_tenant(
    conn: Connection,
    *,
    display_name: str,
    domain: str,
    administrator_certificate: CertificateFacts,
    now: datetime,
    verified_domains: Iterable[str] = (),
    origin: Origin = _NEW,
) -> NewTenant:
    """Add a tenant to the directory. `domain` is the name before `.onmicrosoft.com`, or a whole domain;
    `verified_domains` are the tenant's besides that one. `origin` is the tenant that it is made after.

    Raises Conflict when the id or a domain is taken, Invalid when a name or a domain cannot be one.
    """
    tenant = Tenant(
        id=origin.id or TenantId(str(uuid.uuid4())),
        display_name=_organisation_name(display_name),
        created_at=origin.created_at or now,
        verified_domains=tuple(_domain(name) for name in (initial_domain(domain), *verified_domains)),
    )
    tenants.add_tenant(conn, tenant)
    graph = _microsoft_service_principal(
        conn,
        tenant,
        GRAPH_APP_ID,
        "Microsoft Graph",
        ("https://graph.microsoft.com", "https://graph.microsoft.com/"),
        object_id=origin.principals.get(GRAPH_APP_ID),
    )
    _microsoft_service_principal(
        conn,
        tenant,
        ARM_APP_ID,
        "Windows Azure Service Management API",
        (
            "https://management.azure.com/",
            "https://management.core.windows.net/",
            "Windows Azure Service Management API",
        ),
        object_id=origin.principals.get(ARM_APP_ID),
        replyUrls=["https://management.core.windows.net/"],
        oauth2PermissionScopes=[permission_scope("user_impersonation", *_USER_IMPERSONATION)],
    )
    client_id = _administrator(conn, tenant, graph, administrator_certificate, now)
    return NewTenant(tenant, client_id)


def initial_domain(name: str) -> str:
    """`name` under `.onmicrosoft.com`, unless it is a whole domain; in small letters."""
    return (name if "." in name else f"{name}.onmicrosoft.com").lower()


def _organisation_name(text: str) -> str:
    if not text.strip() or len(text) > LONGEST_ORGANISATION_NAME:
        raise Invalid(
            f"An organisation's name has 1 to {LONGEST_ORGANISATION_NAME} characters, not all of them blank; this has "
            f"{len(text)}."
        )
    return text


def _domain(text: str) -> str:
    """A domain name as it is compared: small letters (RFC 1123 §2.1 for its form)."""
    if len(text) > LONGEST_DOMAIN or not all(_LABEL.fullmatch(label) for label in text.split(".")):
        raise Invalid(
            f"'{text}' is no domain. Its parts have 1 to {LONGEST_LABEL} letters a-z, digits and hyphens, with dots "
            "between; write others as xn--…"
        )
    return text.lower()


def register_administrator_certificate(
    conn: Connection, tenant_id: TenantId, certificate: CertificateFacts
) -> AppId | None:
    """Make sure that `certificate` signs the administrator in: it is a new one when the last was near its end.
    Returns the application; None when somebody deleted it, which is not ours to undo."""
    application = directory_objects.get_by_unique_name(conn, tenant_id, ADMINISTRATOR_UNIQUE_NAME)
    if application is None:
        return None
    if all(key.thumbprint_sha256 != certificate.thumbprint_sha256 for key in application.key_credentials):
        known = application.key_credentials[-MOST_ADMINISTRATOR_CERTIFICATES + 1 :]
        keys = (*known, certificate_credential(certificate))
        credentials.set_keys(conn, tenant_id, application.id, keys)
    return application.app_id


def _microsoft_service_principal(
    conn: Connection,
    tenant: Tenant,
    app_id: AppId,
    name: str,
    names: tuple[str, ...],
    *,
    object_id: ObjectId | None,
    **other: Any,
) -> ServicePrincipal:
    principal = ServicePrincipal(
        id=object_id or ObjectId(str(uuid.uuid4())),
        app_id=app_id,
        display_name=name,
        created_at=tenant.created_at,
        app_owner_organization_id=MICROSOFT_TENANT_ID,
        sign_in_audience="AzureADMultipleOrgs",
        service_principal_names=(str(app_id), *names),
        other=other,
    )
    directory_objects.add(conn, tenant.id, principal)
    return principal


def _administrator(
    conn: Connection, tenant: Tenant, graph: ServicePrincipal, certificate: CertificateFacts, now: datetime
) -> AppId:
    application, principal = add_application(
        conn,
        tenant.id,
        "unsecret administrator",
        created_at=now,
        unique_name=ADMINISTRATOR_UNIQUE_NAME,
        key_credentials=(certificate_credential(certificate),),
    )
    grant(conn, tenant.id, principal, graph, ADMINISTRATOR_PERMISSIONS, at=now)
    return application.app_id


def add_application(
    conn: Connection, tenant_id: TenantId, display_name: str, *, created_at: datetime | None, **properties: Any
) -> tuple[Application, ServicePrincipal]:
    """An application with its service principal, as the portal would make them. `properties` are fields of
    Application. No policy is asked: this is for a tenant that is being made."""
    tenant = tenants.get_tenant(conn, tenant_id)
    application = Application(
        id=ObjectId(str(uuid.uuid4())),
        app_id=AppId(str(uuid.uuid4())),
        display_name=display_name,
        created_at=created_at,
        other={"publisherDomain": tenant.verified_domains[0] if tenant else None},
        **properties,
    )
    bare = ServicePrincipal(
        id=ObjectId(str(uuid.uuid4())),
        app_id=application.app_id,
        display_name=display_name,
        created_at=created_at,
        app_owner_organization_id=tenant_id,
    )
    principal = mirrored(bare, application)
    digests = {password.key_id: _nobody_knows() for password in application.password_credentials}
    directory_objects.add(conn, tenant_id, application, digests=digests)
    directory_objects.add(conn, tenant_id, principal)
    return application, principal


def _nobody_knows() -> bytes:
    """The digest of no secret at all: a credential that is on the books and opens nothing."""
    return secrets.token_bytes(48)


def grant(
    conn: Connection,
    tenant_id: TenantId,
    principal: ServicePrincipal,
    graph: ServicePrincipal,
    permissions: Iterable[str],
    *,
    at: datetime,
) -> None:
    """Grant application permissions on Microsoft Graph."""
    for permission in permissions:
        assignment = AppRoleAssignment(
            id=new_assignment_id(),
            principal_id=principal.id,
            resource_id=graph.id,
            app_role_id=app_role_id(permission),
            created_at=at,
        )
        links.add_app_role_assignment(conn, tenant_id, assignment)


def graph_service_principal(conn: Connection, tenant_id: TenantId) -> ServicePrincipal:
    """Microsoft Graph in this tenant. Raises NotFound where there is no such tenant."""
    found = directory_objects.get_by_app_id(conn, tenant_id, ObjectKind.SERVICE_PRINCIPAL, GRAPH_APP_ID)
    if found is None:
        raise not_found(GRAPH_APP_ID)
    return found
