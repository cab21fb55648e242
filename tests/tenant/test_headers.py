"""Headers of a request, by their names."""

from __future__ import annotations

from unsecret.tenant.headers import IndexedRequest


def test_of_several_headers_with_one_name_the_first_counts() -> None:
    sent = [(b"host", b"one"), (b"host", b"two"), (b"user-agent", b"\xe9")]

    headers = IndexedRequest({"type": "http", "headers": sent}).headers

    assert (headers["Host"], headers.get("user-agent"), headers.get("origin")) == ("one", "é", None)
    assert "HOST" in headers
    assert "origin" not in headers
    assert headers.getlist("host") == ["one", "two"]
