"""What a caller may do, on one state of the directory: its token says who it is and what it was given, the directory
which roles it holds now.

Roles are read where the permission is judged, on the connection that will write: one that was withdrawn a moment ago
permits nothing. They are read once for each transaction, and an application's only when its permissions do not suffice.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from unsecret.model.event import Caller
from unsecret.model.people import MEMBER
from unsecret.model.verdict import Verdict
from unsecret.rules.app_only_permission import permitted_to_application
from unsecret.rules.delegated_permission import SignedIn, permitted_to
from unsecret.rules.permission import Operation, permitted
from unsecret.store import directory_roles, users

if TYPE_CHECKING:
    from unsecret.store.questions import Questions


class Rights:
    """Those of one caller."""

    def __init__(self, caller: Caller, questions: Questions):
        self._caller = caller
        self._questions = questions

    def verdict(self, operation: Operation, *, owns_target: bool = False) -> Verdict:
        """What the law says to `operation` on something that the caller owns, or not."""
        if self._caller.user is not None:
            return permitted_to(self._person, operation, owns_target=owns_target)
        by_permission = permitted(self._caller.roles, operation, owns_target=owns_target)
        if by_permission.allowed:
            return by_permission
        return permitted_to_application(self._caller.roles, self._own_roles, operation, owns_target=owns_target)

    @property
    def roles_of_person(self) -> frozenset[str]:
        """The directory roles (template ids) of whoever is signed in; none for an application."""
        return self._person.roles if self._caller.user else frozenset()

    @cached_property
    def _person(self) -> SignedIn:
        signed_in, ask = self._caller.user, self._questions
        user = users.get(ask.conn, ask.tenant_id, signed_in.id) if signed_in else None
        roles = directory_roles.roles_of(ask.conn, ask.tenant_id, user.id) if user else frozenset[str]()
        return SignedIn(
            scopes=self._caller.scopes, roles=roles, is_member=user is not None and user.user_type == MEMBER
        )

    @cached_property
    def _own_roles(self) -> frozenset[str]:
        principal_id = self._caller.service_principal_id
        return self._questions.ask(directory_roles.roles_of, principal_id) if principal_id else frozenset()
