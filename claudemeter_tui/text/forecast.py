"""Rates and forecasts in words: what was measured, and what follows if it goes on."""

from __future__ import annotations

from datetime import datetime, tzinfo

from claudemeter_tui.model.forecast import Range, reach, window_full
from claudemeter_tui.model.rate import RECENT, Rate, spend_rate
from claudemeter_tui.model.store import OrgState
from claudemeter_tui.model.usage import Window
from claudemeter_tui.text import format as form


def rate(found: Rate, now: datetime, zone: tzinfo | None = None) -> str:
    """`$6.40/h over 30 min, $3.10/h since 14:02`: of late, and over the run where that is longer."""
    run = f"{form.money(found.run)}/h since {form.when(found.since, now, zone)}"
    if found.recent is None or found.at - found.since <= RECENT:
        return run
    return f"{form.money(found.recent)}/h over 30 min, {run}"


def gate(found: Range, now: datetime, zone: tzinfo | None = None) -> str:
    """`cap reached 17:10 to 19:40 at this rate`, `cap not reached before 17:10 at this rate`."""
    earliest = form.when(found.earliest, now, zone)
    if found.latest is None:
        return f"{found.gate} not reached before {earliest} at this rate"
    latest = form.when(found.latest, now, zone)
    span = earliest if earliest == latest else f"{earliest} to {latest}"
    return f"{found.gate} reached {span} at this rate"


def credits_lines(state: OrgState, now: datetime, zone: tzinfo | None = None) -> tuple[str, ...]:
    """Rate and forecast of an org's credits; empty where nothing honest can be said."""
    found = spend_rate(state.series, now)
    if found is None:
        return ()
    ahead = reach(state.credits, found, now)
    return (rate(found, now, zone), *((gate(ahead, now, zone),) if ahead is not None else ()))


def window_forms(
    window: Window, read_at: datetime | None, now: datetime, zone: tzinfo | None = None
) -> tuple[str, ...]:
    """`full at 14:10 at this pace, 50m before it resets`, then in fewer words down to `full ~14:10`.

    Empty where at its pace it resets first.
    """
    full = window_full(window, now, read_at)
    if full is None or window.resets_at is None:
        return ()
    at, early = form.when(full, now, zone), f"{form.countdown(window.resets_at - full)} before it resets"
    return f"full at {at} at this pace, {early}", f"full ~{at}, {early}", f"full ~{at}"
