"""Microsoft Graph as a resource: the permissions that this tenant knows, with their real ids.

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

SCOPES: dict[str, tuple[str, str, str]] = {
    "Application.Read.All": ("c79f8feb-a9db-4090-85f9-90d820caa0eb", "Admin", "Read applications"),
    "Application.ReadWrite.All": ("bdfbf15f-ee85-4955-8675-146e8e5296b5", "Admin", "Read and write applications"),
    "AppRoleAssignment.ReadWrite.All": (
        "84bccea3-f856-4a8a-967b-dbe0a3d53a64",
        "Admin",
        "Manage app permission grants and app role assignments",
    ),
    "AuditLog.Read.All": ("e4c9e354-4dc5-45b8-9e7c-e1393b0b1a20", "Admin", "Read audit log data"),
    "CustomSecAttributeAssignment.Read.All": (
        "b46ffa80-fe3d-4822-9a1a-c200932d54d0",
        "Admin",
        "Read custom security attribute assignments",
    ),
    "CustomSecAttributeAssignment.ReadWrite.All": (
        "ca46335e-8453-47cd-a001-8459884efeae",
        "Admin",
        "Read and write custom security attribute assignments",
    ),
    "CustomSecAttributeDefinition.Read.All": (
        "ce026878-a0ff-4745-a728-d4fedd086c07",
        "Admin",
        "Read custom security attribute definitions",
    ),
    "CustomSecAttributeDefinition.ReadWrite.All": (
        "8b0160d4-5743-482b-bb27-efc0a485ca4a",
        "Admin",
        "Read and write custom security attribute definitions",
    ),
    "DelegatedPermissionGrant.ReadWrite.All": (
        "41ce6ca6-6826-4807-84f1-1c82854f7ee5",
        "Admin",
        "Manage all delegated permission grants",
    ),
    "Directory.AccessAsUser.All": (
        "0e263e50-5827-48a4-b97c-d940288653c7",
        "Admin",
        "Access directory as the signed in user",
    ),
    "Directory.Read.All": ("06da0dbc-49e2-44d2-8312-53f166ab848a", "Admin", "Read directory data"),
    "Directory.ReadWrite.All": ("c5366453-9fb0-48a5-a156-24f0c49a4b84", "Admin", "Read and write directory data"),
    "email": ("64a6cdd6-aab1-4aaf-94b8-3cc8405e90d0", "User", "View users' email address"),
    "Group.Read.All": ("5f8c59db-677d-491f-a6b8-5f174b11ec1d", "Admin", "Read all groups"),
    "Group.ReadWrite.All": ("4e46008b-f24c-477d-8fff-7bb4ec7aafe0", "Admin", "Read and write all groups"),
    "Mail.Read": ("570282fd-fa5c-430d-a7fd-fc8dc98a9dca", "User", "Read user mail"),
    "Mail.Send": ("e383f46e-2787-4529-855e-0e479a3ffac0", "User", "Send mail as a user"),
    "offline_access": (
        "7427e0e9-2fba-42fe-b0c0-848c9e6a8182",
        "User",
        "Maintain access to data you have given it access to",
    ),
    "openid": ("37f7f235-527c-4136-accd-4a02d197296e", "User", "Sign users in"),
    "Organization.Read.All": ("4908d5b9-3fb2-4b1e-9336-1888b7937185", "Admin", "Read organization information"),
    "Organization.ReadWrite.All": (
        "46ca0847-7e6b-426e-9775-ea810a948356",
        "Admin",
        "Read and write organization information",
    ),
    "Policy.Read.All": ("572fea84-0151-49b2-9301-11cb16974376", "Admin", "Read your organization's policies"),
    "Policy.ReadWrite.ApplicationConfiguration": (
        "b27add92-efb2-4f16-84f5-8108ba77985c",
        "Admin",
        "Read and write your organization's application configuration policies",
    ),
    "profile": ("14dad69e-099b-42c9-810b-d002981feec1", "User", "View users' basic profile"),
    "Reports.Read.All": ("02e97553-ed7b-43d0-ab3c-f8bace0d040c", "Admin", "Read all usage reports"),
    "RoleManagement.Read.Directory": ("741c54c3-0c1e-44a1-818b-3f97ab4e8c83", "Admin", "Read directory RBAC settings"),
    "RoleManagement.ReadWrite.Directory": (
        "d01b97e9-cbc0-49fe-810a-750afd5527a3",
        "Admin",
        "Read and write directory RBAC settings",
    ),
    "Sites.Read.All": ("205e70e5-aba6-4c52-a976-6d2d46c48043", "User", "Read items in all site collections"),
    "User.Read": ("e1fe6dd8-ba31-4d61-89e7-88639da4683d", "User", "Sign in and read user profile"),
    "User.Read.All": ("a154be20-db9c-4678-8ab7-66f6cc099a59", "Admin", "Read all users' full profiles"),
    "User.ReadBasic.All": ("b340eb25-3456-403f-be2f-af7a0d370277", "User", "Read all users' basic profiles"),
    "User.ReadWrite.All": ("204e0828-b5ca-4ad8-b9f3-f32a958e7cc4", "Admin", "Read and write all users' full profiles"),
}
"""Delegated permission → (scope id, who may consent, display name). Applications list these among what they require;
nobody can be signed in with them here."""

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


def permission_scopes() -> list[dict[str, Any]]:
    """The delegated permissions as the `oauth2PermissionScopes` of Microsoft Graph's service principal."""
    return [
        permission_scope(value, scope_id, kind, display_name)
        for value, (scope_id, kind, display_name) in SCOPES.items()
    ]


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
