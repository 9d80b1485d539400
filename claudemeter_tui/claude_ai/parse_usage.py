"""Parse the usage body: windows, `limits[]` entries, grants and shares, each limit once."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import islice
from typing import Annotated, NamedTuple, Self, TypeGuard

from pydantic import BeforeValidator, ValidationInfo, model_validator

from claudemeter_tui.claude_ai.parse_credits import ExtraUsageModel, SpendModel, build_usage_meters
from claudemeter_tui.claude_ai.validation import (
    MAX_PERCENT,
    CodeNamed,
    Count,
    Dollars,
    Each,
    Flag,
    Lenient,
    MalformedError,
    MinuteTimestamp,
    ParsedBody,
    ParseReport,
    Percent,
    ReplyModel,
    SharePercent,
    Text,
    TextSet,
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
    REPLY_KEYS,
    SCOPED_LIMIT_KIND,
    SCOPED_WINDOW,
    SESSION_RESET_ARMS,
    SESSION_RESET_CONTROL,
    SEVERITIES,
    USAGE_SIGN_KEYS,
    WEEK_LABEL_PREFIX,
    WINDOWS,
    MeterOrigin,
    WindowFact,
    WindowKind,
    WindowScope,
    continues_on_credits,
    is_model_name,
)
from claudemeter_tui.model.credits import Meter
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.resets import SavedReset, SavedResets, SessionReset
from claudemeter_tui.model.windows import Plan, Severity, SurfaceShare, Window

SEVERITY_BY_NAME = {name: Severity[name.upper()] for name in SEVERITIES}


class WindowModel(ReplyModel, reply_object="window"):
    """A window under its own key in the body, the form before `limits[]`."""

    utilization: Percent = None
    resets_at: MinuteTimestamp = None
    limit_dollars: Dollars = None
    used_dollars: Dollars = None
    remaining_dollars: Dollars = None
    locked_reason: Text = None

    @property
    def is_in_dollars(self) -> bool:
        """True if any figure is in dollars."""
        figures = (self.limit_dollars, self.used_dollars, self.remaining_dollars)
        return any(figure is not None for figure in figures)

    @property
    def used(self) -> Money | None:
        """The used dollars; if null, the limit minus the remaining dollars. None if not known."""
        if self.sent.get("used_dollars") is not None or not self.limit_dollars or not self.remaining_dollars:
            return self.used_dollars
        return self.limit_dollars.subtract(self.remaining_dollars)


class ScopeNameModel(ReplyModel, reply_object="scope_name"):
    """A model or a surface."""

    display_name: Text = None
    id: Text = None


_name_to_object = BeforeValidator(lambda sent: {"display_name": sent} if isinstance(sent, str) else sent)
ScopeName = Lenient[Annotated[ScopeNameModel, _name_to_object]]
"""A model or a surface, which may also be a plain name."""


class ScopeModel(ReplyModel, reply_object="scope"):
    """`scope` of an entry: what it limits."""

    model: ScopeName = None
    surface: ScopeName = None
    label: Text = None

    @property
    def name(self) -> str:
        """`Fable` or `Fable, cowork`: the display names, else the label, else the ids; empty without any."""
        parts = [part for part in (self.model, self.surface) if part is not None]
        names = ", ".join(part.display_name for part in parts if part.display_name)
        return names or self.label or ", ".join(part.id for part in parts if part.id)

    @property
    def kind(self) -> WindowScope | None:
        """Model or surface. None if it can be either, or both."""
        if self.model is not None and self.surface is not None:
            return None
        if self.surface is not None:
            return WindowScope.SURFACE
        is_model = self.model is not None or is_model_name(self.name)
        return WindowScope.MODEL if is_model else None


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
        """Note an unknown kind, or a missing one."""
        if not self.is_known_kind:
            report = get_report(info)
            report.add_new_field(join_path(report.path, "kind"), self.inferred_kind)
        return self

    @property
    def is_known_kind(self) -> bool:
        """True if the catalogue has the kind."""
        return self.inferred_kind in (*WINDOW_BY_LIMIT_KIND, SCOPED_LIMIT_KIND)

    @property
    def inferred_kind(self) -> str:
        """The kind; without one, it follows from group and scope. Empty if it is not known."""
        if self.kind or self.group != "weekly":
            return self.kind or self.group or ""
        return WindowKind.WEEKLY if self.sent.get("scope") is None else SCOPED_LIMIT_KIND


NO_BODY, NO_ENTRY = WindowModel.build_empty(), LimitEntryModel.build_empty()
"""Empty models for a window that is in only one of the two places."""


class WindowDraft(NamedTuple):
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
    def is_plan_wide(self) -> bool:
        """True if the window limits the whole plan; a dollar allowance never does."""
        return self.fact.kind is not WindowKind.SCOPED and self.body.limit_dollars is None

    @property
    def order(self) -> int:
        """Position on screen. An allowance in dollars never stops the plan, and comes last."""
        in_dollars = self.body.is_in_dollars and self.fact.kind is WindowKind.SCOPED
        return DOLLARS_ORDER if in_dollars else self.fact.order

    @property
    def is_fraction(self) -> bool:
        """True if its utilization counts from 0 to 1.

        If `limits[]` has the window, the scale that is nearer to its percent is right. Otherwise a value
        between 0 and 1 is a fraction, except in an allowance.
        """
        value, beside = self.body.utilization, self.entry.percent
        if value is None:
            return False
        if beside is None:
            return 0 < value < 1 and not self.body.is_in_dollars
        return abs(100 * value - beside) < abs(value - beside)

    @property
    def is_ambiguous(self) -> bool:
        """True if its utilization is 1 and only the other windows show the scale.

        Earlier replies do not decide: a server that counts in percent can send 0.5 and then 1. A scale kept
        from the first reply would make the second one a full window.
        """
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
        used=body.used,
        limit=body.limit_dollars,
        is_one_time=found.fact.is_one_time,
        scope=found.fact.scope,
        continues_on_credits=continues_on_credits(found.fact.label),
    )


def _compute_percent(found: WindowDraft, *, fractions: bool) -> float | None:
    """Return the percent of the window itself, of its entry, or of its dollars, in this order."""
    value, dollars = found.body.utilization, found.body.used
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
        scope = entry.scope.kind if entry.scope else None
        return WindowDraft(SCOPED_WINDOW._replace(key=key, label=label, scope=scope), entry=entry)
    return WindowDraft(WindowFact(key, key.replace(":", " ")), entry=entry)


def _merge_entry(met: dict[str, WindowDraft], new: WindowDraft) -> None:
    """Add an entry to its window, or as a new window; a repeated entry is not added again."""
    home = _find_window_key(met, new)
    there = met.get(home)
    if there is not None and there.entry is NO_ENTRY:
        # A legacy object without a label gets the label of the entry.
        fact = new.fact._replace(key=there.key) if there.fact.label == there.key else there.fact
        met[home] = there._replace(fact=fact, entry=new.entry)
        return
    key, label, number = home, new.fact.label, 1
    while key in met:
        other = met[key].entry
        if (other.percent, other.resets_at) == (new.entry.percent, new.entry.resets_at):
            return
        number += 1
        key, label = f"{home} ({number})", f"{new.fact.label} ({number})"
    met[key] = new._replace(fact=new.fact._replace(key=key, label=label))


def _find_window_key(met: dict[str, WindowDraft], new: WindowDraft) -> str:
    """Return the key of the window that an entry belongs to, the legacy key if there is one."""
    if new.fact.order != SCOPED_WINDOW.order:
        return new.key
    label = new.fact.label.casefold()
    by_label = {
        found.fact.label.casefold(): found.key
        for found in met.values()
        if found.key in NAMED_WINDOWS and found.fact.kind is WindowKind.SCOPED
    }
    spelled = label.replace(WEEK_LABEL_PREFIX, "seven_day_").replace(" ", "_")
    return by_label.get(label) or (spelled if spelled in met else new.key)


MAX_WINDOWS = 100
"""Windows kept of one body; no plan has more."""
_DOLLAR_KEYS = ("limit_dollars", "used_dollars", "remaining_dollars")


def _parse_window_objects(body: dict[str, object], notes: ParseReport) -> Iterator[WindowDraft]:
    """Yield the windows that are keys of the body, those with a label first."""
    for key, fact in NAMED_WINDOWS.items():
        if body.get(key) is not None and not _is_code_name(key):
            yield WindowDraft(fact, notes.parse_object(WindowModel, body[key], key) or NO_BODY)
    for key, raw in sorted(body.items(), key=lambda pair: pair[0] not in NAMED_WINDOWS):
        if raw is None or not _is_code_name(key):
            continue
        path = join_path("", key)
        if not _is_window(raw):
            # An unknown key is noted as a new field with the body.
            if key in WINDOWS:
                notes.add_new_field(path)
        elif _has_figure(raw):
            fact = NAMED_WINDOWS.get(key) or WindowFact(path, path)
            yield WindowDraft(fact, notes.parse_object(WindowModel, raw, path) or NO_BODY)


def _is_code_name(key: str) -> bool:
    """Return True if the key is a code name; only windows of known length have descriptive keys."""
    return key not in NON_WINDOW_KEYS and (key not in WINDOWS or WINDOWS[key].length is None)


def _is_window(raw: object) -> TypeGuard[dict[str, object]]:
    """Return True if an object under a code name has a window's figure, or a window's keys with nulls."""
    if not isinstance(raw, dict):
        return False
    figures = [raw.get(key) for key in ("utilization", *_DOLLAR_KEYS)]
    if any(is_number(figure) for figure in figures):
        return True
    return bool(raw) and raw.keys() <= REPLY_KEYS["window"] and all(figure is None for figure in figures)


def _has_figure(raw: dict[str, object]) -> bool:
    """Return True if a window under a code name has a figure; most have nulls, or 0 without dollars."""
    return bool(raw.get("utilization") or raw.get("locked_reason")) or any(
        raw.get(key) is not None for key in _DOLLAR_KEYS
    )


class SavedResetModel(ReplyModel, reply_object="saved_reset"):
    """An element of `grants`: one saved reset, or several of a kind."""

    id: Text = None
    resets_left: Count = None
    starts_at: Timestamp = None
    ends_at: Timestamp = None
    clears: TextSet = None
    blocking: TextSet = None
    paused: Flag = None
    usable_now: Flag = None
    use_requires_limit: Flag = None

    def build(self, next_grant_id: str | None) -> SavedReset:
        """Return the grant; a field that cannot be read makes it unusable."""
        return SavedReset(
            resets_left=self.resets_left,
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            is_next=self.id is not None and self.id == next_grant_id,
            is_usable=self.usable_now or False,
            is_paused=self.paused or False,
            needs_limit=self.use_requires_limit is not False,
            clears=tuple(sorted(self.clears or ())),
            blocking=tuple(sorted(self.blocking or ())),
            is_unreadable=bool(self.find_unreadable("ends_at", "blocking", "paused")),
        )


class SavedResetsModel(ReplyModel, reply_object="saved_resets"):
    """`cedar_ember`: the saved resets."""

    eligible: Flag = None
    ineligible_reason: Text = None
    next_grant_id: Text = None
    at_limit: Flag = None
    cooldown_until: Timestamp = None
    grants: Lenient[Each[SavedResetModel]] = None

    def build(self) -> SavedResets:
        """Return the saved resets."""
        return SavedResets(
            grants=tuple(grant.build(self.next_grant_id) for grant in self.grants or ()),
            is_eligible=self.eligible or False,
            ineligible_reason=self.ineligible_reason,
            is_at_limit=self.at_limit or False,
            cooldown_until=self.cooldown_until,
            is_cooldown_unreadable=bool(self.find_unreadable("cooldown_until")),
        )


class SessionResetModel(ReplyModel, reply_object="session_reset"):
    """`juniper_tide`: the weekly session reset."""

    eligible: Flag = None
    available: Flag = None
    arm: Annotated[Text, note_unknown(SESSION_RESET_ARMS)] = None
    next_available_at: Timestamp = None

    def build(self) -> SessionReset:
        """Return the session reset; an unreadable group makes it unusable."""
        return SessionReset(
            is_eligible=self.eligible or False,
            is_available=self.available or False,
            is_control=self.arm == SESSION_RESET_CONTROL or bool(self.find_unreadable("arm")),
            next_at=self.next_available_at,
        )


class BreakdownRowModel(ReplyModel, reply_object="breakdown_row"):
    """The share of one surface in the week."""

    key: Text = None
    display_name: Text = None
    percent: SharePercent = None


class BreakdownModel(ReplyModel, reply_object="breakdown"):
    """`seven_day_breakdown`: the shares of the surfaces in the week."""

    rows: Lenient[Each[BreakdownRowModel]] = None


class UsageModel(ReplyModel, reply_object="usage"):
    """The usage body without its windows, whose keys are in the catalogue."""

    limits: Lenient[Each[LimitEntryModel]] = None
    extra_usage: Lenient[ExtraUsageModel] = None
    spend: Lenient[SpendModel] = None
    cedar_ember: CodeNamed[SavedResetsModel] = None
    juniper_tide: CodeNamed[SessionResetModel] = None
    seven_day_breakdown: Lenient[BreakdownModel] = None


def _list_unreadable_meters(found: UsageModel) -> Iterator[Meter]:
    """Yield a meter without figures for each key whose value is not an object: it may hide a lock."""
    for key, origin in (("extra_usage", MeterOrigin.EXTRA_USAGE), ("spend", MeterOrigin.SPEND)):
        if found.find_unreadable(key):
            yield Meter(origin, unreadable_keys=(key,))


def _lists_all_windows(parts: dict[str, object], entries: list[LimitEntryModel] | None) -> bool:
    """Return True if a body without a plan-wide window shows that the plan has none.

    An entry that cannot be read, or of an unknown kind, may be a plan-wide window. Without entries, the
    body must have at least one of the plan-wide keys, with null.
    """
    sent = parts.get("limits")
    if sent:
        is_read = isinstance(sent, list) and len(entries or ()) == len(sent)
        return is_read and all(entry.is_known_kind for entry in entries or ())
    has_keys = any(fact.key in parts for fact in WINDOW_BY_LIMIT_KIND.values())
    return has_keys and (sent is None or isinstance(sent, list))


def parse_usage(body: object) -> ParsedBody[Plan]:
    """Return windows, meters, saved resets and shares of a usage body, of claude.ai or of the login.

    If the body has no plan-wide window and does not show that the plan has none either, the plan gets its
    plan-wide windows without figures, because a plan without windows charges all use to credits.

    Raises:
        MalformedError: the body is not an object, or has no key of a usage body and is not empty.
    """
    notes = ParseReport()
    parts = require_object(body)
    if parts and not parts.keys() & USAGE_SIGN_KEYS:
        raise MalformedError("a usage body was expected")
    met: dict[str, WindowDraft] = {}
    for draft in islice(_parse_window_objects(parts, notes), MAX_WINDOWS):
        met.setdefault(draft.key, draft)  # the first of two equal keys counts
    found = notes.parse_body(UsageModel, parts)
    for entry in (found.limits or ())[:MAX_WINDOWS]:
        _merge_entry(met, _build_limit_draft(entry))
    has_wide = any(draft.is_plan_wide for draft in met.values())
    if parts and not has_wide and not _lists_all_windows(parts, found.limits):
        for fact in WINDOW_BY_LIMIT_KIND.values():
            met.setdefault(fact.key, WindowDraft(fact))
    ordered = sorted(met.values(), key=lambda draft: draft.order)
    fractions = any(draft.is_fraction for draft in ordered)
    breakdown = found.seven_day_breakdown
    plan = Plan(
        windows=tuple(_build_window(draft, fractions=fractions) for draft in ordered[:MAX_WINDOWS]),
        meters=(*build_usage_meters(found.extra_usage, found.spend), *_list_unreadable_meters(found)),
        saved_resets=(found.cedar_ember or SavedResetsModel.build_empty()).build(),
        session_reset=found.juniper_tide.build() if found.juniper_tide else None,
        shares=tuple(
            SurfaceShare(row.display_name or row.key or "", row.percent)
            for row in (breakdown and breakdown.rows) or ()
            if row.percent is not None
        ),
        is_reported=bool(parts),
    )
    return notes.build_parsed_body(plan)
