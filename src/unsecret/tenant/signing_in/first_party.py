"""Microsoft's own clients that every tenant knows: command lines and Graph Explorer.

Their ids are the same in every tenant of the world. As in Entra, a service principal of theirs stands in the directory
once somebody has used one. What Azure CLI and Azure PowerShell may do is agreed beforehand: nobody is asked; the other
two ask for consent.
https://learn.microsoft.com/en-us/troubleshoot/entra/entra-id/governance/verify-first-party-apps-sign-in
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from unsecret.model.application import ObjectKind, ServicePrincipal, Tenant
from unsecret.model.identifiers import ARM_APP_ID, GRAPH_APP_ID, AppId, ObjectId
from unsecret.store import directory_objects
from unsecret.tenant.bootstrap import MICROSOFT_TENANT_ID
from unsecret.tenant.signing_in.redirects import Platform, Registered

if TYPE_CHECKING:
    from sqlalchemy import Connection

AZURE_CLI = AppId("04b07795-8ddb-461a-bbee-02f9e1bf7b46")
AZURE_POWERSHELL = AppId("1950a258-227b-4e31-a9cf-717495945fc2")
GRAPH_COMMAND_LINE_TOOLS = AppId("14d82eec-204b-4c2f-b7e8-296a70dab67e")
GRAPH_EXPLORER = AppId("de8bc8b5-d9f9-48b1-a8ad-b748da725064")

_LOOPBACK: Registered = (("http://localhost", Platform.PUBLIC),)
_NATIVE = "https://login.microsoftonline.com/common/oauth2/nativeclient"
_MANAGING = frozenset(
    {
        "Application.ReadWrite.All",
        "AppRoleAssignment.ReadWrite.All",
        "AuditLog.Read.All",
        "DelegatedPermissionGrant.ReadWrite.All",
        "Directory.AccessAsUser.All",
        "email",
        "Group.ReadWrite.All",
        "offline_access",
        "openid",
        "profile",
        "User.Read.All",
        "User.ReadWrite.All",
    }
)
_SIGNING_IN = frozenset({"email", "offline_access", "openid", "profile", "User.Read"})
_AZURE = frozenset({"user_impersonation"})


class FirstParty(Struct, frozen=True, kw_only=True):
    """One of them. `agreed` has the permissions on a resource that need no consent."""

    app_id: AppId
    name: str
    redirects: Registered
    agreed: dict[AppId, frozenset[str]]


FIRST_PARTY = {
    client.app_id: client
    for client in (
        FirstParty(
            app_id=AZURE_CLI,
            name="Microsoft Azure CLI",
            redirects=(*_LOOPBACK, (_NATIVE, Platform.PUBLIC)),
            agreed={GRAPH_APP_ID: _MANAGING, ARM_APP_ID: _AZURE},
        ),
        FirstParty(
            app_id=AZURE_POWERSHELL,
            name="Microsoft Azure PowerShell",
            redirects=(*_LOOPBACK, (_NATIVE, Platform.PUBLIC)),
            agreed={GRAPH_APP_ID: _MANAGING, ARM_APP_ID: _AZURE},
        ),
        FirstParty(
            app_id=GRAPH_COMMAND_LINE_TOOLS,
            name="Microsoft Graph Command Line Tools",
            redirects=(*_LOOPBACK, (_NATIVE, Platform.PUBLIC)),
            agreed={GRAPH_APP_ID: _SIGNING_IN},
        ),
        FirstParty(
            app_id=GRAPH_EXPLORER,
            name="Graph Explorer",
            redirects=(*_LOOPBACK, ("https://developer.microsoft.com/en-us/graph/graph-explorer", Platform.SPA)),
            agreed={GRAPH_APP_ID: _SIGNING_IN},
        ),
    )
}


def ensure_first_party(conn: Connection, tenant: Tenant, app_id: AppId, *, now: datetime) -> None:
    """Give the tenant the service principal of a Microsoft client that is used here for the first time. Nothing happens
    for any other application."""
    client = FIRST_PARTY.get(app_id)
    if client is None:
        return
    if directory_objects.get_by_app_id(conn, tenant.id, ObjectKind.SERVICE_PRINCIPAL, app_id) is not None:
        return
    principal = ServicePrincipal(
        id=ObjectId(str(uuid.uuid4())),
        app_id=app_id,
        display_name=client.name,
        created_at=now,
        app_owner_organization_id=MICROSOFT_TENANT_ID,
        sign_in_audience="AzureADandPersonalMicrosoftAccount",
        service_principal_names=(app_id,),
        other={"replyUrls": [uri for uri, _ in client.redirects]},
    )
    directory_objects.add(conn, tenant.id, principal)
