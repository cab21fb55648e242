"""Requests that arrive too slowly, or are given up. granian does not limit how long a body may take."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from unsecret.errors import Invalid

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY_WITHIN = 30.0
"""Seconds in which a request's body has to arrive."""


def bounded(app: ASGIApp, in_flight: set[asyncio.Task[Any]], *, body_within: float = BODY_WITHIN) -> ASGIApp:
    """`app`, with a limit in seconds to how long a body may take to arrive.

    Reading a body that is late raises Invalid in the app, which answers with it. `in_flight` holds the
    requests that are being answered. One that is given up, by us or because its client hung up, ends quietly.
    """

    async def bounded_app(scope: Scope, receive: Receive, send: Send) -> None:
        task = asyncio.current_task()
        assert task is not None
        in_flight.add(task)
        try:
            await app(scope, _InTime(receive, task, body_within), send)
        except asyncio.CancelledError:
            pass  # given up
        finally:
            in_flight.discard(task)

    return bounded_app


class _InTime:
    """What a request's body is received with. All of it has to arrive within so many seconds of being asked for."""

    __slots__ = ("_complete", "_deadline", "_late", "_receive", "_task", "_within")

    def __init__(self, receive: Receive, task: asyncio.Task[Any], within: float):
        self._receive = receive
        self._task = task
        self._within = within
        self._deadline: float | None = None
        self._complete = False
        self._late = False

    async def __call__(self) -> Message:
        if self._complete:
            return await self._receive()
        loop = asyncio.get_running_loop()
        if self._deadline is None:
            self._deadline = loop.time() + self._within
        # asyncio.timeout does no more here, and takes several times as long
        alarm = loop.call_at(self._deadline, self._give_up)
        try:
            message = await self._receive()
        except asyncio.CancelledError:
            if not self._late or self._task.uncancel() > 0:
                raise
            raise Invalid(f"The request's body did not arrive within {self._within:g} seconds.") from None
        finally:
            alarm.cancel()
        self._complete = not message.get("more_body", False)
        return message

    def _give_up(self) -> None:
        self._late = True
        self._task.cancel()
