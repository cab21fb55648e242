"""`unsecret snapshot`."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from unsecret.cli.options import Data, Output, TenantName, now, own_reader, read_duration
from unsecret.cli.printing import answer, as_json, progress, say, sentence
from unsecret.cli.reaching import reach
from unsecret.cli.tables import table
from unsecret.cli.words import unknowns
from unsecret.config import Settings, read_settings
from unsecret.errors import Invalid
from unsecret.model.snapshot import COLLECTIONS, MEMBERS
from unsecret.model.times_in_words import instant_in_words

if TYPE_CHECKING:
    from unsecret.model.snapshot import Collected, Manifest

Target = Annotated[Path, Parameter(metavar="FILE", help="Where to put the snapshot.")]


Files = Annotated[
    Path | None,
    Parameter(
        name="--from",
        metavar="PATH",
        help="Ask no tenant: make the snapshot of files with Graph's JSON, or of ScubaGear's export. "
        "A file, or a directory of them.",
    ),
]


Log = Annotated[
    timedelta | None,
    own_reader(
        read_duration,
        name="--log",
        metavar="DURATION",
        help_="Take the audit log of this long, too: 30d, P30D. `unsecret audit --snapshot` reads it. Default: none; "
        "it tells who did what, and may be larger than all the rest.",
    ),
]


def snapshot(
    file: Target,
    /,
    *,
    log: Log = None,
    from_: Files = None,
    tenant: TenantName = None,
    data: Data = None,
    output: Output = None,
) -> int:
    """Take a snapshot of the tenant into one file, so that later questions need no tenant.

    It holds what the tenant shows of applications, service principals, their credentials, owners, permissions and
    last use, and of policies. Client secrets and private keys are not in it: Graph shows none. What could not be
    read is listed as not known. An interrupted snapshot goes on where it was when the same command is given again
    within a day. An older snapshot in FILE is replaced, any other file is not. The tenant is not changed.

    Custom security attributes are read with CustomSecAttributeAssignment.Read.All and
    CustomSecAttributeDefinition.Read.All, or by people with an attribute role.

    With --from, what others have read becomes a snapshot of the day on which their files were written.

    **Examples**

        unsecret snapshot contoso.snapshot
        unsecret snapshot contoso.snapshot --log 30d
        unsecret up --data ./rehearsal --from contoso.snapshot
        unsecret snapshot contoso.snapshot --from ProviderSettingsExport.json
    """
    from unsecret.operate.snapshots.writing import require_place

    settings = read_settings()
    require_place(target := file.absolute())
    if from_:
        manifest = _of_files(from_, target, data or tenant, log)
    else:
        manifest = _of_tenant(target, settings, data, tenant, log)
    if (output or settings.output) == "json":
        as_json(_content(manifest))
    else:
        _print(manifest, file)
    return 0


def _of_tenant(
    target: Path, settings: Settings, data: Path | None, tenant: str | None, log: timedelta | None
) -> Manifest:
    from unsecret.operate.clock import read_clock
    from unsecret.operate.snapshots.take import take

    with reach(settings, data, tenant, verb="snapshot") as client:
        at = read_clock(client) if client.connection.clock else now()
        try:
            return take(client, target, now=at, log=log, say=progress())
        except KeyboardInterrupt:
            say("The same command goes on from here within a day.")
            raise


def _of_files(source: Path, target: Path, tenant: Path | str | None, log: timedelta | None) -> Manifest:
    from unsecret.operate.snapshots.foreign import read_foreign

    if tenant:
        raise Invalid("--from names files, --data and --tenant a tenant; a snapshot is of one of them.")
    if log:
        raise Invalid("--log asks a tenant for its log; with --from no tenant is asked.")
    return read_foreign(source, target)


def _content(manifest: Manifest) -> dict[str, Any]:
    """What the snapshot says of itself, with the zeros that the file leaves out."""
    import msgspec

    read = {
        name: {"count": one.count} | ({"missing": one.missing} if one.missing else {})
        for name, one in _in_order(manifest)
    }
    return msgspec.to_builtins(manifest) | {"collections": read}


def _in_order(manifest: Manifest) -> list[tuple[str, Collected]]:
    order = {name: place for place, name in enumerate((*COLLECTIONS, *MEMBERS))}
    return sorted(manifest.collections.items(), key=lambda one: (order.get(one[0], len(order)), one[0]))


def _how_much(read: Collected) -> str:
    if read.missing is None:
        return str(read.count)
    return f"{read.count}, not all" if read.count else "not known"


def _print(manifest: Manifest, file: Path) -> None:
    whose = f"{manifest.display_name or 'Tenant'} ({manifest.tenant_id})"
    sentence(f"{whose}, as of {instant_in_words(manifest.taken_at)}, in {file}")
    answer()
    table(("COLLECTION", "READ"), [(name, _how_much(one)) for name, one in _in_order(manifest)])
    if manifest.not_known:
        answer()
    for line in unknowns(manifest.not_known):
        sentence(line)
