"""The three things to try that `unsecret up` prints are done as they are printed, with the real Azure CLI."""

from __future__ import annotations

import shutil
import subprocess
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.running_tenant import GIVES_UP_AT_429, RunningTenant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.clients.azure_cli import AzureCli

pytestmark = pytest.mark.strangers


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningTenant]:
    """Here it has the sample organisation in it, as after `make run`."""
    with RunningTenant.start(
        tmp_path_factory.mktemp("tenant") / "data", "--sample", mischief=GIVES_UP_AT_429
    ) as running:
        yield running


def printed_commands(tenant: RunningTenant) -> str:
    """What stands between the invitation and the way to stop."""
    _, _, invitation = tenant.log.read_text().partition("Try, in another terminal:\n")
    commands, stop, _ = invitation.partition("Ctrl-C")
    assert stop
    return textwrap.dedent(commands)


def test_things_to_try_work_as_they_are_printed(
    tenant: RunningTenant, new_azure_cli: Callable[[], AzureCli], tmp_path: Path
) -> None:
    commands = printed_commands(tenant)
    assert [line[:4] for line in commands.splitlines() if line.startswith("#")] == ["# 1.", "# 2.", "# 3."]
    reset = next(line for line in commands.splitlines() if "credential reset" in line)
    block = next(line for line in commands.splitlines() if line.endswith("unsecret block"))
    script = commands.replace(block, f"{block} --yes") + f'\necho "--- again"\n{reset}\n'  # nobody is there to be asked

    done = subprocess.run(
        ["bash", "-e", "-c", script],
        capture_output=True,
        text=True,
        env=tenant.environment | new_azure_cli().environment | {"TMPDIR": str(tmp_path)},
        timeout=120,
        check=False,
    )

    assert shutil.which("unsecret", path=tenant.environment["PATH"]) or "/bin/unsecret block" in block
    before, again, after = done.stdout.partition("--- again\n")
    assert again, done.stderr
    assert '"password":' in before
    assert len(list(tmp_path.glob("*/clouds.config"))) == 1
    assert (done.returncode, after) == (1, "")
    assert "ERROR: Credential type not allowed as per assigned policy '" in done.stderr
