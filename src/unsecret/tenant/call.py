"""One Graph request: who calls, when, in which version; how its body is read and its answer written."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Concatenate, NoReturn, ParamSpec, TypeVar, cast

import msgspec
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from unsecret.errors import Forbidden, Invalid, TooLarge, Unsupported, UnsupportedMedia
from unsecret.model.application import ObjectKind
from unsecret.model.event import Caller, Circumstances
from unsecret.model.identifiers import canonical_guid
from unsecret.model.query import Page
from unsecret.tenant.auth import authenticate
from unsecret.tenant.hand_over import HandOver
from unsecret.tenant.json_bodies import decode_json
from unsecret.tenant.random_guids import random_guid
from unsecret.tenant.settings import Services, origin
from unsecret.tenant.use_cases.transaction import ObjectKey, Refused, Transaction, perform
from unsecret.wire import odata
from unsecret.wire.queryable import Collection
from unsecret.wire.sifting import sifted

P = ParamSpec("P")
R = TypeVar("R")

LONGEST_BODY = 1024 * 1024
"""Bytes. Far above the largest application Graph allows; far below what could hurt."""

LONGEST_HEADER = 512
"""Characters of a client's free text (User-Agent, paths in errors) that are kept."""

REQUEST_ID = "unsecret.request_id"
"""Where the request's own id is noted in its scope. `Request.state` would do, at ten times the price."""
NAMED_TENANT = "unsecret.named_tenant"
"""Where the tenant that the address names is noted."""
_NOW, _MACHINE_NOW, _CORRELATION_ID = "unsecret.now", "unsecret.machine_now", "unsecret.correlation_id"

CREATED, NO_CONTENT = 201, 204
_DELTA = "delta"
_NO_KEYS = ("microsoft.graph.", "graph.", "$count", "$ref", _DELTA)
"""What begins a segment that names no object: a type, or a part of a list."""

_GRAPHS_JSON = (
    (b"odata-version", b"4.0"),
    (
        b"content-type",
        b"application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8",
    ),
)


class Call:
    """What a handler works with. Made once per request; `now` is the one instant of all that it does."""

    only_counts = False
    """Whether of a list nothing but its number is wanted (`counting.py`)."""

    def __init__(self, request: Request, services: Services, now: datetime, caller: Caller):
        self.request = request
        self.services = services
        self.caller = caller
        self._hand_over: HandOver = request.app.state.hand_over
        self.version = request.scope["path"].split("/", 2)[1]
        self.beta = self.version == "beta"
        self.circumstances = Circumstances(
            now=now,
            machine_now=machine_instant_of(request),
            correlation_id=correlation_id(request),
            ip_address=ip_address_of(request),
            user_agent=kept(request.headers.get("user-agent")),
        )

    @property
    def base_url(self) -> str:
        """The Graph root as the client addressed it: nextLinks must lead back to the same host."""
        return origin(self.request.headers.get("host"), self.services.settings)

    def key(self) -> ObjectKey:
        """How the URL names the object: `{key}` is an id, or `appId=…`, `uniqueName=…`."""
        text = self.path("key")
        name, equals, value = text.partition("=")
        return ObjectKey(name, value) if equals else ObjectKey("id", text)

    @property
    def creates_if_missing(self) -> bool:
        """Whether a PATCH by a key of the client's choice shall make what is not there."""
        return "create-if-missing" in self.request.headers.get("prefer", "").casefold()

    def path(self, name: str) -> str:
        """A parameter of the route. A type, `$count` or `delta` in the place of an object asks for what is not
        served."""
        text = self.request.path_params[name]
        if name == "key" and (folded := text.casefold()).startswith(_NO_KEYS) and not _is_a_name(folded):
            raise self.not_served()
        return text

    def not_served(self) -> Unsupported:
        """The refusal of what Microsoft Graph may serve and this tenant does not."""
        return Unsupported(
            f"This local tenant does not serve {self.request.method} {shown_path(self.request)}. "
            f"Microsoft Graph may; what is served here, and what is not, is listed in {odata.DIVERGENCES}.",
            hint=odata.DIVERGENCES,
        )

    # -- the directory ----------------------------------------------------------------------------------------

    def read(self, use_case: Callable[Concatenate[Transaction, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a use case that only looks, on one snapshot."""
        if self.services.mischief:
            with self.services.mischief.reading() as conn:
                return use_case(Transaction(conn, self.caller, self.circumstances), *args, **kwargs)
        with self.services.store.questions(self.caller.tenant_id) as questions:
            transaction = Transaction(questions.conn, self.caller, self.circumstances, questions)
            return use_case(transaction, *args, **kwargs)

    async def write(self, use_case: Callable[Concatenate[Transaction, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a use case in a transaction; returns once what it did is durable. Raises what it refused with."""
        if self.services.mischief:
            self.services.mischief.hold()
        work = perform(use_case, self.caller, self.circumstances, *args, **kwargs)
        outcome = await self._hand_over.write(work, self.caller.tenant_id)
        if isinstance(outcome, Refused):
            raise outcome.error
        return cast("R", outcome)

    # -- the request's body and query ---------------------------------------------------------------------------

    async def body(self) -> Any:
        """The JSON body. Raises Invalid (not JSON), TooLarge, UnsupportedMedia (compressed)."""
        content_type = self.request.headers.get("content-type", "")
        _require_unpacked(self.request)
        raw = await read_bounded(self.request, LONGEST_BODY)
        if not raw:
            return None
        if "json" not in content_type.casefold():
            raise Invalid(
                "Write requests (excluding DELETE) must contain the Content-Type header declaration: "
                "send Content-Type: application/json."
            )
        return decode_json(raw)

    async def reading(self, decode: Callable[Concatenate[Any, P], R]) -> Callable[P, R]:
        """How a use case reads the body: inside its transaction, against what is stored then. What is wrong with the
        body is raised there, and so is on record like every other refusal. Raises at once what is not worth reading:
        TooLarge, UnsupportedMedia."""
        try:
            body = await self.body()
        except Invalid as error:
            return partial(_refuse, error)
        return partial(decode, body)

    def asked(self, collection: Collection, *, expands: bool = False) -> odata.Asked:
        """`$filter`, `$top`, `$select` and the rest, checked against what `collection` can be asked.

        Raises Invalid, and Unsupported for `$expand` where the handler does not say that it `expands`.
        """
        request = self.request
        options = request.query_params.multi_items() if request.scope["query_string"] else ()
        asked = odata.parse_query(options, request.headers, collection=collection, only_counts=self.only_counts)
        if asked.expand and not expands:
            raise Unsupported(
                f"This local tenant does not serve $expand={','.join(asked.expand)}. Ask for it by its own path.",
                hint=odata.DIVERGENCES,
            )
        if self.only_counts:
            return replace(asked, query=replace(asked.query, top=0, count=True))
        if self.services.mischief:
            fewer = self.services.mischief.page_size(asked.query.top)
            return replace(asked, query=replace(asked.query, top=fewer))
        return asked

    # -- answers ------------------------------------------------------------------------------------------------

    def entity(self, body: dict[str, Any], context: str, *, status: int = 200, select: odata.Names = None) -> Response:
        """One object, under `@odata.context: …#context/$entity`."""
        url = odata.context_url(self.base_url, self.version, context, select)
        return json_response({"@odata.context": f"{url}/$entity", **odata.select(body, select)}, status)

    def written_entity(self, body: bytes, context: str) -> Response:
        """As `entity`, of an object that is in JSON already."""
        url = msgspec.json.encode(f"{odata.context_url(self.base_url, self.version, context, None)}/$entity")
        return _answered(b'{"@odata.context":%b,%b' % (url, body.removeprefix(b"{")))

    def expanded_entity(self, body: dict[str, Any], context: str, asked: odata.Asked) -> Response:
        """As `entity`, with what was expanded."""
        url = odata.context_url(self.base_url, self.version, context, asked.named)
        return json_response({"@odata.context": f"{url}/$entity", **odata.select(body, asked.shown)})

    def made(self, body: dict[str, Any], context: str, type_name: str) -> Response:
        """A new directory object: 201, and where it is now, spelled as Graph spells it."""
        answer = self.entity(body, context, status=CREATED)
        return self.placed(answer, f"directoryObjects/{body['id']}/Microsoft.DirectoryServices.{type_name}")

    def placed(self, answer: Response, place: str) -> Response:
        """`answer` with where what it shows is, spelled as Graph spells it."""
        answer.headers["location"] = f"{self.base_url}/v2/{self.caller.tenant_id}/{place}"
        return answer

    def value(self, value: Any, context: str) -> Response:
        """The value of a property, or of an action that returns no entity; of an object its members
        (OData 4.01 JSON, "Individual Property or Operation Response")."""
        shown = value if isinstance(value, dict) else {"value": value}
        return json_response({"@odata.context": odata.context_url(self.base_url, self.version, context, None), **shown})

    def page(self, page: Page[R], encode: Callable[[R], dict[str, Any]], context: str, asked: odata.Asked) -> Response:
        """A page of a collection with its nextLink; or the number of all, where nothing else is wanted."""
        if self.only_counts:
            return PlainTextResponse(str(page.count))
        answer: dict[str, Any] = {
            "@odata.context": odata.context_url(self.base_url, self.version, context, asked.named)
        }
        if page.count is not None:
            answer["@odata.count"] = page.count
        if page.next is not None:
            answer["@odata.nextLink"] = odata.next_link(self._own_url(), page.next)
        answer["value"] = [odata.select(encode(item), asked.shown) for item in page.items]
        return json_response(answer)

    def whole(
        self, items: Iterable[R], encode: Callable[[R], dict[str, Any]], context: str, collection: Collection
    ) -> Response:
        """A whole collection, never paged: it cannot grow long. What can be expanded, `encode` does."""
        asked = self.asked(collection, expands=True)
        if asked.query.order_by is not None:
            raise Invalid("This collection cannot be sorted.", code="Request_UnsupportedQuery")
        shown = sifted([encode(item) for item in items], asked.query.filter, collection)
        count = len(shown) if asked.query.count else None
        return self.page(Page(items=tuple(shown), count=count), lambda item: item, context, asked)

    def _own_url(self) -> str:
        url = self.request.url
        return f"{self.base_url}{self.request.scope['path']}" + (f"?{url.query}" if url.query else "")


Handler = Callable[[Call], Response | Awaitable[Response]]
Route = tuple[str, str, Handler]
"""Method, path below the version, and who answers."""

Routes = list[Route]


def graph_endpoint(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """A Starlette endpoint: authenticate, then hand `handler` its Call."""

    async def endpoint(request: Request) -> Response:
        services: Services = request.app.state.services
        if services.mischief:
            services.mischief.throttle()
        now = instant_of(request)
        caller = authenticate(request.headers.get("authorization"), services, now)
        if request.scope.get(NAMED_TENANT) not in (None, caller.tenant_id):
            raise Forbidden("The token is for another tenant than the address. Leave the tenant out of the address.")
        answer = handler(Call(request, services, now, caller))
        return traced(answer if isinstance(answer, Response) else await answer, request)

    return endpoint


def json_response(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """`body` as Graph's JSON."""
    return _answered(msgspec.json.encode(body), status, headers)


def _answered(written: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    response = Response(written, status, headers)
    response.raw_headers += _GRAPHS_JSON
    return response


def traced(response: Response, request: Request) -> Response:
    """`response` with the ids by which its request can be found again."""
    response.raw_headers += (
        (b"request-id", request_id(request).encode()),
        (b"client-request-id", correlation_id(request).encode()),
    )
    return response


def no_content() -> Response:
    """204 with no body: the answer to PATCH, DELETE and $ref."""
    return Response(status_code=NO_CONTENT)


async def read_bounded(request: Request, longest: int) -> bytes:
    """The request's body, if it is at most `longest` bytes. Raises TooLarge before reading further."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > longest:
        raise _too_large(longest)
    chunks, length, more = [], 0, True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise Invalid("The request ended before its body was complete.")
        chunk, more = message.get("body", b""), message.get("more_body", False)
        length += len(chunk)
        if length > longest:
            raise _too_large(longest)
        chunks.append(chunk)
    return b"".join(chunks)


def _is_a_name(key: str) -> bool:
    """Whether what begins like the word for changes goes on: people may be called so."""
    return key.startswith(_DELTA) and key != _DELTA


def _refuse(error: Invalid, *_: Any, **__: Any) -> NoReturn:
    raise error


def _require_unpacked(request: Request) -> None:
    """A body that was packed by its client is not unpacked: a small one may hide a large one (RFC 9110 §8.4)."""
    if request.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise UnsupportedMedia("Content-Encoding is not supported here: send the body as it is, not compressed.")


def _too_large(longest: int) -> TooLarge:
    return TooLarge(f"The request body is larger than {longest} bytes. Send less at a time.")


def instant_of(request: Request) -> datetime:
    """The one instant of this request, by its tenant's clock, taken when it is first asked for."""
    noted = request.scope
    if (now := noted.get(_NOW)) is None:
        services: Services = request.app.state.services
        now = noted[_NOW] = noted[_MACHINE_NOW] = services.clock()
        if services.movable_clocks is not None:  # should that fail, the error is dated by the machine
            now = noted[_NOW] = now + services.movable_clocks.offset_for(request)
    return now


def machine_instant_of(request: Request) -> datetime:
    """The same instant by the machine's own clock. What a client signed is held against this: its clock did not
    move when the tenant's did."""
    instant_of(request)
    return request.scope[_MACHINE_NOW]


def request_id(request: Request) -> str:
    """This request's own id, made when it is first asked for."""
    noted = request.scope
    if (own := noted.get(REQUEST_ID)) is None:
        own = noted[REQUEST_ID] = random_guid()
    return own


def shown_path(request: Request) -> str:
    """The path as errors and the log repeat it."""
    return request.scope["path"][:LONGEST_HEADER]


def correlation_id(request: Request) -> str:
    """The client's own request id, when it sent a usable one; ours otherwise."""
    noted = request.scope
    if (chosen := noted.get(_CORRELATION_ID)) is None:
        chosen = noted[_CORRELATION_ID] = _sent_request_id(request) or request_id(request)
    return chosen


def _sent_request_id(request: Request) -> str | None:
    for name in ("client-request-id", "x-ms-client-request-id"):
        sent = request.headers.get(name)
        if sent is not None and (guid := canonical_guid(sent.strip("{} "))) is not None:
            return guid
    return None


def ip_address_of(request: Request) -> str | None:
    """The client's."""
    client: tuple[str, int] | None = request.scope.get("client")
    return client[0] if client else None


def kept(text: str | None) -> str | None:
    """Free text of a client, cut to a length that can be kept."""
    return text[:LONGEST_HEADER] if text else None


def name_of(kind: ObjectKind) -> str:
    """The collection's name in URLs and contexts."""
    return _COLLECTIONS[kind]


_COLLECTIONS = {
    ObjectKind.APPLICATION: "applications",
    ObjectKind.SERVICE_PRINCIPAL: "servicePrincipals",
    ObjectKind.USER: "users",
}
