"""Removing one credential that was named: a client secret, or a certificate. Every other one stays.

Graph removes a secret by its keyId. A certificate it removes only by a PATCH that sends all the others
(https://learn.microsoft.com/en-us/graph/api/application-update), so what is sent is read again just before, refused
when it is not what was shown, and read back afterwards. Graph tells no versions of an application apart: what somebody
adds in the instant between that read and the write is lost to both, as with every tool that takes a certificate away.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from unsecret.errors import Conflict, NotFound
from unsecret.operate.graph.client import VISIBLE_PAUSES
from unsecret.operate.policies.change import Link
from unsecret.operate.policies.entries import KEYS, PASSWORDS, Json
from unsecret.operate.policies.targets import resolve
from unsecret.wire.instants import format_instant, parse_instant

if TYPE_CHECKING:
    from unsecret.operate.graph.client import GraphClient


class Removal(Struct, frozen=True, kw_only=True):
    """One credential that is to go, whose it is, and the ones of its kind that stay, as Graph showed them."""

    holder: Link
    group: str
    credential: Json
    staying: tuple[Json, ...]
    usable_left: int

    @property
    def key_id(self) -> str:
        """Its keyId."""
        return str(self.credential["keyId"])

    @property
    def words(self) -> str:
        """What is to go, for people."""
        kind = "client secret" if self.group == PASSWORDS else "certificate or key"
        name = self.credential.get("displayName")
        called = f" '{name}'" if name else ""
        return f"{kind}{called} of the {self.holder.words}, keyId {self.key_id}"

    def usable_until(self, now: datetime) -> datetime | None:
        """When it ends; None when it has ended already."""
        return _usable_until(self.credential, now)


def find_credential(client: GraphClient, app: str, key_id: str, *, now: datetime) -> Removal:
    """The credential `key_id` of the application `app`, on its registration or its service principal.

    Raises NotFound when there is no such application, or it holds no such credential.
    """
    for target in resolve(client, (app,)):
        for face in target.faces:
            if found := _look(client, face.link, key_id, now):
                return found
        raise NotFound(
            f"'{target.display_name}' holds no credential with the keyId {key_id}.",
            hint=f"Somebody may have removed it already; see what there is: unsecret apps show {shlex.quote(app)}",
        )
    raise NotFound("No application was named.")


def require_removable(removal: Removal, *, now: datetime, force: bool) -> None:
    """Raises Conflict for a credential that still signs in, unless it is to go all the same."""
    until = removal.usable_until(now)
    if until is None or force:
        return
    raise Conflict(
        f"The {removal.words} signs in until {format_instant(until)}; whoever uses it would be locked out.",
        code="CredentialIsUsable",
        hint="When its replacement has been seen signing in and this one no more, add --force.",
    )


def remove(
    client: GraphClient, removal: Removal, *, now: datetime, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Remove the credential, and see that it is gone and every other of its kind is there.

    Raises Conflict when the credentials changed since they were read (then nothing was written), or do not read as they
    should afterwards.
    """
    current = _look(client, removal.holder, removal.key_id, now)
    if current is None or (_ids(current.staying), current.usable_left) != (_ids(removal.staying), removal.usable_left):
        raise Conflict(
            f"Somebody changed the credentials of the {removal.holder.words} meanwhile; nothing was written.",
            code="CredentialsChangedMeanwhile",
            hint="Run the command again.",
        )
    path = f"v1.0/{removal.holder.collection}/{removal.holder.id}"
    if removal.group == PASSWORDS:
        client.send("POST", f"{path}/removePassword", body={"keyId": removal.key_id})
    else:
        client.send("PATCH", path, body={KEYS: [_sent(one) for one in current.staying]})
    _read_back(client, removal, sleep)


def _read_back(client: GraphClient, removal: Removal, sleep: Callable[[float], None]) -> None:
    for pause in (*VISIBLE_PAUSES, None):
        found = _ids(_held(_read(client, removal.holder), removal.group))
        if removal.key_id.lower() not in found and _ids(removal.staying) <= found:  # somebody may have added one
            return
        if pause is not None:
            sleep(pause)
    raise Conflict(
        f"The {removal.words} was removed, and the credentials of its kind do not read as they should.",
        code="ReadBackDiffers",
        hint=f"Look at them: unsecret graph GET /{removal.holder.collection}/{removal.holder.id}",
    )


def _look(client: GraphClient, holder: Link, key_id: str, now: datetime) -> Removal | None:
    body = _read(client, holder)
    for group in (PASSWORDS, KEYS):
        held = _held(body, group)
        for one in held:
            if str(one.get("keyId")).lower() == key_id.lower():
                others = [other for kind in (PASSWORDS, KEYS) for other in _held(body, kind) if other is not one]
                return Removal(
                    holder=holder,
                    group=group,
                    credential=one,
                    staying=tuple(other for other in held if other is not one),
                    usable_left=sum(_usable_until(other, now) is not None for other in others),
                )
    return None


def _read(client: GraphClient, holder: Link) -> Json:
    answer = client.get(f"v1.0/{holder.collection}/{holder.id}")
    return answer if isinstance(answer, dict) else {}


def _held(body: Json, group: str) -> list[Json]:
    return [one for one in body.get(group) or [] if isinstance(one, dict)]


def _ids(credentials: tuple[Json, ...] | list[Json]) -> set[str]:
    return {str(one.get("keyId")).lower() for one in credentials}


def _sent(key: Json) -> Json:
    """A key that stays, as it is sent: Graph knows it by its keyId, and its bytes are left out."""
    return {name: value for name, value in key.items() if name != "key" and "@" not in name}


def _usable_until(credential: Json, now: datetime) -> datetime | None:
    end = credential.get("endDateTime")
    at = parse_instant(end) if end else datetime.max.replace(tzinfo=now.tzinfo)
    return at if at > now else None
