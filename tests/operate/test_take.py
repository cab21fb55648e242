"""A snapshot of a tenant."""

from __future__ import annotations

import json
import uuid
import zipfile
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from msgspec.structs import replace

from tests.local_tenant import NOW, LocalTenant
from tests.operate.in_process import Answers, InProcess, client_of, connection_to
from unsecret.errors import Conflict, Forbidden
from unsecret.model.snapshot import EXEMPTED_PEOPLE, Manifest
from unsecret.operate.graph.client import GraphClient
from unsecret.operate.graph.sign_in import Token
from unsecret.operate.snapshots.snapshot_file import open_snapshot
from unsecret.operate.snapshots.spool import Begun, open_spool
from unsecret.operate.snapshots.take import take
from unsecret.operate.snapshots.take_one import take_one
from unsecret.wire.policy_files import CALLER_TYPE
from unsecret.wire.questions import BESIDES, NEEDS
from unsecret.wire.terms import ATTRIBUTE_SET, CALLERS_ATTRIBUTE, UNTIL

FEDERATED = {"name": "pipeline", "issuer": "https://issuer.example", "subject": "main", "audiences": ["api://x"]}
ACTIVITIES = "appCredentialSignInActivities"
DENIED = {"error": {"code": "Authorization_RequestDenied", "message": "Insufficient privileges."}}


def refusing(path: str) -> Answers:
    """The tenant refuses what begins so."""

    def answer(request: httpx2.Request) -> httpx2.Response | None:
        return httpx2.Response(403, json=DENIED) if request.url.path.startswith(path) else None

    return answer


def test_everything_that_a_tenant_shows_is_known(client: GraphClient, tenant: LocalTenant, tmp_path: Path) -> None:
    app = tenant.new_application("Payroll")
    tenant.must("POST", f"/applications/{app['id']}/addPassword", {"passwordCredential": {"displayName": "first"}})
    tenant.must("POST", f"/applications/{app['id']}/federatedIdentityCredentials", FEDERATED)
    manifest = take(client, tmp_path / "contoso.snapshot", now=tenant.clock.now)

    assert manifest.not_known == ()
    assert (manifest.tenant_id, manifest.display_name) == (tenant.tenant_id, "Contoso")
    with open_snapshot(tmp_path / "contoso.snapshot") as snapshot:
        credentials = snapshot.database.execute(
            "SELECT c.kind, c.display_name, use FROM credentials AS c JOIN objects AS o USING (object)"
            " WHERE o.display_name = 'Payroll' ORDER BY 1"
        ).fetchall()
    assert credentials == [("federated", "pipeline", "unknown"), ("password", "first", "unused")]


def test_what_is_refused_is_said_to_be_missing(tenant: LocalTenant, kind: InProcess, tmp_path: Path) -> None:
    kind.before = refusing(f"/beta/reports/{ACTIVITIES}")
    with client_of(tenant, tmp_path, kind) as client:
        manifest = take(client, tmp_path / "contoso.snapshot", now=tenant.clock.now)

    assert manifest.not_known == (f"{ACTIVITIES}: Insufficient privileges. It takes the permission AuditLog.Read.All.",)


def test_without_applications_there_is_no_snapshot(tenant: LocalTenant, kind: InProcess, tmp_path: Path) -> None:
    kind.before = refusing("/v1.0/applications")
    with client_of(tenant, tmp_path, kind) as client, pytest.raises(Forbidden, match="Insufficient"):
        take(client, tmp_path / "contoso.snapshot", now=tenant.clock.now)

    assert not (tmp_path / "contoso.snapshot").exists()


def test_no_token_is_written(client: GraphClient, tenant: LocalTenant, tmp_path: Path) -> None:
    path = tmp_path / "contoso.snapshot"
    take(client, path, now=tenant.clock.now)
    with zipfile.ZipFile(path) as packed:
        content = b"".join(packed.read(name) for name in packed.namelist())

    assert b"eyJ" not in content
    assert b"skiptoken" not in content
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.glob(".*")) == []


def exempt_callers(tenant: LocalTenant) -> None:
    """A policy that knows exempted callers by an attribute: who has it is asked for, too."""
    caller = {"@odata.type": CALLER_TYPE, "operator": "equals", "id": CALLERS_ATTRIBUTE, "value": "2027-01-31"}
    exempted = {"excludeActors": {"customSecurityAttributes": [caller]}}
    block = {"passwordCredentials": [{"restrictionType": "passwordAddition", "state": "enabled"} | exempted]}
    tenant.define_attribute(ATTRIBUTE_SET, UNTIL)
    tenant.must("PATCH", "/v1.0/policies/defaultAppManagementPolicy", {"applicationRestrictions": block})


def taken_as(tenant: LocalTenant, folder: Path, permissions: set[str]) -> Manifest:
    """What an application with these permissions sees."""
    token = Token(tenant.as_workload(*permissions).token, tenant.clock.now + timedelta(hours=1))
    connection = connection_to(tenant, folder)
    transport = InProcess(tenant)
    with GraphClient(connection, transport=transport, tokens=lambda _post, _now: token, clock=tenant.clock) as client:
        file = folder / f"{uuid.uuid4()}.snapshot"
        return take(client, file, now=tenant.clock.now, log=timedelta(days=1))


def test_with_the_least_permissions_everything_is_read_and_with_one_less_it_is_said_which_is_missing(
    tenant: LocalTenant, tmp_path: Path
) -> None:
    owned = tenant.new_application()
    owner = {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{tenant.as_person().user.id}"}
    tenant.must("POST", f"/applications/{owned['id']}/owners/$ref", owner)
    exempt_callers(tenant)
    least = set(NEEDS.values())
    assert taken_as(tenant, tmp_path, least).not_known == ()
    for permission in least - {"Application.Read.All", "Organization.Read.All", "RoleManagement.Read.Directory"}:
        concerned = {name for name, need in NEEDS.items() if need == permission}
        concerned |= {EXEMPTED_PEOPLE, *BESIDES} if "users" in concerned else set()
        missing = taken_as(tenant, tmp_path, least - {permission}).not_known

        assert {line.split(":")[0] for line in missing} == concerned
        assert all(permission in line for line in missing)


def test_all_owners_are_read_of_an_object_with_more_than_are_expanded(
    client: GraphClient, tenant: LocalTenant, tmp_path: Path
) -> None:
    app = tenant.new_application("Payroll")
    for number in range(22):
        owner = tenant.new_principal(tenant.new_application(f"owner {number}")["appId"])
        reference = {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{owner['id']}"}
        tenant.must("POST", f"/applications/{app['id']}/owners/$ref", reference)
    manifest = take(client, tmp_path / "contoso.snapshot", now=tenant.clock.now)

    with open_snapshot(tmp_path / "contoso.snapshot") as snapshot:
        rows = snapshot.database.execute("SELECT count(DISTINCT owner_id) FROM owners").fetchall()
    assert (rows, manifest.collections["owners"].count) == ([(22,)], 22)


def test_where_the_directory_does_not_say_who_has_federated_credentials_everybody_is_asked(
    tenant: LocalTenant, kind: InProcess, tmp_path: Path
) -> None:
    for name in ("Payroll", "Search"):
        app = tenant.new_application(name)
        tenant.must("POST", f"/applications/{app['id']}/federatedIdentityCredentials", FEDERATED)

    def refused(request: httpx2.Request) -> httpx2.Response | None:
        return httpx2.Response(400, json=DENIED) if "federatedIdentityCredentials/$count" in str(request.url) else None

    kind.before = refused
    with client_of(tenant, tmp_path, kind) as client:
        manifest = take(client, tmp_path / "contoso.snapshot", now=tenant.clock.now)
    assert manifest.collections["federatedIdentityCredentials"].count == 2
    assert manifest.not_known == ()


@pytest.mark.parametrize(
    ("names", "shown", "known"),
    [
        (["isExplicit=True"], [FEDERATED], True),
        (["isExplicit=True"], [], False),
        ([], [], False),  # a name that is not shown says nothing
        (["isExplicit=False"], None, True),  # of a machine itself: it can have none, and is not asked
        (["isExplicit=True"], None, False),  # None: refused
    ],
)
def test_what_federates_a_managed_identity_is_told_or_said_not_to_be_known(
    tenant: LocalTenant, kind: InProcess, tmp_path: Path, names: list[str], shown: Any, *, known: bool
) -> None:
    """As a part of the whole tenant, and by itself."""
    principal = tenant.new_principal(tenant.new_application("Deployer")["appId"])
    managed = {"servicePrincipalType": "ManagedIdentity", "alternativeNames": names}

    def with_identity(request: httpx2.Request) -> httpx2.Response | None:
        path = request.url.path
        if path.endswith(f"{principal['id']}/federatedIdentityCredentials"):
            value = {"value": [{"id": "1", **one} for one in shown or ()]}
            return httpx2.Response(403, json=DENIED) if shown is None else httpx2.Response(200, json=value)
        if path == "/beta/$batch":
            asked = json.loads(request.content)["requests"]
            return httpx2.Response(200, json={"responses": [in_batch(one) for one in asked]})
        if "/servicePrincipals" not in path or path.endswith("$count"):
            return None
        answer = kind.door.send(request)
        body = answer.json()
        for one in body.get("value", [body]):
            one.update(managed if one.get("id") == principal["id"] and "appId" in one else {})
        return httpx2.Response(answer.status_code, json=body)

    def in_batch(asked: dict[str, Any]) -> dict[str, Any]:
        request = httpx2.Request("GET", f"https://graph.test/beta{asked['url']}")
        answer = with_identity(request) or kind.door.send(request)
        return {"id": asked["id"], "status": answer.status_code, "body": answer.json()}

    kind.before = with_identity
    with client_of(tenant, tmp_path, kind) as client:
        whole = take(client, tmp_path / "whole", now=tenant.clock.now)
        alone = take_one(client, "Deployer", tmp_path / "alone", now=tenant.clock.now)
    for manifest in (whole, alone):
        said = [one for one in manifest.not_known if "managed identities" in one]
        assert (said == []) is known, said
    for name in ("whole", "alone"):
        with open_snapshot(tmp_path / name) as snapshot:
            rows = snapshot.database.execute("SELECT display_name FROM credentials WHERE kind = 'federated'")
            assert rows.fetchall() == [(FEDERATED["name"],)] * len(shown or ())


def found_by_an_interrupted_take(path: Path, begun: Begun) -> object:
    """What was kept by the one before, which was interrupted as well."""
    found = None
    with suppress(KeyboardInterrupt), open_spool(path, begun) as spool:
        found = spool.kept("something")
        spool.keep("something", 1)
        raise KeyboardInterrupt
    return found


def test_what_was_begun_is_continued_for_the_same_tenant_within_a_day(tmp_path: Path) -> None:
    begun = Begun(software="1", tenant_id="a", graph="https://graph.example", at=NOW)
    later = [
        (begun, None),
        (replace(begun, at=NOW + timedelta(hours=23)), 1),
        (replace(begun, at=NOW + timedelta(hours=25)), None),
        (replace(begun, tenant_id="b", at=NOW + timedelta(hours=25)), None),
        (replace(begun, tenant_id="b", software="2", at=NOW + timedelta(hours=25)), None),
    ]
    for one, expected in later:
        assert found_by_an_interrupted_take(tmp_path / "a.snapshot", one) == expected, one


def test_two_takes_of_one_file_do_not_mix(tmp_path: Path) -> None:
    begun = Begun(software="1", tenant_id="a", graph="https://graph.example", at=NOW)
    with open_spool(tmp_path / "a.snapshot", begun), pytest.raises(Conflict, match="Another process"):
        found_by_an_interrupted_take(tmp_path / "a.snapshot", begun)


def test_a_link_to_a_directory_is_not_emptied(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "letter").write_text("kept")
    (tmp_path / ".a.snapshot.taking").symlink_to(precious)
    begun = Begun(software="1", tenant_id="a", graph="https://graph.example", at=NOW)
    with pytest.raises(Conflict, match="not a directory of this user"):
        found_by_an_interrupted_take(tmp_path / "a.snapshot", begun)
    assert (precious / "letter").read_text() == "kept"
