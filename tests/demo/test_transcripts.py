"""The demo's transcripts: the same in every run, written like real ones, and in step with the figures."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from claudemeter_tui.config.resolution import load_settings
from claudemeter_tui.demo.archive import DemoArchive
from claudemeter_tui.demo.scenario import DEMO_ACCOUNT_UUID, PERSONAL
from claudemeter_tui.demo.timeline import START_MINUTE, SkippingClock
from claudemeter_tui.demo.transcripts import PROJECTS, SIMULATED_ORG, DemoTranscripts, find_last_moment
from claudemeter_tui.history.archive import find_org_id
from claudemeter_tui.history.machine import query_machine
from claudemeter_tui.model.machine import MachineRequest, MachineUsage, choose_spans, sum_costs, sum_counts
from claudemeter_tui.model.reading import Reading
from claudemeter_tui.model.refusals import TranscriptNews
from claudemeter_tui.model.secrets import CLAUDE_AI_ORIGIN
from claudemeter_tui.tui.screenshots import LimitedFeed
from claudemeter_tui.wiring import build_archive_options, build_feed

START = datetime(2026, 4, 25, 14, 48, 20, tzinfo=UTC)
KEY = (DEMO_ACCOUNT_UUID, PERSONAL.uuid)
MINUTE = timedelta(minutes=1)


def load(archive: DemoArchive, now: datetime = START) -> MachineUsage:
    """Return the use of the machine as the demo shows it."""
    request = MachineRequest(now, choose_spans(None, now, UTC), UTC)
    return archive.query_present(
        lambda connection: query_machine(connection, find_org_id(connection, CLAUDE_AI_ORIGIN, KEY), request)
    )


def test_every_page_has_something_to_show() -> None:
    """Projects with a part of each rise, subagents, rebuilds with and without reasons, and refusals."""
    archive = DemoArchive(START, UTC)
    archive.keep_transcripts(START)
    usage = load(archive)
    assert usage.login is not None
    assert usage.login.org == SIMULATED_ORG.uuid
    for one in usage.spans:
        assert sum_counts(one.rows).total > 1_000_000
        assert sum_costs(one.rows).unpriced == 0
        assert {row.is_sidechain for row in one.rows} == {True, False}
        split = next(figure.attribution for figure in one.figures if figure.figure == "window:five_hour")
        assert split is not None
        assert split.reason is None
        assert split.shares.keys() <= {project for project, _ in PROJECTS}
    assert any(day.reasons for day in usage.rebuilds)
    assert usage.refusals
    assert {refusal.org for refusal in usage.refusals} == {PERSONAL.uuid}


def test_transcripts_are_the_same_in_every_run() -> None:
    """Nothing is kept twice, and parts that are kept one by one are what is kept at once."""
    whole, parts = DemoArchive(START, UTC), DemoArchive(START, UTC)
    whole.keep_transcripts(START)
    for days in (20, 3, 0):
        parts.keep_transcripts(START - timedelta(days=days))
    assert parts.keep_transcripts(START) is None
    first, second = load(whole), load(parts)
    assert [one.rows for one in first.spans] == [one.rows for one in second.spans]
    assert first.refusals == second.refusals


async def test_block_of_the_day_is_refused() -> None:
    """Soon after the demo is blocked, a request is refused, for the cause of the verdict."""
    clock = SkippingClock(START)
    feed = build_feed(load_settings(["--demo"], {}), clock)
    await LimitedFeed(feed, 110 - START_MINUTE).run(lambda _: None)
    assert feed.recorder is not None
    feed.recorder._thread.join(60)
    now = clock.now()
    usage = build_archive_options(feed)["load_machine"](
        KEY, MachineRequest(now, choose_spans(None, now, UTC))
    )
    last = usage.refusals[-1]
    blocked_at = START.replace(second=0) + (100 - START_MINUTE) * MINUTE
    assert timedelta(0) < last.at - blocked_at < 5 * MINUTE
    assert (last.limit, last.credits_reason) == ("five_hour", "self_selected_spend_limit_reached")
    assert last.resets_at is not None
    assert last.resets_at > now


async def test_every_rise_of_the_day_has_its_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread that keeps the readings can be behind the clock."""
    monkeypatch.setattr("claudemeter_tui.demo.transcripts.PAUSE", 0)
    clock = SkippingClock(START)
    feed = build_feed(load_settings(["--demo"], {}), clock)
    await LimitedFeed(feed, 30).run(lambda _: None)
    assert feed.recorder is not None
    feed.recorder._thread.join(60)
    now = clock.now()
    request = MachineRequest(now, choose_spans(None, now, UTC))
    usage = build_archive_options(feed)["load_machine"](KEY, request)
    (used,) = [figure for figure in usage.spans[0].figures if figure.figure == "used"]
    assert used.attribution is not None
    assert used.attribution.elsewhere <= 0.1 * sum(rise.amount for rise in used.rises)


async def test_transcripts_end_with_the_first_day() -> None:
    """The next one repeats it with lower figures, which no real server has."""
    clock = SkippingClock(START)
    feed = build_feed(load_settings(["--demo"], {}), clock)
    load = build_archive_options(feed)["load_machine"]
    end = find_last_moment(START)
    assert START < end <= START + timedelta(days=1)
    found = []
    for now in (end, end + timedelta(hours=1), end + timedelta(days=3)):
        await clock.sleep((now - clock.now()).total_seconds())
        found.append(load(KEY, MachineRequest(now, choose_spans(None, now, UTC))))
    assert found[0].at == end
    assert found == [found[0]] * 3


async def test_feed_posts_only_news(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reading is posted if something was kept."""
    monkeypatch.setattr("claudemeter_tui.demo.transcripts.PAUSE", 0)
    news = iter((None, TranscriptNews(START), None, TranscriptNews(START + MINUTE)))
    posted: list[Reading] = []
    done = asyncio.Event()

    def keep() -> TranscriptNews | None:
        return next(news, None)

    def post(reading: Reading) -> None:
        posted.append(reading)
        if len(posted) == 2:
            done.set()

    running = asyncio.create_task(DemoTranscripts(keep).run(post))
    await asyncio.wait_for(done.wait(), 30)
    running.cancel()
    assert [one.transcripts and one.transcripts.read_at for one in posted] == [START, START + MINUTE]
    assert all(one.is_archived for one in posted)
