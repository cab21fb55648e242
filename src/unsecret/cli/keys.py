"""`unsecret keys list` and `unsecret keys rotate`."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from unsecret.cli.options import PLAIN, Output, Server, ServerDatabase, now
from unsecret.cli.printing import as_json, say
from unsecret.cli.tables import table
from unsecret.config import Settings, read_settings
from unsecret.model.times_in_words import instant_in_words
from unsecret.wire.instants import format_instant

if TYPE_CHECKING:
    from unsecret.tenant.signing import SigningKeys

keys = App(
    name="keys",
    default_parameter=PLAIN,
    help="""The keys that a local server signs its tokens with.

All tenants of a server share them, and so do all servers on one database. They are replaced every 30 days, by
themselves.
""",
)

AtOnce = Annotated[
    bool,
    Parameter(
        name="--at-once",
        help="The new key signs now, and every other is good for nothing, with all tokens that it signed.",
    ),
]


@keys.command
def rotate(*, at_once: AtOnce = False, data: Server = None, database: ServerDatabase = None) -> int:
    """Make a new key, whether the server is running or not.

    It is shown in the key document at once and signs a day later, when every client has had time to see it. Those
    before it are shown until their last token has ended. With --at-once nobody is given time: for a key that somebody
    may have got hold of. A running server follows within half a minute.

    **Examples**

        unsecret keys rotate
        unsecret keys rotate --at-once --data ./rehearsal
    """
    with _opened(read_settings(), data, database) as signing:
        kid = signing.rotate(at_once=at_once)
    say(f"The key {kid} signs {'now, and no other is good any more' if at_once else 'from tomorrow on'}.")
    return 0


@keys.command(name="list")
def list_(*, data: Server = None, database: ServerDatabase = None, output: Output = None) -> int:
    """List the keys that tokens may be signed with, newest first, and which one signs now.

    **Examples**

        unsecret keys list
        unsecret keys list -o json
    """
    settings = read_settings()
    with _opened(settings, data, database) as signing:
        found = list(signing.shown())
    if (output or settings.output) == "json":
        as_json(
            [
                {"kid": one.kid, "createdDateTime": format_instant(one.created_at), "signs": signs}
                for one, signs in found
            ]
        )
    else:
        rows = [(one.kid, instant_in_words(one.created_at), "yes" if signs else "no") for one, signs in found]
        table(("KID", "MADE", "SIGNS"), rows)
    return 0


@contextmanager
def _opened(settings: Settings, data: Path | None, database: str | None) -> Generator[SigningKeys]:
    from unsecret.cli.hosting import key_passphrase, open_existing_store
    from unsecret.operate.graph.connection import last_started, server_directory
    from unsecret.tenant.key_making import take_over_files
    from unsecret.tenant.signing import SigningKeys

    asked = data or settings.data or last_started(settings.state) or settings.default_data
    directory = server_directory(asked.absolute())
    database = database or settings.database
    store = open_existing_store(directory, database)
    try:
        passphrase = key_passphrase(directory, database, settings.signing_key_passphrase)
        take_over_files(store, directory / "keys", passphrase=passphrase)
        yield SigningKeys.open(store, clock=now, passphrase=passphrase)
    finally:
        store.close()
