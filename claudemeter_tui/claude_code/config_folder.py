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


def read_login_org(home: Path, environment: Mapping[str, str]) -> str | None:
    """Return the UUID of the org that the config folder is logged in to, in lower case.

    None if it is not known: no login, a file of another form, or a token in the environment, which may belong
    to another account.
    """
    if any(environment.get(name) for name in OTHER_LOGIN_VARIABLES):
        return None
    # Only with the variable, the file is inside the folder.
    has_folder = bool(environment.get(CONFIG_FOLDER_VARIABLE))
    folder = Path(find_config_folder(home, environment)) if has_folder else home
    try:
        with (folder / ".claude.json").open("rb") as file:
            content = json.loads(file.read(MAX_STATE_FILE_BYTES))
    except (OSError, ValueError, RecursionError):
        return None
    account = content.get("oauthAccount") if isinstance(content, dict) else None
    org = account.get("organizationUuid") if isinstance(account, dict) else None
    return org.lower() if isinstance(org, str) and org else None
