"""The sample organisation that a first start is filled with: a small company with the usual sins.

Secrets that outlive their makers, two that have expired, certificates, an application that nobody owns, a
highly privileged one with three secrets, and one team that already lives under a policy of its own. The
secrets' texts are known to nobody; make a new one to sign in.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

from unsecret.model.application import KeyCredential, PasswordCredential, ServicePrincipal
from unsecret.model.identifiers import KeyId, ObjectId, PolicyId, TenantId
from unsecret.model.policy import AppManagementPolicy, Restriction, RestrictionKind
from unsecret.store import links, policies
from unsecret.tenant.bootstrap import add_application, grant, graph_service_principal
from unsecret.tenant.certificates import certificate_credential, read_certificate
from unsecret.tenant.pki import new_self_signed, to_pem

if TYPE_CHECKING:
    from sqlalchemy import Connection

SAMPLE_NAME = "Contoso (sample)"
SAMPLE_DOMAIN = "contoso"


class Lifetime(Struct, frozen=True):
    """A credential's name, when it started (days ago) and how long it lasts (days)."""

    name: str
    started_days_ago: int
    days: int


class SampleApplication(Struct, frozen=True, kw_only=True):
    """One row of the sample: an application, its credentials and its permissions on Microsoft Graph."""

    name: str
    age_days: int
    secrets: tuple[Lifetime, ...] = ()
    certificates: tuple[Lifetime, ...] = ()
    permissions: tuple[str, ...] = ()
    audience: str = "AzureADMyOrg"
    redirect_uris: tuple[str, ...] = ()
    owned_by: str | None = None
    kept_by: str | None = None
    """The person who owns it: the name before the @."""


APPLICATIONS = (
    SampleApplication(
        name="Payroll Export",
        age_days=1480,
        secrets=(Lifetime("set up by the vendor", 700, 730), Lifetime("2021", 1480, 365)),
        permissions=("User.Read.All",),
        owned_by="Release Pipeline",
        kept_by="maria",
    ),
    SampleApplication(
        name="Intranet Search",
        age_days=900,
        secrets=(Lifetime("crawler", 300, 730),),
        permissions=("Sites.Read.All",),
        owned_by="Release Pipeline",
    ),
    SampleApplication(
        name="Directory Sync Helper",
        age_days=2100,
        secrets=(
            Lifetime("old server", 2100, 3650),
            Lifetime("new server", 400, 730),
            Lifetime("test", 40, 180),
        ),
        permissions=("Directory.ReadWrite.All",),
    ),
    SampleApplication(
        name="Newsletter Mailer",
        age_days=620,
        secrets=(Lifetime("mailer", 355, 365),),
        permissions=("Mail.Send",),
        owned_by="Release Pipeline",
    ),
    SampleApplication(
        name="Release Pipeline",
        age_days=800,
        certificates=(Lifetime("CN=release-pipeline", 100, 365),),
        permissions=("Application.ReadWrite.OwnedBy",),
    ),
    SampleApplication(
        name="Backup Monitor",
        age_days=500,
        secrets=(Lifetime("before the certificate", 480, 730),),
        certificates=(Lifetime("CN=backup-monitor", 60, 365),),
        permissions=("AuditLog.Read.All",),
        owned_by="Release Pipeline",
    ),
    SampleApplication(
        name="Customer Portal",
        age_days=1100,
        secrets=(Lifetime("web app", 200, 365),),
        audience="AzureADMultipleOrgs",
        redirect_uris=("https://portal.contoso.onmicrosoft.com/signin-oidc",),
        owned_by="Release Pipeline",
    ),
    SampleApplication(
        name="Time Tracking",
        age_days=350,
        redirect_uris=("https://localhost:5001/signin-oidc",),
        kept_by="maria",
    ),
    SampleApplication(
        name="Warehouse Scanner",
        age_days=45,
        secrets=(Lifetime("scanner", 45, 90),),
        owned_by="Release Pipeline",
    ),
    SampleApplication(
        name="Report Generator",
        age_days=1300,
        secrets=(Lifetime("nobody remembers", 1300, 730),),
        permissions=("Reports.Read.All",),
    ),
)

PARTNER_POLICY = "Partner applications: secrets for at most 90 days"


def add_sample(conn: Connection, tenant_id: TenantId, now: datetime, people: Mapping[str, ObjectId]) -> None:
    """Fill a new tenant, in which `people` are there already. Dates are counted back from `now`."""
    graph = graph_service_principal(conn, tenant_id)
    principals: dict[str, ServicePrincipal] = {}
    owned: list[tuple[ObjectId, str]] = []
    for row in APPLICATIONS:
        application, principal = add_application(
            conn,
            tenant_id,
            row.name,
            created_at=now - timedelta(days=row.age_days),
            sign_in_audience=row.audience,
            web_redirect_uris=row.redirect_uris,
            password_credentials=tuple(_secret(lifetime, now) for lifetime in row.secrets),
            key_credentials=tuple(_certificate(lifetime, now) for lifetime in row.certificates),
        )
        grant(conn, tenant_id, principal, graph, row.permissions, at=now)
        principals[row.name] = principal
        if row.owned_by:
            owned.append((application.id, row.owned_by))
        if row.kept_by:
            links.add_owner(conn, tenant_id, application.id, people[row.kept_by])
        if row.name == "Warehouse Scanner":
            _link_partner_policy(conn, tenant_id, application.id)
    for object_id, owner in owned:
        links.add_owner(conn, tenant_id, object_id, principals[owner].id)


def _secret(lifetime: Lifetime, now: datetime) -> PasswordCredential:
    start = now - timedelta(days=lifetime.started_days_ago)
    return PasswordCredential(
        key_id=KeyId(str(uuid.uuid4())),
        display_name=lifetime.name,
        start_at=start,
        end_at=start + timedelta(days=lifetime.days),
        hint="???",
    )


def _certificate(lifetime: Lifetime, now: datetime) -> KeyCredential:
    start = now - timedelta(days=lifetime.started_days_ago)
    common_name = lifetime.name.removeprefix("CN=")
    _, certificate = new_self_signed(common_name, now=start, lifetime=timedelta(days=lifetime.days))
    return certificate_credential(read_certificate(to_pem(certificate)))


def _link_partner_policy(conn: Connection, tenant_id: TenantId, object_id: ObjectId) -> None:
    policy = AppManagementPolicy(
        id=PolicyId(str(uuid.uuid4())),
        display_name=PARTNER_POLICY,
        description="What partners build may use secrets, but short ones.",
        is_enabled=True,
        restrictions=(Restriction(kind=RestrictionKind.PASSWORD_LIFETIME, max_lifetime=timedelta(days=90)),),
    )
    policies.add_policy(conn, tenant_id, policy)
    policies.link(conn, tenant_id, policy.id, object_id)
