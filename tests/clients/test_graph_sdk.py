"""msgraph-sdk manages applications, their credentials and the policies that govern them."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.clients.administrator import MANAGER_ROLES
from tests.clients.certificates import make_certificate
from tests.clients.client_process import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.clients.administrator import Administrator
    from tests.clients.client_process import ClientProcess
    from tests.running_tenant import RunningTenant

pytestmark = pytest.mark.strangers


@pytest.fixture(scope="module")
def sdk(
    start_client: Callable[[str], ClientProcess], tenant: RunningTenant, administrator: Administrator
) -> ClientProcess:
    """The SDK, signed in as an application that may manage applications and policies."""
    manager = administrator.register("manager", *MANAGER_ROLES)
    process = start_client("graph_sdk_client.py")
    process.call(
        "sign_in",
        authority=tenant.authority,
        tenant_id=tenant.tenant_id,
        client_id=manager.app_id,
        secret=administrator.add_password(manager),
        origin=tenant.graph,
    )
    return process


@pytest.fixture
def object_id(sdk: ClientProcess) -> str:
    """An application made through the SDK."""
    return sdk.call("create_application", name=f"app {uuid.uuid4()}")["id"]


@pytest.fixture
def block(sdk: ClientProcess) -> Iterator[Callable[[], None]]:
    """Blocks secrets through the SDK; allows them again in the end."""
    yield lambda: sdk.call("set_default_policy", enabled=True, secrets_blocked=True)
    sdk.call("set_default_policy", enabled=False, secrets_blocked=False)


def test_creates_an_application_and_finds_it_by_both_its_ids(sdk: ClientProcess) -> None:
    made = sdk.call("create_application", name="Payroll")

    assert made["name"] == "Payroll"
    assert made["id"] != made["app_id"]
    assert sdk.call("get_application", object_id=made["id"]) == made
    assert sdk.call("get_application_by_app_id", app_id=made["app_id"]) == made


def test_lists_every_application_page_by_page(sdk: ClientProcess) -> None:
    names = {f"page {number}" for number in range(5)}
    for name in sorted(names):
        sdk.call("create_application", name=name)

    listed = sdk.call("list_applications", page_size=2)

    assert names <= set(listed)
    assert len(listed) == len(sdk.call("list_applications", page_size=999))


def test_deleted_application_is_gone(sdk: ClientProcess, object_id: str) -> None:
    sdk.call("delete_application", object_id=object_id)

    with pytest.raises(ClientError) as refused:
        sdk.call("get_application", object_id=object_id)

    assert refused.value.details["status"] == 404
    assert refused.value.details["code"] == "Request_ResourceNotFound"


@pytest.mark.parametrize(
    "described",
    [
        pytest.param({}, id="empty body"),
        pytest.param({"name": "build"}, id="with a name"),
        pytest.param({"end_at": (datetime.now(UTC) + timedelta(days=30)).isoformat()}, id="end with a zone"),
        pytest.param(
            {"end_at": (datetime.now(UTC) + timedelta(days=30)).strftime("%FT%T.%f")}, id="end without a zone"
        ),
    ],
)
def test_adds_and_removes_a_password(sdk: ClientProcess, object_id: str, described: dict[str, str]) -> None:
    added = sdk.call("add_password", object_id=object_id, **described)
    assert added["secret"].startswith(added["hint"])
    assert added["name"] == described.get("name")
    assert sdk.call("get_application", object_id=object_id)["passwords"] == [added["key_id"]]

    sdk.call("remove_password", object_id=object_id, key_id=added["key_id"])

    assert sdk.call("get_application", object_id=object_id)["passwords"] == []


def test_certificate_is_appended_and_those_before_it_keep_their_bytes(
    sdk: ClientProcess, object_id: str, tmp_path: Path
) -> None:
    first, second = make_certificate(tmp_path, "first"), make_certificate(tmp_path, "second")

    sdk.call("append_certificate", object_id=object_id, name="first", der=first.der)
    sdk.call("append_certificate", object_id=object_id, name="second", der=second.der)

    assert sdk.call("certificates", object_id=object_id) == [
        {"name": "first", "der": first.der},
        {"name": "second", "der": second.der},
    ]


def test_default_policy_reads_back_as_it_was_patched(sdk: ClientProcess, block: Callable[[], None]) -> None:
    block()

    policy = sdk.call("get_default_policy")

    assert policy["enabled"] is True
    assert policy["passwords"] == [{"restriction": "passwordAddition", "state": "enabled", "lifetime_days": None}]


def test_blocked_secret_is_refused_with_graphs_words(
    sdk: ClientProcess, object_id: str, block: Callable[[], None]
) -> None:
    block()

    with pytest.raises(ClientError) as refused:
        sdk.call("add_password", object_id=object_id, name="build")

    assert refused.value.kind == "ODataError"
    error = refused.value.details
    assert (error["status"], error["code"]) == (400, "CredentialTypeNotAllowedAsPerAppPolicy")
    policy_id = sdk.call("get_default_policy")["id"]
    assert error["message"].startswith(f"Credential type not allowed as per assigned policy '{policy_id}'. ")
    assert uuid.UUID(error["request_id"])
    assert uuid.UUID(error["client_request_id"])
    assert abs(datetime.fromisoformat(error["date"]).replace(tzinfo=UTC) - datetime.now(UTC)) < timedelta(minutes=5)
    assert sdk.call("get_application", object_id=object_id)["passwords"] == []


def test_blocked_secrets_leave_certificates_alone(
    sdk: ClientProcess, object_id: str, block: Callable[[], None], tmp_path: Path
) -> None:
    block()

    sdk.call("append_certificate", object_id=object_id, name="new", der=make_certificate(tmp_path, "new").der)

    assert sdk.call("get_application", object_id=object_id)["certificates"] == ["new"]


def test_custom_policy_from_birth_to_deletion(sdk: ClientProcess) -> None:
    made = sdk.call("create_policy", name="ninety days", lifetime_days=90)
    assert made["passwords"] == [{"restriction": "passwordLifetime", "state": "enabled", "lifetime_days": 90}]
    assert sdk.call("get_policy", policy_id=made["id"]) == made
    assert made in sdk.call("list_policies")

    sdk.call("set_policy_enabled", policy_id=made["id"], enabled=False)
    assert sdk.call("get_policy", policy_id=made["id"]) == made | {"enabled": False}

    sdk.call("delete_policy", policy_id=made["id"])
    with pytest.raises(ClientError) as refused:
        sdk.call("get_policy", policy_id=made["id"])
    assert refused.value.details["status"] == 404


def test_assigned_policy_binds_and_no_longer_when_unassigned(sdk: ClientProcess, object_id: str) -> None:
    policy_id = sdk.call("create_policy", name="ninety days", lifetime_days=90)["id"]
    in_a_year = (datetime.now(UTC) + timedelta(days=365)).isoformat()

    sdk.call("assign_policy", object_id=object_id, policy_id=policy_id)
    assert sdk.call("assigned_policies", object_id=object_id) == [policy_id]
    assert sdk.call("applies_to", policy_id=policy_id) == [{"type": "Application", "id": object_id}]
    with pytest.raises(ClientError) as refused:
        sdk.call("add_password", object_id=object_id, end_at=in_a_year)
    assert refused.value.details["code"] == "CredentialInvalidLifetimeAsPerAppPolicy"
    assert f"'{policy_id}'" in refused.value.details["message"]

    sdk.call("unassign_policy", object_id=object_id, policy_id=policy_id)
    assert sdk.call("applies_to", policy_id=policy_id) == []
    assert sdk.call("add_password", object_id=object_id, end_at=in_a_year)["secret"]


def test_second_policy_on_one_application_is_refused(sdk: ClientProcess, object_id: str) -> None:
    first, second = (sdk.call("create_policy", name=name, lifetime_days=90)["id"] for name in ("first", "second"))
    sdk.call("assign_policy", object_id=object_id, policy_id=first)

    with pytest.raises(ClientError) as refused:
        sdk.call("assign_policy", object_id=object_id, policy_id=second)

    assert refused.value.kind == "ODataError"
    assert sdk.call("assigned_policies", object_id=object_id) == [first]


def test_lifetime_that_the_sdk_writes_wrongly_is_refused_and_not_stored(sdk: ClientProcess) -> None:
    """The SDK sends a timedelta as `90 days, 0:00:00`. To store that as anything would be a guess."""
    with pytest.raises(ClientError) as refused:
        sdk.call("create_policy_with_timedelta", name="by timedelta", lifetime_days=90)

    assert refused.value.details["status"] == 400
    assert "maxLifetime" in refused.value.details["message"]
    assert "by timedelta" not in [policy["name"] for policy in sdk.call("list_policies")]
