"""The promise of `test_no_secret_after_the_204`, kept by four processes on PostgreSQL.

Writers add secrets over connections of their own, which the kernel spreads over the processes, while an administrator
takes back, in one way or another, what allowed it. What is there in the end and was not there right after
the 204 was created after it. To show that the test can fail, one round is run with a writer that asks the law in one
transaction and writes in the next.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import timedelta
from typing import Any

import pytest

from tests import postgresql
from tests.clients.administrator import Administrator
from tests.local_tenant import NOW
from tests.running_tenant import EACH_ANSWER_COUNTS, RunningTenant
from unsecret.model.application import ObjectKind, PasswordCredential
from unsecret.model.identifiers import KeyId, ObjectId, TenantId
from unsecret.store import credentials, directory_objects, policies
from unsecret.store.engine import Store

WRITERS = 6
ROUNDS = 6
DEFAULT = "/policies/defaultAppManagementPolicy"
ATTRIBUTE = "Exempt_From"
EXEMPTION = {
    "customSecurityAttributes": [
        {
            "@odata.type": "#microsoft.graph.customSecurityAttributeStringValueExemption",
            "id": ATTRIBUTE,
            "operator": "equals",
            "value": "secrets",
        }
    ]
}

Write = Callable[[Administrator, str], bool]

pytestmark = pytest.mark.promise


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with postgresql.server() as server, postgresql.database_of(server) as url:
        yield url


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory, database: str) -> Iterator[RunningTenant]:
    data = tmp_path_factory.mktemp("servers") / "data"
    with RunningTenant.start(
        data, "--empty", "--workers", "4", "--database", database, mischief=EACH_ANSWER_COUNTS
    ) as running:
        yield running


@pytest.fixture(scope="module")
def administrator(tenant: RunningTenant) -> Iterator[Administrator]:
    with closing(Administrator(tenant)) as one:
        set_name, _, name = ATTRIBUTE.partition("_")
        one.call("POST", "/directory/attributeSets", {"id": set_name})
        definition = {"attributeSet": set_name, "name": name, "type": "String", "status": "Available"}
        flags = {"isCollection": False, "isSearchable": True, "usePreDefinedValuesOnly": False}
        one.call("POST", "/directory/customSecurityAttributeDefinitions", definition | flags)
        yield one


def block(*, exempt: bool = False) -> dict[str, Any]:
    entry = {"restrictionType": "passwordAddition", "state": "enabled", "maxLifetime": None}
    return entry | ({"excludeActors": EXEMPTION} if exempt else {})


def default_policy(administrator: Administrator, *entries: dict[str, Any]) -> None:
    body = {"isEnabled": bool(entries), "applicationRestrictions": {"passwordCredentials": list(entries)}}
    administrator.call("PATCH", DEFAULT, body)


def custom_policy(administrator: Administrator, *, enabled: bool) -> str:
    body = {
        "displayName": "block",
        "description": "block",
        "isEnabled": enabled,
        "restrictions": {"passwordCredentials": [block()]},
    }
    return administrator.call("POST", "/policies/appManagementPolicies", body)["id"]


def assign(administrator: Administrator, application: str, policy: str) -> None:
    reference = {"@odata.id": f"https://graph.microsoft.com/v1.0/policies/appManagementPolicies/{policy}"}
    administrator.call("POST", f"/applications/{application}/appManagementPolicies/$ref", reference)


def exempt(administrator: Administrator, value: str | None) -> None:
    """Gives the attribute to whoever writes here, who is the administrator's application, or takes it away."""
    set_name, _, name = ATTRIBUTE.partition("_")
    own = administrator.call("GET", f"/servicePrincipals(appId='{administrator.client_id}')")["id"]
    body = {"@odata.type": "#microsoft.graph.customSecurityAttributeValue", name: value}
    administrator.call("PATCH", f"/servicePrincipals/{own}", {"customSecurityAttributes": {set_name: body}})


# What is arranged before anybody writes; what then takes effect, and must at once.
Way = tuple[Callable[[Administrator, str], Any], Callable[[Administrator, str, Any], None]]
WAYS: dict[str, Way] = {
    "the default policy": (
        lambda _administrator, _application: None,
        lambda administrator, _application, _: default_policy(administrator, block()),
    ),
    "a policy that is assigned": (
        lambda administrator, _application: custom_policy(administrator, enabled=True),
        assign,
    ),
    "an edit of a policy that is assigned": (
        lambda administrator, application: _assigned(administrator, application, enabled=False),
        lambda administrator, _application, policy: administrator.call(
            "PATCH", f"/policies/appManagementPolicies/{policy}", {"isEnabled": True}
        ),
    ),
    "an exemption that is taken out of the policy": (
        lambda administrator, _application: _exempted(administrator),
        lambda administrator, _application, _: default_policy(administrator, block()),
    ),
    "an exemption whose attribute is taken away": (
        lambda administrator, _application: _exempted(administrator),
        lambda administrator, _application, _: exempt(administrator, None),
    ),
}


def _assigned(administrator: Administrator, application: str, *, enabled: bool) -> str:
    policy = custom_policy(administrator, enabled=enabled)
    assign(administrator, application, policy)
    return policy


def _exempted(administrator: Administrator) -> None:
    exempt(administrator, "secrets")
    default_policy(administrator, block(exempt=True))


def by_http(writer: Administrator, application: str) -> bool:
    """The real thing."""
    answer = writer.send("POST", f"/applications/{application}/addPassword", {})
    assert answer.status_code in (200, 400), answer.text
    return answer.is_success


def secrets_of(administrator: Administrator, application: str) -> set[str]:
    listed = administrator.call("GET", f"/applications/{application}/passwordCredentials")["value"]
    return {secret["keyId"] for secret in listed}


def leaked(tenant: RunningTenant, administrator: Administrator, way: Way, write: Write) -> set[str]:
    """Run one round; the secrets that came into being after the change had been answered."""
    arrange, take_effect = way
    default_policy(administrator)
    application = administrator.call("POST", "/applications", {"displayName": "round"})["id"]
    arranged = arrange(administrator, application)
    created = threading.Semaphore(0)

    def write_until_refused(writer: Administrator) -> None:
        while write(writer, application):
            created.release()

    with ExitStack() as closed_later:
        writers = [closed_later.enter_context(closing(Administrator(tenant))) for _ in range(WRITERS)]
        threads = [threading.Thread(target=write_until_refused, args=(writer,)) for writer in writers]
        for thread in threads:
            thread.start()
        for _ in range(2 * WRITERS):
            assert created.acquire(timeout=30), "a round without load proves nothing"
        take_effect(administrator, application, arranged)
        at_the_204 = secrets_of(administrator, application)
        for thread in threads:
            thread.join(60)
    return secrets_of(administrator, application) - at_the_204


@pytest.mark.parametrize("name", WAYS)
def test_no_secret_is_created_after_the_answer_by_any_of_four_processes(
    tenant: RunningTenant, administrator: Administrator, name: str
) -> None:
    for _ in range(ROUNDS if name == "the default policy" else ROUNDS // 3):
        assert leaked(tenant, administrator, WAYS[name], by_http) == set()


def test_the_promise_breaks_when_policy_and_write_are_two_transactions(
    tenant: RunningTenant, administrator: Administrator, database: str
) -> None:
    store = Store.open(database)
    try:
        write = _by_two_transactions(store, TenantId(tenant.tenant_id))
        assert any(leaked(tenant, administrator, WAYS["the default policy"], write) for _ in range(ROUNDS))
    finally:
        store.close()


def _by_two_transactions(store: Store, tenant_id: TenantId) -> Write:
    """The mistake, made by a server of its own on the same database."""

    def write(_writer: Administrator, application: str) -> bool:
        with store.read() as conn:
            default = policies.get_default(conn, tenant_id)
            assert directory_objects.get(conn, tenant_id, ObjectKind.APPLICATION, ObjectId(application))
        if default.is_enabled:
            return False
        credential = PasswordCredential(key_id=KeyId(str(uuid.uuid4())), start_at=NOW, end_at=NOW + timedelta(days=1))
        store.write(
            lambda conn: credentials.add_password(conn, tenant_id, ObjectId(application), credential, bytes(48)),
            tenant_id,
        ).result(30)
        return True

    return write
