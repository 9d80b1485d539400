"""The events screen: problems by cause, a table with day headers, filters, search and earlier runs."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from textual.pilot import Pilot

from claudemeter_tui.model.catalogue import Cause, CreditState, Endpoint
from claudemeter_tui.model.credit_locks import CreditLock
from claudemeter_tui.model.events import SUBJECT_EXTRA_USAGE, Event, EventKind
from claudemeter_tui.model.reading import ErrorKind, Failure, Reading
from claudemeter_tui.model.store import OrgKey
from claudemeter_tui.model.verdict import VerdictState
from claudemeter_tui.model.windows import Severity
from claudemeter_tui.tui.app import Claudemeter
from claudemeter_tui.tui.screens.events import LAST_DAYS, NO_FILTERED, NO_MATCH
from claudemeter_tui.tui.view import EVENTS_SPAN
from claudemeter_tui.tui.widgets.event_panel import READING_EARLIER
from tests.model.readings import folded
from tests.scenes import INTERVAL, LABORATORY, NOW, PERSONAL, READ, SESSION, TEAM, WAITING, readings
from tests.tui.app_harness import Stage, app, finish_workers, screen, stage, text

WIDE = (120, 36)
SIZES = [(160, 45), WIDE, (80, 24), (60, 20), (40, 8)]
REACHED = "your monthly cap is reached · 5-hour window full"
CAP = CreditLock(CreditState.LOCKED, Cause.CAP, "self_selected_spend_limit_reached")
TRIO = tuple(replace(org, spent=()) for org in (PERSONAL, TEAM, LABORATORY))
"""Three orgs without an event."""
STORE = folded(*readings(*TRIO))
FULL = replace(TRIO[0], usage=WAITING.usage)
"""The first org, with a full window."""
HOUR = timedelta(hours=1)


def event(kind: EventKind, hours_ago: float, org: int = 1, **more: Any) -> Event:
    """Return an event of an org of the store, by its place."""
    state = STORE.orgs[org]
    return Event(kind, NOW - hours_ago * HOUR, SESSION, state.org, state.key, **more)


EARLIER = (
    event(EventKind.WINDOW_RESET, 72, 0, subject="5-hour", before=41.0, endpoints=(Endpoint.USAGE,)),
    event(EventKind.CAP_CHANGED, 30, 1, subject=SUBJECT_EXTRA_USAGE),
    event(
        EventKind.BLOCKED,
        5,
        1,
        credit_lock=CAP,
        windows=("5-hour",),
        severity=Severity.FULL,
        endpoints=(Endpoint.USAGE,),
    ),
    Event(EventKind.STALE, NOW - 4 * HOUR, SESSION, before=NOW - 5 * HOUR, severity=Severity.WARNING),
    event(
        EventKind.THRESHOLD, 3, 2, subject="5-hour", after=91.0, threshold=90.0, severity=Severity.CRITICAL
    ),
)


def outage(*, at: datetime = NOW) -> Iterable[Reading]:
    """Yield a poll in which every reply about every org fails, in two ways."""
    kinds = ErrorKind.TIMEOUT, ErrorKind.SERVER_ERROR
    for reading in readings(*TRIO, at=at):
        for report in reading.org_readings:
            parts = {
                endpoint: Failure(kinds[place % 2], endpoint, at)
                for place, endpoint in enumerate(report.parts)
            }
            yield Reading(SESSION, at, org_readings=(report._replace(parts=parts),))
        if reading.schedule is not None:
            yield Reading(SESSION, at, schedule=reading.schedule)


def dashboard(scene: Stage | None = None, earlier: Sequence[Event] = EARLIER, **options: Any) -> Claudemeter:
    """Return a dashboard whose archive has these events."""
    return app(scene or stage(*TRIO), load_events=lambda _, __: tuple(earlier), **options)


ALL_WORDS = ("91%", "no update", "BLOCKED", "cap changed", "reset")
"""A word of each event, the newest first."""


async def press(pilot: Pilot[Any], *keys: str) -> None:
    """Press keys one by one, and wait each time until the archive has answered."""
    await pilot.pause()
    for key in keys:
        await pilot.press(key)
        await pilot.pause()
        await finish_workers(pilot.app)
        await pilot.pause()


def find_line(pilot: Pilot[Any], words: str) -> str:
    """Return the only line with these words, without the cursor."""
    (line,) = (line for line in screen(pilot) if words in line)
    return line.replace("▌", " ").strip()


async def test_events_are_a_table_with_day_headers() -> None:
    """Time, mark, org, change and cause are aligned below the title of each day, the newest first."""
    async with dashboard().run_test(size=WIDE) as pilot:
        await press(pilot, "e")
        lines = [line.replace("▌", " ").rstrip() for line in screen(pilot)]
    first = next(place for place, line in enumerate(lines) if line.startswith("  time"))
    assert lines[first : first + 12] == [
        f"  time     org              what                   {'cause':50}replies",
        "  Today",
        "  11:48  ◆ Lab              5-hour window at 91%   past 90%",
        "  10:48  ▲ Chrome, Default  no update since 09:48",
        f"  09:48  ■ Acme Team        BLOCKED                {REACHED}  usage",
        "",
        "  Yesterday",
        "  08:48    Acme Team        cap changed            no cap → no cap",
        "",
        "  Wed Apr 22",
        f"  14:48    Personal         5-hour window reset    {'was 41%':50}usage",
        "",
    ]
    assert lines[first + 12] == f"  {LAST_DAYS}"


@pytest.mark.parametrize(
    ("mark", "one"),
    [
        ("●", {"kind": EventKind.LIFTED, "after": VerdictState.CAN_WORK}),
        ("●", {"kind": EventKind.BACK_IN_PLAN, "after": VerdictState.CAN_WORK}),
        ("●", {"kind": EventKind.WINDOW_RESET, "subject": "5-hour", "is_freed": True}),
        ("●", {"kind": EventKind.RECOVERED}),
        ("", {"kind": EventKind.LIFTED, "after": VerdictState.ON_CREDITS}),
        ("", {"kind": EventKind.WINDOW_RESET, "subject": "5-hour"}),
    ],
    ids=str,
)
async def test_good_news_has_the_mark_of_an_org_that_can_work(mark: str, one: dict[str, Any]) -> None:
    """Colour never has a meaning alone; an event without a meaning for the work has no mark."""
    news = Event(**one, at=NOW - timedelta(minutes=20), session=SESSION)
    async with dashboard(earlier=[news]).run_test(size=WIDE) as pilot:
        await press(pilot, "e")
        line = next(line for line in screen(pilot) if line.startswith("▌ 14:28"))
    assert mark == line[8:11].strip()


@pytest.mark.parametrize(("size", "first"), [(WIDE, "time"), ((80, 24), "Today"), ((40, 8), "Today")])
async def test_list_begins_with_the_events_if_there_are_no_problems(
    size: tuple[int, int], first: str
) -> None:
    """The title says that there are none; a problem is above the events, which then have a title too."""
    scene = stage(*TRIO)
    async with dashboard(scene).run_test(size=size) as pilot:
        await press(pilot, "e")
        assert next(line.split()[0] for line in screen(pilot)[1:] if line.startswith("  ")) == first
        assert ("no problems · 5 events" in screen(pilot)[1]) is (size[1] > 8)
        await scene.post(pilot, *outage())
        assert "no problems" not in text(pilot)
        await press(pilot, "home")
        lines = [line.strip("▌ ▇") for line in screen(pilot)]
        assert any(line.startswith("▲ claude.ai unreachable") for line in lines)
        if size[1] > 8:  # otherwise it is below the problem
            assert ("Events" in lines[2:]) is (first == "Today")


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (120, f"09:48  ■ Acme Team        BLOCKED                {REACHED}  usage"),
        (105, f"09:48  ■ Acme Team        BLOCKED                {REACHED}"),
        (80, "09:48  ■ Acme Team        BLOCKED: your monthly cap is reached · 5-hour"),
        (50, "09:48  ■ Acme Team · BLOCKED: your monthly cap"),
    ],
)
async def test_columns_are_dropped_in_narrow_panes(width: int, expected: str) -> None:
    """The replies go first, then the two texts share a column, then the name joins them."""
    async with dashboard().run_test(size=(width, 36)) as pilot:
        await press(pilot, "e")
        assert expected == find_line(pilot, "BLOCKED")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_no_word_of_an_event_is_cut(size: tuple[int, int]) -> None:
    """At every size the list has every word of every event, and of every problem."""
    scene = stage(*TRIO)
    async with dashboard(scene).run_test(size=size) as pilot:
        await scene.post(pilot, *outage())
        await press(pilot, "e")
        seen = []
        for _ in range(30):
            # In a small pane, a row is whole only under the cursor.
            shown = [line for line in screen(pilot)[1:-1] if line.startswith("▌") or "…" not in line]
            seen += [line.replace("▌", " ").strip(" ▁▂▃▄▅▆▇█▔") for line in shown]
            await press(pilot, "down")
    words = " ".join(" ".join(seen).split())
    for sentence in (
        "claude.ai unreachable since 14:48: 15 replies of 3 orgs",
        "BLOCKED",
        "your monthly cap is reached · 5-hour",
        "no update since 09:48",
        "past 90%",
        "Acme Team",
        "Lab",
        "Yesterday",
    ):
        assert all(word in words for word in sentence.split()), sentence
    assert "…" not in words.replace("runs …", "")


LONG = (
    event(EventKind.ON_CREDITS, 6, 0, after="5-hour", until=NOW + 300 * HOUR, severity=Severity.WARNING),
    event(EventKind.WINDOW_FILLED, 4, 1, subject="5-hour", until=NOW, severity=Severity.FULL),
    event(EventKind.BLOCKED, 2, 2, credit_lock=CAP, windows=("5-hour",), severity=Severity.FULL),
)
"""Events whose texts have more than a line of a small pane; the first one ends with a date."""
WORDS_OF_LONG = (
    "BLOCKED: your monthly cap is reached · 5-hour window full",
    "5-hour window full, resets 14:48",
    "ON CREDITS: 5-hour window full, until Fri May 8 02:48",
)
"""These texts, the newest first."""


@pytest.mark.parametrize("size", [(60, 20), (44, 12), (40, 8)], ids=str)
async def test_small_pane_has_a_line_per_event(size: tuple[int, int]) -> None:
    """Only the row under the cursor has all lines of its event; no figure and no date of another is cut."""
    async with dashboard(earlier=LONG).run_test(size=size) as pilot:
        await press(pilot, "e")
        for place, sentence in enumerate(WORDS_OF_LONG):
            lines = [line.rstrip("▁▂▃▄▅▆▇█▔ ") for line in screen(pilot) if line[:2] in ("▌ ", "  ")]
            rows = [line for line in lines if re.match("  [0-9 ]", line)]
            assert len(rows) == len(LONG) - 1
            assert all(re.match("  [0-9]{2}:[0-9]{2} ", row) for row in rows)
            under = " ".join(" ".join(line[1:].split()) for line in lines if line.startswith("▌"))
            assert under.endswith(sentence)
            others = [*WORDS_OF_LONG[:place], *WORDS_OF_LONG[place + 1 :]]
            for row, whole in zip(rows, others, strict=True):
                words = re.sub("^.*?(?=BLOCKED|5-hour|ON CREDITS)", "", row).rstrip(" …")
                assert whole.startswith(words)
                assert re.match(r"[ :,]|$", whole[len(words) :])
                assert words.split()[-1] not in {"until", "Fri", "May", "8", "resets"}
            await press(pilot, "down")


@pytest.mark.parametrize(
    ("keys", "shown", "hidden"),
    [
        ((), ["91%", "no update", "BLOCKED", "cap changed", "reset"], 0),
        (("f",), ["no update", "reset"], 3),
        (("2", "f"), ["no update", "BLOCKED", "cap changed"], 2),
        (("c",), ["BLOCKED"], 4),
        (("c", "c"), ["cap changed"], 4),
        (("c", "c", "c"), ["91%", "reset"], 3),
        (("c", "c", "c", "c"), ["no update"], 4),
        (("c", "c", "c", "c", "c"), ["91%", "no update", "BLOCKED", "cap changed", "reset"], 0),
        (("f", "c"), [], 5),
    ],
)
async def test_events_are_filtered_by_org_and_kind(
    keys: tuple[str, ...], shown: list[str], hidden: int
) -> None:
    """`f` shows those of the selected org and its session, `c` those of one kind, and the title says so."""
    async with dashboard().run_test(size=WIDE) as pilot:
        await press(pilot, "e", *keys)
        rows = [line for line in screen(pilot) if line[2:8].count(":") == 1]
        assert shown == [next(word for word in ALL_WORDS if word in row) for row in rows]
        title = screen(pilot)[1]
        assert (f"{hidden} hidden" in title) is bool(hidden)
        assert ("only Personal" in title or "only Acme Team" in title) is ("f" in keys)
        assert (NO_FILTERED in text(pilot)) is not bool(shown)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_filter_is_shown_at_every_size(size: tuple[int, int]) -> None:
    """The number of hidden events is on screen, also in a pane without a title."""
    async with dashboard().run_test(size=size) as pilot:
        await press(pilot, "e", "f", "c")
        assert re.search("Personal · (only )?blocked · 5 hidden", text(pilot))


async def test_search_finds_rows_and_says_if_there_are_none() -> None:
    """Each word can be part of a name, a text, a reply or a day; problems are searched, too."""
    scene = stage(*TRIO)
    async with dashboard(scene).run_test(size=WIDE) as pilot:
        await scene.post(pilot, *outage())
        await press(pilot, "e", "slash", *"acme")
        assert "BLOCKED" in text(pilot)
        assert "91%" not in text(pilot)
        assert "claude.ai unreachable" in text(pilot)
        await press(pilot, *["backspace"] * 4, *"yesterday")
        assert "cap changed" in text(pilot)
        assert "BLOCKED" not in text(pilot)
        assert "1 of 6" in text(pilot)
        await press(pilot, *"zzz")
        assert NO_MATCH in text(pilot)
        assert "0 of 6" in text(pilot)
        await press(pilot, "enter")
        assert NO_MATCH not in text(pilot)
        assert "BLOCKED" in text(pilot)


async def test_search_without_a_match_names_the_filter() -> None:
    """A filter can hide the match, so that the text says which one is on and which key clears it."""
    async with dashboard().run_test(size=WIDE) as pilot:
        await press(pilot, "e", "f", "c", "slash", *"zzz")
        words = "No match. Filter: only Personal (f) · blocked (c). Press Esc, then the key, to clear it."
        assert words in text(pilot)
        assert NO_MATCH not in text(pilot)
        await press(pilot, "enter", "f", "c")
        assert "Filter:" not in text(pilot)
        assert "only Personal" not in text(pilot)


async def test_outage_is_one_row_that_opens_to_its_replies() -> None:
    """Sixteen failed replies are a title and a cure; Enter shows them, and Enter hides them again."""
    scene = stage(*TRIO)
    async with dashboard(scene).run_test(size=WIDE) as pilot:
        await scene.post(pilot, *outage())
        await press(pilot, "e")
        assert "▲ claude.ai unreachable since 14:48: 15 replies of 3 orgs" in text(pilot)
        assert "Requests fail: timed out, server error. Check the connection" in text(pilot)
        assert "Lab · overage" not in text(pilot)
        assert screen(pilot)[1].endswith("1 problem · 5 events")
        await press(pilot, "enter")
        assert text(pilot).count("timed out") == 1 + 9
        assert "The figures from 14:48 stay on screen." in text(pilot)
        await press(pilot, "enter")
        assert "Lab · overage" not in text(pilot)


async def test_dismissed_problem_comes_again_with_its_next_occurrence() -> None:
    """`x` hides it from list and count, but not the fact that there is one; its end ends that."""
    scene = stage(*TRIO)
    async with dashboard(scene).run_test(size=WIDE) as pilot:
        await scene.post(pilot, *outage())
        await press(pilot, "e", "x")
        assert "unreachable" not in text(pilot)
        assert find_line(pilot, "dismissed") == "1 dismissed"
        assert "problem" not in screen(pilot)[1]
        await scene.post(pilot, *outage(at=NOW + INTERVAL))
        assert find_line(pilot, "dismissed") == "1 dismissed"
        await press(pilot, "enter")
        assert "claude.ai unreachable since 14:48" in text(pilot)
        await scene.post(pilot, *readings(*TRIO, at=NOW + 2 * INTERVAL))
        assert "no problems" in text(pilot)
        await scene.post(pilot, *outage(at=NOW + 3 * INTERVAL))
        assert "▲ claude.ai unreachable since 14:51" in text(pilot)
        await press(pilot, "home", "x", "home", "x")
        assert "▲ claude.ai unreachable since 14:51" in text(pilot)


async def test_problem_of_a_session_is_dismissed_in_private_mode() -> None:
    """The cause on screen has a pseudonym, and the right one is dismissed."""
    scene = stage(PERSONAL)
    expired = Failure(ErrorKind.EXPIRED, Endpoint.ACCOUNT, NOW)
    async with dashboard(scene, privacy=True).run_test(size=WIDE) as pilot:
        await scene.post(pilot, Reading(SESSION, NOW, account=expired))
        await press(pilot, "e")
        assert "session expired" in text(pilot)
        await press(pilot, "x")
        assert find_line(pilot, "dismissed") == "1 dismissed"
        assert pilot.app.screen.view.open_problems == ()  # type: ignore[attr-defined]
        await press(pilot, "p")
        assert find_line(pilot, "dismissed") == "1 dismissed"


async def test_key_to_dismiss_is_listed_only_beside_problems() -> None:
    """Without a problem, the footer has the other keys only."""
    scene = stage(*TRIO)
    async with dashboard(scene).run_test(size=WIDE) as pilot:
        await press(pilot, "e")
        assert "x dismiss" not in screen(pilot)[-1]
        assert "/ search" in screen(pilot)[-1]
        await scene.post(pilot, *outage())
        assert "x dismiss" in screen(pilot)[-1]


async def test_only_a_problem_is_dismissed() -> None:
    """On an event, `x` explains itself."""
    async with dashboard().run_test(size=WIDE, notifications=True) as pilot:
        await press(pilot, "e", "x")
        assert "Only a problem can be dismissed." in text(pilot)


async def test_earlier_events_are_read_once_and_each_fact_is_shown_once() -> None:
    """The archive is read for the days before the run, in a thread; the run's own events follow."""
    asked = []
    scene = stage(*TRIO)

    def load(since: datetime, until: datetime) -> tuple[Event, ...]:
        asked.append((since, until))
        return (*EARLIER, *(one._replace(endpoints=()) for one in run_events))

    run_events: list[Event] = []
    async with app(scene, load_events=load).run_test(size=WIDE) as pilot:
        await pilot.pause()
        await scene.post(pilot, *readings(FULL, *TRIO[1:], at=READ + INTERVAL))
        assert isinstance(pilot.app, Claudemeter)
        run_events += pilot.app._dashboard_run.event_log.events
        assert run_events
        await press(pilot, "e", "e", "e")
        assert asked == [(NOW - EVENTS_SPAN, NOW)]
        assert f"{len(EARLIER) + len(run_events)} events" in screen(pilot)[1]


async def test_slow_archive_delays_no_event_of_this_run() -> None:
    """Until the archive answers, the list says that more events are being read."""
    answered = asyncio.Event()
    loop = asyncio.get_running_loop()

    def load(_: datetime, __: datetime) -> tuple[Event, ...]:
        asyncio.run_coroutine_threadsafe(answered.wait(), loop).result()
        return EARLIER

    async with app(stage(PERSONAL), load_events=load).run_test(size=WIDE) as pilot:
        await pilot.pause()
        await pilot.press("e")
        await pilot.pause()
        assert READING_EARLIER in text(pilot)
        assert "No events" not in text(pilot)
        answered.set()
        await finish_workers(pilot.app)
        await pilot.pause()
        assert READING_EARLIER not in text(pilot)
        assert "BLOCKED" in text(pilot)


async def test_archive_that_cannot_be_read_leaves_the_events_of_the_run() -> None:
    """The recorder reports the problem; the list has what is known."""
    async with app(stage(PERSONAL), load_events=lambda _, __: None).run_test(size=WIDE) as pilot:
        await press(pilot, "e")
        assert "No events in the last 7 days." in text(pilot)


async def test_enter_opens_the_org_at_the_time_of_the_event() -> None:
    """The archive is asked for the org of the row, whichever is selected."""
    asked: list[tuple[OrgKey, datetime, int]] = []

    def load_past(key: OrgKey, moment: datetime, step: int) -> None:
        asked.append((key, moment, step))

    async with dashboard(load_past=load_past).run_test(size=WIDE, notifications=True) as pilot:
        await press(pilot, "e", "enter")
    assert asked == [(STORE.orgs[2].key, EARLIER[-1].at, 0)]


async def test_double_click_opens_the_row_that_was_under_the_pointer() -> None:
    """In a small pane, the first click closes the row above, so that the clicked one moves up."""
    asked: list[tuple[OrgKey, datetime, int]] = []

    def load_past(key: OrgKey, moment: datetime, step: int) -> None:
        asked.append((key, moment, step))

    async with dashboard(earlier=LONG, load_past=load_past).run_test(size=(40, 8)) as pilot:
        await press(pilot, "e")
        places = [place for place, line in enumerate(screen(pilot)) if line.startswith("▌")]
        assert len(places) > 1
        await pilot.click(offset=(20, places[0] - 1), times=2)  # the title of the day
        await press(pilot)
        assert asked == []
        await pilot.click(offset=(20, places[-1] + 1), times=2)
        await press(pilot)
    assert asked == [(STORE.orgs[1].key, LONG[1].at, 0)]


async def test_names_of_earlier_events_are_hidden() -> None:
    """Private mode hides the names of orgs and sessions in all rows."""
    async with dashboard(privacy=True).run_test(size=WIDE) as pilot:
        await press(pilot, "e")
        assert "BLOCKED" in text(pilot)
        for name in ("Acme Team", "Lab", "Personal", "Default"):
            assert name not in text(pilot)


async def test_cursor_stays_on_its_row_while_events_arrive() -> None:
    """A new event moves the rows, not the cursor."""
    scene = stage(*TRIO)
    async with dashboard(scene).run_test(size=WIDE) as pilot:
        await press(pilot, "e", "down", "down")
        await scene.post(pilot, *readings(FULL, *TRIO[1:], at=READ + INTERVAL))
        (under,) = (line for line in screen(pilot) if line.startswith("▌"))
        assert "BLOCKED" in under
