"""`unsecret apply`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from unsecret.cli.options import Data, Output, TenantName, Yes
from unsecret.cli.reaching import reach
from unsecret.config import read_settings

File = Annotated[Path, Parameter(metavar="FILE", help="A policy file, or a plan that `unsecret plan --out` saved.")]


def apply(
    file: File, /, *, yes: Yes = False, tenant: TenantName = None, data: Data = None, output: Output = None
) -> int:
    """Make the tenant say what a policy file says, and nothing else.

    Shows the plan first and asks. Each change is checked against the tenant just before it is written, and read back
    afterwards; when somebody came between, nothing is written over. What frees comes before what binds. When a change
    fails, those after it are not tried.

    A journal is kept of every write, and a rollback file: a policy file that gives back what was there. An apply that
    was stopped, or killed, is finished by giving the same command again; it says where it was.

    **Examples**

        unsecret apply policies.toml
        unsecret apply monday.plan --yes
    """
    from unsecret.cli.applying import again_there, apply_file

    settings = read_settings()
    again = again_there(data, tenant)
    with reach(settings, data, tenant, verb="apply") as client:
        return apply_file(client, file, settings=settings, yes=yes, again=again, output=output or settings.output)
