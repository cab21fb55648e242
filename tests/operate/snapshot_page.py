"""docs/reference/snapshot.md, written from the tables: `python -m tests.operate.snapshot_page`."""

from __future__ import annotations

from pathlib import Path

from unsecret.model.snapshot import AUDIT_LOG, COLLECTIONS, GRAPH, MEMBERS
from unsecret.model.snapshot_layout import LAYOUT, MANIFEST
from unsecret.wire.columns import TABLES, Table
from unsecret.wire.questions import ATTRIBUTES, NEEDS


def _needs() -> str:
    permissions = sorted(set(NEEDS.values()))
    named = {one: ", ".join(f"`{name}`" for name, need in NEEDS.items() if need == one) for one in permissions}
    return "".join(f"| `{permission}` | {names} |\n" for permission, names in named.items())


PAGE = Path(__file__).parents[2] / "docs" / "reference" / "snapshot.md"

_HEAD = f"""<!-- Written from the code by `python -m tests.operate.snapshot_page`; edit that, or the code. -->

# A snapshot

What a tenant showed of itself on one day, in one file: `unsecret snapshot FILE` takes it, `unsecret up --from FILE`
fills a tenant with it, and every question that changes nothing can be asked of it without a network: `status`, `apps`,
`forecast`, `check`, `explain`, `plan`, `export`, `exempt list` and `audit` take `--snapshot FILE`, and judge as on the
day on which it was taken. The audit log comes along with `--log 30d`. It is a zip file:

| | |
| --- | --- |
| `{MANIFEST}` | what it is of, when it was taken, and what is missing |
| `{GRAPH}/COLLECTION.ndjson` | every object as Graph showed it, one on a line |
| `columns/TABLE.parquet` | the same in columns, made of these answers |

No secret is in it: Graph shows of a client secret its id, its dates and its first three characters. The names of
applications, and the names and addresses of their owners, are; the file can be read by its owner only.

What could not be read, because a permission, a licence or a whole API was not there, is said to be missing. Missing is
not known, which is not the same as not there: a credential that no report has seen is `unused` only where the report
was read.

## {MANIFEST}

```json
{{
  "layout": "{LAYOUT}", "software": "…", "taken_at": "2026-11-22T12:00:00Z", "tenant_id": "…",
  "display_name": "Contoso", "source": "https://graph.microsoft.com",
  "collections": {{"applications": {{"count": 120}}, "users": {{"count": 0, "missing": "Insufficient privileges …"}}}}
}}
```

`layout` changes when older software could not read the file any more; members and columns may be added without that.
`collections` has an entry for everything that was asked for, with the reason in `missing` when it was not all answered.

Collections, by Graph's names: {", ".join(f"`{name}`" for name in COLLECTIONS)}. Of `users` only those are in it who own
something, hold a role or have consented, and callers whom a policy exempts by an attribute that unsecret keeps; these
with `{ATTRIBUTES}`. `appManagementPolicies` have `appliesTo`, applications and service principals
`owners`, applications and managed identities `federatedIdentityCredentials`. `appRoleAssignments` are those of service
principals. With `--log` there is `{AUDIT_LOG}`, the audit log since `log_since`.

Besides, what is asked of objects by questions of their own: {", ".join(f"`{name}`" for name in MEMBERS)}.
`keys` are the bytes of certificates.

## How it is taken

Applications and service principals are read in ranges of their dates of creation, eight pages at a time. The directory
counts its objects; those without a date are asked for by themselves, and when fewer were read than were counted, the
whole list is read as well. An object that was changed meanwhile may stand there as it was before or after, and is there
once.

Graph shows certificates to 150 requests in a minute for the whole tenant, so that a directory of some 150,000 objects
waits for it. What it asks to wait is waited.

What has been read lies in `.FILE.taking` beside the file until all is there. The same command goes on with it within a
day.

| | |
| --- | --- |
| more than twenty owners or permissions | are asked for object by object, twenty in a call |
| federated credentials | are asked of those applications that have any |
| those of managed identities | are asked of those that users assign, and not known where none is shown; see below |
| the reports of use | are beta, and need a licence (Entra ID P1 or P2) |

Azure Resource Manager keeps the federated credentials of managed identities. Graph's schema has a list of them, and no
page of Microsoft's describes it; so where it shows none for any of them, the manifest says that they are not known.

## What it takes

With these permissions of an application everything is read; without one of them what is beside it is missing. A person
needs the same as delegated permissions, and Global Reader as a role; for custom security attributes an attribute role.
Directory.Read.All holds Organization.Read.All, Application.Read.All and RoleManagement.Read.Directory.

| permission | |
| --- | --- |
{_needs()}
## Tables
"""


def page() -> str:
    """The whole page."""
    return _HEAD + "".join(_table(table) for table in TABLES)


def _table(table: Table) -> str:
    rows = "".join(f"| `{name}` | {meaning} |\n" for name, meaning in table.columns.items())
    return f"\n### {table.name}\n\n{table.meaning}\n\n| column | |\n| --- | --- |\n{rows}"


if __name__ == "__main__":
    PAGE.write_text(page())
    print(PAGE)
