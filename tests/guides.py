"""Running a guide: the commands and programs that stand in it, as they stand there."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

from tests.running_tenant import UNSECRET

GUIDES = Path(__file__).parents[1] / "docs" / "guides"
SECONDS = 240


def blocks_of(guide: str) -> list[tuple[str, str]]:
    """The blocks of a guide in their order: what is written behind the fence, such as `sh az`, and what is in it."""
    text = (GUIDES / guide).read_text()
    return re.findall(r"^```(sh az|sh|python)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def come_true(steps: Iterable[str], tmp_path: Path, *more_path: Path) -> str:
    """What one shell prints that runs all steps and ends the server that the first of them starts. Fails when it does
    not come to the end."""
    script = "trap 'kill %1; wait' EXIT\n" + "\n".join([*steps, "echo it came true"])
    path = ":".join(str(one) for one in (UNSECRET.parent, *more_path, "/usr/bin", "/bin"))
    ran = subprocess.run(
        ["bash", "-eu", "-c", script],
        cwd=tmp_path,
        env={"PATH": path, "HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert "it came true" in ran.stdout, f"{ran.stdout}\n{ran.stderr}"
    return ran.stdout
