"""What may be created, and what an error means."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from unsecret.model.application import ObjectKind
from unsecret.model.identifiers import PolicyId
from unsecret.model.policy import AppManagementPolicy, Restriction, RestrictionKind, TenantDefault
from unsecret.operate.applications.explain import explain_error, may_create
from unsecret.operate.applications.governed import face, restrictions_on
from unsecret.rules.restrictions import RULES, TYPE_NOT_ALLOWED

NOW = datetime(2026, 11, 22, tzinfo=UTC)
POLICY = "d0e51298-4553-4143-b0f6-107789ebf1e2"
K = RestrictionKind


def application(kind: ObjectKind = ObjectKind.APPLICATION, created_at: datetime = NOW):
    return face(kind, tenant_id=POLICY, app_id=POLICY, created_at=created_at)


def default(*restrictions: Restriction) -> TenantDefault:
    return TenantDefault(
        is_enabled=True, application_restrictions=restrictions, service_principal_restrictions=restrictions
    )


def custom(*restrictions: Restriction) -> AppManagementPolicy:
    return AppManagementPolicy(id=PolicyId(POLICY), display_name="Ours", is_enabled=True, restrictions=restrictions)


def test_without_a_policy_everything_may_be_created() -> None:
    assert all(one.allowed for one in may_create(TenantDefault(), None, application(), now=NOW))


def test_a_block_is_told_with_the_laws_own_reason_and_leaves_certificates() -> None:
    answers = {
        one.what: one
        for one in may_create(default(Restriction(kind=K.PASSWORD_ADDITION)), None, application(), now=NOW)
    }
    assert not answers["a client secret"].allowed
    assert "Credential type not allowed" in answers["a client secret"].reasons[0]
    assert answers["a certificate"].allowed


def test_a_limit_is_told_with_the_longest_lifetime() -> None:
    limit = Restriction(kind=K.PASSWORD_LIFETIME, max_lifetime=timedelta(days=90))
    answers = {one.what: one for one in may_create(default(limit), None, application(), now=NOW)}
    assert (answers["a client secret"].allowed, answers["a client secret"].limit) == (True, "90 days")


def test_service_principals_are_not_asked_about_what_they_do_not_have() -> None:
    asked = {one.what for one in may_create(default(), None, application(ObjectKind.SERVICE_PRINCIPAL), now=NOW)}
    assert not any("URI" in what or "sign-in for" in what for what in asked)


@pytest.mark.parametrize(
    ("entry", "why_not"),
    [
        (Restriction(kind=K.PASSWORD_ADDITION), None),
        (
            Restriction(kind=K.PASSWORD_ADDITION, restrict_for_apps_created_after=NOW + timedelta(days=1)),
            "created from",
        ),
    ],
)
def test_whether_a_restriction_binds_is_told_and_why_not(entry: Restriction, why_not: str | None) -> None:
    [found] = restrictions_on(default(), custom(entry), application())
    assert (found.policy, found.is_custom) == ("'Ours'", True)
    assert why_not in (found.why_not or "") if why_not else found.why_not is None


@pytest.mark.parametrize("code", sorted({rule.code for rule in RULES}))
def test_every_refusal_of_the_law_is_explained(code: str) -> None:
    [meaning] = explain_error(json.dumps({"error": {"code": code, "message": f"… policy '{POLICY}'."}}))
    assert (meaning.code, meaning.policy_id) == (code, POLICY)
    assert meaning.remedies


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (f"ERROR: Credential type not allowed as per assigned policy '{POLICY}'.", TYPE_NOT_ALLOWED),
        ("Client secrets are blocked by a tenant-wide policy. Contact your administrator.", TYPE_NOT_ALLOWED),
        ("AADSTS7000222: The provided client secret keys for app 'x' are expired.", "AADSTS7000222"),
        ("invalid_client: AADSTS7000215: Invalid client secret provided.", "AADSTS7000215"),
    ],
)  # fmt: skip
def test_what_clients_print_is_explained(text: str, code: str) -> None:
    assert [one.code for one in explain_error(text)] == [code]


def test_what_is_not_known_is_not_guessed() -> None:
    assert explain_error("The disk is full.") == ()
