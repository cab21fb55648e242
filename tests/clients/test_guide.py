"""The guide's commands and programs do what it says, as they stand there, in the environment of the real clients."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.clients.conftest import AZ, CLIENTS_PYTHON
from tests.running_tenant import UNSECRET

GUIDE = (Path(__file__).parents[2] / "docs" / "guides" / "rehearse-in-ci.md").read_text()
SHELL = re.findall(r"^```sh\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
AZURE_CLI = re.findall(r"^```sh az\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
PROGRAMS = re.findall(r"^```python\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)


@pytest.mark.strangers
@pytest.mark.skipif(
    not (CLIENTS_PYTHON.exists() and AZ.exists()), reason="the real clients are not installed: make strangers"
)
def test_the_guide_comes_true(tmp_path: Path) -> None:
    """Its blocks run in their order in one shell, with its programs and Azure CLI after the tenant was blocked."""
    assert (len(PROGRAMS), len(AZURE_CLI)) == (2, 1)
    for number, program in enumerate(PROGRAMS):
        (tmp_path / f"program_{number}.py").write_text(program)
    programs = (f"{CLIENTS_PYTHON} program_{number}.py" for number in range(len(PROGRAMS)))
    steps = [*SHELL, *programs, *AZURE_CLI, "echo it came true"]
    script = "trap 'kill %1; wait' EXIT\n" + "\n".join(steps)
    path = f"{UNSECRET.parent}:{AZ.parent}:/usr/bin:/bin"
    environment = {"PATH": path, "HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path)}
    ran = subprocess.run(
        ["bash", "-eu", "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert "it came true" in ran.stdout, f"{ran.stdout}\n{ran.stderr}"
