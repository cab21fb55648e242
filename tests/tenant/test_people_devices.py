"""A device without a browser: it shows a code, somebody types it into a page, and the device gets its tokens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.local_tenant import BASE, LocalTenant
from tests.tenant.people import (
    AZURE_CLI,
    OPENID,
    PASSWORD,
    Browser,
    WebApp,
    claims,
    new_web_app,
    refused,
    requiring,
    set_password,
    sign_ins_of,
    token,
)
from unsecret.model.people import User
from unsecret.tenant.signing_in.first_party import GRAPH_COMMAND_LINE_TOOLS
from unsecret.wire.sign_in_refusals import SIGN_IN_REFUSALS

PAGE = "/common/oauth2/deviceauth"
GRANT = "urn:ietf:params:oauth:grant-type:device_code"


def begin(tenant: LocalTenant, client_id: str = AZURE_CLI, name: str = "organizations", **form: str) -> dict[str, Any]:
    form = {"client_id": client_id, "scope": f"https://graph.microsoft.com/.default {OPENID}"} | form
    answer = tenant.client.post(f"/{name}/oauth2/v2.0/devicecode", data=form)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_nobody_is_sent_to_microsoft_with_the_code_of_a_program_behind_the_proxy(tenant: LocalTenant):
    form = {"client_id": AZURE_CLI, "scope": f"https://graph.microsoft.com/.default {OPENID}"}
    where = {"Host": "login.microsoftonline.com"}
    device = tenant.client.post("/organizations/oauth2/v2.0/devicecode", data=form, headers=where).json()
    assert device["verification_uri"] == f"{BASE}{PAGE}"
    assert "microsoftonline" not in device["message"]


def poll(tenant: LocalTenant, device: dict[str, Any], name: str = "organizations", **changed: str):
    form = {"grant_type": GRANT, "client_id": AZURE_CLI, "device_code": device["device_code"]} | changed
    return token(tenant, name=name, **form)


def approve(tenant: LocalTenant, device: dict[str, Any], user: User) -> Any:
    browser = Browser(tenant)
    browser.open(PAGE)
    browser.send(code=device["user_code"])
    browser.sign_in(user)
    return browser.accept()


def test_a_device_gets_tokens_once_somebody_has_said_yes(tenant: LocalTenant, ada: User):
    device = begin(tenant)
    assert device["verification_uri"] == f"{BASE}{PAGE}"
    assert (device["expires_in"], device["interval"]) == (900, 5)
    assert device["user_code"] in device["message"]
    assert poll(tenant, device).json()["error"] == "authorization_pending"
    browser = Browser(tenant)
    browser.open(PAGE)
    assert "Microsoft Azure CLI" in browser.send(code=device["user_code"].lower()).text
    assert "Are you trying to sign in to Microsoft Azure CLI?" in browser.sign_in(ada).text
    refused(poll(tenant, device), 50196)  # sooner than five seconds after the last
    assert "You have signed in to Microsoft Azure CLI" in browser.accept().text
    body = poll(tenant, device, client_info="1").json()
    found = claims(body["access_token"])
    assert (found["oid"], found["appidacr"], found["tid"]) == (ada.id, "0", tenant.tenant_id)
    assert body["refresh_token"]
    assert body["client_info"]
    assert claims(body["id_token"])["aud"] == AZURE_CLI


def test_who_is_signed_in_only_confirms(tenant: LocalTenant, ada: User):
    browser = Browser(tenant)
    first, second = begin(tenant), begin(tenant, name=tenant.tenant_id)
    for device in (first, second):
        browser.open(PAGE)
        page = browser.send(code=device["user_code"])
        if "Are you trying" not in page.text:
            browser.sign_in(ada)
        browser.accept()
    assert poll(tenant, first).status_code == 200
    assert poll(tenant, second, name=tenant.tenant_id).status_code == 200


def test_consent_is_part_of_saying_yes(tenant: LocalTenant, ada: User):
    device = begin(tenant, GRAPH_COMMAND_LINE_TOOLS, scope=f"Mail.Read {OPENID}")
    browser = Browser(tenant)
    browser.open(PAGE)
    browser.send(code=device["user_code"])
    assert "Read your mail" in browser.sign_in(ada).text
    browser.accept()
    found = claims(poll(tenant, device, client_id=GRAPH_COMMAND_LINE_TOOLS).json()["access_token"])
    assert "Mail.Read" in found["scp"].split()
    assert tenant.audits()[0]["activityDisplayName"] == "Consent to application"


def test_what_needs_an_administrator_is_said_and_not_approved(tenant: LocalTenant, ada: User):
    device = begin(tenant, GRAPH_COMMAND_LINE_TOOLS, scope="User.Read.All")
    browser = Browser(tenant)
    browser.open(PAGE)
    browser.send(code=device["user_code"])
    form = browser.fields()
    assert "AADSTS90094" in browser.sign_in(ada).text
    answer = browser.client.post(PAGE, data=form | {"step": "confirm", "choice": "accept"})
    assert "AADSTS90094" in answer.text
    refused(poll(tenant, device, client_id=GRAPH_COMMAND_LINE_TOOLS), 70016)


def test_a_device_gets_only_what_the_page_showed(tenant: LocalTenant, ada: User):
    app = new_web_app(tenant)
    requiring(tenant, app, ["User.Read"], [])
    device = begin(tenant, app.app_id, name=tenant.tenant_id)
    browser = Browser(tenant)
    browser.open(PAGE)
    browser.send(code=device["user_code"])
    browser.sign_in(ada)
    requiring(tenant, app, ["User.Read", "User.ReadBasic.All"], [])
    assert "User.ReadBasic.All" in browser.accept().text
    assert tenant.get("/oauth2PermissionGrants")["value"] == []
    assert "You have signed in" in browser.accept().text


def test_who_says_no_is_heard(tenant: LocalTenant, ada: User):
    device = begin(tenant)
    browser = Browser(tenant)
    browser.open(PAGE)
    browser.send(code=device["user_code"])
    browser.sign_in(ada)
    assert "Declined" in browser.cancel().text
    refused(poll(tenant, device), 70025)
    assert sign_ins_of(tenant, ada)[0]["status"]["errorCode"] == 65004


def test_a_code_ends_after_a_quarter_of_an_hour(tenant: LocalTenant, ada: User):
    device = begin(tenant)
    tenant.clock.move(minutes=15)
    refused(poll(tenant, device), 70020)
    browser = Browser(tenant)
    browser.open(PAGE)
    assert "AADSTS70020" in browser.send(code=device["user_code"]).text


def test_a_wrong_code_is_said_on_the_page(tenant: LocalTenant, ada: User):
    browser = Browser(tenant)
    browser.open(PAGE)
    for code in ("ABCDEFGHJ", "", "<script>", "x" * 1000):
        page = browser.send(code=code)
        assert "AADSTS70018" in page.text
        assert "<script>" not in page.text


def test_a_wrong_password_is_said_on_the_page(tenant: LocalTenant, ada: User):
    device = begin(tenant)
    browser = Browser(tenant)
    browser.open(PAGE)
    browser.send(code=device["user_code"])
    assert "AADSTS50126" in browser.sign_in(ada, "wrong").text
    assert "Are you trying" in browser.sign_in(ada, PASSWORD).text


def test_a_code_is_its_clients_and_good_once(tenant: LocalTenant, ada: User):
    device = begin(tenant)
    approve(tenant, device, ada)
    refused(poll(tenant, device, client_id=GRAPH_COMMAND_LINE_TOOLS), 70018)
    refused(poll(tenant, {"device_code": "x"}), 70018)
    first = poll(tenant, device).json()
    refused(poll(tenant, device), 54005)
    answer = token(tenant, grant_type="refresh_token", client_id=AZURE_CLI, refresh_token=first["refresh_token"])
    refused(answer, 70000)


def test_a_code_is_not_approved_twice(tenant: LocalTenant, ada: User):
    device = begin(tenant)
    approve(tenant, device, ada)
    browser = Browser(tenant)
    browser.open(PAGE)
    assert "AADSTS70018" in browser.send(code=device["user_code"]).text


def test_another_password_in_between_ends_it(tenant: LocalTenant, ada: User):
    device = begin(tenant)
    approve(tenant, device, ada)
    set_password(tenant, ada, "Another-One-8")
    refused(poll(tenant, device), 50173)


def test_a_confidential_client_proves_itself_with_a_device_code_too(tenant: LocalTenant, ada: User):
    app: WebApp = new_web_app(tenant)
    device = begin(tenant, app.app_id, name=tenant.tenant_id, scope="User.Read openid")
    approve(tenant, device, ada)
    refused(poll(tenant, device, name=tenant.tenant_id, client_id=app.app_id), 7000218)
    answer = poll(tenant, device, name=tenant.tenant_id, client_id=app.app_id, client_secret=app.secret)
    assert answer.status_code == 200


def test_asking_and_waiting_leaves_no_record(tenant: LocalTenant, ada: User):
    before = len(tenant.sign_ins())
    device = begin(tenant, name=tenant.tenant_id)
    poll(tenant, device, name=tenant.tenant_id)
    assert len(tenant.sign_ins()) == before
    approve(tenant, device, ada)
    poll(tenant, device, name=tenant.tenant_id)
    assert [row["isInteractive"] for row in sign_ins_of(tenant, ada)] == [False, True]


def test_a_form_from_elsewhere_approves_nothing(tenant: LocalTenant, ada: User):
    device = begin(tenant)
    browser = Browser(tenant)
    browser.open(PAGE)
    browser.send(code=device["user_code"])
    browser.sign_in(ada)
    form = {"canary": "x", "step": "confirm", "choice": "accept", "code": device["user_code"]}
    assert "AADSTS90056" in browser.client.post(PAGE, data=form).text
    refused(poll(tenant, device), 70016)


def test_the_page_takes_no_code_from_its_address(tenant: LocalTenant):
    device = begin(tenant)
    page = Browser(tenant).open(PAGE, user_code=device["user_code"], code=device["user_code"])
    assert device["user_code"] not in page.text
    assert tenant.client.get("/devicelogin").headers["location"] == PAGE


def test_an_unknown_client_gets_no_device_code(tenant: LocalTenant):
    form = {"client_id": "99999999-0000-0000-0000-000000000009", "scope": "User.Read"}
    refused(tenant.client.post("/common/oauth2/v2.0/devicecode", data=form), 700016)


def test_the_v1_endpoint_hands_out_codes_too(tenant: LocalTenant, ada: User):
    form = {"client_id": AZURE_CLI, "resource": "https://management.core.windows.net/"}
    device = tenant.client.post("/common/oauth2/devicecode", data=form).json()
    assert device["verification_url"] == device["verification_uri"]
    approve(tenant, device, ada)
    form = {"grant_type": "device_code", "client_id": AZURE_CLI, "code": device["device_code"]}
    body = token(tenant, name="common", v1=True, **form | {"resource": form.get("resource", "")}).json()
    assert body["resource"] == "https://management.core.windows.net/"


def test_every_refusal_is_tried():
    tests = "".join(file.read_text() for file in Path(__file__).parent.glob("test_people_*.py"))
    assert [number for number in SIGN_IN_REFUSALS if str(number) not in tests] == []
