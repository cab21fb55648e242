"""The guide on signing in as a person does what it says, as it stands there, in the environment of the real clients."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.clients.conftest import AZ, CLIENTS_PYTHON
from tests.guides import blocks_of, come_true

BLOCKS = blocks_of("sign-in-as-a-person.md")


@pytest.mark.strangers
@pytest.mark.skipif(
    not (CLIENTS_PYTHON.exists() and AZ.exists()), reason="the real clients are not installed: make strangers"
)
def test_the_guide_on_people_comes_true(tmp_path: Path) -> None:
    """Its blocks run in their order in one shell."""
    assert [kind for kind, _ in BLOCKS] == ["sh", "sh", "sh az", "sh", "python"]
    (tmp_path / "program.py").write_text(BLOCKS[-1][1])
    commands = (text for kind, text in BLOCKS if kind != "python")
    printed = come_true([*commands, f"{CLIENTS_PYTHON} program.py"], tmp_path, AZ.parent)
    assert '"Ada Berg"' in printed
