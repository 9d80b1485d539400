"""The table of all orgs: cells, order and search."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest

from claudemeter_tui.formatting.overview import (
    OverviewColumn,
    OverviewRow,
    format_cell,
    group_by_verdict,
    list_details,
    matches_search,
    sort_rows,
)
from claudemeter_tui.model.forecast import compute_spend_rate
from claudemeter_tui.model.store import OrgState
from claudemeter_tui.model.verdict import judge
from tests.bodies import overage_body, usage_body
from tests.scenes import (
    CREDITS_BLOCKED,
    ENTERPRISE,
    LABORATORY,
    NOW,
    PERSONAL,
    TEAM,
    WAITING,
    OrgBodies,
    store,
)

MINUTE = NOW.replace(second=0)
NAMED = {
    "room": PERSONAL,
    "blocked": TEAM,
    "credits": LABORATORY,
    "waiting": WAITING,
    "shut": CREDITS_BLOCKED,
    "seats": ENTERPRISE,
}


def build_row(state: OrgState, now: datetime) -> OverviewRow:
    """Return the row of an org at a moment."""
    return OverviewRow(state, judge(state, now), compute_spend_rate(state.series, now))


@cache
def rows() -> list[OverviewRow]:
    """Return an org for each verdict, in the order of their names' table."""
    bodies = (
        replace(one, org=one.org | {"uuid": f"bbbbbbbb-0000-4000-8000-00000000000{place}", "name": name})
        for place, (name, one) in enumerate(NAMED.items())
    )
    return [build_row(state, MINUTE) for state in store(*bodies, at=MINUTE - timedelta(seconds=18)).orgs]


def the(name: str) -> OverviewRow:
    """Return the org of that name."""
    return next(one for one in rows() if one.name == name)


@pytest.mark.parametrize(
    ("name", "column", "said"),
    [
        ("blocked", OverviewColumn.VERDICT, "BLOCKED"),
        ("shut", OverviewColumn.VERDICT, "credits BLOCKED"),
        ("blocked", OverviewColumn.PLAN, "Team"),
        ("blocked", OverviewColumn.PERCENT, "100%"),
        ("blocked", OverviewColumn.WINDOW, "5-hour"),
        ("blocked", OverviewColumn.RESETS, "1h 12m"),
        ("blocked", OverviewColumn.RESETS_AT, "16:00"),
        ("blocked", OverviewColumn.CREDITS, "$50.00"),
        ("blocked", OverviewColumn.CAP, "$50.00"),
        ("credits", OverviewColumn.CAP, "no cap"),
        ("blocked", OverviewColumn.AGE, "18s"),
        ("blocked", OverviewColumn.SESSION, "Chrome, Default"),
        ("shut", OverviewColumn.WINDOW, "7-day all"),
        ("seats", OverviewColumn.PERCENT, "–"),
        ("seats", OverviewColumn.RESETS, "–"),
        ("waiting", OverviewColumn.RATE, "–"),
    ],
)
def test_cells_of_the_table(name: str, column: OverviewColumn, said: str) -> None:
    """Each cell has the usual format of its figure; a missing one is a dash."""
    assert said == format_cell(the(name), column, MINUTE, UTC)


def test_spending_has_a_rate() -> None:
    """Rising credits have a rate per hour."""
    assert format_cell(the("credits"), OverviewColumn.RATE, MINUTE, UTC).endswith("/h")


@pytest.mark.parametrize(
    ("column", "backwards", "names"),
    [
        (OverviewColumn.VERDICT, False, "blocked waiting credits seats shut room"),
        (OverviewColumn.VERDICT, True, "room shut seats credits waiting blocked"),
        (OverviewColumn.ORG, False, "blocked credits room seats shut waiting"),
        (OverviewColumn.CREDITS, False, "seats blocked room credits waiting shut"),
    ],
)
def test_rows_in_order(column: OverviewColumn, backwards: bool, names: str) -> None:  # noqa: FBT001 - a table
    """The order is worst first by default, amounts largest first, and reversed on demand."""
    found = [one.name for one in sort_rows(rows(), column, backwards=backwards)]
    assert names.split() == found


@pytest.mark.parametrize(
    "column",
    [
        OverviewColumn.PERCENT,
        OverviewColumn.RESETS,
        OverviewColumn.RATE,
        OverviewColumn.AGE,
        OverviewColumn.SESSION,
    ],
)
def test_missing_figures_come_last(column: OverviewColumn) -> None:
    """In every order an unknown value comes after the known ones."""
    said = [format_cell(one, column, MINUTE, UTC) for one in sort_rows(rows(), column)]
    known = [place for place, text in enumerate(said) if text != "–"]
    assert list(range(len(known))) == known


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ("", "room blocked credits waiting shut seats"),
        ("BLOCKED", "blocked shut"),
        ("team", "blocked"),
        ("pat@ chrome wait", "waiting"),
        ("000000000002", "credits"),
        ("[nope", ""),
    ],
)
def test_search_finds_by_all_words(wanted: str, names: str) -> None:
    """The search covers name, id, plan, verdict, account and session; every word has to match."""
    assert names.split() == [one.name for one in rows() if matches_search(one, wanted)]


def test_tally_counts_verdicts_worst_first() -> None:
    """The tally counts the orgs of each state, and separately locked credits with room in the plan."""
    expected = [("BLOCKED", 1), ("WAIT", 1), ("ON CREDITS", 2), ("credits BLOCKED", 1), ("CAN WORK", 1)]
    assert expected == [(verdict, len(found)) for verdict, found in group_by_verdict(rows()).items()]


def test_second_line_has_every_window_and_the_balance() -> None:
    """The second line has everything that the first line leaves out."""
    assert list(list_details(the("room"), NOW)) == [
        "5-hour 67%",
        "7-day all 41%",
        "7-day Fable 12%",
        "balance $244.35",
    ]


def test_old_figures_stay_and_are_marked_old() -> None:
    """After a quarter of an hour the verdict is UNKNOWN, and the figures stay with their age."""
    later = MINUTE + timedelta(minutes=41)
    old = build_row(the("room").state, later)
    assert format_cell(old, OverviewColumn.VERDICT, later, UTC) == "UNKNOWN"
    assert format_cell(old, OverviewColumn.PERCENT, later, UTC) == "67%"
    assert format_cell(old, OverviewColumn.AGE, later, UTC) == "41m"


def test_org_that_was_never_read_has_dashes() -> None:
    """An org without replies has no invented figure."""
    state = replace(the("room").state, replies={})
    fresh = build_row(state, MINUTE)
    assert {"–"} == {
        format_cell(fresh, column, MINUTE, UTC)
        for column in (OverviewColumn.PERCENT, OverviewColumn.RESETS, OverviewColumn.CREDITS)
    }
    assert format_cell(fresh, OverviewColumn.AGE, MINUTE, UTC) == "never"


def test_due_reset_has_no_percentage() -> None:
    """A window whose reset has passed has no percentage."""
    bodies = OrgBodies(usage=usage_body(67.0, None), overage=overage_body())
    late = NOW + timedelta(hours=1, minutes=13)
    state = store(bodies, at=late - timedelta(seconds=10)).orgs[0]
    assert format_cell(build_row(state, late), OverviewColumn.RESETS, late, UTC) == "–"
