"""What the first administrator may do on Microsoft Graph, and how Graph writes a delegated permission."""

from __future__ import annotations

from typing import Any

ADMINISTRATOR_PERMISSIONS = (
    "AppCertTrustConfiguration.ReadWrite.All",
    "Application.ReadWrite.All",
    "AppRoleAssignment.ReadWrite.All",
    "AuditLog.Read.All",
    "CustomSecAttributeAssignment.ReadWrite.All",
    "CustomSecAttributeDefinition.ReadWrite.All",
    "DelegatedPermissionGrant.ReadWrite.All",
    "Directory.Read.All",
    "Organization.Read.All",
    "Policy.Read.All",
    "Policy.ReadWrite.ApplicationConfiguration",
    "RoleManagement.ReadWrite.Directory",
    "User.ReadWrite.All",
)
"""What the first administrator's application is granted: all that can be done in this tenant."""


def permission_scope(value: str, scope_id: str, kind: str, display_name: str) -> dict[str, Any]:
    """One delegated permission; `kind` is User or Admin, who may consent to it."""
    return {
        "adminConsentDescription": display_name,
        "adminConsentDisplayName": display_name,
        "id": scope_id,
        "isEnabled": True,
        "type": kind,
        "userConsentDescription": display_name,
        "userConsentDisplayName": display_name,
        "value": value,
    }
