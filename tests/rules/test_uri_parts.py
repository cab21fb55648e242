"""Odd URIs: what cannot be read for sure is None, so that the rules can refuse it."""

from __future__ import annotations

import pytest

from unsecret.rules.uri_parts import canonical_host, uri_parts


@pytest.mark.parametrize(
    ("uri", "scheme", "host"),
    [
        ("https://contoso.com/x", "https", "contoso.com"),
        ("HTTPS://Contoso.COM", "https", "contoso.com"),
        ("https://contoso.com:8443/x", "https", "contoso.com"),
        ("https://contoso.com:/x", "https", "contoso.com"),
        ("https://contoso.com.", "https", "contoso.com"),
        ("https://contoso.com?x=//bit.ly", "https", "contoso.com"),
        ("https://contoso.com#@bit.ly", "https", "contoso.com"),
        ("https://bücher.example/x", "https", "xn--bcher-kva.example"),
        ("https://bit\u3002ly/x", "https", "bit.ly"),
        ("http://[::1]:8080/x", "http", "::1"),
        ("http://127.0.0.1/x", "http", "127.0.0.1"),
        ("ms-appx-web://auth", "ms-appx-web", "auth"),
        ("urn:ietf:wg:oauth:2.0:oob", "urn", ""),
        ("myapp:/callback", "myapp", ""),
        ("myapp:///callback", "myapp", ""),
        ("//contoso.com/x", None, "contoso.com"),
        ("contoso.com/x", None, ""),
        ("", None, ""),
        ("https:/bit.ly/x", "https", None),
        ("https:///bit.ly/x", "https", None),
        ("http:bit.ly", "http", None),
        ("https://user@contoso.com/x", "https", None),
        ("https://contoso.com@bit.ly/x", "https", None),
        ("https://bit%2Ely/x", "https", None),
        ("https://contoso..com/x", "https", None),
        ("https://" + "a" * 64 + ".com/x", "https", None),
        ("https://bit.ly\\@contoso.com/x", None, None),
        ("https://bit\t.ly/x", None, None),
        (" https://contoso.com/x", None, None),
        ("https://contoso.com/x\n", None, None),
        ("https://contoso.com/\x00", None, None),
        ("java\nscript:alert(1)", None, None),
    ],
)
def test_scheme_and_host_are_read_or_known_to_be_unreadable(uri: str, scheme: str | None, host: str | None) -> None:
    parts = uri_parts(uri)

    assert (parts.scheme, parts.host) == (scheme, host)


def test_segments_are_those_of_the_path() -> None:
    assert uri_parts("api://x/One/two?three/four#five").segments == ("one", "two")
    assert uri_parts("api://x").segments == ("",)


@pytest.mark.parametrize("text", ["", ".", "a" * 64, "a..b"])
def test_what_is_no_host_name_is_none(text: str) -> None:
    assert canonical_host(text) is None
