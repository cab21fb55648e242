"""/applications/{id}/federatedIdentityCredentials: whose tokens an application may sign in with."""

from __future__ import annotations

from typing import Any

import pytest

from tests.local_tenant import LocalTenant

GITHUB = "https://token.actions.githubusercontent.com"
BODY = {
    "name": "deploy",
    "issuer": GITHUB,
    "subject": "repo:contoso/payroll:environment:production",
    "audiences": ["api://AzureADTokenExchange"],
    "description": "the pipeline",
}
EXPRESSION = {"value": "claims['sub'] matches 'repo:contoso/payroll:ref:refs/heads/*'", "languageVersion": 1}
FLEXIBLE = {
    "name": "branches",
    "issuer": GITHUB,
    "audiences": BODY["audiences"],
    "claimsMatchingExpression": EXPRESSION,
}


@pytest.fixture
def path(tenant: LocalTenant) -> str:
    """The credentials of a fresh application."""
    return f"/applications/{tenant.new_application('payroll')['id']}/federatedIdentityCredentials"


def test_a_credential_is_made_listed_and_read_by_id_and_by_name(tenant: LocalTenant, path: str) -> None:
    made = tenant.must("POST", path, BODY)
    context = made.pop("@odata.context")
    object_id = path.split("/")[2]
    assert context.endswith(f"#applications('{object_id}')/federatedIdentityCredentials/$entity")
    assert {name: made[name] for name in BODY} == BODY
    assert tenant.get(path)["value"] == [made]
    for key in (f"/{made['id']}", "/deploy", "/DEPLOY", "(name='deploy')", f"('{made['id']}')"):
        found = tenant.get(path + key)
        assert found["id"] == made["id"], key


def test_an_answer_is_201_and_a_deletion_204(tenant: LocalTenant, path: str) -> None:
    assert tenant.graph("POST", path, BODY).status_code == 201
    assert tenant.graph("DELETE", f"{path}/deploy").status_code == 204
    assert tenant.get(path)["value"] == []
    tenant.refused("GET", f"{path}/deploy", status=404)
    tenant.refused("DELETE", f"{path}/deploy", status=404)


def test_a_change_keeps_what_it_does_not_name(tenant: LocalTenant, path: str) -> None:
    tenant.must("POST", path, BODY)
    assert tenant.graph("PATCH", f"{path}/deploy", {"subject": "repo:contoso/payroll:pull_request"}).status_code == 204
    found = tenant.get(f"{path}/deploy")
    assert found["subject"] == "repo:contoso/payroll:pull_request"
    assert (found["issuer"], found["description"]) == (BODY["issuer"], BODY["description"])
    tenant.must("PATCH", f"{path}/deploy", {**BODY, "description": None})
    assert tenant.get(f"{path}/deploy")["description"] is None


def test_a_name_cannot_be_changed(tenant: LocalTenant, path: str) -> None:
    tenant.must("POST", path, BODY)
    assert tenant.refused("PATCH", f"{path}/deploy", {"name": "other"}, status=400)["details"][0]["target"] == "name"


def test_an_upsert_makes_what_is_not_there_and_changes_what_is(tenant: LocalTenant, path: str) -> None:
    body = {name: value for name, value in BODY.items() if name != "name"}
    by_name = f"{path}(name='deploy')"
    first = tenant.graph("PATCH", by_name, body, Prefer="create-if-missing")
    assert (first.status_code, first.json()["name"]) == (201, "deploy")
    second = tenant.graph("PATCH", by_name, {"description": "changed"}, Prefer="create-if-missing")
    assert second.status_code == 204
    found = tenant.get(by_name)
    assert (found["id"], found["description"]) == (first.json()["id"], "changed")


@pytest.mark.parametrize(
    ("key", "headers", "status"),
    [("(name='nobody')", {}, 404), ("/nobody", {"Prefer": "create-if-missing"}, 404), ("(appId='x')", {}, 400)],
)
def test_a_change_makes_nothing_unless_asked_by_name(
    tenant: LocalTenant, path: str, key: str, headers: dict[str, str], status: int
) -> None:
    tenant.refused("PATCH", path + key, {"description": "x"}, status=status, **headers)
    assert tenant.get(path)["value"] == []


@pytest.mark.parametrize(
    ("change", "target"),
    [
        ({"name": "ab"}, "name"),
        ({"name": "a" * 121}, "name"),
        ({"name": "-deploy"}, "name"),
        ({"name": "de ploy"}, "name"),
        ({"name": None}, "name"),
        ({"issuer": "http://issuer.example"}, "issuer"),
        ({"issuer": " https://issuer.example"}, "issuer"),
        ({"issuer": "https://issuer.example/" + "x" * 600}, "issuer"),
        ({"issuer": "https://user@issuer.example"}, "issuer"),
        ({"subject": "x" * 601}, "subject"),
        ({"subject": ""}, "subject"),
        ({"audiences": []}, "audiences"),
        ({"audiences": ["a", "b"]}, "audiences"),
        ({"audiences": None}, "audiences"),
        ({"description": "x" * 601}, "description"),
        ({"claimsMatchingExpression": EXPRESSION}, "claimsMatchingExpression"),
        ({"subjekt": "x"}, "subjekt"),
    ],
)
def test_what_a_credential_may_be_is_bounded(
    tenant: LocalTenant, path: str, change: dict[str, Any], target: str
) -> None:
    error = tenant.refused("POST", path, BODY | change, status=400)
    assert error["details"][0]["target"].startswith(target)
    assert tenant.get(path)["value"] == []


@pytest.mark.parametrize("missing", ["name", "issuer", "audiences", "subject"])
def test_what_a_credential_needs_is_asked_for(tenant: LocalTenant, path: str, missing: str) -> None:
    body = {name: value for name, value in BODY.items() if name != missing}
    assert tenant.refused("POST", path, body, status=400)["details"][0]["target"] == missing


def test_a_second_credential_of_the_same_name_is_a_conflict(tenant: LocalTenant, path: str) -> None:
    tenant.must("POST", path, BODY)
    error = tenant.refused("POST", path, BODY | {"name": "Deploy", "subject": "another"}, status=409)
    assert error["code"] == "Request_MultipleObjectsWithSameKeyValue"
    assert error["message"] == "FederatedIdentityCredential with name Deploy already exists."


def test_issuer_and_subject_are_trusted_once(tenant: LocalTenant, path: str) -> None:
    tenant.must("POST", path, BODY)
    error = tenant.refused("POST", path, BODY | {"name": "again"}, status=400)
    assert error["code"] == "InvalidFederatedIdentityCredentialValue"
    assert "combination of issuer and subject must be unique" in error["message"]
    tenant.must("POST", path, BODY | {"name": "again", "subject": "another"})
    tenant.refused("PATCH", f"{path}/again", {"subject": BODY["subject"]}, status=400)
    tenant.must("POST", path, BODY | {"name": "elsewhere", "issuer": "https://gitlab.com"})


def test_two_applications_may_trust_the_same(tenant: LocalTenant, path: str) -> None:
    tenant.must("POST", path, BODY)
    other = tenant.new_application("other")["id"]
    tenant.must("POST", f"/applications/{other}/federatedIdentityCredentials", BODY)


def test_an_application_has_room_for_twenty(tenant: LocalTenant, path: str) -> None:
    for number in range(20):
        tenant.must("POST", path, BODY | {"name": f"number-{number}", "subject": f"subject {number}"})
    tenant.refused("POST", path, BODY, status=400)
    tenant.must("DELETE", f"{path}/number-3")
    tenant.must("POST", path, BODY)


def test_a_list_is_filtered_selected_and_paged(tenant: LocalTenant, path: str) -> None:
    for name in ("first", "second", "third"):
        tenant.must("POST", path, BODY | {"name": name, "subject": f"Subject of {name}"})

    def names(query: str) -> list[str]:
        return [one["name"] for one in tenant.get(f"{path}?{query}")["value"]]

    assert names("$filter=name eq 'SECOND'") == ["second"]
    assert names("$filter=subject eq 'Subject of third'") == ["third"]
    assert names("$filter=subject eq 'subject of third'") == []
    assert names("$top=2") == ["first", "second"]
    page = tenant.get(f"{path}?$top=2&$select=name")
    assert page["value"][0] == {"name": "first"}
    assert [one["name"] for one in tenant.get(page["@odata.nextLink"])["value"]] == ["third"]
    for refused in ("$filter=issuer eq 'x'", "$filter=startswith(name,'f')", "$orderby=name", "$select=secret"):
        tenant.refused("GET", f"{path}?{refused}", status=400)


def test_a_flexible_credential_lives_on_beta(tenant: LocalTenant, path: str) -> None:
    made = tenant.must("POST", f"/beta{path}", FLEXIBLE)
    assert (made["subject"], made["claimsMatchingExpression"]) == (None, EXPRESSION)
    seen = tenant.get(f"{path}/branches")
    assert seen["subject"] is None
    assert "claimsMatchingExpression" not in seen
    tenant.must("PATCH", f"{path}/branches", {"description": "from v1.0"})
    assert tenant.get(f"/beta{path}/branches")["claimsMatchingExpression"] == EXPRESSION


@pytest.mark.parametrize(
    "change",
    [
        {"subject": "both"},
        {"claimsMatchingExpression": None},
        {"claimsMatchingExpression": EXPRESSION | {"languageVersion": 2}},
        {"claimsMatchingExpression": {"value": EXPRESSION["value"]}},
        {"claimsMatchingExpression": EXPRESSION | {"value": "claims['sub'] or 'x'"}},
        {"claimsMatchingExpression": EXPRESSION | {"value": "claims['actor'] eq 'me'"}},
        {"issuer": "https://issuer.example"},
    ],
)
def test_a_flexible_credential_that_says_nothing_sound_is_refused(
    tenant: LocalTenant, path: str, change: dict[str, Any]
) -> None:
    tenant.refused("POST", f"/beta{path}", FLEXIBLE | change, status=400)
    assert tenant.get(path)["value"] == []


def test_an_expression_gives_way_to_a_subject_only_when_it_is_taken_away(tenant: LocalTenant, path: str) -> None:
    tenant.must("POST", f"/beta{path}", FLEXIBLE)
    tenant.refused("PATCH", f"/beta{path}/branches", {"subject": "x"}, status=400)
    tenant.must("PATCH", f"/beta{path}/branches", {"subject": "x", "claimsMatchingExpression": None})
    assert tenant.get(f"{path}/branches")["subject"] == "x"


def test_the_same_expression_twice_is_refused(tenant: LocalTenant, path: str) -> None:
    tenant.must("POST", f"/beta{path}", FLEXIBLE)
    tenant.refused("POST", f"/beta{path}", FLEXIBLE | {"name": "again"}, status=400)


def test_no_policy_against_secrets_forbids_federation(tenant: LocalTenant, path: str) -> None:
    tenant.block_secrets()
    tenant.must("POST", path, BODY)


def test_who_may_only_read_changes_nothing(tenant: LocalTenant, path: str) -> None:
    reader = tenant.as_workload("Application.Read.All").token
    tenant.must("POST", path, BODY)
    assert len(tenant.get(path, token=reader)["value"]) == 1
    for method, where, body in (
        ("POST", path, BODY),
        ("PATCH", f"{path}/deploy", {"description": "x"}),
        ("DELETE", f"{path}/deploy", None),
    ):
        tenant.refused(method, where, body, status=403, token=reader)
    stranger = tenant.as_workload().token
    tenant.refused("GET", path, status=403, token=stranger)


def test_every_change_is_recorded_with_what_was_trusted_before_and_after(tenant: LocalTenant, path: str) -> None:
    tenant.must("POST", path, BODY)
    tenant.must("DELETE", f"{path}/deploy")
    removed, added = tenant.audits()[:2]
    assert added["activityDisplayName"] == removed["activityDisplayName"] == "Update application"
    (change, _) = added["targetResources"][0]["modifiedProperties"]
    assert (change["displayName"], change["oldValue"]) == ("FederatedIdentityCredentials", "[]")
    assert BODY["subject"] in change["newValue"]
    assert removed["targetResources"][0]["modifiedProperties"][0]["newValue"] == "[]"


def test_a_refusal_is_recorded(tenant: LocalTenant, path: str) -> None:
    tenant.refused("POST", path, BODY | {"issuer": "nonsense"}, status=400)
    assert (tenant.audits()[0]["result"], tenant.audits()[0]["activityDisplayName"]) == (
        "failure",
        "Update application",
    )


def test_a_service_principal_has_none_to_change(tenant: LocalTenant) -> None:
    principal = tenant.new_principal(tenant.new_application()["appId"])
    path = f"/servicePrincipals/{principal['id']}/federatedIdentityCredentials"
    assert tenant.get(path)["value"] == []
    tenant.refused("POST", path, BODY, status=405)


def test_the_credentials_of_a_deleted_application_are_out_of_reach(tenant: LocalTenant, path: str) -> None:
    tenant.must("POST", path, BODY)
    tenant.must("DELETE", path.rpartition("/")[0])
    tenant.refused("GET", path, status=404)
