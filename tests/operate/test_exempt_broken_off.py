"""Withdrawing an exemption, killed at each of its writes: nobody is exempt by what is left, and the same again ends it.

Each write is broken twice: before the tenant got it, and after, when its answer is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import httpx2
import msgspec
import pytest

from tests.local_tenant import LocalTenant
from tests.operate.in_process import InProcess, Waits, client_of
from tests.operate.test_exempt import BLOCK, DAY_AFTER, LAST_DAY, carry_out, exempt
from unsecret.cli.exit_codes import ERROR, OK
from unsecret.cli.withdrawing import withdraw
from unsecret.config import Settings
from unsecret.errors import Conflict, NotFound
from unsecret.operate.exemptions.callers import define_attributes, find_caller, give, given_to
from unsecret.operate.exemptions.ending import Ending, of_application, of_caller, over
from unsecret.operate.exemptions.exempt import LIFTS, grant_to_callers
from unsecret.operate.exemptions.listed import read_exemptions
from unsecret.operate.graph.client import GraphClient
from unsecret.operate.graph.connection import Connection
from unsecret.operate.policies.block import read_default
from unsecret.operate.policies.exempted_callers import Caller
from unsecret.operate.policies.targets import resolve
from unsecret.wire.policy_files import PolicyFile
from unsecret.wire.terms import ATTRIBUTE_SET, UNTIL

WRITES = {"POST", "PATCH", "DELETE"}
MOST_WRITES = 12


class Killed(BaseException):
    """The process ended here."""


class KilledAt:
    """Ends the process at its `number`-th write from now on, before the tenant gets it or after."""

    def __init__(self, door: InProcess):
        self.door, self.number, self.is_after = door.door, 0, False

    def __call__(self, request: httpx2.Request) -> None:
        if request.method not in WRITES or request.url.path.endswith("/token"):
            return
        self.number -= 1
        if self.number == 0:
            if self.is_after:
                self.door.send(request).read()
            raise Killed


@pytest.fixture
def blocked(tenant: LocalTenant) -> LocalTenant:
    section = {"passwordCredentials": BLOCK}
    body = {"isEnabled": True, "applicationRestrictions": section, "servicePrincipalRestrictions": section}
    tenant.must("PATCH", "/v1.0/policies/defaultAppManagementPolicy", body)
    payroll = tenant.new_application("Payroll")
    tenant.must("POST", "/v1.0/servicePrincipals", {"appId": payroll["appId"]})
    return tenant


@pytest.fixture
def killer(kind: InProcess) -> KilledAt:
    kind.before = KilledAt(kind)
    return kind.before


@pytest.fixture
def client(blocked: LocalTenant, tmp_path: Path, kind: InProcess) -> Iterator[GraphClient]:
    with client_of(blocked, tmp_path, kind) as graph:
        yield graph


def exempt_a_caller(client: GraphClient, tmp_path: Path, until: date = LAST_DAY) -> None:
    define_attributes(client)
    carry_out(client, tmp_path, grant_to_callers(read_default(client)[1], until, LIFTS["new-secrets"]))
    give(client, ourselves(client), until, "rebuilds the portal", sleep=Waits())


def exempt_an_application(client: GraphClient, tmp_path: Path) -> None:
    exempt(client, tmp_path, "Payroll")


def ourselves(client: GraphClient) -> Caller:
    assert isinstance(client.connection, Connection)
    return find_caller(client, client.connection.client_id)


def carried_out(client: GraphClient, ending: Ending, folder: Path) -> int:
    return withdraw(
        client, ending, settings=Settings(default_data=folder, state=folder / "state", home=folder), source="test",
        dry_run=False, yes=True, again="", output="table",
    )  # fmt: skip


def of_payroll(client: GraphClient) -> Ending:
    return of_application(client, resolve(client, ["Payroll"])[0])


def of_ourselves(client: GraphClient) -> Ending:
    return of_caller(client, ourselves(client))


def all_over(client: GraphClient) -> Ending:
    return over(client, DAY_AFTER)


@pytest.mark.parametrize("is_after", [False, True], ids=["before the write", "after the write"])
@pytest.mark.parametrize(
    ("grant", "find"),
    [
        (exempt_an_application, of_payroll),
        (exempt_an_application, all_over),
        (exempt_a_caller, of_ourselves),
        (exempt_a_caller, all_over),
    ],
    ids=["remove of an application", "expire of an application", "remove of a caller", "expire of a caller"],
)
def test_what_is_killed_at_a_write_is_ended_by_the_same_command(
    client: GraphClient,
    killer: KilledAt,
    tmp_path: Path,
    grant: Callable[[GraphClient, Path], None],
    find: Callable[[GraphClient], Ending],
    is_after: bool,
) -> None:
    killer.is_after = is_after
    for number in range(1, MOST_WRITES):
        grant(client, tmp_path)
        killer.number = number
        try:
            assert carried_out(client, find(client), tmp_path) == 0
            break
        except Killed:
            was_last = False
        killer.number = 0
        assert_that_nobody_is_forgotten(client)
        try:
            was_last = carried_out(client, find(client), tmp_path) == 0
        except NotFound:  # the last write was made, and only its answer was lost
            was_last = is_after
        assert was_last
        assert_that_nothing_is_left(client)
    assert number > 1, "nothing was written"
    assert number < MOST_WRITES - 1, "it never came to its end"
    assert_that_nothing_is_left(client)


def assert_that_nobody_is_forgotten(client: GraphClient) -> None:
    """Whoever has the attribute has it by an entry that every listing shows."""
    held = given_to(client, ourselves(client)) if _has_attributes(client) else None
    assert held is None or held.until in {one.value for one in read_exemptions(client).found}


def assert_that_nothing_is_left(client: GraphClient) -> None:
    assert read_exemptions(client).found == ()
    assert not _has_attributes(client) or given_to(client, ourselves(client)) is None


def _has_attributes(client: GraphClient) -> bool:
    return any(client.pages("v1.0/directory/attributeSets"))


def test_an_attribute_that_no_policy_names_is_taken_from_its_holder(client: GraphClient, tmp_path: Path) -> None:
    define_attributes(client)
    give(client, ourselves(client), LAST_DAY, "left", sleep=Waits())
    assert carried_out(client, of_ourselves(client), tmp_path) == 0
    assert given_to(client, ourselves(client)) is None


def test_of_somebody_without_an_exemption_nothing_is_taken_while_others_have_theirs(
    client: GraphClient, tmp_path: Path
) -> None:
    exempt_a_caller(client, tmp_path)
    with pytest.raises(NotFound, match="'Payroll' has no exemption with a term"):
        of_caller(client, find_caller(client, "Payroll"))


def test_what_is_no_day_is_never_over(client: GraphClient, tmp_path: Path) -> None:
    """Somebody wrote it by hand; compared as text, `1 year` would be before every date."""
    exempt_a_caller(client, tmp_path)
    by_hand = msgspec.json.encode(grant_to_callers(read_default(client)[1], LAST_DAY, LIFTS["new-secrets"]).default)
    carry_out(client, tmp_path, PolicyFile(default=msgspec.json.decode(by_hand.replace(b"2027-01-31", b"1 year"))))
    value = {"@odata.type": "#Microsoft.DirectoryServices.CustomSecurityAttributeValue", UNTIL: "1 year"}
    client.send("PATCH", ourselves(client).path, body={"customSecurityAttributes": {ATTRIBUTE_SET: value}})
    assert "1 year" in {one.value for one in read_exemptions(client).found}
    assert all_over(client).taken == ()


def renew(client: GraphClient) -> None:
    give(client, ourselves(client), DAY_AFTER, "another operator", sleep=Waits())


def test_what_was_renewed_meanwhile_is_not_taken(client: GraphClient, tmp_path: Path) -> None:
    """Between the look and the agreement a person may think for an hour."""
    exempt_a_caller(client, tmp_path)
    ending = of_ourselves(client)
    renew(client)
    with pytest.raises(Conflict, match="was to end on 2027-01-31, and ends on 2027-02-01 now"):
        carried_out(client, ending, tmp_path)
    assert [one.value for one in read_exemptions(client).found] == ["2027-01-31"]
    expired = all_over(client)
    assert carried_out(client, msgspec.structs.replace(expired, taken=ending.taken), tmp_path) == ERROR
    assert read_exemptions(client).found == ()
    held = given_to(client, ourselves(client))
    assert held is not None
    assert held.until == DAY_AFTER.isoformat()


def test_one_who_may_not_be_changed_does_not_keep_the_others_exempt(
    client: GraphClient, tmp_path: Path, kind: InProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    exempt_a_caller(client, tmp_path)
    ending = all_over(client)
    denied = {"error": {"code": "Authorization_RequestDenied", "message": "Insufficient privileges."}}
    who = ourselves(client).path

    def refuse(request: httpx2.Request) -> httpx2.Response | None:
        is_it = request.method == "PATCH" and request.url.path.endswith(who)
        return httpx2.Response(403, json=denied) if is_it else None

    kind.before = refuse
    assert carried_out(client, ending, tmp_path) == ERROR
    assert "keeps the attribute: Insufficient privileges." in capsys.readouterr().err
    assert read_exemptions(client).found == ()


def test_from_whom_is_not_there_any_more_nothing_is_taken(
    blocked: LocalTenant, client: GraphClient, tmp_path: Path
) -> None:
    maria = blocked.as_person().user
    exempt_a_caller(client, tmp_path)
    give(client, find_caller(client, maria.user_principal_name), LAST_DAY, "left the company", sleep=Waits())
    ending = all_over(client)
    blocked.must("DELETE", f"/users/{maria.id}")
    assert carried_out(client, ending, tmp_path) == OK
    assert_that_nothing_is_left(client)


def test_an_entry_stays_that_somebody_else_got_meanwhile(
    blocked: LocalTenant, client: GraphClient, tmp_path: Path
) -> None:
    """The other operator was told that it is done."""
    maria = blocked.as_person().user
    exempt_a_caller(client, tmp_path)
    ending = of_ourselves(client)
    assert ending.exempted
    give(client, find_caller(client, maria.user_principal_name), LAST_DAY, "the same day", sleep=Waits())
    with pytest.raises(Conflict, match=f"stay: {maria.user_principal_name} got the same last day meanwhile"):
        carried_out(client, ending, tmp_path)
    assert given_to(client, ourselves(client)) is None
    assert [one.value for one in read_exemptions(client).found] == [LAST_DAY.isoformat()]
