"""A cold read of transcripts, killed again and again: each call is in the archive once."""

from __future__ import annotations

import random
import subprocess
import tempfile
from collections import Counter
from contextlib import suppress
from pathlib import Path

from claudemeter_tui.history.transcripts import hash_path
from claudemeter_tui.model.transcripts import READ_ONCE
from tests.soak.parts import Part
from tests.transcripts.lines import call_line, refusal_line
from tests.transcripts.processes import Home, ReadingProcess

FILES, CALLS = 60, 150
"""Number of transcripts, and of calls in each."""
PADDING = "x" * 3000
"""Text in each line: with it, the transcripts are some parts of a process that reads once."""
COUNTS: Counter[str] = Counter()


def kill_readers(chance: random.Random) -> None:
    """Kill processes that read, with new lines between; in the end each call and refusal is there once."""
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        expected = _write_transcripts(home)
        for turn in range(chance.randint(1, 6)):
            arguments = chance.choice([(), (READ_ONCE,)])
            with ReadingProcess(home, *arguments) as reader:
                with suppress(subprocess.TimeoutExpired):
                    reader.process.wait(chance.uniform(0.1, 1.2))
                reader.kill()
                COUNTS["kills"] += 1
            _check_archive(home, expected)
            home.write(*_list_lines(FILES + turn, 3), name=f"late/{chance.randrange(3)}.jsonl")
            expected += 3
        with ReadingProcess(home, READ_ONCE) as reader:
            assert reader.process.wait(120) == 0
        _check_archive(home, expected)
        assert home.count_calls() == expected
        assert home.query("SELECT count(*) FROM refusals") == [(FILES,)]
        assert home.query("SELECT sum(input), sum(output), sum(rebuilt >= 0) FROM calls") == [
            (5 * expected, 40 * expected, expected)
        ]


def _write_transcripts(home: Home) -> int:
    """Write transcripts with copies of each other's calls; return the number of different calls."""
    for number in range(FILES):
        lines = _list_lines(number, CALLS)
        copies = _list_lines((number + 1) % FILES, CALLS // 3)
        refusal = refusal_line(uuid=f"refusal-{number}", message={"id": f"refusal-{number}"})
        refusal["message"]["model"] = "<synthetic>"
        home.write(*lines, refusal, *copies, refusal, name=f"project-{number % 7}/{number}.jsonl")
    return FILES * CALLS


def _list_lines(number: int, count: int) -> list[dict[str, object]]:
    """Return calls of one transcript, each on two lines."""
    return [
        call_line(f"msg_{number}_{call}", f"req_{number}_{call}", padding=PADDING)
        for call in range(count)
        for _ in range(2)
    ]


def _check_archive(home: Home, most: int) -> None:
    """Check that the archive is sound, and that no position is beyond what was kept."""
    assert home.query("PRAGMA integrity_check") == [("ok",)]
    assert home.count_calls() <= most
    known = {hash_path(str(path)) for path in home.projects.rglob("*.jsonl") if path.parent.name != "late"}
    read = sum(row in known for (row,) in home.query("SELECT id FROM transcript_files"))
    assert home.count_calls() >= read * CALLS, "a file counts as read, but its calls are not kept"


PARTS = {"transcripts": Part(kill_readers, 100, COUNTS)}
