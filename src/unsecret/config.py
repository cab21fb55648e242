"""Settings: a TOML file and the environment, read once into frozen values. The only reader of `os.environ`.

What is set nearer to the command wins: a flag, then a variable, then the file, then the default. `SETTINGS`
is the whole list; docs/reference/settings.md is written from it.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from unsecret.errors import Invalid
from unsecret.operate.graph.named_tenants import AzureVariables, NamedTenant
from unsecret.tenant_settings import azure_variables, named_tenants

OUTPUTS = ("table", "json")


class Settings(Struct, frozen=True, kw_only=True):
    """What the user set, or the defaults.

    `data` is the tenant directory that was asked for by name, None when nobody asked; `default_data` is
    where the first tenant then goes. `state` is the directory that remembers the tenant started last. `tenant` names
    one of `tenants`, or another that is not local. Times are in seconds.
    """

    default_data: Path
    state: Path
    home: Path
    data: Path | None = None
    tenant: str | None = None
    tenants: Mapping[str, NamedTenant] = {}
    azure: AzureVariables = AzureVariables()
    proxy: str | None = None
    host: str = "127.0.0.1"
    port: int = 8443
    issuers: tuple[str, ...] = ()
    issuer_ca: Path | None = None
    base_url: str | None = None
    database: str | None = None
    workers: int = 1
    signing_key_days: float = 30.0
    signing_key_passphrase: str | None = None
    output: str = "table"
    mischief: str = "off"
    timeout: float = 30.0
    max_wait: float = 60.0


def _path(text: str, home: Path) -> Path:
    if not text:  # Path("") would be the directory one happens to be in
        raise ValueError("expected a directory")
    return home / text[2:] if text.startswith("~/") else Path(text).absolute()


def _file(text: str, home: Path) -> Path:
    if not text:
        raise ValueError("expected a file")
    return _path(text, home)


def _text(text: str, _home: Path) -> str:
    if not text:
        raise ValueError("expected some text")
    return text


def _words(text: str, _home: Path) -> tuple[str, ...]:
    if not text.split():
        raise ValueError("expected some words")
    return tuple(text.split())


def _address(text: str, _home: Path) -> str:
    if not text.startswith(("http://", "https://")):
        raise ValueError("expected an address such as http://proxy.example:3128")
    return text


def _port(text: str, _home: Path) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise ValueError("expected a port number from 1 to 65535")
    return int(text)


def _workers(text: str, _home: Path) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= 64):
        raise ValueError("expected a number of processes from 1 to 64")
    return int(text)


def _days(text: str, _home: Path) -> float:
    try:
        days = float(text)
    except ValueError:
        days = 0.0
    if not 2 <= days <= 3650:
        raise ValueError("expected a number of days from 2 to 3650")
    return days


def _seconds(text: str, _home: Path) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 86_400:
        raise ValueError("expected a number of seconds from 0 to 86400")
    return seconds


def _seconds_of_patience(text: str, home: Path) -> float:
    if not (seconds := _seconds(text, home)):
        raise ValueError("expected a number of seconds above 0")
    return seconds


def _output(text: str, _home: Path) -> str:
    if text not in OUTPUTS:
        raise ValueError(f"expected one of: {', '.join(OUTPUTS)}")
    return text


class Setting(Struct, frozen=True):
    """One setting: its key in the file, its variable, how its text is read, and what it means."""

    name: str
    variable: str
    read: Callable[[str, Path], Any]
    default: str
    meaning: str


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "data",
        "UNSECRET_DATA",
        _path,
        "the tenant that `up` started last; for `up` itself `~/.local/share/unsecret`",
        "Directory of the local tenant: its database, keys, certificates and `connection.json`.",
    ),
    Setting(
        "tenant",
        "UNSECRET_TENANT",
        _text,
        "the local tenant",
        "Tenant that commands speak to: a name from `[tenants.NAME]`, `local`, `azure` for the one of "
        "`AZURE_TENANT_ID`, or a tenant's id or domain.",
    ),
    Setting(
        "proxy",
        "UNSECRET_PROXY",
        _address,
        "none",
        "Proxy on the way to tenants that are not local: `http://proxy.example:3128`.",
    ),
    Setting("host", "UNSECRET_HOST", _text, "`127.0.0.1`", "Address that `unsecret up` listens on."),
    Setting("port", "UNSECRET_PORT", _port, "`8443`", "Port that `unsecret up` listens on."),
    Setting(
        "issuers",
        "UNSECRET_ISSUERS",
        _words,
        "none",
        "Issuers of federated tokens that the tenant may ask for their keys: `ISSUER` or `ISSUER=ADDRESS`, with spaces "
        "between them.",
    ),
    Setting(
        "issuer_ca",
        "UNSECRET_ISSUER_CA",
        _file,
        "none",
        "PEM file of authorities that issuers may have their TLS certificates from, besides the public ones.",
    ),
    Setting(
        "base_url",
        "UNSECRET_BASE_URL",
        _text,
        "where it listens",
        "What clients call the server of `unsecret up`, such as a load balancer: `https://tenant.example`.",
    ),
    Setting(
        "database",
        "UNSECRET_DATABASE",
        _text,
        "a file in `data`",
        "URL of the PostgreSQL database that the directory is kept in: `postgresql://user@host/name`.",
    ),
    Setting("workers", "UNSECRET_WORKERS", _workers, "`1`", "Processes of `unsecret up` that serve the port."),
    Setting(
        "signing_key_days",
        "UNSECRET_SIGNING_KEY_DAYS",
        _days,
        "`30`",
        "Days after which the key that signs tokens is replaced.",
    ),
    Setting(
        "signing_key_passphrase",
        "UNSECRET_SIGNING_KEY_PASSPHRASE",
        _text,
        "with a file: `signing-keys.passphrase` in `data`; with PostgreSQL: none, they are kept as they are",
        "What the keys that sign tokens are encrypted with in the database; the same for all servers of one.",
    ),
    Setting("output", "UNSECRET_OUTPUT", _output, "`table`", "How answers are printed: `table` or `json`."),
    Setting(
        "mischief",
        "UNSECRET_MISCHIEF",
        _text,
        "`off`",
        "What `unsecret up` does to clients on purpose, as Graph may on any day: `on`, or `pages=5,throttled=0.1,lag=2,"
        "seed=7` (most items on a page, share of requests refused with 429, seconds that reads lag, which chances).",
    ),
    Setting(
        "timeout",
        "UNSECRET_TIMEOUT",
        _seconds_of_patience,
        "`30`",
        "Seconds to wait for one answer of the tenant before giving up.",
    ),
    Setting(
        "max_wait",
        "UNSECRET_MAX_WAIT",
        _seconds,
        "`60`",
        "Seconds that one request may wait altogether while the tenant says that it is busy (429, 503).",
    ),
)
"""Every setting, in the order in which the documentation lists them."""

CONFIG_VARIABLE = "UNSECRET_CONFIG"
TENANTS = "tenants"
"""The key of the file under which tenants stand, each in a table of its own; see `tenant_settings`."""

LONGEST_FILE = 2**20  # bytes


def read_settings() -> Settings:
    """The settings of this process. Raises Invalid, which names the setting and where it was set."""
    return settings_from(os.environ)


def settings_from(environ: Mapping[str, str]) -> Settings:
    """The settings that `environ`, and the file that it points to, ask for. Raises Invalid."""
    home = _home(environ)
    file = config_file(environ)
    was_named = bool(environ.get(CONFIG_VARIABLE))
    values = _toml(file, must_exist=was_named)
    azure = azure_variables(environ)
    tenants = named_tenants(values.pop(TENANTS, {}), file, home, azure)
    asked = _from_file(values, file, home) | _from_environment(environ, home)
    return Settings(
        home=home,
        tenants=tenants,
        azure=azure,
        default_data=_xdg(environ, "XDG_DATA_HOME", home / ".local" / "share"),
        state=_xdg(environ, "XDG_STATE_HOME", home / ".local" / "state"),
        **asked,
    )


def config_file(environ: Mapping[str, str]) -> Path:
    """Where the settings file is looked for: UNSECRET_CONFIG, else `unsecret/config.toml` in the XDG place."""
    home = _home(environ)
    if given := environ.get(CONFIG_VARIABLE):
        return _path(given, home)
    return _xdg(environ, "XDG_CONFIG_HOME", home / ".config") / "config.toml"


def _home(environ: Mapping[str, str]) -> Path:
    """HOME, else what the system knows of this user; in a container that may be nothing."""
    try:
        return Path(environ.get("HOME") or Path.home())
    except RuntimeError:
        raise Invalid("This user has no home directory.", hint="Set HOME to a directory.") from None


def _xdg(environ: Mapping[str, str], variable: str, default: Path) -> Path:
    """The XDG base directory; a relative one counts as not set (XDG Base Directory Specification 0.8)."""
    given = environ.get(variable, "")
    return (Path(given) if given.startswith("/") else default) / "unsecret"


def _from_environment(environ: Mapping[str, str], home: Path) -> dict[str, Any]:
    given = {setting: environ[setting.variable] for setting in SETTINGS if environ.get(setting.variable)}
    return {setting.name: _read(setting, text, home, f"{setting.variable}") for setting, text in given.items()}


def _from_file(values: Mapping[str, Any], file: Path, home: Path) -> dict[str, Any]:
    known = {setting.name: setting for setting in SETTINGS}
    if unknown := sorted(values.keys() - known.keys()):
        raise Invalid(f"{file}: there is no setting '{unknown[0]}'. There are: {', '.join(known)}, [tenants.NAME].")
    return {name: _read(known[name], _as_text(value), home, f"'{name}' in {file}") for name, value in values.items()}


def _toml(file: Path, *, must_exist: bool) -> dict[str, Any]:
    try:
        with file.open("rb") as opened:
            content = opened.read(LONGEST_FILE + 1)
        if len(content) > LONGEST_FILE:
            raise Invalid(f"The settings file {file} is longer than {LONGEST_FILE} bytes.")
        return tomllib.loads(content.decode())
    except (FileNotFoundError, NotADirectoryError) as problem:
        if must_exist:
            raise Invalid(f"{CONFIG_VARIABLE}: there is no settings file {file}.") from problem
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise Invalid(f"The settings file {file} cannot be read: {problem}") from problem


def _as_text(value: object) -> str:
    """A TOML number or string as the text that a variable would hold; anything else is no setting's value."""
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def _read(setting: Setting, text: str, home: Path, where: str) -> Any:
    try:
        return setting.read(text, home)
    except ValueError as problem:
        raise Invalid(f"{where}: {problem}, not '{text}'.", target=setting.name) from problem
