"""docs/reference/policy-file.md and the JSON Schema beside the reader: `python -m tests.wire.policy_file_page`."""

from __future__ import annotations

from pathlib import Path

import msgspec

from unsecret.model.policy import CREDENTIAL_GROUPS, GROUP_OF, LIFETIME_KINDS, RestrictionGroup
from unsecret.wire.policy_file_schema import KINDS, MEMBERS_OF_ENTRIES, policy_file_schema
from unsecret.wire.policy_file_text import SCHEMA_FILE
from unsecret.wire.restrictions import MEMBERS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "policy-file.md"
SCHEMA = ROOT / "src" / "unsecret" / "wire" / SCHEMA_FILE

EXAMPLE = """#:schema ./policy-file.schema.json
unsecret = "policy/1"

[defaultAppManagementPolicy]
isEnabled = true

[defaultAppManagementPolicy.applicationRestrictions.passwordCredentials]
passwordAddition     = { state = "enabled", restrictForAppsCreatedAfterDateTime = 2027-01-01 }
symmetricKeyAddition = { state = "enabled", restrictForAppsCreatedAfterDateTime = 2027-01-01 }
passwordLifetime     = { state = "enabled", maxLifetime = "P180D" }

[defaultAppManagementPolicy.servicePrincipalRestrictions.passwordCredentials.passwordAddition]
state = "enabled"
excludeActors.customSecurityAttributes = [
    { id = "PolicyExemptions_AppManagementExemption", value = "deployment pipeline" },
]

[[appManagementPolicies]]
displayName = "Payroll may have secrets"
description = "Until its vendor takes certificates. Ask Dana."
isEnabled = true
appliesTo = [
    { app = "Payroll export" },
    { app = "Old payroll", absent = true },
    { app = "5c1f2a57-0000-4000-8000-1d2c3b4a5f60", on = "servicePrincipal" },
]

[appManagementPolicies.restrictions.passwordCredentials]
passwordAddition = { state = "disabled" }

[appManagementPolicies.restrictions.applicationRestrictions.identifierUris]
nonDefaultUriAddition = { state = "disabled" }
"""

HEAD = """<!-- Written from the code by `python -m tests.wire.policy_file_page`; edit that, or the code. -->

# Policy files

What `unsecret export` writes and `unsecret plan` and `unsecret apply` read: the app management policies of a tenant, in
[TOML](https://toml.io/en/v1.0.0). The words are Microsoft Graph's; an entry's `restrictionType` is its name.

```toml
"""

RULES = """```

## What a file speaks of

* What it does not mention is left as it is: a section, an entry, a member of an entry, an exempted caller, a
  policy, an assignment. An empty file asks for nothing.
* To take something away, it says `absent = true`: of a policy, an assignment, an entry (`passwordAddition = {
  absent = true }`), a member (`maxLifetime = { absent = true }`), an exempted caller (`{ id = "…", value = "…",
  absent = true }`). In a custom policy `absent` is not `disabled`: a disabled entry frees what the policy is linked
  to, an absent one leaves it to the tenant default.
* Lists of words, such as `blockedDomains`, are said as a whole.
* Members that Graph has and this software does not know are kept, written and read. A word that is nearly a known
  one (`passwordAdition`, `PasswordAddition`) is refused as a slip.
* A custom policy is known by its `id` if the file gives one, else by its `displayName`. A name that several
  policies have is an error that lists their ids. A policy that is not there is made.
* `tenantId = "…"` at its head says that it is for that tenant only; elsewhere it is refused. A rollback file says so.
* `app` in `appliesTo` is an appId, an object id or an exact display name. Without `on`, both the app registration
  and the service principal are meant, as far as they exist; `on = "application"` or `on = "servicePrincipal"` means
  one of them. An object can have one custom policy; one that is in another has to leave it in the same file.
* Exempting a caller is `excludeActors` of an entry; exempting an application is a custom policy with a disabled
  entry.

A lifetime is an ISO 8601 duration in any spelling (`P90D`, `P3M`, `P13W`, `PT2160H`), or .NET's `90.00:00:00`.
Graph counts in days and time only: a month is 30 days and a year 365. A date is TOML's own or text; it begins at
midnight UTC.

For an editor, such as one with the Even Better TOML extension: `unsecret export policy-file.schema.json --schema`
beside the file, which names it in its first line.

"""


def page() -> str:
    """docs/reference/policy-file.md."""
    return "\n".join([f"{HEAD}{EXAMPLE}{RULES}## Entries\n", *_groups(), "## Members of entries\n", *_members()]) + "\n"


def _groups() -> list[str]:
    lines = []
    for group in RestrictionGroup:
        whom = "applications and service principals" if group in CREDENTIAL_GROUPS else "applications"
        lines += [f"### {group}\n", f"Of {whom}.\n", "| entry | means | its own members |", "| --- | --- | --- |"]
        common = {"restrictionType", "isStateSetByMicrosoft", *_COMMON}
        for kind in (one for one, of in GROUP_OF.items() if of is group):
            own = [name for name in MEMBERS[kind] if name not in common or _limits(kind, name)]
            lines.append(f"| `{kind}` | {KINDS[kind]} | {', '.join(f'`{name}`' for name in own)} |")
        lines.append("")
    return lines


_COMMON = ("state", "maxLifetime", "restrictForAppsCreatedAfterDateTime", "excludeActors")


def _limits(kind: object, name: str) -> bool:
    return name == "maxLifetime" and kind in LIFETIME_KINDS


def _members() -> list[str]:
    rows = [f"| `{name}` | {meaning} |" for name, (meaning, _) in MEMBERS_OF_ENTRIES.items()]
    return ["| member | means |", "| --- | --- |", *rows]


def schema() -> str:
    """The schema as it is shipped."""
    return msgspec.json.format(msgspec.json.encode(policy_file_schema()), indent=2).decode() + "\n"


def main() -> None:
    """Write both anew."""
    PAGE.write_text(page())
    SCHEMA.write_text(schema())
    print(PAGE, SCHEMA, sep="\n")


if __name__ == "__main__":
    main()
