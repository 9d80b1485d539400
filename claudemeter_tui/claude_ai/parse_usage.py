"""Parse the usage body: windows, `limits[]` entries, grants and shares, each limit once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import chain, count, islice, takewhile
from typing import Any

from claudemeter_tui.claude_ai.parse_credits import parse_usage_meters
from claudemeter_tui.claude_ai.validation import (
    MAX_PERCENT,
    Count,
    Dollars,
    Flag,
    MinuteTimestamp,
    ParseReport,
    Percent,
    ReplyModel,
    SharePercent,
    Text,
    Timestamp,
    join_path,
)
from claudemeter_tui.model.catalogue import (
    DOLLARS_ORDER,
    NON_WINDOW_KEYS,
    SCOPED_LIMIT_KIND,
    SCOPED_WINDOW,
    SEVERITIES,
    WEEK_LABEL_PREFIX,
    WINDOWS,
    WindowFact,
    WindowKind,
)
from claudemeter_tui.model.sanitize import sanitize_text
from claudemeter_tui.model.windows import Plan, SavedReset, Severity, SurfaceShare, Window

FRACTION_TOLERANCE = 5
"""Percent points within which a `limits[]` entry vouches for a utilization of 1 or more as a fraction."""
SEVERITY_BY_NAME = {name: Severity[name.upper()] for name in SEVERITIES}


class WindowModel(ReplyModel):
    """A window beside others in the body, as it was before `limits[]`."""

    reply_object = "window"

    utilization: Percent = None
    resets_at: MinuteTimestamp = None
    limit_dollars: Dollars = None
    used_dollars: Dollars = None
    remaining_dollars: Dollars = None
    locked_reason: Text = None

    @property
    def is_in_dollars(self) -> bool:
        """Whether it is an allowance in dollars."""
        return self.limit_dollars is not None or self.used_dollars is not None


class LimitEntryModel(ReplyModel):
    """An element of `limits[]`."""

    reply_object = "limit"

    kind: Text = None
    group: Text = None
    percent: Percent = None
    severity: Text = None
    scope: Any = None
    resets_at: MinuteTimestamp = None
    is_active: Flag = None
    locked_reason: Text = None


NO_BODY, NO_ENTRY = WindowModel(), LimitEntryModel()
"""What stands for a place in the body that names no such window."""


@dataclass(frozen=True, slots=True)
class WindowDraft:
    """A window as it was met, its scale not yet known."""

    fact: WindowFact
    """From the catalogue, or made of the body if that does not know the window; the label is never empty."""
    body: WindowModel = NO_BODY
    entry: LimitEntryModel = NO_ENTRY

    @property
    def key(self) -> str:
        """The key that tells it apart in this body."""
        return self.fact.key

    @property
    def order(self) -> int:
        """Where it is shown. An allowance in dollars never stops the plan, and comes last."""
        in_dollars = self.body.is_in_dollars and self.fact.kind is WindowKind.SCOPED
        return DOLLARS_ORDER if in_dollars else self.fact.order

    @property
    def is_fraction(self) -> bool:
        """Whether its utilization counts from 0 to 1; for exactly 1 only `limits[]` can tell."""
        value, beside = self.body.utilization, self.entry.percent
        if value is None:
            return False
        if beside is None:
            return 0 < value < 1 and not self.body.is_in_dollars
        nearer = abs(100 * value - beside) < abs(value - beside)
        return nearer and (value < 1 or abs(100 * value - beside) <= FRACTION_TOLERANCE)

    @property
    def is_ambiguous(self) -> bool:
        """Whether its utilization can be read both ways, and only the other windows can tell."""
        return self.body.utilization == 1 and self.entry.percent is None and not self.body.is_in_dollars


NAMED_WINDOWS = {
    fact.key: fact for fact in sorted(WINDOWS.values(), key=lambda fact: fact.order) if fact.label
}
"""The windows that have a name for people, in the order they are shown."""
WINDOW_BY_LIMIT_KIND: dict[str, WindowFact] = {
    fact.kind: fact for fact in WINDOWS.values() if fact.kind is not WindowKind.SCOPED
}
"""The window that each plan-wide `kind` of `limits[]` is."""


def _build_window(found: WindowDraft, *, fractions: bool) -> Window:
    """The window; `fractions` tells whether any of the body counts its utilization from 0 to 1."""
    body, entry = found.body, found.entry
    return Window(
        key=found.key,
        label=found.fact.label,
        kind=found.fact.kind,
        percent=_compute_percent(found, fractions=fractions),
        resets_at=body.resets_at or entry.resets_at,
        length=found.fact.length,
        server_severity=SEVERITY_BY_NAME.get(entry.severity or "", Severity.NORMAL),
        is_active=entry.is_active or False,
        locked_reason=body.locked_reason or entry.locked_reason,
        used=body.used_dollars,
        limit=body.limit_dollars,
        is_one_time=found.fact.is_one_time,
    )


def _compute_percent(found: WindowDraft, *, fractions: bool) -> float | None:
    """The utilization as percent: the window's own, else the entry's, else what the dollars give."""
    value = found.body.utilization
    if value is None:
        return _compute_dollar_percent(found.body) if found.entry.percent is None else found.entry.percent
    if found.is_fraction or (found.is_ambiguous and fractions):
        return float(100 * Decimal(str(value)))
    return value


def _compute_dollar_percent(body: WindowModel) -> float | None:
    found = body.used_dollars.percent_of(body.limit_dollars) if body.used_dollars else None
    return found if found is None or found <= MAX_PERCENT else None


class ScopeModel(ReplyModel):
    """`scope` of an entry: what it limits."""

    reply_object = "scope"

    model: Any = None
    surface: Any = None


class ScopeNameModel(ReplyModel):
    """A model or a surface."""

    reply_object = "scope_name"

    display_name: Text = None


def _parse_limit_entry(entry: LimitEntryModel, path: str, notes: ParseReport) -> WindowDraft:
    """An element of `limits[]` by itself."""
    notes.check_known(f"{path}.severity", entry.severity, SEVERITY_BY_NAME)
    name = _parse_scope_name(entry.scope, f"{path}.scope", notes)
    kind = entry.kind or _find_kind_by_group(entry)
    if kind in WINDOW_BY_LIMIT_KIND:
        return WindowDraft(WINDOW_BY_LIMIT_KIND[kind], entry=entry)
    key = ":".join(part for part in (kind or path, name) if part)
    if kind == SCOPED_LIMIT_KIND:
        label = f"{WEEK_LABEL_PREFIX}{name}" if name else key
        return WindowDraft(replace(SCOPED_WINDOW, key=key, label=label), entry=entry)
    notes.add_new_field(f"{path}.kind", kind)
    return WindowDraft(WindowFact(key, key.replace(":", " ")), entry=entry)


def _find_kind_by_group(entry: LimitEntryModel) -> str:
    """What an entry without a kind is: its group and its scope tell, or nothing does."""
    if entry.group == "weekly":
        return WindowKind.WEEKLY if entry.scope is None else SCOPED_LIMIT_KIND
    return entry.group or ""


def _parse_scope_name(scope: object, path: str, notes: ParseReport) -> str:
    """`Fable`, `Fable, cowork`; empty where the entry is not limited to anything."""
    found = notes.parse_object(ScopeModel, scope, path)
    if found is None:
        return ""
    parts = ((found.model, join_path(path, "model")), (found.surface, join_path(path, "surface")))
    return ", ".join(name for raw, place in parts if (name := _parse_name(raw, place, notes)))


def _parse_name(raw: object, path: str, notes: ParseReport) -> str:
    if isinstance(raw, str):
        return sanitize_text(raw)
    named = notes.parse_object(ScopeNameModel, raw, path)
    return (named.display_name if named else None) or ""


def _merge_entry(met: dict[str, WindowDraft], new: WindowDraft) -> None:
    """Put an entry to the window that it is, or beside the others; the same figures twice are one."""
    home = _find_window_key(met, new)
    taken = list(takewhile(met.__contains__, _iter_numbered_keys(home)))
    if not taken:
        met[home] = new
    elif met[home].entry is NO_ENTRY:
        met[home] = _join_window(met[home], new)
    elif all(_get_figures(met[key]) != _get_figures(new) for key in taken):
        turn = f" ({len(taken) + 1})"
        met[home + turn] = replace(new, fact=replace(new.fact, key=home + turn, label=new.fact.label + turn))


def _join_window(there: WindowDraft, new: WindowDraft) -> WindowDraft:
    """One window out of its legacy object and its entry; the entry may name what has only a key."""
    fact = replace(new.fact, key=there.key) if there.fact.label == there.key else there.fact
    return replace(there, fact=fact, entry=new.entry)


def _iter_numbered_keys(home: str) -> Iterator[str]:
    """The key itself, then the keys for others of the same name: `weekly_scoped:Opus (2)` and on."""
    return chain([home], (f"{home} ({turn})" for turn in count(2)))


def _find_window_key(met: dict[str, WindowDraft], new: WindowDraft) -> str:
    """The key of the window that an entry belongs to: a legacy one where there is one."""
    if new.fact.order != SCOPED_WINDOW.order:
        return new.key
    label = new.fact.label.casefold()
    by_label = {
        found.fact.label.casefold(): found.key for found in met.values() if found.key in NAMED_WINDOWS
    }
    spelled = label.replace(WEEK_LABEL_PREFIX, "seven_day_").replace(" ", "_")
    return by_label.get(label) or (spelled if spelled in met else new.key)


def _get_figures(found: WindowDraft) -> tuple[object, ...]:
    return found.entry.percent, found.entry.resets_at


MAX_WINDOWS = 100
"""No plan has more; beyond it nobody reads them."""
_FIGURE_KEYS = ("utilization", "limit_dollars", "used_dollars")


def _parse_windows(body: dict[str, Any], others: frozenset[str], notes: ParseReport) -> tuple[Window, ...]:
    """Every window of the body in the order they are shown; `others` are its keys that are none."""
    met: dict[str, WindowDraft] = {}
    for found in _parse_window_objects(body, others, notes):
        met.setdefault(found.key, found)  # a key that only looks like another does not replace it
    for path, entry in islice(notes.parse_each(LimitEntryModel, body.get("limits"), "limits"), MAX_WINDOWS):
        _merge_entry(met, _parse_limit_entry(entry, path, notes))
    ordered = sorted(met.values(), key=lambda found: found.order)
    fractions = any(found.is_fraction for found in ordered)
    return tuple(_build_window(found, fractions=fractions) for found in ordered[:MAX_WINDOWS])


def _parse_window_objects(
    body: dict[str, Any], others: frozenset[str], notes: ParseReport
) -> Iterator[WindowDraft]:
    """The windows that are keys of the body, those with a name for people first."""
    for key, fact in NAMED_WINDOWS.items():
        if body.get(key) is not None:
            yield WindowDraft(fact, notes.parse_object(WindowModel, body[key], key) or NO_BODY)
    unnamed = (
        _parse_unnamed_key(key, body[key], notes)
        for key in body
        if key not in NAMED_WINDOWS and key not in others
    )
    yield from islice((found for found in unnamed if found is not None), MAX_WINDOWS)


def _parse_unnamed_key(key: str, raw: object, notes: ParseReport) -> WindowDraft | None:
    """A key without a name for people: a window where it holds a figure, else no more than news."""
    path = join_path("", key)
    if key not in WINDOWS:
        notes.add_new_field(path)
    if isinstance(raw, dict) and any(_is_figure(raw.get(name)) for name in _FIGURE_KEYS):
        return WindowDraft(WindowFact(path, path), notes.parse_object(WindowModel, raw, path) or NO_BODY)
    if key in WINDOWS and raw is not None:
        notes.add_odd_value(path)
    return None


def _is_figure(value: object) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


class SavedResetsModel(ReplyModel):
    """`cedar_ember`: grants of an early limit reset."""

    reply_object = "saved_resets"

    grants: Any = None


class SavedResetModel(ReplyModel):
    """One grant."""

    reply_object = "saved_reset"

    resets_left: Count = None
    ends_at: Timestamp = None
    usable_now: Flag = None


class BreakdownModel(ReplyModel):
    """`seven_day_breakdown`: which surface used the week."""

    reply_object = "breakdown"

    rows: Any = None


class BreakdownRowModel(ReplyModel):
    """One surface's part of the week."""

    reply_object = "breakdown_row"

    key: Text = None
    display_name: Text = None
    percent: SharePercent = None


def build_plan(body: dict[str, Any], notes: ParseReport) -> Plan:
    """Windows, meters, grants and shares of the body."""
    return Plan(
        windows=_parse_windows(body, NON_WINDOW_KEYS, notes),
        meters=tuple(parse_usage_meters(body, notes)),
        saved_resets=tuple(_parse_saved_resets(body, notes)),
        shares=tuple(_parse_shares(body, notes)),
        is_reported=bool(body),
    )


def _parse_saved_resets(body: dict[str, Any], notes: ParseReport) -> Iterator[SavedReset]:
    found = notes.parse_object(SavedResetsModel, body.get("cedar_ember"), "cedar_ember")
    for _, grant in notes.parse_each(SavedResetModel, found and found.grants, "cedar_ember.grants"):
        yield SavedReset(grant.resets_left, grant.usable_now or False, grant.ends_at)


def _parse_shares(body: dict[str, Any], notes: ParseReport) -> Iterator[SurfaceShare]:
    found = notes.parse_object(BreakdownModel, body.get("seven_day_breakdown"), "seven_day_breakdown")
    for _, row in notes.parse_each(BreakdownRowModel, found and found.rows, "seven_day_breakdown.rows"):
        if row.percent is not None:
            yield SurfaceShare(row.display_name or row.key or "", row.percent)
