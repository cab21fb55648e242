"""The organisation, directory objects of any kind, and application permissions that were granted.

https://learn.microsoft.com/en-us/graph/api/resources/organization
https://learn.microsoft.com/en-us/graph/api/resources/directoryobject
https://learn.microsoft.com/en-us/graph/api/resources/approleassignment
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from msgspec import Struct

from unsecret.model.application import Application, AppRoleAssignment, ServicePrincipal, Tenant
from unsecret.model.identifiers import ObjectId
from unsecret.model.people import AnyObject, User
from unsecret.wire.applications import application_to_graph
from unsecret.wire.instants import format_instant
from unsecret.wire.properties import read_properties, require
from unsecret.wire.service_principals import service_principal_to_graph
from unsecret.wire.shapes import Access, Property, guid, text
from unsecret.wire.users import user_to_graph

_ASSIGNMENT: dict[str, Property] = {
    "id": Property(text(), None, Access.READ),
    "deletedDateTime": Property(text(), None, Access.READ),
    "appRoleId": Property(guid(required=True)),
    "createdDateTime": Property(text(), None, Access.READ),
    "principalDisplayName": Property(text(), None, Access.READ),
    "principalId": Property(guid(required=True)),
    "principalType": Property(text(), None, Access.READ),
    "resourceDisplayName": Property(text(), None, Access.READ),
    "resourceId": Property(guid(required=True)),
}
_ASKED_FOR = ("principalId", "resourceId", "appRoleId")


class AppRoleAssignmentBody(Struct, frozen=True, kw_only=True):
    """A permission as asked for: who is to hold it, whose it is, and which (all zeros: none in particular)."""

    principal_id: ObjectId
    resource_id: ObjectId
    app_role_id: str


class AppRole(Struct, frozen=True, kw_only=True):
    """A role that a service principal offers. `value` is what stands in tokens, "" when it has none."""

    id: str
    value: str
    is_enabled: bool
    is_for_applications: bool
    is_for_people: bool


def offered_app_roles(principal: ServicePrincipal, only: Collection[str] | None = None) -> tuple[AppRole, ...]:
    """The `appRoles` of a service principal, in order, or `only` those with these ids, in theirs.
    Those for applications are application permissions."""
    roles = principal.entries("appRoles")
    return tuple(
        AppRole(
            id=role["id"],
            value=role.get("value") or "",
            is_enabled=role.get("isEnabled", True),
            is_for_applications="Application" in role.get("allowedMemberTypes", ()),
            is_for_people="User" in role.get("allowedMemberTypes", ()),
        )
        for role in (roles.values() if only is None else [roles[id] for id in only if id in roles])
    )


def organization_to_graph(tenant: Tenant) -> dict[str, Any]:
    """The tenant as the one element of `/organization`. Its first domain is the initial and the default one."""
    return {
        "id": tenant.id,
        "deletedDateTime": None,
        "businessPhones": [],
        "city": None,
        "country": None,
        "countryLetterCode": None,
        "createdDateTime": format_instant(tenant.created_at),
        "defaultUsageLocation": None,
        "displayName": tenant.display_name,
        "marketingNotificationEmails": [],
        "onPremisesLastSyncDateTime": None,
        "onPremisesSyncEnabled": None,
        "partnerTenantType": None,
        "postalCode": None,
        "preferredLanguage": None,
        "securityComplianceNotificationMails": [],
        "securityComplianceNotificationPhones": [],
        "state": None,
        "street": None,
        "technicalNotificationMails": [],
        "tenantType": "AAD",
        "privacyProfile": None,
        "assignedPlans": [],
        "provisionedPlans": [],
        "verifiedDomains": [_verified_domain(name, index == 0) for index, name in enumerate(tenant.verified_domains)],
    }


def _verified_domain(name: str, initial: bool) -> dict[str, Any]:
    return {"capabilities": "", "isDefault": initial, "isInitial": initial, "name": name, "type": "Managed"}


def directory_object_to_graph(obj: AnyObject, *, beta: bool) -> dict[str, Any]:
    """An element of a collection that mixes kinds, with the `@odata.type` that tells them apart."""
    return {"@odata.type": f"#microsoft.graph.{obj.kind.value}", **_shown(obj, beta=beta)}


def reference_to_graph(obj: AnyObject, root: str) -> dict[str, str]:
    """The address of an object as Graph refers to it, below `root`."""
    kind = obj.kind.value
    type_name = f"Microsoft.DirectoryServices.{kind[:1].upper()}{kind[1:]}"
    return {"@odata.id": f"{root}/directoryObjects/{obj.id}/{type_name}"}


def _shown(obj: AnyObject, *, beta: bool) -> dict[str, Any]:
    match obj:
        case Application():
            return application_to_graph(obj, beta=beta)
        case User():
            return user_to_graph(obj)
        case _:
            return service_principal_to_graph(obj, beta=beta)


def deleted_to_graph(shown: dict[str, Any], deleted_at: datetime) -> dict[str, Any]:
    """`shown`, an object in Graph's shape, as one that was deleted then."""
    return shown | {"deletedDateTime": format_instant(deleted_at)}


def app_role_assignment_to_graph(
    assignment: AppRoleAssignment, *, principal_name: str | None, principal_type: str, resource_name: str | None
) -> dict[str, Any]:
    """An appRoleAssignment. Names are those of the two ends at the time of reading."""
    return {
        "id": assignment.id,
        "deletedDateTime": None,
        "appRoleId": assignment.app_role_id,
        "createdDateTime": format_instant(assignment.created_at),
        "principalDisplayName": principal_name,
        "principalId": assignment.principal_id,
        "principalType": principal_type,
        "resourceDisplayName": resource_name,
        "resourceId": assignment.resource_id,
    }


def app_role_assignment_from_graph(body: Any) -> AppRoleAssignmentBody:
    """The body of a POST to appRoleAssignments or appRoleAssignedTo. Raises Invalid."""
    written = read_properties(body, _ASSIGNMENT, current={}, creating=True)
    for name in _ASKED_FOR:
        require(name, written)
    return AppRoleAssignmentBody(
        principal_id=ObjectId(written["principalId"]),
        resource_id=ObjectId(written["resourceId"]),
        app_role_id=written["appRoleId"],
    )
