"""A snapshot: what a tenant showed of itself on one day, in one file, so that every later question is answered offline.

docs/reference/snapshot.md describes the file.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct, field

from unsecret.model.snapshot_layout import LAYOUT

GRAPH, COLUMNS = "graph", "columns"
"""Where things lie in the file: the folders of what Graph answered and of the tables."""

LONGEST_OBJECT = 8 * 1024 * 1024
"""Bytes of one object as JSON; Microsoft Graph's own service principal takes about one megabyte."""

NOBODY = "00000000-0000-0000-0000-000000000000"
"""The tenant of files that do not name it."""

APPLICATIONS = "applications"
SERVICE_PRINCIPALS = "servicePrincipals"
DEFAULT_POLICY = "defaultAppManagementPolicy"
CUSTOM_POLICIES = "appManagementPolicies"
TRUSTED_LISTS = "certificateBasedApplicationConfigurations"
CREDENTIAL_ACTIVITIES = "appCredentialSignInActivities"
PRINCIPAL_ACTIVITIES = "servicePrincipalSignInActivities"

COLLECTIONS = (
    "organization",
    "users",
    APPLICATIONS,
    SERVICE_PRINCIPALS,
    DEFAULT_POLICY,
    CUSTOM_POLICIES,
    "appRoleAssignments",
    "oauth2PermissionGrants",
    "roleAssignments",
    "roleDefinitions",
    "attributeSets",
    "customSecurityAttributeDefinitions",
    TRUSTED_LISTS,
    CREDENTIAL_ACTIVITIES,
    PRINCIPAL_ACTIVITIES,
)
"""What a snapshot may hold, by Graph's own names; a collection is a list of objects as Graph showed them."""

MEMBERS = ("owners", "federatedIdentityCredentials", "keys", "customSecurityAttributes")
"""What is read of each application and service principal by a question of its own. `keys` are certificates' bytes."""

OF_MANAGED_IDENTITIES = "federatedIdentityCredentials of managed identities"
"""What is read of user-assigned managed identities, in a tenant that has any."""


EXEMPTED_PEOPLE = "customSecurityAttributes of people"
"""Who of the people has an attribute by which a policy exempts callers, in a tenant with such a policy."""


AUDIT_LOG = "directoryAudits"
"""The audit log since `Manifest.log_since`; only read when it is asked for."""


class Collected(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What came of reading one collection, or one member of many objects. `missing` says, in words, why it is not all
    there; None when everything was read. What is missing is not known, which is not the same as not there."""

    count: int = 0
    missing: str | None = None


class Manifest(Struct, frozen=True, kw_only=True):
    """What a snapshot says about itself. `collections` has an entry for everything that was asked for; the keys are
    COLLECTIONS and MEMBERS, and OF_MANAGED_IDENTITIES, EXEMPTED_PEOPLE and AUDIT_LOG where they were asked for."""

    layout: str = LAYOUT
    software: str
    taken_at: datetime
    tenant_id: str
    display_name: str | None = None
    source: str
    log_since: datetime | None = None
    collections: dict[str, Collected] = field(default_factory=dict)

    def is_known(self, name: str) -> bool:
        """Whether all of it was read."""
        collected = self.collections.get(name)
        return collected is not None and collected.missing is None

    @property
    def not_known(self) -> tuple[str, ...]:
        """A sentence for everything that was asked for and not answered, or never asked for."""
        said = {name: one.missing for name, one in self.collections.items()}
        missing = {name: said.get(name, "it was not read") for name in (*COLLECTIONS, *MEMBERS)}
        missing |= {name: said.get(name) for name in (OF_MANAGED_IDENTITIES, EXEMPTED_PEOPLE, AUDIT_LOG)}
        return tuple(f"{name}: {why}" for name, why in missing.items() if why)

    @property
    def not_answered(self) -> tuple[str, ...]:
        """A sentence for everything that was asked for and not answered. What was never asked for is left out: a
        question about one application does not need it."""
        return tuple(f"{name}: {one.missing}" for name, one in self.collections.items() if one.missing)
