"""docs/reference/checks.md, written from the profiles that come with the software."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from unsecret.model.profile import BOTH, CREDENTIAL_KINDS, CredentialKind, Profile, Requirement, Severity
from unsecret.operate.checks.credentials import ADVICE
from unsecret.operate.checks.exemptions import EXEMPTION_ENDED
from unsecret.operate.checks.findings import Outcome
from unsecret.operate.checks.policies import PORTAL_LOCKED, WEAKENED
from unsecret.rules.profiles import HOUSEKEEPING, PROFILES
from unsecret.rules.shortfalls import Fault
from unsecret.wire.instants import format_duration

FINDINGS = {
    Fault.POLICY_OFF: "The tenant default policy is off, so nothing that it says binds anybody.",
    Fault.NOT_RESTRICTED: "No entry says anything about it.",
    Fault.DISABLED: "The entry is there, and its state is `disabled`.",
    Fault.LIMIT_TOO_LONG: "The entry allows longer lifetimes than the requirement, however its duration is spelled.",
    Fault.SPARES_EXISTING: "The entry has a date that leaves out objects which are there, or a date that is still to "
    "come. A date before which nothing was created leaves nobody out, and is no finding.",
    Fault.EXCLUDES_CALLERS: "Callers with a certain custom security attribute are not bound.",
    f"{WEAKENED}…": "A custom policy has one of these faults for the objects that it is linked to; they are named. A "
    "custom policy that is off, or linked to nothing, weakens nothing.",
    "credential-held": "A credential that must not be there still signs in.",
    "credential-long-lived": "A credential that still signs in lives longer, from start to end, than the requirement "
    "allows. Policies leave such ones alone when they were there before.",
    "credential-expired": "A credential has ended. Nobody signs in with it; it hides the ones that matter.",
    PORTAL_LOCKED: "The entries that the Entra admin center shows as one setting differ, and it will not edit them.",
    EXEMPTION_ENDED: "An exemption that `unsecret exempt` granted is still there although its last day is over.",
}
"""Every kind of finding, as its `check` says."""

OUTCOMES = {
    Outcome.HOLDS: "met; so tables call it",
    Outcome.FAILS: "there are findings; *not met* in tables",
    Outcome.NOT_KNOWN: "nothing wrong was found, and not everything could be read or understood: never taken as met",
    Outcome.MUTED: "there are findings, and all are muted",
}


def checks_page() -> str:
    """docs/reference/checks.md: profiles, findings, and the files that a check reads."""
    assert {*Fault, PORTAL_LOCKED, EXEMPTION_ENDED, *ADVICE, f"{WEAKENED}…"} == set(FINDINGS), (
        "a kind of finding is not described"
    )
    profiles = "\n\n".join(_profile(one) for one in PROFILES.values())
    return f"""# What `unsecret check` looks at

A check holds a tenant, or a snapshot of one, against a profile: the tenant's default policy, every custom policy
that weakens it for somebody, and the credentials that policies came too late for. `unsecret check --profile NAME`
takes one of the profiles below or a file. Which policy governs an object is asked of [the
law](../concepts/the-law.md), as by the local tenant itself.

## Outcomes

| outcome of a requirement | means |
| --- | --- |
{_rows((f"`{one.value}`", words) for one, words in OUTCOMES.items())}

The exit code is 0 when every requirement is met or muted, else 3; `--ignore-exit-code-3` makes it 0.

## Profiles

Standards speak of "applications"; service principals are asked as well, since a secret on either signs in as the
application. *Or blocked* says that a limit counts as held where such credentials cannot be added at all.

{profiles}

### Whatever the profile

{_table(HOUSEKEEPING)}

## Findings

| `check` | what was found |
| --- | --- |
{_rows((f"`{name}`", words) for name, words in FINDINGS.items())}

Every finding has `mend`, the command that mends it, and `id`, which is the same in every run. Commands of policies
are `unsecret block` with the options that concern the entry; of two lifetimes they keep the shorter. Commands of
credentials are `unsecret remove`, with `--force` where the credential still signs in: see first that its
replacement does.

Not looked at among credentials: certificates that sign tokens for people (SAML) or encrypt them, federated
credentials, which do not end, and what managed identities hold, which Microsoft renews.

Of each requirement 1,000 findings are listed, in a table 20, unless `--limit` says otherwise; all are counted.

## A profile of one's own

```toml
title = "Our standard for application credentials"

[[requirement]]
id = "ORG.1"
title = "New client secrets live 90 days at most, and so do those that are there"
severity = "high"
restrictions = ["passwordLifetime", "symmetricKeyLifetime"]
credentials = ["password", "symmetricKey"]
longest = "P90D"
standards = ["Handbook 7.2"]
source = "https://intranet.example/handbook#7.2"
```

| member | means | left out |
| --- | --- | --- |
| `id`, `title` | what the requirement is called | required |
| `severity` | {_listed(Severity)} | `medium` |
| `restrictions` | what policies must hold: {_listed(CREDENTIAL_KINDS)} | nothing |
| `sections` | whom it is asked of: `applications`, `servicePrincipals` | both |
| `credentials` | what nobody may hold, or with `longest` not for longer: {_listed(CredentialKind)} | nothing |
| `longest` | the longest lifetime, an ISO 8601 duration in days and time such as `P90D` | needed for lifetimes |
| `accepts` | the longest lifetime that a policy may allow, where that is not `longest` | as `longest` |
| `or_blocked` | whether a limit counts as held where such credentials cannot be added | `false` |
| `standards`, `source` | ids to print, and where it is written | nothing |

A file holds 100 requirements at most. What is not known in it is an error that names the place.

## Mutes

```toml
[[mute]]
subject = "ConnectSyncProvisioning_*"
requirement = "MS.5"
reason = "Entra Connect renews it by itself"
until = 2027-06-30
```

`subject` is held against the names and ids of what a finding is about (an application, a credential, a policy),
`requirement` and `check` against those of the finding; `*` stands for anything, `?` for one character, and capitals
do not matter. A mute without `reason`, without `until`, or past that day mutes nothing, and the answer says so. One
that matches nothing is named, too.

## Formats

`--output` takes `table`, `json`, `csv`, `md`, `html`, `junit` (a requirement is a test; one that is not known is an
error, one that is muted is skipped) and `sarif` (2.1.0; what is not known is a result of the kind `open`).
`--output-file FILE` writes the answer to a file that only its owner reads.
"""


def _profile(one: Profile) -> str:
    return f"### `{one.name}`: {one.title}\n\n{_table(one.requirements)}"


def _table(requirements: tuple[Requirement, ...]) -> str:
    head = "| id | asks | severity | policies must hold | nobody may hold | standards | source |"
    rows = _rows(
        (
            f"`{one.id}`",
            one.title,
            one.severity.value,
            _policies(one),
            _credentials(one),
            ", ".join(one.standards),
            f"[page]({one.source})",
        )
        for one in requirements
    )
    return f"{head}\n| --- | --- | --- | --- | --- | --- | --- |\n{rows}"


def _policies(one: Requirement) -> str:
    if not one.kinds:
        return ""
    said = _listed(one.kinds)
    if one.longest:
        said += f" ≤ `{format_duration(one.longest)}`"
    if one.accepts:
        said += f" (`{format_duration(one.accepts)}` is taken for that)"
    if one.or_blocked:
        said += ", *or blocked*"
    if one.sections != BOTH:
        said += f" ({', '.join(section.value for section in one.sections)})"
    return said


def _credentials(one: Requirement) -> str:
    if not one.credentials:
        return ""
    return _listed(one.credentials) + (f" > `{format_duration(one.longest)}`" if one.longest else "")


def _listed(words: Iterable[StrEnum]) -> str:
    return ", ".join(f"`{word.value}`" for word in words)


def _rows(rows: Iterable[tuple[str, ...]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
