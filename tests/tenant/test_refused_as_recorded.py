"""Refusals that clients were recorded with: values that are taken, told twice or of another form."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import databases
from tests.local_tenant import Identity, LocalTenant
from unsecret.tenant.signing import SigningKeys


@pytest.fixture(scope="module")
def tenant(
    tmp_path_factory: pytest.TempPathFactory, migrated: Path, identity: Identity, signing: SigningKeys
) -> Iterator[LocalTenant]:
    with databases.copied(migrated, tmp_path_factory.mktemp("recorded")) as directory:
        local = LocalTenant(directory, identity, signing)
        yield local
        local.close()


def test_a_value_that_has_to_be_unique_is_taken_once(tenant: LocalTenant) -> None:
    """Recorded with `az ad user create`, Terraform's provider and others: 400, and the kind of conflict in details."""
    tenant.new_application(identifierUris=["api://taken-once"], uniqueName="taken-once")
    for name, value in (("identifierUris", ["api://TAKEN-once"]), ("uniqueName", "Taken-Once")):
        error = tenant.refused("POST", "/applications", {"displayName": "another", name: value}, status=400)
        said = f"Another object with the same value for property {name} already exists."
        assert error["code"] == "Request_BadRequest"
        assert error["message"].startswith(said)
        assert error["details"] == [{"code": "ObjectConflict", "message": said, "target": name}]


ROLE = {"allowedMemberTypes": ["User"], "description": "r", "displayName": "Reader", "value": "Read"}


@pytest.mark.parametrize(
    ("roles", "scopes", "status"),
    [
        ([(1, "Read"), (2, "Write")], [(3, "Other")], 204),
        ([(1, "Read")], [(1, "Read")], 204),
        ([(1, None), (2, None)], [], 204),
        ([(1, "Read"), (2, "Read")], [], 400),
        ([(1, "Read"), (1, "Write")], [], 400),
        ([], [(1, "Read"), (2, "Read")], 400),
        ([(1, "Read")], [(2, "Read")], 400),
        ([(1, "Read")], [(1, "Write")], 400),
    ],
)
def test_permissions_of_an_application_are_told_apart(
    tenant: LocalTenant, roles: list[tuple[int, str | None]], scopes: list[tuple[int, str | None]], status: int
) -> None:
    """Recorded with Terraform's provider and Graph's Python SDK."""

    def named(items: list[tuple[int, str | None]], more: dict[str, Any]) -> list[dict[str, Any]]:
        return [
            more | {"id": f"{number}0000000-0000-4000-8000-000000000000", "value": value} for number, value in items
        ]

    body = {"appRoles": named(roles, ROLE), "api": {"oauth2PermissionScopes": named(scopes, {"type": "User"})}}
    path = f"/applications/{tenant.new_application()['id']}"
    answer = tenant.graph("PATCH", path, body)
    assert answer.status_code == status, answer.text
    if status == 400:
        error = answer.json()["error"]
        assert error["code"] == error["details"][0]["code"] == "DuplicateValue"
        assert error["message"].startswith("Request contains a property with duplicate values.")


def test_an_alias_that_is_a_host_ends_without_a_slash(tenant: LocalTenant) -> None:
    made = tenant.new_application()
    path = f"/applications/{made['id']}"
    error = tenant.refused("PATCH", path, {"identifierUris": ["https://mydomain.example/"]}, status=400)
    assert error["code"] == "IdentifierUrisEndsWithSlash"
    assert error["message"].startswith("Application alias 'https://mydomain.example/' value is invalid.")
    tenant.must("PATCH", path, {"identifierUris": [f"api://{made['appId']}/orders"]})


def test_who_signs_people_in_with_personal_accounts_takes_v2_tokens(tenant: LocalTenant) -> None:
    path = f"/applications/{tenant.new_application()['id']}"
    personal = {"signInAudience": "AzureADandPersonalMicrosoftAccount"}
    error = tenant.refused("PATCH", path, personal, status=400)
    assert error["message"].startswith("Property api.requestedAccessTokenVersion is invalid.")
    tenant.must("PATCH", path, personal | {"api": {"requestedAccessTokenVersion": 2}})
    tenant.must("PATCH", path, {"displayName": "renamed"})
    tenant.refused("PATCH", path, {"api": {"requestedAccessTokenVersion": 1}}, status=400)
