"""Profiles of one's own, from TOML."""

from __future__ import annotations

from datetime import timedelta

import pytest

from unsecret.errors import Invalid
from unsecret.model.application import ObjectKind
from unsecret.model.policy import RestrictionKind
from unsecret.model.profile import BOTH, CredentialKind, Requirement, Severity
from unsecret.wire.profile_files import LARGEST_FILE, profile_from_toml

ROW = """
[[requirement]]
id = "ORG.1"
title = "Short secrets"
"""


def test_a_profile_is_read_with_all_it_says() -> None:
    content = f"""
        title = "Ours"
        {ROW}
        severity = "high"
        restrictions = ["passwordLifetime"]
        sections = ["applications"]
        credentials = ["password"]
        longest = "P90DT0H0M0S"
        accepts = "P91D"
        or_blocked = true
        standards = ["Handbook 7"]
        source = "https://intranet.example/handbook"
        [[requirement]]
        id = "ORG.2"
        title = "No secrets"
        restrictions = ["passwordAddition", "passwordAddition"]
    """

    profile = profile_from_toml(content.encode(), "ours.toml")

    assert (profile.name, profile.title) == ("ours.toml", "Ours")
    assert profile.requirements == (
        Requirement(
            id="ORG.1",
            title="Short secrets",
            severity=Severity.HIGH,
            kinds=(RestrictionKind.PASSWORD_LIFETIME,),
            sections=(ObjectKind.APPLICATION,),
            credentials=(CredentialKind.PASSWORD,),
            longest=timedelta(days=90),
            accepts=timedelta(days=91),
            or_blocked=True,
            standards=("Handbook 7",),
            source="https://intranet.example/handbook",
        ),
        Requirement(id="ORG.2", title="No secrets", kinds=(RestrictionKind.PASSWORD_ADDITION,), sections=BOTH),
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "needs 1 to 100 tables"),
        ("titel = 'x'", "'titel' is not known"),
        ("title = ", "is not TOML"),
        ("requirement = [1]", "is no table"),
        ("[[requirement]]\nid = 'x'", "has no title"),
        (ROW, "asks for nothing"),
        (ROW + "restrictions = ['passwordLifetime']", "lifetimes need 'longest'"),
        (ROW + "restrictions = ['passwordLifetime', 'passwordAddition']\nlongest = 'P1D'", "without other"),
        (ROW + "restrictions = ['passwordAddition']\nlongest = 'P1D'", "'longest' goes with"),
        (ROW + "restrictions = ['nonDefaultUriAddition']", "is not one of passwordAddition"),
        (ROW + "restrictions = [['passwordAddition']]", "is not one of passwordAddition"),
        (ROW + "restrictions = 'passwordAddition'", "must be a list"),
        (ROW + "credentials = ['password']\nlongest = 'P6M'", "expected a duration"),
        (ROW + "credentials = ['password']\nlongest = 180", "expected a duration"),
        (ROW + "credentials = ['password']\nlongest = 'PT0S'", "longer than nothing"),
        (ROW + "credentials = ['password']\nlongest = 'P2D'\naccepts = 'P1D'", "not shorter"),
        (ROW + "credentials = ['password']\nsections = []", "must list applications or servicePrincipals"),
        (ROW + "credentials = ['password']\nsections = ['users']", "must list applications or servicePrincipals"),
        (ROW + "credentials = ['password']\nseverity = 'awful'", "is not one of critical"),
        (ROW + "credentials = ['password']\nor_blocked = 1", "must be true or false"),
        (ROW + "credentials = ['password']\nsource = ''", "must be a text"),
        (ROW + "credentials = ['password']\n" + ROW + "credentials = ['password']", "two requirements"),
        ("#" * (LARGEST_FILE + 1), "which are read at most"),
    ],
)
def test_what_is_wrong_with_a_profile_is_named(content: str, words: str) -> None:
    with pytest.raises(Invalid) as refused:
        profile_from_toml(content.encode(), "ours.toml")

    assert words in refused.value.message


def test_a_profile_that_is_not_text_is_refused() -> None:
    with pytest.raises(Invalid, match="is not UTF-8"):
        profile_from_toml(b"\xff\xfe", "ours.toml")
