"""Signing in to a real tenant, through azure-identity, which knows how every platform does it.

It is imported only here and only when a token is needed: that takes longer than most commands. It gets everything as
arguments, and speaks to the sign-in service through the Graph client's own connection, so that there is one
trust, one proxy and one kind of patience. What a platform tells its workloads by variables of its own (managed
identity), and what the Azure CLI needs, those read for themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any

import msgspec

from unsecret.errors import Invalid, Unauthenticated, UnsecretError
from unsecret.model.identifiers import canonical_guid
from unsecret.operate.graph.named_tenants import CLOUDS, DEVICE_CODE, AzureVariables, NamedTenant
from unsecret.operate.graph.permissions import claims_of
from unsecret.operate.graph.sign_in import RENEW_BEFORE, Token, TokenRequest

if TYPE_CHECKING:
    import requests
    from requests.adapters import BaseAdapter

    from unsecret.operate.graph.answers import Answer

    Post = Callable[[TokenRequest], Answer]

GRAPH_COMMAND_LINE_TOOLS = "14d82eec-204b-4c2f-b7e8-296a70dab67e"
"""Microsoft's own client for people who use Graph from a terminal; it may be consented to single permissions."""

SECRET_WARNING = (
    "WARNING: signing in with a client secret. It works from anywhere for whoever has seen it, and is what this tool "
    'is there to end. Use auth = "workload-identity" or "managed-identity" for workloads, "certificate" '
    'for a server of your own, "azure-cli" or "device-code" for yourself.'
)
LONGEST_REASON = 600  # characters of what azure-identity has to say

_PACKED = frozenset({"content-encoding", "content-length", "transfer-encoding"})
"""Headers that are about bytes which the client has unpacked already."""


class AzureTokens:
    """Tokens for one tenant, for the application or person that its settings and the environment name.

    `permissions` are the delegated ones that a person is asked to consent to. `say` shows people what to do.
    """

    def __init__(
        self,
        tenant: NamedTenant,
        azure: AzureVariables,
        *,
        permissions: tuple[str, ...] = (),
        say: Callable[[str], None],
    ):
        self._tenant = tenant
        self._azure = azure
        self._say = say
        is_person = tenant.auth == DEVICE_CODE
        self._scopes = [f"{tenant.graph}/{name}" for name in (permissions if is_person else ()) or (".default",)]
        self._credential: Any = None

    def __call__(self, post: Post, _now: datetime, /) -> Token:
        """A new token. Raises Unauthenticated in the words of whoever refused; Invalid for a file that is no use."""
        if self._credential is None or self._tenant.auth != DEVICE_CODE:  # else the one that was refused is remembered
            self._credential = self._made(post)
        text, ends = self._asked()
        _require_tenant(text, self._tenant)
        return Token(text, datetime.fromtimestamp(ends, UTC) - RENEW_BEFORE)

    def _made(self, post: Post) -> Any:
        _without_a_log()
        try:
            return _credential(self._tenant, self._azure, {"transport": _transport(post, self._tenant)}, self._say)
        except (ValueError, TypeError, OSError) as problem:
            raise Invalid(f"Tenant '{self._tenant.name}': {_short(problem)}") from problem

    def _asked(self) -> tuple[str, int]:
        from azure.core.exceptions import AzureError

        try:
            token = self._credential.get_token(*self._scopes)
        except (AzureError, ValueError, OSError) as problem:
            raise self._refused(problem) from problem
        return token.token, token.expires_on

    def _refused(self, problem: BaseException) -> UnsecretError:
        """Ours, when it is one that came through azure-identity; else its words."""
        cause: BaseException | None = problem
        while cause is not None:
            if isinstance(cause, UnsecretError):
                return cause
            cause = cause.__cause__ or cause.__context__
        return Unauthenticated(
            f"Signing in to tenant '{self._tenant.name}' ({self._tenant.tenant_id}) by {self._tenant.auth} failed: "
            f"{_short(problem)}",
            hint="How to sign in is chosen with `auth` in the settings file; see docs/guides/real-tenants.md.",
        )


def _credential(tenant: NamedTenant, azure: AzureVariables, ways: dict[str, Any], say: Callable[[str], None]) -> Any:
    from azure import identity

    if tenant.auth == "azure-cli":
        return identity.AzureCliCredential(tenant_id=tenant.tenant_id)
    if tenant.auth == "managed-identity":
        if canonical_guid(tenant.tenant_id) is None:
            raise Invalid(
                f"Tenant '{tenant.name}': a managed identity signs in to the tenant that it is of, and whether that is "
                f"{tenant.tenant_id} cannot be told. Name the tenant by its id: tenant_id.",
                target="tenant_id",
            )
        return identity.ManagedIdentityCredential(client_id=tenant.client_id, **ways)
    place: dict[str, Any] = {**ways, **_place(tenant), "tenant_id": tenant.tenant_id}
    if tenant.auth == DEVICE_CODE:
        return identity.DeviceCodeCredential(
            client_id=tenant.client_id or GRAPH_COMMAND_LINE_TOOLS, prompt_callback=_prompt(tenant, say), **place
        )
    if tenant.auth == "default":
        return _chain(tenant, azure, ways, place, say)
    return _workload(tenant, azure, place, say)


def _workload(tenant: NamedTenant, azure: AzureVariables, place: dict[str, Any], say: Callable[[str], None]) -> Any:
    """An application that proves itself by something that it holds."""
    from azure import identity

    client_id = tenant.client_id or ""
    if tenant.auth == "workload-identity":
        return identity.WorkloadIdentityCredential(client_id=client_id, token_file_path=str(tenant.token_file), **place)
    if tenant.auth == "certificate":
        return identity.CertificateCredential(
            client_id=client_id,
            certificate_path=str(tenant.certificate),
            password=azure.certificate_password,
            **place,
        )
    say(SECRET_WARNING)
    return identity.ClientSecretCredential(client_id=client_id, client_secret=azure.client_secret or "", **place)


def _chain(
    tenant: NamedTenant,
    azure: AzureVariables,
    ways: dict[str, Any],
    place: dict[str, Any],
    say: Callable[[str], None],
) -> Any:
    """What DefaultAzureCredential tries, in its order, of what the settings and the environment name.
    https://learn.microsoft.com/en-us/azure/developer/python/sdk/authentication/credential-chains
    """
    from azure import identity

    def by(auth: str) -> Any:
        return _workload(msgspec.structs.replace(tenant, auth=auth), azure, place, say)

    found: list[Any] = []
    if tenant.client_id and tenant.certificate:
        found.append(by("certificate"))
    elif tenant.client_id and azure.client_secret:
        found.append(by("client-secret"))
    if tenant.client_id and tenant.token_file:
        found.append(by("workload-identity"))
    if canonical_guid(tenant.tenant_id):
        found.append(identity.ManagedIdentityCredential(client_id=tenant.client_id, **ways))
    found.append(identity.AzureCliCredential(tenant_id=tenant.tenant_id))
    found.append(identity.AzurePowerShellCredential(tenant_id=tenant.tenant_id))
    found.append(identity.AzureDeveloperCliCredential(tenant_id=tenant.tenant_id))
    return identity.ChainedTokenCredential(*found)


def _place(tenant: NamedTenant) -> dict[str, Any]:
    """Where to sign in. A place that is none of Microsoft's clouds is not looked up there."""
    return {"authority": tenant.authority, "disable_instance_discovery": tenant.cloud is None}


def _prompt(tenant: NamedTenant, say: Callable[[str], None]) -> Callable[[str, str, datetime], None]:
    def prompt(address: str, code: str, _ends: datetime) -> None:
        say(f"To sign in to tenant '{tenant.name}' ({tenant.tenant_id}), open {address} and enter the code {code}")

    return prompt


def _transport(post: Post, tenant: NamedTenant) -> Any:
    """azure-identity's way out: to the sign-in service through `post`, elsewhere (a platform's own endpoint) directly,
    and neither by what the environment says of proxies and authorities."""
    import requests
    from azure.core.pipeline.transport import RequestsTransport

    session = requests.Session()
    session.trust_env = False
    through = _through(post)
    for authority in {tenant.authority, *(cloud.authority for cloud in CLOUDS.values())}:
        session.mount(f"{authority}/", through)  # all of them: one cloud's sign-in asks another's where it is
    return RequestsTransport(session=session, session_owner=False, use_env_settings=False)


def _through(post: Post) -> BaseAdapter:
    import requests
    from requests.adapters import BaseAdapter
    from requests.structures import CaseInsensitiveDict
    from urllib3 import HTTPResponse

    class Through(BaseAdapter):
        """Requests that go out by the Graph client."""

        def send(self, request: requests.PreparedRequest, *_how: Any, **_options: Any) -> requests.Response:
            asked = TokenRequest(
                url=str(request.url),
                method=str(request.method),
                headers={name: str(value) for name, value in request.headers.items()},
                content=request.body.encode() if isinstance(request.body, str) else None,  # a form, or nothing
            )
            answer = post(asked)
            response = requests.Response()
            response.status_code, response.url, response.request = answer.status, asked.url, request
            response.headers = CaseInsensitiveDict(_unpacked(answer.headers))
            response.raw = HTTPResponse(BytesIO(_content(answer.body)), status=answer.status, preload_content=False)
            return response

        def close(self) -> None:
            """The connection is the client's."""

    return Through()


def _unpacked(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in _PACKED}


def _content(body: Any) -> bytes:
    if body is None:
        return b""
    return body.encode() if isinstance(body, str) else msgspec.json.encode(body)


def _without_a_log() -> None:
    """azure-identity also logs what it raises; without this Python would print that."""
    import logging

    for name in ("azure", "msal"):
        logger = logging.getLogger(name)
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())


def _short(problem: BaseException) -> str:
    words = "; ".join(line.strip() for line in str(problem).splitlines() if line.strip())
    return words if len(words) <= LONGEST_REASON else f"{words[:LONGEST_REASON]}…"


def _require_tenant(token: str, tenant: NamedTenant) -> None:
    """A managed identity and a signed-in Azure CLI have a tenant of their own. Nothing is read or changed in another
    than the one that was named."""
    wanted, found = canonical_guid(tenant.tenant_id), claims_of(token).get("tid")
    if wanted and isinstance(found, str) and found.lower() != wanted:
        raise Unauthenticated(
            f"Tenant '{tenant.name}' is {wanted}, and {tenant.auth} signed in to tenant {found}.",
            hint="Nothing was read or changed. Sign in to the tenant that you mean, or name that one.",
        )
