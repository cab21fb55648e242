"""Secrets and keys as real clients send them, and as Graph shows them."""

from __future__ import annotations

from base64 import b64decode, b64encode, urlsafe_b64encode
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from unsecret.errors import Invalid
from unsecret.model.application import KeyCredential, KeyType, KeyUsage, PasswordCredential
from unsecret.model.identifiers import KeyId
from unsecret.wire.credentials import (
    KeyEntry,
    PasswordRequest,
    add_password_from_graph,
    key_to_graph,
    keys_from_graph,
    password_to_graph,
    passwords_from_graph,
    remove_password_from_graph,
)

START, END = datetime(2026, 11, 22, 4, 30, tzinfo=UTC), datetime(2027, 11, 22, 4, 30, tzinfo=UTC)
KEY_ID = KeyId("aaaaaaaa-0000-0000-0000-000000000001")
HEX = "BB5D1064437D8720A5C53078185E6A361A78B10A"
_PRIVATE_KEY = ec.generate_private_key(ec.SECP256R1())


def _certificate() -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    builder = x509.CertificateBuilder(name, name, _PRIVATE_KEY.public_key(), 1000, START, END)
    return builder.sign(_PRIVATE_KEY, hashes.SHA256())


CERTIFICATE = _certificate()
DER, PEM = CERTIFICATE.public_bytes(Encoding.DER), CERTIFICATE.public_bytes(Encoding.PEM)
PRIVATE_PEM = _PRIVATE_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
BASE64 = b64encode(DER).decode()
WRAPPED = "".join(PEM.decode().splitlines(keepends=True)[1:-1])


def one_key(**members: Any) -> KeyEntry:
    (entry,) = keys_from_graph([members], "keyCredentials")
    return entry


@pytest.mark.parametrize(
    "key",
    [
        BASE64,
        WRAPPED,
        urlsafe_b64encode(DER).decode().rstrip("="),
        f" {BASE64}\r\n",
        b64encode(PEM).decode(),
        b64encode(b"\r\n" + PEM.replace(b"\n", b"\r\n")).decode(),
        b64encode(b"Bag Attributes\n" + PEM).decode(),
    ],
    ids=["der", "with line breaks", "url-safe", "white space", "PEM", "PEM of Windows", "PEM of OpenSSL"],
)
def test_a_certificate_is_read_in_every_form_that_clients_send(key: str) -> None:
    assert one_key(key=key).key == DER


@pytest.mark.parametrize("key", ["", "not base64!", "QQ=Q", "A", "é", 7, True, [], "A" * 70_000])
def test_broken_base64_is_refused_without_repeating_it(key: Any) -> None:
    with pytest.raises(Invalid, match=r"keyCredentials\[0\]\.key") as caught:
        one_key(key=key)
    assert caught.value.target == "keyCredentials[0].key"
    assert not (isinstance(key, str) and key and key in caught.value.message.replace("keyCredentials[0].key", ""))


def test_pem_without_a_certificate_is_refused() -> None:
    with pytest.raises(Invalid, match="certificate"):
        one_key(key=b64encode(b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n").decode())


def test_a_private_key_is_refused_and_called_what_it_is() -> None:
    with pytest.raises(Invalid, match="private key") as caught:
        one_key(key=b64encode(PRIVATE_PEM + PEM).decode())
    assert "BEGIN" not in caught.value.message


def test_the_entry_that_azure_cli_sends_for_a_new_certificate() -> None:
    entry = one_key(
        **{
            "@odata.type": "#microsoft.graph.keyCredential",
            "displayName": None,
            "endDateTime": "2027-11-22T04:30:00Z",
            "key": WRAPPED,
            "keyId": KEY_ID.upper(),
            "startDateTime": "2026-11-22T04:30:00Z",
            "type": "AsymmetricX509Cert",
            "usage": "Verify",
        }
    )
    assert entry == KeyEntry(
        key_id=KEY_ID,
        type=KeyType.CERTIFICATE,
        usage=KeyUsage.VERIFY,
        key=DER,
        start_at=START,
        end_at=END,
    )


def test_an_echoed_entry_has_no_key() -> None:
    entry = one_key(keyId=KEY_ID, key=None, customKeyIdentifier=HEX)
    assert (entry.key_id, entry.key, entry.custom_key_identifier) == (KEY_ID, None, HEX)
    assert one_key(keyId=KEY_ID, customKeyIdentifier=HEX) == entry


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (HEX, HEX),
        (HEX.lower(), HEX),
        (b64encode(bytes.fromhex(HEX)).decode(), HEX),
        (urlsafe_b64encode(bytes.fromhex(HEX)).decode().rstrip("="), HEX),
        ("bXkga2V5", "bXkga2V5"),
        ("bXkga2V5IQ", "bXkga2V5IQ=="),
        (None, None),
    ],
)
def test_the_identifier_of_a_key_is_kept_as_a_thumbprint(sent: str | None, kept: str | None) -> None:
    assert one_key(customKeyIdentifier=sent).custom_key_identifier == kept


WRONG_MEMBERS: list[tuple[dict[str, Any], str]] = [
    ({"type": "Certificate"}, "AsymmetricX509Cert, X509CertAndPassword, Symmetric"),
    ({"type": "asymmetricX509Cert"}, "AsymmetricX509Cert"),
    ({"usage": "verify"}, "Verify, Sign, Encrypt"),
    ({"keyId": "1"}, "a GUID"),
    ({"displayName": 7}, "a string"),
    ({"displayName": "x" * 257}, "at most 256"),
    ({"startDateTime": "2026-11-22"}, "an instant"),
    ({"endDateTime": 1600000000}, "an instant"),
    ({"customKeyIdentifier": "not base64!"}, "base64"),
    ({"thumbprint": HEX}, "Invalid property 'thumbprint'"),
]


@pytest.mark.parametrize(("members", "expectation"), WRONG_MEMBERS)
def test_a_wrong_member_of_a_key_is_named_with_what_is_expected(members: dict[str, Any], expectation: str) -> None:
    with pytest.raises(Invalid) as caught:
        one_key(**members)
    assert caught.value.target == f"keyCredentials[0].{next(iter(members))}"
    assert expectation in caught.value.message


@pytest.mark.parametrize("value", [{}, "x", 1, [None], ["x"], [{}] * 501])
def test_what_is_no_collection_of_keys_is_refused(value: Any) -> None:
    with pytest.raises(Invalid, match="keyCredentials"):
        keys_from_graph(value, "keyCredentials")


@pytest.mark.parametrize("body", [None, {}, {"passwordCredential": None}, {"passwordCredential": {}}, {"@odata.x": 1}])
def test_a_secret_can_be_asked_for_without_a_word(body: Any) -> None:
    assert add_password_from_graph(body) == PasswordRequest()


def test_the_body_that_azure_cli_sends_for_a_secret() -> None:
    asked = {"displayName": None, "endDateTime": "2027-11-22T04:30:00Z", "startDateTime": "2026-11-22T04:30:00Z"}
    assert add_password_from_graph({"passwordCredential": asked}) == PasswordRequest(start_at=START, end_at=END)


@pytest.mark.parametrize("instant", ["2027-11-22T04:30:00.000Z", "2027-11-22T04:30:00+00:00", "2027-11-22T04:30:00"])
def test_the_end_of_a_secret_is_read_in_every_form(instant: str) -> None:
    assert add_password_from_graph({"passwordCredential": {"endDateTime": instant}}).end_at == END


def test_a_text_chosen_by_the_client_is_reported_and_never_shown() -> None:
    asked = add_password_from_graph({"passwordCredential": {"secretText": "hunter2-hunter2"}})
    assert asked.secret_text == "hunter2-hunter2"
    assert "hunter2" not in repr(asked) + str(asked)
    assert "\\x01" not in repr(one_key(key=b64encode(b"\x01" * 32).decode(), type="Symmetric"))


@pytest.mark.parametrize("member", ["startDateTime", "displayName", "keyId", "hint"])
def test_a_secret_in_the_wrong_member_is_not_repeated(member: str) -> None:
    with pytest.raises(Invalid) as caught:
        add_password_from_graph({"passwordCredential": {member: "abc8Q~secret" + "x" * 300}})
    assert "8Q~" not in caught.value.message


@pytest.mark.parametrize(
    ("body", "target"),
    [
        ({"displayName": "x"}, "displayName"),
        ({"passwordCredential": []}, "passwordCredential"),
        ({"passwordCredential": {"keyId": "1"}}, "passwordCredential.keyId"),
        ({"passwordCredential": {"hint": "abc"}}, "passwordCredential.hint"),
        ({"passwordCredential": {"secret": "x"}}, "passwordCredential.secret"),
        ([], None),
        ("x", None),
    ],
)
def test_a_body_that_is_not_addpasswords_is_refused(body: Any, target: str | None) -> None:
    with pytest.raises(Invalid) as caught:
        add_password_from_graph(body)
    assert caught.value.target == target


def test_echoed_nulls_in_a_secret_are_passed_over() -> None:
    nulls = {"customKeyIdentifier": None, "hint": None, "keyId": None, "secretText": None, "displayName": "a"}
    assert passwords_from_graph([nulls], "passwordCredentials") == (PasswordRequest(display_name="a"),)


def test_removing_a_secret_needs_its_key_id() -> None:
    assert remove_password_from_graph({"keyId": KEY_ID.upper()}) == KEY_ID
    for body in (None, {}, {"keyId": None}, {"keyId": "x"}, {"keyId": 7}, {"id": KEY_ID}, []):
        with pytest.raises(Invalid):
            remove_password_from_graph(body)


def test_a_secret_shows_its_text_once_and_its_hint_always() -> None:
    password = PasswordCredential(key_id=KEY_ID, start_at=START, end_at=END, display_name="rbac", hint="g1c")
    shown = {
        "customKeyIdentifier": None,
        "displayName": "rbac",
        "endDateTime": "2027-11-22T04:30:00Z",
        "hint": "g1c",
        "keyId": KEY_ID,
        "secretText": None,
        "startDateTime": "2026-11-22T04:30:00Z",
    }
    assert password_to_graph(password) == shown
    assert password_to_graph(password, secret_text="g1c…") == {**shown, "secretText": "g1c…"}


def test_a_key_shows_its_bytes_only_when_asked_and_then_padded() -> None:
    key = KeyCredential(
        key_id=KEY_ID, type=KeyType.CERTIFICATE, usage=KeyUsage.VERIFY, start_at=START, end_at=END, key=DER[:301]
    )
    assert key_to_graph(key, with_key=False)["key"] is None
    assert b64decode(key_to_graph(key, with_key=True)["key"], validate=True) == DER[:301]
    shown = key_to_graph(key, with_key=True)
    (entry,) = keys_from_graph([shown], "keyCredentials")
    assert (entry.key_id, entry.type, entry.usage, entry.key) == (key.key_id, key.type, key.usage, key.key)


def test_a_symmetric_key_has_no_bytes_to_show() -> None:
    key = KeyCredential(key_id=KEY_ID, type=KeyType.SYMMETRIC, usage=KeyUsage.VERIFY, start_at=START, end_at=END)
    assert key_to_graph(key, with_key=True)["key"] is None
