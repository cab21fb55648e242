"""`unsecret snapshot`, and what a snapshot is for: another tenant that begins as this one was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.running_tenant import RunningTenant

APPLICATION = {"id": "7d2d0c1b-4c2c-4c58-9b6a-1de0a2a3f002", "appId": "7d2d0c1b-4c2c-4c58-9b6a-1de0a2a3f003"}


def test_a_snapshot_is_taken_told_of_and_filled_into_another_tenant(tmp_path: Path) -> None:
    file = tmp_path / "contoso.snapshot"
    with RunningTenant.start(tmp_path / "first", "--sample") as first:
        assert first.run("graph", "POST", "/applications", "--body", '{"displayName": "Made"}', "--yes").returncode == 0
        said = first.run("snapshot", str(file), "--log", "PT1H")
        assert said.returncode == 0, said.stderr
        assert f"Contoso (sample) ({first.tenant_id}), as of " in said.stdout
        assert "Not known" not in said.stdout
        secrets = json.loads(first.run("status", "-o", "json").stdout)["applications"]["with_secrets"]

        foreign = tmp_path / "applications.json"
        foreign.write_text(json.dumps([APPLICATION | {"displayName": "Payroll"}]))
        told = json.loads(
            first.run("snapshot", str(tmp_path / "foreign.snapshot"), "--from", str(foreign), "-o", "json").stdout
        )
        assert told["collections"]["applications"] == {"count": 1}
        policies = tmp_path / "policies.toml"
        assert first.run("export", str(policies)).returncode == 0

        assert told["collections"]["users"] == {"count": 0, "missing": "it is not in applications.json"}
        kept = first.run("snapshot", str(policies))
        assert kept.returncode == 1
        assert "policies.toml is no snapshot, and is not written over." in kept.stderr

        refused = first.run("snapshot", str(tmp_path / "nowhere" / "a.snapshot"))
        assert refused.returncode == 1
        assert "could not be written" in refused.stderr
    with RunningTenant.start(tmp_path / "second", "--from", str(file)) as second:
        assert second.tenant_id == first.tenant_id
        assert json.loads(second.run("status", "-o", "json").stdout)["applications"]["with_secrets"] == secrets
    is_read_without_a_tenant(second, file, policies, tmp_path / "foreign.snapshot")


def is_read_without_a_tenant(stopped: RunningTenant, file: Path, policies: Path, foreign: Path) -> None:
    def ask(*arguments: str, of: Path = file) -> dict[str, Any]:
        said = stopped.run(*arguments, "--snapshot", str(of), "-o", "json")
        assert said.returncode in (0, 2, 3), said.stderr
        return json.loads(said.stdout)

    assert ask("status")["organisation"] == "Contoso (sample)"
    assert ask("plan", str(policies))["steps"] == []
    assert f"as {file} shows it, of 20" in stopped.run("plan", str(policies), "--snapshot", str(file)).stderr
    assert ask("exempt", "list")["exemptions"] == []
    [record] = ask("audit", "--last", "PT1H", "--app", "Made", "--kind", "applications")["records"]
    assert record["activity"] == "Add application"
    assert "does not say what was done before " in stopped.run("audit", "--last", "P1D", "--snapshot", str(file)).stderr
    exported = stopped.run("export", "--snapshot", str(file))
    assert exported.stdout == policies.read_text()
    for verb in ("apps list", "forecast --block", "check --profile microsoft"):
        assert ask(*verb.split())
    assert ask("status", of=foreign)["is_enabled"] is None
    refused = stopped.run("export", "--snapshot", str(foreign))
    assert "does not say defaultAppManagementPolicy: it is not in applications.json." in refused.stderr
    both = stopped.run("export", "--snapshot", str(file), "--tenant", "local")
    assert "--snapshot names a file, --tenant a tenant; one of them is asked." in both.stderr
