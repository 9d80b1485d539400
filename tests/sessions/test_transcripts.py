"""A run that polls once, and the process that reads transcripts beside it."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from claudemeter_tui.model.reading import Reading
from claudemeter_tui.model.refusals import TranscriptNews
from claudemeter_tui.sessions import transcripts
from claudemeter_tui.sessions.transcripts import TranscriptFeed
from tests.sessions.poller_cases import START

HANGS = "import sys; open(sys.argv[1], 'w').close(); sys.stdin.read(); sys.stdin.read()"
ENDS = "import sys; open(sys.argv[1], 'w').close()"
PATIENCE = 60


def build_feed(code: str, mark: Path, *, has_news: bool) -> TranscriptFeed:
    """Return a feed whose process runs this code with the path of a file to create."""
    return TranscriptFeed(
        (sys.executable, "-c", code, str(mark)),
        dict(os.environ),
        lambda: TranscriptNews(START),
        lambda: has_news,
    )


async def poll(feed: TranscriptFeed, polled: asyncio.Event) -> list[Reading]:
    """Poll once; return what was posted."""
    posted = list[Reading]()
    async with asyncio.timeout(PATIENCE):
        await feed.poll_once(posted.append, polled)
    return posted


async def test_transcripts_do_not_delay_a_run_that_has_polled(tmp_path: Path) -> None:
    """The process is ended, although it still reads, and what is kept already is posted."""
    polled = asyncio.Event()
    polled.set()
    (reading,) = await poll(build_feed(HANGS, tmp_path / "mark", has_news=True), polled)
    assert reading.transcripts == TranscriptNews(START)


async def test_the_first_run_waits_for_the_transcripts(tmp_path: Path) -> None:
    """Nothing is known before, so it waits until they are read; it reads them even if the polls are quick."""
    polled, mark = asyncio.Event(), tmp_path / "mark"
    polled.set()
    assert len(await poll(build_feed(ENDS, mark, has_news=False), polled)) == 1
    assert mark.exists()


async def test_the_first_run_does_not_wait_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After some seconds it continues with what is kept."""
    monkeypatch.setattr(transcripts, "FIRST_TIMEOUT", 0.01)
    polled = asyncio.Event()
    polled.set()
    assert len(await poll(build_feed(HANGS, tmp_path / "mark", has_news=False), polled)) == 1


async def test_transcripts_that_are_read_quickly_are_posted_before_the_polls_end(tmp_path: Path) -> None:
    """The process ends by itself, and nothing waits for the polls."""
    assert len(await poll(build_feed(ENDS, tmp_path / "mark", has_news=True), asyncio.Event())) == 1
