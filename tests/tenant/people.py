"""People who sign in, the applications they sign in to, and the browser that they do it with."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import uuid
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec
from starlette.testclient import TestClient

from tests.local_tenant import BASE, NOW, LocalTenant
from unsecret.model.application import Application, ServicePrincipal
from unsecret.model.consent import ConsentType, OAuth2PermissionGrant
from unsecret.model.directory_roles import Role
from unsecret.model.identifiers import GRAPH_APP_ID, ObjectId
from unsecret.model.people import DirectoryRoleAssignment, User
from unsecret.store import consent, directory_objects, directory_roles, users
from unsecret.tenant import passwords
from unsecret.tenant.bootstrap import add_application, graph_service_principal

PASSWORD = "Correct-Horse-7-Battery"
DIGEST = passwords.digest(PASSWORD)
WEB_REDIRECT = "https://app.example/signed-in"
VERIFIER = "verifier-" + "x" * 40
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
AZURE_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
OPENID = "openid profile offline_access"


@dataclass(frozen=True)
class WebApp:
    """An application with a secret."""

    application: Application
    principal: ServicePrincipal
    secret: str

    @property
    def app_id(self) -> str:
        return self.application.app_id


def new_person(tenant: LocalTenant, name: str = "ada", *roles: Role, **fields: Any) -> User:
    """Somebody with PASSWORD and these directory roles."""
    domain = f"{tenant.domain}.onmicrosoft.com"
    values: dict[str, Any] = {
        "id": ObjectId(str(uuid.uuid4())),
        "display_name": name.title(),
        "user_principal_name": f"{name}@{domain}",
        "created_at": NOW,
    }
    user = User(**(values | fields))

    def make(conn) -> None:
        users.add(conn, tenant.tenant_id, user, password_digest=DIGEST)
        for role in roles:
            held = DirectoryRoleAssignment(id=str(uuid.uuid4()), role_definition_id=role, principal_id=user.id)
            directory_roles.add(conn, tenant.tenant_id, held)

    tenant.store.write(make).result()
    return user


def new_web_app(tenant: LocalTenant, name: str = "Expenses", **properties: Any) -> WebApp:
    """A confidential client with WEB_REDIRECT and a secret."""
    text = "a1B8Q~" + "z" * 34
    credential, digest = tenant.seed_secret(text, start_at=NOW, end_at=NOW.replace(year=2030))
    defaults: dict[str, Any] = {"web_redirect_uris": (WEB_REDIRECT,)}

    def make(conn) -> WebApp:
        from unsecret.store import credentials

        application, principal = add_application(
            conn, tenant.tenant_id, name, created_at=NOW, **(defaults | properties)
        )
        credentials.add_password(conn, tenant.tenant_id, application.id, credential, digest)
        return WebApp(application, principal, text)

    return tenant.store.write(make).result()


def agree(tenant: LocalTenant, app: WebApp, scope: str, user: User | None = None) -> OAuth2PermissionGrant:
    """Consent on Microsoft Graph, for one person or everybody."""

    def make(conn) -> OAuth2PermissionGrant:
        grant = OAuth2PermissionGrant(
            id=str(uuid.uuid4()),
            client_id=app.principal.id,
            consent_type=ConsentType.PRINCIPAL if user else ConsentType.ALL_PRINCIPALS,
            principal_id=user.id if user else None,
            resource_id=graph_service_principal(conn, tenant.tenant_id).id,
            scope=scope,
        )
        consent.add(conn, tenant.tenant_id, grant)
        return grant

    return tenant.store.write(make).result()


def change(tenant: LocalTenant, user: User, **fields: Any) -> None:
    changed = msgspec.structs.replace(user, **fields)
    tenant.store.write(lambda conn: users.replace(conn, tenant.tenant_id, changed)).result()


def change_principal(tenant: LocalTenant, principal: ServicePrincipal, **fields: Any) -> None:
    changed = msgspec.structs.replace(principal, **fields)
    tenant.store.write(lambda conn: directory_objects.replace(conn, tenant.tenant_id, changed)).result()


def set_password(tenant: LocalTenant, user: User, text: str) -> None:
    digest = passwords.digest(text)
    tenant.store.write(lambda conn: users.set_password_digest(conn, tenant.tenant_id, user.id, digest)).result()


# -- the browser ----------------------------------------------------------------------------------------------------


@dataclass
class Browser:
    """Keeps cookies, follows nothing by itself, and fills in forms. `at` is the address of the page that it shows."""

    tenant: LocalTenant
    at: str = ""
    page: Any = None
    client: TestClient = field(init=False)

    def __post_init__(self) -> None:
        self.client = TestClient(self.tenant.client.app, base_url=BASE, follow_redirects=False)

    def open(self, path: str, **parameters: str) -> Any:
        self.at = f"{path}?{urlencode(parameters)}" if parameters else path
        self.page = self.client.get(self.at)
        return self.page

    def authorize(self, app_id: str, *, name: str = "", v1: Any = False, **parameters: Any) -> Any:
        """Ask the authorization endpoint for a code, with PKCE, unless `parameters` say otherwise; an empty one is
        left out."""
        defaults = {
            "client_id": app_id,
            "response_type": "code",
            "redirect_uri": WEB_REDIRECT,
            "scope": f"User.Read {OPENID}",
            "state": "state-1",
            "nonce": "nonce-1",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        sent = {key: value for key, value in (defaults | parameters).items() if value}
        path = f"/{name or self.tenant.tenant_id}/oauth2/{'authorize' if v1 else 'v2.0/authorize'}"
        return self.open(path, **sent)

    def fields(self) -> dict[str, str]:
        """The hidden fields of the form on the page."""
        found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', self.page.text)
        return {html.unescape(name): html.unescape(value) for name, value in found}

    def send(self, **fields: str) -> Any:
        """Send the form on the page."""
        self.page = self.client.post(self.at, data=self.fields() | fields)
        return self.page

    def sign_in(self, user: User, password: str = PASSWORD) -> Any:
        return self.send(account=user.user_principal_name, password=password)

    def accept(self, **fields: str) -> Any:
        return self.send(choice="accept", **fields)

    def cancel(self) -> Any:
        return self.send(choice="cancel")


def sent(answer: Any, redirect_uri: str = WEB_REDIRECT) -> dict[str, str]:
    """What the client is sent by a redirect to `redirect_uri`."""
    assert answer.status_code == 302, answer.text
    location = answer.headers["location"]
    assert location.startswith(redirect_uri), location
    parts = urlsplit(location)
    return dict(parse_qsl(parts.query or parts.fragment, strict_parsing=True))


def code_for(tenant: LocalTenant, app: WebApp, user: User, **parameters: str) -> str:
    """A code, by way of the pages; whatever is asked is agreed to."""
    browser = Browser(tenant)
    browser.authorize(app.app_id, **parameters)
    answer = browser.sign_in(user)
    if answer.status_code == 200:
        answer = browser.accept()
    return sent(answer, parameters.get("redirect_uri", WEB_REDIRECT))["code"]


def token(tenant: LocalTenant, *, name: str = "", headers: Any = None, v1: Any = False, **form: Any):
    """POST to the token endpoint."""
    path = f"/{name or tenant.tenant_id}/oauth2/{'token' if v1 else 'v2.0/token'}"
    return tenant.client.post(path, data={key: value for key, value in form.items() if value}, headers=headers or {})


def redeem(tenant: LocalTenant, app: WebApp, code: str, /, *, headers: Any = None, **changed: Any):
    """Take a code back as `app`."""
    form: dict[str, Any] = {
        "grant_type": "authorization_code",
        "client_id": app.app_id,
        "client_secret": app.secret,
        "code": code,
        "redirect_uri": WEB_REDIRECT,
        "code_verifier": VERIFIER,
        "client_info": "1",
    }
    return token(tenant, headers=headers, **(form | changed))


def refresh(tenant: LocalTenant, app: WebApp, refresh_token: str, **changed: Any):
    form: dict[str, Any] = {
        "grant_type": "refresh_token",
        "client_id": app.app_id,
        "client_secret": app.secret,
        "refresh_token": refresh_token,
        "scope": f"User.Read {OPENID}",
    }
    return token(tenant, **(form | changed))


def with_password(tenant: LocalTenant, user: User, password: str = PASSWORD, **changed: Any):
    """The password grant, as Azure CLI."""
    form: dict[str, Any] = {
        "grant_type": "password",
        "client_id": AZURE_CLI,
        "username": user.user_principal_name,
        "password": password,
        "scope": f"https://graph.microsoft.com/.default {OPENID}",
    }
    return token(tenant, **(form | changed))


def claims(text: str) -> dict[str, Any]:
    payload = text.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def refused(answer: Any, number: int) -> str:
    """Checks that the token endpoint refused with this number; returns its words."""
    body = answer.json()
    assert body.get("error_codes") == [number], body
    return body["error_description"]


def sign_ins_of(tenant: LocalTenant, user: User) -> list[dict[str, Any]]:
    """The sign-ins of one person, newest first."""
    return [row for row in tenant.sign_ins() if row.get("userId") == user.id]


def permission_id(tenant: LocalTenant, kind: str, name: str) -> str:
    """The id of a permission of Microsoft Graph."""
    graph = tenant.get(f"/servicePrincipals(appId='{GRAPH_APP_ID}')")
    return next(one["id"] for one in graph[kind] if one["value"] == name)


def requiring(tenant: LocalTenant, app: WebApp, scopes: list[str], roles: list[str]) -> None:
    """Let an application list permissions of Microsoft Graph as required."""
    access = [{"id": permission_id(tenant, "oauth2PermissionScopes", name), "type": "Scope"} for name in scopes]
    access += [{"id": permission_id(tenant, "appRoles", name), "type": "Role"} for name in roles]
    body = {"requiredResourceAccess": [{"resourceAppId": GRAPH_APP_ID, "resourceAccess": access}]}
    tenant.must("PATCH", f"/applications/{app.application.id}", body)
