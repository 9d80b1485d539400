"""`--history`: print the cycles and sums of the archive."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from claudemeter_tui.commands.archive_access import ArchiveAccessError, open_snapshot
from claudemeter_tui.commands.export import ExportRequest, Selection
from claudemeter_tui.commands.once import write_line
from claudemeter_tui.commands.stdout import EXIT_NOTHING_READ
from claudemeter_tui.formatting.export import ExportKind
from claudemeter_tui.formatting.history_report import OrgHistory, format_history_json, format_history_text
from claudemeter_tui.model.archive_rows import CycleRow

DEFAULT_SPAN = timedelta(days=30)
"""Time before now that is printed if neither start nor end is given."""


class HistoryRequest(NamedTuple):
    """The orgs and the span to print."""

    archive: Path
    origin: str
    """Origin of the server whose replies are kept."""
    org: str | None = None
    """Number, name or UUID of the only org. None for all."""
    since: datetime | None = None
    """None for everything before `until`, or without it for the last 30 days."""
    until: datetime | None = None
    """End of the span, not included. None for no limit."""
    is_private: bool = False
    """True to replace names by pseudonyms."""
    as_json: bool = False


def run_history(
    request: HistoryRequest, now: Callable[[], datetime], print_reason: Callable[[str], None]
) -> int:
    """Print cycles and sums; return the exit status: 0, or 4 if the archive cannot be read.

    Raises:
        SettingsError: No org matches, or standard output fails.
    """
    since = request.since
    if since is None and request.until is None:
        since = now() - DEFAULT_SPAN
    rows = ExportRequest(
        Path("-"),
        request.archive,
        request.origin,
        ExportKind.CYCLES,
        request.org,
        since,
        request.until,
        request.is_private,
    )
    try:
        with open_snapshot(request.archive, request.origin) as snapshot:
            histories = _collect(Selection(snapshot, rows))
    except ArchiveAccessError as error:
        print_reason(f"--history: {error}")
        return EXIT_NOTHING_READ
    if request.as_json:
        write_line(format_history_json(histories, now(), since, request.until))
    else:
        write_line(format_history_text(histories))
    return 0


def _collect(selection: Selection) -> list[OrgHistory]:
    histories = {
        owner.number: OrgHistory(shown)
        for owner, shown in zip(selection.owners, selection.redact_owners(), strict=True)
    }
    for row in selection.iterate(ExportKind.CYCLES, lambda _: None):
        if isinstance(row, CycleRow):
            histories[row.owner.number].cycles.append(row)
    for spending in selection.iterate_spending():
        histories[spending.owner.number].add_spending(spending)
    return list(histories.values())
