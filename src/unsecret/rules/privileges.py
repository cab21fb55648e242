"""Which permissions are dangerous in the wrong hands, and why: what makes a leaked secret a leaked tenant.

Two grades are told apart. Who holds one of TENANT can make themselves everything else. Who holds one of DATA reads or
changes what belongs to everybody. Names are those of Microsoft Graph's app roles and scopes
(https://learn.microsoft.com/en-us/graph/permissions-reference) and of Entra's directory roles
(https://learn.microsoft.com/en-us/entra/identity/role-based-access-control/permissions-reference).
"""

from __future__ import annotations

import re
from enum import StrEnum

from msgspec import Struct


class Grade(StrEnum):
    """How far a permission reaches."""

    TENANT = "tenant"
    DATA = "data"


class Privilege(Struct, frozen=True):
    """One dangerous permission or role: its name, its grade, and what its holder can do."""

    name: str
    grade: Grade
    why: str


_GRANTS_ITSELF = "can grant itself any permission"
_TAKES_APPLICATIONS = "can add credentials to other applications and act as them"
_TAKES_ACCOUNTS = "can take over people's accounts"
_NAMES_ADMINISTRATORS = "can make anybody an administrator"
_BENDS_POLICIES = "can weaken how sign-ins are protected"

_TENANT_WIDE: dict[str, str] = {
    "AppRoleAssignment.ReadWrite.All": _GRANTS_ITSELF,
    "DelegatedPermissionGrant.ReadWrite.All": _GRANTS_ITSELF,
    "PermissionGrantPolicy.ReadWrite.All": _GRANTS_ITSELF,
    "Policy.ReadWrite.PermissionGrant": _GRANTS_ITSELF,
    "Application.ReadWrite.All": _TAKES_APPLICATIONS,
    "Application.ReadUpdate.All": _TAKES_APPLICATIONS,
    "AgentIdentityBlueprint.AddRemoveCreds.All": _TAKES_APPLICATIONS,
    "Directory.ReadWrite.All": "can change groups, people and applications",
    "RoleManagement.ReadWrite.Directory": _NAMES_ADMINISTRATORS,
    "RoleAssignmentSchedule.ReadWrite.Directory": _NAMES_ADMINISTRATORS,
    "RoleEligibilitySchedule.ReadWrite.Directory": _NAMES_ADMINISTRATORS,
    "RoleManagementPolicy.ReadWrite.Directory": _NAMES_ADMINISTRATORS,
    "PrivilegedAccess.ReadWrite.AzureAD": _NAMES_ADMINISTRATORS,
    "PrivilegedAccess.ReadWrite.AzureADGroup": _NAMES_ADMINISTRATORS,
    "PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup": _NAMES_ADMINISTRATORS,
    "PrivilegedEligibilitySchedule.ReadWrite.AzureADGroup": _NAMES_ADMINISTRATORS,
    "RoleManagementPolicy.ReadWrite.AzureADGroup": _NAMES_ADMINISTRATORS,
    "Group.ReadWrite.All": "can put itself into groups that grant access",
    "GroupMember.ReadWrite.All": "can put itself into groups that grant access",
    "User.ReadWrite.All": _TAKES_ACCOUNTS,
    "User.ManageIdentities.All": _TAKES_ACCOUNTS,
    "User.EnableDisableAccount.All": "can lock people out",
    "User-PasswordProfile.ReadWrite.All": _TAKES_ACCOUNTS,
    "UserAuthenticationMethod.ReadWrite.All": _TAKES_ACCOUNTS,
    "Domain.ReadWrite.All": "can have another service vouch for people of the tenant",
    "Domain-InternalFederation.ReadWrite.All": "can have another service vouch for people of the tenant",
    "IdentityProvider.ReadWrite.All": "can have another service vouch for people of the tenant",
    "Organization.ReadWrite.All": "can trust certificate authorities for sign-in",
    "PublicKeyInfrastructure.ReadWrite.All": "can trust certificate authorities for sign-in",
    "Policy.ReadWrite.ConditionalAccess": _BENDS_POLICIES,
    "Policy.ReadWrite.AuthenticationMethod": _BENDS_POLICIES,
    "Policy.ReadWrite.SecurityDefaults": _BENDS_POLICIES,
    "Policy.ReadWrite.Authorization": _BENDS_POLICIES,
    "Policy.ReadWrite.ApplicationConfiguration": "can lift the policies that govern applications' credentials",
    "DeviceManagementConfiguration.ReadWrite.All": "can run code on people's devices",
    "DeviceManagementScripts.ReadWrite.All": "can run code on people's devices",
    "DeviceManagementManagedDevices.PrivilegedOperations.All": "can wipe people's devices",
}
"""Names and what their holders can do. The names are those of Microsoft Graph."""

_USER_METHODS = re.compile(r"UserAuthMethod-\w+\.ReadWrite\.All")

_CHANGES = re.compile(r"ReadWrite|FullControl|\.Manage|\.Write|PrivilegedOperation|LiveResponse|\.Command")
_EVERYBODYS = re.compile(
    r"(Mail|MailboxSettings|Calendars|Contacts|Files|Sites|Notes|Chat|ChatMessage|ChannelMessage|Tasks|OnlineMeetings"
    r"|OnlineMeetingTranscript|OnlineMeetingRecording|CallRecords|AuditLog|EduRoster|BitlockerKey|DeviceLocalCredential)\b"
)
"""What belongs to people, or tells much about them."""

_ELSEWHERE: dict[str, str] = {
    "full_access_as_app": "can read and change every mailbox",
    "Exchange.ManageAsApp": "can administer Exchange",
    "IMAP.AccessAsApp": "can read and change every mailbox",
    "POP.AccessAsApp": "can read every mailbox",
    "SMTP.SendAsApp": "can send mail as anybody",
    "user_impersonation": "can act in Azure as whoever signs in",
    "full_access_as_user": "can read and change mailboxes of whoever signs in",
}
"""Permissions of other APIs than Microsoft Graph."""

_ROLES: dict[str, str] = {
    "Global Administrator": "can do everything",
    "Privileged Role Administrator": _NAMES_ADMINISTRATORS,
    "Privileged Authentication Administrator": _TAKES_ACCOUNTS,
    "Authentication Administrator": _TAKES_ACCOUNTS,
    "Helpdesk Administrator": _TAKES_ACCOUNTS,
    "User Administrator": _TAKES_ACCOUNTS,
    "Application Administrator": _TAKES_APPLICATIONS,
    "Cloud Application Administrator": _TAKES_APPLICATIONS,
    "Hybrid Identity Administrator": "can have another service vouch for people of the tenant",
    "Security Administrator": _BENDS_POLICIES,
    "Conditional Access Administrator": _BENDS_POLICIES,
    "Groups Administrator": "can put itself into groups that grant access",
    "Intune Administrator": "can run code on people's devices",
    "Exchange Administrator": "can read and change every mailbox",
    "SharePoint Administrator": "can read and change every site",
    "Directory Synchronization Accounts": "can change people and groups",
}


def privilege_of(permission: str, *, delegated: bool = False) -> Privilege | None:
    """What is dangerous about a permission, None when nothing is.

    A delegated permission reaches as far as the person in whose name it is used: no further than DATA by itself.
    """
    tenant_wide = _TENANT_WIDE.get(permission) or (_TAKES_ACCOUNTS if _USER_METHODS.fullmatch(permission) else None)
    if tenant_wide:
        return Privilege(permission, Grade.DATA if delegated else Grade.TENANT, tenant_wide)
    if permission in _ELSEWHERE:
        return Privilege(permission, Grade.DATA, _ELSEWHERE[permission])
    return None if delegated else _of_everybodys_data(permission)


def privilege_of_role(display_name: str) -> Privilege:
    """What is dangerous about a directory role; an application that holds any is worth a look."""
    if display_name in _ROLES:
        return Privilege(display_name, Grade.TENANT, _ROLES[display_name])
    return Privilege(display_name, Grade.DATA, "holds a directory role")


def _of_everybodys_data(permission: str) -> Privilege | None:
    if permission.endswith(".OwnedBy"):
        return Privilege(permission, Grade.DATA, "can add credentials to what it owns")
    if permission.endswith(".Send"):
        return Privilege(permission, Grade.DATA, "can send mail as anybody")
    if _CHANGES.search(permission):
        return Privilege(permission, Grade.DATA, "can change what belongs to everybody")
    return Privilege(permission, Grade.DATA, "can read what belongs to everybody") if _reads_all(permission) else None


def _reads_all(permission: str) -> bool:
    """Reading lists of people is what most applications may; reading their mail, files and logs is not."""
    return _EVERYBODYS.match(permission) is not None and ".Read" in permission
