"""What `unsecret up` prints once the tenant answers."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unsecret.cli.hosting import Hosted
    from unsecret.model.connection import ConnectionFile


def greeting(hosted: tuple[Hosted, ...], connection: ConnectionFile, host: str) -> list[str]:
    """What is printed once the tenant answers: where everything is, and three things to try."""
    first, *others = hosted
    lines = [
        "",
        f"{first.tenant.display_name}, tenant {connection.tenant_id}",
        f"  Graph and sign-in            {connection.graph}",
        f"  authority to trust           {connection.ca}",
        f"  administrator's certificate  {connection.certificate}",
        f"  administrator's application  {connection.client_id}",
    ]
    if first.people:
        lines.append(f"  people and their passwords   {first.people}")
    lines += [f"  also here: {one.tenant.display_name}, tenant {one.tenant.id}" for one in others]
    if host not in ("127.0.0.1", "localhost", "::1"):
        lines.append(f"  NOTE: it listens on {host}, so that other machines may reach it, too")
    if connection.clock:
        lines.append(f"  clock, which can be moved    {_own_name()} clock --move P30D")
    lines += _through_the_proxy(connection)
    return [*lines, "", "Try, in another terminal:", "", *_to_try(connection), "", "Ctrl-C stops it."]


def _through_the_proxy(connection: ConnectionFile) -> list[str]:
    """What a client has to be told to come here when it asks for Microsoft's own hosts."""
    if connection.proxy is None:
        return []
    ca = shlex.quote(connection.ca)
    return [
        f"  proxy for Microsoft's hosts  {connection.proxy}",
        "",
        "For clients that have Microsoft's hosts built in:",
        "",
        f"  export HTTPS_PROXY={connection.proxy} NO_PROXY=localhost,127.0.0.1,::1",
        f"  export REQUESTS_CA_BUNDLE={ca} SSL_CERT_FILE={ca} NODE_EXTRA_CA_CERTS={ca}",
    ]


def _to_try(connection: ConnectionFile) -> list[str]:
    ca, certificate = shlex.quote(connection.ca), shlex.quote(connection.certificate)
    return [
        "  # 1. sign Azure CLI in, by certificate; what it is signed in to elsewhere stays as it is",
        f'  export AZURE_CONFIG_DIR="$(mktemp -d)" AZURE_CORE_INSTANCE_DISCOVERY=false REQUESTS_CA_BUNDLE={ca}',
        f"  az cloud register -n unsecret --endpoint-resource-manager {connection.graph}",
        "  az cloud set -n unsecret",
        f"  az login --service-principal -u {connection.client_id} --certificate {certificate} \\",
        f"    --tenant {connection.tenant_id} --allow-no-subscriptions",
        "",
        "  # 2. make an application, and a client secret for it",
        "  app=$(az ad app create --display-name 'Try me' --query appId -o tsv)",
        "  az ad app credential reset --append --id $app",
        "",
        "  # 3. block client secrets; the reset above is refused then",
        f"  {_own_name()} block",
    ]


def _own_name() -> str:
    """How this program is called again from another terminal: `make run` leaves it off the PATH."""
    called = Path(sys.argv[0])
    return "unsecret" if called.name != "unsecret" or shutil.which("unsecret") else shlex.quote(str(called.absolute()))
