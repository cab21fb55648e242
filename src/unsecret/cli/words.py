"""Words that every verb uses for the same thing. docs/reference/words.md explains them to people."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from unsecret.model.application import FACES, ObjectKind
from unsecret.rules.restriction_words import restriction_in_words

USE = {"used": "seen in use", "unused": "not seen", "unknown": "not known"}
"""Whether an application or a credential was seen signing in, by the word that JSON and `--use` have for it."""

CREDENTIALS = {
    "password": "secret",
    "certificate": "certificate",
    "symmetricKey": "symmetric key",
    "federated": "federated",
}
PURPOSES = {"signIn": "sign-in", "tokenSigning": "token signing", "tokenEncryption": "token encryption"}
STATES = {"live": "live", "expired": "expired", "notYet": "not yet valid"}
ORIGINS = {
    "own": "this organisation's own",
    "foreign": "another organisation's",
    "microsoft": "Microsoft's",
    "managedIdentity": "a managed identity",
}


_OF_A_COLLECTION = re.compile(r"(\w+): (.*)", re.DOTALL)


def counted(number: int, one: str, many: str = "") -> str:
    """`1 application`, `2 applications`."""
    return f"{number} {one if number == 1 else many or f'{one}s'}"


def policy_in_words(name: str, *, is_custom: bool) -> str:
    """A policy in a sentence: `the tenant default`, `'Partners'`."""
    return f"'{name}'" if is_custom else f"the {name}"


def owners_in_words(owners: Sequence[str] | None, *, briefly: bool = False) -> str:
    """Who they are; for a screen the first of them (`Maria and 2 more`)."""
    if owners is None:
        return "not known"
    if briefly and len(owners) > 1:
        return f"{owners[0]} and {len(owners) - 1} more"
    return ", ".join(owners) or "nobody"


def face_in_words(kind: str | None) -> str:
    """`app registration` or `service principal`; any other type of object as Graph calls it."""
    return FACES[ObjectKind(kind)] if kind in FACES else kind or "–"


def unknowns(not_known: Iterable[str]) -> Iterator[str]:
    """What could not be read, a line each; what has one reason in common shares a line."""
    said: dict[str, list[str]] = {}
    for sentence in not_known:
        found = _OF_A_COLLECTION.fullmatch(sentence)
        name, reason = found.groups() if found else (sentence, "")
        said.setdefault(reason or sentence, []).append(name)
    for reason, names in said.items():
        yield f"Not known – {reason}" if names == [reason] else f"Not known – {', '.join(names)}: {reason}"


def entry_in_words(what: str, kind: str | None) -> str:
    """What stands for an entry of this kind, such as `applications: passwordAddition`, with what people call it beside,
    for a screen."""
    words = restriction_in_words(kind) if kind else None
    return what if words in (None, kind) else f"{what} ({words})"
