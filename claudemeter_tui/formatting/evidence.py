"""Write the summary of an evidence bundle as HTML without scripts, and nothing from outside."""

from __future__ import annotations

import base64
import hashlib
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from html import escape

from claudemeter_tui.formatting.export import format_decimal
from claudemeter_tui.formatting.history import format_cycle_name, list_cycle_cells
from claudemeter_tui.formatting.json_view import escape_invisible
from claudemeter_tui.formatting.svg_chart import MoneyChart
from claudemeter_tui.formatting.values import format_count
from claudemeter_tui.model.archive_rows import CycleRow, FigureRow, Owner, SpendingRow
from claudemeter_tui.model.history import CAP_FIGURE, USED_FIGURE, CreditSums, HistoryCycle, PeriodKind
from claudemeter_tui.model.money import Money

MAX_LISTED_CYCLES = 200
"""Cycles of one kind and org that the summary lists; `cycles.csv` has all."""
MAX_TEXT = 120
"""Characters of a name in the summary."""
INTEGRITY_NOTE = (
    "The SHA-256 values show integrity within the bundle: no file and no reply has changed since the bundle"
    " was made. They do not show authenticity: claude.ai does not sign its replies, so no file can prove who"
    " sent them."
)
AS_SENT_NOTE = (
    "Each line of a file below replies/ is one reply: its body as the server sent it, the times of the"
    " requests and the SHA-256 of the body in UTF-8. Replies are lines of one file per org and endpoint,"
    " because a month has tens of thousands of them: as files of their own they would be larger and slow to"
    " open."
)
REDACTED_NOTE = (
    "Names, e-mails, ids and unknown texts are replaced by pseudonyms (--privacy). The replies are therefore"
    " not as the server sent them, and the SHA-256 values are those of the redacted texts."
)
CHECK_NOTE = "To check the files, unpack the bundle and run: sha256sum -c SHA256SUMS"

_STYLE = """
body { font: 15px/1.45 sans-serif; color: #222; background: #fff; max-width: 960px; margin: 2em auto; }
h1 { font-size: 1.5em; } h2 { margin-top: 2em; border-bottom: 1px solid #ccc; } h3 { font-size: 1em; }
table { border-collapse: collapse; font-size: 13px; } th, td { padding: 2px 10px 2px 0; text-align: left; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
tr + tr td { border-top: 1px solid #eee; } svg { max-width: 100%; height: auto; }
td, p, h2 { overflow-wrap: anywhere; } code { font-size: 12px; }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
CONTENT_POLICY = f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'"
"""Content security policy: no script, no request, and only the style of the page itself."""


class EvidenceSummary:
    """Collects the rows of a bundle and writes their summary; its size does not depend on their number."""

    def __init__(self, span: tuple[datetime, datetime] | None) -> None:
        """Collect rows whose used credits are within this span; None if there are none."""
        self._span = span
        self._charts: dict[tuple[int, tuple[str, int]], MoneyChart] = {}
        self._cycles: dict[tuple[int, str], deque[HistoryCycle]] = {}
        self._cycle_counts: dict[tuple[int, str], int] = defaultdict(int)
        self._sums: dict[int, CreditSums] = defaultdict(CreditSums)

    def add_figure(self, row: FigureRow) -> None:
        """Add a figure to its chart if it is an amount of used credits or their cap."""
        if (
            row.figure not in (USED_FIGURE, CAP_FIGURE)
            or not isinstance(row.value, Money)
            or self._span is None
        ):
            return
        key = row.owner.number, row.value.unit
        chart = self._charts.setdefault(key, MoneyChart(*self._span, row.value.unit))
        add = chart.add_used if row.figure == USED_FIGURE else chart.add_cap
        add(row.first_at, row.confirmed_at, row.value)

    def add_cycle(self, row: CycleRow) -> None:
        """Add a cycle to its table."""
        key = row.owner.number, row.cycle.figure
        self._cycles.setdefault(key, deque(maxlen=MAX_LISTED_CYCLES)).append(row.cycle)
        self._cycle_counts[key] += 1

    def add_spending(self, row: SpendingRow) -> None:
        """Add spent credits to the sum of their day in UTC; currencies have sums of their own."""
        since = row.since.astimezone(UTC).date() if row.since is not None else None
        self._sums[row.owner.number].add(row.start_at.astimezone(UTC).date(), row.amount, since=since)

    def iterate_html(
        self, owners: Iterable[Owner], facts: Iterable[tuple[str, str]], *, is_private: bool
    ) -> Iterator[str]:
        """Yield the page in parts.

        Args:
            owners: the orgs of the bundle.
            facts: names and texts for the table at the beginning.
            is_private: True if names are replaced by pseudonyms.
        """
        yield (
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            f'<meta http-equiv="Content-Security-Policy" content="{CONTENT_POLICY}">\n'
            '<meta name="referrer" content="no-referrer">\n'
            f"<title>claude.ai usage: evidence bundle</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
            "<h1>claude.ai usage: evidence bundle</h1>\n"
        )
        yield _format_table((), (tuple(fact) for fact in facts))
        for note in (REDACTED_NOTE if is_private else "", AS_SENT_NOTE, INTEGRITY_NOTE, CHECK_NOTE):
            if note and not (is_private and note is AS_SENT_NOTE):
                yield f"<p>{escape(note)}</p>\n"
        for owner in owners:
            yield from self._iterate_org(owner)
        yield "</body>\n</html>\n"

    def _iterate_org(self, owner: Owner) -> Iterator[str]:
        org, account = owner.org, owner.account
        name = org.display_name if org is not None else ""
        plan = f" · {org.plan_name}" if org is not None and org.plan_name else ""
        yield f"<h2>{format_html(name)}{format_html(plan)}</h2>\n"
        yield f"<p>Account {format_html(account.email or account.uuid or 'not known')}"
        yield f" · org <code>{format_html(org.uuid if org is not None else '')}</code></p>\n"
        charts = [(unit, chart) for (number, unit), chart in self._charts.items() if number == owner.number]
        for (currency, _), chart in charts:
            title = f"Used credits{f' in {currency}' if currency else ''}"
            yield f"<h3>{format_html(title)}, and the cap (dashed)</h3>\n{chart.format_svg(_clean(title))}\n"
        yield from self._iterate_sums(owner)
        cycles = [(figure, rows) for (number, figure), rows in self._cycles.items() if number == owner.number]
        for figure, rows in cycles:
            yield from self._iterate_cycles(figure, rows, self._cycle_counts[owner.number, figure])
        if not (charts or cycles or owner.number in self._sums):
            yield "<p>No credits and no cycles in this span.</p>\n"

    def _iterate_sums(self, owner: Owner) -> Iterator[str]:
        if owner.number not in self._sums:
            return
        for kind, form in ((PeriodKind.MONTH, "%Y-%m"), (PeriodKind.DAY, "%Y-%m-%d")):
            rows = (
                (
                    f"{day:{form}}",
                    format_decimal(amount)
                    + (f" to {format_decimal(at_most)}" if amount != at_most else "")
                    + f" {amount.currency}",
                )
                for day, amount, at_most in self._sums[owner.number].list_sums(kind)
            )
            yield f"<h3>Credits spent per {kind}</h3>\n{_format_table((kind.capitalize(), 'Credits'), rows)}"

    def _iterate_cycles(self, figure: str, cycles: Iterable[HistoryCycle], count: int) -> Iterator[str]:
        more = f", the newest {MAX_LISTED_CYCLES} of {count}" if count > MAX_LISTED_CYCLES else ""
        name = format_html(format_cycle_name(figure, names_unknown=True))
        yield f"<h3>{name}: {format_count(count, 'cycle')}{more}</h3>\n"
        yield _format_table(
            ("From", "To", "End", "Peak", "Full at", "Time full", "Credits"),
            (list_cycle_cells(cycle, UTC) for cycle in cycles),
        )


def format_html(text: str) -> str:
    """Return a text for HTML: escaped, without invisible characters and not too long."""
    return escape(_clean(text))


def _clean(text: str) -> str:
    short = text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}…"
    return escape_invisible(short)


def _format_table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    parts = ["<table>\n"]
    if head:
        parts.append(f"<tr>{''.join(f'<th>{escape(cell)}</th>' for cell in head)}</tr>\n")
    parts += [f"<tr>{''.join(f'<td>{format_html(cell)}</td>' for cell in row)}</tr>\n" for row in rows]
    return "".join((*parts, "</table>\n"))
