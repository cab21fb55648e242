"""People: look them up, take them in, change them, let them go.

https://learn.microsoft.com/en-us/graph/api/resources/user
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from unsecret.errors import Invalid, UnsecretError
from unsecret.model.application import ObjectKind
from unsecret.model.directory_roles import Role
from unsecret.model.event import Activity, OperationType
from unsecret.model.people import AnyObject, DirectoryRoleAssignment, User
from unsecret.model.query import Page, Query
from unsecret.rules.permission import Operation
from unsecret.store import directory_roles, links, users
from unsecret.tenant.use_cases.attributes import held_to_definitions, permitted_question
from unsecret.tenant.use_cases.judging import verified_domains
from unsecret.tenant.use_cases.transaction import USER_MANAGEMENT, Transaction, not_found, target_of
from unsecret.wire.logs import modified_properties
from unsecret.wire.users import UserBody

_ATTRIBUTES = "custom_security_attributes"
_HARMLESS_ROLES = frozenset({Role.DIRECTORY_READERS, Role.REPORTS_READER})
_SENSITIVE = frozenset({"account_enabled", "user_principal_name"})
_SENSITIVE_OTHERS = ("businessPhones", "mobilePhone", "otherMails")


def get_me(transaction: Transaction, *, with_attributes: bool = False) -> User:
    """The signed-in user. Raises Invalid for an application, which is nobody's me."""
    caller = transaction.caller.user
    if caller is None:
        raise not_delegated()
    return get_user(transaction, caller.id, with_attributes=with_attributes)


def get_user(transaction: Transaction, id_or_upn: str, *, with_attributes: bool = False) -> User:
    """One user, by id or userPrincipalName. Raises Forbidden, NotFound."""
    user = users.find(transaction.conn, transaction.tenant_id, id_or_upn)
    caller = transaction.caller.user
    own = user is not None and caller is not None and user.id == caller.id
    transaction.permit(Operation.READ_OWN_USER if own else Operation.READ_USER)
    if with_attributes:
        transaction.permit(Operation.READ_CUSTOM_SECURITY_ATTRIBUTES)
    if user is None:
        raise not_found(id_or_upn)
    return user


def list_users(transaction: Transaction, query: Query, *, with_attributes: bool = False) -> Page[User]:
    """A page of people. Raises Forbidden, Invalid (a filter that Graph has not)."""
    transaction.permit(Operation.READ_USER)
    if with_attributes:
        transaction.permit(Operation.READ_CUSTOM_SECURITY_ATTRIBUTES)
    return users.list(transaction.conn, transaction.tenant_id, permitted_question(transaction, query))


def list_my_owned_objects(transaction: Transaction, query: Query, kind: ObjectKind | None) -> Page[AnyObject]:
    """What the signed-in user owns."""
    return links.owned_objects(transaction.conn, transaction.tenant_id, get_me(transaction).id, query, kind)


def list_user_owned_objects(
    transaction: Transaction, id_or_upn: str, query: Query, kind: ObjectKind | None
) -> Page[AnyObject]:
    """What a user owns."""
    user = get_user(transaction, id_or_upn)
    return links.owned_objects(transaction.conn, transaction.tenant_id, user.id, query, kind)


def list_my_roles(transaction: Transaction) -> tuple[DirectoryRoleAssignment, ...]:
    """The directory roles of the signed-in user."""
    return directory_roles.assignments_of(transaction.conn, transaction.tenant_id, get_me(transaction).id)


def list_user_roles(transaction: Transaction, id_or_upn: str) -> tuple[DirectoryRoleAssignment, ...]:
    """The directory roles of a user."""
    user = get_user(transaction, id_or_upn)
    return directory_roles.assignments_of(transaction.conn, transaction.tenant_id, user.id)


Digest = Callable[[str], bytes]
"""How a password becomes what is kept of it. That takes long, and in a transaction everybody waits for it: who calls
has made it already, unless it looked as if there would be no need."""


def password_of_new(transaction: Transaction, decode: Callable[[], UserBody]) -> str | None:
    """The password that `create_user` will keep; None if it is going to refuse, as far as can be told now."""
    try:
        return decode().password if transaction.may(Operation.WRITE_USER).allowed else None
    except UnsecretError:
        return None


def new_password_of(transaction: Transaction, id_or_upn: str, decode: Callable[[User], UserBody]) -> str | None:
    """As `password_of_new`, for `update_user`; None also if the password stays."""
    try:
        user = _find(transaction, id_or_upn)
        password = decode(user).password
        return (
            password if password and transaction.may(_operation_on(transaction, user, sensitive=True)).allowed else None
        )
    except UnsecretError:
        return None


def create_user(transaction: Transaction, decode: Callable[[], UserBody], digest: Digest) -> User:
    """Take somebody in. Raises Forbidden, Invalid (a name on a domain that is not the tenant's), Conflict."""
    made_id = transaction.attempt_new(ObjectKind.USER, Activity.ADD_USER, USER_MANAGEMENT)
    body = decode()
    user = User(id=made_id, created_at=transaction.now, **body.properties)
    transaction.attempt(Activity.ADD_USER, OperationType.ADD, target_of(user), USER_MANAGEMENT)
    transaction.permit(Operation.WRITE_USER)
    if _ATTRIBUTES in body.properties:
        transaction.permit(Operation.WRITE_USER_CUSTOM_SECURITY_ATTRIBUTES)
    user = _with_defined_attributes(transaction, None, user)
    _require_own_domain(transaction, user)
    users.add(transaction.conn, transaction.tenant_id, user, password_digest=digest(body.password or ""))
    transaction.record(*modified_properties(None, user))
    return user


def update_user(transaction: Transaction, id_or_upn: str, decode: Callable[[User], UserBody], digest: Digest) -> None:
    """Change somebody, their password too when the request has one. Raises NotFound, Forbidden, Invalid, Conflict."""
    before = _find(transaction, id_or_upn)
    transaction.attempt(Activity.UPDATE_USER, OperationType.UPDATE, target_of(before), USER_MANAGEMENT)
    body = _decoded(transaction, before, decode)
    names = set(body.properties)
    if _ATTRIBUTES in names:
        transaction.permit(Operation.WRITE_USER_CUSTOM_SECURITY_ATTRIBUTES)
    if names != {_ATTRIBUTES} or body.password is not None:
        sensitive = body.password is not None or _changes_what_is_sensitive(before, body)
        _permit_writing(transaction, before, sensitive=sensitive)
    after = msgspec.structs.replace(before, **body.properties)
    after = _with_defined_attributes(transaction, before, after)
    if after.user_principal_name != before.user_principal_name:
        _require_own_domain(transaction, after)
    users.replace(transaction.conn, transaction.tenant_id, after)
    if body.password is not None:
        users.set_password_digest(transaction.conn, transaction.tenant_id, after.id, digest(body.password))
        transaction.record(activity=Activity.RESET_USER_PASSWORD)
    if after != before or body.password is None:
        transaction.record(*modified_properties(before, after))


def delete_user(transaction: Transaction, id_or_upn: str) -> None:
    """Let somebody go (softly). Raises NotFound, Forbidden."""
    user = _find(transaction, id_or_upn)
    transaction.attempt(Activity.DELETE_USER, OperationType.DELETE, target_of(user), USER_MANAGEMENT)
    _permit_writing(transaction, user, sensitive=True)
    users.delete(transaction.conn, transaction.tenant_id, user.id, at=transaction.now)
    transaction.record()


def not_delegated() -> Invalid:
    """Graph's refusal of /me to an application."""
    return Invalid("/me request is only valid with delegated authentication flow.", code="BadRequest")


def _with_defined_attributes(transaction: Transaction, before: User | None, after: User) -> User:
    held = before.custom_security_attributes if before else {}
    settled = held_to_definitions(transaction, held, after.custom_security_attributes)
    return msgspec.structs.replace(after, custom_security_attributes=settled)


def _find(transaction: Transaction, id_or_upn: str) -> User:
    user = users.find(transaction.conn, transaction.tenant_id, id_or_upn)
    if user is None:
        raise not_found(id_or_upn)
    return user


def _decoded(transaction: Transaction, before: User, decode: Callable[[User], UserBody]) -> UserBody:
    """What is wrong with a request is said only to who may make one: it can tell what the object holds."""
    try:
        return decode(before)
    except UnsecretError:
        if not transaction.may(Operation.WRITE_USER_CUSTOM_SECURITY_ATTRIBUTES).allowed:
            transaction.permit(Operation.WRITE_USER)
        raise


def _changes_what_is_sensitive(before: User, body: UserBody) -> bool:
    other = body.properties.get("other", before.other)
    return not _SENSITIVE.isdisjoint(body.properties) or any(
        before.other.get(name) != other.get(name) for name in _SENSITIVE_OTHERS
    )


def _permit_writing(transaction: Transaction, user: User, *, sensitive: bool) -> None:
    transaction.permit(_operation_on(transaction, user, sensitive=sensitive))


def _operation_on(transaction: Transaction, user: User, *, sensitive: bool) -> Operation:
    """Who could give an administrator a new password could become one.

    https://learn.microsoft.com/en-us/graph/api/resources/users#who-can-perform-sensitive-actions
    """
    roles = directory_roles.roles_of(transaction.conn, transaction.tenant_id, user.id) - _HARMLESS_ROLES
    return Operation.WRITE_PRIVILEGED_USER if sensitive and roles else Operation.WRITE_USER


def _require_own_domain(transaction: Transaction, user: User) -> None:
    domain = user.user_principal_name.rpartition("@")[2].casefold()
    domains = verified_domains(transaction)
    if domain not in domains:
        raise Invalid(
            "The domain portion of the userPrincipalName property is invalid. You must use one of the verified domain "
            f"names in your organization: {', '.join(domains)}.",
            target="userPrincipalName",
        )
