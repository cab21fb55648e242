"""The profiles as they come, and the policies that are made of them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from unsecret.model.application import ObjectKind
from unsecret.model.policy import LIFETIME_KINDS, RestrictionKind
from unsecret.model.profile import CREDENTIAL_KINDS, Profile
from unsecret.rules.profiles import PROFILES, proposed_policy

K = RestrictionKind
DAYS = {name: timedelta(days=n) for name, n in (("half", 180), ("year", 365))}


@pytest.mark.parametrize("profile", PROFILES.values(), ids=list(PROFILES))
def test_every_requirement_asks_for_something_has_its_limit_and_says_where_it_is_from(profile: Profile) -> None:
    for one in profile.requirements:
        assert one.kinds or one.credentials, one.id
        assert set(one.kinds) <= set(CREDENTIAL_KINDS)
        assert not LIFETIME_KINDS.intersection(one.kinds) or one.longest
        assert one.source.startswith("https://")
        assert one.standards
        assert one.accepts is None or (one.longest and one.accepts > one.longest)


@pytest.mark.parametrize("profile", PROFILES.values(), ids=list(PROFILES))
def test_a_profile_has_each_id_once(profile: Profile) -> None:
    ids = [one.id for one in profile.requirements]

    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "microsoft",
            {
                K.PASSWORD_ADDITION: None,
                K.PASSWORD_LIFETIME: DAYS["half"],
                K.CUSTOM_PASSWORD_ADDITION: None,
                K.SYMMETRIC_KEY_ADDITION: None,
                K.SYMMETRIC_KEY_LIFETIME: DAYS["half"],
                K.ASYMMETRIC_KEY_LIFETIME: DAYS["half"],
            },
        ),
        (
            "cisa",
            {
                K.PASSWORD_ADDITION: None,
                K.PASSWORD_LIFETIME: DAYS["half"],
                K.SYMMETRIC_KEY_ADDITION: None,
                K.SYMMETRIC_KEY_LIFETIME: DAYS["half"],
                K.ASYMMETRIC_KEY_LIFETIME: DAYS["year"],
            },
        ),
        (
            "zero-secrets",
            {
                K.PASSWORD_ADDITION: None,
                K.SYMMETRIC_KEY_ADDITION: None,
                K.ASYMMETRIC_KEY_LIFETIME: DAYS["half"],
            },
        ),
    ],
)
def test_the_policy_that_a_profile_proposes_says_the_same_of_both_sections(
    name: str, expected: dict[RestrictionKind, timedelta | None]
) -> None:
    policy = proposed_policy(PROFILES[name])

    assert policy.is_enabled
    assert {one.kind: one.max_lifetime for one in policy.application_restrictions} == expected
    assert policy.service_principal_restrictions == policy.application_restrictions
    assert all(one.restrict_for_apps_created_after is None for one in policy.application_restrictions)


def test_a_requirement_of_one_section_is_proposed_for_that_one_only() -> None:
    cis = PROFILES["cis"]
    first = cis.requirements[0]
    alone = Profile(
        name="x",
        title="x",
        requirements=(type(first)(id="1", title="1", kinds=first.kinds, sections=(ObjectKind.APPLICATION,)),),
    )

    policy = proposed_policy(alone)

    assert len(policy.application_restrictions) == 2
    assert policy.service_principal_restrictions == ()
