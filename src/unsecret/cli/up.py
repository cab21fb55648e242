"""`unsecret up`: where the wings are put together."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from contextlib import AbstractContextManager, ExitStack, nullcontext
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter, Token
from msgspec import Struct

from unsecret.cli.options import directory_option, now, own_reader, read_instant
from unsecret.cli.printing import say
from unsecret.config import read_settings

if TYPE_CHECKING:
    from unsecret.cli.hosting import Hosted
    from unsecret.config import Settings
    from unsecret.model.connection import ConnectionFile
    from unsecret.model.identifiers import AppId
    from unsecret.store.engine import Store
    from unsecret.tenant.server import Place

INTERCEPT_PORT = 8444


def _port(_kind: type, tokens: tuple[Token, ...]) -> int:
    text = tokens[0].value
    if not (text.isascii() and text.isdigit() and int(text) < 65536):
        raise ValueError(f"'{text}' is no port. Choose one from 1 to 65535, or 0 for any that is free.")
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
Empty = Annotated[bool, Parameter(name="--empty", help="Begin with an empty organisation.")]
Sample = Annotated[bool, Parameter(name="--sample", help="Begin with a sample organisation. This is the default.")]


def up(
    *,
    data: Here = None,
    host: Host = None,
    port: Port = None,
    intercept: Intercept = None,
    mischief: Mischief = None,
    subscription: Subscription = False,
    clock: Now = None,
    issuer: Issuer = (),
    issuer_ca: IssuerCa = None,
    empty: Empty = False,
    sample: Sample = False,
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
    """
    from unsecret.cli.hosting import wants_sample
    from unsecret.operate.connection import server_directory
    from unsecret.tenant.use_cases.clock import require_on_the_calendar

    if clock is not None:
        require_on_the_calendar(clock)
    settings = read_settings()
    start = Start(
        data=server_directory((data or settings.data or settings.default_data).absolute()),
        host=host or settings.host,
        port=settings.port if port is None else port,
        intercept=None if intercept is None else (*intercept, INTERCEPT_PORT)[0],
        mischief=mischief or settings.mischief,
        subscription=subscription,
        clock=clock,
        issuers=issuer or settings.issuers,
        issuer_ca=issuer_ca or settings.issuer_ca,
        sample=wants_sample(empty=empty, sample=sample),
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
    intercept: int | None
    mischief: str
    subscription: bool
    clock: datetime | None
    issuers: tuple[str, ...]
    issuer_ca: Path | None
    sample: bool


def _run(settings: Settings, start: Start) -> None:
    from unsecret.cli.hosting import forget_connections, open_store, write_connection
    from unsecret.tenant.app import create_app
    from unsecret.tenant.clock import clock_url
    from unsecret.tenant.issuers import Issuers, issuer_places
    from unsecret.tenant.key_making import take_over_files
    from unsecret.tenant.mischief import mischief_of
    from unsecret.tenant.movable_clocks import MovableClocks
    from unsecret.tenant.pki import ensure_server_certificate
    from unsecret.tenant.server import claim, serve
    from unsecret.tenant.settings import Services, server_settings
    from unsecret.tenant.signing import SigningKeys

    begun, data, host = now(), start.data, start.host
    issuers = Issuers(issuer_places(start.issuers), authorities=start.issuer_ca)
    with claim(data, host=host, port=start.port) as place, _proxy(start, place) as proxy:
        server = server_settings(data, host=host, port=place.port, subscription=start.subscription)
        certificate = ensure_server_certificate(data, server.hosts, now=begun)
        store = open_store(data)
        closing = ExitStack()
        try:
            hosted, movable = _tenants(store, start, begun)
            take_over_files(store, data / "keys")
            signing = SigningKeys.open(store, clock=now)
            for one in hosted:
                write_connection(
                    data,
                    one,
                    origin=server.base_url,
                    ca=certificate.ca,
                    pid=os.getpid(),
                    proxy=proxy,
                    movable=movable,
                )
            _remember(settings.state, data)
            mischief = closing.enter_context(mischief_of(start.mischief, store))
            if mischief:
                say(f"… doing mischief; the same again: --mischief {mischief.settings}")
            serve(
                create_app(
                    Services(
                        store=store,
                        signing=signing,
                        settings=server,
                        clock=now,
                        movable_clocks=MovableClocks(store) if movable else None,
                        mischief=mischief,
                        issuers=issuers,
                    )
                ),
                place,
                server,
                certificate,
                tenant_id=hosted[0].tenant.id,
                client_id=_require_administrator(hosted[0]),
                proxy=proxy,
                clock=clock_url(server.base_url, hosted[0].tenant.id) if movable else None,
                on_ready=lambda connection: _greet(hosted, connection, host),
            )
        finally:
            forget_connections(data)
            closing.close()
            store.close()


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
    if first_tenant(store, data, sample=start.sample, now=begun, clock=start.clock):
        say(f"… made a tenant with {'a sample' if start.sample else 'an empty'} organisation in {data}")
    else:
        say(f"… opening the tenant in {data}")
        if start.clock is not None:
            set_clocks(store, start.clock, now=begun)
    movable = start.clock is not None or clocks_were_moved(store)
    return hosted_tenants(store, data, now=begun, movable=movable), movable


def _remember(state: Path, data: Path) -> None:
    """So that other commands find this tenant without --data. Where that cannot be noted, they need it."""
    from unsecret.operate.connection import remember_started

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
    for line in greeting(hosted, connection, host):
        say(line)


def greeting(hosted: tuple[Hosted, ...], connection: ConnectionFile, host: str) -> list[str]:
    """What is printed once the tenant answers: where everything is, and three things to try."""
    first, *others = hosted
    lines = [
        "",
        f"{first.tenant.display_name}, tenant {connection.tenant_id}",
        f"  Graph and sign-in            {connection.graph}",
        f"  authority to trust           {connection.ca}",
        f"  administrator's certificate  {connection.certificate}",
        f"  administrator's application  {connection.client_id}",
    ]
    if first.people:
        lines.append(f"  people and their passwords   {first.people}")
    lines += [f"  also here: {one.tenant.display_name}, tenant {one.tenant.id}" for one in others]
    if host not in ("127.0.0.1", "localhost", "::1"):
        lines.append(f"  NOTE: it listens on {host}, so that other machines may reach it, too")
    if connection.clock:
        lines.append(f"  clock, which can be moved    {_own_name()} clock --move P30D")
    lines += _through_the_proxy(connection)
    return [*lines, "", "Try, in another terminal:", "", *_to_try(connection), "", "Ctrl-C stops it."]


def _through_the_proxy(connection: ConnectionFile) -> list[str]:
    """What a client has to be told to come here when it asks for Microsoft's own hosts."""
    if connection.proxy is None:
        return []
    ca = shlex.quote(connection.ca)
    return [
        f"  proxy for Microsoft's hosts  {connection.proxy}",
        "",
        "For clients that have Microsoft's hosts built in:",
        "",
        f"  export HTTPS_PROXY={connection.proxy} NO_PROXY=localhost,127.0.0.1,::1",
        f"  export REQUESTS_CA_BUNDLE={ca} SSL_CERT_FILE={ca} NODE_EXTRA_CA_CERTS={ca}",
    ]


def _to_try(connection: ConnectionFile) -> list[str]:
    ca, certificate = shlex.quote(connection.ca), shlex.quote(connection.certificate)
    return [
        "  # 1. sign Azure CLI in, by certificate; what it is signed in to elsewhere stays as it is",
        f'  export AZURE_CONFIG_DIR="$(mktemp -d)" AZURE_CORE_INSTANCE_DISCOVERY=false REQUESTS_CA_BUNDLE={ca}',
        f"  az cloud register -n unsecret --endpoint-resource-manager {connection.graph}",
        "  az cloud set -n unsecret",
        f"  az login --service-principal -u {connection.client_id} --certificate {certificate} \\",
        f"    --tenant {connection.tenant_id} --allow-no-subscriptions",
        "",
        "  # 2. make an application, and a client secret for it",
        "  app=$(az ad app create --display-name 'Try me' --query appId -o tsv)",
        "  az ad app credential reset --append --id $app",
        "",
        "  # 3. block client secrets; the reset above is refused then",
        f"  {_own_name()} block",
    ]


def _own_name() -> str:
    """How this program is called again from another terminal: `make run` leaves it off the PATH."""
    called = Path(sys.argv[0])
    return "unsecret" if called.name != "unsecret" or shutil.which("unsecret") else shlex.quote(str(called.absolute()))
