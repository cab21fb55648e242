"""/users and /me: people through Graph."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.local_tenant import LocalTenant
from unsecret.model.directory_roles import Role
from unsecret.model.identifiers import ObjectId
from unsecret.store import users
from unsecret.tenant import passwords

DOMAIN = "contoso.onmicrosoft.com"
SHOWN = {
    "businessPhones", "displayName", "givenName", "id", "jobTitle", "mail", "mobilePhone", "officeLocation",
    "preferredLanguage", "surname", "userPrincipalName",
}  # fmt: skip


def _body(name: str = "ada", **changed: Any) -> dict[str, Any]:
    body = {
        "accountEnabled": True,
        "displayName": "Ada Berg",
        "mailNickname": name,
        "passwordProfile": {"forceChangePasswordNextSignIn": False, "password": "Correct-horse-1"},
        "userPrincipalName": f"{name}@{DOMAIN}",
    } | changed
    return {name: value for name, value in body.items() if value is not ...}


def _digest(tenant: LocalTenant, user_id: str) -> bytes | None:
    with tenant.store.read() as conn:
        return users.password_digest(conn, tenant.tenant_id, ObjectId(user_id))


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/users", _body()),
        ("PATCH", "/users/{user}", {"passwordProfile": {"password": "Correct-horse-2"}}),
        ("POST", "/servicePrincipals/{principal}/addTokenSigningCertificate", {"displayName": "CN=saml"}),
    ],
)
def test_who_may_not_costs_no_hash_and_no_key(tenant: LocalTenant, method: str, path: str, body: Any) -> None:
    nobody = tenant.as_workload("User.Read.All")
    path = path.format(user=tenant.as_person().user.id, principal=nobody.principal.id)
    tenant.refused(method, path, body, status=403, token=nobody.token)
    begun = time.process_time()
    passwords.digest("Correct-horse-1")
    a_hash = time.process_time() - begun
    begun = time.process_time()
    for _ in range(10):
        tenant.refused(method, path, body, status=403, token=nobody.token)
    assert time.process_time() - begun < 5 * a_hash


def test_a_user_is_made_read_changed_and_deleted(tenant: LocalTenant):
    made = tenant.must("POST", "/users", _body(surname="Berg"))
    assert set(made) == SHOWN | {"@odata.context"}
    assert made["surname"] == "Berg"
    upn = made["userPrincipalName"]
    assert tenant.get(f"/users/{upn}")["id"] == made["id"]
    assert tenant.get(f"/users('{upn}')")["id"] == made["id"]
    tenant.must("PATCH", f"/users/{upn}", {"jobTitle": "Head", "accountEnabled": False})
    selected = tenant.get(f"/users/{made['id']}?$select=jobTitle,accountEnabled,userType,createdDateTime")
    assert (selected["jobTitle"], selected["accountEnabled"], selected["userType"]) == ("Head", False, "Member")
    assert "displayName" not in selected
    tenant.must("DELETE", f"/users/{made['id']}")
    tenant.refused("GET", f"/users/{upn}", status=404)
    assert tenant.must("POST", "/users", _body())["id"] != made["id"]


def test_the_password_is_kept_as_a_digest_and_never_shown(tenant: LocalTenant):
    made = tenant.must("POST", "/users", _body())
    assert passwords.matches("Correct-horse-1", _digest(tenant, made["id"]))
    tenant.must("PATCH", f"/users/{made['id']}", {"passwordProfile": {"password": "Better-horse-2"}})
    assert passwords.matches("Better-horse-2", _digest(tenant, made["id"]))
    assert not passwords.matches("Correct-horse-1", _digest(tenant, made["id"]))
    shown = tenant.graph("GET", f"/users/{made['id']}?$select=passwordProfile,displayName").text
    assert "horse" not in shown + str(tenant.audits())


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"displayName": ...}, "displayName"),
        ({"accountEnabled": ...}, "accountEnabled"),
        ({"mailNickname": ...}, "mailNickname"),
        ({"userPrincipalName": ...}, "userPrincipalName"),
        ({"passwordProfile": ...}, "passwordProfile"),
        ({"passwordProfile": {}}, "passwordProfile"),
        ({"passwordProfile": {"password": "short-1A"[:7]}}, "password complexity"),
        ({"passwordProfile": {"password": "alllowercase"}}, "password complexity"),
        ({"passwordProfile": {"password": "p" * 257}}, "passwordProfile.password"),
        ({"userPrincipalName": "ada"}, "userPrincipalName"),
        ({"userPrincipalName": "ada@elsewhere.example"}, "verified domain"),
        ({"userType": "Robot"}, "userType"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
def test_what_is_wrong_with_a_new_user_is_said(tenant: LocalTenant, changed: dict[str, Any], named: str):
    assert named in tenant.refused("POST", "/users", _body(**changed), status=400)["message"]


def test_a_name_is_taken_once(tenant: LocalTenant):
    tenant.must("POST", "/users", _body())
    assert "userPrincipalName" in tenant.refused("POST", "/users", _body(), status=400)["message"]


def test_people_are_listed_filtered_counted_and_paged(tenant: LocalTenant):
    for name in ("ada", "ben", "cleo"):
        tenant.must("POST", "/users", _body(name, displayName=name.title()))
    assert len(tenant.get("/users")["value"]) == 3
    page = tenant.get("/users?$top=2")
    assert [one["displayName"] for one in page["value"]] == ["Ada", "Ben"]
    assert [one["displayName"] for one in tenant.get(page["@odata.nextLink"])["value"]] == ["Cleo"]
    for filter in (
        f"userPrincipalName eq 'BEN@{DOMAIN}'",
        "startswith(userPrincipalName,'be')",
        "displayName eq 'ben'",
    ):
        assert [one["displayName"] for one in tenant.get(f"/users?$filter={filter}")["value"]] == ["Ben"]
    assert tenant.graph("GET", "/users/$count", ConsistencyLevel="eventual").text == "3"


def test_me_is_who_is_signed_in_even_a_guest_with_the_least_scope(tenant: LocalTenant):
    who = tenant.as_person(scopes="User.Read", user_type="Guest")
    assert tenant.get("/me", token=who.token)["id"] == who.user.id
    assert tenant.get(f"/users/{who.user.id}", token=who.token)["id"] == who.user.id
    assert set(tenant.get("/me?$select=mail", token=who.token)) == {"@odata.context", "mail"}


@pytest.mark.parametrize("path", ["/me", "/me/ownedObjects", "/me/memberOf", "/me/messages"])
def test_an_application_is_nobodys_me(tenant: LocalTenant, path: str):
    error = tenant.refused("GET", path, status=400)
    assert error["message"] == "/me request is only valid with delegated authentication flow."


def test_the_rest_of_me_is_not_served(tenant: LocalTenant):
    tenant.refused("GET", "/me/messages", status=501, token=tenant.as_person().token)


def test_others_are_read_with_a_scope_for_others_only(tenant: LocalTenant):
    other = tenant.as_person()
    few = tenant.as_person(scopes="User.Read")
    tenant.refused("GET", f"/users/{other.user.id}", status=403, token=few.token)
    tenant.refused("GET", "/users", status=403, token=few.token)
    more = tenant.as_person(scopes="User.Read.All")
    assert tenant.get(f"/users/{other.user.user_principal_name}", token=more.token)["id"] == other.user.id


def test_what_somebody_owns_is_listed_in_pages(tenant: LocalTenant):
    who = tenant.as_person()
    for name in ("one", "two", "three"):
        tenant.must("POST", "/applications", {"displayName": name}, token=who.token)
    page = tenant.get("/me/ownedObjects?$top=2", token=who.token)
    rest = tenant.get(page["@odata.nextLink"], token=who.token)
    assert [one["displayName"] for one in page["value"] + rest["value"]] == ["one", "two", "three"]
    assert {one["@odata.type"] for one in page["value"]} == {"#microsoft.graph.application"}
    by_name = tenant.get(f"/users/{who.user.user_principal_name}/ownedObjects")
    assert len(by_name["value"]) == 3


def test_who_administers_people_gives_no_administrator_a_new_password(tenant: LocalTenant):
    admin, member = tenant.as_person(Role.GLOBAL_ADMINISTRATOR), tenant.as_person()
    helper, boss = tenant.as_person(Role.USER_ADMINISTRATOR), tenant.as_person(Role.GLOBAL_ADMINISTRATOR)
    new = {"passwordProfile": {"password": "Taken-over-1"}}
    tenant.must("PATCH", f"/users/{member.user.id}", new, token=helper.token)
    for change in (new, {"accountEnabled": False}, {"mobilePhone": "1"}, {"userPrincipalName": f"x@{DOMAIN}"}):
        tenant.refused("PATCH", f"/users/{admin.user.id}", change, status=403, token=helper.token)
    tenant.refused("DELETE", f"/users/{admin.user.id}", status=403, token=helper.token)
    tenant.must("PATCH", f"/users/{admin.user.id}", {"jobTitle": "Boss"}, token=helper.token)
    tenant.must("PATCH", f"/users/{admin.user.id}", new, token=boss.token)


def test_an_application_needs_to_be_able_to_give_roles_before_it_gives_administrators_passwords(tenant: LocalTenant):
    admin = tenant.as_person(Role.APPLICATION_ADMINISTRATOR)
    app = tenant.as_workload("User.ReadWrite.All")
    new = {"passwordProfile": {"password": "Taken-over-1"}}
    tenant.refused("PATCH", f"/users/{admin.user.id}", new, status=403, token=app.token)
    tenant.must("PATCH", f"/users/{admin.user.id}", new)


def test_a_member_changes_nobody(tenant: LocalTenant):
    who = tenant.as_person()
    tenant.refused("PATCH", f"/users/{tenant.as_person().user.id}", {"jobTitle": "x"}, status=403, token=who.token)
    tenant.refused("POST", "/users", _body(), status=403, token=who.token)


def test_attributes_of_a_person_exempt_so_that_they_need_a_permission_of_their_own(tenant: LocalTenant):
    who = tenant.as_person()
    body = {
        "customSecurityAttributes": {
            "Team": {"@odata.type": "#microsoft.graph.customSecurityAttributeValue", "Name": "a"}
        }
    }
    app = tenant.as_workload("User.ReadWrite.All")
    tenant.refused("PATCH", f"/users/{who.user.id}", body, status=403, token=app.token)
    tenant.define_attribute("Team", "Name")
    tenant.must("PATCH", f"/users/{who.user.id}", body)
    shown = tenant.get(f"/users/{who.user.id}?$select=customSecurityAttributes")
    assert shown["customSecurityAttributes"]["Team"]["Name"] == "a"
    tenant.refused("GET", f"/users/{who.user.id}?$select=customSecurityAttributes", status=403, token=app.token)


def test_what_is_done_to_people_is_in_the_log(tenant: LocalTenant):
    made = tenant.must("POST", "/users", _body())
    tenant.must("PATCH", f"/users/{made['id']}", {"jobTitle": "Head"})
    tenant.must("PATCH", f"/users/{made['id']}", {"passwordProfile": {"password": "Better-horse-2"}})
    tenant.must("DELETE", f"/users/{made['id']}")
    records = [one for one in tenant.audits() if one["category"] == "UserManagement"]
    assert [one["activityDisplayName"] for one in records] == [
        "Delete user", "Reset user password", "Update user", "Add user",
    ]  # fmt: skip
    target = records[-1]["targetResources"][0]
    assert (target["type"], target["userPrincipalName"]) == ("User", f"ada@{DOMAIN}")


def test_a_deleted_user_is_restored_with_name_roles_and_what_they_owned(tenant: LocalTenant):
    who = tenant.as_person(Role.GLOBAL_READER)
    tenant.must("POST", "/applications", {"displayName": "mine"}, token=who.token)
    tenant.must("DELETE", f"/users/{who.user.id}")
    (gone,) = tenant.get("/directory/deletedItems/microsoft.graph.user")["value"]
    assert gone["id"] == who.user.id
    assert gone["userPrincipalName"] == who.user.id.replace("-", "") + who.user.user_principal_name
    assert tenant.get(f"/directory/deletedItems/{who.user.id}")["@odata.type"] == "#microsoft.graph.user"
    back = tenant.must("POST", f"/directory/deletedItems/{who.user.id}/restore")
    assert back["userPrincipalName"] == who.user.user_principal_name
    assert len(tenant.get("/me/ownedObjects", token=who.token)["value"]) == 1
    assert len(tenant.get("/me/memberOf", token=who.token)["value"]) == 1


def test_a_user_whose_name_was_taken_meanwhile_stays_deleted(tenant: LocalTenant):
    made = tenant.must("POST", "/users", _body())
    tenant.must("DELETE", f"/users/{made['id']}")
    tenant.must("POST", "/users", _body())
    tenant.refused("POST", f"/directory/deletedItems/{made['id']}/restore", status=400)
    tenant.refused("GET", f"/users/{made['id']}", status=404)
    tenant.must("DELETE", f"/directory/deletedItems/{made['id']}")


def test_who_may_only_write_applications_restores_nobody(tenant: LocalTenant):
    made, app = tenant.must("POST", "/users", _body()), tenant.as_workload("Application.ReadWrite.All")
    tenant.must("DELETE", f"/users/{made['id']}")
    for method, path in (("POST", "/restore"), ("DELETE", ""), ("GET", "")):
        tenant.refused(method, f"/directory/deletedItems/{made['id']}{path}", status=403, token=app.token)
