"""Write an evidence bundle: replies as they were sent, their hashes, all rows, and a summary."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import datetime
from itertools import groupby
from typing import IO

from claudemeter_tui.commands.archive_access import Selection
from claudemeter_tui.commands.export import format_csv
from claudemeter_tui.formatting import SCHEMA_VERSION
from claudemeter_tui.formatting.evidence import (
    AS_SENT_NOTE,
    INTEGRITY_NOTE,
    REDACTED_NOTE,
    EvidenceSummary,
)
from claudemeter_tui.formatting.export import (
    ExportKind,
    build_columns,
)
from claudemeter_tui.history.export import Report
from claudemeter_tui.model.archive_rows import ArchiveRow, CycleRow, FailureRow, FigureRow, ReplyRow

REPLIES_SHARE = 0.7
"""Part of the work that the replies are."""


TABLES = tuple(kind for kind in ExportKind if kind is not ExportKind.REPLIES)
"""Kinds of rows that are a file of their own."""


class _Bundle:
    """A zip file under construction, with the hash of each of its files."""

    def __init__(self, file: IO[bytes], now: datetime) -> None:
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED)
        self._now = now
        self.files: list[dict[str, str | int]] = []

    def write(self, name: str, parts: Iterable[str]) -> None:
        """Add a file of these parts of text."""
        info = zipfile.ZipInfo(name, self._now.timetuple()[:6])
        info.compress_type = zipfile.ZIP_DEFLATED
        info.external_attr = 0o600 << 16
        digest, size = hashlib.sha256(), 0
        with self._zip.open(info, "w", force_zip64=True) as entry:
            for part in parts:
                content = part.encode("utf-8")
                digest.update(content)
                size += len(content)
                entry.write(content)
        self.files.append({"path": name, "sha256": digest.hexdigest(), "bytes": size})

    def close(self) -> None:
        """Write the directory of the zip file."""
        self._zip.close()


def write_bundle(file: IO[bytes], selection: Selection, now: datetime, report: Report) -> None:
    """Write the bundle of the selected orgs and span to this file.

    Raises:
        OSError: The file cannot be written.
        sqlite3.Error: The archive cannot be read.
    """
    is_private = selection.request.is_private
    with closing(_Bundle(file, now)) as bundle:
        counts = _write_replies(bundle, selection, lambda part: report(part * REPLIES_SHARE))
        _write_tables(
            bundle, selection, counts, now, lambda part: report(REPLIES_SHARE + part * (1 - REPLIES_SHARE))
        )
        manifest = {
            **selection.build_header(now),
            "replies_as_sent": not is_private,
            "notes": [INTEGRITY_NOTE, REDACTED_NOTE if is_private else AS_SENT_NOTE],
            "files": bundle.files,
        }
        bundle.write("manifest.json", [json.dumps(manifest, indent=1), "\n"])
        bundle.write("SHA256SUMS", [f"{one['sha256']}  {one['path']}\n" for one in tuple(bundle.files)])


class _Counts:
    """Numbers of the written replies, for the summary."""

    replies = 0
    requests = 0
    failures = 0


def _write_replies(bundle: _Bundle, selection: Selection, report: Report) -> _Counts:
    """Write a file of lines for each org and endpoint."""
    counts = _Counts()
    accounts: dict[str, int] = {}

    def choose_file(row: ReplyRow) -> str:
        place = f"org-{row.owner.number}"
        if row.owner.org is None:
            place = f"account-{accounts.setdefault(row.owner.account.key, len(accounts) + 1)}"
        return f"replies/{place}/{re.sub('[^a-z0-9]+', '-', row.source.endpoint)[:40]}.ndjson"

    def format_lines(rows: Iterable[ReplyRow]) -> Iterator[str]:
        start = {"schema_version": SCHEMA_VERSION}
        for row in rows:
            counts.replies += 1
            counts.requests += row.count
            yield f"{json.dumps(start | build_columns(selection.redact(row)))}\n"

    replies = selection.snapshot.iterate_replies(selection.owners, *selection.span, report)
    for name, rows in groupby(replies, choose_file):
        bundle.write(name, format_lines(rows))
    return counts


def _write_tables(
    bundle: _Bundle, selection: Selection, counts: _Counts, now: datetime, report: Report
) -> None:
    """Write all other rows as CSV, and the summary."""
    summary = EvidenceSummary(_find_chart_span(selection))

    def add_rows(kind: ExportKind, place: int) -> Iterator[ArchiveRow]:
        for row in selection.iterate(kind, lambda part: report((place + part) / len(TABLES))):
            if isinstance(row, FigureRow):
                summary.add_figure(row)
            elif isinstance(row, CycleRow):
                summary.add_cycle(row)
            yield row

    for place, kind in enumerate(TABLES):
        bundle.write(f"{kind}.csv", format_csv(kind, add_rows(kind, place)))

    def count_failures() -> Iterator[FailureRow]:
        for row in selection.snapshot.iterate_failures(selection.owners, *selection.span, lambda _: None):
            counts.failures += row.count
            yield selection.redact(row)

    bundle.write("failures.csv", format_csv(ExportKind.REPLIES, count_failures()))
    for row in selection.iterate_spending():
        summary.add_spending(row)
    facts = {**selection.build_header(now), "replies": counts.replies}
    listed = [
        ("Made", str(facts["exported_at"])),
        ("By", str(facts["program"])),
        ("Server", str(facts["origin"])),
        ("Span", f"{facts['since'] or 'start of the history'} to {facts['until'] or 'the export'}"),
        ("Replies", f"{counts.replies:,} different ones from {counts.requests:,} requests"),
        ("Failed requests", f"{counts.failures:,} (failures.csv)"),
        ("Times", "UTC"),
    ]
    page = summary.iterate_html(selection.redact_owners(), listed, is_private=selection.request.is_private)
    bundle.write("summary.html", page)


def _find_chart_span(selection: Selection) -> tuple[datetime, datetime] | None:
    """Return the part of the requested span that has used credits; None if there is none."""
    found = selection.snapshot.find_used_span()
    if found is None:
        return None
    start, end = found
    since, until = selection.span
    return max(start, since) if since else start, min(end, until) if until else end
