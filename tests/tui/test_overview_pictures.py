"""The overview as accepted pictures: every size, theme and number of orgs, with a day from the archive."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from textual.pilot import Pilot

from claudemeter_tui.model.catalogue import MeterOrigin
from claudemeter_tui.model.reading import Reading
from claudemeter_tui.model.store import OrgKey
from claudemeter_tui.model.time_series import ArchivedSeries
from tests.archives import archive_credits, archive_percents
from tests.bodies import overage_body, usage_body
from tests.scenes import ENTERPRISE, LABORATORY, NOW, PERSONAL, READ, TEAM, OrgBodies, readings
from tests.tui.app_harness import Stage, app, finish_workers

Compare = Callable[..., bool]
SIZES = [(160, 45), (120, 36), (80, 24), (60, 20), (40, 8)]
NINE = NOW.replace(hour=9, minute=0, second=0)
HOUR = timedelta(hours=1)
RUN_START = READ - timedelta(minutes=46)


def name_org(bodies: OrgBodies, number: int, name: str = "") -> OrgBodies:
    """Return the bodies with a uuid and a name of their own."""
    names = {"name": name} if name else {}
    return replace(bodies, org=bodies.org | {"uuid": f"bbbbbbbb-0000-4000-8000-{number:012}"} | names)


SEVEN = (
    name_org(TEAM, 1),
    name_org(LABORATORY, 2),
    name_org(ENTERPRISE, 3, "Globex Enterprise EMEA"),
    name_org(
        OrgBodies(usage=usage_body(92.0, 41.0), overage=overage_body(0, 6000, enabled=False)), 4, "Side"
    ),
    name_org(PERSONAL, 5),
    name_org(OrgBodies(usage=usage_body(55.0, 12.0), overage=None, prepaid=None), 6, "Flaky Labs"),
    name_org(OrgBodies(usage=usage_body(4.0, 2.0), overage=None, prepaid=None), 7, "Consulting, Zürich"),
)
"""An org of each verdict, and some that can work; Flaky Labs has not been read for three minutes."""
MORNINGS: dict[int, tuple[int | None, ...]] = {
    1: (3100, 3100, 3420, None, 4660),
    2: (0, 0, 0, 180, 300),
    5: (1320, 1320, 1500, 1720, 1720),
}
"""Used credits at the beginning of each hour from nine, in cents; None for an hour without readings."""


def load_morning(key: OrgKey, since: datetime, _: datetime | None) -> ArchivedSeries | None:
    """Return the archived figures of an org from nine o'clock to the start of the run."""
    number = int(key[1][-2:])
    starts = [NINE + place * HOUR for place in range(5)]
    spans = list(zip(starts, [*starts[1:], RUN_START], strict=True))
    amounts = zip(MORNINGS.get(number, ()), spans, strict=False)
    origin = MeterOrigin.OWN_OVERAGE if number == 1 else MeterOrigin.OVERAGE
    credits = archive_credits(*((cents, *span) for cents, span in amounts), origin=origin)
    percents = archive_percents(
        *((10 + 17 * (place + number) % 80, *span) for place, span in enumerate(spans))
    )
    return ArchivedSeries(since, RUN_START, credits, {} if number == 3 else {"5-hour": percents})


def build_stage(*orgs: OrgBodies) -> Stage:
    """Return a run over these orgs, in which Flaky Labs could not be read for three minutes."""
    late = [name_org(one, 6) for one in orgs if one.org["name"] == "Flaky Labs"]
    posted: list[Reading] = []
    for reading in readings(*orgs):
        flaky = [one for one in reading.org_readings if one.org.name == "Flaky Labs"]
        if not flaky:
            posted.append(reading)
    for bodies in late:
        posted += [one for one in readings(bodies, at=READ - timedelta(minutes=3)) if one.org_readings]
    return Stage(posted)


async def open_overview(pilot: Pilot[Any]) -> None:
    """Open the overview, and wait for the archive."""
    await pilot.pause()
    await pilot.press("o")
    await pilot.pause()
    await finish_workers(pilot.app)
    await pilot.pause()
    await pilot.press("home")
    await pilot.pause()


def press(*keys: str) -> Callable[[Pilot[Any]], Awaitable[None]]:
    """Return a function that opens the overview and presses these keys."""

    async def run(pilot: Pilot[Any]) -> None:
        await open_overview(pilot)
        for key in keys:
            await pilot.press(key)
        await pilot.pause()

    return run


@pytest.mark.parametrize("look", ["dark", "light", "ascii", "no_colour"])
@pytest.mark.parametrize("size", SIZES, ids=[f"{width}x{height}" for width, height in SIZES])
def test_seven_orgs(
    snap_compare: Compare, size: tuple[int, int], look: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seven orgs of different verdicts, with the worst one selected."""
    looks: dict[str, dict[str, Any]] = {"light": {"theme": "claudemeter-light"}, "ascii": {"ascii": True}}
    if look == "no_colour":
        monkeypatch.setenv("NO_COLOR", "1")
    drawn = app(build_stage(*SEVEN), load_series=load_morning, **looks.get(look, {}))
    assert snap_compare(drawn, terminal_size=size, run_before=press())


@pytest.mark.parametrize("count", [1, 40, 100])
@pytest.mark.parametrize("size", SIZES[1:3], ids=["120x36", "80x24"])
def test_number_of_orgs(snap_compare: Compare, size: tuple[int, int], count: int) -> None:
    """One org fills the screen with its parts, many have only their lines."""
    orgs = [name_org(SEVEN[place % 7], place + 1, f"Org {place + 1}") for place in range(count)]
    drawn = app(Stage(readings(*orgs)), load_series=load_morning)
    assert snap_compare(drawn, terminal_size=size, run_before=press("down", "down"))


def test_search_without_a_match(snap_compare: Compare) -> None:
    """An empty search says so."""
    drawn = app(build_stage(*SEVEN), load_series=load_morning)
    assert snap_compare(drawn, terminal_size=(120, 36), run_before=press("slash", *"nothing"))


def test_names_are_hidden_in_private(snap_compare: Compare) -> None:
    """Pseudonyms have the figures of their orgs, of the archive, too."""
    drawn = app(build_stage(*SEVEN), load_series=load_morning, privacy=True)
    assert snap_compare(drawn, terminal_size=(120, 36), run_before=press())
