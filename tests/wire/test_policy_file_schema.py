from __future__ import annotations

import tomllib
from datetime import date
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given

from tests.wire.policy_file_page import EXAMPLE, PAGE, SCHEMA, page, schema
from tests.wire.policy_values import custom_policies, tenant_defaults
from tests.wire.test_policy_files import graph_of
from unsecret.model.policy import AppManagementPolicy, RestrictionKind, TenantDefault
from unsecret.wire.policy_file_schema import KINDS, policy_file_schema
from unsecret.wire.policy_file_text import policy_file_text
from unsecret.wire.policy_files import Assignment, PolicyFile, PolicyWish, read_policy_file
from unsecret.wire.policy_wishes import wish_of

VALIDATOR = jsonschema_rs.validator_for(policy_file_schema())
PASSWORDS = "[defaultAppManagementPolicy.applicationRestrictions.passwordCredentials]\n"


def as_editor_sees(text: str) -> Any:
    """A file as JSON: dates are text, as TOML's language servers hand them to a schema."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: plain(one) for name, one in value.items()}
        if isinstance(value, list):
            return [plain(one) for one in value]
        return value.isoformat() if isinstance(value, date) else value

    return plain(tomllib.loads(text))


def test_page_and_schema_are_those_of_the_code() -> None:
    assert PAGE.read_text() == page(), "python -m tests.wire.policy_file_page"
    assert SCHEMA.read_text() == schema(), "python -m tests.wire.policy_file_page"


def test_the_schema_is_one() -> None:
    jsonschema_rs.meta.validate(policy_file_schema())
    assert set(KINDS) == set(RestrictionKind)


def test_the_example_of_the_page_reads_and_fits() -> None:
    assert len(read_policy_file(EXAMPLE).policies[0].applies_to) == 3
    VALIDATOR.validate(as_editor_sees(EXAMPLE))


@given(tenant_defaults, custom_policies)
def test_whatever_is_exported_fits(default: TenantDefault, custom: AppManagementPolicy) -> None:
    assignments = (Assignment(app="x", faces=("application",), absent=True), Assignment(app="y"))
    wish = _with_values(wish_of(graph_of(custom)))
    file = PolicyFile(
        default=_with_values(wish_of(graph_of(default))),
        policies=(PolicyWish(policy_id=custom.id, wish=wish, applies_to=assignments),),
    )

    VALIDATOR.validate(as_editor_sees(policy_file_text(file)))


def _with_values(wish: Any) -> Any:
    """Callers without a value exempt nobody; the schema has them marked."""
    if isinstance(wish, dict):
        told = {"value": ""} if wish.keys() >= {"id", "operator"} else {}
        return {**told, **{name: _with_values(one) for name, one in wish.items()}}
    return [_with_values(one) for one in wish] if isinstance(wish, list) else wish


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("", True),
        (f"{PASSWORDS}passwordAddition = {{ absent = true }}", True),
        (f"{PASSWORDS}passwordLifetime = {{ maxLifetime = {{ absent = true }} }}", True),
        (f'{PASSWORDS}passwordLifetime = {{ maxLifetime = "p3m" }}', True),
        (f"{PASSWORDS}passwordAddition = {{ restrictForAppsCreatedAfterDateTime = 2026-01-31 }}", True),
        (f"{PASSWORDS}passwordAddition = {{ absent = true, state = 'enabled' }}", False),
        (f"{PASSWORDS}passwordAddition = {{ state = {{ absent = true }} }}", False),
        (f"{PASSWORDS}passwordAddition = {{ maxLifetime = 'P90D' }}", False),
        (f"{PASSWORDS}passwordAdition = {{}}", False),
        (f"{PASSWORDS}asymmetricKeyLifetime = {{}}", False),
        (f"{PASSWORDS}passwordLifetime = {{ maxLifetime = '90 days' }}", False),
        (f"{PASSWORDS}passwordAddition = {{ restrictForAppsCreatedAfterDateTime = 'tomorrow' }}", False),
        (f"{PASSWORDS}passwordAddition = {{ isStateSetByMicrosoft = true }}", False),
        ("[defaultAppManagementPolicy]\nisEnabled = 'yes'", False),
        ("[[appManagementPolicies]]\nisEnabled = true", False),
        ("[[appManagementPolicies]]\ndisplayName = ' '", False),
        ("[[appManagementPolicies]]\ndisplayName = 'a'\nappliesTo = [{ app = 'x', on = 'user' }]", False),
        ("[[appManagementPolicies]]\ndisplayName = 'a'\nappliesTo = [{ on = 'application' }]", False),
        ("[[appManagementPolicies]]\nid = '1'", False),
        ("unsecret = 'policy/2'", False),
    ],
)
def test_schema_and_reader_agree(text: str, fits: bool) -> None:
    def reads() -> bool:
        try:
            read_policy_file(text)
        except Exception:
            return False
        return True

    assert reads() is fits
    assert VALIDATOR.is_valid(as_editor_sees(text)) is fits
