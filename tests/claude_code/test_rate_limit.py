"""The budget in its file: shared by processes, kept across restarts, careful if its past is unknown."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from claudemeter_tui.claude_code.rate_limit import (
    HOUR,
    MAX_REQUESTS_PER_HOUR,
    RATE_LIMIT_FILE,
    RequestBudget,
    RequestPermit,
)
from tests.claude_code.fake_login import NOON, StillClock

TAKE = """
import sys
from datetime import datetime, timedelta
from pathlib import Path
from claudemeter_tui.claude_code.rate_limit import RequestBudget
budget = RequestBudget(Path(sys.argv[1]), lambda: datetime.fromisoformat(sys.argv[2]))
print("ready", flush=True)
sys.stdin.readline()
leave = budget.request_permit()
print(leave.is_granted, leave.next_allowed_at.isoformat())
"""


def at(seconds: float) -> RequestPermit:
    """Return a refused permission that opens so many seconds after noon."""
    return RequestPermit(is_granted=False, next_allowed_at=NOON + timedelta(seconds=seconds))


def granted(seconds: float = 180) -> RequestPermit:
    """Return a granted permission; the next one opens so many seconds after noon."""
    return RequestPermit(is_granted=True, next_allowed_at=NOON + timedelta(seconds=seconds))


def processes(folder: Path, number: int, now: str) -> list[list[str]]:
    """Ask for permission in so many processes at once; return what each was granted, and the next opening."""
    command = [sys.executable, "-c", TAKE, str(folder), now]
    started = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(number)
    ]
    for one in started:
        assert one.stdout
        assert one.stdout.readline() == "ready\n"
    for one in started:
        assert one.stdin
        one.stdin.write("go\n")
        one.stdin.flush()
    outputs = [one.communicate(timeout=60)[0].split() for one in started]
    assert [one.returncode for one in started] == [0] * number
    return outputs


def test_budget_grants_one_poll_a_pace(tmp_path: Path) -> None:
    """A poll is granted once, and then again after 180 s to the second."""
    clock = StillClock()
    budget = RequestBudget(tmp_path, clock.now)
    assert granted() == budget.request_permit()
    clock.later(179)
    assert at(180) == budget.request_permit()
    clock.later(1)
    assert granted(360) == budget.request_permit()


def test_budget_is_one_for_many_processes(tmp_path: Path) -> None:
    """Of several processes that ask at one moment one may poll, and all know when the budget opens again."""
    outputs = processes(tmp_path, 4, NOON.isoformat())
    opens = (NOON + timedelta(seconds=180)).isoformat()
    assert [["False", opens]] * 3 + [["True", opens]] == sorted(outputs)


def test_budget_counts_polls_of_other_processes(tmp_path: Path) -> None:
    """A restarted or second dashboard continues with the budget of the first one."""
    clock = StillClock()
    assert granted() == RequestBudget(tmp_path, clock.now).request_permit()
    opens = (NOON + timedelta(seconds=180)).isoformat()
    assert [["False", opens]] == processes(tmp_path, 1, (NOON + timedelta(seconds=60)).isoformat())


def test_budget_keeps_a_refusal_across_restarts(tmp_path: Path) -> None:
    """A restart keeps the wait after a refusal, and the length of the next wait."""
    clock = StillClock()
    budget = RequestBudget(tmp_path, clock.now)
    budget.request_permit()
    expected = RequestPermit(
        is_granted=False, next_allowed_at=NOON + timedelta(seconds=300), is_throttled=True
    )
    assert expected == budget.record_throttled(None)
    assert expected == RequestBudget(tmp_path, clock.now).request_permit()
    clock.later(300)
    restarted = RequestBudget(tmp_path, clock.now)
    assert restarted.request_permit().is_granted
    assert clock.now() + timedelta(seconds=600) == restarted.record_throttled(None).next_allowed_at


def test_budget_forgets_refusals_after_an_answer(tmp_path: Path) -> None:
    """A good reply clears the refusals, also for a restarted process."""
    clock = StillClock()
    RequestBudget(tmp_path, clock.now).record_throttled(None)
    clock.later(300)
    RequestBudget(tmp_path, clock.now).record_success()
    assert (
        clock.now() + timedelta(seconds=300)
        == RequestBudget(tmp_path, clock.now).record_throttled(None).next_allowed_at
    )


def test_budget_of_restarts_stays_below_the_hour(tmp_path: Path) -> None:
    """A script with two requests every three minutes is stopped before the server refuses."""
    clock, asked = StillClock(), 0
    for _ in range(20):
        asked += 2 * RequestBudget(tmp_path, clock.now).request_permit(2).is_granted
        clock.later(180)
    assert clock.now() - NOON == HOUR
    assert asked == MAX_REQUESTS_PER_HOUR - 1


def test_budget_survives_a_clock_set_back(tmp_path: Path) -> None:
    """After the clock was set back the next poll waits one pace, not a year."""
    clock = StillClock()
    RequestBudget(tmp_path, clock.now).request_permit()
    clock.later(-365 * 86_400)
    back = clock.now()
    assert (
        back + timedelta(seconds=180) == RequestBudget(tmp_path, clock.now).request_permit().next_allowed_at
    )
    clock.later(180)
    assert RequestBudget(tmp_path, clock.now).request_permit().is_granted


def test_budget_opens_after_the_clock_jumped_ahead(tmp_path: Path) -> None:
    """The budget opens after the clock jumped ahead, as after a night of sleep."""
    clock = StillClock()
    RequestBudget(tmp_path, clock.now).record_throttled(timedelta(seconds=3600))
    clock.later(10 * 3600)
    assert RequestBudget(tmp_path, clock.now).request_permit().is_granted


@pytest.mark.parametrize("content", [b"{", b"\xff", b"null", b"[]" * 20_000, b"\0" * 40, b'{"asked": 5}'])
def test_budget_with_a_broken_file_starts_with_a_pause(tmp_path: Path, content: bytes) -> None:
    """After a broken file the budget waits one pace and writes a valid file."""
    (tmp_path / RATE_LIMIT_FILE).write_bytes(content)
    clock = StillClock()
    assert at(180) == RequestBudget(tmp_path, clock.now).request_permit()
    clock.later(60)
    assert at(180) == RequestBudget(tmp_path, clock.now).request_permit()
    clock.later(120)
    assert granted(360) == RequestBudget(tmp_path, clock.now).request_permit()


def test_budget_without_a_file_counts_in_memory(tmp_path: Path) -> None:
    """If the state folder cannot be made, the budget starts with a pause and keeps the pace."""
    (tmp_path / "state").write_text("a file in the folder's place")
    clock = StillClock()
    budget = RequestBudget(tmp_path / "state", clock.now)
    assert at(180) == budget.request_permit()
    clock.later(180)
    assert granted(360) == budget.request_permit()
    assert at(360) == budget.request_permit()
    assert (
        clock.now() + timedelta(seconds=1600)
        == budget.record_throttled(timedelta(seconds=1600)).next_allowed_at
    )


HOLD = """
import sys
from pathlib import Path
from claudemeter_tui.storage import hold_lock
with hold_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""


def test_budget_is_not_spent_while_another_process_holds_it(tmp_path: Path) -> None:
    """No request is made meanwhile; a holder that is killed releases the budget."""
    command = [sys.executable, "-c", HOLD, str(tmp_path / RATE_LIMIT_FILE)]
    budget = RequestBudget(tmp_path, StillClock().now, patience=0)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        assert at(180) == budget.request_permit()
        holder.kill()
    assert granted() == budget.request_permit()


@pytest.mark.skipif(sys.platform == "win32", reason="modes are those of POSIX")
def test_budget_in_a_folder_that_takes_no_file_is_counted_alone(tmp_path: Path) -> None:
    """The lock cannot be made: a folder is in its place, since root may write anywhere."""
    (tmp_path / RATE_LIMIT_FILE).with_suffix(".lock").mkdir()
    budget = RequestBudget(tmp_path, StillClock().now)
    assert at(180) == budget.request_permit()
    assert not (tmp_path / RATE_LIMIT_FILE).exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_budget_file_is_for_its_owner_only(tmp_path: Path) -> None:
    """Folders have mode 0700 and the file 0600, whatever the umask and the modes were."""
    before = os.umask(0)
    try:
        RequestBudget(tmp_path / "state" / "claudemeter", StillClock().now).request_permit()
        file = tmp_path / "state" / "claudemeter" / RATE_LIMIT_FILE
        file.chmod(0o644)
        RequestBudget(tmp_path / "state" / "claudemeter", StillClock().now).request_permit()
    finally:
        os.umask(before)
    lock = file.with_suffix(".lock")
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (file, lock, file.parent, file.parent.parent)]
    assert modes == [0o600, 0o600, 0o700, 0o700]


def test_budget_file_holds_times_and_counts_only(tmp_path: Path) -> None:
    """The file does not identify its account."""
    RequestBudget(tmp_path, StillClock().now).request_permit()
    expected = '{"asked": [1777118400.0], "refused_at": null, "hold": 0.0, "streak": 0}'
    assert expected == (tmp_path / RATE_LIMIT_FILE).read_text()
