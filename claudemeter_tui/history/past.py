"""Build a past moment from the archive: from replies, or from figures and events where these are gone."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from itertools import pairwise

from claudemeter_tui.history.database import from_millis, to_millis
from claudemeter_tui.history.events import load_events
from claudemeter_tui.history.export import parse_millis
from claudemeter_tui.history.figures import CREDITS, VERDICT, read_value
from claudemeter_tui.history.replay import MAX_SEED_AGE, ParseReply, load_store_at
from claudemeter_tui.history.series import find_filling, load_series
from claudemeter_tui.model.account import Account, Org
from claudemeter_tui.model.archive_rows import FigureRow, Owner
from claudemeter_tui.model.history import WINDOW_PREFIX
from claudemeter_tui.model.past import EVENTS_SPAN, PastFigures, PastMoment, apply_time
from claudemeter_tui.model.store import OrgKey, OrgState


def load_past_moment(
    connection: sqlite3.Connection, origin: str, org: tuple[int, OrgKey], moment: datetime, parse: ParseReply
) -> PastMoment | None:
    """Return everything that was known at a moment. None if nothing about the org was known then.

    Args:
        connection: an open archive.
        origin: server of the replies.
        org: row and key of the org.
        moment: the time.
        parse: parser of the replies.
    """
    org_id, key = org
    events = load_events(connection, origin, moment - EVENTS_SPAN, moment)
    # Moments are whole milliseconds: the event of this one can be later by a part of one.
    dated = tuple(event._replace(at=moment) if event.at > moment else event for event in events)
    store = load_store_at(connection, origin, moment, parse, key)
    state = store.find_org_state(key)
    figures = None
    if state is not None and state.key == key:
        completed = complete_period(connection, org_id, state, moment)
        store = replace(store, all_orgs=tuple(completed if one is state else one for one in store.all_orgs))
    if state is None or not (state.replies or state.failures):
        figures = load_figures_at(connection, org_id, key, moment)
        if figures is None:
            return None
        figures = apply_time(figures, [event for event in dated if event.org_key == key])
    return PastMoment(moment, key, store, dated, figures)


def complete_period(
    connection: sqlite3.Connection, org_id: int, state: OrgState, moment: datetime
) -> OrgState:
    """Return the state with the start of a period beyond the plan that began before its first readings.

    The figures that are kept say since when the window is full, and what was spent since then.
    """
    period = state.over_plan_period
    if period is None or period.filled_label is not None or period.full_window is None:
        return state
    found = find_filling(connection, org_id, period.full_window, moment)
    if found is None or found.filled_at >= period.since:
        return state
    archived = load_series(connection, org_id, found.room_at or found.filled_at, moment)
    series, extended = state.series, archived.extend_credits(state.series, state.max_pause)
    is_unread = extended is series or archived.credits.since is None
    if series.runs and is_unread:  # the use is that of another reply or currency, or was not read then
        return state
    spent = extended.compute_spent_since(extended.runs[0].first).minor if extended.runs else Decimal(0)
    known = [(run.first, run.minor) for run in extended.runs if run.minor is not None]
    rises = [at for (_, before), (at, after) in pairwise(known) if after > before]
    missing = spent - series.spent.minor
    series = replace(
        series,
        total_rise=series.total_rise + missing,
        start_rise=series.start_rise + missing,
        last_rise_at=rises[-1] if rises else series.last_rise_at,
    )
    period = period._replace(
        since=found.filled_at,
        filled_label=period.full_window.label if found.room_at is not None else None,
        start_rise=series.total_rise - spent,
    )
    return replace(state, series=series, over_plan_period=period)


def load_figures_at(
    connection: sqlite3.Connection, org_id: int, key: OrgKey, moment: datetime
) -> PastFigures | None:
    """Return the last value of each figure that was read in the week before a moment. None without any.

    A value that was confirmed later, too, counts as confirmed at the moment. See `apply_time` for what
    changes without a reading.
    """
    account, email, uuid, org_name, plan, is_shared = connection.execute(
        "SELECT key, email, uuid, name, plan_name, is_shared FROM orgs"
        " JOIN accounts ON accounts.id = account_id WHERE orgs.id = ?",
        (org_id,),
    ).fetchone()
    owner = Owner(Account.from_key(account, email), Org(uuid, org_name, plan, bool(is_shared)))
    at, rows = to_millis(moment), []
    for figure_id, name in connection.execute("SELECT id, name FROM names ORDER BY id").fetchall():
        found = [
            row
            for table in ("runs", "open_runs")
            for row in connection.execute(
                f"SELECT first_at, confirmed_at, value, unit, detail FROM {table}"  # noqa: S608 - our names
                " WHERE org_id = ? AND figure_id = ? AND first_at <= ? ORDER BY first_at DESC LIMIT 1",
                (org_id, figure_id, at),
            )
        ]
        if not found:
            continue
        first_at, confirmed_at, value, unit, detail = max(found)
        if from_millis(confirmed_at) >= moment - MAX_SEED_AGE:
            rows.append(
                FigureRow(
                    owner,
                    name,
                    read_value(value, unit),
                    from_millis(first_at),
                    min(from_millis(confirmed_at), moment),
                    parse_millis(detail) if name.startswith(WINDOW_PREFIX) else None,
                    str(detail) if name in (CREDITS, VERDICT) else "",
                )
            )
    return PastFigures(moment, key, owner, tuple(rows)) if rows else None
