"""Taking a snapshot of one application: a dozen questions, so that looking at one does not need a tenant read through.

What is refused is said to be missing, as in a snapshot of the whole tenant.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from unsecret import __version__
from unsecret.model.snapshot import (
    APPLICATIONS,
    CREDENTIAL_ACTIVITIES,
    CUSTOM_POLICIES,
    DEFAULT_POLICY,
    OF_MANAGED_IDENTITIES,
    PRINCIPAL_ACTIVITIES,
    SERVICE_PRINCIPALS,
    Collected,
    Manifest,
)
from unsecret.operate.policies.app_policy import read_versioned_policies
from unsecret.operate.policies.block import read_default
from unsecret.operate.policies.targets import resolve
from unsecret.operate.snapshots.taking import REFUSED
from unsecret.operate.snapshots.tally import nothing_shown
from unsecret.operate.snapshots.writing import write_snapshot
from unsecret.wire import questions

if TYPE_CHECKING:
    from unsecret.operate.graph.client import GraphClient
    from unsecret.operate.policies.targets import Target

_FEDERATED, _ROLES, _GRANTS = "federatedIdentityCredentials", "appRoleAssignments", "oauth2PermissionGrants"
Objects = list[dict[str, Any]]


def take_one(client: GraphClient, app: str, path: Path, *, now: datetime) -> Manifest:
    """A snapshot, in the file `path`, that holds one application, what belongs to it and what governs it.

    Raises NotFound for an application that is not there, Invalid for a name that several have, and what reading
    applications is refused with.
    """
    reading = _Reading(client)
    objects = reading.everything(resolve(client, [app])[0])
    organization = next(iter(objects["organization"]), {})
    manifest = Manifest(
        software=__version__,
        taken_at=now,
        tenant_id=organization.get("id") or client.tenant_id(),
        display_name=organization.get("displayName"),
        source=client.connection.graph,
        collections=reading.collected | reading.members,
    )
    with tempfile.TemporaryDirectory(dir=path.parent) as spool:
        for collection, found in objects.items():
            lines = b"".join(msgspec.json.encode(one) + b"\n" for one in found)
            (Path(spool) / f"{collection}.ndjson").write_bytes(lines)
        write_snapshot(Path(spool), manifest, path)
    return manifest


class _Reading:
    """`collected` gets an entry for every collection that was asked for, `members` for what belongs to objects."""

    def __init__(self, client: GraphClient):
        self._client = client
        self.collected: dict[str, Collected] = {}
        self.members: dict[str, Collected] = {}

    def everything(self, target: Target) -> dict[str, Objects]:
        faces = {face.link.collection: face.link.id for face in target.faces}
        principal = faces.get(SERVICE_PRINCIPALS)
        found = {
            "organization": self._list("organization", "v1.0/organization"),
            APPLICATIONS: [self._face(APPLICATIONS, faces[APPLICATIONS])] if APPLICATIONS in faces else [],
            SERVICE_PRINCIPALS: [self._face(SERVICE_PRINCIPALS, principal)] if principal else [],
            DEFAULT_POLICY: self._asked(DEFAULT_POLICY, lambda: [read_default(self._client)[1]]),
            CUSTOM_POLICIES: self._asked(CUSTOM_POLICIES, lambda: read_versioned_policies(self._client)[1]),
        }
        held = self._of_principal(principal) if principal else {}
        found[SERVICE_PRINCIPALS] += self._apis(held)
        for collection in (APPLICATIONS, SERVICE_PRINCIPALS):
            self.collected[collection] = Collected(count=len(found[collection]))
        return found | held | self._activities(target.app_id)

    def _face(self, collection: str, object_id: str) -> dict[str, Any]:
        """The object with its owners, the policy that binds it, and what federates it."""
        path = f"v1.0/{collection}/{object_id}"
        policies = self._list(CUSTOM_POLICIES, f"{path}/{CUSTOM_POLICIES}?$select=id", member=CUSTOM_POLICIES)
        found: dict[str, Any] = {
            **self._client.get(path),
            "owners": self._list("owners", questions.owners_of(collection, object_id), member="owners"),
            CUSTOM_POLICIES: [{"id": one["id"]} for one in policies],
        }
        if questions.may_be_federated(found.get("servicePrincipalType"), found.get("alternativeNames")):
            path = questions.federated_of_identity(object_id)
            found[_FEDERATED] = self._list(OF_MANAGED_IDENTITIES, path, member=OF_MANAGED_IDENTITIES)
            if not found[_FEDERATED] and self.members[OF_MANAGED_IDENTITIES].missing is None:
                self.members[OF_MANAGED_IDENTITIES] = Collected(missing=nothing_shown(1))
        if collection == APPLICATIONS:
            found[_FEDERATED] = self._list(_FEDERATED, questions.federated_of(object_id), member=_FEDERATED)
        return found

    def _of_principal(self, principal: str) -> dict[str, Objects]:
        roles = f"v1.0/roleManagement/directory/roleAssignments?$filter=principalId eq '{principal}'"
        return {
            _ROLES: self._list(_ROLES, questions.roles_held_by(principal)),
            _GRANTS: self._list(_GRANTS, f"v1.0/{SERVICE_PRINCIPALS}/{principal}/{_GRANTS}"),
            "roleAssignments": self._list("roleAssignments", roles),
            "roleDefinitions": self._list("roleDefinitions", "v1.0/roleManagement/directory/roleDefinitions"),
        }

    def _apis(self, held: dict[str, Objects]) -> Objects:
        """The APIs at which it holds permissions, which know what those are called."""
        ids = {str(one["resourceId"]) for name in (_ROLES, _GRANTS) for one in held.get(name, ())}
        select = "$select=id,appId,displayName,appRoles,servicePrincipalType,appOwnerOrganizationId"
        paths = [f"v1.0/{SERVICE_PRINCIPALS}/{one}?{select}" for one in sorted(ids)]
        return self._asked("apis", lambda: [self._client.get(path) for path in paths], member="apis")

    def _activities(self, app_id: str) -> dict[str, Objects]:
        found = {}
        for name in (CREDENTIAL_ACTIVITIES, PRINCIPAL_ACTIVITIES):
            path = f"beta/reports/{name}"
            found[name] = self._list(name, f"{path}?$filter=appId eq '{app_id}'", path)
        return found

    def _list(self, name: str, *paths: str, member: str | None = None) -> Objects:
        """The objects of the first of several paths that is answered."""

        def answers() -> Objects:
            *first, last = paths
            for path in first:
                try:
                    return list(self._client.pages(path))
                except REFUSED:
                    continue
            return list(self._client.pages(last))

        return self._asked(name, answers, member=member)

    def _asked(self, name: str, ask: Callable[[], Iterable[dict[str, Any]]], *, member: str | None = None) -> Objects:
        missing, found = None, []
        try:
            found = list(ask())
        except REFUSED as refusal:
            missing = refusal.message
        noted = self.collected if member is None else self.members
        before = noted.get(name, Collected())
        noted[name] = Collected(count=before.count + len(found), missing=before.missing or missing)
        return found
