"""Which application is meant: by object id, appId or exact display name; never by guess.

An application has two faces in a tenant, the app registration and the service principal, and a secret can be
put on either. A custom policy binds only what it is linked to, so both are found here.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from unsecret.errors import Invalid, NotFound, UnsecretError
from unsecret.model.application import FACES
from unsecret.model.identifiers import canonical_guid
from unsecret.operate.policies.change import Link
from unsecret.wire.instants import parse_instant

if TYPE_CHECKING:
    from unsecret.operate.graph.client import GraphClient

KINDS = {f"{kind}s": words for kind, words in FACES.items()}
"""The two collections that a custom policy can be linked to, and what is in them, in words."""

_SELECT = "$select=id,appId,displayName,createdDateTime"


class Face(Struct, frozen=True):
    """An app registration or a service principal. `created_at` is None when Graph does not say."""

    link: Link
    app_id: str
    display_name: str
    created_at: datetime | None


class Target(Struct, frozen=True):
    """One application with the faces that it has in this tenant: one or two."""

    app_id: str
    display_name: str
    faces: tuple[Face, ...]


def resolve(client: GraphClient, asked: Iterable[str]) -> tuple[Target, ...]:
    """The applications that `asked` names, each once, in order.

    Raises NotFound for one that is not there, Invalid for a name that several have, listing them.
    """
    found = {target.app_id: target for text in asked if (target := _resolve(client, text))}
    return tuple(found.values())


def _resolve(client: GraphClient, text: str) -> Target:
    if not text.strip():
        raise NotFound("No application has an empty name.", hint="Name it by its object id, appId or display name.")
    app_id = _app_id_of_guid(client, text) if canonical_guid(text) else _app_id_of_name(client, text)
    faces = tuple(
        _face(collection, one)
        for collection in KINDS
        if (one := _optional(client, f"v1.0/{collection}(appId='{app_id}')?{_SELECT}"))
    )
    return Target(app_id, faces[0].display_name, faces)


def _app_id_of_guid(client: GraphClient, text: str) -> str:
    guid = canonical_guid(text)
    places = [f"{collection}{key}" for collection in KINDS for key in (f"(appId='{guid}')", f"/{guid}")]
    for place in places:
        if one := _optional(client, f"v1.0/{place}?{_SELECT}"):
            return str(one["appId"])
    raise NotFound(f"There is no application with the object id or appId {text} in this tenant.")


def _app_id_of_name(client: GraphClient, text: str) -> str:
    quoted = _literal(text)
    found = [
        _face(collection, one)
        for collection in KINDS
        for one in client.pages(f"v1.0/{collection}?$filter=displayName%20eq%20{quoted}&{_SELECT}")
    ]
    app_ids = {face.app_id for face in found}
    if not found:
        raise NotFound(
            f"There is no application with the name '{text}' in this tenant; the whole name is needed.",
            hint=_meant(client, text) + "An object id or appId is taken, too; `unsecret apps list` shows them.",
        )
    if len(app_ids) > 1:
        listed = "; ".join(f"{face.link.words}, appId {face.app_id}, object id {face.link.id}" for face in found)
        raise Invalid(
            f"Several applications are named '{text}': {listed}.", hint="Name the one that you mean by its appId."
        )
    return found[0].app_id


def _meant(client: GraphClient, text: str) -> str:
    """A sentence with names that begin so; empty where there is none, or where that cannot be asked."""
    quoted = _literal(text)
    try:
        pages = client.pages(f"v1.0/applications?$filter=startswith(displayName,{quoted})&$select=displayName&$top=3")
        found = list(islice(pages, 3))
    except UnsecretError:
        return ""
    names = ", ".join(f"'{one.get('displayName')}'" for one in found)
    return f"Did you mean {names}? " if names else ""


def _face(collection: str, one: dict[str, Any]) -> Face:
    name, at = str(one.get("displayName")), one.get("createdDateTime")
    link = Link(collection, str(one["id"]), f"{KINDS[collection]} '{name}'")
    return Face(link, str(one["appId"]), name, parse_instant(at) if at else None)


def _optional(client: GraphClient, path: str) -> dict[str, Any] | None:
    try:
        answer = client.get(path)
    except NotFound:
        return None
    return answer if isinstance(answer, dict) and answer.get("appId") else None


def _literal(text: str) -> str:
    """A string as a filter in a URL holds it."""
    from urllib.parse import quote

    return quote("'" + text.replace("'", "''") + "'", safe="'")
