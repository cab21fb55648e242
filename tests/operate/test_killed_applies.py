"""Applies that are killed, whose end nobody hears of, or that meet: nothing is made twice, and there is a way back."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.local_tenant import LocalTenant
from tests.operate.applies import EVERYTHING, NOW, STEPS, carry_out, policy_state, run, saved
from tests.operate.in_process import UNKIND, InProcess, Ticks, client_of
from tests.operate.test_plan import POLICIES, plan_of
from unsecret.errors import Conflict
from unsecret.operate.plans.apply import Applier
from unsecret.operate.plans.journal import Interrupted, Journal, alone, interrupted
from unsecret.operate.plans.rollback import rollback_of
from unsecret.tenant.mischief import Mischief, MischiefSettings
from unsecret.wire.policy_file_text import policy_file_text


class Killed(BaseException):
    """What a kill is to the process: nothing catches it."""


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


def test_two_applies_at_once_are_told_of_each_other(tmp_path: Path) -> None:
    with (
        alone(tmp_path / "state", now=NOW),
        pytest.raises(Conflict, match=r"process \d+, since 2026-11-22T12:00:00Z"),
        alone(tmp_path / "state", now=NOW),
    ):
        pass
    with alone(tmp_path / "state", now=NOW):
        pass
