"""The log tells what went wrong and gives nothing away."""

from __future__ import annotations

import pytest

from tests.local_tenant import LocalTenant
from unsecret.tenant.log import BLACKED_OUT, redact, redacted
from unsecret.tenant.secrets import new_secret


def test_a_secret_a_token_and_a_private_key_are_blacked_out(tenant: LocalTenant) -> None:
    secret, token, pem = new_secret(), tenant.token, tenant.identity.pem.decode()
    for credential in (secret, token, tenant.assertion("someone")):
        assert redacted(f"before {credential} after") == f"before {BLACKED_OUT} after"
    shown = redacted(pem)
    assert "PRIVATE KEY" not in shown
    assert "BEGIN CERTIFICATE" in shown


@pytest.mark.parametrize("text", ["GET /v1.0/applications", "1f0d5b9a-7c3e-4a55-9d10-5a6f0c1b2d3e", "Policy.Read.All"])
def test_what_is_no_credential_stays_readable(text: str) -> None:
    assert redacted(text) == text


def test_every_value_of_an_event_passes_through() -> None:
    secret = new_secret()
    event = redact(None, "error", {"event": "failed", "exception": f"Traceback … {secret}", "count": 3})
    assert event == {"event": "failed", "exception": f"Traceback … {BLACKED_OUT}", "count": 3}
