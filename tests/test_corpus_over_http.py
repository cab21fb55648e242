"""The corpus once more, as real calls: what the law decides is what a client is answered.

tests/corpus/README.md describes a case. Here the policies are PATCHed and POSTed, the object is put into the
store as the case describes it, and the operation is a request like any other.
"""

from __future__ import annotations

import base64
import secrets as random
import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.corpus_cases import HTTP, VERIFIED_DOMAINS, Case, StoredCredential, Subject, filled, load_cases
from tests.local_tenant import BASE, Identity, LocalTenant
from unsecret.model.application import (
    Application,
    KeyCredential,
    KeyType,
    KeyUsage,
    PasswordCredential,
    ServicePrincipal,
)
from unsecret.model.identifiers import AppId, KeyId, ObjectId, TenantId
from unsecret.store import directory_objects
from unsecret.tenant import secrets
from unsecret.tenant.bootstrap import MICROSOFT_TENANT_ID
from unsecret.tenant.certificates import read_certificate
from unsecret.tenant.signing import SigningKeys
from unsecret.wire.instants import parse_instant

CASES = load_cases(HTTP)
DEFAULT = "/policies/defaultAppManagementPolicy"
CUSTOM = "/policies/appManagementPolicies"
TRUSTED = "/beta/directory/certificateAuthorities/certificateBasedApplicationConfigurations"
COLLECTION = {"application": "applications", "servicePrincipal": "servicePrincipals"}
SUCCESS = {"addPassword": 200, "createApplication": 201, "requestToken": 200}
NO_CONTENT = 204


class Authority:
    """A certificate authority, or a key that signs for itself."""

    def __init__(self, name: str):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])

    def certificate(self, start: datetime, end: datetime, *, subject: str | None = None) -> bytes:
        """DER: of the authority itself, or of `subject`, issued by it."""
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]) if subject else self.name
        builder = x509.CertificateBuilder(
            issuer_name=self.name,
            subject_name=name,
            public_key=self.key.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=start,
            not_valid_after=end,
        ).add_extension(x509.BasicConstraints(ca=subject is None, path_length=None), critical=True)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(Encoding.DER)


class Stage:
    """A tenant in which one case is played."""

    def __init__(self, tenant: LocalTenant, case: Case):
        self.tenant, self.case = tenant, case
        self.version = "/beta" if case.beta else "/v1.0"
        self.authorities = {name: Authority(name) for name in case.trusted_authorities}
        self.names: dict[str, str] = {"tenantId": tenant.tenant_id}
        self.secret_texts: dict[str, str] = {}
        self.ids: dict[str, str] = {}
        tenant.clock.now = case.now
        tenant.sign_in_again()

    def set(self) -> None:
        """Bring the tenant into the state that the case begins with."""
        self._exempt_the_caller()
        for name, authority in self.authorities.items():
            self.names[f"trusted:{name}"] = self._trust(name, authority)
        self._seed(self.case.object)
        if self.case.default_policy is not None:
            self.tenant.must("PATCH", f"{self.version}{DEFAULT}", filled(self.case.default_policy, self.names))
        custom = self.case.custom_policy
        if custom is not None:
            self.ids["custom"] = self._make_policy(custom.body)
            if custom.linked_to:
                path = f"/{COLLECTION[custom.linked_to]}/{self.ids[custom.linked_to]}/appManagementPolicies"
                self.tenant.must("POST", f"{path}/$ref", self._reference(self.ids["custom"]))
                if custom.unlinked_again:
                    self.tenant.must("DELETE", f"{path}/{self.ids['custom']}/$ref")
        self.ids["default"] = self.tenant.get(DEFAULT)["id"]

    def _exempt_the_caller(self) -> None:
        (attributes,) = self.case.caller.attributes or ({},)
        if attributes:
            principal = self.tenant.get(f"/servicePrincipals(appId='{self.tenant.new.client_id}')")
            for set_name, held in attributes.items():
                for name in held:
                    self.tenant.define_attribute(set_name, name)
            body = {"customSecurityAttributes": dict(attributes)}
            self.tenant.must("PATCH", f"/servicePrincipals/{principal['id']}", body)

    def _trust(self, name: str, authority: Authority) -> str:
        der = authority.certificate(self.case.now - timedelta(days=3650), self.case.now + timedelta(days=3650))
        entry = {"certificate": base64.b64encode(der).decode(), "isRootAuthority": True}
        body = {"displayName": name, "description": name, "trustedCertificateAuthorities": [entry]}
        return self.tenant.must("POST", TRUSTED, body)["id"]

    def _make_policy(self, body: Mapping[str, Any]) -> str:
        return self.tenant.must("POST", f"{self.version}{CUSTOM}", filled(body, self.names))["id"]

    def _reference(self, policy_id: str) -> dict[str, str]:
        return {"@odata.id": f"{BASE}/v1.0{CUSTOM}/{policy_id}"}

    # -- the object, straight into the store: nobody may write its past -----------------------------------------

    def _seed(self, subject: Subject | None) -> None:
        app_id = AppId(str(uuid.uuid4()))
        self.names |= {"appId": app_id, "APPID": app_id.upper()}
        if subject is None:
            return
        application = self._application(subject, app_id)
        principal = self._principal(subject, app_id)
        self.ids |= {"application": application.id, "servicePrincipal": principal.id}
        digests = {KeyId(key): secrets.digest(text) for key, text in self._texts(subject).items()}
        objects = [principal] if subject.home == "elsewhere" else [application, principal]

        def seed(conn) -> None:
            for obj in objects:
                own = {password.key_id: digests[password.key_id] for password in obj.password_credentials}
                directory_objects.add(conn, self.tenant.tenant_id, obj, digests=own)

        self.tenant.store.write(seed).result()

    def _texts(self, subject: Subject) -> dict[str, str]:
        self.secret_texts = {secret.key_id: secrets.new_secret() for secret in subject.password_credentials}
        return self.secret_texts

    def _application(self, subject: Subject, app_id: AppId) -> Application:
        credentials = self._credentials(subject, "application")
        return Application(
            id=ObjectId(str(uuid.uuid4())),
            app_id=app_id,
            display_name="the object",
            created_at=subject.created_at,
            sign_in_audience=subject.sign_in_audience,
            requested_access_token_version=subject.requested_access_token_version,
            identifier_uris=tuple(filled(subject.identifier_uris, self.names)),
            web_redirect_uris=subject.web_redirect_uris,
            spa_redirect_uris=subject.spa_redirect_uris,
            public_client_redirect_uris=subject.public_client_redirect_uris,
            **credentials,
        )

    def _principal(self, subject: Subject, app_id: AppId) -> ServicePrincipal:
        owner = self.tenant.tenant_id if subject.home == "here" else MICROSOFT_TENANT_ID
        return ServicePrincipal(
            id=ObjectId(str(uuid.uuid4())),
            app_id=app_id,
            display_name="the object",
            created_at=subject.created_at,
            app_owner_organization_id=TenantId(owner),
            service_principal_names=(app_id,),
            preferred_single_sign_on_mode=subject.preferred_single_sign_on_mode,
            custom_security_attributes=subject.custom_security_attributes,
            **self._credentials(subject, "servicePrincipal"),
        )

    def _credentials(self, subject: Subject, kind: str) -> dict[str, Any]:
        if subject.kind != kind:
            return {}
        return {
            "password_credentials": tuple(_password(stored) for stored in subject.password_credentials),
            "key_credentials": tuple(self._key(stored) for stored in subject.key_credentials),
        }

    def _key(self, stored: StoredCredential) -> KeyCredential:
        kind = KeyType(stored.type or KeyType.CERTIFICATE)
        key = KeyCredential(
            key_id=KeyId(stored.key_id),
            type=kind,
            usage=KeyUsage(stored.usage or KeyUsage.VERIFY),
            start_at=stored.start_at,
            end_at=stored.end_at,
        )
        if kind is KeyType.SYMMETRIC:
            return key
        facts = read_certificate(Authority("seeded").certificate(stored.start_at, stored.end_at))
        return KeyCredential(
            **{name: getattr(key, name) for name in ("key_id", "type", "usage", "start_at", "end_at")},
            key=facts.der,
            custom_key_identifier=facts.thumbprint,
            thumbprint_sha1=facts.thumbprint_sha1,
            thumbprint_sha256=facts.thumbprint_sha256,
        )

    # -- the operation ------------------------------------------------------------------------------------------

    def play(self):
        """Make the call that the case is about; returns the answer."""
        name, body = self.case.operation.name, self._body()
        if name == "requestToken":
            secret = self.secret_texts[body["keyId"]]
            return self.tenant.token_request(client_id=self.names["appId"], client_secret=secret)
        if name == "createApplication":
            return self.tenant.graph("POST", "/applications", body)
        assert self.case.object is not None
        path = f"/{COLLECTION[self.case.object.kind]}/{self.ids[self.case.object.kind]}"
        if name == "assignPolicy":
            second = self._make_policy(body)
            return self.tenant.graph("POST", f"{path}/appManagementPolicies/$ref", self._reference(second))
        if name in ("addPassword", "removePassword"):
            return self.tenant.graph("POST", f"{path}/{name}", body)
        return self.tenant.graph("PATCH", path, body)

    def _body(self) -> dict[str, Any]:
        written = dict(self.case.operation.body)
        keys = [self._sent_key(entry) for entry in written.pop("keyCredentials", ())]
        body = filled(written, self.names)
        return {**body, "keyCredentials": keys} if keys or "keyCredentials" in self.case.operation.body else body

    def _sent_key(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        """A key entry; its certificate is made for the dates that stand beside it."""
        key = entry.get("key") or ""
        names = dict(self.names, symmetricKey=base64.b64encode(random.token_bytes(32)).decode())
        if "certificate" in key:
            start, end = parse_instant(entry["startDateTime"]), parse_instant(entry["endDateTime"])
            names["certificate"] = base64.b64encode(Authority("self-signed").certificate(start, end)).decode()
            for name, authority in self.authorities.items():
                issued = authority.certificate(start, end, subject=f"issued by {name}")
                names[f"certificate:{name}"] = base64.b64encode(issued).decode()
        return filled(entry, names)

    def state(self) -> list[Any]:
        """What a refusal must not change."""
        return [self.tenant.get(f"/{collection}?$top=999")["value"] for collection in COLLECTION.values()]


def _password(stored: StoredCredential) -> PasswordCredential:
    return PasswordCredential(key_id=KeyId(stored.key_id), start_at=stored.start_at, end_at=stored.end_at, hint="abc")


@pytest.fixture
def contoso(own_directory: Path, identity: Identity, signing: SigningKeys) -> Iterator[LocalTenant]:
    """The tenant of the corpus: contoso.onmicrosoft.com, with contoso.com verified."""
    local = LocalTenant(own_directory, identity, signing, verified_domains=VERIFIED_DOMAINS[1:])
    yield local
    local.close()


@pytest.mark.parametrize("name", CASES)
def test_a_client_is_answered_as_the_law_decides(contoso: LocalTenant, name: str) -> None:
    case = CASES[name]
    stage = Stage(contoso, case)
    stage.set()
    before = stage.state()
    answer = stage.play()
    if case.expected.verdict == "allow":
        assert answer.status_code == SUCCESS.get(case.operation.name, NO_CONTENT), answer.text
        return
    assert answer.status_code == 400, answer.text
    error, first = answer.json()["error"], case.expected.reasons[0]
    assert error["code"] == first.code
    if first.policy:
        assert stage.ids[first.policy] in error["message"]
        assert len(error["details"]) == len(case.expected.reasons)
    assert stage.state() == before
