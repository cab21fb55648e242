"""servicePrincipalLockConfiguration: what an application keeps others from changing on its service principals."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest

from tests.local_tenant import LocalTenant

CODE = "CannotUpdateLockedServicePrincipalProperty"
KEY_ID = "11111111-1111-4111-8111-111111111111"


class Locked:
    """An application with a lock, and its service principal, which has a secret and a certificate from before."""

    def __init__(self, tenant: LocalTenant):
        self.tenant = tenant
        self.application = tenant.new_application("locked")
        self.path = f"/servicePrincipals/{tenant.new_principal(self.application['appId'])['id']}"
        self.secret = tenant.must("POST", f"{self.path}/addPassword", {})["keyId"]
        tenant.must("PATCH", self.path, {"keyCredentials": [self.certificate()]})

    def certificate(self, **changed: Any) -> dict[str, Any]:
        key = base64.b64encode(self.tenant.identity.facts.der).decode()
        return {"type": "AsymmetricX509Cert", "usage": "Verify", "key": key} | changed

    def lock(self, **flags: bool) -> None:
        body = {"servicePrincipalLockConfiguration": {"isEnabled": True} | flags}
        self.tenant.must("PATCH", f"/applications/{self.application['id']}", body)

    def with_key(self, **changed: Any) -> dict[str, Any]:
        present = self.tenant.get(self.path)["keyCredentials"]
        return {"keyCredentials": [*present, self.certificate(**changed)]}


Change = Callable[[Locked], tuple[str, str, Any]]
CHANGES: dict[str, Change] = {
    "add a secret": lambda of: ("POST", f"{of.path}/addPassword", {}),
    "remove a secret": lambda of: ("POST", f"{of.path}/removePassword", {"keyId": of.secret}),
    "add a certificate": lambda of: ("PATCH", of.path, of.with_key()),
    "remove the certificate": lambda of: ("PATCH", of.path, {"keyCredentials": []}),
    "add a signing certificate": lambda of: ("PATCH", of.path, of.with_key(type="X509CertAndPassword", usage="Sign")),
    "set the encryption key": lambda of: ("PATCH", of.path, {"tokenEncryptionKeyId": KEY_ID}),
    "make a token signing certificate": lambda of: (
        "POST",
        f"{of.path}/addTokenSigningCertificate",
        {"displayName": "CN=x"},
    ),
    "rename": lambda of: ("PATCH", of.path, {"notes": "changed"}),
}
VERIFY = {"add a secret", "remove a secret", "add a certificate", "remove the certificate"}
SIGN = {"add a signing certificate", "make a token signing certificate"}


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize(
    ("flags", "refused"),
    [
        ({"allProperties": True}, set(CHANGES) - {"rename"}),
        ({"credentialsWithUsageVerify": True}, VERIFY | {"make a token signing certificate"}),
        ({"credentialsWithUsageSign": True}, SIGN),
        ({"tokenEncryptionKeyId": True}, {"set the encryption key"}),
        ({}, set()),
        ({"isEnabled": False, "allProperties": True}, set()),
    ],
    ids=["all", "verify", "sign", "encryption", "none", "off"],
)
def test_a_lock_holds_what_it_names(tenant: LocalTenant, flags: dict[str, bool], refused: set[str], name: str) -> None:
    locked = Locked(tenant)
    locked.lock(**flags)
    before = tenant.get(locked.path)
    method, path, body = CHANGES[name](locked)
    if name not in refused:
        tenant.must(method, path, body)
        return
    error = tenant.refused(method, path, body, status=400)
    assert error["code"] == CODE
    assert error["message"].startswith("Property ")
    assert tenant.get(locked.path) == before


def test_the_application_itself_is_not_locked(tenant: LocalTenant) -> None:
    locked = Locked(tenant)
    locked.lock(allProperties=True)
    tenant.must("POST", f"/applications/{locked.application['id']}/addPassword", {})


def test_a_lock_that_is_taken_off_holds_nothing(tenant: LocalTenant) -> None:
    locked = Locked(tenant)
    locked.lock(allProperties=True)
    locked.lock(isEnabled=False)
    tenant.must("POST", f"{locked.path}/addPassword", {})


def test_a_service_principal_is_not_made_with_what_is_locked(tenant: LocalTenant) -> None:
    made = tenant.new_application(servicePrincipalLockConfiguration={"isEnabled": True, "allProperties": True})
    key = base64.b64encode(tenant.identity.facts.der).decode()
    keys = [{"type": "AsymmetricX509Cert", "usage": "Verify", "key": key}]
    error = tenant.refused("POST", "/servicePrincipals", {"appId": made["appId"], "keyCredentials": keys}, status=400)
    assert error["code"] == CODE
    tenant.new_principal(made["appId"])


def test_a_new_application_has_no_lock(tenant: LocalTenant) -> None:
    assert tenant.get(f"/applications/{tenant.new_application()['id']}")["servicePrincipalLockConfiguration"] is None
