"""The one error tree. Everything that this software refuses, it refuses with one of these.

    UnsecretError
    ├── Invalid          400  the request cannot be understood or is not allowed as it stands
    ├── Unauthenticated  401  we do not know who is calling
    ├── Forbidden        403  we know who is calling, and they may not
    ├── PolicyDenied     400  the law refused; carries every reason
    ├── NotFound         404
    ├── MethodNotAllowed 405
    ├── Conflict         409  it exists already
    │   └── Taken        400  another object has the value of a property that has to be unique
    ├── Gone             410
    ├── TooLarge         413
    ├── UnsupportedMedia 415  the body is of a kind, or packed in a way, that is not read
    ├── FailedDependency 424  what it waited for failed; it was not tried itself
    ├── Throttled        429  carries `retry_after` in seconds, or None
    ├── Unsupported      501  Graph has it and this tenant does not; carries the page that says so
    ├── Unavailable      503  the disk is full, the store is locked: try again
    └── Unreachable           the operator could not reach the tenant at all

`code` is the word a client matches on (Graph's `error.code`, OAuth's `error`), `message` is for the
person, `hint` is the remedy. People who use `az` see nothing but `message`, so whoever raises says in
it what is wrong *and* what to do. `wire/problems.py` is the only place that turns these into bodies.
Messages quote what a client sent; what looks like a credential in them is blacked out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unsecret.model.redaction import redacted

if TYPE_CHECKING:
    from unsecret.model.verdict import Reason


class UnsecretError(Exception):
    """Base of all refusals; never raised itself."""

    default_code = "UnknownError"
    detail_code: str | None = None
    """What a body's `details` say instead of the code."""

    def __init__(self, message: str, *, code: str | None = None, hint: str | None = None, target: str | None = None):
        self.message = redacted(message)
        super().__init__(self.message)
        self.code = code or self.default_code
        self.hint = hint
        self.target = redacted(target) if target else target


class Invalid(UnsecretError):
    """The request is malformed, or asks for something that the contract forbids."""

    default_code = "Request_BadRequest"


class Unauthenticated(UnsecretError):
    """No credential, or one that proves nothing."""

    default_code = "InvalidAuthenticationToken"


class Forbidden(UnsecretError):
    """The caller is known and lacks the permission."""

    default_code = "Authorization_RequestDenied"


class PolicyDenied(UnsecretError):
    """An app management policy refused the change. `reasons` holds every one, the deciding one first."""

    default_code = "CredentialTypeNotAllowedAsPerAppPolicy"

    def __init__(self, reasons: tuple[Reason, ...]):
        super().__init__(reasons[0].message, code=reasons[0].code)
        self.reasons = reasons


class NotFound(UnsecretError):
    """No such object, or none that this caller can see."""

    default_code = "Request_ResourceNotFound"


class MethodNotAllowed(UnsecretError):
    """The resource exists; the verb does not."""

    default_code = "Request_BadRequest"


class Conflict(UnsecretError):
    """The value is taken."""

    default_code = "Request_MultipleObjectsWithSameKeyValue"


class Taken(Conflict):
    """Another object has the value of a property that has to be unique. Graph says so with 400, not with 409."""

    default_code = "Request_BadRequest"
    detail_code = "ObjectConflict"

    def __init__(self, property: str, value: str):
        super().__init__(
            f"Another object with the same value for property {property} already exists.",
            hint=f"Choose another value than '{value}', or change the object that has it.",
            target=property,
        )


class Gone(UnsecretError):
    """It was there and is not any more. `location` is where to go on, if anywhere."""

    default_code = "Request_ResourceGone"

    def __init__(
        self, message: str, *, code: str | None = None, target: str | None = None, location: str | None = None
    ):
        super().__init__(message, code=code, target=target)
        self.location = location


class TooLarge(UnsecretError):
    """The body is longer than we read."""

    default_code = "Request_EntityTooLarge"


class UnsupportedMedia(UnsecretError):
    """The body is of a kind, or packed in a way, that is not read."""

    default_code = "UnsupportedMediaType"


class FailedDependency(UnsecretError):
    """What it depends on failed; it was not tried itself."""

    default_code = "FailedDependency"


class Throttled(UnsecretError):
    """Too many requests; `retry_after` is in seconds, None when the client is not told how long."""

    default_code = "TooManyRequests"

    def __init__(self, message: str, *, retry_after: float | None, code: str | None = None):
        super().__init__(message, code=code)
        self.retry_after = retry_after


class Unsupported(UnsecretError):
    """Microsoft Graph has this; the local tenant does not. `hint` names the page that says so."""

    default_code = "NotImplemented"


class Unavailable(UnsecretError):
    """The tenant cannot answer now; nothing was changed."""

    default_code = "ServiceUnavailable"


class Unreachable(UnsecretError):
    """The operator could not reach the tenant."""

    default_code = "Unreachable"
