"""What an application may do in its own name: by its permissions, or by the roles of its service principal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unsecret.model.directory_roles import Role
from unsecret.rules.app_only_permission import permitted_to_application, roles_for
from unsecret.rules.delegated_permission import DELEGATED
from unsecret.rules.permission import DENIED, OWNED_BY, REQUIRED, Operation, permitted

O, R = Operation, Role  # noqa: E741 - a table of these is easier to read with one letter

GA, GR = R.GLOBAL_ADMINISTRATOR, R.GLOBAL_READER
AA, CAA, DEV = R.APPLICATION_ADMINISTRATOR, R.CLOUD_APPLICATION_ADMINISTRATOR, R.APPLICATION_DEVELOPER
SA, PRA, UA, HA = (
    R.SECURITY_ADMINISTRATOR,
    R.PRIVILEGED_ROLE_ADMINISTRATOR,
    R.USER_ADMINISTRATOR,
    R.HELPDESK_ADMINISTRATOR,
)
DW, DR = R.DIRECTORY_WRITERS, R.DIRECTORY_READERS
READERS = (GA, GR, AA, CAA, DW, DR)

MAY = {
    O.READ_APPLICATION: READERS,
    O.WRITE_APPLICATION: (GA, AA, CAA),
    O.CREATE_APPLICATION: (GA, AA, CAA, DEV),
    O.READ_SERVICE_PRINCIPAL: READERS,
    O.WRITE_SERVICE_PRINCIPAL: (GA, AA, CAA),
    O.CREATE_SERVICE_PRINCIPAL: (GA, AA, CAA),
    O.ADD_APPLICATION_OWNER: (GA, AA, CAA),
    O.ADD_SERVICE_PRINCIPAL_OWNER: (GA, AA, CAA),
    O.READ_POLICY: (GA, GR, AA, CAA, SA),
    O.WRITE_DEFAULT_POLICY: (GA, AA, CAA, SA),
    O.WRITE_POLICY: (GA, AA, CAA),
    O.ASSIGN_POLICY: (GA, AA, CAA),
    O.READ_ASSIGNED_POLICY: (GA, GR, AA, CAA, SA),
    O.READ_APPLIES_TO: (GA, GR, AA, CAA, SA),
    O.READ_ORGANIZATION: READERS,
    O.READ_DIRECTORY_OBJECT: READERS,
    O.READ_AUDIT_LOG: (),
    O.READ_SIGN_IN_LOG: (),
    O.READ_APP_ROLE_ASSIGNMENT: (GA, GR, AA, CAA, PRA, UA, DW, DR),
    O.WRITE_APP_ROLE_ASSIGNMENT: (GA, AA, CAA, PRA, UA, DW),
    O.WRITE_MICROSOFT_APP_ROLE_ASSIGNMENT: (GA, PRA),
    O.READ_CUSTOM_SECURITY_ATTRIBUTES: (),
    O.WRITE_CUSTOM_SECURITY_ATTRIBUTES: (),
    O.WRITE_USER_CUSTOM_SECURITY_ATTRIBUTES: (),
    O.READ_ATTRIBUTE_DEFINITION: (),
    O.WRITE_ATTRIBUTE_DEFINITION: (),
    O.READ_TRUSTED_AUTHORITY: (GA, GR, AA, CAA, SA),
    O.WRITE_TRUSTED_AUTHORITY: (GA, AA, CAA),
    O.READ_OWN_USER: (*READERS, UA, HA),
    O.READ_USER: (*READERS, UA, HA),
    O.WRITE_USER: (GA, UA),
    O.WRITE_PRIVILEGED_USER: (GA,),
    O.READ_DIRECTORY_ROLE: (*READERS, PRA),
    O.WRITE_DIRECTORY_ROLE: (GA, PRA),
    O.READ_PERMISSION_GRANT: (GA, GR, AA, CAA, PRA, UA, DW, DR),
    O.READ_OWN_PERMISSION_GRANT: (GA, GR, AA, CAA, PRA, UA, DW, DR),
    O.WRITE_PERMISSION_GRANT: (GA, AA, CAA, PRA),
}
"""Which role is enough for an application without any permission: a table apart from that of the law."""

EVERY_PERMISSION = frozenset(name for groups in REQUIRED.values() for group in groups for name in group)
NONE: frozenset[str] = frozenset()


def _allowed(operation: Operation, *roles: str, permissions: frozenset[str] = NONE, owns_target: bool = False) -> bool:
    return permitted_to_application(permissions, frozenset(roles), operation, owns_target=owns_target).allowed


def test_every_operation_is_in_the_table_above():
    assert set(MAY) == set(Operation)


@pytest.mark.parametrize("role", [*Role, None])
@pytest.mark.parametrize("operation", MAY)
def test_a_role_permits_an_application_what_it_is_for_and_nothing_else(operation: Operation, role: Role | None):
    assert _allowed(operation, *([role] if role else [])) is (role in MAY[operation])


@pytest.mark.parametrize("operation", MAY)
def test_a_role_never_permits_an_application_more_than_a_person(operation: Operation):
    row = DELEGATED[operation]
    assert row.to_members or row.to_anybody or roles_for(operation) <= row.roles


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("operation", [O.WRITE_APPLICATION, O.WRITE_SERVICE_PRINCIPAL, O.WRITE_APP_ROLE_ASSIGNMENT])
def test_owning_something_adds_nothing_to_a_role(operation: Operation, role: Role):
    assert _allowed(operation, role, owns_target=True) is _allowed(operation, role)


def test_a_role_and_a_permission_that_are_each_too_little_do_not_add_up():
    reads = frozenset({"Application.Read.All"})
    assert not _allowed(O.WRITE_APPLICATION, DR, permissions=reads)
    assert not _allowed(O.ASSIGN_POLICY, SA, permissions=reads)


def test_owned_by_stays_enough_on_what_is_owned_beside_a_role_that_is_not():
    owned_by = frozenset({OWNED_BY})
    assert _allowed(O.WRITE_APPLICATION, DEV, permissions=owned_by, owns_target=True)
    assert not _allowed(O.WRITE_APPLICATION, DEV, permissions=owned_by)


def test_a_refusal_names_the_permission_and_no_role():
    (reason,) = permitted_to_application(NONE, frozenset({DR}), O.WRITE_POLICY).reasons
    assert reason.code == DENIED
    assert reason == permitted(NONE, O.WRITE_POLICY).reasons[0]


_permissions = st.frozensets(st.sampled_from(sorted(EVERY_PERMISSION)))
_roles = st.frozensets(st.sampled_from(list(Role)))


@given(st.sampled_from(list(Operation)), _permissions, _permissions, _roles, _roles, st.booleans())
def test_more_permissions_and_more_roles_never_take_anything_away(
    operation: Operation, permissions, more_permissions, roles, more_roles, owns: bool
):
    if permitted_to_application(permissions, roles, operation, owns_target=owns).allowed:
        more = permitted_to_application(permissions | more_permissions, roles | more_roles, operation, owns_target=owns)
        assert more.allowed
