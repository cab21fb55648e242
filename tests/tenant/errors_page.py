"""Writes docs/reference/errors.md from what the code raises and from its tables of refusals.

`python -m tests.tenant.errors_page` writes the page; tests/tenant/test_errors_page.py fails when it is stale, and when
a code is raised that nothing here explains.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import unsecret
from unsecret import errors
from unsecret.errors import PolicyDenied, UnsecretError
from unsecret.rules.restrictions import RULES
from unsecret.wire.aadsts import REFUSALS
from unsecret.wire.problems import STATUS, UNKNOWN_CODE, UNKNOWN_STATUS

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "errors.md"
SOURCE = Path(unsecret.__file__).parent

ANSWERING = ("rules", "store", "tenant", "wire")
"""Where the tenant's answers come from."""

READING = ("wire/batches.py", "wire/policy_shapes.py", "wire/problems.py")
"""Read what somebody else answered: what they raise is said of that."""

CHANGING = ("operate/policies/change.py", "operate/graph/client.py", "operate/policies/entries.py")
"""Where what `block` and `allow` do can fail once they have begun."""

HEAD = """<!-- Written from the code by `python -m tests.tenant.errors_page`; edit that, or the code. -->

# Errors

Match on the status and on `code`: they stay. Messages are for people, say what to do, and may become clearer.

## Microsoft Graph

```json
{
  "error": {
    "code": "Request_BadRequest",
    "message": "Invalid value specified for property 'displayName'. Expected a string of 1 to 256 characters.",
    "details": [{"code": "Request_BadRequest", "message": "…", "target": "displayName"}],
    "innerError": {"date": "2026-11-22T07:00:00", "request-id": "…", "client-request-id": "…"}
  }
}
```

`details` is there when the error is about one property, and for a refusal by a policy, where it holds every reason.
`request-id` is in the tenant's log, and `client-request-id` the one that the client sent. These are all the codes that
the tenant answers, none of them for a change that is half-done.
"""

CODES = {
    (400, "Request_BadRequest"): (
        "The request cannot be understood, or asks for something that is not allowed as it stands.",
        "The message names the property and what is expected of it.",
    ),
    (400, "Request_UnsupportedQuery"): (
        "A filter, an order or a page that this collection is not asked for in Graph, or only as an advanced query.",
        "Where the message says so, add `$count=true` and the header `ConsistencyLevel: eventual`; else ask for less.",
    ),
    (400, "Request_MultipleObjectsWithSameKeyValue"): (
        "The object has an app management policy already; it has room for one.",
        "Take that one away first, or change it.",
    ),
    (400, "BadRequest"): (
        "`/me`, asked for by an application; a batch that is malformed as a whole.",
        "Ask for the service principal by its id; of the batch, the message says what is wrong.",
    ),
    (400, "HostNameNotOnVerifiedDomain"): (
        "An identifier URI with http or https whose host is no verified domain of the tenant.",
        "Use `api://{appId}`, or a verified domain.",
    ),
    (400, "KeyCredentialsInvalidEndDate"): (
        "A key that would be valid for longer than its certificate.",
        "Leave `endDateTime` out, or end with the certificate.",
    ),
    (400, "InvalidFederatedIdentityCredentialValue"): (
        "A federated identity credential that says what another one of the application says, or by neither or both of "
        "a subject and an expression whom it trusts, or an expression that cannot be.",
        "The message says which.",
    ),
    (400, "CannotUpdateLockedServicePrincipalProperty"): (
        "A credential or the encryption key of a service principal whose application has locked it.",
        "Change `servicePrincipalLockConfiguration` of the application, or put the credential on the application.",
    ),
    (400, "NoBackingApplicationObject"): (
        "A service principal for an application that this tenant does not have.",
        "Create the application first; other tenants' applications are not served.",
    ),
    (400, "DuplicateValue"): (
        "A collection has the same value twice, or two permissions share an id or a value.",
        "The message names the property.",
    ),
    (400, "IdentifierUrisEndsWithSlash"): (
        "An application ID URI that is `https://`, a host and a slash, and nothing else.",
        "Leave out the slash.",
    ),
    (400, "CannotDeleteOrUpdateEnabledEntitlement"): (
        "An app role or a scope that is enabled was to be removed.",
        "Disable it first (`isEnabled: false`), then remove it.",
    ),
    (401, "InvalidAuthenticationToken"): (
        "No token, or one that this tenant did not issue, that is for another resource, or that has expired.",
        "Get a new token for the scope `{graph}/.default`.",
    ),
    (401, "Authentication_MissingOrMalformed"): (
        "The proof of addKey or removeKey does not hold.",
        "The message says what is wrong. Sign anew with a certificate that the object has and that is valid.",
    ),
    (401, "Authorization_IdentityNotFound"): (
        "The caller's service principal was deleted after it got its token.",
        "Make one again, and sign in again.",
    ),
    (403, "Authorization_RequestDenied"): (
        "The caller is known and lacks the permission.",
        "The message names the permissions of which one is enough; grant it, and get a new token.",
    ),
    (404, "Request_ResourceNotFound"): ("There is no such object, or none any more.", "Look for it by its name."),
    (404, "ResourceNotFound"): ("A path outside `/v1.0` and `/beta` that nothing is at.", "See [served](served.md)."),
    (405, "Request_BadRequest"): ("The path is served, and not with this method.", "See [served](served.md)."),
    (409, "Request_MultipleObjectsWithSameKeyValue"): (
        "A link, an id or a domain that has to be unique is taken.",
        "The message says which; choose another.",
    ),
    (410, "resyncRequired"): (
        "A delta token that is seven days old, or of another collection or tenant.",
        "Read everything again: follow the address in the `Location` header.",
    ),
    (409, "ClockOnlyMovesForwards"): (
        "A tenant's clock was to be set back.",
        "Make a tenant that begins earlier: `unsecret up --data NEW --now INSTANT`.",
    ),
    (413, "Request_EntityTooLarge"): ("A body of more than 1 MiB.", "Send less at a time."),
    (415, "UnsupportedMediaType"): (
        "A body that its client has compressed.",
        "Send it as it is, without `Content-Encoding`.",
    ),
    (424, "FailedDependency"): (
        "In a batch: a request that this one depends on failed, so this one was not tried.",
        "See to the other one, and send both again.",
    ),
    (429, "TooManyRequests"): (
        "A tenant that was started with `--mischief`, and never without it: it was not carried out.",
        "Wait as many seconds as `Retry-After` says; without that, longer each time. Then send it again.",
    ),
    (UNKNOWN_STATUS, UNKNOWN_CODE): (
        "A failure that nobody foresaw.",
        "Look for the `request-id` in what `unsecret up` printed, and report it.",
    ),
    (501, "NotImplemented"): (
        "Microsoft Graph may have this, and this tenant does not.",
        "See [served](served.md) and [divergences](divergences.md).",
    ),
    (503, "ServiceUnavailable"): (
        "The directory cannot be read or written now: a full disk, another process at work. Nothing was changed.",
        "Do what the message says, and try again.",
    ),
}
"""Status and code → when, and what to do."""

COMMANDS = {
    "PolicyChangedMeanwhile": (
        "Somebody changed the policy between the question and the write. Nothing was written.",
        "Run the command again.",
    ),
    "ReadBackDiffers": (
        "The policy was written and does not read as planned.",
        "The message says what differs; look with `unsecret status`.",
    ),
    "UnexpectedAnswer": ("The answer is not what Graph would say, or leads elsewhere.", "See whom you speak to."),
    "Unreachable": (
        "No answer came. If a write was under way, whether it was made is not known.",
        "Look with `unsecret status`, then run the command again.",
    ),
}
"""Code → when, and what to do."""


def page() -> str:
    """The whole page."""
    return "\n".join(
        [
            HEAD,
            _table("status | code | when | what to do", [_graph_row(*key) for key in CODES]),
            POLICIES,
            _table("code | restrictions | in `details`", _policy_rows()),
            SIGN_IN,
            _table("number | `error` | status | says", _sign_in_rows()),
            COMMANDS_HEAD,
            _table("code | when | what to do", [f"`{code}` | {' | '.join(words)}" for code, words in COMMANDS.items()]),
        ]
    )


POLICIES = """## Refusals by an app management policy

All are 400. When each is given, in which words, and which comes first: [the law](../concepts/the-law.md). `details`
holds the reasons in order, each with its own message; where a code stands in the last column, `details` has that one
in its place, and the property as `target`.
"""

SIGN_IN = """## Sign-in

The token endpoints answer OAuth's errors with Entra's numbers. `error_description` begins with `AADSTS`, the number and
these words, and `error_codes` holds the number. MSAL keeps a 400 for a minute and gives it again without asking.
"""

COMMANDS_HEAD = """## Commands

Where `unsecret block` and `unsecret allow` fail with `-o json`, `error.code` is one of the above, or:
"""


def answered() -> set[tuple[int, str]]:
    """Status and code of everything that the tenant refuses with, but for policies and sign-in."""
    kinds = [kind for kind in STATUS if kind is not PolicyDenied]
    raised = {
        (STATUS[kind], code)
        for module in _modules(ANSWERING, besides=READING)
        for kind, code in _raised_in(module)
        if kind in kinds
    }
    return raised - _AT_START_ONLY | {(UNKNOWN_STATUS, UNKNOWN_CODE)}


_AT_START_ONLY = {(409, "PortInUse"), (409, "AlreadyRunning"), (400, "WrongPassphrase")}
"""`unsecret up` ends with these; nobody is answered."""


def failing() -> set[str]:
    """The codes of the commands' own, once they have begun to change something."""
    own = {code for module in _modules(("operate",)) if _path(module) in CHANGING for _, code in _raised_in(module)}
    return own - {code for _, code in CODES}


def _raised_in(module: ModuleType) -> Iterator[tuple[type[UnsecretError], str]]:
    """Every call of one of our errors in a module: its class, and the code that it is given."""
    for call in ast.walk(ast.parse(Path(module.__file__ or "").read_text())):
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name)):
            continue
        kind = getattr(errors, call.func.id, None)
        if isinstance(kind, type) and issubclass(kind, UnsecretError):
            code = next((word.value for word in call.keywords if word.arg == "code"), None)
            if (said := _code(code, kind, module)) is not None:
                yield kind, said


def _code(given: ast.expr | None, kind: type[UnsecretError], module: ModuleType) -> str | None:
    """The text of a code; None when it is handed on from another error, where it was found already."""
    if given is None:
        return kind.default_code
    if isinstance(given, ast.Constant):
        return str(given.value)
    if isinstance(given, ast.Name):
        return getattr(module, given.id)
    return None


def _modules(layers: tuple[str, ...], *, besides: tuple[str, ...] = ()) -> Iterator[ModuleType]:
    for file in sorted(SOURCE.rglob("*.py")):
        inside = file.relative_to(SOURCE)
        if inside.parts[0] in layers and "migrations" not in inside.parts and str(inside) not in besides:
            yield import_module(".".join(("unsecret", *inside.with_suffix("").parts)).removesuffix(".__init__"))


def _path(module: ModuleType) -> str:
    return str(Path(module.__file__ or "").relative_to(SOURCE))


def _graph_row(status: int, code: str) -> str:
    return f"{status} | `{code}` | {' | '.join(CODES[status, code])}"


def _policy_rows() -> list[str]:
    codes = dict.fromkeys((rule.code, rule.detail_code, rule.target) for rule in RULES)
    return [
        f"`{code}` | {', '.join(f'`{rule.kind}`' for rule in RULES if rule.code == code)} | {_detail(detail, target)}"
        for code, detail, target in codes
    ]


def _detail(code: str | None, target: str | None) -> str:
    return f"`{code}`, target `{target}`" if code else ""


def _sign_in_rows() -> list[str]:
    return [f"{number} | `{row.error}` | {row.status} | {_said(row.text)}" for number, row in REFUSALS.items()]


def _said(text: str) -> str:
    """What is filled in stands in italics; what is filled in only sometimes does not stand here."""
    return re.sub(r"\{(\w+)\}", r"*\1*", re.sub(r"\{(found|remedy)\}", "", text)).replace("|", "\\|")


def _table(head: str, rows: list[str]) -> str:
    columns = head.count("|") + 1
    return "\n".join(
        [f"| {head} |", f"|{' --- |' * columns}", *(f"| {row} |".replace("|  |", "| |") for row in rows), ""]
    )


if __name__ == "__main__":
    PAGE.write_text(page())
