"""One law: the fleet gives the reasons that `decide` gives, for the whole corpus and for tenants made up by chance."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.corpus_cases import DECIDE, load_cases, question
from tests.rules import worlds
from tests.rules.fleets import ADDITIONS, OBJECTS, Asked, Reasons, reasons, table
from unsecret.model.application import ObjectKind
from unsecret.model.change import Actor
from unsecret.model.identifiers import PolicyId, TenantId
from unsecret.model.policy import (
    CREDENTIAL_GROUPS,
    AppManagementPolicy,
    Restriction,
    RestrictionKind,
    Restrictions,
    TenantDefault,
)
from unsecret.rules.decide import decide
from unsecret.rules.fleet import COMPARED, enact
from unsecret.rules.regimes import Law

TENANTS = 500
"""Tenants in one example: what a question costs is much the same for one and for hundreds."""

EXAMPLES = 24
GOVERNED = tuple(one for one in worlds.OBJECTS if one.kind is not ObjectKind.USER)


def by_decide(asked: list[Asked], actor: Actor) -> list[Reasons]:
    verdicts = (decide(*one[:3], (one.added,), actor, now=worlds.NOW) for one in asked)
    return [[(reason.rule, reason.policy_id or "") for reason in verdict.reasons] for verdict in verdicts]


def difference(asked: list[Asked], actor: Actor) -> list[tuple[Asked, Reasons, Reasons]]:
    answers = zip(asked, by_decide(asked, actor), reasons(asked, actor), strict=True)
    return [one for one in answers if one[1] != one[2]]


@pytest.mark.promise
def test_the_fleet_decides_the_whole_corpus_as_the_law_does() -> None:
    cases = [question(case) for case in load_cases(DECIDE).values()]
    judged = 0
    for actor in {repr(case.actor): case.actor for case in cases}.values():
        alike = [case for case in cases if case.actor == actor]
        asked = [Asked(one.default, one.custom, one.governed, added) for one in alike for added in one.change]
        assert difference(asked, actor) == []
        judged += len(asked)
    assert judged == sum(len(case.change) for case in cases) > 100


def _section(random: Random, kinds: tuple[RestrictionKind, ...]) -> Restrictions:
    chosen = random.sample(kinds, random.randrange(len(kinds)))
    return tuple(random.choice(_ENTRIES[kind]) for kind in chosen)


_ENTRIES: dict[RestrictionKind, list[Restriction]] = {}
for _entry in worlds.ENTRIES:
    _ENTRIES.setdefault(_entry.kind, []).append(_entry)
_ON_CREDENTIALS = tuple(kind for kind, entries in _ENTRIES.items() if entries[0].group in CREDENTIAL_GROUPS)


def made_up(random: Random) -> list[Asked]:
    """Additions to objects of one tenant: what it says is drawn from the pools of `worlds`."""
    default = TenantDefault(
        id=worlds.DEFAULT_ID,
        is_enabled=random.random() < 0.8,
        application_restrictions=_section(random, worlds.KINDS),
        service_principal_restrictions=_section(random, _ON_CREDENTIALS),
    )
    custom = AppManagementPolicy(
        id=worlds.CUSTOM_ID,
        display_name="Custom",
        is_enabled=random.random() < 0.8,
        restrictions=_section(random, worlds.KINDS),
    )
    return [
        Asked(default, random.choice((None, custom)), random.choice(GOVERNED), random.choice(worlds.ADDITIONS))
        for _ in range(random.randrange(1, 7))
    ]


@pytest.mark.promise
@settings(max_examples=EXAMPLES, derandomize=True, database=None)
@given(st.integers(0, 2**32), st.sampled_from(worlds.ACTORS))
def test_the_fleet_decides_twelve_thousand_made_up_tenants_as_the_law_does(seed: int, actor: Actor) -> None:
    random = Random(seed)
    asked = [one for _ in range(TENANTS) for one in made_up(random)]

    assert difference(asked, actor)[:1] == []


def test_every_restriction_is_judged_once() -> None:
    assert len(COMPARED) == 7
    assert len(set(COMPARED)) == len(COMPARED)


# -- three-valued where the tenant is ------------------------------------------------------------------------------

TRUSTED = Restriction(
    kind=RestrictionKind.TRUSTED_CERTIFICATE_AUTHORITY, certificate_based_application_configuration_ids=("One",)
)
DAYS_30 = Restriction(kind=RestrictionKind.ASYMMETRIC_KEY_LIFETIME, max_lifetime=timedelta(days=30))
START = datetime(2026, 1, 1, tzinfo=UTC)


def judged(*restrictions: Restriction, days: int, trusted_by: list[str] | None) -> tuple[bool | None, list[str]]:
    """What is said about a certificate of so many days: whether it is refused, and what could not be told."""
    law = Law(tenant_id=TenantId("t"), default=TenantDefault(is_enabled=True, application_restrictions=restrictions))
    addition = {"object": 1, "kind": "certificate", "start_at": START, "end_at": START + timedelta(days=days)}
    with duckdb.connect() as database:
        table(database, "objects", OBJECTS, [{"object": 1, "kind": "application"}])
        table(database, "additions", ADDITIONS, [{**addition, "own_text": False, "trusted_by": trusted_by}])
        answer = database.execute(f"SELECT refused, unsure FROM ({enact(database, law).judged('additions')})")
        refused, unsure = answer.fetchall()[0]
    return refused, unsure


@pytest.mark.parametrize(
    ("restrictions", "days", "trusted_by", "expected"),
    [
        ((TRUSTED,), 10, ["one"], (False, [])),
        ((TRUSTED,), 10, ["two"], (True, [])),
        ((TRUSTED,), 10, [], (True, [])),
        ((TRUSTED,), 10, None, (None, ["trustedCertificateAuthority"])),
        ((TRUSTED, DAYS_30), 31, None, (True, ["trustedCertificateAuthority"])),
        ((DAYS_30,), 30, None, (False, [])),
        ((), 9999, None, (False, [])),
    ],
)
def test_an_authority_that_is_not_known_is_not_a_verdict(
    restrictions: Restrictions, days: int, trusted_by: list[str] | None, expected: tuple[bool | None, list[str]]
) -> None:
    assert judged(*restrictions, days=days, trusted_by=trusted_by) == expected


def test_an_object_whose_policy_nobody_can_name_follows_the_default() -> None:
    entry = Restriction(kind=RestrictionKind.PASSWORD_ADDITION)
    law = Law(tenant_id=TenantId("t"), default=TenantDefault(is_enabled=True, application_restrictions=(entry,)))
    addition = {"object": 1, "kind": "password", "start_at": START, "end_at": START, "own_text": False}
    with duckdb.connect() as database:
        table(database, "objects", OBJECTS, [{"object": 1, "kind": "application", "custom_policy_id": "o'gone"}])
        table(database, "additions", ADDITIONS, [addition])
        assert database.execute(f"SELECT refused FROM ({enact(database, law).judged('additions')})").fetchall() == [
            (True,)
        ]


def test_a_linked_policy_is_found_however_its_id_is_written() -> None:
    custom = AppManagementPolicy(id=PolicyId("abc"), display_name="c", is_enabled=True, restrictions=(DAYS_30,))
    law = Law(tenant_id=TenantId("t"), customs=(custom,))
    addition = {
        "object": 1,
        "kind": "certificate",
        "start_at": START,
        "end_at": datetime(2027, 1, 1, tzinfo=UTC),
        "own_text": False,
    }
    with duckdb.connect() as database:
        table(database, "objects", OBJECTS, [{"object": 1, "kind": "servicePrincipal", "custom_policy_id": "ABC"}])
        table(database, "additions", ADDITIONS, [addition])
        assert database.execute(f"SELECT refused_by FROM ({enact(database, law).judged('additions')})").fetchall() == [
            ([{"rule": "asymmetricKeyLifetime", "policy_id": "abc"}],)
        ]


def test_today_is_utc() -> None:
    since = datetime(2026, 1, 1, tzinfo=UTC)
    entry = Restriction(kind=RestrictionKind.PASSWORD_ADDITION, restrict_for_apps_created_after=since)
    law = Law(tenant_id=TenantId("t"), default=TenantDefault(is_enabled=True, application_restrictions=(entry,)))
    created = {1: datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC), 2: datetime(2026, 1, 1, tzinfo=UTC), 3: None}
    with duckdb.connect() as database:
        objects = [{"object": n, "kind": "application", "created_at": at} for n, at in created.items()]
        table(database, "objects", OBJECTS, objects)
        rows = [
            {"object": n, "kind": "password", "start_at": START, "end_at": START, "own_text": False} for n in created
        ]
        table(database, "additions", ADDITIONS, rows)
        enacted = enact(database, law)
        for judged_so in (enacted.judged("additions"), enacted.judged_quickly("additions")):
            answer = f"SELECT refused FROM ({judged_so}) ORDER BY object"
            assert database.execute(answer).fetchall() == [(False,), (True,), (False,)]


DAYS_7 = Restriction(kind=RestrictionKind.PASSWORD_LIFETIME, max_lifetime=timedelta(days=7))
NO_SECRETS = Restriction(kind=RestrictionKind.PASSWORD_ADDITION)
DATES = {"start only": (START, None), "end only": (None, START), "neither": (None, None)}


@pytest.mark.parametrize("dates", DATES)
@pytest.mark.parametrize(
    ("restrictions", "expected"),
    [((), False), ((DAYS_30,), False), ((DAYS_7,), None), ((NO_SECRETS,), True), ((NO_SECRETS, DAYS_7), True)],
)
def test_a_secret_that_does_not_say_how_long_it_lives_is_judged_where_that_does_not_matter(
    restrictions: Restrictions, dates: str, expected: bool | None
) -> None:
    law = Law(tenant_id=TenantId("t"), default=TenantDefault(is_enabled=True, application_restrictions=restrictions))
    start, end = DATES[dates]
    addition = {"object": 1, "kind": "password", "start_at": start, "end_at": end, "own_text": False}
    with duckdb.connect() as database:
        table(database, "objects", OBJECTS, [{"object": 1, "kind": "application", "app": 1}])
        table(database, "additions", ADDITIONS, [addition])
        enacted = enact(database, law)
        for judged_so in (enacted.judged("additions"), enacted.judged_quickly("additions")):
            assert database.execute(f"SELECT refused FROM ({judged_so})").fetchall() == [(expected,)]
