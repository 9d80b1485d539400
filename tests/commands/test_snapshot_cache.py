"""The figures cached between two runs: all or none, without a secret, and with a time of expiry."""

from __future__ import annotations

import json
import os
import stat
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from claudemeter_tui.commands.snapshot_cache import (
    MAX_SNAPSHOT_AGE,
    CachedSnapshot,
    build_snapshot,
    load_snapshot,
    save_snapshot,
)
from claudemeter_tui.history.codec import encode_value
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.reading import ErrorKind, Failure, Reading, Schedule, Session
from claudemeter_tui.model.store import Store
from claudemeter_tui.model.verdict import Verdict, judge
from tests import scenes
from tests.bodies import overage_body, usage_body
from tests.scenes import INTERVAL, NOW, READ, SESSION, OrgBodies, store

EVERY_SCENE = [scene for scene in vars(scenes).values() if isinstance(scene, OrgBodies)]
PERSONAL_DATA = ("pat@example.com", '"0000"', "visa", "2026-09-19", "five_hour\\")
"""E-mail, card, an expiry of the balance, text of a reply."""
BEGAN = READ


def kept(known: Store, *, failed: int = 0, next_at: datetime = READ + INTERVAL) -> CachedSnapshot:
    """Return the cached figures after a poll at READ."""
    return CachedSnapshot(READ, next_at, failed, None, known)


def stopped(trouble: ErrorKind, wait: timedelta = INTERVAL, session: Session = SESSION) -> Store:
    """Return the result of a poll that failed as a whole."""
    failure = Failure(trouble, Endpoint.ACCOUNT, NOW)
    ends = Reading(session, NOW, schedule=Schedule(NOW + wait, INTERVAL))
    return Store().apply(Reading(session, NOW, account=failure)).apply(ends)


def without_rate(verdict: Verdict) -> Verdict:
    """Return the verdict without the values that need every sample."""
    spending = verdict.spending and replace(verdict.spending, rate=None)
    return replace(
        verdict, spending=spending, last_known=verdict.last_known and without_rate(verdict.last_known)
    )


@pytest.mark.parametrize("scene", EVERY_SCENE)
def test_verdict_on_cached_figures_is_the_same(scene: OrgBodies, tmp_path: Path) -> None:
    """The verdict is the same in every scene, now and after each change that only the clock makes."""
    known = store(scene)
    save_snapshot(tmp_path / "kept-1.json", build_snapshot(None, known, known, BEGAN, READ))
    found = load_snapshot(tmp_path / "kept-1.json")
    assert found is not None
    for later in (0, 3, 20, 75, 60 * 24 * 7):
        now = NOW + timedelta(minutes=later)
        before, again = judge(known.orgs[0], now), judge(found.store.orgs[0], now)
        assert without_rate(again) == without_rate(before)


def test_spending_continues_from_run_to_run(tmp_path: Path) -> None:
    """Spending counts across the runs of a status bar, each of which starts the program."""
    room, full = (usage_body(percent, 58.0) for percent in (98.0, 100.0))
    polls = [(-2, room, 500), (-1, full, 500), (0, full, 840)]
    before, path = None, tmp_path / "kept-1.json"
    for minutes, usage, used in polls:
        at = READ + timedelta(minutes=minutes)
        bodies = OrgBodies(usage=usage, overage=overage_body(used, None))
        known = Store() if before is None else before.store
        for reading in scenes.readings(bodies, at=at):
            known = known.apply(reading)
        save_snapshot(path, build_snapshot(before, known, known, at, at))
        before = load_snapshot(path)
    assert before is not None
    (state,) = before.store.orgs
    assert len(state.series.runs) == 1
    seen = judge(state, NOW).spending
    assert seen is not None
    assert (seen.spent, seen.filled_label) == (Money(Decimal(340), "USD"), "5-hour")
    assert (seen.since, seen.last_rise_at) == (READ - timedelta(minutes=1), READ)


def test_cached_figures_hold_no_reply_no_mail_and_no_card(tmp_path: Path) -> None:
    """The cache has only the values that verdict and line need."""
    known = store(scenes.PERSONAL, scenes.TEAM)
    save_snapshot(tmp_path / "kept-1.json", build_snapshot(None, known, known, BEGAN, READ))
    text = (tmp_path / "kept-1.json").read_text()
    assert [word for word in PERSONAL_DATA if word in text] == []
    assert [word for word in PERSONAL_DATA if word not in json.dumps(encode_value(known), default=str)] == []
    assert "Acme Team" in text


@pytest.mark.skipif(sys.platform == "win32", reason="modes are those of POSIX")
def test_cached_figures_are_private(tmp_path: Path) -> None:
    """New folders have mode 0700, the file 0600."""
    save_snapshot(tmp_path / "state" / "kept-1.json", kept(Store()))
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "state" / "kept-1.json").stat().st_mode) == 0o600


def edited(change: str, to: str) -> str:
    """Return a cache file with one change."""
    known = store(scenes.PERSONAL)
    whole = json.dumps(encode_value(build_snapshot(None, known, known, READ, READ)))
    assert change in whole
    return whole.replace(change, to, 1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "[" * 100_000,
        edited("}", ""),
        edited('"failure_count": 0', '"failure_count": "0"'),
        edited('"failure_count": 0', '"failure_count": true'),
        edited('"failure_count": 0', '"other": 0'),
        edited('"version": "', '"version": "0'),
        edited('"percent": 67.0', '"percent": NaN'),
        edited('"percent": 67.0', '"percent": "67"'),
        edited('"minor": "1720"', '"minor": "Infinity"'),
        edited('"minor": "1720"', '"minor": "x"'),
        edited('"usage"', '"abusage"'),
        edited('"": "Plan"', '"": "Path"'),
        edited('"": "Window"', '"": "Meter"'),
        edited("+00:00", ""),
        edited("2026", "20260"),
        edited('"length": 18000.0', '"length": 1e300'),
        edited('"restrictions": []', '"restrictions": [["a"]]'),
    ],
)
def test_broken_figures_are_ignored(text: str, tmp_path: Path) -> None:
    """A file of another version, form or meaning is ignored without an error, and a poll is due."""
    (tmp_path / "kept-1.json").write_text(text)
    assert load_snapshot(tmp_path / "kept-1.json") is None


@pytest.mark.parametrize(
    ("expected", "seconds", "interval", "failed", "next_in"),
    [
        (False, 0, 60, 0, 60),
        (False, 59, 60, 0, 60),
        (True, 60, 60, 0, 60),
        (True, 30, 30, 0, 60),
        (True, 20, 60, 0, 20),
        (False, 60, 60, 1, 120),
        (True, 120, 60, 1, 120),
        (False, -30, 60, 0, 60),
        (True, -3600, 60, 0, 60),
    ],
)
def test_figures_expire(expected: bool, seconds: int, interval: int, failed: int, next_in: int) -> None:  # noqa: FBT001
    """Figures expire after the interval or a reset, not during a back-off, at once if the clock went back."""
    held = kept(Store(), failed=failed, next_at=READ + timedelta(seconds=next_in))
    assert held.is_due(READ + timedelta(seconds=seconds), timedelta(seconds=interval)) is expected


def test_next_poll_is_the_one_of_the_schedule() -> None:
    """The poller's schedule includes resets that come before the end of the interval."""
    known = store(scenes.PERSONAL)
    held = build_snapshot(None, known, known, BEGAN, READ)
    assert (held.next_at, held.failure_count, held.error_kind) == (READ + INTERVAL, 0, None)


@pytest.mark.parametrize(
    ("expected", "trouble", "before"),
    [
        (60, ErrorKind.THROTTLED, 0),
        (120, ErrorKind.THROTTLED, 1),
        (480, ErrorKind.CHALLENGE, 3),
        (900, ErrorKind.THROTTLED, 60),
        (60, ErrorKind.NO_SESSION, 5),
        (60, ErrorKind.DNS, 5),
    ],
)
def test_failing_polls_back_off(expected: int, trouble: ErrorKind, before: int) -> None:
    """The wait doubles up to 15 minutes, also if no server was reached."""
    known, poll = store(scenes.PERSONAL), stopped(trouble)
    held = build_snapshot(kept(known, failed=before), known, poll, NOW, NOW)
    assert (held.next_at - NOW, held.failure_count) == (timedelta(seconds=expected), before + 1)
    assert (held.error_kind, len(held.store.orgs)) == (trouble, 1)


def test_wait_of_the_server_counts_in_full() -> None:
    """A wait that the server asks for counts in full, at any back-off."""
    poll = stopped(ErrorKind.THROTTLED, timedelta(hours=1))
    assert build_snapshot(None, poll, poll, NOW, NOW).next_at == NOW + timedelta(hours=1)


def test_session_missing_from_a_poll_is_removed() -> None:
    """The orgs of a missing session are removed, unless the poll met no session."""
    other = Session("Firefox")
    known = store(scenes.PERSONAL)
    poll = stopped(ErrorKind.THROTTLED, session=other)
    assert build_snapshot(kept(known), known, poll, NOW, NOW).store.orgs == ()
    nothing = stopped(ErrorKind.NO_SESSION, session=Session(""))
    assert len(build_snapshot(kept(known), known, nothing, NOW, NOW).store.orgs) == 1


def test_figures_of_other_settings_are_deleted(tmp_path: Path) -> None:
    """Old figures of other settings are deleted after a week, and no other file is."""
    names = ["kept-old.json", "kept-old.lock", "kept-new.json", "state.json"]
    for name in names:
        (tmp_path / name).touch()
        old = READ - MAX_SNAPSHOT_AGE - timedelta(days=1)
        moment = (READ if "new" in name else old).timestamp()
        os.utime(tmp_path / name, (moment, moment))
    save_snapshot(tmp_path / "kept-1.json", kept(Store()))
    assert sorted(one.name for one in tmp_path.iterdir()) == ["kept-1.json", "kept-new.json", "state.json"]


def test_moments_are_in_utc(tmp_path: Path) -> None:
    """Cached moments are in UTC, as everywhere inside."""
    known = store(scenes.PERSONAL)
    save_snapshot(tmp_path / "kept-1.json", build_snapshot(None, known, known, BEGAN, READ))
    found = load_snapshot(tmp_path / "kept-1.json")
    assert found is not None
    assert found.began_at.tzinfo == UTC
