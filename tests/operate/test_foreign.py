"""Snapshots of files that others wrote."""

from __future__ import annotations

import json
import os
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from unsecret.errors import Invalid
from unsecret.model.snapshot import NOBODY, Manifest
from unsecret.operate.applications.listing import first_page
from unsecret.operate.snapshots.foreign import read_foreign
from unsecret.operate.snapshots.snapshot_file import open_snapshot

SCUBAGEAR = Path(__file__).parents[3] / "shared" / "data" / "tenant" / "scubagear"
GUID = "00000000-0000-4000-8000-0000000000{:02}".format


def application(number: int, **members: Any) -> dict[str, Any]:
    return {"id": GUID(number), "appId": GUID(number + 40), "displayName": f"app {number}", **members}


APPS = [application(1), application(2)]


def written(folder: Path, files: dict[str, Any]) -> Path:
    source = folder / "source"
    source.mkdir()
    for name, content in files.items():
        (source / name).write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return source


def read(folder: Path, source: Path) -> tuple[Manifest, list[str]]:
    """What the snapshot says, and the names of what is in it."""
    manifest = read_foreign(source, folder / "made.snapshot")
    with open_snapshot(folder / "made.snapshot") as snapshot:
        rows = snapshot.database.execute("SELECT display_name FROM objects ORDER BY 1").fetchall()
    return manifest, [name for (name,) in rows]


@pytest.mark.parametrize(
    "files",
    [
        {"applications.json": APPS},
        {"contoso-Applications.json": {"value": APPS}},
        {"page1.json": {"@odata.context": "https://graph.example/v1.0/$metadata#applications(id)", "value": APPS}},
        {"applications.json": [{"value": APPS[:1], "@odata.nextLink": "x"}, {"value": APPS}]},
        {"applications.ndjson": b"\n".join(json.dumps(one).encode() for one in APPS)},
        {"export.json": {"unsecret": "export/1", "applications": APPS, "policies": {"appManagementPolicies": []}}},
        {"applications.json": "\ufeff".encode() + json.dumps(APPS).encode()},
        {"applications.json": json.dumps(APPS).encode("utf-16")},
        {"1-applications.json": APPS[:1], "2-applications.json": {"value": APPS[1:]}},
    ],
)
def test_a_collection_is_read_however_it_was_written(tmp_path: Path, files: dict[str, Any]) -> None:
    manifest, names = read(tmp_path, written(tmp_path, files))

    assert names == ["app 1", "app 2"]
    assert manifest.collections["applications"].count == 2
    assert "servicePrincipals: it is not in source" in manifest.not_known


def test_powershells_shapes_become_graphs(tmp_path: Path) -> None:
    secret = {
        "KeyId": GUID(9),
        "DisplayName": "only",
        "StartDateTime": "/Date(0)/",
        "EndDateTime": r"\/Date(86400000)\/",
    }
    app = {
        "Id": GUID(1),
        "AppId": GUID(2),
        "DisplayName": "Payroll",
        "CreatedDateTime": "/Date(1650000000000)/",
        "PasswordCredentials": secret,
        "IdentifierUris": "api://payroll",
        "Tags": None,
        "Web": {"RedirectUris": "https://payroll.example/back"},
        "AdditionalProperties": {"signInAudience": "AzureADMyOrg"},
    }
    read(tmp_path, written(tmp_path, {"applications.json": json.dumps(app).encode("utf-16")}))

    with open_snapshot(tmp_path / "made.snapshot") as snapshot:
        columns = (
            "created_at::VARCHAR, identifier_uris, web_redirect_uris, tags, sign_in_audience, end_at::VARCHAR,"
            " c.display_name"
        )
        (row,) = snapshot.database.execute(
            f"SELECT {columns} FROM objects AS o JOIN credentials AS c USING (object)"
        ).fetchall()
    assert row == (
        "2022-04-15 05:20:00",
        ["api://payroll"],
        ["https://payroll.example/back"],
        [],
        "AzureADMyOrg",
        "1970-01-02 00:00:00",
        "only",
    )


def test_an_export_of_scubagear_is_known_to_be_a_part(tmp_path: Path) -> None:
    secret = {
        "KeyId": GUID(8),
        "DisplayName": "of the application",
        "EndDateTime": "/Date(0)/",
        "IsFromApplication": True,
    }
    key = {"KeyId": GUID(9), "DisplayName": "of the principal", "EndDateTime": "/Date(0)/", "IsFromApplication": False}
    export = {
        "tenant_details": {"TenantId": GUID(3), "DisplayName": "Contoso"},
        "risky_applications": {
            "ObjectId": {"Application": GUID(1), "ServicePrincipal": GUID(2)},
            "AppId": GUID(4),
            "DisplayName": "Risky",
            "PasswordCredentials": secret,
            "KeyCredentials": [key],
        },
        "default_app_management_policy": {"Id": GUID(5), "IsEnabled": True},
    }
    source = tmp_path / "ScubaResults.json"
    source.write_bytes(json.dumps({"Raw": export}).encode("utf-16"))
    os.utime(source, (1_700_000_000, 1_700_000_000))
    manifest, names = read(tmp_path, source)

    assert names == ["Risky", "Risky"]
    assert (manifest.tenant_id, manifest.display_name) == (GUID(3), "Contoso")
    assert manifest.taken_at == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert "applications: ScubaGear exports only those that it deems risky" in manifest.not_known
    with open_snapshot(tmp_path / "made.snapshot") as snapshot:
        assert snapshot.default_policy.is_enabled
        held = snapshot.database.execute(
            "SELECT o.kind, c.kind, c.display_name FROM credentials AS c JOIN objects AS o USING (object) ORDER BY 1"
        ).fetchall()
    assert held == [
        ("application", "password", "of the application"),
        ("servicePrincipal", "certificate", "of the principal"),
    ]


@pytest.mark.skipif(not SCUBAGEAR.exists(), reason="ScubaGear's own files are not here")
def test_scubagears_own_files_are_read(tmp_path: Path) -> None:
    manifest, names = read(tmp_path, SCUBAGEAR / "risky-permissions")

    assert len(names) == 9
    with open_snapshot(tmp_path / "made.snapshot") as snapshot:
        assert snapshot.database.execute(
            "SELECT kind, count(*), min(start_at) > '2020-01-01' FROM credentials GROUP BY 1 ORDER BY 1"
        ).fetchall()
    assert manifest.collections["applications"].count == 3


def test_of_policies_alone_nothing_is_said_of_applications(tmp_path: Path) -> None:
    source = written(tmp_path, {"defaultAppManagementPolicy.json": {"id": GUID(1), "isEnabled": True}})
    read_foreign(source, tmp_path / "made.snapshot")
    assert first_page(tmp_path / "made.snapshot", 10) is None
    with open_snapshot(tmp_path / "made.snapshot") as snapshot:
        assert snapshot.default_policy.is_enabled
        with pytest.raises(Invalid, match="does not say what applications there are: it is not in"):
            snapshot.require_objects()


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"applications.json": b"{"}, "cannot be read"),
        ({"applications.json": b"\xff\xfe\x00"}, "cannot be read|UTF-16"),
        ({"applications.json": [7]}, "is no object"),
        ({"applications.json": [{"displayName": "x"}]}, "has no id"),
        ({"things.json": [{"id": "1"}]}, "not known"),
        ({"users.json": []}, "neither applications nor servicePrincipals nor policies"),
        ({"applications.json": [application(1, createdDateTime="soon")]}, "Graph's shape"),
        ({"applications.json": b"[" * 10_000}, "cannot be read|deeper"),
        ({"readme.txt": b""}, "holds no"),
        ({"applications.json": [{"Id": GUID(1), "CreatedDateTime": "/Date(999999999999999)/"}]}, "no instant"),
    ],
)
def test_what_cannot_be_understood_is_named(tmp_path: Path, files: dict[str, Any], said: str) -> None:
    source = written(tmp_path, files)
    with pytest.raises(Invalid, match=said):
        read_foreign(source, tmp_path / "made.snapshot")
    assert not (tmp_path / "made.snapshot").exists()


def test_the_text_of_a_secret_in_a_saved_answer_is_not_kept(tmp_path: Path) -> None:
    secret = {"keyId": "k", "secretText": "very-secret", "hint": "ver"}
    application = {"id": "a", "appId": "a", "passwordCredentials": [secret]}
    (tmp_path / "applications.json").write_text(json.dumps({"value": [application]}))
    read_foreign(tmp_path / "applications.json", tmp_path / "s")
    with zipfile.ZipFile(tmp_path / "s") as packed:
        assert not any(b"very-secret" in packed.read(name) for name in packed.namelist())


@pytest.mark.parametrize(
    ("files", "missing"),
    [
        ({"applications.json": {"value": APPS, "@odata.nextLink": "x"}}, True),
        ({"applications.json": [{"value": APPS, "@odata.nextLink": "x"}]}, True),
        ({"applications.json": [{"value": APPS[:1], "@odata.nextLink": "x"}, {"value": APPS[1:]}]}, False),
        (
            {
                "1-applications.json": {"value": APPS[:1], "@odata.nextLink": "x"},
                "2-applications.json": {"value": APPS[1:]},
            },
            False,
        ),
        ({"applications.json": {"value": APPS}}, False),
    ],
)
def test_pages_that_end_where_a_next_one_was_named_are_known_to_be_a_part(
    tmp_path: Path, files: dict[str, Any], missing: bool
) -> None:
    manifest, _names = read(tmp_path, written(tmp_path, files))
    said = manifest.collections["applications"].missing
    assert said == ("source ends where Graph named a next page" if missing else None)


def test_the_tenant_is_the_owner_of_what_is_registered_in_it(tmp_path: Path) -> None:
    principals = [
        {"id": GUID(11), "appId": GUID(12), "displayName": "a vendor's", "appOwnerOrganizationId": GUID(13)},
        {"id": GUID(14), "appId": APPS[0]["appId"], "displayName": "own", "appOwnerOrganizationId": GUID(15)},
    ]
    source = written(tmp_path, {"applications.json": APPS, "servicePrincipals.json": principals})
    manifest, _names = read(tmp_path, source)
    assert manifest.tenant_id == GUID(15)


@pytest.mark.parametrize(
    "owners",
    [(GUID(15), GUID(16)), ("../../elsewhere",), (5,), (None,)],
    ids=["files of two tenants", "no id", "no text", "nobody"],
)
def test_who_owns_what_is_registered_is_no_guess(tmp_path: Path, owners: tuple[Any, ...]) -> None:
    """A plan is carried out on the tenant of that id."""
    principals = [
        {"id": GUID(20 + number), "appId": APPS[number]["appId"], "displayName": "own", "appOwnerOrganizationId": owner}
        for number, owner in enumerate(owners)
    ]
    without = {"id": GUID(30), "displayName": "without appId"}
    files = {"applications.json": [*APPS, without], "servicePrincipals.json": [*principals, without]}
    assert read(tmp_path, written(tmp_path, files))[0].tenant_id == NOBODY
