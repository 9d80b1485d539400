"""`--export`: write rows of the archive, or an evidence bundle, to a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from claudemeter_tui.commands.archive_access import (
    ArchiveAccessError,
    RowsRequest,
    Selection,
    open_selection,
)
from claudemeter_tui.commands.progress import ProgressLine, build_progress_line
from claudemeter_tui.commands.stdout import EXIT_NOTHING_READ
from claudemeter_tui.formatting import SCHEMA_VERSION
from claudemeter_tui.formatting.export import (
    COLUMNS,
    TRANSCRIPT_KINDS,
    ExportKind,
    build_columns,
    format_csv_row,
)
from claudemeter_tui.history.export import Report
from claudemeter_tui.model.archive_rows import ArchiveRow
from claudemeter_tui.settings import SettingsError
from claudemeter_tui.storage import open_replacement


class ExportRequest(NamedTuple):
    """The rows to export, and the file."""

    path: Path
    """File to write; its suffix selects the format: .csv, .json, .ndjson or .zip."""
    kind: ExportKind
    """Rows of a file; a .zip has all of them."""
    rows: RowsRequest


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
        with open_selection(request.rows, needs_orgs=request.kind not in TRANSCRIPT_KINDS) as selection:
            _write_file(request, selection, now(), progress)
    except ArchiveAccessError as error:
        print_reason(f"--export: {error}")
        return EXIT_NOTHING_READ
    finally:
        progress.remove()
    return 0


def _write_file(request: ExportRequest, selection: Selection, now: datetime, progress: ProgressLine) -> None:
    path = request.path
    try:
        with open_replacement(path) as file:
            if path.suffix.lower() == ".zip":
                from claudemeter_tui.commands.evidence import write_bundle  # noqa: PLC0415 - rarely needed

                write_bundle(file, selection, now, progress.show)
            else:
                for text in format_document(request, selection, now, progress.show):
                    file.write(text.encode("utf-8"))
    except OSError as error:
        fault = (error.strerror or "cannot be written").lower()
        raise SettingsError(f"--export: {str(path)!r}: {fault}") from None


def format_document(
    request: ExportRequest, selection: Selection, now: datetime, report: Report
) -> Iterator[str]:
    """Yield the parts of a CSV, JSON or NDJSON file."""
    rows = selection.iterate(request.kind, report)
    match request.path.suffix.lower():
        case ".csv":
            yield from format_csv(request.kind, rows)
        case ".ndjson":
            start = {"schema_version": SCHEMA_VERSION, "what": request.kind}
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
