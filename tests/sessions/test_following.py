"""A session whose account another process polls: it shows what that process reads, and takes over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from claudemeter_tui.model.account import Account
from claudemeter_tui.model.reading import ErrorKind, Reading, Schedule, Session
from claudemeter_tui.sessions.manager import SessionManager
from tests.bodies import PERSONAL
from tests.sessions.manager_cases import OF_PAT, ClaudeAi, Here, Home, opened
from tests.sessions.poller_cases import START

MINUTE = timedelta(minutes=1)


class ScriptedLeases:
    """Leases that a test gives to this process or to another one."""

    def __init__(self) -> None:
        self.is_free = True
        self.known: Account | None = None
        self.requested: list[Account] = []
        self.kept: Collection[Account] = ()
        self.freed = asyncio.Event()
        self.news: asyncio.Queue[Sequence[Reading] | Exception] = asyncio.Queue()
        self.lose: Callable[[Account], object] = lambda _: None
        self.is_closed = False

    async def identify(self, session: Session) -> Account | None:
        """Return what the test says."""
        del session
        return self.known

    async def claim(self, session: Session, account: Account) -> bool:
        """Return True if the test has freed the lease."""
        del session, account
        return self.is_free

    async def follow(
        self,
        session: Session,
        account: Account,
        read_times: Mapping[str, datetime],
        post: Callable[[Sequence[Reading]], object],
    ) -> bool:
        """Post what the test says until the lease is free."""
        del session, account, read_times
        post(())
        while True:
            news = await self.news.get()
            if isinstance(news, Exception):
                raise news
            if not news:
                return True
            post(news)

    async def request_poll(self, account: Account) -> None:
        """Record the request."""
        self.requested.append(account)

    def keep_only(self, accounts: Collection[Account]) -> None:
        """Record the accounts."""
        self.kept = accounts

    async def tend(
        self, on_request: Callable[[Account], object], on_loss: Callable[[Account], object]
    ) -> None:
        """Keep the function."""
        del on_request
        self.lose = on_loss

    def close(self) -> None:
        """Record the end."""
        self.is_closed = True


def one_person(home: Home, server: ClaudeAi) -> None:
    """Sign Pat in."""
    home.profile("default", "key")
    server.people["key"] = OF_PAT


async def test_takeover_continues_the_schedule_of_the_other_process(tmp_path: Path) -> None:
    """No request until the lease is free, and the first one when the other process would have polled."""
    async with opened(tmp_path, one_person) as here:
        leases = ScriptedLeases()
        leases.is_free, leases.known = False, Account(OF_PAT.uuid, OF_PAT.email)
        second = start_second(here, leases)
        task = asyncio.create_task(second.door.run(second.post))
        await second.quiet()
        asked = len(here.server.asked)
        schedule = Schedule(START + 45 * timedelta(seconds=1), MINUTE)
        session = Session("Firefox", "default")
        leases.news.put_nowait([Reading(session, START, schedule=schedule, is_archived=True)])
        await second.quiet()
        second.door.poll_now()
        await second.quiet()
        assert [account.email for account in leases.requested] == [OF_PAT.email]
        assert len(here.server.asked) == asked
        leases.is_free = True
        leases.news.put_nowait(())
        await second.quiet()
        assert len(here.server.asked) == asked
        assert [account.email for account in leases.kept] == [OF_PAT.email]
        await second.advance(50)
        assert here.server.times("key", "account") == [0, 45]
        leases.is_free = False
        leases.lose(Account(OF_PAT.uuid, OF_PAT.email))
        await second.advance(120)
        assert here.server.times("key", "account") == [0, 45]
        assert leases.kept == []
        await end(task)
        assert leases.is_closed


async def test_a_bug_while_following_does_not_end_the_program(tmp_path: Path) -> None:
    """It is shown as a problem, and the archive is read again after an interval."""
    async with opened(tmp_path, one_person) as here:
        leases = ScriptedLeases()
        leases.is_free, leases.known = False, Account(OF_PAT.uuid, OF_PAT.email)
        second = start_second(here, leases)
        task = asyncio.create_task(second.door.run(second.post))
        await second.quiet()
        leases.news.put_nowait(ZeroDivisionError())
        await second.quiet()
        assert second.troubles == [f"Firefox, default: {ErrorKind.BUG}"]
        leases.is_free = True
        leases.news.put_nowait(())
        await second.advance(60)
        assert second.troubles == []
        assert set(second.serving.values()) == {"Firefox, default"}
        await end(task)


async def test_a_session_that_loses_its_account_keeps_the_figures(tmp_path: Path) -> None:
    """It sends no further request, and what it has shown stays on screen."""
    async with opened(tmp_path, one_person) as here:
        leases = ScriptedLeases()
        second = start_second(here, leases)
        task = asyncio.create_task(second.door.run(second.post))
        await second.quiet()
        await second.advance(60)
        orgs = second.store.orgs
        assert len(orgs) == 2
        leases.is_free = False
        usage = f"{PERSONAL}/usage"
        assert here.server.times("key", usage) == [0, 0, 60, 60]
        await second.advance(60)
        await here.quiet()
        assert here.server.times("key", usage) == [0, 0, 60, 60, 120]  # of the first program
        assert [state.replies for state in second.store.orgs] == [state.replies for state in orgs]
        await end(task)


def start_second(here: Here, leases: ScriptedLeases) -> Here:
    """Return another program with these leases; the first one polls as if it were alone."""
    providers = here.door._discovery._providers
    door = SessionManager(providers, clock=here.clock, jitter=lambda: 0.0, leases=leases)
    return Here(door, here.clock, here.server, here.home)


async def end(task: asyncio.Task[None]) -> None:
    """Cancel it and wait for its end."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
