"""What a client may do for a person: scopes and roles together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unsecret.model.directory_roles import Role
from unsecret.rules.delegated_permission import DELEGATED, SignedIn, needed, permitted_to
from unsecret.rules.permission import DENIED, REQUIRED, Operation

O, R = Operation, Role  # noqa: E741 - a table of these is easier to read with one letter

EVERY_SCOPE = frozenset(scope for row in DELEGATED.values() for group in row.scopes for scope in group)
MEMBER, OWNER, GUEST = "member", "owner", "guest"

GA, GR = R.GLOBAL_ADMINISTRATOR, R.GLOBAL_READER
AA, CAA, DEV = R.APPLICATION_ADMINISTRATOR, R.CLOUD_APPLICATION_ADMINISTRATOR, R.APPLICATION_DEVELOPER
SA, SR, RR = R.SECURITY_ADMINISTRATOR, R.SECURITY_READER, R.REPORTS_READER
PRA, UA = R.PRIVILEGED_ROLE_ADMINISTRATOR, R.USER_ADMINISTRATOR
DW, DR = R.DIRECTORY_WRITERS, R.DIRECTORY_READERS
AAA, AAR = R.ATTRIBUTE_ASSIGNMENT_ADMINISTRATOR, R.ATTRIBUTE_ASSIGNMENT_READER
ADA, ADR = R.ATTRIBUTE_DEFINITION_ADMINISTRATOR, R.ATTRIBUTE_DEFINITION_READER
EVERYBODY = (*Role, MEMBER, OWNER)
ATTRIBUTES = (AAA, AAR, ADA, ADR)

MAY = {
    O.READ_APPLICATION: EVERYBODY,
    O.WRITE_APPLICATION: (GA, AA, CAA, OWNER),
    O.CREATE_APPLICATION: EVERYBODY,
    O.READ_SERVICE_PRINCIPAL: EVERYBODY,
    O.WRITE_SERVICE_PRINCIPAL: (GA, AA, CAA, OWNER),
    O.CREATE_SERVICE_PRINCIPAL: (GA, AA, CAA, OWNER),
    O.ADD_APPLICATION_OWNER: (GA, AA, CAA, OWNER),
    O.ADD_SERVICE_PRINCIPAL_OWNER: (GA, AA, CAA, OWNER),
    O.READ_POLICY: (GA, GR, AA, CAA, SA),
    O.WRITE_DEFAULT_POLICY: (GA, AA, CAA, SA),
    O.WRITE_POLICY: (GA, AA, CAA),
    O.ASSIGN_POLICY: (GA, AA, CAA),
    O.READ_ASSIGNED_POLICY: (GA, GR, AA, CAA, SA),
    O.READ_APPLIES_TO: (GA, GR, AA, CAA, SA),
    O.READ_ORGANIZATION: (*EVERYBODY, GUEST),
    O.READ_DIRECTORY_OBJECT: EVERYBODY,
    O.READ_AUDIT_LOG: (GA, GR, SA, SR, RR),
    O.READ_SIGN_IN_LOG: (GA, GR, SA, SR, RR),
    O.READ_APP_ROLE_ASSIGNMENT: (GA, GR, AA, CAA, PRA, UA, DW, DR, OWNER),
    O.WRITE_APP_ROLE_ASSIGNMENT: (GA, AA, CAA, PRA, UA, DW, OWNER),
    O.WRITE_MICROSOFT_APP_ROLE_ASSIGNMENT: (GA, PRA),
    O.READ_CUSTOM_SECURITY_ATTRIBUTES: ATTRIBUTES,
    O.WRITE_CUSTOM_SECURITY_ATTRIBUTES: (AAA,),
    O.WRITE_USER_CUSTOM_SECURITY_ATTRIBUTES: (AAA,),
    O.READ_ATTRIBUTE_DEFINITION: ATTRIBUTES,
    O.WRITE_ATTRIBUTE_DEFINITION: (ADA,),
    O.READ_TRUSTED_AUTHORITY: (GA, GR, AA, CAA, SA),
    O.WRITE_TRUSTED_AUTHORITY: (GA, AA, CAA),
    O.READ_OWN_USER: (*EVERYBODY, GUEST),
    O.READ_USER: EVERYBODY,
    O.WRITE_USER: (GA, UA),
    O.WRITE_PRIVILEGED_USER: (GA,),
    O.READ_DIRECTORY_ROLE: EVERYBODY,
    O.WRITE_DIRECTORY_ROLE: (GA, PRA),
    O.READ_PERMISSION_GRANT: (GA, GR, AA, CAA, PRA, UA, DW, DR),
    O.READ_OWN_PERMISSION_GRANT: (*EVERYBODY, GUEST),
    O.WRITE_PERMISSION_GRANT: (GA, AA, CAA, PRA),
}
"""Who may, of those whose client holds every scope. A row of its own for each operation, apart from the table of the
law, so that a slip in one of them shows."""


def _person(who: str, scopes: frozenset[str] = EVERY_SCOPE) -> SignedIn:
    roles = frozenset({who}) if isinstance(who, Role) else frozenset[str]()
    return SignedIn(scopes=scopes, roles=roles, is_member=who != GUEST)


@pytest.mark.parametrize("who", [*Role, MEMBER, OWNER, GUEST])
@pytest.mark.parametrize("operation", MAY)
def test_a_role_permits_what_it_is_for_and_nothing_else(operation: Operation, who: str):
    allowed = permitted_to(_person(who), operation, owns_target=who == OWNER).allowed
    assert allowed is (who in MAY[operation])


def test_every_row_of_the_law_is_in_the_table_above():
    assert set(MAY) == set(DELEGATED)


@pytest.mark.parametrize("operation", DELEGATED)
def test_no_role_permits_without_a_scope(operation: Operation):
    everything = SignedIn(scopes=frozenset(), roles=frozenset(Role))
    assert not permitted_to(everything, operation, owns_target=True).allowed


@pytest.mark.parametrize("operation", DELEGATED)
def test_one_scope_of_each_group_is_needed(operation: Operation):
    everything = SignedIn(scopes=EVERY_SCOPE, roles=frozenset(Role))
    assert permitted_to(everything, operation).allowed
    for group in needed(operation).scopes:
        less = SignedIn(scopes=EVERY_SCOPE - set(group), roles=frozenset(Role))
        assert not permitted_to(less, operation).allowed


def test_a_guest_who_owns_something_may_not_change_it():
    assert not permitted_to(_person(GUEST), O.WRITE_APPLICATION, owns_target=True).allowed


def test_what_is_for_applications_alone_is_no_scope():
    assert not any("OwnedBy" in scope for scope in EVERY_SCOPE)


def test_an_operation_that_is_not_in_the_table_is_the_global_administrators():
    for operation in set(Operation) - set(DELEGATED):
        assert permitted_to(
            SignedIn(scopes=frozenset().union(*REQUIRED[operation]), roles=frozenset({GA})), operation
        ).allowed
        assert not permitted_to(SignedIn(scopes=EVERY_SCOPE, roles=frozenset({AA, SA, PRA})), operation).allowed


_scopes = st.frozensets(st.sampled_from(sorted(EVERY_SCOPE)))
_roles = st.frozensets(st.sampled_from(list(Role)))


@given(st.sampled_from(list(DELEGATED)), _scopes, _scopes, _roles, _roles, st.booleans(), st.booleans())
def test_more_scopes_and_more_roles_never_take_anything_away(
    operation: Operation, scopes, more_scopes, roles, more_roles, is_member: bool, owns: bool
):
    fewer = SignedIn(scopes=scopes, roles=roles, is_member=is_member)
    more = SignedIn(scopes=scopes | more_scopes, roles=roles | more_roles, is_member=True)
    if permitted_to(fewer, operation, owns_target=owns).allowed:
        assert permitted_to(more, operation, owns_target=owns).allowed
        assert permitted_to(more, operation, owns_target=True).allowed


@given(st.sampled_from(list(DELEGATED)), _scopes, _roles)
def test_an_answer_is_allowed_or_says_why_not(operation: Operation, scopes, roles):
    verdict = permitted_to(SignedIn(scopes=scopes, roles=roles), operation)
    assert verdict.allowed or all(reason.code == DENIED and reason.rule == operation for reason in verdict.reasons)


def test_a_refusal_names_the_scope_and_the_role_that_are_missing():
    nobody = SignedIn(scopes=frozenset({"User.Read"}), roles=frozenset())
    scope, role = permitted_to(nobody, O.ADD_APPLICATION_OWNER).reasons
    assert scope.message == (
        "Insufficient privileges to complete the operation. Grant the client the delegated permission "
        "Application.ReadWrite.All or Directory.ReadWrite.All or Directory.AccessAsUser.All."
    )
    assert role.message == (
        "Insufficient privileges to complete the operation. Assign the signed-in user the directory role Application "
        "Administrator or Cloud Application Administrator or Global Administrator, or make them an owner of it."
    )
