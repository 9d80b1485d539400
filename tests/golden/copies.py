"""The golden copies by the names of their files, and the folder of the accepted ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from pathlib import Path

from tests.golden import answers, commands, verdicts, words
from tests.golden.scenes import scenes
from tests.golden.texts import headed, of_scene

FOLDER = Path(__file__).parent.parent.parent / "snapshots" / "golden"
"""Folder of the accepted texts."""
SUFFIX = ".txt"


@cache
def copies() -> Mapping[str, Callable[[], str]]:
    """Return the maker of each text, by the name of its file without the suffix."""
    tables = {
        "command-help": commands.of_help,
        "command-refusals": commands.of_refusals,
        "command-config": commands.of_config,
        "command-polls": commands.of_polls,
        "command-sessions": commands.of_sessions,
        "words-problems": words.of_problems,
        "words-events": words.of_events,
        "words-reasons": words.of_reasons,
        "words-forms": words.of_forms,
        "words-replies": words.of_replies,
        "words-verdicts": verdicts.of_verdicts,
        "words-answers": answers.of_answers,
        "words-keys": words.of_keys,
    }
    made: dict[str, Callable[[], str]] = {name: partial(_of_table, table) for name, table in tables.items()}
    return made | {f"scene-{scene.name}": partial(of_scene, scene) for scene in scenes()}


def _of_table(table: Callable[[], Iterator[tuple[str, str]]]) -> str:

    return headed(table())


def accepted() -> set[str]:
    """Return the names of the accepted texts."""
    return {path.stem for path in FOLDER.glob(f"*{SUFFIX}")}


def path_of(name: str) -> Path:
    """Return the file of an accepted text."""
    return FOLDER / f"{name}{SUFFIX}"
