"""The tenant's signing keys, and everything that is not a token of theirs."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_private_key
from joserfc import jws, jwt
from joserfc.jwk import KeySet, RSAKey

from tests.local_tenant import NOW, Identity
from unsecret.errors import Invalid, Unauthenticated, Unavailable
from unsecret.store.engine import Store
from unsecret.store.signing_keys import list_signing_keys
from unsecret.tenant import pki
from unsecret.tenant.key_making import take_over_files
from unsecret.tenant.signing import LONGEST_TOKEN, MAX_TOKEN_LENGTH, SigningKeys, kept_fresh

TENANT = "11111111-2222-3333-4444-555555555555"
AUDIENCE = "https://graph.microsoft.com"
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
ISSUERS = ("https://sts.windows.net/{tenantid}/",)


def _claims(**changed: Any) -> dict[str, Any]:
    now = int(NOW.timestamp())
    claims = {"aud": AUDIENCE, "iss": f"https://sts.windows.net/{TENANT}/", "tid": TENANT, "nbf": now, "exp": now + 60}
    return {name: value for name, value in (claims | changed).items() if value is not ...}


def _verify(signing: SigningKeys, token: str, *, now: datetime = NOW) -> dict[str, Any]:
    return signing.verify(token, audiences={AUDIENCE}, issuers=ISSUERS, now=now)


def _encoded(value: Any) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _kid(signing: SigningKeys) -> str:
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
    return jws.extract_compact(signing.sign(_claims()).encode()).headers()["kid"]


def test_a_key_is_made_once_and_kept(store: Store):
    first = keys_at(store)
    again = keys_at(store, NOW + timedelta(days=400))
    assert again.jwks() == first.jwks()
    assert _verify(again, first.sign(_claims()))


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
    token = keys_at(store).sign(_claims(exp=2**40))
    keys_at(store).rotate()
    assert _verify(keys_at(store, NOW + DAY), token)
    with pytest.raises(Unauthenticated, match="Invalid signature"):
        _verify(keys_at(store, NOW + 2 * DAY), token)


def test_another_server_learns_of_a_key_by_a_token_of_it(store: Store):
    here, there = keys_at(store), keys_at(store)
    here.rotate(at_once=True)
    assert _verify(there, here.sign(_claims()))
    assert kids(there) == kids(here)


def test_a_key_that_was_given_up_at_once_is_good_for_nothing_anywhere(store: Store):
    here, there = keys_at(store), keys_at(store)
    token = here.sign(_claims())
    assert _verify(here, token)
    assert _verify(there, token)
    here.rotate(at_once=True)
    there.refresh()
    for server in (here, there):
        with pytest.raises(Unauthenticated, match="Invalid signature"):
            _verify(server, token)


def test_names_of_keys_that_are_made_up_do_not_have_the_directory_asked_each_time(store: Store):
    signing = keys_at(store)
    stranger = RSAKey.generate_key(2048)
    token = jws.serialize_compact({"alg": "RS256", "kid": "unheard-of"}, b"{}", stranger, algorithms=["RS256"])
    with pytest.raises(Unauthenticated):
        _verify(signing, token)
    store.close()
    began = time.monotonic()
    for _ in range(200):
        with pytest.raises(Unauthenticated):
            _verify(signing, token)
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
    token = jwt.decode(signing.sign(_claims(answer=42)), KeySet.import_key_set(keys), algorithms=["RS256"])
    assert token.claims["answer"] == 42
    assert token.header["typ"] == "JWT"
    assert token.header["x5t"] == token.header["kid"]
    certificate = x509.load_der_x509_certificate(base64.b64decode(key["x5c"][0]))
    sha1 = hashlib.sha1(certificate.public_bytes(Encoding.DER)).digest()
    assert _encoded(sha1) == key["x5t"] == key["kid"]


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


# -- tokens -------------------------------------------------------------------------------------------------------


def test_a_token_gives_its_claims_back(signing: SigningKeys):
    assert _verify(signing, signing.sign(_claims(roles=["a"]))) == _claims(roles=["a"])


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({"aud": "https://vault.azure.net"}, "Invalid audience"),
        ({"aud": ["https://graph.microsoft.com"]}, "Invalid audience"),
        ({"aud": ...}, "Invalid audience"),
        ({"aud": f"{AUDIENCE}/"}, "Invalid audience"),
        ({"iss": "https://sts.windows.net/another/"}, "Invalid issuer"),
        ({"iss": "https://evil.example/"}, "Invalid issuer"),
        ({"iss": "https://sts.windows.net/{tenantid}/"}, "Invalid issuer"),
        ({"iss": ...}, "Invalid issuer"),
        ({"iss": 5}, "Invalid issuer"),
        ({"iss": ["https://sts.windows.net/"]}, "Invalid issuer"),
        ({"tid": ...}, "Invalid issuer"),
        ({"tid": 5}, "Invalid issuer"),
        ({"tid": "99999999-2222-3333-4444-555555555555"}, "Invalid issuer"),
        ({"exp": int(NOW.timestamp())}, "the token is expired"),
        ({"exp": int(NOW.timestamp()) - 9999}, "the token is expired"),
        ({"exp": ...}, "no lifetime"),
        ({"exp": "tomorrow"}, "no lifetime"),
        ({"nbf": int(NOW.timestamp()) + 1}, "not valid yet"),
        ({"nbf": ...}, "no lifetime"),
    ],
)
def test_a_token_of_ours_that_says_the_wrong_thing_is_refused(signing: SigningKeys, claims: dict[str, Any], words: str):
    with pytest.raises(Unauthenticated, match=words) as refused:
        _verify(signing, signing.sign(_claims(**claims)))
    assert refused.value.code == "InvalidAuthenticationToken"


def test_a_token_is_good_until_the_second_it_ends(signing: SigningKeys):
    token = signing.sign(_claims())
    assert _verify(signing, token, now=NOW + timedelta(seconds=59))
    with pytest.raises(Unauthenticated, match="expired"):
        _verify(signing, token, now=NOW + timedelta(seconds=60))


def _forgeries(signing: SigningKeys, identity: Identity) -> dict[str, str]:
    """Tokens with the right claims that nobody here signed."""
    good = signing.sign(_claims())
    header, payload, signature = good.split(".")
    kid = _kid(signing)
    body = _encoded(_claims())
    stranger = RSAKey.import_key(identity.key)
    own = x509.load_der_x509_certificate(base64.b64decode(signing.jwks()["keys"][0]["x5c"][0]))
    pem = own.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def hs256(secret: bytes) -> str:
        signed = f"{_encoded({'alg': 'HS256', 'typ': 'JWT', 'kid': kid})}.{body}"
        return f"{signed}.{_encoded(hmac.digest(secret, signed.encode(), 'sha256'))}"

    def foreign(**more: Any) -> str:
        return jwt.encode({"alg": "RS256", "kid": kid} | more, _claims(), stranger)

    def relabelled(**changed: Any) -> str:
        return f"{_encoded({'alg': 'RS256', 'kid': kid} | changed)}.{body}.{signature}"

    public = {"kty": "RSA", **{name: str(stranger.as_dict(private=False)[name]) for name in ("n", "e")}}
    return {
        "none": f"{_encoded({'alg': 'none', 'kid': kid})}.{body}.",
        "None": f"{_encoded({'alg': 'None', 'kid': kid})}.{body}.{signature}",
        "HS256 with the public key as PEM": hs256(pem),
        "HS256 with the kid": hs256(kid.encode()),
        "HS256 with nothing": hs256(b""),
        "another key under our kid": foreign(),
        "another key with its own jwk": foreign(jwk=public),
        "another key with jku": foreign(jku="https://evil.example/keys"),
        "another key with x5u": foreign(x5u="https://evil.example/cert"),
        "another key with x5c": foreign(x5c=[base64.b64encode(identity.facts.der).decode()]),
        "unknown kid": foreign(kid="unknown"),
        "kid as a path": foreign(kid="../../server.key"),
        "no kid": jwt.encode({"alg": "RS256"}, _claims(), stranger),
        "kid that is no text": relabelled(kid=5),
        "no alg": f"{_encoded({'kid': kid})}.{body}.{signature}",
        "PS256 label": relabelled(alg="PS256"),
        "RS512 label": relabelled(alg="RS512"),
        "crit": relabelled(crit=["exp"]),
        "crit of another type": relabelled(crit=5),
        "b64": relabelled(b64=False),
        "other claims": f"{header}.{_encoded(_claims(roles=['All']))}.{signature}",
        "no signature": f"{header}.{payload}.",
        "signature of zeros": f"{header}.{payload}.{_encoded(bytes(256))}",
        "signature cut": f"{header}.{payload}.{signature[:-4]}",
        "signature flipped": f"{header}.{payload}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}",
    }


_NAMES = [
    "none",
    "None",
    "HS256 with the public key as PEM",
    "HS256 with the kid",
    "HS256 with nothing",
    "another key under our kid",
    "another key with its own jwk",
    "another key with jku",
    "another key with x5u",
    "another key with x5c",
    "unknown kid",
    "kid as a path",
    "no kid",
    "kid that is no text",
    "no alg",
    "PS256 label",
    "RS512 label",
    "crit",
    "crit of another type",
    "b64",
    "other claims",
    "no signature",
    "signature of zeros",
    "signature cut",
    "signature flipped",
]


@pytest.mark.parametrize("name", _NAMES)
def test_a_forged_token_is_refused(signing: SigningKeys, identity: Identity, name: str):
    with pytest.raises(Unauthenticated):
        _verify(signing, _forgeries(signing, identity)[name])


def test_every_forgery_is_tried(signing: SigningKeys, identity: Identity):
    assert list(_forgeries(signing, identity)) == _NAMES


def test_a_token_of_another_directory_is_refused(signing: SigningKeys, store: Store):
    other = keys_at(store)
    with pytest.raises(Unauthenticated, match="Invalid signature"):
        _verify(signing, other.sign(_claims()))


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a",
        "a.b",
        "a.b.c",
        "a.b.c.d",
        "...",
        "..",
        "ä.b.c",
        "\ud800.b.c",
        _encoded([]) + ".a.b",
        _encoded("x") + ".a.b",
        _encoded(b"[" * 20_000) + ".a.b",
        _encoded(b'{"alg":"RS256","kid":"' + b"\xff" + b'"}') + ".a.b",
        _encoded({"alg": 5}) + ".a.b",
        "e30.e30.e30",
        "x" * (MAX_TOKEN_LENGTH + 1),
        "." * MAX_TOKEN_LENGTH,
    ],
)
def test_what_is_no_token_is_refused(signing: SigningKeys, token: str):
    with pytest.raises(Unauthenticated):
        _verify(signing, token)


def test_a_payload_that_is_no_object_is_refused_though_we_signed_it(store: Store):
    ours = keys_at(store)
    with store.read() as conn:
        key = RSAKey.import_key(list_signing_keys(conn)[0].private_key)
    for payload in (b"[]", b"5", b"", b"[" * 5000, b'{"aud":'):
        token = jws.serialize_compact({"alg": "RS256", "kid": _kid(ours)}, payload, key, algorithms=["RS256"])
        with pytest.raises(Unauthenticated):
            _verify(ours, token)


def test_a_long_token_of_many_roles_is_still_read(signing: SigningKeys):
    roles = [f"Some.Long.Permission.Name.{number}" for number in range(800)]
    token = signing.sign(_claims(roles=roles))
    assert len(token) < MAX_TOKEN_LENGTH
    assert _verify(signing, token)["roles"] == roles


def test_a_private_key_never_stands_in_an_error(store: Store, tmp_path: Path, identity: Identity):
    directory = tmp_path / "keys"
    directory.mkdir()
    (directory / "k.pem").write_bytes(pki.private_to_pem(identity.key))
    with pytest.raises(Invalid) as refused:
        take_over_files(store, directory)
    assert "PRIVATE KEY" not in str(refused.value)
