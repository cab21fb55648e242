"""An export on disk: one JSON file, a directory with a file for each collection, or a snapshot.

    {"unsecret": "export/1", "organization": …, "applications": […], "servicePrincipals": […], "policies": {…}, …}

Collections go by Graph's names. Each is a list of objects, a page `{"value": […]}`, or a list of such pages. Of a file
nothing is decoded but where each object begins and ends, so that a tenant with a hundred thousand applications takes
the room of its file and no more. Of a snapshot one object at a time is unpacked.
"""

from __future__ import annotations

import mmap
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec
from msgspec import Raw, Struct

from unsecret.errors import Invalid
from unsecret.model import snapshot, snapshot_layout

LAYOUT = "export/1"
COLLECTIONS = (
    "organization",
    "attributeSets",
    "customSecurityAttributeDefinitions",
    "users",
    "applications",
    "servicePrincipals",
    "certificateBasedApplicationConfigurations",
    "defaultAppManagementPolicy",
    "appManagementPolicies",
    "appRoleAssignments",
    "oauth2PermissionGrants",
    "roleAssignments",
)
_POLICIES = "policies"
_LAYOUT_MEMBER = "unsecret"

_ZIP = b"PK\x03\x04"
"""How a zip file begins (APPNOTE.TXT, 4.3.7)."""

_BROKEN = (OSError, EOFError, NotImplementedError, RuntimeError, zipfile.BadZipFile, zlib.error)
"""What reading a zip file can fail with: it may be encrypted, or packed in a way that this Python does not know."""


class Export(Struct, frozen=True):
    """What was found: collection → its objects, each as JSON that nobody has read yet."""

    collections: Mapping[str, Iterable[Raw]]
    unknown: tuple[str, ...]

    def objects(self, collection: str) -> Iterator[tuple[str, Any]]:
        """The objects of a collection, each with what to call it in an error. Raises Invalid for what is no JSON."""
        for index, raw in enumerate(self.collections.get(collection, ())):
            where = f"{collection}[{index}]"
            yield where, _decoded(raw, Any, where)


def read_export(path: Path) -> Export:
    """The export in a file or a directory. Raises Invalid when it is not there, no JSON or not an export. A snapshot is
    read again for every look at a collection; what is broken in it is told then."""
    try:
        if path.is_file() and (zipfile.is_zipfile(path) or _begins_like_a_zip(path)):
            return _snapshot(path)
        members = _directory(path) if path.is_dir() else _file(path)
    except OSError as problem:
        raise Invalid(f"{path} cannot be read: {problem.strerror}.") from None
    members |= _objects_of(members.pop(_POLICIES, None), path)
    layout = members.pop(_LAYOUT_MEMBER, None)
    if layout is not None and msgspec.json.decode(layout) != LAYOUT:
        raise Invalid(f"{path} is written in another layout; this software reads '{LAYOUT}'.")
    known = {name: _elements(raw, f"{name} in {path}") for name, raw in members.items() if name in COLLECTIONS}
    if "applications" not in known and "servicePrincipals" not in known:
        raise Invalid(f"{path} is no export of a tenant: it has neither applications nor servicePrincipals.")
    return Export(known, tuple(sorted(members.keys() - known.keys())))


class _Layout(Struct):
    layout: str


class _Lines(Struct, frozen=True):
    """A collection of a snapshot; unpacked anew for everybody who looks at it."""

    path: Path
    member: str

    def __iter__(self) -> Iterator[Raw]:
        try:
            with zipfile.ZipFile(self.path) as packed, packed.open(self.member) as lines:
                while line := lines.readline(snapshot.LONGEST_OBJECT + 1):
                    if len(line) > snapshot.LONGEST_OBJECT:
                        raise Invalid(f"{self.member} in {self.path} holds an object that is too long.")
                    if line.strip():
                        yield Raw(line)
        except _BROKEN as problem:
            raise Invalid(f"{self.member} in {self.path} cannot be read: {problem}.") from None


def _snapshot(path: Path) -> Export:
    try:
        with zipfile.ZipFile(path) as packed:
            layout = msgspec.json.decode(packed.read(snapshot_layout.MANIFEST), type=_Layout).layout
            files = {
                PurePosixPath(one.filename).stem: one.filename
                for one in packed.infolist()
                if one.filename.startswith(f"{snapshot.GRAPH}/") and one.file_size
            }
    except (KeyError, msgspec.DecodeError, UnicodeDecodeError, RecursionError, *_BROKEN):
        if not zipfile.is_zipfile(path):  # the list of what is in it stands at the end
            raise Invalid(
                f"{path} is a zip file that is cut off: its end is missing.",
                hint="Copy it again, or take another snapshot: unsecret snapshot FILE",
            ) from None
        raise Invalid(f"{path} is a zip file, but no snapshot.", hint="Take one: unsecret snapshot FILE") from None
    if layout != snapshot_layout.LAYOUT:
        raise Invalid(f"{path} is laid out as '{layout}'; this software reads '{snapshot_layout.LAYOUT}'.")
    known = {name: _Lines(path, member) for name, member in files.items() if name in COLLECTIONS}
    return Export(known, tuple(sorted(files.keys() - known.keys())))


def _begins_like_a_zip(path: Path) -> bool:
    with path.open("rb") as opened:
        return opened.read(len(_ZIP)) == _ZIP


def _directory(path: Path) -> dict[str, Raw]:
    return {file.stem: Raw(_content(file)) for file in sorted(path.glob("*.json"))}


def _file(path: Path) -> dict[str, Raw]:
    return _decoded(_content(path), dict[str, Raw], str(path))


def _content(file: Path) -> Any:
    """The file, mapped: its pages are read when they are needed, and given up when they are not."""
    with file.open("rb") as opened:
        if not file.stat().st_size:
            return b""
        return memoryview(mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ))


def _objects_of(raw: Raw | None, path: Path) -> dict[str, Raw]:
    return {} if raw is None else _decoded(raw, dict[str, Raw], f"policies in {path}")


def _elements(raw: Raw, where: str) -> tuple[Raw, ...]:
    """The objects of a collection, however it is written."""
    if bytes(memoryview(raw)[:64]).lstrip()[:1] != b"[":
        page = _decoded(raw, dict[str, Raw], where)
        return _elements(page["value"], where) if "value" in page else (raw,)
    items = _decoded(raw, list[Raw], where)
    if not items or not _is_page(items[0]):
        return tuple(items)
    return tuple(item for page in items for item in _elements(page, where))


def _is_page(raw: Raw) -> bool:
    try:
        page = msgspec.json.decode(raw, type=dict[str, Raw])
    except msgspec.DecodeError:
        return False
    return "value" in page and "id" not in page


def _decoded(content: Any, kind: Any, where: str) -> Any:
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as broken:
        raise Invalid(f"{where} cannot be read: {broken}.") from None
