"""What is remembered of a tenant is what is there now, whoever wrote it."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator

import msgspec
import pytest
from sqlalchemy import Connection

from tests.store.nouns import DIGEST, OTHER_TENANT, TENANT, application, password, sign_in, tenant
from unsecret.errors import Conflict
from unsecret.model.application import Application, PasswordCredential
from unsecret.model.identifiers import AppId, TenantId
from unsecret.store import credentials, directory_objects, logs, tenants
from unsecret.store import questions as questions_module
from unsecret.store.decoded import size_of
from unsecret.store.engine import Store


@pytest.fixture
def app(store: Store) -> Application:
    """An application without credentials."""
    app = application()
    store.write(lambda conn: directory_objects.add(conn, TENANT, app), TENANT).result()
    return app


@pytest.fixture
def elsewhere(database: str, store: Store) -> Iterator[Store]:
    """The same directory as another process has it open."""
    opened = Store.open(database)
    yield opened
    opened.close()


def secrets_of(store: Store, app: Application) -> int:
    with store.questions(TENANT) as questions:
        return len(questions.ask(credentials.password_digests, app.app_id))


def mark(store: Store, tenant_id: TenantId = TENANT) -> bytes | None:
    with store.read() as conn:
        return tenants.mark_of(conn, tenant_id)


class Counting:
    """A question that counts how often it was really asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, conn: Connection, tenant_id: TenantId, app_id: AppId) -> int:
        self.asked += 1
        return self.asked


def ask(store: Store, question: Counting, app_id: str = "a", tenant_id: TenantId = TENANT) -> int:
    with store.questions(tenant_id) as questions:
        return questions.ask(question, AppId(app_id))


def test_what_nobody_changed_is_asked_once(store: Store, app: Application) -> None:
    question = Counting()

    answers = [ask(store, question, name) for name in ("a", "a", "b", "a")]

    assert answers == [1, 1, 2, 1]


def test_a_secret_that_another_process_removes_is_unknown_with_its_commit(
    store: Store, elsewhere: Store, app: Application
) -> None:
    secret = password()
    assert secrets_of(store, app) == 0
    for expected, work in (
        (1, lambda conn: credentials.add_password(conn, TENANT, app.id, secret, DIGEST)),
        (0, lambda conn: credentials.remove_password(conn, TENANT, app.id, secret.key_id)),
    ):
        elsewhere.write(work, TENANT).result()
        assert [secrets_of(one, app) for one in (store, elsewhere, store)] == [expected] * 3


def test_who_looks_at_a_past_state_is_told_of_it_and_leaves_nothing_of_it_behind(
    store: Store, app: Application
) -> None:
    with store.questions(TENANT) as past:
        store.write(lambda conn: credentials.add_password(conn, TENANT, app.id, password(), DIGEST), TENANT).result()
        assert secrets_of(store, app) == 1
        assert past.ask(credentials.password_digests, app.app_id) == ()
    assert secrets_of(store, app) == 1


def nothing(conn: Connection) -> None:
    """A work that writes nothing."""


WRITES: list[tuple[str, Callable[[Store], object], bool]] = [
    ("in the tenant", lambda store: store.write(nothing, TENANT).result(), True),
    ("anywhere", lambda store: store.write(nothing).result(), True),
    ("in another tenant", lambda store: store.write(nothing, OTHER_TENANT).result(), False),
    (
        "a sign-in",
        lambda store: store.append(lambda conn: logs.add_sign_ins(conn, [(TENANT, sign_in())])).result(),
        False,
    ),
]


@pytest.mark.parametrize(("write", "forgets"), [row[1:] for row in WRITES], ids=[row[0] for row in WRITES])
def test_what_may_have_changed_is_asked_again(
    store: Store, app: Application, write: Callable[[Store], object], forgets: bool
) -> None:
    store.write(lambda conn: tenants.add_tenant(conn, tenant(OTHER_TENANT))).result()
    question = Counting()
    ask(store, question)

    write(store)

    assert ask(store, question) == (2 if forgets else 1)


def test_a_write_that_is_undone_changes_no_mark(store: Store, app: Application) -> None:
    def refused(conn: Connection) -> None:
        raise Conflict("taken")

    before = mark(store)
    with pytest.raises(Conflict):
        store.write(refused, TENANT).result()

    assert mark(store) == before is not None


def test_answers_of_two_tenants_are_kept_apart(store: Store, app: Application) -> None:
    store.write(lambda conn: tenants.add_tenant(conn, tenant(OTHER_TENANT))).result()
    question = Counting()

    assert [ask(store, question, "a", one) for one in (TENANT, OTHER_TENANT, TENANT, OTHER_TENANT)] == [1, 2, 1, 2]


def test_of_a_tenant_that_is_not_there_nothing_is_kept(store: Store) -> None:
    question = Counting()

    assert [ask(store, question, "a", OTHER_TENANT) for _ in range(2)] == [1, 2]


def test_a_tenant_is_found_by_each_of_its_names_once_it_is_there(store: Store, elsewhere: Store) -> None:
    other = tenant(OTHER_TENANT)
    names = [OTHER_TENANT, OTHER_TENANT.upper(), *other.verified_domains]
    assert [store.find_tenant(name) for name in names] == [None] * 3

    elsewhere.write(lambda conn: tenants.add_tenant(conn, other)).result()

    assert [store.find_tenant(name) for name in names * 2] == [other] * 6
    assert store.find_tenant(TENANT) != other


class Large:
    """A question whose every answer takes a megabyte, and which notes what it was really asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, conn: Connection, tenant_id: TenantId, app_id: AppId) -> bytes:
        self.asked.append(app_id)
        return bytes(2**20)


def test_what_is_kept_of_all_tenants_together_is_bounded_in_bytes(store: Store, app: Application) -> None:
    store.write(lambda conn: tenants.add_tenant(conn, tenant(OTHER_TENANT))).result()
    question = Large()
    asked = [(one, str(number)) for number in range(20) for one in (TENANT, OTHER_TENANT)]

    def ask_all(asked: list[tuple[TenantId, str]]) -> int:
        question.asked.clear()
        for tenant_id, name in asked:
            with store.questions(tenant_id) as questions:
                questions.ask(question, AppId(name))
        return len(question.asked)

    assert ask_all(asked) == len(asked)
    assert ask_all(asked[::-1]) in range(len(asked) - questions_module.MOST_BYTES // 2**20, len(asked))


def test_many_small_answers_are_bounded_too(store: Store, app: Application) -> None:
    question = Counting()
    with store.questions(TENANT) as questions:
        for number in range(questions_module.MOST_BYTES // 512):
            questions.ask(question, AppId(str(number)))
    before = question.asked

    assert ask(store, question, "0") == before + 1


def test_an_answer_takes_no_more_memory_than_it_is_counted_with(store: Store) -> None:
    """Credentials are what makes objects large: Entra allows 1,200 of them in one."""
    secrets = [password(display_name="a name of a usual length") for _ in range(1200)]
    written = msgspec.msgpack.encode(secrets)
    tracemalloc.start()
    try:
        kept = msgspec.msgpack.decode(written, type=list[PasswordCredential])
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert taken < size_of(kept) < 3 * taken
