"""A tenant that is read from a file: the client's questions are answered in this process, and no call leaves it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from urllib.parse import parse_qsl

import httpx2

from unsecret.errors import Invalid
from unsecret.operate.graph.client import GraphClient
from unsecret.operate.graph.connection import Remote
from unsecret.operate.graph.sign_in import Token

Answers = Callable[[str, Mapping[str, str]], bytes]
"""The JSON for a path without its version (`applications/0f0e…`), and the query options, decoded."""

_NO_ADDRESS = "https://snapshot.invalid"
"""For files that do not say which Graph they are of. The name leads nowhere (RFC 6761 §6.4)."""


_LONG = timedelta(days=1)


class Kept(Remote, frozen=True, kw_only=True):
    """A tenant as the file `name` shows it; `source` is where that was read."""

    kept_from: str

    @property
    def source(self) -> str:
        """Where the answers come from."""
        return self.kept_from

    @property
    def words(self) -> str:
        """The tenant as a person is to recognise it."""
        return f"the snapshot {self.name} of the tenant {self.tenant_id}"


def offline_client(answers: Answers, *, name: str, tenant_id: str, source: str) -> GraphClient:
    """A client whose GETs `answers` answers, and that sends nothing: writing raises Invalid. What `answers` raises
    reaches whoever asked."""
    graph = source if source.startswith("https://") else _NO_ADDRESS
    kept = Kept(name=name, tenant_id=tenant_id, authority=graph, graph=graph, kept_from=source)
    return GraphClient(
        kept,
        tokens=lambda _post, now: Token("", now + _LONG),  # nobody looks at it
        transport=_InProcess(answers, kept),
        sleep=lambda _seconds: None,  # a file does not lag behind
    )


class _InProcess(httpx2.BaseTransport):
    def __init__(self, answers: Answers, kept: Kept):
        self._answers = answers
        self._kept = kept

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.method != "GET":
            raise Invalid(f"{self._kept.words} cannot be changed; it shows what was there.", code="ReadOnly")
        _version, _, path = request.url.path.removeprefix("/").partition("/")
        query = dict(parse_qsl(request.url.query.decode(), keep_blank_values=True))
        return httpx2.Response(200, content=self._answers(path, query))
