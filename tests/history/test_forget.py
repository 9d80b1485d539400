"""`--forget` really removes: no byte of the folder has a name, an UUID or a figure of the org any more."""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from claudemeter_tui import cli
from claudemeter_tui.history.bodies import BodyCompressor
from claudemeter_tui.history.database import ARCHIVE_NAME, open_for_writing, to_millis
from claudemeter_tui.history.repair import list_kept_orgs, open_or_repair, remove_history
from claudemeter_tui.history.schema import VERSION
from claudemeter_tui.model.account import Account
from claudemeter_tui.model.reading import Reading, Session
from claudemeter_tui.storage import UiState, load_ui_state, save_ui_state
from tests import bodies
from tests.bodies import org_body
from tests.history.recording import Recording, archive_path, read_everything
from tests.history.test_archive import CLAUDE_AI, build, put
from tests.scenes import LABORATORY, PERSONAL, READ, TEAM, OrgBodies, readings

OTHER_ACCOUNT = "aaaaaaaa-0000-4000-8000-000000000009"
OTHER_ORG = OrgBodies(org_body("bbbbbbbb-0000-4000-8000-000000000009", "Globex"))
OTHER_SESSION = Session("Chrome", "Work")
TRACES = (bodies.TEAM, "Acme Team")


def poll_all(minute: int = 0) -> Iterable[Reading]:
    """Return one poll of two accounts: one has three orgs, the other one."""
    at = READ + timedelta(minutes=minute)
    yield from readings(PERSONAL, TEAM, LABORATORY, at=at)
    for reading in readings(OTHER_ORG, at=at, session=OTHER_SESSION):
        who = reading.account
        if who is not None and not hasattr(who, "error_kind"):
            other = Account(OTHER_ACCOUNT, "sam@example.com")
            who = replace(who, value=other, text='{"uuid": "%s"}' % OTHER_ACCOUNT)  # noqa: UP031 - braces
        yield reading._replace(account=who)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a file with two polls of all orgs, where the program looks for it."""
    for variable in ("XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(variable, str(tmp_path))
    found = archive_path(tmp_path)
    connection = open_for_writing(found)
    put(build(connection), [*poll_all(), *poll_all(1)])
    connection.close()
    return found


def find_traces(folder: Path, traces: Iterable[str]) -> list[str]:
    """Return each trace that a file of the folder has, as it is or compressed."""
    found = [
        f"{trace} in {file.name}"
        for file in folder.rglob("*")
        if file.is_file()
        for trace in traces
        if trace.encode() in file.read_bytes()
    ]
    for file in folder.rglob(ARCHIVE_NAME):
        text = read_everything(file)
        found += [f"{trace} in a value" for trace in traces if trace in text]
    return found


def test_one_org_is_removed_and_the_others_stay(path: Path) -> None:
    """Its rows go, the lists of its account, too; every other reply is still there as it was sent."""
    connection = open_for_writing(path)
    before = {one.id: one.reply_count for one in list_kept_orgs(path, CLAUDE_AI)}
    connection.close()
    assert find_traces(path.parent, TRACES) != []
    (org,) = [one for one in list_kept_orgs(path, CLAUDE_AI) if one.uuid == bodies.TEAM]
    removed = remove_history(path, org, READ)
    assert find_traces(path.parent, TRACES) == []
    after = {one.id: one.reply_count for one in list_kept_orgs(path, CLAUDE_AI)}
    assert after == {key: count for key, count in before.items() if key != org.id}
    assert removed.reply_count == before[org.id] + 1  # and the account's
    assert {file.name for file in path.parent.iterdir()} == {ARCHIVE_NAME, "history.lock"}
    connection, _ = open_or_repair(path, READ)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    assert len(build(connection).load_states(READ)) == 3
    compressor = BodyCompressor(connection)
    rows = connection.execute("SELECT dictionary_id, body FROM replies").fetchall()
    assert all(compressor.decompress(*row).startswith(("{", "null")) for row in rows)
    connection.close()


def test_the_last_org_of_an_account_takes_the_account_with_it(path: Path) -> None:
    """No e-mail address and no browser profile of it stays."""
    (org,) = [one for one in list_kept_orgs(path, CLAUDE_AI) if one.name == "Globex"]
    remove_history(path, org, READ)
    assert find_traces(path.parent, (org.uuid, "Globex", OTHER_ACCOUNT, "sam@example.com", "Work")) == []
    assert len(list_kept_orgs(path, CLAUDE_AI)) == 3


@pytest.mark.parametrize("wanted", ["Acme Team", "acme team", bodies.TEAM])
def test_the_flag_removes_everywhere(
    path: Path, tmp_path: Path, wanted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The archive, files that were moved aside, cached figures and the org that was on screen last."""
    moved = path.with_name(f"{ARCHIVE_NAME}.damaged-2026-01-01-000000")
    moved.write_text("Acme Team")
    cached = path.with_name("kept-0123456789abcdef.json")
    cached.write_text("Acme Team")
    save_ui_state(path.parent, UiState("a-theme", (bodies.ACCOUNT, bodies.TEAM)))
    assert cli.main(["--forget", wanted, "--yes"]) == 0
    assert capsys.readouterr().out == f"Removed the history of Acme Team: 97 replies, and {moved.name}.\n"
    assert find_traces(tmp_path, TRACES) == []
    assert load_ui_state(path.parent) == UiState("a-theme", None)


def test_everything_is_removed(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All orgs of all accounts and servers; the theme stays."""
    save_ui_state(path.parent, UiState("a-theme", (bodies.ACCOUNT, bodies.PERSONAL)))
    assert cli.main(["--forget", "all", "--yes"]) == 0
    assert capsys.readouterr().out.startswith("Removed all history: ")
    traces = (bodies.TEAM, bodies.PERSONAL, bodies.ACCOUNT, OTHER_ACCOUNT, "example.com", "Globex", "usage")
    assert find_traces(tmp_path, traces) == []
    assert list_kept_orgs(path, CLAUDE_AI) == ()
    assert load_ui_state(path.parent) == UiState("a-theme", None)


def test_a_damaged_file_can_be_removed(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only with everything in it; for one org, the error says so."""
    path.write_bytes(b"Acme Team" * 1000)
    assert cli.main(["--forget", "Acme Team", "--yes"]) == 2
    assert "--forget all removes the file" in capsys.readouterr().err
    assert cli.main(["--forget", "all", "--yes"]) == 0
    assert find_traces(tmp_path, TRACES) == []


@pytest.mark.parametrize("target_name", [f"{ARCHIVE_NAME}.removed", ARCHIVE_NAME])
def test_a_killed_removal_leaves_a_whole_file(
    path: Path, target_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next start has either everything, or everything but the org; then it can be removed again."""
    (org,) = [one for one in list_kept_orgs(path, CLAUDE_AI) if one.uuid == bodies.TEAM]
    replace_file = Path.replace

    def stop(file: Path, target: Path) -> Path:
        if target.name == target_name:
            raise KeyboardInterrupt
        return replace_file(file, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", stop)
        with pytest.raises(KeyboardInterrupt):
            remove_history(path, org, READ)
    connection, moved_name = open_or_repair(path, READ)
    connection.close()
    assert moved_name is None
    kept = [one.uuid for one in list_kept_orgs(path, CLAUDE_AI)]
    assert len(kept) == (4 if bodies.TEAM in kept else 3)
    assert (find_traces(path.parent, TRACES) == []) is (bodies.TEAM not in kept)
    assert {file.name for file in path.parent.iterdir()} == {ARCHIVE_NAME, "history.lock"}


def test_a_newer_file_is_left_alone(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """This version does not know all that is in it."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    before = path.read_bytes()
    for wanted in ("all", "Acme Team"):
        assert cli.main(["--forget", wanted, "--yes"]) == 2
        assert "a newer version of claudemeter wrote the history" in capsys.readouterr().err
    assert path.read_bytes() == before


def test_without_a_history_nothing_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No folder is made."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "none"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert cli.main(["--forget", "all", "--yes"]) == 0
    assert not (tmp_path / "none").exists()


def test_an_unknown_org_is_refused_with_a_list(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The error has each org that is kept."""
    before = path.read_bytes()
    assert cli.main(["--forget", "Nowhere", "--yes"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("claudemeter-tui: --forget: unknown org 'Nowhere'; choose from Personal (")
    assert f", Acme Team ({bodies.TEAM})" in error
    assert cli.main(["--base-url", "http://127.0.0.1:1", "--forget", "Personal", "--yes"]) == 2
    assert "there is no history of http://127.0.0.1:1" in capsys.readouterr().err
    assert path.read_bytes() == before


def test_errors_name_the_file(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever keeps the history from being changed, the error says where it is."""
    path.write_bytes(b"no database" * 1000)
    assert cli.main(["--forget", "Personal", "--yes"]) == 2
    assert capsys.readouterr().err.startswith(f"claudemeter-tui: --forget: {path}: ")
    path.unlink()
    path.mkdir()
    assert cli.main(["--forget", "Personal", "--yes"]) == 2
    assert capsys.readouterr().err.startswith(f"claudemeter-tui: --forget: {path}: ")


def test_a_number_removes_nothing_but_an_org_of_that_name(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """After a removal the same number would be another org's."""
    before = path.read_bytes()
    assert cli.main(["--forget", "1", "--yes"]) == 2
    error = capsys.readouterr().err
    assert error.startswith(
        "claudemeter-tui: --forget: the number of an org can change, so use its name or UUID;"
    )
    assert f"choose from Personal ({bodies.PERSONAL}), Acme Team ({bodies.TEAM})" in error
    assert path.read_bytes() == before
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE orgs SET name = '1' WHERE uuid = ?", (bodies.TEAM,))
        connection.commit()
    assert cli.main(["--forget", "1", "--yes"]) == 0
    assert bodies.TEAM not in [org.uuid for org in list_kept_orgs(path, CLAUDE_AI)]


def test_without_a_terminal_it_needs_a_yes(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A script must not remove anything by a slip."""
    assert cli.main(["--forget", "Acme Team"]) == 2
    assert "add --yes" in capsys.readouterr().err
    assert find_traces(path.parent, TRACES) != []


class Typed(io.StringIO):
    """Standard input or output of a terminal."""

    def isatty(self) -> bool:
        """Return True, as of a terminal."""
        return True


@pytest.mark.parametrize(
    ("typed", "removes"), [("y\n", True), ("yes\n", True), ("\n", False), ("n\n", False), ("", False)]
)
def test_on_a_terminal_it_asks(
    path: Path, monkeypatch: pytest.MonkeyPatch, *, typed: str, removes: bool
) -> None:
    """The question names the org and the file; only yes means yes."""
    screen = Typed()
    monkeypatch.setattr("sys.stdin", Typed(typed))
    monkeypatch.setattr("sys.stdout", screen)
    assert cli.main(["--forget", "Acme Team"]) == 0
    printed = screen.getvalue()
    assert printed.startswith(f"Remove the history of Acme Team from {path}? [y/N] ")
    assert ("Nothing was removed." in printed) is not removes
    assert (find_traces(path.parent, TRACES) == []) is removes


def test_a_running_dashboard_does_not_bring_old_readings_back(path: Path) -> None:
    """Readings that wait to be written are dropped; new readings are kept as usual, without a problem."""
    recording = Recording()
    recording.recorder.wait_until_restored()
    (org,) = [one for one in list_kept_orgs(path, CLAUDE_AI) if one.uuid == bodies.TEAM]
    at = READ + timedelta(minutes=3)
    remove_history(path, org, at)
    assert find_traces(path.parent, TRACES) == []
    for minute in (2, 4):  # one batch, because no poll ends in it
        for reading in poll_all(minute):
            recording.recorder.record(reading._replace(schedule=None))
    assert recording.close() == []
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(
            "SELECT min(first_at), max(first_at) FROM replies JOIN orgs ON orgs.id = org_id WHERE uuid = ?",
            (bodies.TEAM,),
        ).fetchone()
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    assert rows == (to_millis(at + timedelta(minutes=1)),) * 2
