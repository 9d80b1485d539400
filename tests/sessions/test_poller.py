"""The endless loop: cadence, requests, back-off, moments, clocks, and robustness."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from claudemeter_tui.clock import WallClock
from claudemeter_tui.model.account import Org
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.reading import (
    MAX_BACKOFF,
    MIN_BACKOFF,
    ErrorKind,
    Failure,
    OrgReading,
    Reading,
    Schedule,
)
from claudemeter_tui.sessions.poller import CURABLE_ERRORS, RETRIABLE_ERRORS, STEADY_ERRORS, Poller
from tests.sessions.poller_cases import (
    ORG,
    SESSION,
    START,
    FakeClock,
    Poll,
    Script,
    good,
    locked,
    locked_beside,
    org_failed,
    replied,
    running,
    stopped,
)

HELD = [one for one in ErrorKind if one not in RETRIABLE_ERRORS]
SERVED = (ErrorKind.NEW_FIELD, ErrorKind.ODD_VALUE)
"""Notes on a good reply, never a failure."""


def after(seconds: float) -> datetime:
    """Return a moment in seconds after the first poll."""
    return START + timedelta(seconds=seconds)


async def test_polls_follow_one_another_by_the_interval() -> None:
    """A poll begins every interval, and only the first one is full."""
    async with running() as here:
        await here.clock.advance(185)
        assert here.script.begun == [0, 60, 120, 180]
        assert here.script.full == [True, False, False, False]


async def test_interval_counts_from_the_start_of_a_poll() -> None:
    """A poll that takes long does not delay the next one."""
    async with running(takes=7) as here:
        await here.clock.advance(130)
        assert here.script.begun == [0, 60, 120]


async def test_polls_never_overlap() -> None:
    """A poll that takes longer than the interval, requested repeatedly, is the only one."""
    async with running(takes=90, interval=60) as here:
        for _ in range(30):
            here.poller.poll_now()
            await here.clock.advance(10)
        assert here.script.most_at_once == 1
        assert here.script.begun == [0, 90, 180, 270]


async def test_poll_longer_than_the_interval_is_followed_by_a_pause() -> None:
    """After a poll longer than the interval the server still gets a pause."""
    async with running(takes=90, interval=60) as here:
        await here.clock.advance(200)
        assert here.script.begun == [0, 91, 182]


async def test_poll_posts_its_readings_between_its_start_and_its_schedule() -> None:
    """A poll posts its start, each reading as it comes, and the schedule at its end."""
    first, second = good(roster=(ORG,)), good(replied(after(999)))
    async with running([first, second]) as here:
        beginning, *found, end = here.posted
        assert [first, second] == found
        assert Reading(SESSION, START) == beginning
        assert end.schedule is not None
        assert (after(60), timedelta(seconds=60), False) == (
            end.schedule.next_at,
            end.schedule.interval,
            end.schedule.is_backing_off,
        )


# Pokes.


async def test_request_polls_at_once_and_in_full() -> None:
    """A request between two polls starts a full one now, and the interval counts from it."""
    async with running() as here:
        await here.clock.advance(20)
        here.poller.poll_now()
        await here.clock.advance(75)
        assert here.script.begun == [0, 20, 80]
        assert here.script.full == [True, True, False]


async def test_request_during_a_full_poll_is_served_by_it() -> None:
    """The running full poll makes another one unnecessary."""
    async with running(takes=10) as here:
        await here.clock.advance(5)
        here.poller.poll_now()
        await here.clock.advance(60)
        assert here.script.begun == [0, 60]


async def test_request_during_another_poll_is_followed_by_a_full_one() -> None:
    """A request during a partial poll is followed by a full one at once."""
    async with running(takes=10) as here:
        await here.clock.advance(65)
        here.poller.poll_now()
        here.poller.poll_now()
        await here.clock.advance(20)
        assert here.script.begun == [0, 60, 70]
        assert here.script.full == [True, False, True]


async def test_request_before_the_first_poll_adds_none() -> None:
    """The first poll is full in any case."""
    clock = FakeClock()
    script = Script(clock)

    async def open_source() -> Script:
        return script

    poller = Poller(open_source, clock=clock)
    poller.poll_now()
    polling = asyncio.create_task(poller.run(lambda _: None))
    await clock.advance(30)
    polling.cancel()
    assert script.begun == [0]


@pytest.mark.parametrize("trouble", HELD)
async def test_request_in_a_back_off_is_held(trouble: ErrorKind) -> None:
    """In a back-off, or during the failing poll, a request polls nothing if polling early would not help."""
    async with running([good()], [stopped(trouble)], [good()], takes=5) as here:
        await here.clock.advance(62)
        here.poller.poll_now()
        await here.clock.advance(30)
        here.poller.poll_now()
        await here.clock.advance(20)
        assert here.schedules[-1].is_backing_off
        assert here.script.begun == [0, 60]
        await here.clock.advance(15)
        assert [0, 60, 120 if trouble in STEADY_ERRORS else 125] == here.script.begun


async def test_request_retries_after_the_check_of_cloudflare() -> None:
    """The user may have passed the check, so a request polls at once."""
    failing = [stopped(ErrorKind.CHALLENGE)]
    async with running(failing, failing, [good()]) as here:
        await here.clock.advance(30)
        assert not here.schedules[-1].is_backing_off
        here.poller.poll_now()
        await here.clock.advance(1)
        assert here.script.begun == [0, 30]


@pytest.mark.parametrize("trouble", sorted(CURABLE_ERRORS))
async def test_request_retries_after_a_curable_problem(trouble: ErrorKind) -> None:
    """After a problem that the user may have fixed, a request polls at once, and the waits restart."""
    failing = [stopped(trouble)]
    async with running(failing, failing, failing, failing) as here:
        await here.clock.advance(60 + 120)
        begun = [0, 60, 120, 180] if trouble in STEADY_ERRORS else [0, 60, 180]
        assert begun == here.script.begun
        assert not here.schedules[-1].is_backing_off
        assert here.next_in == (60 if trouble in STEADY_ERRORS else 240)
        await here.clock.advance(10)
        here.poller.poll_now()
        await here.clock.advance(0)
        assert [*begun, 190] == here.script.begun
        assert here.script.full[-1]
        assert here.next_in == MIN_BACKOFF.total_seconds()


async def test_requests_keep_a_pause() -> None:
    """However often a poll is requested, two begin at least five seconds apart, and no request is lost."""
    async with running() as here:
        for _ in range(300):
            here.poller.poll_now()
            await here.clock.advance(0.03)
        assert here.script.begun == [0, 5]
        assert here.schedules[-1].free_at == after(10)
        await here.clock.advance(70)
        assert here.script.begun == [0, 5, 10, 70]


@pytest.mark.parametrize("jump", [-259_200, 259_200])
async def test_request_after_the_clock_was_set_keeps_the_usual_pause(jump: float) -> None:
    """A clock that was set back by three days delays a request by seconds, and one set forward by nothing."""
    async with running() as here:
        await here.clock.advance(2)
        here.clock.jump(jump)
        here.poller.poll_now()
        await here.clock.advance(5)
        assert len(here.script.begun) == 2


async def test_request_after_a_back_off_works_again() -> None:
    """Once a poll has succeeded, a request polls at once."""
    async with running([stopped(ErrorKind.THROTTLED)], [good()]) as here:
        await here.clock.advance(70)
        here.poller.poll_now()
        await here.clock.advance(0)
        assert here.script.begun == [0, 60, 70]


# Back-off.


async def test_backoff_doubles_up_to_its_limit() -> None:
    """Without a wait from the server the back-off doubles from a minute to a quarter of an hour."""
    async with running([stopped(ErrorKind.THROTTLED)]) as here:
        waits = []
        for _ in range(7):
            waits.append(here.next_in)
            await here.clock.advance(here.next_in)
        assert waits == [60, 120, 240, 480, 900, 900, 900]
        assert MAX_BACKOFF.total_seconds() == waits[-1]


@pytest.mark.parametrize(("expected", "jitter"), [(60, 0.0), (63, 0.5), (66, 1.0)])
async def test_backoff_adds_jitter(expected: float, jitter: float) -> None:
    """Up to a tenth is added to a back-off, by the random number."""
    async with running([stopped(ErrorKind.THROTTLED)], jitter=jitter) as here:
        assert expected == pytest.approx(here.next_in)


@pytest.mark.parametrize(
    ("expected", "asked"), [(1600, 1600), (3600, 3600), (5, 5), (60, 0), (60, -30), (60, None)]
)
async def test_backoff_honours_the_servers_wait(expected: float, asked: float | None) -> None:
    """A positive Retry-After counts in full and without jitter; 0 and less count as absent."""
    wait = None if asked is None else timedelta(seconds=asked)
    async with running([stopped(ErrorKind.THROTTLED, wait)]) as here:
        assert expected == here.next_in
        assert here.schedules[-1].is_backing_off
        await here.clock.advance(expected - 1)
        assert here.script.begun == [0]
        await here.clock.advance(1)
        assert [0, expected] == here.script.begun


async def test_backoff_takes_the_longest_wait() -> None:
    """If every reply failed, the longest wait counts."""
    wait = timedelta(seconds=300)
    poll = [org_failed(ErrorKind.TIMEOUT), org_failed(ErrorKind.SERVER_ERROR, wait)]
    async with running(poll) as here:
        assert here.next_in == 300


async def test_backoff_with_jitter_is_within_its_limit() -> None:
    """Jitter never makes a wait longer than the limit."""
    async with running([stopped(ErrorKind.EXPIRED)], jitter=1.0) as here:
        await here.clock.advance(3600)
        assert here.next_in <= MAX_BACKOFF.total_seconds()
        assert max(later - one for one, later in pairwise(here.script.begun)) <= MAX_BACKOFF.total_seconds()


@pytest.mark.parametrize("trouble", sorted(STEADY_ERRORS))
async def test_polls_keep_their_pace_without_a_network(trouble: ErrorKind) -> None:
    """Without a reply polls begin every minute, also after an hour, and a later back-off starts over."""
    polls = [[stopped(trouble)]] * 60
    async with running(*polls, [stopped(ErrorKind.THROTTLED)], takes=4, jitter=1.0) as here:
        await here.clock.advance(3604)
        assert [60.0 * number for number in range(61)] == here.script.begun
        assert here.next_in == 66


async def test_backoff_survives_an_endless_wait() -> None:
    """A wait beyond the calendar does not end the loop."""
    async with running([stopped(ErrorKind.THROTTLED, timedelta.max)]) as here:
        assert here.schedules[-1].next_at > after(86_400 * 300)


@pytest.mark.parametrize(("expected", "trouble"), [(300, ErrorKind.THROTTLED), (60, ErrorKind.NO_ROUTE)])
async def test_backoff_is_no_shorter_than_the_interval(expected: float, trouble: ErrorKind) -> None:
    """After a failed reply the interval holds; an unreachable server is retried earlier."""
    async with running([stopped(trouble)], interval=300) as here:
        assert expected == here.next_in


async def test_recovery_resets_the_back_off() -> None:
    """After a good poll the interval holds again, and the next failure waits a minute."""
    bad = [stopped(ErrorKind.THROTTLED)]
    async with running(bad, bad, [good()], bad) as here:
        await here.clock.advance(180)
        assert (here.next_in, here.schedules[-1].is_backing_off) == (60, False)
        await here.clock.advance(60)
        assert here.next_in == 60


@pytest.mark.parametrize(
    "poll",
    [
        [good(), org_failed(ErrorKind.SERVER_ERROR, timedelta(hours=1))],
        [stopped(ErrorKind.TIMEOUT), good()],
        [org_failed(ErrorKind.FORBIDDEN), good()],
    ],
)
async def test_one_failed_reply_is_no_failed_poll(poll: list[Reading]) -> None:
    """With any good reply, the failure of an org or of the account causes no back-off."""
    async with running(poll) as here:
        assert (here.next_in, here.schedules[-1].is_backing_off) == (60, False)


@pytest.mark.parametrize("trouble", [ErrorKind.THROTTLED, ErrorKind.EXPIRED, ErrorKind.CHALLENGE])
async def test_session_wide_failure_backs_off_beside_good_replies(trouble: ErrorKind) -> None:
    """A failure of every further request causes a back-off, although earlier ones succeeded."""
    wait = timedelta(seconds=500)
    async with running([good(), stopped(trouble, wait)]) as here:
        assert here.next_in == 500


# Resets and ends of locks.


@pytest.mark.parametrize(
    "report",
    [
        replied(after(30)),
        replied(after(99_999), after(30)),
        locked(after(30)),
        locked_beside(after(30)),
        OrgReading(Org("org-1", "Personal", paused_until=after(30)), replied().parts),
    ],
)
async def test_poll_follows_a_reset_or_the_end_of_a_lock(report: OrgReading) -> None:
    """A poll begins within five seconds after the change, and another one a minute later."""
    async with running([good(report)], [good()]) as here:
        await here.clock.advance(100)
        assert here.script.begun == [0, 33, 93]


@pytest.mark.parametrize("reset", [56, 58.5, 60])
async def test_poll_that_is_due_around_a_reset_waits_for_it(reset: float) -> None:
    """A poll due around a reset begins just after it: one poll, not two."""
    async with running([good(replied(after(reset)))], [good()]) as here:
        await here.clock.advance(100)
        assert [0, reset + 3] == here.script.begun
        assert 0 < here.script.begun[1] - reset <= 5


async def test_poll_during_a_reset_is_followed_by_another() -> None:
    """A reply requested before a reset may have the old figures."""
    async with running([good(replied(after(15)))], takes=20) as here:
        await here.clock.advance(50)
        assert here.script.begun == [0, 21]


@pytest.mark.parametrize("reset", [-9999, -3, 61, 99_999])
async def test_other_moments_change_nothing(reset: float) -> None:
    """A reset in the past, or after the next poll, causes no poll."""
    async with running([good(replied(after(reset)))]) as here:
        await here.clock.advance(60)
        assert here.script.begun == [0, 60]


@pytest.mark.parametrize("moment", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
async def test_moments_at_the_ends_of_the_calendar_are_harmless(moment: datetime) -> None:
    """Resets in the years 1 and 9999 raise no exception."""
    async with running([good(replied(moment), locked(moment))]) as here:
        await here.clock.advance(60)
        assert here.script.begun == [0, 60]


async def test_reset_is_kept_while_its_reply_fails() -> None:
    """A failed reply does not remove the reset of the last good one."""
    usage_failed = Failure(ErrorKind.TIMEOUT, Endpoint.USAGE, START)
    partly = OrgReading(ORG, {Endpoint.USAGE: usage_failed, **locked(after(9999)).parts})
    async with running([good(replied(after(80)))], [good(partly)]) as here:
        await here.clock.advance(85)
        assert here.script.begun == [0, 60, 83]


async def test_reset_of_a_removed_org_is_dropped() -> None:
    """An org that the list lacks causes no polls."""
    other = replied(org=Org("org-2", "Other"))
    listed = good(other, roster=(other.org,))
    async with running([good(replied(after(80)))], [listed]) as here:
        await here.clock.advance(119)
        assert here.script.begun == [0, 60]


# Clocks.


async def test_machine_that_slept_polls_at_once() -> None:
    """After a sleep, when the wall clock is far ahead, the next poll begins within five seconds."""
    async with running() as here:
        await here.clock.advance(10)
        here.clock.jump(3600)
        await here.clock.advance(5)
        assert here.script.begun == [0, 3615]


async def test_machine_that_slept_during_a_poll_polls_again() -> None:
    """A poll that spans a sleep is followed by another one within a minute."""
    async with running(takes=10) as here:
        here.clock.jump(3600)
        await here.clock.advance(12)
        assert here.script.begun == [0, 3611]


@pytest.mark.parametrize("back", [3600, 86_400 * 400])
async def test_clock_set_back_does_not_stall(back: float) -> None:
    """The next poll begins after the interval, whatever the wall clock shows."""
    async with running() as here:
        await here.clock.advance(20)
        here.clock.jump(-back)
        await here.clock.advance(40)
        assert [0, 60 - back] == here.script.begun
        await here.clock.advance(60)
        assert [0, 60 - back, 120 - back] == here.script.begun


async def test_clock_set_back_during_a_poll_does_not_stall() -> None:
    """The schedule is one interval from the earlier of the two times."""
    async with running(takes=10) as here:
        here.clock.jump(-3600)
        await here.clock.advance(10)
        assert here.next_in == 60


# Robustness.


@pytest.mark.parametrize(
    "trouble", [ErrorKind.EXPIRED, ErrorKind.TOKEN_INVALID, ErrorKind.TOKEN_SCOPE, ErrorKind.NO_ORGS]
)
async def test_failed_login_reopens_the_source(trouble: ErrorKind) -> None:
    """After a possible sign-in the old source is closed, and the next poll opens another one."""
    async with running([stopped(trouble)], [good()]) as here:
        assert (here.opened, here.script.closed) == (1, 1)
        here.poller.poll_now()
        await here.clock.advance(60)
        assert (here.opened, here.script.closed) == (2, 1)


@pytest.mark.parametrize("trouble", [one for one in ErrorKind if one not in SERVED])
async def test_loop_survives_every_problem(trouble: ErrorKind) -> None:
    """No failure of the session or of an org ends the polling."""
    async with running([stopped(trouble)], [org_failed(trouble)], [good()]) as here:
        await here.clock.advance(60 + 120)
        assert here.script.begun == ([0, 60, 120, 180] if trouble in STEADY_ERRORS else [0, 60, 180])
        assert here.next_in == 60


async def test_exception_in_a_poll_is_reported_and_survived() -> None:
    """An unexpected exception is a bug on screen, which the next full poll clears."""
    async with running([good()], ValueError("secret"), [good()]) as here:
        await here.clock.advance(60)
        failure = here.posted[-2].account
        assert isinstance(failure, Failure)
        assert (ErrorKind.BUG, after(60)) == (failure.error_kind, failure.at)
        assert "ValueError at " in failure.detail
        assert "secret" not in repr(failure) + failure.trace
        await here.clock.advance(60)
        assert here.script.full == [True, False, True]
        assert here.next_in == 60


async def test_exception_while_opening_is_reported_and_survived() -> None:
    """An unexpected exception of the opening is a bug on screen, too."""
    async with running(opening=lambda tries: KeyError("DBUS") if tries < 2 else None) as here:
        failure = here.posted[0].account
        assert isinstance(failure, Failure)
        assert ErrorKind.BUG is failure.error_kind
        await here.clock.advance(60)
        assert here.script.begun == [60]


async def test_cancelling_closes_the_source() -> None:
    """Cancelling a waiting poller closes every connection once and leaves no task."""
    async with running() as here:
        await here.clock.advance(70)
        await here.cancel()
        assert here.script.closed == 1


async def test_cancelling_during_a_poll_closes_the_source() -> None:
    """Cancelling a reading poller closes every connection once and leaves no task."""
    async with running(takes=10) as here:
        await here.clock.advance(5)
        await here.cancel()
        assert (here.script.closed, here.script.begun) == (1, [0])


async def test_wall_clock_is_aware_utc_and_sleeps() -> None:
    """The system clock is aware, in UTC, and moves forward."""
    clock = WallClock()
    before = clock.now()
    await clock.sleep(0)
    assert UTC is before.tzinfo
    assert before <= clock.now()


# Sources with their own pace.


class PacedScript(Script):
    """A source that requests its own polls."""

    interval = timedelta(seconds=180)
    next_at: datetime | None = None


async def paced(*polls: Poll, next_in: float | None = None) -> list[Schedule]:
    """Return the schedules of a poller over a source with its own pace, after one poll."""
    clock, posted = FakeClock(), list[Schedule]()
    script = PacedScript(clock, *polls)
    script.next_at = None if next_in is None else after(next_in)

    async def open_source() -> PacedScript:
        return script

    poller = Poller(open_source, clock=clock, jitter=lambda: 0.0)
    task = asyncio.create_task(poller.run(lambda one: posted.append(one.schedule) if one.schedule else None))
    await clock.advance(0)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    return posted


async def test_source_has_its_own_interval() -> None:
    """The source's interval separates its polls, and decides when its figures are stale."""
    (schedule,) = await paced()
    assert (after(180), timedelta(seconds=180)) == (schedule.next_at, schedule.interval)


@pytest.mark.parametrize("poll", [[good()], [stopped(ErrorKind.EXPIRED)], [stopped(ErrorKind.THROTTLED)]])
@pytest.mark.parametrize(("expected", "wanted"), [(30, 30), (900, 900), (1, -5), (1, 0)])
async def test_source_requests_its_next_poll(poll: list[Reading], expected: float, wanted: float) -> None:
    """The requested time counts after any result, but not before the least pause."""
    (schedule,) = await paced(poll, next_in=wanted)
    assert after(expected) == schedule.next_at
