"""Reading the directory's log."""

from __future__ import annotations

import json
from typing import Any

import pytest

from unsecret.wire.audit_records import audit_record_from_graph


def record(*, modified: Any = (), **members: Any) -> dict[str, Any]:
    target = {"type": "Application", "id": "a", "displayName": "Payroll", "modifiedProperties": modified}
    return {
        "id": "1",
        "activityDateTime": "2026-11-22T10:00:00.1234567Z",
        "activityDisplayName": "Update application – Certificates and secrets management ",
        "category": "ApplicationManagement",
        "result": "success",
        "targetResources": [target],
        "initiatedBy": {"user": {"id": "u", "userPrincipalName": "maria@contoso.com"}, "app": None},
        **members,
    }


def keys(*lines: str) -> str:
    return json.dumps(list(lines))


SECRET = "[KeyIdentifier=k1,KeyType=Password,KeyUsage=Verify,DisplayName=a, b]"
CERTIFICATE = "[KeyIdentifier=k2,KeyType=AsymmetricX509Cert,KeyUsage=Verify,DisplayName=]"


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ("[]", keys(SECRET), ("added secret 'a, b' (k1)",)),
        (keys(SECRET), "[]", ("removed secret 'a, b' (k1)",)),
        (keys(SECRET), keys(SECRET, CERTIFICATE), ("added certificate (k2)",)),
        (keys(SECRET), keys(CERTIFICATE), ("added certificate (k2)", "removed secret 'a, b' (k1)")),
        ("no list", None, ()),
        ('"a string"', "{}", ()),
    ],
)
def test_what_was_added_and_removed_is_told(old: str | None, new: str | None, changes: tuple[str, ...]) -> None:
    modified = [{"displayName": "KeyDescription", "oldValue": old, "newValue": new}]
    found = audit_record_from_graph(record(modified=modified))
    assert found is not None
    assert found.changes == changes
    assert found.activity == "Update application – Certificates and secrets management"


@pytest.mark.parametrize(
    ("initiated_by", "who"),
    [
        ({"user": {"userPrincipalName": "maria@contoso.com"}}, "maria@contoso.com"),
        ({"app": {"displayName": "Pipeline", "appId": "p"}}, "Pipeline"),
        ({"app": {"appId": "p"}}, "p"),
        ({}, "not said"),
        (None, "not said"),
    ],
)
def test_who_did_it_is_told(initiated_by: Any, who: str) -> None:
    found = audit_record_from_graph(record(initiatedBy=initiated_by))
    assert found is not None
    assert found.who == who


def test_a_policy_is_told_before_and_after() -> None:
    policy = {"isEnabled": True}
    modified = [{"displayName": "PolicyDetail", "oldValue": "[]", "newValue": json.dumps([json.dumps(policy)])}]
    found = audit_record_from_graph(record(modified=modified))
    assert found is not None
    assert found.policies == ({}, policy)


@pytest.mark.parametrize("body", [None, [], {}, {"id": "1"}, {"activityDateTime": "2026-11-22T10:00:00Z"}])
def test_what_cannot_be_told_from_others_is_left_out(body: Any) -> None:
    assert audit_record_from_graph(body) is None
