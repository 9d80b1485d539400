"""The windows of a usage body: the legacy objects and the `limits[]` entries, each limit once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from itertools import islice
from typing import Any

from claudemeter_tui.model.usage import Window, WindowKind
from claudemeter_tui.sources.claude_ai.lenient import Notes, under
from claudemeter_tui.sources.claude_ai.wire_limits import as_found, merge
from claudemeter_tui.sources.claude_ai.wire_window import (
    LEGACY,
    NO_BODY,
    EntryShape,
    Found,
    Rank,
    WindowShape,
    window,
)

MOST_WINDOWS = 100
"""No plan has more; beyond it nobody reads them."""
CODE_NAMES = frozenset({"nimbus_quill", "tangelo", "omelette_promotional", "amber_ladder", "juniper_tide"})
"""Keys that were seen and have none: shown under their own key when they carry a value."""
_FIGURES = ("utilization", "limit_dollars", "used_dollars")


def windows(body: dict[str, Any], others: frozenset[str], notes: Notes) -> tuple[Window, ...]:
    """Every window of the body in the order they are shown; `others` are its keys that are none."""
    met: dict[str, Found] = {}
    for found in _beside(body, others, notes):
        met.setdefault(found.key, found)  # a key that only looks like another does not replace it
    for path, entry in islice(notes.read_each(EntryShape, body.get("limits"), "limits"), MOST_WINDOWS):
        merge(met, as_found(entry, path, notes))
    ranked = sorted((_ranked(found) for found in met.values()), key=lambda found: found.rank)
    fractions = any(found.is_fraction for found in ranked)
    return tuple(window(found, fractions=fractions) for found in ranked[:MOST_WINDOWS])


def _beside(body: dict[str, Any], others: frozenset[str], notes: Notes) -> Iterator[Found]:
    """The windows that are keys of the body, those with a name for people first."""
    for key, found in LEGACY.items():
        if body.get(key) is not None:
            yield replace(found, body=notes.read(WindowShape, body[key], key) or NO_BODY)
    unnamed = (_unnamed(key, body[key], notes) for key in body if key not in LEGACY and key not in others)
    yield from islice((found for found in unnamed if found is not None), MOST_WINDOWS)


def _unnamed(key: str, raw: object, notes: Notes) -> Found | None:
    """A key without a name for people: a window where it holds a figure, else no more than news."""
    path = under("", key)
    if key not in CODE_NAMES:
        notes.new(path)
    if isinstance(raw, dict) and any(_is_figure(raw.get(name)) for name in _FIGURES):
        return Found(path, path, body=notes.read(WindowShape, raw, path) or NO_BODY)
    if key in CODE_NAMES and raw is not None:
        notes.odd(path)
    return None


def _is_figure(value: object) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _ranked(found: Found) -> Found:
    """An allowance in dollars never stops the plan, and comes last."""
    in_dollars = found.body.in_dollars and found.kind is WindowKind.SCOPED
    return replace(found, rank=Rank.DOLLARS) if in_dollars else found
