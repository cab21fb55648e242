"""An administrator grants an application what it asks for, for everybody.

https://learn.microsoft.com/en-us/entra/identity-platform/v2-admin-consent. v1.0 (`/adminconsent`) grants all that the
application lists as required, delegated permissions and application permissions alike; v2.0 the scopes in the request,
or all that is required of one resource for `.default`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from unsecret.errors import UnsecretError
from unsecret.model.application import AppRoleAssignment, ObjectKind, ServicePrincipal, Tenant
from unsecret.model.event import Activity, ModifiedProperty, OperationType
from unsecret.model.identifiers import GRAPH_APP_ID, AppId
from unsecret.store import directory_objects, directory_roles, links
from unsecret.tenant.discovery import find_tenant
from unsecret.tenant.signing_in.authorize import showing
from unsecret.tenant.signing_in.consents import CONSENTING_ROLES, GRANTING_ROLES, Wanted, agree, mark_of
from unsecret.tenant.signing_in.interaction import (
    Arrived,
    SomebodyIsThere,
    arrive,
    find_client,
    on_the_page,
    permission_list,
    remembered,
    transaction_of,
    typed,
)
from unsecret.tenant.signing_in.pages import error_line, form_page
from unsecret.tenant.signing_in.redirects import with_query
from unsecret.tenant.signing_in.registrations import WRONG_REDIRECT, Registration, require_redirect
from unsecret.tenant.signing_in.requests import LONGEST_TEXT, read_parameters
from unsecret.tenant.signing_in.scopes import AskedScopes, OfferedScope, offered_scopes, read_scopes, require_resource
from unsecret.tenant.signing_in.sessions import keep_session, require_canary
from unsecret.tenant.token_answers import as_refusal, trace_of
from unsecret.tenant.token_attempts import Asking
from unsecret.tenant.token_requests import Endpoint
from unsecret.tenant.use_cases.links import new_assignment_id
from unsecret.wire.aadsts import TokenRefused, refusal_body
from unsecret.wire.directory import AppRole, offered_app_roles
from unsecret.wire.logs import as_json

if TYPE_CHECKING:
    from sqlalchemy import Connection


class _WantedRole(Struct, frozen=True, kw_only=True):
    """An application permission of a resource."""

    resource: ServicePrincipal
    role: AppRole


class _Request(Struct, frozen=True, kw_only=True):
    """Who asks, for what, and where the answer goes. `scopes` is None for all that is required."""

    request: Request
    tenant: Tenant | None
    client: Registration
    redirect_uri: str
    state: str | None
    scopes: AskedScopes | None
    endpoint: Endpoint


class _Asked(Struct, frozen=True, kw_only=True):
    """The question that is put to the administrator."""

    tenant: Tenant
    account: str
    scopes: tuple[Wanted, ...]
    roles: tuple[_WantedRole, ...]
    new_session: str | None

    @property
    def permissions(self) -> tuple[Wanted, ...]:
        """All that is asked for, as the page lists it."""
        return (*self.scopes, *(Wanted(resource=one.resource, scope=_shown(one.role)) for one in self.roles))


@showing
async def admin_consent_v2(request: Request) -> Response:
    """GET, POST /{tenant}/v2.0/adminconsent"""
    return await _admin_consent(request, Endpoint.V2)


@showing
async def admin_consent_v1(request: Request) -> Response:
    """GET, POST /{tenant}/adminconsent"""
    return await _admin_consent(request, Endpoint.V1)


async def _admin_consent(request: Request, endpoint: Endpoint) -> Response:
    tenant = find_tenant(request)
    parameters, form = await read_parameters(request)
    client, redirect_uri = find_client(request, tenant, parameters), parameters.get("redirect_uri", "").strip()
    require_redirect(client, redirect_uri)
    if form:
        require_canary(request, form["canary"])
    state = parameters.get("state")
    here = _Request(
        request=request,
        tenant=tenant,
        client=client,
        redirect_uri=redirect_uri,
        state=state if state is not None and len(state) <= LONGEST_TEXT else None,
        scopes=read_scopes(parameters.get("scope") or ".default") if endpoint is Endpoint.V2 else None,
        endpoint=endpoint,
    )
    try:
        return await _served(here, form)
    except UnsecretError as error:
        refusal = as_refusal(error)
        if refusal.number == WRONG_REDIRECT:
            raise refusal from error
        return _sent_back(here, refusal)


async def _served(here: _Request, form: Mapping[str, str]) -> Response:
    if form.get("step") == "sign_in":
        try:
            return await _ask(here, await typed(here.request, here.tenant, form))
        except TokenRefused as refusal:
            return _sign_in_page(here, form.get("account", ""), on_the_page(refusal))
    who = remembered(here.request, here.tenant)
    if who is None:
        return _sign_in_page(here, "", None)
    if form.get("step") != "consent":
        return await _ask(here, who)
    return await _answered(here, who, accepted=form.get("choice") == "accept", mark=form.get("asked", ""))


def _sign_in_page(here: _Request, account: str, refusal: TokenRefused | None) -> Response:
    shown = {"client": here.client.name, "account": account[:1024]}
    return form_page(here.request, "sign_in", "Sign in", [here.redirect_uri], error=error_line(refusal), **shown)


async def _ask(here: _Request, who: SomebodyIsThere) -> Response:
    def then(conn: Connection, asking: Asking, arrived: Arrived) -> _Asked:
        asking.attempt.is_somebodys = False  # not over yet: what is recorded is how it ends
        return _asked(conn, asking, arrived, here)

    asked = await arrive(here.request, who, here.client.app_id, here.endpoint, then)
    response = form_page(
        here.request,
        "admin_consent",
        "Permissions requested",
        [here.redirect_uri],
        client=here.client.name,
        tenant=asked.tenant.display_name,
        account=asked.account,
        permissions=permission_list(asked.permissions),
        asked=mark_of(asked.permissions),
    )
    if asked.new_session is not None:
        keep_session(response, asked.new_session)
    return response


async def _answered(here: _Request, who: SomebodyIsThere, *, accepted: bool, mark: str) -> Response:
    def then(conn: Connection, asking: Asking, arrived: Arrived) -> bool:
        if not accepted:
            raise TokenRefused(65004, name=here.client.name)
        asked = _asked(conn, asking, arrived, here)
        if mark != mark_of(asked.permissions):
            asking.attempt.is_somebodys = False
            return False
        if asked.scopes:
            agree(transaction_of(conn, asking, arrived), arrived.principal, asked.scopes, for_all=True)
        for wanted in asked.roles:
            _grant(conn, asking, arrived, wanted)
        return True

    if not await arrive(here.request, who, here.client.app_id, here.endpoint, then):
        return await _ask(here, who)  # something else is asked for by now
    parameters = {"admin_consent": "True", "tenant": who.tenant.id}
    if here.scopes is not None:
        parameters["scope"] = " ".join(here.scopes.verbatim)
    return _sent(here, parameters)


def _asked(conn: Connection, asking: Asking, arrived: Arrived, here: _Request) -> _Asked:
    """The question for whoever arrived. Raises TokenRefused 90094 unless they may answer it."""
    require_redirect(arrived.client, here.redirect_uri)  # the address may have named no tenant
    _require_administrator(conn, asking, arrived)
    scopes, roles = _wanted(conn, asking, arrived, here)
    return _Asked(
        tenant=asking.tenant,
        account=arrived.person.user.user_principal_name,
        scopes=scopes,
        roles=roles,
        new_session=arrived.new_session,
    )


def _require_administrator(conn: Connection, asking: Asking, arrived: Arrived) -> None:
    roles = directory_roles.roles_of(conn, asking.tenant.id, arrived.person.user.id)
    if not roles & CONSENTING_ROLES:
        raise TokenRefused(90094, tenant=asking.tenant.display_name, name=arrived.client.name)


def _wanted(
    conn: Connection, asking: Asking, arrived: Arrived, here: _Request
) -> tuple[tuple[Wanted, ...], tuple[_WantedRole, ...]]:
    """What is asked for. Raises TokenRefused 90094 for an application permission that takes a higher role."""
    if here.scopes is not None and not here.scopes.default:
        name = arrived.client.name
        resource, named = require_resource(conn, asking.tenant, here.scopes, asking.services.settings, name)
        asking.attempt.resource = resource
        offered = offered_scopes(resource.principal)
        also = [offered[value] for value in here.scopes.openid_connect if value in offered]
        return tuple(Wanted(resource=resource.principal, scope=scope) for scope in [*named, *also]), ()
    scopes, roles = _required(conn, asking.tenant, arrived.client)
    held = directory_roles.roles_of(conn, asking.tenant.id, arrived.person.user.id)
    if any(one.resource.app_id == GRAPH_APP_ID for one in roles) and not held & GRANTING_ROLES:
        raise TokenRefused(90094, tenant=asking.tenant.display_name, name=arrived.client.name)
    return scopes, roles


def _required(
    conn: Connection, tenant: Tenant, client: Registration
) -> tuple[tuple[Wanted, ...], tuple[_WantedRole, ...]]:
    """All that the application's `requiredResourceAccess` names and a resource of the tenant offers."""
    scopes: list[Wanted] = []
    roles: list[_WantedRole] = []
    for entry in (client.application.other.get("requiredResourceAccess") or ()) if client.application else ():
        app_id = AppId(entry.get("resourceAppId", ""))
        resource = directory_objects.get_by_app_id(conn, tenant.id, ObjectKind.SERVICE_PRINCIPAL, app_id)
        if resource is None:
            raise TokenRefused(500011, resource=app_id, tenant=tenant.display_name)
        ids = {access.get("id") for access in entry.get("resourceAccess") or ()}
        scopes += [
            Wanted(resource=resource, scope=scope) for scope in offered_scopes(resource).values() if scope.id in ids
        ]
        roles += [
            _WantedRole(resource=resource, role=role)
            for role in offered_app_roles(resource)
            if role.id in ids and role.is_enabled and role.is_for_applications
        ]
    return tuple(scopes), tuple(roles)


def _grant(conn: Connection, asking: Asking, arrived: Arrived, wanted: _WantedRole) -> None:
    """Assign an application permission, unless the client holds it."""
    held = links.app_role_assignments(conn, asking.tenant.id, arrived.principal.id)
    if any((one.resource_id, one.app_role_id) == (wanted.resource.id, wanted.role.id) for one in held):
        return
    assignment = AppRoleAssignment(
        id=new_assignment_id(),
        principal_id=arrived.principal.id,
        resource_id=wanted.resource.id,
        app_role_id=wanted.role.id,
        created_at=asking.trace.now,
    )
    links.add_app_role_assignment(conn, asking.tenant.id, assignment)
    transaction = transaction_of(conn, asking, arrived)
    transaction.attempt_on(arrived.principal, Activity.ADD_APP_ROLE_ASSIGNMENT, OperationType.ASSIGN)
    transaction.record(
        ModifiedProperty("AppRole.Id", None, as_json(wanted.role.id)),
        ModifiedProperty("AppRole.Value", None, as_json(wanted.role.value)),
        ModifiedProperty("TargetId.ServicePrincipalNames", None, as_json(wanted.resource.app_id)),
    )


def _shown(role: AppRole) -> OfferedScope:
    return OfferedScope(id=role.id, value=role.value, admin_only=True, description="Without a signed-in user")


def _sent(here: _Request, parameters: dict[str, str]) -> Response:
    if here.state is not None:
        parameters = parameters | {"state": here.state}
    headers = {"Cache-Control": "no-store, no-cache", "Pragma": "no-cache", "Referrer-Policy": "no-referrer"}
    return RedirectResponse(with_query(here.redirect_uri, parameters), 302, headers)


def _sent_back(here: _Request, refusal: TokenRefused) -> Response:
    trace = trace_of(here.request)
    body = refusal_body(refusal, trace_id=trace.trace_id, correlation_id=trace.correlation_id, now=trace.now)
    return _sent(here, {"error": body["error"], "error_description": body["error_description"]})
