"""The application that wants somebody signed in: what is known of it before anything of the request is trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from unsecret.model.application import Application, ObjectKind, ServicePrincipal, Tenant
from unsecret.model.identifiers import AppId, canonical_guid
from unsecret.store import directory_objects, tenants
from unsecret.tenant.signing_in.first_party import FIRST_PARTY, FirstParty
from unsecret.tenant.signing_in.redirects import Platform, Registered, platform_of, registered_redirects
from unsecret.wire.aadsts import TokenRefused

if TYPE_CHECKING:
    from sqlalchemy import Connection


WRONG_REDIRECT = 50011


class Registration(Struct, frozen=True, kw_only=True):
    """A client: an application of a tenant, with its service principal where that exists, or one of Microsoft's."""

    app_id: AppId
    application: Application | None = None
    principal: ServicePrincipal | None = None
    first_party: FirstParty | None = None

    @property
    def name(self) -> str:
        """As pages call it."""
        known = self.principal or self.application
        if known is not None:
            return known.display_name
        return self.first_party.name if self.first_party else self.app_id

    @property
    def redirects(self) -> Registered:
        """Where answers may be sent."""
        if self.first_party is not None:
            return self.first_party.redirects
        return registered_redirects(self.application) if self.application else ()

    @property
    def is_public_by_default(self) -> bool:
        """Whether it is a public client where no redirect URI says so (device codes, passwords).

        https://learn.microsoft.com/en-us/graph/api/resources/application: `isFallbackPublicClient`.
        """
        if self.first_party is not None:
            return True
        return bool(self.application and self.application.other.get("isFallbackPublicClient"))


def require_redirect(client: Registration, redirect_uri: str) -> Platform:
    """The platform under which `client` registered this redirect URI. Raises TokenRefused 50011 when it has not."""
    platform = platform_of(redirect_uri, client.redirects)
    if platform is None:
        raise TokenRefused(WRONG_REDIRECT, redirect=redirect_uri, app=client.app_id)
    return platform


def find_registration(conn: Connection, tenant: Tenant | None, client_id: str) -> Registration:
    """The client with this id in `tenant`; in whichever tenant has it as its own, when the address names none.

    Raises TokenRefused: 700016 when there is none, 7000112 when it is switched off.
    """
    app_id = AppId(canonical_guid(client_id) or "")
    found = _find(conn, tenant, app_id)
    if found is None:
        where = tenant.display_name if tenant else "any tenant of this server"
        raise TokenRefused(700016, app=client_id, tenant=where)
    switched_off = (found.application is not None and found.application.is_disabled) or (
        found.principal is not None and not found.principal.account_enabled
    )
    if switched_off:
        raise TokenRefused(7000112, app=app_id, name=found.name)
    return found


def _find(conn: Connection, tenant: Tenant | None, app_id: AppId) -> Registration | None:
    known = FIRST_PARTY.get(app_id)
    if tenant is None:
        if known is not None:
            return Registration(app_id=app_id, first_party=known)
        homes = (
            directory_objects.get_by_app_id(conn, home.id, ObjectKind.APPLICATION, app_id)
            for home in tenants.list_tenants(conn)
        )
        application = next((found for found in homes if found is not None), None)
        return Registration(app_id=app_id, application=application) if application else None
    application, principal = directory_objects.objects_of_app(conn, tenant.id, app_id)
    if known is None and application is None and principal is None:
        return None
    return Registration(app_id=app_id, application=application, principal=principal, first_party=known)
