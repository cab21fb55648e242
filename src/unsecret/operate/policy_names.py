"""What a policy is called, by its id."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unsecret.operate.policies.app_policy import read_custom_policies
from unsecret.operate.policies.block import read_default
from unsecret.operate.policies.entries import DEFAULT_TITLE
from unsecret.operate.snapshots.snapshot_file import open_snapshot

if TYPE_CHECKING:
    from unsecret.operate.graph.client import GraphClient


def names_in_snapshot(snapshot: Path, ids: Iterable[str]) -> dict[str, str]:
    """The names of the policies with these ids that the snapshot holds. Raises what opening it raises."""
    with open_snapshot(snapshot) as opened:
        default = next(opened.objects("defaultAppManagementPolicy"), {})
        return _named(default, opened.objects("appManagementPolicies"), ids)


def names_in_tenant(client: GraphClient, ids: Iterable[str]) -> dict[str, str]:
    """The names of the policies with these ids that the tenant has. Raises what reading them raises."""
    return _named(read_default(client)[1], read_custom_policies(client), ids)


def _named(default: dict[str, Any], customs: Iterable[dict[str, Any]], ids: Iterable[str]) -> dict[str, str]:
    names = {str(default.get("id")).lower(): f"the {DEFAULT_TITLE}"}
    names |= {str(one.get("id")).lower(): f"the custom policy '{one.get('displayName')}'" for one in customs}
    return {one: names[one] for one in ids if one in names}
