"""Run the process that reads this machine's transcripts, and post what it kept."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from claudemeter_tui.model.reading import NO_SESSION, Reading
from claudemeter_tui.model.refusals import TranscriptNews
from claudemeter_tui.model.transcripts import READ_ONCE

FIRST_RESTART_PAUSE, RESTART_PAUSE = 1.0, 60.0
"""Seconds until a process that ended is started again: after a minute of work, and if it ended earlier."""
FIRST_TIMEOUT = 10.0
"""Seconds for which a run that polls once waits for the transcripts if they were never read before."""


class TranscriptFeed:
    """Posts the refusals in this machine's transcripts, as soon as they are kept."""

    def __init__(
        self,
        argv: Sequence[str],
        environment: Mapping[str, str],
        load: Callable[[], TranscriptNews | None],
        has_news: Callable[[], bool] = lambda: True,
    ) -> None:
        """Prepare the process; nothing is started yet.

        Args:
            argv: program and arguments of the process. Empty to post only what is kept already.
            environment: its environment, without secrets.
            load: returns what is kept now; it blocks, so it is called in a thread.
            has_news: returns True if transcripts were ever read; it blocks, too.
        """
        self._argv, self._environment = argv, environment
        self._load, self._has_news = load, has_news

    async def run(self, post: Callable[[Reading], object]) -> None:
        """Post what is kept, then everything new, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await self._post_news(post)
            started_at = loop.time()
            with suppress(OSError):
                await self._follow_process(post)
            has_worked = loop.time() - started_at > RESTART_PAUSE
            await asyncio.sleep(FIRST_RESTART_PAUSE if has_worked else RESTART_PAUSE)

    async def poll_once(self, post: Callable[[Reading], object], polled: asyncio.Event) -> None:
        """Read what is new until the polls have ended, and post what is kept; the next run continues.

        Args:
            post: called with the reading.
            polled: set at the end of the polls. The transcripts delay the run only if they are read for the
                first time, and for `FIRST_TIMEOUT` at most.
        """
        if self._argv:
            reading = asyncio.ensure_future(self._follow_process(None, READ_ONCE))
            ended = asyncio.ensure_future(polled.wait())
            try:
                await asyncio.wait((reading, ended), return_when=asyncio.FIRST_COMPLETED)
                if not reading.done() and not await asyncio.to_thread(self._has_news):
                    await asyncio.wait((reading,), timeout=FIRST_TIMEOUT)
            finally:
                ended.cancel()
                reading.cancel()
                with suppress(OSError, asyncio.CancelledError):
                    await reading
        await self._post_news(post)

    async def _follow_process(self, post: Callable[[Reading], object] | None, *more: str) -> None:
        """Run the process until it ends, and post what is kept after each of its lines."""
        process = await asyncio.create_subprocess_exec(
            *self._argv,
            *more,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=dict(self._environment),
        )
        try:
            while process.stdout is not None and await process.stdout.readline():
                if post is not None:
                    await self._post_news(post)
        finally:
            # Nothing is lost: what it has not kept yet is read again. `process.kill` could collect the exit
            # status before asyncio does, which then warns on standard error.
            with suppress(ProcessLookupError):
                process.kill() if sys.platform == "win32" else os.kill(process.pid, signal.SIGKILL)
            await process.wait()

    async def _post_news(self, post: Callable[[Reading], object]) -> None:
        news = await asyncio.to_thread(self._load)
        if news is not None:
            post(Reading(NO_SESSION, news.read_at, transcripts=news, is_archived=True))
