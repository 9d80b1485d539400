"""The stored texts: the same from the archive as from a poll, and without anything personal."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest

from claudemeter_tui.commands.status_texts import describe_outcome, renew_texts
from claudemeter_tui.history.database import from_millis
from claudemeter_tui.history.last_states import pack_state, unpack_state
from claudemeter_tui.history.status import Status
from claudemeter_tui.history.status_builder import StatusBuilder
from claudemeter_tui.model.reading import ErrorKind, Reading, Schedule
from claudemeter_tui.model.store import Store
from tests import scenes
from tests.bodies import overage_body, usage_body
from tests.commands.status_bar import Bar, failing
from tests.scenes import NOW, PERSONAL, READ, SESSION, OrgBodies, readings, store

EVERY_SCENE = [scene for scene in vars(scenes).values() if isinstance(scene, OrgBodies)]
PERSONAL_DATA = ("pat@example.com", '"0000"', "visa", "2026-09-19", "five_hour")
"""E-mail, card, an expiry of the balance, text of a reply."""
RATE = re.compile(r" \([^ ]+/h\)")
"""The rate of spending, which needs the chart of this run."""


def build(*orgs: OrgBodies, minutes: int = 0) -> Status:
    """Return the status after a poll, so many minutes later."""
    builder, known = StatusBuilder("1", describe_outcome), Store()
    for reading in readings(*orgs):
        builder.observe(reading)
        known = known.apply(reading)
    return builder.build(known, NOW + timedelta(minutes=minutes))


@pytest.mark.parametrize("scene", EVERY_SCENE)
def test_texts_from_the_archive_are_the_same(scene: OrgBodies) -> None:
    """The texts are the same in every scene, now and after each change that only the clock makes."""
    state = unpack_state(pack_state(store(scene).orgs[0]))
    assert state is not None
    for minutes in (0, 3, 20, 75, 60 * 24 * 7):
        fresh = build(scene, minutes=minutes)
        renewed = renew_texts(build(scene), {state.key: state}, NOW + timedelta(minutes=minutes))
        assert RATE.sub("", json.dumps(renewed)) == RATE.sub("", json.dumps(fresh))


def test_texts_hold_no_reply_no_mail_and_no_card() -> None:
    """The texts have names and figures only; every word that is searched for is in the figures."""
    text = json.dumps(build(scenes.PERSONAL, scenes.TEAM))
    orgs = store(scenes.PERSONAL, scenes.TEAM).orgs
    whole = str([(state.account, *(reply.text for reply in state.replies.values())) for state in orgs])
    assert [word for word in PERSONAL_DATA if word not in whole] == []
    assert [word for word in PERSONAL_DATA if word in text] == []
    assert "Acme Team" in text


def test_org_whose_state_is_too_old_is_removed() -> None:
    """Figures that the archive no longer restores are not repeated; an org that was never read stays."""
    status = build(scenes.PERSONAL, scenes.TEAM)
    unread = status._replace(orgs=(status.orgs[0]._replace(read_at=None), status.orgs[1]))
    renewed = renew_texts(unread, {}, NOW)
    assert [org.name for org in renewed.orgs] == ["Personal"]
    gone = renew_texts(status, {}, NOW)
    assert (gone.orgs, gone.no_org and gone.no_org.line) == ((), "? nothing read")


def test_texts_expire_when_the_figures_become_stale() -> None:
    """Two intervals need not be whole minutes."""
    interval, now = timedelta(seconds=45), READ + timedelta(seconds=61)
    posted = [*readings(PERSONAL), Reading(SESSION, READ, schedule=Schedule(READ + interval, interval))]
    builder, known = StatusBuilder("1", describe_outcome), Store()
    for reading in posted:
        builder.observe(reading)
        known = known.apply(reading)
    (org,) = builder.build(known, now).orgs
    assert (from_millis(org.valid_from), from_millis(org.valid_until)) == (now, READ + 2 * interval)


def test_worst_org_is_ranked_first() -> None:
    """The ranks follow the verdicts, not the order of the orgs."""
    status = build(scenes.PERSONAL, scenes.LABORATORY, scenes.TEAM)
    assert [org.rank for org in status.orgs] == [2, 1, 0]


def test_spending_continues_from_run_to_run(tmp_path: Path) -> None:
    """Spending counts across the runs of a status bar, each of which starts the program."""
    room, full = (usage_body(percent, 58.0) for percent in (98.0, 100.0))
    bar = Bar(tmp_path, form=None)
    for minutes, usage, used in [(-2, room, 500), (-1, full, 500), (0, full, 840)]:
        bar.now = READ + timedelta(minutes=minutes)
        bodies = OrgBodies(usage=usage, overage=overage_body(used, None))
        bar.reads = lambda at, bodies=bodies: readings(bodies, at=at)  # type: ignore[misc]
        text = bar.ask().text
    assert bar.polls == 3
    assert "spent $3.40 since the window filled at 14:47" in text


def test_age_of_old_figures_grows_without_a_poll(tmp_path: Path) -> None:
    """Within a back-off, each minute has its own texts."""
    bar = Bar(tmp_path, PERSONAL)
    bar.ask()
    bar.reads = failing(ErrorKind.THROTTLED)
    bar.ask(60)
    texts = [bar.ask(seconds).text for seconds in (60, 30, 30, 30)]
    assert [text.rpartition(" · ")[2] for text in texts] == [
        "Personal 2m ago",
        "Personal 2m ago",
        "Personal 3m ago",
        "Personal 3m ago",
    ]
    assert bar.polls == 3
