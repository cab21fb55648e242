"""Snapshots of what others read: Graph's own JSON in files, and ScubaGear's export.

A file, or each file of a directory, holds one collection (`applications.json`, with a list, a page or pages;
`applications.ndjson`, with an object on a line) or, as members of one object, several. What a file is about is the end
of its name, or what the page says of itself.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Raw, Struct, field

from unsecret import __version__
from unsecret.errors import Invalid
from unsecret.model.identifiers import canonical_guid
from unsecret.model.snapshot import (
    APPLICATIONS,
    COLLECTIONS,
    CUSTOM_POLICIES,
    DEFAULT_POLICY,
    LONGEST_OBJECT,
    NOBODY,
    SERVICE_PRINCIPALS,
    Collected,
    Manifest,
)
from unsecret.operate.snapshots.tally import Seen, Tally
from unsecret.operate.snapshots.writing import write_snapshot
from unsecret.wire import scubagear
from unsecret.wire.powershell import as_graph, is_from_powershell, utf8

LARGEST_FILE = 1024 * 1024 * 1024
"""Bytes of a JSON file, which is held as it is."""

_BY_NAME: dict[str, str] = {name.lower(): name for name in (*COLLECTIONS, "policies")}
_JUDGED = {APPLICATIONS, SERVICE_PRINCIPALS, DEFAULT_POLICY, CUSTOM_POLICIES}
_SUFFIXES = (".json", ".ndjson", ".jsonl")
_ROLES = "appRoleAssignments"


def read_foreign(source: Path, path: Path) -> Manifest:
    """Make the snapshot `path` of the files in `source`. It is of the day on which the newest of them was written.

    Raises Invalid for files that cannot be understood, Unavailable when the snapshot cannot be written.
    """
    files = _files(source)
    with tempfile.TemporaryDirectory() as folder:
        reading = _Reading(Path(folder), source)
        for file in files:
            reading.file(file)
        manifest = reading.manifest(max(file.stat().st_mtime for file in files))
        write_snapshot(Path(folder), manifest, path)
    return manifest


def _files(source: Path) -> list[Path]:
    try:
        found = sorted(one for one in source.iterdir() if one.suffix in _SUFFIXES) if source.is_dir() else [source]
        if not found:
            raise Invalid(f"{source} holds no {', '.join(_SUFFIXES)} files.")
        for one in found:
            if one.stat().st_size > LARGEST_FILE and one.suffix == ".json":
                raise Invalid(f"{one} is larger than 1 GiB.", hint="Write an object on a line, as .ndjson.")
    except OSError as problem:
        raise Invalid(f"{source} cannot be read: {problem.strerror}.") from None
    return found


class _Reading:
    """The collections as they are found, written as they are read."""

    def __init__(self, folder: Path, source: Path):
        self._folder = folder
        self._source = source
        self._counts: dict[str, int] = {}
        self._known: dict[str, set[str]] = {}
        self._tally = Tally()
        self._roles_shown = False
        self._not_all: str | None = None
        self._ends: dict[str, set[bool]] = {}
        """Collection → of its lists and pages, whether one was the end, and whether one named a next page."""

    def file(self, file: Path) -> None:
        """Read one file. Raises Invalid with its name."""
        try:
            if file.suffix == ".json":
                self._json(file)
            else:
                self._write(_collection_of(file), map(msgspec.json.decode, _lines(file)))
        except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
            raise Invalid(f"{file} cannot be read: {problem}.") from None
        except Invalid as problem:
            raise Invalid(f"{file}: {problem.message}", hint=problem.hint) from None

    def _json(self, file: Path) -> None:
        content = utf8(file.read_bytes())
        if content.lstrip()[:1] != b"{":
            self._write_pages(_collection_of(file), Raw(content))
            return
        members = msgspec.json.decode(content, type=dict[str, Raw])
        if scubagear.is_scubagear(members):
            self._not_all = scubagear.NOT_ALL
            for collection, objects in scubagear.collections_of(msgspec.json.decode(content)).items():
                self._write(collection, objects)
        elif "value" in members:
            self._write_pages(_collection_of(file, members.get("@odata.context")), Raw(content))
        elif "id" in members or "Id" in members:
            self._write(_collection_of(file), [msgspec.json.decode(content)])
        else:
            self._members(members)

    def _members(self, members: Mapping[str, Raw]) -> None:
        """Several collections in one file."""
        if "policies" in members:
            self._members(msgspec.json.decode(members["policies"], type=dict[str, Raw]))
        found = {_BY_NAME[name.lower()]: raw for name, raw in members.items() if name.lower() in _BY_NAME}
        for collection, raw in found.items():
            if collection != "policies":
                self._write_pages(collection, raw)

    def _write_pages(self, collection: str, raw: Raw) -> None:
        self._write(collection, _elements(raw, self._ends.setdefault(collection, set())))

    def _write(self, collection: str, objects: Iterable[Any]) -> None:
        known = self._known.setdefault(collection, set())
        self._counts.setdefault(collection, 0)
        encoder = msgspec.json.Encoder()
        with (self._folder / f"{collection}.ndjson").open("ab") as opened:
            for number, one in enumerate(objects):
                body = as_graph(one) if is_from_powershell(one) else one
                if not isinstance(body, dict):
                    raise Invalid(f"{collection}[{number}] is no object.")
                identity = body.get("id")
                if isinstance(identity, str):
                    if identity.lower() in known:  # pages overlap where the tenant changed between them
                        continue
                    known.add(identity.lower())
                elif collection in (APPLICATIONS, SERVICE_PRINCIPALS):
                    raise Invalid(f"{collection}[{number}] has no id.")
                _forget_secrets(body)
                line = encoder.encode(body)
                opened.write(line + b"\n")
                self._count(collection, body, line)

    def _count(self, collection: str, body: dict[str, Any], line: bytes) -> None:
        self._counts[collection] += 1
        if collection in (APPLICATIONS, SERVICE_PRINCIPALS):
            self._tally.add(msgspec.json.decode(line, type=Seen))
            self._roles_shown |= _ROLES in body

    def manifest(self, written_at: float) -> Manifest:
        """What the snapshot says of itself. Raises Invalid when there is nothing in it that can be judged."""
        if not self._counts.keys() & _JUDGED:
            raise Invalid(f"{self._source} holds neither applications nor servicePrincipals nor policies.")
        never = f"it is not in {self._source.name}"
        collected = {
            name: Collected(count=self._counts.get(name, 0), missing=None if name in self._counts else never)
            for name in COLLECTIONS
        }
        if self._roles_shown:
            collected[_ROLES] = Collected(count=self._counts.get(_ROLES, 0))
        for name in (APPLICATIONS, SERVICE_PRINCIPALS) if self._not_all else ():
            collected[name] = Collected(count=self._counts.get(name, 0), missing=self._not_all)
        for name in self._cut_off():
            collected[name] = Collected(
                count=self._counts[name], missing=f"{self._source.name} ends where Graph named a next page"
            )
        organization = self._organization()
        return Manifest(
            software=__version__,
            taken_at=datetime.fromtimestamp(int(written_at), UTC),
            tenant_id=str(organization.get("id") or self._home() or NOBODY),
            display_name=organization.get("displayName"),
            source=self._source.name,
            collections=collected | self._tally.members(never=never),
        )

    def _cut_off(self) -> list[str]:
        """Collections whose pages all name a next one: whoever saved them did not follow the last `@odata.nextLink`."""
        return [name for name, ends in self._ends.items() if ends == {False}]

    def _organization(self) -> dict[str, Any]:
        return next((msgspec.json.decode(line) for line in self._lines("organization")), {})

    def _home(self) -> str | None:
        """The tenant, where no file names it: the one that owns the service principals of the applications that are
        registered here (https://learn.microsoft.com/graph/api/resources/serviceprincipal, appOwnerOrganizationId).
        None where they have several owners: the files are not of one tenant, and a plan would be for either."""
        decode = msgspec.json.Decoder(_Owned).decode
        registered = {_folded(decode(line).app_id) for line in self._lines(APPLICATIONS)} - {None}
        principals = map(decode, self._lines(SERVICE_PRINCIPALS))
        owners = {_folded(one.owner) for one in principals if one.owner and _folded(one.app_id) in registered}
        return owners.pop() if len(owners) == 1 else None

    def _lines(self, collection: str) -> Iterator[bytes]:
        file = self._folder / f"{collection}.ndjson"
        return _lines(file) if file.exists() else iter(())


class _Owned(Struct):
    app_id: Any = field(default=None, name="appId")
    owner: Any = field(default=None, name="appOwnerOrganizationId")


def _folded(value: Any) -> str | None:
    return canonical_guid(value) if isinstance(value, str) else None


def _forget_secrets(body: dict[str, Any]) -> None:
    """Graph shows the text of a secret once, to whoever added it; an answer that was saved then may still hold it."""
    passwords = body.get("passwordCredentials")
    for one in passwords if isinstance(passwords, list) else ():
        if isinstance(one, dict):
            one.pop("secretText", None)


def _collection_of(file: Path, context: Raw | None = None) -> str:
    """What a file is about: `contoso-applications.json`, or `…/$metadata#applications` in a page."""
    said = msgspec.json.decode(context) if context else ""
    of_page = said.rpartition("#")[2].split("(")[0].rpartition("/")[2].lower() if isinstance(said, str) else ""
    if of_page in _BY_NAME:
        return _BY_NAME[of_page]
    stem = file.stem.lower()
    found = [name for lower, name in _BY_NAME.items() if stem.endswith(lower) and name != "policies"]
    if not found:
        hint = f"Name it after what it holds: {', '.join(COLLECTIONS)}."
        raise Invalid("What it holds is not known.", hint=hint)
    return DEFAULT_POLICY if DEFAULT_POLICY in found else max(found, key=len)


def _lines(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        while line := opened.readline(LONGEST_OBJECT + 1):
            if len(line) > LONGEST_OBJECT:
                raise Invalid("It holds an object that is too long.")
            if line.strip():
                yield line


def _elements(raw: Raw, ends: set[bool]) -> Iterator[Any]:
    """The objects of a collection: a list, a page, a list of pages, or the one object itself. `ends` gets True for what
    is the end of the collection, False for a page that names a next one."""
    if bytes(memoryview(raw)[:64]).lstrip()[:1] != b"[":
        one = msgspec.json.decode(raw, type=dict[str, Raw])
        if "value" in one and "id" not in one:
            ends.add("@odata.nextLink" not in one)
            yield from _elements(one["value"], set())
        else:
            ends.add(True)
            yield msgspec.json.decode(raw)
        return
    items = msgspec.json.decode(raw, type=list[Raw])
    if not items:
        ends.add(True)
    for item in items:
        one = msgspec.json.decode(item)
        if isinstance(one, dict) and isinstance(one.get("value"), list) and "id" not in one:
            ends.add("@odata.nextLink" not in one)
            yield from one["value"]
        else:
            ends.add(True)
            yield one
