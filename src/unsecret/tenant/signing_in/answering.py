"""The token endpoint's answer for a person: what every grant that signs somebody in has in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from unsecret.model.event import SignInEventType
from unsecret.model.issued import GrantKind, IssuedGrant
from unsecret.store import issued
from unsecret.tenant.client_authentication import require_client
from unsecret.tenant.hand_over import HandOver
from unsecret.tenant.signing_in.consents import judge, require_agreed
from unsecret.tenant.signing_in.first_party import FIRST_PARTY, ensure_first_party
from unsecret.tenant.signing_in.handing_out import hand_out_refresh_token
from unsecret.tenant.signing_in.interaction import require_principal
from unsecret.tenant.signing_in.people import Person
from unsecret.tenant.signing_in.registrations import find_registration
from unsecret.tenant.signing_in.scopes import AskedScopes, all_of, read_scopes
from unsecret.tenant.signing_in.texts import digest, tenant_of
from unsecret.tenant.signing_in.user_tokens import (
    UserGranted,
    access_token_claims,
    answer_body,
    id_token_claims,
    wants_id_token,
    wants_refresh_token,
)
from unsecret.tenant.token_attempts import Asking
from unsecret.tenant.token_requests import Client, Endpoint, capabilities
from unsecret.wire.aadsts import TokenRefused

if TYPE_CHECKING:
    from sqlalchemy import Connection


class Issuing(Struct, frozen=True, kw_only=True):
    """What was decided: tokens that may be signed, and the refresh token that was handed out beside them."""

    granted: UserGranted
    refresh_token: str | None


async def authenticate(asking: Asking, client: Client, event_type: SignInEventType) -> None:
    """Note in the attempt which client asks and what it proved itself with, if it sent anything.

    Raises TokenRefused.
    """
    asking.attempt.event_type = event_type
    tenant, store, app_id = asking.tenant, asking.services.store, asking.attempt.app_id
    if app_id in FIRST_PARTY:
        hand_over: HandOver = asking.request.app.state.hand_over
        await hand_over.write(lambda conn: ensure_first_party(conn, tenant, app_id, now=asking.trace.now), tenant.id)
    with store.questions(tenant.id) as questions:
        require_client(questions, asking, client)


def require_proof(client: Client, *, confidential: bool) -> None:
    """Whether a client sends what it proves itself with must fit what it is. Raises TokenRefused: 7000218 for a
    confidential client that sends nothing, 700025 for a public one that sends something."""
    proves = client.secret is not None or client.assertion is not None
    if confidential and not proves:
        raise TokenRefused(7000218)
    if proves and not confidential:
        raise TokenRefused(700025)


def find_issued(conn: Connection, asking: Asking, kind: GrantKind, text: str, *, unknown: str) -> IssuedGrant:
    """What was handed out to this client as `text`; of another client's it tells nothing. Raises TokenRefused: 700005
    for what another tenant handed out, 70000 with the words `unknown` for all else."""
    tenant_id = tenant_of(text)
    if tenant_id is not None and tenant_id != asking.tenant.id:
        raise TokenRefused(700005)
    found = issued.find(conn, asking.tenant.id, kind, digest(text)) if tenant_id else None
    if found is None or found.client_id != asking.attempt.app_id:
        raise TokenRefused(70000, reason=unknown)
    return found


def require_same_origin(asking: Asking, grant: IssuedGrant) -> None:
    """What a page got in a browser is taken back from a page in a browser only. Raises TokenRefused 9002327."""
    if grant.cross_origin and "origin" not in asking.request.headers:
        raise TokenRefused(9002327)


def asked_in(form: Mapping[str, str], endpoint: Endpoint, before: IssuedGrant | None) -> AskedScopes:
    """What the form asks for; what was asked for before, when it says nothing. Raises TokenRefused."""
    if endpoint is Endpoint.V1:
        return all_of(form.get("resource") or (before.resource if before else "https://graph.microsoft.com"))
    text = form.get("scope", "").strip()
    if text:
        return read_scopes(text)
    if before is None:
        raise TokenRefused(900144, parameter="scope", remedy="")
    return read_scopes(" ".join(before.scope))


def issue_for(
    conn: Connection,
    asking: Asking,
    form: Mapping[str, str],
    asked: AskedScopes,
    *,
    person: Person,
    before: IssuedGrant,
) -> Issuing:
    """Decide on tokens for `person`, and hand out a refresh token that continues `before` when one was asked for.

    Raises TokenRefused: what the client may not have, 65001 for what has not been agreed to.
    """
    tenant, trace, request = asking.tenant, asking.trace, asking.request
    registration = find_registration(conn, tenant, asking.attempt.app_id)
    principal = require_principal(asking, registration)
    judged = judge(conn, tenant, registration, asked, person=person, settings=asking.services.settings)
    asking.attempt.resource = judged.resource
    require_agreed(judged, registration)
    granted = UserGranted(
        tenant=tenant,
        client=principal,
        user=person.user,
        resource=judged.resource,
        asked=asked,
        scope=judged.scope,
        signed_in_at=before.signed_in_at or trace.now,
        directory_roles=tuple(sorted(judged.directory_roles)),
        roles=judged.roles,
        credential_type=asking.attempt.credential_type,
        capabilities=capabilities(form.get("claims")),
        nonce=before.nonce,
        ip_address=request.client.host if request.client else None,
    )
    refresh_token = None
    if wants_refresh_token(asked):
        refresh_token = hand_out_refresh_token(conn, tenant, before, person, now=trace.now)
    return Issuing(granted=granted, refresh_token=refresh_token)


def answer_for(asking: Asking, form: Mapping[str, str], issuing: Issuing) -> dict[str, Any]:
    """The tokens, signed, in the body of the answer."""
    granted, trace, signing = issuing.granted, asking.trace, asking.services.signing
    id_token = None
    if wants_id_token(granted.asked):
        claims = id_token_claims(granted, trace, authority=asking.authority, endpoint=asking.endpoint)
        id_token = signing.sign(claims)
    return answer_body(
        granted,
        access_token=signing.sign(access_token_claims(granted, trace, authority=asking.authority)),
        id_token=id_token,
        refresh_token=issuing.refresh_token,
        client_info=form.get("client_info") == "1",
        endpoint=asking.endpoint,
        now=trace.now,
    )
