"""The README's tables, generated from the program: `python -m tests.readme` writes them into it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from claudemeter_tui.config.actions import FLAG_GROUPS, PROGRAM_FLAGS
from claudemeter_tui.formatting.metrics import ALL_METRICS
from claudemeter_tui.formatting.status_line import PLACEHOLDERS
from claudemeter_tui.settings import SETTINGS
from claudemeter_tui.tui.keys import KEY_GROUPS
from claudemeter_tui.tui.screens.help import OTHER_KEY_GROUPS

README = Path(__file__).parent.parent / "README.md"


def blocks() -> dict[str, str]:
    """Return each table by the name of its marks."""
    return {
        "keys": keys(),
        "flags": flags(),
        "settings": settings(),
        "placeholders": placeholders(),
        "metrics": metrics(),
    }


def keys() -> str:
    """Return all keys by purpose."""

    def rows() -> Iterator[tuple[str, str]]:
        for purpose, group in (*KEY_GROUPS, *OTHER_KEY_GROUPS):
            yield f"**{purpose}**", ""
            for key in group:
                yield f"`{key.display}`", key.purpose

    return _table(("key", "what it does"), rows())


def flags() -> str:
    """Return the flags that are no settings, by purpose."""

    def rows() -> Iterator[tuple[str, str]]:
        for purpose, group in FLAG_GROUPS:
            yield f"**{purpose[0].upper()}{purpose[1:]}**", ""
            for flag in group:
                yield f"`{' '.join(filter(None, (flag.name, flag.metavar)))}`", flag.help
        for name, purpose in PROGRAM_FLAGS:
            yield f"`{name}`", purpose

    return _table(("flag", "what it does"), rows())


def settings() -> str:
    """Return every setting and the ways to set it."""
    rows = (
        (f"`{it.key}`", f"`{it.flag}`" if it.flag else "", _usual(it.default), it.help) for it in SETTINGS
    )
    return _table(("key", "flag", "default", "what it does"), rows)


def placeholders() -> str:
    """Return the placeholders of `--format`."""
    return _table(
        ("placeholder", "stands for"), ((f"`{{{name}}}`", place[0]) for name, place in PLACEHOLDERS.items())
    )


def metrics() -> str:
    """Return the metrics with their labels."""
    return _table(
        ("metric", "labels", "value"),
        ((f"`{it.name}`", ", ".join(f"`{label}`" for label in it.labels), it.help) for it in ALL_METRICS),
    )


def written(text: str) -> str:
    """Return the README with every table up to date."""
    for name, block in blocks().items():
        marks = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        text = marks.sub(lambda found, block=block: f"{found[1]}{block}{found[2]}", text)  # type: ignore[misc]
    return text


def _usual(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    shown = ", ".join(map(str, value)) if isinstance(value, list | dict) else str(value)
    return f"`{shown}`" if shown else ""


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


if __name__ == "__main__":
    README.write_text(written(README.read_text("utf-8")), "utf-8")
