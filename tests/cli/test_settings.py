"""Settings: a file, the environment, and what is said about a wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest

from unsecret.config import SETTINGS, Settings, config_file, settings_from
from unsecret.errors import Invalid


def written(home: Path, text: str) -> dict[str, str]:
    file = home / ".config" / "unsecret" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text(text)
    return {"HOME": str(home)}


def test_the_defaults_need_nothing(tmp_path: Path) -> None:
    assert settings_from({"HOME": str(tmp_path)}) == Settings(
        home=tmp_path,
        default_data=tmp_path / ".local" / "share" / "unsecret",
        state=tmp_path / ".local" / "state" / "unsecret",
    )


def test_the_file_is_read_and_a_variable_wins_over_it(tmp_path: Path) -> None:
    environ = written(tmp_path, 'port = 9443\nhost = "0.0.0.0"\noutput = "json"\ndata = "~/rehearsal"\ntimeout = 2.5')
    settings = settings_from({**environ, "UNSECRET_PORT": "9444"})
    assert (settings.port, settings.host, settings.output, settings.timeout) == (9444, "0.0.0.0", "json", 2.5)
    assert settings.data == tmp_path / "rehearsal"


def test_another_file_can_be_named(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("port = 1")
    assert settings_from({"HOME": str(tmp_path), "UNSECRET_CONFIG": str(tmp_path / "mine.toml")}).port == 1


def test_xdg_directories_are_used_and_relative_ones_ignored(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "XDG_DATA_HOME": "/data", "XDG_STATE_HOME": "state", "XDG_CONFIG_HOME": "/etc/me"}
    settings = settings_from(environ)
    assert settings.default_data == Path("/data/unsecret")
    assert settings.state == tmp_path / ".local" / "state" / "unsecret"
    assert config_file(environ) == Path("/etc/me/unsecret/config.toml")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("prot = 1", "there is no setting 'prot'"),
        ("port = 70000", "'port' in .*: expected a port number"),
        ("port = true", "'port' in .*: expected a port number"),
        ('output = "xml"', "expected one of: table, json, not 'xml'"),
        ("timeout = -1", "expected a number of seconds"),
        ("timeout = 0", "expected a number of seconds above 0, not '0'"),
        ('data = ""', "'data' in .*: expected a directory"),
        ("port = [1]", "'port' in"),
        ("port 1", "cannot be read"),
    ],
)
def test_a_wrong_setting_in_the_file_is_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        settings_from(written(tmp_path, text))


def test_a_settings_file_that_was_named_has_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"UNSECRET_CONFIG: there is no settings file .*nowhere\.toml"):
        settings_from({"HOME": str(tmp_path), "UNSECRET_CONFIG": str(tmp_path / "nowhere.toml")})


@pytest.mark.parametrize("home", ["/dev/null", "/nowhere"])
def test_a_home_without_settings_may_be_no_directory_at_all(home: str) -> None:
    assert settings_from({"HOME": home}).port == 8443


def test_a_wrong_variable_is_named(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="UNSECRET_TIMEOUT: expected a number of seconds"):
        settings_from({"HOME": str(tmp_path), "UNSECRET_TIMEOUT": "soon"})


def test_every_setting_has_a_field_and_a_variable_of_its_name() -> None:
    assert {one.name for one in SETTINGS} <= set(Settings.__struct_fields__)
    assert all(one.variable == f"UNSECRET_{one.name.upper()}" for one in SETTINGS)
