"""Audit and sign-in records: Graph's shapes, and strings that detections take apart by their spelling."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import msgspec
import pytest

from unsecret.model.application import (
    Application,
    KeyCredential,
    KeyType,
    KeyUsage,
    PasswordCredential,
    ServicePrincipal,
)
from unsecret.model.event import (
    Activity,
    AuditEvent,
    Caller,
    CredentialType,
    ModifiedProperty,
    OperationType,
    Outcome,
    SignIn,
    Target,
)
from unsecret.model.identifiers import AppId, KeyId, ObjectId, PolicyId, TenantId
from unsecret.model.policy import AppManagementPolicy, TenantDefault
from unsecret.wire.logs import (
    as_json,
    audit_to_graph,
    key_description,
    modified_properties,
    policy_properties,
    sign_in_to_graph,
    updated_properties,
)

NOW = datetime(2026, 4, 1, 10, 0, 0, 755000, tzinfo=UTC)
TENANT = TenantId("11111111-0000-0000-0000-000000000001")
OBJECT = ObjectId("22222222-0000-0000-0000-000000000002")
APP = AppId("33333333-0000-0000-0000-000000000003")
KEY = KeyId("44444444-0000-0000-0000-000000000004")
CALLER = Caller(tenant_id=TENANT, app_id=APP, service_principal_id=OBJECT, display_name="Deployer")
SECRET = PasswordCredential(key_id=KEY, start_at=NOW, end_at=NOW, display_name="rbac", hint="abc")
CERTIFICATE = KeyCredential(
    key_id=KEY,
    type=KeyType.CERTIFICATE,
    usage=KeyUsage.VERIFY,
    start_at=NOW,
    end_at=NOW,
    display_name="CN=Payroll",
    key=b"der",
)
EVENT = AuditEvent(
    id="Directory_c_ABCDE_123",
    at=NOW,
    activity=Activity.UPDATE_APPLICATION_CREDENTIALS,
    category="ApplicationManagement",
    operation_type=OperationType.UPDATE,
    result=Outcome.SUCCESS,
    result_reason="",
    correlation_id="c",
    caller=CALLER,
    targets=(
        Target(
            id=OBJECT,
            display_name="Payroll",
            type="Application",
            modified_properties=(ModifiedProperty("KeyDescription", "[]", '["x"]'),),
        ),
    ),
    additional_details=(("User-Agent", "az"), ("AppId", APP)),
)
SIGN_IN = SignIn(
    id="s",
    at=NOW,
    app_id=APP,
    app_display_name="Payroll",
    service_principal_id=OBJECT,
    service_principal_name="Payroll",
    credential_type=CredentialType.CLIENT_SECRET,
    credential_key_id=KEY,
    credential_thumbprint=None,
    error_code=0,
    failure_reason=None,
    resource_id=APP,
    resource_display_name="Microsoft Graph",
    resource_service_principal_id=OBJECT,
    correlation_id="c",
    token_id="t",
    ip_address="127.0.0.1",
    user_agent="python",
)


# -- audits --------------------------------------------------------------------------------------------------------


def test_an_audit_record_has_graphs_shape() -> None:
    assert audit_to_graph(EVENT, beta=False) == {
        "id": "Directory_c_ABCDE_123",
        "category": "ApplicationManagement",
        "correlationId": "c",
        "result": "success",
        "resultReason": "",
        "activityDisplayName": "Update application – Certificates and secrets management ",
        "activityDateTime": "2026-04-01T10:00:00.755000Z",
        "loggedByService": "Core Directory",
        "operationType": "Update",
        "initiatedBy": {
            "user": None,
            "app": {
                "appId": APP,
                "displayName": "Deployer",
                "servicePrincipalId": OBJECT,
                "servicePrincipalName": None,
            },
        },
        "targetResources": [
            {
                "id": OBJECT,
                "displayName": "Payroll",
                "type": "Application",
                "userPrincipalName": None,
                "groupType": None,
                "modifiedProperties": [{"displayName": "KeyDescription", "oldValue": "[]", "newValue": '["x"]'}],
            }
        ],
        "additionalDetails": [{"key": "User-Agent", "value": "az"}, {"key": "AppId", "value": APP}],
    }


def test_beta_says_the_user_agent_once_more() -> None:
    assert audit_to_graph(EVENT, beta=True)["userAgent"] == "az"
    quiet = msgspec.structs.replace(EVENT, additional_details=(), caller=None)
    assert audit_to_graph(quiet, beta=True)["userAgent"] is None
    assert audit_to_graph(quiet, beta=True)["initiatedBy"] == {"user": None, "app": None}


def test_the_name_of_a_credential_change_has_an_en_dash_and_a_space_at_its_end() -> None:
    name = audit_to_graph(EVENT, beta=False)["activityDisplayName"]
    assert len(name) == 57
    assert name.endswith("management ")
    assert "\u2013" in name


# -- what changed --------------------------------------------------------------------------------------------------


def test_a_new_secret_is_described_to_the_letter() -> None:
    change = key_description(((), ()), ((SECRET,), ()))
    assert change == ModifiedProperty(
        "KeyDescription", "[]", f'["[KeyIdentifier={KEY},KeyType=Password,KeyUsage=Verify,DisplayName=rbac]"]'
    )
    assert "abc" not in str(change)


def test_the_descriptions_before_and_after_are_complete() -> None:
    secret = f"[KeyIdentifier={KEY},KeyType=Password,KeyUsage=Verify,DisplayName=rbac]"
    certificate = f"[KeyIdentifier={KEY},KeyType=AsymmetricX509Cert,KeyUsage=Verify,DisplayName=CN=Payroll]"
    change = key_description(((SECRET,), ()), ((SECRET,), (CERTIFICATE,)))
    assert json.loads(change.old_value or "") == [secret]
    assert json.loads(change.new_value or "") == [secret, certificate]
    assert change.new_value == f'["{secret}","{certificate}"]'


def test_an_object_without_credentials_and_no_object_are_described_alike() -> None:
    assert key_description(None, ((), ())) == ModifiedProperty("KeyDescription", "[]", "[]")
    assert key_description(((SECRET,), ()), None).new_value == "[]"


def test_a_name_with_quotes_in_it_stays_one_string() -> None:
    odd = msgspec.structs.replace(SECRET, display_name='x]","[KeyIdentifier=y')
    nameless = msgspec.structs.replace(SECRET, display_name=None)
    first, second = json.loads(key_description(None, ((odd, nameless), ())).new_value or "")
    assert first.endswith('DisplayName=x]","[KeyIdentifier=y]')
    assert second.endswith(",DisplayName=]")


@pytest.mark.parametrize(
    ("value", "text"), [("abc", '"abc"'), ("é", '"é"'), (True, "true"), (None, "null"), (["a"], '["a"]')]
)
def test_a_value_is_the_json_of_itself(value: object, text: str) -> None:
    assert as_json(value) == text


def test_the_last_entry_names_the_others() -> None:
    assert updated_properties(["A", "B"]) == ModifiedProperty("Included Updated Properties", None, '"A, B"')


APPLICATION = Application(id=OBJECT, app_id=APP, display_name="Payroll", created_at=NOW)


def test_a_change_of_properties_lists_what_differs_as_arrays() -> None:
    after = msgspec.structs.replace(
        APPLICATION, display_name="Wages", identifier_uris=("api://x",), other={"notes": "n"}, is_disabled=True
    )
    assert modified_properties(APPLICATION, after) == (
        ModifiedProperty("DisplayName", '["Payroll"]', '["Wages"]'),
        ModifiedProperty("AppIdentifierUri", "[]", '["api://x"]'),
        ModifiedProperty("IsDisabled", "[]", "[true]"),
        ModifiedProperty("Notes", "[]", '["n"]'),
        ModifiedProperty("Included Updated Properties", None, '"DisplayName, AppIdentifierUri, IsDisabled, Notes"'),
    )


def test_a_change_of_credentials_alone_modifies_no_property() -> None:
    after = msgspec.structs.replace(APPLICATION, password_credentials=(SECRET,))
    assert modified_properties(APPLICATION, after) == ()


def test_a_new_object_lists_what_was_set() -> None:
    principal = ServicePrincipal(
        id=OBJECT, app_id=APP, display_name="P", created_at=NOW, custom_security_attributes={"Set": {"a": "b"}}
    )
    names = [change.display_name for change in modified_properties(None, principal)]
    assert names == [
        "DisplayName",
        "AccountEnabled",
        "ServicePrincipalType",
        "CustomSecurityAttributes",
        "Included Updated Properties",
    ]
    gone = modified_properties(principal, None)
    assert all(change.new_value == "[]" for change in gone[:-1])


@pytest.mark.parametrize("policy", [TenantDefault(), AppManagementPolicy(id=PolicyId(OBJECT), display_name="Exempt")])
def test_a_change_of_policy_keeps_the_whole_policy(policy: TenantDefault | AppManagementPolicy) -> None:
    detail, names = policy_properties(None, policy)
    assert detail.old_value == "[]"
    (whole,) = json.loads(detail.new_value or "")
    assert json.loads(whole)["id"] == policy.id
    assert names == updated_properties(["PolicyDetail"])


# -- sign-ins ------------------------------------------------------------------------------------------------------


def test_a_sign_in_says_in_beta_which_credential_was_used() -> None:
    record = sign_in_to_graph(SIGN_IN, tenant_id=TENANT, beta=True)
    assert record["clientCredentialType"] == "clientSecret"
    assert record["servicePrincipalCredentialKeyId"] == KEY
    assert record["servicePrincipalCredentialThumbprint"] is None
    assert record["signInEventTypes"] == ["servicePrincipal"]
    assert record["status"] == {"errorCode": 0, "failureReason": None, "additionalDetails": None}
    assert record["resourceTenantId"] == record["homeTenantId"] == TENANT
    assert record["createdDateTime"] == "2026-04-01T10:00:00.755000Z"


def test_v1_does_not_say_which_credential_was_used() -> None:
    record = sign_in_to_graph(SIGN_IN, tenant_id=TENANT, beta=False)
    assert record["appId"] == APP
    assert not {"clientCredentialType", "servicePrincipalCredentialKeyId", "signInEventTypes"} & set(record)


def test_a_failed_sign_in_says_why() -> None:
    failed = msgspec.structs.replace(SIGN_IN, error_code=7000215, failure_reason="Invalid client secret provided.")
    status = sign_in_to_graph(failed, tenant_id=TENANT, beta=True)["status"]
    assert status == {"errorCode": 7000215, "failureReason": failed.failure_reason, "additionalDetails": None}


@pytest.mark.parametrize("beta", [True, False])
def test_every_member_of_a_record_is_declared(beta: bool) -> None:
    from unsecret.wire.collections import BETA_SIGN_INS, DIRECTORY_AUDITS, SIGN_INS

    assert set(sign_in_to_graph(SIGN_IN, tenant_id=TENANT, beta=beta)) <= (BETA_SIGN_INS if beta else SIGN_INS).declared
    assert set(audit_to_graph(EVENT, beta=beta)) <= DIRECTORY_AUDITS.declared
    assert msgspec.json.encode(audit_to_graph(EVENT, beta=beta))
