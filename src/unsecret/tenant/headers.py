"""Headers that are found without a search: a request is asked for a dozen, and most are not there."""

from __future__ import annotations

from typing import Any

from starlette.datastructures import Headers
from starlette.requests import Request, empty_receive, empty_send
from starlette.types import Receive, Scope, Send


class IndexedRequest(Request):
    """A request whose headers are looked up by their names."""

    def __init__(self, scope: Scope, receive: Receive = empty_receive, send: Send = empty_send):
        super().__init__(scope, receive, send)
        self._headers = headers = IndexedHeaders(scope)
        self.accepted = headers.accepted


class IndexedHeaders(Headers):
    """Headers by their names. Of several with one name the first counts, as ever."""

    def __init__(self, scope: Scope):
        super().__init__(scope=scope)
        self._by_name = by_name = dict(reversed(self._list))
        self.accepted = by_name.get(b"accept", b"")

    def __getitem__(self, key: str) -> str:
        return self._by_name[key.lower().encode("latin-1")].decode("latin-1")

    def __contains__(self, key: Any) -> bool:
        return key.lower().encode("latin-1") in self._by_name

    def get(self, key: Any, default: Any = None) -> Any:
        value = self._by_name.get(key.lower().encode("latin-1"))
        return default if value is None else value.decode("latin-1")
