"""`--export`: write rows of the archive, or an evidence bundle, to a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from claudemeter_tui import __version__
from claudemeter_tui.commands.archive_access import ArchiveAccessError, open_snapshot
from claudemeter_tui.commands.once import find_org
from claudemeter_tui.commands.progress import ProgressLine, build_progress_line
from claudemeter_tui.commands.stdout import EXIT_NOTHING_READ
from claudemeter_tui.formatting.export import (
    COLUMNS,
    EXPORT_SCHEMA_VERSION,
    ExportKind,
    build_columns,
    format_csv_row,
    format_exact_utc,
    format_optional_utc,
)
from claudemeter_tui.history.export import ArchiveSnapshot, Report
from claudemeter_tui.model.archive_rows import ArchiveRow, Owner, SpendingRow
from claudemeter_tui.privacy.archive_rows import Row, RowRedactor
from claudemeter_tui.settings import SettingsError
from claudemeter_tui.storage import open_replacement


class ExportRequest(NamedTuple):
    """The rows to export, and the file."""

    path: Path
    """File to write; its suffix selects the format: .csv, .json, .ndjson or .zip."""
    archive: Path
    """File of the archive."""
    origin: str
    """Origin of the server whose replies are exported."""
    kind: ExportKind = ExportKind.FIGURES
    """Rows of a file; a .zip has all of them."""
    org: str | None = None
    """Number, name or UUID of the only org. None for all."""
    since: datetime | None = None
    """Start of the span. None for everything before its end."""
    until: datetime | None = None
    """End of the span, not included. None for everything after its start."""
    is_private: bool = False
    """True to replace names by pseudonyms."""


class Selection:
    """The requested rows of an open archive, redacted if requested."""

    def __init__(self, snapshot: ArchiveSnapshot, request: ExportRequest) -> None:
        """Select the requested orgs.

        Raises:
            SettingsError: No org or several orgs match the requested one.
        """
        self.request = request
        self.snapshot = snapshot
        self.redactor = RowRedactor() if request.is_private else None
        owners = self.owners = snapshot.list_owners()
        if request.org is not None:
            index = find_org(
                [(owner.org.uuid, owner.org.name) for owner in owners if owner.org is not None], request.org
            )
            self.owners = (owners[index],)
        if self.redactor is not None:  # in the order of the screen, whatever the rows contain
            for owner in owners:
                self.redactor.redact_owner(owner)

    def iterate(self, kind: ExportKind, report: Report) -> Iterator[ArchiveRow]:
        """Yield the rows of a kind; failed requests come after the replies."""
        snapshot, span = self.snapshot, (self.request.since, self.request.until)
        rows: Iterable[ArchiveRow]
        match kind:
            case ExportKind.FIGURES:
                rows = snapshot.iterate_figures(self.owners, *span, report)
            case ExportKind.CYCLES:
                rows = snapshot.iterate_cycles(self.owners, *span, report)
            case ExportKind.EVENTS:
                rows = snapshot.iterate_events(self.owners, *span, report)
            case ExportKind.REPLIES:
                replies = snapshot.iterate_replies(self.owners, *span, report)
                rows = chain(replies, snapshot.iterate_failures(self.owners, *span, lambda _: None))
        return map(self.redact, rows)

    def redact(self, row: Row) -> Row:
        """Return the row, redacted if requested."""
        return row if self.redactor is None else self.redactor.redact_row(row)

    def iterate_spending(self) -> Iterator[SpendingRow]:
        """Yield the credits spent in each quarter of an hour; the owners are not redacted."""
        redactor, span = self.redactor, (self.request.since, self.request.until)
        for row in self.snapshot.iterate_spending(self.owners, *span):
            yield row if redactor is None else replace(row, amount=redactor.redact_money(row.amount))

    def redact_owners(self) -> list[Owner]:
        """Return the selected orgs, redacted if requested."""
        redactor = self.redactor
        return [owner if redactor is None else redactor.redact_owner(owner) for owner in self.owners]

    def build_header(self, now: datetime) -> dict[str, object]:
        """Return the facts about an export that its documents begin with."""
        request = self.request
        origin = request.origin if self.redactor is None else self.redactor.redact_origin(request.origin)
        return {
            "schema_version": EXPORT_SCHEMA_VERSION,
            "program": f"claudemeter-tui {__version__}",
            "exported_at": format_exact_utc(now),
            "origin": origin,
            "since": format_optional_utc(request.since),
            "until": format_optional_utc(request.until),
            "privacy": request.is_private,
        }


def run_export(
    request: ExportRequest, now: Callable[[], datetime], print_reason: Callable[[str], None]
) -> int:
    """Write the requested file; return the exit status: 0, or 4 if the archive cannot be read.

    An existing file is replaced as a whole, as `--screenshot` does.

    Raises:
        SettingsError: No org matches, or the file cannot be written; then an existing file is unchanged.
    """
    progress = build_progress_line()
    try:
        with open_snapshot(request.archive, request.origin) as snapshot:
            selection = Selection(snapshot, request)
            _write_file(selection, now(), progress)
    except ArchiveAccessError as error:
        print_reason(f"--export: {error}")
        return EXIT_NOTHING_READ
    finally:
        progress.remove()
    return 0


def _write_file(selection: Selection, now: datetime, progress: ProgressLine) -> None:
    path = selection.request.path
    try:
        with open_replacement(path) as file:
            if path.suffix.lower() == ".zip":
                from claudemeter_tui.commands.evidence import write_bundle  # noqa: PLC0415 - rarely needed

                write_bundle(file, selection, now, progress.show)
            else:
                for text in format_document(selection, now, progress.show):
                    file.write(text.encode("utf-8"))
    except OSError as error:
        fault = (error.strerror or "cannot be written").lower()
        raise SettingsError(f"--export: {str(path)!r}: {fault}") from None


def format_document(selection: Selection, now: datetime, report: Report) -> Iterator[str]:
    """Yield the parts of a CSV, JSON or NDJSON file."""
    request = selection.request
    rows = selection.iterate(request.kind, report)
    match request.path.suffix.lower():
        case ".csv":
            yield from format_csv(request.kind, rows)
        case ".ndjson":
            start = {"schema_version": EXPORT_SCHEMA_VERSION, "what": request.kind}
            yield from (f"{json.dumps(start | build_columns(row))}\n" for row in rows)
        case _:
            header = {**selection.build_header(now), "what": request.kind}
            yield f'{json.dumps(header, indent=1)[:-2]},\n "rows": ['
            separator = "\n"
            for row in rows:
                yield f"{separator}  {json.dumps(build_columns(row))}"
                separator = ",\n"
            yield "\n ]\n}\n"


def format_csv(kind: ExportKind, rows: Iterable[ArchiveRow]) -> Iterator[str]:
    """Yield the lines of a CSV file."""
    names = COLUMNS[kind]
    yield format_csv_row(names)
    for row in rows:
        columns = build_columns(row)
        yield format_csv_row([columns[name] for name in names])
