"""The files that a check reads: a profile of one's own, and the findings that are known and borne."""

from __future__ import annotations

from pathlib import Path

from unsecret.errors import Invalid, NotFound
from unsecret.model.profile import Mute, Profile
from unsecret.rules.profiles import PROFILES
from unsecret.wire.profile_files import LARGEST_FILE, mutes_from_toml, profile_from_toml


def chosen_profile(name: str) -> Profile:
    """The profile that comes with this software under `name`, else the one in the file `name`.

    Raises NotFound when it is neither, Invalid when the file is no profile.
    """
    if name in PROFILES:
        return PROFILES[name]
    path = Path(name)
    if not path.exists():
        raise NotFound(
            f"There is no profile '{name}', and no such file.",
            hint=f"Profiles: {', '.join(PROFILES)}; or a TOML file, see docs/reference/checks.md.",
        )
    return profile_from_toml(_content(path), path.name)


def read_mutes(path: Path) -> tuple[Mute, ...]:
    """The mutes in a file. Raises NotFound, or Invalid when it holds none."""
    if not path.exists():
        raise NotFound(f"There is no file {path}.")
    return mutes_from_toml(_content(path), path.name)


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(LARGEST_FILE + 1)
    except OSError as problem:
        raise Invalid(f"{path} cannot be read: {problem.strerror}.") from problem
