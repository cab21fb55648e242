"""Custom security attributes: defined, assigned within their definitions, and honoured as exemptions."""

from __future__ import annotations

from typing import Any

import pytest

from tests.local_tenant import LocalTenant
from unsecret.model.directory_roles import Role

SETS, DEFINITIONS = "/directory/attributeSets", "/directory/customSecurityAttributeDefinitions"
DEFINITION = {
    "attributeSet": "Engineering",
    "name": "Project",
    "description": "Active projects",
    "type": "String",
    "status": "Available",
    "isCollection": False,
    "isSearchable": True,
    "usePreDefinedValuesOnly": False,
}


@pytest.fixture
def engineering(tenant: LocalTenant) -> LocalTenant:
    tenant.must("POST", SETS, {"id": "Engineering", "description": "d", "maxAttributesPerSet": 2})
    return tenant


def _assign(tenant: LocalTenant, path: str, value: Any, name: str = "Project", set_name: str = "Engineering"):
    held = {"@odata.type": "#microsoft.graph.customSecurityAttributeValue", name: value}
    return tenant.graph("PATCH", path, {"customSecurityAttributes": {set_name: held}})


def test_a_set_is_made_read_and_changed(engineering: LocalTenant):
    assert engineering.get(f"{SETS}/engineering")["maxAttributesPerSet"] == 2
    engineering.must("PATCH", f"{SETS}/Engineering", {"description": "other", "maxAttributesPerSet": 20})
    (shown,) = engineering.get(SETS)["value"]
    assert shown == {"id": "Engineering", "description": "other", "maxAttributesPerSet": 20}
    engineering.refused("POST", SETS, {"id": "ENGINEERING"}, status=409)
    engineering.refused("PATCH", f"{SETS}/Engineering", {"id": "Other"}, status=400)
    engineering.refused("GET", f"{SETS}/Nowhere", status=404)


def test_an_attribute_is_defined_read_and_changed(engineering: LocalTenant):
    made = engineering.must("POST", DEFINITIONS, DEFINITION)
    assert made["id"] == "Engineering_Project"
    shown = engineering.get(f"{DEFINITIONS}/Engineering_Project")
    assert {name: shown[name] for name in DEFINITION} == DEFINITION
    engineering.must("PATCH", f"{DEFINITIONS}/Engineering_Project", {"status": "Deprecated"})
    assert engineering.get(f"{DEFINITIONS}/Engineering_Project")["status"] == "Deprecated"
    assert (
        len(engineering.get(f"{DEFINITIONS}?$filter=attributeSet eq 'Engineering' and name eq 'project'")["value"]) == 1
    )
    assert engineering.get(f"{DEFINITIONS}?$filter=status eq 'Available'")["value"] == []
    engineering.refused("POST", DEFINITIONS, DEFINITION, status=409)


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"attributeSet": "Nowhere"}, 404),
        ({"name": "with space"}, 400),
        ({"name": "under_score"}, 400),
        ({"type": "Date"}, 400),
        ({"type": "Boolean", "isCollection": True}, 400),
        ({"type": "Boolean", "usePreDefinedValuesOnly": True}, 400),
        ({"status": None}, 400),
    ],
)
def test_what_cannot_be_defined_is_refused(engineering: LocalTenant, changed: dict[str, Any], status: int):
    engineering.refused("POST", DEFINITIONS, DEFINITION | changed, status=status)


def test_a_definition_never_becomes_stricter_and_keeps_its_type(engineering: LocalTenant):
    engineering.must("POST", DEFINITIONS, DEFINITION)
    for change in ({"usePreDefinedValuesOnly": True}, {"type": "Integer"}, {"name": "Other"}, {"isCollection": True}):
        engineering.refused("PATCH", f"{DEFINITIONS}/Engineering_Project", change, status=400)


def test_a_set_holds_as_many_as_it_may(engineering: LocalTenant):
    for name in ("One", "Two"):
        engineering.must("POST", DEFINITIONS, DEFINITION | {"name": name})
    engineering.refused("POST", DEFINITIONS, DEFINITION | {"name": "Three"}, status=400)


@pytest.mark.parametrize("kind", ["users", "servicePrincipals"])
def test_only_what_is_defined_is_assigned(engineering: LocalTenant, kind: str):
    who = engineering.as_person().user.id if kind == "users" else engineering.as_workload().principal.id
    path = f"/{kind}/{who}"
    assert "is not defined" in _assign(engineering, path, "Alpine").json()["error"]["message"]
    engineering.must("POST", DEFINITIONS, DEFINITION)
    assert _assign(engineering, path, 5).status_code == 400
    assert _assign(engineering, path, "Alpine", name="project", set_name="engineering").status_code == 204
    shown = engineering.get(f"{path}?$select=customSecurityAttributes")["customSecurityAttributes"]
    assert shown["Engineering"]["Project"] == "Alpine"
    engineering.must("PATCH", f"{DEFINITIONS}/Engineering_Project", {"status": "Deprecated"})
    assert _assign(engineering, path, "Baker").status_code == 400
    assert _assign(engineering, path, "Alpine").status_code == 204
    assert _assign(engineering, path, None).status_code == 204


def test_predefined_values_are_added_and_switched_off(engineering: LocalTenant):
    body = DEFINITION | {"usePreDefinedValuesOnly": True, "allowedValues": [{"id": "Alpine", "isActive": True}]}
    engineering.must("POST", DEFINITIONS, body)
    values = f"{DEFINITIONS}/Engineering_Project/allowedValues"
    path = f"/users/{engineering.as_person().user.id}"
    assert _assign(engineering, path, "Baker").status_code == 400
    engineering.must("POST", values, {"id": "Baker", "isActive": True})
    engineering.refused("POST", values, {"id": "Baker", "isActive": True}, status=409)
    assert _assign(engineering, path, "Baker").status_code == 204
    engineering.must("PATCH", f"{values}/Baker", {"isActive": False})
    assert engineering.get(f"{values}/Baker")["isActive"] is False
    assert [one["id"] for one in engineering.get(values)["value"]] == ["Alpine", "Baker"]
    other = f"/users/{engineering.as_person().user.id}"
    assert _assign(engineering, other, "Baker").status_code == 400
    engineering.refused("GET", f"{values}/Cascade", status=404)


@pytest.mark.parametrize(
    ("role", "reads", "defines"),
    [
        (Role.ATTRIBUTE_DEFINITION_ADMINISTRATOR, 200, 201),
        (Role.ATTRIBUTE_DEFINITION_READER, 200, 403),
        (Role.ATTRIBUTE_ASSIGNMENT_ADMINISTRATOR, 200, 403),
        (Role.GLOBAL_ADMINISTRATOR, 403, 403),
    ],
)
def test_a_global_administrator_is_nobody_here(engineering: LocalTenant, role: Role, reads: int, defines: int):
    who = engineering.as_person(role)
    assert engineering.graph("GET", SETS, token=who.token).status_code == reads
    assert engineering.graph("POST", DEFINITIONS, DEFINITION, token=who.token).status_code == defines


def test_an_assigned_value_exempts_and_a_withdrawn_one_does_not(tenant: LocalTenant):
    who, app = tenant.as_person(Role.APPLICATION_ADMINISTRATOR), tenant.new_application()
    tenant.define_attribute("Exemptions", "Secrets")
    exemption = {
        "@odata.type": "#microsoft.graph.customSecurityAttributeStringValueExemption",
        "id": "Exemptions_Secrets",
        "operator": "equals",
        "value": "yes",
    }
    entry = {
        "restrictionType": "passwordAddition",
        "state": "enabled",
        "maxLifetime": None,
        "excludeActors": {"customSecurityAttributes": [exemption]},
    }
    body = {"isEnabled": True, "applicationRestrictions": {"passwordCredentials": [entry]}}
    tenant.must("PATCH", "/policies/defaultAppManagementPolicy", body)
    add = ("POST", f"/applications/{app['id']}/addPassword", {"passwordCredential": {}})
    for value, status in (("no", 400), ("yes", 200), (None, 400)):
        held = _assign(tenant, f"/users/{who.user.id}", value, name="Secrets", set_name="Exemptions")
        assert held.status_code == 204
        assert tenant.graph(*add, token=who.token).status_code == status


_DELTA = "allowedValues@delta"


def test_predefined_values_are_switched_and_added_by_a_delta(tenant: LocalTenant) -> None:
    path = with_predefined_values(tenant, "Alpine", "Baker")
    body = {_DELTA: [{"id": "Baker", "isActive": False}, {"id": "Skagit", "isActive": True}]}
    assert tenant.graph("PATCH", path, body, OData_Version="4.01").status_code == 204
    expected = [("Alpine", True), ("Baker", False), ("Skagit", True)]
    assert [(one["id"], one["isActive"]) for one in tenant.get(f"{path}/allowedValues")["value"]] == expected
    expanded = tenant.get(f"{path}?$expand=allowedValues")
    assert [(one["id"], one["isActive"]) for one in expanded["allowedValues"]] == expected
    listed = tenant.get(f"{path.rpartition('/')[0]}?$filter=name eq 'Project'&$expand=allowedValues($select=id)")
    assert listed["value"][0]["allowedValues"] == [{"id": name} for name, _ in expected]
    assert "allowedValues" not in tenant.get(path)


@pytest.mark.parametrize(
    ("delta", "headers"),
    [
        ([{"id": "Baker", "isActive": False}], {}),
        ([{"id": "Baker", "isActive": False}], {"OData_Version": "4.0"}),
        ([{"id": "Baker", "@removed": {"reason": "deleted"}}], {"OData_Version": "4.01"}),
        ([{"id": "Baker", "isActive": "false"}], {"OData_Version": "4.01"}),
        ([{"isActive": False}], {"OData_Version": "4.01"}),
        ({"id": "Baker"}, {"OData_Version": "4.01"}),
        (["Baker"], {"OData_Version": "4.01"}),
        ([{"id": f"value {number}"} for number in range(100)], {"OData_Version": "4.01"}),
    ],
)
def test_a_delta_of_values_that_cannot_be_is_refused(tenant: LocalTenant, delta: Any, headers: dict[str, str]) -> None:
    path = with_predefined_values(tenant, "Alpine", "Baker")
    tenant.refused("PATCH", path, {_DELTA: delta}, status=400, **headers)
    assert all(one["isActive"] for one in tenant.get(f"{path}/allowedValues")["value"])


def test_a_delta_of_anything_else_is_not_passed_over(tenant: LocalTenant) -> None:
    made = tenant.new_application()
    for name in ("tags@delta", "keyCredentials@odata.delta"):
        error = tenant.refused("PATCH", f"/applications/{made['id']}", {name: []}, status=501)
        assert name in error["message"]


def with_predefined_values(tenant: LocalTenant, *values: str) -> str:
    """The path of an attribute that has them."""
    allowed = [{"id": value, "isActive": True} for value in values]
    tenant.define_attribute("Engineering", "Project", usePreDefinedValuesOnly=True, allowedValues=allowed)
    return "/directory/customSecurityAttributeDefinitions/Engineering_Project"
