"""People, and the directory roles that they and applications hold.

https://learn.microsoft.com/en-us/graph/api/resources/user, …/unifiedroleassignment
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct, field

from unsecret.model.application import Application, ObjectKind, ServicePrincipal
from unsecret.model.identifiers import ObjectId

MEMBER, GUEST = "Member", "Guest"
"""`user.userType`."""


class User(Struct, frozen=True, kw_only=True):
    """A person of the tenant. `other` holds what is kept and given back but that no rule looks at, in Graph's shape."""

    id: ObjectId
    display_name: str
    user_principal_name: str
    created_at: datetime | None
    account_enabled: bool = True
    user_type: str = MEMBER
    mail: str | None = None
    custom_security_attributes: dict[str, dict[str, Any]] = field(default_factory=dict)
    other: dict[str, Any] = field(default_factory=dict)

    kind = ObjectKind.USER


AnyObject = Application | ServicePrincipal | User
"""What `/directoryObjects` names, and what a list of owners or of owned objects may hold."""


class DirectoryRoleAssignment(Struct, frozen=True, kw_only=True):
    """A directory role that a person or a service principal holds. `role_definition_id` is the built-in role's
    template id; `directory_scope_id` is `/` for the whole tenant, or `/{objectId}` for one object."""

    id: str
    role_definition_id: str
    principal_id: ObjectId
    directory_scope_id: str = "/"
