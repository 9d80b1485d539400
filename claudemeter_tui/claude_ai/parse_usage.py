"""Parse the usage body: windows, `limits[]` entries, grants and shares, each limit once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import islice
from typing import Annotated, Self

from pydantic import BeforeValidator, ValidationInfo, model_validator

from claudemeter_tui.claude_ai.parse_credits import ExtraUsageModel, SpendModel, build_usage_meters
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
    get_report,
    is_number,
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
    MeterOrigin,
    WindowFact,
    WindowKind,
)
from claudemeter_tui.model.credits import Meter
from claudemeter_tui.model.windows import Plan, SavedReset, Severity, SurfaceShare, Window

FRACTION_TOLERANCE = 5
"""Percent points within which a `limits[]` entry confirms that a utilization of 1 or more is a fraction."""
SEVERITY_BY_NAME = {name: Severity[name.upper()] for name in SEVERITIES}


class WindowModel(ReplyModel, reply_object="window"):
    """A window beside others in the body, as it was before `limits[]`."""

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


class ScopeNameModel(ReplyModel, reply_object="scope_name"):
    """A model or a surface."""

    display_name: Text = None


_name_to_object = BeforeValidator(lambda sent: {"display_name": sent} if isinstance(sent, str) else sent)
ScopeName = Lenient[Annotated[ScopeNameModel, _name_to_object]]
"""A model or a surface, which may also be a plain name."""


class ScopeModel(ReplyModel, reply_object="scope"):
    """`scope` of an entry: what it limits."""

    model: ScopeName = None
    surface: ScopeName = None

    @property
    def name(self) -> str:
        """`Fable` or `Fable, cowork`; empty if it names nothing."""
        parts = (self.model, self.surface)
        return ", ".join(part.display_name for part in parts if part and part.display_name)


NAMED_WINDOWS = {
    fact.key: fact for fact in sorted(WINDOWS.values(), key=lambda fact: fact.order) if fact.label
}
"""The windows that have a name for people, in the order they are shown."""
WINDOW_BY_LIMIT_KIND: dict[str, WindowFact] = {
    fact.kind: fact for fact in WINDOWS.values() if fact.kind is not WindowKind.SCOPED
}
"""Facts about each plan-wide `kind` of `limits[]`."""


class LimitEntryModel(ReplyModel, reply_object="limit"):
    """An element of `limits[]`."""

    kind: Text = None
    group: Text = None
    percent: Percent = None
    severity: Annotated[Text, note_unknown(SEVERITY_BY_NAME)] = None
    resets_at: MinuteTimestamp = None
    is_active: Flag = None
    locked_reason: Text = None
    scope: Lenient[ScopeModel] = None

    @model_validator(mode="after")
    def note_unknown_kind(self, info: ValidationInfo) -> Self:
        """Note a kind that no window has, or that there is none."""
        if self.inferred_kind not in (*WINDOW_BY_LIMIT_KIND, SCOPED_LIMIT_KIND):
            report = get_report(info)
            report.add_new_field(join_path(report.path, "kind"), self.inferred_kind)
        return self

    @property
    def inferred_kind(self) -> str:
        """The kind; without one, it follows from group and scope. Empty if it is not known."""
        if self.kind or self.group != "weekly":
            return self.kind or self.group or ""
        return WindowKind.WEEKLY if self.sent.get("scope") is None else SCOPED_LIMIT_KIND


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
    value, dollars = found.body.utilization, found.body.used_dollars
    if value is not None:
        is_fraction = found.is_fraction or (found.is_ambiguous and fractions)
        return float(100 * Decimal(str(value))) if is_fraction else value
    if found.entry.percent is not None:
        return found.entry.percent
    percent = dollars.percent_of(found.body.limit_dollars) if dollars else None
    return percent if percent is None or percent <= MAX_PERCENT else None


def _build_limit_draft(entry: LimitEntryModel) -> WindowDraft:
    """Return the window of one element of `limits[]`."""
    kind = entry.inferred_kind
    if kind in WINDOW_BY_LIMIT_KIND:
        return WindowDraft(WINDOW_BY_LIMIT_KIND[kind], entry=entry)
    name = entry.scope.name if entry.scope else ""
    key = ":".join(part for part in (kind or entry.path, name) if part)
    if kind == SCOPED_LIMIT_KIND:
        label = f"{WEEK_LABEL_PREFIX}{name}" if name else key
        return WindowDraft(replace(SCOPED_WINDOW, key=key, label=label), entry=entry)
    return WindowDraft(WindowFact(key, key.replace(":", " ")), entry=entry)


def _merge_entry(met: dict[str, WindowDraft], new: WindowDraft) -> None:
    """Add an entry to its window, or as a window of its own; the same figures twice are one window."""
    home = _find_window_key(met, new)
    there = met.get(home)
    if there is not None and there.entry is NO_ENTRY:
        # A legacy object whose window has no label gets that of the entry.
        fact = replace(new.fact, key=there.key) if there.fact.label == there.key else there.fact
        met[home] = replace(there, fact=fact, entry=new.entry)
        return
    key, label, number = home, new.fact.label, 1
    while key in met:
        other = met[key].entry
        if (other.percent, other.resets_at) == (new.entry.percent, new.entry.resets_at):
            return
        number += 1
        key, label = f"{home} ({number})", f"{new.fact.label} ({number})"
    met[key] = replace(new, fact=replace(new.fact, key=key, label=label))


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


MAX_WINDOWS = 100
"""Windows kept of one body; no plan has more."""
_FIGURE_KEYS = ("utilization", "limit_dollars", "used_dollars")


def _parse_window_objects(body: dict[str, object], notes: ParseReport) -> Iterator[WindowDraft]:
    """Yield the windows that are keys of the body, those with a label first."""
    for key, fact in NAMED_WINDOWS.items():
        if body.get(key) is not None:
            yield WindowDraft(fact, notes.parse_object(WindowModel, body[key], key) or NO_BODY)
    for key, raw in body.items():
        path = join_path("", key)
        if key in NAMED_WINDOWS or key in NON_WINDOW_KEYS:
            continue
        # An object without any figure is no window: most code names have never had one.
        if isinstance(raw, dict) and any(is_number(raw.get(name)) for name in _FIGURE_KEYS):
            yield WindowDraft(WindowFact(path, path), notes.parse_object(WindowModel, raw, path) or NO_BODY)
        elif key in WINDOWS and raw is not None:
            notes.add_odd_value(path)


class SavedResetModel(ReplyModel, reply_object="saved_reset"):
    """An element of `grants`: one saved reset."""

    resets_left: Count = None
    ends_at: Timestamp = None
    usable_now: Flag = None


class SavedResetsModel(ReplyModel, reply_object="saved_resets"):
    """`cedar_ember`: the saved resets."""

    grants: Lenient[Each[SavedResetModel]] = None


class BreakdownRowModel(ReplyModel, reply_object="breakdown_row"):
    """The share of one surface in the week."""

    key: Text = None
    display_name: Text = None
    percent: SharePercent = None


class BreakdownModel(ReplyModel, reply_object="breakdown"):
    """`seven_day_breakdown`: the shares of the surfaces in the week."""

    rows: Lenient[Each[BreakdownRowModel]] = None


class UsageModel(ReplyModel, reply_object="usage"):
    """The usage body, besides its windows: most of its keys are windows, which the catalogue lists."""

    limits: Lenient[Each[LimitEntryModel]] = None
    extra_usage: Lenient[ExtraUsageModel] = None
    spend: Lenient[SpendModel] = None
    cedar_ember: Lenient[SavedResetsModel] = None
    seven_day_breakdown: Lenient[BreakdownModel] = None


def _list_unreadable_meters(found: UsageModel) -> Iterator[Meter]:
    """Yield a meter without figures for each object that is none: it may hold a lock."""
    for key, origin in (("extra_usage", MeterOrigin.EXTRA_USAGE), ("spend", MeterOrigin.SPEND)):
        if found.find_unreadable(key):
            yield Meter(origin, unreadable_keys=(key,))


def parse_usage(body: object) -> ParsedBody[Plan]:
    """Return windows, meters, saved resets and shares of a usage body, of claude.ai or of the login.

    Raises:
        MalformedError: the body is no object.
    """
    notes = ParseReport()
    parts = require_object(body)
    met: dict[str, WindowDraft] = {}
    for draft in islice(_parse_window_objects(parts, notes), MAX_WINDOWS):
        met.setdefault(draft.key, draft)  # a key that only looks like another does not replace it
    found = notes.parse_body(UsageModel, parts)
    for entry in (found.limits or ())[:MAX_WINDOWS]:
        _merge_entry(met, _build_limit_draft(entry))
    ordered = sorted(met.values(), key=lambda draft: draft.order)
    fractions = any(draft.is_fraction for draft in ordered)
    resets, breakdown = found.cedar_ember, found.seven_day_breakdown
    plan = Plan(
        windows=tuple(_build_window(draft, fractions=fractions) for draft in ordered[:MAX_WINDOWS]),
        meters=(*build_usage_meters(found.extra_usage, found.spend), *_list_unreadable_meters(found)),
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
