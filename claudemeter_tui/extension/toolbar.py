"""The contents of the browser's toolbar: the badge, and the lines of the popup."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, tzinfo
from typing import NamedTuple

from claudemeter_tui.extension.messages import Message
from claudemeter_tui.formatting.problems import (
    PROBLEM_TEXTS,
    Controls,
    describe_problem_cure,
    format_problem_title,
    is_informational,
)
from claudemeter_tui.formatting.report import format_report
from claudemeter_tui.formatting.values import format_percent
from claudemeter_tui.formatting.verdict import find_leading_window, format_verdict_line
from claudemeter_tui.model.reading import ARCHIVE_ERRORS
from claudemeter_tui.model.store import Store
from claudemeter_tui.model.verdict import (
    Verdict,
    VerdictState,
    judge,
    rank_verdict,
)
from claudemeter_tui.model.windows import Severity

POPUP = Controls("click “Refresh now”", "Report it")
"""Controls of the popup."""
UNKNOWN_BADGE, BLOCKED_BADGE = "?", "!"
UNKNOWN_LEVEL = "unknown"
_LEVELS = {
    Severity.NORMAL: "normal",
    Severity.WARNING: "warning",
    Severity.CRITICAL: "critical",
    Severity.FULL: "critical",
}
"""Colours of the badge by severity."""
MAX_LINES = 400
"""Lines of the popup; an org has about ten."""
MAX_LINE_LENGTH = 400
"""Characters of a line."""


class Toolbar(NamedTuple):
    """Contents of the toolbar."""

    badge: str
    """Percent of the worst org's fullest window, `!` for BLOCKED, `?` if it is not known."""
    level: str
    """Colour of the badge: `normal`, `warning`, `critical` or `unknown`."""
    title: str
    """Text beside the pointer."""
    lines: tuple[str, ...]
    """Lines of the popup."""
    read_at: datetime | None = None
    """Time of the oldest figures in the lines. None if there are none."""

    def build_message(self) -> Message:
        """Return the message for the extension."""
        return {
            "type": "show",
            "badge": self.badge,
            "level": self.level,
            "title": self.title[:MAX_LINE_LENGTH],
            "lines": [line[:MAX_LINE_LENGTH] for line in self.lines[:MAX_LINES]],
            "read_at": round(self.read_at.timestamp() * 1000) if self.read_at is not None else None,
        }


def build_toolbar(store: Store, now: datetime, zone: tzinfo | None = None) -> Toolbar:
    """Return what the toolbar shows: the lines of `--once`, worst org first, and problems with what helps."""
    notes = tuple(_list_notes(store, zone))
    if not store.orgs:
        waiting = ("Waiting for the first reply of claude.ai.",)
        lines = notes or waiting
        return Toolbar(UNKNOWN_BADGE, UNKNOWN_LEVEL, f"claudemeter: {lines[0]}", lines)
    verdicts = [(judge(state, now), state) for state in store.orgs]
    verdicts.sort(key=lambda pair: rank_verdict(pair[0]))
    worst, state = verdicts[0]
    blocks = [format_report(store, state, now, zone).splitlines() for _, state in verdicts]
    lines = tuple(line for block in blocks for line in ("", *block))[1:]
    reads = [state.read_at for _, state in verdicts if state.read_at is not None]
    return Toolbar(
        _format_badge(worst),
        UNKNOWN_LEVEL if worst.state is VerdictState.UNKNOWN else _LEVELS[worst.compute_severity(now)],
        f"{state.org.display_name}: {format_verdict_line(worst, now, zone)}",
        (*lines, *(("", *notes) if notes else ())),
        min(reads, default=None),
    )


def _format_badge(verdict: Verdict) -> str:
    if verdict.state is VerdictState.BLOCKED:
        return BLOCKED_BADGE
    window = find_leading_window(verdict)
    if verdict.state is VerdictState.UNKNOWN or window is None or window.percent is None:
        return UNKNOWN_BADGE
    return format_percent(window.percent)


def _list_notes(store: Store, zone: tzinfo | None) -> Iterator[str]:
    """Yield a line for each problem of the session and of the archive; those of an org are in its block."""
    for problem in store.problems:
        if is_informational(problem) or (store.orgs and problem.error_kind not in ARCHIVE_ERRORS):
            continue
        cure = describe_problem_cure(problem, POPUP)
        summary = PROBLEM_TEXTS[problem.error_kind].summary
        yield f"{format_problem_title(problem, zone)}: {summary} {cure}"
