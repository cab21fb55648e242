"""`unsecret keys`: looking at the keys that sign tokens, and replacing them under a running server."""

from __future__ import annotations

import json
import time
from contextlib import closing
from pathlib import Path

from tests.clients.administrator import Administrator
from tests.running_tenant import RunningTenant


def test_keys_are_listed_and_replaced_while_the_server_runs(tmp_path: Path) -> None:
    with RunningTenant.start(tmp_path / "data", "--empty") as tenant:
        (first,) = json.loads(tenant.run("keys", "list", "-o", "json").stdout)
        assert first["signs"]
        assert "from tomorrow on" in tenant.run("keys", "rotate").stderr
        listed = json.loads(tenant.run("keys", "list", "-o", "json").stdout)
        assert [key["signs"] for key in listed] == [False, True]
        with closing(Administrator(tenant)) as administrator:
            assert "no other is good" in tenant.run("keys", "rotate", "--at-once").stderr
            deadline = time.monotonic() + 90
            while administrator.send("GET", "/applications").status_code != 401:
                assert time.monotonic() < deadline
                time.sleep(0.5)
            with closing(Administrator(tenant)) as again:
                assert again.send("GET", "/applications").is_success
