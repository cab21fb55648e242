"""The Graph client: signs in, follows pages, waits when told to, and turns refusals back into errors. No policy.

It speaks to one tenant and sends its token nowhere else: neither redirects nor a nextLink to another origin
are followed, and proxies from the environment are not used. Waiting is bounded by `max_wait`.
https://learn.microsoft.com/en-us/graph/throttling and https://learn.microsoft.com/en-us/graph/paging
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import httpx2
import msgspec
from msgspec import Struct

from unsecret import __version__
from unsecret.errors import Invalid, NotFound, Unreachable
from unsecret.operate.sign_in import Token, token_from, token_request
from unsecret.wire.problems import from_graph, retry_after

if TYPE_CHECKING:
    import ssl

    from unsecret.operate.connection import Connection

T = TypeVar("T")

VERSIONS = ("v1.0", "beta")
BUSY = frozenset({429, 503})
"""The request was not carried out and may be sent again, whatever its method."""

UNSURE = frozenset({502, 504})
"""It may have been carried out: only reads are sent again."""

READS = frozenset({"GET", "HEAD"})
MAX_ATTEMPTS = 8
VISIBLE_PAUSES = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds between looks at what must be there: Graph's reads may lag its writes, so one look proves nothing."""

FIRST_PAUSE = 1.0
"""Seconds before the second attempt when the tenant did not say how long to wait; then twice that, and so on."""


class Answer(Struct, frozen=True):
    """What came back. `body` is the decoded JSON, text when it is none, None when there is nothing."""

    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def etag(self) -> str | None:
        """The version mark of what was read, when the tenant gives one."""
        inside = self.body.get("@odata.etag") if isinstance(self.body, dict) else None
        return self.headers.get("etag") or inside


class GraphClient:
    """Graph of one tenant.

    `transport` replaces the network (in tests it is the tenant itself), `sleep` and `clock` replace time,
    `say` is told of every wait that a person would notice. `timeout` and `max_wait` are seconds.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        transport: httpx2.BaseTransport | None = None,
        timeout: float = 30.0,
        max_wait: float = 60.0,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        say: Callable[[str], None] = lambda _words: None,
    ):
        self.connection = connection
        self._http = httpx2.Client(
            verify=True if transport else _trust(connection),
            transport=transport,
            timeout=timeout,
            trust_env=False,
            headers={"User-Agent": f"unsecret/{__version__}"},  # the logs say who asked
            follow_redirects=False,
        )
        self._max_wait = max_wait
        self._sleep = sleep
        self._clock = clock
        self._say = say
        self._token: Token | None = None

    def __enter__(self) -> GraphClient:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._http.close()

    def get(self, path: str, *, headers: Mapping[str, str] | None = None) -> Any:
        """The body of a GET."""
        return self.send("GET", path, headers=headers).body

    def send(self, method: str, path: str, *, body: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
        """One request and its answer. `path` is relative to Graph, with or without a version (v1.0 then).

        Raises what the tenant refused with, as `wire.problems` reads it; Unreachable when no answer came;
        Invalid when `path` leads away from this tenant.
        """
        url = self.url(path)
        answer = self._signed(method, url, body, headers)
        if answer.status == 401:  # the token may have ended while a person was thinking: once more with a new one
            self._token = None
            answer = self._signed(method, url, body, headers)
        if answer.status >= 300:
            raise from_graph(answer.status, answer.headers, answer.body)
        return answer

    def pages(self, path: str, *, headers: Mapping[str, str] | None = None) -> Iterator[Any]:
        """The items of a collection, page after page. Raises Invalid when the pages run in a circle."""
        seen: set[str] = set()
        link: str | None = path
        while link:
            if link in seen:
                raise Invalid("The tenant's pages run in a circle; the list would never end.", code="UnexpectedAnswer")
            seen.add(link)
            body = self.get(link, headers=headers)
            if not isinstance(body, dict) or not isinstance(body.get("value"), list):
                raise Invalid(f"{path} is not a collection.", code="UnexpectedAnswer")
            yield from body["value"]
            link = body.get("@odata.nextLink")

    def once_visible(self, act: Callable[[], T]) -> T:
        """What `act` gives; it is tried again while that about which the tenant has told us a moment ago is not found:
        its next answer may come from a replica that is behind."""
        for pause in VISIBLE_PAUSES:
            try:
                return act()
            except NotFound:
                self._sleep(pause)
        return act()

    def sign_in_by_secret(self, client_id: str, secret: str) -> str:
        """A Graph token for another application of the tenant. Raises what it is refused with, Unauthenticated
        mostly, in the words of the token endpoint."""
        connection = self.connection
        form = {
            "client_id": client_id,
            "client_secret": secret,
            "grant_type": "client_credentials",
            "scope": f"{connection.graph}/.default",
        }
        url = f"{connection.authority}/{connection.tenant_id}/oauth2/v2.0/token"
        answer = self._patient("POST", url, form=form)
        if answer.status != 200:
            raise from_graph(answer.status, answer.headers, answer.body)
        return answer.body["access_token"]

    def url(self, path: str) -> str:
        """The absolute address of `path`. A whole address is taken only when it is this tenant's."""
        if "://" in path:
            if not path.startswith(f"{self.connection.graph}/"):
                raise Invalid(
                    f"{path} is not on {self.connection.graph}; a token is sent to no other place.",
                    code="UnexpectedAnswer",
                )
            return path
        bare = path.lstrip("/")
        versioned = bare.split("/", 1)[0] in VERSIONS
        return f"{self.connection.graph}/{bare}" if versioned else f"{self.connection.graph}/v1.0/{bare}"

    def _signed(self, method: str, url: str, body: Any, headers: Mapping[str, str] | None) -> Answer:
        own = {"Authorization": f"Bearer {self._bearer()}"}
        content = None
        if body is not None:
            content = msgspec.json.encode(body)
            own["Content-Type"] = "application/json"
        return self._patient(method, url, headers={**own, **(headers or {})}, content=content)

    def _bearer(self) -> str:
        now = self._clock()
        if self._token is None or now >= self._token.use_until:
            request = token_request(self.connection, now=now)
            answer = self._patient("POST", request.url, form=request.form)
            self._token = token_from(answer.status, answer.body, self.connection, now=now)
        return self._token.text

    def _patient(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        form: dict[str, str] | None = None,
    ) -> Answer:
        """Send; while the tenant says that it is busy, wait as long as it asks, within `max_wait`."""
        waited, attempt = 0.0, 1
        while True:
            answer = self._once(method, url, headers=headers, content=content, form=form)
            again = answer.status in BUSY or (answer.status in UNSURE and method in READS)
            pause = retry_after(answer.headers, now=self._clock()) or FIRST_PAUSE * 2 ** (attempt - 1)
            if not again or attempt == MAX_ATTEMPTS or waited + pause > self._max_wait:
                return answer
            if pause >= 1:
                self._say(f"The tenant is busy ({answer.status}); asking again in {pause:.0f} s.")
            self._sleep(pause)
            waited, attempt = waited + pause, attempt + 1

    def _once(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None,
        content: bytes | None,
        form: dict[str, str] | None,
    ) -> Answer:
        try:
            response = self._http.request(method, url, headers=headers, content=content, data=form)
        except httpx2.InvalidURL as problem:
            raise Invalid(f"{url} is no address: {problem}") from problem
        except httpx2.HTTPError as problem:
            raise _unreachable(problem, method, self.connection) from problem
        return Answer(response.status_code, response.headers, _decoded(response.content))


def _trust(connection: Connection) -> ssl.SSLContext:
    """TLS that trusts the tenant's own authority and no other."""
    import ssl

    try:
        return ssl.create_default_context(cafile=str(connection.ca))
    except OSError as problem:
        raise Invalid(f"The tenant's authority {connection.ca} cannot be read: {problem}.") from problem


def _unreachable(problem: httpx2.HTTPError, method: str, connection: Connection) -> Unreachable:
    """No answer came. When a write was on its way, whether it was carried out is not known, and said so."""
    if isinstance(problem, httpx2.ConnectError | httpx2.ConnectTimeout):
        return Unreachable(
            f"No tenant answers at {connection.graph} ({problem}).",
            hint=f"Start it: unsecret up --data {connection.server_data}",
        )
    said = str(problem) or type(problem).__name__
    if method in READS or not isinstance(problem, httpx2.TransportError):
        return Unreachable(f"{connection.graph} stopped answering: {said}.", hint="Try again.")
    return Unreachable(
        f"{connection.graph} stopped answering during {method}: {said}. Whether the change was made is not known.",
        hint="Look before trying again: unsecret status",
    )


def _decoded(content: bytes) -> Any:
    """JSON; text where it is none (metadata is XML, a proxy's error is HTML); None where there is nothing."""
    try:
        return msgspec.json.decode(content) if content else None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return content.decode("utf-8", "replace")
