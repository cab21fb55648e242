"""/policies: what is written is kept, merged and enforced; what is assigned binds."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.local_tenant import LocalTenant

DEFAULT = "/policies/defaultAppManagementPolicy"
CUSTOM = "/policies/appManagementPolicies"
BLOCK = {"restrictionType": "passwordAddition", "state": "enabled", "maxLifetime": None}
CAP = {"restrictionType": "passwordLifetime", "state": "enabled", "maxLifetime": "P90D"}


def custom(tenant: LocalTenant, *entries: dict, enabled: bool = True) -> str:
    body = {
        "displayName": "custom",
        "description": "for one application",
        "isEnabled": enabled,
        "restrictions": {"passwordCredentials": list(entries)},
    }
    return tenant.must("POST", CUSTOM, body)["id"]


def assign(tenant: LocalTenant, object_id: str, policy_id: str, kind: str = "applications", version: str = "v1.0"):
    reference = {"@odata.id": f"https://graph.microsoft.com/{version}/policies/appManagementPolicies/{policy_id}"}
    return tenant.graph("POST", f"/{kind}/{object_id}/appManagementPolicies/$ref", reference)


def add_password(tenant: LocalTenant, object_id: str, kind: str = "applications", **dates: str):
    return tenant.graph("POST", f"/{kind}/{object_id}/addPassword", {"passwordCredential": dates})


def test_the_default_policy_is_there_from_the_start_and_switched_off(tenant: LocalTenant) -> None:
    policy = tenant.get(DEFAULT)
    assert policy["@odata.context"].endswith("#policies/defaultAppManagementPolicy/$entity")
    assert policy["id"] == "00000000-0000-0000-0000-000000000000"
    assert policy["isEnabled"] is False
    assert policy["applicationRestrictions"]["passwordCredentials"] == []
    assert policy["servicePrincipalRestrictions"]["keyCredentials"] == []


def test_the_first_write_gives_the_default_policy_an_id_of_its_own(tenant: LocalTenant) -> None:
    answer = tenant.graph("PATCH", DEFAULT, {"isEnabled": True})
    assert (answer.status_code, answer.content) == (204, b"")
    first = tenant.get(DEFAULT)["id"]
    assert first != "00000000-0000-0000-0000-000000000000"
    tenant.must("PATCH", DEFAULT, {"isEnabled": False})
    assert tenant.get(DEFAULT)["id"] == first


def test_a_block_refuses_the_next_secret_in_graphs_words_and_names_the_policy(tenant: LocalTenant) -> None:
    made = tenant.new_application()
    tenant.block_secrets()
    policy_id = tenant.get(DEFAULT)["id"]
    error = tenant.refused("POST", f"/applications/{made['id']}/addPassword", {}, status=400)
    assert error["code"] == "CredentialTypeNotAllowedAsPerAppPolicy"
    assert error["message"].startswith(f"Credential type not allowed as per assigned policy '{policy_id}'.")
    assert len(error["message"]) > len(f"Credential type not allowed as per assigned policy '{policy_id}'.")
    assert set(error["innerError"]) == {"date", "request-id", "client-request-id"}
    assert tenant.get(f"/applications/{made['id']}")["passwordCredentials"] == []


def test_a_lifetime_refusal_names_the_end_date_in_its_details(tenant: LocalTenant) -> None:
    made = tenant.new_application()
    tenant.block_secrets(max_lifetime="P90D")
    error = tenant.refused("POST", f"/applications/{made['id']}/addPassword", {}, status=400)
    assert error["code"] == "CredentialInvalidLifetimeAsPerAppPolicy"
    assert (error["details"][0]["code"], error["details"][0]["target"]) == ("InvalidKeyEndDate", "EndDate")
    within = {"startDateTime": "2026-11-22T12:00:00Z", "endDateTime": "2027-02-20T12:00:00Z"}
    assert add_password(tenant, made["id"], **within).status_code == 200


def test_lifting_the_block_lets_secrets_through_again(tenant: LocalTenant) -> None:
    made = tenant.new_application()
    tenant.block_secrets()
    assert add_password(tenant, made["id"]).status_code == 400
    tenant.must("PATCH", DEFAULT, {"isEnabled": False})
    assert add_password(tenant, made["id"]).status_code == 200


def test_a_secret_in_the_create_body_is_blocked_too_and_nothing_is_created(tenant: LocalTenant) -> None:
    tenant.block_secrets()
    body = {"displayName": "sneaky", "passwordCredentials": [{"displayName": "x"}]}
    error = tenant.refused("POST", "/applications", body, status=400)
    assert error["code"] == "CredentialTypeNotAllowedAsPerAppPolicy"
    assert tenant.get("/applications?$filter=displayName eq 'sneaky'")["value"] == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/applications/{id}", {"web": {"redirectUris": ["https://evil.example/cb"]}}),
        ("/applications/{id}", {"web": {"redirectUriSettings": [{"uri": "https://evil.example/cb"}]}}),
        ("/applications/{id}", {"defaultRedirectUri": "https://evil.example/cb"}),
        ("/servicePrincipals/{sp}", {"replyUrls": ["https://evil.example/cb"]}),
        ("/servicePrincipals/{sp}", {"servicePrincipalNames": ["api://evil"]}),
        ("/applications/{id}", {"identifierUris": ["https:evil.example"]}),
    ],
)
def test_no_address_comes_in_by_another_door(tenant: LocalTenant, path: str, body: dict) -> None:
    made = tenant.new_application()
    principal = tenant.new_principal(made["appId"])
    blocked = {"state": "enabled", "blockedDomains": ["evil.example"]}
    restrictions = {"redirectUris": {"uriWithBlockedDomain": blocked}}
    tenant.must("PATCH", f"/beta{DEFAULT}", {"isEnabled": True, "applicationRestrictions": restrictions})
    tenant.refused("PATCH", path.format(**made, sp=principal["id"]), body, status=400)
    shown = tenant.get(f"/applications/{made['id']}"), tenant.get(f"/servicePrincipals/{principal['id']}")
    assert "evil" not in str(shown)


def test_an_address_in_the_body_of_a_new_principal_is_refused_too(tenant: LocalTenant) -> None:
    made = tenant.new_application()
    body = {"appId": made["appId"], "replyUrls": ["https://evil.example/cb"]}
    tenant.refused("POST", "/servicePrincipals", body, status=400)
    assert tenant.get(f"/servicePrincipals?$filter=appId eq '{made['appId']}'")["value"] == []


def test_a_default_redirect_uri_is_one_of_the_redirect_uris(tenant: LocalTenant) -> None:
    address = "https://a.example/cb"
    made = tenant.new_application(spa={"redirectUris": [address]}, defaultRedirectUri=address)
    tenant.must(
        "PATCH", f"/applications/{made['id']}", {"displayName": "b", "defaultRedirectUri": made["defaultRedirectUri"]}
    )
    assert tenant.get(f"/applications/{made['id']}")["defaultRedirectUri"] == address


def test_old_secrets_keep_working_under_a_block(tenant: LocalTenant) -> None:
    made = tenant.new_application()
    tenant.new_principal(made["appId"])
    secret = tenant.must("POST", f"/applications/{made['id']}/addPassword", {})
    tenant.block_secrets()
    assert tenant.token_request(client_id=made["appId"], client_secret=secret["secretText"]).status_code == 200
    tenant.must("PATCH", f"/applications/{made['id']}", {"displayName": "still editable"})
    tenant.must("POST", f"/applications/{made['id']}/removePassword", {"keyId": secret["keyId"]})


def test_each_section_governs_its_own_kind(tenant: LocalTenant) -> None:
    made = tenant.new_application()
    principal = tenant.new_principal(made["appId"])
    tenant.block_secrets(both=False)
    assert add_password(tenant, made["id"]).status_code == 400
    assert add_password(tenant, principal["id"], "servicePrincipals").status_code == 200


def test_omitted_members_keep_their_values_and_collections_are_replaced(tenant: LocalTenant) -> None:
    tenant.must("PATCH", DEFAULT, {"applicationRestrictions": {"passwordCredentials": [BLOCK, CAP]}})
    lifetime = {"restrictionType": "asymmetricKeyLifetime", "state": "enabled", "maxLifetime": "P180D"}
    tenant.must("PATCH", DEFAULT, {"applicationRestrictions": {"keyCredentials": [lifetime]}})
    sections = tenant.get(DEFAULT)["applicationRestrictions"]
    assert [entry["restrictionType"] for entry in sections["passwordCredentials"]] == [
        "passwordAddition",
        "passwordLifetime",
    ]
    assert sections["keyCredentials"][0]["maxLifetime"] == "P180D"
    tenant.must("PATCH", DEFAULT, {"applicationRestrictions": {"passwordCredentials": [CAP]}})
    kept = tenant.get(DEFAULT)["applicationRestrictions"]["passwordCredentials"]
    assert [entry["restrictionType"] for entry in kept] == ["passwordLifetime"]


def test_what_only_beta_shows_survives_a_v1_patch(tenant: LocalTenant) -> None:
    body = {"applicationRestrictions": {"audiences": {"azureAdMultipleOrgs": {"state": "enabled"}}}}
    tenant.must("PATCH", f"/beta{DEFAULT}", body)
    assert "audiences" not in tenant.get(DEFAULT)["applicationRestrictions"]
    tenant.must("PATCH", DEFAULT, {"isEnabled": True, "applicationRestrictions": {"passwordCredentials": [BLOCK]}})
    shown = tenant.get(f"/beta{DEFAULT}")["applicationRestrictions"]["audiences"]["azureAdMultipleOrgs"]
    assert shown["state"] == "enabled"
    tenant.refused("PATCH", DEFAULT, body, status=400)


@pytest.mark.parametrize(
    "section",
    [
        {"passwordCredentials": [BLOCK, BLOCK]},
        {"passwordCredentials": [{**CAP, "maxLifetime": "90 days, 0:00:00"}]},
        {"passwordCredentials": [{**CAP, "maxLifetime": "P1Y"}]},
        {"passwordCredentials": [{**CAP, "maxLifetime": None}]},
        {"passwordCredentials": [{"restrictionType": "nonsense"}]},
        {"passwordCredentials": [{**BLOCK, "state": "maybe"}]},
        {"passwordCredentials": [{**BLOCK, "restrictForAppsCreatedAfterDateTime": "yesterday"}]},
        {"passwordCredentials": {}},
        {"nonsense": []},
        [],
    ],
)
def test_a_policy_that_makes_no_sense_is_refused_whole(tenant: LocalTenant, section) -> None:
    before = tenant.get(DEFAULT)
    tenant.refused("PATCH", DEFAULT, {"isEnabled": True, "applicationRestrictions": section}, status=400)
    assert tenant.get(DEFAULT) == before


# -- custom policies ----------------------------------------------------------------------------------------------


def test_a_custom_policy_comes_and_goes(tenant: LocalTenant) -> None:
    answer = tenant.graph(
        "POST", CUSTOM, {"displayName": "a", "description": "b", "restrictions": {"passwordCredentials": [CAP]}}
    )
    assert answer.status_code == 201
    made = answer.json()
    assert made["isEnabled"] is False
    assert tenant.get(f"{CUSTOM}/{made['id']}")["restrictions"]["passwordCredentials"][0]["maxLifetime"] == "P90D"
    assert [policy["id"] for policy in tenant.get(CUSTOM)["value"]] == [made["id"]]
    tenant.must("PATCH", f"{CUSTOM}/{made['id']}", {"isEnabled": True})
    assert tenant.get(f"{CUSTOM}/{made['id']}")["isEnabled"] is True
    tenant.must("DELETE", f"{CUSTOM}/{made['id']}")
    tenant.refused("GET", f"{CUSTOM}/{made['id']}", status=404)


def test_a_relationship_in_the_body_of_a_policy_is_refused_and_never_dropped(tenant: LocalTenant) -> None:
    made = tenant.new_application()
    names = {"displayName": "a", "description": "b"}
    reference = [f"https://graph.microsoft.com/v1.0/applications/{made['id']}"]
    tenant.refused("POST", CUSTOM, {**names, "appliesTo@odata.bind": reference}, status=501)
    assert tenant.get(CUSTOM)["value"] == []


@pytest.mark.parametrize("body", [{"description": "b"}, {"displayName": "a"}, {"applicationRestrictions": {}}])
def test_a_custom_policy_needs_its_names_and_its_shape(tenant: LocalTenant, body: dict) -> None:
    tenant.refused("POST", CUSTOM, body, status=400)
    assert tenant.get(CUSTOM)["value"] == []


@pytest.mark.parametrize("kind", ["applications", "servicePrincipals"])
def test_an_assigned_policy_binds_and_an_unassigned_one_does_not(tenant: LocalTenant, kind: str) -> None:
    made = tenant.new_application()
    principal = tenant.new_principal(made["appId"])
    object_id = made["id"] if kind == "applications" else principal["id"]
    policy_id = custom(tenant, BLOCK)
    assert assign(tenant, object_id, policy_id, kind, version="beta").status_code == 204
    refused = add_password(tenant, object_id, kind)
    assert (refused.status_code, policy_id in refused.json()["error"]["message"]) == (400, True)
    (shown,) = tenant.get(f"/{kind}/{object_id}/appManagementPolicies")["value"]
    assert shown["id"] == policy_id
    (linked,) = tenant.get(f"{CUSTOM}/{policy_id}/appliesTo")["value"]
    expected = "application" if kind == "applications" else "servicePrincipal"
    assert (linked["id"], linked["@odata.type"]) == (object_id, f"#microsoft.graph.{expected}")
    tenant.must("DELETE", f"/{kind}/{object_id}/appManagementPolicies/{policy_id}/$ref")
    assert add_password(tenant, object_id, kind).status_code == 200
    tenant.refused("DELETE", f"/{kind}/{object_id}/appManagementPolicies/{policy_id}/$ref", status=404)


def test_a_second_assignment_is_refused_and_the_first_one_stays(tenant: LocalTenant) -> None:
    made = tenant.new_application()
    first, second = custom(tenant, BLOCK), custom(tenant, CAP)
    assert assign(tenant, made["id"], first).status_code == 204
    for policy_id, code, said in (
        (second, "Request_MultipleObjectsWithSameKeyValue", "property-uniqueness violation"),
        (first, "Request_BadRequest", "already exist for the following modified properties: 'appManagementPolicies'."),
    ):
        answer = assign(tenant, made["id"], policy_id)
        assert answer.status_code == 400
        assert answer.json()["error"]["code"] == code
        assert said in answer.json()["error"]["message"]
    assert [policy["id"] for policy in tenant.get(f"/applications/{made['id']}/appManagementPolicies")["value"]] == [
        first
    ]


def test_an_assignment_by_app_id_works(tenant: LocalTenant) -> None:
    made = tenant.new_application()
    policy_id = custom(tenant, BLOCK)
    reference = {"@odata.id": f"https://graph.microsoft.com/beta/policies/appManagementPolicies/{policy_id}"}
    tenant.must("POST", f"/beta/applications(appId='{made['appId']}')/appManagementPolicies/$ref", reference)
    assert add_password(tenant, made["id"]).status_code == 400


def test_assigning_what_is_not_there_is_404(tenant: LocalTenant) -> None:
    made = tenant.new_application()
    assert assign(tenant, made["id"], str(uuid4())).status_code == 404
    assert assign(tenant, str(uuid4()), custom(tenant, BLOCK)).status_code == 404


def test_custom_wins_over_default_restriction_by_restriction(tenant: LocalTenant) -> None:
    made = tenant.new_application()
    tenant.must("PATCH", DEFAULT, {"isEnabled": True, "applicationRestrictions": {"passwordCredentials": [BLOCK, CAP]}})
    exempt = custom(tenant, {**BLOCK, "state": "disabled"})
    assert assign(tenant, made["id"], exempt).status_code == 204
    long = add_password(tenant, made["id"], endDateTime="2028-01-01T00:00:00Z")
    assert long.json()["error"]["code"] == "CredentialInvalidLifetimeAsPerAppPolicy"
    assert add_password(tenant, made["id"], endDateTime="2026-12-22T00:00:00Z").status_code == 200


def test_deleting_an_assigned_policy_returns_its_objects_to_the_default(tenant: LocalTenant) -> None:
    made = tenant.new_application()
    policy_id = custom(tenant, BLOCK)
    assign(tenant, made["id"], policy_id)
    tenant.must("DELETE", f"{CUSTOM}/{policy_id}")
    assert tenant.get(f"/applications/{made['id']}/appManagementPolicies")["value"] == []
    assert add_password(tenant, made["id"]).status_code == 200


def test_every_reason_is_in_the_details(tenant: LocalTenant) -> None:
    made = tenant.new_application()
    tenant.must("PATCH", DEFAULT, {"isEnabled": True, "applicationRestrictions": {"passwordCredentials": [BLOCK, CAP]}})
    error = tenant.refused("POST", f"/applications/{made['id']}/addPassword", {}, status=400)
    assert error["code"] == "CredentialTypeNotAllowedAsPerAppPolicy"
    assert [detail["code"] for detail in error["details"]] == [
        "CredentialTypeNotAllowedAsPerAppPolicy",
        "InvalidKeyEndDate",
    ]


def test_applies_to_selects_what_was_asked_for(tenant: LocalTenant) -> None:
    made = tenant.new_application("linked")
    policy_id = custom(tenant, BLOCK)
    assign(tenant, made["id"], policy_id)
    (row,) = tenant.get(f"{CUSTOM}/{policy_id}/appliesTo?$select=id,appId,displayName,createdDateTime")["value"]
    assert row == {
        "@odata.type": "#microsoft.graph.application",
        "id": made["id"],
        "appId": made["appId"],
        "displayName": "linked",
        "createdDateTime": made["createdDateTime"],
    }
