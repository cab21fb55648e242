"""Who vouches for the certificates in a snapshot."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from tests.local_tenant import NOW, Identity
from tests.snapshots import snapshot_of
from unsecret.operate.snapshots.snapshot_file import open_snapshot
from unsecret.tenant.certificates import read_certificate
from unsecret.tenant.pki import ensure_server_certificate

GUID = "00000000-0000-4000-8000-0000000000{:02}".format
CONFIGURATIONS = "certificateBasedApplicationConfigurations"


def issued(folder: Path) -> tuple[str, str]:
    """An authority, and a certificate that it issued."""
    folder.mkdir()
    files = ensure_server_certificate(folder, ["localhost"], now=NOW)
    authority, leaf = (read_certificate(file.read_bytes()).der for file in (files.ca, files.certificate))
    return base64.b64encode(authority).decode(), base64.b64encode(leaf).decode()


def application(number: int, **key: Any) -> dict[str, Any]:
    entry = {"keyId": GUID(number), "type": "AsymmetricX509Cert", "usage": "Verify", **key}
    return {"id": GUID(number), "appId": GUID(number + 40), "displayName": str(number), "keyCredentials": [entry]}


def trusted_by(path: Path, collections: dict[str, Any], **missing: str) -> list[Any]:
    snapshot_of(path, collections, missing=missing)
    with open_snapshot(path) as snapshot:
        rows = snapshot.database.execute("SELECT trusted_by FROM credentials ORDER BY key_id").fetchall()
    return [names for (names,) in rows]


def test_certificates_are_known_to_be_issued_by_trusted_authorities_or_not(tmp_path: Path) -> None:
    (ours, leaf), (theirs, stranger) = issued(tmp_path / "ours"), issued(tmp_path / "theirs")
    authority = {"id": GUID(7), "certificate": ours, "isRootAuthority": True}
    other = {"id": GUID(6), "certificate": theirs, "isRootAuthority": True}
    collections = {
        "applications": [
            application(1, key=leaf),
            application(2, key=stranger),
            application(3, key=None),
            application(4, key=base64.b64encode(b"no certificate").decode()),
        ],
        CONFIGURATIONS: [
            {"id": GUID(8), "trustedCertificateAuthorities": [authority]},
            {"id": GUID(9), "trustedCertificateAuthorities": [authority, other]},
        ],
    }

    assert trusted_by(tmp_path / "a", collections) == [[GUID(8), GUID(9)], [GUID(9)], None, []]


@pytest.mark.parametrize(
    ("configurations", "missing", "expected"),
    [
        ([], {}, []),
        ([], {CONFIGURATIONS: "refused"}, None),
        ([{"id": GUID(8), "trustedCertificateAuthorities": []}], {}, None),
    ],
)
def test_where_the_authorities_are_not_known_nor_is_whom_they_vouch_for(
    tmp_path: Path, identity: Identity, configurations: list[Any], missing: dict[str, str], expected: Any
) -> None:
    collections = {
        "applications": [application(1, key=base64.b64encode(identity.facts.der).decode())],
        CONFIGURATIONS: configurations,
    }

    assert trusted_by(tmp_path / "a", collections, **missing) == [expected]
