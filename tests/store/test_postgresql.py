"""What is PostgreSQL's own: who waits for whom, connections that die, and databases that will not do."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from sqlalchemy import create_engine

from tests import postgresql
from tests.store.nouns import OTHER_TENANT, TENANT, application, sign_in, tenant
from unsecret.errors import Invalid, Unavailable
from unsecret.model.application import ObjectKind
from unsecret.model.identifiers import TenantId
from unsecret.model.query import Query
from unsecret.store import directory_objects, logs, schema, tenants
from unsecret.store.engine import Store
from unsecret.store.postgresql import PostgresqlDatabase
from unsecret.store.statement import driver_of

SOON = 10.0
A_MOMENT = 0.3
pytestmark = pytest.mark.parametrize("kind", ["postgresql"], indirect=True)


@pytest.fixture
def other_server(database: str) -> Iterator[Store]:
    """Another server on the same database."""
    store = Store.open(database)
    store.write(lambda conn: tenants.add_tenant(conn, tenant(OTHER_TENANT))).result(SOON)
    yield store
    store.close()


class Held:
    """A work that goes on until it is let go."""

    def __init__(self, store: Store, tenant_id: TenantId | None):
        self._begun, self._go_on = threading.Event(), threading.Event()
        self.future = store.write(self._work, tenant_id)
        assert self._begun.wait(SOON)

    def _work(self, _conn: Any) -> None:
        self._begun.set()
        assert self._go_on.wait(SOON)

    def let_go(self) -> None:
        self._go_on.set()
        self.future.result(SOON)


def nothing(_conn: Any) -> str:
    return "done"


def recording(conn: Any) -> str:
    logs.add_sign_ins(conn, [(TENANT, sign_in())])
    return "done"


# -- who waits for whom -------------------------------------------------------------------------------------------

WAITING: dict[str, tuple[TenantId | None, Callable[[Store], Any], bool]] = {
    "a tenant for itself": (TENANT, lambda store: store.write(nothing, TENANT), True),
    "a tenant for another": (TENANT, lambda store: store.write(nothing, OTHER_TENANT), False),
    "everything for a tenant": (TENANT, lambda store: store.write(nothing), True),
    "a tenant for everything": (None, lambda store: store.write(nothing, TENANT), True),
    "a record for its tenant": (TENANT, lambda store: store.append(recording), False),
    "a record for everything": (None, lambda store: store.append(recording), False),
}


@pytest.mark.parametrize("name", WAITING)
def test_who_waits_for_whom_over_two_servers(store: Store, other_server: Store, name: str) -> None:
    held_scope, write, waits = WAITING[name]
    held = Held(store, held_scope)
    future = write(other_server)
    if waits:
        with pytest.raises(TimeoutError):
            future.result(A_MOMENT)
        held.let_go()
    assert future.result(SOON) == "done"
    held.let_go()


def test_what_a_work_reads_is_what_the_last_one_of_its_tenant_wrote(store: Store, other_server: Store) -> None:
    """It began to wait before the other had committed, and sees it all the same."""
    held = Held(store, TENANT)
    seen = other_server.write(lambda conn: _count(conn), TENANT)
    store.write(lambda conn: directory_objects.add(conn, TENANT, application()), TENANT)
    held.let_go()
    assert seen.result(SOON) in (0, 1)
    assert other_server.write(lambda conn: _count(conn), TENANT).result(SOON) == 1


def _count(conn: Any) -> int | None:
    return directory_objects.list(conn, TENANT, ObjectKind.APPLICATION, Query(count=True)).count


def test_works_of_two_tenants_take_no_turns_in_one_process_either(store: Store, other_server: Store) -> None:
    held = Held(store, TENANT)
    assert store.write(nothing, OTHER_TENANT).result(SOON) == "done"
    held.let_go()


def test_a_server_that_holds_a_tenant_too_long_makes_its_writes_unavailable(database: str, store: Store) -> None:
    impatient = Store.open(database, busy_seconds=0.05)
    held = Held(store, TENANT)
    with pytest.raises(Unavailable, match=r"did not finish in time.*Nothing was changed"):
        impatient.write(nothing, TENANT).result(SOON)
    held.let_go()
    assert impatient.write(nothing, TENANT).result(SOON) == "done"
    impatient.close()


# -- connections that die -----------------------------------------------------------------------------------------


def end_all_connections(url: str) -> None:
    """As a restart, a failover or an administrator does."""
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_reads_and_writes_go_on_when_connections_have_died(store: Store, database: str) -> None:
    for _ in range(3):
        for tenant_id in (TENANT, None):
            store.write(nothing, tenant_id).result(SOON)
        with store.read(), store.read() as conn:
            assert len(tenants.list_tenants(conn)) == 1
        end_all_connections(database)
        with store.read() as conn:
            assert len(tenants.list_tenants(conn)) == 1


def test_a_connection_that_dies_under_a_work_undoes_it_and_says_so(store: Store, database: str) -> None:
    def work(conn: Any) -> None:
        directory_objects.add(conn, TENANT, application())
        end_all_connections(database)
        directory_objects.add(conn, TENANT, application())

    with pytest.raises(Unavailable, match=r"connection to PostgreSQL was lost.*Nothing was changed"):
        store.write(work, TENANT).result(SOON)
    assert store.write(_count, TENANT).result(SOON) == 0


def test_of_a_commit_that_got_no_answer_nothing_is_claimed(store: Store) -> None:
    lost = psycopg.OperationalError("server closed the connection unexpectedly")
    refusal = PostgresqlDatabase.refusal(lost, committing=True)
    assert refusal is not None
    assert "may or may not have been done" in refusal.message
    refused = psycopg.errors.SerializationFailure("could not serialize")
    certain = PostgresqlDatabase.refusal(refused, committing=True)
    assert certain is not None
    assert "Nothing was changed" in certain.message


def test_an_error_that_a_work_swallowed_is_its_own_and_not_its_neighbours(store: Store) -> None:
    held = Held(store, TENANT)

    def careless(conn: Any) -> None:
        with pytest.raises(psycopg.errors.UndefinedColumn):
            driver_of(conn).execute("SELECT nonsense")

    neighbour = store.write(lambda conn: directory_objects.add(conn, TENANT, application()), TENANT)
    refused = store.write(careless, TENANT)
    held.let_go()
    assert neighbour.result(SOON) is None
    assert refused.exception(SOON) is not None


def test_durability_is_not_switched_off_by_the_database(database: str, store: Store) -> None:
    with psycopg.connect(database, autocommit=True) as conn:
        conn.execute(f'ALTER DATABASE "{postgresql.name_of(database)}" SET synchronous_commit = off'.encode())
        try:
            careful = Store.open(database)
            asked = careful.write(lambda conn: driver_of(conn).execute("SHOW synchronous_commit").fetchone(), TENANT)
            assert asked.result(SOON) == ("on",)
            careful.close()
        finally:
            conn.execute(f'ALTER DATABASE "{postgresql.name_of(database)}" RESET synchronous_commit'.encode())


# -- databases that will not do -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "remedy"),
    [
        ("host=127.0.0.1&port=1", "was lost, or cannot be made"),
        ("host=/nowhere", "was lost, or cannot be made"),
    ],
)
def test_a_database_that_is_not_there_is_unavailable_with_a_remedy(kind: str, query: str, remedy: str) -> None:
    with pytest.raises(Unavailable, match=remedy) as refused:
        Store.open(f"postgresql://somebody:hunter2@/x?{query}")
    assert "hunter2" not in str(refused.value)


def test_a_database_that_nobody_has_made_is_named_as_such(database: str) -> None:
    with pytest.raises(Unavailable, match='database "never_made" does not exist'):
        Store.open(postgresql.with_database(database, "never_made"))


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://localhost/x?no_such_word=1",
        "postgresql://ada:hidden%zz@localhost/x",
        "postgresql://ada:hidden/more@localhost/x",
        "postgresql://localhost/x?password=hidden%zz",
    ],
)
def test_a_url_that_is_none_is_invalid_and_nothing_of_it_is_said(kind: str, url: str) -> None:
    with pytest.raises(Invalid, match="postgresql://") as refused:
        Store.open(url)
    assert "hidden" not in refused.value.message


def test_a_user_who_may_not_make_tables_is_told(empty: str) -> None:
    with psycopg.connect(empty, autocommit=True) as conn:
        conn.execute("CREATE ROLE guest LOGIN")
        try:
            parts = urlsplit(empty)
            with pytest.raises(Unavailable, match="owner of the database"):
                Store.open(urlunsplit(parts._replace(netloc=parts.netloc.replace("postgres@", "guest@"))))
        finally:
            conn.execute("DROP ROLE guest")


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "UTF8"])
def test_a_database_that_knows_no_letters_is_refused(migrated_database: str, kind: str, encoding: str) -> None:
    with psycopg.connect(migrated_database, autocommit=True) as conn:
        conn.execute(
            f"CREATE DATABASE plain TEMPLATE template0 ENCODING '{encoding}' LOCALE 'C' LOCALE_PROVIDER libc".encode()
        )
        try:
            with pytest.raises(Unavailable, match="ENCODING 'UTF8'"):
                Store.open(postgresql.with_database(migrated_database, "plain"))
        finally:
            conn.execute("DROP DATABASE plain WITH (FORCE)")


def test_a_database_that_can_only_be_read_is_unavailable(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as conn:
        conn.execute(f'ALTER DATABASE "{postgresql.name_of(database)}" SET default_transaction_read_only = on'.encode())
        try:
            store = Store.open(database)
            with pytest.raises(Unavailable, match="standby"):
                store.write(lambda conn: directory_objects.add(conn, TENANT, application()), TENANT).result(SOON)
            store.close()
        finally:
            conn.execute("SET default_transaction_read_only = off")
            conn.execute(
                f'ALTER DATABASE "{postgresql.name_of(database)}" RESET default_transaction_read_only'.encode()
            )


# -- tables -------------------------------------------------------------------------------------------------------

_TABLES = (
    "SELECT table_name, column_name, data_type, is_nullable, collation_name FROM information_schema.columns "
    "WHERE table_schema = 'public' AND table_name <> 'alembic_version'",
    "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version'",
    "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
    "WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text <> 'alembic_version'",
)


def test_migrated_tables_are_those_of_the_schema(database: str, empty: str) -> None:
    engine = create_engine(empty.replace("postgresql:", "postgresql+psycopg:"))
    schema.metadata.create_all(engine)
    engine.dispose()
    with psycopg.connect(database) as migrated, psycopg.connect(empty) as made:
        for question in _TABLES:
            assert sorted(migrated.execute(question).fetchall()) == sorted(made.execute(question).fetchall())


def test_a_directory_of_a_newer_version_is_refused_and_left_alone(empty: str) -> None:
    Store.open(empty).close()
    with psycopg.connect(empty, autocommit=True) as conn:
        conn.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(Unavailable, match="newer unsecret"):
        Store.open(empty)
