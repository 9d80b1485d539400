"""The archive of what transcripts hold, filled as the program fills it, and its calls."""

from __future__ import annotations

import threading
from contextlib import closing
from pathlib import Path

from claudemeter_tui.claude_code.config_folder import CONFIG_FOLDER_VARIABLE
from claudemeter_tui.history.database import from_millis, open_for_reading, open_for_writing
from claudemeter_tui.model.transcripts import TokenCounts
from claudemeter_tui.transcript_process import TranscriptKeeper
from tests.transcript_files import TrueCall

_CALLS = f"""
SELECT at, coalesce(projects.path, ''), coalesce(models.name, ''), coalesce(variants.name, ''),
    is_sidechain, rebuilt, {", ".join(TokenCounts._fields)}
FROM calls LEFT JOIN projects ON projects.id = project_id
    LEFT JOIN names AS models ON models.id = model_id LEFT JOIN names AS variants ON variants.id = variant_id
ORDER BY at, key
"""  # noqa: S608 - our own names


def create_archive(path: Path) -> Path:
    """Create an empty archive; return its file."""
    open_for_writing(path).close()
    return path


def build_keeper(archive: Path, *config_folders: Path) -> TranscriptKeeper:
    """Return a reader of these config folders, as a new process has it."""
    variables = {CONFIG_FOLDER_VARIABLE: ",".join(map(str, config_folders))}
    return TranscriptKeeper(archive, archive.parent, variables)


def keep_changes(keeper: TranscriptKeeper) -> int:
    """Keep everything that is new; return the number of parts."""
    return len(list(keeper.read_changes(threading.Event(), everything=True)))


def load_calls(archive: Path) -> list[TrueCall]:
    """Return every kept call, oldest first, without an oddity."""
    with closing(open_for_reading(archive)) as connection:
        rows = connection.execute(_CALLS).fetchall()
    return [
        TrueCall(from_millis(at), project, model, variant, TokenCounts(*counts), bool(side), rebuilt, None)
        for at, project, model, variant, side, rebuilt, *counts in rows
    ]


def count_skipped(archive: Path) -> int:
    """Return the number of lines that could not be read."""
    with closing(open_for_reading(archive)) as connection:
        (found,) = connection.execute("SELECT coalesce(sum(skipped), 0) FROM transcript_files").fetchone()
    return int(found)
