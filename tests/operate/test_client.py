"""The Graph client against a tenant in process."""

from __future__ import annotations

import base64
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from msgspec.structs import replace

from tests.local_tenant import BASE, LocalTenant
from tests.operate.in_process import InProcess, Waits, client_of, connection_to
from unsecret import __version__
from unsecret.errors import Invalid, NotFound, PolicyDenied, Throttled, Unauthenticated, Unavailable, Unreachable
from unsecret.operate.graph.client import GraphClient
from unsecret.operate.graph.sign_in import Token

DEFAULT = "policies/defaultAppManagementPolicy"


def busy(times: int, status: int = 429, **headers: str):
    """A service that is busy for so many Graph requests, and then is not."""
    left = [times]

    def answer(request: httpx2.Request) -> httpx2.Response | None:
        if request.url.path.endswith("/token") or not left[0]:
            return None
        left[0] -= 1
        return httpx2.Response(status, headers=headers, json={"error": {"code": "busy", "message": "Wait."}})

    return answer


def test_it_signs_in_once_with_the_certificate_and_then_asks(
    tenant: LocalTenant, tmp_path: Path, kind: InProcess
) -> None:
    with client_of(tenant, tmp_path, kind) as client:
        assert client.get(DEFAULT)["isEnabled"] is False
        client.get("organization")
    assert kind.calls(tokens=True) == [
        f"POST /{client.connection.tenant_id}/oauth2/v2.0/token",
        f"GET /v1.0/{DEFAULT}",
        "GET /v1.0/organization",
    ]
    assert "client_secret" not in kind.seen[0].content.decode()


def test_the_logs_can_tell_who_asked(client: GraphClient) -> None:
    sign_in = client.get("beta/auditLogs/signIns?$top=1")["value"][0]
    assert sign_in["userAgent"] == f"unsecret/{__version__}"


def test_it_signs_in_again_before_the_token_ends(
    client: GraphClient, tenant: LocalTenant, transport: InProcess
) -> None:
    client.get(DEFAULT)
    tenant.clock.move(hours=2)
    client.get(DEFAULT)
    assert sum(call.endswith("/token") for call in transport.calls(tokens=True)) == 2


def test_a_token_that_is_refused_is_replaced_once(client: GraphClient, transport: InProcess) -> None:
    client.get(DEFAULT)
    transport.before = busy(1, 401)
    assert client.get(DEFAULT)["isEnabled"] is False


def test_a_certificate_that_the_tenant_does_not_know_is_refused_in_its_words(
    tenant: LocalTenant, tmp_path: Path, transport: InProcess
) -> None:
    from tests.local_tenant import new_identity

    with client_of(tenant, tmp_path, transport) as stranger:
        (tmp_path / "administrator.pem").write_bytes(new_identity("stranger").pem)
        with pytest.raises(Unauthenticated, match=r"Signing in as .* failed: AADSTS700027"):
            stranger.get(DEFAULT)


@pytest.mark.parametrize("text", ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_a_file_without_a_key_is_named(client: GraphClient, tmp_path: Path, text: str) -> None:
    (tmp_path / "administrator.pem").write_text(text)
    with pytest.raises(Invalid, match="must hold one private key and its certificate"):
        client.get(DEFAULT)


@pytest.mark.parametrize(
    "path", [DEFAULT, f"/{DEFAULT}", f"v1.0/{DEFAULT}", f"/beta/{DEFAULT}", f"{BASE}/beta/{DEFAULT}"]
)
def test_a_path_may_be_written_in_every_usual_way(client: GraphClient, path: str) -> None:
    assert client.get(path)["displayName"]


@pytest.mark.parametrize(
    "address", ["https://graph.microsoft.com/v1.0/me", "http://localhost:8443/v1.0/me", f"{BASE}.evil.example/v1.0"]
)
def test_a_token_is_sent_to_no_other_place(client: GraphClient, transport: InProcess, address: str) -> None:
    with pytest.raises(Invalid, match="a token is sent to no other place"):
        client.get(address)
    assert transport.seen == []


def test_pages_are_followed_to_the_end(client: GraphClient, tenant: LocalTenant) -> None:
    for number in range(5):
        tenant.new_application(f"app {number}")
    names = [one["displayName"] for one in client.pages("applications?$top=2&$select=displayName")]
    assert {f"app {number}" for number in range(5)} <= set(names)
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("link", "words"),
    [
        ("https://elsewhere.example/v1.0/applications", "a token is sent to no other place"),
        (f"{BASE}/v1.0/applications", "run in a circle"),
    ],
)
def test_pages_that_lead_astray_are_not_followed(
    client: GraphClient, transport: InProcess, link: str, words: str
) -> None:
    def astray(request: httpx2.Request) -> httpx2.Response | None:
        listing = request.url.path == "/v1.0/applications"
        return httpx2.Response(200, json={"value": [], "@odata.nextLink": link}) if listing else None

    transport.before = astray
    with pytest.raises(Invalid, match=words):
        list(client.pages(f"{BASE}/v1.0/applications"))


def test_it_waits_as_long_as_it_is_told_and_says_so(tenant: LocalTenant, tmp_path: Path, kind: InProcess) -> None:
    waits, said = Waits(), []
    kind.before = busy(2, 429, **{"retry-after": "7"})
    with GraphClient(
        connection_to(tenant, tmp_path),
        transport=kind,
        sleep=waits,
        clock=tenant.clock,
        chance=lambda: 0.0,
        say=said.append,
    ) as client:
        assert client.get(DEFAULT)
    assert waits == [7.0, 7.0]
    assert said == ["The tenant is busy (429); asking again in 7 s."] * 2


def test_it_understands_a_date_to_wait_for(tenant: LocalTenant, tmp_path: Path, kind: InProcess) -> None:
    until = (tenant.clock.now + timedelta(seconds=9)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    waits = Waits()
    kind.before = busy(1, 503, **{"retry-after": until})
    with client_of(tenant, tmp_path, kind, sleep=waits) as client:
        assert client.get(DEFAULT)
    assert waits == [9.0]


@pytest.mark.parametrize(
    ("status", "retry_after", "error"),
    [
        (429, "3600", Throttled),
        (429, "nan", Throttled),
        (503, "soon", Unavailable),
        (504, "0", Unavailable),
    ],
)
def test_it_gives_up_within_a_minute(
    tenant: LocalTenant, tmp_path: Path, transport: InProcess, status: int, retry_after: str, error: type[Exception]
) -> None:
    waits = Waits()
    transport.before = busy(1000, status, **{"retry-after": retry_after})
    with client_of(tenant, tmp_path, transport, sleep=waits) as client, pytest.raises(error):
        client.get(DEFAULT)
    assert sum(waits) <= 60


def test_a_write_that_may_have_happened_is_not_sent_twice(client: GraphClient, transport: InProcess) -> None:
    client.get(DEFAULT)
    transport.before = busy(1000, 504)
    with pytest.raises(Unavailable):
        client.send("POST", "applications", body={"displayName": "once"})
    assert transport.calls().count("POST /v1.0/applications") == 1


def test_a_refusal_by_policy_is_the_error_that_the_tenant_raised(client: GraphClient, tenant: LocalTenant) -> None:
    app = tenant.new_application()
    tenant.block_secrets()
    with pytest.raises(PolicyDenied, match="Credential type not allowed as per assigned policy"):
        client.send("POST", f"applications/{app['id']}/addPassword", body={})


def test_what_is_not_there_is_not_found(client: GraphClient) -> None:
    with pytest.raises(NotFound):
        client.get("applications/00000000-0000-4000-8000-000000000000")


@pytest.mark.parametrize(
    ("problem", "method", "words"),
    [
        (httpx2.ConnectError("Connection refused"), "GET", "No tenant answers at"),
        (httpx2.ReadTimeout("timed out"), "GET", "stopped answering"),
        (httpx2.ReadTimeout("timed out"), "PATCH", "Whether the change was made is not known"),
    ],
)
def test_no_answer_says_what_is_known(
    client: GraphClient, transport: InProcess, problem: httpx2.HTTPError, method: str, words: str
) -> None:
    client.get(DEFAULT)

    def silent(_request: httpx2.Request) -> httpx2.Response | None:
        raise problem

    transport.before = silent
    with pytest.raises(Unreachable, match=words):
        client.send(method, DEFAULT)


def test_an_answer_that_is_not_json_is_given_as_text(client: GraphClient, transport: InProcess) -> None:
    client.get(DEFAULT)
    transport.before = lambda _request: httpx2.Response(200, text="<edmx/>")
    assert client.get("/v1.0/$metadata") == "<edmx/>"


def test_a_read_whose_connection_breaks_is_sent_again(tenant: LocalTenant, tmp_path: Path, kind: InProcess) -> None:
    waits, left = Waits(), [2]

    def breaks(_request: httpx2.Request) -> httpx2.Response | None:
        if not left[0]:
            return None
        left[0] -= 1
        raise httpx2.ReadError("Connection reset by peer")

    with client_of(tenant, tmp_path, kind, sleep=waits) as client:
        client.get(DEFAULT)
        kind.before = breaks
        assert client.get(DEFAULT)["displayName"]
    assert waits == [1.0, 2.0]


def test_pauses_are_stretched_by_chance_so_that_not_all_come_back_at_once(
    tenant: LocalTenant, tmp_path: Path, kind: InProcess
) -> None:
    waits = Waits()
    kind.before = busy(2, 429, **{"retry-after": "10"})
    dice = iter([0.5, 1.0])
    with GraphClient(
        connection_to(tenant, tmp_path), transport=kind, sleep=waits, clock=tenant.clock, chance=lambda: next(dice)
    ) as client:
        client.get(DEFAULT)
    assert waits == [10.5, 11.0]


def test_reading_goes_on_from_a_page_that_was_read_at_another_time(client: GraphClient, tenant: LocalTenant) -> None:
    made = {tenant.new_application(f"app {number}")["id"] for number in range(5)}
    first = next(client.page_by_page("applications?$top=2&$select=id"))
    assert first.next_link
    rest = [one["id"] for page in client.page_by_page(first.next_link) for one in page.items]
    assert made <= {*rest, *(one["id"] for one in first.items)}


def test_a_tenant_is_told_by_its_id_however_it_was_named(tenant: LocalTenant, kind: InProcess, tmp_path: Path) -> None:
    """By a domain or by its id, it is one lock and one journal."""
    connection = replace(connection_to(tenant, tmp_path), tenant_id="contoso.onmicrosoft.com")
    held = Token(tenant.token, tenant.clock.now + timedelta(hours=1))
    with GraphClient(connection, tokens=lambda _post, _now: held, transport=kind) as client:
        assert client.tenant_id() == tenant.tenant_id


def test_what_a_token_says_of_its_tenant_is_an_id_or_nothing(
    tenant: LocalTenant, kind: InProcess, tmp_path: Path
) -> None:
    """The journal's directory has that name."""
    claims = base64.urlsafe_b64encode(b'{"tid": "../../elsewhere"}').decode().rstrip("=")
    held = Token(f"e30.{claims}.", tenant.clock.now + timedelta(hours=1))
    connection = connection_to(tenant, tmp_path)
    with GraphClient(connection, tokens=lambda _post, _now: held, transport=kind) as client:
        assert client.tenant_id() == tenant.tenant_id
