"""`unsecret export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from unsecret.cli.answers import write_file
from unsecret.cli.options import Data, SnapshotFile, TenantName
from unsecret.cli.printing import answer, say
from unsecret.cli.source import reading
from unsecret.config import read_settings
from unsecret.errors import Conflict

Target = Annotated[
    Path | None, Parameter(metavar="FILE", help="Where to put it. Default: print it. A file that is there stays.")
]
Schema = Annotated[
    bool, Parameter(name="--schema", help="Give the JSON Schema of policy files instead, for an editor.")
]


def export(
    file: Target = None,
    /,
    *,
    schema: Schema = False,
    snapshot: SnapshotFile = None,
    tenant: TenantName = None,
    data: Data = None,
) -> int:
    """Write the tenant's app management policies, with what they are linked to, as a policy file in TOML.

    The same policies give the same file, and `unsecret plan` finds nothing to do with it. Custom policies are known by
    their names, so that the file can be used on another tenant. What Microsoft set by itself is left out, and named in
    a comment, since a file that repeated it would make it yours.

    A file that is there is never written over: your comments are in it. Export to another one and compare.

    **Examples**

        unsecret export policies.toml
        unsecret export yesterday.toml --snapshot contoso.snapshot
        unsecret export | diff policies.toml -
        unsecret export policy-file.schema.json --schema
    """
    if file and file.exists():
        raise Conflict(f"{file} is there already, and is not written over.", hint="Name another file.")
    text = schema_text() if schema else _policies(snapshot, data, tenant)
    if file:
        write_file(file, text)
        say(f"Written: {file}")
    else:
        answer(text.removesuffix("\n"))
    return 0


def schema_text() -> str:
    """The JSON Schema of policy files, as it is shipped."""
    from importlib.resources import files

    return files("unsecret.wire").joinpath("policy-file.schema.json").read_text("utf-8")


def _policies(snapshot: Path | None, data: Path | None, tenant: str | None) -> str:
    from unsecret.operate.plans.export import export_policies
    from unsecret.wire.policy_file_text import HEAD, policy_file_text

    settings = read_settings()
    with reading(settings, snapshot=snapshot, data=data, tenant=tenant, verb="export") as (client, _at):
        file, left_out = export_policies(client)
        whose = f"The app management policies of the tenant {client.tenant_id()}."
    return policy_file_text(file, comments=(whose, *HEAD, *(f"Not in here: {one}." for one in left_out)))
