"""The guide on signing in as a person does what it says, as it stands there, in the environment of the real clients."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.clients.conftest import AZ, CLIENTS_PYTHON
from tests.running_tenant import UNSECRET

GUIDE = (Path(__file__).parents[2] / "docs" / "guides" / "sign-in-as-a-person.md").read_text()
STEPS = re.findall(r"^```(sh az|sh|python)\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)


@pytest.mark.strangers
@pytest.mark.skipif(
    not (CLIENTS_PYTHON.exists() and AZ.exists()), reason="the real clients are not installed: make strangers"
)
def test_the_guide_on_people_comes_true(tmp_path: Path) -> None:
    """Its blocks run in their order in one shell."""
    assert [kind for kind, _ in STEPS] == ["sh", "sh", "sh az", "sh", "python"]
    (tmp_path / "program.py").write_text(STEPS[-1][1])
    steps = [*(commands for kind, commands in STEPS if kind != "python"), f"{CLIENTS_PYTHON} program.py"]
    script = "trap 'kill %1; wait' EXIT\n" + "\n".join([*steps, "echo it came true"])
    path = f"{UNSECRET.parent}:{AZ.parent}:/usr/bin:/bin"
    ran = subprocess.run(
        ["bash", "-eu", "-c", script],
        cwd=tmp_path,
        env={"PATH": path, "HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert "it came true" in ran.stdout, f"{ran.stdout}\n{ran.stderr}"
    assert '"Ada Berg"' in ran.stdout
