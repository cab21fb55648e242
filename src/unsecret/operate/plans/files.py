"""Policy files and saved plans on disk."""

from __future__ import annotations

from pathlib import Path

import msgspec

from unsecret.errors import Invalid, NotFound
from unsecret.model.identifiers import canonical_guid
from unsecret.operate.graph.client import VERSIONS
from unsecret.operate.plans.steps import LAYOUT, Action, Plan, Step, body_of, difference_lines
from unsecret.operate.policies.block import DEFAULT_POLICY
from unsecret.operate.policies.change import POLICIES
from unsecret.operate.policies.entries import DEFAULT_TITLE
from unsecret.operate.policies.targets import KINDS
from unsecret.wire.policy_files import PolicyFile, read_policy_file

LARGEST = 16 * 1024 * 1024
"""Bytes. Some tens of thousands of assignments fit; a tenant's whole export given by mistake does not."""


def read_policies(path: Path) -> PolicyFile:
    """The policy file at `path`. Raises NotFound, or Invalid when it cannot be understood."""
    content = bytes_of(path)
    if _is_plan(path):
        raise Invalid(f"{path} is a saved plan, no policy file.", hint=f"Carry it out: unsecret apply {path}")
    return _read_text(content, path)


def require_place(path: Path) -> None:
    """Raises Invalid where a plan at `path` would take the place of something else, such as the policy file."""
    if path.is_file() and path.stat().st_size and not _is_plan(path):
        raise Invalid(f"{path} is no saved plan, and is not written over.", hint="Name another file with --out.")


def _is_plan(path: Path) -> bool:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_LaidOut).layout.startswith("plan/")
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return False


class _LaidOut(msgspec.Struct):
    """What a plan of any version says."""

    layout: str


def read_plan_or_policies(path: Path) -> Plan | PolicyFile:
    """What is at `path`: a plan that `unsecret plan --out` saved, or a policy file. Raises as read_policies does."""
    content = bytes_of(path)
    if not content.lstrip().startswith(b"{"):  # no TOML begins so
        return _read_text(content, path)
    try:
        plan = msgspec.json.decode(content, type=Plan)
    except msgspec.DecodeError as problem:
        raise Invalid(f"{path} is no plan: {problem}.", hint="Make one: unsecret plan FILE --out PLAN") from problem
    if plan.layout != LAYOUT:
        raise Invalid(f"{path} is laid out as '{plan.layout}'; this software reads '{LAYOUT}'.")
    if strange := [step.words for step in plan.steps if not _is_whole(step)]:
        raise Invalid(
            f"{path} was altered since it was saved: what it shows of '{strange[0]}' is not what it would send.",
            hint="Make it again: unsecret plan FILE --out PLAN",
        )
    return plan


def _is_whole(step: Step) -> bool:
    """Whether a step sends what it shows, and sends it to a policy: a plan may come from anybody."""
    if step.policy_id is not None and canonical_guid(step.policy_id) is None:
        return False
    if step.version not in VERSIONS or (step.action is Action.DELETE) != (step.before is not None):
        return False
    if step.action in (Action.LINK, Action.UNLINK):
        return step.link is not None and step.link.collection in KINDS and canonical_guid(step.link.id) is not None
    if step.action is Action.DELETE:
        return step.policy_id is not None
    return step.link is None and _is_whole_change(step)


def _is_whole_change(step: Step) -> bool:
    change = step.change
    if change is None or change.links or change.version not in VERSIONS:
        return False
    policy = f"{POLICIES}/{step.policy_id}" if step.policy_id else DEFAULT_POLICY
    path = None if step.action is Action.CREATE else f"{change.version}/{policy}"
    before = change.before or {}
    is_default = step.action is Action.UPDATE and step.policy_id is None
    name = (change.before or change.after).get("displayName")
    return (
        change.path == path
        and change.title == (DEFAULT_TITLE if is_default else f"custom policy '{name}'")
        and change.body == body_of(before, change.after, change.version)
        and change.lines == tuple(difference_lines(before, change.after))
        and (before == {}) is (path is None)
    )


def plan_text(plan: Plan) -> str:
    """A plan as it is saved."""
    return msgspec.json.format(msgspec.json.encode(plan), indent=2).decode() + "\n"


def bytes_of(path: Path) -> bytes:
    """What is in the policy file `path`. Raises NotFound, or Invalid when it cannot be read or is too long."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise NotFound(f"There is no file {path}.", hint=f"Write down what is there: unsecret export {path}") from None
    except OSError as problem:
        raise Invalid(f"{path} cannot be read: {problem.strerror}.") from problem
    if len(content) > LARGEST:
        raise Invalid(f"{path} is longer than a policy file can be ({LARGEST // 1024 // 1024} MiB).")
    return content


def _read_text(content: bytes, path: Path) -> PolicyFile:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        hint = "A snapshot is named with --snapshot, besides the policy file." if content.startswith(b"PK") else None
        raise Invalid(f"{path} is not UTF-8, which TOML is written in.", hint=hint) from problem
    try:
        return read_policy_file(text.replace("\r\n", "\n"))
    except Invalid as problem:
        raise Invalid(f"{path}: {problem.message}", hint=problem.hint, target=problem.target) from problem
