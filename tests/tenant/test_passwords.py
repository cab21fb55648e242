"""People's passwords: what is kept of them, and when they match."""

from __future__ import annotations

import pytest

from unsecret.tenant import passwords


def test_a_password_matches_its_own_digest_only():
    kept = passwords.digest("Correct-horse-1")
    assert passwords.matches("Correct-horse-1", kept)
    assert not passwords.matches("Correct-horse-2", kept)
    assert not passwords.matches("", kept)


def test_the_password_is_not_in_what_is_kept_and_two_digests_of_it_differ():
    first, second = passwords.digest("Correct-horse-1"), passwords.digest("Correct-horse-1")
    assert b"horse" not in first
    assert first != second


@pytest.mark.parametrize("kept", [None, b"", b"s1", b"s1" + bytes(48), b"from another program"])
def test_nobodys_password_is_no_password(kept: bytes | None):
    assert not passwords.matches("Correct-horse-1", kept)
    assert not passwords.matches("", kept)


def test_what_is_too_long_matches_nothing_even_where_it_would():
    longest, longer = "p" * passwords.LONGEST, "p" * (passwords.LONGEST + 1)
    assert passwords.matches(longest, passwords.digest(longest))
    assert not passwords.matches(longer, passwords.digest(longer))


def test_a_new_password_is_another_one_each_time():
    assert len({passwords.new_password() for _ in range(50)}) == 50
