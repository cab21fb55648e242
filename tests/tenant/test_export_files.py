"""What a tenant may be loaded from: a file, a directory or a snapshot; and what anything else is said to be."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.snapshots import snapshot_of
from unsecret.errors import Invalid
from unsecret.tenant.export_files import read_export

APPLICATIONS = [{"id": f"app-{number}", "displayName": f"app {number}"} for number in (1, 2)]


@pytest.mark.parametrize(
    "applications",
    [
        [APPLICATIONS[0], APPLICATIONS[1]],
        {"value": [APPLICATIONS[0], APPLICATIONS[1]]},
        [{"value": [APPLICATIONS[0]], "@odata.nextLink": "x"}, {"value": [APPLICATIONS[1]]}],
    ],
)
def test_a_collection_may_be_a_list_a_page_or_pages(tmp_path: Path, applications: Any) -> None:
    file = tmp_path / "export.json"
    file.write_text(json.dumps({"applications": applications}))
    assert [body["displayName"] for _, body in read_export(file).objects("applications")] == ["app 1", "app 2"]


def test_a_directory_of_collections_is_an_export(tmp_path: Path) -> None:
    (tmp_path / "applications.json").write_text(json.dumps({"value": [APPLICATIONS[0]]}))
    (tmp_path / "policies.json").write_text(json.dumps({"appManagementPolicies": []}))
    export = read_export(tmp_path)
    assert [body["displayName"] for _, body in export.objects("applications")] == ["app 1"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "cannot be read"),
        ("{", "cannot be read"),
        ("[]", "cannot be read"),
        ("{}", "is no export of a tenant"),
        ('{"applications": 1}', "applications in .* cannot be read"),
        ('{"unsecret": "export/2", "applications": []}', "another layout"),
        ('{"policies": [], "applications": []}', "policies in .* cannot be read"),
    ],
)
def test_a_file_that_is_no_export_is_said_to_be_none(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "export.json"
    file.write_text(text)
    with pytest.raises(Invalid, match=said):
        read_export(file)
    with pytest.raises(Invalid, match="cannot be read: No such file"):
        read_export(tmp_path / "nowhere.json")


def test_a_zip_file_that_is_no_snapshot_is_said_to_be_none(tmp_path: Path) -> None:
    for name, content in {"other.txt": "", "snapshot.json": '{"layout": "snapshot/2"}'}.items():
        with zipfile.ZipFile(tmp_path / name, "w") as packed:
            packed.writestr(name, content)
        with pytest.raises(Invalid, match=r"no snapshot|'snapshot/2'"):
            read_export(tmp_path / name)


@pytest.mark.parametrize("tenths", [1, 5, 9])
def test_a_snapshot_that_is_cut_off_is_said_to_be(tmp_path: Path, tenths: int) -> None:
    whole = snapshot_of(tmp_path / "whole", {"applications": APPLICATIONS}).read_bytes()
    (tmp_path / "cut").write_bytes(whole[: len(whole) * tenths // 10])
    with pytest.raises(Invalid, match="cut is a zip file that is cut off"):
        read_export(tmp_path / "cut")


def test_what_is_broken_inside_a_snapshot_is_told_by_its_place(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "broken", "w") as packed:
        packed.writestr("snapshot.json", '{"layout": "snapshot/1"}')
        packed.writestr("graph/applications.ndjson", '{"id": "app-1"}\n{\n')
    export = read_export(tmp_path / "broken")
    with pytest.raises(Invalid, match=r"applications\[1\] cannot be read"):
        list(export.objects("applications"))
