"""The custom security attribute by which policies know exempted callers: defining it, giving it to somebody, taking it.

https://learn.microsoft.com/en-us/graph/custom-security-attributes-examples. Reading and writing it needs permissions of
its own, and the directory role Attribute Assignment Administrator for people.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from unsecret.errors import Conflict, Invalid, NotFound
from unsecret.operate.graph.client import VISIBLE_PAUSES
from unsecret.operate.policies.exempted_callers import Caller, Given
from unsecret.operate.policies.targets import resolve
from unsecret.wire.terms import ATTRIBUTE_SET, REASON, UNTIL

if TYPE_CHECKING:
    from collections.abc import Callable

    from unsecret.operate.graph.client import GraphClient

_SETS = "v1.0/directory/attributeSets"
_DEFINITIONS = "v1.0/directory/customSecurityAttributeDefinitions"
_MEMBER = "customSecurityAttributes"
_VALUE_TYPE = "#Microsoft.DirectoryServices.CustomSecurityAttributeValue"


def find_caller(client: GraphClient, text: str) -> Caller:
    """The person (by user principal name or id) or application that `text` names. Raises NotFound, Invalid."""
    if "@" in text or not text.strip():
        return _person(client, text)
    try:
        target = resolve(client, [text])[0]
    except NotFound:
        try:
            return _person(client, text)
        except NotFound:
            raise NotFound(
                f"Neither an application nor a person is named '{text}'.",
                hint="Name a person by the user principal name, an application by its appId or exact display name.",
            ) from None
    for face in target.faces:
        if face.link.collection == "servicePrincipals":
            return Caller(collection="servicePrincipals", id=face.link.id, name=target.display_name)
    raise Invalid(f"'{target.display_name}' has no service principal in this tenant, and so calls nothing here.")


def _person(client: GraphClient, text: str) -> Caller:
    found = client.get(f"v1.0/users/{quote(text, safe='@')}?$select=id,displayName,userPrincipalName")
    return Caller(collection="users", id=str(found["id"]), name=str(found.get("userPrincipalName") or text))


def define_attributes(client: GraphClient) -> None:
    """Make the attribute set and its two attributes, where they are not there yet. They cannot be deleted again."""
    _require(client, f"{_SETS}/{ATTRIBUTE_SET}", _SETS, {
        "id": ATTRIBUTE_SET,
        "description": "Exemptions from app management policies, kept by unsecret",
        "maxAttributesPerSet": 25,
    })  # fmt: skip
    for name, about in ((UNTIL, "Last day of an exemption, such as 2027-01-31"), (REASON, "Why there is an exemption")):
        _require(client, f"{_DEFINITIONS}/{ATTRIBUTE_SET}_{name}", _DEFINITIONS, {
            "attributeSet": ATTRIBUTE_SET,
            "name": name,
            "description": about,
            "type": "String",
            "status": "Available",
            "isCollection": False,
            "isSearchable": True,
            "usePreDefinedValuesOnly": False,
        })  # fmt: skip


def _require(client: GraphClient, path: str, collection: str, body: dict[str, Any]) -> None:
    try:
        client.get(path)
    except NotFound:
        try:
            client.send("POST", collection, body=body)
        except Conflict:  # a replica that lags had not shown it
            return


def give(
    client: GraphClient, caller: Caller, until: date | None, reason: str | None, *, sleep: Callable[[float], None]
) -> None:
    """Write the attribute of `caller`; None takes it away. Raises Conflict when it does not read so afterwards."""
    wanted = until.isoformat() if until else None
    values = {"@odata.type": _VALUE_TYPE, UNTIL: wanted, REASON: reason}
    client.send("PATCH", caller.path, body={_MEMBER: {ATTRIBUTE_SET: values}})
    for pause in (*VISIBLE_PAUSES, 0.0):
        if _value(client, caller).get(UNTIL) == wanted:
            return
        sleep(pause)
    raise Conflict(f"The attribute of {caller.name} was written, and does not read so.", code="ReadBackDiffers")


def take_from(client: GraphClient, given: Given, *, sleep: Callable[[float], None]) -> None:
    """Take the attribute from who was given it; who is not there any more has none. Raises Conflict where another last
    day was given meanwhile: somebody may have thought long before agreeing, and no write to a person or service
    principal can be bound to what was read."""
    caller = given.caller
    try:
        held = given_to(client, caller)
        if held and held.until != given.until:
            raise Conflict(
                f"The exemption of {caller.name} was to end on {given.until}, and ends on {held.until} now; the "
                "attribute was not taken.",
                code="ChangedMeanwhile",
                hint="See what there is: unsecret exempt list",
            )
        give(client, caller, None, None, sleep=sleep)
    except NotFound:
        return


def _value(client: GraphClient, caller: Caller) -> dict[str, Any]:
    shown = client.get(f"{caller.path}?$select=id,{_MEMBER}").get(_MEMBER) or {}
    return shown.get(ATTRIBUTE_SET) or {}


def given_to(client: GraphClient, caller: Caller) -> Given | None:
    """What `caller` has of the attribute, whether or not a policy names it. Raises Forbidden."""
    held = _value(client, caller)
    return Given(caller=caller, until=str(held[UNTIL]), reason=held.get(REASON)) if held.get(UNTIL) else None
