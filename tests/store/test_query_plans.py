"""How much work a question is: how many statements, and that each goes by an index.

The plans of SQLite without statistics depend on the tables and not on what is in them, so a handful of rows will do.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.store.nouns import (
    DIGEST,
    NOW,
    NOWHERE,
    TENANT,
    application,
    assignment,
    audit,
    federated_credential,
    key,
    password,
    policy,
    service_principal,
    sign_in,
)
from unsecret.model.application import ObjectKind
from unsecret.model.identifiers import AppId, ObjectId
from unsecret.model.query import And, AnyOf, Comparison, Filter, Not, Operator, OrderBy, Query
from unsecret.store import (
    activity,
    changes,
    credentials,
    deleted_objects,
    directory_objects,
    federation,
    issued,
    links,
    logs,
    policies,
    tenants,
)
from unsecret.store.engine import Store
from unsecret.store.statement import driver_of

O = Operator  # noqa: E741
pytestmark = pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
A, SP = ObjectKind.APPLICATION, ObjectKind.SERVICE_PRINCIPAL

APP = application(
    unique_name="payroll",
    identifier_uris=("api://payroll",),
    password_credentials=(password(),),
    key_credentials=(key(),),
)
PRINCIPAL, BOUND = service_principal(app_id=APP.app_id), policy()


@pytest.fixture
def filled(store: Store) -> Store:
    """A directory with a little of everything."""

    def work(conn: Any) -> None:
        digests = {APP.password_credentials[0].key_id: DIGEST}
        directory_objects.add(conn, TENANT, APP, digests=digests)
        directory_objects.add(conn, TENANT, PRINCIPAL)
        for _ in range(20):
            directory_objects.add(conn, TENANT, application(password_credentials=(password(),)))
        policies.add_policy(conn, TENANT, BOUND)
        policies.link(conn, TENANT, BOUND.id, APP.id)
        federation.add_federated_credential(conn, TENANT, APP.id, federated_credential())
        links.add_owner(conn, TENANT, APP.id, PRINCIPAL.id)
        links.add_app_role_assignment(conn, TENANT, assignment(PRINCIPAL, PRINCIPAL))
        logs.add_audit(conn, TENANT, audit())
        logs.add_sign_ins(conn, [(TENANT, sign_in())])

    store.write(work).result()
    return store


def statements(conn: Any, question: Callable[[Any], Any]) -> list[str]:
    """What the database is sent, with the values in it."""
    seen: list[str] = []
    driver = driver_of(conn)
    driver.set_trace_callback(seen.append)
    question(conn)
    driver.set_trace_callback(None)
    return [text for text in seen if text.lstrip().startswith(("SELECT", "INSERT", "UPDATE", "DELETE"))]


def plan(conn: Any, text: str) -> list[str]:
    """How SQLite goes about it."""
    return [row[3] for row in driver_of(conn).execute(f"EXPLAIN QUERY PLAN {text}")]


def applications(filter: Filter | None = None, *, kind: ObjectKind = A, **asked: Any) -> Callable[[Any], Any]:
    """A list of them."""
    return lambda conn: directory_objects.list(conn, TENANT, kind, Query(filter=filter, **asked))


def audits(filter: Filter | None = None) -> Callable[[Any], Any]:
    """A list of them."""
    return lambda conn: logs.list_audits(conn, TENANT, Query(filter=filter))


def sign_ins(filter: Filter | None = None) -> Callable[[Any], Any]:
    """A list of them."""
    return lambda conn: logs.list_sign_ins(conn, TENANT, Query(filter=filter))


NAME = Comparison("displayName", O.STARTS_WITH, "pay")
URI = AnyOf("identifierUris", Comparison("", O.EQ, "api://payroll"))

# question → (how many statements, an index that the first of them must go by)
QUESTIONS: dict[str, tuple[Callable[[Any], Any], int, str]] = {
    "get": (lambda conn: directory_objects.get(conn, TENANT, A, APP.id), 3, "uq_directory_object_object_id"),
    "get by appId": (
        lambda conn: directory_objects.get_by_app_id(conn, TENANT, A, APP.app_id),
        3,
        "uq_directory_object_app_id",
    ),
    "get by uniqueName": (
        lambda conn: directory_objects.get_by_unique_name(conn, TENANT, "payroll"),
        3,
        "uq_directory_object_unique_name",
    ),
    "get any": (lambda conn: directory_objects.get_any(conn, TENANT, APP.id), 3, "uq_directory_object_object_id"),
    "both objects of an app": (
        lambda conn: directory_objects.objects_of_app(conn, TENANT, APP.app_id),
        3,  # and one, once their bodies are known
        "uq_directory_object_app_id",
    ),
    "secrets of an app": (
        lambda conn: credentials.password_digests(conn, TENANT, APP.app_id),
        1,
        "uq_directory_object_app_id",
    ),
    "keys of an app": (
        lambda conn: credentials.keys_of_app(conn, TENANT, APP.app_id),
        1,
        "uq_directory_object_app_id",
    ),
    "whom an app trusts": (
        lambda conn: federation.federated_credentials_of_app(conn, TENANT, APP.app_id),
        1,
        "uq_directory_object_app_id",
    ),
    "whom an object trusts": (
        lambda conn: federation.federated_credentials_of(conn, TENANT, APP.id),
        1,
        "uq_federated_identity_credential_subject",
    ),
    "a page of whom an object trusts": (
        lambda conn: federation.list_federated_credentials(conn, TENANT, APP.id, Query()),
        2,
        "uq_directory_object_object_id",
    ),
    "default policy": (lambda conn: policies.get_default(conn, TENANT), 1, "uq_tenant_default"),
    "policy of an object": (
        lambda conn: policies.policy_of(conn, TENANT, APP.id),
        1,
        "uq_directory_object_object_id",
    ),
    "owns": (lambda conn: links.owns(conn, TENANT, PRINCIPAL.id, APP.id), 1, "uq_owner"),
    "owners": (lambda conn: links.owners(conn, TENANT, APP.id), 4, "uq_directory_object_object_id"),
    "owned objects": (
        lambda conn: links.owned_objects(conn, TENANT, PRINCIPAL.id, Query()),
        4,
        "uq_directory_object_object_id",
    ),
    "permissions held": (
        lambda conn: links.app_role_assignments(conn, TENANT, PRINCIPAL.id),
        1,
        "uq_app_role_assignment",
    ),
    "permissions given": (
        lambda conn: links.app_role_assigned_to(conn, TENANT, PRINCIPAL.id),
        1,
        "ix_app_role_assignment_resource",
    ),
    "a policy's objects": (
        lambda conn: policies.applies_to(conn, TENANT, BOUND.id, Query()),
        4,
        "uq_app_management_policy",
    ),
    "a tenant's name": (lambda conn: tenants.find_tenant(conn, "11111111.onmicrosoft.com"), 1, "uq_tenant_domain"),
    "a page": (applications(top=10), 3, "ix_directory_object_live"),
    "a page and the count": (applications(count=True), 4, "ix_directory_object_live"),
    "a page by name": (applications(order_by=OrderBy("displayName")), 3, "ix_directory_object_live_name"),
    "a page by date": (applications(order_by=OrderBy("createdDateTime", True)), 3, "ix_directory_object_live_creation"),
    "appId eq": (applications(Comparison("appId", O.EQ, APP.app_id)), 3, "uq_directory_object_app_id"),
    "displayName eq": (applications(Comparison("displayName", O.EQ, "payroll")), 3, "ix_directory_object_live_name"),
    "startswith(displayName)": (applications(NAME), 3, "ix_directory_object_live_name"),
    "createdDateTime ge": (
        applications(Comparison("createdDateTime", O.GE, NOW)),
        3,
        "ix_directory_object_live_creation",
    ),
    "has owners": (applications(AnyOf("owners", None)), 3, "uq_owner"),
    "has no owners": (applications(Not(AnyOf("owners", None))), 3, "uq_owner"),
    "has federated credentials": (
        applications(AnyOf("federatedIdentityCredentials", None)),
        3,
        "uq_federated_identity_credential_name",
    ),
    "holds permissions": (
        applications(AnyOf("appRoleAssignments", None), kind=SP),
        3,
        "uq_app_role_assignment",
    ),
    "has given permissions": (
        applications(AnyOf("appRoleAssignedTo", None), kind=SP),
        3,
        "ix_app_role_assignment_resource",
    ),
    "a word of the name": (
        applications(Comparison("displayName", O.HAS_WORD, "pay")),
        3,
        "ix_directory_object_live",
    ),
    "identifierUris/any": (applications(URI), 3, "ix_object_value_lookup"),
    "identifierUris/any and a name": (applications(And((NAME, URI))), 3, "ix_object_value_lookup"),
    "servicePrincipalNames/any": (
        applications(AnyOf("servicePrincipalNames", Comparison("", O.STARTS_WITH, "api")), kind=SP),
        1,
        "ix_object_value_lookup",
    ),
    "keyCredentials/any keyId": (
        applications(AnyOf("keyCredentials", Comparison("keyId", O.EQ, APP.key_credentials[0].key_id))),
        3,
        "ix_key_credential_key_id",
    ),
    "keyCredentials/any endDateTime": (
        applications(AnyOf("keyCredentials", Comparison("endDateTime", O.LE, APP.key_credentials[0].end_at))),
        3,
        "ix_key_credential_end",
    ),
    "keyCredentials/any customKeyIdentifier": (
        applications(AnyOf("keyCredentials", Comparison("customKeyIdentifier", O.EQ, "AB"))),
        1,
        "ix_key_credential_identifier",
    ),
    "audits": (audits(), 1, "ix_audit_event_at"),
    "audits since": (audits(Comparison("activityDateTime", O.GE, NOW)), 1, "ix_audit_event_at"),
    "audits of a target": (
        audits(AnyOf("targetResources", Comparison("id", O.EQ, NOWHERE))),
        1,
        "ix_audit_target_lookup",
    ),
    "changes": (lambda conn: changes.since(conn, TENANT, 0, most=100), 1, "ix_audit_target_event"),
    "the newest change": (lambda conn: changes.newest(conn, TENANT), 1, "ix_audit_target_event"),
    "what was changed": (lambda conn: changes.found(conn, TENANT, [APP.id]), 3, "uq_directory_object_object_id"),
    "deleted": (
        lambda conn: deleted_objects.list_deleted(conn, TENANT, A, Query(), since=NOW),
        3,
        "ix_directory_object_deleted",
    ),
    "deleted by name": (
        lambda conn: deleted_objects.list_deleted(conn, TENANT, A, Query(order_by=OrderBy("displayName")), since=NOW),
        3,
        "ix_directory_object_deleted",
    ),
    "a deleted one": (
        lambda conn: deleted_objects.get_deleted(conn, TENANT, APP.id, since=NOW),
        3,
        "uq_directory_object_object_id",
    ),
    "expired": (lambda conn: deleted_objects.expired(conn, TENANT, until=NOW), 3, "ix_directory_object_deleted"),
    "owns a deleted one": (lambda conn: deleted_objects.owns(conn, TENANT, PRINCIPAL.id, APP.id), 1, "uq_owner"),
    "sign-ins": (sign_ins(), 1, "ix_sign_in_at"),
    "sign-ins of an app since": (
        sign_ins(And((Comparison("appId", O.EQ, AppId(NOWHERE)), Comparison("createdDateTime", O.GE, NOW)))),
        1,
        "ix_sign_in_app",
    ),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_takes_few_statements_and_each_goes_by_an_index(filled: Store, name: str) -> None:
    question, most, index = QUESTIONS[name]
    with filled.read() as conn:
        asked = statements(conn, question)
        plans = [plan(conn, text) for text in asked]
    assert len(asked) <= most
    assert any(f" {index} " in step for step in plans[0]), plans[0]
    assert not [step for steps in plans for step in steps if step.startswith("SCAN")], plans


TENANT_WIDE = "(tenant_id=?)"


@pytest.mark.parametrize(
    "question",
    [
        lambda conn: links.owners(conn, TENANT, APP.id),
        lambda conn: links.owned_objects(conn, TENANT, PRINCIPAL.id, Query(count=True)),
        lambda conn: policies.applies_to(conn, TENANT, BOUND.id, Query(filter=NAME, count=True)),
        applications(URI, count=True),
        audits(AnyOf("targetResources", Comparison("id", O.EQ, NOWHERE))),
    ],
    ids=["owners", "owned objects", "a policy's objects", "a URI", "audits of a target"],
)
def test_rows_that_another_table_knows_are_not_looked_for_in_the_whole_tenant(filled: Store, question: Any) -> None:
    with filled.read() as conn:
        plans = [plan(conn, text) for text in statements(conn, question)]
    assert not [step for steps in plans for step in steps if TENANT_WIDE in step], plans


def test_the_refresh_tokens_of_a_person_and_a_client_are_counted_among_no_others(filled: Store) -> None:
    def trim(conn: Any) -> None:
        issued.trim_families(conn, TENANT, ObjectId(NOWHERE), AppId(NOWHERE), most=1, lifetime=timedelta(days=1))

    def work(conn: Any) -> list[str]:
        (text,) = statements(conn, trim)
        return plan(conn, text)

    searches = [step for step in filled.write(work).result() if step.startswith(("SEARCH", "SCAN"))]
    assert len(searches) == 2
    assert all("ix_issued_grant_holder (tenant_id=? AND user_id=? AND client_id=?" in step for step in searches)


def test_the_sessions_of_a_person_are_counted_among_no_others(filled: Store) -> None:
    def work(conn: Any) -> list[str]:
        (text,) = statements(conn, lambda conn: issued.trim_sessions(conn, TENANT, ObjectId(NOWHERE), most=1))
        return plan(conn, text)

    steps = filled.write(work).result()
    assert any("ix_issued_grant_session (tenant_id=? AND user_id=?" in step for step in steps)
    assert not any("SCAN" in step or "TEMP B-TREE FOR ORDER BY" in step for step in steps), steps


def test_who_asks_for_the_number_alone_reads_no_object(filled: Store) -> None:
    with filled.read() as conn:
        (counted,) = statements(conn, applications(top=0, count=True))
    assert counted.startswith("SELECT count(")


@pytest.mark.parametrize("top", [1, 20])
def test_the_size_of_a_page_does_not_change_the_number_of_statements(filled: Store, top: int) -> None:
    with filled.read() as conn:
        assert len(statements(conn, applications(top=top))) == 3


@pytest.mark.parametrize(
    "order_by", [None, OrderBy("displayName"), OrderBy("displayName", True), OrderBy("createdDateTime")]
)
def test_a_later_page_begins_where_the_last_ended_and_sorts_nothing(filled: Store, order_by: OrderBy | None) -> None:
    with filled.read() as conn:
        first = directory_objects.list(conn, TENANT, A, Query(top=5, order_by=order_by))
        steps = plan(conn, statements(conn, applications(top=5, order_by=order_by, after=first.next))[0])
    assert len(steps) == 1
    assert ">?" in steps[0] or "<?" in steps[0], steps


def test_adding_a_secret_and_its_record_takes_three_statements(filled: Store) -> None:
    def work(conn: Any) -> list[str]:
        def add(conn: Any) -> None:
            credentials.add_password(conn, TENANT, APP.id, password(), DIGEST)
            logs.add_audit(conn, TENANT, audit())

        return statements(conn, add)

    asked = filled.write(work).result()
    assert len([text for text in asked if text.startswith("INSERT")]) == 3
    assert len(asked) == 3


@pytest.mark.parametrize(
    ("question", "indexes"),
    [
        (
            lambda conn: activity.list_credentials(conn, TENANT, Query()),
            {"ix_sign_in_credential"},
        ),
        (
            lambda conn: activity.list_principals(conn, TENANT, Query()),
            {"ix_sign_in_client", "ix_sign_in_resource"},
        ),
    ],
    ids=["credentials", "principals"],
)
def test_a_report_leaps_along_the_sign_ins_and_reads_none_that_it_does_not_show(
    filled: Store, question: Any, indexes: set[str]
) -> None:
    with filled.read() as conn:
        steps = [step for text in statements(conn, question) for step in plan(conn, text)]
    touching = [step for step in steps if any(name in step for name in ("sign_in", "following"))]
    assert {step.split(" INDEX ")[1].split()[0] for step in touching} == indexes
    assert all(step.startswith("SEARCH") for step in touching), touching
    assert not [step for step in touching if TENANT_WIDE in step]
