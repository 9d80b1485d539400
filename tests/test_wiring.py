"""A feed that is built after the first frame."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import NoReturn

import pytest

from claudemeter_tui import wiring
from claudemeter_tui.config.resolution import Invocation
from claudemeter_tui.history.recorder import OpenedArchive, Recorder
from claudemeter_tui.model.reading import ErrorKind, Reading, Session
from claudemeter_tui.model.session_search import PasteResult
from claudemeter_tui.model.store import OrgState
from claudemeter_tui.wiring import DeferredFeed
from tests.history.recording import Recording, StoppedClock
from tests.sessions.poller_cases import START

READ = Reading(Session("Chrome"), START)


class Built:
    """A feed that posts one reading."""

    def __init__(self) -> None:
        self.thread = threading.current_thread()
        self.pokes = 0

    async def run(self, post: Callable[[Reading], object]) -> None:
        """Post it."""
        post(READ)

    async def poll_once(self, post: Callable[[Reading], object]) -> None:
        """Post it twice."""
        post(READ)
        post(READ)

    def poll_now(self) -> None:
        """Count the request."""
        self.pokes += 1

    async def offer_session(self, text: str) -> PasteResult:
        """Record the offered session."""
        return PasteResult(detail=text)


class Endless(Built):
    """A feed that posts one reading and never ends."""

    async def run(self, post: Callable[[Reading], object]) -> None:
        """Post it, then wait."""
        post(READ)
        await asyncio.Event().wait()


async def test_feed_is_built_in_a_thread_and_forwards_every_call() -> None:
    """Building runs in its own thread because it is slow; every call goes to the built feed."""
    built, posted = list[Built](), list[Reading]()

    def build() -> Built:
        built.append(Built())
        return built[-1]

    feed = DeferredFeed(build)
    feed.poll_now()
    assert (await feed.offer_session("x")).error_kind is ErrorKind.NO_SESSION
    await feed.run(posted.append)
    assert built[0].thread is not threading.current_thread()
    feed.poll_now()
    assert built[0].pokes == 1
    assert await feed.offer_session("x") == PasteResult(detail="x")
    await feed.poll_once(posted.append)
    assert posted == [READ] * 3


async def test_last_figures_are_posted_before_anything_else_is_loaded() -> None:
    """The dashboard draws the figures of the last run before the recorder and the feed are built."""
    order = list[str]()
    last = Reading(Session(""), START)

    def build() -> Built:
        order.append("feed")
        return Built()

    def build_recorder() -> NoReturn:
        order.append("recorder")
        raise LookupError

    def read_last() -> Reading:
        order.append("last")
        return last

    posted = list[Reading]()
    with pytest.raises(LookupError):
        await DeferredFeed(build, build_recorder, read_last).run(posted.append)
    assert order == ["last", "recorder"]
    assert posted == [last]
    await DeferredFeed(build, None, lambda: None).run(posted.append)
    assert posted == [last, READ]


async def test_last_figures_are_read_and_posted_once() -> None:
    """The recorder knows those that are on screen, and reads them only if they are not."""
    recording = Recording()
    recording.poll(0)
    recording.close()
    settings, clock = Invocation(), StoppedClock()
    build_recorder = partial(wiring.build_recorder, settings, clock)
    read_last = partial(wiring._read_last, settings, clock)
    for read in (read_last, lambda: None):
        posted = list[Reading]()
        feed = DeferredFeed(Built, build_recorder, read)
        await feed.run(posted.append)
        last, poll = posted
        assert (last.restored_orgs, poll) == (feed.restored_orgs, READ)
        assert [state.org.name for state in last.restored_orgs] == ["Personal"]
        assert feed.recorder is not None
        assert feed.recorder._store.orgs == last.restored_orgs


async def test_a_hanging_disk_delays_no_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first poll does not wait for the last figures for ever, and they are not shown after it."""
    monkeypatch.setattr(wiring, "READ_TIMEOUT", 0.01)
    disk, posted = threading.Event(), list[Reading]()

    def hang() -> Reading:
        disk.wait()
        return Reading(Session("late"), START)

    await DeferredFeed(Built, None, hang).run(posted.append)
    disk.set()
    assert posted == [READ]


async def test_a_feed_ends_after_its_archive_is_closed() -> None:
    """The end of the loop cancels the task again while the last readings are written; it waits for them."""
    begun, may_end = threading.Event(), threading.Event()

    class SlowRecorder(Recorder):
        def start(
            self,
            post: Callable[[Reading], object],
            *,
            restores: bool = True,
            restored: tuple[OrgState, ...] = (),
        ) -> None:
            """Have nothing to restore."""
            del post, restores, restored

        def wait_until_restored(self) -> None:
            """Return at once."""

        def close(self) -> None:
            """Write slowly."""
            begun.set()
            may_end.wait()

    def fail() -> OpenedArchive:
        raise OSError

    posted = asyncio.Event()
    feed = DeferredFeed(Endless, lambda: SlowRecorder(fail, lambda: START))
    running = asyncio.create_task(feed.run(lambda _: posted.set()))
    await posted.wait()
    running.cancel()
    await asyncio.to_thread(begun.wait)
    for _ in range(3):
        running.cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not running.done()
    may_end.set()
    with suppress(asyncio.CancelledError):
        await running
    assert running.cancelled()


@pytest.mark.parametrize("turns", range(8))
async def test_end_is_never_swallowed_while_last_figures_are_read(turns: int) -> None:
    """A cancellation ends the feed, however many turns of the loop after the last figures it arrives."""
    loop, begun = asyncio.get_running_loop(), list[asyncio.Task[None]]()

    def cancel_after(turns: int) -> None:
        if turns:
            loop.call_soon(cancel_after, turns - 1)
        else:
            begun[0].cancel()

    def read_last() -> None:
        loop.call_soon_threadsafe(cancel_after, turns)

    begun.append(asyncio.ensure_future(DeferredFeed(Endless, None, read_last).run(lambda _: None)))
    done, _ = await asyncio.wait(begun, timeout=10)
    assert done == {*begun}
    assert begun[0].cancelled()
