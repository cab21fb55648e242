"""Which applications of an inventory are asked for, and in which order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import Struct

from unsecret.operate.applications.inventory import Application, Origin, by_risk
from unsecret.rules.patterns import matches
from unsecret.rules.risk import Level

HOLDINGS: dict[str, Callable[[Application], bool]] = {
    "secrets": lambda found: found.secrets.live > 0,
    "expired": lambda found: found.secrets.expired + found.certificates.expired > 0,
    "certificates": lambda found: found.certificates.live > 0,
    "federated": lambda found: found.federated > 0,
    "nothing": lambda found: not (found.secrets.live or found.certificates.live or found.federated),
}
"""`--with WORD` → whether an application has that."""

_NEVER = datetime(9999, 12, 31, tzinfo=UTC)
_BEFORE_ALL = datetime(1, 1, 1, tzinfo=UTC)


def _by_end(found: Application) -> Any:
    ends = [held.next_end_at for held in (found.secrets, found.certificates) if held.next_end_at]
    return min(ends, default=_NEVER)


ORDERS: dict[str, Callable[[Application], Any]] = {
    "risk": by_risk,
    "name": lambda found: (found.display_name.lower(), found.app_id),
    "expiry": lambda found: (_by_end(found), by_risk(found)),
    "age": lambda found: (found.created_at or _NEVER, by_risk(found)),
    "use": lambda found: (found.last_sign_in_at or _BEFORE_ALL, by_risk(found)),
}
"""`--sort WORD` → the key to sort by. `use` begins with those that were not seen for the longest time."""

_RANK: dict[str, int] = {level: rank for rank, level in enumerate((Level.NONE, Level.LOW, Level.MEDIUM, Level.HIGH))}


class Wanted(Struct, frozen=True, kw_only=True):
    """What is asked for; everything at once has to hold. `origins` empty means whatever people answer for: not
    Microsoft's own applications and managed identities, unless they hold a secret."""

    name: str | None = None
    risk: str | None = None
    holding: tuple[str, ...] = ()
    use: str | None = None
    owner: str | None = None
    is_ownerless: bool = False
    expires_within: timedelta | None = None
    origins: tuple[str, ...] = ()

    def holds(self, found: Application, *, now: datetime) -> bool:
        """Whether `found` is asked for."""
        return all(
            (
                self._is_of_an_origin(found),
                self.name is None or any(matches(self.name, one) for one in (found.display_name, found.app_id)),
                self.risk is None or _RANK[found.risk] >= _RANK[self.risk],
                all(HOLDINGS[word](found) for word in self.holding),
                self.use is None or found.use == self.use,
                self.owner is None or any(matches(self.owner, owner) for owner in found.owners or ()),
                not self.is_ownerless or found.owners == (),
                self.expires_within is None or self._ends_soon(found, now),
            )
        )

    def _is_of_an_origin(self, found: Application) -> bool:
        if self.origins:
            return found.origin in self.origins
        looks_after_itself = found.origin in (Origin.MICROSOFT, Origin.MANAGED_IDENTITY)
        return not looks_after_itself or found.secrets.live + found.secrets.expired > 0

    def _ends_soon(self, found: Application, now: datetime) -> bool:
        ends = (found.secrets.next_end_at, found.certificates.next_end_at)
        return any(end is not None and end <= now + (self.expires_within or timedelta()) for end in ends)
