"""One credential is removed, and every other stays: also on a tenant that throttles and whose reads lag."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import httpx2
import pytest

from tests.local_tenant import LocalTenant, new_identity
from tests.operate.in_process import InProcess, Ticks, Waits, client_of
from unsecret.errors import Conflict, NotFound
from unsecret.operate.graph.client import GraphClient
from unsecret.operate.removal import find_credential, remove, require_removable

Json = dict[str, Any]


@pytest.fixture
def app(tenant: LocalTenant, ticks: Ticks) -> Json:
    """An application with two certificates and two secrets, which everybody can see by now."""
    made = tenant.new_application("Payroll")
    keys = [
        {"type": "AsymmetricX509Cert", "usage": "Verify", "key": b64encode(new_identity(name).facts.der).decode()}
        for name in ("one", "two")
    ]
    tenant.must("PATCH", f"/v1.0/applications/{made['id']}", {"keyCredentials": keys})
    for _each in range(2):
        tenant.must("POST", f"/v1.0/applications/{made['id']}/addPassword", {})
    ticks.later()
    return tenant.get(f"/v1.0/applications/{made['id']}")


def held(tenant: LocalTenant, app: Json) -> set[str]:
    shown = tenant.get(f"/v1.0/applications/{app['id']}")
    return {one["keyId"] for one in (*shown["passwordCredentials"], *shown["keyCredentials"])}


@pytest.mark.parametrize("group", ["passwordCredentials", "keyCredentials"])
def test_the_one_that_was_named_goes_and_the_others_stay(
    client: GraphClient, tenant: LocalTenant, app: Json, group: str
) -> None:
    everything, gone = held(tenant, app), app[group][0]["keyId"]

    removal = find_credential(client, app["appId"], gone, now=tenant.clock.now)
    remove(client, removal, now=tenant.clock.now, sleep=Waits())

    assert removal.usable_left == 3
    assert held(tenant, app) == everything - {gone}


def test_one_that_signs_in_is_spared_unless_it_is_forced(client: GraphClient, tenant: LocalTenant, app: Json) -> None:
    removal = find_credential(client, "Payroll", app["keyCredentials"][0]["keyId"], now=tenant.clock.now)

    with pytest.raises(Conflict, match="would be locked out"):
        require_removable(removal, now=tenant.clock.now, force=False)
    require_removable(removal, now=tenant.clock.now, force=True)
    require_removable(removal, now=tenant.clock.now.replace(year=2999), force=False)


def test_a_credential_that_is_not_there_is_named(client: GraphClient, tenant: LocalTenant, app: Json) -> None:
    with pytest.raises(NotFound, match="holds no credential with the keyId") as problem:
        find_credential(client, "Payroll", app["id"], now=tenant.clock.now)
    assert problem.value.hint is not None
    assert problem.value.hint.endswith("unsecret apps show Payroll")


def test_a_certificate_that_somebody_added_meanwhile_is_not_wiped(
    tenant: LocalTenant, kind: InProcess, tmp_path: Any, app: Json
) -> None:
    """Removing a certificate sends all the others: the one that was added since they were shown must not be lost."""
    with client_of(tenant, tmp_path, kind) as client:
        removal = find_credential(client, "Payroll", app["keyCredentials"][0]["keyId"], now=tenant.clock.now)
        _add_another(tenant, app)

        with pytest.raises(Conflict, match="meanwhile"):
            remove(client, removal, now=tenant.clock.now, sleep=Waits())

    assert len(held(tenant, app)) == 5


def test_a_secret_that_somebody_adds_in_the_same_instant_is_kept_and_no_alarm(
    tenant: LocalTenant, kind: InProcess, tmp_path: Any, app: Json
) -> None:
    """A secret goes by its keyId; what comes meanwhile has nothing to do with it."""

    def busy(request: httpx2.Request) -> httpx2.Response | None:
        if request.url.path.endswith("/removePassword"):
            tenant.must("POST", f"/v1.0/applications/{app['id']}/addPassword", {})
        return None

    kind.before = busy
    with client_of(tenant, tmp_path, kind) as client:
        gone = app["passwordCredentials"][0]["keyId"]
        removal = find_credential(client, "Payroll", gone, now=tenant.clock.now)
        remove(client, removal, now=tenant.clock.now, sleep=Waits())

    assert len(held(tenant, app)) == 4
    assert gone not in held(tenant, app)


def test_a_certificate_that_another_tool_puts_back_is_told(
    tenant: LocalTenant, kind: InProcess, tmp_path: Any, app: Json
) -> None:
    """It sends the list that it read before; a key that a directory knows no more needs its bytes for that."""
    put_back = {**app["keyCredentials"][0]}

    def busy(request: httpx2.Request) -> httpx2.Response | None:
        if request.method == "PATCH":
            kind.door.send(request)
            kept = [{"keyId": one["keyId"]} for one in app["keyCredentials"][1:]]
            key = tenant.get(f"/v1.0/applications/{app['id']}?$select=keyCredentials")["keyCredentials"][0]["key"]
            tenant.must(
                "PATCH", f"/v1.0/applications/{app['id']}", {"keyCredentials": [*kept, {**put_back, "key": key}]}
            )
            return httpx2.Response(204)
        return None

    kind.before = busy
    with client_of(tenant, tmp_path, kind) as client:
        removal = find_credential(client, "Payroll", put_back["keyId"], now=tenant.clock.now)
        with pytest.raises(Conflict, match="do not read as they should"):
            remove(client, removal, now=tenant.clock.now, sleep=Waits())


def test_what_was_shown_as_left_is_looked_at_again(
    tenant: LocalTenant, kind: InProcess, tmp_path: Any, app: Json
) -> None:
    """Whoever removes a certificate was told that secrets are left; they went while the question stood there."""
    with client_of(tenant, tmp_path, kind) as client:
        removal = find_credential(client, "Payroll", app["keyCredentials"][0]["keyId"], now=tenant.clock.now)
        secret = {"keyId": app["passwordCredentials"][0]["keyId"]}
        tenant.must("POST", f"/v1.0/applications/{app['id']}/removePassword", secret)
        with pytest.raises(Conflict, match="meanwhile"):
            remove(client, removal, now=tenant.clock.now, sleep=Waits())
    assert len(held(tenant, app)) == 3


def _add_another(tenant: LocalTenant, app: Json) -> None:
    kept = [{"keyId": one["keyId"]} for one in tenant.get(f"/v1.0/applications/{app['id']}")["keyCredentials"]]
    key = b64encode(new_identity("three").facts.der).decode()
    new = {"type": "AsymmetricX509Cert", "usage": "Verify", "key": key}
    tenant.must("PATCH", f"/v1.0/applications/{app['id']}", {"keyCredentials": [*kept, new]})


def test_a_removal_that_wipes_another_is_not_called_done(
    tenant: LocalTenant, kind: InProcess, tmp_path: Any, app: Json
) -> None:
    with client_of(tenant, tmp_path, kind) as client:
        removal = find_credential(client, "Payroll", app["keyCredentials"][0]["keyId"], now=tenant.clock.now)

        def wiping(request: httpx2.Request) -> httpx2.Response | None:
            if request.method == "PATCH":
                tenant.must("PATCH", f"/v1.0/applications/{app['id']}", {"keyCredentials": []})
                return httpx2.Response(204)
            return None

        kind.before = wiping
        with pytest.raises(Conflict, match="do not read as they should"):
            remove(client, removal, now=tenant.clock.now, sleep=Waits())
