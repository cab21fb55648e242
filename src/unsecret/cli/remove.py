"""`unsecret remove`."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from unsecret.cli.asking import require_yes
from unsecret.cli.exit_codes import OK, PENDING
from unsecret.cli.options import Data, DryRun, TenantName, Yes, now
from unsecret.cli.printing import say
from unsecret.cli.reaching import reach
from unsecret.config import read_settings

App = Annotated[
    str,
    Parameter(name="--app", metavar="APP", help="Whose it is: appId, object id or exact display name."),
]
Key = Annotated[str, Parameter(name="--key", metavar="KEYID", help="The keyId of the credential.")]
Force = Annotated[bool, Parameter(name="--force", help="Remove it although it still signs in.")]


def remove(
    *,
    app: App,
    key: Key,
    force: Force = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    tenant: TenantName = None,
    data: Data = None,
) -> int:
    """Remove one client secret or certificate of an application. Every other one stays.

    One that has ended is removed when you have said yes. One that still signs in is refused without --force,
    since whoever uses it would be locked out: see first that its replacement signs in.

    **Examples**

        unsecret remove --app "Payroll Export" \\
          --key 5c1f2a57-0000-4000-8000-1d2c3b4a5f60
    """
    from unsecret.operate.clock import read_clock
    from unsecret.operate.removal import find_credential, require_removable
    from unsecret.operate.removal import remove as carry_out

    with reach(read_settings(), data, tenant, verb="remove") as client:
        at = read_clock(client) if client.connection.clock else now()
        removal = find_credential(client, app, key, now=at)
        require_removable(removal, now=at, force=force)
        if not removal.usable_left:
            say(f"WARNING: nothing that signs in is left on the {removal.holder.words}.")
        if dry_run:
            say(f"Would remove the {removal.words}. Nothing was changed: this was a dry run.")
            return PENDING
        require_yes(f"Remove the {removal.words}?", to=client.connection, yes=yes, can_rehearse=True)
        carry_out(client, removal, now=at)
    say(f"Removed the {removal.words}; every other credential is there.")
    return OK
