"""Files that only their owner may read."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from unsecret.errors import Invalid, Unavailable
from unsecret.private_files import private_directory, write_private


def test_a_private_file_is_its_owners_whatever_the_umask(tmp_path: Path):
    before = os.umask(0)
    try:
        write_private(tmp_path / "key", b"secret")
        made = private_directory(tmp_path / "directory")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert stat.S_IMODE(made.stat().st_mode) == 0o700


def test_a_file_that_was_open_to_all_is_replaced_by_a_private_one(tmp_path: Path):
    file = tmp_path / "key"
    file.write_bytes(b"old")
    file.chmod(0o644)
    with file.open("rb") as reader:
        write_private(file, b"new")
        assert reader.read() == b"old"
    assert file.read_bytes() == b"new"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path):
    file = tmp_path / "key"
    write_private(file, b"old")
    with pytest.raises(TypeError):
        write_private(file, "text")  # ty: ignore[invalid-argument-type] - what a bug would do
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]


def test_a_place_that_takes_no_file_is_named(tmp_path: Path):
    with pytest.raises(Unavailable, match=r"key cannot be written: No such file or directory"):
        write_private(tmp_path / "nowhere" / "key", b"x")
    (tmp_path / "file").write_bytes(b"")
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(Invalid, match="cannot be made a directory"):
            private_directory(place)


def test_a_directory_that_is_there_is_left_as_it_is(tmp_path: Path):
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o755)
    shared.chmod(0o755)
    assert private_directory(shared) == shared
    assert stat.S_IMODE(shared.stat().st_mode) == 0o755
