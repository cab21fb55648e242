"""Policy files and saved plans on disk."""

from __future__ import annotations

from pathlib import Path

import msgspec

from unsecret.errors import Invalid, NotFound
from unsecret.operate.steps import LAYOUT, Plan
from unsecret.wire.policy_files import PolicyFile, read_policy_file

LARGEST = 16 * 1024 * 1024
"""Bytes. Some tens of thousands of assignments fit; a tenant's whole export given by mistake does not."""


def read_policies(path: Path) -> PolicyFile:
    """The policy file at `path`. Raises NotFound, or Invalid when it cannot be understood."""
    return _read_text(_bytes(path), path)


def read_plan_or_policies(path: Path) -> Plan | PolicyFile:
    """What is at `path`: a plan that `unsecret plan --out` saved, or a policy file. Raises as read_policies does."""
    content = _bytes(path)
    if not content.lstrip().startswith(b"{"):  # no TOML begins so
        return _read_text(content, path)
    try:
        plan = msgspec.json.decode(content, type=Plan)
    except msgspec.DecodeError as problem:
        raise Invalid(f"{path} is no plan: {problem}.", hint="Make one: unsecret plan FILE --out PLAN") from problem
    if plan.layout != LAYOUT:
        raise Invalid(f"{path} is laid out as '{plan.layout}'; this software reads '{LAYOUT}'.")
    return plan


def plan_text(plan: Plan) -> str:
    """A plan as it is saved."""
    return msgspec.json.format(msgspec.json.encode(plan), indent=2).decode() + "\n"


def _bytes(path: Path) -> bytes:
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
        raise Invalid(f"{path} is not UTF-8, which TOML is written in.") from problem
    try:
        return read_policy_file(text.replace("\r\n", "\n"))
    except Invalid as problem:
        raise Invalid(f"{path}: {problem.message}", hint=problem.hint, target=problem.target) from problem
