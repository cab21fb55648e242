"""The README's story is true: its commands are run as they stand there, against a tenant, with the real Azure CLI."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.running_tenant import GIVES_UP_AT_429, UNSECRET, RunningTenant

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
AZ = ROOT / ".venv-az" / "bin" / "az"


class Block(NamedTuple):
    """A fenced block of the story. `refused` commands must fail, and say what the text block after them says, in one
    line, with something else where that has an ellipsis."""

    commands: str
    refused: bool
    says: str


def story() -> list[Block]:
    """The blocks under "The story", in their order."""
    text = README.partition("## The story")[2].partition("\n## ")[0]
    fenced = re.findall(r"^```(sh refused|sh|text)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    blocks: list[Block] = []
    for kind, content in fenced:
        if kind == "text":
            blocks[-1] = blocks[-1]._replace(says=content.strip())
        else:
            blocks.append(Block(content, refused=kind == "sh refused", says=""))
    return blocks


@pytest.mark.strangers
@pytest.mark.skipif(not AZ.exists(), reason="Azure CLI is not installed: make strangers")
def test_the_story_of_the_readme_comes_true(tmp_path: Path) -> None:
    """Each block runs in the shell state that the ones before it left, as in one terminal."""
    blocks = story()
    assert sum(block.refused for block in blocks) == 1
    data = tmp_path / ".unsecret"
    for name in (".venv", ".venv-az"):
        (tmp_path / name).symlink_to(ROOT / name)
    environment = {
        "PATH": f"{UNSECRET.parent}:{AZ.parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path / "home"),
        "TMPDIR": str(tmp_path),
        "AZURE_CORE_COLLECT_TELEMETRY": "no",
    }
    script = "\n".join([*map(_as_step, blocks), "echo the story ended well"])
    with RunningTenant.start(data, "--sample", mischief=GIVES_UP_AT_429):
        ran = subprocess.run(
            ["bash", "-eu", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
        )
    assert ran.returncode == 0, f"{ran.stdout}\n{ran.stderr}"
    assert "the story ended well" in ran.stdout
    assert not (tmp_path / "home" / ".azure").exists(), "the reader's own sign-in was touched"


def _as_step(block: Block) -> str:
    if not block.refused:
        return block.commands
    pattern = ".*".join(re.escape(part) for part in " ".join(block.says.split()).split("…"))
    return (
        f"if ( {block.commands.strip()} ) 2> refusal.txt; then echo 'it was not refused'; exit 9; fi\n"
        f"grep -P -- {shlex.quote(pattern)} refusal.txt"
    )


@pytest.mark.parametrize("target", re.findall(r"\]\((?!https?:)([^)#]+)", README))
def test_a_link_of_the_readme_leads_somewhere(target: str) -> None:
    assert (ROOT / target).exists()
