"""Names of projects from hostile transcripts on the pages of this machine and in events."""

from __future__ import annotations

from datetime import timedelta

import pytest

from claudemeter_tui.formatting.events import describe_event_cause
from claudemeter_tui.formatting.transcripts import MAX_PROJECT
from claudemeter_tui.model.events import Event, build_refusal_event
from claudemeter_tui.model.machine import MachineRequest, MachineUsage
from claudemeter_tui.model.reading import NO_SESSION
from claudemeter_tui.model.refusals import Refusal
from claudemeter_tui.model.store import OrgKey
from claudemeter_tui.transcripts.lines import decode_line
from claudemeter_tui.tui.screens.machine import MachineScreen
from tests.machines import build_machine_loader
from tests.scenes import LABORATORY, NOW, PERSONAL, TEAM
from tests.transcripts.lines import encode, refusal_line
from tests.tui.app_harness import app, finish_workers, screen, stage, text
from tests.tui.figure_checks import text_of, width_defects

HOSTILE = (
    "x" * 300,
    "漢字" * 150,
    "👩‍👩‍👧‍👦🎉" * 60,
    "[/x][bold red]e\u0301[@click=app.quit]",
    "a\x1b]0;owned\x07b\x1b[2Jc\r\nd\te",
    "\u202eevil\u200b",
)
SIZES = ((160, 45), (120, 36), (80, 24), (60, 20), (40, 8), (24, 5))


def decode_refusals() -> tuple[Refusal, ...]:
    """Return a refusal of each project, as the reader finds it in a transcript."""
    found = []
    for place, name in enumerate(HOSTILE):
        line = encode(refusal_line(cwd=f"/home/pat/{name}", uuid=f"refusal {place}"))
        decoded = decode_line(line)
        assert decoded is not None
        assert decoded.refusal is not None
        found.append(decoded.refusal._replace(key=place, at=NOW - place * timedelta(hours=1), resets_at=None))
    return tuple(found)


@pytest.mark.parametrize("ascii_only", [False, True])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_hostile_project_breaks_no_page(size: tuple[int, int], ascii_only: bool) -> None:  # noqa: FBT001
    """Each line has the width of the screen, nothing is markup, and every line is printable."""
    refusals, loader = decode_refusals(), build_machine_loader()

    def load(key: OrgKey | None, request: MachineRequest) -> MachineUsage:
        usage = loader(key, request)
        row = usage.spans[1].rows[0]
        rows = tuple(row._replace(project=refusal.project) for refusal in refusals)
        return usage._replace(refusals=refusals, spans=tuple(one._replace(rows=rows) for one in usage.spans))

    def load_events(*_: object) -> list[Event]:
        return [build_refusal_event(one, NO_SESSION, None, None) for one in refusals]

    shown = app(
        stage(PERSONAL, TEAM, LABORATORY),
        load_machine=load,
        load_history=lambda *_: None,
        load_events=load_events,
        ascii=ascii_only,
    )
    async with shown.run_test(size=size) as pilot:
        await pilot.pause()
        for keys in (("l",), *[("tab",)] * (len(MachineScreen.PAGES) - 1), ("escape", "e")):
            for key in keys:
                await pilot.press(key)
                await finish_workers(pilot.app)
                await pilot.pause()
            assert keys != ("escape", "e") or size[1] < 36 or ascii_only or "[@click=app.quit]" in text(pilot)
            for _ in range(25):
                lines = text_of(pilot.app.screen._compositor.render_strips())
                assert list(width_defects(lines, size[0])) == []
                assert all(line.isprintable() for line in screen(pilot))
                assert not ascii_only or all(line.isascii() for line in screen(pilot))
                await pilot.press("down")
                await pilot.pause()


def test_event_has_a_bounded_name() -> None:
    """A name of 300 characters would fill the table of events; a usual one is whole."""
    for refusal in (*decode_refusals(), decode_refusals()[0]._replace(project="/home/pat/src/lab")):
        term, _ = describe_event_cause(build_refusal_event(refusal, NO_SESSION, None, None))
        assert term.startswith("refused in ")
        assert len(term) <= len("refused in ") + MAX_PROJECT
        assert ("…" in term) == (len(refusal.project) > 100)
    assert term == "refused in lab"
