"""/beta/reports: when credentials and applications were last used, from the sign-ins that there really were."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from tests.local_tenant import BASE, LocalTenant

CREDENTIALS = "/beta/reports/appCredentialSignInActivities"
PRINCIPALS = "/beta/reports/servicePrincipalSignInActivities"


def base64(text: str) -> str:
    return b64encode(text.encode()).decode()


def with_secret(tenant: LocalTenant, name: str, *, on: str = "applications") -> tuple[dict[str, Any], dict[str, Any]]:
    """An application and a secret of it, or of its service principal."""
    application = tenant.new_application(name)
    principal = tenant.new_principal(application["appId"])
    holder = application if on == "applications" else principal
    return {**application, "holder": holder["id"]}, tenant.must("POST", f"/{on}/{holder['id']}/addPassword", {})


def use(tenant: LocalTenant, application: dict[str, Any], secret: dict[str, Any], text: str | None = None) -> int:
    form = {"client_id": application["appId"], "client_secret": text or secret["secretText"]}
    return tenant.token_request(**form).status_code


def graph_app_id(tenant: LocalTenant) -> str:
    return tenant.get("/servicePrincipals?$filter=displayName eq 'Microsoft Graph'")["value"][0]["appId"]


def test_a_secret_that_was_used_is_reported_with_its_last_sign_in(tenant: LocalTenant) -> None:
    application, secret = with_secret(tenant, "app")
    assert use(tenant, application, secret) == 200
    tenant.clock.move(minutes=5)
    assert use(tenant, application, secret) == 200
    last = tenant.sign_ins()[0]
    (shown,) = tenant.get(f"{CREDENTIALS}?$filter=appId eq '{application['appId']}'")["value"]
    assert shown == {
        "id": base64(secret["keyId"]),
        "keyId": secret["keyId"],
        "keyType": "password",
        "keyUsage": "verify",
        "appId": application["appId"],
        "appObjectId": application["id"],
        "servicePrincipalObjectId": None,
        "resourceId": graph_app_id(tenant),
        "credentialOrigin": "application",
        "createdDateTime": "2026-11-22T12:00:00Z",
        "expirationDateTime": "2028-11-22T12:00:00Z",
        "signInActivity": {"lastSignInDateTime": "2026-11-22T12:05:00Z", "lastSignInRequestId": last["id"]},
    }
    one = tenant.get(f"{CREDENTIALS}/{shown['id']}")
    assert one.items() >= shown.items()
    assert tenant.get(f"{CREDENTIALS}/{base64(secret['keyId'] + '|application')}")["keyId"] == secret["keyId"]


def test_a_secret_of_the_service_principal_says_so(tenant: LocalTenant) -> None:
    application, secret = with_secret(tenant, "app", on="servicePrincipals")
    use(tenant, application, secret)
    (shown,) = tenant.get(f"{CREDENTIALS}?$filter=keyId eq '{secret['keyId']}'")["value"]
    assert shown["credentialOrigin"] == "servicePrincipal"
    assert (shown["appObjectId"], shown["servicePrincipalObjectId"]) == (None, application["holder"])


def test_a_certificate_is_a_certificate(tenant: LocalTenant) -> None:
    (shown,) = tenant.get(CREDENTIALS)["value"]  # the administrator's own
    assert (shown["keyType"], shown["keyUsage"], shown["appId"]) == ("certificate", "verify", tenant.new.client_id)


def test_what_was_never_used_with_success_or_was_removed_is_not_reported(tenant: LocalTenant) -> None:
    application, secret = with_secret(tenant, "failed")
    assert use(tenant, application, secret, text="wrong") == 401
    assert tenant.get(f"{CREDENTIALS}?$filter=appId eq '{application['appId']}'")["value"] == []
    tenant.refused("GET", f"{CREDENTIALS}/{base64(secret['keyId'])}", status=404)
    use(tenant, application, secret)
    tenant.must("POST", f"/applications/{application['id']}/removePassword", {"keyId": secret["keyId"]})
    assert tenant.get(f"{CREDENTIALS}?$filter=appId eq '{application['appId']}'")["value"] == []


def test_another_application_that_chose_the_same_key_id_hides_no_use(tenant: LocalTenant) -> None:
    application, secret = with_secret(tenant, "app")
    use(tenant, application, secret)
    last = tenant.sign_ins()[0]["id"]
    tenant.clock.move(minutes=5)
    other, _ = with_secret(tenant, "other")
    chosen = {"passwordCredential": {"keyId": secret["keyId"]}}
    same = tenant.must("POST", f"/applications/{other['id']}/addPassword", chosen)
    assert use(tenant, other, same) == 200
    ours = f"appId eq '{application['appId']}'"
    for term in (ours, f"{ours} and keyId eq '{same['keyId']}'"):
        (shown,) = tenant.get(f"{CREDENTIALS}?$filter={term}")["value"]
        assert shown["signInActivity"]["lastSignInRequestId"] == last


def several(tenant: LocalTenant) -> list[str]:
    """The names of applications, in the order in which they signed in last, the administrator's first."""
    used = []
    for name in ("one", "two", "three"):
        application, secret = with_secret(tenant, name)
        tenant.clock.move(minutes=1)
        use(tenant, application, secret)
        used.append(application["appId"])
    return [tenant.new.client_id, *used]


@pytest.mark.parametrize(
    ("report", "order"),
    [(CREDENTIALS, "signInActivity/lastSignInDateTime"), (PRINCIPALS, "lastSignInActivity/lastSignInDateTime")],
)
def test_reports_come_in_pages_and_in_order(tenant: LocalTenant, report: str, order: str) -> None:
    used = several(tenant)
    for query in ("$top=2", f"$top=2&$orderby={order}", f"$top=2&$orderby={order} desc"):
        shown, url = [], f"{report}?{query}"
        while url:
            page = tenant.get(url)
            shown += [item["appId"] for item in page["value"]]
            url = page.get("@odata.nextLink")
        shown = [app_id for app_id in shown if app_id in used]
        assert sorted(shown) == sorted(used)
        if "orderby" in query:
            assert shown == (used[::-1] if query.endswith("desc") else used)


def test_an_application_is_reported_as_client_and_as_resource(tenant: LocalTenant) -> None:
    application, secret = with_secret(tenant, "app")
    tenant.clock.move(minutes=5)  # past the administrator's own sign-in
    use(tenant, application, secret)
    last = {"lastSignInDateTime": "2026-11-22T12:05:00Z", "lastSignInRequestId": tenant.sign_ins()[0]["id"]}
    shown = tenant.get(f"{PRINCIPALS}/{base64(application['appId'])}")
    shown.pop("@odata.context")
    assert shown == {
        "id": base64(application["appId"]),
        "appId": application["appId"],
        "lastSignInActivity": last,
        "delegatedClientSignInActivity": None,
        "delegatedResourceSignInActivity": None,
        "applicationAuthenticationClientSignInActivity": last,
        "applicationAuthenticationResourceSignInActivity": None,
    }
    (graph,) = tenant.get(f"{PRINCIPALS}?$filter=appId eq '{graph_app_id(tenant)}'")["value"]
    assert graph["applicationAuthenticationResourceSignInActivity"] == last
    assert graph["applicationAuthenticationClientSignInActivity"] is None


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("$filter=keyType eq 'password'", 400),
        ("$filter=appId ne '00000000-0000-0000-0000-000000000001'", 400),
        ("$filter=appId eq 'x'", 400),
        ("$orderby=keyId", 400),
        ("$orderby=nonsense", 400),
        ("$skiptoken=nonsense", 400),
        ("$select=nonsense", 400),
    ],
)
def test_what_a_report_cannot_be_asked(tenant: LocalTenant, query: str, status: int) -> None:
    tenant.refused("GET", f"{CREDENTIALS}?{query}", status=status)


def test_a_report_can_be_counted_and_selected_from(tenant: LocalTenant) -> None:
    answer = tenant.get(f"{CREDENTIALS}?$count=true&$select=appId", ConsistencyLevel="eventual")
    assert answer["@odata.count"] == 1
    assert answer["value"] == [{"appId": tenant.new.client_id}]


def test_reports_are_for_who_may_read_sign_ins_and_on_beta_only(tenant: LocalTenant) -> None:
    nobody = tenant.as_workload("Application.Read.All").token
    reader = tenant.as_workload("AuditLog.Read.All").token
    for report in (CREDENTIALS, PRINCIPALS, f"{CREDENTIALS}/x"):
        tenant.refused("GET", report, status=403, token=nobody)
    tenant.get(CREDENTIALS, token=reader)
    assert tenant.graph("GET", CREDENTIALS.replace("beta", "v1.0")).status_code == 501
    assert tenant.token_request(scope=f"{BASE}/.default", client_id=tenant.new.client_id).status_code == 401
