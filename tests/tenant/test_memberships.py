"""What people and service principals are members of: directory roles, as clients ask for them in many ways."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.local_tenant import LocalTenant, Somebody, Workload
from unsecret.model.directory_roles import Role

WAYS = ("memberOf", "transitiveMemberOf")


@pytest.fixture
def who(tenant: LocalTenant) -> Somebody:
    return tenant.as_person(Role.GLOBAL_READER)


@pytest.fixture
def app(tenant: LocalTenant) -> Workload:
    app = tenant.as_workload()
    held = {"principalId": app.principal.id, "roleDefinitionId": Role.GLOBAL_READER, "directoryScopeId": "/"}
    tenant.must("POST", "/roleManagement/directory/roleAssignments", held)
    return app


def _places(who: Somebody, app: Workload) -> Iterator[tuple[str, str | None]]:
    """Where a holder is asked about, and by whom; None is the administrator."""
    yield "/me", who.token
    yield f"/users/{who.user.id}", None
    yield f"/users/{who.user.user_principal_name}", None
    yield f"/servicePrincipals/{app.principal.id}", None
    yield f"/servicePrincipals(appId='{app.application.app_id}')", None


def _reader_here(tenant: LocalTenant) -> str:
    return tenant.get(f"/directoryRoles(roleTemplateId='{Role.GLOBAL_READER}')")["id"]


@pytest.mark.parametrize("way", WAYS)
def test_the_roles_of_somebody_are_what_they_are_members_of(
    tenant: LocalTenant, who: Somebody, app: Workload, way: str
):
    for place, token in _places(who, app):
        (role,) = tenant.get(f"{place}/{way}", token=token)["value"]
        assert role["@odata.type"] == "#microsoft.graph.directoryRole"
        assert (role["id"], role["displayName"]) == (_reader_here(tenant), "Global Reader")
        assert role["roleTemplateId"] == Role.GLOBAL_READER
        kinds = {kind: f"{place}/{way}/microsoft.graph.{kind}" for kind in ("directoryRole", "group")}
        assert [one["id"] for one in tenant.get(kinds["directoryRole"], token=token)["value"]] == [role["id"]]
        eventual = tenant.get(f"{kinds['group']}?$count=true", token=token, ConsistencyLevel="eventual")
        assert (eventual["value"], eventual["@odata.count"]) == ([], 0)


@pytest.mark.parametrize("way", WAYS)
def test_memberships_are_counted(tenant: LocalTenant, who: Somebody, app: Workload, way: str):
    eventual = {"ConsistencyLevel": "eventual"}
    for place, token in _places(who, app):
        counted = f"{place}/{way}/$count"
        assert tenant.graph("GET", counted, token=token, **eventual).text == "1"
        for name, number in (("Global Reader", "1"), ("Directory Readers", "0")):
            asked = f"{counted}?$count=true&$filter=displayName eq '{name}'"
            assert tenant.graph("GET", asked, token=token, **eventual).text == number
        tenant.refused("GET", counted, token=token, status=400)


def test_a_kind_that_nothing_is_a_member_of_here_is_not_served(tenant: LocalTenant, who: Somebody):
    refusal = tenant.refused("GET", f"/users/{who.user.id}/memberOf/microsoft.graph.device", status=501)
    assert "memberOf/microsoft.graph.device" in refusal["message"]


def test_ids_of_roles_are_got_and_checked(tenant: LocalTenant, who: Somebody, app: Workload):
    here, template, other = _reader_here(tenant), str(Role.GLOBAL_READER), str(Role.USER_ADMINISTRATOR)
    everywhere = [*_places(who, app), (f"/directoryObjects/{who.user.id}", None)]
    for place, token in everywhere:
        for action in ("getMemberGroups", "getMemberObjects"):
            for only_groups, ids in ((False, [here]), (True, [])):
                body = {"securityEnabledOnly": only_groups}
                answer = tenant.must("POST", f"{place}/{action}", body, token=token)
                assert answer["value"] == ids
        assert answer["@odata.context"].endswith("$metadata#Collection(Edm.String)")
        asked = [other, here.upper(), template]
        held = tenant.must("POST", f"{place}/checkMemberObjects", {"ids": asked}, token=token)["value"]
        assert held == [here.upper(), template]
        groups = tenant.must("POST", f"{place}/microsoft.graph.checkMemberGroups", {"groupIds": asked}, token=token)
        assert groups["value"] == []
    made = tenant.new_application()
    path = f"/directoryObjects/{made['id']}/getMemberObjects"
    assert tenant.must("POST", path, {"securityEnabledOnly": False})["value"] == []


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("getMemberGroups", {}),
        ("getMemberObjects", {"securityEnabledOnly": "yes"}),
        ("getMemberObjects", []),
        ("checkMemberGroups", {"ids": []}),
        ("checkMemberObjects", {"ids": [1]}),
        ("checkMemberObjects", {"ids": ["x"] * 21}),
    ],
)
def test_what_cannot_be_read_is_refused(tenant: LocalTenant, who: Somebody, action: str, body: object):
    tenant.refused("POST", f"/users/{who.user.id}/{action}", body, status=400)


def test_who_may_not_read_somebody_is_not_told_their_memberships(tenant: LocalTenant, who: Somebody, app: Workload):
    nobody, missing = tenant.as_workload(), "99999999-9999-4999-8999-999999999999"
    body = {"securityEnabledOnly": False}
    for place in (f"/users/{who.user.id}", f"/servicePrincipals/{app.principal.id}"):
        tenant.refused("GET", f"{place}/memberOf", status=403, token=nobody.token)
        tenant.refused("POST", f"{place}/getMemberObjects", body, status=403, token=nobody.token)
    tenant.refused("POST", f"/directoryObjects/{who.user.id}/getMemberObjects", body, status=403, token=nobody.token)
    tenant.refused("GET", f"/servicePrincipals/{missing}/memberOf", status=404)
    tenant.refused("POST", "/me/getMemberGroups", body, status=400)
