"""The rows from transcripts stay bounded, whole and private: sums, retention, repair and removal."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from claudemeter_tui.history.database import (
    ARCHIVE_NAME,
    ArchiveConnection,
    open_existing,
    open_for_writing,
    to_millis,
)
from claudemeter_tui.history.machine import load_login, query_machine
from claudemeter_tui.history.repair import list_kept_orgs, mark_damaged, open_or_repair, remove_history
from claudemeter_tui.history.retention import MEBIBYTE, remove_old_replies
from claudemeter_tui.history.transcripts import load_positions, load_refusals, sum_old_calls
from claudemeter_tui.model.machine import REFUSAL_DAYS, MachineRequest
from claudemeter_tui.model.transcripts import CALLS_DAYS
from tests.bodies import PERSONAL, TEAM
from tests.history.test_archive import CLAUDE_AI, build, put
from tests.scenes import PERSONAL as PERSONAL_ORG
from tests.scenes import READ, readings
from tests.scenes import TEAM as TEAM_ORG
from tests.transcripts.kept import PROJECT, build_call, build_refusal, keep, log_in, sum_everything

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SECRET = "/home/pat/src/secret-of-acme"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the place of an archive."""
    return tmp_path / "data" / ARCHIVE_NAME


@pytest.fixture
def connection(path: Path) -> Iterator[ArchiveConnection]:
    """Open it."""
    with closing(open_for_writing(path)) as opened:
        yield opened


def count_calls(connection: sqlite3.Connection) -> int:
    """Return the number of calls that are kept one by one."""
    (count,) = connection.execute("SELECT count(*) FROM calls").fetchone()
    return int(count)


def keep_year(connection: sqlite3.Connection, *, until: datetime = READ) -> None:
    """Keep calls of a year, of changing logins, projects, models and chains."""
    log_in(connection, until - 30 * DAY, until)
    for part in range(4):
        calls = [
            build_call(
                part * 1000 + day,
                until - day * DAY - part * 17 * MINUTE,
                model=f"claude-opus-{day % 3}",
                is_sidechain=day % 5 == 0,
                rebuilt=day,
            )
            for day in range(365)
        ]
        keep(connection, *calls, project=f"{PROJECT}-{part % 2}", now=until)


def test_old_calls_become_sums_and_nothing_is_lost(connection: sqlite3.Connection) -> None:
    """The sums of each hour are equal before and after, however often; newer calls stay one by one."""
    keep_year(connection)
    before = sum_everything(connection)
    for at in (READ, READ, READ + DAY):
        sum_old_calls(connection, at)
        assert sum_everything(connection) == before
    kept = connection.execute("SELECT min(at), count(*) FROM calls").fetchone()
    assert kept[0] >= to_millis(READ - CALLS_DAYS * DAY - HOUR)
    assert kept[1] == pytest.approx(4 * CALLS_DAYS, abs=4)


def test_sums_take_no_day_from_the_list_of_rebuilds(connection: sqlite3.Connection) -> None:
    """It covers the last 30 days, of which every call is kept one by one, even if a clock was a day ahead."""
    keep_year(connection)
    keep(connection, build_call(-1, READ + DAY), now=READ)
    before = query_machine(connection, None, MachineRequest(READ, (), UTC)).rebuilds
    assert len({one.day for one in before}) == REFUSAL_DAYS
    sum_old_calls(connection, READ)
    assert query_machine(connection, None, MachineRequest(READ, (), UTC)).rebuilds == before


def test_a_copy_of_an_old_call_counts_once(connection: sqlite3.Connection) -> None:
    """A resumed session repeats a call whose sum is kept: at its time, or some minutes later."""
    keep_year(connection)
    sum_old_calls(connection, READ)
    before = sum_everything(connection)
    copies = [build_call(day, READ - day * DAY, rebuilt=day) for day in range(CALLS_DAYS + 2, 365)]
    later = [build_call(day, READ - day * DAY + 9 * MINUTE) for day in range(CALLS_DAYS + 2, 365)]
    keep(connection, *copies, *later, now=READ)
    sum_old_calls(connection, READ)
    assert sum_everything(connection) == before


@pytest.mark.parametrize("days", [0, 1, 40])
def test_a_wrong_clock_loses_nothing(days: int, connection: sqlite3.Connection) -> None:
    """Calls that a clock far ahead has dated neither make others old nor keep later ones out."""
    keep_year(connection)
    wrong = READ.replace(year=READ.year + 3)
    for day in range(days + 1):
        keep(connection, build_call(10_000 + day, wrong + day * DAY), now=wrong + day * DAY)
        sum_old_calls(connection, wrong + day * DAY)
    right = READ + 11 * MINUTE
    keep(
        connection, *(build_call(20_000 + day, right + day * DAY) for day in range(90)), now=right + 90 * DAY
    )
    expected = sum_everything(connection)
    assert sum(one[0] for one in expected.values()) == 4 * 365 + days + 1 + 90
    for day in range(90):
        sum_old_calls(connection, right + day * DAY)
    assert sum_everything(connection) == expected
    kept = "SELECT count(*) FROM calls WHERE at < ?"
    assert connection.execute(kept, (to_millis(right + 28 * DAY),)).fetchone() == (0,)


def test_without_calls_of_the_last_days_nothing_is_summed(connection: sqlite3.Connection) -> None:
    """After a long pause, the first day does not decide."""
    keep(connection, *(build_call(day, READ - day * DAY) for day in range(70, 90)), now=READ)
    keep(connection, build_call(1, READ), now=READ)
    sum_old_calls(connection, READ)
    assert count_calls(connection) == 21
    keep(connection, build_call(2, READ + 25 * HOUR), now=READ + 25 * HOUR)
    sum_old_calls(connection, READ + 25 * HOUR)
    assert count_calls(connection) == 2


def test_the_archive_stays_within_its_size(connection: sqlite3.Connection, path: Path) -> None:
    """Calls become sums, the oldest days first, although there is no reply to remove."""
    count = 60 * 24 * 30
    keep(connection, *(build_call(number, READ - number * 2 * MINUTE) for number in range(count)), now=READ)
    before = sum_everything(connection)
    for _ in remove_old_replies(connection, path, days=90, max_mb=2, now=READ):
        pass
    assert path.stat().st_size <= 2 * MEBIBYTE
    assert 0 < count_calls(connection) < count
    assert sum_everything(connection) == before


def reopen_repaired(connection: ArchiveConnection, path: Path) -> ArchiveConnection:
    """Let the archive be repaired, as after damage that a reader met."""
    mark_damaged(connection)
    return open_or_repair(path, READ).connection


def test_a_repaired_archive_reads_transcripts_again(connection: ArchiveConnection, path: Path) -> None:
    """Rows stay, positions go; what was summed does not count twice, even without the row that says so."""
    keep_year(connection)
    keep(connection, refusals=[build_refusal(1, READ)])
    sum_old_calls(connection, READ)
    before = sum_everything(connection)
    connection.execute("DELETE FROM transcript_state")
    with closing(reopen_repaired(connection, path)) as repaired:
        assert sum_everything(repaired) == before
        assert load_positions(repaired) == {}
        assert len(load_refusals(repaired, READ - DAY, READ)) == 1
        keep_year(repaired)
        keep(repaired, refusals=[build_refusal(1, READ)])
        assert [one[0] for one in sum_everything(repaired).values()] == [one[0] for one in before.values()]
        assert len(load_refusals(repaired, READ - DAY, READ)) == 1


@pytest.mark.parametrize("table", ["logins", "projects", "names"])
def test_tokens_outlive_the_loss_of_their_names(
    table: str, connection: ArchiveConnection, path: Path
) -> None:
    """A sum whose login, project or model cannot be read any more is kept, as not known."""
    keep_year(connection)
    sum_old_calls(connection, READ)
    total = sum(one[0] for one in sum_everything(connection).values())
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
    with closing(reopen_repaired(connection, path)) as repaired:
        sums = sum_everything(repaired)
        place = {"logins": 1, "projects": 2, "names": 3}[table]
        assert {key[place] for key in sums} == {0}
        kept = sum(one[0] for one in sums.values())
    assert kept == total


def fill_two_orgs(connection: ArchiveConnection) -> None:
    """Keep polls of two orgs, and calls of a login of each, of none, and of a shared project."""
    put(build(connection), [*readings(PERSONAL_ORG, TEAM_ORG, at=READ - 3 * DAY)])
    log_in(connection, READ - 3 * DAY, READ - 2 * DAY, TEAM)
    log_in(connection, READ - DAY, READ, PERSONAL)
    times = {1: READ - 60 * HOUR, 2: READ - 30 * HOUR, 3: READ - 10 * HOUR}
    for key, at in times.items():
        refusals = [build_refusal(key, at, project=SECRET if key == 1 else PROJECT)]
        keep(connection, build_call(key, at), refusals=refusals, project=SECRET if key == 1 else PROJECT)
    keep(connection, build_call(4, READ - 59 * HOUR), project=PROJECT)


def repeat_all(connection: sqlite3.Connection) -> None:
    """Read everything again, as from copies in other transcripts."""
    for key, hours in ((1, 60), (2, 30), (3, 10), (4, 59)):
        at = READ - hours * HOUR
        keep(connection, build_call(key, at), refusals=[build_refusal(key, at)], project="/srv/copy")


def list_calls(connection: sqlite3.Connection) -> list[Any]:
    """Return the keys of the kept calls and refusals."""
    return [
        [row[0] for row in connection.execute(f"SELECT key FROM {table} ORDER BY key")]  # noqa: S608
        for table in ("calls", "refusals")
    ]


def test_an_org_takes_the_calls_of_its_login_with_it(connection: ArchiveConnection, path: Path) -> None:
    """So its refusals and its project; others stay, the positions too, and nothing comes back."""
    fill_two_orgs(connection)
    positions = load_positions(connection)
    connection.close()
    (org,) = [one for one in list_kept_orgs(path, CLAUDE_AI) if one.uuid == TEAM]
    remove_history(path, org, READ)
    with closing(open_existing(path)) as after:
        assert list_calls(after) == [[2, 3], [2, 3]]
        assert [row[0] for row in after.execute("SELECT path FROM projects")] == [PROJECT]
        assert {row[0] for row in after.execute("SELECT org FROM logins")} == {PERSONAL}
        names = {SECRET: ""}
        assert load_positions(after) == {
            row: one._replace(folder=names.get(one.folder, one.folder)) for row, one in positions.items()
        }
        assert SECRET.encode() not in b"".join(file.read_bytes() for file in path.parent.iterdir())
        repeat_all(after)
        assert list_calls(after) == [[2, 3], [2, 3]]
        at = READ + HOUR
        log_in(after, READ, at, TEAM)
        keep(after, build_call(9, at - MINUTE), now=at)
        assert list_calls(after) == [[2, 3, 9], [2, 3]]
        # A call of another login that was not read yet is not the org's.
        keep(after, build_call(10, READ - 5 * HOUR), now=at)
        assert list_calls(after) == [[2, 3, 9, 10], [2, 3]]


def test_everything_can_be_removed(connection: ArchiveConnection, path: Path) -> None:
    """Nothing older is read again, not even from the transcripts, whose positions are gone."""
    fill_two_orgs(connection)
    connection.close()
    remove_history(path, None, READ)
    with closing(open_existing(path)) as after:
        tables = ("calls", "call_hours", "refusals", "logins", "projects", "transcript_files")
        assert [after.execute(f"SELECT count(*) FROM {one}").fetchone() for one in tables] == [(0,)] * 6  # noqa: S608
        repeat_all(after)
        assert list_calls(after) == [[], []]
        assert after.execute("SELECT count(*) FROM projects").fetchone() == (0,)
        keep(after, build_call(9, READ + MINUTE), now=READ + HOUR)
        assert list_calls(after) == [[9], []]
    assert SECRET.encode() not in b"".join(file.read_bytes() for file in path.parent.iterdir())


def test_a_removed_org_hides_no_call_that_was_never_read(connection: ArchiveConnection, path: Path) -> None:
    """A removal before transcripts were ever read concerns none of them."""
    put(build(connection), [*readings(PERSONAL_ORG, TEAM_ORG, at=READ - 3 * DAY)])
    connection.close()
    (org,) = [one for one in list_kept_orgs(path, CLAUDE_AI) if one.uuid == TEAM]
    remove_history(path, org, READ)
    with closing(open_existing(path)) as after:
        keep(after, build_call(1, READ - HOUR), now=READ + HOUR)
        assert list_calls(after) == [[1], []]


def test_a_login_after_a_clock_that_was_ahead_is_the_current_one(connection: sqlite3.Connection) -> None:
    """Times that have not come yet end the old login, so that no call of the new one is counted for it."""
    log_in(connection, READ, READ + 3 * HOUR, PERSONAL)
    log_in(connection, READ + MINUTE, READ + 10 * MINUTE, TEAM)
    keep(connection, build_call(1, READ + 5 * MINUTE), now=READ + 10 * MINUTE)
    found = connection.execute("SELECT org FROM calls JOIN logins ON logins.id = login_id").fetchall()
    assert found == [(TEAM,)]
    login = load_login(connection)
    assert login is not None
    assert login.org == TEAM
