"""The log tells what went wrong and gives nothing away."""

from __future__ import annotations

import time

import pytest

from tests.local_tenant import LocalTenant
from unsecret.errors import Invalid
from unsecret.model.redaction import BLACKED_OUT, redacted
from unsecret.tenant.log import redact
from unsecret.tenant.secrets import new_secret


def test_a_secret_a_token_and_a_private_key_are_blacked_out(tenant: LocalTenant) -> None:
    secret, token, pem = new_secret(), tenant.token, tenant.identity.pem.decode()
    for credential in (secret, token, tenant.assertion("someone")):
        assert redacted(f"before {credential} after") == f"before {BLACKED_OUT} after"
    shown = redacted(pem)
    assert "PRIVATE KEY" not in shown
    assert "BEGIN CERTIFICATE" in shown


def test_a_credential_that_was_cut_short_is_blacked_out_too(tenant: LocalTenant) -> None:
    assert redacted(f"'{new_secret()[:20]}'") == f"'{BLACKED_OUT}'"
    assert redacted(f"'{tenant.token[:-400]}'") == f"'{BLACKED_OUT}'"


def test_an_error_repeats_no_credential() -> None:
    secret = new_secret()
    error = Invalid(f"There is no '{secret}'.", target=f"a.{secret}")
    assert (str(error), error.message) == (f"There is no '{BLACKED_OUT}'.", f"There is no '{BLACKED_OUT}'.")
    assert secret not in (error.target or "")


@pytest.mark.parametrize("text", ["eyJ" * 100_000, "eyJ=" * 100_000, "aaa8Q~" * 50_000, "-----BEGIN " * 30_000])
def test_a_long_text_takes_no_longer_than_its_length(text: str) -> None:
    began = time.monotonic()
    redacted(text)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("text", ["GET /v1.0/applications", "1f0d5b9a-7c3e-4a55-9d10-5a6f0c1b2d3e", "Policy.Read.All"])
def test_what_is_no_credential_stays_readable(text: str) -> None:
    assert redacted(text) == text


def test_every_value_of_an_event_passes_through() -> None:
    secret = new_secret()
    event = redact(None, "error", {"event": "failed", "exception": f"Traceback … {secret}", "count": 3})
    assert event == {"event": "failed", "exception": f"Traceback … {BLACKED_OUT}", "count": 3}
