"""`unsecret status`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from unsecret.cli.options import Data, Output, SnapshotFile, TenantName
from unsecret.cli.printing import answer, as_json, progress, sentence
from unsecret.cli.source import reading
from unsecret.cli.tables import table
from unsecret.cli.words import entry_in_words, face_in_words
from unsecret.config import read_settings
from unsecret.model.times_in_words import instant_in_words

if TYPE_CHECKING:
    from unsecret.operate.status import Bound, Custom, Holders, Restriction, Status

UNKNOWN = "not known"


def status(
    *, snapshot: SnapshotFile = None, tenant: TenantName = None, data: Data = None, output: Output = None
) -> int:
    """Show how the tenant stands: its policies, whom they bind, and how many objects hold client secrets.

    Changes nothing. What could not be read is listed as not known.

    **Examples**

        unsecret status
        unsecret status --snapshot contoso.snapshot
        unsecret status -o json
    """
    from unsecret.operate.status import read_status

    settings = read_settings()
    with reading(settings, snapshot=snapshot, data=data, tenant=tenant, verb="status") as (client, at):
        found = read_status(client, now=at, say=progress())
    if (output or settings.output) == "json":
        as_json(found)
    else:
        _print(found)
    return 0


def _print(found: Status) -> None:
    answer(
        f"{found.organisation or 'Tenant'} ({found.tenant_id}) at {found.graph}, as of {instant_in_words(found.as_of)}"
    )
    answer(f"\nDefault policy: {_switched(found.is_enabled)}")
    if found.restrictions is not None:
        _restrictions(found.restrictions)
    answer(f"\nCustom policies: {UNKNOWN if found.custom_policies is None else len(found.custom_policies)}")
    for custom in found.custom_policies or ():
        _custom(custom)
    answer("\nClient secrets")
    _holders((("app registrations", found.applications), ("service principals", found.service_principals)))
    _listed("Warnings", found.warnings)
    _listed("Not known", found.not_known)


def _switched(is_enabled: bool | None) -> str:
    return {True: "on", False: "off", None: UNKNOWN}[is_enabled]


def _restrictions(restrictions: Iterable[Restriction]) -> None:
    rows = [(entry_in_words(one.what, one.kind), one.says, "yes" if one.binds else "no") for one in restrictions]
    if rows:
        table(("RESTRICTION", "SAYS", "BINDS"), rows)
    else:
        answer("It holds no restriction.")


def _custom(custom: Custom) -> None:
    bound = UNKNOWN if custom.applies_to is None else ", ".join(map(_bound, custom.applies_to)) or "nothing"
    sentence(f"\n{custom.name} ({custom.id}): {_switched(custom.is_enabled)}, binds {bound}")
    _restrictions(custom.restrictions)


def _bound(one: Bound) -> str:
    return f"{face_in_words(one.kind)} '{one.display_name}'"


def _holders(rows: Iterable[tuple[str, Holders | None]]) -> None:
    table(
        ("", "TOTAL", "WITH SECRETS", "OF THESE ALL EXPIRED"),
        [(name, *_counts(holders)) for name, holders in rows],
    )


def _counts(holders: Holders | None) -> tuple[str, str, str]:
    if holders is None:
        return (UNKNOWN, UNKNOWN, UNKNOWN)
    return (str(holders.total), str(holders.with_secrets), str(holders.with_expired_secrets_only))


def _listed(head: str, lines: Iterable[str]) -> None:
    lines = tuple(lines)
    if lines:
        answer(f"\n{head}")
    for line in lines:
        sentence(line)
