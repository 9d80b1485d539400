"""The session of each figure, and the figures that Claude Code's login lacks, on every screen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

import pytest

from claudemeter_tui.formatting.credits import LOCK_NOT_VISIBLE
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.reading import CLAUDE_CODE_LOGIN, OrgReading, Reading, Reply, Session
from tests.scenes import NOW, PERSONAL, SESSION, TEAM, OrgBodies, parts, readings
from tests.tui.app_harness import Stage, app, screen, text

SIZES = [(120, 36), (80, 24), (60, 20), (40, 8)]
EARLIER = NOW - timedelta(minutes=9)


def login(*orgs: OrgBodies) -> Iterator[Reading]:
    """Return the login's reading of these orgs: the usage reply only."""
    for reading in readings(*orgs, at=NOW, session=CLAUDE_CODE_LOGIN):
        if reading.at == NOW:
            yield reading._replace(org_readings=tuple(map(_of_usage, reading.org_readings)))


def _of_usage(report: OrgReading) -> OrgReading:
    return OrgReading(report.org, {Endpoint.USAGE: report.parts[Endpoint.USAGE]})


def stand_in(session: Session = SESSION) -> Iterator[Reading]:
    """Return a store of a browser's session with two orgs, one of them taken over by the login."""
    yield from readings(PERSONAL, TEAM, at=EARLIER, session=session)
    yield from login(PERSONAL)


@pytest.mark.parametrize("size", SIZES)
async def test_cookie_session_is_named_once(size: tuple[int, int]) -> None:
    """The header names the browser's session, and no figure repeats it."""
    async with app(Stage(readings(PERSONAL, TEAM))).run_test(size=size) as pilot:
        await pilot.pause()
        assert "via" not in text(pilot)
        assert "lock " not in text(pilot)


@pytest.mark.parametrize(
    ("size", "source", "lock"),
    [
        ((120, 36), "via Claude Code", "not known, unseen by Claude Code"),
        ((160, 45), "via Claude Code", f"not known: {LOCK_NOT_VISIBLE}"),
        ((80, 24), "via Claude Code", f"not known: {LOCK_NOT_VISIBLE}"),
        ((60, 20), "via Claude Code", "not known"),
        ((40, 8), "", "34% · lock ?"),
    ],
)
async def test_login_alone_names_its_missing_figures(size: tuple[int, int], source: str, lock: str) -> None:
    """The windows name the login, and at every size the lock of credits is not known."""
    async with app(Stage(login(PERSONAL))).run_test(size=size) as pilot:
        await pilot.pause()
        place = "Limits" if size[0] >= 80 else "via"
        line = next((line for line in screen(pilot) if place in line), "")
        assert source in line
        assert lock in text(pilot)


async def test_figures_of_both_sessions_are_side_by_side() -> None:
    """Fresh windows of the login are beside the credits of the browser's session."""
    async with app(Stage(stand_in())).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        border = next(line for line in screen(pilot) if "Limits" in line)
        assert (
            border.index("via Claude Code")
            < border.index("Usage credits")
            < border.index("via Chrome, Default")
        )
        assert "as of 14:39, unseen by Claude Code" in text(pilot)
        await pilot.press("2")
        await pilot.pause()
        assert "via" not in text(pilot)


async def test_details_name_the_session_of_each_section() -> None:
    """A heading names the session if it is one, else each figure does; a reply's tab names it, too."""
    async with app(Stage(stand_in())).run_test(size=(109, 50)) as pilot:
        await pilot.pause()
        await pilot.press("d")
        await pilot.pause()
        lines = screen(pilot)
        headings = {
            line.strip().split(" ─")[0]: line for line in lines if line.startswith("  ") and " window" in line
        }
        assert "─ usage via Claude Code · " in headings["5-hour window"]
        assert "─ usage via Claude Code · " in headings["7-day all window"]
        assert any(" via Claude Code; Chrome, Default · " in line for line in lines)
        assert any("usage (calculated) via Chrome, Default; Claude Code · " in line for line in lines)
        await pilot.press("right", "right", "right")
        await pilot.pause()
        assert "via Chrome, Default" in screen(pilot)[2]


async def test_refresh_explains_the_limit_of_the_login() -> None:
    """The browsers are scanned in any case, and a browser's session polls at once without a message."""
    for session, expected in ((CLAUDE_CODE_LOGIN, True), (SESSION, False)):
        scene = Stage(readings(PERSONAL, session=session))
        async with app(scene).run_test(size=(120, 36)) as pilot:
            await pilot.pause()
            await pilot.press("r")
            await pilot.pause()
            assert scene.pokes == 1
            said = [notice.message for notice in pilot.app._notifications]
            sentence = "Claude Code's login allows one request every few minutes; next at 14:49 (in 42s)."
            assert said == ([sentence] if expected else [])


KEYS: Iterable[tuple[str, ...]] = ((), ("d",), ("d", "right", "right", "right"), ("e",), ("o",))


@pytest.mark.parametrize("keys", KEYS)
async def test_privacy_hides_the_profile(keys: tuple[str, ...]) -> None:
    """The browser keeps its name, and its profile has a number, in every name of a session."""
    scene = Stage(stand_in(Session("Firefox", "Zaphod")))
    async with app(scene, privacy=True).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        await pilot.press(*keys)
        await pilot.pause()
        assert "Zaphod" not in text(pilot)
        assert "pat@" not in text(pilot)
        if keys != ("o",):
            assert "Firefox, profile" in text(pilot)


def test_login_reads_one_org_and_one_reply() -> None:
    """The readings made here match those of the login."""
    reports = [report for reading in login(PERSONAL) for report in reading.org_readings]
    assert [list(report.parts) for report in reports] == [[Endpoint.USAGE]]
    assert isinstance(parts(PERSONAL, NOW)[Endpoint.USAGE], Reply)
