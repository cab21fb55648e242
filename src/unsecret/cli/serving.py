"""What each process of a server does, be it the only one or a worker among several.

`python -m unsecret.cli.serving` is a worker: it is told on its standard input what to serve (`workers.py`).
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from unsecret.cli.hosting import open_store
from unsecret.cli.options import now
from unsecret.tenant.app import create_app
from unsecret.tenant.issuers import Issuers, issuer_places
from unsecret.tenant.mischief import mischief_of
from unsecret.tenant.movable_clocks import MovableClocks
from unsecret.tenant.pki import ServerCertificate
from unsecret.tenant.server import Place, serve
from unsecret.tenant.settings import ServerSettings, Services
from unsecret.tenant.signing import SigningKeys, kept_fresh
from unsecret.tenant.workers import read_message, say_ready

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from unsecret.store.engine import Store

COMMAND = (sys.executable, "-m", "unsecret.cli.serving")


class Serving(Struct, frozen=True, kw_only=True):
    """What all processes of a server have in common. It holds a passphrase, and is handed on through a pipe only."""

    place: Place
    server: ServerSettings
    certificate: ServerCertificate
    database: str | None = None
    issuers: tuple[str, ...] = ()
    issuer_ca: Path | None = None
    mischief: str = "off"
    movable: bool = False
    passphrase: str | None = None
    key_days: float = 30.0


@contextmanager
def opened_app(serving: Serving, store: Store) -> Generator[ASGIApp]:
    """The tenant, ready to be served."""
    signing = SigningKeys.open(store, clock=now, passphrase=serving.passphrase)
    with (
        kept_fresh(signing, rotate_after=timedelta(days=serving.key_days)),
        mischief_of(serving.mischief, store) as mischief,
    ):
        yield create_app(
            Services(
                store=store,
                signing=signing,
                settings=serving.server,
                clock=now,
                movable_clocks=MovableClocks(store) if serving.movable else None,
                mischief=mischief,
                issuers=Issuers(issuer_places(serving.issuers), authorities=serving.issuer_ca),
            )
        )


def _serve_as_worker() -> None:
    serving = msgspec.json.decode(read_message(), type=Serving, dec_hook=lambda _type, text: Path(text))
    store = open_store(serving.place.data, serving.database)
    try:
        with opened_app(serving, store) as app:
            serve(app, serving.place, serving.certificate, on_ready=say_ready)
    finally:
        store.close()


if __name__ == "__main__":
    _serve_as_worker()
