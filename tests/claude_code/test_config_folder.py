"""Claude Code's config folder: its place, its settings file, and the org of its login."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from claudemeter_tui.claude_code.config_folder import (
    CONFIG_FOLDER_VARIABLE,
    MAX_STATE_FILE_BYTES,
    OTHER_LOGIN_VARIABLES,
    locate_settings_file,
    read_login_org,
)
from tests.bodies import PERSONAL, TEAM


def write_login(folder: Path, org: object = PERSONAL) -> None:
    """Write Claude Code's state file with a login to this org."""
    folder.mkdir(parents=True, exist_ok=True)
    account = {"accountUuid": "x", "emailAddress": "pat@example.com", "organizationUuid": org}
    (folder / ".claude.json").write_text(json.dumps({"projects": {}, "oauthAccount": account}), "utf-8")


def test_login_is_in_the_home_folder_or_in_the_one_that_is_set(tmp_path: Path) -> None:
    """Without the variable the file is beside the config folder, with it inside."""
    work = {CONFIG_FOLDER_VARIABLE: str(tmp_path / "work")}
    write_login(tmp_path, PERSONAL.upper())
    assert read_login_org(tmp_path, {}) == PERSONAL
    assert read_login_org(tmp_path, work) is None
    write_login(tmp_path / "work", TEAM)
    assert read_login_org(tmp_path, work) == TEAM
    assert locate_settings_file(tmp_path, {}) == tmp_path / ".claude" / "settings.json"
    assert locate_settings_file(tmp_path, work) == tmp_path / "work" / "settings.json"


@pytest.mark.parametrize("name", OTHER_LOGIN_VARIABLES)
def test_token_in_the_environment_hides_the_login(name: str, tmp_path: Path) -> None:
    """Claude Code uses the token then, whose account is not known."""
    write_login(tmp_path)
    assert read_login_org(tmp_path, {name: "x"}) is None
    assert read_login_org(tmp_path, {name: ""}) == PERSONAL


@pytest.mark.parametrize("org", [None, "", 5, True, [PERSONAL], {"uuid": PERSONAL}])
def test_org_of_another_type_is_none(org: object, tmp_path: Path) -> None:
    """Only a text names an org."""
    write_login(tmp_path, org)
    assert read_login_org(tmp_path, {}) is None


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{", b"null", b"[]", b'{"oauthAccount": 5}', b'{"oauthAccount": []}', b"\xff\xfe"),
        *(b"[" * 100_000, b'{"projects": {"oauthAccount": {"organizationUuid": "x"}}}'),
        b" " * MAX_STATE_FILE_BYTES + b'{"oauthAccount": {"organizationUuid": "x"}}',
    ],
    ids=lambda content: repr(content[:12]),
)
def test_unreadable_file_names_no_org(content: bytes, tmp_path: Path) -> None:
    """A file of another form, or one that is too large, is no error."""
    (tmp_path / ".claude.json").write_bytes(content)
    assert read_login_org(tmp_path, {}) is None


def test_folder_in_place_of_the_file_names_no_org(tmp_path: Path) -> None:
    """Something else in its place is no error, and neither is a path with a null byte."""
    (tmp_path / ".claude.json").mkdir()
    assert read_login_org(tmp_path, {}) is None
    assert read_login_org(tmp_path, {CONFIG_FOLDER_VARIABLE: "a\0b"}) is None
