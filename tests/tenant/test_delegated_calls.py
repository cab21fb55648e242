"""Calls on behalf of people: their roles, what they own, what exempts them, and what the log says of them."""

from __future__ import annotations

import pytest

from tests.local_tenant import LocalTenant, Somebody
from unsecret.model.directory_roles import Role
from unsecret.store import directory_roles, links, users

APPLICATIONS = "Application.ReadWrite.All"


def _secret(tenant: LocalTenant, app_object_id: str, who: Somebody):
    return tenant.graph(
        "POST", f"/applications/{app_object_id}/addPassword", {"passwordCredential": {}}, token=who.token
    )


def _owned(tenant: LocalTenant, who: Somebody, **body) -> dict:
    app = tenant.new_application(**body)
    tenant.must(
        "POST", f"/applications/{app['id']}/owners/$ref", {"@odata.id": f"/v1.0/directoryObjects/{who.user.id}"}
    )
    return app


@pytest.mark.parametrize("role", [Role.APPLICATION_ADMINISTRATOR, Role.GLOBAL_ADMINISTRATOR])
def test_who_administers_applications_makes_secrets(tenant: LocalTenant, role: Role):
    app, who = tenant.new_application(), tenant.as_person(role)
    assert _secret(tenant, app["id"], who).status_code == 200


@pytest.mark.parametrize("role", [Role.SECURITY_ADMINISTRATOR, Role.GLOBAL_READER, Role.USER_ADMINISTRATOR])
def test_who_does_not_may_not(tenant: LocalTenant, role: Role):
    app, who = tenant.new_application(), tenant.as_person(role)
    answer = _secret(tenant, app["id"], who)
    assert answer.status_code == 403
    assert "Assign the signed-in user the directory role Application Administrator" in answer.text


def test_an_owner_makes_secrets_of_what_they_own_only(tenant: LocalTenant):
    who = tenant.as_person()
    assert _secret(tenant, _owned(tenant, who)["id"], who).status_code == 200
    assert _secret(tenant, tenant.new_application()["id"], who).status_code == 403


def test_an_owner_needs_the_clients_scope_too(tenant: LocalTenant):
    who = tenant.as_person(scopes="User.Read Application.Read.All")
    answer = _secret(tenant, _owned(tenant, who)["id"], who)
    assert answer.status_code == 403
    assert "Grant the client the delegated permission Application.ReadWrite.All" in answer.text


def test_a_role_that_is_withdrawn_ends_at_once(tenant: LocalTenant):
    app, who = tenant.new_application(), tenant.as_person(Role.APPLICATION_ADMINISTRATOR)
    assert _secret(tenant, app["id"], who).status_code == 200

    def withdraw(conn):
        for held in directory_roles.assignments_of(conn, tenant.tenant_id, who.user.id):
            directory_roles.remove(conn, tenant.tenant_id, held.id)

    tenant.store.write(withdraw).result()
    assert _secret(tenant, app["id"], who).status_code == 403


def test_a_deleted_person_is_nobody(tenant: LocalTenant):
    who = tenant.as_person(Role.GLOBAL_ADMINISTRATOR)
    tenant.store.write(lambda conn: users.delete(conn, tenant.tenant_id, who.user.id, at=tenant.clock.now)).result()
    error = tenant.refused("GET", "/applications", status=401, token=who.token)
    assert error["code"] == "Authorization_IdentityNotFound"


def test_a_member_registers_an_application_owns_it_and_makes_it_a_service_principal(tenant: LocalTenant):
    who = tenant.as_person()
    app = tenant.must("POST", "/applications", {"displayName": "mine"}, token=who.token)
    principal = tenant.must("POST", "/servicePrincipals", {"appId": app["appId"]}, token=who.token)
    for path in (f"/applications/{app['id']}", f"/servicePrincipals/{principal['id']}"):
        (owner,) = tenant.get(f"{path}/owners")["value"]
        assert owner["@odata.type"] == "#microsoft.graph.user"
        assert owner["userPrincipalName"] == who.user.user_principal_name


def test_a_guest_registers_nothing(tenant: LocalTenant):
    who = tenant.as_person(user_type="Guest")
    tenant.refused("POST", "/applications", {"displayName": "mine"}, status=403, token=who.token)


def test_who_administers_all_applications_is_not_made_the_owner_of_one(tenant: LocalTenant):
    who = tenant.as_person(Role.APPLICATION_ADMINISTRATOR)
    app = tenant.must("POST", "/applications", {"displayName": "new"}, token=who.token)
    assert tenant.get(f"/applications/{app['id']}/owners")["value"] == []


def test_an_owner_adds_an_owner_and_members_do_not(tenant: LocalTenant):
    who, other = tenant.as_person(), tenant.as_person()
    app = _owned(tenant, who)
    reference = {"@odata.id": f"/v1.0/directoryObjects/{other.user.id}"}
    path = f"/applications/{app['id']}/owners/$ref"
    tenant.refused("POST", path, reference, status=403, token=other.token)
    tenant.must("POST", path, reference, token=who.token)


def test_a_person_is_an_object_of_the_directory(tenant: LocalTenant):
    who = tenant.as_person()
    one = tenant.get(f"/directoryObjects/{who.user.id}")
    (by_id,) = tenant.must("POST", "/directoryObjects/getByIds", {"ids": [who.user.id]})["value"]
    for shown in (one, by_id):
        assert shown["@odata.type"] == "#microsoft.graph.user"
        assert shown["displayName"] == "Some Body"
        assert "passwordProfile" not in shown


@pytest.mark.parametrize(
    ("role", "default", "custom"),
    [
        (Role.GLOBAL_ADMINISTRATOR, 204, 201),
        (Role.APPLICATION_ADMINISTRATOR, 204, 201),
        (Role.SECURITY_ADMINISTRATOR, 204, 403),
        (Role.GLOBAL_READER, 403, 403),
    ],
)
def test_who_may_write_policies(tenant: LocalTenant, role: Role, default: int, custom: int):
    who = tenant.as_person(role)
    patch = {"isEnabled": False}
    policy = {"displayName": "p", "description": "d"}
    paths = "/policies/defaultAppManagementPolicy", "/policies/appManagementPolicies"
    assert tenant.graph("PATCH", paths[0], patch, token=who.token).status_code == default
    assert tenant.graph("POST", paths[1], policy, token=who.token).status_code == custom
    assert tenant.graph("GET", paths[0], token=who.token).status_code == 200


def test_the_law_binds_people_too(tenant: LocalTenant):
    app, who = tenant.new_application(), tenant.as_person(Role.GLOBAL_ADMINISTRATOR)
    tenant.block_secrets()
    assert _secret(tenant, app["id"], who).json()["error"]["code"] == "CredentialTypeNotAllowedAsPerAppPolicy"


EXEMPT = {"customSecurityAttributes": [{
    "@odata.type": "#microsoft.graph.customSecurityAttributeStringValueExemption",
    "id": "Exemptions_Secrets", "operator": "equals", "value": "yes",
}]}  # fmt: skip


@pytest.mark.parametrize(
    ("users_own", "clients_own", "status"),
    [("yes", None, 200), (None, "yes", 200), ("no", "yes", 200), ("Yes", "no", 400), (None, None, 400)],
)
def test_the_person_or_the_client_may_be_exempt(
    tenant: LocalTenant, users_own: str | None, clients_own: str | None, status: int
):
    app = tenant.new_application()
    client = tenant.as_workload(**({"Exemptions_Secrets": clients_own} if clients_own else {}))
    held = {"Exemptions": {"Secrets": users_own}} if users_own else {}
    who = tenant.as_person(
        Role.APPLICATION_ADMINISTRATOR, client=client.application.app_id, custom_security_attributes=held
    )
    entry = {"restrictionType": "passwordAddition", "state": "enabled", "maxLifetime": None, "excludeActors": EXEMPT}
    body = {"isEnabled": True, "applicationRestrictions": {"passwordCredentials": [entry]}}
    tenant.must("PATCH", "/policies/defaultAppManagementPolicy", body)
    assert _secret(tenant, app["id"], who).status_code == status


def test_the_log_names_the_person_and_not_the_client(tenant: LocalTenant):
    app, who = tenant.new_application(), tenant.as_person(Role.APPLICATION_ADMINISTRATOR)
    _secret(tenant, app["id"], who)
    path = f"/auditLogs/directoryAudits?$filter=initiatedBy/user/id eq '{who.user.id}'"
    (record,) = tenant.get(path)["value"]
    assert record["initiatedBy"]["app"] is None
    user = record["initiatedBy"]["user"]
    assert (user["id"], user["userPrincipalName"]) == (who.user.id, who.user.user_principal_name)
    assert user["ipAddress"]
    name = f"initiatedBy/user/userPrincipalName eq '{who.user.user_principal_name}'"
    assert len(tenant.get(f"/auditLogs/directoryAudits?$filter={name}")["value"]) == 1
    by_app = f"/auditLogs/directoryAudits?$filter=initiatedBy/app/appId eq '{tenant.new.client_id}'"
    assert record["id"] not in [one["id"] for one in tenant.get(by_app)["value"]]


def test_a_refusal_of_a_person_is_in_the_log_as_well(tenant: LocalTenant):
    app, who = tenant.new_application(), tenant.as_person()
    _secret(tenant, app["id"], who)
    (record,) = tenant.get(f"/auditLogs/directoryAudits?$filter=initiatedBy/user/id eq '{who.user.id}'")["value"]
    assert record["result"] == "failure"


def test_what_the_client_owns_is_not_the_persons(tenant: LocalTenant):
    client = tenant.as_workload()
    who = tenant.as_person(client=client.application.app_id)
    app = tenant.new_application()
    tenant.store.write(lambda conn: links.add_owner(conn, tenant.tenant_id, app["id"], client.principal.id)).result()
    assert _secret(tenant, app["id"], who).status_code == 403
