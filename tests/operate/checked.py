"""Made-up tenants that are held against profiles, and what their reports say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.operate.policies import default_policy, entry, section
from unsecret.operate.checks.findings import Finding, Outcome, Report
from unsecret.rules.profiles import PROFILES

Json = dict[str, Any]
Hold = Callable[..., Report]

CISA, ZERO = PROFILES["cisa"], PROFILES["zero-secrets"]
NO_SECRETS, SHORT_SECRETS, SHORT_CERTIFICATES = "MS.AAD.5.5v1", "MS.AAD.5.6v1", "MS.AAD.5.7v1"
BLOCKS = [entry("passwordAddition"), entry("symmetricKeyAddition")]
OFF = [{**one, "state": "disabled"} for one in BLOCKS]
CERTIFICATES = [entry("asymmetricKeyLifetime", maxLifetime="P365D")]
GOOD = section(BLOCKS, CERTIFICATES)


def guid(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-000000000000"


def application(number: int, name: str = "Payroll", **members: Any) -> Json:
    made = {"id": guid(number), "appId": guid(number + 0xA0000), "displayName": name}
    return {**made, "createdDateTime": "2024-01-01T00:00:00Z", "passwordCredentials": [], **members}


def secret(number: int, start: str, end: str) -> Json:
    return {
        "keyId": guid(number + 0xC0000),
        "displayName": "ci",
        "startDateTime": f"{start}T00:00:00Z",
        "endDateTime": f"{end}T00:00:00Z",
    }


def certificate(number: int, start: str, end: str, usage: str = "Verify") -> Json:
    return {**secret(number, start, end), "type": "AsymmetricX509Cert", "usage": usage}


def outcomes(report: Report) -> dict[str, Outcome]:
    return {one.requirement.id: one.outcome for one in report.results}


def of(report: Report, requirement: str) -> list[Finding]:
    return [one for one in report.findings if one.requirement == requirement]


def both(passwords: list[Json], keys: list[Json] | None = None, *, is_enabled: bool = True) -> Json:
    said = section(passwords, CERTIFICATES if keys is None else keys)
    return default_policy(applications=said, service_principals=said, is_enabled=is_enabled)
