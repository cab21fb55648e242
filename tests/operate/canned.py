"""A directory with as many applications as one likes, of which Graph's answers are made without a tenant: pages, counts
and filters by date as Graph gives them. For what is about size, and for what a small tenant does not do.
"""

from __future__ import annotations

import random
import re
import uuid
from bisect import bisect_left, bisect_right
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx2
import msgspec

FOUNDED = datetime(2014, 3, 1, tzinfo=UTC)
TAKEN = datetime(2026, 11, 22, tzinfo=UTC)
CERTIFICATE = "MIIC" + "A" * 1060
_DATES = re.compile(r"createdDateTime (ge|le) (\S+)")

Reply = tuple[int, dict[str, str], bytes]


class Canned:
    """`applications` and `principals` are how many there are; one in a hundred applications has no date, one in ten was
    created on one day. Pages have as many objects as are asked for, 100 unless told otherwise."""

    def __init__(self, *, applications: int, principals: int = 10, seed: int = 1):
        chance = random.Random(seed)
        self.lists = {
            "applications": _dated([_application(chance, number) for number in range(applications)]),
            "servicePrincipals": _dated([_principal(number, applications) for number in range(principals)]),
        }
        self.base = "https://canned.example"
        self.asked: list[str] = []
        self.counts_are_off_by = 0
        self.refused: str | None = None

    def answer(self, method: str, url: str, body: bytes = b"") -> Reply:
        """What Graph would answer."""
        parts = urlsplit(url)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        path = parts.path.removeprefix("/v1.0").removeprefix("/beta").strip("/")
        self.asked.append(f"{path}?{parts.query}")
        if self.refused and self.refused in path:
            return 403, {}, b'{"error": {"code": "Authorization_RequestDenied", "message": "Insufficient privileges."}}'
        if path == "$batch":
            return _json({"responses": [self._step(one) for one in msgspec.json.decode(body)["requests"]]})
        if path == "organization":
            domain = {"name": "canned.onmicrosoft.com", "isInitial": True}
            tenant = {"id": str(uuid.UUID(int=1)), "displayName": "Canned", "createdDateTime": _instant(FOUNDED)}
            return _json({"value": [tenant | {"verifiedDomains": [domain]}]})
        collection, _, counted = path.partition("/")
        if collection in self.lists and counted in ("", "$count"):
            return self._list(collection, query, counted=bool(counted))
        if path == "policies/defaultAppManagementPolicy":
            return _json({"id": str(uuid.UUID(int=2)), "isEnabled": False, **_NO_RESTRICTIONS})
        return _json({"value": []})

    def _step(self, step: dict[str, Any]) -> dict[str, Any]:
        status, headers, body = self.answer(step["method"], step["url"])
        return {"id": step["id"], "status": status, "headers": headers, "body": msgspec.json.decode(body)}

    def _list(self, collection: str, query: dict[str, str], *, counted: bool) -> Reply:
        dates, lines = self.lists[collection]
        low, high = _span(dates, query.get("$filter", ""))
        if counted:
            return _json(high - low + (0 if "$filter" in query else self.counts_are_off_by))
        if "federatedIdentityCredentials" in query.get("$filter", ""):
            return _json({"value": []})
        start, size = low + int(query.get("$skiptoken", 0)), int(query.get("$top", 100))
        end = min(start + size, high)
        rest = {**query, "$skiptoken": str(end - low)}
        link = f"{self.base}/v1.0/{collection}?" + "&".join(f"{name}={quote(value)}" for name, value in rest.items())
        tail = b',"@odata.nextLink":' + msgspec.json.encode(link) if end < high else b""
        return 200, {}, b'{"value":[' + b",".join(lines[start:end]) + b"]" + tail + b"}"


_NO_RESTRICTIONS = {
    "applicationRestrictions": {"passwordCredentials": [], "keyCredentials": []},
    "servicePrincipalRestrictions": {"passwordCredentials": [], "keyCredentials": []},
}


def _json(value: Any) -> Reply:
    return 200, {}, msgspec.json.encode(value)


def _dated(objects: list[dict[str, Any]]) -> tuple[list[str], list[bytes]]:
    """Sorted by date, those without one last, each as JSON; what is asked for is a piece of that."""
    ordered = sorted(objects, key=lambda one: one["createdDateTime"] or "~")
    return [one["createdDateTime"] or "~" for one in ordered], [msgspec.json.encode(one) for one in ordered]


def _span(dates: list[str], asked: str) -> tuple[int, int]:
    if "eq null" in asked:
        return bisect_left(dates, "~"), len(dates)
    bounds = dict(_DATES.findall(asked))
    low = bisect_left(dates, bounds["ge"]) if "ge" in bounds else 0
    high = bisect_right(dates, bounds["le"]) if "le" in bounds else bisect_left(dates, "~") if bounds else len(dates)
    return low, high


def application_id(number: int) -> str:
    return str(uuid.UUID(int=(1 << 100) + number))


def _application(chance: random.Random, number: int) -> dict[str, Any]:
    days = (TAKEN - FOUNDED).days
    recent = days - int(days * chance.random() ** 2)
    created = FOUNDED + timedelta(days=2000 if number % 10 == 0 else recent, seconds=number % 86400)
    end = _instant(created + timedelta(days=730))
    secret = {"keyId": str(uuid.UUID(int=number)), "displayName": "a secret", "hint": "abc", "endDateTime": end}
    key = {"keyId": str(uuid.UUID(int=number)), "type": "AsymmetricX509Cert", "usage": "Verify", "key": CERTIFICATE}
    starts = {"startDateTime": _instant(created)}
    return {
        "id": application_id(number),
        "appId": str(uuid.UUID(int=(2 << 100) + number)),
        "displayName": f"application {number}",
        "createdDateTime": None if number % 100 == 7 else _instant(created),
        "signInAudience": "AzureADMyOrg",
        "identifierUris": [f"api://{number}"],
        "tags": [],
        "requiredResourceAccess": [{"resourceAppId": str(uuid.UUID(int=3)), "resourceAccess": []}],
        "api": {"requestedAccessTokenVersion": 2, "oauth2PermissionScopes": [], "preAuthorizedApplications": []},
        "web": {"homePageUrl": None, "logoutUrl": None, "redirectUris": [f"https://{number}.example/back"]},
        "spa": {"redirectUris": []},
        "publicClient": {"redirectUris": []},
        "info": {"logoUrl": None, "marketingUrl": None, "privacyStatementUrl": None, "termsOfServiceUrl": None},
        "passwordCredentials": [secret | starts],
        "keyCredentials": [key | starts | {"endDateTime": end}] if number % 4 == 0 else [],
        "owners": [
            {
                "@odata.type": "#microsoft.graph.user",
                "id": str(uuid.UUID(int=(3 << 100) + number % 5000)),
                "displayName": f"person {number % 5000}",
                "userPrincipalName": f"person{number % 5000}@canned.example",
                "mail": None,
            }
        ],
    }


def _principal(number: int, applications: int) -> dict[str, Any]:
    return {
        "id": str(uuid.UUID(int=(4 << 100) + number)),
        "appId": str(uuid.UUID(int=(2 << 100) + number % max(applications, 1))),
        "displayName": f"application {number}",
        "createdDateTime": _instant(FOUNDED + timedelta(hours=number)),
        "servicePrincipalType": "Application",
        "accountEnabled": True,
        "passwordCredentials": [],
        "keyCredentials": [],
        "appRoles": [],
        "owners": [],
        "customSecurityAttributes": None,
        "appRoleAssignments": [],
    }


def _instant(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


class CannedTransport(httpx2.BaseTransport):
    """The network in front of it."""

    def __init__(self, canned: Canned):
        self.canned = canned

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        status, headers, content = self.canned.answer(request.method, str(request.url), request.read())
        return httpx2.Response(status, headers=headers, content=content)
