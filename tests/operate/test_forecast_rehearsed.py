"""The forecast is proved by rehearsal: a snapshot is loaded into a tenant, the policies are put in force on their days,
and the clock is moved through more than a year. Every sign-in and every attempt to renew ends as was said.

Nobody can copy the text of a secret or a private key; so the test writes one text and one key of its own over all those
that were loaded. Their dates stay, and they are what is forecast.
"""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from tests.issuer import AUDIENCE, NAME, SUBJECT, Network, claims, signed
from tests.loaded_tenant import LoadedTenant
from tests.local_tenant import BASE, NOW, Identity, LocalTenant
from tests.operate.in_process import InProcess, client_of
from tests.operate.policies import entry, section
from unsecret.operate.forecasts.forecast import Forecast
from unsecret.operate.forecasts.foreseen import Foreseen, Renewal, Wanted, foreseen
from unsecret.operate.forecasts.scenarios import Asking, Phase, Timing, scenarios
from unsecret.operate.snapshots.snapshot_file import open_snapshot
from unsecret.operate.snapshots.take import take
from unsecret.rules.restrictions import RULES
from unsecret.store import schema
from unsecret.tenant import secrets
from unsecret.tenant.export_files import read_export
from unsecret.tenant.issuers import Issuers
from unsecret.tenant.sample import add_sample
from unsecret.tenant.sample_people import add_people, digests_of, new_people
from unsecret.tenant.signing import SigningKeys
from unsecret.wire.instants import format_instant
from unsecret.wire.policies import default_policy_to_graph

TEXT = "Rehearsal-of-a-year"
YEAR = timedelta(days=400)
A_SECOND = timedelta(seconds=1)
OLD, LATELY = NOW.replace(year=2018), NOW.replace(year=2024)
BLOCKED, CAPPED = NOW + timedelta(days=45), NOW + timedelta(days=100)
"""From when on new applications are bound, and from when on all are."""

EXPIRED = {7000222, 700027}
"""A secret that has expired; a certificate that is not in time."""

PROPOSED = {
    "isEnabled": True,
    "applicationRestrictions": section(
        [
            entry("passwordAddition", restrictForAppsCreatedAfterDateTime="2020-01-01T00:00:00Z"),
            entry("passwordLifetime", maxLifetime="P400D"),
        ],
        [entry("asymmetricKeyLifetime", maxLifetime="P200D")],
    ),
    "servicePrincipalRestrictions": section([entry("passwordLifetime", maxLifetime="P100D")]),
}
CUSTOM = {
    "exempt": {"passwordCredentials": [{"restrictionType": "passwordAddition", "state": "disabled"}]},
    "stricter": {"passwordCredentials": [entry("passwordLifetime", maxLifetime="P30D")]},
    "longer certificates": {"keyCredentials": [entry("asymmetricKeyLifetime", maxLifetime="P999D")]},
}


@dataclass
class Made:
    """An application that is made up: what it holds, as days from now of its start and its end."""

    name: str
    created_at: datetime = LATELY
    secrets: tuple[tuple[int, int], ...] = ()
    certificates: tuple[tuple[int, int], ...] = ()
    principal_secrets: tuple[tuple[int, int], ...] = ()
    principal_certificates: tuple[tuple[int, int], ...] = ()
    policy: str | None = None
    changed: dict[str, Any] = field(default_factory=dict)


MADE = (
    Made("two secrets", secrets=((-300, 60), (-10, 200))),
    Made("a secret that outlives its certificate", secrets=((-5, 310),), certificates=((-5, 90),)),
    Made("a certificate that outlives its secret", secrets=((-5, 50),), certificates=((-40, 140),)),
    Made("secrets on both", secrets=((-50, 40),), principal_secrets=((-50, 120),)),
    Made("short secrets on both", secrets=((0, 20),), principal_secrets=((110, 150),)),
    Made("grandfathered", created_at=OLD, secrets=((-200, 150),)),
    Made("grandfathered, and too long", created_at=OLD, secrets=((-300, 160),)),
    Made("exempt", secrets=((-200, 155),), policy="exempt"),
    Made("exempt, and too long", secrets=((-300, 165),), policy="exempt"),
    Made("under a stricter policy", created_at=OLD, secrets=((-20, 70), (-9, 20)), policy="stricter"),
    Made("a certificate that is too long", certificates=((-100, 145),)),
    Made("a certificate of just as long", certificates=((-100, 100),)),
    Made("a certificate in time before the day", certificates=((-300, 99),)),
    Made("longer certificates", certificates=((-200, 170),), policy="longer certificates"),
    Made("a certificate of its principal", principal_certificates=((-200, 180),)),
    Made("starts later", secrets=((30, 190),)),
    Made("expired long ago", secrets=((-700, -300),), certificates=((-400, -35),)),
    Made("beyond the year", secrets=((-1, 700),)),
    Made("nothing"),
    Made("disabled", secrets=((-1, 75),), changed={"accountEnabled": False}),
)
FEDERATED = "federated"


def graph_time(day: int) -> str:
    return format_instant(NOW + timedelta(days=day))


def furnish(tenant: LocalTenant) -> None:
    """The sample organisation, and the applications that are made up."""

    def sample(conn) -> None:
        people = new_people("contoso.onmicrosoft.com")
        known = add_people(conn, tenant.tenant_id, people, digests_of(people), NOW - timedelta(days=500))
        add_sample(conn, tenant.tenant_id, NOW, known)

    tenant.store.write(sample).result()
    policies = {name: new_policy(tenant, name, restrictions) for name, restrictions in CUSTOM.items()}
    for made in MADE:
        make(tenant, made, policies)
    application, _principal = tenant.seed_application(FEDERATED, created_at=NOW)
    trusted = {"name": "ci-main", "issuer": NAME, "subject": SUBJECT, "audiences": [AUDIENCE]}
    tenant.must("POST", f"/applications/{application.id}/federatedIdentityCredentials", trusted)
    add_secret(tenant, f"/applications/{application.id}", (-5, 35))


def new_policy(tenant: LocalTenant, name: str, restrictions: dict[str, Any]) -> str:
    body = {"displayName": name, "description": name, "isEnabled": True, "restrictions": restrictions}
    return tenant.must("POST", "/policies/appManagementPolicies", body)["id"]


def make(tenant: LocalTenant, made: Made, policies: dict[str, str]) -> None:
    application, principal = tenant.seed_application(made.name, created_at=made.created_at)
    faces = {
        f"/applications/{application.id}": (made.secrets, made.certificates),
        f"/servicePrincipals/{principal.id}": (made.principal_secrets, made.principal_certificates),
    }
    for path, (passwords, keys) in faces.items():
        for term in passwords:
            add_secret(tenant, path, term)
        if keys:
            bodies = [key_of(tenant.identity, graph_time(start), graph_time(end)) for start, end in keys]
            tenant.must("PATCH", path, {"keyCredentials": bodies})
    if made.policy:
        reference = {
            "@odata.id": f"https://graph.microsoft.com/v1.0/policies/appManagementPolicies/{policies[made.policy]}"
        }
        tenant.must("POST", f"/applications/{application.id}/appManagementPolicies/$ref", reference)
    if made.changed:
        tenant.must("PATCH", f"/servicePrincipals/{principal.id}", made.changed)


def add_secret(tenant: LocalTenant, path: str, term: tuple[int, int]) -> None:
    body = {"startDateTime": graph_time(term[0]), "endDateTime": graph_time(term[1])}
    tenant.must("POST", f"{path}/addPassword", {"passwordCredential": body})


def key_of(identity: Identity, start: str, end: str) -> dict[str, str]:
    key = base64.b64encode(identity.facts.der).decode()
    named = {"type": "AsymmetricX509Cert", "usage": "Verify", "key": key}
    return {**named, "startDateTime": start, "endDateTime": end}


@dataclass
class Rehearsal(LoadedTenant):
    """The copy, in which every secret has the text and every certificate the key of the test."""

    def __post_init__(self) -> None:
        super().__post_init__()
        facts = self.identity.facts
        key = {"key": facts.der, "thumbprint_sha1": facts.thumbprint_sha1, "thumbprint_sha256": facts.thumbprint_sha256}

        def known(conn) -> None:
            conn.execute(update(schema.password_credential).values(digest=secrets.digest(TEXT)))
            conn.execute(update(schema.key_credential).values(**key))

        self.store.write(known).result()

    def signs_in(self, app: Foreseen) -> set[int]:
        """0 when it signs in with anything that it holds; else every error that it met."""
        assertion = {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}
        ways: dict[str, dict[str, str]] = {
            "password": {"client_secret": TEXT},
            "certificate": {**assertion, "client_assertion": self.assertion(app.app_id)},
            "federated": {**assertion, "client_assertion": signed(claims())},
        }
        held = {one.kind for one in app.credentials} or {"password"}
        answers = [self.token_request(client_id=app.app_id, **ways[kind]) for kind in held]
        if any(answer.status_code == 200 for answer in answers):
            return {0}
        return {code for answer in answers for code in answer.json()["error_codes"]}

    def renewal(self, app: Foreseen, credential: Renewal, at: datetime) -> str | None:
        """The code with which Graph refuses a credential of the same kind and length from `at` on; None when it lets
        it be made, and then it is taken away again."""
        assert credential.start_at is not None
        assert credential.end_at is not None
        term = {
            "startDateTime": format_instant(at),
            "endDateTime": format_instant(at + (credential.end_at - credential.start_at)),
        }
        held_by = {"application": app.application_id, "servicePrincipal": app.service_principal_id}
        path = f"/{credential.held_by}s/{held_by[credential.held_by]}"
        if credential.kind == "password":
            answer = self.graph("POST", f"{path}/addPassword", {"passwordCredential": term})
            if answer.status_code == 200:
                self.must("POST", f"{path}/removePassword", {"keyId": answer.json()["keyId"]})
        else:
            before = self.get(f"{path}?$select=keyCredentials")["keyCredentials"]
            new = key_of(self.identity, term["startDateTime"], term["endDateTime"])
            answer = self.graph("PATCH", path, {"keyCredentials": [*before, new]})
            if answer.status_code == 204:
                self.must("PATCH", path, {"keyCredentials": before})
        return None if answer.status_code < 300 else answer.json()["error"]["code"]

    def enforce(self, phase: Phase) -> None:
        """Put the policies of `phase` in force."""
        body = default_policy_to_graph(phase.policies.default, beta=True)
        self.must("PATCH", "/beta/policies/defaultAppManagementPolicy", body)


@pytest.fixture
def taken(tmp_path: Path, tenant: LocalTenant) -> Path:
    """A snapshot of the organisation."""
    furnish(tenant)
    file = tmp_path / "organisation.unsecret"
    with client_of(tenant, tmp_path, InProcess(tenant)) as client:
        take(client, file, now=NOW)
    return file


@pytest.fixture
def rehearsal(
    tmp_path: Path, taken: Path, migrated: Path, identity: Identity, signing: SigningKeys
) -> Iterator[Rehearsal]:
    network = Network()
    network.publish()
    data = shutil.copytree(migrated, tmp_path / "rehearsal")
    issuers = Issuers({NAME: NAME}, transport=network)
    local = Rehearsal(data, identity, signing, export=read_export(taken), movable=True, issuers=issuers)
    yield local
    local.close()


CODES: dict[str, str] = {rule.kind: rule.code for rule in RULES}


@pytest.mark.promise
def test_a_year_passes_as_was_forecast(tmp_path: Path, taken: Path, rehearsal: Rehearsal) -> None:
    proposal = tmp_path / "proposal.json"
    proposal.write_text(json.dumps(PROPOSED))
    asking = Asking(files=(proposal,), timing=Timing(start=BLOCKED, existing_start=CAPPED))
    with open_snapshot(taken) as snapshot:
        forecast = Forecast(snapshot, scenarios(snapshot, asking, now=NOW), now=NOW)
        everything = foreseen(forecast, Wanted(outcomes=("ends", "ended", "never", "nothing", "disabled")))
    phases = {phase.starts_at: phase for phase in forecast.scenarios[0].phases}
    apps = [one for one in everything[0].applications if one.display_name != "unsecret administrator"]
    last_day = NOW + YEAR
    ends = {one.end_at for app in apps for one in app.credentials if one.end_at and NOW < one.end_at <= last_day}
    seen: list[tuple[str, str]] = []

    for day in sorted(ends | {last_day} | (phases.keys() - {NOW})):
        for instant in (day - A_SECOND, day):
            rehearsal.move_clock(now=format_instant(instant))
            if instant in phases:
                rehearsal.enforce(phases[instant])
            for app in apps:
                if day == last_day or any(one.end_at == day for one in app.credentials):
                    _must_sign_in_as_forecast(rehearsal, app, instant)
        for app in apps:
            for one in app.credentials:
                if one.end_at == day:
                    expected = CODES[one.refused_by[0].restriction] if one.refused_by else None
                    assert rehearsal.renewal(app, one, day) == expected, (app.display_name, one)
                    seen.append((app.outcome, one.renewal))
    for app in apps:
        refused = _new_secret(rehearsal, app)
        assert refused == (app.new_secret == "refused"), app.display_name

    assert len(apps) >= len(MADE) + 10
    assert {outcome for outcome, _renewal in seen} == {"ends", "never", "disabled"}
    assert {renewal for _outcome, renewal in seen} == {"allowed", "refused"}
    assert {app.display_name for app in apps if app.gaps} == {"short secrets on both", "starts later"}
    assert {app.new_secret for app in apps} == {"allowed", "refused"}


def _must_sign_in_as_forecast(rehearsal: Rehearsal, app: Foreseen, at: datetime) -> None:
    met = rehearsal.signs_in(app)
    in_a_gap = any(gap.start_at <= at < gap.end_at for gap in app.gaps)
    about = (app.display_name, app.outcome, app.ends_at, at, met)
    if app.outcome == "never" or (app.outcome == "ends" and app.ends_at and at < app.ends_at and not in_a_gap):
        assert met == {0}, about
    elif app.outcome in ("ends", "ended") and app.ends_at and app.ends_at <= at:
        assert met, about
        assert met <= EXPIRED, about
    else:
        assert 0 not in met, about


def _new_secret(rehearsal: Rehearsal, app: Foreseen) -> bool:
    """Whether a new secret of half a year is refused on the last day."""
    at = NOW + YEAR
    body = {"startDateTime": format_instant(at), "endDateTime": format_instant(at + timedelta(days=180))}
    path = f"{BASE}/v1.0/applications/{app.application_id}/addPassword"
    answer = rehearsal.graph("POST", path, {"passwordCredential": body})
    assert answer.status_code in (200, 400), answer.text
    return answer.status_code == 400
