"""What is read as a policy has the shape of one: another would look like a policy that says nothing."""

from __future__ import annotations

from typing import Any

import pytest

from unsecret.errors import Invalid
from unsecret.wire.policy_shapes import require_policy_shape

ENTRY = {"restrictionType": "passwordAddition", "state": "enabled"}
URIS = {"nonDefaultUriAddition": {"state": "enabled", "excludeAppsReceivingV2Tokens": True}}


def excluding(*callers: Any) -> dict[str, Any]:
    return {"passwordCredentials": [{**ENTRY, "excludeActors": {"customSecurityAttributes": list(callers)}}]}


@pytest.mark.parametrize(
    "policy",
    [
        {},
        {"applicationRestrictions": None, "restrictions": {"passwordCredentials": None}},
        {"applicationRestrictions": {"passwordCredentials": [ENTRY], "identifierUris": URIS}},
        {"restrictions": {"applicationRestrictions": {"identifierUris": URIS}, "x@odata.context": "https://x.example"}},
        {"restrictions": {"ofTomorrow": {"entry": {"anything": [1]}}}},
        {"restrictions": excluding({"id": "a_b", "operator": "equals", "value": "c", "@odata.type": "d"})},
        {"somethingNew": 5, "restrictions": {"passwordCredentials": [{**ENTRY, "somethingNew": [5]}]}},
    ],
)
def test_a_policy_is_one_also_with_what_nobody_knows_yet(policy: Any) -> None:
    require_policy_shape(policy, "it")


@pytest.mark.parametrize(
    "policy",
    [
        [],
        {"id": 5},
        {"isEnabled": "true"},
        {"restrictions": "none"},
        {"restrictions": [ENTRY]},
        {"restrictions": {"passwordCredentials": "none"}},
        {"restrictions": {"passwordCredentials": ["passwordAddition"]}},
        {"restrictions": {"passwordCredentials": [{"state": "enabled"}]}},
        {"restrictions": {"applicationRestrictions": [ENTRY]}},
        {"applicationRestrictions": {"identifierUris": {"nonDefaultUriAddition": True}}},
        {"restrictions": {"passwordCredentials": [{**ENTRY, "state": True}]}},
        {"restrictions": {"passwordCredentials": [{**ENTRY, "excludeActors": "all"}]}},
        {"restrictions": excluding("everybody")},
        {"restrictions": excluding({"id": ["a_b"]})},
    ],
)
def test_what_cannot_be_read_is_no_policy_that_says_nothing(policy: Any) -> None:
    with pytest.raises(Invalid, match=r"^it holds what is no policy: "):
        require_policy_shape(policy, "it")
