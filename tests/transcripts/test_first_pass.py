"""The first reading of all transcripts is kept, also if there are none."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path

from claudemeter_tui.history.machine import read_machine
from claudemeter_tui.history.repair import open_or_repair
from claudemeter_tui.model.machine import MachineRequest, MachineUsage
from claudemeter_tui.transcript_process import TranscriptKeeper


def load(path: Path) -> MachineUsage:
    """Return what is kept."""
    found = read_machine(path, "https://claude.ai", None, MachineRequest(datetime.now(UTC), ()))
    assert found is not None
    return found


def test_reading_without_transcripts_is_kept_once(tmp_path: Path) -> None:
    """None found differs from not read yet."""
    path = tmp_path / "history.sqlite"
    keeper = TranscriptKeeper(path, tmp_path / "home", {})
    assert load(path).read_at is None
    open_or_repair(path, datetime.now(UTC))[0].close()
    assert keeper.mark_first_pass()
    assert list(keeper.read_changes(threading.Event(), everything=True)) == []
    kept = load(path)
    assert kept.is_empty
    assert kept.read_at is not None
    assert not keeper.mark_first_pass()
    assert load(path).read_at == kept.read_at
