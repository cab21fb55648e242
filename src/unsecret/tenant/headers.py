"""Headers that are found without a search: a request is asked for a dozen, and most are not there."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import Scope


class IndexedRequest(Request):
    """A request whose headers are decoded once."""

    @cached_property
    def headers(self) -> Headers:
        return IndexedHeaders(self.scope)


class IndexedHeaders(Headers):
    """Headers by their names. Of several with one name the first counts, as ever."""

    def __init__(self, scope: Scope):
        super().__init__(scope=scope)
        self._by_name = {name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(self._list)}

    def __getitem__(self, key: str) -> str:
        return self._by_name[key.lower()]

    def __contains__(self, key: Any) -> bool:
        return key.lower() in self._by_name

    def get(self, key: Any, default: Any = None) -> Any:
        return self._by_name.get(key.lower(), default)
