"""Which application permissions a call needs."""

from __future__ import annotations

from itertools import combinations

import pytest

from unsecret.rules.permission import DENIED, OWNED_BY, REQUIRED, Operation, permitted

O = Operation  # noqa: E741 - a table of these is easier to read with one letter

EVERY_PERMISSION = frozenset(permission for groups in REQUIRED.values() for group in groups for permission in group)


def _permitted(operation: Operation, *roles: str, owns_target: bool = False) -> bool:
    return permitted(frozenset(roles), operation, owns_target=owns_target).allowed


@pytest.mark.parametrize(
    ("operation", "roles", "allowed"),
    [
        (O.READ_APPLICATION, {"Application.Read.All"}, True),
        (O.READ_APPLICATION, {"Application.ReadWrite.All"}, True),
        (O.READ_APPLICATION, {"Application.ReadWrite.OwnedBy"}, True),
        (O.READ_APPLICATION, {"Directory.Read.All"}, True),
        (O.READ_APPLICATION, {"Policy.Read.All"}, False),
        (O.READ_SERVICE_PRINCIPAL, {"Application.Read.All"}, True),
        (O.WRITE_APPLICATION, {"Application.ReadWrite.All"}, True),
        (O.WRITE_APPLICATION, {"Application.Read.All"}, False),
        (O.WRITE_APPLICATION, {"Directory.ReadWrite.All"}, False),
        (O.CREATE_APPLICATION, {"Application.ReadWrite.OwnedBy"}, True),
        (O.CREATE_APPLICATION, {"AppRegistration.Create"}, True),
        (O.CREATE_APPLICATION, {"Application.Read.All"}, False),
        (O.WRITE_SERVICE_PRINCIPAL, {"Directory.ReadWrite.All"}, True),
        (O.CREATE_SERVICE_PRINCIPAL, {"Directory.ReadWrite.All"}, True),
        (O.CREATE_SERVICE_PRINCIPAL, {"AppRegistration.Create"}, False),
        (O.ADD_APPLICATION_OWNER, {"Application.ReadWrite.All"}, True),
        (O.ADD_APPLICATION_OWNER, {"Directory.ReadWrite.All"}, False),
        (O.ADD_SERVICE_PRINCIPAL_OWNER, {"Directory.ReadWrite.All"}, True),
        (O.READ_POLICY, {"Policy.Read.All"}, True),
        (O.READ_POLICY, {"Policy.Read.ApplicationConfiguration"}, True),
        (O.READ_POLICY, {"Policy.ReadWrite.ApplicationConfiguration"}, True),
        (O.READ_POLICY, {"Directory.Read.All"}, False),
        (O.WRITE_POLICY, {"Policy.ReadWrite.ApplicationConfiguration"}, True),
        (O.WRITE_POLICY, {"Policy.Read.All"}, False),
        (O.ASSIGN_POLICY, {"Policy.ReadWrite.ApplicationConfiguration"}, False),
        (O.ASSIGN_POLICY, {"Application.Read.All", "Policy.ReadWrite.ApplicationConfiguration"}, True),
        (O.ASSIGN_POLICY, {"Application.ReadWrite.All", "Policy.ReadWrite.ApplicationConfiguration"}, True),
        (O.ASSIGN_POLICY, {"Application.ReadWrite.All", "Policy.Read.All"}, False),
        (O.READ_ASSIGNED_POLICY, {"Application.Read.All", "Policy.Read.All"}, True),
        (O.READ_APPLIES_TO, {"Application.Read.All", "Policy.Read.All"}, True),
        (O.READ_APPLIES_TO, {"Application.Read.All"}, False),
        (O.READ_APPLIES_TO, {"Policy.Read.All"}, False),
        (O.READ_ORGANIZATION, {"Organization.Read.All"}, True),
        (O.READ_ORGANIZATION, {"Directory.Read.All"}, True),
        (O.READ_ORGANIZATION, {"Application.Read.All"}, False),
        (O.READ_DIRECTORY_OBJECT, {"Directory.Read.All"}, True),
        (O.READ_DIRECTORY_OBJECT, {"Application.Read.All"}, False),
        (O.READ_AUDIT_LOG, {"AuditLog.Read.All"}, False),
        (O.READ_AUDIT_LOG, {"AuditLog.Read.All", "Directory.Read.All"}, True),
        (O.READ_SIGN_IN_LOG, {"AuditLog.Read.All"}, True),
        (O.READ_SIGN_IN_LOG, {"Directory.Read.All"}, False),
        (O.READ_APP_ROLE_ASSIGNMENT, {"Application.Read.All"}, True),
        (O.WRITE_APP_ROLE_ASSIGNMENT, {"AppRoleAssignment.ReadWrite.All"}, False),
        (O.WRITE_APP_ROLE_ASSIGNMENT, {"AppRoleAssignment.ReadWrite.All", "Application.Read.All"}, True),
        (O.WRITE_CUSTOM_SECURITY_ATTRIBUTES, {"Application.ReadWrite.All"}, False),
        (
            O.WRITE_CUSTOM_SECURITY_ATTRIBUTES,
            {"CustomSecAttributeAssignment.ReadWrite.All", "Application.ReadWrite.All"},
            True,
        ),
        (O.READ_TRUSTED_AUTHORITY, {"AppCertTrustConfiguration.Read.All"}, True),
        (O.WRITE_TRUSTED_AUTHORITY, {"AppCertTrustConfiguration.Read.All"}, False),
        (O.WRITE_TRUSTED_AUTHORITY, {"AppCertTrustConfiguration.ReadWrite.All"}, True),
    ],
)
def test_an_operation_needs_the_permissions_that_graph_documents(
    operation: Operation, roles: set[str], allowed: bool
) -> None:
    assert _permitted(operation, *roles) is allowed


@pytest.mark.parametrize("operation", [O.WRITE_APPLICATION, O.WRITE_SERVICE_PRINCIPAL, O.CREATE_SERVICE_PRINCIPAL])
def test_owned_by_changes_only_what_the_caller_owns(operation: Operation) -> None:
    assert not _permitted(operation, OWNED_BY)
    assert _permitted(operation, OWNED_BY, owns_target=True)


@pytest.mark.parametrize("operation", [O.ADD_APPLICATION_OWNER, O.ADD_SERVICE_PRINCIPAL_OWNER])
def test_owned_by_hands_nothing_on(operation: Operation) -> None:
    assert not _permitted(operation, OWNED_BY, owns_target=True)


@pytest.mark.parametrize("operation", Operation)
def test_owning_something_permits_nothing_without_a_permission(operation: Operation) -> None:
    assert not _permitted(operation, owns_target=True)


@pytest.mark.parametrize("operation", Operation)
def test_every_operation_needs_something_and_all_permissions_together_are_enough(operation: Operation) -> None:
    assert not _permitted(operation)
    assert _permitted(operation, *EVERY_PERMISSION)


@pytest.mark.parametrize("operation", Operation)
def test_a_further_permission_never_takes_anything_away(operation: Operation) -> None:
    for few in combinations(sorted(EVERY_PERMISSION), 2):
        if _permitted(operation, *few):
            assert all(_permitted(operation, *few, more) for more in EVERY_PERMISSION)


def test_a_refusal_says_which_permission_would_do() -> None:
    (reason,) = permitted(frozenset({"Application.Read.All"}), O.ASSIGN_POLICY).reasons

    assert reason.rule == O.ASSIGN_POLICY
    assert reason.code == DENIED
    assert reason.policy_id is None
    assert reason.message == (
        "Insufficient privileges to complete the operation. Grant the calling application the application permission "
        "Policy.ReadWrite.ApplicationConfiguration."
    )


def test_a_refusal_names_everything_that_is_missing() -> None:
    (reason,) = permitted(frozenset(), O.READ_AUDIT_LOG).reasons

    assert reason.message.endswith("permission AuditLog.Read.All, and Directory.Read.All or Directory.ReadWrite.All.")


def test_a_refusal_to_who_owns_nothing_says_so() -> None:
    (reason,) = permitted(frozenset({OWNED_BY}), O.WRITE_APPLICATION).reasons

    assert reason.message.endswith(
        "permission Application.ReadWrite.OwnedBy or Application.ReadWrite.All "
        "(Application.ReadWrite.OwnedBy is enough only on what it owns)."
    )
