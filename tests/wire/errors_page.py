"""Writes docs/reference/errors.md from the tables of errors, so that every code that is answered can be looked up.

`python -m tests.wire.errors_page` writes the page; tests/wire/test_errors_page.py fails when it is stale.
"""

from __future__ import annotations

import re
from pathlib import Path

from unsecret.rules import restrictions
from unsecret.wire.aadsts import REFUSALS
from unsecret.wire.problems import STATUS, UNKNOWN_CODE, UNKNOWN_STATUS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "errors.md"
SOURCE = ROOT / "src" / "unsecret"

PARTICULAR = {
    "AlreadyRunning": "`up`: a server runs on this data directory already",
    "Authorization_IdentityNotFound": "the service principal that the token was issued to is deleted",
    "BadRequest": "`/me` with an application's token",
    "CannotDeleteOrUpdateEnabledEntitlement": "an app role or scope was removed while enabled",
    "HostNameNotOnVerifiedDomain": "an http(s) identifier URI that is not on a verified domain of the tenant",
    "KeyCredentialsInvalidEndDate": "a key that would outlive its certificate",
    "NoBackingApplicationObject": "a service principal for an appId that this tenant does not have",
    "NoTenant": "a command found no running tenant",
    "PolicyChangedMeanwhile": "`block`, `allow`: somebody else changed the policy in between; nothing was written",
    "PolicyIsShared": "`block --app`, `allow --app`: the application's custom policy binds others too",
    "PortInUse": "`up`: somebody listens on this port",
    "ReadBackDiffers": "`block`, `allow`: what was read back is not what was written",
    "Request_MultipleObjectsWithSameKeyValue": "the value is taken; or, with status 400, an object has its policy",
    "Request_UnsupportedQuery": "a question that Graph does not answer, or only as an advanced query",
    "ResourceNotFound": "an address outside everything that is served",
    "UnexpectedAnswer": "a command got an answer that is not Graph's",
}
"""Codes besides those that every class of error has anyway."""

HEAD = """<!-- Written from the code by `make docs`; edit that, or the code. -->

# Errors

Graph answers `{"error": {"code", "message", "details"?, "innerError"}}`. `code` is for programs, `message` says what is
wrong and what to do, `details` lists every reason of a policy's refusal, and `innerError` has the ids by which the
request is found in the log. The token endpoint answers OAuth's `error` and `error_description` with an AADSTS number.
A command prints the message on standard error and ends with exit code 1.
"""


def page() -> str:
    """The whole page."""
    kinds = [
        f"| {status} | `{kind.default_code}` | {_first_sentence(kind.__doc__)} |"
        for kind, status in STATUS.items()
        if not kind.default_code.endswith("AsPerAppPolicy")
    ]
    kinds.append(
        f"| {UNKNOWN_STATUS} | `{UNKNOWN_CODE}` | Something that nobody foresaw; the log has the request's id. |"
    )
    return "\n".join(
        [
            HEAD,
            "## By status\n",
            *_table(("status", "code", "meaning"), kinds),
            "## Particular codes\n",
            *_table(("code", "when"), [f"| `{code}` | {when} |" for code, when in sorted(PARTICULAR.items())]),
            "## Refused by an app management policy\n",
            "Always status 400. Which restriction answers what, in which words: [the law](../concepts/the-law.md).\n",
            *_table(("code",), [f"| `{code}` |" for code in policy_codes()]),
            "## The token endpoint\n",
            *_table(("number", "status", "error", "text"), [_refusal(number) for number in sorted(REFUSALS)]),
        ]
    )


def policy_codes() -> list[str]:
    """The codes of the law."""
    return sorted({value for value in vars(restrictions).values() if str(value).endswith("AsPerAppPolicy")})


def codes_in_source() -> set[str]:
    """Every code that is written out where an error is raised."""
    return {code for file in SOURCE.rglob("*.py") for code in re.findall(r'\bcode="([A-Za-z_]+)"', file.read_text())}


def _refusal(number: int) -> str:
    row = REFUSALS[number]
    text = re.sub(r"\s+", " ", re.sub(r"\{(\w+)\}", r"‹\1›", row.text)).replace("|", "\\|")
    return f"| {number} | {row.status} | `{row.error}` | {text} |"


def _table(head: tuple[str, ...], rows: list[str]) -> list[str]:
    return [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}", *rows, ""]


def _first_sentence(text: str | None) -> str:
    return " ".join((text or "").strip().split("\n\n")[0].split())


if __name__ == "__main__":
    PAGE.write_text(page())
