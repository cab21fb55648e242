"""`$filter` on custom security attributes: what it finds, what it refuses, and for whom.

https://learn.microsoft.com/en-us/graph/custom-security-attributes-examples
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import databases
from tests.local_tenant import Identity, LocalTenant
from tests.tenant.test_attributes import DEFINITION, DEFINITIONS, SETS
from unsecret.model.directory_roles import Role
from unsecret.tenant.signing import SigningKeys

ADVANCED = {"ConsistencyLevel": "eventual"}
ASKED = "customSecurityAttributes/Engineering"
HELD = {
    "Alpine": {"Project": "Alpine", "Cost": 1001, "Certified": True, "Countries": ["India", "Canada"]},
    "Baker": {"Project": "Baker", "Cost": 4, "Certified": False, "Countries": ["France"]},
    "Nobody": {},
}


@pytest.fixture(scope="module")
def engineers(
    migrated: Path, identity: Identity, signing: SigningKeys, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalTenant]:
    """Three people and three service principals, two of each with attributes."""
    with databases.copied(migrated, tmp_path_factory.mktemp("engineers")) as directory:
        tenant = LocalTenant(directory, identity, signing)
        yield _staffed(tenant)
        tenant.close()


def _staffed(tenant: LocalTenant) -> LocalTenant:
    tenant.must("POST", SETS, {"id": "Engineering", "description": "d"})
    for name, changed in {
        "Project": {},
        "Cost": {"type": "Integer"},
        "Certified": {"type": "Boolean"},
        "Countries": {"isCollection": True},
        "Secret": {"isSearchable": False},
    }.items():
        tenant.must("POST", DEFINITIONS, DEFINITION | {"name": name} | changed)
    for name, held in HELD.items():
        app = tenant.new_application(name)
        for path in (
            f"/users/{tenant.as_person(display_name=name).user.id}",
            f"/servicePrincipals/{tenant.new_principal(app['appId'])['id']}",
        ):
            tenant.must("PATCH", path, {"customSecurityAttributes": {"Engineering": held}})
    return tenant


def _found(tenant: LocalTenant, collection: str, asked: str, **options: Any) -> list[str]:
    query = f"$filter={asked} and (displayName in ('Alpine','Baker','Nobody'))&$count=true&$top=1"
    page, names = tenant.get(f"/{collection}?{query}", **ADVANCED, **options), []
    counted = page["@odata.count"]
    while True:
        names += [one["displayName"] for one in page["value"]]
        if "@odata.nextLink" not in page:
            break
        page = tenant.get(page["@odata.nextLink"], **ADVANCED, **options)
    assert counted == len(names)
    assert tenant.graph("GET", f"/{collection}/$count?{query}", **ADVANCED, **options).text == str(counted)
    return names


@pytest.mark.parametrize("collection", ["users", "servicePrincipals"])
@pytest.mark.parametrize(
    ("asked", "names"),
    [
        (f"{ASKED}/Project eq 'Baker'", ["Baker"]),
        (f"{ASKED}/Project eq 'baker'", []),
        ("customsecurityattributes/engineering/project eq 'Baker'", ["Baker"]),
        (f"{ASKED}/Project ne 'Baker'", ["Alpine", "Nobody"]),
        (f"startsWith({ASKED}/Project,'Al')", ["Alpine"]),
        (f"startsWith({ASKED}/Project,'al')", []),
        (f"not(startsWith({ASKED}/Project,'Al'))", ["Baker", "Nobody"]),
        (f"{ASKED}/Cost eq 4", ["Baker"]),
        (f"{ASKED}/Cost ne 4", ["Alpine", "Nobody"]),
        (f"{ASKED}/Certified eq true", ["Alpine"]),
        (f"{ASKED}/Certified ne true", ["Baker", "Nobody"]),
        (f"{ASKED}/Countries eq 'Canada'", ["Alpine"]),
        (f"{ASKED}/Countries ne 'Canada'", ["Baker", "Nobody"]),
        (f"startsWith({ASKED}/Countries,'Fr')", ["Baker"]),
        (f"({ASKED}/Cost eq 4 or {ASKED}/Countries eq 'India')", ["Alpine", "Baker"]),
        (f"{ASKED}/Undefined eq 'x'", []),
    ],
)
def test_who_has_an_attribute_is_found(engineers: LocalTenant, collection: str, asked: str, names: list[str]) -> None:
    assert _found(engineers, collection, asked) == names


@pytest.mark.parametrize("collection", ["users", "servicePrincipals"])
@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (f"{ASKED}/Project eq 4", "Request_BadRequest"),
        (f"{ASKED}/Cost eq '4'", "Request_BadRequest"),
        (f"{ASKED}/Certified eq 'true'", "Request_BadRequest"),
        (f"{ASKED}/Secret eq 'x'", "Request_BadRequest"),
        (f"{ASKED}/Project eq null", "Request_UnsupportedQuery"),
        (f"{ASKED}/Cost ge 4", "Request_UnsupportedQuery"),
        (f"{ASKED}/Project in ('Baker')", "Request_UnsupportedQuery"),
        (f"endsWith({ASKED}/Project,'r')", "Request_UnsupportedQuery"),
        (f"{ASKED} eq 'x'", "Request_UnsupportedQuery"),
        (f"{ASKED}/Project/length eq 5", "Request_UnsupportedQuery"),
        (f"{ASKED}/Pro_ject eq 'Baker'", "Request_UnsupportedQuery"),
        (f"{ASKED}/Countries/any(c:c eq 'Canada')", "Request_BadRequest"),
        (f"{ASKED}/any(c:c eq 'Canada')", "Request_UnsupportedQuery"),
    ],
)
def test_what_cannot_be_asked_of_an_attribute_is_refused(
    engineers: LocalTenant, collection: str, asked: str, code: str
) -> None:
    path = f"/{collection}?$filter={asked}&$count=true"
    assert engineers.refused("GET", path, status=400, **ADVANCED)["code"] == code


@pytest.mark.parametrize("collection", ["users", "servicePrincipals"])
def test_attributes_are_asked_about_in_advanced_queries_only(engineers: LocalTenant, collection: str) -> None:
    path = f"/{collection}?$filter={ASKED}/Project eq 'Baker'"
    for asked, headers in ((path, {}), (path, ADVANCED), (f"{path}&$count=true", {})):
        assert engineers.refused("GET", asked, status=400, **headers)["code"] == "Request_UnsupportedQuery"


READS = ("Application.Read.All", "User.Read.All")
GUESSES = (
    f"{ASKED}/Project eq 'Baker'",
    f"{ASKED}/Project eq 'wrong'",
    f"{ASKED}/Project eq 5",
    f"{ASKED}/Undefined eq 'x'",
    "startsWith(CUSTOMSECURITYATTRIBUTES/engineering/project,'B')",
    f"displayName eq 'x' or not({ASKED}/Project ne 'Baker')",
    f"displayName eq 'nobody' and ({ASKED}/Cost eq 4 or {ASKED}/Cost eq 1001)",
)
PLACES = (
    "users", "users/$count", "servicePrincipals", "servicePrincipals/$count",
    *(f"directory/deletedItems/microsoft.graph.{kind}{end}"
      for kind in ("user", "servicePrincipal") for end in ("", "/$count")),
)  # fmt: skip


def test_nobody_guesses_what_they_may_not_see(engineers: LocalTenant) -> None:
    """Whoever may filter by a value can find it out, guess by guess."""
    reader = engineers.as_workload(*READS).token
    permitted = engineers.as_workload(*READS, "CustomSecAttributeAssignment.Read.All").token
    for place in PLACES:
        assert engineers.graph("GET", f"/{place}?$count=true", token=reader, **ADVANCED).status_code == 200
        for guess in GUESSES:
            asked = f"/{place}?$filter={guess}&$count=true"
            engineers.refused("GET", asked, status=403, token=reader, **ADVANCED)
            said = engineers.graph("GET", asked, token=permitted, **ADVANCED).status_code
            assert said == (400 if guess.endswith(" 5") else 200), (asked, said)


OBJECTS = {"users": "user", "servicePrincipals": "servicePrincipal"}


@pytest.mark.parametrize("collection", OBJECTS)
def test_nobody_is_shown_what_they_may_not_see_by_any_path(engineers: LocalTenant, collection: str) -> None:
    """Also of what was deleted, and of that as what it was."""
    reader = engineers.as_workload(*READS, "Directory.Read.All").token
    app = engineers.new_application()
    made = {
        "users": lambda: str(engineers.as_person().user.id),
        "servicePrincipals": lambda: engineers.new_principal(app["appId"])["id"],
    }[collection]()
    held = {"customSecurityAttributes": {"Engineering": {"Project": "Unseen"}}}
    engineers.must("PATCH", f"/{collection}/{made}", held)
    live = [collection, f"{collection}/delta", f"{collection}/{made}", f"directoryObjects/{made}"]
    gone = [f"directory/deletedItems/{made}{end}" for end in ("", f"/microsoft.graph.{OBJECTS[collection]}")]
    lists = [f"directory/deletedItems/microsoft.graph.{OBJECTS[collection]}"]
    for places, before in ((live, None), ((*gone, *lists), "DELETE")):
        if before:
            engineers.must(before, f"/{collection}/{made}")
        for place in places:
            for version in ("v1.0", "beta"):
                for members in ("customSecurityAttributes", "id,CUSTOMSECURITYATTRIBUTES", "*"):
                    answer = engineers.graph("GET", f"/{version}/{place}?$select={members}", token=reader)
                    assert answer.status_code in (200, 400, 403), (place, members)
                    assert "Unseen" not in answer.text, (place, members)


@pytest.mark.parametrize(
    ("role", "status"),
    [
        (Role.GLOBAL_ADMINISTRATOR, 403),
        (Role.ATTRIBUTE_ASSIGNMENT_READER, 200),
        (Role.ATTRIBUTE_ASSIGNMENT_ADMINISTRATOR, 200),
    ],
)
def test_who_may_ask_in_person_is_who_may_see(engineers: LocalTenant, role: Role, status: int) -> None:
    who = engineers.as_person(role)
    for place in ("users", "servicePrincipals/$count"):
        asked = f"/{place}?$filter={GUESSES[0]}&$count=true"
        assert engineers.graph("GET", asked, token=who.token, **ADVANCED).status_code == status


def test_lists_of_what_belongs_to_others_are_not_asked_about_attributes(engineers: LocalTenant) -> None:
    """There they would stand without the permission that they need."""
    person, app = engineers.as_person(), engineers.new_application()
    policy = engineers.must("POST", "/policies/appManagementPolicies", {"displayName": "a", "description": "b"})
    for place in (
        f"users/{person.user.id}/ownedObjects",
        f"applications/{app['id']}/owners",
        f"policies/appManagementPolicies/{policy['id']}/appliesTo",
        "directoryRoles(roleTemplateId='62e90394-69f5-4237-9190-012177145e10')/members",
        "users/delta",
        "servicePrincipals/delta",
    ):
        asked = f"/{place}?$filter={GUESSES[0]}&$count=true"
        assert engineers.graph("GET", asked, **ADVANCED).status_code in (400, 501), place
