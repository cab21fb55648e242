"""One attempt to get a token: what is known of it so far, and the record that is made of it, however it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from starlette.requests import Request

from unsecret.model.application import Application, ServicePrincipal, Tenant
from unsecret.model.event import CredentialType, SignedInUser, SignIn, SignInEventType
from unsecret.model.identifiers import ZERO_GUID, AppId, KeyId, canonical_guid
from unsecret.store import logs
from unsecret.store.transaction import savepoint
from unsecret.tenant.call import kept
from unsecret.tenant.hand_over import HandOver
from unsecret.tenant.settings import Services, origin
from unsecret.tenant.token_answers import Trace
from unsecret.tenant.token_requests import Endpoint
from unsecret.tenant.token_resources import Resource
from unsecret.wire.aadsts import TokenRefused

if TYPE_CHECKING:
    from sqlalchemy import Connection

T = TypeVar("T")

_NOBODY = AppId(ZERO_GUID)


@dataclass
class Attempt:
    """What is known of a sign-in so far; the record is made of it, however the attempt ends.

    A request that names no client at all is nobody's attempt. One that names its client by something that is
    no appId is recorded under the zero GUID.
    """

    app_id: AppId = _NOBODY
    is_somebodys: bool = False
    application: Application | None = None
    principal: ServicePrincipal | None = None
    resource: Resource | None = None
    credential_type: CredentialType = CredentialType.NONE
    key_id: KeyId | None = None
    thumbprint: str | None = None
    federated_credential_id: str | None = None
    event_type: SignInEventType = SignInEventType.SERVICE_PRINCIPAL
    user: SignedInUser | None = None
    is_recorded: bool = False

    def says_it_is(self, client_id: str | None) -> None:
        """Note which client the request names."""
        if client_id:
            self.is_somebodys = True
            self.app_id = AppId(canonical_guid(client_id.strip()) or _NOBODY)

    @property
    def name(self) -> str | None:
        known = self.application or self.principal
        return known.display_name if known else None


@dataclass(frozen=True)
class Asking:
    """One request to a token endpoint, with everything that judging it takes."""

    request: Request
    services: Services
    trace: Trace
    tenant: Tenant
    endpoint: Endpoint
    attempt: Attempt = field(default_factory=Attempt)

    @property
    def authority(self) -> str:
        return origin(self.request.headers.get("host"), self.services.settings)


def record(asking: Asking, refusal: TokenRefused | None) -> Awaitable[None]:
    """Write the sign-in down, also when the client hangs up meanwhile. What is returned is done once the record is
    durable; it raises Unavailable, and then there must be no token."""
    hand_over: HandOver = asking.request.app.state.hand_over
    return hand_over.record(asking.tenant.id, sign_in_of(asking, refusal))


async def decide(asking: Asking, judge: Callable[[Connection], T | TokenRefused], *, everywhere: bool = False) -> T:
    """Run `judge` in a writing transaction that also holds the record of how it ended, also when the client hangs up
    meanwhile. What it gives back is given back once that is durable.

    Raises the TokenRefused that `judge` raised, with nothing written but the record, or gave back, with what it had
    written before. Raises Unavailable, and then there must be no token. `everywhere` is for a `judge` that writes
    outside the tenant, too.
    """

    def judged(conn: Connection) -> T | TokenRefused:
        try:
            with savepoint(conn):
                outcome = judge(conn)
        except TokenRefused as refusal:
            outcome = refusal
        if asking.attempt.is_somebodys:
            row = sign_in_of(asking, outcome if isinstance(outcome, TokenRefused) else None)
            logs.add_sign_ins(conn, [(asking.tenant.id, row)])
        return outcome

    hand_over: HandOver = asking.request.app.state.hand_over
    written = hand_over.write(judged, None if everywhere else asking.tenant.id)
    outcome = await asyncio.shield(written)
    asking.attempt.is_recorded = True
    if isinstance(outcome, TokenRefused):
        raise outcome
    return outcome


def sign_in_of(asking: Asking, refusal: TokenRefused | None) -> SignIn:
    """The row of the sign-in log for this attempt as it stands."""
    request, attempt = asking.request, asking.attempt
    resource = attempt.resource.principal if attempt.resource else None
    principal = attempt.principal
    return SignIn(
        id=asking.trace.trace_id,
        at=asking.trace.now,
        app_id=attempt.app_id,
        app_display_name=attempt.name,
        service_principal_id=principal.id if principal else None,
        service_principal_name=principal.display_name if principal else None,
        credential_type=attempt.credential_type,
        credential_key_id=attempt.key_id,
        credential_thumbprint=attempt.thumbprint,
        error_code=refusal.number if refusal else 0,
        failure_reason=refusal.message if refusal else None,
        resource_id=resource.app_id if resource else None,
        resource_display_name=resource.display_name if resource else None,
        resource_service_principal_id=resource.id if resource else None,
        correlation_id=asking.trace.correlation_id,
        token_id=asking.trace.token_id,
        ip_address=request.client.host if request.client else None,
        user_agent=kept(request.headers.get("user-agent")),
        event_type=attempt.event_type,
        user=attempt.user,
        federated_credential_id=attempt.federated_credential_id,
    )
