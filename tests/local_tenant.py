"""A tenant in process, for tests: the real application on a real store, called through its real routes.

Nothing is patched. Time is `tenant.clock.now`, set by the test; the transport is the ASGI application itself.
"""

from __future__ import annotations

import uuid
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from anyio.from_thread import start_blocking_portal
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509 import Certificate
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.testclient import TestClient

from tests.databases import OwnDatabase
from tests.witnesses import Noted
from unsecret.model.application import Application, PasswordCredential, ServicePrincipal
from unsecret.model.identifiers import KeyId, ObjectId, TenantId
from unsecret.model.people import DirectoryRoleAssignment, User
from unsecret.rules.delegated_permission import DELEGATED
from unsecret.store import directory_roles, users
from unsecret.store.engine import Store
from unsecret.tenant import passwords, pki, secrets
from unsecret.tenant.app import create_app
from unsecret.tenant.bootstrap import (
    NewTenant,
    add_application,
    create_tenant,
    grant,
    graph_service_principal,
)
from unsecret.tenant.certificates import CertificateFacts, certificate_credential, read_certificate
from unsecret.tenant.issuers import Issuers
from unsecret.tenant.movable_clocks import MovableClocks
from unsecret.tenant.settings import Services, server_settings
from unsecret.tenant.signing import SigningKeys

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
BASE = "https://localhost:8443"


@dataclass
class Clock:
    """The tenant's time, which stands still until a test moves it."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def move(self, **delta: float) -> None:
        self.now += timedelta(**delta)


@dataclass(frozen=True)
class Identity:
    """A key and its certificate; one for the whole test run, because making RSA keys takes time."""

    key: rsa.RSAPrivateKey
    certificate: Certificate

    @cached_property
    def jwk(self) -> RSAKey:
        return RSAKey.import_key(pki.private_to_pem(self.key))

    @cached_property
    def facts(self) -> CertificateFacts:
        return read_certificate(pki.to_pem(self.certificate))

    @property
    def pem(self) -> bytes:
        return pki.to_pem(self.certificate) + pki.private_to_pem(self.key)


def new_identity(name: str = "test") -> Identity:
    key, certificate = pki.new_self_signed(name, now=NOW.replace(year=2015), lifetime=timedelta(days=40 * 365))
    return Identity(key, certificate)


@dataclass
class Workload:
    """An application of the tenant that a test signs in as."""

    application: Application
    principal: ServicePrincipal
    token: str = ""


@dataclass
class Somebody:
    """A person of the tenant, signed in to a client."""

    user: User
    password: str
    token: str = ""


EVERY_SCOPE = " ".join(sorted({scope for row in DELEGATED.values() for group in row.scopes for scope in group}))


@dataclass
class LocalTenant:
    """The tenant and its administrator. `graph` calls Graph; `as_workload` makes another caller.

    `directory` may be a copy of a migrated one (see `databases.py`); `signing` may be keys of the whole test run.
    Making either takes longer than most tests. `clock` is the machine's; where tenants' own are `movable`, `move_clock`
    moves this one's.
    """

    directory: Path
    identity: Identity
    signing: SigningKeys
    clock: Clock = field(default_factory=Clock)
    domain: str = "contoso"
    verified_domains: tuple[str, ...] = ()
    movable: bool = False
    issuers: Issuers = field(default_factory=Issuers)

    def __post_init__(self) -> None:
        self.database = OwnDatabase(self.directory)
        self.store = Store.open(self.database.place)
        self.services = Services(
            store=self.store,
            signing=self.signing,
            settings=server_settings(self.directory, port=8443),
            clock=self.clock,
            movable_clocks=MovableClocks(self.store) if self.movable else None,
            issuers=self.issuers,
        )
        self.client = TestClient(Noted(create_app(self.services)), base_url=BASE, follow_redirects=False)
        self.new = self.store.write(lambda conn: self._create(conn)).result()
        with ExitStack() as opened:
            # One event loop for all requests: one for each took a third of their time.
            self.client.portal = opened.enter_context(start_blocking_portal())
            self.token = self.sign_in(self.new.client_id)
            self._loop = opened.pop_all()

    def _create(self, conn) -> NewTenant:
        return create_tenant(
            conn,
            display_name=self.domain.title(),
            domain=self.domain,
            verified_domains=self.verified_domains,
            administrator_certificate=self.identity.facts,
            now=self.clock.now,
        )

    @property
    def tenant_id(self) -> TenantId:
        return self.new.tenant.id

    def close(self) -> None:
        self.client.close()
        self._loop.close()
        self.store.close()
        self.database.give_back()

    # -- signing in -----------------------------------------------------------------------------------------

    def assertion(self, client_id: str, **claims: Any) -> str:
        """A client assertion as MSAL makes it: RS256, x5t padded, no nbf."""
        now = self.clock.now.timestamp()
        audience = f"{BASE}/{self.tenant_id}/oauth2/v2.0/token"
        body = {"aud": audience, "iss": client_id, "sub": client_id, "jti": str(uuid.uuid4()), "iat": now}
        header = {"alg": "RS256", "typ": "JWT", "x5t": self.identity.facts.thumbprint_sha1 + "="}
        return jwt.encode(header, body | {"exp": now + 600} | claims, self.identity.jwk)

    def token_request(self, **form: str):
        """POST to the v2.0 token endpoint."""
        defaults = {"grant_type": "client_credentials", "scope": f"{BASE}/.default"}
        return self.client.post(f"/{self.tenant_id}/oauth2/v2.0/token", data=defaults | form)

    def sign_in(self, client_id: str) -> str:
        """An access token for Graph, by certificate."""
        answer = self.token_request(
            client_id=client_id,
            client_assertion_type="urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            client_assertion=self.assertion(client_id),
        )
        assert answer.status_code == 200, answer.text
        return answer.json()["access_token"]

    def sign_in_again(self) -> None:
        """A fresh administrator's token, after the clock was moved."""
        self.token = self.sign_in(self.new.client_id)

    def move_clock(self, **movement: str) -> str:
        """Move the tenant's clock: now="2027-01-01T00:00:00Z", or move="P30D". What it says then."""
        answer = self.graph("PATCH", f"{BASE}/{self.tenant_id}/unsecret/clock", movement)
        if answer.status_code == 401:
            self.sign_in_again()
            answer = self.graph("PATCH", f"{BASE}/{self.tenant_id}/unsecret/clock", movement)
        assert answer.status_code == 200, answer.text
        self.sign_in_again()
        return answer.json()["now"]

    # -- Graph -------------------------------------------------------------------------------------------------

    def graph(self, method: str, path: str, body: Any = None, *, token: str | None = None, **headers: str):
        """Call Graph as the administrator, or whoever `token` is. `path` begins with /v1.0 or /beta, or gets
        /v1.0."""
        url = path if path.startswith(("/v1.0", "/beta", "http")) else f"/v1.0{path}"
        sent = {"Authorization": f"Bearer {token or self.token}"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        return self.client.request(method, url, headers=sent, **({} if body is None else {"json": body}))

    def get(self, path: str, **options: Any) -> Any:
        """GET that must succeed; returns the JSON."""
        answer = self.graph("GET", path, **options)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def must(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        """A call that must succeed; returns the JSON, or None for 204."""
        answer = self.graph(method, path, body, **options)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def refused(self, method: str, path: str, body: Any = None, *, status: int, **options: Any) -> dict[str, Any]:
        """A call that must be refused with `status`; returns `error`."""
        answer = self.graph(method, path, body, **options)
        assert answer.status_code == status, f"{answer.status_code}: {answer.text}"
        return answer.json()["error"]

    # -- making things -----------------------------------------------------------------------------------------

    def new_application(self, display_name: str = "app", **body: Any) -> dict[str, Any]:
        """An application, through Graph."""
        return self.must("POST", "/applications", {"displayName": display_name, **body})

    def new_principal(self, app_id: str, **body: Any) -> dict[str, Any]:
        """A service principal, through Graph."""
        return self.must("POST", "/servicePrincipals", {"appId": app_id, **body})

    def block_secrets(self, *, max_lifetime: str | None = None, both: bool = True) -> None:
        """Switch the tenant default on, with secrets forbidden (or limited)."""
        entry = (
            {"restrictionType": "passwordLifetime", "state": "enabled", "maxLifetime": max_lifetime}
            if max_lifetime
            else {"restrictionType": "passwordAddition", "state": "enabled", "maxLifetime": None}
        )
        section = {"passwordCredentials": [entry]}
        body = {"isEnabled": True, "applicationRestrictions": section}
        if both:
            body["servicePrincipalRestrictions"] = section
        self.must("PATCH", "/policies/defaultAppManagementPolicy", body)

    def as_workload(self, *permissions: str, **attributes: str) -> Workload:
        """Another caller: an application with these application permissions, signed in by certificate.
        `attributes` are custom security attributes of its service principal, as Set_Name=value."""

        def make(conn) -> Workload:
            application, principal = add_application(
                conn,
                self.tenant_id,
                f"workload {uuid.uuid4()}",
                created_at=self.clock.now,
                key_credentials=(certificate_credential(self.identity.facts),),
            )
            grant(
                conn,
                self.tenant_id,
                principal,
                graph_service_principal(conn, self.tenant_id),
                permissions,
                at=self.clock.now,
            )
            return Workload(application, principal)

        workload = self.store.write(make).result()
        if attributes:
            self.give_attributes(workload.principal.id, **attributes)
        workload.token = self.sign_in(workload.application.app_id)
        return workload

    def as_person(self, *roles: str, scopes: str = EVERY_SCOPE, client: str | None = None, **fields: Any) -> Somebody:
        """A person with these directory roles, signed in to `client` (an appId) with these scopes. `fields` are those
        of User."""
        name = f"{uuid.uuid4().hex[:12]}@{self.new.tenant.verified_domains[0]}"
        given: dict[str, Any] = {"display_name": "Some Body", "user_principal_name": name, "created_at": self.clock.now}
        user = User(id=ObjectId(str(uuid.uuid4())), **(given | fields))

        def make(conn) -> None:
            users.add(conn, self.tenant_id, user, password_digest=_DIGEST)
            for role in roles:
                held = DirectoryRoleAssignment(id=uuid.uuid4().hex, role_definition_id=role, principal_id=user.id)
                directory_roles.add(conn, self.tenant_id, held)

        self.store.write(make).result()
        return Somebody(user, PASSWORD, self.user_token(user, scopes, client or self.new.client_id))

    def user_token(self, user: User, scopes: str, app_id: str, **claims: Any) -> str:
        """A token for Graph as a sign-in of `user` to `app_id` gives it."""
        now = int(self.clock.now.timestamp())
        issuer = f"https://sts.windows.net/{self.tenant_id}/"
        times = {"iat": now, "nbf": now, "exp": now + 3600}
        client = {"appid": app_id, "appidacr": "0", "app_displayname": "client"}
        person = {"oid": user.id, "name": user.display_name, "upn": user.user_principal_name, "idtyp": "user"}
        granted = {"scp": scopes, "tid": self.tenant_id, "ver": "1.0"}
        return self.signing.sign({"aud": f"{BASE}", "iss": issuer, **times, **client, **person, **granted, **claims})

    def define_attribute(self, set_name: str, name: str, **changed: Any) -> None:
        """Make sure that there is a custom security attribute of this name, a free string unless told otherwise."""
        definition = {"attributeSet": set_name, "name": name, "type": "String", "status": "Available"}
        flags = {"isCollection": False, "isSearchable": True, "usePreDefinedValuesOnly": False}
        for path, body in (("attributeSets", {"id": set_name}), (_DEFINITIONS, definition | flags | changed)):
            assert self.graph("POST", f"/directory/{path}", body).status_code in (201, 409)

    def give_attributes(self, principal_id: str, **attributes: str) -> None:
        """Assign custom security attributes, as Set_Name=value."""
        sets: dict[str, dict[str, str]] = {}
        for name, value in attributes.items():
            set_name, _, attribute = name.partition("_")
            sets.setdefault(set_name, {})[attribute] = value
        for name in attributes:
            self.define_attribute(*name.split("_", 1))
        body = {"customSecurityAttributes": {name: {"@odata.type": _VALUE, **held} for name, held in sets.items()}}
        self.must("PATCH", f"/servicePrincipals/{principal_id}", body)

    def seed_application(self, display_name: str = "seeded", *, created_at: datetime | None, **properties: Any):
        """An application with a past that Graph would not let anybody write: its date, its old secrets."""
        return self.store.write(
            lambda conn: add_application(conn, self.tenant_id, display_name, created_at=created_at, **properties)
        ).result()

    def seed_secret(self, text: str, *, start_at: datetime, end_at: datetime) -> tuple[PasswordCredential, bytes]:
        """A client secret with a known text and chosen dates."""
        credential = PasswordCredential(
            key_id=KeyId(str(uuid.uuid4())), start_at=start_at, end_at=end_at, hint=secrets.hint(text)
        )
        return credential, secrets.digest(text)

    def audits(self, **options: Any) -> list[dict[str, Any]]:
        """All directory audits, newest first."""
        return self.get("/auditLogs/directoryAudits?$top=999", **options)["value"]

    def sign_ins(self) -> list[dict[str, Any]]:
        """All sign-ins, newest first, with the members that only beta shows."""
        return self.get("/beta/auditLogs/signIns?$top=999")["value"]


PASSWORD = "Correct-horse-7"
_DIGEST = passwords.digest(PASSWORD)
"""Made once: it takes long on purpose."""

_DEFINITIONS = "customSecurityAttributeDefinitions"
_VALUE = "#microsoft.graph.customSecurityAttributeValue"
