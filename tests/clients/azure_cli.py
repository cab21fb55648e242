"""Azure CLI, unmodified, in a home and a configuration of its own."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.clients.client_process import client_environment

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from tests.running_tenant import RunningTenant

ANSWERS_WITHIN = 120.0  # seconds; about one a call, and many for the first that a fresh installation makes
CLOUD = "unsecret"


@dataclass(frozen=True)
class Outcome:
    """What a person at the terminal is left with."""

    exit_code: int
    stdout: str
    stderr: str


class AzureCli:
    """Runs `az`."""

    def __init__(self, program: Path, tenant: RunningTenant, home: Path, configuration: Path):
        self.tenant = tenant
        self.home = home
        self._program = program
        self.environment = client_environment(tenant, home) | {
            "PATH": f"{program.parent}:{os.environ['PATH']}",
            "AZURE_CONFIG_DIR": str(configuration),
            "AZURE_CORE_COLLECT_TELEMETRY": "no",
            # Else az asks Microsoft's cloud whether the authority is real before it speaks to it.
            "AZURE_CORE_INSTANCE_DISCOVERY": "false",
            "AZURE_CORE_NO_COLOR": "true",
        }

    @classmethod
    def with_configuration(cls, program: Path, tenant: RunningTenant, directory: Path, prepared: Path) -> AzureCli:
        """An az that starts from a copy of a prepared configuration."""
        configuration = shutil.copytree(prepared, directory / "configuration")
        return cls(program, tenant, directory / "home", configuration)

    def run(self, *arguments: str) -> Outcome:
        """`az ARGUMENTS`, however it ends."""
        done = subprocess.run(
            [str(self._program), *arguments],
            capture_output=True,
            text=True,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            timeout=ANSWERS_WITHIN,
            check=False,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    @contextlib.contextmanager
    def start(self, *arguments: str) -> Generator[subprocess.Popen[str]]:
        """`az ARGUMENTS`, while it waits for somebody; it is ended with the block."""
        pipe = subprocess.PIPE
        command = [str(self._program), *arguments]
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True, env=self.environment
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def json(self, *arguments: str) -> Any:
        """`az ARGUMENTS`, which must succeed; what it prints, decoded (None where it prints nothing)."""
        outcome = self.run(*arguments)
        assert outcome.exit_code == 0, f"az {' '.join(arguments)}\n{outcome.stderr}"
        return json.loads(outcome.stdout) if outcome.stdout.strip() else None

    def rest(self, method: str, path: str, body: Any = None) -> Any:
        """`az rest` on `/v1.0{path}`, which must succeed."""
        return self.json(*self.rest_arguments(method, path, body))

    def rest_arguments(self, method: str, path: str, body: Any = None) -> tuple[str, ...]:
        """The arguments of `az rest`, for those who expect it to fail."""
        arguments = ("rest", "--method", method, "--url", f"{self.tenant.graph}/v1.0{path}")
        return (*arguments, "--body", json.dumps(body)) if body is not None else arguments

    def sign_in_by_secret(self, app_id: str, secret: str) -> Outcome:
        return self._sign_in(app_id, "--password", secret)

    def sign_in_by_certificate(self, app_id: str, pem_file: Path) -> Outcome:
        return self._sign_in(app_id, "--certificate", str(pem_file))

    def _sign_in(self, app_id: str, *credential: str) -> Outcome:
        who = ("--service-principal", "--username", app_id, "--tenant", self.tenant.tenant_id)
        return self.run("login", *who, *credential, "--allow-no-subscriptions")


def prepare_cloud(program: Path, tenant: RunningTenant, configuration: Path) -> None:
    """Tell az where the cloud is: it asks that address for everything else."""
    cli = AzureCli(program, tenant, configuration.parent / "home", configuration)
    cli.json("cloud", "register", "--name", CLOUD, "--endpoint-resource-manager", tenant.graph)
    cli.json("cloud", "set", "--name", CLOUD)
