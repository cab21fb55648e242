"""`unsecret clock`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from unsecret.cli.options import Data, Output, own_reader, read_duration, read_instant
from unsecret.cli.printing import answer, as_json
from unsecret.cli.reaching import reach
from unsecret.config import read_settings
from unsecret.errors import Invalid
from unsecret.wire.instants import format_instant

Set = Annotated[
    datetime | None,
    own_reader(
        read_instant,
        name="--set",
        metavar="INSTANT",
        help_="Set it to 2027-01-31 (midnight UTC), or an instant such as 2027-01-31T10:00:00Z.",
    ),
]
Move = Annotated[
    timedelta | None,
    own_reader(
        read_duration,
        name="--move",
        metavar="DURATION",
        help_="Move it on, by days and time such as 30d, P30D or PT90M.",
    ),
]


def clock(*, set_: Set = None, move: Move = None, data: Data = None, output: Output = None) -> int:
    """Tell the time of a tenant that was started with `unsecret up --now`, and move its clock.

    Everything in the tenant goes by it: how long secrets, certificates and tokens last, from when a policy binds, what
    the logs say, and when deleted objects are gone. A clock ticks on, and goes forwards only. Access tokens last
    about an hour, so after a jump clients have to sign in again; they do so by themselves once they are answered 401.

    **Examples**

        unsecret clock
        unsecret clock --move P30D
        unsecret clock --set 2027-01-31
    """
    from unsecret.operate.clock import move_clock, read_clock, set_clock

    if set_ is not None and move is not None:
        raise Invalid("--set and --move exclude each other.")
    settings = read_settings()
    with reach(settings, data) as client:
        if set_ is not None:
            says = set_clock(client, set_)
        else:
            says = read_clock(client) if move is None else move_clock(client, move)
    if (output or settings.output) == "json":
        as_json({"now": format_instant(says)})
    else:
        answer(format_instant(says))
    return 0
