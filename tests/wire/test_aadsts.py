"""The token service's refusals and their bodies."""

from __future__ import annotations

import string

import pytest

from tests.local_tenant import NOW
from unsecret.wire.aadsts import REFUSALS, TokenRefused, refusal_body

TRACE = "11111111-2222-3333-4444-555555555555"
CORRELATION = "aaaaaaaa-2222-3333-4444-555555555555"


def _names(text: str) -> list[str]:
    return [name for _, name, _, _ in string.Formatter().parse(text) if name]


@pytest.mark.parametrize("number", REFUSALS)
def test_every_refusal_can_be_said(number: int):
    refused = TokenRefused(number, **{name: f"<{name}>" for name in _names(REFUSALS[number].text)})
    assert refused.message.startswith(f"AADSTS{number}: ")
    assert refused.code == REFUSALS[number].error
    assert refused.status == REFUSALS[number].status
    assert "{" not in refused.message


@pytest.mark.parametrize("number", [number for number, row in REFUSALS.items() if row.error == "invalid_client"])
def test_a_client_that_is_not_believed_gets_401_which_msal_does_not_remember(number: int):
    assert REFUSALS[number].status == 401


def test_the_body_is_entras():
    body = refusal_body(TokenRefused(7000215, app="app"), trace_id=TRACE, correlation_id=CORRELATION, now=NOW)
    assert body == {
        "error": "invalid_client",
        "error_description": (
            "AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request is the "
            "client secret value, not the client secret ID, for a secret added to app 'app'.\r\n"
            f"Trace ID: {TRACE}\r\nCorrelation ID: {CORRELATION}\r\nTimestamp: 2026-11-22 12:00:00Z"
        ),
        "error_codes": [7000215],
        "timestamp": "2026-11-22 12:00:00Z",
        "trace_id": TRACE,
        "correlation_id": CORRELATION,
        "error_uri": "https://login.microsoftonline.com/error?code=7000215",
    }


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("x" * 5000, "x" * 200 + "…"),
        ("line\r\nTrace ID: forged", "line  Trace ID: forged"),
        ("nul\0 bell\a", "nul  bell "),
        ("turned\u202eback", "turned back"),
        ("{resource} {0}", "{resource} {0}"),
        ("%s", "%s"),
        ("", ""),
    ],
)
def test_what_a_client_sent_is_repeated_in_bounds(given: str, shown: str):
    assert f"Tenant '{shown}' not found" in TokenRefused(90002, tenant=given).message


def test_a_secret_in_the_wrong_parameter_is_not_repeated():
    secret = "abc8Q~" + "x" * 34
    assert secret not in TokenRefused(700016, app=f"id {secret}", tenant="t").message
    assert "(a client secret)" in TokenRefused(700016, app=secret, tenant="t").message
