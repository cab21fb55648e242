"""`unsecret block`."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter
from msgspec.structs import replace

from unsecret.cli.options import (
    Apps,
    Data,
    DryRun,
    From,
    MaxCertificateLifetime,
    MaxLifetime,
    Output,
    TenantName,
    Yes,
)
from unsecret.cli.reaching import reach
from unsecret.config import read_settings
from unsecret.errors import Invalid

CustomSecrets = Annotated[
    bool,
    Parameter(
        name="--custom-secrets",
        help="Do not block all secrets: forbid only those whose text is chosen by the caller.",
    ),
]
AllCallers = Annotated[
    bool,
    Parameter(name="--all-callers", help="Bind callers, too, whom the entries exclude now."),
]
CustomPolicy = Annotated[
    str | None,
    Parameter(
        name="--policy",
        metavar="ID",
        help="Change this custom policy instead, for all that it binds. See them with `unsecret status`.",
    ),
]


def block(
    *,
    app: Apps = (),
    from_: From = None,
    max_lifetime: MaxLifetime = None,
    max_certificate_lifetime: MaxCertificateLifetime = None,
    custom_secrets: CustomSecrets = False,
    all_callers: AllCallers = False,
    policy: CustomPolicy = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    tenant: TenantName = None,
    data: Data = None,
    output: Output = None,
) -> int:
    """Block new client secrets, for the whole tenant or for single applications.

    Without --app the tenant default policy is switched on, and forbids new secrets (passwordAddition) and new
    symmetric keys (symmetricKeyAddition) on applications and on service principals: the shape that the Entra
    portal keeps editable. Every other entry of the policy stays as it was. Secrets that exist go on working.

    With --max-lifetime nothing is forbidden: new secrets stay possible, and must be short-lived
    (passwordLifetime, symmetricKeyLifetime). So it is with --max-certificate-lifetime and certificates
    (asymmetricKeyLifetime). With --custom-secrets secrets stay possible whose text Entra makes
    (customPasswordAddition).

    With --app the block is a custom policy of that application, which wins over the tenant default. An
    application that has a custom policy to itself keeps it, with these entries changed. One that shares its
    custom policy with others is refused, since changing that policy would change the others.

    Custom policies that exempt applications from the tenant-wide block are named, and left as they are.

    When the default policy is off and holds other enabled entries, switching it on activates those as well;
    they are listed before you are asked.

    **Examples**

        unsecret block --dry-run
        unsecret block --from 2027-01-01
        unsecret block --max-lifetime P90D --yes
        unsecret block --max-certificate-lifetime P180D --yes
        unsecret block --app "Payroll Export" "Intranet Search"
    """
    from unsecret.cli.changing import carry_out
    from unsecret.operate.policies.app_policy import (
        exemptions,
        plan_for_app,
        plan_for_policy,
        read_custom_policies,
        read_holdings,
        read_policy,
    )
    from unsecret.operate.policies.block import blocking, plan_block, read_default
    from unsecret.operate.policies.targets import resolve

    settings = read_settings()
    if app and policy:
        raise Invalid("--app names applications and --policy a policy; give one of them.")
    wanted = blocking(
        start=from_,
        longest=max_lifetime,
        longest_certificate=max_certificate_lifetime,
        custom_secrets=custom_secrets,
        all_callers=all_callers,
    )
    with reach(settings, data, tenant, verb="block") as client:
        if app:
            targets = resolve(client, app)
            changes = [one for each in targets for one in plan_for_app(each, read_holdings(client, each), wanted)]
        elif policy:
            changes = [plan_for_policy(*read_policy(client, policy), wanted)]
        else:
            path, current = read_default(client)
            change = plan_block(current, path, wanted)
            notes = (*change.notes, *exemptions(read_custom_policies(client), wanted))
            changes = [replace(change, notes=notes)]
        return carry_out(client, changes, yes=yes, dry_run=dry_run, output=output or settings.output)
