"""What the columns of a snapshot work out: when an application loses its last credential, and whether it is in use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.snapshots import rows, snapshot_of


def _held(key_id: str, end: str | None) -> dict[str, Any]:
    return {"keyId": key_id, "startDateTime": "2024-01-01T00:00:00Z", "endDateTime": end}


def _key(key_id: str, end: str, usage: str = "Verify", kind: str = "AsymmetricX509Cert") -> dict[str, Any]:
    return {**_held(key_id, end), "type": kind, "usage": usage}


def test_what_ends_last_is_known_of_each_application(tmp_path: Path) -> None:
    early, late, later = (f"{year}-01-01T00:00:00Z" for year in (2027, 2028, 2029))
    federated = [{"id": "f", "name": "main", "issuer": "https://issuer", "subject": "repo"}]
    state: dict[str, list[Any]] = {
        "applications": [
            {"id": "1", "appId": "both", "passwordCredentials": [_held("a", early), _held("b", late)]},
            {"id": "2", "appId": "none", "passwordCredentials": [_held("c", None)]},
            {"id": "3", "appId": "never", "federatedIdentityCredentials": federated},
        ],
        "servicePrincipals": [
            {"id": "4", "appId": "BOTH", "keyCredentials": [_key("d", late)]},
            {"id": "5", "appId": "saml", "keyCredentials": [_key("e", later, "Sign")]},
            {
                "id": "6",
                "appId": "managed",
                "servicePrincipalType": "ManagedIdentity",
                "keyCredentials": [_key("g", early), _key("h", later, kind="Symmetric")],
            },
        ],
    }
    path = snapshot_of(tmp_path / "tenant.unsecret", state)

    assert rows(path, "SELECT object_id, year(ends_at), has_federated FROM objects ORDER BY ALL") == [
        ("1", 2028, False), ("2", None, False), ("3", None, True),
        ("4", 2028, False), ("5", None, False), ("6", 2027, False),
    ]  # fmt: skip
    assert rows(path, "SELECT key_id FROM credentials WHERE is_last ORDER BY ALL") == [("b",), ("d",), ("g",)]
    assert dict(rows(path, "SELECT key_id, held_by FROM credentials")) == {
        **dict.fromkeys("abcf", "application"),
        **dict.fromkeys("de", "servicePrincipal"),
        **dict.fromkeys("gh", "managedIdentity"),
    }


USED = {"lastSignInDateTime": "2026-05-05T00:00:00Z"}


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        ((), {"secret seen": "used", "seen": "used", "neither": "unused", "nothing": "unused"}),
        (
            ("servicePrincipalSignInActivities",),
            {"secret seen": "used", "seen": "unused", "neither": "unused", "nothing": "unknown"},
        ),
        (
            ("servicePrincipalSignInActivities", "appCredentialSignInActivities"),
            {"secret seen": "unknown", "seen": "unknown", "neither": "unknown", "nothing": "unknown"},
        ),
        (
            ("appCredentialSignInActivities",),
            {"secret seen": "unused", "seen": "used", "neither": "unused", "nothing": "unused"},
        ),
    ],
)
def test_an_application_is_used_when_any_report_has_seen_it(
    tmp_path: Path, missing: tuple[str, ...], expected: dict[str, str]
) -> None:
    held = {"secret seen": "one", "seen": "two", "neither": "three", "nothing": None}
    state: dict[str, list[Any]] = {
        "applications": [
            {"id": name, "appId": name, "passwordCredentials": [_held(key, "2028-01-01T00:00:00Z")] if key else []}
            for name, key in held.items()
        ],
        "appCredentialSignInActivities": [{"keyId": "ONE", "signInActivity": USED}],
        "servicePrincipalSignInActivities": [{"appId": "Seen", "lastSignInActivity": USED}],
    }
    known = {name: objects for name, objects in state.items() if name not in missing}
    path = snapshot_of(tmp_path / "tenant.unsecret", known, missing=dict.fromkeys(missing, "it may not be read"))

    assert dict(rows(path, "SELECT object_id, app_use FROM objects")) == expected


def test_the_use_of_a_credential_is_not_taken_for_that_of_another_applications_with_its_key_id(tmp_path: Path) -> None:
    """Azure PowerShell chooses keyIds itself, and who copies an application may copy them."""
    span = "2028-01-01T00:00:00Z"
    state: dict[str, list[Any]] = {
        "applications": [
            {"id": "1", "appId": "seen", "passwordCredentials": [_held("TWIN", span), _held("own", span)]},
            {"id": "2", "appId": "other", "passwordCredentials": [_held("twin", span), _held("nameless", span)]},
            {"id": "3", "appId": "third", "passwordCredentials": [_held("alone", span), _held("nameless", span)]},
            {"id": "4", "appId": "both seen", "passwordCredentials": [_held("each", span)]},
            {"id": "5", "appId": "both seen, too", "passwordCredentials": [_held("each", span)]},
        ],
        "servicePrincipals": [{"id": "6", "appId": "SEEN", "passwordCredentials": [_held("twin", span)]}],
        "appCredentialSignInActivities": [
            {"appId": "Seen", "keyId": "twin", "signInActivity": USED},
            {"keyId": "ALONE", "signInActivity": USED},
            {"keyId": "nameless", "signInActivity": USED},
            {"appId": "both seen", "keyId": "each", "signInActivity": USED},
            {"appId": "both seen, too", "keyId": "each", "signInActivity": USED},
        ],
    }
    path = snapshot_of(tmp_path / "tenant.unsecret", state)
    found = "SELECT object_id, key_id, use, last_used_at IS NOT NULL FROM credentials JOIN objects USING (object)"

    assert rows(path, f"{found} ORDER BY ALL") == [
        ("1", "TWIN", "used", True), ("1", "own", "unused", False),
        ("2", "nameless", "unknown", False), ("2", "twin", "unknown", False),
        ("3", "alone", "used", True), ("3", "nameless", "unknown", False),
        ("4", "each", "used", True), ("5", "each", "used", True),
        ("6", "twin", "used", True),
    ]  # fmt: skip
