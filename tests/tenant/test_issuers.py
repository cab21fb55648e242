"""Asking issuers for their keys: how often, how long, and what is not done for them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.issuer import GITHUB, NAME, OTHER_RSA, RSA, Network, Served, serving
from tests.local_tenant import NOW
from unsecret.errors import Invalid
from unsecret.tenant.issuer_keys import MOST_KEYS, IssuerKeys
from unsecret.tenant.issuers import LONGEST_DOCUMENT, Issuers, issuer_places
from unsecret.wire.aadsts import TokenRefused

DISCOVERY = f"{NAME}/.well-known/openid-configuration"


@pytest.fixture
def network() -> Network:
    made = Network()
    made.publish()
    return made


@pytest.fixture
def issuers(network: Network) -> Issuers:
    return Issuers({NAME: NAME}, transport=network)


def keys_of(
    issuers: Issuers, *, kid: str | None = "rsa", after: timedelta = timedelta(), name: str = NAME
) -> IssuerKeys:
    return asyncio.run(issuers.keys_of(name, kid=kid, now=NOW + after))


def refusal(issuers: Issuers, **asked: Any) -> str:
    with pytest.raises(TokenRefused) as refused:
        keys_of(issuers, **asked)
    assert refused.value.number == 50166
    return refused.value.message


def test_an_issuer_is_asked_for_two_documents_once(issuers: Issuers, network: Network) -> None:
    assert keys_of(issuers).holds("rsa")
    assert keys_of(issuers).holds("rsa")
    assert network.asked == [DISCOVERY, f"{NAME}/keys"]


@pytest.mark.parametrize(
    ("after", "kid", "asked_again"),
    [
        (timedelta(minutes=59), "rsa", False),
        (timedelta(minutes=61), "rsa", True),
        (timedelta(minutes=-1), "rsa", True),
        (timedelta(seconds=59), "new", False),
        (timedelta(seconds=61), "new", True),
        (timedelta(minutes=59), None, False),
    ],
)
def test_what_was_said_is_remembered_for_a_while(
    issuers: Issuers, network: Network, after: timedelta, kid: str | None, asked_again: bool
) -> None:
    keys_of(issuers)
    keys_of(issuers, kid=kid, after=after)
    assert (len(network.asked) == 4) is asked_again


def test_a_new_key_is_found(issuers: Issuers, network: Network) -> None:
    keys_of(issuers)
    network.publish(RSA, OTHER_RSA)
    assert keys_of(issuers, kid="other", after=timedelta(minutes=2)).holds("other")


def test_an_issuer_that_failed_is_left_alone_for_some_seconds(issuers: Issuers, network: Network) -> None:
    documents, network.documents = network.documents, {}
    refusal(issuers)
    network.documents = documents
    assert "ConnectError" in refusal(issuers, after=timedelta(seconds=4))
    assert len(network.asked) == 1
    assert keys_of(issuers, after=timedelta(seconds=6)).holds("rsa")


def test_many_who_ask_at_once_make_one_question(issuers: Issuers, network: Network) -> None:
    network.delay = 0.05

    async def all_at_once() -> None:
        given_up = asyncio.create_task(issuers.keys_of(NAME, kid="rsa", now=NOW))
        others = [asyncio.create_task(issuers.keys_of(NAME, kid="rsa", now=NOW)) for _ in range(20)]
        await asyncio.sleep(0.01)
        given_up.cancel()
        assert all(keys.holds("rsa") for keys in await asyncio.gather(*others))

    asyncio.run(all_at_once())
    assert network.asked == [DISCOVERY, f"{NAME}/keys"]


def test_nobody_else_waits_for_a_slow_issuer(network: Network) -> None:
    other = "https://other.example"
    network.publish(name=other)
    issuers = Issuers({NAME: NAME, other: other}, transport=network)
    keys_of(issuers, name=other)
    network.delay = 30

    async def meanwhile() -> None:
        waiting = asyncio.create_task(issuers.keys_of(NAME, kid="rsa", now=NOW))
        async with asyncio.timeout(2):
            assert (await issuers.keys_of(other, kid="rsa", now=NOW)).holds("rsa")
        waiting.cancel()

    asyncio.run(meanwhile())


def document(**changed: Any) -> tuple[int, bytes]:
    return 200, json.dumps({"issuer": NAME, "jwks_uri": f"{NAME}/keys"} | changed).encode()


@pytest.mark.parametrize(
    ("url", "answer", "words"),
    [
        (DISCOVERY, (404, b"{}"), "answered 404"),
        (DISCOVERY, (302, b""), "answered 302"),
        (DISCOVERY, (500, b"{}"), "answered 500"),
        (DISCOVERY, (200, b"<html>"), "not a JSON object"),
        (DISCOVERY, (200, b"[]"), "not a JSON object"),
        (DISCOVERY, (200, b"[" * 100_000), "not a JSON object"),
        (DISCOVERY, (200, b" " * (LONGEST_DOCUMENT + 1)), "more than"),
        (DISCOVERY, document(issuer=f"{NAME}/"), "another issuer"),
        (DISCOVERY, document(issuer=None), "another issuer"),
        (DISCOVERY, document(jwks_uri=None), "no jwks_uri"),
        (DISCOVERY, document(jwks_uri="http://issuer.example/keys"), "not an https address"),
        (DISCOVERY, document(jwks_uri="https://user@issuer.example/keys"), "not an https address"),
        (DISCOVERY, document(jwks_uri="https://[/keys"), "ValueError"),
        (f"{NAME}/keys", (302, b""), "answered 302"),
        (f"{NAME}/keys", (200, b" " * (LONGEST_DOCUMENT + 1)), "more than"),
        (f"{NAME}/keys", (200, b"{}"), "list of at most"),
        (f"{NAME}/keys", (200, b'{"keys": ["x"]}'), "list of at most"),
        (f"{NAME}/keys", (200, json.dumps({"keys": [{}] * (MOST_KEYS + 1)}).encode()), "list of at most"),
    ],
)
def test_what_an_issuer_says_is_bounded(
    issuers: Issuers, network: Network, url: str, answer: tuple[int, bytes], words: str
) -> None:
    network.documents[url] = answer
    assert words in refusal(issuers)


def test_a_redirect_leads_nowhere(issuers: Issuers, network: Network) -> None:
    network.documents[DISCOVERY] = (302, b"")
    network.headers["location"] = "https://evil.example/.well-known/openid-configuration"
    refusal(issuers)
    assert network.asked == [DISCOVERY]


def test_a_packed_document_is_not_unpacked(issuers: Issuers, network: Network) -> None:
    network.headers["content-encoding"] = "gzip"
    assert "plain document" in refusal(issuers)


def test_an_issuer_that_is_found_elsewhere_is_asked_nothing_beyond(network: Network) -> None:
    """A cluster names its keys by an address that is only good inside it."""
    cluster, proxy = "https://kubernetes.default.svc.cluster.local", "http://127.0.0.1:8001"
    network.publish(name=cluster, at=proxy, jwks_uri="https://172.18.0.2:6443/keys")
    issuers = Issuers(issuer_places([f"{cluster}={proxy}"]), transport=network)
    assert keys_of(issuers, name=cluster).holds("rsa")
    assert network.asked == [f"{proxy}/.well-known/openid-configuration", f"{proxy}/keys"]


def test_an_issuer_that_was_not_named_is_not_asked(issuers: Issuers, network: Network) -> None:
    assert "--issuer https://stranger.example" in refusal(issuers, name="https://stranger.example")
    assert network.asked == []


@pytest.mark.parametrize(
    ("entry", "places"),
    [
        ("https://issuer.example", {"https://issuer.example": "https://issuer.example"}),
        ("https://issuer.example/a=b", {"https://issuer.example/a=b": "https://issuer.example/a=b"}),
        ("https://issuer.example=https://other:8443/x", {"https://issuer.example": "https://other:8443/x"}),
        ("https://issuer.example=http://localhost:8001", {"https://issuer.example": "http://localhost:8001"}),
        ("https://issuer.example=http://[::1]:8001", {"https://issuer.example": "http://[::1]:8001"}),
    ],
)
def test_an_entry_names_an_issuer_and_where_it_is(entry: str, places: dict[str, str]) -> None:
    assert issuer_places([entry]) == places


@pytest.mark.parametrize(
    "entry",
    [
        "",
        "issuer.example",
        "http://issuer.example",
        "http://127.0.0.1:8001",
        "https://",
        "https://issuer.example=http://issuer.example",
        "https://issuer.example=http://10.0.0.1",
        "https://issuer.example=ftp://127.0.0.1",
        "https://user@issuer.example",
        "https://issuer.example?x",
    ],
)
def test_an_entry_that_names_no_issuer_is_refused(entry: str) -> None:
    with pytest.raises(Invalid):
        issuer_places([entry])


# -- a real one, over TLS ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("issuer")) as issuer:
        yield issuer


def test_an_issuer_is_asked_over_tls_under_an_authority_that_was_named(served: Served) -> None:
    assert keys_of(Issuers({served.name: served.name}, authorities=served.ca), name=served.name).holds("rsa")


def test_a_stand_in_is_asked_where_it_is(served: Served) -> None:
    places = issuer_places([f"{GITHUB}={served.name}/github"])
    assert keys_of(Issuers(places, authorities=served.ca), name=GITHUB).holds("rsa")


def test_an_issuer_that_nobody_vouches_for_is_not_believed(served: Served) -> None:
    assert "ConnectError" in refusal(Issuers({served.name: served.name}), name=served.name)


def test_an_issuer_that_takes_too_long_is_given_up(served: Served) -> None:
    served.pause = 5
    try:
        refusal(Issuers({served.name: served.name}, authorities=served.ca, within=0.3), name=served.name)
    finally:
        served.pause = 0
