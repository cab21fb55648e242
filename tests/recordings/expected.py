"""Where this tenant answers otherwise than the recorded service, one line each with the reason.

`NOT_SERVED` are operations that are missing as a whole: take the line out once the operation is served, and its
recorded exchanges are compared like all others. `EXPLAINED` are single differences in answers that are served; a line
there that explains nothing any more fails the tests.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.recordings.cassettes import Exchange
from tests.recordings.comparison import ABSENT, Difference
from unsecret.tenant.bootstrap import MICROSOFT_TENANT_ID

ANY = object()
"""Any value at all."""

NOT_YET = "not served yet"
NOBODY = "the replay signs in as an application, and an application is nobody's me"


@dataclass(frozen=True)
class NotServed:
    """Operations that this tenant answers with `status` and an error. `path` is a pattern of the path below the
    version; `example` is one such path, where {id} is the id of an application that is there."""

    methods: str
    path: str
    example: str
    reason: str = NOT_YET
    status: int = 501

    def means(self, exchange: Exchange) -> bool:
        return exchange.method in self.methods.split() and bool(re.fullmatch(self.path, exchange.path, re.IGNORECASE))


NOT_SERVED = (
    NotServed("GET POST", "/groups", "/groups"),
    NotServed("GET POST PATCH DELETE", "/groups/.+", "/groups/{id}"),
    NotServed("GET", "/me(/.+)?", "/me/ownedObjects", NOBODY, status=400),
)


def _of_microsoft(exchange: Exchange) -> bool:
    """Whether the answer shows a service principal of an application that Microsoft owns."""
    answer = exchange.answer or {}
    return any(item.get("appOwnerOrganizationId") == MICROSOFT_TENANT_ID for item in answer.get("value", [answer]))


def _of_users(exchange: Exchange) -> bool:
    """Whether the answer lists users."""
    return any(item.get("@odata.type") == "#microsoft.graph.user" for item in (exchange.answer or {}).get("value", []))


def _removes_an_owner(exchange: Exchange) -> bool:
    return exchange.method == "DELETE" and "/owners/" in exchange.path


def _asks_for_somebody(exchange: Exchange) -> bool:
    return exchange.method == "GET" and exchange.path.startswith("/users/")


@dataclass(frozen=True)
class Explained:
    """One kind of difference, and why it is there. `path` is a pattern of the member's path within its object; `before`
    is when the service began to answer as this tenant does; `only` says in which exchanges."""

    why: str
    path: str
    recorded: Any = ANY
    ours: Any = ANY
    before: datetime | None = None
    only: Callable[[Exchange], bool] = lambda _: True

    def explains(self, difference: Difference, exchange: Exchange) -> bool:
        return (
            re.fullmatch(self.path, difference.path.removeprefix("value[].")) is not None
            and all(told in (ANY, seen) for told, seen in self._values(difference))
            and (self.before is None or exchange.at < self.before)
            and self.only(exchange)
        )

    def _values(self, difference: Difference) -> tuple[tuple[Any, Any], ...]:
        return (self.recorded, difference.recorded), (self.ours, difference.ours)


_YOUNGER = "younger than the recording, and there in later ones"
_YOUNGER_ROLES = "permissions that are younger than the recording"
_PART = "withdrawn since the recording, or not offered by Microsoft's own applications here"
_CREATOR = "the signed-in user of the recording owns what they create; the replay signs in as an application"
_YEAR_2023, _YEAR_2024 = datetime(2023, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC)
_PERSONAL = "AzureADandPersonalMicrosoftAccount"

EXPLAINED = (
    Explained("there were people in that tenant before", "status", 200, 404, only=_asks_for_somebody),
    Explained("documented, and younger than every recording", "createdByAppId|isDisabled", recorded=ABSENT),
    Explained(_YOUNGER, "uniqueName|nativeAuthenticationApisEnabled", recorded=ABSENT, before=_YEAR_2024),
    Explained(
        _YOUNGER,
        "samlMetadataUrl|servicePrincipalLockConfiguration|requestSignatureVerification|web.redirectUriSettings",
        recorded=ABSENT,
        before=_YEAR_2023,
    ),
    Explained(
        "the default, when a request names none, was another", "signInAudience", _PERSONAL, "AzureADMyOrg", _YEAR_2024
    ),
    Explained(
        "follows that default: personal accounts need version 2", "api.requestedAccessTokenVersion", 2, None, _YEAR_2024
    ),
    Explained(_CREATOR, r"value\[\]", ours=ABSENT, only=_of_users),
    Explained(_CREATOR, "status", 204, 404, only=_removes_an_owner),
    Explained(
        _PART,
        r"(appRoles|oauth2PermissionScopes|resourceSpecificApplicationPermissions|servicePrincipalNames)\[\]",
        ours=ABSENT,
        only=_of_microsoft,
    ),
    Explained(_YOUNGER_ROLES, r"(appRoles|oauth2PermissionScopes)\[\]", recorded=ABSENT, only=_of_microsoft),
    Explained(
        "descriptions of permissions are as short as their names here",
        r"(appRoles|oauth2PermissionScopes)\[\]\.(\w*[dD]escription|\w*[dD]isplayName)",
        only=_of_microsoft,
    ),
    Explained(
        "in an old tenant nobody knows when Microsoft's applications came", "createdDateTime", None, only=_of_microsoft
    ),
)
