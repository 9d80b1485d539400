"""Several programs of one user make the requests of one."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.bodies import PERSONAL
from tests.history.shared_polls import (
    INTERVAL,
    KEY,
    OTHER_KEY,
    SAMS_KEY,
    CountingServer,
    Program,
    has_figure,
    write_profiles,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def server() -> Iterator[CountingServer]:
    """Start claude.ai."""
    with CountingServer() as started:
        yield started


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a home folder with one Firefox profile."""
    write_profiles(tmp_path, default=KEY)
    return tmp_path


def test_two_programs_make_the_requests_of_one(home: Path, server: CountingServer) -> None:
    """For three intervals the second one sends no request, and shows the same figures."""
    with Program(home, server) as first:
        first.wait_for(has_figure(1))
        with Program(home, server) as second:
            second.wait_for(has_figure(1))
            polls = server.count()
            for percent in range(polls + 1, polls + 4):
                shown = first.wait_for(has_figure(percent))
                followed = second.wait_for(has_figure(percent))
                assert (followed.figures, followed.next_at) == (shown.figures, shown.next_at)
            assert server.count("/account") == 1
            assert_spaced(server)


def test_another_program_polls_within_an_interval_after_a_kill(home: Path, server: CountingServer) -> None:
    """The lease of a killed process is free at once; the next poll is the one that it had planned."""
    with Program(home, server) as first:
        first.wait_for(has_figure(1))
        with Program(home, server) as second:
            second.wait_for(has_figure(2))
            first.kill(signal.SIGKILL)
            polls = server.count()
            server.wait_for_polls(polls + 1, INTERVAL.total_seconds() + 3)
            second.wait_for(has_figure(polls + 1))
            second.wait_for(has_figure(polls + 2))
            # A third one follows the second.
            with Program(home, server) as third:
                third.wait_for(has_figure(polls + 3))
            assert server.count("/account") == 2
            assert_spaced(server)


def test_a_program_that_ends_hands_the_account_over(home: Path, server: CountingServer) -> None:
    """After a clean end, the other one polls when the next poll is due."""
    with Program(home, server) as first, Program(home, server) as second:
        first.wait_for(has_figure(2))
        second.wait_for(has_figure(2))
        first.end()
        second.end()
        with Program(home, server) as third, Program(home, server) as fourth:
            polls = server.count()
            third.wait_for(has_figure(polls + 2))
            fourth.wait_for(has_figure(polls + 2))
            third.end()
            fourth.wait_for(has_figure(polls + 4))


def test_a_stopped_program_loses_the_account_and_follows_later(home: Path, server: CountingServer) -> None:
    """After SIGSTOP the other polls; after SIGCONT the first one follows and sends nothing."""
    with Program(home, server) as first:
        first.wait_for(has_figure(1))
        with Program(home, server) as second:
            second.wait_for(has_figure(1))
            first.kill(signal.SIGSTOP)
            polls = server.count()
            second.wait_for(has_figure(polls + 2))
            first.kill(signal.SIGCONT)
            polls = server.count()
            shown = first.wait_for(has_figure(polls + 3))
            assert second.wait_for(has_figure(polls + 3)).figures == shown.figures
            assert server.count("/account") == 2
            assert_spaced(server)


def test_a_request_of_a_follower_reaches_the_holder(home: Path, server: CountingServer) -> None:
    """`r` in a follower is a full poll of the holder, and none of its own."""
    with Program(home, server) as first, Program(home, server) as second:
        first.wait_for(has_figure(1))
        second.wait_for(has_figure(1))
        asked = server.count("/account")
        second.poll_now()
        server.wait_for(lambda _: server.count("/account") == asked + 1)
        second.wait_for(has_figure(server.count()))


def test_two_accounts_can_have_two_holders(tmp_path: Path, server: CountingServer) -> None:
    """Each account is polled by the program that read it first, and shown by both."""
    write_profiles(tmp_path, pat=KEY, sam=SAMS_KEY)
    with Program(tmp_path, server, "--browser", "Firefox:pat") as first:
        first.wait_for(has_figure(2))
        with Program(tmp_path, server, "--browser", "Firefox:sam") as second:
            second.wait_for(has_figure(2, "Sam's"))
            with Program(tmp_path, server) as third:
                third.wait_for(has_figure(4))
                third.wait_for(has_figure(4, "Sam's"))
                first.kill(signal.SIGKILL)
                polls = server.count(f"{PERSONAL}/usage")
                third.wait_for(has_figure(polls + 2))
            assert server.keys.count(KEY) > 0
            assert server.count("/account") == 3
            assert_spaced(server)


def test_a_follower_shows_failures_and_their_end(home: Path, server: CountingServer) -> None:
    """The problems of both programs are the same, and so are the events when a figure jumps."""
    with Program(home, server) as first, Program(home, server) as second:
        for program in (first, second):
            program.wait_for(has_figure(1))
        server.refused.add("usage")
        for program in (first, second):
            program.wait_for(lambda shown: "usage: server error" in shown.problems and bool(shown.next_at))
        server.refused.clear()
        for program in (first, second):
            program.wait_for(lambda shown: "usage: server error" not in shown.problems)
        server.base = 80
        shown = first.wait_for(has_figure(80))
        assert shown.events == second.wait_for(has_figure(80)).events != []


def test_one_shot_commands_take_recent_readings(home: Path, server: CountingServer) -> None:
    """While a program polls, `--once` sends no request; without one, it polls."""
    with Program(home, server) as first:
        first.wait_for(has_figure(2))
        with Program(home, server, "once") as once:
            once.wait_for(has_figure(2))
            once.wait()
        assert server.count("/account") == 1
    with Program(home, server, "once") as once:
        polls = server.count()
        once.wait_for(has_figure(polls + 1))
        once.wait()
    assert server.count("/account") == 2


def test_sessions_that_are_given_ask_for_their_account_first(home: Path, server: CountingServer) -> None:
    """The archive does not know which account a cookie file is for; after one request it follows."""
    (home / "cookie").write_text(SAMS_KEY)
    with (
        Program(home, server) as first,
        Program(home, server, "--cookie-file", str(home / "cookie")) as second,
    ):
        first.wait_for(has_figure(1))
        second.wait_for(has_figure(1, "Sam's"))
        (home / "other").write_text(KEY)
        with Program(home, server, "--cookie-file", str(home / "other")) as third:
            shown = third.wait_for(has_figure(server.count(f"{PERSONAL}/usage") + 1))
        assert shown.figures.keys() == {"Personal"}
        assert server.count("/account") == 3
        assert_spaced(server)


def test_a_session_that_expires_leaves_the_account_to_others(home: Path, server: CountingServer) -> None:
    """Another program takes over with its own session, and the first one then follows it."""
    (home / "cookie").write_text(OTHER_KEY)
    with Program(home, server, "--cookie-file", str(home / "cookie")) as first:
        first.wait_for(has_figure(1))
        with Program(home, server) as second:
            second.wait_for(has_figure(2))
            del server.accounts[OTHER_KEY]
            first.wait_for(lambda shown: "usage: session expired" in shown.problems)
            polls = server.count()
            second.wait_for(has_figure(polls + 2))
            first.poll_now()
            shown = first.wait_for(has_figure(polls + 4))
            assert shown.problems == second.wait_for(has_figure(polls + 4)).problems == []


def test_a_follower_notices_that_its_browser_changed_the_account(home: Path, server: CountingServer) -> None:
    """The holder has not noticed it yet when the follower starts; both end with the new account."""
    with Program(home, server) as first:
        first.wait_for(has_figure(1))
        write_profiles(home, default=SAMS_KEY)
        with Program(home, server) as second:
            second.wait_for(has_figure(1))
            first.poll_now()
            for program in (first, second):
                program.wait_for(lambda shown: shown.figures.keys() == {"Sam's"} and bool(shown.next_at))
            assert_spaced(server)


def test_without_a_usable_archive_every_program_polls(home: Path, server: CountingServer) -> None:
    """A folder in place of the file: both poll, as if they were alone."""
    (home / "data/claudemeter-tui/history.sqlite").mkdir(parents=True)
    with Program(home, server) as first, Program(home, server) as second:
        for program in (first, second):
            program.wait_for(has_figure(3))
        assert server.count("/account") == 2


def test_a_program_that_cannot_record_follows_one_that_can(home: Path, server: CountingServer) -> None:
    """After an interval without an append, the other one polls, and both show the same."""
    with Program(home, server, "unable") as first:
        first.wait_for(has_figure(1))
        with Program(home, server) as second:
            second.wait_for(has_figure(1))
            polls = server.count()
            first.wait_for(has_figure(polls + 2))
            polls = server.count()
            shown = first.wait_for(has_figure(polls + 3))
            assert second.wait_for(has_figure(polls + 3)).figures == shown.figures
            assert server.count("/account") == 2


def test_programs_that_cannot_record_poll_for_themselves(home: Path, server: CountingServer) -> None:
    """Neither of them waits for the other."""
    with Program(home, server, "unable") as first, Program(home, server, "unable") as second:
        for program in (first, second):
            program.wait_for(has_figure(4))
        for _ in range(3):
            polls = server.count()
            seen = [len(program.shown) for program in (first, second)]
            server.wait_for_polls(polls + 4, 3 * INTERVAL.total_seconds())
            for program, count in zip((first, second), seen, strict=True):
                program.wait_for(has_figure(polls + 1))
                assert len(program.shown) > count


def assert_spaced(server: CountingServer) -> None:
    """Check that no org was read twice within half an interval."""
    paths = {request.path for request in server.requests if request.path.endswith("/usage")}
    for path in paths:
        times = [request.at for request in server.requests if request.path == path]
        assert min(later - earlier for earlier, later in pairwise(times)) > INTERVAL.total_seconds() / 2
