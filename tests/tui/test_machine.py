"""The screen "this machine": pages, span, org, and what it says while there is nothing to show."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.timer import Timer

from claudemeter_tui.formatting.machine import RESETS_NOTE
from claudemeter_tui.model.machine import MachineRequest, MachineUsage, SpanKind
from claudemeter_tui.model.past import PastMoment
from claudemeter_tui.model.reading import NO_SESSION, Reading
from claudemeter_tui.model.refusals import TranscriptNews
from claudemeter_tui.model.store import OrgKey
from claudemeter_tui.tui.app import Claudemeter
from claudemeter_tui.tui.screens.dashboard import DashboardScreen
from claudemeter_tui.tui.screens.machine import MachineScreen
from claudemeter_tui.tui.screenshots import export_svg
from claudemeter_tui.tui.widgets.tables import READING
from tests.bodies import ACCOUNT, TEAM
from tests.bodies import PERSONAL as PERSONAL_UUID
from tests.machines import PLANTED, build_machine_loader
from tests.scenes import LABORATORY, NOW, PERSONAL
from tests.scenes import TEAM as TEAM_ORG
from tests.tui.app_harness import Stage, app, finish_workers, press_each, screen, stage, text
from tests.tui.figure_checks import text_of, width_defects

TRIO = (PERSONAL, TEAM_ORG, LABORATORY)
SIZES = ((160, 45), (120, 36), (80, 24), (60, 20), (40, 8), (80, 3), (24, 5))
ONE = (108, 36)
TEAM_KEY = (ACCOUNT, TEAM)
FOLDERS = ("~/.config/claude/projects", "/srv/quokka/projects")
Loader = Callable[[OrgKey | None, MachineRequest], MachineUsage | None]


def dashboard(load: Loader | None = None, scene: Stage | None = None, **options: Any) -> Claudemeter:
    """Return a dashboard of three orgs; Claude Code is logged in to the second one."""
    loader = load or build_machine_loader()
    given: dict[str, Any] = {
        "load_machine": loader,
        "transcript_folders": FOLDERS,
        "load_history": lambda *_: None,
    }
    return app(scene or stage(*TRIO), **(given | options))


def find_line(pilot: Pilot[Any], start: str) -> str:
    """Return the first line that begins with a text behind the cursor's mark."""
    return next(line[2:] for line in screen(pilot)[2:] if line[2:].startswith(start))


@pytest.mark.parametrize("key", ["l", "escape"])
async def test_l_opens_and_closes(key: str) -> None:
    """The dashboard comes back, and the usage is not kept."""
    async with dashboard().run_test(size=ONE) as pilot:
        await press_each(pilot, "l")
        assert isinstance(pilot.app.screen, MachineScreen)
        await press_each(pilot, key)
        opened: object = pilot.app.screen
        assert isinstance(opened, DashboardScreen)
        assert isinstance(pilot.app, Claudemeter)
        assert pilot.app.machine is None


async def test_tab_turns_the_pages_and_a_click_opens_one() -> None:
    """Each page has its own content, and the last one is followed by the first."""
    signs = {
        "totals": "Rise on claude.ai",
        "projects": "elsewhere: other devices, app, web",
        "models": "Opus 5.5",
        "rebuilds": "Cache rebuilds",
        "refusals": "Stopped 4 times in 30 days: 5-hour 1, credits 1, other limit 1, week 1",
    }
    async with dashboard().run_test(size=ONE) as pilot:
        await press_each(pilot, "2", "l")
        for page in MachineScreen.PAGES:
            assert signs[page] in text(pilot)
            await press_each(pilot, "tab")
        assert signs["totals"] in text(pilot)
        await press_each(pilot, "shift+tab")
        assert signs["refusals"] in text(pilot)
        await pilot.click("#first", offset=(screen(pilot)[1].index("models"), 0))
        await pilot.pause()
        assert signs["models"] in text(pilot)


@pytest.mark.parametrize("size", [ONE, (80, 24), (60, 20)])
async def test_footer_has_the_keys_of_the_page(size: tuple[int, int]) -> None:
    """No key is listed where it does nothing, and the cursor starts on the first row of figures."""
    starts = ("▌ input", "▌ private/api", "▌ Opus 5.5", "▌ 30 days", "▌ Sat Apr 25")
    async with dashboard().run_test(size=size) as pilot:
        await press_each(pilot, "2", "l")
        for page, start in zip(MachineScreen.PAGES, starts, strict=True):
            keys = screen(pilot)[-1]
            assert ("+ - period" in keys) == (page in {"projects", "models"}), page
            assert ("Enter as of" in keys) == (page == "refusals"), page
            assert [line for line in screen(pilot) if line.startswith(start)], page
            await press_each(pilot, "tab")
    async with dashboard(load_nothing).run_test(size=size) as pilot:
        await press_each(pilot, "l")
        for _ in MachineScreen.PAGES:
            assert "period" not in screen(pilot)[-1]
            assert "as of" not in screen(pilot)[-1]
            await press_each(pilot, "tab")


async def test_totals_has_four_spans_side_by_side() -> None:
    """Tokens and rises are measured, costs are marked as estimated, and an assumed start, too."""
    async with dashboard().run_test(size=ONE) as pilot:
        await press_each(pilot, "2", "l")
        assert screen(pilot)[2] == " Claude Code · first call Apr 5 13:48"
        assert find_line(pilot, "Tokens").split() == ["Tokens", "5-hour", "today", "week", "cycle"]
        assert find_line(pilot, "since").split()[:3] == ["since", "11:00", "00:00"]
        assert find_line(pilot, "output").split() == ["output", "200k", "875k", "1.80M", "1.80M"]
        assert find_line(pilot, "main chain").split()[1:3] == ["chain", "~$4.00"]
        assert find_line(pilot, "subagents").split()[:2] == ["subagents", "~$4.00"]
        assert find_line(pilot, "no price for").split() == ["no", "price", "for", "–", "–", "–", "2.40k"]
        assert find_line(pilot, "5-hour  ").split() == ["5-hour", "+60%", "+225%", "≥450%", "≥450%"]
        assert find_line(pilot, "credits").split() == ["credits", "+$3.40", "+$3.40", "≥$3.40", "+$13.40"]
        assert "≥ at least: this program did not read the figure at the start of the period." in text(pilot)
        assert RESETS_NOTE in text(pilot)
        assert "3 lines of the transcripts could not be read." in text(pilot)


async def test_cursor_of_a_small_pane_starts_on_figures() -> None:
    """They are one row with their title, and the names of projects take no more room than they need."""
    async with dashboard().run_test(size=(40, 8)) as pilot:
        await press_each(pilot, "2", "l")
        marked = [line for line in screen(pilot) if line.startswith("▌")]
        assert [line.split()[1] for line in marked] == ["Tokens", "input"]
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await press_each(pilot, "2", "l", "shift+tab")
        assert "Sat Apr 25 13:48  mayflower/api  5-hour window" in text(pilot)


async def test_old_figures_show_their_time() -> None:
    """On every page; figures of the last minutes do not."""
    loader = build_machine_loader()
    for minutes, shows in ((9, False), (11, True)):

        def load(key: OrgKey | None, request: MachineRequest, minutes: int = minutes) -> MachineUsage:
            return loader(key, request)._replace(at=request.now - timedelta(minutes=minutes))

        async with dashboard(load).run_test(size=ONE) as pilot:
            await press_each(pilot, "2", "l")
            for _ in MachineScreen.PAGES:
                assert ("as of 14:3" in screen(pilot)[2]) == shows
                await press_each(pilot, "tab")


async def test_sums_that_lack_calls_are_marked_as_minimums() -> None:
    """On each page with tokens; figures of the other spans have no mark."""
    loader = build_machine_loader()

    def load(key: OrgKey | None, request: MachineRequest) -> MachineUsage:
        usage = loader(key, request)
        first, *others = usage.spans
        return usage._replace(spans=(first._replace(is_whole=False), *others))

    note = "≥ at least: of the first hour of the period, only a sum with earlier calls is kept."
    async with dashboard(load).run_test(size=ONE) as pilot:
        await press_each(pilot, "2", "l")
        assert find_line(pilot, "output").split() == ["output", "≥200k", "875k", "1.80M", "1.80M"]
        assert find_line(pilot, "main chain").split()[2:4] == ["≥~$4.00", "~$18.00"]
        assert note in text(pilot)
        await press_each(pilot, "plus")
        assert note not in text(pilot)
        await press_each(pilot, "minus")
        assert find_line(pilot, "all").split() == ["all", "≥1.00M", "≥~$8.00", "–", "+60%"]
        assert note in text(pilot)
        await press_each(pilot, "tab")
        assert find_line(pilot, "Opus 5.5").split()[-3] == "≥~$8.00"
        assert note in text(pilot)


@pytest.mark.parametrize(("width", "tables"), [(108, 1), (60, 2)])
async def test_totals_keeps_a_table_where_two_spans_fit(width: int, tables: int) -> None:
    """All four spans side by side, or as many as fit and the others below; the shortest are first."""
    heads = [["Tokens", "5-hour", "today", "week", "cycle"]]
    if tables == 2:
        heads = [["Tokens", "5-hour", "today", "week"], ["Tokens", "cycle"]]
    async with dashboard().run_test(size=(width, 50)) as pilot:
        await press_each(pilot, "2", "l")
        assert [line.split() for line in screen(pilot) if line[2:].startswith("Tokens ")] == heads
        rises = [line.split()[1:] for line in screen(pilot) if line[2:].startswith("credits ")]
        assert [one for texts in rises for one in texts] == ["+$3.40", "+$3.40", "≥$3.40", "+$13.40"]
        assert len(rises) == tables


async def test_rise_above_100_percent_is_explained() -> None:
    """On the page of the span that has one: 60% in the window, 225% today."""
    async with dashboard().run_test(size=ONE) as pilot:
        await press_each(pilot, "2", "l", "plus")
        assert find_line(pilot, "all").split()[-1] == "+225%"
        assert RESETS_NOTE in text(pilot)
        await press_each(pilot, "minus")
        assert find_line(pilot, "all").split()[-1] == "+60%"
        assert RESETS_NOTE not in text(pilot)


async def test_plus_and_minus_change_the_span() -> None:
    """Of projects and models alike; from another page they open the projects, and the ends are reported."""
    async with dashboard().run_test(size=ONE, notifications=True) as pilot:
        await press_each(pilot, "2", "l", "plus")
        assert screen(pilot)[2].startswith(" today · since 00:00")
        await press_each(pilot, "minus")
        assert screen(pilot)[2].startswith(f" {SpanKind.WINDOW} · since 11:00")
        assert find_line(pilot, "all").split() == ["all", "1.00M", "~$8.00", "–", "+60%"]
        await press_each(pilot, "minus")
        assert "This is the shortest period." in text(pilot)
        await press_each(pilot, "plus", "plus", "plus", "plus")
        assert screen(pilot)[2].startswith(" billing cycle · since Wed Apr 1 00:00")
        assert "This is the longest period." in text(pilot)
        await press_each(pilot, "tab")
        assert screen(pilot)[2].startswith(" billing cycle")
        assert find_line(pilot, "claude-quokka-9").split()[-3:] == ["no", "price", "–"]
        assert "no price" in find_line(pilot, "Opus 5.5 wombat")


async def test_projects_have_their_part_of_the_rise() -> None:
    """Largest cost first; each part is an estimate, the sum is not, and the reason for no parts is given."""
    async with dashboard().run_test(size=ONE) as pilot:
        await press_each(pilot, "2", "l", "plus")
        lines = [line[2:].split() for line in screen(pilot) if "~" in line and "%" in line]
        assert [line[0] for line in lines[:3]] == ["private/api", "mayflower/api", "shop"]
        assert [line[-1] for line in lines[:3]] == ["~60%"] * 3
        assert find_line(pilot, "elsewhere").split()[-1] == "~45%"
        assert find_line(pilot, "all").split()[-1] == "+225%"
        assert "Credits: too little data to attribute the rise." in text(pilot)
        assert "The parts of a rise are estimated" in text(pilot)


@pytest.mark.parametrize(("width", "sizes"), [(108, (30, 30)), (80, (30, 0)), (60, (0, 0))])
async def test_bar_of_a_share_where_there_is_room(width: int, sizes: tuple[int, int]) -> None:
    """Beside each project and model with a share, in the same half cells as the limits."""
    async with dashboard().run_test(size=(width, 36)) as pilot:
        await press_each(pilot, "2", "l", "plus")
        for page, rows, cells in zip(("projects", "models"), (3, 1), sizes, strict=True):
            table = [line for line in screen(pilot)[2:] if not re.search("[╭│╰]", line)]
            bars = [(line, bar) for line in table for bar in re.findall(r"[━╸─]{2,}", line)]
            assert len(bars) == (rows if cells else 0), page
            for line, bar in bars:
                share = re.search(rf"{bar} +~(\d+)%", line)
                assert share is not None, line
                assert len(bar) == cells
                assert abs(bar.count("━") + bar.count("╸") / 2 - cells * int(share[1]) / 100) <= 1
            await press_each(pilot, "tab")


async def test_rise_of_an_org_without_the_login_is_not_attributed() -> None:
    """The projects are listed, and the reason is given; the org can be changed while it is open."""
    async with dashboard(build_machine_loader(PERSONAL_UUID)).run_test(size=ONE) as pilot:
        await press_each(pilot, "2", "l", "plus")
        assert (
            "Claude Code is logged in to Personal, so no part of this org's rise is attributed here."
            in text(pilot)
        )
        assert "elsewhere" not in text(pilot)
        assert find_line(pilot, "shop").split()[-1].endswith("%")
        await press_each(pilot, "1")
        assert type(pilot.app.screen) is MachineScreen
        assert "is logged in to" not in text(pilot)
    async with dashboard(build_machine_loader("")).run_test(size=ONE) as pilot:
        await press_each(pilot, "2", "l", "plus")
        assert "Claude Code's login is not known" in text(pilot)


async def test_rebuilds_have_days_costs_and_reasons() -> None:
    """100,000 tokens written again would have cost 4 cents less per 10,000; the newest day is first."""
    async with dashboard().run_test(size=ONE) as pilot:
        await press_each(pilot, "2", "l", "tab", "tab", "tab")
        assert screen(pilot)[2] == " last 30 days · first call Apr 5 13:48"
        assert find_line(pilot, "30 days").split()[2:] == ["3", "240k", "~$1.15"]
        newest, oldest = "Sat Apr 25", "Fri Apr 24"
        assert find_line(pilot, newest).split()[3:6] == ["1", "80.0k", "~$0.38"]
        assert "zebra code 2" in find_line(pilot, oldest)
        assert text(pilot).index(newest) < text(pilot).index(oldest)


async def test_refusals_have_their_causes_and_prove_nothing_by_absence() -> None:
    """Newest first, one row for each stop; the note is there with and without refusals."""
    note = "so there can be others"
    async with dashboard().run_test(size=ONE) as pilot:
        await press_each(pilot, "2", "l", "shift+tab")
        assert screen(pilot)[2] == " last 30 days · first call Apr 5 13:48"
        newest = find_line(pilot, "Sat Apr 25 13:48")
        assert "mayflower/api" in newest or "api" in newest
        assert "5-hour window; credits locked: your monthly cap is reached · 2 refusals" in newest
        assert "lower priority is offered" in text(pilot)
        assert 'the server says "zebra_code"' in text(pilot)
        assert note in text(pilot)
    loader = build_machine_loader()

    def load(key: OrgKey | None, request: MachineRequest) -> MachineUsage:
        return loader(key, request)._replace(refusals=())

    async with dashboard(load).run_test(size=ONE) as pilot:
        await press_each(pilot, "2", "l", "shift+tab")
        assert "No refusal was found in 30 days." in text(pilot)
        assert note in text(pilot)


@pytest.mark.parametrize("size", [ONE, (60, 20)])
@pytest.mark.parametrize("private", [False, True])
async def test_stop_of_several_projects_says_so(size: tuple[int, int], private: bool) -> None:  # noqa: FBT001
    """Its row names the first of them and counts all."""
    loader = build_machine_loader()

    def load(key: OrgKey | None, request: MachineRequest) -> MachineUsage:
        usage = loader(key, request)
        first = usage.refusals[-1]._replace(resets_at=None)
        found = (first._replace(key=100 + place, project=f"/srv/project-{place % 3}") for place in range(22))
        return usage._replace(refusals=tuple(found))

    async with dashboard(load, privacy=private).run_test(size=size) as pilot:
        await press_each(pilot, "2", "l", "shift+tab")
        shown = " ".join(text(pilot).split())
        assert "22 refusals in 3 projects" in shown
        assert ("project-0" in shown) != private


async def test_enter_shows_the_dashboard_as_of_a_refusal() -> None:
    """For the org of the login, whichever is selected; rows of other pages have no moment."""
    asked: list[tuple[OrgKey, datetime, int]] = []

    def load_past(key: OrgKey, moment: datetime, step: int) -> PastMoment | None:
        asked.append((key, moment, step))
        return None

    for private in (False, True):
        shown = dashboard(load_past=load_past, privacy=private)
        async with shown.run_test(size=ONE) as pilot:
            await press_each(pilot, "l", "enter", "tab", "enter")
            assert asked == []
            await press_each(pilot, "shift+tab", "shift+tab", "enter")
            assert asked == [(TEAM_KEY, NOW - timedelta(hours=1), 0)]
            asked.clear()


async def test_usage_is_read_again_with_new_transcripts_and_each_minute() -> None:
    """At most every 2 seconds, and only while the screen is open."""
    asked: list[datetime] = []
    loader = build_machine_loader()

    def spy(key: OrgKey | None, request: MachineRequest) -> MachineUsage:
        asked.append(request.now)
        return loader(key, request)

    scene = stage(*TRIO)

    async def tick(pilot: Pilot[Any], seconds: int, read_at: int | None = None) -> None:
        await scene.at(pilot, NOW + timedelta(seconds=seconds))
        if read_at is not None:
            at = NOW + timedelta(seconds=read_at)
            await scene.post(pilot, Reading(NO_SESSION, at, transcripts=TranscriptNews(at)))
        assert isinstance(pilot.app, Claudemeter)
        pilot.app._tick()
        await pilot.pause()
        await finish_workers(pilot.app)
        await pilot.pause()

    async with dashboard(spy, scene).run_test(size=ONE) as pilot:
        await press_each(pilot, "1")
        await tick(pilot, 0, 0)
        assert asked == []
        await press_each(pilot, "l")
        assert len(asked) == 1
        for count, seconds, read_at in ((1, 1, 1), (2, 3, 3), (2, 4, None), (2, 60, None), (3, 64, None)):
            await tick(pilot, seconds, read_at)
            assert len(asked) == count, seconds
        await press_each(pilot, "2")
        assert len(asked) == 4
        await press_each(pilot, "l")
        await tick(pilot, 200, 200)
        assert len(asked) == 4


async def test_one_timer_waits_for_the_next_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    """However often transcripts have something new meanwhile: the timers would add up while it is open."""
    scene = stage(*TRIO)
    async with dashboard(None, scene).run_test(size=ONE) as pilot:
        await press_each(pilot, "l")
        waiting: list[str] = []
        original = pilot.app.set_timer

        def count(delay: float, callback: Callable[[], Any], **more: Any) -> Timer:
            waiting.append(callback.__name__)
            return original(delay, callback, **more)

        monkeypatch.setattr(pilot.app, "set_timer", count)
        for part in range(10):
            at = NOW + timedelta(milliseconds=50 * part)
            await scene.at(pilot, at)
            await scene.post(pilot, Reading(NO_SESSION, at, transcripts=TranscriptNews(at)))
            assert isinstance(pilot.app, Claudemeter)
            pilot.app._tick()
            await pilot.pause()
        assert sum("machine" in name for name in waiting) == 1


async def test_keys_work_while_the_archive_is_read() -> None:
    """A slow archive shows that it is read; an answer for another org is not shown."""
    started, release = threading.Event(), threading.Event()
    loader = build_machine_loader()

    def slow(key: OrgKey | None, request: MachineRequest) -> MachineUsage:
        started.set()
        release.wait(30)
        return loader(key, request)

    async with dashboard(slow).run_test(size=ONE) as pilot:
        await pilot.pause()
        await pilot.press("l")
        await pilot.pause()
        assert started.wait(30)
        assert [line.strip() for line in screen(pilot)[3:-1] if line] == [READING]
        await pilot.press("tab", "2")
        await pilot.pause()
        assert screen(pilot)[0].startswith(" Acme Team: ")
        assert READING in text(pilot)
        release.set()
        for _ in range(3):
            await finish_workers(pilot.app)
            await pilot.pause()
        assert "elsewhere" in text(pilot)


def load_unread(key: OrgKey | None, request: MachineRequest) -> MachineUsage:
    """Return the usage before transcripts were read."""
    del key
    return MachineUsage(request.now)


def load_nothing(key: OrgKey | None, request: MachineRequest) -> MachineUsage:
    """Return the usage of a machine without transcripts."""
    del key
    return MachineUsage(request.now, read_at=request.now)


@pytest.mark.parametrize("size", [(120, 36), (60, 20), (40, 20)])
@pytest.mark.parametrize(
    ("load", "words", "options"),
    [
        (load_unread, "Reading Claude Code's transcripts…", {}),
        (load_nothing, "No transcripts of Claude Code were found.", {}),
        (load_nothing, "Searched: ~/.config/claude/projects, /srv/quokka/projects.", {}),
        (lambda *_: None, "The history file cannot be read.", {}),
        (None, "Transcripts are not read (transcripts = false).", {}),
        (None, "History is switched off (history.enabled).", {"load_history": None}),
    ],
    ids=["unread", "none", "folders", "unreadable", "off", "history-off"],
)
async def test_page_without_usage_says_why(
    load: Loader | None, words: str, options: dict[str, Any], size: tuple[int, int]
) -> None:
    """Every page says what will be there, or what to do."""
    async with dashboard(**({"load_machine": load} | options)).run_test(size=size) as pilot:
        await press_each(pilot, "l")
        for _ in MachineScreen.PAGES:
            assert words in " ".join(text(pilot).replace("▌", " ").split())
            await press_each(pilot, "tab")


async def test_machine_is_shown_without_an_org() -> None:
    """Tokens do not need one; nothing is compared."""
    async with dashboard(scene=stage()).run_test(size=ONE) as pilot:
        assert isinstance(pilot.app, Claudemeter)
        await pilot.pause()
        assert pilot.app.selected is None
        await pilot.app.run_action("open('machine')")
        await finish_workers(pilot.app)
        await pilot.pause()
        assert "of subagents" in text(pilot)
        assert "Rise on claude.ai" not in text(pilot)


async def test_names_are_hidden_in_private_mode() -> None:
    """Projects, unknown models and codes get pseudonyms on every page and in pictures; figures stay."""
    async with dashboard(privacy=True).run_test(size=ONE) as pilot:
        await press_each(pilot, "2", "l", "plus", "plus", "plus")
        shown = ""
        for _ in MachineScreen.PAGES:
            shown += text(pilot)
            await press_each(pilot, "tab")
        assert not [name for name in (*PLANTED, "Acme") if name in shown]
        assert {"project 1", "project 2", "project 3", "model 1", "reason"} <= {
            *re.findall(r"project \d|model \d|reason", shown)
        }
        assert "Opus 5.5" in shown
        assert "≥450%" in shown
    async with dashboard().run_test(size=ONE) as pilot:
        await press_each(pilot, "2", "l", "plus", "plus", "plus")
        assert isinstance(pilot.app, Claudemeter)
        for _ in MachineScreen.PAGES:
            picture = export_svg(pilot.app, pilot.app._dashboard_run.redaction)
            assert not [name for name in (*PLANTED, "Acme") if name in picture]
            await press_each(pilot, "tab")
        assert "mayflower" in text(pilot)


async def test_searched_folders_are_hidden_in_private_mode() -> None:
    """A folder can contain a name."""
    async with dashboard(load_nothing, privacy=True).run_test(size=ONE) as pilot:
        await press_each(pilot, "l")
        assert "No transcripts of Claude Code were found." in text(pilot)
        assert "quokka" not in text(pilot)


@pytest.mark.parametrize(
    ("size", "ascii_only"), [*((size, False) for size in SIZES), ((120, 36), True), ((40, 8), True)]
)
async def test_every_page_fits_every_size(size: tuple[int, int], ascii_only: bool) -> None:  # noqa: FBT001
    """Each line has the width of the screen, the verdict is the first one, and ASCII is ASCII.

    From 40 columns on no figure is cut, and every cost is marked as estimated.
    """
    async with dashboard(ascii=ascii_only).run_test(size=size) as pilot:
        await press_each(pilot, "2", "l")
        for page in MachineScreen.PAGES:
            assert isinstance(pilot.app.screen, MachineScreen)
            assert "BLOCKED" in screen(pilot)[0]
            for _ in range(150 if size in SIZES[1:5] else 1):
                lines = text_of(pilot.app.screen._compositor.render_strips())
                assert list(width_defects(lines, size[0])) == []
                assert text(pilot).isascii() or not ascii_only
                for line in screen(pilot)[2:] if size in SIZES[1:5] else ():
                    assert "…" not in line
                    assert not re.search(r"(?<![~+≥<>])\$", line), line
                    assert all(re.match(r"[\d,]+\.\d\d", part) for part in line.split("$")[1:]), line
                before = pilot.app.screen.item_list.scroll_offset, pilot.app.screen.item_list.cursor
                await pilot.press("down")
                await pilot.pause()
                if before == (pilot.app.screen.item_list.scroll_offset, pilot.app.screen.item_list.cursor):
                    break
            else:
                assert size not in SIZES[1:5], page
            await press_each(pilot, "tab")


async def test_cursor_stays_on_its_row() -> None:
    """A page has its own cursor, which another page leaves where it is."""
    async with dashboard().run_test(size=ONE) as pilot:
        await press_each(pilot, "2", "l", "tab", "tab", "tab", "tab", "down", "down")
        marked = next(line for line in screen(pilot) if line.startswith("▌"))
        await press_each(pilot, "tab", "shift+tab")
        assert marked in screen(pilot)


@pytest.mark.parametrize("size", [(160, 45), (120, 36), (110, 24)])
async def test_wide_pane_has_other_pages_beside_a_page(size: tuple[int, int]) -> None:
    """Projects and models are beside the totals and beside each other, with costs of the same span."""
    async with dashboard().run_test(size=size) as pilot:
        await press_each(pilot, "2", "l")
        for beside in (("Projects", "Models"), ("Models",), ("Projects",)):
            lines = screen(pilot)
            framed = [line[line.index("│") :] for line in lines if "│" in line]
            titles = [match[1] for line in lines if (match := re.search(r"╭ ([^─]+) ─", line))]
            assert titles == [f"{title} · today" for title in beside]
            assert not any(title in line for title in beside for line in framed)
            assert {len(line) for line in lines if line.endswith("│")} == {size[0] - 1}
            assert all("$" in line for line in framed if re.search("Opus|shop", line))
            await press_each(pilot, "tab")


@pytest.mark.parametrize("size", [(160, 45), (120, 36), (100, 30)])
async def test_rebuilds_and_refusals_are_on_one_page(size: tuple[int, int]) -> None:
    """The cursor is in one of them; the other one is in a frame, below the first if it has no room beside."""
    refusals = "30 days", "╭ Refusals · last 30 days ─", "Stopped"
    rebuilds = "Sat Apr 25", "╭ Cache rebuilds · last 30 days ─", "30 days"
    async with dashboard().run_test(size=size) as pilot:
        await press_each(pilot, "2", "l", "tab", "tab", "tab")
        for row, frame, framed in (refusals, rebuilds):
            lines = screen(pilot)
            cursor = next(line for line in lines if line.startswith("▌"))
            assert cursor[2:].startswith(row)
            assert sum(frame in line for line in lines) == 1
            assert any(re.search(f"│ .*{framed}", line) for line in lines)
            await press_each(pilot, "tab")


@pytest.mark.parametrize(("size", "is_beside"), [((120, 36), True), ((110, 36), False)])
async def test_page_loses_no_column_to_another_one(*, size: tuple[int, int], is_beside: bool) -> None:
    """The models need more than their part of 110 columns, so the projects are below them."""
    async with dashboard().run_test(size=size) as pilot:
        await press_each(pilot, "2", "l", "tab", "tab")
        lines = screen(pilot)
        head, frame = (next(line for line in lines if sign in line) for sign in ("  Models ", "╭ Projects "))
        titles = ["input", "output", "written", "read", "searches", "cost", "share"]
        assert head.partition("╭")[0].split()[1:] == titles
        assert (frame is head) == is_beside


async def test_parts_of_a_rise_are_explained_below_the_projects() -> None:
    """Their names leave the table narrow enough for 60 columns."""
    async with dashboard().run_test(size=(60, 20)) as pilot:
        await press_each(pilot, "2", "l", "tab", "minus")
        lines = screen(pilot)
        head = next(place for place, line in enumerate(lines) if line.startswith("  Projects "))
        assert lines[head].split() == ["Projects", "tokens", "cost", "share", "5-hour"]
        assert sum(line.startswith("  elsewhere ") for line in lines[head:]) == 1
        assert "  elsewhere: other devices, app, web" in [line.rstrip() for line in lines[head:]]


async def test_page_beside_another_one_has_the_chosen_span() -> None:
    """The keys of the period change both."""
    async with dashboard().run_test(size=(120, 36)) as pilot:
        await press_each(pilot, "2", "l", "tab", "minus")
        assert f"╭ Models · {SpanKind.WINDOW} ─" in text(pilot)
