"""A check as SARIF 2.1.0, which code scanning shows (https://docs.oasis-open.org/sarif/sarif/v2.1.0).

There is no source file: each result is *located* at what Graph calls the thing (`applications/{id}`), once as a logical
location, which is what it is, and once as an artifact, without which viewers show nothing.
"""

from __future__ import annotations

from typing import Any

from unsecret import __version__
from unsecret.cli.printing import json_text
from unsecret.model.profile import Requirement, Severity
from unsecret.operate.checks.findings import Finding, Outcome, Report, Result

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

LEVEL = {Severity.CRITICAL: "error", Severity.HIGH: "error", Severity.MEDIUM: "warning", Severity.LOW: "note"}
SCORE = {Severity.CRITICAL: "9.5", Severity.HIGH: "8.0", Severity.MEDIUM: "5.5", Severity.LOW: "2.0"}
"""`security-severity` as GitHub grades it."""


def document(report: Report) -> str:
    """The report as SARIF."""
    return f"{json_text(_log(report))}\n"


def _log(report: Report) -> dict[str, Any]:
    order = {one.requirement.id: place for place, one in enumerate(report.results)}
    run = {
        "tool": {
            "driver": {
                "name": "unsecret",
                "version": __version__,
                "rules": [_rule(one.requirement) for one in report.results],
            }
        },
        "automationDetails": {"id": f"unsecret-check/{report.profile}/"},
        "invocations": [
            {"executionSuccessful": True, "toolExecutionNotifications": [_notice(one) for one in report.notes]}
        ],
        "results": [
            *(_result(one, order[one.requirement]) for one in report.findings),
            *(_open(one, order[one.requirement.id]) for one in report.results if one.outcome is Outcome.NOT_KNOWN),
        ],
        "properties": {"tenantId": report.tenant_id, "asOf": report.as_of},
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(asked: Requirement) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "id": asked.id,
        "shortDescription": {"text": asked.title},
        "defaultConfiguration": {"level": LEVEL[asked.severity]},
        "properties": {"tags": ["security", *asked.standards], "security-severity": SCORE[asked.severity]},
    }
    return {**rule, "helpUri": asked.source} if asked.source.startswith("https://") else rule


def _result(one: Finding, place: int) -> dict[str, Any]:
    return {
        "ruleId": one.requirement,
        "ruleIndex": place,
        "kind": "fail",
        "level": LEVEL[one.severity],
        "message": {
            "text": f"{one.subject.words}: {one.why} ({'; '.join(one.evidence)}) Mend with: {one.mend} ({one.advice})"
        },
        "locations": [_location(one.subject.path, one.subject.words)],
        "partialFingerprints": {"finding/v1": one.id},
        "properties": {"check": one.check, "mend": one.mend},
    }


def _open(one: Result, place: int) -> dict[str, Any]:
    return {
        "ruleId": one.requirement.id,
        "ruleIndex": place,
        "kind": "open",
        "level": "none",
        "message": {"text": f"Not known: {'; '.join(one.not_known)}"},
        "locations": [_location("policies/defaultAppManagementPolicy", "tenant")],
        "partialFingerprints": {"finding/v1": f"{one.requirement.id}/not-known"},
    }


def _location(path: str, words: str) -> dict[str, Any]:
    from urllib.parse import quote

    return {
        "physicalLocation": {"artifactLocation": {"uri": quote(path)}, "region": {"startLine": 1}},
        "logicalLocations": [{"name": words, "fullyQualifiedName": path, "kind": "resource"}],
    }


def _notice(words: str) -> dict[str, Any]:
    return {"level": "note", "message": {"text": words}}
