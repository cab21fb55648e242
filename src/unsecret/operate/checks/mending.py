"""The command that mends a finding: one of this software's own verbs, which do what they say and nothing else.

Names and ids come from the tenant, and stand in a command quoted for a shell.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from datetime import timedelta
from enum import Enum

from unsecret.model.policy import RestrictionKind
from unsecret.operate.policies.block import ADDITIONS, CERTIFICATE_LIFETIMES, CUSTOM_SECRETS, LIFETIMES
from unsecret.wire.instants import format_duration


class Family(Enum):
    """Entries that one `block` sets together, and the options that say so."""

    ADDITIONS = ADDITIONS
    LIFETIMES = LIFETIMES
    CERTIFICATES = CERTIFICATE_LIFETIMES
    CUSTOM_SECRETS = CUSTOM_SECRETS


FAMILY_OF = {RestrictionKind(kind): family for family in Family for kind in family.value}
_OPTION = {
    Family.LIFETIMES: "--max-lifetime",
    Family.CERTIFICATES: "--max-certificate-lifetime",
    Family.CUSTOM_SECRETS: "--custom-secrets",
}


def restricting(
    family: Family,
    *,
    longest: Iterable[timedelta | None] = (),
    policy_id: str | None = None,
    all_callers: bool = False,
) -> str:
    """`unsecret block` for these entries. Of the lifetimes in `longest` the shortest is asked for, so that mending one
    entry loosens no other."""
    words = ["unsecret", "block", *(["--policy", policy_id] if policy_id else []), *_limited(family, longest)]
    return shlex.join([*words, "--all-callers"] if all_callers else words)


def forecasting(family: Family, *, longest: Iterable[timedelta | None] = ()) -> str:
    """`unsecret forecast` of the same; secrets with a text of somebody's own are forecast with the others."""
    options = _limited(family, longest) if family in (Family.LIFETIMES, Family.CERTIFICATES) else ["--block"]
    return shlex.join(["unsecret", "forecast", *options])


def _limited(family: Family, longest: Iterable[timedelta | None]) -> list[str]:
    option = _OPTION.get(family)
    if option is None:
        return []
    limited = family in (Family.LIFETIMES, Family.CERTIFICATES)
    return [option, format_duration(min(one for one in longest if one))] if limited else [option]


def removing(object_id: str, key_id: str, *, is_usable: bool) -> str:
    """`unsecret remove` for one credential; one that still signs in is removed with --force only."""
    words = ["unsecret", "remove", "--app", object_id, "--key", key_id]
    return shlex.join([*words, "--force"] if is_usable else words)
