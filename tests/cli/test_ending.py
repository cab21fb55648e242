"""However a command ends, it ends with an exit code and a word, never with a traceback."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running_tenant import EACH_ANSWER_COUNTS, UNSECRET, RunningTenant
from unsecret.cli.ending import exit_code_of

FULL = Path("/dev/full")
BUFFERED = {"PYTHONUNBUFFERED": ""}  # as people run it, whatever the tests are run with


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningTenant]:
    with RunningTenant.start(
        tmp_path_factory.mktemp("ending") / "data", "--empty", mischief=EACH_ANSWER_COUNTS
    ) as running:
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
    said = [one for one in done.stderr.splitlines() if "dry run" not in one and not one.startswith("…")]
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


def typed(tenant: RunningTenant, answer: str, *arguments: str) -> tuple[int, str]:
    """Run a command at a terminal and answer its question; its exit code and all that the screen shows."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(UNSECRET, [str(UNSECRET), *arguments], tenant.environment)
    shown, answers = b"", [answer.encode()]
    try:
        while select.select([terminal], [], [], 30)[0]:
            try:
                heard = os.read(terminal, 65536)
            except OSError:  # how Linux says that the other end is gone
                break
            if not heard:
                break
            shown += heard
            if answers and b"[y/N] " in shown:
                os.write(terminal, answers.pop())
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode().replace("\r\n", "\n")
    finally:
        os.close(terminal)


def test_ctrl_c_at_the_question_changes_nothing_and_says_so(tenant: RunningTenant) -> None:
    code, shown = typed(tenant, "\x03", "block")
    assert code == 130
    assert shown.replace("^C", "").split("[y/N] ")[1] == "\nNothing was changed.\nStopped.\n"
    assert "Default policy: off" in tenant.run("status").stdout


def test_whoever_saw_the_change_with_the_question_is_not_shown_it_again(tenant: RunningTenant) -> None:
    code, shown = typed(tenant, "y\n", "block", "--max-lifetime", "P90D")
    assert code == 0
    assert shown.count("applications: passwordLifetime") == 1
    assert shown.split("[y/N] ")[1] == "y\nDone, and read back: every other entry is as it was.\n"


def test_ctrl_c_ends_a_watch_and_what_was_told_is_there_at_once(tenant: RunningTenant) -> None:
    """In a pipe, too: whoever reads it waits for each record."""
    made = tenant.run("graph", "POST", "/applications", "--body", '{"displayName": "Payroll"}', "--yes")
    assert made.returncode == 0, made.stderr
    watch = subprocess.Popen(
        [str(UNSECRET), *["audit", "--watch", "--kind", "applications", "-o", "json"]],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=tenant.environment | BUFFERED,
    )
    assert watch.stdout is not None
    is_told = bool(select.select([watch.stdout], [], [], 30)[0])
    first = watch.stdout.readline() if is_told else ""
    watch.send_signal(signal.SIGINT)
    rest, said = watch.communicate(timeout=30)
    assert "Payroll" in first
    assert (watch.returncode, rest, said.splitlines()[-1]) == (130, "", "Stopped.")


def test_ctrl_c_at_any_moment_is_130_and_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    def busy() -> int:
        raise KeyboardInterrupt

    assert exit_code_of(busy) == 130
    assert capsys.readouterr().err == "Stopped.\n"
