"""Totals per day and model are those of ccusage, but for differences that are named here."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from filelock import FileLock

from claudemeter_tui.model.transcripts import TokenCounts
from tests.ccusage import VARIABLE, MissingError, find_ccusage, parse_report, run_ccusage
from tests.kept_transcripts import build_keeper, create_archive, keep_changes, load_calls
from tests.transcript_files import Oddity, TrueCall, sum_by_day, write_transcripts

ZONES = ("UTC", "America/Los_Angeles", "Asia/Kolkata")
SEEN_BY_BOTH = (Oddity.WEB_SEARCH, Oddity.FAST)
SKIPPED_BY_CCUSAGE = (
    Oddity.NULL_ID,
    Oddity.NULL_VERSION,
    Oddity.NULL_SESSION,
    Oddity.NULL_MODEL,
    Oddity.NULL_COUNT,
    Oddity.BLANKS,
)
"""Calls that ccusage does not count. It skips a line with null in one of some fields, in any part of the
line, and one that does not have exactly `"usage":{`."""
Totals = dict[tuple[str, str], TokenCounts]


@pytest.fixture(scope="session")
def ccusage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the program, which the processes of one run install once."""
    # Tests in parallel have folders of their own below one of the run.
    folder = tmp_path_factory.getbasetemp().parent / "ccusage"
    try:
        with FileLock(f"{folder}.lock"):
            return find_ccusage(folder)
    except MissingError as error:
        pytest.skip(f"ccusage, which is compared with, is not there: {error}")


def sum_kept(archive: Path, zone: str) -> Totals:
    """Return the archive's totals in the form of ccusage's."""
    return join_writes(sum_by_day(load_calls(archive), ZoneInfo(zone)))


def join_writes(totals: Totals) -> Totals:
    """Return the totals without what ccusage does not tell apart or does not know."""
    return {
        key: counts._replace(write_5m=counts.written, write_1h=0, web_searches=0)
        for key, counts in totals.items()
    }


def choose(calls: Iterable[TrueCall], *oddities: Oddity) -> list[TrueCall]:
    """Return the calls with one of these oddities."""
    return [call for call in calls if call.oddity in oddities]


@pytest.mark.parametrize("zone", ZONES)
def test_totals_are_those_of_ccusage(tmp_path: Path, ccusage: Path, zone: str) -> None:
    """Both have the same totals per day and model if ccusage reads every line."""
    written = write_transcripts(tmp_path / "claude", files=100, size=10 << 20, oddities=SEEN_BY_BOTH)
    archive = create_archive(tmp_path / "history.sqlite")
    keep_changes(build_keeper(archive, written.config_folder))
    ours = sum_kept(archive, zone)
    assert len(ours) > 20
    assert ours == parse_report(run_ccusage(ccusage, written.config_folder, zone))


@pytest.mark.parametrize("oddity", SKIPPED_BY_CCUSAGE)
def test_calls_that_ccusage_skips_are_counted(tmp_path: Path, ccusage: Path, oddity: Oddity) -> None:
    """A difference is exactly the calls with this property, which we count and ccusage does not."""
    written = write_transcripts(tmp_path / "claude", files=40, oddities=(oddity,))
    archive = create_archive(tmp_path / "history.sqlite")
    keep_changes(build_keeper(archive, written.config_folder))
    calls = written.calls.values()
    assert choose(calls, oddity)
    assert sum_kept(archive, "UTC") == join_writes(sum_by_day(calls))
    theirs = [call for call in calls if call.oddity is None]
    assert parse_report(run_ccusage(ccusage, written.config_folder)) == join_writes(sum_by_day(theirs))


def test_long_context_is_the_same_model(tmp_path: Path, ccusage: Path) -> None:
    """`[1m]` behind a model's name is another model for ccusage, but not for us."""
    written = write_transcripts(tmp_path / "claude", files=40, oddities=(Oddity.LONG_CONTEXT,))
    archive = create_archive(tmp_path / "history.sqlite")
    keep_changes(build_keeper(archive, written.config_folder))
    calls = [
        call._replace(model=f"{call.model}[1m]") if call.oddity else call for call in written.calls.values()
    ]
    assert sum_kept(archive, "UTC") == join_writes(sum_by_day(written.calls.values()))
    assert parse_report(run_ccusage(ccusage, written.config_folder)) == join_writes(sum_by_day(calls))


def test_calls_without_request_are_counted_once(tmp_path: Path, ccusage: Path) -> None:
    """A call of many lines that names no request is one call for us, and ccusage counts its lines."""
    written = write_transcripts(tmp_path / "claude", files=100, size=10 << 20, oddities=(Oddity.NO_REQUEST,))
    archive = create_archive(tmp_path / "history.sqlite")
    keep_changes(build_keeper(archive, written.config_folder))
    assert sum_kept(archive, "UTC") == join_writes(sum_by_day(written.calls.values()))
    theirs = parse_report(run_ccusage(ccusage, written.config_folder)).values()
    assert sum(counts.total for counts in theirs) > sum(call.counts.total for call in written.calls.values())


def test_web_searches_are_counted(tmp_path: Path, ccusage: Path) -> None:
    """Web searches, which cost money, are counted by us and are not in the report of ccusage."""
    written = write_transcripts(tmp_path / "claude", files=40, oddities=(Oddity.WEB_SEARCH,))
    archive = create_archive(tmp_path / "history.sqlite")
    keep_changes(build_keeper(archive, written.config_folder))
    searched = sum(call.counts.web_searches for call in written.calls.values())
    assert searched > 0
    assert sum(call.counts.web_searches for call in load_calls(archive)) == searched
    assert "search" not in run_ccusage(ccusage, written.config_folder).lower()


def test_missing_npm_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without npm, the reason to skip says so."""
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingError, match="npm is missing"):
        find_ccusage(tmp_path)
