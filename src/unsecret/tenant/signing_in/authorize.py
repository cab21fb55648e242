"""The authorization endpoint: a person signs in on a page, agrees to what is asked, and the client gets a code.

https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-auth-code-flow, RFC 6749 §4.1, RFC 7636, RFC 9700.
Until the redirect URI is known to be the client's, a refusal is a page; after that it is sent there. What a person can
put right (a mistyped password) stays on the page.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from functools import wraps
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from unsecret.errors import UnsecretError
from unsecret.model.application import Tenant
from unsecret.tenant.certificates import base64url
from unsecret.tenant.discovery import find_tenant, v1_issuer, v2_issuer
from unsecret.tenant.settings import Services, origin
from unsecret.tenant.signing_in.consents import Judged, agree, judge, mark_of
from unsecret.tenant.signing_in.handing_out import hand_out_code
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
from unsecret.tenant.signing_in.pages import Html, error_line, form_page, fragment, refusal_page, sending_page
from unsecret.tenant.signing_in.redirects import with_fragment, with_query
from unsecret.tenant.signing_in.registrations import WRONG_REDIRECT, Registration, require_redirect
from unsecret.tenant.signing_in.requests import (
    CODE,
    CONSENT,
    FORM_POST,
    FRAGMENT,
    ID_TOKEN,
    LOGIN,
    NONE,
    SELECT_ACCOUNT,
    AuthorizeRequest,
    Destination,
    read_destination,
    read_parameters,
    read_request,
)
from unsecret.tenant.signing_in.sessions import keep_session, require_canary
from unsecret.tenant.signing_in.user_tokens import UserGranted, client_info_of, id_token_claims
from unsecret.tenant.token_answers import as_refusal, in_time_of, trace_of
from unsecret.tenant.token_attempts import Asking
from unsecret.tenant.token_requests import Endpoint
from unsecret.wire.aadsts import TokenRefused, refusal_body

if TYPE_CHECKING:
    from sqlalchemy import Connection

_FRESH = timedelta(minutes=10)
"""How long after a password `prompt=login` is content: the pages that may follow it are answered in that time."""

_SEE_OTHER, _FOUND = 303, 302


class _Conversation(Struct, frozen=True, kw_only=True):
    """One request with everything that answering it takes."""

    request: Request
    tenant: Tenant | None
    client: Registration
    asked: AuthorizeRequest
    endpoint: Endpoint


class _Agreement(Struct, frozen=True, kw_only=True):
    """What the person said to the question of consent; nothing yet. `asked` is the mark of the question."""

    given: bool = False
    asked: str = ""
    refused: bool = False
    for_all: bool = False


class _Done(Struct, frozen=True, kw_only=True):
    """The answer for the client."""

    parameters: dict[str, str]
    granted: UserGranted
    new_session: str | None


class _MustAgree(Struct, frozen=True, kw_only=True):
    """Consent must be asked for first."""

    judged: Judged
    account: str
    tenant: Tenant
    new_session: str | None


def showing(endpoint: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """`endpoint`, with what it raises shown on a page."""

    @wraps(endpoint)
    async def shown(request: Request) -> Response:
        try:
            return await endpoint(request)
        except UnsecretError as error:
            return refusal_page(request, as_refusal(error))

    return shown


@showing
async def authorize_v2(request: Request) -> Response:
    """GET, POST /{tenant}/oauth2/v2.0/authorize"""
    return await _authorize(request, Endpoint.V2)


@showing
async def authorize_v1(request: Request) -> Response:
    """GET, POST /{tenant}/oauth2/authorize"""
    return await _authorize(request, Endpoint.V1)


async def _authorize(request: Request, endpoint: Endpoint) -> Response:
    tenant = find_tenant(request)
    parameters, form = await read_parameters(request)
    if request.method == "POST" and not form:  # asked by POST: our forms need an address that has it all
        return RedirectResponse(f"{request.scope['path']}?{urlencode(parameters)}", _SEE_OTHER)
    client = find_client(request, tenant, parameters)
    destination = read_destination(parameters, client)
    if form:
        require_canary(request, form["canary"])
    try:
        asked = read_request(parameters, client, destination, endpoint)
        here = _Conversation(request=request, tenant=tenant, client=client, asked=asked, endpoint=endpoint)
        return await _answered(here, form) if form else await _opened(here)
    except UnsecretError as error:
        refusal = as_refusal(error)
        if refusal.number == WRONG_REDIRECT:
            raise refusal from error
        return _sent_back(request, destination, refusal, tenant, endpoint)


# -- what is shown -------------------------------------------------------------------------------------------------


async def _opened(here: _Conversation) -> Response:
    """The first page of a request, or at once the answer for whoever is signed in already."""
    prompt, who = here.asked.prompt, remembered(here.request, here.tenant)
    if who is not None and who.session is not None and here.asked.login_hint:
        expected = here.asked.login_hint.lower()
        if who.session.person.user.user_principal_name.lower() != expected:
            who = None
    if prompt == NONE:
        if who is None:
            raise TokenRefused(50058)
        return await _finish(here, who, _Agreement())
    if who is None or prompt == LOGIN:
        return _sign_in_page(here, here.asked.login_hint, None)
    if prompt == SELECT_ACCOUNT:
        return _choice_page(here, who)
    return await _finish(here, who, _Agreement())


async def _answered(here: _Conversation, form: Mapping[str, str]) -> Response:
    """What follows a form of ours."""
    step, choice = form.get("step"), form.get("choice")
    if step == "sign_in":
        return await _signed_in(here, form)
    if step == "choose" and choice == "other":
        return _sign_in_page(here, "", None)
    who = remembered(here.request, here.tenant)
    if who is None or not _is_fresh_enough(here, who):
        return _sign_in_page(here, here.asked.login_hint, None)
    if step != "consent":
        return await _finish(here, who, _Agreement())
    given = choice == "accept"
    for_all = given and form.get("for_all") == "yes"
    agreement = _Agreement(given=given, asked=form.get("asked", ""), refused=not given, for_all=for_all)
    return await _finish(here, who, agreement)


async def _signed_in(here: _Conversation, form: Mapping[str, str]) -> Response:
    try:
        who = await typed(here.request, here.tenant, form)
        return await _finish(here, who, _Agreement())
    except TokenRefused as refusal:
        return _sign_in_page(here, form.get("account", ""), on_the_page(refusal))


def _is_fresh_enough(here: _Conversation, who: SomebodyIsThere) -> bool:
    if here.asked.prompt != LOGIN or who.session is None:
        return True
    services: Services = here.request.app.state.services
    return in_time_of(trace_of(here.request), services, who.tenant).now - who.session.signed_in_at <= _FRESH


def _sign_in_page(here: _Conversation, account: str, refusal: TokenRefused | None) -> Response:
    return form_page(
        here.request,
        "sign_in",
        "Sign in",
        leads_to=[here.asked.destination.redirect_uri],
        client=here.client.name,
        account=account[:1024],
        error=error_line(refusal),
    )


def _choice_page(here: _Conversation, who: SomebodyIsThere) -> Response:
    assert who.session is not None
    return form_page(
        here.request,
        "choose",
        "Pick an account",
        leads_to=[here.asked.destination.redirect_uri],
        client=here.client.name,
        account=who.session.person.user.user_principal_name,
    )


def _consent_page(here: _Conversation, must: _MustAgree) -> Response:
    shown = {
        "client": here.client.name,
        "permissions": permission_list(must.judged.missing),
        "asked": mark_of(must.judged.missing),
    }
    leads_to = [here.asked.destination.redirect_uri]
    if must.judged.needs_administrator:
        refusal = TokenRefused(90094, tenant=must.tenant.display_name, name=here.client.name)
        title, name = "Need admin approval", "admin_needed"
        shown |= {"message": refusal.message, "tenant": must.tenant.display_name}
    else:
        title, name = "Permissions requested", "consent"
        for_all = fragment("for_all") if must.judged.is_administrator else Html("")
        shown |= {"account": must.account, "for_all": for_all}
    response = form_page(here.request, name, title, leads_to=leads_to, **shown)
    if must.new_session is not None:
        keep_session(response, must.new_session)
    return response


# -- what is decided -----------------------------------------------------------------------------------------------


async def _finish(here: _Conversation, who: SomebodyIsThere, agreement: _Agreement) -> Response:
    """The answer for the client, or the question of consent. Raises TokenRefused."""

    def then(conn: Connection, asking: Asking, arrived: Arrived) -> _Done | _MustAgree | TokenRefused:
        return _decided(conn, asking, arrived, here, agreement)

    outcome = await arrive(here.request, who, here.asked.client_id, here.endpoint, then)
    if isinstance(outcome, _MustAgree):
        if here.asked.prompt == NONE:
            raise TokenRefused(65001, app=here.client.app_id, name=here.client.name)
        return _consent_page(here, outcome)
    parameters = outcome.parameters | _id_token(here, outcome)
    response = _sent(here.request, here.asked.destination, parameters, outcome.granted.tenant, here.endpoint)
    if outcome.new_session is not None:
        keep_session(response, outcome.new_session)
    return response


def _decided(
    conn: Connection, asking: Asking, arrived: Arrived, here: _Conversation, agreement: _Agreement
) -> _Done | _MustAgree | TokenRefused:
    tenant, now, asked = asking.tenant, asking.trace.now, here.asked
    settings = asking.services.settings
    require_redirect(arrived.client, asked.destination.redirect_uri)  # the address may have named no tenant
    judged = judge(conn, tenant, arrived.client, asked.scopes, person=arrived.person, settings=settings)
    asking.attempt.resource = judged.resource
    if agreement.refused:
        raise TokenRefused(65004, name=arrived.client.name)
    given = agreement.given and agreement.asked == mark_of(judged.missing)
    must_ask = not given and (judged.missing or asked.prompt == CONSENT)
    if must_ask or judged.needs_administrator:
        asking.attempt.is_somebodys = False  # not over yet: what is recorded is how it ends
        account = arrived.person.user.user_principal_name
        return _MustAgree(judged=judged, account=account, tenant=tenant, new_session=arrived.new_session)
    if judged.missing:
        for_all = agreement.for_all and judged.is_administrator
        agree(transaction_of(conn, asking, arrived), arrived.principal, judged.missing, for_all=for_all)
    signed_in_at = arrived.session.signed_in_at if arrived.session else now
    granted = UserGranted(
        tenant=tenant,
        client=arrived.principal,
        user=arrived.person.user,
        resource=judged.resource,
        asked=asked.scopes,
        scope=judged.scope,
        signed_in_at=signed_in_at,
        nonce=asked.nonce,
    )
    parameters = {}
    if CODE in asked.response_types:
        parameters[CODE] = hand_out_code(conn, tenant, asked, arrived.person, signed_in_at=signed_in_at, now=now)
    return _Done(parameters=parameters, granted=granted, new_session=arrived.new_session)


def _id_token(here: _Conversation, done: _Done) -> dict[str, str]:
    """The parts of the answer that need no record: who it is, by MSAL's name and by an id token if one was asked for,
    which is bound to the code beside it (OpenID Connect Core §3.3.2.11)."""
    parts: dict[str, str] = {}
    if here.asked.client_info:
        parts["client_info"] = client_info_of(done.granted.user, done.granted.tenant)
    if ID_TOKEN in here.asked.response_types:
        services: Services = here.request.app.state.services
        authority = _authority(here.request)
        trace = in_time_of(trace_of(here.request), services, done.granted.tenant)
        claims: dict[str, Any] = id_token_claims(done.granted, trace, authority=authority, endpoint=here.endpoint)
        if CODE in done.parameters:
            half = hashlib.sha256(done.parameters[CODE].encode()).digest()[:16]
            claims["c_hash"] = base64url(half)
        parts[ID_TOKEN] = services.signing.sign(claims)
    return parts


# -- what is sent --------------------------------------------------------------------------------------------------


def _sent(
    request: Request, destination: Destination, parameters: dict[str, str], tenant: Tenant | None, endpoint: Endpoint
) -> Response:
    """`parameters` on their way to the client, with its `state` and with who answers: a client of several servers sees
    by that who it was (RFC 9207)."""
    if destination.state is not None:
        parameters = parameters | {"state": destination.state}
    if tenant is not None:
        is_v2 = endpoint is Endpoint.V2
        parameters = parameters | {"iss": v2_issuer(_authority(request), tenant.id) if is_v2 else v1_issuer(tenant.id)}
    if destination.mode == FORM_POST:
        return sending_page(request, destination.redirect_uri, parameters)
    put = with_fragment if destination.mode == FRAGMENT else with_query
    headers = {"Cache-Control": "no-store, no-cache", "Pragma": "no-cache", "Referrer-Policy": "no-referrer"}
    return RedirectResponse(put(destination.redirect_uri, parameters), _FOUND, headers)


def _sent_back(
    request: Request, destination: Destination, refusal: TokenRefused, tenant: Tenant | None, endpoint: Endpoint
) -> Response:
    trace = trace_of(request)
    body = refusal_body(refusal, trace_id=trace.trace_id, correlation_id=trace.correlation_id, now=trace.now)
    parameters = {name: body[name] for name in ("error", "error_description", "error_uri")}
    return _sent(request, destination, parameters, tenant, endpoint)


def _authority(request: Request) -> str:
    services: Services = request.app.state.services
    return origin(request.headers.get("host"), services.settings)
