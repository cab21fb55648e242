"""Does a policy still have the shape that the Entra admin center can edit?

The portal shows several entries as one setting and locks the setting when they are not equal: "The restriction
have been modified outside of this interface. To prevent data loss, editing is disabled until restrictions are
synchronized." https://learn.microsoft.com/en-us/entra/identity/enterprise-apps/configure-app-management-policies
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from unsecret.operate.policies.entries import (
    APPLICATIONS,
    GOVERNED,
    KEYS,
    PASSWORDS,
    SERVICE_PRINCIPALS,
    Json,
    collection_of,
    entry_of,
    in_words,
    is_enabled,
)

SETTINGS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("Block password addition", PASSWORDS, ("passwordAddition", "symmetricKeyAddition")),
    ("Restrict max password lifetime", PASSWORDS, ("passwordLifetime", "symmetricKeyLifetime")),
    ("Restrict max certificate lifetime", KEYS, ("asymmetricKeyLifetime",)),
)
"""The portal's label, the collection, and the kinds that it keeps equal in both sections."""


class Divergence(Struct, frozen=True):
    """A setting that the portal will not edit: its label, the kinds it keeps equal, and their entries, each with whom
    it binds and its kind. `sentence` says why, for people."""

    label: str
    kinds: tuple[str, ...]
    entries: tuple[tuple[tuple[str, str], Json | None], ...]
    sentence: str


def divergences(policy: Json) -> tuple[str, ...]:
    """One sentence for each setting that the portal will not edit; none when all is well."""
    return tuple(one.sentence for one in diverging(policy))


def diverging(policy: Json) -> Iterator[Divergence]:
    """Each setting that the portal will not edit.

    A setting that is on nowhere is left alone: whether the portal minds how it is off is not documented.
    """
    for label, group, kinds in SETTINGS:
        entries = {
            (GOVERNED[section], kind): entry_of(collection_of(policy, section, group), kind)
            for section in (APPLICATIONS, SERVICE_PRINCIPALS)
            for kind in kinds
        }
        said = {place: in_words(entry) for place, entry in entries.items()}
        if len(set(said.values())) > 1 and any(entry and is_enabled(entry) for entry in entries.values()):
            listed = "; ".join(f"{whom}: {kind} {words}" for (whom, kind), words in said.items())
            sentence = f"The Entra portal will not edit “{label}” while its {len(entries)} entries differ ({listed})."
            yield Divergence(label, kinds, tuple(entries.items()), sentence)
