"""`unsecret export`, `plan` and `apply` as people and scripts run them."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.running_tenant import UNSECRET, RunningTenant
from tests.wire.policy_file_page import SCHEMA
from unsecret.cli.plan_words import plan_lines
from unsecret.operate.plans.journal import Journal, folder_of
from unsecret.operate.plans.steps import Action, Plan, Step

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "policies-as-code.md"
BLOCK = """[defaultAppManagementPolicy]
isEnabled = true
[defaultAppManagementPolicy.applicationRestrictions.passwordCredentials]
passwordAddition = { state = "enabled" }
[[appManagementPolicies]]
displayName = "New"
"""


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningTenant]:
    with RunningTenant.start(tmp_path_factory.mktemp("cli") / "data", "--sample") as running:
        yield running


@pytest.fixture
def block(tmp_path: Path) -> Path:
    file = tmp_path / "block.toml"
    file.write_text(BLOCK)
    return file


def test_the_guide_comes_true(tmp_path: Path) -> None:
    """Its blocks run in their order in one shell."""
    blocks = re.findall(r"^```sh\n(.*?)^```", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    script = "trap 'kill %1; wait' EXIT\n" + "\n".join([*blocks, "echo it came true"])
    environment = {"PATH": f"{UNSECRET.parent}:/usr/bin:/bin", "HOME": str(tmp_path / "home"), "LANG": "C.UTF-8"}
    ran = subprocess.run(
        ["bash", "-eu", "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert "it came true" in ran.stdout, f"{ran.stdout}\n{ran.stderr}"
    assert ran.stdout.count("Nothing to do") == 3
    assert (tmp_path / "policy-file.schema.json").read_text() == SCHEMA.read_text()


def test_what_is_shown_is_asked_and_done_once(tenant: RunningTenant, block: Path, tmp_path: Path) -> None:
    unasked = tenant.run("apply", str(block))
    assert unasked.returncode == 1
    assert "+ custom policy 'New' (new; the tenant gives it an id)" in unasked.stdout
    assert "Nothing was changed: this needs your yes" in unasked.stderr

    done = tenant.run("apply", str(block), "--yes", "-o", "json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert [(one["action"], one["outcome"]) for one in told["steps"]] == [("create", "changed"), ("update", "changed")]
    assert Path(told["rollback"]).stat().st_mode & 0o777 == 0o600
    assert f"To go back: unsecret apply {told['rollback']}" in done.stderr

    planned = tenant.run("plan", str(block), "-o", "json")
    assert (planned.returncode, json.loads(planned.stdout)["pending"]) == (0, False)

    exported = tmp_path / "exported.toml"
    assert tenant.run("export", str(exported)).returncode == 0
    planned = tenant.run("plan", str(exported), "-o", "json")
    assert (planned.returncode, json.loads(planned.stdout)["pending"]) == (0, False), planned.stdout
    again = tenant.run("export", str(exported))
    assert (again.returncode, "is not written over" in again.stderr) == (1, True)


def test_an_apply_that_was_killed_is_told_of_until_it_is_finished(
    tenant: RunningTenant, block: Path, tmp_path: Path
) -> None:
    folder = folder_of(Path(tenant.environment["HOME"]) / ".local/state/unsecret", tenant.tenant_id)
    folder.mkdir(parents=True, exist_ok=True)
    step = Step(action=Action.CREATE, policy_name="New")
    now = datetime.now(UTC)
    plan = Plan(tenant_id=tenant.tenant_id, graph=tenant.graph, made_at=now, source=str(block), steps=(step,))
    Journal(folder, plan, rollback="", clock=lambda: now).writing(0, step)
    told = "0 of 1 changes were made; it was about to create the custom policy 'New'"

    assert told in tenant.run("plan", str(block)).stderr
    finished = tenant.run("apply", str(block), "--yes")
    assert finished.returncode == 0, finished.stderr
    assert told in finished.stderr
    assert told not in tenant.run("plan", str(block)).stderr


def test_a_policys_name_cannot_add_a_line_to_a_plan() -> None:
    nothing = "0 to add, 0 to change, 0 to take away."
    step = Step(
        action=Action.DELETE, policy_name=f"Old'\n\n{nothing}\n'", policy_id="an id", before={"isEnabled": True}
    )
    plan = Plan(tenant_id="a", graph="b", made_at=datetime.now(UTC), source="a file", steps=(step,))
    shown = "\n".join(plan_lines(plan)).splitlines()
    assert (nothing in shown, shown[-1]) == (False, "0 to add, 0 to change, 1 to take away.")
