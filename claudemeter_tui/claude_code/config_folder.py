"""Find Claude Code's config folder, its settings file, and the org that it is logged in to.

A status line reads this every second, so the module loads little.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from pathlib import Path

CONFIG_FOLDER_VARIABLE = "CLAUDE_CONFIG_DIR"
OTHER_LOGIN_VARIABLES = ("CLAUDE_CODE_OAUTH_TOKEN", "ANTHROPIC_AUTH_TOKEN")
"""Variables with a token that Claude Code uses instead of the config folder's login."""
MAX_STATE_FILE_BYTES = 32 << 20
"""Maximum bytes of `.claude.json`, which also keeps a history of every project."""


def find_config_folder(home: Path, environment: Mapping[str, str]) -> str:
    """Return the folder with login and settings, in the spelling that Claude Code uses.

    It is `CLAUDE_CONFIG_DIR`, else `~/.claude`.
    """
    given = environment.get(CONFIG_FOLDER_VARIABLE, "")
    return unicodedata.normalize("NFC", given or str(home / ".claude"))


def locate_settings_file(home: Path, environment: Mapping[str, str]) -> Path:
    """Return the user's settings file of Claude Code, which this program never changes."""
    return Path(find_config_folder(home, environment)) / "settings.json"


def list_config_folders(home: Path, environment: Mapping[str, str]) -> tuple[Path, ...]:
    """Return every folder that can have transcripts in its `projects`, whether it exists or not.

    `CLAUDE_CONFIG_DIR` names them, separated by commas; each is a config folder or its `projects`. Without
    it, they are `$XDG_CONFIG_HOME/claude` (`~/.config/claude`) and `~/.claude`.
    """
    parts = environment.get(CONFIG_FOLDER_VARIABLE, "").split(",")
    given = [Path(part.strip()) for part in parts if part.strip()]
    usual = [Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "claude", home / ".claude"]
    folders = (folder.parent if folder.name == "projects" else folder for folder in given or usual)
    return tuple(dict.fromkeys(folders))


def locate_state_file(folder: Path, home: Path, environment: Mapping[str, str]) -> Path:
    """Return the file with the login of a config folder: inside of it, or beside the usual one."""
    is_usual = folder == home / ".claude" and not environment.get(CONFIG_FOLDER_VARIABLE)
    return (home if is_usual else folder) / ".claude.json"


def read_login(folder: Path, home: Path, environment: Mapping[str, str]) -> tuple[str, str] | None:
    """Return the UUIDs of the org and the account that a config folder is logged in to, in lower case.

    The account is empty if it is not reported. None if the org is not known: no login, a file of another
    form, or a token in the environment, which may belong to another account.
    """
    if any(environment.get(name) for name in OTHER_LOGIN_VARIABLES):
        return None
    try:
        with locate_state_file(folder, home, environment).open("rb") as file:
            content = json.loads(file.read(MAX_STATE_FILE_BYTES))
    except (OSError, ValueError, RecursionError):
        return None
    account = content.get("oauthAccount") if isinstance(content, dict) else None
    if not isinstance(account, dict):
        return None
    org, person = account.get("organizationUuid"), account.get("accountUuid")
    if not (isinstance(org, str) and org):
        return None
    return org.lower(), person.lower() if isinstance(person, str) else ""


def read_login_org(home: Path, environment: Mapping[str, str]) -> str | None:
    """Return the UUID of the org that Claude Code's own config folder is logged in to; see `read_login`."""
    login = read_login(Path(find_config_folder(home, environment)), home, environment)
    return login[0] if login is not None else None
