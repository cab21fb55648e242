"""What a token is for: the identifier that a client asks for becomes a service principal of the tenant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from unsecret.model.application import Application, ObjectKind, ServicePrincipal, Tenant
from unsecret.model.identifiers import ARM_APP_ID, GRAPH_APP_ID, AppId, ObjectId, TenantId, canonical_guid
from unsecret.model.query import AnyOf, Comparison, Operator, Query
from unsecret.store import directory_objects, links
from unsecret.store.questions import Questions
from unsecret.tenant.settings import ServerSettings, is_own_origin
from unsecret.wire.aadsts import TokenRefused
from unsecret.wire.directory import offered_app_roles

if TYPE_CHECKING:
    from sqlalchemy import Connection

_V2 = 2
_LONGEST_REMEMBERED = 256
"""Characters of a resource's name: longer ones are looked up each time rather than kept."""


class Resource(Struct, frozen=True, kw_only=True):
    """A resource in one tenant. `identifier` is what a v1.0 token carries as `aud`: as it was asked for."""

    identifier: str
    principal: ServicePrincipal
    application: Application | None

    @property
    def is_microsoft(self) -> bool:
        """Graph or Azure Resource Manager: their tokens are always v1.0."""
        return self.principal.app_id in (GRAPH_APP_ID, ARM_APP_ID)

    @property
    def wants_v2_tokens(self) -> bool:
        """The resource, not the endpoint that was asked, decides the version of its tokens.

        https://learn.microsoft.com/en-us/entra/identity-platform/access-tokens#token-formats
        """
        return self.application is not None and self.application.requested_access_token_version == _V2


def find_resource(questions: Questions, tenant: Tenant, identifier: str, settings: ServerSettings) -> Resource:
    """The resource that `identifier` names: Graph, Azure Resource Manager, or an application of the tenant by
    its appId or any of its names.

    Raises TokenRefused: 500011 when nothing of that name has a service principal here, 500014 when that is
    switched off.
    """
    identifier = _settled(identifier, settings)
    app_id = _app_id(questions, identifier, settings)
    application, principal = questions.ask(directory_objects.objects_of_app, app_id) if app_id else (None, None)
    if principal is None:
        raise TokenRefused(500011, resource=identifier, tenant=tenant.display_name)
    if not principal.account_enabled:
        raise TokenRefused(500014, resource=identifier)
    return Resource(identifier=identifier, principal=principal, application=application)


def granted_roles(
    conn: Connection, tenant_id: TenantId, client_id: ObjectId, resource_app_id: AppId
) -> tuple[str, ...] | None:
    """The values of the resource's app roles that are assigned to the client, in the order of assignment;
    None when nothing at all is assigned."""
    _, resource = directory_objects.objects_of_app(conn, tenant_id, resource_app_id)
    assigned = [
        assignment.app_role_id
        for assignment in links.app_role_assignments(conn, tenant_id, client_id)
        if resource and assignment.resource_id == resource.id
    ]
    if resource is None or not assigned:
        return None
    values = {role.id: role.value for role in offered_app_roles(resource, frozenset(assigned)) if role.is_enabled}
    named = (values.get(role_id) for role_id in assigned)
    return tuple(dict.fromkeys(value for value in named if value))


def _settled(identifier: str, settings: ServerSettings) -> str:
    """This server under another port (a container's, published elsewhere) is this server: its tokens carry a
    name that it knows itself by."""
    if identifier in settings.graph_audiences or not is_own_origin(identifier, settings):
        return identifier
    return f"{settings.base_url}/" if identifier.endswith("/") else settings.base_url


def _app_id(questions: Questions, identifier: str, settings: ServerSettings) -> AppId | None:
    if identifier in settings.graph_audiences:
        return GRAPH_APP_ID
    if identifier in settings.arm_audiences:
        return ARM_APP_ID
    if guid := canonical_guid(identifier):
        return AppId(guid)
    if len(identifier) > _LONGEST_REMEMBERED:
        return _app_id_of_name(questions.conn, questions.tenant_id, identifier)
    return questions.ask(_app_id_of_name, identifier)


def _app_id_of_name(conn: Connection, tenant_id: TenantId, identifier: str) -> AppId | None:
    for name in dict.fromkeys((identifier, identifier.rstrip("/"))):
        for kind, collection in (
            (ObjectKind.SERVICE_PRINCIPAL, "servicePrincipalNames"),
            (ObjectKind.APPLICATION, "identifierUris"),
        ):
            query = Query(filter=AnyOf(collection, Comparison("", Operator.EQ, name)), top=1)
            found = directory_objects.list(conn, tenant_id, kind, query).items
            if found:
                return found[0].app_id
    return None
