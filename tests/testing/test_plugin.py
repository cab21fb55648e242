"""A tenant per test: the plugin, used as anybody would use it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

OTHERS = ("cacheprovider", "hypothesispytest", "schemathesis")
"""What takes longer to load than a tenant to make, and that nobody needs to have."""

PLUGIN = ("-p", "unsecret.testing.plugin", *(part for name in OTHERS for part in ("-p", f"no:{name}")))
GONE_WITHIN = 20.0


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that has ended and that nobody waits for does not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + GONE_WITHIN
    while is_alive(pid):
        assert time.monotonic() < deadline, f"{pid} is still there"
        time.sleep(0.02)


def pids_in(directory: Path) -> set[int]:
    return {int(file.read_text()) for file in directory.glob("*.pid")}


NOTES_THE_SERVER = """
import json, os, pytest

@pytest.fixture(scope="session", autouse=True)
def noted(entra_server):
    pid = json.loads((entra_server.data / "connection.json").read_text())["pid"]
    open(f"{os.environ['NOTES']}/{os.getpid()}.pid", "w").write(str(pid))
"""


def run(pytester: pytest.Pytester, *arguments: str, **environment: str) -> pytest.RunResult:
    """pytest in a process of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "UNSECRET_"))}
    pytester.plugins = []
    command = [sys.executable, "-m", "pytest", *PLUGIN, *arguments]
    done = subprocess.run(
        command,
        cwd=pytester.path,
        env=kept | {"NOTES": str(pytester.path)} | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    print(done.stdout, done.stderr)
    return pytest.RunResult(done.returncode, done.stdout.splitlines(), done.stderr.splitlines(), 0)


def test_each_test_has_a_tenant_of_its_own_and_the_server_ends_with_them(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(NOTES_THE_SERVER)
    pytester.makepyfile(
        """
        from datetime import UTC, datetime, timedelta
        import pytest
        from unsecret.errors import PolicyDenied, NotFound

        seen = {}

        def test_one(entra_tenant):
            app = entra_tenant.new_application("one")
            assert len(entra_tenant.secret(app)) > 30
            entra_tenant.block_secrets()
            with pytest.raises(PolicyDenied) as refused:
                entra_tenant.secret(app)
            assert refused.value.code == "CredentialTypeNotAllowedAsPerAppPolicy"
            seen["one"] = entra_tenant.tenant_id, app.id

        def test_two(entra_tenant):
            tenant_id, app_id = seen["one"]
            assert entra_tenant.tenant_id != tenant_id
            with pytest.raises(NotFound):
                entra_tenant.graph("GET", f"/applications/{app_id}")
            names = [app["displayName"] for app in entra_tenant.client.pages("/applications")]
            assert names == ["unsecret administrator"]
            entra_tenant.secret(entra_tenant.new_application())

        def test_time(entra_tenant):
            ends_at = entra_tenant.clock.now + timedelta(days=90)
            entra_tenant.secret(entra_tenant.new_application(), ends_at=ends_at)
            before = datetime.now(UTC)
            assert entra_tenant.clock.move(days=400) > before + timedelta(days=399)
            entra_tenant.graph("GET", "/applications")
            assert entra_tenant.clock.set(datetime(2040, 1, 1, tzinfo=UTC)).year == 2040

        def test_time_is_its_own(entra_tenant):
            assert abs(entra_tenant.clock.now - datetime.now(UTC)) < timedelta(minutes=2)

        def test_told(entra_tenant):
            direct, intercepted = entra_tenant.environment, entra_tenant.intercepted_environment
            assert direct["AZURE_AUTHORITY_HOST"] == entra_tenant.authority
            assert intercepted["HTTPS_PROXY"].startswith("http://127.0.0.1:")
            assert "AZURE_AUTHORITY_HOST" not in intercepted
            for name in ("SSL_CERT_FILE", "AZURE_CLIENT_CERTIFICATE_PATH"):
                assert open(direct[name]).read()
        """
    )
    result = run(pytester, "-q")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["5 passed*"])
    (server,) = pids_in(pytester.path)
    wait_until_gone(server)


def test_workers_share_one_server_which_outlives_whoever_started_it(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(NOTES_THE_SERVER)
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("number", range(6))
        def test_own(entra_tenant, number):
            entra_tenant.new_application(str(number))
            assert len(list(entra_tenant.client.pages("/applications"))) == 2
        """
    )
    result = run(pytester, "-q", "-n", "2")
    assert result.ret == 0
    assert len(list(pytester.path.glob("*.pid"))) == 2
    (server,) = pids_in(pytester.path)
    wait_until_gone(server)


def test_a_server_ends_though_its_tests_were_killed(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(NOTES_THE_SERVER)
    pytester.makepyfile(
        "import os, signal\n\ndef test_killed(entra_tenant):\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert run(pytester, "-q").ret == -9
    (server,) = pids_in(pytester.path)
    wait_until_gone(server)


def test_the_server_is_started_with_what_the_settings_say(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nunsecret_up = --mischief pages=2\n")
    pytester.makepyfile(
        """
        def test_small_pages(entra_tenant):
            for _ in range(3):
                entra_tenant.graph("POST", "/applications", {"displayName": "x"})
            assert len(entra_tenant.graph("GET", "/applications")["value"]) <= 2
        """
    )
    assert run(pytester, "-q").ret == 0


def test_a_server_that_does_not_start_says_why(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nunsecret_up = --nonsense\n")
    pytester.makepyfile("def test_it(entra_tenant):\n    pass\n")
    result = run(pytester, "-q")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*did not start*", "*--nonsense*"])


def test_who_does_not_use_it_pays_for_nothing(pytester: pytest.Pytester) -> None:
    """No library, no server; nothing of ours but the plugin itself is imported."""
    pytester.makepyfile(
        """
        import sys

        def test_nothing(tmp_path_factory):
            ours = sorted(name for name in sys.modules if name.split(".")[0] == "unsecret")
            assert ours == ["unsecret", "unsecret.testing", "unsecret.testing.plugin"]
            heavy = {"sqlalchemy", "starlette", "cryptography", "httpx2", "msgspec"} & set(sys.modules)
            assert not heavy
            assert [file.name for file in tmp_path_factory.getbasetemp().iterdir()] in ([], [".lock"])
        """
    )
    assert run(pytester, "-q").ret == 0


def test_the_package_offers_it_to_pytest() -> None:
    import tomllib

    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["pytest11"] == {"unsecret.testing.plugin": "unsecret.testing.plugin"}


GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "a-tenant-per-test.md"


def test_the_guide_comes_true(pytester: pytest.Pytester) -> None:
    """Its example is a file of tests."""
    (example,) = (block for block in GUIDE.read_text().split("```") if block.startswith("python\n"))
    pytester.makepyfile(test_example=example.removeprefix("python\n"))
    result = run(pytester, "-q", "-n", "2")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["3 passed*"])
