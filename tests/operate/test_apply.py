"""Carrying out plans: every kind of step, what came between, what is killed, and what is never lost."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from msgspec.structs import replace

from tests.local_tenant import LocalTenant
from tests.operate.in_process import UNKIND, InProcess, Ticks, client_of, connection_to
from tests.operate.test_plan import DEFAULT, POLICIES, assign, new_policy, plan_of
from unsecret.errors import Conflict, Invalid
from unsecret.operate.graph.client import GraphClient
from unsecret.operate.graph.sign_in import Token
from unsecret.operate.plans.apply import Applier, Became, Outcome, wait_for_policy
from unsecret.operate.plans.export import export_policies
from unsecret.operate.plans.files import plan_text, read_plan_or_policies
from unsecret.operate.plans.journal import Interrupted, Journal, alone, continued, interrupted
from unsecret.operate.plans.plan import make_plan
from unsecret.operate.plans.rollback import rollback_of
from unsecret.operate.plans.steps import Plan
from unsecret.tenant.mischief import Mischief, MischiefSettings
from unsecret.wire.policy_file_text import policy_file_text
from unsecret.wire.policy_files import read_policy_file

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
EVERYTHING = """
[defaultAppManagementPolicy]
isEnabled = true

[defaultAppManagementPolicy.applicationRestrictions.passwordCredentials]
passwordAddition = { state = "enabled" }

[[appManagementPolicies]]
displayName = "New"
isEnabled = true
appliesTo = [{ app = "Free" }, { app = "Moving" }]
[appManagementPolicies.restrictions.passwordCredentials]
passwordAddition = { state = "disabled" }

[[appManagementPolicies]]
displayName = "Old"
absent = true

[[appManagementPolicies]]
displayName = "Kept"
appliesTo = [{ app = "Leaving", absent = true }]
[appManagementPolicies.restrictions.keyCredentials]
asymmetricKeyLifetime = { maxLifetime = "P90D" }
"""
ELSEWHERE = "00000000-0000-4000-8000-000000000001"
NAMES = ("Free", "Moving", "Leaving", "Untouched")


class Killed(BaseException):
    """What a kill is to the process: nothing catches it."""


@pytest.fixture
def organisation(tenant: LocalTenant, ticks: Ticks) -> dict[str, dict[str, Any]]:
    """Four applications, and policies that the file changes, deletes, and does not mention."""
    apps = {name: tenant.new_application(name) for name in NAMES}
    old, kept, other = (new_policy(tenant, name) for name in ("Old", "Kept", "Other"))
    for name, policy in (("Moving", old), ("Leaving", kept), ("Untouched", other)):
        assign(tenant, "applications", apps[name]["id"], policy)
    lifetime = {"restrictionType": "passwordLifetime", "state": "enabled", "maxLifetime": "P180D"}
    uris = {"nonDefaultUriAddition": {"state": "enabled", "excludeSaml": True}}
    tenant.must(
        "PATCH", DEFAULT, {"applicationRestrictions": {"passwordCredentials": [lifetime], "identifierUris": uris}}
    )
    ticks.later()
    return apps


def run(
    client: GraphClient,
    folder: Path,
    text: str,
    *,
    now: datetime = NOW,
    sleep: Callable[[float], None] = lambda _seconds: None,
) -> tuple[Outcome, ...]:
    """What `unsecret apply` does, but for talking."""
    with alone(folder, now=now):
        before = interrupted(folder)
        found = wait_for_policy(client, before.making, sleep=sleep) if before and before.making else None
        seen = (found,) if found else ()
        plan = make_plan(client, read_policy_file(text), source="policies.toml", now=now, seen=seen)
        outcomes = carry_out(client, folder, plan, now=now, sleep=sleep) if plan.steps else ()
        if before:
            continued(before, now=now)
        return outcomes


def carry_out(
    client: GraphClient,
    folder: Path,
    plan: Plan,
    *,
    now: datetime = NOW,
    sleep: Callable[[float], None] = lambda _seconds: None,
) -> tuple[Outcome, ...]:
    applier = Applier(client, plan, sleep=sleep)
    applier.require_unmoved()
    journal = Journal(folder, plan, rollback=policy_file_text(rollback_of(plan)), clock=lambda: now)
    return applier.carry_out(journal)


def policy_state(tenant: LocalTenant, tmp_path: Path) -> str:
    """Everything that the tenant says of policies, as a file; ids are left out."""
    with client_of(tenant, tmp_path, InProcess(tenant)) as client:
        return policy_file_text(export_policies(client)[0])


STEPS = [
    "create the custom policy 'New'",
    "update the custom policy 'Kept'",
    "apply custom policy 'New' to the app registration 'Free'",
    "take the app registration 'Moving' out of custom policy 'Old'",
    "apply custom policy 'New' to the app registration 'Moving'",
    "update the tenant default policy",
    "take the app registration 'Leaving' out of custom policy 'Kept'",
    "delete the custom policy 'Old'",
]


def test_every_kind_of_step_is_carried_out_once(
    tenant: LocalTenant, client: GraphClient, ticks: Ticks, organisation: dict[str, Any], tmp_path: Path
) -> None:
    outcomes = run(client, tmp_path / "state", EVERYTHING)

    assert [f"{one.became}: {one.step.words}" for one in outcomes] == [f"changed: {words}" for words in STEPS]
    ticks.later()
    assert plan_of(client, EVERYTHING).steps == ()
    assert run(client, tmp_path / "state", EVERYTHING) == ()
    default = tenant.get(DEFAULT)
    passwords = default["applicationRestrictions"]["passwordCredentials"]
    assert {one["restrictionType"]: one["state"] for one in passwords} == {
        "passwordLifetime": "enabled",
        "passwordAddition": "enabled",
    }
    assert default["applicationRestrictions"]["identifierUris"]["nonDefaultUriAddition"]["excludeSaml"] is True
    names = [one["displayName"] for one in tenant.get(POLICIES)["value"]]
    assert sorted(names) == ["Kept", "New", "Other"]
    bound = tenant.get(f"/applications/{organisation['Untouched']['id']}/appManagementPolicies")["value"]
    assert [one["displayName"] for one in bound] == ["Other"]


def test_the_rollback_file_gives_back_what_was_there(
    tenant: LocalTenant, client: GraphClient, ticks: Ticks, organisation: dict[str, Any], tmp_path: Path
) -> None:
    before = policy_state(tenant, tmp_path)
    run(client, tmp_path / "state", EVERYTHING)
    ticks.later()
    assert policy_state(tenant, tmp_path) != before
    (file,) = (tmp_path / "state").glob("*.rollback.toml")

    outcomes = run(client, tmp_path / "state", file.read_text(), now=NOW + timedelta(seconds=1))

    assert {one.became for one in outcomes} == {Became.CHANGED}
    assert policy_state(tenant, tmp_path) == before


def saved(plan: Plan, tmp_path: Path) -> Plan:
    """The plan as it comes back from its file."""
    file = tmp_path / "saved.plan"
    file.write_text(plan_text(plan))
    read = read_plan_or_policies(file)
    assert read == plan
    return plan


def test_a_saved_plan_that_does_not_send_what_it_shows_is_refused(
    tenant: LocalTenant, kind: InProcess, organisation: dict[str, Any], tmp_path: Path
) -> None:
    with client_of(tenant, tmp_path, kind) as client:
        text = plan_text(saved(plan_of(client, EVERYTHING), tmp_path))
    file = tmp_path / "altered.plan"
    alterations = [
        ("beta/policies/defaultAppManagementPolicy", "beta/users"),
        ('"after": "enabled"', '"after": "disabled"'),
        ('"isEnabled": true', '"isEnabled": false'),
        ('"collection": "applications"', '"collection": "users"'),
        ('"title": "tenant default policy"', '"title": "nothing of importance"'),
        ('"layout": "plan/1"', '"layout": "plan/2"'),
    ]
    for before, after in alterations:
        assert before in text
        file.write_text(text.replace(before, after, 1))
        with pytest.raises(Invalid, match=r"altered since it was saved|laid out as"):
            read_plan_or_policies(file)


class DiesAt(InProcess):
    """The tenant, seen by a process that is killed at its `number`th write: before it is sent, or after it was carried
    out and before its answer is read."""

    def __init__(self, tenant: LocalTenant, mischief: Mischief | None, number: int, *, sent: bool):
        super().__init__(tenant, mischief=mischief)
        self.left, self.sent = number, sent

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        is_write = request.method != "GET" and not request.url.path.endswith("/token")
        self.left -= is_write
        if is_write and self.left == 0 and not self.sent:
            raise Killed
        answer = super().handle_request(request)
        if is_write and answer.status_code == 429:
            self.left += 1
        elif is_write and self.left == 0:
            raise Killed
        return answer


EVERYWHERE = [
    *((number, True) for number in range(1, len(STEPS) + 1)),
    # Before a write is sent the tenant is as after the one before; what differs is the journal.
    *((number, False) for number in (1, 3, 6)),
]


@pytest.mark.parametrize(("number", "sent"), EVERYWHERE)
def test_an_apply_that_is_killed_anywhere_is_finished_by_the_next(
    tenant: LocalTenant, ticks: Ticks, organisation: dict[str, Any], tmp_path: Path, number: int, *, sent: bool
) -> None:
    mischief = Mischief(UNKIND, tenant.store, clock=ticks) if sent else None
    folder = tmp_path / "state"
    with (
        client_of(tenant, tmp_path, DiesAt(tenant, mischief, number, sent=sent)) as doomed,
        pytest.raises(Killed),
    ):
        run(doomed, folder, EVERYTHING)
    left = interrupted(folder)
    assert left is not None
    assert (left.written, left.steps) == (number - 1, len(STEPS))
    assert left.writing in STEPS
    assert f"{number - 1} of {len(STEPS)} changes were made; it was about to {left.writing}" in left.words

    with client_of(tenant, tmp_path, InProcess(tenant, mischief=mischief)) as client:  # at once: reads still lag
        run(client, folder, EVERYTHING, now=NOW + timedelta(seconds=1))
    if mischief:
        mischief.close()

    assert interrupted(folder) is None
    with client_of(tenant, tmp_path, InProcess(tenant)) as client:
        assert plan_of(client, EVERYTHING).steps == ()
        names = [str(one["displayName"]) for one in tenant.get(POLICIES)["value"]]
        assert sorted(names) == ["Kept", "New", "Other"]


def test_a_saved_plan_that_was_killed_goes_on_where_it_was(
    tenant: LocalTenant, kind: InProcess, organisation: dict[str, Any], tmp_path: Path
) -> None:
    mischief = Mischief(UNKIND, tenant.store, clock=Ticks())
    with client_of(tenant, tmp_path, kind) as client:
        plan = saved(plan_of(client, EVERYTHING), tmp_path)
    with client_of(tenant, tmp_path, DiesAt(tenant, mischief, 5, sent=True)) as doomed, pytest.raises(Killed):
        carry_out(doomed, tmp_path, plan)
    mischief.close()

    with client_of(tenant, tmp_path, kind) as client:
        outcomes = carry_out(client, tmp_path, plan)

    assert [one.became for one in outcomes] == ["unchanged"] * 5 + ["changed"] * 3


@pytest.mark.parametrize(
    ("method", "path", "body", "says"),
    [
        ("PATCH", DEFAULT, {"isEnabled": True}, "tenant default policy says something else (isEnabled was False"),
        ("PATCH", f"{POLICIES}/{{Kept}}", {"description": "mine"}, "custom policy 'Kept' says something else"),
        ("PATCH", f"{POLICIES}/{{Old}}", {"isEnabled": False}, "custom policy 'Old', which is to be deleted"),
        ("DELETE", f"{POLICIES}/{{Kept}}", None, "custom policy 'Kept' is not there any more"),
        ("POST", POLICIES, {"displayName": "New", "description": "theirs"}, "there is a custom policy 'New' now"),
        ("LINK", "Free", "Other", "the app registration 'Free' has the custom policy 'Other'"),
    ],
)
def test_a_tenant_that_moved_since_the_plan_is_left_alone(
    tenant: LocalTenant,
    kind: InProcess,
    organisation: dict[str, Any],
    tmp_path: Path,
    method: str,
    path: str,
    body: Any,
    says: str,
) -> None:
    ids = {one["displayName"]: one["id"] for one in tenant.get(POLICIES)["value"]}
    with client_of(tenant, tmp_path, kind) as client:
        plan = plan_of(client, EVERYTHING)
        if method == "LINK":
            assign(tenant, "applications", organisation[path]["id"], ids[body])
        else:
            tenant.must(method, path.format(**ids), body)
        before = policy_state(tenant, tmp_path)

        with pytest.raises(Conflict) as refused:
            carry_out(client, tmp_path / "state", plan)

    assert says in refused.value.message
    assert policy_state(tenant, tmp_path) == before


def test_what_was_planned_on_the_strength_of_a_step_that_failed_is_not_tried(
    tenant: LocalTenant, organisation: dict[str, Any], tmp_path: Path
) -> None:
    """The exemption that cannot be given would have kept the block from breaking an application."""

    def refuses_links(request: httpx2.Request) -> httpx2.Response | None:
        is_link = request.method == "POST" and request.url.path.endswith("$ref")
        error = {"error": {"code": "Authorization_RequestDenied", "message": "You may not."}}
        return httpx2.Response(403, json=error) if is_link else None

    with client_of(tenant, tmp_path, InProcess(tenant, refuses_links)) as client:
        outcomes = run(client, tmp_path / "state", EVERYTHING)

    assert [one.became for one in outcomes] == ["changed", "changed", "failed"] + ["notTried"] * 5
    assert "You may not." in str(outcomes[2].error)
    assert tenant.get(DEFAULT)["isEnabled"] is False
    assert interrupted(tmp_path / "state") is None, "it came to its end, and said so"


class Seconds:
    """Time that goes by only while somebody waits: nothing that lags shows by itself."""

    now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.mark.parametrize(("arrives", "seed"), [(True, 3), (True, 6), (True, 19), (False, 0)])
def test_a_policy_of_which_nobody_heard_whether_it_was_made_is_not_made_twice(
    tenant: LocalTenant, organisation: dict[str, Any], tmp_path: Path, seed: int, *, arrives: bool
) -> None:
    """A gateway gives up waiting; behind it the policy is made, or it is not. The next apply comes at once."""

    def gives_up(request: httpx2.Request) -> httpx2.Response | None:
        if request.method != "POST" or not request.url.path.endswith("/appManagementPolicies"):
            return None
        if arrives:
            assert transport.door.send(request).status_code == 201
        return httpx2.Response(504, text="gateway time-out")

    transport, folder, slow = InProcess(tenant, gives_up), tmp_path / "state", Seconds()
    mischief = Mischief(MischiefSettings(lag=12.0, seed=seed), tenant.store, clock=slow)
    mischief.hold()
    with client_of(tenant, tmp_path, transport) as client:
        outcomes = run(client, folder, EVERYTHING)
    assert [one.became for one in outcomes] == ["failed"] + ["notTried"] * 7
    left = interrupted(folder)
    assert left is not None
    assert left.making == "New"

    with client_of(tenant, tmp_path, InProcess(tenant, mischief=mischief), sleep=slow.sleep) as client:
        run(client, folder, EVERYTHING, now=NOW + timedelta(seconds=1), sleep=slow.sleep)
    mischief.close()

    assert interrupted(folder) is None
    assert sorted(one["displayName"] for one in tenant.get(POLICIES)["value"]) == ["Kept", "New", "Other"]


def test_a_tenant_without_beta_is_served_over_v1(
    tenant: LocalTenant, organisation: dict[str, Any], tmp_path: Path
) -> None:
    def has_no_beta(request: httpx2.Request) -> httpx2.Response | None:
        error = {"error": {"code": "BadRequest", "message": "Resource not found for the segment 'beta'."}}
        return httpx2.Response(404, json=error) if request.url.path.startswith("/beta") else None

    with client_of(tenant, tmp_path, InProcess(tenant, has_no_beta)) as client:
        outcomes = run(client, tmp_path / "state", EVERYTHING)
        assert [one.became for one in outcomes] == ["changed"] * len(STEPS)
        assert plan_of(client, EVERYTHING).steps == ()


def test_two_applies_at_once_are_told_of_each_other(tmp_path: Path) -> None:
    with (
        alone(tmp_path / "state", now=NOW),
        pytest.raises(Conflict, match=r"process \d+, since 2026-11-22T12:00:00Z"),
        alone(tmp_path / "state", now=NOW),
    ):
        pass
    with alone(tmp_path / "state", now=NOW):
        pass


def test_a_plan_for_another_tenant_is_refused(tenant: LocalTenant, kind: InProcess, tmp_path: Path) -> None:
    with client_of(tenant, tmp_path, kind) as client:
        plan = Plan(tenant_id=ELSEWHERE, graph="", made_at=NOW, source="")

        with pytest.raises(Conflict, match="made for the tenant"):
            Applier(client, plan).require_unmoved()


def test_a_policy_file_for_another_tenant_is_refused_before_anything_is_read(
    tenant: LocalTenant, kind: InProcess, tmp_path: Path
) -> None:
    with client_of(tenant, tmp_path, kind) as client:
        client.tenant_id()
        kind.seen.clear()
        with pytest.raises(Conflict, match=f"for the tenant {ELSEWHERE} only") as refused:
            plan_of(client, f'tenantId = "{ELSEWHERE}"\n{EVERYTHING}')
        assert (refused.value.code, kind.calls()) == ("OtherTenant", [])
        assert plan_of(client, f'tenantId = "{tenant.tenant_id.upper()}"').steps == ()


def test_a_rollback_file_is_for_its_tenant_only(tenant: LocalTenant, kind: InProcess, tmp_path: Path) -> None:
    with client_of(tenant, tmp_path, kind) as client:
        plan = plan_of(client, EVERYTHING.partition("[[")[0])
    back = read_policy_file(policy_file_text(rollback_of(plan)))
    assert back.tenant_id == tenant.tenant_id

    elsewhere = read_policy_file(policy_file_text(rollback_of(replace(plan, tenant_id=ELSEWHERE))))
    with client_of(tenant, tmp_path, kind) as client, pytest.raises(Conflict, match="only"):
        make_plan(client, elsewhere, source="", now=NOW)


class Disk:
    """What is certain to be there after a power cut: sizes of files, and names, as they were when waited for."""

    def __init__(self) -> None:
        self.sizes: dict[str, int] = {}
        self.names: set[str] = set()

    def sync(self, descriptor: int) -> None:
        path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        if path.is_dir():
            self.names |= {one.name for one in path.iterdir()}
        else:
            self.sizes[path.name] = path.stat().st_size


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="which file is waited for is asked of Linux")
def test_nothing_is_sent_before_the_way_back_is_on_the_disk(
    tenant: LocalTenant, organisation: dict[str, Any], tmp_path: Path
) -> None:
    """At every write: whole files, under their names, with a note of that very write."""
    folder, disk = tmp_path / "state", Disk()
    at_writes: list[tuple[dict[str, int], bool]] = []

    def look(request: httpx2.Request) -> None:
        if request.method != "GET" and "token" not in request.url.path:
            on_disk = {name: size for name, size in disk.sizes.items() if name in disk.names}
            files = {one.name: one.stat().st_size for one in folder.iterdir() if one.name != "lock"}
            last = (next(folder.glob("*.ndjson"))).read_text().splitlines()[-1]
            at_writes.append((on_disk, on_disk == files and '"writing"' in last))

    with client_of(tenant, tmp_path, InProcess(tenant, before=look)) as client:
        plan = plan_of(client, EVERYTHING)
        with alone(folder, now=NOW):
            text = policy_file_text(rollback_of(plan))
            journal = Journal(folder, plan, rollback=text, clock=lambda: NOW, sync=disk.sync)
            Applier(client, plan, sleep=lambda _seconds: None).carry_out(journal)

    assert [whole for _, whole in at_writes] == [True] * len(STEPS)
    assert [len(on_disk) for on_disk, _ in at_writes] == [2] * len(STEPS)


@pytest.mark.parametrize("number", [1, 5])
def test_after_a_kill_the_rollback_file_gives_back_what_was_there(
    tenant: LocalTenant, kind: InProcess, organisation: dict[str, Any], tmp_path: Path, number: int
) -> None:
    before, folder = policy_state(tenant, tmp_path), tmp_path / "state"
    with client_of(tenant, tmp_path, DiesAt(tenant, None, number, sent=True)) as doomed, pytest.raises(Killed):
        run(doomed, folder, EVERYTHING)
    assert policy_state(tenant, tmp_path) != before
    left = interrupted(folder)

    assert left is not None
    with client_of(tenant, tmp_path, kind) as client:
        run(client, folder, left.rollback.read_text(), now=NOW + timedelta(seconds=1))
    assert policy_state(tenant, tmp_path) == before


def test_a_tenant_is_told_by_its_id_however_it_was_named(tenant: LocalTenant, kind: InProcess, tmp_path: Path) -> None:
    """By a domain or by its id, it is one lock and one journal."""
    connection = replace(connection_to(tenant, tmp_path), tenant_id="contoso.onmicrosoft.com")
    held = Token(tenant.token, tenant.clock.now + timedelta(hours=1))
    with GraphClient(connection, tokens=lambda _post, _now: held, transport=kind) as client:
        assert client.tenant_id() == tenant.tenant_id


def test_what_a_token_says_of_its_tenant_is_an_id_or_nothing(
    tenant: LocalTenant, kind: InProcess, tmp_path: Path
) -> None:
    """The journal's directory has that name."""
    claims = base64.urlsafe_b64encode(b'{"tid": "../../elsewhere"}').decode().rstrip("=")
    held = Token(f"e30.{claims}.", tenant.clock.now + timedelta(hours=1))
    connection = connection_to(tenant, tmp_path)
    with GraphClient(connection, tokens=lambda _post, _now: held, transport=kind) as client:
        assert client.tenant_id() == tenant.tenant_id


def test_a_journal_that_a_kill_left_half_written_is_read_as_far_as_it_goes(
    tenant: LocalTenant, kind: InProcess, tmp_path: Path
) -> None:
    folder = tmp_path / "state"
    with client_of(tenant, tmp_path, kind) as client:
        plan = plan_of(client, EVERYTHING.partition("[[")[0])
    with alone(folder, now=NOW):
        journal = Journal(folder, plan, rollback="", clock=lambda: NOW)
        journal.writing(0, plan.steps[0])
    with journal.path.open("ab") as file:
        file.write(b'{"event": "wri')

    assert interrupted(folder) == Interrupted(
        journal=journal.path,
        begun_at=NOW,
        source="policies.toml",
        written=0,
        steps=1,
        writing="update the tenant default policy",
    )
    assert {one.stat().st_mode & 0o777 for one in folder.iterdir()} == {0o600}


# -- what is lost elsewhere ------------------------------------------------------------------------------------------

CALLER = {
    "@odata.type": "#microsoft.graph.customSecurityAttributeStringValueExemption",
    "id": "Ci_Pipeline",
    "operator": "equals",
    "value": "A",
}
STAGED = [
    {
        "restrictionType": "passwordAddition",
        "state": "disabled",
        "restrictForAppsCreatedAfterDateTime": "2026-01-31T00:00:00Z",
        "excludeActors": {"customSecurityAttributes": [CALLER]},
    },
    {"restrictionType": "passwordLifetime", "state": "enabled", "maxLifetime": "P180D"},
]
BLOCK = """[defaultAppManagementPolicy.applicationRestrictions.passwordCredentials]
passwordAddition = { state = "enabled" }
"""


def stage(tenant: LocalTenant) -> None:
    tenant.must("PATCH", DEFAULT, {"isEnabled": True, "applicationRestrictions": {"passwordCredentials": STAGED}})


def passwords_of(tenant: LocalTenant) -> dict[str, dict[str, Any]]:
    entries = tenant.get(DEFAULT)["applicationRestrictions"]["passwordCredentials"]
    return {one["restrictionType"]: one for one in entries}


def test_a_writer_of_whole_collections_loses_dates_callers_and_lifetimes(tenant: LocalTenant) -> None:
    """What a standard of a management tool sends: its own entries with the date of year one, and nothing else."""
    stage(tenant)
    everyone = {"restrictForAppsCreatedAfterDateTime": "0001-01-01T00:00:00Z", "maxLifetime": None}
    theirs = [{"restrictionType": "passwordAddition", "state": "enabled", **everyone}]

    tenant.must("PATCH", DEFAULT, {"applicationRestrictions": {"passwordCredentials": theirs}})

    left = passwords_of(tenant)
    assert "passwordLifetime" not in left
    assert left["passwordAddition"]["excludeActors"] is None
    assert left["passwordAddition"]["restrictForAppsCreatedAfterDateTime"] == "0001-01-01T00:00:00Z"


def test_ours_changes_the_state_and_keeps_the_rest(
    tenant: LocalTenant, client: GraphClient, ticks: Ticks, tmp_path: Path
) -> None:
    stage(tenant)
    ticks.later()

    run(client, tmp_path / "state", BLOCK)

    left = passwords_of(tenant)
    assert left["passwordLifetime"]["maxLifetime"] == "P180D"
    assert left["passwordAddition"]["state"] == "enabled"
    assert left["passwordAddition"]["restrictForAppsCreatedAfterDateTime"] == "2026-01-31T00:00:00Z"
    assert left["passwordAddition"]["excludeActors"]["customSecurityAttributes"] == [CALLER]


@pytest.mark.parametrize(
    "entry",
    [
        {"restrictionType": "PasswordAddition", "state": "enabled"},
        {"restrictionType": "passwordAddition", "restrictForAppsCreatedAfterDateTime": "/Date(1767225600000)/"},
    ],
    ids=["casing", "date"],
)
def test_what_other_tools_send_is_refused_and_ours_never_sends_it(
    tenant: LocalTenant, client: GraphClient, ticks: Ticks, tmp_path: Path, transport: InProcess, entry: dict[str, Any]
) -> None:
    tenant.refused("PATCH", DEFAULT, {"applicationRestrictions": {"passwordCredentials": [entry]}}, status=400)
    dated = BLOCK.replace('"enabled" }', '"enabled", restrictForAppsCreatedAfterDateTime = 2026-01-01 }')

    run(client, tmp_path / "state", dated)

    (sent,) = [one for one in transport.seen if one.method == "PATCH"][-1:]
    assert b'"restrictionType":"passwordAddition"' in sent.content
    assert b'"2026-01-01T00:00:00Z"' in sent.content


def test_a_write_that_the_tenant_takes_and_drops_is_told(tenant: LocalTenant, tmp_path: Path) -> None:
    def drops_writes(request: httpx2.Request) -> httpx2.Response | None:
        return httpx2.Response(204) if request.method == "PATCH" else None

    with client_of(tenant, tmp_path, InProcess(tenant, drops_writes)) as client:
        (outcome,) = run(client, tmp_path / "state", BLOCK)

    assert outcome.became is Became.FAILED
    assert "does not read as it should: applicationRestrictions should be {'passwordCredentials'" in str(outcome.error)
