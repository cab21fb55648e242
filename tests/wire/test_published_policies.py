"""Policies as pages, tools and recordings have them: what is taken, and by which member the rest is refused."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.wire.test_policies import ID, created, patched
from unsecret.errors import Invalid
from unsecret.model.policy import (
    RestrictionKind,
    RestrictionState,
    TenantDefault,
)
from unsecret.wire.policies import (
    default_policy_to_graph,
)

BODIES = Path(__file__).parents[3] / "shared" / "data" / "app-management-policies" / "bodies"
needs_bodies = pytest.mark.skipif(
    not BODIES.is_dir(), reason="no published policy bodies beside this repository: CONTRIBUTING.md, Tests"
)


# -- published bodies ----------------------------------------------------------------------------------------------


def published(name: str) -> Any:
    return json.loads((BODIES / f"{name}.json").read_text(encoding="utf-8"))


@needs_bodies
@pytest.mark.parametrize(
    ("name", "betas", "counts"),
    [
        ("entra-docs-tutorial-enforce-secret-standards", (False, True), 4),
        ("graph-docs-beta-patch-full", (True,), 13),
        ("graph-docs-patch-2021style", (False, True), 6),
        ("maester-mt1002-sample", (False, True), 6),
        ("graph-docs-v1-get-default", (False, True), 0),
        ("identifier-uri-get-default", (True,), 0),
    ],
)
def test_published_bodies_are_taken_and_enabled_where_no_state_is_said(
    name: str, betas: tuple[bool, ...], counts: int
) -> None:
    for beta in betas:
        after = patched(published(name), TenantDefault(id=ID), beta=beta)
        assert len(after.application_restrictions) == counts
        assert all(r.state is RestrictionState.ENABLED for r in after.application_restrictions)
        assert patched(default_policy_to_graph(after, beta=True), TenantDefault(id=ID)) == after


@needs_bodies
@pytest.mark.parametrize(
    ("name", "beta", "named"),
    [
        ("graph-docs-beta-patch-full", False, "redirectUris"),
        ("identifier-uri-get-default", False, "audiences"),
        ("m365dsc-example", False, "restrictForAppsCreatedAfterDateTime"),
        ("scubagear-base-compliant", True, "ApplicationRestrictions"),
    ],
)
def test_published_bodies_that_graph_would_not_take_are_refused_by_the_member_at_fault(
    name: str, beta: bool, named: str
) -> None:
    with pytest.raises(Invalid) as refused:
        patched(published(name), beta=beta)
    assert named in refused.value.message
    assert refused.value.target
    assert named in refused.value.target


@needs_bodies
def test_the_long_spelling_of_a_duration_is_taken_once_its_dates_are_instants() -> None:
    body = published("m365dsc-example")
    for entry in [e for entries in body["applicationRestrictions"].values() for e in entries]:
        entry["restrictForAppsCreatedAfterDateTime"] = "2021-01-01T15:37:00Z"
    found = {r.kind: r.max_lifetime for r in patched(body, TenantDefault()).application_restrictions}
    assert found[RestrictionKind.SYMMETRIC_KEY_LIFETIME] == timedelta(days=40)


@needs_bodies
def test_a_tools_own_members_are_refused_and_the_policy_without_them_is_taken() -> None:
    body = published("tmf-custom-policy")
    with pytest.raises(Invalid, match="appliesTo"):
        created(body)
    body = {name: value for name, value in body.items() if name not in ("appliesTo", "present")}
    assert [r.kind for r in created(body).restrictions] == [
        RestrictionKind.PASSWORD_ADDITION,
        RestrictionKind.PASSWORD_LIFETIME,
        RestrictionKind.ASYMMETRIC_KEY_LIFETIME,
    ]


@needs_bodies
def test_the_default_policy_is_shown_as_it_was_recorded() -> None:
    for name, beta in (("graph-docs-v1-get-default", False), ("identifier-uri-get-default", True)):
        recorded = {key: value for key, value in published(name).items() if "@" not in key}
        assert default_policy_to_graph(TenantDefault(id=recorded["id"]), beta=beta) == recorded
