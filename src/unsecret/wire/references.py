"""Objects named by their address: `{"@odata.id": …}`, and `owners@odata.bind` in the body of a new object.

https://learn.microsoft.com/en-us/graph/api/application-post-owners
"""

from __future__ import annotations

from typing import Any

from unsecret.model.identifiers import ObjectId, canonical_guid
from unsecret.wire import expect

OWNERS = "owners@odata.bind"
"""Nothing else can be bound while an object is written: `expect.without_control_information` refuses it."""

MOST_OWNERS = 20
"""Of one request, as clients have it that add the rest afterwards."""


def reference_from_graph(body: Any) -> str:
    """The id that `{"@odata.id": "https://…/v1.0/policies/appManagementPolicies/{id}"}` points to, lower-case.
    Raises Invalid."""
    if not isinstance(body, dict):
        raise expect.refuse('Expected an object with "@odata.id" as the request body.', "@odata.id")
    if unknown := [name for name in body if "@" not in name]:
        raise expect.refuse(f"Invalid property '{unknown[0][:64]}'. Expected @odata.id.", unknown[0])
    if "@odata.id" not in body:
        raise expect.refuse("Property '@odata.id' is required.", "@odata.id")
    return _referenced(body["@odata.id"], "@odata.id")


def new_owners(body: Any) -> tuple[Any, tuple[ObjectId, ...]]:
    """The body of a new object without `owners@odata.bind`, and the ids, each once, of the owners that it names there:
    the object is made together with them. Raises Invalid."""
    if not isinstance(body, dict) or OWNERS not in body:
        return body, ()
    named = expect.a_list(body[OWNERS], OWNERS)
    if len(named) > MOST_OWNERS:
        raise expect.refuse(f"'{OWNERS}' names {len(named)} owners; at most {MOST_OWNERS} fit.", OWNERS)
    ids = [ObjectId(_referenced(item, f"{OWNERS}[{index}]")) for index, item in enumerate(named)]
    return {name: member for name, member in body.items() if name != OWNERS}, tuple(dict.fromkeys(ids))


def _referenced(value: Any, where: str) -> str:
    """The last segment counts: any host, v1.0 or beta whichever the request used, any collection."""
    reference = expect.a_text(value, where)
    last = reference.rstrip("/").rpartition("/")[2]
    if "('" in last and last.endswith("')"):
        last = last[last.index("('") + 2 : -2]
    guid = canonical_guid(last)
    if guid is None:
        raise expect.refuse(f"'{where}' must end in the id of an object, found '{reference[:128]}'.", where)
    return guid
