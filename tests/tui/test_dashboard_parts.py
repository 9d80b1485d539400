"""The dashboard's tabs, status line, toasts and panels."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, timedelta

import pytest
from textual.widgets._toast import Toast

from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.events import Event, EventKind
from claudemeter_tui.model.reading import NO_SESSION, ErrorKind, Failure, OrgReading, Reading
from claudemeter_tui.model.refusals import TranscriptNews
from claudemeter_tui.model.windows import Severity
from claudemeter_tui.tui.app import MAX_TOASTS, Claudemeter
from claudemeter_tui.tui.screens.events import EventsScreen
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets.status_line import StatusLine
from tests.bodies import overage_body, subscription_body, usage_body, window_body
from tests.scenes import (
    CREDITS_BLOCKED,
    INTERVAL,
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
)
from tests.transcripts.kept import build_refusal
from tests.tui.app_harness import app, press_each, screen, stage, text

TRIO = (PERSONAL, TEAM, LABORATORY)
MANY = tuple(
    replace(
        PERSONAL, org=PERSONAL.org | {"uuid": f"bbbbbbbb-0000-4000-8000-{place:012}", "name": f"Org {place}"}
    )
    for place in range(1, 16)
)


@pytest.mark.parametrize(
    ("orgs", "size", "key", "expected"),
    [
        (TRIO, (120, 36), "2", "  ● 1 Personal 67% ▐■ 2 Acme Team BLOCKED▌ ▲ 3 Lab on credits"),
        (TRIO, (40, 8), "2", " ●1 Perso…▐■ 2 Acme Team BLOCKED▌ ▲3 Lab"),
        (TRIO, (40, 8), "3", " ●1 Perso… ■2 Acme …▐▲ 3 Lab on credits▌"),
        (MANY, (60, 20), "1", " ▐● 1 Org 1 67%▌ ● 2 Org 2  ● 3 Org 3  ● 4 Org 4     1/15  ›"),
    ],
)
async def test_selected_tab_is_whole(
    orgs: tuple[OrgBodies, ...], size: tuple[int, int], key: str, expected: str
) -> None:
    """The selected tab is whole at every size; the position is shown if not all tabs fit."""
    async with app(stage(*orgs)).run_test(size=size) as pilot:
        await pilot.pause()
        await pilot.press(key)
        await pilot.pause()
        assert expected in screen(pilot)


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (80, " ▐● 1 Personal 67%▌ ■ 2 Acme Team BLOCKED  ▲ 3 Lab on credits  ● 4 Org 4 67%"),
        (76, " ▐● 1 Personal 67%▌ ■ 2 Acme Team BLOCKED  ▲ 3 Lab on credits  ● 4 Org 4"),
        (70, " ▐● 1 Personal 67%▌ ■ 2 Acme Team BLOCKED  ▲ 3 Lab  ● 4 Org 4"),
        (64, "▐● 1 Personal 67%▌ ■2 Acme Team BLOCKED ▲3 Lab ●4 Org 4"),
        (58, "▐● 1 Personal 67%▌ ■2 Acme Team ▲3 Lab ●4 Org 4"),
        (52, "▐● 1 Personal 67%▌ ■2 Acme T… ▲3 Lab ●4 Org 4"),
        (47, "▐● 1 Personal 67%▌ ■2 Acm… ▲3 Lab ●4 Org…"),
        (40, "▐● 1 Personal 67%▌ ■2 ▲3 ●4"),
        (24, "▐● 1 Personal▌ ■2 ▲3 ●4"),
    ],
)
async def test_tabs_are_shortened_before_one_is_left_out(width: int, expected: str) -> None:
    """Calm states go first, then names become shorter, as few letters as needed; mark and number stay."""
    async with app(stage(*TRIO, MANY[3])).run_test(size=(width, 24)) as pilot:
        await pilot.pause()
        assert expected == screen(pilot)[1]


async def test_other_tabs_stay_as_they_are_when_another_is_selected() -> None:
    """At every width, an org that is not selected has the same words whichever is."""
    kinds = (TEAM, LABORATORY, CREDITS_BLOCKED, PERSONAL, LABORATORY, PERSONAL)
    names = ("Personal", "Acme Team", "Lab", "Side project", "Globex Enterprise", "Flaky Labs")
    orgs = [
        replace(kind, org=kind.org | {"uuid": MANY[place].org["uuid"], "name": name})
        for place, (kind, name) in enumerate(zip(kinds, names, strict=True))
    ]
    async with app(stage(*orgs)).run_test(size=(160, 36)) as pilot:
        await pilot.pause()
        for width in range(40, 161, 6):
            await pilot.resize_terminal(width, 36)
            seen: dict[str, set[str]] = {}
            for key in "123456":
                await pilot.press(key)
                await pilot.pause()
                before, _, after = re.split("[▐▌]", screen(pilot)[1])
                for tab in re.findall(r"[■◆▲●] ?\d[^■◆▲●]*", f"{before} {after}"):
                    seen.setdefault(tab.strip()[:3], set()).add(tab.strip())
            assert len(seen) == 6, width
            assert {len(words) for words in seen.values()} == {1}, (width, seen)


@pytest.mark.parametrize(
    ("width", "key", "expected"),
    [
        (60, "1", "▐■ 1 Blocked BLOCKED▌ ▲2 ◆3 ●4 ●5 ●6"),
        (60, "6", " ■1 ▲2 ◆3 ●4 ●5▐● 6 Globex Enterprise EMEA 67%▌"),
        (40, "1", "▐■ 1 Blocked BLOCKED▌ ▲2 ◆3 ●4 ●5 ●6"),
        (40, "3", " ■1 ▲2▐◆ 3 Locked▌ ●4 ●5 ●6"),
        (40, "6", "‹ ●5▐● 6 Globex Enterprise EMEA▌  6/6 ■"),
    ],
)
async def test_six_orgs_have_marks_beside_a_whole_name(width: int, key: str, expected: str) -> None:
    """A long name elsewhere hides no tab, and costs the selected one neither its name nor its state."""
    kinds = (TEAM, LABORATORY, CREDITS_BLOCKED, PERSONAL, PERSONAL, PERSONAL)
    names = ("Blocked", "Paying", "Locked", "Private", "Side project", "Globex Enterprise EMEA")
    orgs = [
        replace(kind, org=kind.org | {"uuid": MANY[place].org["uuid"], "name": name})
        for place, (kind, name) in enumerate(zip(kinds, names, strict=True))
    ]
    async with app(stage(*orgs)).run_test(size=(width, 12)) as pilot:
        await press_each(pilot, "2", key)
        assert expected in [line.rstrip() for line in screen(pilot)]


@pytest.mark.parametrize(("key", "mark"), [("1", "■"), ("9", " ")])
async def test_counter_has_the_mark_of_the_worst_hidden_org(key: str, mark: str) -> None:
    """Among too many tabs, the mark of the worst one that is not on screen is beside the position."""
    blocked = replace(TEAM, org=TEAM.org | {"uuid": "bbbbbbbb-0000-4000-8000-000000000099"})
    async with app(stage(*MANY[:8], blocked, *MANY[9:])).run_test(size=(60, 20)) as pilot:
        await press_each(pilot, key)
        assert screen(pilot)[1].endswith(f"/15 {mark}›")


async def test_tabs_stay_while_the_selected_one_is_on_screen() -> None:
    """The row moves only as far as the selected tab requires."""
    async with app(stage(*MANY)).run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("5")
        await pilot.pause()
        first = screen(pilot)[1][:9]
        await pilot.press("left")
        await pilot.pause()
        assert first == screen(pilot)[1][:9]


async def test_percentage_keeps_the_width_of_its_tab() -> None:
    """A percentage with one digit takes as many cells as one with two."""
    fuller = replace(PERSONAL, usage=usage_body(9.0, 4.0), spent=())
    scene = stage(fuller, TEAM)
    async with app(scene).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        before = screen(pilot)[1]
        assert "Personal  9%▌" in before
        await scene.post(pilot, *readings(PERSONAL, TEAM, at=READ + INTERVAL))
        assert before.replace(" 9%", "67%") == screen(pilot)[1]


async def test_every_arrow_of_the_tabs_is_clickable() -> None:
    """An arrow selects the next org in its direction that has no tab on screen."""
    async with app(stage(*MANY)).run_test(size=(60, 20)) as pilot:
        await pilot.pause()
        await pilot.click(offset=(59, 1))
        await pilot.pause()
        assert "▐● 5 Org 5 67%▌" in screen(pilot)[1]
        assert screen(pilot)[1].startswith("‹")
        await pilot.click(offset=(0, 1))
        await pilot.pause()
        assert "▐● 1 Org 1 67%▌" in screen(pilot)[1]


async def test_problems_are_counted_beside_the_tabs() -> None:
    """The number of problems is at the right end of the tabs, and a click on it opens them."""
    scene = stage(*TRIO)
    async with app(scene).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        failure = Failure(ErrorKind.SERVER_ERROR, Endpoint.USAGE, NOW, "status 502")
        report = OrgReading(org_of(PERSONAL.org), {Endpoint.USAGE: failure})
        await scene.post(pilot, Reading(SESSION, NOW, org_readings=(report,)))
        assert screen(pilot)[1].endswith(" 1 problem")
        await pilot.click(offset=(115, 1))
        await pilot.pause()
        assert isinstance(pilot.app.screen, EventsScreen)


@pytest.mark.parametrize("size", [(160, 45), (120, 36), (80, 24), (60, 20)])
async def test_toasts_cover_neither_status_line_nor_keys(size: tuple[int, int]) -> None:
    """However many there are, toasts end above the last two lines, and only the newest few are shown."""
    async with app(stage(*TRIO)).run_test(size=size, notifications=True) as pilot:
        await pilot.pause()
        status = pilot.app.screen.query_one(StatusLine).region.y
        for number in range(6):
            pilot.app.notify(f"said {number} " * 9, title="Acme Team")
        await pilot.pause()
        toasts = pilot.app.screen.query(Toast)
        assert len(toasts) == MAX_TOASTS
        assert max(toast.region.bottom for toast in toasts) <= status
        assert "said 5" in text(pilot)


async def test_same_text_makes_one_toast() -> None:
    """A message that is still on screen is not shown a second time."""
    async with app(stage(*TRIO)).run_test(size=(120, 36), notifications=True) as pilot:
        await pilot.pause()
        await pilot.press("9", "9", "9")
        await pilot.pause()
        assert text(pilot).count("There is no org 9") == 1


async def test_refresh_at_the_start_is_answered() -> None:
    """Before the first reading `r` says that the program reads already."""
    scene = stage()
    async with app(scene).run_test(size=(120, 36), notifications=True) as pilot:
        await pilot.press("r")
        await pilot.pause()
        assert scene.pokes == 1
        assert "Already reading." in text(pilot)


async def test_switch_without_a_second_chart_is_explained() -> None:
    """`w` says why the chart stays."""
    free = OrgBodies(usage=usage_body(41.0, 67.0), subscription=None)
    async with app(stage(free)).run_test(size=(120, 36), notifications=True) as pilot:
        await pilot.pause()
        await pilot.press("w")
        await pilot.pause()
        assert "No credits to show for this org, only limits." in text(pilot)


@pytest.mark.parametrize("size", [(120, 36), (40, 8)])
async def test_plan_without_limits_says_so(size: tuple[int, int]) -> None:
    """An Enterprise org without windows has words in their place, no empty bars."""
    bodies = OrgBodies(usage=usage_body(None, None, limits=[]), subscription=None)
    async with app(stage(bodies)).run_test(size=size) as pilot:
        await pilot.pause()
        assert "NO LIMITS REPORTED" in text(pilot)
        assert "━" not in text(pilot)


async def test_past_charge_is_not_shown_as_the_next_one() -> None:
    """A charge whose day has passed is left out, because no reply says whether it was made."""
    scene = stage(replace(PERSONAL, subscription=subscription_body(next_charge="2026-04-26")))
    async with app(scene).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        assert "next charge Apr 26" in text(pilot)
        await scene.at(pilot, NOW + timedelta(days=2))
        assert "next charge" not in text(pilot)
        assert "Apr 26" not in text(pilot)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (
            (120, 1),
            [
                (
                    " Acme Team: BLOCKED until 16:00 (in 1h 11m)  Your monthly cap is reached"
                    " · 5-hour 100% · credits $50.00 of $50.00 100%"
                )
            ],
        ),
        (
            (40, 8),
            [
                "▌BLOCKED until 16:00 (in 1h 11m)",
                " 5-hour      ━━━━━┿━  100% ■  16:00",
                " credits $50.00 of $50.00  100% ■",
            ],
        ),
    ],
)
async def test_small_panes_keep_the_essentials(size: tuple[int, int], expected: list[str]) -> None:
    """At 40x8 and in one line there are verdict, fullest windows and credits."""
    async with app(stage(*TRIO)).run_test(size=size) as pilot:
        await pilot.pause()
        await pilot.press("2")
        await pilot.pause()
        shown = screen(pilot)
        assert [line for line in expected if line not in shown] == []
        assert isinstance(pilot.app, Claudemeter)


@pytest.mark.parametrize("bodies", [TEAM, CREDITS_BLOCKED, WAITING, LABORATORY])
@pytest.mark.parametrize("height", range(6, 11))
async def test_only_org_has_its_whole_banner_without_tabs(height: int, bodies: OrgBodies) -> None:
    """No line of the banner is blank if windows and banner leave none for the tab of the only org."""
    windows = {"seven_day_opus": window_body(20.0), "seven_day_sonnet": window_body(12.0)}
    full = replace(bodies, usage=bodies.usage | windows)
    async with app(stage(full)).run_test(size=(40, height)) as pilot:
        await pilot.pause()
        lines = screen(pilot)
        start = next(place for place, line in enumerate(lines) if line.startswith("▌"))
        first_window = next(place for place, line in enumerate(lines) if line.startswith(" 5-hour"))
        assert all(re.match(r"▌.*\w", line) for line in lines[start:first_window]), lines


@pytest.mark.parametrize(
    ("expected", "width"),
    [
        (
            "the 5-hour window frees up first · Claude Code was refused at 14:43 in lab: 5-hour window; cred",
            210,
        ),
        ("the 5-hour window frees up first · Claude Code was refused at 14:43 in lab: 5-hour window", 160),
        ("the 5-hour window frees up first · refused 14:43 in lab", 120),
        ("5-hour frees up first · refused 14:43", 84),
    ],
)
async def test_cure_keeps_its_page_before_a_refusal_keeps_its_words(expected: str, width: int) -> None:
    """If the facts below a block do not fit, the last of them are shortened first."""
    reason = "self_selected_spend_limit_reached"
    capped = OrgBodies(usage=usage_body(100.0, 46.0), overage=overage_body(5000, 5000, reason=reason))
    refusal = build_refusal(
        1,
        NOW - timedelta(minutes=5),
        org=capped.org["uuid"],
        credits_reason=reason,
        offers_low_priority=False,
    )
    news = Reading(NO_SESSION, NOW, transcripts=TranscriptNews(NOW, (refusal,)), is_archived=True)
    scene = stage(capped)
    async with app(scene).run_test(size=(width, 36)) as pilot:
        await pilot.pause()
        await scene.post(pilot, news)
        (line,) = (line for line in screen(pilot) if "Raise the cap" in line)
        assert f"Raise the cap on claude.ai/settings/usage · {expected}" in line


async def test_locked_credits_have_no_rate() -> None:
    """A rate is of open credits only, because locked ones are not spent any more."""
    for bodies, has_rate in ((LABORATORY, True), (TEAM, False)):
        async with app(stage(bodies)).run_test(size=(120, 36)) as pilot:
            await pilot.pause()
            assert pilot.app.screen.view.figures.rate is not None  # type: ignore[attr-defined]
            assert ("/h since" in "".join(screen(pilot)[6:14])) is has_rate


@pytest.mark.parametrize("size", [(120, 36), (40, 8)], ids=["framed", "small"])
async def test_lock_is_beside_the_figure(size: tuple[int, int]) -> None:
    """Locked credits without use stay `0%` without the mark of 100%; the word `locked` has the mark."""
    async with app(stage(CREDITS_BLOCKED)).run_test(size=size) as pilot:
        await pilot.pause()
        shown = text(pilot)
        assert "◆ locked" in shown
        assert "$0.00 of $20.00" in shown
        assert "0% ■" not in shown


@pytest.mark.parametrize(
    ("expected", "kinds"),
    [
        (EventKind.BLOCKED, [(EventKind.BLOCKED, 20), (EventKind.STALE, 4), (EventKind.RECOVERED, 3)]),
        (EventKind.STALE, [(EventKind.STALE, 4), (EventKind.CAP_CHANGED, 3)]),
        (EventKind.CAP_CHANGED, [(EventKind.STALE, 5), (EventKind.CAP_CHANGED, 4), (EventKind.RECOVERED, 3)]),
        (EventKind.LIFTED, [(EventKind.BLOCKED, 20), (EventKind.REFUSED, 19), (EventKind.LIFTED, 5)]),
        (EventKind.CAP_CHANGED, [(EventKind.BLOCKED, 61), (EventKind.CAP_CHANGED, 3)]),
        (EventKind.BLOCKED, [(EventKind.BLOCKED, 90), (EventKind.RECOVERED, 3)]),
        (EventKind.RECOVERED, [(EventKind.STALE, 4), (EventKind.RECOVERED, 3)]),
    ],
)
def test_status_line_begins_with_the_most_severe_news(
    expected: EventKind, kinds: list[tuple[EventKind, int]]
) -> None:
    """The most severe event of the last hour is first; a recovery and what is over are last."""
    severities = {EventKind.BLOCKED: Severity.FULL, EventKind.STALE: Severity.WARNING}
    happened = [
        Event(
            kind,
            NOW - timedelta(minutes=minutes),
            SESSION,
            org_of(PERSONAL.org),
            ("key", "uuid"),
            severity=severities.get(kind, Severity.NORMAL),
        )
        for kind, minutes in kinds
    ]
    line = StatusLine()
    line.set_reactive(StatusLine.view, View(now=NOW, zone=UTC, events=tuple(happened)))
    (drawn,) = line.draw(200, 1)
    (first,) = (event for event in happened if event.kind is expected)
    assert drawn.plain.lstrip().startswith(f"{first.at:%H:%M}  ")


@pytest.mark.parametrize(
    ("first", "resets"),
    [("WAIT", []), ("WAIT", ["5-hour"]), ("WAIT", ["7-day Fable"]), ("7-day all", ["5-hour", "7-day all"])],
)
def test_reset_of_its_windows_ends_wait_in_the_status_line(first: str, resets: list[str]) -> None:
    """WAIT has no other end; it lasts until all windows that it names have reset."""
    wait = Event(
        EventKind.WAIT,
        NOW - timedelta(minutes=20),
        SESSION,
        severity=Severity.CRITICAL,
        windows=("5-hour", "7-day all"),
    )
    happened = [
        Event(
            EventKind.WINDOW_RESET, NOW - timedelta(minutes=9 - place), SESSION, subject=label, is_freed=True
        )
        for place, label in enumerate(resets)
    ]
    line = StatusLine()
    line.set_reactive(StatusLine.view, View(now=NOW, zone=UTC, events=(wait, *happened)))
    (drawn,) = line.draw(200, 1)
    assert first in drawn.plain.split("   ")[0]
