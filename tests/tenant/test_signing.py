"""The tenant's signing keys: made once, replaced in time, kept from everybody."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, load_der_private_key
from joserfc import jws, jwt
from joserfc.jwk import KeySet, RSAKey

from tests.local_tenant import NOW, Identity
from unsecret.errors import Invalid, Unauthenticated, Unavailable
from unsecret.store.engine import Store
from unsecret.store.signing_keys import list_signing_keys
from unsecret.tenant import pki
from unsecret.tenant.key_making import take_over_files
from unsecret.tenant.signing import LONGEST_TOKEN, SigningKeys, kept_fresh

TENANT = "11111111-2222-3333-4444-555555555555"
AUDIENCE = "https://graph.microsoft.com"
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
ISSUERS = ("https://sts.windows.net/{tenantid}/",)


def some_claims(**changed: Any) -> dict[str, Any]:
    now = int(NOW.timestamp())
    claims = {"aud": AUDIENCE, "iss": f"https://sts.windows.net/{TENANT}/", "tid": TENANT, "nbf": now, "exp": now + 60}
    return {name: value for name, value in (claims | changed).items() if value is not ...}


def verified(signing: SigningKeys, token: str, *, now: datetime = NOW) -> dict[str, Any]:
    return signing.verify(token, audiences={AUDIENCE}, issuers=ISSUERS, now=now)


def encoded(value: Any) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def kid_of(signing: SigningKeys) -> str:
    return signing.jwks()["keys"][0]["kid"]


# -- keys ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A directory to keep keys in."""
    opened = Store.open(tmp_path / "directory.sqlite")
    yield opened
    opened.close()


def keys_at(store: Store, now: datetime = NOW, passphrase: str | None = None) -> SigningKeys:
    """The keys of the directory as a server that starts at `now` knows them."""
    return SigningKeys.open(store, clock=lambda: now, passphrase=passphrase)


def kids(signing: SigningKeys) -> list[str]:
    return [key["kid"] for key in signing.jwks()["keys"]]


def signer(signing: SigningKeys) -> str:
    return jws.extract_compact(signing.sign(some_claims()).encode()).headers()["kid"]


def test_a_key_is_made_once_and_kept(store: Store):
    first = keys_at(store)
    again = keys_at(store, NOW + timedelta(days=400))
    assert again.jwks() == first.jwks()
    assert verified(again, first.sign(some_claims()))


def test_two_servers_that_start_at_once_have_one_key(tmp_path: Path):
    stores = [Store.open(tmp_path / "directory.sqlite") for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(keys_at, stores)
    assert kids(first) == kids(second)
    assert len(kids(first)) == 1
    for store in stores:
        store.close()


def test_a_new_key_is_shown_for_a_day_before_it_signs_and_an_old_one_until_its_last_token_ends(store: Store):
    old = signer(keys_at(store))
    new = keys_at(store, NOW + DAY).rotate()
    # when → (who signs, who is shown)
    seen = {
        when: (signer(keys_at(store, NOW + when)), kids(keys_at(store, NOW + when)))
        for when in (DAY, 2 * DAY - SECOND, 2 * DAY, 2 * DAY + LONGEST_TOKEN - SECOND, 2 * DAY + LONGEST_TOKEN)
    }
    assert list(seen.values()) == [(old, [new, old])] * 2 + [(new, [new, old])] * 2 + [(new, [new])]


def test_a_token_is_good_while_its_key_is_replaced(store: Store):
    token = keys_at(store).sign(some_claims(exp=2**40))
    keys_at(store).rotate()
    assert verified(keys_at(store, NOW + DAY), token)
    with pytest.raises(Unauthenticated, match="Invalid signature"):
        verified(keys_at(store, NOW + 2 * DAY), token)


def test_another_server_learns_of_a_key_by_a_token_of_it(store: Store):
    here, there = keys_at(store), keys_at(store)
    here.rotate(at_once=True)
    assert verified(there, here.sign(some_claims()))
    assert kids(there) == kids(here)


def test_a_key_that_was_given_up_at_once_is_good_for_nothing_anywhere(store: Store):
    here, there = keys_at(store), keys_at(store)
    token = here.sign(some_claims())
    assert verified(here, token)
    assert verified(there, token)
    here.rotate(at_once=True)
    there.refresh()
    for server in (here, there):
        with pytest.raises(Unauthenticated, match="Invalid signature"):
            verified(server, token)


def test_names_of_keys_that_are_made_up_do_not_have_the_directory_asked_each_time(store: Store):
    signing = keys_at(store)
    stranger = RSAKey.generate_key(2048)
    token = jws.serialize_compact({"alg": "RS256", "kid": "unheard-of"}, b"{}", stranger, algorithms=["RS256"])
    with pytest.raises(Unauthenticated):
        verified(signing, token)
    store.close()
    began = time.monotonic()
    for _ in range(200):
        with pytest.raises(Unauthenticated):
            verified(signing, token)
    assert time.monotonic() - began < 1


def test_keeping_replaces_an_old_key_once_and_forgets_what_has_ended(store: Store):
    keys_at(store)
    late = NOW + 30 * DAY
    servers = [keys_at(store, late) for _ in range(2)]
    for server in servers:
        server.keep(rotate_after=30 * DAY)
    assert [len(kids(server)) for server in servers] == [2, 2]
    much_later = keys_at(store, late + 2 * DAY)
    much_later.keep(rotate_after=30 * DAY)
    with store.read() as conn:
        assert [key.kid for key in list_signing_keys(conn)] == kids(much_later)[:1]


def test_keys_are_kept_fresh_while_a_server_runs(store: Store):
    here, there = keys_at(store), keys_at(store)
    with kept_fresh(there, rotate_after=30 * DAY, every=0.01):
        new = here.rotate(at_once=True)
        deadline = time.monotonic() + 10
        while kids(there) != [new]:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_a_passphrase_keeps_private_keys_from_whoever_reads_the_database(store: Store):
    sealed = keys_at(store, passphrase="correct horse")
    with store.read() as conn:
        (kept,) = list_signing_keys(conn)
    with pytest.raises(TypeError):
        load_der_private_key(kept.private_key, None)
    assert kids(keys_at(store, passphrase="correct horse")) == kids(sealed)
    for wrong in (None, "another"):
        with pytest.raises(Invalid, match="another passphrase") as refused:
            keys_at(store, passphrase=wrong)
        assert "horse" not in str(refused.value)


def test_a_passphrase_can_be_introduced_later(store: Store):
    plain = keys_at(store)
    sealed = keys_at(store, passphrase="correct horse")
    assert kids(sealed) == kids(plain)
    sealed.rotate()
    with pytest.raises(Invalid):
        keys_at(store)


# -- keys of earlier versions, in files ---------------------------------------------------------------------------


def key_file(directory: Path, identity: Identity) -> Path:
    directory.mkdir()
    file = directory / "first.pem"
    file.write_bytes(pki.to_pem(identity.certificate) + pki.private_to_pem(identity.key))
    return file


def test_keys_in_files_are_taken_over_once_and_then_leave(store: Store, tmp_path: Path, identity: Identity):
    key_file(tmp_path / "keys", identity)
    assert take_over_files(store, tmp_path / "keys") == 1
    assert not (tmp_path / "keys").exists()
    assert take_over_files(store, tmp_path / "keys") == 0
    assert kids(keys_at(store)) == [identity.facts.thumbprint_sha1]


def test_files_stay_while_the_directory_cannot_take_them(tmp_path: Path, identity: Identity):
    file = key_file(tmp_path / "keys", identity)
    full = Store.open(tmp_path / "directory.sqlite")
    full.close()
    with pytest.raises(Unavailable):
        take_over_files(full, tmp_path / "keys")
    assert file.exists()


def test_the_key_document_is_enough_to_verify_a_token_with(signing: SigningKeys):
    document = signing.jwks("https://login.example/issuer")
    (key,) = document["keys"]
    assert key["issuer"] == "https://login.example/issuer"
    assert set(key) == {"kty", "use", "kid", "x5t", "n", "e", "x5c", "issuer"}
    keys: Any = {"keys": [{name: value for name, value in key.items() if name != "issuer"}]}  # joserfc knows none
    token = jwt.decode(signing.sign(some_claims(answer=42)), KeySet.import_key_set(keys), algorithms=["RS256"])
    assert token.claims["answer"] == 42
    assert token.header["typ"] == "JWT"
    assert token.header["x5t"] == token.header["kid"]
    certificate = x509.load_der_x509_certificate(base64.b64decode(key["x5c"][0]))
    sha1 = hashlib.sha1(certificate.public_bytes(Encoding.DER)).digest()
    assert encoded(sha1) == key["x5t"] == key["kid"]


def test_the_key_document_of_v1_names_no_issuer(signing: SigningKeys):
    assert "issuer" not in signing.jwks()["keys"][0]


@pytest.mark.parametrize(
    "content", [b"", b"not a key", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"]
)
def test_a_file_that_is_no_key_stops_the_start_and_is_named(store: Store, tmp_path: Path, content: bytes):
    directory = tmp_path / "keys"
    directory.mkdir()
    (directory / "odd.pem").write_bytes(content)
    with pytest.raises(Invalid, match=r"odd\.pem is not a signing key"):
        take_over_files(store, directory)


def test_a_token_of_another_directory_is_refused(signing: SigningKeys, store: Store):
    other = keys_at(store)
    with pytest.raises(Unauthenticated, match="Invalid signature"):
        verified(signing, other.sign(some_claims()))


def test_a_payload_that_is_no_object_is_refused_though_we_signed_it(store: Store):
    ours = keys_at(store)
    with store.read() as conn:
        key = RSAKey.import_key(list_signing_keys(conn)[0].private_key)
    for payload in (b"[]", b"5", b"", b"[" * 5000, b'{"aud":'):
        token = jws.serialize_compact({"alg": "RS256", "kid": kid_of(ours)}, payload, key, algorithms=["RS256"])
        with pytest.raises(Unauthenticated):
            verified(ours, token)


def test_a_private_key_never_stands_in_an_error(store: Store, tmp_path: Path, identity: Identity):
    directory = tmp_path / "keys"
    directory.mkdir()
    (directory / "k.pem").write_bytes(pki.private_to_pem(identity.key))
    with pytest.raises(Invalid) as refused:
        take_over_files(store, directory)
    assert "PRIVATE KEY" not in str(refused.value)
