"""Words that every verb uses for the same thing. docs/reference/words.md explains them to people."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from unsecret.rules.restriction_words import restriction_in_words

USE = {"used": "seen in use", "unused": "not seen", "unknown": "not known"}
"""Whether an application or a credential was seen signing in, by the word that JSON and `--use` have for it."""

TENANT_DEFAULT = "tenant default"
"""What the tenant's default policy is called where policies are named."""

CREDENTIALS = {
    "password": "secret",
    "certificate": "certificate",
    "symmetricKey": "symmetric key",
    "federated": "federated",
}
PURPOSES = {"signIn": "sign-in", "tokenSigning": "token signing", "tokenEncryption": "token encryption"}
STATES = {"live": "live", "expired": "expired", "notYet": "not yet valid"}
FACES = {"application": "app registration", "servicePrincipal": "service principal"}
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


def policy_in_words(name: str) -> str:
    """A policy in a sentence: `the tenant default`, `'Partners'`."""
    return f"the {name}" if name == TENANT_DEFAULT else f"'{name}'"


def first_of(words: str) -> str:
    """`Maria and 2 more` of a list with commas, for a screen."""
    name, *others = words.split(", ")
    return f"{name} and {len(others)} more" if others else name


def face_in_words(kind: str | None) -> str:
    """`app registration` or `service principal`; any other type of object as Graph calls it."""
    return FACES.get(kind or "", kind or "–")


def unknowns(not_known: Iterable[str]) -> Iterator[str]:
    """What could not be read, a line each; what has one reason in common shares a line."""
    said: dict[str, list[str]] = {}
    for sentence in not_known:
        found = _OF_A_COLLECTION.fullmatch(sentence)
        name, reason = found.groups() if found else (sentence, "")
        said.setdefault(reason or sentence, []).append(name)
    for reason, names in said.items():
        yield f"Not known – {reason}" if names == [reason] else f"Not known – {', '.join(names)}: {reason}"


def entry_in_words(what: str) -> str:
    """`applications: passwordAddition` with what people call it beside, for a screen."""
    kind = what.rpartition(": ")[2]
    words = restriction_in_words(kind)
    return what if words == kind else f"{what} ({words})"
