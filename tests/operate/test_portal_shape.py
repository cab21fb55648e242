"""Which policies the Entra portal would still edit."""

from __future__ import annotations

import pytest

from tests.operate.policies import Json, default_policy, entry, exemption, section
from unsecret.operate.policies.portal_shape import divergences

ADDITIONS = [entry("passwordAddition"), entry("symmetricKeyAddition")]
LIFETIMES = [entry("passwordLifetime", maxLifetime="P90D"), entry("symmetricKeyLifetime", maxLifetime="P90D")]
OFF = [{**one, "state": "disabled"} for one in ADDITIONS]


@pytest.mark.parametrize(
    ("applications", "service_principals"),
    [
        pytest.param([], [], id="nothing set"),
        pytest.param(ADDITIONS, ADDITIONS, id="four equal entries"),
        pytest.param(OFF, [], id="off in different ways"),
        pytest.param(ADDITIONS + LIFETIMES, ADDITIONS + LIFETIMES, id="two settings, each equal"),
        pytest.param([entry("customPasswordAddition")], [], id="an entry that stands alone"),
    ],
)
def test_a_policy_in_shape_is_not_warned_of(applications: list[Json], service_principals: list[Json]) -> None:
    policy = default_policy(applications=section(applications), service_principals=section(service_principals))
    assert divergences(policy) == ()


@pytest.mark.parametrize(
    ("applications", "setting"),
    [
        pytest.param(ADDITIONS[:1], "Block password addition", id="symmetric keys forgotten"),
        pytest.param([ADDITIONS[0], OFF[1]], "Block password addition", id="one of them off"),
        pytest.param(
            [entry("passwordAddition", excludeActors=exemption("Pipeline")), ADDITIONS[1]],
            "Block password addition",
            id="different callers excluded",
        ),
        pytest.param(
            [*ADDITIONS, LIFETIMES[0], entry("symmetricKeyLifetime", maxLifetime="P30D")],
            "Restrict max password lifetime",
            id="different lifetimes",
        ),
    ],
)
def test_a_setting_out_of_shape_is_named(applications: list[Json], setting: str) -> None:
    policy = default_policy(applications=section(applications), service_principals=section(ADDITIONS))
    assert any(f"“{setting}”" in sentence for sentence in divergences(policy))


def test_certificates_must_be_limited_alike_on_both_sides() -> None:
    limited = section([], [entry("asymmetricKeyLifetime", maxLifetime="P180D")])
    (sentence,) = divergences(default_policy(applications=limited))
    assert "“Restrict max certificate lifetime” while its 2 entries differ" in sentence
