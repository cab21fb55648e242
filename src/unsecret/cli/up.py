"""`unsecret up`: where the wings are put together."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
from cyclopts import Parameter, Token
from msgspec import Struct

from unsecret.cli.loaded import say_what_was_loaded
from unsecret.cli.options import Source, directory_option, now, own_reader, read_instant
from unsecret.cli.printing import say
from unsecret.config import read_settings

if TYPE_CHECKING:
    from unsecret.cli.hosting import Filling, Hosted
    from unsecret.cli.serving import Serving
    from unsecret.config import Settings
    from unsecret.model.connection import ConnectionFile
    from unsecret.model.identifiers import AppId
    from unsecret.store.engine import Store
    from unsecret.tenant.server import Place

INTERCEPT_PORT = 8444
MOST_WORKERS = 64


def _port(_kind: type, tokens: tuple[Token, ...]) -> int:
    text = tokens[0].value
    if not (text.isascii() and text.isdigit() and int(text) < 65536):
        raise ValueError(f"'{text}' is no port. Choose one from 1 to 65535, or 0 for any that is free.")
    return int(text)


def _workers(_kind: type, tokens: tuple[Token, ...]) -> int:
    text = tokens[0].value
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= MOST_WORKERS):
        raise ValueError(f"'{text}' is no number of workers. Choose one from 1 to {MOST_WORKERS}.")
    return int(text)


def _optional_port(kind: type, tokens: tuple[Token, ...]) -> tuple[int, ...]:
    return tuple(_port(kind, (token,)) for token in tokens)


def _file(_kind: type, tokens: tuple[Token, ...]) -> Path:
    file = Path(tokens[0].value)
    if not file.is_file():
        raise ValueError(f"There is no file '{file}'.")
    return file.absolute()


Here = Annotated[
    Path | None,
    directory_option("Directory of the tenant, made on the first start. Default: ~/.local/share/unsecret."),
]
Host = Annotated[
    str | None, Parameter(name="--host", metavar="ADDRESS", help="Address to listen on. Default: 127.0.0.1.")
]
Port = Annotated[
    int | None,
    own_reader(_port, name="--port", metavar="PORT", help_="Port to listen on; 0 for any that is free. Default: 8443."),
]
Intercept = Annotated[
    tuple[int, ...] | None,
    Parameter(
        name="--intercept",
        converter=_optional_port,
        accepts_keys=False,
        consume_multiple=(0, 1),
        metavar="[PORT]",
        help=f"Run a proxy for clients that have Microsoft's hosts built in, and print what they have to be told. "
        f"0 for any port that is free. Default: {INTERCEPT_PORT}.",
    ),
]
Mischief = Annotated[
    str | None,
    Parameter(
        name="--mischief",
        metavar="WHAT",
        help="Do to clients what Graph may do on any day: small pages, 429, reads that lag. "
        "on, off, or some of pages=5,throttled=0.1,lag=2,seed=7. Default: off.",
    ),
]
Subscription = Annotated[
    bool,
    Parameter(
        name="--subscription",
        help="List one Azure subscription, with nothing in it: some scanners refuse to work without.",
    ),
]
Now = Annotated[
    datetime | None,
    own_reader(
        read_instant,
        name="--now",
        metavar="INSTANT",
        help_="Set the tenant's clock to 2027-01-31, or 2027-01-31T10:00:00Z, or now; it ticks on from there, and "
        "`unsecret clock` moves it. Default: the machine's clock, which nobody moves.",
    ),
]
Issuer = Annotated[
    tuple[str, ...],
    Parameter(
        name="--issuer",
        metavar="ISSUER[=ADDRESS]",
        help="Issuer of federated tokens that may be asked for its keys, at another address if one is given. May be "
        "repeated. Default: none, so that the tenant asks nobody.",
    ),
]
IssuerCa = Annotated[
    Path | None,
    own_reader(
        _file,
        name="--issuer-ca",
        metavar="FILE",
        help_="PEM file of authorities that issuers may have their TLS certificates from, besides the public ones.",
    ),
]
Database = Annotated[
    str | None,
    Parameter(
        name="--database",
        metavar="URL",
        help="Keep the directory in PostgreSQL: postgresql://user@host/name. Servers on several machines may share "
        "it. Default: a file in the directory of the tenant.",
    ),
]
Workers = Annotated[
    int | None,
    own_reader(_workers, name="--workers", metavar="N", help_="Processes that serve the port. Default: 1."),
]
BaseUrl = Annotated[
    str | None,
    Parameter(
        name="--base-url",
        metavar="URL",
        help="What clients call the server, when that is not where it listens: https://tenant.example. Default: none.",
    ),
]
Empty = Annotated[bool, Parameter(name="--empty", help="Begin with an empty organisation.")]
Sample = Annotated[bool, Parameter(name="--sample", help="Begin with a sample organisation. This is the default.")]


def up(
    *,
    data: Here = None,
    host: Host = None,
    port: Port = None,
    base_url: BaseUrl = None,
    database: Database = None,
    workers: Workers = None,
    intercept: Intercept = None,
    mischief: Mischief = None,
    subscription: Subscription = False,
    clock: Now = None,
    issuer: Issuer = (),
    issuer_ca: IssuerCa = None,
    empty: Empty = False,
    sample: Sample = False,
    from_: Source = None,
) -> int:
    """Run a local tenant until Ctrl-C: sign-in and Microsoft Graph, with app management policies enforced.

    The first start makes the tenant; later ones go on with it, and --empty and --sample then mean nothing.
    What was written is kept. The address, where certificates lie, and things to try are printed.

    With --mischief the tenant is as unkind as Graph can be, and never unlawful: what survives it is ready for Graph.

    **Examples**

        unsecret up
        unsecret up --data ./rehearsal --port 9443 --empty
        unsecret up --intercept
        unsecret up --issuer https://token.actions.githubusercontent.com
        unsecret up --mischief pages=3,throttled=0.2,lag=5
        unsecret up --now 2027-01-01
        unsecret up --database postgresql://unsecret@db.example/unsecret --workers 4
        unsecret up --data ./rehearsal --from contoso.snapshot
    """
    from unsecret.cli.hosting import wanted_filling
    from unsecret.operate.graph.connection import server_directory
    from unsecret.tenant.use_cases.clock import require_on_the_calendar

    if clock is not None:
        require_on_the_calendar(clock)
    settings = read_settings()
    start = Start(
        data=server_directory((data or settings.data or settings.default_data).absolute()),
        host=host or settings.host,
        port=settings.port if port is None else port,
        base_url=base_url or settings.base_url,
        database=database or settings.database,
        workers=workers or settings.workers,
        intercept=None if intercept is None else (*intercept, INTERCEPT_PORT)[0],
        mischief=mischief or settings.mischief,
        subscription=subscription,
        clock=clock,
        issuers=issuer or settings.issuers,
        issuer_ca=issuer_ca or settings.issuer_ca,
        filling=wanted_filling(empty=empty, sample=sample, source=from_, loaded=say_what_was_loaded),
    )
    _run(settings, start)
    say("Stopped. Everything is kept for the next start.")
    return 0


class Start(Struct, frozen=True, kw_only=True):
    """How a server is to be started; `intercept` is its proxy's port, None without one, and `clock` what its
    tenants' clocks are set to, None when they are left alone."""

    data: Path
    host: str
    port: int
    base_url: str | None
    database: str | None
    workers: int
    intercept: int | None
    mischief: str
    subscription: bool
    clock: datetime | None
    issuers: tuple[str, ...]
    issuer_ca: Path | None
    filling: Filling


def _run(settings: Settings, start: Start) -> None:
    from unsecret.cli.hosting import forget_connections, open_store, remember_how_started, write_connection
    from unsecret.tenant.clock import clock_url
    from unsecret.tenant.key_making import take_over_files
    from unsecret.tenant.server import announced, claim

    _require_usable(start)
    begun, data = now(), start.data
    with claim(data, host=start.host, port=start.port) as place, _proxy(start, place) as proxy:
        serving = _what_to_serve(settings, start, place, begun)
        origin, ca = serving.server.base_url, serving.certificate.ca
        store = open_store(data, start.database)
        try:
            hosted, movable = _tenants(store, start, begun)
            take_over_files(store, data / "keys", passphrase=serving.passphrase)
            for one in hosted:
                write_connection(data, one, origin=origin, ca=ca, pid=os.getpid(), proxy=proxy, movable=movable)
            remember_how_started(data, start.database)
            _remember(settings.state, data)
            if serving.mischief != "off":
                say(f"… doing mischief; the same again: --mischief {serving.mischief}")
            first = hosted[0]
            with announced(
                place,
                serving.server,
                serving.certificate,
                tenant_id=first.tenant.id,
                client_id=_require_administrator(first),
                proxy=proxy,
                clock=clock_url(origin, first.tenant.id) if movable else None,
            ) as connection:
                serving = msgspec.structs.replace(serving, movable=movable)
                _serve(serving, store, start.workers, on_ready=lambda: _greet(hosted, connection, start.host))
        finally:
            forget_connections(data)
            store.close()


def _require_usable(start: Start) -> None:
    """What is wrong with these is said before anything is made, and not by every worker."""
    from unsecret.store.engine import require_postgresql
    from unsecret.tenant.issuers import issuer_places, require_authorities

    issuer_places(start.issuers)
    if start.issuer_ca is not None:
        require_authorities(start.issuer_ca)
    if start.database is not None:
        require_postgresql(start.database)


def _what_to_serve(settings: Settings, start: Start, place: Place, begun: datetime) -> Serving:
    """What all processes of the server have in common. The certificate of its names is made where it is missing."""
    from unsecret.cli.hosting import key_passphrase
    from unsecret.cli.serving import Serving
    from unsecret.tenant.mischief import resolved
    from unsecret.tenant.pki import ensure_server_certificate
    from unsecret.tenant.settings import server_settings

    server = server_settings(
        start.data, host=start.host, port=place.port, base_url=start.base_url, subscription=start.subscription
    )
    return Serving(
        place=place,
        server=server,
        certificate=ensure_server_certificate(start.data, server.hosts, now=begun),
        database=start.database,
        issuers=start.issuers,
        issuer_ca=start.issuer_ca,
        mischief=resolved(start.mischief),
        passphrase=key_passphrase(start.data, start.database, settings.signing_key_passphrase),
        key_days=settings.signing_key_days,
    )


def _serve(serving: Serving, store: Store, workers: int, *, on_ready: Callable[[], None]) -> None:
    """In this process, or in several others, which open the directory for themselves."""
    from unsecret.cli.serving import COMMAND, opened_app
    from unsecret.tenant.server import serve
    from unsecret.tenant.workers import supervise

    if workers > 1:
        store.close()
        supervise(COMMAND, msgspec.json.encode(serving, enc_hook=str), workers, on_ready)
        return
    with opened_app(serving, store) as app:
        serve(app, serving.place, serving.certificate, on_ready=on_ready)


def _proxy(start: Start, place: Place) -> AbstractContextManager[str | None]:
    """The interception proxy, where one is wanted; its URL."""
    if start.intercept is None:
        return nullcontext()
    from unsecret.tenant.interception import intercepting

    return intercepting(start.host, start.intercept, to=(place.address, place.port))


def _tenants(store: Store, start: Start, begun: datetime) -> tuple[tuple[Hosted, ...], bool]:
    """The tenants of this server, the first of them made if there is none, and whether their clocks can be moved.
    Clocks that were moved before go on as they are, lest time goes back."""
    from unsecret.cli.hosting import clocks_were_moved, first_tenant, hosted_tenants, set_clocks

    data = start.data
    if first_tenant(store, data, filling=start.filling, now=begun, clock=start.clock):
        kind = "a sample" if start.filling.sample else "the exported" if start.filling.export else "an empty"
        say(f"… made a tenant with {kind} organisation in {data}")
    else:
        say(f"… opening the tenant in {data}")
        if start.clock is not None:
            set_clocks(store, start.clock, now=begun)
    movable = start.clock is not None or clocks_were_moved(store)
    hosted = hosted_tenants(store, data, now=begun, movable=movable)
    for one in hosted:
        if one.given:
            say(f"… its administrator may do what this version needs, too: {', '.join(one.given)} ({one.tenant.id})")
    return hosted, movable


def _remember(state: Path, data: Path) -> None:
    """So that other commands find this tenant without --data. Where that cannot be noted, they need it."""
    from unsecret.operate.graph.connection import remember_started

    try:
        remember_started(state, data)
    except OSError as problem:
        say(f"note: {state} cannot be written to ({problem.strerror}), so other commands need --data {data}")


def _require_administrator(hosted: Hosted) -> AppId:
    from unsecret.errors import NotFound

    if hosted.client_id is None:
        raise NotFound(
            f"The administrator application of {hosted.tenant.display_name} was deleted; nobody could sign in.",
            hint="Start in another directory with --data, and make the tenant anew.",
        )
    return hosted.client_id


def _greet(hosted: tuple[Hosted, ...], connection: ConnectionFile, host: str) -> None:
    from unsecret.cli.greeting import greeting

    for line in greeting(hosted, connection, host):
        say(line)
