"""What was decoded is known by its digest, and no more is kept than was said."""

from __future__ import annotations

from unsecret.store.decoded import Decoded, digest_of, size_of


def decoded(memory: Decoded[str], *bodies: str | None) -> list[str]:
    """The bodies that had to be decoded, of those that were asked for in turn."""
    asked: list[str] = []

    def decode(body: str) -> str:
        asked.append(body)
        return body.upper()

    for body in bodies:
        digest = None if body is None else digest_of(body)
        assert memory.get(digest, lambda body=body or "": decode(body)) == (body or "").upper()
    return asked


def test_a_body_is_decoded_once() -> None:
    assert decoded(Decoded(2), "a", "b", "a", "b", "a") == ["a", "b"]


def test_what_was_not_looked_up_for_longest_is_forgotten_first() -> None:
    assert decoded(Decoded(2), "a", "b", "a", "c", "a", "b") == ["a", "b", "c", "b"]


def test_a_body_without_a_digest_is_decoded_every_time() -> None:
    assert decoded(Decoded(2), None, None) == ["", ""]


def test_large_nouns_are_forgotten_before_there_are_many() -> None:
    large = "l" * 1000
    room = size_of(large) + 2 * size_of("a")

    assert decoded(Decoded(9, room), "a", "b", large, "b", large) == ["a", "b", large]
    assert decoded(Decoded(9, room), "a", large, large + "l", large) == ["a", large, large + "l", large]


def test_what_has_no_room_at_all_is_not_kept() -> None:
    assert decoded(Decoded(9, 100), "l" * 1000, "l" * 1000, "a", "a") == ["l" * 1000, "l" * 1000, "a"]
