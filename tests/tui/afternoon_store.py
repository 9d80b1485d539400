"""A Saturday with one org, read poll by poll, so that the chart has a past with events.

    09:00  52% of the 5-hour window, 58% of the week, $12.40 of $50.00
    10:04  5-hour full: work continues on credits
    11:00  5-hour resets
    12:12  no reply can be read
    12:44  the server works again
    14:04  5-hour full: work continues on credits
    14:36  $50.00 of $50.00: BLOCKED; the newest poll

All times are UTC.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from textual.pilot import Pilot

from claudemeter_tui.model.reading import ErrorKind, Failure, OrgReading, Reading, Schedule
from tests.bodies import NEXT_MONTH, extra_usage_body, overage_body, usage_body
from tests.scenes import NOW, SESSION, OrgBodies, org_of, parts, readings
from tests.tui.app_harness import Stage

BEGUN = datetime(2026, 4, 25, 9, 0, tzinfo=UTC)
STEP = timedelta(minutes=16)
"""From one poll to the next."""
POLLS = 22


def at(minute: int) -> OrgBodies:
    """Return the server's bodies so many minutes after the start."""
    morning = minute < 120
    percent = min(100, 52 + minute * 3 // 4) if morning else min(100, (minute - 120) * 100 // 184)
    spent = max(0, min(minute, 112) - 64) * 30 + max(0, minute - 304) * 97
    used = min(5000, 1240 + spent)
    locked = used == 5000
    reason = "self_selected_spend_limit_reached" if locked else None
    resets = f"2026-04-25T{'11' if morning else '16'}:00:00Z"
    return OrgBodies(
        usage=usage_body(
            percent, 58 + minute // 30, resets_at=resets, extra_usage=extra_usage_body(float(used))
        ),
        overage=overage_body(used, reason=reason, until=NEXT_MONTH if locked else None),
    )


def lived(*, without_credits: bool = False) -> Iterator[tuple[datetime, tuple[Reading, ...]]]:
    """Yield every poll with its moment, the first one listing the org."""
    for number in range(POLLS):
        moment, bodies = BEGUN + number * STEP, at(number * 16)
        if without_credits:
            bodies = OrgBodies(usage=bodies.usage | {"extra_usage": None})
        found = parts(bodies, moment)
        if 192 <= number * 16 < 224:
            found = {endpoint: Failure(ErrorKind.SERVER_ERROR, endpoint, moment) for endpoint in found}
        listed = (next(iter(readings(bodies, at=moment))),) if not number else ()
        schedule = Reading(SESSION, moment, schedule=Schedule(moment + STEP, STEP))
        report = Reading(SESSION, moment, org_readings=(OrgReading(org_of(bodies.org), found),))
        yield moment, (*listed, schedule, report)


async def live(scene: Stage, pilot: Pilot[Any], *, without_credits: bool = False) -> None:
    """Post the polls of the afternoon, then show the time after them."""
    await pilot.pause()
    for moment, polled in lived(without_credits=without_credits):
        scene.now = moment
        await scene.post(pilot, *polled)
    await scene.at(pilot, NOW)
