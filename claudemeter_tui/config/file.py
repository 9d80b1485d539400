"""What the config file says, as dotted keys; its values are looked at by whoever knows the setting."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path

from claudemeter_tui.config.errors import SettingsError, is_secret, why

LARGEST_FILE = 1 << 20
"""Bytes; a real one has a few hundred."""
SECRETS = re.compile(r"cookies?|.*session_?key|.*token|.*secret|.*password", re.IGNORECASE)
"""Keys that somebody may try for what must not stand in this file."""


def keys_of(path: Path, known: Collection[str]) -> dict[str, object]:
    """The dotted keys of a file and their values; empty where there is no file.

    Raises:
        SettingsError: it cannot be read, is no TOML, or holds a key that is not known.
    """
    try:
        content = _content(path)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise SettingsError(f"{str(path)!r}: {why(error)}") from None
    found = dict(_flat(_parsed(content, path), known))
    for key in found:
        if key not in known:
            raise SettingsError(f"{str(path)!r}: {_unknown(key, known)}")
    return found


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(LARGEST_FILE + 1)


def _parsed(content: bytes, path: Path) -> dict[str, object]:
    if len(content) > LARGEST_FILE:
        raise SettingsError(f"{str(path)!r}: it is larger than any config file")
    import tomllib  # noqa: PLC0415 - most have no file

    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise SettingsError(f"{str(path)!r}: it is not a text in UTF-8") from None
    except RecursionError:
        raise SettingsError(f"{str(path)!r}: it is nested too deep") from None
    except ValueError as error:
        said = "a number has too many digits" if type(error) is ValueError else str(error)
        raise SettingsError(f"{str(path)!r}: {said}") from None


def _flat(table: dict[str, object], known: Collection[str], above: str = "") -> Iterator[tuple[str, object]]:
    """Keys with those of their tables before them; a table that no setting is in counts as one key."""
    for key, value in table.items():
        dotted = above + _shown(key)
        if isinstance(value, dict) and any(one.startswith(f"{dotted}.") for one in known):
            yield from _flat(value, known, f"{dotted}.")
        else:
            yield dotted, value


def _shown(key: str) -> str:
    """A key as it would stand in the file; one that needs them has quotation marks."""
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else repr(key)


def _unknown(key: str, known: Collection[str]) -> str:
    """What is wrong with a key, and what may have been meant."""
    if is_secret(key) or SECRETS.fullmatch(key):
        shown = "this key" if is_secret(key) and len(key) > 20 else key
        return (
            f"{shown}: a secret is no setting; put it into a file of its own and name that as cookie_file,"
            " or set CLAUDEMETER_COOKIE"
        )
    if any(one.startswith(f"{key}.") for one in known):
        return f"{key}: it is a table: write [{key}] and its keys below"
    from difflib import get_close_matches  # noqa: PLC0415 - rare and slow

    near = get_close_matches(key.replace("-", "_"), known, 1)
    meant = f"did you mean {near[0]}?" if near else f"there are: {', '.join(known)}"
    return f"{key}: there is no such setting; {meant}"
