"""The use of this machine from the archive: tokens, rises with their parts, and refusals of an org."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from claudemeter_tui.demo.history import SimulatedPast, fill_archive
from claudemeter_tui.history.database import to_millis
from claudemeter_tui.history.machine import load_rises, query_machine, read_machine
from claudemeter_tui.history.queries import query_history
from claudemeter_tui.history.schema import MIGRATIONS
from claudemeter_tui.history.transcripts import sum_calls_before
from claudemeter_tui.model.attribution import NoRate
from claudemeter_tui.model.history import HistoryRequest
from claudemeter_tui.model.machine import (
    FigureRises,
    ListCost,
    MachineRequest,
    MachineSpan,
    MachineUsage,
    SpanKind,
    SpanUsage,
    UsageRow,
    count_stops,
    sum_costs,
    sum_counts,
)
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.prices import NANO_PER_DOLLAR
from tests.bodies import PERSONAL
from tests.machines import (
    OTHER_API,
    PERSONAL_ROW,
    PROJECTS,
    SHOP,
    SHOP_API,
    TEAM_ROW,
    build_machine_archive,
    build_request,
)
from tests.scenes import NOW

MINUTE = timedelta(minutes=1)
Value = tuple[int, int, float, int | None]
"""First and last minute before now, value, and minute of the reset."""


def load(org_id: int | None = TEAM_ROW, login: str | None = None) -> MachineUsage:
    """Return the use of the machine beside an org."""
    archive = build_machine_archive(NOW, login) if login is not None else build_machine_archive()
    return query_machine(archive, org_id, build_request())


def find_span(usage: MachineUsage, kind: SpanKind) -> SpanUsage:
    """Return one of the spans."""
    return next(one for one in usage.spans if one.span.kind is kind)


def find_figure(one: SpanUsage, name: str) -> FigureRises:
    """Return a figure of a span."""
    return next(figure for figure in one.figures if figure.figure == name)


def test_span_has_the_calls_since_its_start() -> None:
    """15 rises in five hours, of which 12 were caused here: a dollar each, half of it in cache writes."""
    one = find_span(load(), SpanKind.WINDOW)
    assert sum(row.calls for row in one.rows) == 24
    assert {row.project for row in one.rows} == {SHOP, SHOP_API, OTHER_API}
    assert sum_counts(one.rows).total == 12 * 125_000
    assert sum_costs(one.rows) == ListCost(12 * NANO_PER_DOLLAR)


def test_sums_of_hours_count_in_the_spans_of_their_hours() -> None:
    """Every span has the same calls before and after a big file made sums of all of them.

    A span that begins within an hour is without the sums of this hour, and says so.
    """
    kept, summed = (sqlite3.connect(":memory:", isolation_level=None) for _ in range(2))
    for connection in (kept, summed):
        build_machine_archive().backup(connection)
    sum_calls_before(summed, to_millis(NOW - timedelta(hours=1)))
    assert summed.execute("SELECT count(*) > 20 FROM call_hours").fetchone() == (1,)

    def load_both(*starts: datetime) -> list[tuple[list[list[UsageRow]], list[bool]]]:
        spans = tuple(MachineSpan(SpanKind.TODAY, start) for start in starts)
        usages = (query_machine(one, TEAM_ROW, MachineRequest(NOW, spans, UTC)) for one in (kept, summed))
        return [
            ([sorted(one.rows) for one in usage.spans], [one.is_whole for one in usage.spans])
            for usage in usages
        ]

    hour = NOW.replace(minute=0, second=0, microsecond=0)
    before, after = load_both(*(hour - timedelta(hours=hours) for hours in (0, 3, 20, 24 * 25)))
    assert before == after
    assert after[1] == [True] * 4
    before, after = load_both(hour - timedelta(hours=3) + 10 * MINUTE, hour + MINUTE)
    assert sum(row.calls for row in before[0][0]) > sum(row.calls for row in after[0][0]) > 0
    assert (before[1], after[1]) == ([True, True], [False, True])


def test_rises_of_summed_hours_are_not_placed() -> None:
    """Without the minutes of the calls here, no part of a rise is known to be from elsewhere."""
    summed = sqlite3.connect(":memory:", isolation_level=None)
    build_machine_archive().backup(summed)
    sum_calls_before(summed, to_millis(NOW - timedelta(hours=6)))
    one = find_span(query_machine(summed, TEAM_ROW, build_request()), SpanKind.TODAY)
    kept = find_figure(find_span(load(), SpanKind.TODAY), "window:five_hour").attribution
    found = find_figure(one, "window:five_hour").attribution
    assert kept is not None
    assert found is not None
    assert found.total == kept.total
    assert kept.unknown == 0
    assert found.unknown > 0
    assert found.elsewhere <= kept.elsewhere


def test_tokens_without_a_price_are_counted_apart() -> None:
    """An unknown model and an unknown kind of service have no price; the others keep theirs."""
    cost = sum_costs(find_span(load(), SpanKind.CYCLE).rows)
    assert cost == ListCost(72 * NANO_PER_DOLLAR, unpriced=2_400)
    assert sum_costs(find_span(load(), SpanKind.TODAY).rows).unpriced == 0


def test_rise_is_split_over_the_projects_and_elsewhere() -> None:
    """Each fifth rise had no call here; the parts add up to what the server reported."""
    figure = find_figure(find_span(load(), SpanKind.WINDOW), "window:five_hour")
    assert figure.attribution is not None
    assert figure.attribution.shares == pytest.approx(dict.fromkeys(PROJECTS, 20.0))
    assert figure.attribution.elsewhere == pytest.approx(15.0)
    for one in load().spans:
        for each in one.figures:
            split, total = each.attribution, each.total
            assert split is not None
            parts = sum(split.shares.values()) + split.elsewhere + split.unknown
            assert parts == pytest.approx(float(total.minor) if isinstance(total, Money) else total)


def test_too_little_data_attributes_nothing() -> None:
    """One rise of the credits has no usual rate."""
    figure = find_figure(find_span(load(), SpanKind.TODAY), "used")
    assert figure.attribution is not None
    assert (figure.attribution.reason, figure.attribution.shares) == (NoRate.FEW, {})
    assert figure.attribution.unknown == 340


@pytest.mark.parametrize("login", [PERSONAL, ""])
def test_rises_of_another_org_are_not_attributed(login: str) -> None:
    """The calls are those of the org of the login; without a known login nothing is attributed, either."""
    usage = load(login=login)
    assert {figure.attribution for one in usage.spans for figure in one.figures} == {None}
    assert find_span(usage, SpanKind.WINDOW).rows
    assert (usage.login is None) is (login == "")


def test_usage_without_an_org_has_no_rises() -> None:
    """Tokens and refusals of the machine do not depend on an org."""
    usage = load(org_id=None)
    assert [one.figures for one in usage.spans] == [()] * 4
    assert [one.rows for one in usage.spans] == [one.rows for one in load().spans]
    assert count_stops(usage.refusals) == {"5-hour": 1, "credits": 1, "unknown": 1, "week": 1}


def build_figure(values: list[Value], figure: str = "window:five_hour") -> sqlite3.Connection:
    """Return an archive with the values of one figure."""
    connection = sqlite3.connect(":memory:")
    connection.executescript("".join(MIGRATIONS))
    connection.execute("INSERT INTO accounts VALUES (1, 'https://claude.ai', 'pat', NULL)")
    connection.execute("INSERT INTO orgs VALUES (1, 1, 'org', '', '', 0, 1)")

    def place(minute: int) -> int:
        return to_millis(NOW - minute * MINUTE)

    runs: list[tuple[str, int, int, object, str, str]] = [
        (
            figure,
            place(first),
            place(last),
            value,
            "USD:2" if figure == "used" else "percent",
            "" if reset is None else str(place(reset)),
        )
        for first, last, value, reset in values
    ]
    fill_archive(connection, 1, SimulatedPast(runs=runs))
    return connection


@pytest.mark.parametrize(
    ("total", "is_whole", "values"),
    [
        (30.0, True, [(200, 121, 10, -60), (90, 80, 25, -60), (50, 0, 40, -60)]),
        (15.0, False, [(200, 150, 10, -60), (90, 80, 25, -60), (50, 0, 40, -60)]),
        (40.0, True, [(200, 100, 60, 60), (50, 40, 10, -240), (30, 0, 40, -240)]),
        (5.0, True, [(200, 100, 60, -60), (90, 80, 58, -60), (50, 0, 65, -60)]),
        (5.0, True, [(200, 100, 60, -60), (90, 0, 65, -90)]),
        (0.0, True, [(200, 0, 60, -60)]),
        (10.0, False, [(100, 80, 30, -60), (50, 0, 40, -60)]),
        (0.0, False, [(50, 0, 40, -60)]),
        (40.0, True, [(100, 80, 30, -180), (50, 0, 40, -180)]),
        (40.0, True, [(50, 0, 40, -180)]),
        (40.0, False, [(50, 0, 40, -200)]),
        (0.0, False, [(50, 0, 40, None)]),
    ],
    ids=[
        *("rises", "pause", "reset", "correction", "moved-reset", "no-rise", "read-late", "read-once"),
        *("window-of-the-span", "window-read-once", "later-window", "no-reset"),
    ],
)
def test_rise_of_two_hours(total: float, is_whole: bool, values: list[Value]) -> None:  # noqa: FBT001
    """Nothing is counted twice or over a reset, and a figure that was first read later says so."""
    (found,) = load_rises(build_figure(values), 1, NOW - 120 * MINUTE, NOW)
    assert (found.total, found.is_whole) == (total, is_whole)


def test_used_credits_start_from_zero_each_month() -> None:
    """A lower amount in a new month is spent in it; within a month it is a correction."""
    month = (NOW - NOW.replace(day=1, hour=0, minute=0, second=0)) // MINUTE
    values: list[Value] = [
        (month + 900, month + 60, 5_000, None),
        (month - 60, month - 100, 300, None),
        (60, 30, 250, None),
        (20, 0, 450, None),
    ]
    (found,) = load_rises(build_figure(values, "used"), 1, NOW - (month + 600) * MINUTE, NOW)
    assert found.total == Money(found.total.minor, "USD") if isinstance(found.total, Money) else None
    assert isinstance(found.total, Money)
    assert found.total.minor == 450


def test_figure_that_was_not_read_in_the_span_is_left_out() -> None:
    """Nothing is said about a span without a reading."""
    assert load_rises(build_figure([(900, 800, 10, None)]), 1, NOW - 120 * MINUTE, NOW) == ()


def test_archive_that_does_not_exist_is_empty(tmp_path: Path) -> None:
    """Nothing was read yet; a file that is no archive cannot be read."""
    path = tmp_path / "history.sqlite"
    found = read_machine(path, "https://claude.ai", None, build_request())
    assert found is not None
    assert (found.is_empty, found.read_at) == (True, None)
    path.write_bytes(b"no database" * 1000)
    assert read_machine(path, "https://claude.ai", None, build_request()) is None


def test_history_counts_the_refusals_of_its_org_only() -> None:
    """Stops while Claude Code was logged in to the org; another org has none."""
    archive = build_machine_archive()
    archive.execute("SAVEPOINT before")
    fill_archive(
        archive,
        PERSONAL_ROW,
        SimulatedPast(runs=[("verdict", to_millis(NOW - MINUTE), to_millis(NOW), "can_work", "", "")]),
    )
    fill_archive(
        archive,
        TEAM_ROW,
        SimulatedPast(runs=[("verdict", to_millis(NOW - MINUTE), to_millis(NOW), "can_work", "", "")]),
    )
    request = HistoryRequest(NOW, 4, UTC)
    try:
        found = query_history(archive, TEAM_ROW, request)
        assert dict(found.refused) == {"5-hour": 1, "credits": 1, "unknown": 1, "week": 1}
        assert found.last_refused_at == NOW - timedelta(hours=1)
        for weeks, days, count in ((1, 5, 1), (1, 35, 0), (12, 35, 4)):  # the same span as that of the stops
            later = query_history(archive, TEAM_ROW, HistoryRequest(NOW + timedelta(days=days), weeks, UTC))
            assert sum(later.refused.values()) == count
        nothing = query_history(archive, PERSONAL_ROW, request)
        assert (nothing.refused, nothing.last_refused_at) == ({}, None)
    finally:
        archive.execute("ROLLBACK TO before")
        archive.execute("RELEASE before")
