"""However a command ends, it ends with an exit code and a word, never with a traceback."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running_tenant import UNSECRET, RunningTenant

FULL = Path("/dev/full")
BUFFERED = {"PYTHONUNBUFFERED": ""}  # as people run it, whatever the tests are run with


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningTenant]:
    with RunningTenant.start(tmp_path_factory.mktemp("ending") / "data", "--empty") as running:
        yield running


def in_a_shell(tenant: RunningTenant, line: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", "-c", f"{UNSECRET} {line}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=tenant.environment | BUFFERED | environment,
    )


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    "line", ["--version", "status", "status -o json", "graph GET /organization", "block --dry-run"]
)
def test_an_answer_that_cannot_be_written_is_an_error_of_one_line(
    tenant: RunningTenant, line: str, unbuffered: str
) -> None:
    done = in_a_shell(tenant, f"{line} > {FULL}", PYTHONUNBUFFERED=unbuffered)
    assert done.returncode == 1
    said = [one for one in done.stderr.splitlines() if "dry run" not in one]
    assert said == ["error: The answer could not be written: No space left on device."]


@pytest.mark.parametrize("line", ["--version", "--help", "block --help", "status", "graph GET /servicePrincipals"])
def test_a_reader_that_left_is_told_nothing(tenant: RunningTenant, line: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [str(UNSECRET), *line.split()],
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
            env=tenant.environment | BUFFERED,
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("block <&-", 1, "there is no terminal to ask at"),
        ("graph POST /applications --body - --yes <&-", 1, "--body is not JSON"),
        ("status >&-", 0, ""),
        ("block --frob 2>&-", 1, ""),
    ],
)
def test_streams_that_were_closed_are_no_trouble(tenant: RunningTenant, line: str, code: int, said: str) -> None:
    done = in_a_shell(tenant, line)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "not foreseen" not in done.stderr


def interrupted(tenant: RunningTenant, *arguments: str, once_it_says: str) -> tuple[int, str]:
    """Run a command at a terminal and type Ctrl-C as soon as it says something; its exit code and all it said."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(UNSECRET, [str(UNSECRET), *arguments], tenant.environment)
    said = b""
    try:
        while select.select([terminal], [], [], 30)[0]:
            try:
                heard = os.read(terminal, 65536)
            except OSError:  # how Linux says that the other end is gone
                break
            if not heard:
                break
            said += heard
            if once_it_says.encode() in said:
                os.write(terminal, b"\x03")
                once_it_says = "\0"
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), said.decode()
    finally:
        os.close(terminal)


def test_ctrl_c_at_the_question_changes_nothing_and_says_so(tenant: RunningTenant) -> None:
    code, said = interrupted(tenant, "block", once_it_says="[y/N]")
    assert code == 130
    assert said.replace("^C", "").split("[y/N] ")[1].split("\r\n") == ["", "Nothing was changed.", "Stopped.", ""]
    assert "Default policy: off" in tenant.run("status").stdout


@pytest.mark.parametrize("after", [0.02, 0.05, 0.1, 0.2])
def test_ctrl_c_at_any_moment_leaves_no_traceback(tenant: RunningTenant, after: float) -> None:
    process = subprocess.Popen(
        [str(UNSECRET), "status"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=tenant.environment
    )
    time.sleep(after)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode in (130, 0, -signal.SIGINT)
    if process.returncode != -signal.SIGINT:  # that is the interpreter itself, before it has come to us
        assert said in ("Stopped.\n", "")
