"""The overview: order, search, cursor, sizes, hostile names, many orgs."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.cells import cell_len
from textual.geometry import Region
from textual.message import Message
from textual.pilot import Pilot
from textual.widgets import Input

from claudemeter_tui.formatting.overview import (
    NARROW_VERDICT_TITLES,
    SPENT_TITLES,
    OverviewColumn,
    OverviewRow,
    list_day_titles,
)
from claudemeter_tui.model import day
from claudemeter_tui.model.account import Account
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.events import Event, EventKind
from claudemeter_tui.model.reading import OrgReading, Reading, Reply, Session
from claudemeter_tui.model.store import OrgKey
from claudemeter_tui.model.time_series import ArchivedSeries
from claudemeter_tui.model.verdict import judge
from claudemeter_tui.model.windows import Plan, Severity
from claudemeter_tui.tui.app import Claudemeter, Options
from claudemeter_tui.tui.screens.dashboard import DashboardScreen
from claudemeter_tui.tui.screens.overview import EXTRA_CHART, OVERVIEW_KEYS, OverviewScreen
from claudemeter_tui.tui.screens.starting import StartingScreen
from claudemeter_tui.tui.screenshots import capture_svg
from claudemeter_tui.tui.styled_text import SEVERITY_STYLES, build_line
from claudemeter_tui.tui.view import HistoryState, View
from claudemeter_tui.tui.widgets import org_table
from claudemeter_tui.tui.widgets.chart_panel import ChartPanel
from claudemeter_tui.tui.widgets.credits_panel import CreditsPanel
from claudemeter_tui.tui.widgets.event_panel import EventPanel, list_event_lines
from claudemeter_tui.tui.widgets.limits_panel import LimitsPanel
from claudemeter_tui.tui.widgets.line_widget import LineWidget
from tests.archives import archive_credits, archive_percents
from tests.bodies import ACCOUNT, extra_usage_body, overage_body, usage_body
from tests.scenes import (
    CREDITS_BLOCKED,
    ENTERPRISE,
    LAB,
    LABORATORY,
    NOW,
    PERSONAL,
    READ,
    SESSION,
    TEAM,
    WAITING,
    OrgBodies,
    org_of,
    readings,
    store,
)
from tests.terminal import PATIENCE
from tests.tui.app_harness import Stage, app, finish_workers, screen, stage, text, type_at_once

SIZES = [(160, 45), (120, 36), (100, 30), (80, 24), (60, 20), (40, 8), (120, 1), (80, 3), (30, 6)]
HOSTILE = (
    "東京研究所",
    "Lab 🚀 rocket",
    "[/nope] [b]x",
    "A very long name of an organization that goes on",
    "é" * 60,
)
KINDS = (PERSONAL, TEAM, LABORATORY, WAITING, CREDITS_BLOCKED, ENTERPRISE)


def many(count: int) -> Iterator[OrgBodies]:
    """Return so many orgs of all kinds, with hostile names."""
    for place in range(count):
        kind, name = KINDS[place % len(KINDS)], f"{HOSTILE[place % len(HOSTILE)][:50]} {place}"
        uuid = f"bbbbbbbb-0000-4000-8000-{place:012}"
        yield replace(kind, org=kind.org | {"uuid": uuid, "name": name}, spent=())


@asynccontextmanager
async def overview(
    *orgs: OrgBodies, size: tuple[int, int] = (120, 36), heard: list[Message] | None = None
) -> AsyncIterator[tuple[Pilot[Any], OverviewScreen, Stage]]:
    """Return the overview over these orgs."""
    scene = stage(*orgs)
    hook = heard.append if heard is not None else None
    async with app(scene).run_test(size=size, message_hook=hook) as pilot:
        await pilot.pause()
        assert isinstance(pilot.app, Claudemeter)
        # The choice is recorded, and the overview stays.
        setattr(pilot.app, "action_close", stay)  # noqa: B010 - a method, for the type checker
        shown = OverviewScreen(pilot.app._build_view())
        await pilot.app.push_screen(shown)
        await pilot.pause()
        yield pilot, shown, scene


async def stay() -> None:
    """Close no screen."""


def under_cursor(pilot: Pilot[Any]) -> str:
    """Return the line under the cursor."""
    return next((line for line in screen(pilot) if line.startswith("▌")), "")


def table(pilot: Pilot[Any], *names: str) -> list[str]:
    """Return the names in the order of the table."""
    lines = [line[4:] for line in screen(pilot)]
    return [name for line in lines for name in names if line.startswith(name)]


async def test_table_is_worst_first_and_enter_selects() -> None:
    """The cursor begins on the selected org; Enter and a double click select the org under the cursor."""
    heard: list[Message] = []
    async with overview(PERSONAL, TEAM, LABORATORY, heard=heard) as (pilot, shown, _):
        assert table(pilot, "Personal", "Acme Team", "Lab") == ["Acme Team", "Lab", "Personal"]
        assert "Personal" in under_cursor(pilot)
        assert "3 orgs · 1 BLOCKED  1 on credits  1 can work" in screen(pilot)[0]
        await pilot.press("up", "enter")
        assert "Lab" in under_cursor(pilot)
        assert "── Lab · Max 5x · pat@example.com · Chrome, Default ──" in text(pilot)
        await pilot.press("home")
        await pilot.click(shown.item_list, offset=(5, 2), times=2)
        await pilot.pause()
        chosen = [message.key[1] for message in heard if isinstance(message, OverviewScreen.OrgChosen)]
        assert chosen == [org_of(LABORATORY.org).uuid, org_of(PERSONAL.org).uuid]


def cells(line: str) -> list[str]:
    """Return the texts of a line without the mark of the cursor."""
    return re.split(r"\s{2,}", line.replace("▌", " ").strip())


AT = "▇" * 16
AMOUNTS = ("$50.00", "$8.12", "$17.20")


async def test_row_has_every_part() -> None:
    """A row has mark, name, verdict, bars, credits with aligned amounts, today's money and a sparkline."""
    async with overview(PERSONAL, TEAM, LABORATORY) as (pilot, _, _):
        head, *rows = screen(pilot)[2:6]
        titles = ["org", "verdict▾", "5-hour", "7-day", "credits", "spent today", "since 14:02"]
        assert cells(head) == titles
        full = f"{'━' * 8} 100% ■"
        assert [" | ".join(cells(row)) for row in rows] == [
            f"■ Acme Team | BLOCKED → 16:00 | {full} | ━━━━━╸── | 71% | $50.00 of 50 locked | $3.40 | {AT}",
            f"▲ Lab | ON CREDITS → 16:00 | {full} | ━━━━╸─── | 58% | $8.12 no cap | $5.12 | {AT}",
            f"● Personal | can work | ━━━━━─── | 67% | ━━━───── | 41% | $17.20 of 50 | – | {'▅' * 16}",
        ]
        ends = [row.index(amount) + len(amount) for row, amount in zip(rows, AMOUNTS, strict=True)]
        assert len(set(ends)) == 1
        assert "$8.52 since 14:02 · updated 18s ago" in screen(pilot)[0]


@pytest.mark.parametrize("size", [(160, 45), (120, 36), (80, 24), (40, 8)])
async def test_first_layout_has_every_part_in_its_place(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first frame has the lines of each part, because they are set before the first layout."""
    layouts: list[list[object]] = []
    draw_view = OverviewScreen.draw_view

    def spy(drawn: OverviewScreen) -> None:
        if drawn.item_list.container_size.width:
            layouts.append([part.region for part in drawn.query("*") if part.display])
        draw_view(drawn)

    monkeypatch.setattr(OverviewScreen, "draw_view", spy)
    async with overview(*many(3), size=size) as (pilot, shown, _):
        await pilot.pause()
        assert layouts[0] == [part.region for part in shown.query("*") if part.display]


async def test_columns_without_any_figure_are_left_out() -> None:
    """Windows, credits and owners have a column only if at least one org has something in it."""
    plain = OrgBodies(usage=usage_body(67.0, None, limits=[]), overage=None, prepaid=None)
    async with overview(plain) as (pilot, _, _):
        assert cells(screen(pilot)[2]) == ["org", "verdict▾", "5-hour", "5-hour since 14:38"]
        assert "credits" not in cells(screen(pilot)[2])
        assert "7-day" not in cells(screen(pilot)[2])
    async with overview(ENTERPRISE) as (pilot, _, _):
        assert cells(screen(pilot)[2])[:3] == ["org", "verdict▾", "credits"]


async def test_orgs_of_one_name_have_their_account() -> None:
    """Two orgs of one name have their account behind it; an org with a name of its own has none."""
    scene = stage(PERSONAL, TEAM)
    async with app(scene).run_test(size=(120, 36)) as pilot:
        other = Session("Firefox", "default")
        account = Account("dddddddd-0000-4000-8000-000000000009", "")
        twin = org_of(PERSONAL.org | {"uuid": "bbbbbbbb-0000-4000-8000-000000000009"})
        listed = Reading(other, READ, account=Reply(Endpoint.ACCOUNT, READ, account, "{}"), orgs=(twin,))
        await pilot.pause()
        await pilot.press("o")
        assert cells(screen(pilot)[2])[:2] == ["org", "verdict▾"]
        await scene.post(pilot, listed)
        head, *rows = [cells(line)[:2] for line in screen(pilot)[2:6]]
        assert head == ["org", "verdict▾"]
        assert sorted(name for name, _ in rows) == [
            "? Personal (dddd)",
            "■ Acme Team",
            "● Personal (pat@example.com)",
        ]


@pytest.mark.parametrize("width", [160, 120, 100, 80, 60, 46])
async def test_name_keeps_24_cells(width: int) -> None:
    """Other columns are left out before a name is cut below 24 cells."""
    name = "Consulting Zürich, Office"
    org = replace(TEAM, org=TEAM.org | {"name": name})
    async with overview(org, PERSONAL, size=(width, 24)) as (pilot, _, _):
        row = next(line for line in screen(pilot) if line[2:3] == "■")
        assert row[4:].startswith(name if name in row else f"{name[:23]}…")
        assert "BLOCKED" in row


FIVE = tuple(
    replace(bodies, org=bodies.org | {"uuid": f"bbbbbbbb-0000-4000-8000-00000000001{place}", "name": name})
    for place, (name, bodies) in enumerate(
        {
            "Blocked": TEAM,
            "Paying, with a long name": LABORATORY,
            "Locked": CREDITS_BLOCKED,
            "Seats": ENTERPRISE,
            "Fine": OrgBodies(usage=usage_body(92.0, 41.0), overage=overage_body(1720)),
        }.items()
    )
)
"""An org of each kind: one without windows, and one whose name is too long for a narrow pane."""


@pytest.mark.parametrize(
    ("width", "titles", "rows"),
    [
        (
            68,
            "org verdict▾ used credits",
            [
                "■ Blocked | BLOCKED → 16:00 | 100% ■ | $50.00",
                "▲ Paying, with a long name | ON CREDITS → 16:00 | 100% ■ | $8.12",
                "▲ Seats | ON CREDITS | – | $2,119.26",
                "◆ Locked | credits BLOCKED | 67% | $0.00",
                "● Fine | can work | 92% ◆ | $17.20",
            ],
        ),
        (
            61,
            "org verdict · used▾ credits",
            [
                "■ Blocked | BLOCKED → 16:00 | $50.00",
                "▲ Paying, with a long name | ON CREDITS → 16:00 | $8.12",
                "▲ Seats | ON CREDITS | $2,119.26",
                "◆ Locked | credits BLOCKED 67% | $0.00",
                "◆ Fine | can work 92% | $17.20",
            ],
        ),
        (
            40,
            "org verdict · used▾",
            [
                "■ Blocked | BLOCKED → 16:00",
                "▲ Paying, with … | ON CREDITS → 16:00",
                "▲ Seats | ON CREDITS",
                "◆ Locked | credits BLOCKED 67%",
                "◆ Fine | can work 92%",
            ],
        ),
    ],
)
async def test_narrow_pane_keeps_end_percentage_and_credits(width: int, titles: str, rows: list[str]) -> None:
    """The credits come before a second window, and a percentage without a column is beside the verdict."""
    async with overview(*FIVE, size=(width, 12)) as (pilot, _, _):
        head, *lines = screen(pilot)[2:8]
        assert " ".join(cells(head)) == titles
        assert [" | ".join(cells(line)) for line in lines] == rows


@pytest.mark.parametrize(("count", "has_titles"), [(5, True), (6, False)])
async def test_low_pane_prefers_an_org_to_the_titles(count: int, *, has_titles: bool) -> None:
    """At 40x8, six orgs are on screen at once; the verdicts need no titles there."""
    names = [f"Org {place}" for place in range(count)]
    orgs = [replace(FIVE[place % 5], org=one.org) for place, one in enumerate(many(count))]
    orgs = [replace(one, org=one.org | {"name": name}) for one, name in zip(orgs, names, strict=True)]
    async with overview(*orgs, size=(40, 8)) as (pilot, _, _):
        lines = screen(pilot)
        assert lines[1].lstrip().startswith("org") is has_titles
        assert sorted(table(pilot, *names)) == names
        assert lines[-1].startswith(" Esc close")


LATER = NOW + timedelta(minutes=3)


def test_old_figures_keep_their_age_in_a_narrow_pane() -> None:
    """A percentage never outlasts the age of its figures."""
    rows = [OverviewRow(state, judge(state, LATER)) for state in store(*FIVE).orgs]
    texts = [org_table.build_row_texts(row, LATER, UTC, None) for row in rows]
    found = set()
    for width in range(34, 120):
        layout = org_table.build_table_layout(texts, width)
        for row, own in zip(rows, texts, strict=True):
            line = org_table.build_table_line(row, own, layout, LATER, build_line("")).plain
            found.add(re.sub(r"  .*", "", line[line.index("can work") :]) if row.name == "Fine" else "")
    assert found == {"", "can work · 3m ago", "can work 92% · 3m ago"}


def test_no_figure_is_cut_in_a_narrow_pane() -> None:
    """Whatever the width, only a name is shortened; every other text is whole or left out."""
    rows = [OverviewRow(state, judge(state, NOW)) for state in store(*FIVE).orgs]
    texts = [org_table.build_row_texts(row, NOW, UTC, None) for row in rows]
    for width in range(22, 160):
        layout = org_table.build_table_layout(texts, width)
        end = org_table.MARK_WIDTH + layout.widths[OverviewColumn.ORG]
        for row, own in zip(rows, texts, strict=True):
            line = org_table.build_table_line(row, own, layout, NOW, build_line("")).plain
            assert cell_len(line) <= width
            assert "…" not in line[end:], (width, line)


def build_day(until: datetime) -> ArchivedSeries:
    """Return a morning with spending of $4.00, and a 5-hour window that was at half."""
    nine = NOW.replace(hour=9, minute=0, second=0)
    credits = archive_credits(
        (1320, nine, nine + timedelta(hours=1)),
        (None, nine + timedelta(hours=1), nine + timedelta(hours=2)),
        (1720, nine + timedelta(hours=2), until),
    )
    return ArchivedSeries(nine, until, credits, {"5-hour": archive_percents((50, nine, until))})


@dataclass
class DayArchive:
    """An archive with the same morning for every org, which notes what it was asked."""

    asked: list[tuple[str, datetime]] = field(default_factory=list)
    threads: set[int] = field(default_factory=set)

    def load(self, key: OrgKey, since: datetime, _: datetime | None) -> ArchivedSeries:
        """Return the morning."""
        self.asked.append((key[1], since))
        self.threads.add(threading.get_ident())
        return build_day(READ - timedelta(minutes=50))


async def open_overview(pilot: Pilot[Any]) -> None:
    """Open the overview and wait for the archive."""
    await pilot.pause()
    await pilot.press("o")
    await pilot.pause()
    await finish_workers(pilot.app)
    await pilot.pause()


@pytest.mark.parametrize(
    ("expected", "percent"),
    [("$curve", 60.0), ("$warning", 80.0), ("$critical", 95.0), ("bold $full", 100.0)],
)
def test_newest_block_of_a_sparkline_has_its_severity(expected: str, percent: float) -> None:
    """The last block alone is in the style of its severity; without any value there is a dash."""
    line = org_table.build_day([None, 0.99, percent / 100, None], ascii_only=False)
    (span,) = (span for span in line.spans if span.start <= 2 < span.end)
    assert (span.style, line.plain[0], line.plain[3]) == (expected, " ", " ")
    assert next(span.style for span in line.spans if span.start <= 1 < span.end) == "$curve"
    assert org_table.build_day([None, None], ascii_only=False).plain == "–"


@pytest.mark.parametrize("size", [(160, 45), (120, 36), (80, 30)])
async def test_banner_below_the_table_has_end_and_cure(size: tuple[int, int]) -> None:
    """Below the table the banner has what the panels and the row do not: end, cause and cure."""
    async with overview(PERSONAL, TEAM, LABORATORY, size=size) as (pilot, _, _):
        await pilot.press("home")
        await pilot.pause()
        lines = screen(pilot)
        rule = next(place for place, line in enumerate(lines) if line.startswith("── Acme Team"))
        first, second = lines[rule + 1 : rule + 3]
        assert first.startswith("▌ BLOCKED until 16:00 (in 1h 11m)  Your monthly cap is reached")
        assert "sk an administrator to raise it" in second


@pytest.mark.parametrize(("size", "expected"), [((60, 20), True), ((80, 30), False)])
async def test_low_terminal_has_the_credits_in_the_banner(size: tuple[int, int], *, expected: bool) -> None:
    """The banner has the credits if only the limits fit below the table."""
    async with overview(LABORATORY, PERSONAL, TEAM, *many(3), size=size) as (pilot, _, _):
        assert any("credits $8.12 used" in line.lower() for line in screen(pilot)) is expected


async def test_today_comes_from_archive_and_run() -> None:
    """The sparkline and the sum reach back to midnight; a time without readings is blank."""
    archive = DayArchive()
    async with app(stage(PERSONAL), load_series=archive.load).run_test(size=(120, 36)) as pilot:
        await open_overview(pilot)
        assert archive.asked[-1] == (org_of(PERSONAL.org).uuid, NOW.replace(hour=0, minute=0, second=0))
        asked_count = len(archive.asked)
        assert threading.get_ident() not in archive.threads
        assert "$4.00 today · updated 18s ago" in screen(pilot)[0]
        assert screen(pilot)[2].endswith("spent today  5-hour since 09:00")
        assert re.search(r" \$4\.00  ▄+▅+$", screen(pilot)[3])
        await pilot.press("escape", "o")
        await pilot.pause()
        assert len(archive.asked) == asked_count


def test_picture_of_the_overview_has_the_day() -> None:
    """`--screenshot` with `screen = "overview"` waits for the archive."""
    archive, scene = DayArchive(), stage(PERSONAL)
    picture = capture_svg(
        lambda feed: Claudemeter(
            feed,
            now=lambda: scene.now,
            options=Options(zone=UTC, screen="overview", load_series=archive.load),
        ),
        scene,
        1,
        size=(120, 36),
    )
    assert "$4.00&#160;today" in picture


async def test_sorted_column_has_an_arrow_and_moves_nothing() -> None:
    """Every sortable column shows the arrow in its turn, also one as wide as its title; no title moves."""
    async with overview(PERSONAL, TEAM, LABORATORY, size=(80, 24)) as (pilot, shown, _):
        plain = screen(pilot)[2].replace("▾", " ")
        arrows = set()
        for _ in range(6):
            await pilot.press("right")
            head = screen(pilot)[2]
            assert head.count("▾") == 1
            assert head.replace("▾", " ").rstrip() == plain
            arrows.add(head.index("▾"))
        assert len(arrows) == 5
        await pilot.click(shown.query_one("#second"), offset=(plain.index("7-day") + 1, 0))
        assert "7-day▾" in screen(pilot)[2]
        await pilot.press("v")
        assert "7-day▴" in screen(pilot)[2]


async def test_first_line_names_the_org_under_the_cursor() -> None:
    """In a pane without room for the org below the table, the first line has its name if that fits."""
    async with overview(PERSONAL, LABORATORY, size=(70, 8)) as (pilot, _, _):
        assert screen(pilot)[0].lstrip().startswith("Personal: CAN WORK")
        await pilot.press("home")
        assert screen(pilot)[0].lstrip().startswith("Lab: ON CREDITS")


async def test_names_use_free_room_first() -> None:
    """A long name is whole, or has 40 cells, before bars, sparklines and the money of today get any room."""
    org = replace(TEAM, org=TEAM.org | {"name": "An organization of thirty-eight cells!"})
    async with overview(org, PERSONAL, size=(100, 24)) as (pilot, _, _):
        assert "An organization of thirty-eight cells!  BLOCKED" in text(pilot)
        assert "spent" not in screen(pilot)[2]


async def test_only_the_word_locked_is_red() -> None:
    """An amount has the severity of its share of the cap; the lock colours only its own word."""
    async with overview(CREDITS_BLOCKED) as (_, shown, _):
        line = shown._draw_line(0, 0, False)
        start = line.plain.index("$0.00")
        styles = [str(span.style) for span in line.spans if span.start <= start < span.end]
        locked = line.plain.index("locked")
        colours = [str(span.style) for span in line.spans if span.start <= locked < span.end]
        assert "$foreground" in styles
        assert SEVERITY_STYLES[Severity.CRITICAL] in colours


async def test_new_day_is_read_again() -> None:
    """After midnight the figures of the day before are gone, and those of the new day are read."""
    archive, scene = DayArchive(), stage(PERSONAL)
    async with app(scene, load_series=archive.load).run_test(size=(120, 36)) as pilot:
        await open_overview(pilot)
        later = NOW.replace(day=26, hour=0, minute=1)
        await scene.post(pilot, *readings(replace(PERSONAL, spent=()), at=later))
        await scene.at(pilot, later)
        assert isinstance(pilot.app, Claudemeter)
        pilot.app._tick()
        await finish_workers(pilot.app)
        await pilot.pause()
        assert archive.asked[-1][1] == later.replace(minute=0, second=0)
        assert "$4.00" not in text(pilot)


async def test_past_moment_claims_nothing_current() -> None:
    """In the past the moment replaces the age, and neither a sparkline nor a sum of today is shown."""
    async with overview(PERSONAL, TEAM, LABORATORY) as (pilot, shown, scene):
        shown.view = replace(shown.view, seen_at=scene.now + timedelta(days=2))
        await pilot.pause()
        assert screen(pilot)[0].endswith(" as of Sat Apr 25 14:48")
        assert cells(screen(pilot)[2])[-1] == "credits"
        assert not re.search(r"today|updated|5-hour$", "\n".join(screen(pilot)[:6]))
        await pilot.resize_terminal(60, 20)
        await pilot.pause()
        assert "as of Sat Apr 25 14:48" in screen(pilot)[0]


async def test_sums_of_two_currencies_are_not_added() -> None:
    """Each currency has a sum of its own."""
    euro = replace(
        LABORATORY,
        usage=usage_body(100.0, 58.0, extra_usage=extra_usage_body(812.0, None, currency="EUR")),
        overage=overage_body(812, None, currency="EUR"),
    )
    async with overview(TEAM, euro) as (pilot, _, _):
        assert "$3.40 EUR 5.12 since 14:02" in screen(pilot)[0]


async def test_search_filters_the_table() -> None:
    """`/` filters while typing, Enter goes to a hit, and Escape ends the search, then closes."""
    heard: list[Message] = []
    async with overview(PERSONAL, TEAM, LABORATORY, heard=heard) as (pilot, shown, _):
        await pilot.press("slash", *"blocked")
        await pilot.pause()
        assert table(pilot, "Personal", "Acme Team", "Lab") == ["Acme Team"]
        assert "1 of 3" in screen(pilot)[-1]
        await pilot.press("q")
        assert "0 of 3" in text(pilot)
        assert "No org matches all of these words." in text(pilot)
        await pilot.press("down", "up", "enter")
        assert not [message for message in heard if isinstance(message, OverviewScreen.OrgChosen)]
        await pilot.press("backspace", "enter")
        chosen = [message.key[1] for message in heard if isinstance(message, OverviewScreen.OrgChosen)]
        assert chosen == [org_of(TEAM.org).uuid]
        await pilot.press("escape")
        assert len(table(pilot, "Personal", "Acme Team", "Lab")) == 3
        assert "Personal" in under_cursor(pilot)
        await pilot.press("escape")
        assert pilot.app.screen is not shown


async def test_closed_search_gives_the_hints_back() -> None:
    """Esc in an empty search shows the hints again, and all orgs."""
    async with overview(PERSONAL, TEAM) as (pilot, shown, _):
        await pilot.press("slash")
        await pilot.pause()
        assert screen(pilot)[-1].endswith("2 of 2   Enter open  Esc clear")
        assert "? help" not in screen(pilot)[-1]
        await pilot.press("escape")
        await pilot.pause()
        assert pilot.app.screen is shown
        assert "? help" in screen(pilot)[-1]


async def test_search_shows_where_it_matches() -> None:
    """Matches in name and verdict are underlined, and a match in another field names the field."""
    async with overview(PERSONAL, TEAM, LABORATORY) as (pilot, shown, _):
        await pilot.press("slash", "a", "c", "m")
        await pilot.pause()
        line = shown._draw_line(0, 0, False)
        marked = [line.plain[span.start : span.end] for span in line.spans if span.style == "underline"]
        assert marked == ["Acm"]
        assert "1 of 3   Enter open" in screen(pilot)[-1]
        await pilot.press("backspace", "backspace", "backspace", *"pat@")
        await pilot.pause()
        assert "3 of 3 · by account   Enter open" in screen(pilot)[-1]
        line = shown._draw_line(0, 0, False)
        assert "underline" not in [span.style for span in line.spans]


async def test_cursor_follows_the_org() -> None:
    """The cursor stays on its org, not on its row, after any change of the table."""
    async with overview(PERSONAL, TEAM, LABORATORY) as (pilot, shown, scene):
        await pilot.press("left")
        assert "org▾" in text(pilot)
        assert table(pilot, "Personal", "Acme Team", "Lab") == ["Acme Team", "Lab", "Personal"]
        assert "Personal" in under_cursor(pilot)
        await pilot.press("v")
        assert "org▴" in text(pilot)
        assert table(pilot, "Personal", "Acme Team", "Lab") == ["Personal", "Lab", "Acme Team"]
        assert "Personal" in under_cursor(pilot)
        await pilot.click(shown.query_one("#second"), offset=(20, 0))
        full = replace(PERSONAL, usage=usage_body(100.0, 100.0), spent=())
        news = [*readings(full, at=NOW)][1:]
        await scene.post(pilot, *news)
        shown.view = replace(shown.view, store=pilot.app.store)  # type: ignore[attr-defined]
        await pilot.pause()
        assert "Personal" in under_cursor(pilot)
        roster = (org_of(PERSONAL.org), org_of(LABORATORY.org))
        await scene.post(pilot, Reading(SESSION, READ, orgs=roster))
        shown.view = replace(shown.view, store=pilot.app.store)  # type: ignore[attr-defined]
        await pilot.pause()
        assert "Acme Team" not in table(pilot, "Personal", "Acme Team", "Lab")
        assert "Personal" in under_cursor(pilot)


async def test_every_size_has_the_verdict_and_complete_figures() -> None:
    """The verdict is on screen at every size; a column is shown as a whole or not at all."""
    whole = {"$17.20", "$50.00", "$8.12", "$244.35", "$3.40", "$32.80", "$100.00", "$17.20/50", "$50.00/50"}
    whole |= {"$8.52", "+$5.12"}
    async with overview(PERSONAL, TEAM, LABORATORY) as (pilot, _, _):
        for width, height in SIZES:
            await pilot.resize_terminal(width, height)
            await pilot.pause()
            lines = screen(pilot)
            assert len(lines) == height
            if width < 60 or height < 20:
                assert lines[0].lstrip().removeprefix("Personal: ").startswith("CAN WORK"), (width, height)
            else:
                assert [line for line in lines if re.match("▌ ?CAN WORK  ", line)], (width, height)
            assert all(cell_len(line) <= width for line in lines)
            above_the_chart = "\n".join(lines).partition("Used credits")[0]
            found = set(re.findall(r"[+]?\$[\d.,/]+\d", above_the_chart))
            assert {one.lstrip("+(") for one in found} <= {one.lstrip("+") for one in whole}, (width, height)
            if height >= 6:
                assert "Personal" in under_cursor(pilot), (width, height)
                assert "BLOCKED" in text(pilot)


async def test_two_hundred_hostile_orgs_stay_in_columns() -> None:
    """Wide characters, markup and long names move no column, and the keys reach every org."""
    async with overview(*many(200)) as (pilot, shown, _):
        await pilot.press("home")
        lines = screen(pilot)
        head, *rows = lines[2:-1]
        place = cell_len(head[: head.index("verdict")])
        found = [re.search(r"BLOCKED|WAIT|ON CREDITS", line) for line in rows]
        assert {cell_len(match.string[: match.start()]) for match in found if match} == {place}
        assert len(found) == 32
        assert all(found)
        assert all(any(name[:9] in line for line in lines) for name in HOSTILE)
        await pilot.press("end")
        assert shown.item_list.cursor == 199
        last = under_cursor(pilot)
        assert last
        await pilot.press("pageup", "pagedown")
        assert under_cursor(pilot) == last
        await pilot.press("home", *["pagedown"] * 8)
        assert shown.item_list.cursor == 199


async def test_cursor_draws_and_formats_nothing_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step of the cursor builds at most the lines that it leaves, reaches and uncovers."""
    built: list[str] = []
    build, measure = org_table.build_table_line, day.measure_day

    def build_counted(*given: Any) -> Any:
        built.append("line")
        return build(*given)

    def measure_counted(*given: Any) -> Any:
        built.append("day")
        return measure(*given)

    async with overview(*many(100)) as (pilot, _, _):
        await pilot.press("home", "down", "down")
        monkeypatch.setattr(org_table, "build_table_line", build_counted)
        monkeypatch.setattr("claudemeter_tui.tui.screens.overview.measure_day", measure_counted)
        for _ in range(3):
            await pilot.press("down", "up")
        assert len(built) <= 2
        await pilot.press("pagedown")
        assert built.count("line") <= 40
        assert built.count("day") == 0


async def test_tick_changes_only_the_age_in_the_header() -> None:
    """The rows are drawn once a minute; between, only the age of the figures changes."""
    async with overview(PERSONAL, TEAM, LABORATORY) as (pilot, shown, scene):
        before = dict(shown.item_list._strip_cache)
        assert before
        scene.now = NOW + timedelta(seconds=2)
        shown.view = replace(shown.view, now=scene.now)
        await pilot.pause()
        assert "updated 20s ago" in text(pilot)
        assert before == shown.item_list._strip_cache


async def test_overview_of_one_org_and_of_none() -> None:
    """With one org its windows are below it; with none the screen says so and every key is harmless."""
    async with overview(PERSONAL) as (pilot, _, _):
        assert "1 org " in text(pilot)
        assert re.search(r"7-day all +[━╸─┿┼┽]+ +41%", text(pilot))
        assert "$17.20 of $50.00" in text(pilot)
    async with overview() as (pilot, _, _):
        keys = [name for key in OVERVIEW_KEYS for name in key.keys.split(",") if name != "escape"]
        await pilot.press(*keys)
        assert "No org yet." in text(pilot)


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        ((160, 45), "Banner LimitsPanel CreditsPanel ChartPanel ChartPanel EventPanel"),
        ((120, 36), "Banner LimitsPanel CreditsPanel ChartPanel ChartPanel EventPanel"),
        ((120, 24), "Banner LimitsPanel CreditsPanel EventPanel"),
        ((80, 50), "Banner LimitsPanel CreditsPanel ChartPanel ChartPanel EventPanel"),
        ((80, 32), "Banner LimitsPanel CreditsPanel ChartPanel EventPanel"),
        ((80, 24), "Banner LimitsPanel CreditsPanel EventPanel"),
        ((80, 20), "Banner LimitsPanel CreditsPanel"),
        ((80, 18), ""),
        ((59, 36), ""),
        ((120, 19), ""),
    ],
)
async def test_org_under_the_cursor_fills_the_free_lines(size: tuple[int, int], shown: str) -> None:
    """Below the table are its verdict, limits, credits, charts and the events, as far as there is room."""
    async with overview(PERSONAL, TEAM, LABORATORY, size=size) as (pilot, overview_screen, _):
        pane = overview_screen.query_one("#pane")
        parts = [type(part).__name__ for part in pane.query(LineWidget) if part.display and pane.display]
        assert parts == (["OrgRule", *shown.split()] if shown else [])
        lines = screen(pilot)
        assert table(pilot, "Personal", "Acme Team", "Lab")[:3] == ["Acme Team", "Lab", "Personal"]
        assert lines[-1].startswith(" Esc close")


async def test_w_switches_the_chart_below_the_table() -> None:
    """The chart shows the windows instead of the credits; if there are two charts, they swap their places."""
    async with app(stage(PERSONAL)).run_test(size=(120, 36)) as pilot:
        await open_overview(pilot)
        titles = [line for line in screen(pilot) if "Utilization" in line]
        assert re.search("╭ Utilization .*╭ Used credits ", titles[0])
        await pilot.press("w")
        await pilot.pause()
        # The keys of the curves are named in place of a title that has no room.
        assert any(re.search("╭ Used credits .*╭ .*5-hour 67%", line) for line in screen(pilot))
        await pilot.resize_terminal(80, 32)
        await pilot.pause()
        assert "Utilization" in text(pilot)
        assert "Used credits" not in text(pilot)
        await pilot.press("w")
        await pilot.pause()
        assert "Used credits" in text(pilot)


@pytest.mark.parametrize("size", [(160, 45), (120, 36), (80, 50), (80, 24), (60, 20)])
async def test_cursor_moves_no_part(size: tuple[int, int]) -> None:
    """The panels have the lines that the org with the most to show needs, and no more."""
    async with overview(PERSONAL, TEAM, LABORATORY, size=size) as (pilot, shown, _):
        pane = shown.query_one("#pane")
        panels = [*pane.query(LimitsPanel), *pane.query(CreditsPanel)]
        places: set[tuple[Region, ...]] = set()
        last_lines = list[str]()
        for _ in range(3):
            await pilot.press("down" if places else "home")
            places.add(tuple(part.region for part in pane.query(LineWidget) if part.id != EXTRA_CHART))
            lines = screen(pilot)
            last_lines += [
                lines[panel.region.bottom - 2][panel.region.x + 1 : panel.region.right - 1]
                for panel in panels
            ]
        assert len({place[:4] for place in places}) == 1
        assert any(line.strip() for line in last_lines)
        assert not any(part.region.overlaps(panels[0].region) for part in pane.query(ChartPanel))


async def test_windows_come_before_the_last_line_of_the_banner() -> None:
    """With seven orgs at 60x20, the windows of the org under the cursor are still on screen."""
    async with overview(*many(7), size=(60, 20)) as (pilot, _, _):
        await pilot.press("home")
        await pilot.pause()
        lines = screen(pilot)
        assert "▌ BLOCKED until 16:00 (in 1h 11m)" in lines
        assert [line[2:8] for line in lines if line.startswith("│")] == ["5-hour", "7-day ", "7-day "]


async def test_events_of_all_orgs_are_below_the_charts() -> None:
    """The newest events are on top, each with its org, below the day of the first one."""
    async with overview(PERSONAL, TEAM, size=(160, 45)) as (pilot, _, scene):
        later = NOW + timedelta(minutes=1)
        full = replace(PERSONAL, usage=usage_body(100.0, 41.0, extra_usage=extra_usage_body()), spent=())
        await scene.at(pilot, later)
        await scene.post(pilot, *readings(full, replace(TEAM, spent=()), at=later))
        lines = screen(pilot)
        start = next(place for place, line in enumerate(lines) if line.startswith("╭ Events of all orgs ─"))
        assert lines[start].endswith(" Today ─╮")
        newest, before = lines[start + 1 : start + 3]
        assert re.match(r"│ 14:49  ▲ Personal +ON CREDITS +5-hour window full, until ", newest)
        assert "Acme Team" in before
        assert not any(line.strip("│ ") == "" for line in lines[start + 1 : -1])


FILLED = Event(EventKind.WINDOW_FILLED, NOW, SESSION, org=org_of(PERSONAL.org), subject="5-hour")


async def test_events_have_their_lines_while_the_archive_is_read() -> None:
    """The frame of the events is there before the first of them is known, so that nothing moves later."""
    async with overview(PERSONAL, size=(160, 45)) as (pilot, shown, _):
        shown.view = replace(shown.view, events=(), events_state=HistoryState.READING)
        await pilot.pause()
        before = shown.query_one(EventPanel).region
        assert "│ Reading the events of earlier runs …" in text(pilot)
        happened = [FILLED._replace(at=NOW - timedelta(minutes=minutes)) for minutes in range(60, 20, -1)]
        state = HistoryState.READ
        shown.view = replace(shown.view, earlier_events=tuple(happened), events_state=state)
        await pilot.pause()
        assert shown.query_one(EventPanel).region == before
        assert "Reading" not in text(pilot)


def test_event_of_an_earlier_day_is_below_its_day() -> None:
    """No time of day stands alone if it is not of the day in the frame."""
    events = tuple(FILLED._replace(at=NOW - timedelta(hours=hours)) for hours in (16, 3))
    view = View(now=NOW, zone=UTC, events=events)
    first, *lines = [line.plain.rstrip() for line in list_event_lines(view, 60, 5)]
    assert first == "Today"
    assert [line[:7].strip() for line in lines] == ["11:48", "Yesterd", "22:48"]
    assert [line.plain for line in list_event_lines(view, 60, 2)][1:] == [lines[0]]
    assert list_event_lines(replace(view, events=()), 60, 5) == []


async def test_ascii_terminal_gets_ascii_only() -> None:
    """Wide names, marks, bars, sparklines and the cursor are drawn column by column in ASCII."""
    async with overview(*many(5), LABORATORY) as (pilot, shown, _):
        shown.view = replace(shown.view, ascii=True)
        await pilot.pause()
        lines = screen(pilot)
        assert all(line.isascii() for line in lines)
        found = [re.search(r"BLOCKED|WAIT|ON CREDITS", line) for line in lines[3:6]]
        assert len({match.start() for match in found if match}) == 1
        assert any(line.startswith("> ") for line in lines)
        row = next(line for line in lines if " Lab  " in line)
        assert re.search(r"=+ 100% # .* \$8\.12 no cap +\$5\.12$", row)


async def test_start_screen_is_the_overview() -> None:
    """With `screen = "overview"` it opens as soon as an org is known, and Esc leads to the dashboard."""
    async with app(stage(PERSONAL, TEAM), screen="overview").run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        await pilot.pause()
        assert isinstance(pilot.app.screen, OverviewScreen)
        await pilot.press("escape")
        await pilot.pause()
        assert isinstance(pilot.app.screen, DashboardScreen)
        assert "$17.20 of $50.00" in text(pilot)
        await pilot.pause()
        assert isinstance(pilot.app.screen, DashboardScreen)


async def test_start_screen_waits_for_an_org() -> None:
    """Without any org the dashboard and the connect screen come first."""
    scene = stage()
    async with app(scene, screen="overview").run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        assert not isinstance(pilot.app.screen, OverviewScreen)
        await scene.post(pilot, *readings(PERSONAL))
        await pilot.pause()
        assert isinstance(pilot.app.screen, OverviewScreen)


WAITING_LAB = replace(WAITING, org=LABORATORY.org, spent=())


def resetting(report: OrgReading, moment: datetime) -> OrgReading:
    """Return the reading of an org with every reset at this moment."""
    usage = report.parts[Endpoint.USAGE]
    assert isinstance(usage, Reply)
    assert isinstance(usage.value, Plan)
    plan = Plan(tuple(window._replace(resets_at=moment) for window in usage.value.windows))
    return report._replace(parts={**report.parts, Endpoint.USAGE: replace(usage, value=plan)})


async def test_row_and_tab_change_with_a_reset_within_the_minute() -> None:
    """A verdict that ends within a minute ends in the tabs and in the table, whatever is selected."""
    moment = NOW.replace(second=30)
    first, *others = readings(PERSONAL, WAITING_LAB)
    *orgs, waiting, last = others
    (report,) = waiting.org_readings
    scene = Stage((first, *orgs, waiting._replace(org_readings=(resetting(report, moment),)), last))
    async with app(scene).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        assert "Lab WAIT" in screen(pilot)[1]
        await scene.at(pilot, moment)
        assert "Lab WAIT" not in screen(pilot)[1]
        await scene.at(pilot, NOW)
        await pilot.press("o")
        await pilot.pause()
        assert "1 WAIT" in text(pilot)
        await scene.at(pilot, moment)
        assert "WAIT" not in text(pilot)


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (60, 20), (40, 8)])
async def test_slash_on_the_dashboard_jumps_to_an_org_by_name(size: tuple[int, int]) -> None:
    """Each letter narrows the orgs, Enter selects the one under the cursor, Escape returns."""
    async with app(stage(PERSONAL, TEAM, LABORATORY)).run_test(size=size) as pilot:
        await pilot.pause()
        await pilot.press("slash", "l", "a", "b")
        await pilot.pause()
        assert isinstance(pilot.app.screen, OverviewScreen)
        assert "1 of 3" in text(pilot)
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(pilot.app.screen, DashboardScreen)
        assert isinstance(pilot.app, Claudemeter)
        assert pilot.app.selected == (ACCOUNT, LAB)
        await pilot.press("slash", *"acme", "escape")
        await pilot.pause()
        assert isinstance(pilot.app.screen, DashboardScreen)
        assert pilot.app.selected == (ACCOUNT, LAB)


async def test_slash_without_a_match_says_so() -> None:
    """Enter then selects nothing, and the next letter can still be deleted."""
    async with app(stage(PERSONAL, TEAM, LABORATORY)).run_test(size=(40, 8)) as pilot:
        await pilot.pause()
        await pilot.press("slash", *"labx")
        await pilot.pause()
        assert "No org matches" in text(pilot)
        await pilot.press("enter")
        assert isinstance(pilot.app.screen, OverviewScreen)
        await pilot.press("backspace", "enter")
        await pilot.pause()
        assert isinstance(pilot.app, Claudemeter)
        assert pilot.app.selected == (ACCOUNT, LAB)


@pytest.mark.parametrize("before", ["", "o", "e", "d"])
async def test_letters_typed_at_once_reach_the_search(before: str) -> None:
    """On every screen, the letters right behind the slash are searched for, also those that are keys."""
    async with app(stage(PERSONAL, TEAM, LABORATORY)).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        type_at_once(pilot, *before, "slash", *"qla/b", "left", "left", "left", "backspace")
        async with asyncio.timeout(PATIENCE):  # each key can take several rounds of messages
            while [field.value for field in pilot.app.screen.query(Input)] != ["qa/b"]:
                await pilot.pause()


async def test_letters_typed_before_the_first_org_reach_the_search() -> None:
    """The search opens at once, also before the first frame, and finds the org when it is read."""
    scene = stage()
    shown = app(scene)
    async with shown.run_test(size=(120, 36)) as pilot:
        shown._has_started = False
        type_at_once(pilot, "slash", *"lab")
        await pilot.pause()
        assert isinstance(shown.screen, StartingScreen)
        shown._has_started = True
        shown.call_later(shown._key_queue.release)
        await pilot.pause()
        assert isinstance(shown.screen, OverviewScreen)
        assert "0 of 0" in text(pilot)
        await scene.post(pilot, *readings(PERSONAL, TEAM, LABORATORY))
        assert "1 of 3" in text(pilot)
        await pilot.press("enter")
        assert isinstance(shown.screen, DashboardScreen)
        assert shown.selected == (ACCOUNT, LAB)


async def test_slash_needs_the_dashboard() -> None:
    """In one line it opens nothing, and the next keys work as always."""
    async with app(stage(PERSONAL)).run_test(size=(120, 1)) as pilot:
        await pilot.pause()
        await pilot.press("slash")
        assert isinstance(pilot.app.screen, DashboardScreen)


async def test_overview_without_an_org_says_so() -> None:
    """Before an org is read there is one sentence: no number of orgs and no header without a table."""
    async with overview() as (pilot, _, _):
        lines = [line.strip() for line in screen(pilot)]
        assert "No org yet." in lines
        assert not any(word in text(pilot) for word in ("0 orgs", "verdict", "No org matches"))
        await pilot.press("enter", "right", "v", "slash", "x", "enter")
        assert "No org yet." in text(pilot)


def test_each_column_has_a_title_of_its_own() -> None:
    """At every width the sparkline has another title than the bars of the same window."""
    texts = [
        replace(org_table.build_row_texts(row, NOW, UTC, None), has_spark=True, spent="$5.12")
        for row in (OverviewRow(state, judge(state, NOW)) for state in store(*FIVE).orgs)
    ]
    days = list_day_titles(NOW.replace(hour=0, minute=0, second=0), NOW, UTC)
    for width in range(60, 180):
        layout = org_table.build_table_layout(texts, width)
        room = width + org_table.CURSOR_WIDTH
        head = org_table.build_table_head(layout, OverviewColumn.VERDICT, days, room, backwards=False)
        titles = [piece.plain.strip() for piece in head]
        assert all(titles), width
        assert len(set(titles)) == len(titles), width


@pytest.mark.parametrize("size", SIZES)
async def test_headers_are_whole_or_absent(size: tuple[int, int]) -> None:
    """A column of short texts is as wide as its header."""
    short = replace(LABORATORY, org=LABORATORY.org | {"name": "X"})
    async with overview(short, size=size) as (_, shown, _):
        head = org_table.build_table_head(shown._table, shown._sort_column, ["today"], 200, backwards=False)
        titles = [piece.plain.strip(" ▾▴") for piece in head]
        assert set(titles) <= {*OverviewColumn, *SPENT_TITLES, *NARROW_VERDICT_TITLES, ""}
