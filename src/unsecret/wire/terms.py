"""The term of an exemption, where the tenant itself keeps it.

Of an application: in the description of the custom policy that frees it. Of a caller: in the value of the custom
security attribute by which policies know them. Nothing else has to be remembered anywhere.
"""

from __future__ import annotations

import re
from datetime import date

from msgspec import Struct

from unsecret.errors import Invalid
from unsecret.model.policy import GROUP_OF

LONGEST_REASON = 200
"""Characters of an application's reason; a description of Graph's holds more."""

LONGEST_CALLERS_REASON = 64
"""Characters of a custom security attribute's value.
https://learn.microsoft.com/en-us/entra/fundamentals/custom-security-attributes-overview"""

ATTRIBUTE_SET, UNTIL, REASON = "unsecret", "exemptUntil", "exemptReason"
CALLERS_ATTRIBUTE = f"{ATTRIBUTE_SET}_{UNTIL}"
"""How `excludeActors` names the attribute."""


class Term(Struct, frozen=True, kw_only=True):
    """Until which day something is exempt (that day included), and why. `lifted` are the kinds of restrictions that
    were lifted, `enabled_before` those among them that the policy itself had enabled."""

    until: date
    reason: str
    lifted: tuple[str, ...]
    enabled_before: tuple[str, ...] = ()


_KINDS = {str(kind) for kind in GROUP_OF}

_TERM = re.compile(
    r"\s*\[Exempt until (?P<until>\d{4}-\d\d-\d\d): (?P<reason>[^\[\]]*)\. Lifted: (?P<lifted>\w+(?:, \w+)*)\."
    r"(?: Enabled before: (?P<before>\w+(?:, \w+)*)\.)?\]"
)


def term_in(description: str | None) -> Term | None:
    """The term that a policy's description holds; None when it holds none, or none that can be read."""
    found = _TERM.search(description or "")
    if found is None:
        return None
    try:
        until = date.fromisoformat(found["until"])
    except ValueError:
        return None
    lifted = tuple(found["lifted"].split(", "))
    before = tuple((found["before"] or "").split(", ")) if found["before"] else ()
    if not {*lifted, *before} <= _KINDS:  # somebody else's words: nothing is given back by them
        return None
    return Term(until=until, reason=found["reason"], lifted=lifted, enabled_before=before)


def with_term(description: str | None, term: Term) -> str:
    """`description` with this term in place of any other."""
    before = f" Enabled before: {', '.join(term.enabled_before)}." if term.enabled_before else ""
    said = f"[Exempt until {term.until.isoformat()}: {term.reason}. Lifted: {', '.join(term.lifted)}.{before}]"
    return f"{without_term(description)} {said}".strip()


def without_term(description: str | None) -> str:
    """`description` as it was before there was a term in it."""
    return _TERM.sub("", description or "").strip()


def require_reason(text: str, *, longest: int) -> str:
    """A reason that can be kept. Raises Invalid."""
    reason = " ".join(text.split()).rstrip(".")
    if not reason:
        raise Invalid("An exemption needs a reason: say with --reason why it is there, for whoever finds it.")
    if len(reason) > longest:
        raise Invalid(f"The reason is {len(reason)} characters long; {longest} can be kept.")
    if not re.fullmatch(r"[^\[\]\x00-\x1f]*", reason):
        raise Invalid("The reason cannot hold square brackets or control characters.")
    return reason
