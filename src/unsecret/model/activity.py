"""When credentials and applications were last used.

https://learn.microsoft.com/en-us/graph/api/resources/appcredentialsigninactivity (beta)
https://learn.microsoft.com/en-us/graph/api/resources/serviceprincipalsigninactivity (beta)
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from unsecret.model.application import ObjectKind
from unsecret.model.identifiers import AppId, KeyId, ObjectId


class LastUse(Struct, frozen=True, kw_only=True):
    """The latest successful sign-in of a kind, by its id."""

    at: datetime
    sign_in_id: str


class CredentialActivity(Struct, frozen=True, kw_only=True):
    """A credential that somebody signed in with, and where it is kept: on the application or on the service principal.

    `usage` is None for a secret. `resource_id` is what the last sign-in was for.
    """

    key_id: KeyId
    app_id: AppId
    object_id: ObjectId
    origin: ObjectKind
    usage: str | None
    start_at: datetime
    end_at: datetime
    resource_id: AppId | None
    last: LastUse


class PrincipalActivity(Struct, frozen=True, kw_only=True):
    """An application that signed in, or that was signed in to: for itself, or on behalf of people."""

    app_id: AppId
    as_client: LastUse | None = None
    as_resource: LastUse | None = None
    as_client_for_people: LastUse | None = None
    as_resource_for_people: LastUse | None = None

    @property
    def last(self) -> LastUse | None:
        """The latest of all."""
        uses = (self.as_client, self.as_resource, self.as_client_for_people, self.as_resource_for_people)
        return max((use for use in uses if use), key=lambda use: use.at, default=None)
