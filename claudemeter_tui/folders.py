"""Where the files of this program lie, by the customs of the system. Nothing here makes a folder."""

from __future__ import annotations

from pathlib import Path

APP = "claudemeter-tui"


def config_file() -> Path:
    """The file that a person writes and this program only reads."""
    from platformdirs import user_config_path  # noqa: PLC0415 - slow, and a demo needs none

    return user_config_path(APP, appauthor=False) / "config.toml"


def state_folder() -> Path:
    """What the program remembers; losing it loses no setting."""
    from platformdirs import user_state_path  # noqa: PLC0415

    return user_state_path(APP, appauthor=False)


def pictures_folder() -> Path:
    """Where pictures go unless told otherwise: the person's own pictures, else the home folder."""
    from platformdirs import user_pictures_path  # noqa: PLC0415

    folder = user_pictures_path()
    return folder if folder.is_dir() else Path.home()
