"""Which org is on screen at the start, until the user chooses one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from claudemeter_tui.model.reading import Reading, Session
from claudemeter_tui.model.store import OrgKey, Store
from claudemeter_tui.settings import SettingsError
from claudemeter_tui.tui import app as app_module
from claudemeter_tui.tui.app import Claudemeter, Options
from claudemeter_tui.tui.screenshots import capture_svg
from tests.bodies import ACCOUNT, usage_body
from tests.bodies import TEAM as TEAM_UUID
from tests.scenes import INTERVAL, LAB, LABORATORY, NOW, PERSONAL, READ, TEAM, readings
from tests.tui.app_harness import Stage, app, stage, text

TRIO = (PERSONAL, TEAM, LABORATORY)
EVERYONE = Reading(Session(""), NOW, scan_results=(), has_everyone_answered=True)
"""Reading with which the search for sessions is complete."""
LAB_KEY: OrgKey = (ACCOUNT, LAB)


def selected(pilot: Pilot[Any]) -> str:
    """Return the name of the org on screen."""
    assert isinstance(pilot.app, Claudemeter)
    state = pilot.app.store.find_org_state(pilot.app.selected)
    return state.org.name if state else ""


async def test_worst_org_is_selected_once_all_sessions_have_answered() -> None:
    """The first org is on screen until then; the selection moves once, and no reading moves it again."""
    scene = stage(*TRIO)
    async with app(scene).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        assert selected(pilot) == "Personal"
        await scene.post(pilot, EVERYONE)
        assert selected(pilot) == "Acme Team"
        calm = replace(TEAM, usage=PERSONAL.usage, overage=None, own=None, spent=())
        await scene.post(pilot, *readings(PERSONAL, calm, LABORATORY, at=READ + INTERVAL), EVERYONE)
        await scene.at(pilot, NOW + timedelta(minutes=5))
        assert selected(pilot) == "Acme Team"


SLOW = tuple(readings(*TRIO))
"""The list of orgs, then readings of each one, then the end of the poll."""


def read_only(*names: str) -> list[Reading]:
    """Return the readings of these orgs in a poll."""
    return [one for one in SLOW if any(report.org.name in names for report in one.org_readings)]


async def test_worst_org_of_a_slow_poll_is_found() -> None:
    """After two seconds the worst org so far is selected, then one with a worse state once it is read."""
    scene = Stage((SLOW[0], *read_only("Personal", "Lab")))
    async with app(scene).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        await scene.at(pilot, NOW + timedelta(seconds=1.9))
        assert selected(pilot) == "Personal"
        await scene.at(pilot, NOW + timedelta(seconds=2))
        assert selected(pilot) == "Lab"
        await scene.at(pilot, NOW + timedelta(seconds=9))
        await scene.post(pilot, *read_only("Acme Team"))
        assert selected(pilot) == "Acme Team"
        await scene.post(pilot, SLOW[-1], EVERYONE)
        assert selected(pilot) == "Acme Team"
        await scene.post(pilot, *readings(PERSONAL, replace(TEAM, usage=PERSONAL.usage), LABORATORY))
        assert selected(pilot) == "Acme Team"


async def test_higher_percentage_moves_the_selection_only_at_the_end() -> None:
    """While sessions are read, the screen does not follow percentages; then the worst org is selected."""
    calm = replace(PERSONAL, org=TEAM.org, usage=usage_body(80.0))
    account, *others = readings(PERSONAL, calm)
    scene = Stage((account, others[0]))
    async with app(scene).run_test(size=(120, 36)) as pilot:
        await scene.at(pilot, NOW + timedelta(seconds=2))
        await scene.post(pilot, *others[:-1])
        assert selected(pilot) == "Personal"
        await scene.post(pilot, others[-1], EVERYONE)
        assert selected(pilot) == "Acme Team"


async def test_sessions_that_never_answer_are_not_waited_for() -> None:
    """After half a minute, only the user moves the selection."""
    scene = Stage((SLOW[0], *read_only("Personal", "Lab")))
    async with app(scene).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        await scene.at(pilot, NOW + timedelta(seconds=30))
        await scene.post(pilot, *read_only("Acme Team"), SLOW[-1], EVERYONE)
        assert selected(pilot) == "Lab"


async def test_choice_of_the_user_is_never_moved_by_a_slow_reply() -> None:
    """A key during the slow poll ends the first selection."""
    scene = Stage((SLOW[0], *read_only("Personal", "Lab")))
    async with app(scene).run_test(size=(120, 36)) as pilot:
        await scene.at(pilot, NOW + timedelta(seconds=2))
        await pilot.press("1")
        await scene.post(pilot, *read_only("Acme Team"), SLOW[-1], EVERYONE)
        assert selected(pilot) == "Personal"


async def test_last_figures_of_earlier_runs_count() -> None:
    """Old figures from the archive are UNKNOWN, but their last known verdict decides."""
    store = reduce(Store.apply, readings(*TRIO, at=READ - timedelta(hours=1)), Store())
    scene = Stage((Reading(Session(""), NOW, restored_orgs=store.all_orgs, is_archived=True),))
    async with app(scene).run_test(size=(120, 36)) as pilot:
        await scene.at(pilot, NOW + timedelta(seconds=2))
        assert selected(pilot) == "Acme Team"


async def test_unread_orgs_are_not_the_worst() -> None:
    """An org that was only listed so far is UNKNOWN, which says nothing: the first one stays on screen."""
    account, *_ = readings(*TRIO)
    scene = Stage((account,))
    async with app(scene).run_test(size=(120, 36)) as pilot:
        await scene.at(pilot, NOW + timedelta(seconds=9))
        assert selected(pilot) == "Personal"
        await scene.post(pilot, *readings(*TRIO))
        await scene.at(pilot, NOW + timedelta(seconds=11))
        assert selected(pilot) == "Acme Team"


@pytest.mark.parametrize(("keys", "name"), [(["1"], "Personal"), (["3"], "Lab"), (["left"], "Lab")])
async def test_key_ends_the_first_selection(keys: Sequence[str], name: str) -> None:
    """An org chosen before all sessions have answered stays, also if it was on screen already."""
    scene = stage(*TRIO)
    async with app(scene).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        await pilot.press(*keys)
        await scene.post(pilot, EVERYONE)
        await scene.at(pilot, NOW + timedelta(minutes=1))
        assert selected(pilot) == name


async def test_remembered_org_comes_before_the_worst_one() -> None:
    """The org of the last run is selected as soon as it is listed, also if its session answers late."""
    scene = stage(PERSONAL, TEAM)
    async with app(scene, org=LAB_KEY).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        assert selected(pilot) == "Personal"
        await scene.post(pilot, *readings(*TRIO))
        assert selected(pilot) == "Lab"
        await scene.post(pilot, EVERYONE)
        assert selected(pilot) == "Lab"


@pytest.mark.parametrize("key", [("missing", LAB), None])
async def test_lost_remembered_org_gives_the_worst_one(key: OrgKey | None) -> None:
    """An org of the last run that no session lists any more counts as none."""
    scene = stage(*TRIO)
    async with app(scene, org=key).run_test(size=(120, 36)) as pilot:
        await scene.post(pilot, EVERYONE)
        assert selected(pilot) == "Acme Team"


@pytest.mark.parametrize(("wanted", "name"), [("lab", "Lab"), (TEAM_UUID, "Acme Team"), ("3", "Lab")])
async def test_org_of_the_flag_comes_first(wanted: str, name: str) -> None:
    """`--org` takes number, name or UUID, and beats the org of the last run."""
    scene = stage(*TRIO)
    async with app(scene, wanted_org=wanted, org=(ACCOUNT, TEAM_UUID)).run_test(size=(120, 36)) as pilot:
        await scene.post(pilot, EVERYONE)
        assert selected(pilot) == name
        await pilot.press("1")
        await scene.post(pilot, *readings(*TRIO, at=READ + INTERVAL))
        assert selected(pilot) == "Personal"


@pytest.mark.parametrize(("fault", "private"), [("unknown org 'Persnal'", False), ("unknown org", True)])
async def test_unknown_org_of_the_flag_is_reported(fault: str, *, private: bool) -> None:
    """Until all sessions have answered it may still appear; a private screen does not repeat the name."""
    scene = stage(*TRIO)
    async with app(scene, wanted_org="Persnal", privacy=private).run_test(size=(120, 36)) as pilot:
        await scene.at(pilot, NOW + timedelta(minutes=1))
        assert "--org" not in text(pilot)
        await scene.post(pilot, EVERYONE)
        (toast,) = pilot.app._notifications
        assert toast.message == f"--org: {fault}. Press o to see all orgs."
        await scene.post(pilot, *readings(*TRIO, at=READ + INTERVAL))
        assert selected(pilot) == "Acme Team"
        assert len(pilot.app._notifications) == 1


async def test_first_selection_is_remembered_only_once_it_is_over() -> None:
    """A program that ends within two seconds keeps the org of the last run."""
    kept: list[OrgKey | None] = []
    for more in ((), (EVERYONE,)):
        scene = stage(*TRIO)
        async with app(scene, save_state=lambda _, key: kept.append(key)).run_test(size=(120, 36)) as pilot:
            await scene.post(pilot, *more)
    assert kept == [None, (ACCOUNT, TEAM_UUID)]


@pytest.mark.parametrize(("wanted", "name"), [(None, "Acme Team"), ("1", "Personal"), ("lab", "Lab")])
def test_screenshot_shows_the_worst_org_or_that_of_the_flag(wanted: str | None, name: str) -> None:
    """A picture waits for no time: all sessions have answered when it is taken."""
    names: list[str] = []

    class Observed(Claudemeter):
        CSS_PATH = str(Path(app_module.__file__).with_name("app.tcss"))

        def export_screenshot(self, **how: Any) -> str:
            state = self.store.find_org_state(self.selected)
            names.append(state.org.name if state else "")
            return super().export_screenshot(**how)

    options = Options(wanted_org=wanted)
    picture = capture_svg(
        lambda feed: Observed(feed, now=lambda: NOW, options=options), stage(*TRIO), 1, size=(80, 24)
    )
    assert names == [name]
    assert picture.startswith("<svg")


def test_screenshot_of_an_unknown_org_is_refused() -> None:
    """The error lists the orgs as every other command does."""
    with pytest.raises(SettingsError, match="--org: unknown org 'Persnal'; choose from 1 Personal"):
        capture_svg(
            lambda feed: Claudemeter(feed, now=lambda: NOW, options=Options(wanted_org="Persnal")),
            stage(*TRIO),
            1,
            size=(80, 24),
        )
