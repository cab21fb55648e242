"""Play a recording to a tenant, and say of every exchange how it went."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from tests.local_tenant import BASE, LocalTenant
from tests.recordings.cassettes import GRAPH, Exchange
from tests.recordings.comparison import Difference, Names, differences

_TOKEN_LASTS = timedelta(minutes=30)


@dataclass(frozen=True)
class Played:
    """A recorded exchange and our tenant's answer to the same request."""

    exchange: Exchange
    status: int
    answer: dict | None
    differences: tuple[Difference, ...]


def play(recording: tuple[Exchange, ...], tenant: LocalTenant) -> Iterator[Played]:
    """Send every request of `recording` in order, at the instant at which it was recorded."""
    names = Names()
    signed_in_at = None
    for exchange in recording:
        tenant.clock.now = exchange.at
        if signed_in_at is None or exchange.at - signed_in_at > _TOKEN_LASTS:
            tenant.sign_in_again()
            signed_in_at = exchange.at
        yield _played(exchange, tenant, names)


def _played(exchange: Exchange, tenant: LocalTenant, names: Names) -> Played:
    url = names.in_request(exchange.url).replace(GRAPH, BASE)
    body = None if exchange.body is None else json.loads(names.in_request(json.dumps(exchange.body)))
    answer = tenant.graph(exchange.method, url, body)
    shown = answer.json() if answer.content else None
    found = [Difference("status", exchange.status, answer.status_code)] if answer.status_code != exchange.status else []
    if not found:
        found += differences(exchange.answer, shown, names)
    return Played(exchange, answer.status_code, shown, tuple(found))
