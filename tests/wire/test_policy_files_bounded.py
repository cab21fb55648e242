"""A policy file that would cost much is refused before it does."""

from __future__ import annotations

import time

import pytest

from unsecret.errors import Invalid
from unsecret.wire.policy_files import read_policy_file


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{'a.' * 20_000}a = 1", "more than 32 parts \\(at line 1\\)"),
        (f"\n\n[{'a . ' * 40}a]", "more than 32 parts \\(at line 3\\)"),
        ("x = { " + ".".join(['"a"', "'b'"] * 20) + " = 1 }", "more than 32 parts"),
        (".".join([r'"\"."'] * 40) + " = 1", "more than 32 parts"),
        (f"{'a.' * 31}a = 1", "'a' is not known here"),
        (f"a = {'9' * 5000}", "is not TOML: Exceeds the limit"),
        (f"a = {'[' * 5000}", "nested too deeply|maximum"),
    ],
)
def test_a_key_or_number_without_end_is_refused_before_it_costs_anything(text: str, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        read_policy_file(text)


@pytest.mark.parametrize(
    "one", ["a", "a.", '"', "'", '\\"', '"a"', "\"'", '"\\', "a'", 'a."', " . ", "=", "[", "a\n", '"\n']
)
def test_looking_for_long_keys_takes_no_longer_for_unkind_texts(one: str) -> None:
    """What takes a time that grows with the square takes half a minute for texts of this length, else some
    hundredths of a second."""
    begun = time.process_time()
    with pytest.raises(Invalid):
        read_policy_file(f"{one * 40_000} ]")
    assert time.process_time() - begun < 5
