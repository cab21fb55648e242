"""A clock that can be moved: who may, in which direction, and that everything in its tenant goes by it alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.local_tenant import BASE, NOW, Identity, LocalTenant
from tests.tenant.people import Browser, agree, code_for, new_person, new_web_app, redeem, refused, with_password
from tests.tenant.test_key_rolling import adding
from tests.tenant.test_people_devices import begin, poll
from unsecret.tenant.signing import SigningKeys
from unsecret.wire.instants import format_instant

ADMINISTRATORS = {"error": "Only the administrator's application of a tenant may read and move its clock."}


@pytest.fixture
def moving(own_directory: Path, identity: Identity, signing: SigningKeys) -> Iterator[LocalTenant]:
    """A tenant whose clock can be moved."""
    local = LocalTenant(own_directory, identity, signing, movable=True)
    yield local
    local.close()


@pytest.fixture
def neighbour(moving: LocalTenant, identity: Identity, signing: SigningKeys) -> Iterator[LocalTenant]:
    """Another tenant of the same server."""
    other = LocalTenant(moving.directory, identity, signing, domain="fabrikam", movable=True)
    yield other
    other.close()


def clock(tenant: LocalTenant, method: str = "GET", body: Any = None, **options: Any):
    """Read or move the clock, however that ends."""
    return tenant.graph(method, f"{BASE}/{tenant.tenant_id}/unsecret/clock", body, **options)


def signs_in(tenant: LocalTenant, app_id: str, secret: str) -> str | None:
    """None when the secret signs the application in; else the number of the refusal."""
    answer = tenant.token_request(client_id=app_id, client_secret=secret)
    return None if answer.status_code == 200 else str(answer.json()["error_codes"][0])


def test_it_begins_with_the_machines_time_and_ticks_with_it(moving: LocalTenant) -> None:
    assert clock(moving).json() == {"now": "2026-11-22T12:00:00Z"}
    moving.clock.move(minutes=1)
    assert clock(moving).json() == {"now": "2026-11-22T12:01:00Z"}


def test_it_is_set_and_moved_on_and_ticks_from_there(moving: LocalTenant) -> None:
    assert moving.move_clock(now="2027-01-01T00:00:00Z") == "2027-01-01T00:00:00Z"
    assert moving.move_clock(move="P30DT1H") == "2027-01-31T01:00:00Z"
    moving.clock.move(seconds=5)
    assert clock(moving).json() == {"now": "2027-01-31T01:00:05Z"}


def test_tenants_have_each_their_own(moving: LocalTenant, neighbour: LocalTenant) -> None:
    moving.move_clock(move="P365D")
    made, theirs = moving.new_application(), neighbour.new_application()
    assert (made["createdDateTime"], theirs["createdDateTime"]) == ("2027-11-22T12:00:00Z", "2026-11-22T12:00:00Z")


def test_a_token_ends_with_the_time_it_was_issued_for(moving: LocalTenant) -> None:
    token = moving.token
    moving.move_clock(move="PT50M")
    moving.get("/applications", token=token)
    moving.move_clock(move="PT1H")
    refusal = moving.refused("GET", "/applications", token=token, status=401)
    assert refusal["code"] == "InvalidAuthenticationToken"
    assert refusal["innerError"]["date"].startswith("2026-11-22T13:50")


def test_domains_name_the_same_clock(moving: LocalTenant) -> None:
    moving.move_clock(move="P365D")
    path = f"/{moving.new.tenant.verified_domains[0]}/oauth2/v2.0/token"
    answer = moving.client.post(path, data={"client_id": "x"})
    assert answer.json()["timestamp"].startswith("2027-11-22")


def test_a_year_of_expiry_is_walked_through(moving: LocalTenant) -> None:
    """A secret, a certificate, a policy's date and a deleted application, each on its day and not a second before."""
    app = moving.new_application("walked")
    moving.new_principal(app["appId"])
    ends = {name: NOW + timedelta(days=days) for name, days in (("secret", 90), ("policy", 180), ("certificate", 270))}
    secret = moving.must(
        "POST",
        f"/applications/{app['id']}/addPassword",
        {"passwordCredential": {"endDateTime": format_instant(ends["secret"])}},
    )["secretText"]
    certified = moving.as_workload()
    moving.must(
        "PATCH",
        f"/applications/{certified.application.id}",
        {
            "keyCredentials": [
                {
                    "type": "AsymmetricX509Cert",
                    "usage": "Verify",
                    "key": pem_body(moving.identity),
                    "endDateTime": format_instant(ends["certificate"]),
                }
            ]
        },
    )
    block_created_from(moving, format_instant(ends["policy"]))
    older = moving.new_application("older")

    to(moving, ends["secret"] - timedelta(seconds=1))
    assert signs_in(moving, app["appId"], secret) is None
    to(moving, ends["secret"])
    assert signs_in(moving, app["appId"], secret) == "7000222"

    to(moving, ends["policy"] - timedelta(seconds=1))
    moving.must("POST", f"/applications/{moving.new_application('just before')['id']}/addPassword", {})
    to(moving, ends["policy"] + timedelta(seconds=1))
    young = moving.new_application("young")
    moving.refused("POST", f"/applications/{young['id']}/addPassword", {}, status=400)
    moving.must("POST", f"/applications/{older['id']}/addPassword", {})

    to(moving, ends["certificate"] - timedelta(seconds=1))
    moving.sign_in(certified.application.app_id)
    to(moving, ends["certificate"])
    with pytest.raises(AssertionError, match=r"AADSTS700027.*expired"):
        moving.sign_in(certified.application.app_id)

    moving.must("DELETE", f"/applications/{older['id']}")
    to(moving, ends["certificate"] + timedelta(days=30, seconds=-1))
    moving.get(f"/directory/deletedItems/{older['id']}")
    to(moving, ends["certificate"] + timedelta(days=30))
    moving.refused("GET", f"/directory/deletedItems/{older['id']}", status=404)


def to(tenant: LocalTenant, instant: Any) -> None:
    tenant.move_clock(now=format_instant(instant))


def pem_body(identity: Identity) -> str:
    import base64

    return base64.b64encode(identity.facts.der).decode()


def block_created_from(tenant: LocalTenant, instant: str) -> None:
    entry = {
        "restrictionType": "passwordAddition",
        "state": "enabled",
        "restrictForAppsCreatedAfterDateTime": instant,
    }
    body = {"isEnabled": True, "applicationRestrictions": {"passwordCredentials": [entry]}}
    tenant.must("PATCH", "/policies/defaultAppManagementPolicy", body)


def test_logs_are_dated_by_it(moving: LocalTenant) -> None:
    moving.move_clock(move="P100D")
    moving.new_application()
    assert moving.audits()[0]["activityDateTime"].startswith("2027-03-02T12:00")
    assert moving.sign_ins()[0]["createdDateTime"].startswith("2027-03-02T12:00")


def test_what_a_client_signed_is_held_against_its_own_clock_which_did_not_move(moving: LocalTenant) -> None:
    moving.move_clock(move="P100D")
    moving.sign_in(moving.new.client_id)


def test_a_proof_for_rolling_a_key_is_held_against_it_too(moving: LocalTenant) -> None:
    workload = moving.as_workload()
    body = adding(moving, workload.application.id)
    moving.move_clock(move="P100D")
    token = moving.sign_in(workload.application.app_id)
    moving.must("POST", f"/applications/{workload.application.id}/addKey", body, token=token)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"now": "2026-11-22T11:59:59Z"}, 409, "ClockOnlyMovesForwards"),
        ({"now": "3000-01-01T00:00:00Z"}, 400, "Request_BadRequest"),
        ({"move": "P10675199D"}, 400, "Request_BadRequest"),
        ({"move": "-P1D"}, 400, "Request_BadRequest"),
        ({"move": "P1M"}, 400, "Request_BadRequest"),
        ({"now": "tomorrow"}, 400, "Request_BadRequest"),
        ({"now": "2027-01-01T00:00:00Z", "move": "P1D"}, 400, "Request_BadRequest"),
        ({}, 400, "Request_BadRequest"),
        ([], 400, "Request_BadRequest"),
        (None, 400, "Request_BadRequest"),
    ],
)
def test_a_movement_that_is_none_changes_nothing(moving: LocalTenant, body: Any, status: int, code: str) -> None:
    answer = clock(moving, "PATCH", body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert clock(moving).json() == {"now": "2026-11-22T12:00:00Z"}


@pytest.mark.parametrize(("method", "body"), [("GET", None), ("PATCH", {"move": "P1D"})])
def test_only_the_tenants_administrator_reads_and_moves_it(
    moving: LocalTenant, neighbour: LocalTenant, method: str, body: Any
) -> None:
    workload = moving.as_workload("Application.ReadWrite.All", "Policy.ReadWrite.ApplicationConfiguration")
    for token in (workload.token, neighbour.token):
        answer = clock(moving, method, body, token=token)
        assert (answer.status_code, answer.json()["error"]["message"]) == (403, ADMINISTRATORS["error"])
    assert moving.client.request(method, f"/{moving.tenant_id}/unsecret/clock", json=body).status_code == 401
    assert clock(moving).json() == {"now": "2026-11-22T12:00:00Z"}


@pytest.mark.parametrize(
    "token", ["a.b.c", "a..c", ".", "a.bnVsbA.c", "a.eyJ0aWQiOjF9.c", "a.eyJ0aWQiOiJ4In0.c", "a.Ww.c"]
)
def test_a_token_that_is_none_chooses_no_clock(moving: LocalTenant, token: str) -> None:
    moving.refused("GET", "/applications", token=token, status=401)


def test_where_clocks_are_not_movable_there_is_none(tenant: LocalTenant) -> None:
    assert clock(tenant).status_code == 404
    assert clock(tenant, "PATCH", {"move": "P1D"}).status_code == 404


def test_device_codes_are_of_no_tenant_and_go_by_no_tenants_clock(moving: LocalTenant, neighbour: LocalTenant) -> None:
    device = begin(moving)
    neighbour.move_clock(move="P1D")
    begin(neighbour, name=neighbour.tenant_id)
    refused(poll(moving, device), 70016)


def test_who_signs_in_at_an_address_that_names_no_tenant_does_so_by_the_tenants_clock(moving: LocalTenant) -> None:
    ada, app = new_person(moving), new_web_app(moving)
    agree(moving, app, "User.Read")
    moving.move_clock(move="P100D")
    code = code_for(moving, app, ada, name="common")
    for answer in (with_password(moving, ada, name="organizations"), redeem(moving, app, code, name="common")):
        assert answer.status_code == 200, answer.text
        moving.get("/me", token=answer.json()["access_token"])


def test_a_session_ends_by_the_tenants_clock_wherever_it_is_shown(moving: LocalTenant) -> None:
    ada, app = new_person(moving), new_web_app(moving)
    agree(moving, app, "User.Read")
    browser = Browser(moving)
    browser.authorize(app.app_id, name="common")
    browser.sign_in(ada)
    moving.move_clock(move="PT23H")
    assert browser.authorize(app.app_id, name="common").status_code == 302
    moving.move_clock(move="PT1H")
    assert "<h1>Sign in</h1>" in browser.authorize(app.app_id, name="common").text
