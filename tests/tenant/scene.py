"""A tenant whose objects the rows of a table name: `{app}` is the id of what the scene calls so."""

from __future__ import annotations

import json
from typing import Any

from msgspec import Struct

from tests.local_tenant import LocalTenant


class Scene(Struct, frozen=True):
    """A tenant, and what its objects are called in the rows."""

    tenant: LocalTenant
    ids: dict[str, str]

    def named(self, value: Any) -> Any:
        """`value` with ids in the place of names."""
        text = json.dumps(value)
        for name, own in self.ids.items():
            text = text.replace(f"{{{name}}}", own)
        return json.loads(text)
