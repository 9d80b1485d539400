"""Read rows of the archive for a command, or say in one sentence why that is not possible."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from claudemeter_tui import __version__
from claudemeter_tui.commands.once import find_org
from claudemeter_tui.formatting import SCHEMA_VERSION
from claudemeter_tui.formatting.export import (
    ExportKind,
    format_exact_utc,
    format_optional_utc,
)
from claudemeter_tui.history.database import NewerArchiveError, is_damage, is_in_use
from claudemeter_tui.history.export import ArchiveSnapshot, Report
from claudemeter_tui.model.archive_rows import ArchiveRow, Owner, SpendingRow
from claudemeter_tui.model.org_rules import OrgRules
from claudemeter_tui.model.seats import note_accounts
from claudemeter_tui.privacy.archive_rows import Row, RowRedactor


class ArchiveAccessError(Exception):
    """Raised if the archive cannot be read; the text explains why to the user."""


class RowsRequest(NamedTuple):
    """Rows of the archive that a command reads."""

    archive: Path
    """File of the archive."""
    origin: str
    """Origin of the server whose replies are read."""
    org: str | None = None
    """Number, name or UUID of the only org. None for all."""
    since: datetime | None = None
    """Start of the span. None for everything before its end."""
    until: datetime | None = None
    """End of the span, not included. None for everything after its start."""
    is_private: bool = False
    """True to replace names by pseudonyms."""
    rules: OrgRules = OrgRules()
    """The settings about orgs; an ignored one keeps its rows."""


class Selection:
    """The requested rows of an open archive, redacted if requested."""

    def __init__(self, snapshot: ArchiveSnapshot, request: RowsRequest) -> None:
        """Select the requested orgs.

        Raises:
            SettingsError: No org or several orgs match the requested one.
        """
        self.request = request
        self.span = request.since, request.until
        self.snapshot = snapshot
        self.redactor = RowRedactor() if request.is_private else None
        owners = tuple(self._name_owner(owner) for owner in snapshot.list_owners())
        owners = tuple(sorted(owners, key=lambda owner: owner.org.sort_key if owner.org else (True, 0)))
        self.owners = owners
        if request.org is not None:
            known = [(owner.org, owner.account, "") for owner in owners if owner.org is not None]
            notes = zip(known, note_accounts(known), strict=True)
            names = [org.names._replace(account_note=note) for (org, *_), note in notes]
            index = find_org(names, request.org)
            self.owners = (owners[index],)
        self.login_owners = self.owners if request.org is not None else None
        """Orgs whose login of Claude Code is included. None for every login, known or not."""
        if self.redactor is not None:  # in the order of the screen, whatever the rows contain
            for owner in owners:
                self.redactor.redact_owner(owner)

    def _name_owner(self, owner: Owner) -> Owner:
        return owner if owner.org is None else owner._replace(org=self.request.rules.name_org(owner.org))

    def iterate(self, kind: ExportKind, report: Report) -> Iterator[ArchiveRow]:
        """Yield the rows of a kind; failed requests come after the replies."""
        snapshot, span = self.snapshot, self.span
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
            case ExportKind.TOKENS:
                rows = snapshot.iterate_tokens(self.login_owners, *span, report)
            case ExportKind.REFUSALS:
                rows = snapshot.iterate_refusals(self.login_owners, *span, report)
        return map(self.redact, rows)

    def redact(self, row: Row) -> Row:
        """Return the row, redacted if requested."""
        return row if self.redactor is None else self.redactor.redact_row(row)

    def iterate_spending(self) -> Iterator[SpendingRow]:
        """Yield the credits spent in each quarter of an hour; the owners are not redacted."""
        redactor = self.redactor
        for row in self.snapshot.iterate_spending(self.owners, *self.span):
            yield row if redactor is None else row._replace(amount=redactor.redact_money(row.amount))

    def redact_owners(self) -> list[Owner]:
        """Return the selected orgs, redacted if requested."""
        redactor = self.redactor
        return [owner if redactor is None else redactor.redact_owner(owner) for owner in self.owners]

    def build_header(self, now: datetime) -> dict[str, object]:
        """Return the facts about an export that its documents begin with."""
        request = self.request
        origin = request.origin if self.redactor is None else self.redactor.redact_origin(request.origin)
        return {
            "schema_version": SCHEMA_VERSION,
            "program": f"claudemeter-tui {__version__}",
            "exported_at": format_exact_utc(now),
            "origin": origin,
            "since": format_optional_utc(request.since),
            "until": format_optional_utc(request.until),
            "privacy": request.is_private,
        }


@contextmanager
def open_selection(request: RowsRequest, *, needs_orgs: bool = True) -> Iterator[Selection]:
    """Yield the requested rows of the archive as it is now.

    Args:
        request: the rows.
        needs_orgs: False if there can be rows although no org was read.

    Raises:
        SettingsError: No org or several orgs match the requested one.
        ArchiveAccessError: There is no archive, or it cannot be read, also if that shows only in the block.
    """
    place = repr(str(request.archive))
    try:
        with closing(ArchiveSnapshot(request.archive, request.origin)) as snapshot:
            if needs_orgs and not snapshot.list_owners():
                raise ArchiveAccessError(
                    f"the history has no org of {request.origin} yet; start the dashboard first"
                )
            yield Selection(snapshot, request)
    except FileNotFoundError:
        raise ArchiveAccessError(f"there is no history at {place} yet; start the dashboard first") from None
    except NewerArchiveError:
        raise ArchiveAccessError(
            f"the history at {place} is of a newer version of this program; update this one"
        ) from None
    except OSError as error:
        fault = (error.strerror or "cannot be read").lower()
        raise ArchiveAccessError(f"the history at {place} cannot be read ({fault})") from None
    except sqlite3.Error as error:
        text = f"the history at {place} cannot be read ({error})"
        if is_damage(error):
            text = f"the history at {place} is damaged ({error})"
        elif is_in_use(error):
            text = f"another process uses the history at {place}; try again"
        raise ArchiveAccessError(text) from None
