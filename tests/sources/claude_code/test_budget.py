"""The budget in its file: shared by processes, kept across restarts, careful where it cannot know."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from claudemeter_tui.sources.claude_code.budget import FILE, Budget, Leave
from claudemeter_tui.sources.claude_code.ledger import HOUR, MOST_AN_HOUR
from claudemeter_tui.sources.claude_code.lock import held
from tests.sources.claude_code.making import NOON, StillClock

TAKE = """
import sys
from datetime import datetime, timedelta
from pathlib import Path
from claudemeter_tui.sources.claude_code.budget import Budget
budget = Budget(Path(sys.argv[1]), lambda: datetime.fromisoformat(sys.argv[2]))
print("ready", flush=True)
sys.stdin.readline()
leave = budget.take()
print(leave.granted, leave.opens_at.isoformat())
"""


def at(seconds: float) -> Leave:
    """Leave that is not granted before so many seconds after noon."""
    return Leave(granted=False, opens_at=NOON + timedelta(seconds=seconds))


def granted(seconds: float = 180) -> Leave:
    """Leave that is granted, with the next one so many seconds after noon."""
    return Leave(granted=True, opens_at=NOON + timedelta(seconds=seconds))


def processes(folder: Path, number: int, now: str) -> list[list[str]]:
    """What so many processes are told that take leave at once: whether, and when the next one opens."""
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
    """Once, and then again after 180 s to the second."""
    clock = StillClock()
    budget = Budget(tmp_path, clock.now)
    assert granted() == budget.take()
    clock.later(179)
    assert at(180) == budget.take()
    clock.later(1)
    assert granted(360) == budget.take()


def test_budget_is_one_for_many_processes(tmp_path: Path) -> None:
    """Of dashboards that ask at one moment, one may; all know when it opens again."""
    outputs = processes(tmp_path, 4, NOON.isoformat())
    opens = (NOON + timedelta(seconds=180)).isoformat()
    assert [["False", opens]] * 3 + [["True", opens]] == sorted(outputs)


def test_budget_counts_what_another_process_asked(tmp_path: Path) -> None:
    """A restart, or a second dashboard, begins where the first one is."""
    clock = StillClock()
    assert granted() == Budget(tmp_path, clock.now).take()
    opens = (NOON + timedelta(seconds=180)).isoformat()
    assert [["False", opens]] == processes(tmp_path, 1, (NOON + timedelta(seconds=60)).isoformat())


def test_budget_keeps_a_refusal_across_restarts(tmp_path: Path) -> None:
    """The wait, and how long the next one will be."""
    clock = StillClock()
    budget = Budget(tmp_path, clock.now)
    budget.take()
    expected = Leave(granted=False, opens_at=NOON + timedelta(seconds=300), throttled=True)
    assert expected == budget.refused(None)
    assert expected == Budget(tmp_path, clock.now).take()
    clock.later(300)
    restarted = Budget(tmp_path, clock.now)
    assert restarted.take().granted
    assert clock.now() + timedelta(seconds=600) == restarted.refused(None).opens_at


def test_budget_forgets_refusals_after_an_answer(tmp_path: Path) -> None:
    """Of which a restart knows as well."""
    clock = StillClock()
    Budget(tmp_path, clock.now).refused(None)
    clock.later(300)
    Budget(tmp_path, clock.now).answered()
    assert clock.now() + timedelta(seconds=300) == Budget(tmp_path, clock.now).refused(None).opens_at


def test_budget_of_restarts_stays_below_the_hour(tmp_path: Path) -> None:
    """A script that starts every three minutes and asks twice is stopped before the server does."""
    clock, asked = StillClock(), 0
    for _ in range(20):
        asked += 2 * Budget(tmp_path, clock.now).take(2).granted
        clock.later(180)
    assert clock.now() - NOON == HOUR
    assert asked == MOST_AN_HOUR - 1


def test_budget_survives_a_clock_set_back(tmp_path: Path) -> None:
    """From when it is noticed it takes one pace, not a year."""
    clock = StillClock()
    Budget(tmp_path, clock.now).take()
    clock.later(-365 * 86_400)
    back = clock.now()
    assert back + timedelta(seconds=180) == Budget(tmp_path, clock.now).take().opens_at
    clock.later(180)
    assert Budget(tmp_path, clock.now).take().granted


def test_budget_opens_after_the_clock_jumped_ahead(tmp_path: Path) -> None:
    """As after a night of sleep."""
    clock = StillClock()
    Budget(tmp_path, clock.now).refused(timedelta(seconds=3600))
    clock.later(10 * 3600)
    assert Budget(tmp_path, clock.now).take().granted


@pytest.mark.parametrize("content", [b"{", b"\xff", b"null", b"[]" * 20_000, b"\0" * 40, b'{"asked": 5}'])
def test_budget_in_a_broken_file_begins_with_a_pause(tmp_path: Path, content: bytes) -> None:
    """Nobody knows who asked before; afterwards the file is whole again."""
    (tmp_path / FILE).write_bytes(content)
    clock = StillClock()
    assert at(180) == Budget(tmp_path, clock.now).take()
    clock.later(60)
    assert at(180) == Budget(tmp_path, clock.now).take()
    clock.later(120)
    assert granted(360) == Budget(tmp_path, clock.now).take()


def test_budget_without_a_file_keeps_count_alone(tmp_path: Path) -> None:
    """Where the state folder cannot be made it begins with a pause, then keeps the pace."""
    (tmp_path / "state").write_text("a file in the folder's place")
    clock = StillClock()
    budget = Budget(tmp_path / "state", clock.now)
    assert at(180) == budget.take()
    clock.later(180)
    assert granted(360) == budget.take()
    assert at(360) == budget.take()
    assert clock.now() + timedelta(seconds=1600) == budget.refused(timedelta(seconds=1600)).opens_at


def test_budget_that_somebody_holds_is_not_spent(tmp_path: Path) -> None:
    """A process that was stopped in the wrong moment holds nobody up, and nothing is asked meanwhile."""
    clock = StillClock()
    budget = Budget(tmp_path, clock.now, patience=0)
    with held(tmp_path / FILE):
        assert at(180) == budget.take()
    assert granted() == budget.take()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_budget_file_is_for_its_owner_only(tmp_path: Path) -> None:
    """Folders 0700, also those above, and the file 0600, whatever the umask and whatever it was before."""
    before = os.umask(0)
    try:
        Budget(tmp_path / "state" / "claudemeter", StillClock().now).take()
        file = tmp_path / "state" / "claudemeter" / FILE
        file.chmod(0o644)
        Budget(tmp_path / "state" / "claudemeter", StillClock().now).take()
    finally:
        os.umask(before)
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (file, file.parent, file.parent.parent)]
    assert modes == [0o600, 0o700, 0o700]


def test_budget_file_holds_times_and_counts_only(tmp_path: Path) -> None:
    """Nothing in it tells whose it is."""
    Budget(tmp_path, StillClock().now).take()
    expected = '{"asked": [1777118400.0], "refused_at": null, "hold": 0.0, "streak": 0}'
    assert expected == (tmp_path / FILE).read_text()
