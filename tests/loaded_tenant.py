"""A tenant in process that begins as a copy of another."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.local_tenant import LocalTenant
from unsecret.tenant.bootstrap import NewTenant, create_tenant
from unsecret.tenant.export_files import Export
from unsecret.tenant.loading import Loaded, load, origin_of


@dataclass
class LoadedTenant(LocalTenant):
    """A tenant that is filled with an export instead of being made."""

    export: Export = field(default_factory=lambda: Export({}, ()))
    loaded: Loaded | None = None

    def _create(self, conn) -> NewTenant:
        tenant, origin = origin_of(self.export)
        names = tenant.verified_domains if tenant else ("local.example",)
        new = create_tenant(
            conn,
            display_name=tenant.display_name if tenant else "Local",
            domain=names[0],
            verified_domains=names[1:],
            administrator_certificate=self.identity.facts,
            now=self.clock.now,
            origin=origin,
        )
        self.loaded = load(conn, new.tenant.id, self.export)
        return new
