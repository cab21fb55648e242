"""A request to sign somebody in, as a value: read in two steps, because errors may be sent to the redirect URI only
once that is known to be the client's (RFC 6749 §4.1.2.1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from msgspec import Struct
from starlette.requests import Request

from unsecret.model.identifiers import AppId
from unsecret.tenant.signing_in.proof_keys import read_challenge
from unsecret.tenant.signing_in.redirects import Platform
from unsecret.tenant.signing_in.registrations import Registration, require_redirect
from unsecret.tenant.signing_in.scopes import OPENID, AskedScopes, all_of, read_scopes
from unsecret.tenant.token_requests import MAX_FORM_FIELDS, Endpoint, each_once, read_form
from unsecret.wire.aadsts import TokenRefused

LONGEST_QUERY = 16 * 1024
LONGEST_TEXT = 4 * 1024
"""Bytes of a whole query, and characters of `state` and `nonce`, which are repeated."""

QUERY, FRAGMENT, FORM_POST = "query", "fragment", "form_post"
CODE, ID_TOKEN = "code", "id_token"
LOGIN, NONE, CONSENT, SELECT_ACCOUNT = "login", "none", "consent", "select_account"
_PROMPTS = frozenset({LOGIN, NONE, CONSENT, SELECT_ACCOUNT})
_OUR_OWN = "canary"


class Destination(Struct, frozen=True, kw_only=True):
    """Where the answer goes: checked against what the client registered."""

    redirect_uri: str
    platform: Platform
    mode: str
    state: str | None


class AuthorizeRequest(Struct, frozen=True, kw_only=True):
    """A whole request, every part of it understood."""

    client_id: AppId
    destination: Destination
    response_types: frozenset[str]
    scopes: AskedScopes
    prompt: str | None
    login_hint: str
    nonce: str | None
    challenge: tuple[str, str] | None
    client_info: bool


async def read_parameters(request: Request) -> tuple[dict[str, str], dict[str, str]]:
    """The parameters of a request, and the fields of our own form if that is what was sent.

    Parameters stand in the query, or in the body when a client posts them (OpenID Connect Core §3.1.2.1). Raises
    TokenRefused: 9000411 for one that is there twice, 9002313 for what cannot be read.
    """
    query = each_once(_query(request))
    if request.method != "POST":
        return query, {}
    form = each_once(await read_form(request))
    return (query, form) if _OUR_OWN in form else (query | form, {})


def read_destination(parameters: Mapping[str, str], client: Registration) -> Destination:
    """Where the answer goes. Raises TokenRefused 50011 when the redirect URI is not the client's, 900144 when none was
    sent and it has not exactly one."""
    redirect_uri = parameters.get("redirect_uri", "")
    if not redirect_uri:
        if len(client.redirects) != 1:
            raise TokenRefused(900144, parameter="redirect_uri", remedy="")
        redirect_uri = client.redirects[0][0]
    platform = require_redirect(client, redirect_uri)
    types = _response_types(parameters)
    mode = parameters.get("response_mode") or (QUERY if types <= {CODE} else FRAGMENT)
    state = parameters.get("state")
    return Destination(
        redirect_uri=redirect_uri,
        platform=platform,
        mode=mode if mode in (QUERY, FRAGMENT, FORM_POST) else QUERY,
        state=state if state is not None and len(state) <= LONGEST_TEXT else None,
    )


def read_request(
    parameters: Mapping[str, str], client: Registration, destination: Destination, endpoint: Endpoint
) -> AuthorizeRequest:
    """The rest of the request. Raises TokenRefused for whatever cannot be served."""
    types = _response_types(parameters)
    _require_bounded(parameters)
    if not types:
        raise TokenRefused(900144, parameter="response_type", remedy="")
    _require_response_types(types, parameters, client, destination)
    prompt = parameters.get("prompt") or None
    if prompt is not None and prompt not in _PROMPTS:
        raise TokenRefused(90023, parameter="prompt", value=prompt)
    challenge = read_challenge(
        parameters.get("code_challenge") or None, parameters.get("code_challenge_method") or None
    )
    if challenge is None and destination.platform is Platform.SPA and CODE in types:
        raise TokenRefused(9002325)
    scopes = _scopes(parameters, endpoint)
    if ID_TOKEN in types and OPENID not in scopes.openid_connect:
        raise TokenRefused(70011, scope=parameters.get("scope", ""))
    return AuthorizeRequest(
        client_id=client.app_id,
        destination=destination,
        response_types=types,
        scopes=scopes,
        prompt=prompt,
        login_hint=parameters.get("login_hint", "")[:LONGEST_TEXT],
        nonce=parameters.get("nonce") or None,
        challenge=challenge,
        client_info=parameters.get("client_info") == "1",
    )


def _query(request: Request) -> Sequence[tuple[str, str]]:
    raw: bytes = request.scope["query_string"]
    if len(raw) > LONGEST_QUERY:
        raise TokenRefused(9002313, reason=f"The query is longer than {LONGEST_QUERY} bytes.")
    if b"%00" in raw:
        raise TokenRefused(9002313, reason="The query holds a NUL (%00), which is in no parameter.")
    try:
        return parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_FORM_FIELDS)
    except ValueError:
        raise TokenRefused(9002313, reason="The query cannot be decoded.") from None


def _response_types(parameters: Mapping[str, str]) -> frozenset[str]:
    return frozenset(parameters.get("response_type", "").split())


def _require_bounded(parameters: Mapping[str, str]) -> None:
    mode = parameters.get("response_mode")
    if mode and mode not in (QUERY, FRAGMENT, FORM_POST):
        raise TokenRefused(90023, parameter="response_mode", value=mode)
    for name in ("state", "nonce"):
        if len(parameters.get(name, "")) > LONGEST_TEXT:
            raise TokenRefused(9002313, reason=f"'{name}' is longer than {LONGEST_TEXT} characters.")


def _require_response_types(
    types: frozenset[str], parameters: Mapping[str, str], client: Registration, destination: Destination
) -> None:
    if not types <= {CODE, ID_TOKEN}:
        raise TokenRefused(700051 if "token" in types else 70005, types=" ".join(sorted(types)))
    if ID_TOKEN not in types:
        return
    if not _issues_id_tokens(client):
        raise TokenRefused(700054)
    if destination.mode == QUERY:
        raise TokenRefused(70007)
    if not parameters.get("nonce"):
        raise TokenRefused(900144, parameter="nonce", remedy="")


def _issues_id_tokens(client: Registration) -> bool:
    web: dict[str, Any] = client.application.other.get("web") or {} if client.application else {}
    return bool((web.get("implicitGrantSettings") or {}).get("enableIdTokenIssuance"))


def _scopes(parameters: Mapping[str, str], endpoint: Endpoint) -> AskedScopes:
    """v2.0 asks for scopes, v1.0 for a resource."""
    if endpoint is Endpoint.V1:
        return all_of(parameters.get("resource") or "https://graph.microsoft.com")
    if not parameters.get("scope", "").strip():
        raise TokenRefused(900144, parameter="scope", remedy="")
    return read_scopes(parameters["scope"])
