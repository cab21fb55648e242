"""certificateBasedApplicationConfigurations and the authorities in them, one by one (beta)."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.local_tenant import NOW, Identity, LocalTenant, new_identity

ROOT = "/beta/directory/certificateAuthorities/certificateBasedApplicationConfigurations"
OTHER = new_identity("other authority")


def authority(identity: Identity = OTHER, **changed: Any) -> dict[str, Any]:
    return {"isRootAuthority": True, "certificate": base64.b64encode(identity.facts.der).decode()} | changed


@pytest.fixture
def path(tenant: LocalTenant) -> str:
    """A list with one authority."""
    body = {"displayName": "ours", "trustedCertificateAuthorities": [authority(tenant.identity)]}
    return f"{ROOT}/{tenant.must('POST', ROOT, body)['id']}"


def test_a_list_is_renamed(tenant: LocalTenant, path: str) -> None:
    changed = tenant.must("PATCH", path, {"displayName": "theirs"})
    assert changed["displayName"] == tenant.get(path)["displayName"] == "theirs"
    tenant.must("PATCH", path, {"description": "of the factory"})
    assert (tenant.get(path)["displayName"], tenant.get(path)["description"]) == ("theirs", "of the factory")
    tenant.refused("PATCH", path, {"trustedCertificateAuthorities": []}, status=400)


def test_authorities_come_and_go_one_by_one(tenant: LocalTenant, path: str) -> None:
    authorities = f"{path}/trustedCertificateAuthorities"
    (first,) = tenant.get(authorities)["value"]
    assert first["id"]
    added = tenant.graph("POST", authorities, authority())
    assert added.status_code == 201
    second = added.json()
    assert second["issuer"] == "CN=other authority"
    assert tenant.get(f"{authorities}/{second['id']}")["certificate"] == authority()["certificate"]
    tenant.must("PATCH", f"{authorities}/{second['id']}", {"isRootAuthority": False})
    assert tenant.get(f"{authorities}/{second['id']}")["isRootAuthority"] is False
    assert tenant.get(f"{authorities}?$select=id")["value"] == [{"id": first["id"]}, {"id": second["id"]}]
    assert tenant.graph("DELETE", f"{authorities}/{first['id']}").status_code == 204
    assert [one["id"] for one in tenant.get(path)["trustedCertificateAuthorities"]] == [second["id"]]
    tenant.refused("DELETE", f"{authorities}/{second['id']}", status=400)
    for method in ("GET", "DELETE"):
        tenant.refused(method, f"{authorities}/{first['id']}", status=404)


def test_authorities_are_counted(tenant: LocalTenant, path: str) -> None:
    tenant.must("POST", f"{path}/trustedCertificateAuthorities", authority())
    answer = tenant.graph("GET", f"{path}/trustedCertificateAuthorities/$count", ConsistencyLevel="eventual")
    assert (answer.status_code, answer.text) == (200, "2")


def test_a_list_has_room_for_ten(tenant: LocalTenant, path: str) -> None:
    for _ in range(9):
        tenant.must("POST", f"{path}/trustedCertificateAuthorities", authority())
    tenant.refused("POST", f"{path}/trustedCertificateAuthorities", authority(), status=400)


@pytest.mark.parametrize("body", [{}, {"isRootAuthority": True}, authority(certificate="AAAA")])
def test_what_is_no_authority_is_refused(tenant: LocalTenant, path: str, body: dict[str, Any]) -> None:
    tenant.refused("POST", f"{path}/trustedCertificateAuthorities", body, status=400)


def test_who_may_only_read_changes_nothing(tenant: LocalTenant, path: str) -> None:
    reader = tenant.as_workload("AppCertTrustConfiguration.Read.All").token
    authorities = f"{path}/trustedCertificateAuthorities"
    (first,) = tenant.get(authorities, token=reader)["value"]
    one = f"{authorities}/{first['id']}"
    for method, where, body in (
        ("PATCH", path, {"displayName": "x"}),
        ("POST", authorities, authority()),
        ("PATCH", one, {"isRootAuthority": False}),
        ("DELETE", one, None),
    ):
        tenant.refused(method, where, body, status=403, token=reader)
    tenant.refused("GET", authorities, status=403, token=tenant.as_workload().token)


def test_an_authority_that_is_added_counts_at_once(tenant: LocalTenant, path: str) -> None:
    entry = {
        "restrictionType": "trustedCertificateAuthority",
        "state": "enabled",
        "certificateBasedApplicationConfigurationIds": [path.rpartition("/")[2]],
    }
    policy = {"isEnabled": True, "applicationRestrictions": {"keyCredentials": [entry]}}
    tenant.must("PATCH", "/beta/policies/defaultAppManagementPolicy", policy)
    made = tenant.new_application()
    root, leaf = chain()
    key = base64.b64encode(leaf).decode()
    body = {"keyCredentials": [{"type": "AsymmetricX509Cert", "usage": "Verify", "key": key}]}
    tenant.refused("PATCH", f"/applications/{made['id']}", body, status=400)
    authorities = f"{path}/trustedCertificateAuthorities"
    added = tenant.must("POST", authorities, authority(certificate=base64.b64encode(root).decode()))
    tenant.must("PATCH", f"/applications/{made['id']}", body)
    tenant.must("DELETE", f"{authorities}/{added['id']}")
    tenant.must("PATCH", f"/applications/{made['id']}", {"keyCredentials": []})
    tenant.refused("PATCH", f"/applications/{made['id']}", body, status=400)


def chain() -> tuple[bytes, bytes]:
    """An authority, and a certificate that it issued."""
    key = ec.generate_private_key(ec.SECP256R1())

    def issued(subject: str, *, is_authority: bool) -> bytes:
        name, issuer = (
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)]) for text in (subject, "Contoso Root")
        )
        builder = x509.CertificateBuilder(issuer, name, key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(NOW).not_valid_after(NOW + timedelta(days=30))
        builder = builder.add_extension(x509.BasicConstraints(is_authority, None), critical=True)
        return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)

    return issued("Contoso Root", is_authority=True), issued("payroll", is_authority=False)


def test_lists_are_listed_and_deleted(tenant: LocalTenant, path: str) -> None:
    (listed,) = tenant.get(ROOT)["value"]
    assert path.endswith(listed["id"])
    tenant.must("DELETE", path)
    assert tenant.get(ROOT)["value"] == []
