"""The table of all orgs: cells, order and search."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache

import pytest

from claudemeter_tui.formatting.overview import (
    CreditForm,
    OverviewColumn,
    OverviewRow,
    format_spent,
    format_window,
    group_by_verdict,
    list_credit_forms,
    list_day_titles,
    list_unseen_matches,
    list_verdict_forms,
    matches_search,
    sort_rows,
)
from claudemeter_tui.model.day import DayUse
from claudemeter_tui.model.money import Money
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
    return OverviewRow(state, judge(state, now))


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
    ("name", "forms"),
    [
        ("blocked", [("BLOCKED → 16:00", ""), ("BLOCKED", "")]),
        ("credits", [("ON CREDITS → 16:00", ""), ("ON CREDITS", "")]),
        ("waiting", [("WAIT → 16:00", ""), ("WAIT", "")]),
        ("shut", [("credits BLOCKED", "")]),
        ("seats", [("ON CREDITS", "")]),
        ("room", [("can work", "")]),
    ],
)
def test_verdict_has_its_end(name: str, forms: list[tuple[str, str]]) -> None:
    """The verdict names its end if there is one; the shortest form is the name alone."""
    assert forms == list_verdict_forms(the(name), MINUTE, UTC)


@pytest.mark.parametrize(
    ("days", "said"),
    [(0, "WAIT → 16:00"), (1, "WAIT → Sun 16:00"), (6, "WAIT → Fri 16:00"), (7, "WAIT → May 2")],
)
def test_end_in_a_week_is_a_day(days: int, said: str) -> None:
    """An end within six days has a time, a later one only its day."""
    row = the("waiting")
    ends = datetime(2026, 4, 25, 16, tzinfo=UTC) + timedelta(days=days)
    later = replace(row, verdict=row.verdict._replace(ends_at=ends))
    assert said == list_verdict_forms(later, MINUTE, UTC)[0][0]


def test_calm_verdict_names_credits_that_are_off() -> None:
    """An org with room whose credits are off says so, because work stops when the window is full."""
    bodies = OrgBodies(usage=usage_body(92.0, 41.0), overage=overage_body(0, 6000, enabled=False))
    row = build_row(store(bodies, at=MINUTE).orgs[0], MINUTE)
    assert list_verdict_forms(row, MINUTE, UTC) == [("can work", "credits off"), ("can work", "")]


@pytest.mark.parametrize(
    ("minutes", "forms"),
    [
        (1, [("can work", "")]),
        (3, [("can work", "3m ago"), ("can work", "3m ago")]),
        (41, [("UNKNOWN", "41m ago"), ("UNKNOWN", "")]),
    ],
)
def test_old_figures_have_their_age(minutes: int, forms: list[tuple[str, str]]) -> None:
    """A stale row shows its age in every form, and after a quarter of an hour the verdict is UNKNOWN."""
    later = MINUTE + timedelta(minutes=minutes) - timedelta(seconds=18)
    old = build_row(the("room").state, later)
    assert forms == list_verdict_forms(old, later, UTC)
    assert format_window(old.find_window(OverviewColumn.FULLEST), later) == "67%"


def test_org_that_was_never_read_has_dashes() -> None:
    """An org without replies has no invented figure."""
    fresh = build_row(replace(the("room").state, replies={}), MINUTE)
    assert list_verdict_forms(fresh, MINUTE, UTC)[0] == ("UNKNOWN", "never read")
    assert list_credit_forms(fresh, MINUTE, UTC) == [CreditForm("–")]
    columns = (OverviewColumn.SESSION_WINDOW, OverviewColumn.WEEK_WINDOW, OverviewColumn.FULLEST)
    assert {"–"} == {format_window(fresh.find_window(column), MINUTE) for column in columns}


@pytest.mark.parametrize(
    ("name", "forms"),
    [
        ("room", [("$17.20", "of 50", ""), ("$17.20", "", "")]),
        ("blocked", [("$50.00", "of 50", "locked"), ("$50.00", "", "locked")]),
        ("credits", [("$8.12", "no cap", "")]),
        ("waiting", [("$4.26", "of 60", "off"), ("$4.26", "", "off")]),
        ("seats", [("$2,119.26", "of 5,000", ""), ("$2,119.26", "", "")]),
    ],
)
def test_credits_have_cap_and_state(name: str, forms: list[tuple[str, str, str]]) -> None:
    """The cap has no second currency sign and no zero cents; without room for it, the amount stays whole."""
    assert list_credit_forms(the(name), MINUTE, UTC) == [CreditForm(*form) for form in forms]


def test_cap_keeps_its_cents() -> None:
    """A cap that is no whole amount is not rounded."""
    bodies = OrgBodies(usage=usage_body(67.0, 41.0), overage=overage_body(1720, 5050))
    row = build_row(store(bodies, at=MINUTE).orgs[0], MINUTE)
    assert list_credit_forms(row, MINUTE, UTC)[0].text == "$17.20 of 50.50"


def test_org_without_credits_has_a_dash() -> None:
    """An org that has no usage credits shows neither an amount nor a state."""
    bodies = OrgBodies(usage=usage_body(67.0, 41.0), overage=None)
    row = build_row(store(bodies, at=MINUTE).orgs[0], MINUTE)
    assert list_credit_forms(row, MINUTE, UTC) == [CreditForm("–")]


@pytest.mark.parametrize(
    ("start", "titles"),
    [
        ("2026-04-25T00:00", ["5-hour today", "5h today"]),
        ("2026-04-25T12:48", ["5-hour since 12:48", "since 12:48", "5-hour today", "5h today"]),
    ],
)
def test_sparkline_has_one_title(start: str, titles: list[str]) -> None:
    """The title names the window; it also says if readings do not cover the day."""
    assert titles == list_day_titles(datetime.fromisoformat(f"{start}+00:00"), MINUTE, UTC)


@pytest.mark.parametrize(("cents", "text"), [(340, "$3.40"), (0, "–"), (None, "–")])
def test_spending_is_an_amount_or_a_dash(cents: int | None, text: str) -> None:
    """An org that spent nothing, or whose credits were not read, has a dash."""
    spent = Money(Decimal(cents), "USD") if cents is not None else None
    assert text == format_spent(DayUse(spent=spent))
    assert format_spent(None) == "–"


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


@pytest.mark.parametrize("column", [OverviewColumn.SESSION_WINDOW, OverviewColumn.WEEK_WINDOW])
def test_missing_figures_come_last(column: OverviewColumn) -> None:
    """In the order of a window an unknown value comes after the known ones."""
    said = [format_window(one.find_window(column), MINUTE) for one in sort_rows(rows(), column)]
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


@pytest.mark.parametrize(
    ("wanted", "fields"),
    [
        ("", []),
        ("BLOCKED", []),
        ("pat@", ["account"]),
        ("chrome blocked", ["session"]),
        ("000000000002", ["UUID"]),
    ],
)
def test_search_says_which_unseen_field_matches(wanted: str, fields: list[str]) -> None:
    """Name and verdict are on screen; the other fields that hold a word are named."""
    found = [one for one in rows() if matches_search(one, wanted)]
    assert all(list_unseen_matches(one, wanted) == fields for one in found)
    assert found


def test_tally_counts_verdicts_worst_first() -> None:
    """The tally counts the orgs of each state, and separately locked credits with room in the plan."""
    expected = [("BLOCKED", 1), ("WAIT", 1), ("on credits", 2), ("credits BLOCKED", 1), ("can work", 1)]
    assert expected == [(verdict, len(found)) for verdict, found in group_by_verdict(rows()).items()]


def test_due_reset_has_no_percentage() -> None:
    """A window whose reset has passed has no percentage."""
    bodies = OrgBodies(usage=usage_body(67.0, None), overage=overage_body())
    late = NOW + timedelta(hours=1, minutes=13)
    state = store(bodies, at=late - timedelta(seconds=10)).orgs[0]
    window = build_row(state, late).find_window(OverviewColumn.SESSION_WINDOW)
    assert format_window(window, late) == "due"
