"""Every filter that Microsoft documents for the two logs, with a question that finds the row and one that does not.

https://learn.microsoft.com/en-us/graph/api/resources/directoryaudit
https://learn.microsoft.com/en-us/graph/api/resources/signin?view=graph-rest-beta
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.store.nouns import TENANT, audit, caller, guid, sign_in
from tests.store.test_query_plans import plan, statements
from unsecret.errors import Invalid
from unsecret.model.event import SignedInUser, SignIn, SignInEventType, Target
from unsecret.model.identifiers import AppId, ObjectId
from unsecret.model.query import OrderBy, Query
from unsecret.store import logs
from unsecret.store.engine import Store
from unsecret.wire.filters import parse_filter
from unsecret.wire.logs import sign_in_to_graph

ADA = SignedInUser(
    id=ObjectId("a1000000-0000-4000-8000-000000000001"), display_name="Ada", user_principal_name="ada@contoso.com"
)
APP, PRINCIPAL = "a2000000-0000-4000-8000-000000000002", "a3000000-0000-4000-8000-000000000003"
CORRELATION, RESOURCE = "a4000000-0000-4000-8000-000000000004", "a5000000-0000-4000-8000-000000000005"
TARGET, EVENT = "a6000000-0000-4000-8000-000000000006", "a7000000-0000-4000-8000-000000000007"
OTHER = "a8000000-0000-4000-8000-000000000008"
DAY, LATER = "2026-11-22T12:00:00Z", "2026-11-23T00:00:00Z"

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)

BY_APP = audit(
    at=AT,
    id="Directory_one",
    correlation_id=CORRELATION,
    caller=caller(app_id=AppId(APP), service_principal_id=ObjectId(PRINCIPAL), display_name="Robot"),
    targets=(Target(id=TARGET, display_name="Payroll", type="Application"),),
)
BY_ADA = audit(at=AT, id="Directory_two", caller=caller(user=ADA), targets=())

# condition → the event that it finds, and no other; None: it finds neither
AUDITS: list[tuple[str, str | None]] = [
    ("activityDateTime ge 2026-11-22T00:00:00Z and id eq 'Directory_one'", "Directory_one"),
    ("activityDateTime le 2026-11-21T00:00:00Z", None),
    (f"activityDateTime eq {DAY} and id eq 'Directory_two'", "Directory_two"),
    (f"activityDateTime eq {LATER}", None),
    ("startswith(activityDisplayName,'Update app') and id eq 'Directory_one'", "Directory_one"),
    ("activityDisplayName eq 'Add user'", None),
    ("category eq 'ApplicationManagement' and id eq 'Directory_one'", "Directory_one"),
    ("category eq 'Policy'", None),
    (f"correlationId eq '{CORRELATION}'", "Directory_one"),
    (f"correlationId eq '{OTHER}'", None),
    ("id eq 'Directory_two'", "Directory_two"),
    ("id eq 'Directory_three'", None),
    (f"initiatedBy/app/appId eq '{APP}'", "Directory_one"),
    (f"initiatedBy/app/appId eq '{OTHER}'", None),
    ("initiatedBy/app/displayName eq 'Robot'", "Directory_one"),
    ("initiatedBy/app/displayName eq 'Ada'", None),
    (f"initiatedBy/app/servicePrincipalId eq '{PRINCIPAL}'", "Directory_one"),
    (f"initiatedBy/app/servicePrincipalId eq '{OTHER}'", None),
    ("initiatedBy/app/servicePrincipalName eq null and id eq 'Directory_one'", "Directory_one"),
    ("initiatedBy/app/servicePrincipalName eq 'Robot'", None),
    (f"initiatedBy/user/id eq '{ADA.id}'", "Directory_two"),
    (f"initiatedBy/user/id eq '{OTHER}'", None),
    ("initiatedBy/user/displayName eq 'ada'", "Directory_two"),
    ("initiatedBy/user/displayName eq 'Robot'", None),
    ("initiatedBy/user/userPrincipalName eq 'Ada@contoso.com'", "Directory_two"),
    ("startswith(initiatedBy/user/userPrincipalName,'ada')", "Directory_two"),
    ("startswith(initiatedBy/user/userPrincipalName,'bob')", None),
    ("loggedByService eq 'Core Directory' and id eq 'Directory_one'", "Directory_one"),
    ("loggedByService eq 'B2C'", None),
    ("result eq 'success' and id eq 'Directory_one'", "Directory_one"),
    ("result eq 'failure'", None),
    (f"targetResources/any(t:t/id eq '{TARGET}')", "Directory_one"),
    (f"TargetResources/any(t:t/Id eq '{TARGET}')", "Directory_one"),
    (f"targetResources/any(t:t/id eq '{OTHER}')", None),
    ("targetResources/any(t:t/displayName eq 'payroll')", "Directory_one"),
    ("targetResources/any(t:startswith(t/displayName,'pay'))", "Directory_one"),
    ("targetResources/any(t:startswith(t/displayName,'roll'))", None),
]

PRINCIPALS = sign_in(
    at=AT,
    id=EVENT,
    app_id=AppId(APP),
    app_display_name="Robot",
    service_principal_id=ObjectId(PRINCIPAL),
    service_principal_name="Robot",
    resource_id=AppId(RESOURCE),
    correlation_id=CORRELATION,
    user_agent="curl/8",
)
ADAS = sign_in(
    at=AT,
    id=OTHER,
    app_display_name="Portal",
    service_principal_id=None,
    service_principal_name=None,
    resource_display_name="Elsewhere",
    ip_address="10.0.0.9",
    user_agent=None,
    error_code=50126,
    event_type=SignInEventType.INTERACTIVE_USER,
    user=ADA,
)
THE_ROBOTS = f" and id eq '{EVENT}'"

SIGN_INS: list[tuple[str, str | None]] = [
    ("appDisplayName eq 'robot'", EVENT),
    ("startswith(appDisplayName,'Port')", OTHER),
    ("appDisplayName eq 'Rob'", None),
    (f"appId eq '{APP}'", EVENT),
    (f"appId eq '{RESOURCE}'", None),
    ("authenticationRequirement eq 'singleFactorAuthentication'" + THE_ROBOTS, EVENT),
    ("startswith(authenticationRequirement,'single')" + THE_ROBOTS, EVENT),
    ("authenticationRequirement eq 'multiFactorAuthentication'", None),
    ("clientAppUsed eq null" + THE_ROBOTS, EVENT),
    ("clientAppUsed ne 'Browser'" + THE_ROBOTS, EVENT),
    ("clientAppUsed eq 'Browser'", None),
    ("clientCredentialType eq 'clientSecret'" + THE_ROBOTS, EVENT),
    ("clientCredentialType eq 'certificate'", None),
    ("conditionalAccessAudiences eq null" + THE_ROBOTS, EVENT),
    (f"conditionalAccessAudiences eq '{RESOURCE}'", None),
    ("conditionalAccessStatus eq 'notApplied'" + THE_ROBOTS, EVENT),
    ("conditionalAccessStatus eq 'failure'", None),
    (f"correlationId eq '{CORRELATION}'", EVENT),
    (f"correlationId eq '{OTHER}'", None),
    (f"createdDateTime eq {DAY}" + THE_ROBOTS, EVENT),
    ("createdDateTime ge 2026-11-22T00:00:00Z" + THE_ROBOTS, EVENT),
    (f"createdDateTime le {LATER}" + THE_ROBOTS, EVENT),
    (f"createdDateTime ge {LATER}", None),
    ("deviceDetail/browser eq null" + THE_ROBOTS, EVENT),
    ("startswith(deviceDetail/browser,'Edge')", None),
    ("deviceDetail/operatingSystem ne 'Windows 10'" + THE_ROBOTS, EVENT),
    ("deviceDetail/operatingSystem eq 'Windows 10'", None),
    (f"id eq '{OTHER}'", OTHER),
    (f"id eq '{APP}'", None),
    ("ipAddress eq '127.0.0.1'", EVENT),
    ("startswith(ipAddress,'10.0.0.')", OTHER),
    ("ipAddress eq '10.0.0.'", None),
    ("isInteractive eq true", OTHER),
    ("IsInteractive eq false", EVENT),
    ("isInteractive eq true" + THE_ROBOTS, None),
    ("location/city eq null" + THE_ROBOTS, EVENT),
    ("startswith(location/city,'Ber')", None),
    ("location/countryOrRegion ne 'DE'" + THE_ROBOTS, EVENT),
    ("location/countryOrRegion eq 'DE'", None),
    ("location/state eq null" + THE_ROBOTS, EVENT),
    ("location/state eq 'Berlin'", None),
    (f"originalRequestId eq '{EVENT}'", EVENT),
    (f"originalRequestId eq '{APP}'", None),
    ("resourceDisplayName eq 'Elsewhere'", OTHER),
    ("resourceDisplayName eq 'Nowhere'", None),
    (f"resourceId eq '{RESOURCE}'", EVENT),
    (f"resourceId eq '{APP}'", None),
    *(
        case
        for name in ("riskDetail", "riskLevelAggregated", "riskLevelDuringSignIn", "riskState")
        for case in (
            (f"{name} eq 'none'" + THE_ROBOTS, EVENT),
            (f"{name} ne 'none'", None),
            (f"{name} eq 'high'", None),
        )
    ),
    ("not(riskEventTypes_v2/any(t:t eq 'leakedCredentials'))" + THE_ROBOTS, EVENT),
    ("riskEventTypes_v2/any(t:t eq 'leakedCredentials')", None),
    ("riskEventTypes_v2/any(t:startswith(t,'leaked'))", None),
    (f"servicePrincipalId eq '{PRINCIPAL.upper()}'", EVENT),
    (f"startswith(servicePrincipalId,'{PRINCIPAL[:5]}')", EVENT),
    (f"servicePrincipalId eq '{APP}'", None),
    ("servicePrincipalName eq 'Robot'", EVENT),
    ("startswith(servicePrincipalName,'Rob')", EVENT),
    ("startswith(servicePrincipalName,'bot')", None),
    ("signInEventTypes/any(t:t eq 'servicePrincipal')", EVENT),
    ("signInEventTypes/any(t:t ne 'servicePrincipal')", OTHER),
    ("signInEventTypes/any(t:t eq 'managedIdentity')", None),
    ("status/errorCode eq 50126", OTHER),
    ("status/errorCode ne 0", OTHER),
    ("status/errorCode eq 7000215", None),
    ("tokenIssuerName eq ''" + THE_ROBOTS, EVENT),
    ("tokenIssuerName eq 'sts.microsoft.com'", None),
    ("userAgent eq 'curl/8'", EVENT),
    ("startswith(userAgent,'curl')", EVENT),
    ("userAgent eq 'curl'", None),
    ("userDisplayName eq 'Ada'", OTHER),
    ("startswith(userDisplayName,'A')", OTHER),
    ("userDisplayName eq 'Robot'", None),
    (f"userId eq '{ADA.id}'", OTHER),
    (f"userId eq '{OTHER}'", None),
    ("userPrincipalName eq 'ada@contoso.com'", OTHER),
    ("startswith(userPrincipalName,'ada@')", OTHER),
    ("startswith(userPrincipalName,'bob@')", None),
]

REFUSED = [
    ("audits", "resultReason eq 'x'"),
    ("audits", "operationType eq 'Add'"),
    ("audits", "additionalDetails/any(d:d/key eq 'AppId')"),
    ("audits", "targetResources/any(t:t/groupType eq 'x')"),
    ("audits", "activityDisplayName ge 'x'"),
    ("sign_ins", "deviceDetail/deviceId eq 'x'"),
    ("sign_ins", "status/failureReason eq 'x'"),
    ("sign_ins", "tokenIssuerType eq 'AzureAD'"),
    ("sign_ins", "startswith(riskState,'n')"),
    ("sign_ins", "riskEventTypes_v2/any(t:t/name eq 'x')"),
    ("sign_ins", "riskEventTypes_v2/any(t:t eq 'x' and t gt 'y')"),
    ("sign_ins", "signInEventTypes/any(t:startswith(t,'service'))"),
    ("sign_ins", "signInEventTypes/any(t:t eq 'interactiveUser' and startswith(t,'service'))"),
]


@pytest.fixture
def filled(store: Store) -> Store:
    """Two events and two sign-ins: an application's and a person's."""

    def work(conn: Any) -> None:
        logs.add_audit(conn, TENANT, BY_APP)
        logs.add_audit(conn, TENANT, BY_ADA)
        logs.add_sign_ins(conn, [(TENANT, PRINCIPALS), (TENANT, ADAS)])

    store.write(work).result()
    return store


LISTS: dict[str, Any] = {"audits": logs.list_audits, "sign_ins": logs.list_sign_ins}


def found(store: Store, log: str, condition: str, **asked: Any) -> list[str]:
    """The ids of what a filter finds."""
    with store.read() as conn:
        page = LISTS[log](conn, TENANT, Query(filter=parse_filter(condition), **asked))
    return [item.id for item in page.items]


@pytest.mark.parametrize(("log", "cases"), [("audits", AUDITS), ("sign_ins", SIGN_INS)])
def test_a_log_is_asked_in_every_way_that_is_documented(
    filled: Store, log: str, cases: list[tuple[str, str | None]]
) -> None:
    answers = {condition: found(filled, log, condition) for condition, _ in cases}
    assert answers == {condition: [] if expected is None else [expected] for condition, expected in cases}


@pytest.mark.parametrize(("log", "condition"), REFUSED)
def test_what_is_not_documented_is_refused(filled: Store, log: str, condition: str) -> None:
    with pytest.raises(Invalid) as refused:
        found(filled, log, condition)
    assert refused.value.code == "Request_UnsupportedQuery"


@pytest.mark.parametrize(
    ("log", "by"), [("audits", "activityDateTime"), ("sign_ins", "createdDateTime")], ids=["audits", "sign_ins"]
)
@pytest.mark.parametrize("descending", [True, False])
def test_a_log_is_sorted_by_its_date_either_way(filled: Store, log: str, by: str, descending: bool) -> None:
    one, two = found(filled, log, "id ne ''", order_by=OrderBy(by, descending))
    assert {one, two} in ({EVENT, OTHER}, {BY_APP.id, BY_ADA.id})
    assert found(filled, log, "id ne ''", order_by=OrderBy(by, not descending)) == [two, one]


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("log", "date", "conditions"),
    [
        ("audits", "activityDateTime", sorted({condition for condition, _ in AUDITS})),
        ("sign_ins", "createdDateTime", sorted({condition for condition, _ in SIGN_INS})),
    ],
    ids=["audits", "sign_ins"],
)
def test_a_bound_on_the_date_spares_the_rest_of_the_log(
    filled: Store, log: str, date: str, conditions: list[str]
) -> None:
    table = {"audits": "audit_event", "sign_ins": "sign_in"}[log]
    for condition in conditions:
        asked = Query(filter=parse_filter(f"{date} ge 2026-11-22T00:00:00Z and {condition}"))
        with filled.read() as conn:
            (text,) = statements(conn, lambda conn, asked=asked: LISTS[log](conn, TENANT, asked))
            steps = [step for step in plan(conn, text) if f" {table} " in f"{step} "]
        bounded = [step for step in steps if "at>" in step or "rowid=" in step or "at=" in step]
        # Where no row can meet the condition, SQLite looks at none.
        assert steps == bounded or "0 = 1" in text, (condition, steps)


def shown_at(row: dict[str, Any], path: str) -> Any:
    """What a row shows at `location/city`; below nothing there is nothing."""
    value: Any = row
    for name in path.split("/"):
        value = None if value is None else value[name]
    return value


@pytest.mark.parametrize("row", [PRINCIPALS, ADAS], ids=["application", "person"])
def test_what_every_row_shows_is_what_finds_it(filled: Store, row: SignIn) -> None:
    shown = sign_in_to_graph(row, tenant_id=guid(), beta=True)
    for path in sorted({condition.split()[0] for condition, _ in SIGN_INS if condition[:4] not in ("star", "sign")}):
        if "(" in path:
            continue
        value = shown_at(shown, path[:1].lower() + path[1:])
        spelt = str(value).lower() if isinstance(value, bool | int) else "null" if value is None else f"'{value}'"
        if path == "createdDateTime":
            spelt = value
        assert row.id in found(filled, "sign_ins", f"{path} eq {spelt}"), path
