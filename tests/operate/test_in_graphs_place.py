"""A snapshot answers what the verbs that only read ask of a tenant, as the tenant itself does."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from msgspec import structs

from tests.local_tenant import NOW, LocalTenant
from tests.operate.applies import EVERYTHING, organised
from tests.operate.in_process import InProcess, Waits, client_of
from tests.operate.test_snapshot_file import altered
from tests.snapshots import TAKEN_AT, snapshot_of
from unsecret.errors import Invalid, NotFound, Unsupported
from unsecret.operate.audit import Kind, read_audit
from unsecret.operate.audit import Wanted as Audited
from unsecret.operate.exemptions.callers import define_attributes, find_caller, give
from unsecret.operate.exemptions.exempt import LIFTS, grant_to_callers
from unsecret.operate.exemptions.listed import read_exemptions, with_ended_withdrawn
from unsecret.operate.graph.client import GraphClient
from unsecret.operate.plans.apply import Applier
from unsecret.operate.plans.export import export_policies
from unsecret.operate.plans.journal import Journal
from unsecret.operate.plans.plan import make_plan
from unsecret.operate.policies.block import read_default
from unsecret.operate.policies.targets import resolve
from unsecret.operate.snapshots.in_graphs_place import snapshot_client
from unsecret.operate.snapshots.take import take
from unsecret.operate.status import Holders, read_status
from unsecret.wire.policy_files import PolicyFile, read_policy_file

DENIED = {"error": {"code": "Authorization_RequestDenied", "message": "Insufficient privileges."}}
YEARS = timedelta(days=3650)
UNTIL = date(2027, 1, 31)
POLICY = {"id": "p-1", "displayName": "Freed", "isEnabled": True, "restrictions": {"passwordCredentials": []}}
APP = {"id": "o-1", "appId": "a-1", "displayName": "Payroll", "passwordCredentials": []}


def of_snapshot(path: Path) -> Iterator[GraphClient]:
    with snapshot_client(path) as (client, _manifest):
        yield client


@pytest.fixture
def live(tenant: LocalTenant, tmp_path: Path, kind: InProcess) -> Iterator[GraphClient]:
    """A tenant with policies, exempted callers of both kinds, secrets and applications in many a state."""
    apps = organised(tenant)
    secret = {"passwordCredential": {"displayName": "one"}}
    tenant.must("POST", f"/applications/{apps['Free']['id']}/addPassword", secret)
    block = {"passwordCredentials": [{"restrictionType": "passwordAddition", "state": "enabled"}]}
    policy = {"isEnabled": True, "applicationRestrictions": block, "servicePrincipalRestrictions": block}
    tenant.must("PATCH", "/v1.0/policies/defaultAppManagementPolicy", policy)
    maria = tenant.as_person().user.user_principal_name
    with client_of(tenant, tmp_path, kind) as client:
        define_attributes(client)
        for caller in (maria, tenant.new.client_id):
            give(client, find_caller(client, caller), UNTIL, "rebuilds the portal", sleep=Waits())
        _carry_out(client, tmp_path, grant_to_callers(read_default(client)[1], UNTIL, LIFTS["new-secrets"]))
        yield client


@pytest.fixture
def kept(live: GraphClient, tmp_path: Path) -> Iterator[GraphClient]:
    """The same tenant as a snapshot shows it."""
    take(live, tmp_path / "contoso.snapshot", now=TAKEN_AT, log=YEARS)
    yield from of_snapshot(tmp_path / "contoso.snapshot")


def _carry_out(client: GraphClient, folder: Path, wanted: PolicyFile) -> None:
    plan = make_plan(client, wanted, source="test", now=TAKEN_AT)
    Applier(client, plan, sleep=Waits()).carry_out(Journal(folder, plan, rollback="", clock=lambda: TAKEN_AT))


def audited(since: datetime = TAKEN_AT - YEARS, until: datetime | None = None) -> Audited:
    return Audited(since=since, until=until, kinds=tuple(Kind))


def _planned(client: GraphClient) -> Any:
    wanted = with_ended_withdrawn(client, read_policy_file(EVERYTHING), UNTIL.replace(year=2028))[0]
    return make_plan(client, wanted, source="everything", now=TAKEN_AT)


QUESTIONS: Mapping[str, Callable[[GraphClient], Any]] = {
    "status": lambda client: read_status(client, now=TAKEN_AT),
    "export": export_policies,
    "exempt list": read_exemptions,
    "plan": _planned,
    "audit": lambda client: list(read_audit(client, audited())),
    "audit --until": lambda client: list(read_audit(client, audited(until=NOW - timedelta(seconds=1)))),
}


def test_every_verb_that_only_reads_says_the_same_of_a_snapshot_as_of_the_tenant(
    live: GraphClient, kept: GraphClient
) -> None:
    for verb, ask in QUESTIONS.items():
        assert ask(kept) == ask(live), verb
    assert [one.caller.collection for one in read_exemptions(kept).holders.given] == ["servicePrincipals", "users"]
    assert _planned(kept).steps
    assert len(list(read_audit(kept, audited()))) > 10


def test_a_log_that_was_not_taken_or_not_for_so_long_is_refused(
    live: GraphClient, kept: GraphClient, tmp_path: Path
) -> None:
    earlier = TAKEN_AT - YEARS - timedelta(days=1)
    with pytest.raises(Unsupported, match="what was done before 2016-11-24T12:00:00Z: its log begins then"):
        list(read_audit(kept, audited(since=earlier)))
    take(live, tmp_path / "none.snapshot", now=TAKEN_AT)
    for client in of_snapshot(tmp_path / "none.snapshot"):
        with pytest.raises(Unsupported, match="does not say directoryAudits: it was not read") as refused:
            list(read_audit(client, audited()))
        assert refused.value.hint == "Take it with the log: unsecret snapshot FILE --log 30d"


def test_nothing_is_written_to_a_snapshot(kept: GraphClient) -> None:
    with pytest.raises(Invalid, match=r"the snapshot contoso\.snapshot of the tenant .* cannot be changed"):
        kept.send("PATCH", "v1.0/policies/defaultAppManagementPolicy", body={"isEnabled": False})


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., Path]:
    def make(collections: Mapping[str, Sequence[Any]], **missing: str) -> Path:
        return snapshot_of(tmp_path / "made.snapshot", collections, missing=missing)

    return make


@pytest.mark.parametrize(
    ("missing", "ask", "said"),
    [
        ("defaultAppManagementPolicy", read_default, "defaultAppManagementPolicy: no right to"),
        ("appManagementPolicies", export_policies, "appManagementPolicies: no right to"),
        ("servicePrincipals", lambda client: resolve(client, ["Payroll"]), "servicePrincipals: no right to"),
        ("applications", lambda client: resolve(client, ["Nobody"]), "applications: no right to"),
    ],
)
def test_what_was_not_read_is_refused_and_never_shown_as_empty(
    made: Callable[..., Path], missing: str, ask: Callable[[GraphClient], Any], said: str
) -> None:
    everything = {
        "defaultAppManagementPolicy": [{"isEnabled": False}],
        "appManagementPolicies": [{**POLICY, "appliesTo": []}],
        "applications": [APP],
        "servicePrincipals": [],
    }
    path = made({**everything, missing: []}, **{missing: "no right to"})
    for client in of_snapshot(path):
        with pytest.raises(Unsupported, match=f"made.snapshot does not say {said}"):
            ask(client)


def test_secrets_are_counted_where_no_policy_was_read(made: Callable[..., Path]) -> None:
    path = made({"applications": [APP]}, defaultAppManagementPolicy="not there", appManagementPolicies="not there")
    for client in of_snapshot(path):
        status = read_status(client, now=TAKEN_AT)
        assert (status.is_enabled, status.restrictions, status.custom_policies) == (None, None, None)
        assert status.applications == Holders(1, 0, 0)
        assert [one.split(":")[0] for one in status.not_known][:2] == ["the default policy", "custom policies"]


def test_whom_a_policy_binds_is_not_known_where_only_the_policies_were_read(made: Callable[..., Path]) -> None:
    held = {"defaultAppManagementPolicy": [{"isEnabled": False}], "appManagementPolicies": [POLICY]}
    for client in of_snapshot(made({**held, "applications": [APP]}, appManagementPolicies="appliesTo: no right to")):
        status = read_status(client, now=TAKEN_AT)
        assert [one.applies_to for one in status.custom_policies or ()] == [None]
        [said] = [one for one in status.not_known if one.startswith("whom 'Freed' binds")]
        assert said.endswith("does not say what the policy 'Freed' applies to: appliesTo: no right to.")


def test_an_application_is_found_by_each_of_its_names_and_only_by_these(made: Callable[..., Path]) -> None:
    people = {"servicePrincipals": [{"id": "o-2", "appId": "a-1", "displayName": "Payroll"}]}
    app = {**APP, "id": "0F0E0000-0000-4000-8000-000000000001", "appId": "0a0e0000-0000-4000-8000-000000000001"}
    quoted = {**APP, "id": "o-3", "appId": "a-3", "displayName": "Maria's"}
    for client in of_snapshot(made({"applications": [app, quoted], **people, "appManagementPolicies": []})):
        for name in (app["id"].lower(), app["id"], app["appId"].upper(), "Maria's"):
            assert len(resolve(client, [name])) == 1
        for name in ("Payrol", "0f0e0000-0000-4000-8000-00000000000f"):
            with pytest.raises(NotFound):
                resolve(client, [name])


def test_a_long_list_comes_in_pages_and_whole(made: Callable[..., Path]) -> None:
    apps = [{**APP, "id": f"o-{number}", "appId": f"a-{number}"} for number in range(2500)]
    for client in of_snapshot(made({"applications": apps})):
        pages = list(client.page_by_page("v1.0/applications?$select=id"))
        assert [len(page.items) for page in pages] == [999, 999, 502]
        assert [one for page in pages for one in page.items] == [{"id": one["id"]} for one in apps]


def test_a_page_holds_fewer_of_what_is_long(made: Callable[..., Path]) -> None:
    """A small file can unpack to a thousand times its size."""
    long = [{"displayName": "x" * 1024 * 1024, "keyId": "0f0e0000-0000-4000-8000-000000000001"}]
    apps = [{**APP, "id": f"o-{number}", "appId": f"a-{number}", "passwordCredentials": long} for number in range(20)]
    for client in of_snapshot(made({"applications": apps})):
        pages = list(client.page_by_page("v1.0/applications?$select=id,passwordCredentials"))
        assert [len(page.items) for page in pages] == [8, 8, 4]
        assert [one["id"] for page in pages for one in page.items] == [one["id"] for one in apps]


def test_who_is_exempt_as_a_caller_is_not_known_where_attributes_were_not_shown(
    live: GraphClient, tmp_path: Path, kind: InProcess
) -> None:
    def attributes_of_people(request: httpx2.Request) -> httpx2.Response | None:
        asked = b"customSecurityAttributes" in request.url.query and request.url.path.endswith("/users")
        return httpx2.Response(403, json=DENIED) if asked else None

    kind.before = attributes_of_people
    manifest = take(live, tmp_path / "less.snapshot", now=TAKEN_AT)
    [said] = manifest.not_known
    assert said.startswith("customSecurityAttributes of people: Insufficient privileges.")
    for client in of_snapshot(tmp_path / "less.snapshot"):
        holders = read_exemptions(client).holders
        assert [one.caller.collection for one in holders.given] == ["servicePrincipals"]
        [unknown] = holders.not_known
        assert unknown.startswith("who of the users has unsecret_exemptUntil: The snapshot ")


@pytest.mark.parametrize(
    ("collection", "members", "said"),
    [
        ("applications", {"passwordCredentials": 5}, "passwordCredentials of o-1 are not a list of objects"),
        ("applications", {"passwordCredentials": ["x"]}, "passwordCredentials of o-1 are not a list of objects"),
        ("appManagementPolicies", {"appliesTo": [5]}, "appliesTo.* lists something that is no object"),
    ],
)
def test_a_snapshot_that_somebody_wrote_by_hand_is_refused_in_plain_words(
    tmp_path: Path, collection: str, members: dict[str, Any], said: str
) -> None:
    default = {"id": "00000000-0000-0000-0000-000000000000", "isEnabled": False}
    state = {"applications": [APP], "appManagementPolicies": [POLICY], "defaultAppManagementPolicy": [default]}
    taken = snapshot_of(tmp_path / "s", state)
    whole = {"applications": APP, "appManagementPolicies": POLICY}[collection] | members
    strange = altered(taken, tmp_path / "strange", {f"graph/{collection}.ndjson": json.dumps(whole).encode()})
    with snapshot_client(strange) as (client, _manifest), pytest.raises(Invalid, match=said):
        read_status(client, now=TAKEN_AT)


BOUND = {"id": "o-1", "appId": "a-1", "displayName": "Payroll", "@odata.type": "#microsoft.graph.application"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": None},
        {"restrictions": "none"},
        {"restrictions": {"passwordCredentials": [None]}},
        {"appliesTo": "everybody"},
        {"appliesTo": [None]},
        {"appliesTo": [{**BOUND, "id": None}]},
        {"appliesTo": {"id": "o-1"}},
    ],
)
def test_what_is_no_policy_is_refused_and_never_shown_as_one_that_says_nothing(
    made: Callable[..., Path], wrong: Mapping[str, Any]
) -> None:
    default = {"isEnabled": True, "applicationRestrictions": {"passwordCredentials": []}}
    policy = {**POLICY, "appliesTo": [BOUND], **wrong}

    def ask() -> None:
        for client in of_snapshot(made({"defaultAppManagementPolicy": [default], "appManagementPolicies": [policy]})):
            read_exemptions(client)

    with pytest.raises(Invalid):  # where its columns cannot be made, or by whoever reads it
        ask()


def test_attributes_that_cannot_be_read_are_not_those_of_nobody(made: Callable[..., Path]) -> None:
    caller = {"@odata.type": "x", "id": "unsecret_exemptUntil", "operator": "equals", "value": "2027-01-31"}
    entry = {"restrictionType": "passwordAddition", "excludeActors": {"customSecurityAttributes": [caller]}}
    default = {"isEnabled": True, "applicationRestrictions": {"passwordCredentials": [entry]}}
    for held in ("2027-01-31", {"unsecret": ["2027-01-31"]}):
        principal = {**APP, "customSecurityAttributes": held}
        everything = {"defaultAppManagementPolicy": [default], "appManagementPolicies": []}
        for client in of_snapshot(made({**everything, "servicePrincipals": [principal]})):
            with pytest.raises(Invalid, match="customSecurityAttributes of o-1 cannot be read"):
                read_exemptions(client)


def test_a_name_is_nobodys_alone_where_not_all_were_read(made: Callable[..., Path]) -> None:
    """Another application of that name may be among those that were not."""
    held = {"applications": [APP], "servicePrincipals": []}
    for client in of_snapshot(made(held, applications="only those with a risk")):
        with pytest.raises(Unsupported, match="does not say applications: only those with a risk"):
            resolve(client, ["Payroll"])


def test_ids_are_the_same_in_any_case(made: Callable[..., Path]) -> None:
    policy = {**POLICY, "id": "P-1", "appliesTo": [{**BOUND, "id": "O-1"}]}
    for client in of_snapshot(made({"appManagementPolicies": [policy], "applications": [APP]})):
        assert [one["id"] for one in client.pages("v1.0/applications/o-1/appManagementPolicies")] == ["P-1"]
        assert [one["id"] for one in client.pages("v1.0/policies/appManagementPolicies/p-1/appliesTo")] == ["O-1"]


@pytest.mark.parametrize("tenant_id", ["../../elsewhere", "/tmp/elsewhere", "..", "", "a\nb"])
def test_a_snapshot_of_what_is_no_tenant_is_not_asked(tmp_path: Path, tenant_id: str) -> None:
    """What is noted of a tenant lies in a directory that is called by its id."""
    path = snapshot_of(tmp_path / "made.snapshot", {"applications": [APP]}, tenant_id=tenant_id)
    with pytest.raises(Invalid, match="names no tenant"):
        next(of_snapshot(path))


def test_a_snapshot_that_may_not_read_the_organisation_names_the_tenant_all_the_same(
    live: GraphClient, tmp_path: Path, kind: InProcess
) -> None:
    """Its plans are refused by a tenant of another id."""
    said = structs.replace(live.connection, tenant_id="contoso.example")
    kind.before = lambda request: (
        httpx2.Response(403, json=DENIED) if request.url.path.endswith("/organization") else None
    )
    known = live.tenant_id()
    live.connection = said
    assert take(live, tmp_path / "nameless.snapshot", now=TAKEN_AT).tenant_id == known
