"""`unsecret check` on a running tenant: every kind of finding, mended by the very command that it names."""

from __future__ import annotations

import shlex
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.operate.policies import entry, exemption, section
from tests.running_tenant import RunningTenant
from unsecret.cli.app import run
from unsecret.operate.checks.check import check
from unsecret.operate.checks.credentials import ADVICE
from unsecret.operate.checks.exemptions import EXEMPTION_ENDED
from unsecret.operate.checks.findings import Finding, Report
from unsecret.operate.checks.policies import DEFAULT_ADVICE, PORTAL_LOCKED, WEAKENED
from unsecret.operate.graph.client import GraphClient
from unsecret.operate.graph.connection import read_connection
from unsecret.operate.snapshots.snapshot_file import open_snapshot
from unsecret.operate.snapshots.take import take
from unsecret.rules.profiles import PROFILES
from unsecret.rules.shortfalls import Fault
from unsecret.wire.terms import Term, with_term

Json = dict[str, Any]
Arrange = Callable[[GraphClient, Json], None]

DEFAULT = "/beta/policies/defaultAppManagementPolicy"
CUSTOMS = "/beta/policies/appManagementPolicies"
NOW = datetime.now(UTC)
BLOCKS = [entry("passwordAddition"), entry("symmetricKeyAddition")]
LATER, YEARS = "2020-06-01T00:00:00Z", "P3650D"


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningTenant]:
    with RunningTenant.start(tmp_path_factory.mktemp("check") / "data", "--empty") as running:
        yield running


@pytest.fixture(scope="module")
def graph(tenant: RunningTenant) -> Iterator[GraphClient]:
    with GraphClient(read_connection(tenant.data)) as client:
        yield client


@pytest.fixture
def app(graph: GraphClient) -> Iterator[Json]:
    """An application with a service principal, on a tenant whose default policy is off and says nothing."""
    patch_default(graph, [], is_enabled=False)
    made = graph.send("POST", "applications", body={"displayName": "Payroll; $(touch x)"}).body
    made["principal"] = graph.send("POST", "servicePrincipals", body={"appId": made["appId"]}).body
    yield made
    graph.send("DELETE", f"applications/{made['id']}")


def patch_default(
    graph: GraphClient, passwords: list[Json], keys: list[Json] | None = None, *, is_enabled: bool = True
) -> None:
    said = section(passwords, keys)
    body = {"isEnabled": is_enabled, "applicationRestrictions": said, "servicePrincipalRestrictions": said}
    graph.send("PATCH", DEFAULT, body=body)


def held(graph: GraphClient, folder: Path, profile: str) -> Report:
    file = folder / "tenant.snapshot"
    take(graph, file, now=NOW)
    with open_snapshot(file) as snapshot:
        return check(snapshot, PROFILES[profile], now=NOW)


def days(number: int) -> str:
    return (NOW + timedelta(days=number)).strftime("%Y-%m-%dT%H:%M:%SZ")


def certificate(start: int, end: int) -> str:
    """A certificate for so many days, as base64."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"from {start} to {end}")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(NOW + timedelta(days=start)).not_valid_after(NOW + timedelta(days=end))
    return b64encode(builder.sign(key, SHA256()).public_bytes(Encoding.DER)).decode()


def default_says(*entries: Json, keys: tuple[Json, ...] = (), is_enabled: bool = True) -> Arrange:
    return lambda graph, _app: patch_default(graph, list(entries), list(keys), is_enabled=is_enabled)


def custom_says(*entries: Json, description: str = "By hand") -> Arrange:
    def arrange(graph: GraphClient, app: Json) -> None:
        patch_default(graph, [*BLOCKS, *LIMITS])
        body = {"displayName": "Legacy", "description": description, "isEnabled": True}
        policy = graph.send("POST", CUSTOMS, body={**body, "restrictions": {"passwordCredentials": list(entries)}}).body
        reference = {"@odata.id": f"{graph.connection.graph}/v1.0/policies/appManagementPolicies/{policy['id']}"}
        graph.send("POST", f"applications/{app['id']}/appManagementPolicies/$ref", body=reference)

    return arrange


def holds_secret(start: int, end: int) -> Arrange:
    def arrange(graph: GraphClient, app: Json) -> None:
        path = f"servicePrincipals/{app['principal']['id']}/addPassword"
        for first, last in ((start, end), (-1, 90)):
            dates = {"startDateTime": days(first), "endDateTime": days(last)}
            graph.send("POST", path, body={"passwordCredential": dates})

    return arrange


def holds_certificate(start: int, end: int) -> Arrange:
    def arrange(graph: GraphClient, app: Json) -> None:
        keys = [certificate(start, end), certificate(-1, 90)]
        body = [{"type": "AsymmetricX509Cert", "usage": "Verify", "key": key} for key in keys]
        graph.send("PATCH", f"applications/{app['id']}", body={"keyCredentials": body})

    return arrange


LIMITS = [entry(kind, maxLifetime="P90D") for kind in ("passwordLifetime", "symmetricKeyLifetime")]
LONG = [{**one, "maxLifetime": YEARS} for one in LIMITS]
DATED = [{**one, "restrictForAppsCreatedAfterDateTime": "2099-01-01T00:00:00Z"} for one in BLOCKS]
CALLERS = {"customSecurityAttributes": exemption("Pipeline")["customSecurityAttributes"]}
FREED = [{**one, "excludeActors": CALLERS} for one in BLOCKS]
OFF = [{**one, "state": "disabled"} for one in BLOCKS]

ENDED = Term(until=date(2026, 1, 31), reason="the vendor migrates", lifted=("passwordAddition", "symmetricKeyAddition"))

KINDS = [
    ("policy-off", "cisa", default_says(*BLOCKS, is_enabled=False)),
    ("not-restricted", "cis", default_says()),
    ("disabled", "cisa", default_says(*OFF)),
    ("limit-too-long", "cis", default_says(*BLOCKS, *LONG, keys=(entry("asymmetricKeyLifetime", maxLifetime=YEARS),))),
    ("spares-existing", "cisa", default_says(*DATED)),
    ("excludes-callers", "cisa", default_says(*FREED)),
    ("portal-locked", "cisa", default_says(BLOCKS[0], LIMITS[0], {**LONG[1]})),
    ("weakened:disabled", "cisa", custom_says(*OFF)),
    ("weakened:limit-too-long", "cis", custom_says(*LONG)),
    ("weakened:spares-existing", "cisa", custom_says(*DATED)),
    ("weakened:excludes-callers", "cisa", custom_says(*FREED)),
    ("exemption-ended", "cisa", custom_says(*OFF, description=with_term("", ENDED))),
    ("credential-held", "zero-secrets", holds_secret(-1, 90)),
    ("credential-long-lived", "cisa", holds_secret(-1, 300)),
    ("credential-long-lived", "cisa", holds_certificate(-1, 700)),
    ("credential-expired", "cisa", holds_certificate(-90, -1)),
]


IDS = [f"{kind}-{number}" for number, (kind, _profile, _arrange) in enumerate(KINDS)]


def test_every_kind_of_finding_is_mended_below() -> None:
    weakened = {Fault.DISABLED, Fault.LIMIT_TOO_LONG, Fault.SPARES_EXISTING, Fault.EXCLUDES_CALLERS}
    kinds = {*Fault, *(f"{WEAKENED}{fault}" for fault in weakened), PORTAL_LOCKED, EXEMPTION_ENDED, *ADVICE}

    assert {kind for kind, _profile, _arrange in KINDS} == kinds


@pytest.mark.parametrize(("kind", "profile", "arrange"), KINDS, ids=IDS)
def test_the_command_of_a_finding_mends_it(
    tenant: RunningTenant, graph: GraphClient, app: Json, tmp_path: Path, kind: str, profile: str, arrange: Arrange
) -> None:
    arrange(graph, app)
    found = [one for one in held(graph, tmp_path, profile).findings if one.check == kind and _is_of(one, app)]
    assert found

    if kind == "not-restricted":
        for forecast in {one.advice.removeprefix(DEFAULT_ADVICE) for one in found}:
            assert run([*shlex.split(forecast)[1:], "--data", str(tenant.data)]) == 0
    for command in {one.mend for one in found}:
        program, *arguments = shlex.split(command)
        assert program == "unsecret"
        assert run([*arguments, "--yes", "--data", str(tenant.data)]) == 0

    left = held(graph, tmp_path, profile).findings
    assert {one.id for one in found} & {one.id for one in left} == set()
    if kind.startswith("credential"):
        assert len(_credentials(graph, app)) == (0 if kind == "credential-held" else 1)


def _is_of(one: Finding, app: Json) -> bool:
    return one.subject.object_id in (None, app["id"], app["principal"]["id"])


def _credentials(graph: GraphClient, app: Json) -> list[Json]:
    held_by = [graph.get(f"applications/{app['id']}"), graph.get(f"servicePrincipals/{app['principal']['id']}")]
    return [key for one in held_by for key in (*one["passwordCredentials"], *one["keyCredentials"])]


def test_the_tenant_is_asked_when_no_snapshot_is_named(
    tenant: RunningTenant, graph: GraphClient, app: Json, capsys: pytest.CaptureFixture[str]
) -> None:
    holds_certificate(-1, 90)(graph, app)

    assert run(["check", "--profile", "cisa", "--data", str(tenant.data)]) == 3
    said = capsys.readouterr().out
    assert "The tenant default policy is off" in said
    assert f"  unsecret block --data {tenant.data}  " in said


def test_a_credential_that_signs_in_is_not_removed_without_force(
    tenant: RunningTenant, graph: GraphClient, app: Json, capsys: pytest.CaptureFixture[str]
) -> None:
    holds_certificate(-1, 90)(graph, app)
    (first, _second) = graph.get(f"applications/{app['id']}")["keyCredentials"]
    arguments = ["remove", "--app", app["appId"], "--key", first["keyId"].upper(), "--data", str(tenant.data)]

    assert run([*arguments, "--yes"]) == 1
    assert "would be locked out" in capsys.readouterr().err
    assert run([*arguments, "--force", "--dry-run"]) == 2
    assert len(_credentials(graph, app)) == 2
    assert run([*arguments, "--force", "--yes"]) == 0
    assert run([*arguments, "--force", "--yes"]) == 1
    assert "holds no credential with the keyId" in capsys.readouterr().err
    assert len(_credentials(graph, app)) == 1
