"""Making client secrets, and knowing them again."""

from __future__ import annotations

import pytest

from unsecret.model.application import SECRET_SHAPE
from unsecret.tenant.secrets import digest, hint, matches, new_secret


def test_secret_has_the_shape_that_scanners_look_for():
    made = [new_secret() for _ in range(500)]
    assert all(SECRET_SHAPE.fullmatch(secret) for secret in made)
    assert len(set(made)) == len(made)


def test_secret_begins_with_a_letter_or_digit_so_that_no_shell_expands_it():
    assert all(new_secret()[0].isalnum() for _ in range(500))


def test_hint_is_the_first_three_characters():
    assert hint("abc8Q~rest") == "abc"


def test_digest_knows_its_secret_and_no_other():
    secret = new_secret()
    stored = digest(secret)
    assert matches(secret, stored)
    assert not matches(secret + "x", stored)
    assert not matches(secret[:-1], stored)
    assert not matches("", stored)


def test_digest_is_salted_and_holds_nothing_of_the_secret():
    secret = new_secret()
    assert digest(secret) != digest(secret)
    assert len(digest(secret)) == 48
    assert secret.encode() not in digest(secret)


@pytest.mark.parametrize("stored", [b"", b"short", b"\0" * 16, b"\0" * 47, b"\0" * 49, b"\0" * 200])
def test_what_is_no_digest_matches_nothing(stored: bytes):
    assert not matches("", stored)
    assert not matches(new_secret(), stored)


@pytest.mark.parametrize("text", ["ä", "密码", "\ud800", "a" * 100_000])
def test_any_text_can_be_compared(text: str):
    assert matches(text, digest(text))
    assert not matches("a", digest(text))
