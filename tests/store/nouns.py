"""Nouns to fill a directory with. Everything that is not given is made up, and different each time."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from unsecret.model.application import (
    Application,
    AppRoleAssignment,
    KeyCredential,
    KeyType,
    KeyUsage,
    PasswordCredential,
    ServicePrincipal,
    Tenant,
)
from unsecret.model.event import (
    Activity,
    AuditEvent,
    Caller,
    CredentialType,
    ModifiedProperty,
    OperationType,
    Outcome,
    SignIn,
    Target,
)
from unsecret.model.federation import FederatedIdentityCredential
from unsecret.model.identifiers import AppId, KeyId, ObjectId, PolicyId, TenantId
from unsecret.model.people import User
from unsecret.model.policy import (
    AppManagementPolicy,
    CertificateBasedApplicationConfiguration,
    Restriction,
    RestrictionKind,
    TrustedAuthority,
)

NOW = datetime(2026, 3, 4, 5, 6, 7, 890123, tzinfo=UTC)
TENANT = TenantId("11111111-1111-4111-8111-111111111111")
OTHER_TENANT = TenantId("22222222-2222-4222-8222-222222222222")
NOWHERE = "99999999-9999-4999-8999-999999999999"
DIGEST = b"s" * 16 + b"d" * 32


def guid() -> str:
    """A new GUID."""
    return str(uuid.uuid4())


def tenant(tenant_id: TenantId, *domains: str) -> Tenant:
    """An organisation."""
    names = domains or (f"{tenant_id[:8]}.onmicrosoft.com",)
    return Tenant(id=tenant_id, display_name="Contoso", created_at=NOW, verified_domains=names)


def application(**fields: Any) -> Application:
    """An app registration."""
    given: dict[str, Any] = {
        "id": ObjectId(guid()),
        "app_id": AppId(guid()),
        "display_name": "Payroll",
        "created_at": NOW,
        **fields,
    }
    return Application(**given)


def user(**fields: Any) -> User:
    """A person of the tenant."""
    given: dict[str, Any] = {
        "id": ObjectId(guid()),
        "display_name": "Ada",
        "user_principal_name": f"{guid()}@contoso.com",
        "created_at": NOW,
        **fields,
    }
    return User(**given)


def service_principal(**fields: Any) -> ServicePrincipal:
    """An application's presence in the tenant."""
    given: dict[str, Any] = {
        "id": ObjectId(guid()),
        "app_id": AppId(guid()),
        "display_name": "Payroll",
        "created_at": NOW,
        **fields,
    }
    return ServicePrincipal(**given)


def password(**fields: Any) -> PasswordCredential:
    """A client secret."""
    given: dict[str, Any] = {"key_id": KeyId(guid()), "start_at": NOW, "end_at": NOW + timedelta(days=90), **fields}
    return PasswordCredential(**given)


def key(**fields: Any) -> KeyCredential:
    """A certificate."""
    given: dict[str, Any] = {
        "key_id": KeyId(guid()),
        "type": KeyType.CERTIFICATE,
        "usage": KeyUsage.VERIFY,
        "start_at": NOW,
        "end_at": NOW + timedelta(days=365),
        "key": b"\x30\x82",
        **fields,
    }
    return KeyCredential(**given)


def policy(**fields: Any) -> AppManagementPolicy:
    """A custom policy with a lifetime."""
    lifetime = Restriction(kind=RestrictionKind.PASSWORD_LIFETIME, max_lifetime=timedelta(days=90))
    given: dict[str, Any] = {"id": PolicyId(guid()), "display_name": "Short", "restrictions": (lifetime,), **fields}
    return AppManagementPolicy(**given)


def federated_credential(**fields: Any) -> FederatedIdentityCredential:
    """An issuer's subject that is trusted."""
    given: dict[str, Any] = {
        "id": guid(),
        "name": "deploy",
        "issuer": "https://issuer.example",
        "subject": "the pipeline",
        "audiences": ("api://AzureADTokenExchange",),
        **fields,
    }
    return FederatedIdentityCredential(**given)


def trusted_configuration() -> CertificateBasedApplicationConfiguration:
    """A list with one certificate authority."""
    authority = TrustedAuthority(
        certificate=b"\x30\x82\x00", is_root_authority=True, issuer="CN=Root", issuer_subject_key_identifier="AB"
    )
    return CertificateBasedApplicationConfiguration(
        id=ObjectId(guid()), display_name="Roots", description=None, trusted_certificate_authorities=(authority,)
    )


def assignment(principal: ServicePrincipal, resource: ServicePrincipal, **fields: Any) -> AppRoleAssignment:
    """A permission held."""
    given: dict[str, Any] = {
        "id": guid(),
        "principal_id": principal.id,
        "resource_id": resource.id,
        "app_role_id": guid(),
        "created_at": NOW,
        **fields,
    }
    return AppRoleAssignment(**given)


def caller(**fields: Any) -> Caller:
    """Who asked."""
    given: dict[str, Any] = {
        "tenant_id": TENANT,
        "app_id": AppId(guid()),
        "service_principal_id": ObjectId(guid()),
        "display_name": "Portal",
        "roles": frozenset({"Application.ReadWrite.All"}),
        **fields,
    }
    return Caller(**given)


def audit(**fields: Any) -> AuditEvent:
    """A row of the audit log."""
    target = Target(
        id=guid(),
        display_name="Payroll",
        type="Application",
        modified_properties=(ModifiedProperty("KeyDescription", "[]", '["x"]'),),
    )
    given: dict[str, Any] = {
        "id": f"Directory_{guid()}_ABCDE_1",
        "at": NOW,
        "activity": Activity.UPDATE_APPLICATION_CREDENTIALS,
        "category": "ApplicationManagement",
        "operation_type": OperationType.UPDATE,
        "result": Outcome.SUCCESS,
        "result_reason": "",
        "correlation_id": guid(),
        "caller": caller(),
        "targets": (target,),
        "additional_details": (("User-Agent", "python"),),
        **fields,
    }
    return AuditEvent(**given)


def sign_in(**fields: Any) -> SignIn:
    """A row of the sign-in log."""
    given: dict[str, Any] = {
        "id": guid(),
        "at": NOW,
        "app_id": AppId(guid()),
        "app_display_name": "Payroll",
        "service_principal_id": ObjectId(guid()),
        "service_principal_name": "Payroll",
        "credential_type": CredentialType.CLIENT_SECRET,
        "credential_key_id": KeyId(guid()),
        "credential_thumbprint": None,
        "error_code": 0,
        "failure_reason": None,
        "resource_id": AppId(guid()),
        "resource_display_name": "Microsoft Graph",
        "resource_service_principal_id": ObjectId(guid()),
        "correlation_id": guid(),
        "token_id": "t",
        "ip_address": "127.0.0.1",
        "user_agent": "curl",
        **fields,
    }
    return SignIn(**given)
