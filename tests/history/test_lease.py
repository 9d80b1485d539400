"""The lease of an account: who holds it, and when it is free."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import reduce
from pathlib import Path
from typing import Any

import pytest

from claudemeter_tui.commands.status_texts import describe_outcome
from claudemeter_tui.history.database import ARCHIVE_NAME, open_for_reading, open_for_writing, to_millis
from claudemeter_tui.history.follower import ArchiveLeases
from claudemeter_tui.history.last_states import load_states
from claudemeter_tui.history.lease import (
    LEASE_SPAN,
    Process,
    describe_process,
    is_held,
    read_lease,
)
from claudemeter_tui.history.recorder import OpenedArchive, Recorder
from claudemeter_tui.history.repair import list_kept_orgs, remove_history
from claudemeter_tui.history.status import load_status
from claudemeter_tui.history.status_builder import StatusBuilder
from claudemeter_tui.model.account import Account
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.reading import Reading, Schedule
from claudemeter_tui.model.store import Store
from claudemeter_tui.wiring import parse_kept_reply
from tests import bodies
from tests.history.test_archive import CLAUDE_AI, ELSEWHERE, MINUTE, build, poll, put
from tests.scenes import PERSONAL, READ, SESSION, TEAM, readings
from tests.scenes import store as scene_store

ACCOUNT = Account("a-1", "pat@example.com")
SPAN = timedelta(milliseconds=LEASE_SPAN)
SECOND = timedelta(seconds=1)


@dataclass
class Machine:
    """A machine with a clock that a test sets."""

    path: Path
    now: datetime = READ
    awake: float = 0.0
    processes: list[ArchiveLeases] = field(default_factory=list)

    aged_at: int = 0
    """Last time that `age_files` gave to a file."""
    unable: set[str] = field(default_factory=set)
    """Names of the processes that cannot append to the archive."""

    def start(self, name: str, machine: str = "here", *, max_age: timedelta | None = None) -> ArchiveLeases:
        """Return the leases of another process, which lives as long as this one."""
        own = describe_process()
        started = Process(name, own.machine if machine == "here" else machine, own.pid, own.started)
        leases = ArchiveLeases(
            self.path,
            CLAUDE_AI,
            lambda: self.now,
            parse_kept_reply,
            process=started,
            max_age=max_age,
            can_record=lambda: name not in self.unable,
            sleep=self.sleep,
            monotonic=lambda: self.awake,
        )
        self.processes.append(leases)
        return leases

    async def sleep(self, seconds: float) -> None:
        """Let other tasks run."""
        del seconds
        await asyncio.sleep(0)

    def advance(self, span: timedelta) -> None:
        """Let time pass."""
        self.now += span
        self.awake += span.total_seconds()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Return a machine with an empty archive."""
    path = tmp_path / ARCHIVE_NAME
    open_for_writing(path).close()
    return Machine(path)


async def test_one_process_holds_an_account(machine: Machine) -> None:
    """The first one gets the lease, keeps it while it gives signs of life, and leaves it at its end."""
    first, second = machine.start("first"), machine.start("second")
    assert await first.claim(SESSION, ACCOUNT)
    assert not await second.claim(SESSION, ACCOUNT)
    assert await second.claim(SESSION, Account("a-2"))
    machine.advance(SPAN)
    assert await first.claim(SESSION, ACCOUNT)
    assert not await second.claim(SESSION, ACCOUNT)
    first.close()
    assert await second.claim(SESSION, ACCOUNT)


async def test_a_lease_without_signs_of_life_is_free(machine: Machine) -> None:
    """After three missed heartbeats another process gets it, and the first one notices."""
    first, second = machine.start("first"), machine.start("second")
    assert await first.claim(SESSION, ACCOUNT)
    machine.advance(SPAN)
    assert not await second.claim(SESSION, ACCOUNT)
    machine.advance(SECOND)
    assert await second.claim(SESSION, ACCOUNT)
    assert not await first.claim(SESSION, ACCOUNT)


@pytest.mark.parametrize("jump", [-timedelta(days=1), timedelta(days=1)])
async def test_a_clock_that_is_set_neither_ends_nor_prolongs_a_lease(
    machine: Machine, jump: timedelta
) -> None:
    """A process that has seen the holder waits for its next sign of life; a new one trusts the clock."""
    first, second = machine.start("first"), machine.start("second")
    assert await first.claim(SESSION, ACCOUNT)
    assert not await second.claim(SESSION, ACCOUNT)
    machine.now += jump
    machine.advance(SPAN)
    assert not await second.claim(SESSION, ACCOUNT)
    assert await first.claim(SESSION, ACCOUNT)
    machine.now += jump
    assert await machine.start("third").claim(SESSION, ACCOUNT)
    assert not await first.claim(SESSION, ACCOUNT)
    machine.now += jump
    machine.advance(SPAN + SECOND)
    assert await second.claim(SESSION, ACCOUNT)


async def test_another_machine_s_clock_does_not_matter(machine: Machine) -> None:
    """In a network folder, only the time since the last sign of life was seen counts."""
    far = machine.start("far", "another machine")
    machine.now += timedelta(hours=1)
    assert await far.claim(SESSION, ACCOUNT)
    machine.now -= timedelta(hours=1)
    near = machine.start("near")
    for _ in range(3):
        assert not await near.claim(SESSION, ACCOUNT)
        machine.now += timedelta(hours=1)
        assert await far.claim(SESSION, ACCOUNT)
        machine.now -= timedelta(hours=1)
        machine.advance(SPAN)
    assert not await near.claim(SESSION, ACCOUNT)
    machine.advance(SPAN + SECOND)
    assert await near.claim(SESSION, ACCOUNT)


async def test_an_ended_process_holds_nothing(machine: Machine) -> None:
    """The lease of a dead process id, or of one that another process has now, is free at once."""
    ended = await asyncio.create_subprocess_exec(sys.executable, "-c", "")
    await ended.wait()
    own = describe_process()
    for pid, started in ((ended.pid, own.started), (os.getpid(), "1")):
        leases = machine.start("ended")
        leases._process = own._replace(holder=f"ended {pid}", pid=pid, started=started)
        assert await leases.claim(SESSION, ACCOUNT)
        assert await machine.start(f"next {pid}").claim(SESSION, ACCOUNT)
        machine.advance(SPAN + SECOND)


async def test_a_stopped_process_holds_nothing(machine: Machine) -> None:
    """Between two polls a running process need not give a sign of life; a stopped one cannot poll."""
    other = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "input()", stdin=asyncio.subprocess.PIPE
    )
    first, second = machine.start("first"), machine.start("second")
    first._process = describe_process()._replace(holder="first", pid=other.pid, started=find_start(other.pid))
    assert await first.claim(SESSION, ACCOUNT)
    plan_poll(machine, timedelta(minutes=10))
    machine.advance(timedelta(minutes=10) + SPAN)
    assert not await second.claim(SESSION, ACCOUNT)
    other.send_signal(signal.SIGSTOP)
    await asyncio.to_thread(os.waitid, os.P_PID, other.pid, os.WSTOPPED | os.WNOWAIT)
    assert await second.claim(SESSION, ACCOUNT)
    other.kill()
    await other.wait()


def find_start(pid: int) -> str:
    """Return the start time of a process as a lease has it."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]


def plan_poll(machine: Machine, wait: timedelta) -> None:
    """Write into every lease that the holder has polled, and polls again after this time."""
    connection = open_for_writing(machine.path)
    connection.execute(
        "UPDATE leases SET polled_at = ?, next_at = ?",
        (to_millis(machine.now), to_millis(machine.now + wait)),
    )
    connection.close()


async def test_a_wedged_process_holds_nothing(machine: Machine) -> None:
    """A process that runs, but does not poll when it had planned to, loses the lease."""
    first, second = machine.start("first"), machine.start("second")
    assert await first.claim(SESSION, ACCOUNT)
    plan_poll(machine, MINUTE)
    machine.advance(MINUTE + SPAN)
    assert not await second.claim(SESSION, ACCOUNT)
    machine.advance(SECOND)
    assert await second.claim(SESSION, ACCOUNT)


async def tend_for(machine: Machine, leases: ArchiveLeases, seconds: int) -> list[Account]:
    """Let a holder tend its leases for this time, and return the requests that it passed on."""
    left, asked = iter(range(seconds)), list[Account]()

    async def sleep(_: float) -> None:
        if next(left, None) is None:
            raise asyncio.CancelledError
        machine.advance(SECOND)

    leases._sleep = sleep
    tending = asyncio.create_task(leases.tend(asked.append, lambda _: None))
    await asyncio.wait((tending,))
    assert tending.cancelled()
    return asked


async def test_an_idle_holder_writes_nothing(machine: Machine) -> None:
    """Between two polls, the file and its log stay as they are."""
    first = machine.start("first")
    keeper = open_for_reading(machine.path)  # otherwise the log goes with the last connection
    assert await first.claim(SESSION, ACCOUNT)
    plan_poll(machine, MINUTE)
    log = machine.path.with_name(f"{ARCHIVE_NAME}-wal")
    before = log.stat().st_size, machine.path.stat().st_mtime_ns
    await tend_for(machine, first, 59)
    assert (log.stat().st_size, machine.path.stat().st_mtime_ns) == before
    await tend_for(machine, first, 10)  # the poll takes long
    assert log.stat().st_size > before[0]
    keeper.close()


def age_files(machine: Machine) -> None:
    """Make the archive's files look as if they had been written long ago, a second later at each call."""
    for path in machine.path.parent.glob(f"{ARCHIVE_NAME}*"):
        times = machine.aged_at = machine.aged_at + 1_000_000_000
        os.utime(path, ns=(times, times))


def count_reads(leases: ArchiveLeases, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Return a list that gets an entry each time the process uses the archive."""
    reads, run = list[object](), leases._run

    async def count(work: Any, default: Any) -> Any:
        reads.append(work)
        return await run(work, default)

    monkeypatch.setattr(leases, "_run", count)
    return reads


async def start_idle_pair(machine: Machine) -> tuple[ArchiveLeases, ArchiveLeases]:
    """Return the leases of a process that polls and of its follower; the next poll is in a minute."""
    holder, follower = machine.start("first"), machine.start("second")
    assert await holder.claim(SESSION, ACCOUNT)
    assert not await follower.claim(SESSION, ACCOUNT)
    plan_poll(machine, MINUTE)
    return holder, follower


async def test_an_idle_holder_reads_only_what_has_changed(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading the archive each second would double the use of the processor; a request is still noticed."""
    first, second = await start_idle_pair(machine)
    reads = count_reads(first, monkeypatch)
    age_files(machine)
    await tend_for(machine, first, 50)
    assert len(reads) == 1
    await second.request_poll(ACCOUNT)
    age_files(machine)
    assert await tend_for(machine, first, 5) == [ACCOUNT]
    await tend_for(machine, first, 30)  # now the poll is late, and the lease needs signs of life
    assert not await second.claim(SESSION, ACCOUNT)


async def test_an_idle_follower_reads_only_what_has_changed(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end of the holder is noticed all the same."""
    _, second = await start_idle_pair(machine)
    reads, seconds = count_reads(second, monkeypatch), 0
    age_files(machine)

    async def sleep(_: float) -> None:
        nonlocal seconds
        seconds += 1
        machine.advance(SECOND)

    second._sleep = sleep
    assert await second.follow(SESSION, ACCOUNT, {}, lambda _: None)
    assert seconds == 60 + LEASE_SPAN / 1000 + 1
    assert len(reads) == 2


async def test_a_process_that_cannot_see_the_holder_gets_signs_of_life(machine: Machine) -> None:
    """From its first look on, the holder renews the lease all the time; the lease ends soon after it."""
    first, far = machine.start("first"), machine.start("far", "another machine")
    assert await first.claim(SESSION, ACCOUNT)
    plan_poll(machine, timedelta(hours=1))
    assert not await far.claim(SESSION, ACCOUNT)
    looked: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    following = asyncio.create_task(far.follow(SESSION, ACCOUNT, {}, looked.set_result))
    await looked
    following.cancel()
    for _ in range(3):
        await tend_for(machine, first, 20)
        assert not await far.claim(SESSION, ACCOUNT)
    machine.advance(SPAN + SECOND)
    assert await far.claim(SESSION, ACCOUNT)


async def test_a_holder_that_cannot_record_lets_another_poll(machine: Machine) -> None:
    """It releases the lease and follows the process that can record, also after a restart of that one."""
    first, second = machine.start("first"), machine.start("second")
    assert await first.claim(SESSION, ACCOUNT)
    assert not await second.claim(SESSION, ACCOUNT)
    machine.unable.add("first")
    await tend_for(machine, first, 2)
    await asyncio.gather(*first._tasks)
    assert await second.claim(SESSION, ACCOUNT)
    assert not await first.claim(SESSION, ACCOUNT)
    second.close()
    assert await first.claim(SESSION, ACCOUNT)  # it polls, and does not hold the lease
    third = machine.start("third")
    assert await third.claim(SESSION, ACCOUNT)
    assert not await first.claim(SESSION, ACCOUNT)


async def test_if_no_process_can_record_each_polls(machine: Machine) -> None:
    """The lease stays free, and no process waits for another, until one can record again."""
    processes = [machine.start(name) for name in ("first", "second")]
    assert await processes[0].claim(SESSION, ACCOUNT)
    machine.unable |= {"first", "second"}
    connection = open_for_reading(machine.path)
    for _ in range(3):
        machine.advance(SECOND)
        assert [await one.claim(SESSION, ACCOUNT) for one in processes] == [True, True]
        assert read_lease(connection, CLAUDE_AI, "a-1") is None
    machine.unable.discard("second")
    assert [await one.claim(SESSION, ACCOUNT) for one in processes] == [True, True]
    assert [await one.claim(SESSION, ACCOUNT) for one in processes] == [False, True]
    connection.close()


async def test_damage_that_a_lease_meets_is_left_to_the_recorder(machine: Machine) -> None:
    """The file is moved aside, so that the recorder replaces it, and the process polls."""
    first = machine.start("first")
    assert await first.claim(SESSION, ACCOUNT)
    machine.path.with_name(f"{ARCHIVE_NAME}-wal").unlink(missing_ok=True)
    with machine.path.open("r+b") as file:
        file.seek(100)
        file.write(os.urandom(machine.path.stat().st_size - 100))
    assert await machine.start("second").claim(SESSION, ACCOUNT)
    assert not machine.path.exists()
    assert machine.path.with_name(f"{ARCHIVE_NAME}.damaged").exists()
    first.close()


async def test_a_status_bar_can_ask(machine: Machine) -> None:
    """A status bar asks whether anyone polls the accounts of a server."""
    machine.now = datetime.now(READ.tzinfo)
    leases = machine.start("first")
    assert await leases.claim(SESSION, ACCOUNT)
    connection = open_for_reading(machine.path)
    assert is_held(connection, CLAUDE_AI)
    assert not is_held(connection, ELSEWHERE)
    machine.now -= timedelta(hours=1)
    assert await leases.claim(SESSION, ACCOUNT)
    assert not is_held(connection, CLAUDE_AI)
    leases.close()
    assert not is_held(connection, CLAUDE_AI)
    connection.close()


def test_asking_loads_no_model() -> None:
    """A status bar runs every few seconds, so the module needs little more than sqlite3."""
    program = "import sys, claudemeter_tui.history.lease; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    ours = {name for name in loaded.stdout.split() if name.startswith("claudemeter_tui.")}
    assert ours == {"claudemeter_tui.history", "claudemeter_tui.history.lease"}


async def test_an_unusable_archive_lets_every_process_poll(machine: Machine) -> None:
    """Without an archive, no process knows of the others."""
    machine.path.unlink()
    machine.path.mkdir()
    first, second = machine.start("first"), machine.start("second")
    assert await first.claim(SESSION, ACCOUNT)
    assert await second.claim(SESSION, ACCOUNT)
    assert await second.identify(SESSION) is None
    assert await second.follow(SESSION, ACCOUNT, {}, lambda _: None)
    first.close()


async def test_a_newer_archive_lets_an_older_process_poll_alone(machine: Machine) -> None:
    """It writes nothing into the file, not even a sign of life, so that a newer process takes over."""
    first = machine.start("first")
    assert await first.claim(SESSION, ACCOUNT)
    with closing(open_for_writing(machine.path)) as connection:
        connection.execute("PRAGMA user_version = 99")
        before = read_lease(connection, CLAUDE_AI, ACCOUNT.key)
        machine.advance(SPAN - SECOND)
        assert await first.claim(SESSION, ACCOUNT)
        await first.request_poll(ACCOUNT)
        first.close()
        assert read_lease(connection, CLAUDE_AI, ACCOUNT.key) == before


async def test_requests_and_losses_reach_the_holder(machine: Machine) -> None:
    """A request of a follower is passed on once; so is the loss of the lease."""
    first, second = machine.start("first"), machine.start("second")
    asked, first_asked = list[Account](), asyncio.Event()
    lost: asyncio.Future[Account] = asyncio.get_running_loop().create_future()
    assert await first.claim(SESSION, ACCOUNT)
    await second.request_poll(ACCOUNT)

    def note(account: Account) -> None:
        asked.append(account)
        first_asked.set()

    tending = asyncio.create_task(first.tend(note, lost.set_result))
    await first_asked.wait()
    connection = open_for_writing(machine.path)
    connection.execute("UPDATE leases SET holder = 'second'")
    connection.close()
    assert await lost == ACCOUNT
    assert asked == [ACCOUNT]
    tending.cancel()


async def test_a_released_lease_is_free(machine: Machine) -> None:
    """A process that no longer polls an account releases it, but not if it has claimed it again."""
    first, second = machine.start("first"), machine.start("second")
    assert await first.claim(SESSION, ACCOUNT)
    first.keep_only([ACCOUNT])
    first.keep_only([])
    assert await first.claim(SESSION, ACCOUNT)
    await asyncio.gather(*first._tasks)
    assert not await second.claim(SESSION, ACCOUNT)
    first.keep_only([])
    await asyncio.gather(*first._tasks)
    assert await second.claim(SESSION, ACCOUNT)


async def test_a_session_is_known_only_while_its_holder_watches_it(machine: Machine) -> None:
    """Without a request, a session's account is known from the process that polls it, on this machine."""
    first, second = machine.start("first"), machine.start("second")
    assert await first.claim(SESSION, ACCOUNT)
    assert await second.identify(SESSION) == ACCOUNT
    assert await second.identify(SESSION._replace(profile="Other")) is None
    assert await first.identify(SESSION) is None
    assert await machine.start("far", "another machine").identify(SESSION) is None
    machine.advance(SPAN + SECOND)
    assert await second.identify(SESSION) is None


async def test_a_one_shot_command_follows_a_recent_poll_only(machine: Machine) -> None:
    """Before the holder's first poll has ended, and after an interval, a one-shot command polls itself."""
    first, once = machine.start("first"), machine.start("once", max_age=MINUTE)
    assert await first.claim(SESSION, ACCOUNT)
    assert await once.claim(SESSION, ACCOUNT)
    connection = open_for_writing(machine.path)
    connection.execute("UPDATE leases SET polled_at = ?", (to_millis(machine.now),))
    machine.advance(MINUTE - SECOND)
    assert await first.claim(SESSION, ACCOUNT)
    assert not await once.claim(SESSION, ACCOUNT)
    assert await once.identify(SESSION) == ACCOUNT
    machine.advance(SECOND)
    assert await once.claim(SESSION, ACCOUNT)
    assert await once.identify(SESSION) is None
    lease = read_lease(connection, CLAUDE_AI, "a-1")
    assert lease is not None
    assert lease.holder == "first"
    connection.close()


class Holder:
    """A process that polls and records."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.leases = machine.start("first")
        self.store = Store()
        self._connection = open_for_writing(machine.path)
        self._archive = build(self._connection, holder="first")
        self._recorder = Recorder(
            lambda: OpenedArchive(
                self._archive, lambda _: iter(()), lambda: iter(()), lambda: None, lambda: None
            ),
            lambda: machine.now,
        )

    def poll(self, minute: int, used: int = 1720) -> Schedule:
        """Record a poll; return its schedule."""
        at = READ + minute * MINUTE
        self.machine.now = at
        schedule = Schedule(at + MINUTE, MINUTE)
        for reading in (*poll(minute, used), Reading(SESSION, at, schedule=schedule)):
            self.store = self.store.apply(reading)
            self._recorder._apply(reading)
        self._recorder._attempt(self._recorder._append_waiting)
        return schedule

    def close(self) -> None:
        """Close the archive."""
        self._connection.close()


@pytest.mark.parametrize("jump", [timedelta(0), timedelta(hours=1), -timedelta(minutes=5)])
async def test_a_follower_has_the_store_of_the_holder(machine: Machine, jump: timedelta) -> None:
    """Each reading is posted once, whatever the clock does; the store and the schedule are the holder's."""
    holder = Holder(machine)
    assert await holder.leases.claim(SESSION, account_of(holder, 0))
    schedule = holder.poll(0)
    follower = machine.start("second")
    account, posted = holder.store.orgs[0].account, list[Reading]()
    task = asyncio.create_task(follower.follow(SESSION, account, {}, posted.extend))
    minutes = int(jump / MINUTE)
    for number, minute in enumerate((0, 1 + minutes, 2 + minutes)):
        if number:
            machine.now = READ + minute * MINUTE
            assert await holder.leases.claim(SESSION, account)
            schedule = holder.poll(minute, 1720 + 100 * number)
        while not posted or posted[-1].schedule != schedule:
            assert not task.done()
            await asyncio.sleep(0.001)
    task.cancel()
    store = reduce(Store.apply, posted, Store())
    assert store.orgs[0].replies.keys() == holder.store.orgs[0].replies.keys()
    assert store.orgs[0].credits == holder.store.orgs[0].credits
    assert store.sessions[0].schedule == schedule
    usage = [
        part.at
        for reading in posted
        for report in reading.org_readings
        for endpoint, part in report.parts.items()
        if endpoint is Endpoint.USAGE
    ]
    assert len(usage) == len(set(usage))
    assert all(reading.is_archived for reading in posted)
    holder.close()


async def test_a_status_bar_shows_the_other_orgs_after_a_removal(machine: Machine) -> None:
    """The list of the account's orgs is removed with one of them; the next poll brings it back."""
    account = scene_store(PERSONAL).orgs[0].account
    assert await machine.start("first").claim(SESSION, account)
    with closing(open_for_writing(machine.path)) as connection:
        put(build(connection, holder="first"), readings(PERSONAL, TEAM))
    (team,) = [one for one in list_kept_orgs(machine.path, CLAUDE_AI) if one.uuid == bodies.TEAM]
    remove_history(machine.path, team, machine.now)
    with closing(open_for_reading(machine.path)) as connection:
        restored = load_states(connection, CLAUDE_AI, machine.now)
        assert load_status(connection, "key") is None
    bar = machine.start("bar", max_age=MINUTE)
    assert not await bar.claim(SESSION, account)
    builder, posted = StatusBuilder("key", describe_outcome), list[Reading]()
    read_times = {state.org.uuid: machine.now for state in restored}
    task = asyncio.create_task(bar.follow(SESSION, account, read_times, posted.extend))
    while not posted:
        assert not task.done()
        await asyncio.sleep(0.001)
    task.cancel()
    builder.start(None, restored)
    for reading in posted:
        builder.observe(reading)
    status = builder.build(reduce(Store.apply, posted, Store(restored)), machine.now)
    assert [(org.uuid, org.exit_status, status.failure_count) for org in status.orgs] == [
        (bodies.PERSONAL, 0, 0)
    ]


def account_of(holder: Holder, minute: int) -> Account:
    """Return the account of the polls."""
    store = reduce(Store.apply, poll(minute), holder.store)
    return store.orgs[0].account


def test_a_follower_keeps_no_reading_and_no_event(machine: Machine) -> None:
    """The holder keeps them; a second copy of an event would be a second event."""
    connection = open_for_writing(machine.path)
    archive = build(connection)
    recorder = Recorder(
        lambda: OpenedArchive(archive, lambda _: iter(()), lambda: iter(()), lambda: None, lambda: None),
        lambda: machine.now,
        thresholds=(1.0,),
    )
    for minute in range(3):
        for reading in poll(minute, 1720 + 500 * minute):
            recorder._apply(reading._replace(is_archived=True))
    recorder._apply(Reading(SESSION._replace(browser="Other"), READ + 60 * MINUTE))
    assert not recorder._waiting
    connection.close()


def test_an_archive_of_others_is_not_announced(machine: Machine) -> None:
    """A process without the lease does not change the holder's schedule."""
    holder = Holder(machine)
    connection: sqlite3.Connection = holder._connection
    holder.poll(0)
    assert connection.execute("SELECT count(*) FROM leases").fetchone() == (0,)
    holder.close()
