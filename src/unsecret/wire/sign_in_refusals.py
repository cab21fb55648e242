"""The numbered errors of signing people in: rows of the table that `aadsts.py` has for the whole token service.

https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes. OAuth's words are those of RFC 6749
§4.1.2.1 and §5.2, of OpenID Connect Core §3.1.2.6 and of RFC 8628 §3.5, with Entra's own where clients look for them.
"""

from __future__ import annotations

from msgspec import Struct


class Refusal(Struct, frozen=True):
    """One row: OAuth's word, the HTTP status, and the text with names to fill in."""

    error: str
    status: int
    text: str


SIGN_IN_REFUSALS: dict[int, Refusal] = {
    28000: Refusal(
        "invalid_request",
        400,
        "Provided value for the input parameter scope is not valid because it contains more than one resource. "
        "Scope {scope} is not valid: ask for one resource at a time.",
    ),
    50011: Refusal(
        "invalid_request",
        400,
        "The redirect URI '{redirect}' specified in the request does not match the redirect URIs configured for "
        "the application '{app}'. Make sure the redirect URI sent in the request matches one added to your "
        "application, character by character.",
    ),
    50034: Refusal(
        "invalid_grant",
        400,
        "The user account {account} does not exist in the {tenant} directory. To sign into this application, the "
        "account must be added to the directory.",
    ),
    50053: Refusal(
        "invalid_grant",
        400,
        "The account is locked, you've tried to sign in too many times with an incorrect user ID or password. Wait "
        "a minute and try again.",
    ),
    50057: Refusal(
        "invalid_grant",
        400,
        "The user account is disabled. An administrator can enable it.",
    ),
    50058: Refusal(
        "login_required",
        400,
        "A silent sign-in request was sent but no user is signed in. Send the request without prompt=none.",
    ),
    50105: Refusal(
        "interaction_required",
        400,
        "Your administrator has configured the application '{name}' ({app}) to block users unless they are "
        "specifically granted ('assigned') access to the application. The signed in user '{account}' is blocked "
        "because they are not assigned to it. Have an administrator assign access.",
    ),
    50126: Refusal(
        "invalid_grant",
        400,
        "Error validating credentials due to invalid username or password.",
    ),
    50173: Refusal(
        "invalid_grant",
        400,
        "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have "
        "changed or reset their password. Sign in again.",
    ),
    50196: Refusal(
        "slow_down",
        400,
        "The server terminated an operation because it encountered a client request loop. Wait five seconds longer "
        "between two requests.",
    ),
    54005: Refusal(
        "invalid_grant",
        400,
        "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing "
        "refresh token.",
    ),
    65001: Refusal(
        "invalid_grant",
        400,
        "The user or administrator has not consented to use the application with ID '{app}' named '{name}'. Send "
        "an interactive authorization request for this user and resource.",
    ),
    65004: Refusal(
        "access_denied",
        400,
        "User declined to consent to access the app '{name}'.",
    ),
    70000: Refusal(
        "invalid_grant",
        400,
        "The provided grant is invalid or malformed. {reason}",
    ),
    70005: Refusal(
        "unsupported_response_type",
        400,
        "The response type '{types}' is not supported. Use 'code', or 'id_token' beside it.",
    ),
    70007: Refusal(
        "unsupported_response_mode",
        400,
        "'query' is not a supported value of 'response_mode' when requesting a token. Use 'form_post' or 'fragment'.",
    ),
    70008: Refusal(
        "invalid_grant",
        400,
        "The provided authorization code has expired. Codes are good for ten minutes: send a new interactive "
        "authorization request for this user and resource.",
    ),
    70016: Refusal(
        "authorization_pending",
        400,
        "OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
    ),
    70018: Refusal(
        "bad_verification_code",
        400,
        "Invalid verification code due to user typing in wrong user code for device code flow, or a device code "
        "that this tenant did not hand out to this client.",
    ),
    70020: Refusal(
        "expired_token",
        400,
        "The provided value for the input parameter 'device_code' is not valid. This device code has expired: "
        "begin anew.",
    ),
    70025: Refusal(
        "authorization_declined",
        400,
        "The user declined to let the device or app continue.",
    ),
    90023: Refusal(
        "invalid_request",
        400,
        "The provided value '{value}' for the parameter '{parameter}' is not valid.",
    ),
    90056: Refusal(
        "invalid_request",
        400,
        "This page has been open too long, was opened in another window, or your browser keeps no cookies. Go back "
        "to the application and sign in again.",
    ),
    90094: Refusal(
        "consent_required",
        400,
        "An administrator of {tenant} has set a policy that prevents you from granting {name} the permissions it "
        "is requesting. Contact an administrator of {tenant}, who can grant permissions to this app on your "
        "behalf.",
    ),
    500112: Refusal(
        "invalid_grant",
        400,
        "The reply address '{redirect}' does not match the reply address provided when requesting Authorization code.",
    ),
    501481: Refusal(
        "invalid_grant",
        400,
        "The Code_Verifier does not match the code_challenge supplied in the authorization request.",
    ),
    501491: Refusal(
        "invalid_request",
        400,
        "Invalid size or form of Code_Challenge parameter. {reason}",
    ),
    650053: Refusal(
        "invalid_client",
        401,
        "The application '{app}' asked for scope '{scope}' that doesn't exist on the resource '{resource}'. "
        "Contact the app vendor, or define the scope.",
    ),
    700005: Refusal(
        "invalid_grant",
        400,
        "Provided authorization code or token is intended to use against other tenant, thus rejected. Use the "
        "endpoint of the tenant that it was asked for at.",
    ),
    700025: Refusal(
        "invalid_client",
        401,
        "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.",
    ),
    700051: Refusal(
        "unsupported_response_type",
        400,
        "response_type 'token' is not enabled for the application. This tenant hands out access tokens at the "
        "token endpoint only: use 'code'.",
    ),
    700054: Refusal(
        "unsupported_response_type",
        400,
        "response_type 'id_token' is not enabled for the application. Set "
        "web.implicitGrantSettings.enableIdTokenIssuance, or use 'code'.",
    ),
    700082: Refusal(
        "invalid_grant",
        400,
        "The refresh token has expired due to inactivity. Sign in again.",
    ),
    7000218: Refusal(
        "invalid_client",
        401,
        "The request body must contain the following parameter: 'client_assertion' or 'client_secret'. A public "
        "client has its redirect URI under publicClient, or isFallbackPublicClient set.",
    ),
    9002325: Refusal(
        "invalid_request",
        400,
        "Proof Key for Code Exchange is required for cross-origin authorization code redemption: send code_challenge.",
    ),
    9002327: Refusal(
        "invalid_request",
        400,
        "Tokens issued for the 'Single-Page Application' client-type may only be redeemed via cross-origin "
        "requests: send an Origin header.",
    ),
}
"""By AADSTS number."""
