"""Microsoft Graph as a resource: the application permissions that this tenant knows, with their real ids.

The ids are the same in every tenant of the world; scripts carry them around, so they must be right.
https://learn.microsoft.com/en-us/graph/permissions-reference
"""

from __future__ import annotations

from typing import Any

APP_ROLES: dict[str, tuple[str, str]] = {
    "AppCertTrustConfiguration.Read.All": (
        "af281d3a-030d-4122-886e-146fb30a0413",
        "Read the trusted certificate authority configuration for applications",
    ),
    "AppCertTrustConfiguration.ReadWrite.All": (
        "4bae2ed4-473e-4841-a493-9829cfd51d48",
        "Read and write the trusted certificate authority configuration for applications",
    ),
    "Application.Read.All": ("9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30", "Read all applications"),
    "Application.ReadWrite.All": ("1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9", "Read and write all applications"),
    "Application.ReadWrite.OwnedBy": (
        "18a4783c-866b-4cc7-a460-3d5e5662c884",
        "Manage apps that this app creates or owns",
    ),
    "AppRoleAssignment.ReadWrite.All": (
        "06b708a9-e830-4db3-a914-8e69da51d44f",
        "Manage app permission grants and app role assignments",
    ),
    "AuditLog.Read.All": ("b0afded3-3588-46d8-8b3d-9842eff778da", "Read all audit log data"),
    "CustomSecAttributeAssignment.Read.All": (
        "3b37c5a4-1226-493d-bec3-5d6c6b866f3f",
        "Read custom security attribute assignments",
    ),
    "CustomSecAttributeAssignment.ReadWrite.All": (
        "de89b5e4-5b8f-48eb-8925-29c2b33bd8bd",
        "Read and write custom security attribute assignments",
    ),
    "CustomSecAttributeDefinition.Read.All": (
        "b185aa14-d8d2-42c1-a685-0f5596613624",
        "Read custom security attribute definitions",
    ),
    "CustomSecAttributeDefinition.ReadWrite.All": (
        "12338004-21f4-4896-bf5e-b75dfaf1016d",
        "Read and write custom security attribute definitions",
    ),
    "DelegatedPermissionGrant.ReadWrite.All": (
        "8e8e4742-1d95-4f68-9d56-6ee75648c72a",
        "Manage all delegated permission grants",
    ),
    "Directory.Read.All": ("7ab1d382-f21e-4acd-a863-ba3e13f7da61", "Read directory data"),
    "Directory.ReadWrite.All": ("19dbc75e-c2e2-444c-a770-ec69d8559fc7", "Read and write directory data"),
    "Group.Read.All": ("5b567255-7703-4780-807c-7be8301ae99b", "Read all groups"),
    "Group.ReadWrite.All": ("62a82d76-70ea-41e2-9197-370581804d09", "Read and write all groups"),
    "Mail.Read": ("810c84a8-4a9e-49e6-bf7d-12d183f40d01", "Read mail in all mailboxes"),
    "Mail.Send": ("b633e1c5-b582-4048-a93e-9f11b44c7e96", "Send mail as any user"),
    "Organization.Read.All": ("498476ce-e0fe-48b0-b801-37ba7e2685c6", "Read organization information"),
    "Organization.ReadWrite.All": (
        "292d869f-3427-49a8-9dab-8c70152b74e9",
        "Read and write organization information",
    ),
    "Policy.Read.All": ("246dd0d5-5bd0-4def-940b-0421030a5b68", "Read your organization's policies"),
    "Policy.ReadWrite.ApplicationConfiguration": (
        "be74164b-cff1-491c-8741-e671cb536e13",
        "Read and write your organization's application configuration policies",
    ),
    "Reports.Read.All": ("230c1aed-a721-4c5d-9cb4-a90514e508ef", "Read all usage reports"),
    "RoleManagement.Read.Directory": ("483bed4a-2ad3-4361-a73b-c83ccdbdc53c", "Read all directory RBAC settings"),
    "RoleManagement.ReadWrite.Directory": (
        "9e3f62cf-ca93-4989-b6ce-bf83c28f9fe8",
        "Read and write all directory RBAC settings",
    ),
    "Sites.Read.All": ("332a536c-c7ef-4017-ab91-336970924f0d", "Read items in all site collections"),
    "User.Read.All": ("df021288-bdef-4463-88db-98f22de89214", "Read all users' full profiles"),
    "User.ReadWrite.All": ("741f803b-c850-494e-b5df-cde7c675a1ca", "Read and write all users' full profiles"),
}
"""Permission → (app role id, display name)."""

ADMINISTRATOR_PERMISSIONS = (
    "AppCertTrustConfiguration.ReadWrite.All",
    "Application.ReadWrite.All",
    "AppRoleAssignment.ReadWrite.All",
    "AuditLog.Read.All",
    "CustomSecAttributeAssignment.ReadWrite.All",
    "Directory.Read.All",
    "Organization.Read.All",
    "Policy.Read.All",
    "Policy.ReadWrite.ApplicationConfiguration",
)
"""What the first administrator's application is granted: all that can be done in this tenant."""


def app_roles() -> list[dict[str, Any]]:
    """The permissions as the `appRoles` of Microsoft Graph's service principal."""
    return [
        {
            "allowedMemberTypes": ["Application"],
            "description": display_name,
            "displayName": display_name,
            "id": role_id,
            "isEnabled": True,
            "origin": "Application",
            "value": value,
        }
        for value, (role_id, display_name) in APP_ROLES.items()
    ]
