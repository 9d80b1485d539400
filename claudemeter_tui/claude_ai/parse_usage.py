"""Parse the usage body: windows, `limits[]` entries, grants and shares, each limit once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import chain, count, islice, takewhile
from typing import Annotated

from pydantic import BeforeValidator

from claudemeter_tui.claude_ai.parse_credits import parse_usage_meters
from claudemeter_tui.claude_ai.validation import (
    MAX_PERCENT,
    Count,
    Dollars,
    Each,
    Flag,
    Lenient,
    MinuteTimestamp,
    ParsedBody,
    ParseReport,
    Percent,
    ReplyModel,
    SharePercent,
    Text,
    Timestamp,
    join_path,
    note_unknown,
    require_object,
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
from claudemeter_tui.model.windows import Plan, SavedReset, Severity, SurfaceShare, Window

FRACTION_TOLERANCE = 5
"""Percent points within which a `limits[]` entry confirms that a utilization of 1 or more is a fraction."""
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
        """True for an allowance in dollars."""
        return self.limit_dollars is not None or self.used_dollars is not None


class ScopeNameModel(ReplyModel):
    """A model or a surface."""

    reply_object = "scope_name"

    display_name: Text = None


def _wrap_plain_name(raw: object) -> object:
    return {"display_name": raw} if isinstance(raw, str) else raw


ScopeName = Lenient[Annotated[ScopeNameModel, BeforeValidator(_wrap_plain_name)]]
"""A model or a surface, which may also be a plain name."""


class ScopeModel(ReplyModel):
    """`scope` of an entry: what it limits."""

    reply_object = "scope"

    model: ScopeName = None
    surface: ScopeName = None

    @property
    def name(self) -> str:
        """`Fable` or `Fable, cowork`; empty if it names nothing."""
        parts = (self.model, self.surface)
        return ", ".join(part.display_name for part in parts if part and part.display_name)


class LimitEntryModel(ReplyModel):
    """An element of `limits[]`."""

    reply_object = "limit"

    kind: Text = None
    group: Text = None
    percent: Percent = None
    severity: Annotated[Text, note_unknown(SEVERITY_BY_NAME)] = None
    resets_at: MinuteTimestamp = None
    is_active: Flag = None
    locked_reason: Text = None
    scope: Lenient[ScopeModel] = None


NO_BODY, NO_ENTRY = WindowModel(), LimitEntryModel()
"""Empty models for a window that is only in one of the two places."""


@dataclass(frozen=True, slots=True)
class WindowDraft:
    """A window of the body whose scale, percent or fraction, is not known yet."""

    fact: WindowFact
    """From the catalogue, or built from the body if the window is unknown; the label is never empty."""
    body: WindowModel = NO_BODY
    entry: LimitEntryModel = NO_ENTRY

    @property
    def key(self) -> str:
        """Unique key in this body."""
        return self.fact.key

    @property
    def order(self) -> int:
        """Position on screen. An allowance in dollars never stops the plan, and comes last."""
        in_dollars = self.body.is_in_dollars and self.fact.kind is WindowKind.SCOPED
        return DOLLARS_ORDER if in_dollars else self.fact.order

    @property
    def is_fraction(self) -> bool:
        """True if its utilization counts from 0 to 1; a value of exactly 1 needs an entry of `limits[]`."""
        value, beside = self.body.utilization, self.entry.percent
        if value is None:
            return False
        if beside is None:
            return 0 < value < 1 and not self.body.is_in_dollars
        nearer = abs(100 * value - beside) < abs(value - beside)
        return nearer and (value < 1 or abs(100 * value - beside) <= FRACTION_TOLERANCE)

    @property
    def is_ambiguous(self) -> bool:
        """True if its utilization is 1 and only the other windows show the scale."""
        return self.body.utilization == 1 and self.entry.percent is None and not self.body.is_in_dollars


NAMED_WINDOWS = {
    fact.key: fact for fact in sorted(WINDOWS.values(), key=lambda fact: fact.order) if fact.label
}
"""The windows that have a name for people, in the order they are shown."""
WINDOW_BY_LIMIT_KIND: dict[str, WindowFact] = {
    fact.kind: fact for fact in WINDOWS.values() if fact.kind is not WindowKind.SCOPED
}
"""Facts about each plan-wide `kind` of `limits[]`."""


def _build_window(found: WindowDraft, *, fractions: bool) -> Window:
    """Return the window; `fractions` is True if any window of the body counts from 0 to 1."""
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
    """Return the percent of the window itself, of its entry, or of its dollars, in this order."""
    value = found.body.utilization
    if value is None:
        return _compute_dollar_percent(found.body) if found.entry.percent is None else found.entry.percent
    if found.is_fraction or (found.is_ambiguous and fractions):
        return float(100 * Decimal(str(value)))
    return value


def _compute_dollar_percent(body: WindowModel) -> float | None:
    found = body.used_dollars.percent_of(body.limit_dollars) if body.used_dollars else None
    return found if found is None or found <= MAX_PERCENT else None


def _build_limit_draft(entry: LimitEntryModel, path: str, notes: ParseReport) -> WindowDraft:
    """Return the window of one element of `limits[]`."""
    name = entry.scope.name if entry.scope else ""
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
    """Return the kind of an entry without one, from its group and its scope; empty if it is not known."""
    if entry.group == "weekly":
        return WindowKind.WEEKLY if entry.get_sent("scope") is None else SCOPED_LIMIT_KIND
    return entry.group or ""


def _merge_entry(met: dict[str, WindowDraft], new: WindowDraft) -> None:
    """Add an entry to its window, or as a window of its own; the same figures twice are one window."""
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
    """Join the legacy object of a window and its entry; the entry may name a window that has only a key."""
    fact = replace(new.fact, key=there.key) if there.fact.label == there.key else there.fact
    return replace(there, fact=fact, entry=new.entry)


def _iter_numbered_keys(home: str) -> Iterator[str]:
    """Yield the key itself, then keys for others of the same name: `weekly_scoped:Opus (2)` and so on."""
    return chain([home], (f"{home} ({turn})" for turn in count(2)))


def _find_window_key(met: dict[str, WindowDraft], new: WindowDraft) -> str:
    """Return the key of the window that an entry belongs to, a legacy one if there is one."""
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
"""Windows kept of one body; no plan has more."""
_FIGURE_KEYS = ("utilization", "limit_dollars", "used_dollars")


def _parse_windows(body: Mapping[str, object], notes: ParseReport) -> tuple[Window, ...]:
    """Return every window of the body in the order they are shown."""
    met: dict[str, WindowDraft] = {}
    for found in _parse_window_objects(body, notes):
        met.setdefault(found.key, found)  # a key that only looks like another does not replace it
    for path, entry in islice(notes.parse_each(LimitEntryModel, body.get("limits"), "limits"), MAX_WINDOWS):
        _merge_entry(met, _build_limit_draft(entry, path, notes))
    ordered = sorted(met.values(), key=lambda found: found.order)
    fractions = any(found.is_fraction for found in ordered)
    return tuple(_build_window(found, fractions=fractions) for found in ordered[:MAX_WINDOWS])


def _parse_window_objects(body: Mapping[str, object], notes: ParseReport) -> Iterator[WindowDraft]:
    """Yield the windows that are keys of the body, those with a label first."""
    for key, fact in NAMED_WINDOWS.items():
        if body.get(key) is not None:
            yield WindowDraft(fact, notes.parse_object(WindowModel, body[key], key) or NO_BODY)
    unnamed = (
        _parse_unnamed_key(key, body[key], notes)
        for key in body
        if key not in NAMED_WINDOWS and key not in NON_WINDOW_KEYS
    )
    yield from islice((found for found in unnamed if found is not None), MAX_WINDOWS)


def _parse_unnamed_key(key: str, raw: object, notes: ParseReport) -> WindowDraft | None:
    """Return the window of a key without a label, and note an unknown key. None if it has no figure."""
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


class SavedResetModel(ReplyModel):
    """An element of `grants`: one saved reset."""

    reply_object = "saved_reset"

    resets_left: Count = None
    ends_at: Timestamp = None
    usable_now: Flag = None


class SavedResetsModel(ReplyModel):
    """`cedar_ember`: the saved resets."""

    reply_object = "saved_resets"

    grants: Lenient[Each[SavedResetModel]] = None


class BreakdownRowModel(ReplyModel):
    """The share of one surface in the week."""

    reply_object = "breakdown_row"

    key: Text = None
    display_name: Text = None
    percent: SharePercent = None


class BreakdownModel(ReplyModel):
    """`seven_day_breakdown`: the shares of the surfaces in the week."""

    reply_object = "breakdown"

    rows: Lenient[Each[BreakdownRowModel]] = None


def parse_usage(body: object) -> ParsedBody[Plan]:
    """Return windows, meters, saved resets and shares of a usage body, of claude.ai or of the login.

    Raises:
        MalformedError: the body is no object.
    """
    notes = ParseReport()
    # No model holds the body as a whole: most of its keys are windows, which the catalogue lists.
    parts = require_object(body)
    windows = _parse_windows(parts, notes)
    meters = tuple(parse_usage_meters(parts, notes))
    resets = notes.parse_object(SavedResetsModel, parts.get("cedar_ember"), "cedar_ember")
    breakdown = notes.parse_object(BreakdownModel, parts.get("seven_day_breakdown"), "seven_day_breakdown")
    plan = Plan(
        windows=windows,
        meters=meters,
        saved_resets=tuple(
            SavedReset(one.resets_left, one.usable_now or False, one.ends_at)
            for one in (resets and resets.grants) or ()
        ),
        shares=tuple(
            SurfaceShare(row.display_name or row.key or "", row.percent)
            for row in (breakdown and breakdown.rows) or ()
            if row.percent is not None
        ),
        is_reported=bool(parts),
    )
    return notes.build_parsed_body(plan)
