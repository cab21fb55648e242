"""Filling a new tenant with what was exported of another: the same objects, ids and dates.

All of it or nothing: what cannot be read is an error, and every error is told at once. What cannot be here (an
owner who was not exported, a permission held by a group) is skipped, and said to be. Of client secrets everything
comes along but the secret: nobody can sign in with one, and the attempt is refused as a wrong secret.
"""

from __future__ import annotations

import secrets as chance
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from msgspec import Struct, structs

from unsecret.errors import Invalid, UnsecretError
from unsecret.model.application import DirectoryObject, KeyCredential, KeyType, Tenant
from unsecret.model.identifiers import ARM_APP_ID, GRAPH_APP_ID, AppId, KeyId, ObjectId, PolicyId, TenantId
from unsecret.store import (
    attributes,
    consent,
    directory_objects,
    directory_roles,
    federation,
    links,
    live_objects,
    policies,
    users,
)
from unsecret.tenant.bootstrap import ADMINISTRATOR_UNIQUE_NAME, Origin
from unsecret.tenant.certificates import authority_facts, read_certificate
from unsecret.tenant.export_files import Export
from unsecret.wire import exports
from unsecret.wire.federation import federated_credential_from_graph

if TYPE_CHECKING:
    from sqlalchemy import Connection

MOST_SHOWN = 100
"""Problems that are listed; the others are counted."""

_OURS = (GRAPH_APP_ID, ARM_APP_ID)
_DIGEST_BYTES = 48


class Loaded(Struct):
    """What has come of an export: how many of each collection were written, and what was skipped and why."""

    counts: dict[str, int]
    skipped: list[str]


def origin_of(export: Export) -> tuple[Tenant | None, Origin]:
    """The organisation that was exported, None when the export does not say, and what a tenant that is made after it
    takes over. Raises Invalid."""
    tenant = None
    for where, body in export.objects("organization"):
        with _named(where):
            tenant = exports.tenant_from_export(body)
    principals = _own_principals(export)
    if tenant is None:
        return None, Origin(id=None, created_at=None, principals=principals)
    return tenant, Origin(id=tenant.id, created_at=tenant.created_at, principals=principals)


def _own_principals(export: Export) -> dict[AppId, ObjectId]:
    """Microsoft's service principals that every tenant here is made with, and the ids that they had."""
    found = {}
    for where, body in export.objects("servicePrincipals"):
        if isinstance(body, dict) and body.get("appId") in _OURS:
            with _named(where):
                principal = exports.service_principal_from_export(body)
            found[principal.app_id] = principal.id
    return found


def load(conn: Connection, tenant_id: TenantId, export: Export) -> Loaded:
    """Write everything. Raises Invalid with all that is wrong; whoever opened the transaction then undoes it."""
    loading = _Loading(conn, tenant_id, export)
    for collection, write in (
        ("attributeSets", loading.attribute_set),
        ("customSecurityAttributeDefinitions", loading.attribute_definition),
        ("users", loading.user),
        ("applications", loading.application),
        ("servicePrincipals", loading.service_principal),
        ("certificateBasedApplicationConfigurations", loading.trusted_configuration),
        ("defaultAppManagementPolicy", loading.default_policy),
        ("appManagementPolicies", loading.policy),
    ):
        loading.each(collection, write)
    # What relates objects, once all of them are there.
    for collection in ("applications", "servicePrincipals"):
        loading.each(collection, loading.relationships, counted=False)
    loading.each("appManagementPolicies", loading.assignments, counted=False)
    for collection, write in (
        ("appRoleAssignments", loading.app_role_assignment),
        ("oauth2PermissionGrants", loading.permission_grant),
        ("roleAssignments", loading.role_assignment),
    ):
        loading.each(collection, write)
    loading.require_readable()
    return loading.loaded


@contextmanager
def _named(where: str) -> Generator[None]:
    """Errors within are told with the name of what they are about."""
    try:
        yield
    except UnsecretError as error:
        raise Invalid(f"{where}: {error.message}") from None


class _Loading:
    def __init__(self, conn: Connection, tenant_id: TenantId, export: Export):
        self._conn = conn
        self._tenant_id = tenant_id
        self._export = export
        self._problems: list[str] = []
        self._unreadable: set[str] = set()
        self._skipped_ids: set[str] = set()
        skipped = [f"{name}: nothing here keeps it" for name in export.unknown]
        self.loaded = Loaded(counts={}, skipped=skipped)

    def each(self, collection: str, write: Callable[[str, Any], bool], *, counted: bool = True) -> None:
        """Write every object of a collection; what is wrong with any is noted. `write` tells whether it wrote."""
        for where, body in self._export.objects(collection):
            name = body.get("displayName") if isinstance(body, dict) else None
            shown = f"{where} ({name})" if isinstance(name, str) else where
            if where in self._unreadable:
                continue
            try:
                written = write(shown, body)
            except UnsecretError as error:
                self._problems.append(f"{shown}: {error.message}")
                self._unreadable.add(where)
            else:
                if counted and written:
                    self.loaded.counts[collection] = self.loaded.counts.get(collection, 0) + 1

    def require_readable(self) -> None:
        """Raise Invalid with every problem."""
        if not self._problems:
            return
        shown = self._problems[:MOST_SHOWN]
        more = len(self._problems) - len(shown)
        lines = "".join(f"\n  {problem}" for problem in shown) + (f"\n  … and {more} more" if more else "")
        count = "1 problem" if len(self._problems) == 1 else f"{len(self._problems)} problems"
        raise Invalid(f"The export cannot be loaded, and nothing of it was. {count}:{lines}")

    # -- what objects and policies refer to ---------------------------------------------------------------------

    def attribute_set(self, _where: str, body: Any) -> bool:
        attributes.add_set(self._conn, self._tenant_id, exports.attribute_set_from_export(body))
        return True

    def attribute_definition(self, where: str, body: Any) -> bool:
        definition = exports.attribute_definition_from_export(body)
        if attributes.get_set(self._conn, self._tenant_id, definition.attribute_set) is None:
            return self._skip(where, f"the attribute set '{definition.attribute_set}' is not in the export")
        attributes.add_definition(self._conn, self._tenant_id, definition)
        return True

    def trusted_configuration(self, _where: str, body: Any) -> bool:
        configuration = exports.trusted_configuration_from_export(body, facts_of=authority_facts)
        policies.add_trusted_configuration(self._conn, self._tenant_id, configuration)
        return True

    # -- objects ------------------------------------------------------------------------------------------------

    def user(self, _where: str, body: Any) -> bool:
        users.add(self._conn, self._tenant_id, exports.user_from_export(body))
        return True

    def application(self, where: str, body: Any) -> bool:
        application = exports.application_from_export(body)
        if application.unique_name == ADMINISTRATOR_UNIQUE_NAME:
            self._skipped_ids |= {application.id, application.app_id}
            return self._skip(where, "it is the exported tenant's own administrator; this one has its own")
        self._add(application)
        return True

    def service_principal(self, where: str, body: Any) -> bool:
        principal = exports.service_principal_from_export(body)
        if principal.app_id in _OURS:
            return True  # there under its own id
        if principal.app_id in self._skipped_ids:
            self._skipped_ids.add(principal.id)
            return self._skip(where, "it is the exported tenant's own administrator; this one has its own")
        self._add(principal)
        return True

    def _add(self, obj: DirectoryObject) -> None:
        keys = tuple(_with_thumbprints(key) for key in obj.key_credentials)
        digests = {KeyId(one.key_id): chance.token_bytes(_DIGEST_BYTES) for one in obj.password_credentials}
        directory_objects.add(self._conn, self._tenant_id, structs.replace(obj, key_credentials=keys), digests=digests)

    def default_policy(self, _where: str, body: Any) -> bool:
        policies.put_default(self._conn, self._tenant_id, exports.default_policy_from_export(body))
        return True

    def policy(self, _where: str, body: Any) -> bool:
        policies.add_policy(self._conn, self._tenant_id, exports.policy_from_export(body))
        return True

    # -- relationships ------------------------------------------------------------------------------------------

    def relationships(self, where: str, body: Any) -> bool:
        """Owners, federated credentials, the policy and the permissions that an object was exported with."""
        conn, tenant_id, own = self._conn, self._tenant_id, ObjectId(body["id"].lower())
        if own in self._skipped_ids:
            return False
        for owner in exports.linked_ids(body, "owners"):
            if self._is_here(owner, f"{where}: owner {owner}"):
                links.add_owner(conn, tenant_id, own, ObjectId(owner))
        for credential in exports.expand_of(body, "federatedIdentityCredentials"):
            members = {name: value for name, value in credential.items() if name != "id" and "@" not in name}
            made = federated_credential_from_graph(members, existing=None, new_id=credential["id"], beta=True)
            federation.add_federated_credential(conn, tenant_id, own, made)
        for policy_id in exports.linked_ids(body, "appManagementPolicies"):
            self._link(PolicyId(policy_id), own)
        for assignment in exports.expand_of(body, "appRoleAssignments"):
            self.app_role_assignment(where, assignment)
        return True

    def assignments(self, where: str, body: Any) -> bool:
        """What a custom policy was exported as applying to."""
        for object_id in exports.linked_ids(body, "appliesTo"):
            if self._is_here(object_id, f"{where}: applies to {object_id}"):
                self._link(PolicyId(body["id"].lower()), ObjectId(object_id))
        return True

    def _link(self, policy_id: PolicyId, object_id: ObjectId) -> None:
        """Both ends of a link may have been exported."""
        present = policies.policy_of(self._conn, self._tenant_id, object_id)
        if present is None or present.id != policy_id:
            policies.link(self._conn, self._tenant_id, policy_id, object_id)

    def app_role_assignment(self, where: str, body: Any) -> bool:
        assignment = exports.app_role_assignment_from_export(body)
        for end in (assignment.principal_id, assignment.resource_id):
            if not self._is_here(end, f"{where}: permission {assignment.id} of {end}"):
                return False
        links.add_app_role_assignment(self._conn, self._tenant_id, assignment)
        return True

    def permission_grant(self, where: str, body: Any) -> bool:
        grant = exports.permission_grant_from_export(body)
        for end in filter(None, (grant.client_id, grant.resource_id, grant.principal_id)):
            if not self._is_here(end, f"{where}: of {end}"):
                return False
        consent.add(self._conn, self._tenant_id, grant)
        return True

    def role_assignment(self, where: str, body: Any) -> bool:
        assignment = exports.role_assignment_from_export(body)
        if not self._is_here(assignment.principal_id, f"{where}: role of {assignment.principal_id}"):
            return False
        directory_roles.add(self._conn, self._tenant_id, assignment)
        return True

    def _is_here(self, object_id: str, what: str) -> bool:
        if object_id in self._skipped_ids:
            return False
        if live_objects.row_of(self._conn, self._tenant_id, ObjectId(object_id)) is not None:
            return True
        return self._skip(what, "that object is not in the export")

    def _skip(self, what: str, why: str) -> bool:
        self.loaded.skipped.append(f"{what}: {why}")
        return False


def _with_thumbprints(key: KeyCredential) -> KeyCredential:
    """A certificate whose bytes came along signs in; of another only the dates are known. Raises Invalid."""
    if key.key is None or key.type is KeyType.SYMMETRIC:
        return key
    facts = read_certificate(key.key)
    return structs.replace(
        key, key=facts.der, thumbprint_sha1=facts.thumbprint_sha1, thumbprint_sha256=facts.thumbprint_sha256
    )
