"""The guide's commands and programs do what it says, as they stand there, in the environment of the real clients."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.clients.conftest import AZ, CLIENTS_PYTHON
from tests.guides import blocks_of, come_true

BLOCKS = blocks_of("rehearse-in-ci.md")


@pytest.mark.strangers
@pytest.mark.skipif(
    not (CLIENTS_PYTHON.exists() and AZ.exists()), reason="the real clients are not installed: make strangers"
)
def test_the_guide_comes_true(tmp_path: Path) -> None:
    """Its blocks run in their order in one shell, with its programs and Azure CLI after the tenant was blocked."""
    shell, azure_cli, programs = ([text for kind, text in BLOCKS if kind == one] for one in ("sh", "sh az", "python"))
    assert (len(programs), len(azure_cli)) == (2, 1)
    for number, program in enumerate(programs):
        (tmp_path / f"program_{number}.py").write_text(program)
    run = (f"{CLIENTS_PYTHON} program_{number}.py" for number in range(len(programs)))
    come_true([*shell, *run, *azure_cli], tmp_path, AZ.parent)
