"""Which application asks, and whether it proves it: by a secret, or by an assertion that it signed or that
somebody whom it trusts issued.

https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-client-creds-grant-flow. Whether a secret or
certificate is still there, in time and its owner's is looked up anew for every token. Every grant asks here, and
each step notes in the attempt what it found, so that the record tells how far it came.
"""

from __future__ import annotations

from unsecret.model.application import ServicePrincipal
from unsecret.model.event import CredentialType
from unsecret.store import credentials, directory_objects
from unsecret.store.questions import Questions
from unsecret.tenant import assertions, federated_sign_in, secrets
from unsecret.tenant.certificates import thumbprint_hex
from unsecret.tenant.discovery import is_token_audience, token_endpoint
from unsecret.tenant.token_attempts import Asking
from unsecret.tenant.token_requests import Client, Endpoint
from unsecret.wire.aadsts import TokenRefused

_NO_SECRET = secrets.digest("")


def require_client(questions: Questions, asking: Asking, client: Client) -> ServicePrincipal:
    """The service principal of `client`, which has proven itself with what it sent, if it sent anything: whether a
    client may go without is for the grant to say. Raises TokenRefused.
    """
    _find(questions, asking, client)
    asking.attempt.credential_type = _credential_type(client)
    if client.secret is not None:
        _check_secret(questions, asking, client.secret)
    elif client.assertion is not None:
        _check_assertion(questions, asking, client, client.assertion)
    return _require_usable(asking)


def _find(questions: Questions, asking: Asking, client: Client) -> None:
    """Fill in the client's application and service principal; either may sign in, neither is 700016."""
    attempt, tenant = asking.attempt, asking.tenant
    attempt.application, attempt.principal = questions.ask(directory_objects.objects_of_app, attempt.app_id)
    if attempt.name is None:
        attempt.credential_type = _credential_type(client)
        if client.secret is not None:
            secrets.matches(client.secret, _NO_SECRET)  # an unknown application takes as long as a known one
        raise TokenRefused(700016, app=client.client_id, tenant=tenant.display_name)


def _credential_type(client: Client) -> CredentialType:
    if client.secret is not None:
        return CredentialType.CLIENT_SECRET
    return CredentialType.NONE if client.assertion is None else CredentialType.CLIENT_ASSERTION


def _check_secret(questions: Questions, asking: Asking, secret: str) -> None:
    """Every stored secret is compared, whichever matches, so that time tells nothing about them."""
    attempt, now = asking.attempt, asking.trace.now
    stored = questions.ask(credentials.password_digests, attempt.app_id)
    matching = [password.credential for password in stored if secrets.matches(secret, password.digest)]
    started = [password for password in matching if password.start_at <= now]
    if not started:
        raise TokenRefused(7000215, app=attempt.app_id)
    best = max(started, key=lambda password: password.end_at)
    attempt.key_id = best.key_id
    if now >= best.end_at:
        raise TokenRefused(7000222, app=attempt.app_id)


def _check_assertion(questions: Questions, asking: Asking, client: Client, text: str) -> None:
    attempt, now = asking.attempt, asking.trace.now
    assertion = client.read or assertions.read_assertion(text)  # which says what cannot be read of it
    if assertion.is_foreign:
        federated_sign_in.require_trust(questions.conn, asking, client, assertion)
        return
    assertions.require_issuer(assertion, attempt.app_id)
    keys = questions.ask(credentials.keys_of_app, attempt.app_id)
    key = assertions.registered_key(assertion, keys, now=now)
    attempt.credential_type = CredentialType.CERTIFICATE
    attempt.key_id = key.credential.key_id
    attempt.thumbprint = thumbprint_hex(key.credential.thumbprint_sha1)
    assertions.require_signature(assertion, key, now=now)
    assertions.require_claims(
        assertion,
        is_audience=lambda audience: is_token_audience(audience, asking.tenant, asking.services.settings),
        audience=token_endpoint(asking.authority, asking.tenant.id, v2=asking.endpoint is Endpoint.V2),
        now=asking.trace.machine_now,
    )


def _require_usable(asking: Asking) -> ServicePrincipal:
    """The client's service principal. Raises TokenRefused when it or its application is switched off
    (7000112), or when the application has none in this tenant (7000229)."""
    attempt = asking.attempt
    application, principal = attempt.application, attempt.principal
    disabled = (application is not None and application.is_disabled) or (
        principal is not None and not principal.account_enabled
    )
    if disabled:
        raise TokenRefused(7000112, app=attempt.app_id, name=attempt.name)
    if principal is None:
        raise TokenRefused(7000229, app=attempt.app_id, tenant=asking.tenant.id)
    return principal
