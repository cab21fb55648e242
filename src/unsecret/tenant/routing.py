"""Finding the route of a request among hundreds.

Starlette compares a path with one pattern after the other. Most can be told apart by the words that they begin with and
the number of their segments, so the patterns that could match at all are looked up, and only they are compared, in
their own order: what is found is what comparing with all of them would find.
"""

from __future__ import annotations

from collections.abc import Sequence

from starlette.routing import BaseRoute, Route, Router
from starlette.types import Receive, Scope, Send

_MOST_SEGMENTS = 12
"""Longer paths are all looked up as one kind: nobody can fill the memory with kinds of paths."""


class IndexedRouter(Router):
    """Starlette's router over `routes`. A path is taken as it is written, with a slash at its end or without."""

    def __init__(self, routes: Sequence[BaseRoute]):
        super().__init__(routes=routes, redirect_slashes=False)
        self._first, self._second = (_words(routes, place) for place in (0, 1))
        self._routers: dict[tuple[str, str, int], Router] = {}

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hands the request to the router of those that could match."""
        if scope["type"] == "http":
            await self.router_for(scope["path"]).app(scope, receive, send)
        else:
            await super().app(scope, receive, send)

    def router_for(self, path: str) -> Router:
        """A router of the routes that could match, in their order."""
        segments = path.split("/", _MOST_SEGMENTS)[1:]
        first, second = segments[0], segments[1] if len(segments) > 1 else ""
        kind = (first if first in self._first else "", second if second in self._second else "", len(segments))
        if (router := self._routers.get(kind)) is None:
            found = [route for route in self.routes if _could_match(route, *kind)]
            router = self._routers[kind] = Router(routes=found, redirect_slashes=False)
        return router


def _segments(route: BaseRoute) -> list[str]:
    """Of the route's pattern; of one that we cannot read, one that matches everything."""
    return route.path.split("/")[1:] if isinstance(route, Route) else ["{any:path}"]


def _words(routes: Sequence[BaseRoute], place: int) -> frozenset[str]:
    """The words that patterns have in this place."""
    found = (segments[place] for route in routes if len(segments := _segments(route)) > place)
    return frozenset(word for word in found if "{" not in word)


def _could_match(route: BaseRoute, first: str, second: str, count: int) -> bool:
    """Whether the pattern could match a path of so many segments, whose first two are these words, or, when empty,
    none that any pattern has."""
    pattern = _segments(route)
    if not any(":path}" in segment for segment in pattern) and len(pattern) != count and count < _MOST_SEGMENTS:
        return False
    return all(
        ":path}" in "".join(pattern[: place + 1]) or "{" in pattern[place] or pattern[place] == word
        for place, word in enumerate((first, second)[: len(pattern)])
    )
