"""Exports of the archive: every format, exact amounts, hostile text, and nothing left behind."""

from __future__ import annotations

import csv
import errno
import hashlib
import io
import json
import os
import sqlite3
import stat
import subprocess
import sys
import time
import tracemalloc
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from claudemeter_tui.cli import main
from claudemeter_tui.commands.progress import ProgressLine
from claudemeter_tui.formatting.export import COLUMNS, ExportKind, format_csv_cell
from claudemeter_tui.history import export as archive_export
from claudemeter_tui.history.database import locate_archive, open_for_writing
from claudemeter_tui.history.export import ArchiveSnapshot
from claudemeter_tui.history.schema import VERSION
from claudemeter_tui.history.transcripts import sum_calls_before
from tests.history.export_cases import CLAUDE_AI, DAY, POLLS, START, fill, fill_transcripts, written
from tests.scenes import READ
from tests.transcripts.kept import COUNTS, PROJECT, build_call, build_refusal, keep

PERSONAL = "bbbbbbbb-0000-4000-8000-000000000001"
HOSTILE = '=HYPERLINK("http://evil.test")\x1b]0;owned\x07\0</td><script>alert(1)</script>' + chr(0x202E)
"""A name as no server should send it: a formula, an escape sequence, NUL, a script, reversed text."""
PLANTED = (
    PROJECT,
    "pat@example.com",
    "Acme Team",
    "Personal",
    PERSONAL,
    "aaaaaaaa-0000-4000-8000-000000000001",
)


csv.field_size_limit(10_000_000)


@pytest.fixture(autouse=True)
def archive() -> Path:
    """Return the path of a filled archive."""
    path = locate_archive()
    fill(path)
    return path


def export(folder: Path, name: str, *arguments: str) -> str:
    """Export to a file of this name; return its text."""
    path = folder / name
    assert main(["--export", str(path), *arguments]) == 0
    return path.read_bytes().decode("utf-8")


def rows_of(folder: Path, kind: str, *arguments: str) -> list[dict[str, Any]]:
    """Export to NDJSON; return the rows."""
    text = export(folder, f"{kind}.ndjson", "--what", kind, *arguments)
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("kind", list(ExportKind))
def test_all_formats_have_the_same_rows(kind: ExportKind, tmp_path: Path) -> None:
    """CSV, JSON and NDJSON have the same columns in the same order, and name the version of the schema."""
    lines = rows_of(tmp_path, kind)
    assert len(lines) > 1
    assert {line["schema_version"] for line in lines} == {1}
    document = json.loads(export(tmp_path, "a.json", "--what", kind))
    assert (document["schema_version"], document["what"], document["origin"]) == (1, kind, CLAUDE_AI)
    bare = [{name: line[name] for name in COLUMNS[kind]} for line in lines]
    assert document["rows"] == bare
    assert [tuple(row) for row in document["rows"]] == [COLUMNS[kind]] * len(bare)
    table = list(csv.reader(export(tmp_path, "a.csv", "--what", kind).splitlines()))
    assert table == [list(COLUMNS[kind]), *([format_csv_cell(row[name]) for name in row] for row in bare)]


def test_a_figure_has_its_reply_and_both_times(tmp_path: Path) -> None:
    """A window is from the usage reply of the same reading, the credits from the leading meter's reply."""
    rows = rows_of(tmp_path, "figures")
    by_name = {row["figure"]: row for row in rows}
    window = by_name["window:five_hour"]
    assert {name: window[name] for name in ("value", "unit", "endpoint", "status", "session")} == {
        "value": POLLS - 1,
        "unit": "%",
        "endpoint": "usage",
        "status": 200,
        "session": "Chrome, Default",
    }
    assert window["first_at"] == window["confirmed_at"] == window["reply_first_at"]
    assert window["resets_at"] == "2026-04-25T18:48:00.000Z"
    used = [row["endpoint"] for row in rows if row["figure"] == "used"]
    assert used == ["overage"] * POLLS
    assert (by_name["verdict"]["value"], by_name["verdict"]["cause"]) == ("blocked", "cap")
    assert (by_name["verdict"]["endpoint"], by_name["verdict"]["status"]) == (None, None)


def test_rows_of_the_real_derivation(tmp_path: Path) -> None:
    """Rows that the program itself derived from two hours of polls name their replies."""
    locate_archive().unlink()
    fill(locate_archive(), by_hand=False)
    rows = rows_of(tmp_path, "figures", "--org", "1")
    used = [row for row in rows if row["figure"] == "used"]
    assert [row["value"] for row in used] == [f"{10 + number / 10:.2f}" for number in range(POLLS)]
    assert {row["endpoint"] for row in used} == {"overage"}
    window = [row for row in rows if row["figure"] == "window:five_hour"]
    assert {(row["value"], row["endpoint"]) for row in window} == {(41, "usage")}
    cycles = {row["cycle"]: row for row in rows_of(tmp_path, "cycles", "--org", "1")}
    assert (cycles["month"]["peak"], cycles["month"]["endpoint"]) == ("11.10", "overage")
    assert (cycles["window:five_hour"]["peak"], cycles["window:five_hour"]["endpoint"]) == (41, "usage")


def test_money_has_the_digits_of_its_currency(tmp_path: Path) -> None:
    """Two digits for USD, none for JPY, three and more for a part of a Kuwaiti fils."""
    rows = {row["figure"]: row for row in rows_of(tmp_path, "figures")}
    found = {name: (rows[name]["value"], rows[name]["unit"]) for name in rows if name.startswith(("u", "b"))}
    assert found == {
        "used": ("11.10", "USD"),
        "used:overage_spend_limit": ("11.10", "USD"),
        "used:usage: spend": ("1720", "JPY"),
        "balance": ("-0.0125", "KWD"),
    }


def test_replies_are_as_sent_with_their_hash(tmp_path: Path) -> None:
    """The body is the exact text, and the hash is that of its bytes; failures follow with their kind."""
    rows = rows_of(tmp_path, "replies", "--org", "Personal")
    bodies = [row for row in rows if row["failure"] is None]
    assert {row["endpoint"] for row in bodies} >= {"usage", "overage"}
    for row in bodies:
        content = row["body"].encode()
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (row["sha256"], row["bytes"])
    used = [json.loads(row["body"])["used_credits"] for row in bodies if row["endpoint"] == "overage"]
    assert used == [1000 + 10 * number for number in range(POLLS)]
    assert [(row["failure"], row["failure_detail"]) for row in rows if row["failure"]] == [
        ("server error", "status 502")
    ]


def test_tokens_are_sums_of_hours(tmp_path: Path) -> None:
    """Summed and kept calls are together, by login, project, model and chain; an hour is in one span only."""
    rows = rows_of(tmp_path, "tokens")
    who = {"account": "pat@example.com", "org": "Personal", "org_uuid": PERSONAL}
    usual = {"schema_version": 1, "what": "tokens", "project": PROJECT, "variant": ""}
    counts = dict(zip(COLUMNS[ExportKind.TOKENS][9:-1], COUNTS, strict=True))
    double = {name: 2 * count for name, count in counts.items()}
    opus = {"model": "claude-opus-5", "subagent": False, "cache_rebuilt": 0}
    haiku = {"model": "claude-haiku-4-5", "subagent": True, "cache_rebuilt": 7}
    unknown = dict.fromkeys(who)
    assert rows == [
        usual | who | {"hour_at": "2026-04-25T14:00:00.000Z", "calls": 1} | haiku | counts,
        usual | who | {"hour_at": "2026-04-25T14:00:00.000Z", "calls": 1} | opus | counts,
        usual | who | {"hour_at": "2026-04-25T15:00:00.000Z", "calls": 2} | opus | double,
        usual | who | {"hour_at": "2026-04-25T16:00:00.000Z", "calls": 2} | opus | double,
        usual | unknown | {"hour_at": "2026-04-25T17:00:00.000Z", "calls": 1} | opus | counts,
    ]
    assert rows_of(tmp_path, "tokens", "--org", "1") == [row for row in rows if row["org"]]
    assert rows_of(tmp_path, "tokens", "--org", "2") == []
    before = rows_of(tmp_path, "tokens", "--until", "2026-04-25 15:30")
    assert [*before, *rows_of(tmp_path, "tokens", "--since", "2026-04-25 15:30")] == rows
    assert len(before) == 3


def test_every_refusal_is_a_row(tmp_path: Path) -> None:
    """With its limit, its reset and the lock of the credits; of an org only if the login was its own."""
    first, second = rows_of(tmp_path, "refusals")
    assert first == {
        "schema_version": 1,
        "what": "refusals",
        "account": "pat@example.com",
        "org": "Personal",
        "org_uuid": PERSONAL,
        "at": "2026-04-25T14:49:00.000Z",
        "project": PROJECT,
        "limit": "five_hour",
        "resets_at": "2026-04-25T15:49:00.000Z",
        "credits_status": "rejected",
        "credits_reason": "org_spend_cap_reached",
        "credits_until": None,
        "used_credits": False,
        "low_priority_offered": True,
    }
    assert (second["limit"], second["org_uuid"]) == ("overage", None)
    assert rows_of(tmp_path, "refusals", "--org", "1") == [first]
    assert rows_of(tmp_path, "refusals", "--since", "2026-04-25 15:00") == [second]
    assert rows_of(tmp_path, "refusals", "--until", "2026-04-25 14:49") == []


def test_transcripts_are_exported_without_any_org(archive: Path, tmp_path: Path) -> None:
    """The login names the org by its UUID if no session has read it."""
    archive.unlink()
    with written(archive) as connection:
        fill_transcripts(connection)
    assert {row["org_uuid"] for row in rows_of(tmp_path, "tokens")} == {PERSONAL, None}
    assert {row["org"] for row in rows_of(tmp_path, "refusals")} == {"", None}


def test_long_histories_of_transcripts_are_read_in_pages(archive: Path, tmp_path: Path) -> None:
    """Years of sums, with gaps, are in order and complete."""
    with written(archive) as connection:
        connection.execute("UPDATE transcript_state SET counted_until = 0")
        keep(connection, *(build_call(1000 + day, READ - day * 3 * DAY) for day in range(1, 300)), now=READ)
        refused = [build_refusal(1000 + day, READ - day * 5 * DAY) for day in range(1, 200)]
        keep(connection, refusals=refused, now=READ)
        sum_calls_before(connection, START - 86_400_000)
    hours = [row["hour_at"] for row in rows_of(tmp_path, "tokens")]
    assert (len(hours), hours) == (299 + 5, sorted(hours))
    times = [row["at"] for row in rows_of(tmp_path, "refusals")]
    assert (len(times), times) == (199 + 2, sorted(times))


def test_account_replies_are_left_out_for_one_org(tmp_path: Path) -> None:
    """A reply about the account lists its other orgs."""
    one = rows_of(tmp_path, "replies", "--org", "2")
    assert {row["org"] for row in one} == {"Acme Team"}
    assert "Personal" not in (tmp_path / "replies.ndjson").read_text("utf-8")
    assert "account" in {row["endpoint"] for row in rows_of(tmp_path, "replies")}


@pytest.mark.parametrize(
    ("expected", "arguments"),
    [
        (POLLS, ()),
        (6, ("--until", "2026-04-25 15:48")),
        (7, ("--since", "2026-04-25T15:38:00Z")),
        (POLLS, ("--since", "2026-04-25", "--until", "2026-04-25")),
        (0, ("--until", "2026-04-24")),
        (0, ("--since", "1h")),
    ],
)
def test_span_selects_rows(expected: int, arguments: tuple[str, ...], tmp_path: Path) -> None:
    """A row is in the span if its value held in it; the end is not included, and a date is a whole day."""
    rows = rows_of(tmp_path, "figures", *arguments)
    assert len([row for row in rows if row["figure"] == "used"]) == expected


def test_a_run_that_continues_into_the_span_is_in_it(archive: Path, tmp_path: Path) -> None:
    """A value that was first read before the start still held in the span."""
    with written(archive) as connection:
        connection.execute("UPDATE runs SET confirmed_at = confirmed_at + 599999")
    rows = rows_of(tmp_path, "figures", "--since", "2026-04-25 15:43")
    assert next(row["value"] for row in rows if row["figure"] == "used") == "10.50"


def test_files_are_private_and_replaced(tmp_path: Path) -> None:
    """Only the user can read an export; it replaces an older one as a whole, as --screenshot does."""
    path = tmp_path / "a.csv"
    path.write_text("old")
    path.chmod(0o644)
    export(tmp_path, "a.csv")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "old" not in path.read_text("utf-8")
    assert [one.name for one in tmp_path.iterdir()] == ["a.csv"]


@pytest.mark.parametrize(
    ("expected", "cell"),
    [
        ("-15.92", "-15.92"),
        ("-15.92", -15.92),
        ("'-1+2", "-1+2"),
        ("'=1", "=1"),
        ("' =1", " =1"),
        ("'+49", "+49"),
        ("'@SUM(A1)", "@SUM(A1)"),
        (r"'\t=1", "\t=1"),
        (r"'\r=1", "\r=1"),
        ("'＝1", "＝1"),
        (r"\u001b[31m\u0000\ud800", "\x1b[31m\0\ud800"),
        ("Zoë", "Zoë"),
        ("", None),
    ],
)
def test_csv_cells_are_harmless(expected: str, cell: Any) -> None:
    """No cell is a formula, and none has control characters; negative numbers stay numbers."""
    assert format_csv_cell(cell) == expected


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(HOSTILE, id="formula"),
        pytest.param("=" + "x" * 1_000_000, id="megabyte", marks=pytest.mark.slow),
        pytest.param("a\r\n=1+1", id="line"),
        pytest.param("\t=2", id="tab"),
        pytest.param("<b>&amp;", id="markup"),
    ],
)
def test_hostile_names_are_harmless_everywhere(name: str, archive: Path, tmp_path: Path) -> None:
    """No format has a raw control character or a formula, and the page has no markup of the server."""
    with written(archive) as connection:
        connection.execute("UPDATE orgs SET name = ? WHERE uuid = ?", (name, PERSONAL))
        connection.execute("UPDATE projects SET path = ?", (name,))
    for kind in ExportKind:
        text = export(tmp_path, "a.csv", "--what", kind)
        assert all(char.isprintable() or char in "\r\n" for char in text)
        assert not [cell for row in csv.reader(text.splitlines()) for cell in row if cell[:1] in ("=", "\t")]
        assert rows_of(tmp_path, kind)
        assert (tmp_path / f"{kind}.ndjson").read_bytes().isascii()
    assert rows_of(tmp_path, "figures")[0]["org"] == name
    assert {row["project"] for row in rows_of(tmp_path, "tokens")} == {name}
    export_zip = tmp_path / "a.zip"
    assert main(["--export", str(export_zip)]) == 0
    page = zipfile.ZipFile(export_zip).read("summary.html").decode("utf-8")
    assert len(page) < 100_000
    assert all(char.isprintable() or char == "\n" for char in page)
    assert [tag for tag in ("<script", "<b>", "&amp;amp;") if tag in page] == (
        ["&amp;amp;"] if name.startswith("<b>") else []
    )


def test_hostile_bodies_are_exact_in_json_and_harmless_in_csv(archive: Path, tmp_path: Path) -> None:
    """A body with raw control characters and a lone surrogate has its own hash."""
    body = '=1+1\x1b]0;owned\x07\0\r\n\t"<script>\ud800'
    raw = body.encode("utf-8", "surrogatepass")
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    with written(archive) as connection:
        packed = packer.compress(raw) + packer.flush()
        connection.execute("UPDATE replies SET dictionary_id = NULL, body = ?", (packed,))
    rows = rows_of(tmp_path, "replies", "--org", "2")
    assert {(row["body"], row["sha256"]) for row in rows} == {(body, hashlib.sha256(raw).hexdigest())}
    text = export(tmp_path, "a.csv", "--what", "replies", "--org", "2")
    assert "'=1+1\\u001b]0;owned\\u0007\\u0000\\r\\n\\t" in text
    private = rows_of(tmp_path, "replies", "--org", "2", "--privacy")
    assert {row["body"] for row in private} == {f"<{len(body)} characters that are not JSON>"}


def test_a_damaged_body_is_named(archive: Path, tmp_path: Path) -> None:
    """One damaged reply does not spoil the export; its row says so."""
    with written(archive) as connection:
        connection.execute("UPDATE replies SET body = x'FF00FF' WHERE first_at = ?", (START,))
    rows = rows_of(tmp_path, "replies")
    damaged = [row for row in rows if row["failure"] == "damaged in the archive"]
    assert damaged
    assert {(row["body"], row["sha256"]) for row in damaged} == {(None, None)}
    assert main(["--export", str(tmp_path / "a.zip")]) == 0


def unpack(path: Path) -> dict[str, bytes]:
    """Return the files of a bundle by their names."""
    with zipfile.ZipFile(path) as bundle:
        assert bundle.testzip() is None
        return {name: bundle.read(name) for name in bundle.namelist()}


@pytest.mark.parametrize("private", [False, True], ids=["plain", "private"])
def test_bundle_hashes_all_its_files(private: bool, tmp_path: Path) -> None:  # noqa: FBT001
    """The manifest and SHA256SUMS have the hash of each file, and each reply has the hash of its text."""
    path = tmp_path / "evidence.zip"
    assert main(["--export", str(path), *(["--privacy"] if private else [])]) == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    files = unpack(path)
    manifest = json.loads(files["manifest.json"])
    assert (manifest["schema_version"], manifest["replies_as_sent"]) == (1, not private)
    listed = {one["path"]: one["sha256"] for one in manifest["files"]}
    assert listed.keys() == files.keys() - {"manifest.json", "SHA256SUMS"}
    sums = {line[66:]: line[:64] for line in files["SHA256SUMS"].decode().splitlines()}
    assert sums == {
        name: hashlib.sha256(content).hexdigest() for name, content in files.items() if name != "SHA256SUMS"
    }
    assert sums.items() >= listed.items()
    lines = [
        json.loads(line)
        for name, content in files.items()
        if name.startswith("replies/")
        for line in content.splitlines()
    ]
    assert len(lines) > 50
    assert all(hashlib.sha256(line["body"].encode()).hexdigest() == line["sha256"] for line in lines)
    page = files["summary.html"].decode()
    assert ("not as the server sent them" in " ".join(page.split())) is private
    assert "They do not show authenticity" in page
    assert "&lt;" not in page
    found = [text for text in PLANTED for content in files.values() if text.encode() in content]
    assert bool(found) is not private


def test_bundle_has_chart_cycles_and_sums(tmp_path: Path) -> None:
    """Amounts of two currencies have sums of their own."""
    path = tmp_path / "evidence.zip"
    assert main(["--export", str(path)]) == 0
    page = unpack(path)["summary.html"].decode()
    assert page.count("<svg ") == 1
    assert "<td>42 JPY</td>" in page
    assert page.count("No credits and no cycles in this span.") == 1
    assert "<td>1.20 USD</td>" in page
    assert "<td>2026-04-25 13:48</td><td>1h</td><td>$1.20</td>" in page
    policy = "default-src 'none'; style-src 'sha256-"
    assert f'http-equiv="Content-Security-Policy" content="{policy}' in page
    assert [mark for mark in ("<script", "style=", "http://", "src=", "href=") if mark in page] == ["http://"]
    assert page.count("http://") == page.count('xmlns="http://www.w3.org/2000/svg"')


@pytest.mark.parametrize("kind", list(ExportKind))
def test_privacy_hides_every_name(kind: ExportKind, archive: Path, tmp_path: Path) -> None:
    """Names, e-mails and uuids get pseudonyms, figures and times stay; the saved setting does not apply."""
    with written(archive) as connection:
        connection.execute("UPDATE sessions SET profile = 'Zaphod'")
        connection.execute("UPDATE names SET name = 'window:zaphod_days' WHERE name = 'window:five_hour'")
        connection.execute("UPDATE failures SET detail = 'see /home/zaphod/x'")
        connection.execute("UPDATE names SET name = 'zaphod-model' WHERE name = 'claude-haiku-4-5'")
        connection.execute("UPDATE calls SET variant_id = model_id WHERE key = 1")
        connection.execute(
            "UPDATE refusals SET limit_name = 'zaphod', credits_status = 'zaphod', credits_reason = 'zaphod'"
            " WHERE key = 2"
        )
    plain = rows_of(tmp_path, kind)
    private = rows_of(tmp_path, kind, "--privacy")
    text = (tmp_path / f"{kind}.ndjson").read_text("utf-8")
    assert [word for word in (*PLANTED, "zaphod", "Zaphod") if word in text] == []
    assert len(private) == len(plain)
    kept = {
        "figures": ("value", "first_at"),
        "cycles": ("peak", "spent"),
        "events": ("at", "kind"),
        "tokens": ("hour_at", "input", "cache_read"),
        "refusals": ("at", "resets_at", "low_priority_offered"),
    }
    for one, other in zip(plain, private, strict=True):
        for name in kept.get(kind, ("first_at", "status", "count")):
            assert one[name] == other[name]
    assert {row["org"] for row in private} <= {"Org A", "Org B", None}


def test_saved_privacy_leaves_exports_unchanged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the flag applies: scripts get names whatever the screen shows."""
    monkeypatch.setenv("CLAUDEMETER_PRIVACY", "yes")
    assert rows_of(tmp_path, "figures")[0]["org"] == "Personal"
    assert rows_of(tmp_path, "figures", "--privacy")[0]["org"] == "Org A"


@pytest.mark.parametrize(
    ("expected", "arguments"),
    [
        ("--export: 'x.txt' must end in .csv, .json, .ndjson or .zip", "--export x.txt"),
        ("--export: '/none/here' is not an existing folder", "--export /none/here/x.csv"),
        (
            "--what: unknown rows 'all'; choose from figures, cycles, events, replies, tokens, refusals",
            "--export x.csv --what all",
        ),
        ("--what does not work with a .zip file, which has all rows", "--export x.zip --what cycles"),
        ("--what only works with --export", "--history --what cycles"),
        ("--since only works with --export or --history", "--once --since 1d"),
        ("--until only works with --export or --history", "--until 1d"),
        ("--since: 'yesterday' is not a time such as 2026-04-25, ", "--history --since yesterday"),
        ("--since: '2026-02-30' is not a time such as ", "--history --since 2026-02-30"),
        ("--until must be later than --since", "--history --since 1d --until 2d"),
        ("--export and --demo can't be combined", "--export x.csv --demo"),
        ("--history and --demo can't be combined", "--history --demo"),
        ("--export and --json can't be combined", "--export x.csv --json"),
        ("--export and --history can't be combined", "--export x.csv --history"),
        ("--org: unknown org 'Initech'; choose from 1 Personal (bbb", "--export x.csv --org Initech"),
    ],
)
def test_bad_arguments_are_one_line(
    expected: str,
    arguments: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A bad combination is refused with exit status 2, and no file is left."""
    monkeypatch.chdir(tmp_path)
    assert main(arguments.split()) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"claudemeter-tui: {expected}")
    assert list(tmp_path.iterdir()) == []


def damage(path: Path, state: str) -> None:
    """Bring an archive into a state in which it cannot be read."""
    if state == "missing":
        path.unlink()
    elif state == "damaged":
        path.write_bytes(b"no database" * 1000)
    elif state == "newer":
        with written(path) as connection:
            connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    else:
        path.unlink()
        open_for_writing(path).close()


@pytest.mark.parametrize(
    ("expected", "state"),
    [
        ("there is no history at", "missing"),
        ("is damaged (file is not a database)", "damaged"),
        ("is of a newer version of this program; update this one", "newer"),
        ("the history has no org of https://claude.ai yet", "empty"),
    ],
)
def test_an_archive_that_cannot_be_read_is_one_sentence(
    expected: str, state: str, archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command exits with 4 and leaves no file."""
    for one in archive.parent.iterdir():
        if one != archive:
            one.unlink()
    damage(archive, state)
    for command in ("--export", "x.zip"), ("--export", "x.csv"), ("--history",):
        assert main([str(tmp_path / word) if word.startswith("x") else word for word in command]) == 4
        out, err = capsys.readouterr()
        assert (out, err.count("\n"), expected in err) == ("", 1, True)
    assert list(tmp_path.iterdir()) == []


def test_damage_behind_the_first_pages_leaves_nothing(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An archive that is found to be damaged half-way gives one sentence, and the old file stays."""
    with written(archive) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'quarters'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with archive.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    (tmp_path / "a.zip").write_text("old")
    assert main(["--export", str(tmp_path / "a.zip")]) == 4
    assert "is damaged (database disk image is malformed)" in capsys.readouterr().err
    assert {one.name: one.read_text() for one in tmp_path.iterdir()} == {"a.zip": "old"}


def run(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the program in a process of its own, with warnings as errors."""
    command = [sys.executable, "-W", "error", "-m", "claudemeter_tui", *arguments]
    return subprocess.run(command, capture_output=True, check=False, text=True, timeout=60, **options)


@pytest.mark.parametrize("suffix", [".csv", ".json", ".ndjson", ".zip"])
def test_full_disk_is_one_sentence_and_leaves_nothing(suffix: str, archive: Path, tmp_path: Path) -> None:
    """A file that may not grow any more is removed, and an older one stays."""
    path = tmp_path / f"a{suffix}"
    path.write_text("old")

    def limit() -> None:
        import resource  # noqa: PLC0415 - Windows has none

        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))

    # Without compiled files, which the limit would cut off, too.
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    with written(archive):  # as a dashboard does: SQLite has its own files already
        done = run("--export", str(path), preexec_fn=limit, env=environment)
    expected = f"claudemeter-tui: --export: {str(path)!r}: file too large\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", expected)
    assert {one.name: one.read_text() for one in tmp_path.iterdir()} == {path.name: "old"}


def test_a_folder_that_is_not_writable_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the file."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("tempfile.mkstemp", refuse)  # the tests may run as root, who can write anywhere
    path = tmp_path / "a.csv"
    assert main(["--export", str(path)]) == 2
    assert capsys.readouterr().err == f"claudemeter-tui: --export: {str(path)!r}: permission denied\n"


INTERRUPTED = """
import os, signal, sys
from claudemeter_tui import __main__, interruption
from claudemeter_tui.history import export

folder = sys.argv[3]
original = export.ArchiveSnapshot.iterate_figures
def interrupted(*arguments):
    for number, row in enumerate(original(*arguments)):
        if number == 5:
            assert [one for one in os.listdir(folder) if one.startswith(".claudemeter-tui-")]
            os.kill(os.getpid(), signal.SIGINT)
        yield row
export.ArchiveSnapshot.iterate_figures = interrupted
sys.argv[1:] = sys.argv[1:3]
sys.exit(__main__.main())
"""


@pytest.mark.parametrize("suffix", [".csv", ".zip"])
def test_ctrl_c_leaves_nothing_behind(suffix: str, tmp_path: Path) -> None:
    """Ctrl+C in the middle exits with 130, prints nothing and leaves the old file."""
    path = tmp_path / f"a{suffix}"
    path.write_text("old")
    command = [sys.executable, "-c", INTERRUPTED, "--export", str(path), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, check=False, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
    assert {one.name: one.read_text() for one in tmp_path.iterdir()} == {path.name: "old"}


def iterate(snapshot: ArchiveSnapshot) -> Iterator[object]:
    """Yield all rows of a snapshot."""
    owners = snapshot.list_owners()
    for rows in (snapshot.iterate_figures, snapshot.iterate_cycles, snapshot.iterate_replies):
        yield from rows(owners, None, None, lambda _: None)
    yield from snapshot.iterate_events(owners, None, None, lambda _: None)
    yield from snapshot.iterate_spending(owners, None, None)
    yield from snapshot.iterate_tokens(None, None, None, lambda _: None)
    yield from snapshot.iterate_refusals(None, None, None, lambda _: None)


@pytest.mark.parametrize("page_rows", [1, 3, 500])
def test_a_snapshot_does_not_see_later_writes(
    page_rows: int, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is written between two rows, the rows are those of the moment of the snapshot."""
    with closing(ArchiveSnapshot(archive, CLAUDE_AI)) as snapshot:
        expected = list(iterate(snapshot))
    monkeypatch.setattr(archive_export, "PAGE_ROWS", page_rows)
    with closing(ArchiveSnapshot(archive, CLAUDE_AI)) as snapshot, written(archive) as connection:
        found = []
        for number, row in enumerate(iterate(snapshot)):
            found.append(row)
            if number == 2:
                write_later_rows(connection)
    assert found == expected


def write_later_rows(connection: sqlite3.Connection) -> None:
    """Write what a dashboard writes after a poll: rows end, continue and begin."""
    connection.executescript(
        """
        INSERT INTO runs SELECT * FROM open_runs;
        UPDATE open_runs SET first_at = first_at + 86400000, confirmed_at = confirmed_at + 86400000;
        UPDATE replies SET confirmed_at = confirmed_at + 86400000, count = count + 1 WHERE first_at =
            (SELECT max(first_at) FROM replies AS r WHERE (r.account_id, r.org_id, r.endpoint_id) =
            (replies.account_id, replies.org_id, replies.endpoint_id));
        INSERT INTO replies SELECT account_id, org_id, endpoint_id, max(first_at) + 172800000,
            max(first_at) + 172800000, 0, 0, 1, session_id, status, duration, dictionary_id, body
            FROM replies GROUP BY account_id, org_id, endpoint_id;
        INSERT INTO ended_cycles SELECT * FROM open_cycles;
        UPDATE open_cycles SET start_at = start_at + 86400000, peak = 1000000;
        INSERT INTO events (origin_id, org_id, at, kind_id, version, event)
            SELECT origin_id, org_id, at, kind_id, '', '' FROM events;
        UPDATE quarters SET rise = 777 WHERE start_at = (SELECT max(start_at) FROM quarters);
        INSERT INTO quarters SELECT org_id, figure_id, start_at + 86400000, unit, 1 FROM quarters;
        INSERT INTO calls SELECT key + 1000, at + 86400000, login_id, project_id, model_id, variant_id,
            is_sidechain, cache_miss_id, rebuilt, input, output, write_5m, write_1h, cache_read, web_searches
            FROM calls;
        INSERT INTO refusals SELECT key + 1000, at + 86400000, login_id, project_id, limit_name, resets_at,
            credits_status, credits_reason, credits_until, used_credits, offers_low_priority FROM refusals;
        """
    )


def test_no_reader_stays_open(archive: Path) -> None:
    """The log can be cut back between two rows, so that it never grows because of an export."""
    with closing(ArchiveSnapshot(archive, CLAUDE_AI)) as snapshot, written(archive) as connection:
        for number, _ in enumerate(iterate(snapshot)):
            if number % 10 == 0:
                connection.execute("UPDATE org_states SET at = at + 1")
                busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                assert (busy, archive.with_name(f"{archive.name}-wal").stat().st_size) == (0, 0)


def multiply_replies(archive: Path, times: int) -> None:
    """Repeat the usage replies of the first org until there are this many."""
    with written(archive) as connection:
        connection.execute("BEGIN")
        connection.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
            " INSERT INTO replies SELECT account_id, org_id, endpoint_id, first_at + i * 60000000,"
            " first_at + i * 60000000, 0, 0, 1, session_id, status, duration, NULL, zeroblob(0)"
            " FROM (SELECT * FROM replies WHERE org_id = 1 ORDER BY first_at LIMIT 1), n",
            (times,),
        )
        connection.execute("COMMIT")


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".csv", ".json", ".ndjson", ".zip"])
def test_memory_does_not_grow_with_the_archive(suffix: str, archive: Path, tmp_path: Path) -> None:
    """Ten times as many rows need the same memory."""
    peaks = []
    arguments = [
        "--export",
        str(tmp_path / f"a{suffix}"),
        *([] if suffix == ".zip" else ["--what", "replies"]),
    ]
    main(arguments)
    for times in (1_000, 10_000):
        multiply_replies(archive, times)
        tracemalloc.start()
        assert main(arguments) == 0
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        with written(archive) as connection:
            connection.execute("DELETE FROM replies WHERE first_at > ?", (START + 50_000_000,))
    assert peaks[1] < peaks[0] + 300_000


class Terminal(io.StringIO):
    """Standard error as a terminal, or not."""

    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__()
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        """Return the answer of the test."""
        return self._is_terminal


@pytest.mark.parametrize(
    ("expected", "is_terminal"),
    [(f"\r[{'#' * 15}{'-' * 15}] 50%\r[{'#' * 30}] 99%\r{' ' * 36}\r", True), ("", False)],
    ids=["terminal", "pipe"],
)
def test_progress_appears_after_a_second(expected: str, *, is_terminal: bool) -> None:
    """Nothing in the first second, then a line that is removed at the end; nothing without a terminal."""
    terminal, moments = Terminal(is_terminal=is_terminal), iter((0.0, 0.9, 1.0, 1.0, 1.1, 1.2, 1.2))
    line = ProgressLine(terminal, lambda: next(moments))
    for part in (0.3, 0.5, 0.6, 1.0):
        line.show(part)
    line.remove()
    assert terminal.getvalue() == expected


def test_progress_reaches_the_end(archive: Path) -> None:
    """The finished part never falls, and ends at 1 for each kind of rows."""
    with closing(ArchiveSnapshot(archive, CLAUDE_AI)) as snapshot:
        owners = snapshot.list_owners()
        for rows in (snapshot.iterate_figures, snapshot.iterate_cycles, snapshot.iterate_replies):
            parts: list[float] = []
            list(rows(owners, None, None, parts.append))
            assert parts == sorted(parts)
            assert parts[-1] == 1


def test_history_prints_cycles_and_sums(capsys: pytest.CaptureFixture[str]) -> None:
    """Each org has its tables; an org without rows says so, and currencies are never added."""
    assert main(["--history", "--since", "2026-04-01"]) == 0
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert "2026-04-25 09:48  2026-04-25 14:48             100%  2026-04-25 13:48  1h         $1.20" in lines
    assert "2026-04-25  JPY 42" in lines
    assert "2026-04-25  $1.20" in lines
    assert lines[lines.index("Acme Team · Team · pat@example.com") + 2] == (
        "no cycles and no spent credits in this span"
    )


def test_history_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    """The same as one JSON object, with decimal amounts."""
    assert main(["--history", "--json", "--since", "2026-04-01", "--org", "1"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema_version"] == 1
    (org,) = document["orgs"]
    assert org["spent"]["week"] == [
        {"from": "2026-04-20", "amount": "42", "at_most": "42", "currency": "JPY"},
        {"from": "2026-04-20", "amount": "1.20", "at_most": "1.20", "currency": "USD"},
    ]
    assert [(one["cycle"], one["peak"], one["end_source"]) for one in org["cycles"]] == [
        ("month", "11.10", "unknown"),
        ("window:five_hour", 100.0, "observed"),
        ("window:five_hour", 11.0, "reported"),
    ]


def test_history_covers_thirty_days_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a span, only the last 30 days are printed; the fixture's are older."""
    assert main(["--history"]) == 0
    assert "100%" not in capsys.readouterr().out


def test_history_hides_names_with_privacy(capsys: pytest.CaptureFixture[str]) -> None:
    """`--privacy` shows pseudonyms in text and JSON."""
    for arguments in ([], ["--json"]):
        assert main(["--history", "--privacy", "--since", "2026-04-01", *arguments]) == 0
        out = capsys.readouterr().out
        assert "Org A" in out
        assert [name for name in PLANTED if name in out] == []


def test_sums_follow_local_days(
    archive: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the end of summer time, an hour that occurs twice counts in one day of 25 hours."""
    night = int((READ.replace(month=10, hour=0, minute=0) - READ).total_seconds() * 1000) + START
    with written(archive) as connection:
        connection.execute("UPDATE quarters SET rise = 0")
        (org_id, figure_id) = connection.execute("SELECT org_id, figure_id FROM quarters LIMIT 1").fetchone()
        for quarter in range(-8 * 4, 30 * 4):
            row = org_id, figure_id, night + quarter * 900_000
            connection.execute("INSERT INTO quarters VALUES (?, ?, ?, 'USD:2', 100)", row)
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    assert main(["--history", "--json", "--since", "2026-10-25", "--until", "2026-10-25"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["orgs"][0]["spent"]["day"] == [
        {"from": "2026-10-25", "amount": "100.00", "at_most": "100.00", "currency": "USD"}
    ]


def test_credits_of_a_night_without_readings_are_a_range(
    archive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both days can have them, the week has them for certain."""
    with written(archive) as connection:
        key = connection.execute("SELECT org_id, figure_id FROM quarters LIMIT 1").fetchone()
        connection.execute(
            "INSERT INTO undated_rises VALUES (?, ?, ?, ?, 'USD:2', 340)",
            (*key, START + 24 * 3_600_000, START + 6 * 3_600_000),
        )
    assert main(["--history", "--since", "2026-04-01"]) == 0
    out = capsys.readouterr().out
    per_day, per_week = (
        out.partition(f"Credits per {kind}\n")[2].partition("\n\n")[0] for kind in ("day", "week")
    )
    assert [line.split()[1:] for line in per_day.splitlines()[1:]] == [
        ["JPY", "42"],
        ["$1.20", "to", "$4.60"],
        ["$0.00", "to", "$3.40"],
    ]
    assert [line.split()[1:] for line in per_week.splitlines()[1:]] == [["JPY", "42"], ["$4.60"]]


def test_times_of_exports_are_utc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A local date selects local days, and the rows are in UTC."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    rows = rows_of(tmp_path, "figures", "--since", "2026-04-26")
    assert rows[0]["first_at"].endswith("Z")
    assert min(row["confirmed_at"] for row in rows) >= "2026-04-25T15:00:00.000Z"
