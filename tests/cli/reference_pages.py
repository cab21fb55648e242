"""The pages of docs/reference that are written from the code: `python -m tests.cli.reference_pages` writes them."""

from __future__ import annotations

import re
from pathlib import Path

from tests.cli.checks_page import checks_page
from unsecret.cli.app import EPILOGUE, build_app
from unsecret.config import CONFIG_VARIABLE, SETTINGS
from unsecret.operate.graph.named_tenants import CLOUDS
from unsecret.operate.graph.permissions import VERBS, Need, VerbNeeds
from unsecret.tenant_settings import AZURE_VARIABLES, TENANT_KEYS

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
WRITTEN_FROM = "<!-- Written from the code by `python -m tests.cli.reference_pages`; edit that, or the code. -->\n\n"


def cli_page() -> str:
    """docs/reference/cli.md: every command with its help."""
    commands = build_app().generate_docs(output_format="markdown")
    return (
        f"{WRITTEN_FROM}{_tidy(commands)}\n\n## All commands\n\n{EPILOGUE}\n\n{permissions_section()}\n{JSON_ANSWERS}"
    )


def permissions_section() -> str:
    """The least Graph permissions of every verb, from `operate/graph/permissions.py`."""
    rows = "\n".join(_permissions_row(row, need) for row in VERBS.values() for need in row.needs)
    roles = "\n".join(f"| `{row.verb}` | {' or '.join(row.roles)} |" for row in VERBS.values())
    return f"""## Least permissions

With exactly these of Microsoft Graph's permissions each verb works, and when one is missing its refusal names it. An
application needs them as application permissions. A signed-in person needs them as delegated ones, and one of the
directory roles besides. Those in brackets do as well, and allow more than is needed.

| verb | to | application | delegated |
| --- | --- | --- | --- |
{rows}

*Spared* is what the verb can do without: it then lists as not known what it could not read. `graph` needs what its
request needs, and `clock`, `keys` and `tenant` are about local tenants only.

| verb | a signed-in person also needs the directory role |
| --- | --- |
{roles}
"""


def _permissions_row(row: VerbNeeds, need: Need) -> str:
    when = "".join(f", {one}" for one in (need.only, "spared" if need.is_spared else "") if one)
    return f"| `{row.verb}` | {need.to}{when} | {_any_of(need.application)} | {_any_of(need.delegated)} |"


def _any_of(names: tuple[str, ...]) -> str:
    more = ", ".join(f"`{name}`" for name in names[1:])
    return f"`{names[0]}`" + (f" ({more})" if more else "")


JSON_ANSWERS = """## Answers as JSON

With `-o json`, `block` and `allow` print one object for each policy concerned:

```json
{
  "policies": [
    {
      "policy": "tenant default policy",
      "outcome": "changed",
      "changes": [{"what": "applications: passwordAddition", "before": "not set", "after": "enabled"}],
      "activates": [],
      "notes": []
    }
  ]
}
```

`outcome` is `changed`, `unchanged` (it said so already), `pending` (a dry run; `requests` then holds what would be
sent) or `failed` (`error` then holds `code` and `message`, see [errors](errors.md); the other policies are still done).
`activates` names entries that begin to bind because a policy that was off is switched on. Where nothing was planned,
because of a name that is unknown or a tenant that cannot be reached, there is no answer, only the error on stderr.

`check` prints `results`, one for each requirement with its `outcome`, `found`, `muted` and `not_known`, and `findings`,
each with `requirement`, `check`, `severity`, `subject`, `why`, `evidence`, `mend`, `advice`, `standards` and `id`; see
[checks](checks.md).

`plan` prints `pending`, and `steps`: what each does (`action`: `create`, `update`, `link`, `unlink`, `delete`), to
which `policy` and `object`, the `changes`, and the `requests` that would be sent. `apply` adds to each step its
`outcome` (`changed`, `unchanged`, `failed`, `notTried`) and where the `journal` and the `rollback` file are.

`status` prints the tenant, the default policy's and the custom policies' `restrictions` (each with `what`, `says`,
`binds`), the numbers of objects with client secrets, `warnings`, and `not_known`: what could not be read, and what
these calls never say. `tenant add` and `tenant list` print `id`, `displayName`, `domain` and `directory` of each
tenant. `graph` always prints what Graph answered.
"""


def settings_page() -> str:
    """docs/reference/settings.md: every setting."""
    rows = "\n".join(f"| `{one.name}` | `{one.variable}` | {one.meaning} | {one.default} |" for one in SETTINGS)
    keys = "\n".join(f"| `{name}` | {meaning} |" for name, meaning in TENANT_KEYS.items())
    clouds = "\n".join(f"| `{name}` | {cloud.authority} | {cloud.graph} |" for name, cloud in CLOUDS.items())
    variables = ", ".join(f"`{name}`" for name in AZURE_VARIABLES.values())
    return f"""{WRITTEN_FROM}# Settings

A setting comes from the nearest place that has it: an option of the command, then the environment, then the settings
file, then the default. The file is TOML, `~/.config/unsecret/config.toml` (or `unsecret/config.toml` in
`XDG_CONFIG_HOME`); `{CONFIG_VARIABLE}` names another. A setting in the file that nobody knows, and any whose value
cannot be read, is an error that names it. A variable that is set to nothing is not set.

| in the file | in the environment | meaning | default |
| --- | --- | --- | --- |
{rows}

```toml
# ~/.config/unsecret/config.toml
data = "~/rehearsal"
port = 9443
output = "json"
```

## Tenants that are not local

Each has a table `[tenants.NAME]` in the file, and is chosen with `--tenant NAME` or `UNSECRET_TENANT`. Signing in is
told in [real tenants](../guides/real-tenants.md).

| key | meaning |
| --- | --- |
{keys}

| cloud | sign-in | Graph |
| --- | --- | --- |
{clouds}

```toml
[tenants.prod]
tenant_id = "contoso.onmicrosoft.com"
auth = "azure-cli"

[tenants.agency]
tenant_id = "5c1f2a57-0000-4000-8000-1d2c3b4a5f60"
cloud = "usgov"
auth = "certificate"
client_id = "0d1e2f30-0000-4000-8000-112233445566"
certificate = "~/agency.pem"
```

Read from the environment in the words of Microsoft's own libraries: {variables}. They say who signs in, and
fill in what a table leaves out; none of them chooses the tenant, unless `--tenant azure` says so.

## Elsewhere

`XDG_DATA_HOME` moves the default directory of the tenant, `XDG_STATE_HOME` the note of which tenant was started last
and the journals of `unsecret apply` (`~/.local/state/unsecret`). Two settings may hold a secret:
`signing_key_passphrase`, and `database` if its URL has a password in it; better, leave that to `PGPASSFILE` or
`PGPASSWORD`, which PostgreSQL's own library reads. A client secret is never read from the file. Proxies set in the
environment are not used: a local tenant is not behind one, and on the way to others `proxy` names it.
"""


def _tidy(page: str) -> str:
    """Without blanks at the ends of lines and of the page, and without runs of empty lines.

    The usage of a nested command holds the arguments of whoever is running; they are taken out.
    """
    page = re.sub(r"^(unsecret \w+ [\w-]+) .+(\[OPTIONS\].*)$", r"\1 \2", page, flags=re.MULTILINE)
    lines = [line.rstrip() for line in page.strip().splitlines()]
    kept = [line for place, line in enumerate(lines) if line or lines[place - 1]]
    return "\n".join(kept)


def _checks_page() -> str:
    return WRITTEN_FROM + checks_page()


PAGES = {"cli.md": cli_page, "settings.md": settings_page, "checks.md": _checks_page}


def main() -> None:
    """Write every page anew."""
    for name, page in PAGES.items():
        (REFERENCE / name).write_text(page())
        print(REFERENCE / name)


if __name__ == "__main__":
    main()
