"""The `limits[]` entries of a usage body, and the windows that they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, count, takewhile
from typing import Any

from claudemeter_tui.sources.claude_ai.fields import Text
from claudemeter_tui.sources.claude_ai.lenient import Notes, Shape, under
from claudemeter_tui.sources.claude_ai.wire_window import (
    DAYS_7,
    LEGACY,
    NO_ENTRY,
    SEVERITIES,
    EntryShape,
    Found,
    Rank,
)
from claudemeter_tui.sources.plain import plain


class ScopeShape(Shape):
    """`scope` of an entry: what it limits."""

    model: Any = None
    surface: Any = None


class NamedShape(Shape):
    """A model or a surface."""

    spare = frozenset({"id"})

    display_name: Text = None


def as_found(entry: EntryShape, path: str, notes: Notes) -> Found:
    """An element of `limits[]` by itself."""
    notes.unless_known(f"{path}.severity", entry.severity, frozenset(SEVERITIES))
    name = _scope_name(entry.scope, f"{path}.scope", notes)
    kind = entry.kind or _kind_by_group(entry)
    if kind == "session":
        return replace(LEGACY["five_hour"], entry=entry)
    if kind == "weekly_all":
        return replace(LEGACY["seven_day"], entry=entry)
    key = ":".join(part for part in (kind or path, name) if part)
    if kind == "weekly_scoped":
        return Found(key, f"7-day {name}" if name else key, Rank.WEEKLY_SCOPED, DAYS_7, entry=entry)
    notes.new(f"{path}.kind", kind)
    return Found(key, key.replace(":", " "), entry=entry)


def _kind_by_group(entry: EntryShape) -> str:
    """What an entry without a kind is: its group and its scope tell, or nothing does."""
    if entry.group == "weekly":
        return "weekly_all" if entry.scope is None else "weekly_scoped"
    return entry.group or ""


def _scope_name(scope: object, path: str, notes: Notes) -> str:
    """`Fable`, `Fable, cowork`; empty where the entry is not limited to anything."""
    found = notes.read(ScopeShape, scope, path)
    if found is None:
        return ""
    parts = ((found.model, under(path, "model")), (found.surface, under(path, "surface")))
    return ", ".join(name for raw, place in parts if (name := _name(raw, place, notes)))


def _name(raw: object, path: str, notes: Notes) -> str:
    if isinstance(raw, str):
        return plain(raw)
    named = notes.read(NamedShape, raw, path)
    return (named.display_name if named else None) or ""


def merge(met: dict[str, Found], new: Found) -> None:
    """Put an entry to the window that it is, or beside the others; the same figures twice are one."""
    home = _home(met, new)
    taken = list(takewhile(met.__contains__, _turns(home)))
    if not taken:
        met[home] = new
    elif met[home].entry is NO_ENTRY:
        met[home] = _joined(met[home], new)
    elif all(_figures(met[key]) != _figures(new) for key in taken):
        turn = f" ({len(taken) + 1})"
        met[home + turn] = replace(new, key=home + turn, label=new.label + turn)


def _joined(there: Found, new: Found) -> Found:
    """One window out of its legacy object and its entry; the entry may name what has only a key."""
    label = new.label if there.label == there.key else there.label
    length, rank = there.length or new.length, min(there.rank, new.rank)
    return replace(there, label=label, length=length, rank=rank, entry=new.entry)


def _turns(home: str) -> Iterator[str]:
    """The key itself, then the keys for others of the same name: `weekly_scoped:Opus (2)` and on."""
    return chain([home], (f"{home} ({turn})" for turn in count(2)))


def _home(met: dict[str, Found], new: Found) -> str:
    """The key of the window that an entry belongs to: a legacy one where there is one."""
    if new.rank is not Rank.WEEKLY_SCOPED:
        return new.key
    by_label = {found.label.casefold(): found.key for found in met.values() if found.key in LEGACY}
    spelled = new.label.casefold().replace("7-day ", "seven_day_").replace(" ", "_")
    return by_label.get(new.label.casefold()) or (spelled if spelled in met else new.key)


def _figures(found: Found) -> tuple[object, ...]:
    return found.entry.percent, found.entry.resets_at
