"""What the token service says no with: Entra's numbered errors, and their JSON body.

https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes has the numbers and meanings.
Statuses and words that clients rely on were seen in captures of the real service; where only the meaning is
known, the status follows RFC 6749 §5.2 (401 when the client could not be authenticated, 400 otherwise). MSAL
keeps a 400 for a minute and answers from memory, so a refusal that the next try may turn must not be one.
"""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from typing import Any

from unsecret.errors import UnsecretError
from unsecret.model.application import SECRET_SHAPE
from unsecret.wire.sign_in_refusals import SIGN_IN_REFUSALS, Refusal

ERROR_PAGE = "https://login.microsoftonline.com/error?code="
"""Microsoft's own page about a number: it helps with ours, too."""

_SHOWN_LENGTH = 200


_FEDERATION_PAGE = "https://learn.microsoft.com/entra/workload-id/workload-identity-federation"
_COMPARE = (
    "Check your federated identity credential Subject, Audience and Issuer against the presented assertion. "
    f"{_FEDERATION_PAGE}"
)

REFUSALS: dict[int, Refusal] = {
    50027: Refusal("invalid_client", 401, "JWT token is invalid or malformed. {reason}"),
    50049: Refusal("invalid_instance", 400, "Unknown or invalid instance."),
    50166: Refusal("invalid_request", 400, "Request to External OIDC endpoint failed. {reason}"),
    50059: Refusal(
        "invalid_request",
        400,
        "No tenant-identifying information found in either the request or implied by any provided credentials. "
        "Ask at the token endpoint of one tenant, by its id or its domain.",
    ),
    70003: Refusal(
        "unsupported_grant_type",
        400,
        "The app requested an unsupported grant type '{grant}'. {served}",
    ),
    70011: Refusal(
        "invalid_scope",
        400,
        "The provided request must include a 'scope' input parameter that names one resource. The provided value "
        "'{scope}' is not valid: send one scope, a resource identifier followed by /.default",
    ),
    90002: Refusal(
        "invalid_request",
        400,
        "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the "
        "correct cloud. Check with your subscription administrator, this may happen if there are no active "
        "subscriptions for the tenant.",
    ),
    90033: Refusal("temporarily_unavailable", 503, "A transient error has occurred. Please try again."),
    500011: Refusal(
        "invalid_resource",
        400,
        "The resource principal named {resource} was not found in the tenant named {tenant}. This can happen if the "
        "application has not been installed by the administrator of the tenant or consented to by any user in the "
        "tenant. You might have sent your authentication request to the wrong tenant.",
    ),
    500014: Refusal(
        "invalid_resource",
        400,
        "The service principal for resource '{resource}' is disabled. This indicate that a subscription within the "
        "tenant has lapsed, or that the administrator for this tenant has disabled the application, preventing "
        "tokens from being issued for it.",
    ),
    501051: Refusal(
        "invalid_grant",
        400,
        "Application '{app}'({name}) is not assigned to a role for the application '{resource}'({resource_name}).",
    ),
    700016: Refusal(
        "unauthorized_client",
        400,
        "Application with identifier '{app}' was not found in the directory '{tenant}'. This can happen if the "
        "application has not been installed by the administrator of the tenant or consented to by any user in the "
        "tenant. You may have sent your authentication request to the wrong tenant.",
    ),
    700021: Refusal(
        "invalid_client",
        401,
        "Client assertion application identifier doesn't match 'client_id' parameter. In an assertion signed with "
        "the application's own certificate, 'iss' and 'sub' are both the client_id.",
    ),
    700023: Refusal(
        "invalid_client",
        401,
        "Client assertion audience claim does not match Realm issuer. Set 'aud' to the token endpoint, {audience}",
    ),
    700024: Refusal(
        "invalid_client",
        401,
        "Client assertion is not within its valid time range. Current time: {now}, assertion valid from {starts}, "
        "expiry time of assertion {ends}.",
    ),
    700027: Refusal(
        "invalid_client",
        401,
        "The certificate with identifier used to sign the client assertion is not registered on application or may "
        "not be used. [Reason - {reason}, Thumbprint of key used by client: '{thumbprint}'{found}]",
    ),
    700211: Refusal(
        "invalid_client",
        401,
        "No matching federated identity record found for presented assertion issuer '{issuer}'."
        f" {_COMPARE} An assertion signed with the application's own certificate has the client_id as its issuer.",
    ),
    700212: Refusal(
        "invalid_client",
        401,
        f"No matching federated identity record found for presented assertion audience '{{audience}}'. {_COMPARE}",
    ),
    700213: Refusal(
        "invalid_client",
        401,
        f"No matching federated identity record found for presented assertion subject '{{subject}}'. {_COMPARE}",
    ),
    900144: Refusal(
        "invalid_request",
        400,
        "The request body must contain the following parameter: '{parameter}'.{remedy}",
    ),
    900561: Refusal(
        "invalid_request",
        400,
        "The endpoint only accepts POST requests. Received a {method} request.",
    ),
    901002: Refusal("invalid_request", 400, "The 'resource' request parameter is not supported."),
    1002012: Refusal(
        "invalid_scope",
        400,
        "The provided value for scope {scope} is not valid. Client credential flows must have a scope value with "
        "/.default suffixed to the resource identifier (application ID URI).",
    ),
    7000112: Refusal("unauthorized_client", 400, "Application '{app}'({name}) is disabled."),
    7000215: Refusal(
        "invalid_client",
        401,
        "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not "
        "the client secret ID, for a secret added to app '{app}'.",
    ),
    7002131: Refusal(
        "invalid_client",
        401,
        "No matching federated identity record found for presented assertion subject '{subject}' or no federated "
        "identity credential expression matched. Please check your federated identity credential Subject, Expression, "
        f"Audience and Issuer against the presented assertion. {_FEDERATION_PAGE}",
    ),
    7002138: Refusal(
        "invalid_client",
        401,
        "No matching federated identity record found for presented assertion subject '{subject}'. The subject matches "
        f"with case-insensitive comparison, but not with case-sensitive comparison. {_COMPARE}",
    ),
    7000216: Refusal(
        "invalid_client",
        401,
        "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.",
    ),
    7000222: Refusal(
        "invalid_client",
        401,
        "The provided client secret keys for app '{app}' are expired. Visit the Azure portal to create new keys for "
        "your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: "
        "https://aka.ms/certCreds.",
    ),
    7000229: Refusal(
        "invalid_client",
        401,
        "The client application {app} is missing service principal in the tenant {tenant}. See instructions here: "
        "https://go.microsoft.com/fwlink/?linkid=2225119",
    ),
    9000411: Refusal(
        "invalid_request",
        400,
        "The request is not properly formatted. The parameter '{parameter}' is duplicated.",
    ),
    9002313: Refusal("invalid_request", 400, "Invalid request. Request is malformed or invalid. {reason}"),
    **SIGN_IN_REFUSALS,
}
"""Every refusal of the token service, by AADSTS number."""


class TokenRefused(UnsecretError):
    """The token service refuses; `number` is a row of REFUSALS, and the message is its text filled in."""

    def __init__(self, number: int, **named: object):
        row = REFUSALS[number]
        shown = {name: _shown(value) for name, value in named.items()}
        super().__init__(f"AADSTS{number}: {row.text.format(**shown)}".rstrip(), code=row.error)
        self.number = number
        self.status = row.status


def refusal_body(error: TokenRefused, *, trace_id: str, correlation_id: str, now: datetime) -> dict[str, Any]:
    """The JSON body that MSAL and its kin read; the message has what support asks for after it."""
    timestamp = now.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    description = (
        f"{error.message}\r\nTrace ID: {trace_id}\r\nCorrelation ID: {correlation_id}\r\nTimestamp: {timestamp}"
    )
    return {
        "error": error.code,
        "error_description": description,
        "error_codes": [error.number],
        "timestamp": timestamp,
        "trace_id": trace_id,
        "correlation_id": correlation_id,
        "error_uri": f"{ERROR_PAGE}{error.number}",
    }


def _shown(value: object) -> str:
    """What a client sent, fit to be repeated: bounded, without control characters, and never a secret that
    was put into the wrong parameter."""
    text = SECRET_SHAPE.sub("(a client secret)", str(value))
    cut = text if len(text) <= _SHOWN_LENGTH else f"{text[:_SHOWN_LENGTH]}…"
    return "".join(" " if unicodedata.category(character)[0] == "C" else character for character in cut)
