"""What an older version did not give the administrator application is given when a newer one starts."""

from __future__ import annotations

import pytest

from tests.local_tenant import NOW, LocalTenant
from unsecret.model.identifiers import ObjectId
from unsecret.store import links
from unsecret.store.published_permissions import app_role_id
from unsecret.tenant.administrator_permissions import give_missing_permissions
from unsecret.tenant.bootstrap import ADMINISTRATOR_UNIQUE_NAME

MADE_WITHOUT = "User.ReadWrite.All"


def started(tenant: LocalTenant) -> tuple[str, ...]:
    return tenant.store.write(
        lambda conn: give_missing_permissions(conn, tenant.tenant_id, now=NOW), tenant.tenant_id
    ).result()


def assignments(tenant: LocalTenant) -> dict[str, str]:
    """What the administrator holds: role → assignment."""
    (principal,) = tenant.get("/servicePrincipals?$filter=displayName eq 'unsecret administrator'")["value"]
    held = tenant.get(f"/servicePrincipals/{principal['id']}/appRoleAssignments")["value"]
    return {one["appRoleId"]: f"{principal['id']}/appRoleAssignments/{one['id']}" for one in held}


@pytest.fixture
def older(tenant: LocalTenant) -> LocalTenant:
    """A tenant whose administrator was made with less, of which no record is kept."""
    one = assignments(tenant)[app_role_id(MADE_WITHOUT)].rpartition("/")[2]
    tenant.store.write(lambda conn: links.remove_app_role_assignment(conn, tenant.tenant_id, one)).result()
    return tenant


def test_what_is_missing_is_given_and_recorded_once(older: LocalTenant) -> None:
    assert started(older) == (MADE_WITHOUT,)
    assert app_role_id(MADE_WITHOUT) in assignments(older)
    (record,) = older.audits()
    assert record["activityDisplayName"] == "Add app role assignment to service principal"
    assert record["initiatedBy"] == {"app": None, "user": None}
    assert f'"{MADE_WITHOUT}"' in str(record["targetResources"])
    assert started(older) == ()
    older.sign_in_again()
    older.get("/users")


def test_what_somebody_took_stays_taken(tenant: LocalTenant) -> None:
    tenant.must("DELETE", f"/servicePrincipals/{assignments(tenant)[app_role_id(MADE_WITHOUT)]}")
    assert started(tenant) == ()
    assert app_role_id(MADE_WITHOUT) not in assignments(tenant)


def test_an_application_that_took_the_name_gets_nothing(tenant: LocalTenant) -> None:
    own = tenant.get(f"/applications(uniqueName='{ADMINISTRATOR_UNIQUE_NAME}')")
    nobody = tenant.as_workload("Application.ReadWrite.All")
    tenant.must("DELETE", f"/applications/{own['id']}")
    tenant.must("DELETE", f"/directory/deletedItems/{own['id']}", token=nobody.token)
    body = {"displayName": "other", "uniqueName": ADMINISTRATOR_UNIQUE_NAME}
    other = tenant.must("POST", "/applications", body, token=nobody.token)
    principal = tenant.must("POST", "/servicePrincipals", {"appId": other["appId"]}, token=nobody.token)
    assert started(tenant) == ()
    with tenant.store.read() as conn:
        assert links.app_role_assignments(conn, tenant.tenant_id, ObjectId(principal["id"])) == ()
