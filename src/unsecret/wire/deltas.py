"""Delta queries in Graph's language: what may be asked of them, their tokens, and what was removed.

https://learn.microsoft.com/en-us/graph/delta-query-overview, …/api/application-delta
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from unsecret.errors import Invalid
from unsecret.model.delta import Change, State
from unsecret.model.identifiers import canonical_guid
from unsecret.model.query import Comparison, Filter, Operator, Or
from unsecret.wire.odata import LONGEST_CURSOR, page_size
from unsecret.wire.queryable import UNSUPPORTED, Collection, check_select

_NEXT, _DONE = "$skiptoken", "$deltatoken"
_TAKEN = frozenset({_NEXT, _DONE, "$select", "$filter", "$format"})
_FROM_NOW = "latest"
_LARGEST_RECORD = 2**63 - 1
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(State).decode


class DeltaAsked(Struct, frozen=True, kw_only=True):
    """What a request asks for: everything (no `state`), what comes after now, or what was changed since `state`."""

    top: int
    state: State | None = None
    from_now: bool = False
    select: tuple[str, ...] | None = None
    ids: tuple[str, ...] | None = None


def parse_delta(
    params: Sequence[tuple[str, str]],
    headers: Mapping[str, str],
    *,
    collection: Collection,
    identifier: Callable[[str], str | None] = canonical_guid,
) -> DeltaAsked:
    """The options of a delta query; `identifier` gives an id as it is kept, None for what is no id. Raises Invalid for
    options that delta has not, and for a token that is none."""
    options = _options(params)
    top = page_size(None, headers, collection)
    done, following = options.get(_DONE, ""), options.get(_NEXT, "")
    select = _select(options.get("$select"), collection)
    if following and select is not None:
        raise Invalid(
            f"$select cannot be changed while pages are being read: follow @odata.nextLink as it is. {_AGAIN}"
        )
    if following or (done and done.lower() != _FROM_NOW):
        state = _state(following or done)
        return DeltaAsked(top=top, state=state, select=state.select if select is None else select, ids=state.ids)
    return DeltaAsked(top=top, from_now=bool(done), select=select, ids=_ids(options.get("$filter"), identifier))


def delta_link(address: str, state: State, *, is_last: bool) -> tuple[str, str]:
    """Name and value of the link that leads on: to the next page, or to what will be changed later."""
    token = urlsafe_b64encode(_encode(state)).rstrip(b"=").decode()
    return (
        ("@odata.deltaLink", f"{address}?{_DONE}={token}")
        if is_last
        else (
            "@odata.nextLink",
            f"{address}?{_NEXT}={token}",
        )
    )


def begin_again(address: str) -> str:
    """Where a client begins that has lost its state: an empty token."""
    return f"{address}?{_DONE}="


def removed_to_graph(change: Change[Any]) -> dict[str, Any]:
    """An object that is not there any more."""
    return {"id": change.id, "@removed": {"reason": str(change.removal)}}


_AGAIN = f"Or begin again, without {_NEXT} and {_DONE}."


def _options(params: Sequence[tuple[str, str]]) -> dict[str, str]:
    options: dict[str, str] = {}
    for sent, value in params:
        name = sent.strip().lower()
        name = f"${name}" if f"${name}" in _TAKEN else name
        if name in options:
            raise Invalid(f"Query option '{name}' was specified more than once, but it must be specified at most once.")
        if name in _TAKEN:
            options[name] = value
        elif name.startswith("$"):
            raise Invalid(f"'{sent[:64]}' is not supported by delta queries.", code=UNSUPPORTED, target=sent[:64])
    return options


def _select(text: str | None, collection: Collection) -> tuple[str, ...] | None:
    """The id is always shown (page application-delta)."""
    names = tuple(name.strip() for name in text.split(",")) if text else ()
    return ("id", *(name for name in check_select(names, collection) if name != "id")) if names else None


def _state(token: str) -> State:
    try:
        if len(token) > LONGEST_CURSOR:
            raise ValueError
        state = _decode(urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        if state.made_at.tzinfo is None or not 0 <= state.known <= _LARGEST_RECORD:
            raise ValueError
        return state
    except (ValueError, binascii.Error, msgspec.MsgspecError):
        raise Invalid(f"Badly formed token. Follow the links of the answers as they are. {_AGAIN}") from None


def _ids(text: str | None, identifier: Callable[[str], str | None]) -> tuple[str, ...] | None:
    """The one filter that delta has: `id eq '…' or id eq '…'`."""
    if text is None:
        return None
    from unsecret.wire.filters import parse_filter

    asked = parse_filter(text)
    parts: tuple[Filter, ...] = asked.parts if isinstance(asked, Or) else (asked,)
    ids = []
    for part in parts:
        match part:
            case Comparison(property="id", operator=Operator.EQ, value=str(value)) if known := identifier(value):
                ids.append(known)
            case _:
                raise Invalid(
                    "Delta queries can only be filtered by id: id eq '…' or id eq '…'.",
                    code=UNSUPPORTED,
                    target="$filter",
                )
    return tuple(dict.fromkeys(ids))
