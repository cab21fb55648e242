"""The tenant that promises are tested on: the same as everywhere, in process."""

from __future__ import annotations

from tests.tenant.conftest import identity, tenant

__all__ = ["identity", "tenant"]
