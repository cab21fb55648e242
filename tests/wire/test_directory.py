"""The organisation, mixed collections and granted permissions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.store.nouns import service_principal
from unsecret.errors import Invalid
from unsecret.model.application import Application, AppRoleAssignment, ServicePrincipal, Tenant
from unsecret.model.identifiers import ZERO_GUID, AppId, ObjectId, TenantId
from unsecret.wire.directory import (
    AppRoleAssignmentBody,
    app_role_assignment_from_graph,
    app_role_assignment_to_graph,
    directory_object_to_graph,
    offered_app_roles,
    organization_to_graph,
)

A, B, ROLE = (f"aaaaaaaa-0000-0000-0000-00000000000{i}" for i in (1, 2, 3))
NOW = datetime(2026, 11, 22, tzinfo=UTC)


def test_the_organisation_names_its_domains_the_initial_one_first() -> None:
    tenant = Tenant(
        id=TenantId(A),
        display_name="Contoso",
        created_at=NOW,
        verified_domains=("contoso.onmicrosoft.com", "contoso.com"),
    )
    body = organization_to_graph(tenant)
    assert (body["id"], body["displayName"], body["tenantType"]) == (A, "Contoso", "AAD")
    assert body["createdDateTime"] == "2026-11-22T00:00:00Z"
    assert [(d["name"], d["isInitial"], d["isDefault"]) for d in body["verifiedDomains"]] == [
        ("contoso.onmicrosoft.com", True, True),
        ("contoso.com", False, False),
    ]
    assert set(body["verifiedDomains"][0]) == {"capabilities", "isDefault", "isInitial", "name", "type"}


def test_an_object_of_a_mixed_collection_says_its_type_first() -> None:
    kinds = {
        "#microsoft.graph.application": Application(id=ObjectId(A), app_id=AppId(B), display_name="a", created_at=NOW),
        "#microsoft.graph.servicePrincipal": ServicePrincipal(
            id=ObjectId(A), app_id=AppId(B), display_name="a", created_at=None
        ),
    }
    for name, obj in kinds.items():
        body = directory_object_to_graph(obj, beta=False)
        assert next(iter(body.items())) == ("@odata.type", name)
        assert (body["id"], body["appId"]) == (A, B)


def test_a_granted_permission_names_both_ends() -> None:
    assignment = AppRoleAssignment(
        id="x", principal_id=ObjectId(A), resource_id=ObjectId(B), app_role_id=ROLE, created_at=NOW
    )
    body = app_role_assignment_to_graph(
        assignment, principal_name="Client", principal_type="ServicePrincipal", resource_name="Microsoft Graph"
    )
    assert body == {
        "id": "x",
        "deletedDateTime": None,
        "appRoleId": ROLE,
        "createdDateTime": "2026-11-22T00:00:00Z",
        "principalDisplayName": "Client",
        "principalId": A,
        "principalType": "ServicePrincipal",
        "resourceDisplayName": "Microsoft Graph",
        "resourceId": B,
    }


def test_a_permission_is_asked_for_with_three_identifiers() -> None:
    body = {"@odata.type": "#microsoft.graph.appRoleAssignment", "principalId": A.upper(), "resourceId": B}
    asked = app_role_assignment_from_graph({**body, "appRoleId": ZERO_GUID, "id": None})
    assert asked == AppRoleAssignmentBody(principal_id=ObjectId(A), resource_id=ObjectId(B), app_role_id=ZERO_GUID)


GOOD = {"principalId": A, "resourceId": B, "appRoleId": ROLE}


@pytest.mark.parametrize("name", GOOD)
def test_each_of_the_three_is_required_and_a_guid(name: str) -> None:
    for wrong in ({}, {name: None}, {name: "x"}, {name: 7}):
        rest: dict[str, Any] = {other: value for other, value in GOOD.items() if other != name}
        with pytest.raises(Invalid) as caught:
            app_role_assignment_from_graph({**rest, **wrong})
        assert caught.value.target == name


@pytest.mark.parametrize("body", [None, [], "x", {**GOOD, "role": ROLE}, {**GOOD, "id": "x"}])
def test_another_body_is_refused(body: Any) -> None:
    with pytest.raises(Invalid):
        app_role_assignment_from_graph(body)


def test_some_app_roles_are_those_that_are_named_and_offered() -> None:
    offered = [{"id": name, "value": name.upper(), "allowedMemberTypes": ["Application"]} for name in ("a", "b", "c")]
    principal = service_principal(other={"appRoles": offered})

    for only, values in ((None, "ABC"), (("c", "a", "x"), "CA"), ((), "")):
        assert "".join(role.value for role in offered_app_roles(principal, only)) == values
