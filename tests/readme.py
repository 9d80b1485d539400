"""The README's tables, made from what they describe: `python -m tests.readme` writes them in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from claudemeter_tui.config.actions import ACTION_FLAGS
from claudemeter_tui.config.schema import SETTINGS
from claudemeter_tui.formatting.status_line import PLACEHOLDERS
from claudemeter_tui.tui.screens.help import list_key_groups

README = Path(__file__).parent.parent / "README.md"


def blocks() -> dict[str, str]:
    """Each table by the name of its marks."""
    return {"keys": keys(), "flags": flags(), "settings": settings(), "placeholders": placeholders()}


def keys() -> str:
    """All keys by purpose."""

    def rows() -> Iterator[tuple[str, str]]:
        for purpose, group in list_key_groups():
            yield f"**{purpose}**", ""
            for key in group:
                yield f"`{key.display}`", key.purpose

    return _table(("key", "what it does"), rows())


def flags() -> str:
    """What is no setting: flags that do something once."""
    said = ((f"`{flag}{f' {takes}' if takes else ''}`", does) for flag, takes, does in ACTION_FLAGS)
    return _table(("flag", "what it does"), [("`--demo`", "a simulated day; no account, no network"), *said])


def settings() -> str:
    """Every setting and the ways to give it."""
    rows = (
        (f"`{it.key}`", f"`{it.flag}`" if it.flag else "", _usual(it.default), it.help) for it in SETTINGS
    )
    return _table(("key", "flag", "default", "what it does"), rows)


def placeholders() -> str:
    """What `--format` knows."""
    return _table(
        ("placeholder", "stands for"), ((f"`{{{name}}}`", place[0]) for name, place in PLACEHOLDERS.items())
    )


def written(text: str) -> str:
    """A README with every table as it should be."""
    for name, block in blocks().items():
        marks = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        text = marks.sub(lambda found, block=block: f"{found[1]}{block}{found[2]}", text)  # type: ignore[misc]
    return text


def _usual(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return f"`{shown}`" if shown else ""


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


if __name__ == "__main__":
    README.write_text(written(README.read_text("utf-8")), "utf-8")
