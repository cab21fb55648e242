"""A person in front of a page: the password that they typed, the session that they have, what they agreed to.

What the pages of the authorization endpoint, of device codes and of administrators have in common. Everything is
decided anew in the transaction that writes what came of it; a page is only asked for and never believed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct
from starlette.requests import Request

from unsecret.model.application import ServicePrincipal, Tenant
from unsecret.model.event import Caller, Circumstances, SignInEventType
from unsecret.tenant.call import kept
from unsecret.tenant.settings import Services
from unsecret.tenant.signing_in.first_party import ensure_first_party
from unsecret.tenant.signing_in.pages import Html, fragment
from unsecret.tenant.signing_in.people import (
    Person,
    TriedPassword,
    require_password,
    signed_in,
    tenant_of_account,
    try_password,
)
from unsecret.tenant.signing_in.registrations import Registration, find_registration
from unsecret.tenant.signing_in.sessions import Session, begin_session, find_session
from unsecret.tenant.token_answers import in_time_of, trace_of
from unsecret.tenant.token_attempts import Asking, Attempt, decide
from unsecret.tenant.token_requests import Endpoint
from unsecret.tenant.use_cases.transaction import Transaction
from unsecret.wire.aadsts import TokenRefused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from unsecret.tenant.signing_in.consents import Wanted

T = TypeVar("T")

_ABOUT_WHAT_WAS_TYPED = frozenset({50034, 50053, 50057, 50126})


class SomebodyIsThere(Struct, frozen=True, kw_only=True):
    """Who is known to be in front of the page: by a password that was just tried, or by the browser's session."""

    tenant: Tenant
    tried: TriedPassword | None = None
    session: Session | None = None


class Arrived(Struct, frozen=True, kw_only=True):
    """A person, signed in, in the transaction that decides what they get. `session` is the text of a new one."""

    person: Person
    client: Registration
    principal: ServicePrincipal
    session: Session | None
    new_session: str | None


def find_client(request: Request, tenant: Tenant | None, parameters: Mapping[str, str]) -> Registration:
    """The application that a page is opened for. Raises TokenRefused: 900144 when none is named."""
    client_id = parameters.get("client_id", "").strip()
    if not client_id:
        raise TokenRefused(900144, parameter="client_id", remedy="")
    services: Services = request.app.state.services
    with services.store.read() as conn:
        return find_registration(conn, tenant, client_id)


def on_the_page(refusal: TokenRefused) -> TokenRefused:
    """What a page says that asked for account and password; it tells nobody who exists. Raises the refusal if it is
    about anything else than what was typed."""
    if refusal.number not in _ABOUT_WHAT_WAS_TYPED:
        raise refusal
    return TokenRefused(50126) if refusal.number == 50034 else refusal


async def typed(request: Request, tenant: Tenant | None, form: Mapping[str, str]) -> SomebodyIsThere:
    """Account and password of a form. Raises TokenRefused 50034 when no tenant can be told from the account."""
    services: Services = request.app.state.services
    account, password = form.get("account", ""), form.get("password", "")
    if tenant is None:
        with services.store.read() as conn:
            tenant = tenant_of_account(conn, account)
        if tenant is None:
            raise TokenRefused(50034, account=account, tenant="any tenant of this server")
    return SomebodyIsThere(tenant=tenant, tried=await try_password(services, tenant, account, password))


def remembered(request: Request, tenant: Tenant | None) -> SomebodyIsThere | None:
    """Whoever the browser is signed in as, if that is somebody of `tenant`."""
    services: Services = request.app.state.services
    trace = trace_of(request)
    with services.store.read() as conn:
        session = find_session(conn, request, now=trace.now)
    if session is not None and tenant is None:  # whose clock counts is known only now
        now = in_time_of(trace, services, session.tenant).now
        with services.store.read() as conn:
            session = find_session(conn, request, now=now)
    if session is None or (tenant is not None and session.tenant.id != tenant.id):
        return None
    return SomebodyIsThere(tenant=session.tenant, session=session)


async def arrive(
    request: Request,
    who: SomebodyIsThere,
    client_id: str,
    endpoint: Endpoint,
    then: Callable[[Connection, Asking, Arrived], T | TokenRefused],
    *,
    everywhere: bool = False,
) -> T:
    """Decide what `who` gets, in one transaction with the record of the sign-in: `then` is handed the person once the
    password or the session is known to be good, and the client; `everywhere` as for `decide`. Raises TokenRefused."""
    services: Services = request.app.state.services
    asking = Asking(
        request,
        services,
        in_time_of(trace_of(request), services, who.tenant),
        who.tenant,
        endpoint,
        Attempt(event_type=SignInEventType.INTERACTIVE_USER),
    )
    asking.attempt.says_it_is(client_id)

    def judge(conn: Connection) -> T | TokenRefused:
        arrived = _arrived(conn, asking, who, client_id)
        return then(conn, asking, arrived)

    return await decide(asking, judge, everywhere=everywhere)


def transaction_of(conn: Connection, asking: Asking, arrived: Arrived) -> Transaction:
    """The same transaction as use cases know it: what is done in it, the person did, by way of the client."""
    request, principal = asking.request, arrived.principal
    caller = Caller(
        tenant_id=asking.tenant.id,
        app_id=principal.app_id,
        service_principal_id=principal.id,
        display_name=principal.display_name,
        user=signed_in(arrived.person.user),
    )
    circumstances = Circumstances(
        now=asking.trace.now,
        machine_now=asking.trace.machine_now,
        correlation_id=asking.trace.correlation_id,
        ip_address=request.client.host if request.client else None,
        user_agent=kept(request.headers.get("user-agent")),
    )
    return Transaction(conn, caller, circumstances)


def require_principal(asking: Asking, client: Registration) -> ServicePrincipal:
    """The client's service principal in the tenant. Raises TokenRefused 7000229 when it has none."""
    asking.attempt.application, asking.attempt.principal = client.application, client.principal
    if client.principal is None:
        raise TokenRefused(7000229, app=client.app_id, tenant=asking.tenant.id)
    return client.principal


def permission_list(wanted: Iterable[Wanted]) -> Html:
    """Permissions that somebody is asked for, one line each."""
    lines = (
        fragment(
            "permission",
            description=one.scope.description,
            resource=one.resource.display_name,
            value=one.scope.value,
        )
        for one in wanted
    )
    return Html("".join(lines))


def _arrived(conn: Connection, asking: Asking, who: SomebodyIsThere, client_id: str) -> Arrived:
    tenant, now, request = who.tenant, asking.trace.now, asking.request
    ensure_first_party(conn, tenant, asking.attempt.app_id, now=now)
    client = find_registration(conn, tenant, client_id)
    principal = require_principal(asking, client)
    if who.tried is not None:
        person = require_password(conn, tenant, who.tried, asking.attempt, now=now)
        text = begin_session(conn, request, tenant, person, now=now)
        return Arrived(person=person, client=client, principal=principal, session=None, new_session=text)
    session = find_session(conn, request, now=now)
    if session is None or session.tenant.id != tenant.id:
        raise TokenRefused(50058)
    asking.attempt.user = signed_in(session.person.user)
    return Arrived(person=session.person, client=client, principal=principal, session=session, new_session=None)
