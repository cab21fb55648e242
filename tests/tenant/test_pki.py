"""The authority, the server certificate and the administrator's certificate."""

from __future__ import annotations

import shutil
import ssl
import stat
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.local_tenant import NOW
from unsecret.errors import Invalid
from unsecret.tenant.pki import ServerCertificate, administrator_certificate, ensure_server_certificate
from unsecret.tenant.settings import server_settings

NAMES = frozenset({"localhost", "127.0.0.1", "::1", "graph.microsoft.com"})


def _ensure(data: Path, names=NAMES, *, days: int = 0) -> ServerCertificate:
    return ensure_server_certificate(data, names, now=NOW + timedelta(days=days))


def _load(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def _names(certificate: x509.Certificate) -> set[str]:
    known = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(name.value) for name in known}


def test_every_file_is_for_its_owner_only(tmp_path: Path):
    data = tmp_path / "data"
    _ensure(data)
    administrator_certificate(data, now=NOW)
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in data.iterdir()}
    assert modes == dict.fromkeys(("ca.pem", "ca.key", "server.pem", "server.key", "administrator.pem"), 0o600)


def test_the_authority_can_issue_server_certificates_and_nothing_below_them(tmp_path: Path):
    ca = _load(_ensure(tmp_path).ca)
    constraints = ca.extensions.get_extension_for_class(x509.BasicConstraints)
    usage = ca.extensions.get_extension_for_class(x509.KeyUsage)
    assert constraints.critical
    assert (constraints.value.ca, constraints.value.path_length) == (True, 0)
    assert usage.critical
    assert usage.value.key_cert_sign
    assert not usage.value.digital_signature


def test_the_server_certificate_is_for_servers_and_for_every_name(tmp_path: Path):
    files = _ensure(tmp_path)
    certificate = _load(files.certificate)
    certificate.verify_directly_issued_by(_load(files.ca))
    assert _names(certificate) == NAMES
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.SERVER_AUTH]


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed: apt-get install openssl")
def test_a_strict_verifier_accepts_the_chain(tmp_path: Path):
    files = _ensure(tmp_path)
    command = ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", "graph.microsoft.com"]
    command += ["-attime", str(int(NOW.timestamp())), "-CAfile", str(files.ca), str(files.certificate)]
    assert subprocess.run(command, capture_output=True, text=True).stdout == f"{files.certificate}: OK\n"


def test_the_settings_of_a_server_name_microsofts_hosts_and_its_own(tmp_path: Path):
    settings = server_settings(tmp_path, host="tenant.example")
    names = _names(_load(_ensure(tmp_path, settings.hosts).certificate))
    assert {"localhost", "127.0.0.1", "::1", "tenant.example", "login.microsoftonline.com"} <= names
    assert {"graph.microsoft.com", "management.azure.com", "login.windows.net", "sts.windows.net"} <= names


@pytest.mark.parametrize(("days", "renewed"), [(0, False), (300, False), (370, True), (500, True)])
def test_the_server_certificate_is_renewed_near_its_end_and_the_authority_is_kept(
    tmp_path: Path, days: int, renewed: bool
):
    files = _ensure(tmp_path)
    before, authority = files.certificate.read_bytes(), files.ca.read_bytes()
    _ensure(tmp_path, days=days)
    assert (files.certificate.read_bytes() != before) is renewed
    assert files.ca.read_bytes() == authority
    assert _load(files.certificate).not_valid_after_utc > NOW + timedelta(days=days + 30)


def test_the_server_certificate_is_renewed_for_a_new_name_and_the_authority_is_kept(tmp_path: Path):
    files = _ensure(tmp_path)
    authority = files.ca.read_bytes()
    _ensure(tmp_path, NAMES | {"tenant.example", "192.168.7.7"})
    assert {"tenant.example", "192.168.7.7"} <= _names(_load(files.certificate))
    after = files.certificate.read_bytes()
    _ensure(tmp_path, NAMES)
    assert files.certificate.read_bytes() == after
    assert files.ca.read_bytes() == authority


@pytest.mark.parametrize("file", ["server.pem", "server.key"])
@pytest.mark.parametrize("damage", [None, b"", b"garbage"], ids=["gone", "empty", "garbage"])
def test_a_damaged_server_certificate_is_made_anew(tmp_path: Path, file: str, damage: bytes | None):
    files = _ensure(tmp_path)
    authority = files.ca.read_bytes()
    if damage is None:
        (tmp_path / file).unlink()
    else:
        (tmp_path / file).write_bytes(damage)
    _ensure(tmp_path)
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(files.certificate, files.key)
    assert files.ca.read_bytes() == authority


def test_a_key_that_is_not_the_certificates_is_replaced_with_it(tmp_path: Path):
    files = _ensure(tmp_path / "one")
    other = _ensure(tmp_path / "two")
    files.key.write_bytes(other.key.read_bytes())
    _ensure(tmp_path / "one")
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(files.certificate, files.key)


def test_a_server_certificate_of_another_authority_is_replaced(tmp_path: Path):
    files, other = _ensure(tmp_path / "one"), _ensure(tmp_path / "two")
    files.key.write_bytes(other.key.read_bytes())
    files.certificate.write_bytes(other.certificate.read_bytes())
    _ensure(tmp_path / "one")
    _load(files.certificate).verify_directly_issued_by(_load(files.ca))


@pytest.mark.parametrize("lose", [lambda key: key.unlink(), lambda key: key.write_bytes(b"garbage")])
def test_without_the_authoritys_key_a_good_certificate_still_serves_and_a_renewal_says_what_to_do(tmp_path: Path, lose):
    files = _ensure(tmp_path)
    before = files.certificate.read_bytes()
    lose(tmp_path / "ca.key")
    _ensure(tmp_path)
    assert files.certificate.read_bytes() == before
    with pytest.raises(Invalid, match=r"ca\.key is missing or does not belong.*Delete .*ca\.pem"):
        _ensure(tmp_path, days=380)


def test_a_start_that_died_between_key_and_certificate_is_begun_again(tmp_path: Path):
    files = _ensure(tmp_path)
    files.ca.unlink()
    _ensure(tmp_path)
    _load(files.certificate).verify_directly_issued_by(_load(files.ca))


def test_an_authority_at_its_end_is_replaced(tmp_path: Path):
    files = _ensure(tmp_path)
    before = files.ca.read_bytes()
    _ensure(tmp_path, days=3640)
    assert files.ca.read_bytes() != before
    _load(files.certificate).verify_directly_issued_by(_load(files.ca))


def test_two_authorities_have_different_names(tmp_path: Path):
    assert _load(_ensure(tmp_path / "one").ca).subject != _load(_ensure(tmp_path / "two").ca).subject


# -- the administrator ------------------------------------------------------------------------------------------


def test_the_administrators_file_holds_a_certificate_and_its_rsa_key(tmp_path: Path):
    facts = administrator_certificate(tmp_path, now=NOW)
    content = (tmp_path / "administrator.pem").read_bytes()
    key = load_pem_private_key(content, None)
    assert isinstance(key, RSAPrivateKey)
    assert key.key_size == 2048
    certificate = x509.load_pem_x509_certificate(content)
    assert certificate.public_key() == key.public_key()
    assert facts.subject == "CN=unsecret administrator"
    assert facts.not_before <= NOW < facts.not_after


@pytest.mark.parametrize(("days", "renewed"), [(0, False), (300, False), (340, True), (400, True)])
def test_the_administrators_certificate_is_renewed_near_its_end(tmp_path: Path, days: int, renewed: bool):
    first = administrator_certificate(tmp_path, now=NOW)
    again = administrator_certificate(tmp_path, now=NOW + timedelta(days=days))
    assert (again.thumbprint != first.thumbprint) is renewed


def test_a_damaged_administrators_file_is_made_anew(tmp_path: Path):
    administrator_certificate(tmp_path, now=NOW)
    (tmp_path / "administrator.pem").write_bytes(b"garbage")
    administrator_certificate(tmp_path, now=NOW)
    load_pem_private_key((tmp_path / "administrator.pem").read_bytes(), None)
