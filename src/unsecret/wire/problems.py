"""Refusals and Graph's error bodies: the only table between the two.

https://learn.microsoft.com/en-us/graph/errors. A body is
`{"error": {"code", "message", "details"?, "innerError": {"date", "request-id", "client-request-id"}}}`.
People who use `az` or `m365` read nothing but the message, so a hint becomes its last sentence.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from unsecret.errors import (
    Conflict,
    FailedDependency,
    Forbidden,
    Gone,
    Invalid,
    MethodNotAllowed,
    NotFound,
    PolicyDenied,
    Taken,
    Throttled,
    TooLarge,
    Unauthenticated,
    Unavailable,
    Unreachable,
    UnsecretError,
    Unsupported,
    UnsupportedMedia,
)
from unsecret.model.redaction import redacted
from unsecret.model.verdict import Reason

STATUS: dict[type[UnsecretError], int] = {
    Invalid: 400,
    PolicyDenied: 400,
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    MethodNotAllowed: 405,
    Taken: 400,
    Conflict: 409,
    Gone: 410,
    TooLarge: 413,
    UnsupportedMedia: 415,
    FailedDependency: 424,
    Throttled: 429,
    Unsupported: 501,
    Unavailable: 503,
    Unreachable: 503,
}
"""The table. Where two classes have one status the first is meant, unless the code says the second."""

UNKNOWN_STATUS = 500
UNKNOWN_CODE = "InternalServerError"
POLICY_CODE = "AsPerAppPolicy"
"""How the code of every refusal by an app management policy ends."""

LIFETIME_DETAIL = {"InvalidKeyEndDate": "CredentialInvalidLifetimeAsPerAppPolicy"}
"""Detail code → the code it belongs to: a body has the code itself for the first reason only."""

DEFAULT_PAUSE = 10.0
LONGEST_PAUSE = 3600.0
"""Seconds. Several workloads of Graph throttle without Retry-After; none means a wait of days."""

_CLASS_OF = {status: kind for kind, status in reversed(STATUS.items())}
_ONLY_BY_CODE = {Unreachable.default_code: Unreachable}
_POLICY_ID = re.compile(r"policy '([^']{1,64})'")
_TITLE = re.compile(r"<title[^>]*>([^<]{1,200})", re.IGNORECASE)
_SHOWN = 200


def to_graph(
    error: UnsecretError, *, request_id: str, client_request_id: str, now: datetime
) -> tuple[int, dict[str, str], dict[str, Any]]:
    """Status, headers of its own, and body of a refusal."""
    inner = _inner(request_id, client_request_id, now)
    details = _details(error)
    body = {"code": error.code, "message": _words(error)} | ({"details": details} if details else {})
    return _status_of(error), _headers(error), {"error": body | {"innerError": inner}}


def unknown_to_graph(
    *, request_id: str, client_request_id: str, now: datetime
) -> tuple[int, dict[str, str], dict[str, Any]]:
    """The answer to a failure that nobody foresaw: what happened stays in the log, under the request id."""
    message = f"The service failed in a way it did not foresee. Its log says more under request-id {request_id}."
    inner = _inner(request_id, client_request_id, now)
    return UNKNOWN_STATUS, {}, {"error": {"code": UNKNOWN_CODE, "message": message, "innerError": inner}}


def from_graph(status: int, headers: Mapping[str, str], body: Any) -> UnsecretError:
    """The refusal that an answer stands for; never raises. `body` is decoded JSON, or text, or None.

    Bodies of Graph, of the token service and of proxies in between are understood. Other 4xx become Invalid
    and other statuses Unavailable; what no refusal says (the hint, a reason's restriction kind) is lost.
    """
    error = _error_member(body)
    kind = _class_of(status, error)
    code = _text(error.get("code")) or None
    message = _text(error.get("message")) or _said_otherwise(status, code, body)
    if kind is PolicyDenied:
        return PolicyDenied(_reasons(code or PolicyDenied.default_code, message, error))
    if kind is Throttled:
        pause = retry_after(headers)
        return Throttled(message, retry_after=DEFAULT_PAUSE if pause is None else pause, code=code)
    return kind(message, code=code, target=_target(error))


def retry_after(headers: Mapping[str, str], *, now: datetime | None = None) -> float | None:
    """The seconds that an answer asks to wait, within LONGEST_PAUSE; None when it does not say, or unreadably.

    A date is counted from the answer's own Date, or else from `now` (RFC 9110 §10.2.3).
    """
    named = {name.lower(): value for name, value in headers.items()}
    said = named.get("retry-after", "").strip()
    try:
        if said.isascii() and said[:1].isdigit():
            seconds = float(said)
        else:
            since = parsedate_to_datetime(named["date"]) if "date" in named else now
            seconds = (parsedate_to_datetime(said) - since).total_seconds() if since else None
    except (ValueError, TypeError):
        return None
    return None if seconds is None else min(max(seconds, 0.0), LONGEST_PAUSE)


def _status_of(error: UnsecretError) -> int:
    return next((status for kind, status in STATUS.items() if isinstance(error, kind)), UNKNOWN_STATUS)


def _words(error: UnsecretError) -> str:
    if not error.hint or error.hint in error.message:
        return error.message
    return f"{error.message} {error.hint}"


def _inner(request_id: str, client_request_id: str, now: datetime) -> dict[str, str]:
    """https://learn.microsoft.com/en-us/graph/json-batching shows the date without zone and fraction."""
    date = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return {"date": date, "request-id": request_id, "client-request-id": client_request_id}


def _headers(error: UnsecretError) -> dict[str, str]:
    if isinstance(error, Throttled) and error.retry_after is not None:
        return {"Retry-After": str(max(1, math.ceil(min(error.retry_after, LONGEST_PAUSE))))}
    if isinstance(error, Gone) and error.location:
        return {"Location": error.location}
    if isinstance(error, Unauthenticated):
        return {"WWW-Authenticate": 'Bearer realm=""'}  # RFC 9110 wants one with every 401
    return {}


def _details(error: UnsecretError) -> list[dict[str, Any]]:
    if isinstance(error, PolicyDenied):
        return [
            {"code": reason.detail_code or reason.code, "message": redacted(reason.message), "target": reason.target}
            for reason in error.reasons
        ]
    if error.target:
        return [{"code": error.detail_code or error.code, "message": error.message, "target": error.target}]
    return []


def _class_of(status: int, error: Mapping[str, Any]) -> type[Any]:
    code = _text(error.get("code"))
    kind = _CLASS_OF.get(status)
    if kind is Invalid and code.endswith(POLICY_CODE):
        return PolicyDenied
    if kind is Unavailable:
        return _ONLY_BY_CODE.get(code, Unavailable)
    if kind is None:
        return Invalid if 400 <= status < 500 else Unavailable
    return kind


def _error_member(body: Any) -> dict[str, Any]:
    """`{"code", "message", "details"}` of a Graph body, an OAuth body, or an OData 3 one; {} of anything else."""
    found = body.get("error", body.get("odata.error")) if isinstance(body, dict) else None
    if isinstance(found, str):
        return {"code": found, "message": body.get("error_description")}
    return found if isinstance(found, dict) else {}


def _text(value: Any) -> str:
    if isinstance(value, dict):  # OData 3: {"lang": "en", "value": "…"}
        value = value.get("value")
    return value if isinstance(value, str) else ""


def _said_otherwise(status: int, code: str | None, body: Any) -> str:
    """A message for an answer that has none, with the title of a proxy's page when there is one."""
    if code:
        return f"The tenant answered HTTP {status}, {code}, without an explanation."
    page = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    title = _TITLE.search(page) if isinstance(page, str) else None
    said = title[1] if title else page if isinstance(page, str) else ""
    words = " ".join(said.split())[:_SHOWN]
    return f"The answer is not Graph's: HTTP {status}" + (f", '{words}'." if words else " without an explanation.")


def _target(error: Mapping[str, Any]) -> str | None:
    return next((_text(item.get("target")) or None for item in _detail_list(error)), None)


def _detail_list(error: Mapping[str, Any]) -> list[dict[str, Any]]:
    details = error.get("details")
    return [item for item in details if isinstance(item, dict)] if isinstance(details, list) else []


def _reasons(code: str, message: str, error: Mapping[str, Any]) -> tuple[Reason, ...]:
    """Every reason, the deciding one first. A body does not say which restriction it was: `rule` is the code."""
    first, *rest = _detail_list(error) or [{}]
    return (
        _reason(code, message, first),
        *(_reason(_code_of(item), _text(item.get("message")), item) for item in rest),
    )


def _code_of(detail: Mapping[str, Any]) -> str:
    said = _text(detail.get("code"))
    return LIFETIME_DETAIL.get(said, said) or PolicyDenied.default_code


def _reason(code: str, message: str, detail: Mapping[str, Any]) -> Reason:
    policy = _POLICY_ID.search(message)
    detail_code = _text(detail.get("code"))
    return Reason(
        rule=code,
        code=code,
        message=message,
        policy_id=policy[1] if policy else None,
        detail_code=detail_code if detail_code and detail_code != code else None,
        target=_text(detail.get("target")) or None,
    )
