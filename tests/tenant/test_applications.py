"""/applications: create, read, change, delete, and the credentials in between."""

from __future__ import annotations

import base64
import re
from datetime import timedelta
from uuid import uuid4

import msgspec
import pytest

from tests.local_tenant import NOW, LocalTenant
from unsecret.model.application import ObjectKind
from unsecret.model.identifiers import KeyId
from unsecret.store import directory_objects
from unsecret.store.engine import Store
from unsecret.tenant import pki


def certificate_entry(tenant: LocalTenant, **members) -> dict:
    der = tenant.identity.facts.der
    return {"type": "AsymmetricX509Cert", "usage": "Verify", "key": base64.b64encode(der).decode(), **members}


def another_certificate(days: int) -> str:
    _, certificate = pki.new_self_signed("another", now=NOW, lifetime=timedelta(days=days))
    return base64.b64encode(pki.to_pem(certificate)).decode()


def test_an_application_is_created_with_graphs_whole_shape(tenant: LocalTenant) -> None:
    made = tenant.new_application("Payroll")
    assert made["@odata.context"].endswith("/v1.0/$metadata#applications/$entity")
    assert made["displayName"] == "Payroll"
    assert made["id"] != made["appId"]
    assert made["passwordCredentials"] == []
    assert made["keyCredentials"] == []
    assert made["web"]["redirectUris"] == []
    assert made["api"]["requestedAccessTokenVersion"] is None
    assert tenant.get(f"/applications/{made['id']}") == made


@pytest.mark.parametrize("spelling", ["/applications(appId='{appId}')", "/applications('{id}')", "/applications/{id}"])
def test_an_application_is_found_by_every_key(tenant: LocalTenant, spelling: str) -> None:
    made = tenant.new_application()
    assert tenant.get(spelling.format(**made))["id"] == made["id"]


def test_an_application_that_is_not_there_is_graphs_404(tenant: LocalTenant) -> None:
    error = tenant.refused("GET", f"/applications/{uuid4()}", status=404)
    assert error["code"] == "Request_ResourceNotFound"
    assert "does not exist or one of its queried reference-property objects are not present" in error["message"]


def test_a_patch_changes_what_it_names_and_nothing_else(tenant: LocalTenant) -> None:
    made = tenant.new_application(web={"homePageUrl": "https://a.example", "redirectUris": ["https://a.example/cb"]})
    tenant.must("PATCH", f"/applications/{made['id']}", {"displayName": "new", "web": {"redirectUris": []}})
    after = tenant.get(f"/applications/{made['id']}")
    assert after["displayName"] == "new"
    assert after["web"]["redirectUris"] == []
    assert after["web"]["homePageUrl"] == "https://a.example"
    assert after["appId"] == made["appId"]


def test_a_deleted_application_is_gone_and_so_is_its_principal(tenant: LocalTenant) -> None:
    made = tenant.new_application()
    principal = tenant.new_principal(made["appId"])
    tenant.must("DELETE", f"/applications/{made['id']}")
    tenant.refused("GET", f"/applications/{made['id']}", status=404)
    tenant.refused("GET", f"/servicePrincipals/{principal['id']}", status=404)
    assert tenant.get(f"/applications?$filter=appId eq '{made['appId']}'")["value"] == []


def test_a_look_shows_what_another_process_has_just_written(tenant: LocalTenant) -> None:
    made = tenant.new_application("before")
    where = f"/applications/{made['id']}"
    elsewhere = Store.open(tenant.database.place)

    def rename(conn) -> None:
        found = directory_objects.get(conn, tenant.tenant_id, ObjectKind.APPLICATION, made["id"])
        assert found is not None
        directory_objects.replace(conn, tenant.tenant_id, msgspec.structs.replace(found, display_name="after"))

    names = [tenant.get(where)["displayName"] for _ in range(2)]
    elsewhere.write(rename, tenant.tenant_id).result()
    names.append(tenant.get(where)["displayName"])
    elsewhere.close()

    assert names == ["before", "before", "after"]


# -- secrets ------------------------------------------------------------------------------------------------------


def test_a_secret_is_shown_once_and_lasts_two_years_by_default(tenant: LocalTenant) -> None:
    made = tenant.new_application()
    secret = tenant.must(
        "POST", f"/applications/{made['id']}/addPassword", {"passwordCredential": {"displayName": "ci"}}
    )
    assert re.fullmatch(r"[A-Za-z0-9_~.]{3}\dQ~[A-Za-z0-9_~.-]{31,34}", secret["secretText"])
    assert secret["startDateTime"].startswith("2026-11-22T12:00:00")
    assert secret["endDateTime"].startswith("2028-11-22T12:00:00")
    (kept,) = tenant.get(f"/applications/{made['id']}")["passwordCredentials"]
    assert kept["secretText"] is None
    assert kept["hint"] == secret["secretText"][:3]
    assert kept["keyId"] == secret["keyId"]


@pytest.mark.parametrize("body", [None, {}, {"passwordCredential": None}, {"passwordCredential": {}}])
def test_every_way_of_asking_for_a_plain_secret_works(tenant: LocalTenant, body) -> None:
    made = tenant.new_application()
    assert tenant.must("POST", f"/applications/{made['id']}/addPassword", body)["secretText"]


def test_a_secret_opens_the_door_until_it_is_removed(tenant: LocalTenant) -> None:
    made = tenant.new_application()
    tenant.new_principal(made["appId"])
    secret = tenant.must("POST", f"/applications/{made['id']}/addPassword", {})
    form = {"client_id": made["appId"], "client_secret": secret["secretText"]}
    assert tenant.token_request(**form).status_code == 200
    tenant.must("POST", f"/applications/{made['id']}/removePassword", {"keyId": secret["keyId"]})
    assert tenant.token_request(**form).status_code == 401
    assert tenant.get(f"/applications/{made['id']}")["passwordCredentials"] == []


def test_removing_an_unknown_secret_is_400(tenant: LocalTenant) -> None:
    made = tenant.new_application()
    error = tenant.refused("POST", f"/applications/{made['id']}/removePassword", {"keyId": str(uuid4())}, status=400)
    assert "No password credential found with keyId" in error["message"]


def test_a_secret_cannot_end_before_it_starts(tenant: LocalTenant) -> None:
    made = tenant.new_application()
    credential = {"startDateTime": "2027-01-01T00:00:00Z", "endDateTime": "2026-12-31T00:00:00Z"}
    tenant.refused("POST", f"/applications/{made['id']}/addPassword", {"passwordCredential": credential}, status=400)
    assert tenant.get(f"/applications/{made['id']}")["passwordCredentials"] == []


def test_an_application_can_be_created_with_a_secret(tenant: LocalTenant) -> None:
    made = tenant.new_application(passwordCredentials=[{"displayName": "first"}])
    (secret,) = made["passwordCredentials"]
    assert secret["secretText"]
    tenant.new_principal(made["appId"])
    assert tenant.token_request(client_id=made["appId"], client_secret=secret["secretText"]).status_code == 200
    (kept,) = tenant.get(f"/applications/{made['id']}")["passwordCredentials"]
    assert kept["secretText"] is None


def test_passwords_cannot_be_patched(tenant: LocalTenant) -> None:
    made = tenant.new_application(passwordCredentials=[{}])
    tenant.refused("PATCH", f"/applications/{made['id']}", {"passwordCredentials": []}, status=400)
    assert len(tenant.get(f"/applications/{made['id']}")["passwordCredentials"]) == 1


def test_a_read_modify_write_may_echo_the_passwords_it_read(tenant: LocalTenant) -> None:
    made = tenant.new_application(passwordCredentials=[{}])
    read = tenant.get(f"/applications/{made['id']}")
    tenant.must("PATCH", f"/applications/{made['id']}", {**read, "displayName": "renamed"})
    after = tenant.get(f"/applications/{made['id']}")
    assert after == {**read, "displayName": "renamed"}


# -- certificates -------------------------------------------------------------------------------------------------


def test_a_certificate_is_registered_with_its_own_dates_and_thumbprint(tenant: LocalTenant) -> None:
    made = tenant.new_application()
    tenant.must("PATCH", f"/applications/{made['id']}", {"keyCredentials": [certificate_entry(tenant)]})
    (key,) = tenant.get(f"/applications/{made['id']}")["keyCredentials"]
    facts = tenant.identity.facts
    assert key["customKeyIdentifier"] == facts.thumbprint
    assert key["displayName"] == facts.subject
    assert key["key"] is None
    assert key["endDateTime"].startswith(facts.not_after.strftime("%Y-%m-%dT%H:%M:%S"))


def test_the_key_itself_is_shown_only_to_who_selects_it(tenant: LocalTenant) -> None:
    made = tenant.new_application(keyCredentials=[certificate_entry(tenant)])
    (shown,) = tenant.get(f"/applications/{made['id']}?$select=keyCredentials")["keyCredentials"]
    assert base64.b64decode(shown["key"]) == tenant.identity.facts.der


def test_an_echoed_key_without_its_bytes_stays_and_the_new_one_is_added(tenant: LocalTenant) -> None:
    made = tenant.new_application(keyCredentials=[certificate_entry(tenant)])
    echoed = tenant.get(f"/applications/{made['id']}")["keyCredentials"]
    new = {"type": "AsymmetricX509Cert", "usage": "Verify", "key": another_certificate(90), "keyId": str(uuid4())}
    tenant.must("PATCH", f"/applications/{made['id']}", {"keyCredentials": [*echoed, new]})
    after = tenant.get(f"/applications/{made['id']}?$select=keyCredentials")["keyCredentials"]
    assert [key["keyId"] for key in after] == [echoed[0]["keyId"], new["keyId"]]
    assert base64.b64decode(after[0]["key"]) == tenant.identity.facts.der


def test_what_a_keys_patch_leaves_out_is_removed(tenant: LocalTenant) -> None:
    made = tenant.new_application(keyCredentials=[certificate_entry(tenant)])
    tenant.must("PATCH", f"/applications/{made['id']}", {"keyCredentials": []})
    assert tenant.get(f"/applications/{made['id']}")["keyCredentials"] == []


@pytest.mark.parametrize(
    "change",
    [
        {"endDateTime": "2030-01-01T00:00:00Z"},
        {"startDateTime": "2020-01-01T00:00:00Z"},
        {"usage": "Sign"},
        {"displayName": "renamed"},
        {"customKeyIdentifier": "AAAA"},
        {"key": "replaced"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_an_existing_key_cannot_be_altered(tenant: LocalTenant, change: dict) -> None:
    made = tenant.new_application(keyCredentials=[certificate_entry(tenant)])
    (echoed,) = tenant.get(f"/applications/{made['id']}")["keyCredentials"]
    if change.get("key"):
        change = {"key": another_certificate(30)}
    error = tenant.refused("PATCH", f"/applications/{made['id']}", {"keyCredentials": [echoed | change]}, status=400)
    assert f"Update to existing credential with KeyId '{echoed['keyId']}' is not allowed." in error["message"]
    assert tenant.get(f"/applications/{made['id']}")["keyCredentials"] == [echoed]


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"type": "AsymmetricX509Cert", "usage": "Verify"}, "key"),
        ({"type": "AsymmetricX509Cert", "usage": "Verify", "key": "!!!"}, "base64"),
        ({"type": "AsymmetricX509Cert", "usage": "Verify", "key": "aGVsbG8="}, "certificate"),
        ({"usage": "Verify", "key": "aGVsbG8="}, "type"),
        ({"type": "Nonsense", "usage": "Verify", "key": "aGVsbG8="}, "type"),
    ],
)
def test_a_key_that_is_none_is_refused_in_words(tenant: LocalTenant, entry: dict, says: str) -> None:
    made = tenant.new_application()
    error = tenant.refused("PATCH", f"/applications/{made['id']}", {"keyCredentials": [entry]}, status=400)
    assert says in error["message"]
    assert tenant.get(f"/applications/{made['id']}")["keyCredentials"] == []


def test_a_key_cannot_outlive_its_certificate(tenant: LocalTenant) -> None:
    made = tenant.new_application()
    entry = certificate_entry(tenant, endDateTime="2099-01-01T00:00:00Z")
    error = tenant.refused("PATCH", f"/applications/{made['id']}", {"keyCredentials": [entry]}, status=400)
    assert error["code"] == "KeyCredentialsInvalidEndDate"


def test_the_bytes_of_a_symmetric_key_are_never_given_back(tenant: LocalTenant) -> None:
    secret = base64.b64encode(b"a shared secret of some length").decode()
    made = tenant.new_application(keyCredentials=[{"type": "Symmetric", "usage": "Verify", "key": secret}])
    (shown,) = tenant.get(f"/applications/{made['id']}?$select=keyCredentials")["keyCredentials"]
    assert shown["key"] is None


# -- identifier URIs, properties, lists ---------------------------------------------------------------------------


def test_an_object_holds_as_many_credentials_as_entras_limit_and_no_more(tenant: LocalTenant) -> None:
    secret, _ = tenant.seed_secret("irrelevant", start_at=NOW, end_at=NOW + timedelta(days=1))
    many = tuple(msgspec.structs.replace(secret, key_id=KeyId(str(uuid4()))) for _ in range(1199))
    application, principal = tenant.seed_application(created_at=NOW, password_credentials=many)
    path, key = f"/applications/{application.id}", {"keyCredentials": [certificate_entry(tenant)]}
    tenant.must("POST", f"{path}/addPassword", {})
    for method, where, body in (("POST", f"{path}/addPassword", {}), ("PATCH", path, key)):
        error = tenant.refused(method, where, body, status=400)
        assert error["message"].startswith("The size of the manifest has exceeded its limit.")
    tenant.must("PATCH", f"/servicePrincipals/{principal.id}", key)
    tenant.must("POST", f"{path}/removePassword", {"keyId": many[0].key_id})
    tenant.must("PATCH", path, key)


def test_an_identifier_uri_belongs_to_one_application(tenant: LocalTenant) -> None:
    tenant.new_application(identifierUris=["api://one"])
    answer = tenant.graph("POST", "/applications", {"displayName": "two", "identifierUris": ["api://one"]})
    assert answer.status_code == 400
    assert len(tenant.get("/applications?$filter=displayName eq 'two'")["value"]) == 0


@pytest.mark.parametrize(
    "uri",
    [
        "https://elsewhere.example/api",
        "https://contoso.onmicrosoft.com.elsewhere.example/api",
        "https://contoso.onmicrosoft.com@elsewhere.example/api",
        "https://elsewhere.example%5C@contoso.onmicrosoft.com/api",
        "https:/elsewhere.example/contoso.onmicrosoft.com",
    ],
)
def test_a_web_identifier_uri_needs_a_verified_domain(tenant: LocalTenant, uri: str) -> None:
    error = tenant.refused("POST", "/applications", {"displayName": "x", "identifierUris": [uri]}, status=400)
    assert error["code"] == "HostNameNotOnVerifiedDomain"
    tenant.new_application(identifierUris=["https://api.contoso.onmicrosoft.com/x"])


def test_the_principal_shows_its_applications_names(tenant: LocalTenant) -> None:
    made = tenant.new_application("before")
    principal = tenant.new_principal(made["appId"])
    tenant.must(
        "PATCH", f"/applications/{made['id']}", {"displayName": "after", "identifierUris": [f"api://{made['appId']}"]}
    )
    shown = tenant.get(f"/servicePrincipals/{principal['id']}")
    assert shown["displayName"] == "after"
    assert shown["servicePrincipalNames"] == [made["appId"], f"api://{made['appId']}"]


@pytest.mark.parametrize("name", ["passwordCredentials", "keyCredentials", "displayName", "KEYCREDENTIALS"])
def test_a_property_can_be_read_by_its_path(tenant: LocalTenant, name: str) -> None:
    made = tenant.new_application("by path", keyCredentials=[certificate_entry(tenant)])
    shown = tenant.get(f"/applications/{made['id']}/{name}")["value"]
    assert (
        shown
        == {"displayname": "by path", "passwordcredentials": [], "keycredentials": made["keyCredentials"]}[
            name.casefold()
        ]
    )


@pytest.mark.parametrize("name", ["nonsense", "tokenLifetimePolicies"])
def test_what_is_not_a_property_here_is_neither_empty_nor_not_found(tenant: LocalTenant, name: str) -> None:
    made = tenant.new_application()
    tenant.refused("GET", f"/applications/{made['id']}/{name}", status=501)


def test_a_list_is_paged_to_the_end_by_its_next_links(tenant: LocalTenant) -> None:
    made = {tenant.new_application(f"page {number:02}")["id"] for number in range(7)}
    seen, url = set(), "/v1.0/applications?$top=3&$filter=startswith(displayName,'page')"
    while url:
        page = tenant.get(url)
        assert len(page["value"]) <= 3
        seen |= {application["id"] for application in page["value"]}
        url = page.get("@odata.nextLink")
        assert url is None or url.startswith("https://localhost:8443/v1.0/applications?")
    assert seen == made


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("appId eq '{appId}'", True),
        ("id eq '{id}'", True),
        ("displayName eq 'FINDABLE one'", True),
        ("startswith(displayName,'find')", True),
        ("startswith(displayName, 'nothing')", False),
        ("identifierUris/any(s:s eq 'api://findable')", True),
        ("identifierUris/any(x: x eq 'api://other')", False),
        ("signInAudience eq 'AzureADMyOrg' and appId eq '{appId}'", True),
        ("createdDateTime ge 2026-01-01T00:00:00Z and displayName eq 'findable one'", True),
        ("tags/any(t:t eq 'tagged')", True),
    ],
)
def test_filters_find_as_graph_does(tenant: LocalTenant, condition: str, found: bool) -> None:
    made = tenant.new_application("findable one", identifierUris=["api://findable"], tags=["tagged"])
    answer = tenant.graph("GET", "/applications?$filter=" + condition.format(**made).replace(" ", "%20"))
    assert answer.status_code == 200, answer.text
    assert (made["id"] in [application["id"] for application in answer.json()["value"]]) is found


def test_passwords_cannot_be_filtered_on(tenant: LocalTenant) -> None:
    error = tenant.refused("GET", "/applications?$filter=passwordCredentials/any(p:p/keyId eq 'x')", status=400)
    assert error["code"] == "Request_UnsupportedQuery"


def test_select_shows_what_was_asked_for(tenant: LocalTenant) -> None:
    made = tenant.new_application()
    shown = tenant.get(f"/applications/{made['id']}?$select=id,appId")
    assert {name for name in shown if not name.startswith("@")} == {"id", "appId"}
    assert shown["@odata.context"].endswith("#applications(id,appId)/$entity")


def test_the_number_of_applications_is_told_to_who_asks_eventually(tenant: LocalTenant) -> None:
    tenant.new_application()
    answer = tenant.graph("GET", "/applications/$count", ConsistencyLevel="eventual")
    assert answer.text == "2"
    tenant.refused("GET", "/applications/$count", status=400)
    listed = tenant.get("/applications?$count=true", ConsistencyLevel="eventual")
    assert listed["@odata.count"] == 2


# -- owners -------------------------------------------------------------------------------------------------------


def test_owners_come_and_go(tenant: LocalTenant) -> None:
    made = tenant.new_application()
    owner = tenant.as_workload().principal
    reference = {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{owner.id}"}
    tenant.must("POST", f"/applications/{made['id']}/owners/$ref", reference)
    (shown,) = tenant.get(f"/applications/{made['id']}/owners")["value"]
    assert (shown["@odata.type"], shown["id"]) == ("#microsoft.graph.servicePrincipal", owner.id)
    again = tenant.refused("POST", f"/applications/{made['id']}/owners/$ref", reference, status=400)
    assert "already exist" in again["message"]
    tenant.must("DELETE", f"/applications/{made['id']}/owners/{owner.id}/$ref")
    assert tenant.get(f"/applications/{made['id']}/owners")["value"] == []
    tenant.refused("DELETE", f"/applications/{made['id']}/owners/{owner.id}/$ref", status=404)
