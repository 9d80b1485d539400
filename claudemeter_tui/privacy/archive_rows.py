"""Redact rows of the archive with the pseudonyms of the bug report."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from typing import TypeVar

from claudemeter_tui.model.archive_rows import (
    ArchiveRow,
    CycleRow,
    EventRow,
    FailureRow,
    FigureRow,
    Owner,
    RefusalRow,
    ReplyRow,
    ReplySource,
    TokenRow,
)
from claudemeter_tui.model.catalogue import Cause, CreditState, MeterOrigin
from claudemeter_tui.model.events import EventKind
from claudemeter_tui.model.history import RowValue
from claudemeter_tui.model.machine import FigureRises, MachineUsage, UsageRow
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.prices import label_model
from claudemeter_tui.model.secrets import CLAUDE_AI_ORIGIN
from claudemeter_tui.model.transcripts import Login
from claudemeter_tui.model.verdict import VerdictState
from claudemeter_tui.privacy.allowlist import MODEL_PATTERN
from claudemeter_tui.privacy.redact import Redactor

Row = TypeVar("Row", ArchiveRow, FigureRow, CycleRow, EventRow, ReplyRow, FailureRow, TokenRow, RefusalRow)
_CURRENCY = re.compile(r"[A-Z]{3}|")
_PUBLIC_STATUSES = frozenset(("", "allowed", "allowed_warning", "rejected"))
_PUBLIC_WORDS = frozenset((*Cause, *CreditState, *VerdictState, *MeterOrigin, *EventKind))
"""Words that this program wrote itself."""
_PUBLIC_VARIANTS = frozenset(("", "fast", "priority", "batch"))
"""Kinds of service that Claude Code offers to everyone."""


class RowRedactor(Redactor):
    """Redacts rows of the archive; the same text gets the same pseudonym in all of them."""

    def redact_owner(self, owner: Owner) -> Owner:
        """Redact the account and the org of a row."""
        org = owner.org and self.redact_org(owner.org)
        return owner._replace(account=self.redact_account(owner.account), org=org)

    def redact_origin(self, origin: str) -> str:
        """Return the origin of claude.ai; a pseudonym for another server."""
        return origin if origin == CLAUDE_AI_ORIGIN else self._names.assign("text", origin)

    def redact_row(self, row: Row) -> Row:
        """Redact a row; figures and times stay."""
        match row:
            case FigureRow():
                return row._replace(
                    owner=self.redact_owner(row.owner),
                    figure=self.redact_figure(row.figure),
                    value=self._redact_row_value(row.value),
                    cause=self._redact_cause(row.cause),
                    source=self._redact_source(row.source),
                )
            case CycleRow():
                cycle = row.cycle._replace(
                    figure=self.redact_figure(row.cycle.figure),
                    peak=self._redact_row_value(row.cycle.peak),
                    spent=row.cycle.spent and self.redact_money(row.cycle.spent),
                )
                owner, source = self.redact_owner(row.owner), self._redact_source(row.source)
                return row._replace(owner=owner, cycle=cycle, source=source)
            case EventRow():
                # An event of another version has only its kind, which this program wrote.
                event = row.event and self.redact_events((row.event,))[0]
                concerned = row.owner and self.redact_owner(row.owner)
                return row._replace(owner=concerned, event=event, source=self._redact_source(row.source))
            case ReplyRow():
                source = row.source._replace(session=self.redact_session(row.source.session))
                text = None if row.text is None else self.redact_body(row.text)
                return replace(row, owner=self.redact_owner(row.owner), source=source, text=text)
            case FailureRow():
                return replace(
                    row,
                    owner=self.redact_owner(row.owner),
                    session=self.redact_session(row.session),
                    detail=self.redact_detail(row.detail),
                )
            case TokenRow():
                return row._replace(
                    owner=row.owner and self.redact_owner(row.owner),
                    usage=self._redact_usage(row.usage),
                )
            case RefusalRow():
                concerned = row.owner and self.redact_owner(row.owner)
                status = row.refusal.credits_status
                if status not in _PUBLIC_STATUSES:
                    status = self._names.assign("text", status)
                return RefusalRow(concerned, self.redact_refusal(row.refusal)._replace(credits_status=status))

    def redact_machine(self, usage: MachineUsage) -> MachineUsage:
        """Redact the use of this machine: projects, unknown models and codes; tokens and rises stay."""
        login = usage.login
        return usage._replace(
            spans=tuple(
                span._replace(
                    rows=tuple(map(self._redact_usage, span.rows)),
                    figures=tuple(map(self._redact_rises, span.figures)),
                )
                for span in usage.spans
            ),
            rebuilds=tuple(
                day._replace(
                    model=self._redact_model(day.model),
                    variant=self._redact_variant(day.variant),
                    reasons=tuple((self._names.assign("reason", code), count) for code, count in day.reasons),
                )
                for day in usage.rebuilds
            ),
            refusals=tuple(map(self.redact_refusal, usage.refusals)),
            login=login and Login(self.redact_org_id(login.org), self.redact_org_id(login.account)),
        )

    def _redact_rises(self, figure: FigureRises) -> FigureRises:
        split, unit = figure.attribution, figure.unit
        if split is not None:
            shares = {self.redact_project(folder): share for folder, share in split.shares.items()}
            split = replace(split, shares=shares)
        if unit is not None:
            unit = self.redact_money(Money(Decimal(0), *unit)).unit
        return figure._replace(figure=self.redact_figure(figure.figure), unit=unit, attribution=split)

    def _redact_usage(self, row: UsageRow) -> UsageRow:
        return row._replace(
            project=self.redact_project(row.project),
            model=self._redact_model(row.model),
            variant=self._redact_variant(row.variant),
        )

    def _redact_model(self, model: str) -> str:
        is_public = MODEL_PATTERN.fullmatch(label_model(model)) is not None
        return model if is_public else self._names.assign("model", model)

    def _redact_variant(self, variant: str) -> str:
        return variant if variant in _PUBLIC_VARIANTS else self._names.assign("text", variant)

    def redact_figure(self, figure: str) -> str:
        """Redact the name of a figure: the key of an unknown window gets a pseudonym."""
        kind, colon, key = figure.partition(":")
        return f"{kind}{colon}{self.redact_window_key(key)}" if kind == "window" else figure

    def redact_money(self, amount: Money) -> Money:
        """Replace a currency that is no ISO code."""
        if _CURRENCY.fullmatch(amount.currency):
            return amount
        return replace(amount, currency=self.redact_label(amount.currency))

    def _redact_row_value(self, value: RowValue) -> RowValue:
        if isinstance(value, Money):
            return self.redact_money(value)
        return self._redact_cause(value) if isinstance(value, str) else value

    def _redact_cause(self, text: str) -> str:
        return text if not text or text in _PUBLIC_WORDS else self.redact_window_key(text)

    def _redact_source(self, source: ReplySource | None) -> ReplySource | None:
        return source and source._replace(session=self.redact_session(source.session))
