"""`$filter` on each collection: what it finds, and what it refuses as Graph does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.store.nouns import NOW, NOWHERE, TENANT, application, audit, caller, key, policy, service_principal, sign_in
from unsecret.errors import Invalid
from unsecret.model.application import ObjectKind
from unsecret.model.event import Activity, CredentialType, Outcome, Target
from unsecret.model.identifiers import GRAPH_APP_ID, AppId, KeyId, ObjectId
from unsecret.model.query import And, AnyOf, Comparison, Filter, Not, Operator, Or, Query
from unsecret.store import directory_objects, logs, policies
from unsecret.store.engine import Store

O = Operator  # noqa: E741
A, SP = ObjectKind.APPLICATION, ObjectKind.SERVICE_PRINCIPAL
ID = {letter: ObjectId(f"{letter * 8}-0000-4000-8000-000000000000") for letter in "abcdef"}

APPLICATIONS = {
    "payroll": application(
        id=ID["a"],
        app_id=AppId(ID["d"]),
        display_name="Payroll 100%_off",
        created_at=NOW,
        identifier_uris=("api://Payroll", "https://contoso.example/p"),
        tags=("HR", "Notify_1"),
        key_credentials=(
            key(key_id=KeyId(ID["f"]), custom_key_identifier="AB12", end_at=NOW + timedelta(days=10)),
            key(end_at=NOW + timedelta(days=400)),
        ),
        other={
            "publisherDomain": "Contoso.onmicrosoft.com",
            "requiredResourceAccess": [
                {"resourceAppId": ID["e"], "resourceAccess": []},
                {"resourceAppId": GRAPH_APP_ID, "resourceAccess": []},
            ],
        },
    ),
    "wages": application(
        id=ID["b"],
        display_name="Wages",
        created_at=NOW - timedelta(days=30),
        sign_in_audience="AzureADMultipleOrgs",
        tags=("hr",),
        key_credentials=(key(end_at=NOW - timedelta(days=1)),),
        other={"disabledByMicrosoftStatus": "NotDisabled", "publisherDomain": "Fabrikäm.example"},
    ),
    "old": application(id=ID["c"], display_name="Ärger mit O'Brien", created_at=None, identifier_uris=("api://x%",)),
}

ON_APPLICATIONS: dict[str, tuple[Filter, set[str]]] = {
    "appId": (Comparison("appId", O.EQ, ID["d"].upper()), {"payroll"}),
    "id in": (Comparison("id", O.IN, (ID["a"], ID["c"], NOWHERE)), {"payroll", "old"}),
    "id ne": (Comparison("id", O.NE, ID["a"]), {"wages", "old"}),
    "name, any case": (Comparison("displayName", O.EQ, "WAGES"), {"wages"}),
    "name, beyond ASCII": (Comparison("displayName", O.STARTS_WITH, "äRGER"), {"old"}),
    "name with a quote": (Comparison("displayName", O.EQ, "ärger mit o'brien"), {"old"}),
    "a percent sign is no wildcard": (Comparison("displayName", O.STARTS_WITH, "%"), set()),
    "an underscore is no wildcard": (Comparison("displayName", O.STARTS_WITH, "_ayroll"), set()),
    "a prefix with both": (Comparison("displayName", O.STARTS_WITH, "payroll 100%_"), {"payroll"}),
    "every name starts with nothing": (
        Comparison("displayName", O.STARTS_WITH, ""),
        {"payroll", "wages", "old"},
    ),
    "name in": (Comparison("displayName", O.IN, ("wages", "payroll 100%_off")), {"payroll", "wages"}),
    "name ge": (Comparison("displayName", O.GE, "q"), {"wages", "old"}),
    "name le": (Comparison("displayName", O.LE, "payroll 100%_off"), {"payroll"}),
    "name eq null": (Comparison("displayName", O.EQ, None), set()),
    "name ne null": (Comparison("displayName", O.NE, None), {"payroll", "wages", "old"}),
    "created ge": (Comparison("createdDateTime", O.GE, NOW - timedelta(days=30)), {"payroll", "wages"}),
    "created le, and unknown is not": (Comparison("createdDateTime", O.LE, NOW - timedelta(days=1)), {"wages"}),
    "created in another zone": (Comparison("createdDateTime", O.EQ, NOW.astimezone(UTC)), {"payroll"}),
    "created in the first year": (Comparison("createdDateTime", O.LE, datetime(1, 1, 1, tzinfo=UTC)), set()),
    "created in the last year": (Comparison("createdDateTime", O.GE, datetime(9999, 12, 31, tzinfo=UTC)), set()),
    "created eq null": (Comparison("createdDateTime", O.EQ, None), {"old"}),
    "created ne": (Comparison("createdDateTime", O.NE, NOW), {"wages", "old"}),
    "not created ge": (Not(Comparison("createdDateTime", O.GE, NOW)), {"wages", "old"}),
    "audience": (Comparison("signInAudience", O.EQ, "azureadmyorg"), {"payroll", "old"}),
    "publisher domain": (Comparison("publisherDomain", O.EQ, "contoso.ONMICROSOFT.com"), {"payroll"}),
    "publisher domain ne": (Comparison("publisherDomain", O.NE, "contoso.onmicrosoft.com"), {"wages", "old"}),
    "publisher domain in, with null": (
        Comparison("publisherDomain", O.IN, ("FABRIKÄM.example", None)),
        {"wages", "old"},
    ),
    "not in": (Not(Comparison("publisherDomain", O.IN, ("FABRIKÄM.example",))), {"payroll", "old"}),
    "status": (Comparison("disabledByMicrosoftStatus", O.EQ, "notdisabled"), {"wages"}),
    "status eq null": (Comparison("disabledByMicrosoftStatus", O.EQ, None), {"payroll", "old"}),
    "uri": (AnyOf("identifierUris", Comparison("", O.EQ, "API://payroll")), {"payroll"}),
    "uri prefix": (AnyOf("identifierUris", Comparison("", O.STARTS_WITH, "api://")), {"payroll", "old"}),
    "uri prefix with a percent sign": (AnyOf("identifierUris", Comparison("", O.STARTS_WITH, "api://x%")), {"old"}),
    "any uri": (AnyOf("identifierUris", None), {"payroll", "old"}),
    "no uri": (Not(AnyOf("identifierUris", None)), {"wages"}),
    "tag": (AnyOf("tags", Comparison("", O.EQ, "hr")), {"payroll", "wages"}),
    "tags do not answer for uris": (AnyOf("tags", Comparison("", O.STARTS_WITH, "api")), set()),
    "one element meets both": (
        AnyOf("tags", And((Comparison("", O.STARTS_WITH, "h"), Comparison("", O.NE, "hr")))),
        set(),
    ),
    "key id": (AnyOf("keyCredentials", Comparison("keyId", O.EQ, ID["f"])), {"payroll"}),
    "key identifier": (AnyOf("keyCredentials", Comparison("customKeyIdentifier", O.EQ, "ab12")), {"payroll"}),
    "key end": (
        AnyOf("keyCredentials", Comparison("endDateTime", O.LE, NOW + timedelta(days=30))),
        {"payroll", "wages"},
    ),
    "key end between": (
        AnyOf(
            "keyCredentials",
            And((Comparison("endDateTime", O.GE, NOW), Comparison("endDateTime", O.LE, NOW + timedelta(days=30)))),
        ),
        {"payroll"},
    ),
    "resource access": (AnyOf("requiredResourceAccess", Comparison("resourceAppId", O.EQ, GRAPH_APP_ID)), {"payroll"}),
    "no resource access": (Not(AnyOf("requiredResourceAccess", None)), {"wages", "old"}),
    "and": (
        And((AnyOf("tags", Comparison("", O.EQ, "hr")), Comparison("displayName", O.STARTS_WITH, "w"))),
        {"wages"},
    ),
    "or": (Or((Comparison("id", O.EQ, ID["a"]), Comparison("displayName", O.EQ, "wages"))), {"payroll", "wages"}),
    "or of lambdas": (
        Or((AnyOf("tags", Comparison("", O.EQ, "hr")), AnyOf("identifierUris", Comparison("", O.EQ, "api://x%")))),
        {"payroll", "wages", "old"},
    ),
    "empty and": (And(()), {"payroll", "wages", "old"}),
    "empty or": (Or(()), set()),
    "a long list": (Comparison("displayName", O.IN, (*map(str, range(3000)), "wages")), {"wages"}),
    "a long chain": (Or(tuple(Comparison("displayName", O.EQ, str(n)) for n in range(700))), set()),
}


@pytest.mark.parametrize(("filter", "wanted"), ON_APPLICATIONS.values(), ids=ON_APPLICATIONS)
def test_a_filter_on_applications_finds(store: Store, filter: Filter, wanted: set[str]) -> None:
    store.write(lambda conn: [directory_objects.add(conn, TENANT, app) for app in APPLICATIONS.values()]).result()
    with store.read() as conn:
        page = directory_objects.list(conn, TENANT, A, Query(filter=filter, count=True))
    assert {name for name, app in APPLICATIONS.items() if app in page.items} == wanted
    assert page.count == len(wanted)


PRINCIPALS = {
    "payroll": service_principal(
        id=ID["a"],
        app_id=AppId(ID["d"]),
        service_principal_names=(ID["d"], "api://Payroll"),
        tags=("WindowsAzureActiveDirectoryIntegratedApp",),
        app_owner_organization_id=TENANT,
    ),
    "identity": service_principal(id=ID["b"], service_principal_type="ManagedIdentity", account_enabled=False),
}

ON_PRINCIPALS: dict[str, tuple[Filter, set[str]]] = {
    "name": (AnyOf("servicePrincipalNames", Comparison("", O.EQ, "API://PAYROLL")), {"payroll"}),
    "name that is the appId": (AnyOf("servicePrincipalNames", Comparison("", O.EQ, ID["d"])), {"payroll"}),
    "type": (Comparison("servicePrincipalType", O.EQ, "managedidentity"), {"identity"}),
    "enabled": (Comparison("accountEnabled", O.EQ, True), {"payroll"}),
    "not enabled": (Comparison("accountEnabled", O.NE, True), {"identity"}),
    "owner": (Comparison("appOwnerOrganizationId", O.EQ, TENANT), {"payroll"}),
    "owner null": (Comparison("appOwnerOrganizationId", O.EQ, None), {"identity"}),
    "tag": (AnyOf("tags", Comparison("", O.EQ, "WindowsAzureActiveDirectoryIntegratedApp")), {"payroll"}),
    "audience null": (Comparison("signInAudience", O.EQ, None), {"payroll", "identity"}),
    "audience": (Comparison("signInAudience", O.NE, "AzureADMyOrg"), {"payroll", "identity"}),
}


@pytest.mark.parametrize(("filter", "wanted"), ON_PRINCIPALS.values(), ids=ON_PRINCIPALS)
def test_a_filter_on_service_principals_finds(store: Store, filter: Filter, wanted: set[str]) -> None:
    store.write(lambda conn: [directory_objects.add(conn, TENANT, found) for found in PRINCIPALS.values()]).result()
    with store.read() as conn:
        page = directory_objects.list(conn, TENANT, SP, Query(filter=filter, count=True))
    assert {name for name, found in PRINCIPALS.items() if found in page.items} == wanted


POLICIES = {"short": policy(id=ID["a"], display_name="Short", is_enabled=True), "long": policy(display_name="Long")}

ON_POLICIES: dict[str, tuple[Filter, set[str]]] = {
    "id": (Comparison("id", O.EQ, ID["a"]), {"short"}),
    "name": (Comparison("displayName", O.EQ, "long"), {"long"}),
    "enabled": (Comparison("isEnabled", O.EQ, True), {"short"}),
    "not enabled": (Not(Comparison("isEnabled", O.EQ, True)), {"long"}),
}


@pytest.mark.parametrize(("filter", "wanted"), ON_POLICIES.values(), ids=ON_POLICIES)
def test_a_filter_on_policies_finds(store: Store, filter: Filter, wanted: set[str]) -> None:
    store.write(lambda conn: [policies.add_policy(conn, TENANT, added) for added in POLICIES.values()]).result()
    with store.read() as conn:
        page = policies.list_policies(conn, TENANT, Query(filter=filter))
    assert {name for name, found in POLICIES.items() if found in page.items} == wanted


AUDITS = {
    "added": audit(
        id="Directory_1",
        at=NOW,
        activity=Activity.CREATE_APPLICATION_CREDENTIALS,
        correlation_id=ID["c"],
        caller=caller(app_id=AppId(ID["a"]), service_principal_id=ID["b"], display_name="Azure Portal"),
        targets=(
            Target(id=ID["d"], display_name="Payroll", type="Application"),
            Target(id=ID["e"], display_name=None, type="ServicePrincipal"),
        ),
    ),
    "refused": audit(
        id="Directory_2",
        at=NOW + timedelta(hours=1),
        activity=Activity.ADD_POLICY,
        category="Policy",
        result=Outcome.FAILURE,
        caller=None,
        targets=(),
    ),
}

ON_AUDITS: dict[str, tuple[Filter, set[str]]] = {
    "id": (Comparison("id", O.EQ, "Directory_1"), {"added"}),
    "activity, en dash and trailing space": (
        Comparison("activityDisplayName", O.EQ, "Create application – Certificates and secrets management "),
        {"added"},
    ),
    "activity with a hyphen is another": (
        Comparison("activityDisplayName", O.EQ, "Create application - Certificates and secrets management "),
        set(),
    ),
    "activity prefix": (Comparison("activityDisplayName", O.STARTS_WITH, "create app"), {"added"}),
    "category": (Comparison("category", O.EQ, "policy"), {"refused"}),
    "at ge": (Comparison("activityDateTime", O.GE, NOW + timedelta(hours=1)), {"refused"}),
    "at gt": (Comparison("activityDateTime", O.GT, NOW), {"refused"}),
    "at lt": (Comparison("activityDateTime", O.LT, NOW + timedelta(microseconds=1)), {"added"}),
    "result": (Comparison("result", O.EQ, "failure"), {"refused"}),
    "correlation": (Comparison("correlationId", O.EQ, ID["c"].upper()), {"added"}),
    "caller": (Comparison("initiatedBy/app/appId", O.EQ, ID["a"]), {"added"}),
    "caller that is no GUID": (Comparison("initiatedBy/app/appId", O.EQ, "portal"), set()),
    "not a caller that is no GUID": (Comparison("initiatedBy/app/appId", O.NE, "portal"), {"added", "refused"}),
    "no caller": (Comparison("initiatedBy/app/appId", O.EQ, None), {"refused"}),
    "caller's name": (Comparison("initiatedBy/app/displayName", O.STARTS_WITH, "azure"), {"added"}),
    "caller's principal": (Comparison("initiatedBy/app/servicePrincipalId", O.EQ, ID["b"]), {"added"}),
    "people do nothing here": (Comparison("initiatedBy/user/id", O.EQ, ID["a"]), set()),
    "no person did it": (Comparison("initiatedBy/user/id", O.EQ, None), {"added", "refused"}),
    "target": (AnyOf("targetResources", Comparison("id", O.EQ, ID["e"].upper())), {"added"}),
    "target's name": (AnyOf("targetResources", Comparison("displayName", O.EQ, "payroll")), {"added"}),
    "one target meets both": (
        AnyOf("targetResources", And((Comparison("displayName", O.EQ, "payroll"), Comparison("id", O.EQ, ID["e"])))),
        set(),
    ),
    "service": (Comparison("loggedByService", O.EQ, "Core Directory"), {"added", "refused"}),
    "another service": (Comparison("loggedByService", O.EQ, "PIM"), set()),
}


@pytest.mark.parametrize(("filter", "wanted"), ON_AUDITS.values(), ids=ON_AUDITS)
def test_a_filter_on_the_audit_log_finds(store: Store, filter: Filter, wanted: set[str]) -> None:
    store.write(lambda conn: [logs.add_audit(conn, TENANT, event) for event in AUDITS.values()]).result()
    with store.read() as conn:
        page = logs.list_audits(conn, TENANT, Query(filter=filter, count=True))
    assert {name for name, event in AUDITS.items() if event in page.items} == wanted
    assert page.count == len(wanted)


SIGN_INS = {
    "secret": sign_in(
        id=ID["c"],
        app_id=AppId(ID["a"]),
        app_display_name="Payroll",
        service_principal_id=ID["b"],
        credential_key_id=KeyId(ID["d"]),
        resource_id=GRAPH_APP_ID,
        ip_address="2001:DB8::1",
        correlation_id=ID["e"],
    ),
    "unknown": sign_in(
        at=NOW + timedelta(hours=1),
        error_code=7000215,
        credential_type=CredentialType.NONE,
        credential_key_id=None,
        service_principal_id=None,
        app_display_name=None,
        resource_id=None,
        ip_address=None,
    ),
}

ON_SIGN_INS: dict[str, tuple[Filter, set[str]]] = {
    "id": (Comparison("id", O.EQ, ID["c"]), {"secret"}),
    "at": (Comparison("createdDateTime", O.GT, NOW), {"unknown"}),
    "app": (Comparison("appId", O.EQ, ID["a"]), {"secret"}),
    "app's name": (Comparison("appDisplayName", O.STARTS_WITH, "pay"), {"secret"}),
    "principal": (Comparison("servicePrincipalId", O.EQ, ID["b"]), {"secret"}),
    "no principal": (Comparison("servicePrincipalId", O.EQ, None), {"unknown"}),
    "success": (Comparison("status/errorCode", O.EQ, 0), {"secret"}),
    "failure": (Comparison("status/errorCode", O.NE, 0), {"unknown"}),
    "a number that no column holds": (Comparison("status/errorCode", O.LE, 10**30), {"secret", "unknown"}),
    "credential": (Comparison("clientCredentialType", O.EQ, "clientsecret"), {"secret"}),
    "not that credential": (Not(Comparison("clientCredentialType", O.EQ, "clientSecret")), {"unknown"}),
    "key": (Comparison("servicePrincipalCredentialKeyId", O.EQ, ID["d"]), {"secret"}),
    "address": (Comparison("ipAddress", O.EQ, "2001:db8::1"), {"secret"}),
    "correlation": (Comparison("correlationId", O.EQ, ID["e"]), {"secret"}),
    "resource": (Comparison("resourceId", O.EQ, GRAPH_APP_ID), {"secret"}),
    "event type": (AnyOf("signInEventTypes", Comparison("", O.EQ, "serviceprincipal")), {"secret", "unknown"}),
    "event type of people": (AnyOf("signInEventTypes", Comparison("", O.EQ, "interactiveUser")), set()),
    "either event type": (
        AnyOf(
            "signInEventTypes",
            Or((Comparison("", O.EQ, "servicePrincipal"), Comparison("", O.EQ, "managedIdentity"))),
        ),
        {"secret", "unknown"},
    ),
    "other event types": (AnyOf("signInEventTypes", Comparison("", O.NE, "servicePrincipal")), set()),
    "no event type": (Not(AnyOf("signInEventTypes", None)), set()),
}


@pytest.mark.parametrize(("filter", "wanted"), ON_SIGN_INS.values(), ids=ON_SIGN_INS)
def test_a_filter_on_the_sign_in_log_finds(store: Store, filter: Filter, wanted: set[str]) -> None:
    store.write(lambda conn: logs.add_sign_ins(conn, [(TENANT, attempt) for attempt in SIGN_INS.values()])).result()
    with store.read() as conn:
        page = logs.list_sign_ins(conn, TENANT, Query(filter=filter))
    assert {name for name, attempt in SIGN_INS.items() if attempt in page.items} == wanted


UNSUPPORTED: dict[str, Filter] = {
    "a lambda on secrets": AnyOf("passwordCredentials", Comparison("keyId", O.EQ, NOWHERE)),
    "a lambda on secrets, negated": Not(AnyOf("passwordCredentials", None)),
    "a property that is not there": Comparison("colour", O.EQ, "blue"),
    "a column that is not a property": Comparison("folded_display_name", O.EQ, "x"),
    "a collection as a value": Comparison("tags", O.EQ, "x"),
    "a value as a collection": AnyOf("displayName", Comparison("", O.EQ, "x")),
    "a member that is not there": AnyOf("keyCredentials", Comparison("secretText", O.EQ, "x")),
    "an element that is not a value": AnyOf("keyCredentials", Comparison("", O.EQ, "x")),
    "the object's property inside a lambda": AnyOf("tags", Comparison("displayName", O.EQ, "x")),
    "contains": Comparison("displayName", O.CONTAINS, "x"),
    "endsWith": Comparison("displayName", O.ENDS_WITH, "x"),
    "startsWith on a GUID": Comparison("appId", O.STARTS_WITH, "00"),
    "gt on the directory": Comparison("createdDateTime", O.GT, NOW),
    "one bad part among good ones": And((Comparison("displayName", O.EQ, "x"), Comparison("colour", O.EQ, "x"))),
}


@pytest.mark.parametrize("filter", UNSUPPORTED.values(), ids=UNSUPPORTED)
def test_what_graph_does_not_filter_by_is_unsupported(store: Store, filter: Filter) -> None:
    with store.read() as conn, pytest.raises(Invalid) as refusal:
        directory_objects.list(conn, TENANT, A, Query(filter=filter))
    assert refusal.value.code == "Request_UnsupportedQuery"


WRONG_TYPE: dict[str, Filter] = {
    "a GUID that is none": Comparison("appId", O.EQ, "payroll"),
    "one of several GUIDs": Comparison("id", O.IN, (NOWHERE, "payroll")),
    "a number for a name": Comparison("displayName", O.EQ, 3),
    "a date for a name": Comparison("displayName", O.EQ, NOW),
    "a name for a date": Comparison("createdDateTime", O.GE, "2026-01-01"),
    "a date without a zone": Comparison("createdDateTime", O.GE, NOW.replace(tzinfo=None)),
    "true for a date": Comparison("createdDateTime", O.GE, True),
    "a key id that is none": AnyOf("keyCredentials", Comparison("keyId", O.EQ, "x")),
}


@pytest.mark.parametrize("filter", WRONG_TYPE.values(), ids=WRONG_TYPE)
def test_a_value_of_the_wrong_type_is_invalid_and_named(store: Store, filter: Filter) -> None:
    with store.read() as conn, pytest.raises(Invalid, match="Invalid value specified for property") as refusal:
        directory_objects.list(conn, TENANT, A, Query(filter=filter))
    assert refusal.value.code == "Request_BadRequest"


def test_numbers_and_flags_are_not_each_other(store: Store) -> None:
    with store.read() as conn:
        with pytest.raises(Invalid):
            logs.list_sign_ins(conn, TENANT, Query(filter=Comparison("status/errorCode", O.EQ, True)))
        with pytest.raises(Invalid):
            directory_objects.list(conn, TENANT, SP, Query(filter=Comparison("accountEnabled", O.EQ, 1)))
