"""GET /openapi.json: it says of every route what it is and takes, and what it says is so."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest

from tests.local_tenant import LocalTenant
from unsecret.tenant.app import BETA_ROUTES, GRAPH_ROUTES
from unsecret.tenant.description import description_of, name_of
from unsecret.wire import json_schemas


@pytest.fixture
def document(tenant: LocalTenant) -> dict[str, Any]:
    answer = tenant.client.get("/openapi.json")  # without a token
    assert answer.status_code == 200
    return answer.json()


def test_every_route_is_in_it(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    for version, table in (("v1.0", GRAPH_ROUTES), ("beta", [*GRAPH_ROUTES, *BETA_ROUTES])):
        for method, path, _ in table:
            spelt = path.replace(":path", "")
            assert method.lower() in document["paths"][f"/{version}{spelt}"]
    assert "post" in document["paths"]["/{tenant}/oauth2/v2.0/token"]
    assert "get" in document["paths"]["/health"]


def test_every_operation_has_a_name_of_its_own_and_says_what_it_does(document: dict[str, Any]) -> None:
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(names) == len(set(names))
    assert [operation for operation in operations if not operation["summary"]] == []


def test_it_tells_nothing_of_the_directory(document: dict[str, Any], tenant: LocalTenant) -> None:
    assert tenant.tenant_id not in str(document)


def test_every_schema_of_a_body_is_a_json_schema() -> None:
    schemas = [
        schema
        for _, _, handler in [*GRAPH_ROUTES, *BETA_ROUTES]
        for beta in (False, True)
        if (schema := description_of(handler).body(beta=beta)) is not None
    ]
    assert len(schemas) > 10
    for schema in schemas:
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})


@pytest.mark.parametrize(
    ("name", "statuses"),
    [
        ("create_application", {"201"}),
        ("update_application", {"201", "204"}),
        ("get_object", {"200"}),
        ("get_property", {"200", "204"}),
        ("add_password", {"200"}),
    ],
)
def test_success_is_the_status_that_the_route_answers_with(
    document: dict[str, Any], name: str, statuses: set[str]
) -> None:
    operation = next(
        document["paths"][f"/v1.0{path}"][method.lower()]
        for method, path, handler in GRAPH_ROUTES
        if name_of(handler) == name
    )
    assert {status for status in operation["responses"] if status[0] == "2"} == statuses
    assert {"400", "401", "403", "404", "429", "503"} <= set(operation["responses"])


ADD = {"passwordCredential": {"displayName": "a", "endDateTime": "2027-01-01T00:00:00Z"}}
BLOCK = {"passwordCredentials": [{"restrictionType": "passwordAddition", "state": "enabled", "maxLifetime": None}]}
BETA = {"redirectUris": {"uriWithWildcard": {"state": "enabled", "excludeFormats": {"excludeWildcardsInPath": True}}}}

TRUST = {
    "name": "trust",
    "issuer": "https://issuer.example",
    "subject": "s",
    "audiences": ["api://AzureADTokenExchange"],
}
FLEXIBLE = TRUST | {
    "subject": None,
    "claimsMatchingExpression": {"value": "claims['sub'] eq 's'", "languageVersion": 1},
}


@pytest.mark.parametrize(
    ("schema", "body", "fits"),
    [
        (json_schemas.NEW_APPLICATION, {"displayName": "a", "web": {"redirectUris": ["https://a.example"]}}, True),
        (json_schemas.NEW_APPLICATION, {"displayName": "a", "@odata.type": "#microsoft.graph.application"}, True),
        (json_schemas.NEW_APPLICATION, {}, False),
        (json_schemas.NEW_APPLICATION, {"displayName": ""}, False),
        (json_schemas.NEW_APPLICATION, {"displayName": "a", "nonsense": 1}, False),
        (json_schemas.NEW_APPLICATION, {"displayName": "a", "signInAudience": "Everybody"}, False),
        (json_schemas.APPLICATION, {"identifierUris": ["no uri"]}, False),
        (json_schemas.NEW_SERVICE_PRINCIPAL, {"appId": "1f0d5b9a-7c3e-4a55-9d10-5a6f0c1b2d3e"}, True),
        (json_schemas.NEW_SERVICE_PRINCIPAL, {"appId": None}, False),
        (json_schemas.ADD_PASSWORD, ADD, True),
        (json_schemas.ADD_PASSWORD, {"passwordCredential": {"hint": "x"}}, False),
        (json_schemas.NEW_FEDERATED_CREDENTIAL, TRUST, True),
        (json_schemas.NEW_FEDERATED_CREDENTIAL, TRUST | {"audiences": []}, False),
        (json_schemas.NEW_FEDERATED_CREDENTIAL, TRUST | {"issuer": "http://issuer.example"}, False),
        (json_schemas.NEW_FEDERATED_CREDENTIAL, {"name": "trust"}, False),
        (json_schemas.NEW_FEDERATED_CREDENTIAL, FLEXIBLE, False),
        (json_schemas.NEW_BETA_FEDERATED_CREDENTIAL, FLEXIBLE, True),
        (json_schemas.FEDERATED_CREDENTIAL, {"subject": None}, True),
        (json_schemas.default_policy(beta=False), {"isEnabled": True, "applicationRestrictions": BLOCK}, True),
        (json_schemas.default_policy(beta=False), {"applicationRestrictions": BETA}, False),
        (json_schemas.default_policy(beta=True), {"applicationRestrictions": BETA}, True),
        (json_schemas.new_policy(beta=True), {"displayName": "a", "description": "b", "restrictions": BLOCK}, True),
        (json_schemas.new_policy(beta=True), {"displayName": "a"}, False),
    ],
)
def test_a_schema_fits_what_is_taken_and_nothing_else(schema: dict[str, Any], body: Any, fits: bool) -> None:
    assert jsonschema_rs.is_valid(schema, body) is fits
