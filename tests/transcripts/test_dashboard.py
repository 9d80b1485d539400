"""Transcripts beside a real dashboard: one event for each refusal, and no prompt and no cookie anywhere."""

from __future__ import annotations

import json
import os
import sys
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from claudemeter_tui.cli import main
from claudemeter_tui.formatting.export import ExportKind
from tests.bodies import PERSONAL, account_body
from tests.commands.test_once import org_routes
from tests.responses import Answer
from tests.server import LoopbackServer
from tests.terminal import Terminal, session_processes
from tests.transcripts.lines import call_line, refusal_line
from tests.transcripts.processes import Home

pytestmark = pytest.mark.pty

SECRET = "sk-ant-sid01-planted-marker"
PROGRAM = str(Path(sys.executable).parent / "claudemeter-tui")
TRACES = ("planted prompt", "src/lab", "pat/src")


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    """Start claude.ai on loopback with one org."""
    with LoopbackServer() as started:
        started.routes |= {"/api/account": Answer.json(account_body()), **org_routes(PERSONAL)}
        yield started


def find_readers(terminal: Terminal) -> list[int]:
    """Return the processes of the dashboard that read transcripts."""
    found = []
    for pid in session_processes(terminal.pid):
        with suppress(OSError):
            if b"claudemeter_tui.transcript_process" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
    return found


def find_traces(folder: Path, traces: tuple[str, ...]) -> list[str]:
    """Return each trace with the file that has it."""
    return [
        f"{trace} in {file.name}"
        for file in folder.rglob("*")
        if file.is_file()
        for trace in traces
        if trace.encode() in file.read_bytes()
    ]


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="reads the environment from /proc")
def test_a_refusal_is_one_event_without_names(server: LoopbackServer, tmp_path: Path) -> None:
    """In private mode, neither the screen, the report nor the user's command gets project or prompt."""
    home, written, saved = Home(tmp_path / "home"), tmp_path / "written.ndjson", tmp_path / "saved"
    saved.mkdir()
    reset = int((datetime.now(UTC) + timedelta(hours=1)).timestamp())

    def refuse(uuid: str, limit: str, **more: Any) -> dict[str, Any]:
        at = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
        limits = {"rateLimitType": limit, "resetsAt": reset}
        return refusal_line(
            timestamp=at, message={"id": uuid, "model": "<synthetic>"}, uuid=uuid, limits=limits, **more
        )

    environment = {
        "HOME": str(home.folder),
        "CLAUDEMETER_COOKIE": SECRET,
        "CLAUDEMETER_PRIVACY": "yes",
        "CLAUDEMETER_ON_EVENT": f"tee -a {written}",
        "CLAUDEMETER_PICTURES": str(saved),
    }
    with Terminal([PROGRAM, "--base-url", server.url], columns=120, rows=36, env=environment) as terminal:
        terminal.wait_for("$17.20 of $50.00")
        terminal.wait_for(lambda it: len(find_readers(it)) == 1)
        (reader,) = find_readers(terminal)
        variables = Path(f"/proc/{reader}/environ").read_bytes()
        assert SECRET.encode() not in variables
        assert b"CLAUDEMETER" not in variables
        home.write(refuse("passing", "seven_day", apiErrorIsTransient=True), call_line())
        home.write(refuse("first", "five_hour"), refuse("first", "five_hour"), refuse("again", "five_hour"))
        terminal.wait_for(lambda _: written.exists() and "five_hour" in written.read_text())
        home.write(refuse("first", "five_hour"), refuse("second", "overage"), name="copy/session.jsonl")
        terminal.wait_for(lambda _: '"overage"' in written.read_text())
        terminal.send("s")
        terminal.send("\r")
        terminal.wait_for(lambda _: len(list(saved.iterdir())) == 2)
        terminal.send("q")
        assert terminal.wait() == 0
        assert list(session_processes(terminal.pid)) == []
    events = [json.loads(line) for line in written.read_text().splitlines()]
    refused = [event for event in events if event["kind"] == "refused"]
    limits_found = [(one["after"], one["subject"]) for one in refused]
    assert limits_found == [("five_hour", "project 1"), ("overage", "project 1")]
    assert all("project 1" in one["text"] for one in refused)
    assert [trace for trace in TRACES if trace in written.read_text()] == []
    assert [trace for trace in TRACES if trace.encode() in terminal.raw] == []
    assert find_traces(saved, TRACES) == []
    assert find_traces(Path(os.environ["XDG_DATA_HOME"]), ("planted prompt",)) == []
    assert find_traces(Path(os.environ["XDG_STATE_HOME"]), TRACES) == []
    check_exports(tmp_path / "exports", server.url)


def check_exports(folder: Path, url: str) -> None:
    """Export everything in every format: never a prompt, and with --privacy no project either."""
    folder.mkdir()
    for privacy, traces in (((), TRACES[:1]), (("--privacy",), TRACES)):
        for kind in ExportKind:
            for suffix in ("csv", "json", "ndjson"):
                name = str(folder / f"{kind}.{suffix}")
                assert main(["--base-url", url, "--export", name, "--what", kind, *privacy]) == 0
        assert main(["--base-url", url, "--export", str(folder / "all.zip"), *privacy]) == 0
        with zipfile.ZipFile(folder / "all.zip") as bundle:
            bundle.extractall(folder)
        assert find_traces(folder, traces) == []
        assert bool(find_traces(folder, ("src/lab",))) is not bool(privacy)
