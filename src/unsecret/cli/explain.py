"""`unsecret explain`."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from unsecret.cli.options import Data, Query, Report, ReportFile, SnapshotFile, TenantName
from unsecret.cli.printing import say
from unsecret.cli.words import policy_in_words
from unsecret.config import read_settings
from unsecret.errors import Invalid, NotFound, UnsecretError

if TYPE_CHECKING:
    from unsecret.cli.answers import Answer
    from unsecret.config import Settings
    from unsecret.operate.applications.explain import May, Meaning
    from unsecret.operate.applications.one_application import Whole

App = Annotated[str | None, Parameter(metavar="APP", help="The application: appId, object id or display name.")]
Error = Annotated[
    str | None,
    Parameter(
        name="--error",
        metavar="TEXT",
        allow_leading_hyphen=True,
        help="An error to explain instead: its text or JSON, @FILE, or - for standard input.",
    ),
]


def explain(
    app: App = None,
    /,
    *,
    error: Error = None,
    snapshot: SnapshotFile = None,
    tenant: TenantName = None,
    data: Data = None,
    output: Report = None,
    output_file: ReportFile = None,
    query: Query = None,
) -> int:
    """Say which restrictions bind an application, from which policy, and what may be created on it now; or which policy
    refused something, why, and what to do instead.

    Changes nothing. It is the law that decides itself that is asked, so the answer is what would happen.

    **Examples**

        unsecret explain "Payroll Export"
        unsecret explain "Payroll Export" --snapshot contoso.snapshot
        unsecret explain --error @pipeline.log
        az ad app credential reset --id 5c1f2a57-… --append 2>&1 |
          unsecret explain --error -
    """
    from unsecret.cli.answers import put

    settings = read_settings()
    if (app is None) == (error is None):
        raise Invalid("Name an application, or an error with --error; one of the two.", hint="unsecret explain --help")
    if error is not None:
        answer = _of_error(_text_of(error), settings, snapshot, data, tenant)
    else:
        answer = _of_application(app or "", settings, snapshot, data, tenant)
    put(answer, output=output or settings.output, query=query, file=output_file)
    return 0


def _of_application(
    app: str, settings: Settings, snapshot: Path | None, data: Path | None, tenant: str | None
) -> Answer:
    from unsecret.cli.source import as_of, asked
    from unsecret.operate.applications.one_application import may_be_created, read_one

    with asked(settings, snapshot=snapshot, data=data, tenant=tenant, verb="explain", app=app) as opened:
        at = as_of(opened)
        found = read_one(opened, app, now=at)
        return _answer(found, may_be_created(opened, found, now=at), at)


def _answer(found: Whole, may: dict[str, tuple[May, ...]], at: datetime) -> Answer:
    from unsecret.cli.answers import Answer, Sheet
    from unsecret.cli.app_pages import COLUMNS_OF_POLICIES, exemption_facts, policy_rows
    from unsecret.cli.words import face_in_words

    rows = [
        (one.what, face_in_words(kind), _verdict(one), one.reasons[0] if one.reasons else "–")
        for kind, answers in may.items()
        for one in answers
    ]
    application = found.application
    return Answer(
        title=f"What binds {application.display_name}",
        content={
            "as_of": at,
            "app_id": application.app_id,
            "display_name": application.display_name,
            "may_be_created": may,
            "governed": found.governed,
        },
        sheets=(
            Sheet("What may be created now", ("WHAT", "ON THE", "ALLOWED", "WHY NOT"), rows),
            Sheet("Restrictions", COLUMNS_OF_POLICIES, policy_rows(found), empty="No policy restricts it."),
        ),
        facts=(
            f"{application.display_name} (appId {application.app_id}), as of {at:%Y-%m-%d}",
            f"Governed by: {_governing(found)}.",
            *exemption_facts(found, at),
        ),
        notes=("Federated credentials are restricted by no app management policy.",),
    )


def _governing(found: Whole) -> str:
    """Every policy with an entry for it: a policy of its own leaves the rest to the tenant default."""
    named = dict.fromkeys(entry.policy for one in found.governed for entry in one.restrictions)
    application = found.application
    return ", ".join(named) or policy_in_words(application.policy, is_custom=application.policy_id is not None)


def _verdict(one: May) -> str:
    if not one.allowed:
        return "no"
    return f"yes, for at most {one.limit}" if one.limit else "yes"


def _of_error(text: str, settings: Settings, snapshot: Path | None, data: Path | None, tenant: str | None) -> Answer:
    from unsecret.cli.answers import Answer, Sheet
    from unsecret.operate.applications.explain import explain_error

    meanings = explain_error(text)
    if not meanings:
        raise NotFound(
            "No error that is known here is in that text.",
            hint="Known are the refusals of app management policies, and those of sign-ins with credentials. "
            "A file with the text is named @FILE.",
        )
    names = _policy_names(meanings, settings, snapshot, data, tenant)
    return Answer(
        title="What the error means",
        content={"errors": meanings, "policies": names},
        sheets=(
            Sheet(
                "Errors",
                ("ERROR", "MEANING", "POLICY"),
                [(one.code, one.meaning, names.get(one.policy_id or "", one.policy_id) or "–") for one in meanings],
            ),
            Sheet("What to do instead", ("INSTEAD",), [(remedy,) for remedy in _remedies(meanings)]),
        ),
    )


def _remedies(meanings: tuple[Meaning, ...]) -> list[str]:
    return list(dict.fromkeys(remedy for one in meanings for remedy in one.remedies))


def _policy_names(
    meanings: tuple[Meaning, ...], settings: Settings, snapshot: Path | None, data: Path | None, tenant: str | None
) -> dict[str, str]:
    """What the policies that refused are called; nothing where no tenant can be asked."""
    from unsecret.operate.policy_names import names_in_snapshot, names_in_tenant

    ids = {one.policy_id for one in meanings if one.policy_id}
    if not ids:
        return {}
    try:
        if snapshot:
            return names_in_snapshot(snapshot, ids)
        from unsecret.cli.reaching import reach

        with reach(settings, data, tenant, verb="explain") as client:
            return names_in_tenant(client, ids)
    except UnsecretError as problem:
        say(f"note: which policy that is could not be looked up: {problem.message}")
        return {}


def _text_of(error: str) -> str:
    if error == "-":
        return sys.stdin.read()
    if not error.startswith("@"):
        return error
    try:
        return Path(error[1:]).read_text("utf-8", "replace")
    except OSError as problem:
        raise Invalid(f"{error[1:]} cannot be read: {problem.strerror}.") from problem
