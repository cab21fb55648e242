"""The file that a snapshot is: what goes in comes out, as Graph said it and in columns."""

from __future__ import annotations

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest

from tests.snapshots import TAKEN_AT, TENANT, rows, snapshot_of
from unsecret.errors import Invalid, NotFound
from unsecret.model.snapshot import LONGEST_OBJECT, Manifest
from unsecret.operate.applications.listing import FIRST_PAGE, first_page
from unsecret.operate.snapshots.snapshot_file import LARGEST_HELD, open_snapshot
from unsecret.operate.snapshots.writing import require_place, write_snapshot
from unsecret.wire.columns import TABLES

POLICY = "11111111-1111-4111-8111-111111111111"
SPAN = {"startDateTime": "2024-01-01T00:00:00Z", "endDateTime": "2026-01-01T00:00:00.1234567Z"}
APPLICATION = {
    "id": "app",
    "appId": "client",
    "displayName": "Payroll",
    "createdDateTime": "2024-01-01T00:00:00Z",
    "passwordCredentials": [{"keyId": "SECRET", **SPAN, "displayName": None}],
    "owners": [{"@odata.type": "#microsoft.graph.user", "id": "maria", "displayName": "Maria"}],
    "federatedIdentityCredentials": [{"id": "fic", "name": "main", "issuer": "https://issuer", "subject": "repo"}],
    "notes": "kept, though no column holds it",
}
PRINCIPAL = {
    "id": "sp",
    "appId": "client",
    "displayName": "Payroll",
    "servicePrincipalType": "Application",
    "passwordCredentials": [{"keyId": "p", "customKeyIdentifier": "AB", **SPAN}],
    "keyCredentials": [
        {"keyId": "k", "customKeyIdentifier": "AB", "type": "X509CertAndPassword", "usage": "Sign", **SPAN},
        {"keyId": "own", "customKeyIdentifier": "CD", "type": "AsymmetricX509Cert", "usage": "Verify", **SPAN},
    ],
    "appRoleAssignments": [{"principalId": "sp", "resourceId": "graph", "appRoleId": "role"}],
}
GRAPH = {"id": "graph", "appId": "api", "displayName": "Graph", "appRoles": [{"id": "role", "value": "Mail.Send"}]}
TENANT_STATE: dict[str, list[Any]] = {
    "applications": [APPLICATION],
    "servicePrincipals": [PRINCIPAL, GRAPH],
    "appManagementPolicies": [{"id": POLICY, "displayName": "Short", "isEnabled": True, "appliesTo": [{"id": "app"}]}],
    "oauth2PermissionGrants": [{"clientId": "sp", "resourceId": "graph", "scope": " User.Read Mail.Read "}],
    "roleAssignments": [{"principalId": "sp", "roleDefinitionId": "ga", "directoryScopeId": "/"}],
    "roleDefinitions": [{"id": "ga", "displayName": "Global Administrator"}],
    "appCredentialSignInActivities": [
        {"keyId": "secret", "signInActivity": {"lastSignInDateTime": "2025-05-05T00:00:00Z"}}
    ],
    "servicePrincipalSignInActivities": [
        {"appId": "CLIENT", "lastSignInActivity": {"lastSignInDateTime": "2025-06-06T00:00:00Z"}}
    ],
}


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return snapshot_of(tmp_path_factory.mktemp("snapshot") / "tenant.unsecret", TENANT_STATE)


def test_every_object_comes_back_as_graph_showed_it(taken: Path) -> None:
    with open_snapshot(taken) as snapshot:
        assert list(snapshot.objects("applications")) == [APPLICATION]
        assert snapshot.manifest.tenant_id == TENANT
        assert [policy.id for policy in snapshot.custom_policies] == [POLICY]


def test_every_table_has_the_columns_that_it_is_said_to_have(taken: Path) -> None:
    with open_snapshot(taken) as snapshot:
        for table in TABLES:
            described = snapshot.database.execute(f"SELECT * FROM {table.name}").description
            assert [column[0] for column in described] == list(table.columns)


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("objects", "object"),
        ("objects", "account_enabled"),
        ("credentials", "end_at"),
        ("owners", "mail"),
        ("permissions", "kind"),
        ("roles", "display_name"),
        ("sign_ins", "last_sign_in_at"),
    ],
)
def test_columns_of_another_type_are_refused_by_their_name(
    taken: Path, tmp_path: Path, table: str, column: str
) -> None:
    with pytest.raises(Invalid, match=rf"strange cannot be read: {column} of {table} is \w+\[\]\[\], where"):
        all_of(_as(taken, tmp_path / "strange", table, f"* REPLACE ([[{column}]] AS {column})"))


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("SELECT object, kind, object_id, custom_policy_id FROM objects", [
            (0, "application", "app", POLICY),
            (1, "servicePrincipal", "sp", None),
            (2, "servicePrincipal", "graph", None),
        ]),
        ("SELECT object, kind, key_id, purpose, use FROM credentials ORDER BY ALL", [
            (0, "federated", "fic", "signIn", "unknown"),
            (0, "password", "SECRET", "signIn", "used"),
            (1, "certificate", "k", "tokenSigning", "unused"),
            (1, "certificate", "own", "signIn", "unused"),
            (1, "password", "p", "tokenSigning", "unused"),
        ]),
        ("SELECT start_at::TEXT, end_at::TEXT, last_used_at::TEXT FROM credentials WHERE key_id = 'SECRET'", [
            ("2024-01-01 00:00:00", "2026-01-01 00:00:00.123456", "2025-05-05 00:00:00"),
        ]),
        ("SELECT object, owner_id, type FROM owners", [(0, "maria", "user")]),
        ("SELECT object, kind, permission, resource_app_id FROM permissions ORDER BY ALL", [
            (1, "application", "Mail.Send", "api"), (1, "delegated", "Mail.Read", "api"),
            (1, "delegated", "User.Read", "api"),
        ]),
        ("SELECT object, display_name FROM roles", [(1, "Global Administrator")]),
        ("SELECT app_id, last_sign_in_at::TEXT FROM sign_ins", [("client", "2025-06-06 00:00:00")]),
    ],
)  # fmt: skip
def test_columns_say_what_graph_said(taken: Path, question: str, answer: list[Any]) -> None:
    assert rows(taken, question) == answer


def test_use_is_unknown_where_the_report_was_not_read(tmp_path: Path) -> None:
    state = {**TENANT_STATE, "appCredentialSignInActivities": []}
    taken = snapshot_of(tmp_path / "s", state, missing={"appCredentialSignInActivities": "not permitted"})
    assert rows(taken, "SELECT DISTINCT use FROM credentials") == [("unknown",)]
    with open_snapshot(taken) as snapshot:
        assert "appCredentialSignInActivities: not permitted" in snapshot.manifest.not_known


def test_an_empty_tenant_has_every_table(tmp_path: Path) -> None:
    taken = snapshot_of(tmp_path / "s", {})
    assert [rows(taken, f"SELECT count(*) FROM {table.name}") for table in TABLES] == [[(0,)]] * len(TABLES)


def test_only_its_owner_may_read_a_snapshot(taken: Path) -> None:
    assert taken.stat().st_mode & 0o777 == 0o600


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(NotFound), open_snapshot(tmp_path / "nothing"):
        pass


def in_a_zip(members: Mapping[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        for name, content in members.items():
            packed.writestr(name, content)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "said", "remedy"),
    [
        (None, "is a directory; a snapshot is one file", "unsecret snapshot FILE --from"),
        (b"", "is empty", "Take one"),
        (b"no zip", "is no snapshot", "Take one"),
        (b'{"value": []}', "is JSON, and no snapshot yet", "unsecret snapshot FILE --from"),
        (in_a_zip({"a": b"b"}), "is no snapshot", "Take one"),
        (in_a_zip({"snapshot.json": b"{}" * 100})[:150], "is cut off: its end is missing", "Copy it again"),
        (in_a_zip({"snapshot.json": b"7"}), "is no snapshot", "Take one"),
        (in_a_zip({"snapshot.json": b'{"layout": "snapshot/1"}'}), "is no snapshot", "Take one"),
        (
            in_a_zip({"snapshot.json": b'{"layout": "snapshot/9", "software": "7.1.0", "taken_at": 7}'}),
            "is laid out as 'snapshot/9'; this software reads 'snapshot/1'",
            "made by unsecret 7.1.0: use that version, or a newer one",
        ),
    ],
    ids=["directory", "empty", "text", "JSON", "zip", "cut off", "no manifest", "half a manifest", "newer"],
)
def test_what_is_no_snapshot_is_refused_with_what_it_is(
    tmp_path: Path, content: bytes | None, said: str, remedy: str
) -> None:
    path = tmp_path / "strange"
    path.mkdir() if content is None else path.write_bytes(content)
    with pytest.raises(Invalid) as refused, open_snapshot(path):
        pass
    assert f"{path} {said}" in refused.value.message
    assert remedy in (refused.value.hint or "")


@pytest.mark.parametrize("part", range(10))
def test_a_snapshot_that_was_cut_off_anywhere_is_refused_in_plain_words(taken: Path, tmp_path: Path, part: int) -> None:
    content = taken.read_bytes()
    (tmp_path / "cut").write_bytes(content[: len(content) * part // 10 + 1])
    with pytest.raises(Invalid, match=r"cut is (cut off|no snapshot)"):
        all_of(tmp_path / "cut")
    assert first_page(tmp_path / "cut", 1) is None


def test_the_first_page_of_a_newer_snapshot_is_not_believed(taken: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(taken) as original:
        manifest = original.read("snapshot.json").replace(b"snapshot/1", b"snapshot/9")
    assert first_page(taken, 1) is not None
    assert first_page(altered(taken, tmp_path / "newer", {"snapshot.json": manifest}), 1) is None


@pytest.mark.parametrize("number", [b"Infinity", b"1e999", b"NaN", b"[]", b"null"])
def test_a_first_page_that_counts_without_end_is_no_page(taken: Path, tmp_path: Path, number: bytes) -> None:
    with zipfile.ZipFile(taken) as original:
        page = original.read(FIRST_PAGE)
    counted = b'"total":2,'
    assert counted in page
    members = {FIRST_PAGE: page.replace(counted, b'"total":%b,' % number)}
    assert first_page(altered(taken, tmp_path / "strange", members), 1) is None


def test_policies_that_would_fill_the_memory_are_not_unpacked(taken: Path, tmp_path: Path) -> None:
    bomb = tmp_path / "bomb"
    with zipfile.ZipFile(taken) as original, zipfile.ZipFile(bomb, "w") as packed:
        packed.writestr("snapshot.json", original.read("snapshot.json"))
        packed.writestr(member := "graph/appManagementPolicies.ndjson", b"{}")
        packed.getinfo(member).file_size = LARGEST_HELD + 1  # which is all that is read of a longer one
    with pytest.raises(Invalid, match="unpacks to more than 128 MiB"), open_snapshot(bomb) as snapshot:
        next(snapshot.objects("appManagementPolicies"))


def altered(
    taken: Path, path: Path, members: Mapping[str, bytes | None], compression: int = zipfile.ZIP_STORED
) -> Path:
    """The snapshot `taken` with other `members`; None leaves one out."""
    with zipfile.ZipFile(taken) as original, zipfile.ZipFile(path, "w") as other:
        for name in original.namelist():
            content = members.get(name, original.read(name))
            if content is not None:
                other.writestr(name, content, compression if name in members else zipfile.ZIP_STORED)
    return path


def all_of(path: Path) -> None:
    with open_snapshot(path) as snapshot:
        list(snapshot.objects("applications"))
        snapshot.database.execute("SELECT * FROM objects").fetchall()


LIES: dict[str, dict[str, bytes | None]] = {
    "an object that is too long": {"graph/applications.ndjson": b"[" + b" " * (LONGEST_OBJECT + 1)},
    "an object that is none": {"graph/applications.ndjson": b"{\n"},
    "an object that is a list": {"graph/applications.ndjson": b"[]\n"},
    "objects that nest without end": {"graph/applications.ndjson": b"[" * 100_000},
    "columns that are none": {"columns/objects.parquet": b"PAR1 and no more"},
    "columns that are missing": {"columns/objects.parquet": None},
}


@pytest.mark.parametrize("lie", LIES)
def test_a_snapshot_that_lies_is_refused_in_plain_words(taken: Path, tmp_path: Path, lie: str) -> None:
    strange = altered(taken, tmp_path / "strange", LIES[lie], zipfile.ZIP_DEFLATED if "long" in lie else 0)
    with pytest.raises(Invalid, match="strange"):
        all_of(strange)


def test_columns_that_would_fill_the_disk_are_not_unpacked(taken: Path, tmp_path: Path) -> None:
    bomb = altered(taken, tmp_path / "bomb", {"columns/objects.parquet": bytes(10_000_000)}, zipfile.ZIP_DEFLATED)
    with pytest.raises(Invalid, match="compressed"):
        rows(bomb, "SELECT 1")


def test_the_database_of_a_snapshot_reads_no_other_file_and_takes_no_extension(taken: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("not yours")
    for question in (f"SELECT * FROM read_text('{secret}')", f"COPY (SELECT 1) TO '{tmp_path}/out'", "INSTALL httpfs"):
        with pytest.raises(Invalid, match="disabled"):
            rows(taken, question)
    settings = "SELECT value FROM duckdb_settings() WHERE name IN ('autoinstall_known_extensions', "
    assert rows(taken, f"{settings}'autoload_known_extensions')") == [("false",), ("false",)]
    assert [one.name for one in tmp_path.iterdir()] == ["secret.txt"]


def test_a_link_that_lies_where_the_snapshot_is_made_leads_nowhere(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("kept")
    (tmp_path / ".s.new").symlink_to(precious)
    taken = snapshot_of(tmp_path / "s", TENANT_STATE)
    assert (precious.read_text(), taken.is_symlink()) == ("kept", False)


def test_a_folder_may_be_named_as_people_name_folders(tmp_path: Path) -> None:
    spool = tmp_path / "it's [1] * {a,b}"
    spool.mkdir()
    (spool / "applications.ndjson").write_bytes(msgspec.json.encode(APPLICATION))
    manifest = Manifest(software="0", taken_at=TAKEN_AT, tenant_id=TENANT, source="test")
    write_snapshot(spool, manifest, spool / "s")
    assert rows(spool / "s", "SELECT display_name FROM objects") == [("Payroll",)]


def test_what_does_not_have_graphs_shape_is_refused_and_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="shape"):
        snapshot_of(tmp_path / "s", {"applications": [{**APPLICATION, "createdDateTime": "yesterday"}]})
    assert list(tmp_path.iterdir()) == []


def _without(path: Path, new: Path, column: str) -> Path:
    """The snapshot as it was written before there was such a column of credentials."""
    return _as(path, new, "credentials", f"* EXCLUDE ({column})")


def _as(path: Path, new: Path, table: str, selected: str) -> Path:
    """The snapshot with other columns in a table."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(new, "w") as packed, duckdb.connect() as database:
        for one in old.infolist():
            content = old.read(one)
            if one.filename == f"columns/{table}.parquet":
                file = new.parent / f"{table}.parquet"
                file.write_bytes(content)
                database.execute(f"CREATE TABLE held AS SELECT {selected} FROM '{file}'")
                database.execute(f"COPY held TO '{file}' (FORMAT parquet)")
                content = file.read_bytes()
            packed.writestr(one.filename, content, one.compress_type)
    return new


def test_columns_that_an_earlier_file_lacks_are_made_of_its_answers(taken: Path, tmp_path: Path) -> None:
    question = "SELECT * FROM credentials ORDER BY key_id"
    older = _without(taken, tmp_path / "older.unsecret", "is_last")

    assert rows(older, question) == rows(taken, question)


def test_an_earlier_file_cannot_fill_the_disk(taken: Path, tmp_path: Path) -> None:
    older = _without(taken, tmp_path / "older.unsecret", "is_last")
    with zipfile.ZipFile(older, "a", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("graph/users.ndjson", b"\n" * 1_000_000)

    with pytest.raises(Invalid, match="could fill the disk"):
        rows(older, "SELECT 1")


def test_answers_that_lie_in_the_same_bytes_cannot_fill_the_disk(taken: Path, tmp_path: Path) -> None:
    """Each begins with the header of the next, unpacked, and shares what follows (https://www.bamsoftware.com/hacks/zipbomb)."""
    older = _without(taken, tmp_path / "older.unsecret", "is_last")
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    content = random.Random(1).randbytes(2000) + b"\n" * 200_000
    stream, members = packer.compress(content) + packer.flush(), []
    for number in range(300):
        name = f"graph/{number:03}.ndjson"
        told = (zlib.crc32(content), len(stream), len(content))
        header = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, zipfile.ZIP_DEFLATED, 0, 33, *told, len(name), 0)
        header += name.encode()
        members.append((name, told, len(header) + len(stream)))
        content, stream = header + content, struct.pack("<BHH", 0, len(header), len(header) ^ 0xFFFF) + header + stream
    _append(older, stream, members)

    with pytest.raises(Invalid, match="could fill the disk"):
        rows(older, "SELECT 1")


def _append(path: Path, content: bytes, members: list[tuple[str, tuple[int, int, int], int]]) -> None:
    """Put `content` into a zip file, with `members` that begin so many bytes before its end."""
    with zipfile.ZipFile(path, "a") as packed:
        assert packed.fp is not None
        packed.fp.seek(packed.start_dir)
        packed.fp.write(content)
        packed.start_dir = packed.fp.tell()
        for name, (crc, small, large), before_end in members:
            one = zipfile.ZipInfo(name)
            one.CRC, one.compress_size, one.file_size, one.compress_type = crc, small, large, zipfile.ZIP_DEFLATED
            one.header_offset = packed.start_dir - before_end
            packed.filelist.append(one)
            packed.NameToInfo[name] = one
        packed.comment = b"changed"  # so that the list of members is written anew


def test_a_snapshot_takes_the_place_of_a_snapshot_and_of_nothing_else(tmp_path: Path) -> None:
    require_place(tmp_path / "not-there")
    (tmp_path / "empty").touch()
    require_place(tmp_path / "empty")
    require_place(snapshot_of(tmp_path / "older", {"applications": [APPLICATION]}))
    policies = tmp_path / "policies.toml"
    policies.write_text("isEnabled = true")
    with zipfile.ZipFile(tmp_path / "archive.zip", "w") as archive:
        archive.writestr("letter.txt", "of somebody's own")
    for other in (policies, tmp_path / "archive.zip"):
        with pytest.raises(Invalid, match="is no snapshot, and is not written over"):
            require_place(other)
    with pytest.raises(Invalid, match="is a directory"):
        require_place(tmp_path)
