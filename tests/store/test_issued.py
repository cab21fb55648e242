"""Codes, refresh tokens and sessions, by digest; and wrong passwords, counted."""

from __future__ import annotations

from concurrent.futures import Future
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection

from tests.store.nouns import NOW, NOWHERE, OTHER_TENANT, TENANT, guid
from unsecret.errors import Conflict
from unsecret.model.event import CredentialType, SignedInUser, SignIn
from unsecret.model.identifiers import AppId, ObjectId
from unsecret.model.issued import GrantKind, IssuedGrant
from unsecret.store import issued, logs
from unsecret.store.engine import Store

DIGEST = b"d" * 32


def _grant(kind: GrantKind = GrantKind.REFRESH_TOKEN, **fields: Any) -> IssuedGrant:
    values: dict[str, Any] = {
        "kind": kind,
        "family": guid(),
        "issued_at": NOW,
        "expires_at": NOW + timedelta(hours=1),
        "client_id": AppId(guid()),
        "scope": ("openid", "User.Read"),
        "user_id": ObjectId(guid()),
    }
    return IssuedGrant(**(values | fields))


def _add(store: Store, grant: IssuedGrant, digest: bytes = DIGEST) -> None:
    store.write(lambda conn: issued.add(conn, TENANT, digest, grant, now=grant.issued_at), TENANT).result()


def _find(store: Store, kind: GrantKind = GrantKind.REFRESH_TOKEN, digest: bytes = DIGEST) -> IssuedGrant | None:
    with store.read() as conn:
        return issued.find(conn, TENANT, kind, digest)


def test_what_was_handed_out_is_found_by_its_digest_kind_and_tenant(store: Store):
    grant = _grant()
    _add(store, grant)
    assert _find(store) == grant
    assert _find(store, GrantKind.SESSION) is None
    assert _find(store, digest=b"e" * 32) is None
    with store.read() as conn:
        assert issued.find(conn, OTHER_TENANT, grant.kind, DIGEST) is None


def test_of_many_refresh_tokens_of_one_sign_in_those_used_or_handed_out_last_are_kept(store: Store):
    family, lifetime = guid(), timedelta(days=90)
    digests = [bytes([number]) * 32 for number in range(5)]
    for number, digest in enumerate(digests):
        issued_at = NOW + timedelta(hours=number)
        _add(store, _grant(family=family, issued_at=issued_at, expires_at=issued_at + lifetime), digest)
    oldest = _find(store, digest=digests[0])
    assert oldest is not None
    used = msgspec.structs.replace(oldest, used_at=NOW + timedelta(hours=6))
    _add(store, _grant(), b"o" * 32)
    _add(store, _grant(GrantKind.AUTHORIZATION_CODE, family=family), b"c" * 32)

    def trim(conn) -> None:
        issued.replace(conn, TENANT, digests[0], used)
        issued.trim_family(conn, TENANT, family, most=3, lifetime=lifetime)

    store.write(trim, TENANT).result()
    assert [digest for digest in digests if _find(store, digest=digest)] == [digests[0], digests[3], digests[4]]
    assert _find(store, digest=b"o" * 32)
    assert _find(store, GrantKind.AUTHORIZATION_CODE, b"c" * 32)


def test_of_many_sign_ins_to_a_client_those_used_or_begun_last_are_kept(store: Store):
    lifetime = timedelta(days=90)
    ada, ben, cli, portal = ObjectId(guid()), ObjectId(guid()), AppId(guid()), AppId(guid())

    def begun(hours: int, **fields: Any) -> IssuedGrant:
        at = NOW + timedelta(hours=hours)
        whose: dict[str, Any] = {"user_id": ada, "client_id": cli, "issued_at": at, "expires_at": at + lifetime}
        return _grant(**(whose | fields))

    kept = [begun(hours) for hours in range(5)]
    kept[0] = msgspec.structs.replace(kept[0], used_at=NOW + timedelta(hours=6))
    second_of_the_third = msgspec.structs.replace(kept[2], used_at=NOW + timedelta(hours=7))
    others = [begun(0, user_id=ben), begun(0, client_id=portal), begun(0, kind=GrantKind.AUTHORIZATION_CODE)]
    everything = [*kept, second_of_the_third, *others]
    for number, grant in enumerate(everything):
        _add(store, grant, bytes([number]) * 32)
    store.write(lambda conn: issued.trim_families(conn, TENANT, ada, cli, most=3, lifetime=lifetime), TENANT).result()
    found = [_find(store, grant.kind, bytes([number]) * 32) is not None for number, grant in enumerate(everything)]
    assert found == [True, False, True, False, True, True, True, True, True]


def _session(user: ObjectId) -> IssuedGrant:
    """All of them begin in the same instant."""
    return _grant(GrantKind.SESSION, user_id=user, client_id=AppId(NOWHERE))


def _begin(store: Store, user: ObjectId, digest: bytes) -> Future[None]:
    def work(conn: Connection) -> None:
        issued.add(conn, TENANT, digest, _session(user), now=NOW)
        issued.trim_sessions(conn, TENANT, user, most=3)

    return store.write(work, TENANT)


def test_of_many_sessions_of_a_person_those_begun_last_are_kept(store: Store):
    ada, ben = ObjectId(guid()), ObjectId(guid())
    mine = [bytes([number]) * 32 for number in range(5)]
    _begin(store, ben, b"b" * 32).result()
    _add(store, _grant(user_id=ada, client_id=AppId(NOWHERE)), b"r" * 32)
    with store.read() as conn:
        assert issued.find(conn, TENANT, GrantKind.SESSION, b"b" * 32)
    for digest in mine:
        _begin(store, ada, digest).result()
    assert [digest for digest in mine if _find(store, GrantKind.SESSION, digest)] == mine[2:]
    assert _find(store, GrantKind.SESSION, b"b" * 32)
    assert _find(store, digest=b"r" * 32)


def test_a_crowd_of_sessions_in_one_instant_leaves_no_more_than_may_be(store: Store, database: str):
    """On two servers that know nothing of each other."""
    ada, digests = ObjectId(guid()), [bytes([number]) * 32 for number in range(60)]
    other = Store.open(database)
    begun = [_begin((store, other)[number % 2], ada, digest) for number, digest in enumerate(digests)]
    for one in begun:
        one.result()
    other.close()
    assert sum(_find(store, GrantKind.SESSION, digest) is not None for digest in digests) == 3


def test_what_became_of_it_is_written_down(store: Store):
    grant = _grant()
    _add(store, grant)
    used = msgspec.structs.replace(grant, used_at=NOW)
    store.write(lambda conn: issued.replace(conn, TENANT, DIGEST, used), TENANT).result()
    assert _find(store) == used
    store.write(lambda conn: issued.remove(conn, TENANT, grant.kind, DIGEST), TENANT).result()
    assert _find(store) is None


def test_a_family_is_revoked_but_for_its_code(store: Store):
    family, other = guid(), _grant()
    code = _grant(GrantKind.AUTHORIZATION_CODE, family=family)
    _add(store, code)
    _add(store, _grant(family=family))
    _add(store, other, b"o" * 32)
    store.write(lambda conn: issued.revoke_family(conn, TENANT, family), TENANT).result()
    assert _find(store) is None
    assert _find(store, GrantKind.AUTHORIZATION_CODE) == code
    assert _find(store, digest=b"o" * 32) == other


def test_a_device_is_found_by_what_a_person_types(store: Store):
    grant = _grant(GrantKind.DEVICE_CODE, user_code="ABCD23456")
    _add(store, grant)
    with store.read() as conn:
        assert issued.find_by_user_code(conn, TENANT, "abcd23456") == (DIGEST, grant)
        assert issued.find_by_user_code(conn, TENANT, "ABCD23457") is None
    with pytest.raises(Conflict):
        _add(store, _grant(GrantKind.DEVICE_CODE, user_code="abcd23456"), b"e" * 32)


def test_what_ended_long_ago_is_cleared_away(store: Store):
    _add(store, _grant())
    _add(store, _grant(issued_at=NOW + timedelta(hours=1, minutes=59), expires_at=NOW + timedelta(days=1)), b"e" * 32)
    assert _find(store) is not None
    _add(store, _grant(issued_at=NOW + timedelta(hours=2, seconds=1), expires_at=NOW + timedelta(days=1)), b"f" * 32)
    assert _find(store) is None


def test_wrong_passwords_are_counted_by_person_and_time(store: Store):
    ada, ben = (SignedInUser(id=ObjectId(guid()), display_name="x", user_principal_name="x@y") for _ in range(2))

    def attempt(user: SignedInUser, error_code: int, seconds: int) -> SignIn:
        return SignIn(
            id=guid(),
            at=NOW + timedelta(seconds=seconds),
            app_id=AppId(guid()),
            app_display_name=None,
            service_principal_id=None,
            service_principal_name=None,
            credential_type=CredentialType.NONE,
            credential_key_id=None,
            credential_thumbprint=None,
            error_code=error_code,
            failure_reason=None,
            resource_id=None,
            resource_display_name=None,
            resource_service_principal_id=None,
            correlation_id=guid(),
            token_id=None,
            ip_address=None,
            user_agent=None,
            user=user,
        )

    rows = [attempt(ada, 50126, 0), attempt(ada, 50126, 30), attempt(ada, 0, 30), attempt(ben, 50126, 30)]
    store.write(lambda conn: logs.add_sign_ins(conn, [(TENANT, row) for row in rows]), TENANT).result()
    with store.read() as conn:
        assert logs.wrong_passwords(conn, TENANT, ada.id, since=NOW - timedelta(seconds=1)) == 2
        assert logs.wrong_passwords(conn, TENANT, ada.id, since=NOW) == 1
        assert logs.wrong_passwords(conn, OTHER_TENANT, ada.id, since=NOW - timedelta(days=1)) == 0
