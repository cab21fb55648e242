"""An application that signs in, in every way that the tests of the token endpoint need."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

import msgspec

from tests.local_tenant import NOW, LocalTenant
from unsecret.model.application import Application, PasswordCredential, ServicePrincipal
from unsecret.model.identifiers import AppId, KeyId, ObjectId
from unsecret.store import credentials, directory_objects
from unsecret.tenant import secrets
from unsecret.tenant.certificates import certificate_credential
from unsecret.wire.aadsts import REFUSALS

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
GRAPH = "https://graph.microsoft.com"


@dataclass
class Robot:
    """An application with a certificate and two secrets: one good, one expired."""

    application: Application
    principal: ServicePrincipal
    secret: str
    secret_id: KeyId
    expired_secret: str

    @property
    def app_id(self) -> AppId:
        return self.application.app_id


def add_secret(tenant: LocalTenant, object_id: ObjectId, *, starts: datetime, ends: datetime) -> tuple[str, KeyId]:
    text, key_id = secrets.new_secret(), KeyId(str(uuid.uuid4()))
    credential = PasswordCredential(key_id=key_id, start_at=starts, end_at=ends)
    tenant.store.write(
        lambda conn: credentials.add_password(conn, tenant.tenant_id, object_id, credential, secrets.digest(text))
    ).result()
    return text, key_id


def new_robot(tenant: LocalTenant) -> Robot:
    application, principal = tenant.seed_application(
        "robot", created_at=NOW, key_credentials=(certificate_credential(tenant.identity.facts),)
    )
    expired, _ = add_secret(tenant, application.id, starts=NOW - timedelta(days=9), ends=NOW - timedelta(days=1))
    text, key_id = add_secret(tenant, application.id, starts=NOW - timedelta(days=1), ends=NOW + timedelta(days=30))
    return Robot(application, principal, text, key_id, expired)


def replace(tenant: LocalTenant, obj: Application | ServicePrincipal, **changed: Any) -> None:
    new = msgspec.structs.replace(obj, **changed)
    tenant.store.write(lambda conn: directory_objects.replace(conn, tenant.tenant_id, new)).result()


def post(
    tenant: LocalTenant,
    form: dict[str, str] | str | bytes,
    *,
    v1: bool = False,
    name: str = "",
    headers: Mapping[str, str] = MappingProxyType({}),
):
    """POST to a token endpoint of the tenant, or of the one that is called `name`."""
    path = f"/{name or tenant.tenant_id}/oauth2/{'token' if v1 else 'v2.0/token'}"
    content = urlencode(form).encode() if isinstance(form, dict) else form
    sent = {"Content-Type": "application/x-www-form-urlencoded", **headers}
    return tenant.client.post(path, content=content, headers=sent)


def with_secret(robot: Robot, **changed: str) -> dict[str, str]:
    return {
        "grant_type": "client_credentials",
        "client_id": robot.app_id,
        "client_secret": robot.secret,
        "scope": f"{GRAPH}/.default",
    } | changed


def with_assertion(tenant: LocalTenant, robot: Robot, **claims: Any) -> dict[str, str]:
    return {
        "grant_type": "client_credentials",
        "client_id": robot.app_id,
        "client_assertion_type": JWT_BEARER,
        "client_assertion": tenant.assertion(robot.app_id, **claims),
        "scope": f"{GRAPH}/.default",
    }


def claims_in(answer) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    payload = answer.json()["access_token"].split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def refused_with(answer, number: int) -> str:
    """Checks the whole of a refusal; returns its words."""
    body = answer.json()
    assert body["error_codes"] == [number], body
    assert answer.status_code == REFUSALS[number].status
    assert body["error"] == REFUSALS[number].error
    words = body["error_description"]
    assert words.startswith(f"AADSTS{number}: ")
    head, trace, correlation, timestamp = words.split("\r\n")
    assert trace == f"Trace ID: {body['trace_id']}"
    assert correlation == f"Correlation ID: {body['correlation_id']}"
    assert timestamp == f"Timestamp: {body['timestamp']}" == "Timestamp: 2026-11-22 12:00:00Z"
    assert body["error_uri"].endswith(f"?code={number}")
    assert answer.headers["cache-control"].startswith("no-store")
    return head


# -- ways to ask wrongly ------------------------------------------------------------------------------------------

Spoil = Callable[[LocalTenant, Robot], Any]


def without(name: str) -> Spoil:
    def spoil(tenant: LocalTenant, robot: Robot):
        return post(tenant, {key: value for key, value in with_secret(robot).items() if key != name})

    return spoil


def sending(v1: bool = False, **changed: str) -> Spoil:
    return lambda tenant, robot: post(tenant, with_secret(robot, **changed), v1=v1)


def asserting(**claims: Any) -> Spoil:
    return lambda tenant, robot: post(tenant, with_assertion(tenant, robot, **claims))


def raw(content: str | bytes, **headers: str) -> Spoil:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda tenant, robot: post(tenant, content, headers=sent)


def switched_off(tenant: LocalTenant, robot: Robot):
    replace(tenant, robot.principal, account_enabled=False)
    return post(tenant, with_secret(robot))


def application_disabled(tenant: LocalTenant, robot: Robot):
    replace(tenant, robot.application, is_disabled=True)
    return post(tenant, with_secret(robot))


def no_service_principal(tenant: LocalTenant, robot: Robot):
    tenant.store.write(
        lambda conn: directory_objects.delete(conn, tenant.tenant_id, robot.principal.kind, robot.principal.id, at=NOW)
    ).result()
    return post(tenant, with_secret(robot))


def both_credentials(tenant: LocalTenant, robot: Robot):
    return post(tenant, with_secret(robot) | with_assertion(tenant, robot))


def basic_and_body(tenant: LocalTenant, robot: Robot):
    return post(tenant, with_secret(robot), headers={"Authorization": basic(f"{robot.app_id}:{robot.secret}")})


def basic(text: str) -> str:
    return f"Basic {base64.b64encode(text.encode()).decode()}"


UNKNOWN_ID = "99999999-0000-0000-0000-000000000009"
