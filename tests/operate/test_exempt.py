"""Exemptions: granted, found, enforced by the tenant, and gone after their last day without a trace."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import httpx2
import pytest

from tests.local_tenant import LocalTenant
from tests.operate.in_process import InProcess, Waits, client_of
from unsecret.errors import Conflict, Invalid, NotFound, PolicyDenied
from unsecret.operate.exemptions.callers import define_attributes, find_caller, give
from unsecret.operate.exemptions.exempt import (
    LIFTS,
    NAMED,
    Exempted,
    State,
    exempted_applications,
    exempted_callers,
    grant_to_application,
    grant_to_callers,
    withdrawal,
)
from unsecret.operate.exemptions.listed import read_exemptions, read_policies_with_links, with_ended_withdrawn
from unsecret.operate.graph.client import GraphClient
from unsecret.operate.plans.apply import Applier, Became
from unsecret.operate.plans.export import export_policies
from unsecret.operate.plans.journal import Journal
from unsecret.operate.plans.plan import make_plan
from unsecret.operate.policies.block import read_default
from unsecret.operate.policies.change import POLICIES
from unsecret.operate.policies.entries import excluded_callers
from unsecret.operate.policies.exempted_callers import read_holders
from unsecret.operate.policies.targets import resolve
from unsecret.wire.policy_files import PolicyFile, read_policy_file
from unsecret.wire.terms import Term, term_in

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LAST_DAY = date(2027, 1, 31)
DAY_AFTER = date(2027, 2, 1)
BLOCK = [{"restrictionType": "passwordAddition", "state": "enabled"}]
VENDOR = Term(until=LAST_DAY, reason="the vendor migrates in January", lifted=LIFTS["new-secrets"])


@pytest.fixture
def blocked(tenant: LocalTenant) -> LocalTenant:
    """A tenant in which nobody may add a secret."""
    section = {"passwordCredentials": BLOCK}
    body = {"isEnabled": True, "applicationRestrictions": section, "servicePrincipalRestrictions": section}
    tenant.must("PATCH", "/v1.0/policies/defaultAppManagementPolicy", body)
    return tenant


@pytest.fixture
def client(tenant: LocalTenant, tmp_path_factory: pytest.TempPathFactory, kind: InProcess) -> Any:
    with client_of(tenant, tmp_path_factory.mktemp("operator"), kind) as graph:
        yield graph


def carry_out(client: GraphClient, folder: Any, wanted: PolicyFile) -> None:
    plan = make_plan(client, wanted, source="test", now=NOW)
    journal = Journal(folder, plan, rollback="", clock=lambda: NOW)
    outcomes = Applier(client, plan, sleep=Waits()).carry_out(journal)
    assert {one.became for one in outcomes} <= {Became.CHANGED, Became.UNCHANGED}


def exempt(client: GraphClient, folder: Any, name: str, term: Term = VENDOR) -> None:
    carry_out(client, folder, grant_to_application(client, resolve(client, [name])[0], term))


def expire(client: GraphClient, folder: Any, today: date) -> None:
    found = read_exemptions(client).found
    ending = [one for one in found if one.state(today) is State.ENDED]
    policies = read_policies_with_links(client)
    carry_out(client, folder, withdrawal(read_default(client)[1], policies, ending))


def add_secret(client: GraphClient, application: dict[str, Any]) -> None:
    client.send("POST", f"applications/{application['id']}/addPassword", body={})


def applications_of(client: GraphClient) -> list[Exempted]:
    return list(exempted_applications(read_policies_with_links(client)))


def test_an_exempt_application_gets_a_secret_and_no_other_does(
    blocked: LocalTenant, client: GraphClient, tmp_path: Any
) -> None:
    payroll, other = blocked.new_application("Payroll"), blocked.new_application("Other")
    exempt(client, tmp_path, "Payroll")
    add_secret(client, payroll)
    with pytest.raises(PolicyDenied):
        add_secret(client, other)


def test_after_the_last_day_the_block_binds_again_and_nothing_is_left(
    blocked: LocalTenant, client: GraphClient, tmp_path: Any
) -> None:
    payroll = blocked.new_application("Payroll")
    exempt(client, tmp_path, "Payroll")
    expire(client, tmp_path, LAST_DAY)
    add_secret(client, payroll)  # the last day belongs to the exemption
    expire(client, tmp_path, DAY_AFTER)
    with pytest.raises(PolicyDenied):
        add_secret(client, payroll)
    assert list(client.pages(f"v1.0/{POLICIES}")) == []


def test_the_tenant_itself_says_who_is_exempt_until_when_and_why(
    blocked: LocalTenant, client: GraphClient, tmp_path: Any
) -> None:
    blocked.new_application("Payroll")
    exempt(client, tmp_path, "Payroll")
    [found] = applications_of(client)
    assert (found.who, found.until, found.reason) == (("Payroll",), LAST_DAY, VENDOR.reason)
    assert found.lifted == ("passwordAddition", "symmetricKeyAddition")
    [policy] = client.pages(f"v1.0/{POLICIES}")
    assert policy["displayName"].startswith(NAMED)
    assert "Exempt until 2027-01-31: the vendor migrates in January." in policy["description"]


def test_an_exemption_that_is_there_gets_the_new_day(blocked: LocalTenant, client: GraphClient, tmp_path: Any) -> None:
    blocked.new_application("Payroll")
    exempt(client, tmp_path, "Payroll")
    exempt(client, tmp_path, "Payroll", Term(until=DAY_AFTER, reason="later", lifted=LIFTS["secret-lifetime"]))
    [found] = applications_of(client)
    assert (found.until, found.reason) == (DAY_AFTER, "later")
    assert set(found.lifted) == {*LIFTS["new-secrets"], *LIFTS["secret-lifetime"]}


def own_policy(tenant: LocalTenant, application: dict[str, Any], *others: dict[str, Any]) -> dict[str, Any]:
    lifetime = {"restrictionType": "passwordLifetime", "state": "enabled", "maxLifetime": "P30D"}
    policy = tenant.must(
        "POST",
        f"/v1.0/{POLICIES}",
        {
            "displayName": "Payroll's own",
            "description": "Made by hand",
            "isEnabled": True,
            "restrictions": {"passwordCredentials": [*BLOCK, lifetime]},
        },
    )
    for one in (application, *others):
        reference = {"@odata.id": f"https://graph.microsoft.com/v1.0/{POLICIES}/{policy['id']}"}
        tenant.must("POST", f"/v1.0/applications/{one['id']}/appManagementPolicies/$ref", reference)
    return policy


def test_an_applications_own_policy_is_as_before_when_the_exemption_is_over(
    blocked: LocalTenant, client: GraphClient, tmp_path: Any
) -> None:
    payroll = blocked.new_application("Payroll")
    policy = own_policy(blocked, payroll)
    path = f"beta/{POLICIES}/{policy['id']}"
    before = client.get(path)
    exempt(client, tmp_path, "Payroll")
    during = client.get(path)
    assert term_in(during["description"]) is not None
    expire(client, tmp_path, DAY_AFTER)
    assert client.get(path) == before


def test_a_policy_that_others_share_is_not_touched(blocked: LocalTenant, client: GraphClient) -> None:
    payroll, other = blocked.new_application("Payroll"), blocked.new_application("Other")
    own_policy(blocked, payroll, other)
    with pytest.raises(Conflict, match="Other"):
        grant_to_application(client, resolve(client, ["Payroll"])[0], VENDOR)


def test_an_exemption_without_a_term_is_found_and_never_withdrawn(
    blocked: LocalTenant, client: GraphClient, tmp_path: Any
) -> None:
    payroll = blocked.new_application("Payroll")
    policy = own_policy(blocked, payroll)
    entry = {**BLOCK[0], "state": "disabled"}
    blocked.must("PATCH", f"/v1.0/{POLICIES}/{policy['id']}", {"restrictions": {"passwordCredentials": [entry]}})
    [found] = applications_of(client)
    assert found.state(DAY_AFTER) is State.ENDLESS
    with pytest.raises(Invalid, match="no term"):
        withdrawal(read_default(client)[1], read_policies_with_links(client), [found])


def test_a_caller_who_is_exempt_may_what_others_may_not_until_the_attribute_goes(
    blocked: LocalTenant, client: GraphClient, tmp_path: Any
) -> None:
    payroll = blocked.new_application("Payroll")
    default = read_default(client)[1]
    ourselves = find_caller(client, blocked.new.client_id)
    define_attributes(client)
    define_attributes(client)  # again: they are there already
    give(client, ourselves, LAST_DAY, "rebuilds the portal", sleep=Waits())
    carry_out(client, tmp_path, grant_to_callers(default, LAST_DAY, LIFTS["new-secrets"]))
    add_secret(client, payroll)
    [holder] = read_holders(client, {"2027-01-31"}).given
    assert (holder.caller.id, holder.reason) == (ourselves.id, "rebuilds the portal")
    expire(client, tmp_path, DAY_AFTER)
    with pytest.raises(PolicyDenied):
        add_secret(client, payroll)
    assert list(exempted_callers(read_default(client)[1], ())) == []


def _exempt_among_many(tenant: LocalTenant, client: GraphClient) -> tuple[str, str]:
    """A person and an application whose attribute says until when; and others, without it and with another day."""
    define_attributes(client)
    people = [tenant.as_person().user for _ in range(3)]
    ourselves = find_caller(client, tenant.new.client_id)
    for person, day in ((people[0], LAST_DAY), (people[1], DAY_AFTER)):
        give(client, find_caller(client, person.user_principal_name), day, None, sleep=Waits())
    give(client, ourselves, LAST_DAY, None, sleep=Waits())
    return ourselves.id, people[0].id


def _asked_for(transport: InProcess) -> list[str]:
    return [f"{one.url.path} {one.url.params.get('$filter')}" for one in transport.seen if one.method == "GET"]


def test_exempted_callers_are_found_without_reading_everybody(
    blocked: LocalTenant, client: GraphClient, kind: InProcess
) -> None:
    holders = _exempt_among_many(blocked, client)
    kind.seen.clear()
    assert tuple(one.caller.id for one in read_holders(client, {"2027-01-31"}).given) == holders
    asked = "customSecurityAttributes/unsecret/exemptUntil eq '2027-01-31'"
    assert _asked_for(kind) == [f"/v1.0/servicePrincipals {asked}", f"/v1.0/users {asked}"]


@pytest.mark.parametrize("status", [400, 501])
def test_where_the_filter_is_not_answered_everybody_is_read(
    blocked: LocalTenant, client: GraphClient, kind: InProcess, status: int
) -> None:
    holders = _exempt_among_many(blocked, client)
    kind.seen.clear()
    refusal = {"error": {"code": "Request_UnsupportedQuery", "message": "No."}}
    kind.before = lambda request: httpx2.Response(status, json=refusal) if "$filter" in request.url.params else None
    assert tuple(one.caller.id for one in read_holders(client, {"2027-01-31"}).given) == holders
    assert [one.rpartition(" ")[2] for one in _asked_for(kind)][1::2] == ["None", "None"]


def test_a_plan_withdraws_what_has_ended_unless_its_file_speaks_of_it(
    blocked: LocalTenant, client: GraphClient, tmp_path: Any
) -> None:
    blocked.new_application("Payroll")
    exempt(client, tmp_path, "Payroll")
    [policy] = client.pages(f"v1.0/{POLICIES}")
    nothing = read_policy_file("")
    assert with_ended_withdrawn(client, nothing, LAST_DAY) == (nothing, ())
    wanted, said = with_ended_withdrawn(client, nothing, DAY_AFTER)
    assert [one.absent for one in wanted.policies] == [True]
    assert said == (f"The exemption by '{policy['displayName']}' ended on 2027-01-31, and is withdrawn.",)
    about_it = read_policy_file(f'[[appManagementPolicies]]\nid = "{policy["id"]}"\nisEnabled = true')
    left = f"The file keeps the exemption by '{policy['displayName']}', which ended on 2027-01-31."
    unchanged, said = with_ended_withdrawn(client, about_it, DAY_AFTER)
    assert (unchanged, [one.startswith(left) for one in said]) == (about_it, [True])
    assert with_ended_withdrawn(client, about_it, LAST_DAY) == (about_it, ())


def test_a_file_of_before_does_not_bring_back_what_has_ended_without_a_word(
    blocked: LocalTenant, client: GraphClient, tmp_path: Any
) -> None:
    blocked.new_application("Payroll")
    exempt(client, tmp_path, "Payroll")
    before = export_policies(client)[0]
    expire(client, tmp_path, DAY_AFTER)
    assert with_ended_withdrawn(client, before, LAST_DAY) == (before, ())
    _wanted, [said] = with_ended_withdrawn(client, before, DAY_AFTER)
    assert said.startswith("The file makes the exemption by 'unsecret exemption: Payroll (")
    assert "which ended on 2027-01-31. Take it out of the file" in said


def test_the_exemption_of_an_application_that_was_deleted_goes_when_it_ends(
    blocked: LocalTenant, client: GraphClient, tmp_path: Any
) -> None:
    payroll = blocked.new_application("Payroll")
    exempt(client, tmp_path, "Payroll")
    client.send("DELETE", f"applications/{payroll['id']}")
    [found] = applications_of(client)
    assert (found.who, found.state(DAY_AFTER)) == ((), State.ENDED)
    expire(client, tmp_path, DAY_AFTER)
    assert list(client.pages(f"v1.0/{POLICIES}")) == []


@pytest.mark.parametrize("words", ["Ask Dana.", "Ask Dana [or Tom]. Exempt until further notice.", "日本語 – ü"])
def test_a_policy_that_was_renamed_and_described_by_hand_is_kept_and_frees_nobody(
    blocked: LocalTenant, client: GraphClient, tmp_path: Any, words: str
) -> None:
    payroll = blocked.new_application("Payroll")
    exempt(client, tmp_path, "Payroll")
    [policy] = client.pages(f"v1.0/{POLICIES}")
    path = f"v1.0/{POLICIES}/{policy['id']}"
    term = policy["description"][policy["description"].index("[Exempt until") :]
    client.send("PATCH", path, body={"displayName": "Payroll", "description": f"{words} {term} Thanks."})
    expire(client, tmp_path, DAY_AFTER)
    with pytest.raises(PolicyDenied):
        add_secret(client, payroll)
    assert client.get(path)["description"] == f"{words} Thanks."


def test_two_withdrawals_at_once_end_an_exemption_once(
    blocked: LocalTenant, client: GraphClient, tmp_path: Any
) -> None:
    """On two machines, which know nothing of each other: both planned before either wrote."""
    payroll = blocked.new_application("Payroll")
    own_policy(blocked, blocked.new_application("Intranet"))
    for name in ("Payroll", "Intranet"):
        exempt(client, tmp_path, name)
    ending = applications_of(client)
    policies = read_policies_with_links(client)
    plan = make_plan(client, withdrawal(read_default(client)[1], policies, ending), source="test", now=NOW)
    for became in (Became.CHANGED, Became.UNCHANGED):
        applier = Applier(client, plan, sleep=Waits())
        assert applier.require_unmoved() is (became is Became.CHANGED)
        outcomes = applier.carry_out(Journal(tmp_path, plan, rollback="", clock=lambda: NOW))
        assert {one.became for one in outcomes} == {became}
    assert applications_of(client) == []
    with pytest.raises(PolicyDenied):
        add_secret(client, payroll)


def test_a_plan_that_withdraws_a_caller_keeps_what_its_file_says_of_the_same_entry(
    blocked: LocalTenant, client: GraphClient, tmp_path: Any
) -> None:
    default = read_default(client)[1]
    define_attributes(client)
    carry_out(client, tmp_path, grant_to_callers(default, LAST_DAY, LIFTS["new-secrets"]))
    entry = "defaultAppManagementPolicy.applicationRestrictions.passwordCredentials.passwordAddition"
    file = read_policy_file(f"[{entry}]\nrestrictForAppsCreatedAfterDateTime = 2026-01-01")
    wanted, _said = with_ended_withdrawn(client, file, DAY_AFTER)
    carry_out(client, tmp_path, wanted)
    [entry] = [
        one
        for one in read_default(client)[1]["applicationRestrictions"]["passwordCredentials"]
        if one["restrictionType"] == "passwordAddition"
    ]
    assert excluded_callers(entry) == ()
    assert entry["restrictForAppsCreatedAfterDateTime"].startswith("2026-01-01")


def test_a_caller_cannot_be_exempt_from_what_nothing_restricts(tenant: LocalTenant, client: GraphClient) -> None:
    with pytest.raises(NotFound, match="nothing to be exempt from"):
        grant_to_callers(read_default(client)[1], LAST_DAY, LIFTS["new-secrets"])


def test_a_caller_who_is_nobody_is_not_guessed(tenant: LocalTenant, client: GraphClient) -> None:
    with pytest.raises(NotFound, match="Neither an application nor a person"):
        find_caller(client, "Nobody")


@pytest.mark.parametrize(
    ("until", "state"),
    [(None, State.ENDLESS), (LAST_DAY, State.RUNNING), (date(2027, 1, 30), State.ENDED)],
)
def test_the_state_follows_from_the_day(until: date | None, state: State) -> None:
    one = Exempted(subject="applications", who=(), lifted=(), policy="p", until=until)
    assert one.state(LAST_DAY) is state


@pytest.mark.parametrize("is_own", [True, False], ids=["in a policy of its own", "in one made for the exemption"])
def test_what_somebody_enabled_during_an_exemption_stays_when_it_is_over(
    blocked: LocalTenant, client: GraphClient, tmp_path: Any, is_own: bool
) -> None:
    payroll = blocked.new_application("Payroll")
    if is_own:
        own_policy(blocked, payroll)
    exempt(client, tmp_path, "Payroll", Term(until=LAST_DAY, reason="x", lifted=LIFTS["certificate-lifetime"]))
    [policy] = client.pages(f"beta/{POLICIES}")
    by_hand = {"restrictionType": "asymmetricKeyLifetime", "state": "enabled", "maxLifetime": "P90D"}
    path = f"v1.0/{POLICIES}/{policy['id']}"
    client.send("PATCH", path, body={"restrictions": {"keyCredentials": [by_hand]}})
    expire(client, tmp_path, DAY_AFTER)
    after = client.get(f"beta/{POLICIES}/{policy['id']}")
    assert term_in(after["description"]) is None
    [kept] = after["restrictions"]["keyCredentials"]
    assert (kept["state"], kept["maxLifetime"]) == ("enabled", "P90D")


def test_an_exemption_that_got_another_day_meanwhile_is_not_withdrawn(
    blocked: LocalTenant, client: GraphClient, tmp_path: Any
) -> None:
    blocked.new_application("Payroll")
    exempt(client, tmp_path, "Payroll")
    ending = applications_of(client)
    exempt(client, tmp_path, "Payroll", Term(until=DAY_AFTER, reason="later", lifted=VENDOR.lifted))
    with pytest.raises(Conflict, match="2027-02-01 now"):
        withdrawal(read_default(client)[1], read_policies_with_links(client), ending)
    assert withdrawal(read_default(client)[1], (), ending) == PolicyFile()


def test_a_term_in_words_that_nobody_here_wrote_is_none() -> None:
    assert term_in("[Exempt until 2020-01-01: x. Lifted: everything.]") is None
    assert term_in("[Exempt until 2020-01-01: x. Lifted: passwordAddition. Enabled before: nothing.]") is None
