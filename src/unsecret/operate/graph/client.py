"""The Graph client: signs in, follows pages, waits when told to, and turns refusals back into errors. No policy.

It speaks to one tenant and sends its token nowhere else: neither redirects nor a nextLink to another origin
are followed, and proxies from the environment are not used. Waiting is bounded by `max_wait`.
https://learn.microsoft.com/en-us/graph/throttling and https://learn.microsoft.com/en-us/graph/paging
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any, TypeVar

import httpx2
import msgspec
from msgspec import Raw, structs

from unsecret import __version__
from unsecret.errors import Invalid, NotFound, Unreachable
from unsecret.model.identifiers import canonical_guid
from unsecret.operate.graph.answers import Answer, Page, RawPage, decoded, followed, page_of, page_or_anything
from unsecret.operate.graph.connection import Connection, Remote, trust
from unsecret.operate.graph.patience import READS, Attempt, may_be_repeated
from unsecret.operate.graph.permissions import VerbNeeds, claims_of, naming_what_is_missing
from unsecret.operate.graph.side_by_side import in_order
from unsecret.operate.graph.sign_in import Token, TokenRequest, TokenSource, own_tokens
from unsecret.wire.batches import MOST_REQUESTS, Ask, answers_from_graph, batch_to_graph
from unsecret.wire.problems import from_graph, retry_after

T = TypeVar("T")
A = TypeVar("A")

VERSIONS = ("v1.0", "beta")
AT_ONCE = 8
"""Requests on their way at the same time; more only run into Graph's limits for a tenant."""

VISIBLE_PAUSES = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds between looks at what must be there: Graph's reads may lag its writes, so one look proves nothing."""

_RESETS = (httpx2.NetworkError, httpx2.TimeoutException, httpx2.RemoteProtocolError)
"""How a connection breaks that may hold the next time."""


class GraphClient:
    """Graph of one tenant. Threads may share it.

    `tokens` gives the tokens, for a local tenant by its certificate unless told otherwise. `needs` is what the verb
    that calls needs, so that a refusal can name what is missing. `transport` replaces the
    network (in tests it is the tenant itself), `sleep`, `clock` and `chance` (from 0 to 1) replace time and dice,
    `say` is told of every wait that a person would notice. `timeout` and `max_wait` are seconds, `at_once` is how
    many requests are on their way at the same time.
    """

    def __init__(
        self,
        connection: Connection | Remote,
        *,
        tokens: TokenSource | None = None,
        needs: VerbNeeds | None = None,
        transport: httpx2.BaseTransport | None = None,
        timeout: float = 30.0,
        max_wait: float = 60.0,
        at_once: int = AT_ONCE,
        sleep: Callable[[float], object] | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        chance: Callable[[], float] = random.random,
        say: Callable[[str], None] = lambda _words: None,
    ):
        self.connection = connection
        self._http = httpx2.Client(
            verify=True if transport else trust(connection),
            transport=transport,
            proxy=connection.proxy if isinstance(connection, Remote) else None,
            timeout=timeout,
            trust_env=False,
            headers={"User-Agent": f"unsecret/{__version__}"},  # the logs say who asked
            follow_redirects=False,
        )
        self._tokens = tokens or own_tokens(connection)
        self._needs = needs
        self._max_wait = max_wait
        self._at_once = at_once
        self._closed = threading.Event()
        self._sleep = self._closed.wait if sleep is None else sleep
        self._clock = clock
        self._chance = chance
        self._say = say
        self._token: Token | None = None
        self._one_signs_in = threading.Lock()
        self._has_answered = False

    def __enter__(self) -> GraphClient:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._closed.set()
        self._http.close()

    def get(self, path: str, *, headers: Mapping[str, str] | None = None) -> Any:
        """The body of a GET."""
        return self.send("GET", path, headers=headers).body

    def send(self, method: str, path: str, *, body: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
        """One request and its answer. `path` is relative to Graph, with or without a version (v1.0 then).

        Raises what the tenant refused with, as `wire.problems` reads it; Unreachable when no answer came;
        Invalid when `path` leads away from this tenant.
        """
        return self._asked(method, self.url(path), body, headers, is_read=method in READS)

    def pages(self, path: str, *, headers: Mapping[str, str] | None = None) -> Iterator[Any]:
        """The items of a collection, page after page. Raises Invalid when the pages run in a circle."""
        for page in self.page_by_page(path, headers=headers):
            yield from page.items

    def page_by_page(self, path: str, *, headers: Mapping[str, str] | None = None) -> Iterator[Page]:
        """The pages of a collection. `path` may be the `next_link` of a page that was read at another time.

        Raises Invalid when the pages run in a circle.
        """
        return followed(path, lambda link: page_of(self.get(link, headers=headers)))

    def raw_pages(self, path: str) -> Iterator[Raw]:
        """As `pages`, with each item as JSON that nobody has read: for who only passes many on. Raises alike."""
        for page in followed(path, self._raw_page):
            yield from page.items

    def _raw_page(self, link: str) -> Page | None:
        body = self._asked("GET", self.url(link), None, None, is_read=True, decode=page_or_anything).body
        return Page(body.value, body.next_link) if isinstance(body, RawPage) else None

    def each(self, act: Callable[[A], T], things: Iterable[A]) -> Iterator[T]:
        """`act` of each of `things`, in their order, several at a time; `act` calls this client. See `in_order`."""
        return in_order(act, things, at_once=self._at_once, interrupted=self._closed.set)

    def batch(self, asks: Iterable[Ask], *, version: str = "v1.0") -> Iterator[Answer]:
        """The answers to `asks` in their order, twenty to a call and several calls at a time.

        A request that is refused does not stop the others: its answer has a `refusal`. What was throttled is sent
        again by itself. Raises as `send` does when a whole batch is refused.
        https://learn.microsoft.com/en-us/graph/json-batching
        """
        for answers in self.each(lambda some: self._batch(some, version), _twenties(asks)):
            yield from answers

    def _batch(self, asks: list[Ask], version: str) -> list[Answer]:
        start = f"{self.connection.graph}/{version}"
        asks = [structs.replace(ask, path=self._below(start, ask.path, version)) for ask in asks]
        answers: dict[int, Answer] = {}
        left, attempt = list(range(len(asks))), Attempt()
        while True:
            sent = [asks[place] for place in left]
            is_read = all(ask.method in READS for ask in sent)
            whole = self._asked("POST", f"{start}/$batch", batch_to_graph(sent), None, is_read=is_read)
            token = self._bearer()
            found = [self._naming(Answer(*one), token) for one in answers_from_graph(whole.body, len(sent))]
            answers |= dict(zip(left, found, strict=True))
            left = [place for place in left if _again(answers[place], asks[place].method in READS, attempt)]
            if not left:
                break
            pause = max(attempt.pause(self._asked_pause(answers[place]), self._chance()) for place in left)
            if attempt.waited + pause > self._max_wait:
                break
            attempt = self._waited(attempt, pause, answers[left[0]].status)
        return [answers[place] for place in range(len(asks))]

    def _below(self, start: str, path: str, version: str) -> str:
        """`path` as it stands in a batch to `start`. Raises Invalid for one of another version or tenant."""
        bare = path.lstrip("/")
        is_whole = "://" in path or bare.split("/", 1)[0] in VERSIONS
        url = self.url(path if is_whole else f"{version}/{bare}")
        if not url.startswith(f"{start}/"):
            raise Invalid(f"{path} cannot go into a batch of {version}.")
        return url.removeprefix(start)

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
        answer = self._post(TokenRequest(url=url, form=form))
        if answer.status != 200:
            raise from_graph(answer.status, answer.headers, answer.body)
        return answer.body["access_token"]

    def tenant_id(self) -> str:
        """The tenant's id, as its token says it: a connection may name the tenant by a domain. Signs in.

        Where the token cannot be read, it is what the connection says.
        """
        said = claims_of(self._bearer()).get("tid")
        return (canonical_guid(said) if isinstance(said, str) else None) or self.connection.tenant_id.lower()

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

    def _asked(
        self,
        method: str,
        url: str,
        body: Any,
        headers: Mapping[str, str] | None,
        *,
        is_read: bool,
        decode: Callable[[bytes], Any] | None = None,
    ) -> Answer:
        token = self._bearer()
        answer = self._patient(self._signed(token, method, url, body, headers), is_read=is_read, decode=decode)
        if answer.status == 401:  # the token may have ended while a person was thinking: once more with a new one
            token = self._bearer(refused=token)
            answer = self._patient(self._signed(token, method, url, body, headers), is_read=is_read, decode=decode)
        if refusal := self._naming(answer, token).refusal:
            raise refusal
        return answer

    def _naming(self, answer: Answer, token: str) -> Answer:
        """A refusal for want of a permission says which one it is."""
        if answer.status != 403 or self._needs is None:
            return answer
        return structs.replace(answer, body=naming_what_is_missing(answer.body, token, self._needs))

    def _signed(
        self, token: str, method: str, url: str, body: Any, headers: Mapping[str, str] | None
    ) -> httpx2.Request:
        own = {"Authorization": f"Bearer {token}"} | ({} if body is None else {"Content-Type": "application/json"})
        content = None if body is None else msgspec.json.encode(body)
        try:
            return self._http.build_request(method, url, headers={**own, **(headers or {})}, content=content)
        except httpx2.InvalidURL as problem:
            raise Invalid(f"{url} is no address: {problem}") from problem

    def _bearer(self, *, refused: str | None = None) -> str:
        """A token that is good for a while, and is not the one that was `refused`."""
        with self._one_signs_in:
            now = self._clock()
            if self._token is None or now >= self._token.use_until or self._token.text == refused:
                self._token = self._tokens(self._post, now)
            return self._token.text

    def _post(self, request: TokenRequest) -> Answer:
        """To the sign-in service. Nothing changes by it, so that it may be sent again like a read."""
        built = self._http.build_request(
            request.method, request.url, data=request.form, content=request.content, headers=request.headers
        )
        return self._patient(built, is_read=True)

    def _patient(
        self, request: httpx2.Request, *, is_read: bool, decode: Callable[[bytes], Any] | None = None
    ) -> Answer:
        """Send; while the tenant says that it is busy, wait as long as it asks, within `max_wait`. A read is sent
        again when its connection breaks, too."""
        attempt = Attempt()
        while True:
            found = self._once(request, is_read=is_read, decode=decode or decoded)
            if isinstance(found, Unreachable):
                again, asked, status = attempt.may_follow_a_failure, None, None
            else:
                again, asked, status = _again(found, is_read, attempt), self._asked_pause(found), found.status
            pause = attempt.pause(asked, self._chance()) if again else 0.0
            if again and attempt.waited + pause <= self._max_wait:
                attempt = self._waited(attempt, pause, status)
            elif isinstance(found, Unreachable):
                raise found
            else:
                return found

    def _asked_pause(self, answer: Answer) -> float | None:
        return retry_after(answer.headers, now=self._clock()) or None

    def _waited(self, attempt: Attempt, pause: float, status: int | None) -> Attempt:
        if pause >= 1:
            why = f"is busy ({status})" if status else "stopped answering"
            self._say(f"The tenant {why}; asking again in {pause:.0f} s.")
        self._sleep(pause)
        if self._closed.is_set():
            raise Unreachable("The connection to the tenant was closed while waiting for it.")
        return attempt.after(pause)

    def _once(self, request: httpx2.Request, *, is_read: bool, decode: Callable[[bytes], Any]) -> Answer | Unreachable:
        """The answer, or the reason why there is none if it may be another one the next time.

        A tenant that never answered is not waited for: most often nobody started it.
        """
        try:
            response = self._http.send(request)
        except httpx2.HTTPError as problem:
            reason = _unreachable(problem, self.connection, request.method, is_read=is_read)
            if is_read and self._has_answered and isinstance(problem, _RESETS):
                return reason
            raise reason from problem
        self._has_answered = True
        return Answer(response.status_code, response.headers, decode(response.content))


def _again(answer: Answer, is_read: bool, attempt: Attempt) -> bool:
    return may_be_repeated(answer.status, is_read=is_read, attempt=attempt)


def _twenties(asks: Iterable[Ask]) -> Iterator[list[Ask]]:
    left = iter(asks)
    while some := list(islice(left, MOST_REQUESTS)):
        yield some


def _unreachable(
    problem: httpx2.HTTPError, connection: Connection | Remote, method: str, *, is_read: bool
) -> Unreachable:
    """No answer came. When a write was on its way, whether it was carried out is not known, and said so."""
    if isinstance(problem, httpx2.ConnectError | httpx2.ConnectTimeout):
        return Unreachable(
            f"No tenant answers at {connection.graph} ({problem}).",
            hint=connection.remedy,
        )
    said = str(problem) or type(problem).__name__
    if is_read or not isinstance(problem, httpx2.TransportError):
        return Unreachable(f"{connection.graph} stopped answering: {said}.", hint="Try again.")
    return Unreachable(
        f"{connection.graph} stopped answering during {method}: {said}. Whether the change was made is not known.",
        hint="Look before trying again: unsecret status",
    )
