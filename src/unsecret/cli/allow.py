"""`unsecret allow`."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from unsecret.cli.options import Apps, Data, DryRun, Output, TenantName, Yes
from unsecret.cli.reaching import reach
from unsecret.config import read_settings

Lifetime = Annotated[bool, Parameter(name="--lifetime", help="Lift the limit on lifetimes instead of the block.")]


def allow(
    *,
    app: Apps = (),
    lifetime: Lifetime = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    tenant: TenantName = None,
    data: Data = None,
    output: Output = None,
) -> int:
    """Allow new client secrets again, for the whole tenant or for single applications.

    Without --app the entries that `block` sets are switched off in the tenant default policy. They stay in
    it, and so does everything else; the policy itself stays on or off as it is. Custom policies are not
    touched: an application that has a block of its own stays blocked.

    With --app the applications are exempted: their own custom policy says that secrets are allowed, and wins
    over the tenant default. One that shares its custom policy with others is refused, as by `unsecret block`.
    Such an exemption stays until `block --app` takes it back. One that ends by itself, and says why it is there, is
    given with `unsecret exempt add APP --until DATE --reason TEXT`.

    **Examples**

        unsecret allow --dry-run
        unsecret allow --lifetime
        unsecret allow --app "Payroll Export" --yes
    """
    from unsecret.cli.changing import carry_out
    from unsecret.operate.policies.app_policy import plan_for_app, read_holdings
    from unsecret.operate.policies.block import ADDITIONS, LIFETIMES, Wanted, plan_allow, read_default
    from unsecret.operate.policies.targets import resolve

    settings = read_settings()
    kinds = LIFETIMES if lifetime else ADDITIONS
    with reach(settings, data, tenant, verb="allow") as client:
        if app:
            wanted = Wanted(kinds=kinds, enabled=False)
            targets = resolve(client, app)
            changes = [one for each in targets for one in plan_for_app(each, read_holdings(client, each), wanted)]
        else:
            path, current = read_default(client)
            changes = [plan_allow(current, path, kinds)]
        return carry_out(client, changes, yes=yes, dry_run=dry_run, output=output or settings.output)
