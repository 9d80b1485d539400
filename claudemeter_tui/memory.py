"""What the program remembers from run to run: nothing that anybody would miss."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the first frame does not wait for it
    from claudemeter_tui.model.store import OrgKey

FILE = "state.json"
"""In the state folder."""
LARGEST_FILE = 16_384
"""Bytes; a real one has a hundred."""
LONGEST = 200
"""Characters of a name or a key that is believed."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What was chosen last."""

    theme: str | None = None
    """The theme's name. None: none was ever chosen."""
    org: OrgKey | None = None
    """The org that was on screen. None: none was ever chosen."""


def load(folder: Path) -> Memory:
    """What `save` kept in the folder; each part that is lost or broken is as if it never was."""
    try:
        with (folder / FILE).open("rb") as file:
            found = json.loads(file.read(LARGEST_FILE))
    except (OSError, ValueError, RecursionError):
        return Memory()
    if not isinstance(found, dict):
        return Memory()
    org = found.get("org")
    pair = tuple(map(_text, org)) if isinstance(org, list) and len(org) == 2 else ()
    match pair:
        case (str(account), str(uuid)):
            return Memory(_text(found.get("theme")), (account, uuid))
    return Memory(_text(found.get("theme")))


def save(folder: Path, memory: Memory) -> None:
    """Keep it; where that cannot be, nothing happens."""
    from claudemeter_tui.private import write_whole  # noqa: PLC0415 - most runs only read, before the first frame

    org = None if memory.org is None else list(memory.org)
    with contextlib.suppress(OSError):
        write_whole(folder / FILE, json.dumps({"theme": memory.theme, "org": org}))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and len(value) <= LONGEST and value.isprintable() else None
