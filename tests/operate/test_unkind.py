"""The operator's verbs on a tenant that does all the mischief that Graph's documentation allows, many times over."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.local_tenant import LocalTenant
from tests.operate.in_process import InProcess, Ticks, Waits, client_of
from unsecret.errors import PolicyDenied
from unsecret.operate.policies.app_policy import plan_for_app, read_holdings
from unsecret.operate.policies.block import Wanted, blocking, plan_allow, plan_block, read_default
from unsecret.operate.policies.change import apply
from unsecret.operate.policies.targets import resolve
from unsecret.operate.status import read_status
from unsecret.tenant.mischief import Mischief, MischiefSettings

BLOCK = blocking(start=None, longest=None)
DEFAULT = "/beta/policies/defaultAppManagementPolicy"


@pytest.mark.parametrize("chance", range(8))
def test_what_was_planned_happens_whatever_the_tenant_does_lawfully(
    tenant: LocalTenant, tmp_path: Path, chance: int
) -> None:
    ticks, waits = Ticks(), Waits()
    mischief = Mischief(MischiefSettings(pages=1, throttled=0.5, lag=1.0, seed=chance), tenant.store, clock=ticks)
    names = [f"app {number}" for number in range(4)]
    made = {name: tenant.new_application(name) for name in names}
    for one in made.values():
        tenant.new_principal(one["appId"])
    ticks.later()
    with client_of(tenant, tmp_path, InProcess(tenant, mischief=mischief), sleep=waits) as client:
        path, current = read_default(client)
        apply(client, plan_block(current, path, BLOCK), sleep=waits)
        assert tenant.get(DEFAULT)["isEnabled"] is True

        for target in resolve(client, names):
            for change in plan_for_app(target, read_holdings(client, target), Wanted(enabled=False)):
                apply(client, change, sleep=waits)
            tenant.must("POST", f"/applications/{made[target.display_name]['id']}/addPassword", {})

        ticks.later()
        status = read_status(client, now=tenant.clock.now)
        assert {custom.name for custom in status.custom_policies or ()} == {f"unsecret: {name}" for name in names}
        assert all(len(custom.applies_to or ()) == 2 for custom in status.custom_policies or ())
        assert status.applications is not None
        assert status.applications.with_secrets == len(names)
        with pytest.raises(PolicyDenied):
            client.send("POST", f"applications/{tenant.new_application('blocked')['id']}/addPassword", body={})

        path, current = read_default(client)
        apply(client, plan_allow(current, path), sleep=waits)
        tenant.must("POST", f"/applications/{tenant.new_application('free')['id']}/addPassword", {})
    mischief.close()
