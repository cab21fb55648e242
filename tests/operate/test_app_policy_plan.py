"""What `block --app` and `allow --app` would do, planned from what Graph showed of one application."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime

import pytest

from tests.operate.policies import Json, custom_policy, entry, section
from unsecret.errors import Conflict, Invalid
from unsecret.operate.policies.app_policy import MADE_BY, Holding, exemptions, plan_for_app
from unsecret.operate.policies.block import LIFETIMES, Wanted, blocking
from unsecret.operate.policies.change import Link, PolicyChange
from unsecret.operate.policies.targets import Face, Target

BLOCK = blocking(start=None, longest=None)
EXEMPT = Wanted(enabled=False)
CREATED = datetime(2026, 3, 1, tzinfo=UTC)

APP = Face(Link("applications", "aaaa", "app registration 'Payroll'"), "1111", "Payroll", CREATED)
PRINCIPAL = Face(Link("servicePrincipals", "bbbb", "service principal 'Payroll'"), "1111", "Payroll", None)
TARGET = Target("1111", "Payroll", (APP, PRINCIPAL))
FREE = (Holding(APP, None, ()), Holding(PRINCIPAL, None, ()))


def passwords(policy: Json) -> dict[str, str]:
    return {one["restrictionType"]: one["state"] for one in policy["restrictions"]["passwordCredentials"]}


def only(changes: tuple[PolicyChange, ...]) -> PolicyChange:
    assert len(changes) == 1
    return changes[0]


@pytest.mark.parametrize(("wanted", "state"), [(BLOCK, "enabled"), (EXEMPT, "disabled")])
def test_an_application_without_a_policy_gets_one_for_both_its_faces(wanted: Wanted, state: str) -> None:
    change = only(plan_for_app(TARGET, FREE, wanted))

    assert change.path is None
    assert change.body["isEnabled"] is True
    assert change.body["displayName"] == "unsecret: Payroll"
    assert change.body["description"].startswith(MADE_BY)
    assert passwords(change.body) == {"passwordAddition": state, "symmetricKeyAddition": state}
    assert change.links == (APP.link, PRINCIPAL.link)
    assert [line.what for line in change.lines[:2]] == [APP.link.words, PRINCIPAL.link.words]


@pytest.mark.parametrize("holding", [FREE[0], Holding(APP, custom_policy([entry("passwordAddition")]), ())])
def test_an_application_without_a_service_principal_is_told_to_come_back(holding: Holding) -> None:
    change = only(plan_for_app(Target("1111", "Payroll", (APP,)), (holding,), BLOCK))

    assert any("'Payroll' has no service principal yet; once it has one, run this again" in one for one in change.notes)


def test_an_application_of_another_tenant_has_nothing_more_to_bind() -> None:
    change = only(plan_for_app(Target("1111", "Payroll", (PRINCIPAL,)), FREE[1:], BLOCK))

    assert change.notes == ()


def test_a_policy_of_its_own_is_edited_whoever_made_it() -> None:
    other = entry("customPasswordAddition")
    policy = custom_policy([entry("passwordAddition", state="disabled"), other])
    holdings = (Holding(APP, policy, ()), Holding(PRINCIPAL, policy, ()))
    change = only(plan_for_app(TARGET, holdings, BLOCK))

    assert change.path == f"beta/policies/appManagementPolicies/{policy['id']}"
    assert change.links == ()
    assert passwords(change.body) == {
        "passwordAddition": "enabled",
        "customPasswordAddition": "enabled",
        "symmetricKeyAddition": "enabled",
    }
    assert any("was not made by unsecret" in note for note in change.notes)


def test_a_face_that_was_left_out_joins_our_policy() -> None:
    ours = custom_policy(description=f"{MADE_BY} for the application 1111.")
    change = only(plan_for_app(TARGET, (Holding(APP, ours, ()), FREE[1]), BLOCK))

    assert change.links == (PRINCIPAL.link,)
    assert change.notes == ()


def test_a_face_that_was_left_out_gets_its_own_policy_beside_a_foreign_one() -> None:
    """The foreign policy may say more than ours would; that must not spread to the service principal."""
    foreign = custom_policy([entry("passwordLifetime", maxLifetime="P1D")])
    edit, creation = plan_for_app(TARGET, (Holding(APP, foreign, ()), FREE[1]), BLOCK)

    assert (edit.path is None, edit.links) == (False, ())
    assert (creation.path is None, creation.links) == (True, (PRINCIPAL.link,))


def test_a_shared_policy_is_not_touched_and_the_others_are_named() -> None:
    shared = Holding(APP, custom_policy(), ("Warehouse (cccc)",))
    with pytest.raises(Conflict, match=r"shares the custom policy .* with Warehouse \(cccc\)") as refusal:
        plan_for_app(TARGET, (shared, FREE[1]), BLOCK)
    assert refusal.value.code == "PolicyIsShared"
    command = shlex.split(str(refusal.value.hint).rpartition(": ")[2])
    path = f"/applications/aaaa/appManagementPolicies/{(shared.policy or {})['id']}/$ref"
    assert command == ["unsecret", "graph", "DELETE", path]
    assert f"'{path}'" in str(refusal.value.hint)  # a shell would take $ref for a variable, and ask for something else


def test_nothing_is_pending_when_the_policy_says_so_already() -> None:
    policy = custom_policy([entry("passwordAddition"), entry("symmetricKeyAddition")])
    holdings = (Holding(APP, policy, ()), Holding(PRINCIPAL, policy, ()))

    assert not only(plan_for_app(TARGET, holdings, BLOCK)).is_pending


def test_a_policy_that_is_off_is_switched_on_and_what_wakes_up_is_named() -> None:
    policy = custom_policy(
        [entry("passwordAddition"), entry("symmetricKeyAddition")],
        is_enabled=False,
        keyCredentials=[entry("asymmetricKeyLifetime", maxLifetime="P30D")],
        applicationRestrictions={"identifierUris": {"nonDefaultUriAddition": {"state": "enabled"}}},
    )
    change = only(plan_for_app(Target("1111", "Payroll", (APP,)), (Holding(APP, policy, ()),), BLOCK))

    assert change.body == {"isEnabled": True}
    assert change.activates == (
        "linked objects: asymmetricKeyLifetime (enabled, at most 30 days)",
        "linked objects: nonDefaultUriAddition (enabled)",
    )


def test_what_stands_beside_the_passwords_is_sent_back() -> None:
    uris = {"identifierUris": {"nonDefaultUriAddition": {"state": "disabled"}}}
    policy = custom_policy([], applicationRestrictions=uris)
    change = only(plan_for_app(TARGET, (Holding(APP, policy, ()), Holding(PRINCIPAL, policy, ())), BLOCK))

    assert change.body["restrictions"]["applicationRestrictions"] == uris
    assert change.after["restrictions"] == section(
        change.body["restrictions"]["passwordCredentials"], applicationRestrictions=uris
    )


def test_a_date_after_its_creation_would_free_the_application_and_is_refused() -> None:
    with pytest.raises(Invalid, match="free it from the tenant default"):
        plan_for_app(TARGET, FREE, blocking(start=datetime(2027, 1, 1, tzinfo=UTC), longest=None))


def test_a_date_before_its_creation_is_taken() -> None:
    change = only(plan_for_app(TARGET, FREE, blocking(start=datetime(2026, 1, 1, tzinfo=UTC), longest=None)))

    written = change.body["restrictions"]["passwordCredentials"]
    assert {one["restrictForAppsCreatedAfterDateTime"] for one in written} == {"2026-01-01T00:00:00Z"}


def test_the_limit_on_lifetimes_can_be_lifted_for_one_application() -> None:
    change = only(plan_for_app(TARGET, FREE, Wanted(kinds=LIFETIMES, enabled=False)))

    assert passwords(change.body) == {"passwordLifetime": "disabled", "symmetricKeyLifetime": "disabled"}
    written = change.body["restrictions"]["passwordCredentials"]
    assert [one["maxLifetime"] for one in written] == ["P730D"] * 2  # Graph is reported to take none without


@pytest.mark.parametrize(
    ("policy", "exempts"),
    [
        (custom_policy([entry("passwordAddition", state="disabled")]), True),
        (custom_policy([entry("passwordAddition", state="disabled")], is_enabled=False), False),
        (custom_policy([entry("passwordAddition")]), False),
        (custom_policy([entry("customPasswordAddition", state="disabled")]), False),
    ],
)
def test_a_policy_that_exempts_is_named(policy: Json, exempts: bool) -> None:
    named = exemptions([policy], BLOCK)
    assert [policy["id"] in sentence for sentence in named] == [True] * exempts


def test_a_dry_run_shows_each_request() -> None:
    change = only(plan_for_app(TARGET, FREE, BLOCK))

    assert [(method, path) for method, path, _ in change.requests()] == [
        ("POST", "v1.0/policies/appManagementPolicies"),
        ("POST", "v1.0/applications/aaaa/appManagementPolicies/$ref"),
        ("POST", "v1.0/servicePrincipals/bbbb/appManagementPolicies/$ref"),
    ]
