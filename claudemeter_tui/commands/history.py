"""`--history`: print the cycles and sums of the archive."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from claudemeter_tui.commands.archive_access import (
    ArchiveAccessError,
    RowsRequest,
    Selection,
    open_selection,
)
from claudemeter_tui.commands.once import write_line
from claudemeter_tui.commands.stdout import EXIT_NOTHING_READ
from claudemeter_tui.formatting.export import ExportKind
from claudemeter_tui.formatting.history_report import OrgHistory, format_history_json, format_history_text
from claudemeter_tui.model.archive_rows import CycleRow

DEFAULT_SPAN = timedelta(days=30)
"""Time before now that is printed if neither start nor end is given."""


def run_history(
    request: RowsRequest,
    now: Callable[[], datetime],
    print_reason: Callable[[str], None],
    *,
    as_json: bool = False,
) -> int:
    """Print cycles and sums; return the exit status: 0, or 4 if the archive cannot be read.

    Raises:
        SettingsError: No org matches, or standard output fails.
    """
    if request.since is None and request.until is None:
        request = request._replace(since=now() - DEFAULT_SPAN)
    try:
        with open_selection(request) as selection:
            histories = _collect(selection)
    except ArchiveAccessError as error:
        print_reason(f"--history: {error}")
        return EXIT_NOTHING_READ
    if as_json:
        write_line(format_history_json(histories, now(), request.since, request.until))
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
