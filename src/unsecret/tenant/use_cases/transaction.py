"""One request's work on the directory: everything it reads, decides, writes and records, or nothing of it.

`perform` is the only opener. It runs a use case; when the use case refuses, whatever it wrote is taken back
and the refusal itself is recorded, in the same transaction. So a failing request changes nothing, and leaves
its trace all the same.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Concatenate, Generic, Literal, ParamSpec, TypeVar, overload

import msgspec
from msgspec import Struct

from unsecret.errors import Forbidden, Invalid, NotFound, Unauthenticated, UnsecretError
from unsecret.model.application import Application, DirectoryObject, ObjectKind, ServicePrincipal
from unsecret.model.directory_roles import Role
from unsecret.model.event import (
    Activity,
    AuditEvent,
    Caller,
    Circumstances,
    ModifiedProperty,
    OperationType,
    Outcome,
    Target,
)
from unsecret.model.identifiers import AppId, ObjectId, TenantId, canonical_guid
from unsecret.model.people import AnyObject, User
from unsecret.model.verdict import Verdict
from unsecret.rules.permission import INSUFFICIENT, Operation
from unsecret.store import directory_objects, links, live_objects, logs, users
from unsecret.store.questions import Questions
from unsecret.store.transaction import undo_work
from unsecret.tenant.random_guids import random_16
from unsecret.tenant.use_cases.rights import Rights

if TYPE_CHECKING:
    from sqlalchemy import Connection

P = ParamSpec("P")
R = TypeVar("R")

LONGEST_SHOWN = 256
"""Characters of what a URL names that are repeated in an error, and so in the record of it."""

APPLICATION_MANAGEMENT = "ApplicationManagement"
POLICY = "Policy"
USER_MANAGEMENT = "UserManagement"
ROLE_MANAGEMENT = "RoleManagement"

TARGET_TYPE = {
    ObjectKind.APPLICATION: "Application",
    ObjectKind.SERVICE_PRINCIPAL: "ServicePrincipal",
    ObjectKind.USER: "User",
}

_WRITE_OPERATION = {
    ObjectKind.APPLICATION: Operation.WRITE_APPLICATION,
    ObjectKind.SERVICE_PRINCIPAL: Operation.WRITE_SERVICE_PRINCIPAL,
}


_NOT_MADE_OWNERS = frozenset({Role.APPLICATION_ADMINISTRATOR, Role.CLOUD_APPLICATION_ADMINISTRATOR})


class ObjectKey(Struct, frozen=True):
    """How a URL names an object: `name` is `id`, `appId` or `uniqueName`."""

    name: str
    value: str


@dataclass(frozen=True)
class Refused(Generic[R]):
    """What `perform` returns when a use case refused: the refusal is committed to the record, nothing else is."""

    error: UnsecretError


@dataclass
class Attempt:
    """What is being tried, so that a refusal can be recorded under its own name."""

    activity: Activity
    operation_type: OperationType
    target: Target | None
    category: str


class Transaction:
    """What a use case is handed: the connection, who asks, when and from where. One that only looks may have
    `questions` whose answers are remembered."""

    def __init__(
        self, conn: Connection, caller: Caller, circumstances: Circumstances, questions: Questions | None = None
    ):
        self.conn = conn
        self._questions = questions or Questions(conn, caller.tenant_id)
        self.caller = caller
        self.circumstances = circumstances
        self._attempt: Attempt | None = None
        self._rights = Rights(caller, self._questions)

    @property
    def tenant_id(self) -> TenantId:
        return self.caller.tenant_id

    @property
    def caller_id(self) -> ObjectId | None:
        """Whose call it is: the signed-in user's, or else the application's service principal's."""
        return self.caller.user.id if self.caller.user else self.caller.service_principal_id

    @property
    def now(self) -> datetime:
        return self.circumstances.now

    @property
    def machine_now(self) -> datetime:
        """What a client signed is held against this: its clock did not move when the tenant's did."""
        return self.circumstances.machine_now

    # -- who may ------------------------------------------------------------------------------------------

    def may(self, operation: Operation, *, owns_target: bool = False) -> Verdict:
        """What the law says to `operation`: for an application by its permissions or its roles, for a person by the
        client's scopes and their roles. Roles are read here and now."""
        return self._rights.verdict(operation, owns_target=owns_target)

    def permit(self, operation: Operation, *, owns_target: bool = False) -> None:
        """Raise Forbidden, with everything that is missing, unless the caller may do `operation`."""
        self._require_known_caller()
        verdict = self.may(operation, owns_target=owns_target)
        if not verdict.allowed:
            first, *others = verdict.reasons
            remedies = (reason.message.removeprefix(INSUFFICIENT) for reason in others)
            raise Forbidden(first.message + "".join(remedies), code=first.code)

    def permit_on(self, operation: Operation, target: DirectoryObject) -> None:
        """As `permit`, with what the caller owns taken into account."""
        owns = not self.may(operation).allowed and self._owns(target)
        self.permit(operation, owns_target=owns)

    def permit_write(self, target: DirectoryObject) -> None:
        """Raise Forbidden unless the caller may change `target`."""
        self.permit_on(_WRITE_OPERATION[target.kind], target)

    def permit_rolling(self, target: DirectoryObject) -> None:
        """As `permit_write`, but an application may roll its own keys without any permission.

        https://learn.microsoft.com/en-us/graph/api/application-addkey
        """
        is_itself = (target.kind is ObjectKind.APPLICATION and target.app_id == self.caller.app_id) or (
            target.id == self.caller.service_principal_id
        )
        if is_itself and self.caller.user is None:
            self._require_known_caller()
        else:
            self.permit_write(target)

    def own(self, made: DirectoryObject) -> None:
        """Who makes something becomes its owner: a person, unless a role makes all applications theirs to manage
        anyway, and an application unless it may change everything.

        https://learn.microsoft.com/en-us/entra/identity/role-based-access-control/permissions-reference says of the
        roles that administer applications that they are not made owners.
        """
        if self.caller.user is None:
            owner = self.caller.service_principal_id
            needs_to_own = not self.may(_WRITE_OPERATION[made.kind]).allowed
        else:
            owner = self.caller.user.id
            needs_to_own = self._rights.roles_of_person.isdisjoint(_NOT_MADE_OWNERS)
        if needs_to_own and owner is not None:
            links.add_owner(self.conn, self.tenant_id, made.id, owner)

    def is_foreign(self, principal: ServicePrincipal) -> bool:
        """Whether the application belongs to another organization, as Microsoft Graph does."""
        return principal.app_owner_organization_id not in (None, self.tenant_id)

    def signed_in_user(self) -> User | None:
        """The person on whose behalf this is done, as they are now."""
        return users.get(self.conn, self.tenant_id, self.caller.user.id) if self.caller.user else None

    def client(self) -> ServicePrincipal | None:
        """The calling application in this tenant."""
        if self.caller.service_principal_id is not None:
            return directory_objects.get(
                self.conn, self.tenant_id, ObjectKind.SERVICE_PRINCIPAL, self.caller.service_principal_id
            )
        return directory_objects.get_by_app_id(
            self.conn, self.tenant_id, ObjectKind.SERVICE_PRINCIPAL, self.caller.app_id
        )

    def _owns(self, target: DirectoryObject) -> bool:
        """Owning an application is not owning its service principal, nor the other way round."""
        return self.caller_id is not None and links.owns(self.conn, self.tenant_id, self.caller_id, target.id)

    def _require_known_caller(self) -> None:
        """Raise Unauthenticated when who calls was deleted since the token was issued; Graph's code and words."""
        if self.caller_id is None or self._questions.ask(live_objects.row_of, self.caller_id) is None:
            what = "signed-in user" if self.caller.user else "calling application"
            raise Unauthenticated(
                f"The identity of the {what} could not be established.", code="Authorization_IdentityNotFound"
            )

    # -- what it is about -----------------------------------------------------------------------------------

    @overload
    def find(self, kind: Literal[ObjectKind.APPLICATION], key: ObjectKey) -> Application: ...
    @overload
    def find(self, kind: Literal[ObjectKind.SERVICE_PRINCIPAL], key: ObjectKey) -> ServicePrincipal: ...
    @overload
    def find(self, kind: ObjectKind, key: ObjectKey) -> DirectoryObject: ...
    def find(self, kind: ObjectKind, key: ObjectKey) -> DirectoryObject:
        """The object that `key` names. Raises NotFound in Graph's words."""
        found = self._look_up(kind, key)
        if found is None:
            raise not_found(key.value)
        return found

    def has(self, kind: ObjectKind, key: ObjectKey) -> bool:
        """Whether `find` would find it."""
        return self._look_up(kind, key) is not None

    def find_shaped(self, kind: ObjectKind, key: ObjectKey, shape: Callable[[DirectoryObject], R]) -> R:
        """What `shape`, the same function each time, makes of that object: made once while nobody writes. As `find`."""
        guid = canonical_guid(key.value) if key.name == "id" else None
        shaped = self._questions.ask(_shaped_object, kind, ObjectId(guid), shape) if guid else None
        return shape(self.find(kind, key)) if shaped is None else shaped

    def _look_up(self, kind: ObjectKind, key: ObjectKey) -> DirectoryObject | None:
        if key.name == "uniqueName" and kind is ObjectKind.APPLICATION:
            return directory_objects.get_by_unique_name(self.conn, self.tenant_id, key.value)
        guid = canonical_guid(key.value)
        if key.name not in ("id", "appId"):
            raise Invalid(f"'{key.name}' is not a key of {kind.value}. Use the object id, or (appId='…').")
        if guid is None:
            if key.name == "appId":
                raise Invalid(f"'{key.value}' is not a GUID, and appId is one.", target="appId")
            return None
        if key.name == "appId":
            return directory_objects.get_by_app_id(self.conn, self.tenant_id, kind, AppId(guid))
        return self._questions.ask(_object_with_id, kind, ObjectId(guid))

    # -- the record -----------------------------------------------------------------------------------------

    def attempt(
        self,
        activity: Activity,
        operation_type: OperationType,
        target: Target | None,
        category: str = APPLICATION_MANAGEMENT,
    ) -> None:
        """From here on, a refusal is recorded as a failed `activity` on `target`, which is None until the body is read
        that says what it is about."""
        self._attempt = Attempt(activity, operation_type, target, category)

    def attempt_new(self, kind: ObjectKind, activity: Activity, category: str = APPLICATION_MANAGEMENT) -> ObjectId:
        """As `attempt`, on an object of which nothing is read yet: no more is known than the id it will have."""
        made = ObjectId(str(uuid.uuid4()))
        self.attempt(activity, OperationType.ADD, Target(id=made, display_name=None, type=TARGET_TYPE[kind]), category)
        return made

    def attempt_on(self, target: DirectoryObject, activity: Activity, operation_type: OperationType) -> None:
        """As `attempt`, on an application or service principal."""
        self.attempt(activity, operation_type, target_of(target))

    def record(
        self,
        *modified: ModifiedProperty,
        activity: Activity | None = None,
        target: Target | None = None,
        grants: Iterable[str] = (),
    ) -> None:
        """Write down that the attempt succeeded, with what it changed. `activity` and `target` replace the
        attempt's own where the outcome decides the name (or made the id). `grants` are the delegated permission grants
        that came, changed or went with it, by id."""
        attempt = self._attempt
        if attempt is None:
            raise RuntimeError("a use case recorded a change that it had not announced")
        about = target or attempt.target
        if about is None:
            raise RuntimeError("a use case recorded a change without saying of what")
        about = msgspec.structs.replace(about, modified_properties=tuple(modified))
        self._write(attempt, activity or attempt.activity, about, Outcome.SUCCESS, "", grants=grants)

    def record_refusal(self, error: UnsecretError) -> None:
        """Write down that the attempt was refused, and why. Errors never carry a secret, so neither does this."""
        if self._attempt is not None:
            self._write(self._attempt, self._attempt.activity, self._attempt.target, Outcome.FAILURE, error.message)

    def record_expiry(self, activity: Activity, target: Target) -> None:
        """Write down what time did: nobody asked for it, least of all the caller."""
        event = AuditEvent(
            id=new_event_id(self.circumstances.correlation_id),
            at=self.now,
            activity=activity,
            category=APPLICATION_MANAGEMENT,
            operation_type=OperationType.DELETE,
            result=Outcome.SUCCESS,
            result_reason="",
            correlation_id=self.circumstances.correlation_id,
            caller=None,
            targets=(target,),
        )
        logs.add_audit(self.conn, self.tenant_id, event)

    def _write(
        self,
        attempt: Attempt,
        activity: Activity,
        target: Target | None,
        result: Outcome,
        reason: str,
        *,
        grants: Iterable[str] = (),
    ) -> None:
        details = [("AppId", str(self.caller.app_id))]
        if self.circumstances.user_agent:
            details.insert(0, ("User-Agent", self.circumstances.user_agent))
        event = AuditEvent(
            id=new_event_id(self.circumstances.correlation_id),
            at=self.now,
            activity=activity,
            category=attempt.category,
            operation_type=attempt.operation_type,
            result=result,
            result_reason=reason,
            correlation_id=self.circumstances.correlation_id,
            caller=self.caller,
            targets=(target,) if target else (),
            additional_details=tuple(details),
            ip_address=self.circumstances.ip_address,
        )
        logs.add_audit(self.conn, self.tenant_id, event, grants=grants)


def perform(
    use_case: Callable[Concatenate[Transaction, P], R],
    caller: Caller,
    circumstances: Circumstances,
    *args: P.args,
    **kwargs: P.kwargs,
) -> Callable[[Connection], R | Refused[R]]:
    """A unit of work for `Store.write`: run `use_case(transaction, *args)`; on refusal keep only the record."""

    def work(conn: Connection) -> R | Refused[R]:
        transaction = Transaction(conn, caller, circumstances)
        try:
            return use_case(transaction, *args, **kwargs)
        except UnsecretError as error:
            undo_work(conn)
            transaction.record_refusal(error)
            return Refused(error)

    return work


def _object_with_id(
    conn: Connection, tenant_id: TenantId, kind: ObjectKind, object_id: ObjectId
) -> DirectoryObject | None:
    return directory_objects.get(conn, tenant_id, kind, object_id)


def _shaped_object(
    conn: Connection, tenant_id: TenantId, kind: ObjectKind, object_id: ObjectId, shape: Callable[[DirectoryObject], R]
) -> R | None:
    found = directory_objects.get(conn, tenant_id, kind, object_id)
    return None if found is None else shape(found)


def target_of(obj: AnyObject) -> Target:
    """`obj` as the target of an audit record."""
    name = obj.user_principal_name if isinstance(obj, User) else None
    return Target(id=obj.id, display_name=obj.display_name, type=TARGET_TYPE[obj.kind], user_principal_name=name)


def not_found(identifier: str) -> NotFound:
    """Graph's words for an object that is not there; of what a URL names no more is repeated than can be kept."""
    return live_objects.not_found(identifier[:LONGEST_SHOWN])


def new_event_id(correlation_id: str) -> str:
    """Graph's form: `Directory_{correlationId}_{5 characters}_{digits}`."""
    drawn = int.from_bytes(random_16()[:8])
    return f"Directory_{correlation_id}_{drawn % 16**5:05X}_{(drawn >> 20) % 10**9}"
