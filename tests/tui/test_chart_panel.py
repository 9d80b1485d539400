"""The chart on screen: its content, the key `w`, the pointer, and when it is drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from textual.pilot import Pilot

from claudemeter_tui.charts.event_marks import EVENT_MARKS
from claudemeter_tui.history.last_states import pack_state, unpack_state
from claudemeter_tui.model.reading import NO_SESSION, Reading
from claudemeter_tui.tui.app import Claudemeter
from claudemeter_tui.tui.screens.dashboard import ChartScreen, DashboardScreen
from claudemeter_tui.tui.widgets import chart_panel
from claudemeter_tui.tui.widgets.chart_panel import CHART_SPANS, ChartPanel
from tests.bodies import extra_usage_body, overage_body, usage_body
from tests.scenes import (
    ENTERPRISE,
    INTERVAL,
    LABORATORY,
    NOW,
    PERSONAL,
    READ,
    TEAM,
    OrgBodies,
    readings,
    store,
)
from tests.tui.afternoon_store import live
from tests.tui.app_harness import Stage, app, screen, stage, text

ONE = (80, 21)
"""Size with room for one chart."""
FREE = OrgBodies(usage=usage_body(41.0, 67.0), subscription=None)
"""An org without credits."""


def titles(pilot: Pilot[Any]) -> list[str]:
    """Return the titles of the charts on screen, from top to bottom."""
    first = [line.lstrip("╭ ").split("  ")[0].partition(" · w ")[0] for line in screen(pilot)]
    return [words for words in first if words in ("Utilization", "Used credits", "Your used credits")]


def read_message(pilot: Pilot[Any]) -> str:
    """Return the message after a key."""
    return " ".join(notice.message for notice in pilot.app._notifications)


async def test_w_shows_the_other_chart() -> None:
    """`w` shows the credits first, then the windows, then the credits again."""
    async with app(stage(LABORATORY)).run_test(size=ONE) as pilot:
        await pilot.pause()
        seen = [titles(pilot)]
        for _ in range(2):
            await pilot.press("w")
            await pilot.pause()
            seen.append(titles(pilot))
        assert seen == [["Used credits"], ["Utilization"], ["Used credits"]]


async def test_rise_after_a_restart_is_that_of_the_chart() -> None:
    """The rise since the first figure of the chart leaves out what earlier runs saw, in any period."""
    kept = unpack_state(pack_state(store(LABORATORY).orgs[0]))
    assert kept is not None
    assert kept.series.total_rise > 0
    last = Reading(NO_SESSION, READ, restored_orgs=(kept,), is_archived=True)
    scene = Stage((last, *readings(replace(LABORATORY, spent=()), at=READ + INTERVAL)), READ + INTERVAL)
    async with app(scene).run_test(size=(120, 36)) as pilot:
        for key in ("minus", "plus", "plus"):
            await pilot.press(key)
            await pilot.pause()
            assert "+$0.00 since" in text(pilot)


@pytest.mark.parametrize(
    ("expected", "size"),
    [
        ("Used credits · w limits  - ▐run▌ + ", (80, 24)),
        ("Used credits · w limits  - ▐run▌ + ", (60, 20)),
        ("Used credits · w limits  - 1h ▐run▌ 24h 7d 30d 365d + ", (100, 24)),
        ("Used credits  - 1h ▐run▌ 24h 7d 30d 365d + ", (120, 36)),
    ],
)
async def test_only_chart_names_the_key_of_the_other_one(expected: str, size: tuple[int, int]) -> None:
    """The first chart has the keys of the period, and the only one the key that shows the other."""
    async with app(stage(LABORATORY)).run_test(size=size) as pilot:
        await pilot.pause()
        (title,) = (line for line in screen(pilot) if "Used credits" in line)
        assert title.lstrip("╭ ").startswith(expected)


@pytest.mark.parametrize(
    ("currency", "factor"), [("USD", 1), ("USD", 130), ("USD", 10**7), ("CHF", 10**6), ("JPY", 10**10)]
)
async def test_keys_of_the_only_chart_stay_whatever_the_amounts(currency: str, factor: int) -> None:
    """At 80 x 24, the other periods and parts of the note are left out before a key of the chart."""
    extra = extra_usage_body(812.0 * factor, None, currency=currency)
    org = replace(
        LABORATORY,
        usage=usage_body(100.0, 58.0, extra_usage=extra),
        overage=overage_body(812 * factor, None, currency=currency),
        spent=tuple((minute, minor * factor) for minute, minor in LABORATORY.spent),
    )
    async with app(stage(org)).run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        for other in ("limits", "credits"):
            await pilot.press(*["minus"] * 9)
            for _, name in CHART_SPANS:
                await pilot.pause()
                name = "5-hour" if (other, name) == ("credits", "run") else name  # noqa: PLW2901
                (title,) = (line for line in screen(pilot) if f" · w {other}  - " in line)
                assert f"▐{name}▌" in title
                assert " + ─" in title
                await pilot.press("plus")
            await pilot.press("w")


async def test_windows_chart_has_a_key() -> None:
    """Each curve has a sample, its window, and the current value."""
    async with app(stage(LABORATORY)).run_test(size=(100, 24)) as pilot:
        await pilot.pause()
        await pilot.press("w")
        await pilot.pause()
        assert "Utilization · w credits  - 1h ▐5-hour▌ 24h 7d 30d 365d +" in text(pilot)
        assert "── 5-hour 100%  ══ 7-day all 58%" in text(pilot)


async def test_org_without_credits_shows_its_windows() -> None:
    """Instead of an empty chart the windows are shown, and the key explains the lack of another one."""
    async with app(stage(FREE)).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        assert titles(pilot) == ["Utilization"]
        await pilot.press("w")
        await pilot.pause()
        assert titles(pilot) == ["Utilization"]
        assert read_message(pilot) == "No credits to show for this org, only limits."


async def test_org_without_windows_shows_its_credits() -> None:
    """Instead of an empty chart the credits are shown, and the key explains the lack of another one."""
    async with app(stage(ENTERPRISE)).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        await pilot.press("w")
        await pilot.pause()
        assert titles(pilot) == ["Your used credits"]
        assert read_message(pilot) == "No plan-wide windows to show for this org, only credits."


async def test_choice_of_the_windows_stays_for_the_next_org() -> None:
    """The chosen chart is shown for every org that has it."""
    async with app(stage(ENTERPRISE, LABORATORY)).run_test(size=ONE) as pilot:
        await pilot.pause()
        await pilot.press("2", "w", "1")
        await pilot.pause()
        assert "Utilization" not in text(pilot)
        await pilot.press("2")
        await pilot.pause()
        assert titles(pilot) == ["Utilization"]


@pytest.mark.parametrize("size", [(40, 8), (36, 12), (30, 9)])
async def test_w_opens_a_chart_in_a_small_pane(size: tuple[int, int]) -> None:
    """In a pane without room the chart replaces the panels below the verdict; Escape closes it."""
    async with app(stage(PERSONAL, TEAM)).run_test(size=size) as pilot:
        await pilot.pause()
        await pilot.press("2", "w")
        await pilot.pause()
        assert isinstance(pilot.app.screen, ChartScreen)
        assert "BLOCKED" in screen(pilot)[0]
        assert "100% ┤" in text(pilot)
        assert "── 5-hour 100%  ══ 7-day all 71%" in text(pilot) or "─ 5-hour ═ 7-day all" in text(pilot)
        await pilot.press("w")
        await pilot.pause()
        assert "cap $50.00" in text(pilot)
        assert max(map(len, screen(pilot))) <= size[0]
        await pilot.press("escape")
        await pilot.pause()
        assert isinstance(pilot.app.screen, DashboardScreen)


@pytest.mark.parametrize("size", [(120, 1), (80, 3), (10, 4)])
async def test_w_changes_nothing_if_no_chart_fits(size: tuple[int, int]) -> None:
    """In a line or two the verdict stays, and further keys work."""
    async with app(stage(PERSONAL, TEAM)).run_test(size=size) as pilot:
        await pilot.pause()
        await pilot.press("2", "w", "w", "plus", "minus", "escape")
        await pilot.pause()
        assert isinstance(pilot.app.screen, DashboardScreen)
        assert "BLOCKED" in text(pilot)


async def test_w_reports_that_there_are_no_figures() -> None:
    """Before the first figure there is no chart to open, at any size."""
    scene = stage()
    async with app(scene).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        await scene.post(pilot, next(iter(readings(PERSONAL))))
        await pilot.press("w")
        await pilot.pause()
        assert isinstance(pilot.app.screen, DashboardScreen)
        assert read_message(pilot) == "Nothing to draw yet."


async def test_chart_page_follows_its_size() -> None:
    """A chart that was opened in a small pane grows with it."""
    async with app(stage(TEAM)).run_test(size=(40, 8)) as pilot:
        await pilot.pause()
        await pilot.press("w")
        await pilot.resize_terminal(60, 12)
        await pilot.pause()
        assert "Utilization  - ▐5-hour▌ +" in text(pilot)
        assert pilot.app.screen.query_exactly_one(ChartPanel).size.height == 10


@pytest.mark.parametrize("key", ["d", "question_mark", "e"])
async def test_w_changes_no_other_screen(key: str) -> None:
    """On a screen without a chart the key does nothing."""
    async with app(stage(PERSONAL, TEAM)).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        await pilot.press(key)
        await pilot.pause()
        before = type(pilot.app.screen), text(pilot)
        await pilot.press("w")
        await pilot.pause()
        assert before == (type(pilot.app.screen), text(pilot))


@pytest.mark.parametrize(
    ("expected", "presses"),
    [
        ("1h ▐run▌ 24h 7d 30d 365d", 0),
        ("▐1h▌ run 24h 7d 30d 365d", -1),
        ("▐1h▌ run 24h 7d 30d 365d", -9),
        ("1h run ▐24h▌ 7d 30d 365d", 1),
        ("1h run 24h ▐7d▌ 30d 365d", 2),
        ("1h run 24h 7d ▐30d▌ 365d", 3),
        ("1h run 24h 7d 30d ▐365d▌", 9),
    ],
)
async def test_title_has_the_periods(expected: str, presses: int) -> None:
    """The selected period is a block. If it is longer than the run, the rise has the start of the run."""
    async with app(stage(LABORATORY)).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        await pilot.press(*(["plus" if presses > 0 else "minus"] * abs(presses)))
        await pilot.pause()
        assert f"Used credits  - {expected} + ─" in text(pilot)
        assert "+$5.12 since 14:02   $8.12 ─" in text(pilot)


async def test_narrow_title_has_the_selected_period() -> None:
    """With less room the other periods are left out, then what the panels above say, and no key."""
    async with app(stage(LABORATORY)).run_test(size=(60, 24)) as pilot:
        await pilot.pause()
        assert "Used credits · w limits  - ▐run▌ + ─" in text(pilot)
        assert "─ +$5.12 ─" in text(pilot)


async def test_amount_that_is_not_current_is_left_out() -> None:
    """After a pause the last amount is in the chart, but not in its title."""
    scene = stage(LABORATORY)
    async with app(scene).run_test(size=(120, 36)) as pilot:
        await scene.at(pilot, NOW + timedelta(minutes=30))
        (title,) = (line for line in screen(pilot) if "Used credits" in line)
        assert "+$5.12 since 14:02 ─" in title
        assert "$8.12" not in title


@pytest.mark.parametrize("size", [(120, 36), (100, 30), (80, 24), (60, 20), (50, 20)])
async def test_first_figures_have_a_chart(size: tuple[int, int]) -> None:
    """After the first poll there is a chart, with the newest figure at its right end."""
    async with app(stage(PERSONAL)).run_test(size=size) as pilot:
        await pilot.pause()
        panel = pilot.app.screen.query_exactly_one("#chart", ChartPanel)
        assert panel.display
        assert panel.size.height >= 4
        assert panel._chart is not None
        assert panel._chart.curves[0][1][-1] is not None


async def test_lone_line_is_a_line_of_blocks() -> None:
    """Without room for a chart, a free line has the credits as blocks, with their rise."""
    async with app(stage(LABORATORY)).run_test(size=(80, 10)) as pilot:
        await pilot.pause()
        (line,) = (line for line in screen(pilot) if " credits ▄" in line)
        assert line.rstrip().endswith("█ +$5.12 since 14:02   $8.12")
        await pilot.press("w")
        await pilot.pause()
        assert isinstance(pilot.app.screen, ChartScreen)


async def test_rise_is_that_of_the_shown_span() -> None:
    """The rise of the last hour is less than that of a longer run."""
    scene = stage(LABORATORY)
    async with app(scene).run_test(size=ONE) as pilot:
        await scene.at(pilot, NOW + timedelta(minutes=30))
        assert "+$5.12" in text(pilot)
        await pilot.press("minus")
        await pilot.pause()
        assert "+$3.07" in text(pilot)


def pointed(pilot: Pilot[Any], words: str, row: int = 2) -> tuple[int, int]:
    """Return a place on the chart with these words in its title, so many lines below them."""
    lines = screen(pilot)
    top = next(place for place, line in enumerate(lines) if words in line)
    return lines[top].index(words), top + row


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (50, 24)])
async def test_pointer_reads_time_and_value_off_the_chart(size: tuple[int, int]) -> None:
    """With and without a frame, the last column is now, and the title shows its values."""
    async with app(stage(LABORATORY)).run_test(size=size) as pilot:
        await pilot.pause()
        await pilot.press("w") if size[0] == 50 else None
        panel = pilot.app.screen.query(ChartPanel).first()
        framed = size[0] > 56
        await pilot.hover(panel, offset=(panel.size.width - (3 if framed else 2), 2))
        await pilot.pause()
        assert ("14:48  $8.12" in text(pilot)) is framed
        await pilot.hover("Header")
        await pilot.pause()
        assert "14:48  $8.12" not in text(pilot)


async def test_afternoon_has_its_marks() -> None:
    """The events are on the axis, their meaning is in the frame, and the pointer shows their words."""
    scene = stage()
    async with app(scene).run_test(size=(120, 36)) as pilot:
        await live(scene, pilot)
        lines = screen(pilot)
        axis = next(line for line in lines if line.lstrip("│ ").startswith("$0 "))
        assert [char for char in axis if char.isalpha()] == ["C", "R", "P", "C", "B"]
        assert text(pilot).count("B blocked · C on credits · R reset · P in the plan") == 1
        assert text(pilot).count("B blocked") == 1
        panel = pilot.app.screen.query(ChartPanel).first()
        await pilot.hover(panel, offset=(axis.index("B"), 3))
        await pilot.pause()
        assert "14:36  $50.00 · BLOCKED: your monthly cap is reached" in text(pilot)


async def test_low_chart_has_its_marks_in_the_frame() -> None:
    """With three lines for the curve the marks are on the lower edge, each under its moment."""
    scene = stage()
    async with app(scene).run_test(size=ONE) as pilot:
        await live(scene, pilot)
        times, edge = screen(pilot)[-4:-2]
        assert [char for char in edge if char.isalpha()] == ["C", "R", "P", "C", "B"]
        assert abs(times.index("11:00") + 2 - edge.index("R")) <= 1
        assert edge.startswith("╰")
        assert edge.endswith("╯")


async def test_marks_stay_in_a_private_picture() -> None:
    """An org under a pseudonym keeps its marks."""
    scene = stage()
    async with app(scene, privacy=True).run_test(size=ONE) as pilot:
        await live(scene, pilot)
        assert "Personal" not in text(pilot)
        assert [char for char in screen(pilot)[-3] if char.isalpha()] == ["C", "R", "P", "C", "B"]


async def test_events_of_another_org_have_no_marks() -> None:
    """Each org has its own marks."""
    scene = stage(TEAM)
    async with app(scene).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        await live(scene, pilot)
        await scene.post(pilot, *readings(TEAM))
        await pilot.press("1")
        await pilot.pause()
        marked = [panel._chart for panel in pilot.app.screen.query(ChartPanel)]
        assert all(chart is None or not chart.letters for chart in marked)


async def test_chart_is_drawn_only_when_it_has_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new figure redraws the chart; another org's reading, a few seconds, or the pointer does not."""
    drawn: list[str] = []

    def counted(name: str) -> Callable[..., Any]:
        make = getattr(chart_panel, name)

        def count(*given: Any, **more: Any) -> Any:
            drawn.append(name)
            return make(*given, **more)

        return count

    for name in ("build_credits_chart", "build_windows_chart"):
        monkeypatch.setattr(chart_panel, name, counted(name))
    scene = stage(PERSONAL, TEAM)
    async with app(scene).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        await pilot.press("1")
        await pilot.pause()
        drawn.clear()
        await scene.at(pilot, NOW + timedelta(seconds=5))
        await scene.post(pilot, *list(readings(TEAM))[-2:])
        await pilot.hover(pilot.app.screen.query(ChartPanel).first(), offset=(50, 3))
        await pilot.pause()
        assert drawn == []
        await scene.post(pilot, *list(readings(PERSONAL, at=NOW))[-2:])
        assert "build_credits_chart" in drawn


async def test_stacked_charts_share_their_time_axis() -> None:
    """In one period, an hour of one chart is under the same hour of the other."""
    async with app(stage(TEAM)).run_test(size=(120, 45)) as pilot:
        await pilot.pause()
        await pilot.press("minus")
        await pilot.pause()
        times = [line for line in screen(pilot) if "14:20" in line and "14:30" in line]
        assert len(times) == 2
        assert times[0].index("14:20") == times[1].index("14:20")


async def test_windows_are_shown_from_start_to_reset() -> None:
    """The chart of the current 5-hour window begins at its start, marks now, and ends at its reset."""
    async with app(stage(TEAM)).run_test(size=(120, 45)) as pilot:
        await pilot.pause()
        assert "Utilization  1h ▐5-hour▌ 24h 7d 30d 365d" in text(pilot)
        (times,) = (line for line in screen(pilot) if "now" in line and "reset 16:00" in line)
        assert times.split()[1:4] == ["11:00", "12:00", "13:00"]
        assert times.index("14:00") < times.index("now") < times.index("reset")


async def test_help_explains_the_letters() -> None:
    """Every letter of the axis has its meaning in the help."""
    dashboard: Claudemeter = app(stage(PERSONAL))
    async with dashboard.run_test(size=(120, 100)) as pilot:
        await pilot.pause()
        await pilot.press("question_mark")
        await pilot.pause()
        words = " ".join(text(pilot).split())
        assert all(f" {mark.letter} " in words and mark.meaning in words for mark in EVENT_MARKS)
