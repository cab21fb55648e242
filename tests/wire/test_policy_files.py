from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.wire.policy_values import custom_policies, tenant_defaults, words
from unsecret.errors import Invalid
from unsecret.model.policy import AppManagementPolicy, RestrictionKind, TenantDefault
from unsecret.operate.policies.entries import differences
from unsecret.wire.policies import default_policy_to_graph, policy_to_graph
from unsecret.wire.policy_file_text import policy_file_text
from unsecret.wire.policy_files import Assignment, PolicyFile, PolicyWish, read_policy_file
from unsecret.wire.policy_wishes import is_tellable, merged, wish_back, wish_of

AWKWARD = ("", " ", "a.b", "@odata.type", "x@y", '"', "'", "a\nb", "# no", "[a]", "ü", "true", "1979-05-27", "absent")
FUTURE_MEMBERS = (
    *("maxLifetime", "excludeActors", "excludeSaml", "restrictForAppsCreatedAfterDateTime", "web", "excludeFormats"),
    *("customSecurityAttributes", "restrictForAppsCreatedBeforeDateTime", "blockedDomains"),
)
PASSWORDS = "defaultAppManagementPolicy.applicationRestrictions.passwordCredentials"


def read_entry(line: str, group: str = "passwordCredentials") -> dict[str, Any]:
    """The entries of one group of the tenant default."""
    default = read_policy_file(f"[defaultAppManagementPolicy.applicationRestrictions.{group}]\n{line}\n").default
    assert default is not None
    return default["applicationRestrictions"][group]


def graph_of(policy: TenantDefault | AppManagementPolicy) -> dict[str, Any]:
    if isinstance(policy, TenantDefault):
        return default_policy_to_graph(policy, beta=True)
    return policy_to_graph(policy, beta=True)


@pytest.mark.parametrize("value", ["nan", "-inf", "9223372036854775808", "0x" + "f" * 5000, "1e400"])
def test_a_number_that_json_cannot_carry_is_refused(value: str) -> None:
    with pytest.raises(Invalid, match="no number that JSON can carry"):
        read_entry(f"passwordAddition = {{ future = {value} }}")


# -- reading -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written",
    ["P90D", "p90d", "PT2160H", "P89DT24H", "P3M", "PT129600M", "P12W6D", "90.00:00:00", " P90D ", "PT7776000.0S"],
)
def test_a_lifetime_may_be_spelt_in_any_way(written: str) -> None:
    assert read_entry(f'passwordLifetime = {{ maxLifetime = "{written}" }}') == {
        "passwordLifetime": {"maxLifetime": "P90D"}
    }


@pytest.mark.parametrize(
    "written",
    ["2026-01-31", "2026-01-31T00:00:00Z", "2026-01-31T01:00:00+01:00", '"2026-01-31"', '"2026-01-31T00:00:00Z"'],
)
def test_a_date_is_tomls_own_or_text(written: str) -> None:
    read = read_entry(f"passwordAddition = {{ restrictForAppsCreatedAfterDateTime = {written} }}")

    assert read == {"passwordAddition": {"restrictForAppsCreatedAfterDateTime": "2026-01-31T00:00:00Z"}}


def test_a_caller_needs_no_more_than_attribute_and_value() -> None:
    read = read_entry('passwordAddition.excludeActors.customSecurityAttributes = [{ id = "Ci_Pipeline", value = "A" }]')

    assert read["passwordAddition"]["excludeActors"]["customSecurityAttributes"] == [
        {
            "@odata.type": "#microsoft.graph.customSecurityAttributeStringValueExemption",
            "operator": "equals",
            "id": "Ci_Pipeline",
            "value": "A",
        }
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("passwordAddition = 1", "not known here; expected one of unsecret"),
        ("[defaultAppManagementPolicy", "not TOML"),
        ("[defaultAppManagementPolicy]\nIsEnabled = true", "Did you mean isEnabled"),
        ("[defaultAppManagementPolicy]\nisEnabled = 'true'", "Expected true or false"),
        (f"[{PASSWORDS}]\npasswordAdition = {{}}", "Did you mean passwordAddition"),
        (f"[{PASSWORDS}]\nPasswordAddition = {{}}", "Did you mean passwordAddition"),
        (f"[{PASSWORDS}]\npasswordAddition = 'enabled'", 'must be a table, such as { state = "enabled" }'),
        (f"[{PASSWORDS}]\npasswordAddition = {{ state = 'Enabled' }}", "one of enabled, disabled"),
        (f"[{PASSWORDS}]\npasswordAddition = {{ maxLifetime = 'P90D' }}", "Graph would drop"),
        (f"[{PASSWORDS}]\npasswordLifetime = {{ maxLifetime = 'PT0S' }}", "longer than zero"),
        (f"[{PASSWORDS}]\npasswordLifetime = {{ maxLifetime = 90 }}", "Cannot read int"),
        (f"[{PASSWORDS}]\nasymmetricKeyLifetime = {{}}", "stands in 'keyCredentials'"),
        (f"[{PASSWORDS}]\npasswordAddition = {{ absent = true, state = 'enabled' }}", "nothing else can be said"),
        (f"[{PASSWORDS}]\npasswordAddition = {{ absent = false }}", "can only be true"),
        (
            f"[{PASSWORDS}]\npasswordAddition = {{ restrictForAppsCreatedAfterDateTime = '/Date(1)/' }}",
            "Invalid datetime",
        ),
        (f"[{PASSWORDS}]\npasswordAddition = {{ isStateSetByMicrosoft = true }}", "Microsoft alone says it"),
        ("[[appManagementPolicies]]\nisEnabled = true", "needs a displayName or an id"),
        ("[[appManagementPolicies]]\ndisplayName='a'\nabsent=true\nisEnabled=true", "nothing else can be said"),
        ("[[appManagementPolicies]]\ndisplayName='a'\n[[appManagementPolicies]]\ndisplayName='a'", "more than once"),
        ("[[appManagementPolicies]]\ndisplayName='a'\nappliesTo=[{app='x', on='user'}]", "must be one of application"),
        ("[[appManagementPolicies]]\ndisplayName='a'\nappliesTo=['x']", "must be a table"),
        ("[[appManagementPolicies]]\ndisplayName='a'\nrestrictions.identifierUris={}", "restrictions.applicationRestr"),
        ("unsecret = 'policy/2'", "reads 'policy/1'"),
        ("a = " + "[" * 5000, "too deeply"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_words(text: str, says: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_policy_file(text)

    assert says in refused.value.message


def test_a_word_that_microsoft_may_have_added_is_passed_on() -> None:
    read = read_entry('certificateThumbprint = { state = "enabled", algorithms = ["sha256"], from = 2026-01-31 }')

    assert read == {"certificateThumbprint": {"state": "enabled", "algorithms": ["sha256"], "from": "2026-01-31"}}


# -- writing -------------------------------------------------------------------------------------------------------


def test_a_file_reads_like_a_policy() -> None:
    default = {
        "isEnabled": True,
        "applicationRestrictions": {
            "passwordCredentials": {
                "passwordAddition": {"state": "enabled", "restrictForAppsCreatedAfterDateTime": "2026-01-31T00:00:00Z"},
                "passwordLifetime": {"state": "enabled", "maxLifetime": "P90D"},
                "symmetricKeyAddition": {
                    "state": "enabled",
                    "excludeActors": {
                        "customSecurityAttributes": [
                            {
                                "@odata.type": "#microsoft.graph.customSecurityAttributeStringValueExemption",
                                "operator": "equals",
                                "id": "Ci_Pipeline",
                                "value": "A",
                            }
                        ]
                    },
                },
            }
        },
    }
    exempt = PolicyWish(
        display_name="Payroll may",
        wish={"isEnabled": True, "restrictions": {"passwordCredentials": {"passwordAddition": {"state": "disabled"}}}},
        applies_to=(
            Assignment(app="5c1f2a57-0000-4000-8000-1d2c3b4a5f60", name="Payroll\nabsent = true"),
            Assignment(app="Old payroll", faces=("application",), absent=True),
        ),
    )

    assert policy_file_text(PolicyFile(default=default, policies=(exempt,)), comments=["Ours."]) == (
        """#:schema ./policy-file.schema.json
# Ours.
unsecret = "policy/1"

[defaultAppManagementPolicy]
isEnabled = true

[defaultAppManagementPolicy.applicationRestrictions.passwordCredentials]
passwordAddition = { state = "enabled", restrictForAppsCreatedAfterDateTime = 2026-01-31 }
passwordLifetime = { state = "enabled", maxLifetime = "P90D" }

[defaultAppManagementPolicy.applicationRestrictions.passwordCredentials.symmetricKeyAddition]
state = "enabled"
excludeActors.customSecurityAttributes = [
    { id = "Ci_Pipeline", value = "A" },
]

[[appManagementPolicies]]
displayName = "Payroll may"
isEnabled = true
appliesTo = [
    { app = "5c1f2a57-0000-4000-8000-1d2c3b4a5f60" },  # Payroll\N{REPLACEMENT CHARACTER}absent = true
    { app = "Old payroll", on = "application", absent = true },
]

[appManagementPolicies.restrictions.passwordCredentials]
passwordAddition = { state = "disabled" }
"""
    )


@given(tenant_defaults, custom_policies)
def test_every_policy_comes_back_from_its_file(default: TenantDefault, custom: AppManagementPolicy) -> None:
    wish = PolicyWish(policy_id=custom.id, display_name=custom.display_name, wish=wish_of(graph_of(custom)))
    file = PolicyFile(default=wish_of(graph_of(default)), policies=(wish,))

    assert read_policy_file(policy_file_text(file)) == file


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | words | st.sampled_from(AWKWARD),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(words | st.sampled_from(AWKWARD), inner, max_size=2),
    max_leaves=4,
)
future_words = words | st.sampled_from((*AWKWARD, *(f"{kind}V2" for kind in RestrictionKind), *RestrictionKind))
future_members = st.dictionaries(words | st.sampled_from((*AWKWARD, *FUTURE_MEMBERS)), json_values, max_size=3)


@st.composite
def future_policies(draw: st.DrawFn) -> dict[str, Any]:
    """A policy of a Graph of one day: groups, restrictions and members that nobody knows, of any shape."""

    def entry(kind: str | None = None) -> dict[str, Any]:
        said = {"restrictionType": kind} if kind is not None else {}
        return {**draw(future_members), **said, "state": draw(st.sampled_from(["enabled", "disabled", "audited"]))}

    listed = draw(st.lists(future_words, unique=True, max_size=2))
    named = draw(st.lists(future_words, unique=True, max_size=2))
    return {
        "isEnabled": draw(st.booleans()),
        "applicationRestrictions": {
            "passwordCredentials": [entry(kind) for kind in listed],
            "identifierUris": {kind: entry() for kind in named},
            draw(words): draw(st.just([entry("new")]) | st.just({"new": entry()}) | st.lists(words) | words),
        },
    }


@settings(max_examples=50)
@given(future_policies())
def test_what_microsoft_may_add_is_exported_so_that_it_reads_as_it_is(policy: dict[str, Any]) -> None:
    """What a file cannot say is left out of it, and so left alone; nothing of it makes a file that cannot be read."""
    wish = wish_of(policy)
    read = read_policy_file(policy_file_text(PolicyFile(default=wish))).default
    assert read == wish
    assert without_nulls(merged(policy, wish)) == without_nulls(policy)


def without_nulls(value: Any) -> Any:
    """Null and what is empty mean the same as what is not there, and annotations mean nothing."""
    if isinstance(value, dict):
        kept = {name: one for name, one in value.items() if "@" not in name or name == "@odata.type"}
        found = {name: without_nulls(one) for name, one in kept.items()}
        return {name: one for name, one in found.items() if one not in (None, [], {})}
    return [without_nulls(one) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    ("entry", "is_tellable_so"),
    [
        ({"restrictionType": "passwordAdditionV2"}, False),  # a reader takes it for a slip
        ({"restrictionType": "passwordAddition", "restrictForAppsCreatedBeforeDateTime": "2026-01-01"}, False),
        ({"restrictionType": "hardwareKeyNeeded", "attestation": {"levels": [1, 2.5, 'x\n"y"']}}, True),
        ({"restrictionType": "hardwareKeyNeeded", "levels": [None, 1]}, False),
        ({"restrictionType": "hardwareKeyNeeded", "until": 2**63}, False),
        ({"restrictionType": "hardwareKeyNeeded", "level": {"absent": True}}, False),
    ],
)
def test_what_cannot_be_said_is_left_alone(entry: dict[str, Any], *, is_tellable_so: bool) -> None:
    policy = {"applicationRestrictions": {"passwordCredentials": [{**entry, "state": "enabled"}]}}
    assert bool(wish_of(policy)) is is_tellable_so
    assert is_tellable("passwordCredentials", entry["restrictionType"], entry) is is_tellable_so


# -- wishes --------------------------------------------------------------------------------------------------------


@given(tenant_defaults | custom_policies)
def test_what_a_policy_says_changes_nothing_in_it(policy: TenantDefault | AppManagementPolicy) -> None:
    graph = graph_of(policy)

    assert merged(graph, wish_of(graph)) == graph or not differences(graph, merged(graph, wish_of(graph)))


@given(tenant_defaults, tenant_defaults)
def test_a_change_of_the_tenant_default_can_be_taken_back(before: TenantDefault, after: TenantDefault) -> None:
    old, new = graph_of(before), merged(graph_of(before), wish_of(graph_of(after)))

    assert not differences(_without_empty_texts(old), _without_empty_texts(merged(new, wish_back(old, new))))
    assert wish_back(new, new) == {}


@given(custom_policies, custom_policies)
def test_a_change_of_a_custom_policy_can_be_taken_back(before: AppManagementPolicy, after: AppManagementPolicy) -> None:
    old, new = graph_of(before), merged(graph_of(before), wish_of(graph_of(after)))

    assert not differences(_without_empty_texts(old), _without_empty_texts(merged(new, wish_back(old, new))))


def _without_empty_texts(policy: dict[str, Any]) -> dict[str, Any]:
    """A file cannot say null of a text, and says the empty one."""
    return {name: value for name, value in policy.items() if value not in (None, "")}


def test_only_what_is_mentioned_changes() -> None:
    caller = {"id": "Ci_Pipeline", "operator": "equals", "value": "A"}
    present = {
        "isEnabled": True,
        "audience of tomorrow": {"x": 1},
        "applicationRestrictions": {
            "passwordCredentials": [
                {
                    "restrictionType": "passwordAddition",
                    "state": "disabled",
                    "restrictForAppsCreatedAfterDateTime": "2026-01-31T00:00:00Z",
                    "excludeActors": {"customSecurityAttributes": [caller]},
                    "member of tomorrow": 1,
                },
                {"restrictionType": "kind of tomorrow", "state": "enabled"},
            ]
        },
    }
    other = {**caller, "value": "B"}
    wish = {
        "applicationRestrictions": {
            "passwordCredentials": {
                "passwordAddition": {
                    "state": "enabled",
                    "excludeActors": {"customSecurityAttributes": [other]},
                }
            }
        }
    }

    after = merged(present, wish)

    entries = after["applicationRestrictions"]["passwordCredentials"]
    assert entries == [
        {
            "restrictionType": "passwordAddition",
            "state": "enabled",
            "restrictForAppsCreatedAfterDateTime": "2026-01-31T00:00:00Z",
            "excludeActors": {"customSecurityAttributes": [caller, other]},
            "member of tomorrow": 1,
        },
        {"restrictionType": "kind of tomorrow", "state": "enabled"},
    ]
    assert {name: after[name] for name in ("isEnabled", "audience of tomorrow")} == {
        "isEnabled": True,
        "audience of tomorrow": {"x": 1},
    }


ABSENT = {"absent": True}
CALLERS = {"customSecurityAttributes": [{"id": "A_b", "value": "1"}]}


@pytest.mark.parametrize(
    ("wish", "left"),
    [
        (ABSENT, []),
        ({"excludeActors": ABSENT}, [{"state": "enabled", "excludeActors": None, "maxLifetime": "P90D"}]),
        ({"maxLifetime": ABSENT}, [{"state": "enabled", "excludeActors": CALLERS, "maxLifetime": None}]),
        (
            {"excludeActors": {"customSecurityAttributes": [{"id": "A_b", "value": "1", **ABSENT}]}},
            [{"state": "enabled", "excludeActors": None, "maxLifetime": "P90D"}],
        ),
    ],
)
def test_what_is_said_to_be_absent_goes(wish: dict[str, Any], left: list[dict[str, Any]]) -> None:
    entry = {"restrictionType": "t", "state": "enabled", "excludeActors": CALLERS, "maxLifetime": "P90D"}

    after = merged(
        {"restrictions": {"passwordCredentials": [entry]}}, {"restrictions": {"passwordCredentials": {"t": wish}}}
    )

    assert after["restrictions"]["passwordCredentials"] == [{"restrictionType": "t", **one} for one in left]


def test_what_microsoft_set_becomes_ours_only_when_it_changes() -> None:
    uris = {"nonDefaultUriAddition": {"state": "enabled", "excludeSaml": True, "isStateSetByMicrosoft": True}}
    present = {"applicationRestrictions": {"identifierUris": uris}}

    def after(**wish: Any) -> dict[str, Any]:
        told = {"applicationRestrictions": {"identifierUris": {"nonDefaultUriAddition": wish}}}
        return merged(present, told)["applicationRestrictions"]["identifierUris"]["nonDefaultUriAddition"]

    assert after(state="enabled")["isStateSetByMicrosoft"] is True
    assert after(state="disabled") == {"state": "disabled", "excludeSaml": True}
    assert wish_of(present) == {}
