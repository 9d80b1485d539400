"""Help: keys, verdicts, marks and the source of the data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from textual.content import Content
from textual.screen import Screen

from claudemeter_tui import __version__
from claudemeter_tui.charts.event_marks import EVENT_MARKS
from claudemeter_tui.formatting.verdict import NO_LIMITS
from claudemeter_tui.model.verdict import STATE_SEVERITIES, VerdictState
from claudemeter_tui.model.windows import Severity
from claudemeter_tui.tui.keys import KEY_GROUPS, KeyGroup
from claudemeter_tui.tui.screens.connect import CONNECT_KEYS, ConnectScreen
from claudemeter_tui.tui.screens.dashboard import CHART_SCREEN_KEYS, ChartScreen
from claudemeter_tui.tui.screens.details import DETAILS_KEYS, DetailsScreen
from claudemeter_tui.tui.screens.events import EVENTS_KEYS, EventsScreen
from claudemeter_tui.tui.screens.history import HISTORY_KEYS, HistoryScreen
from claudemeter_tui.tui.screens.lists import PageScreen
from claudemeter_tui.tui.screens.machine import MACHINE_KEYS, MachineScreen
from claudemeter_tui.tui.screens.overview import OVERVIEW_KEYS, OverviewScreen
from claudemeter_tui.tui.screens.past import PAST_SCREEN_KEYS, PastScreen
from claudemeter_tui.tui.screens.themes import THEMES_KEYS, ThemesScreen
from claudemeter_tui.tui.styled_text import (
    HEADING,
    MUTED,
    SEVERITY_MARKS,
    SEVERITY_STYLES,
    build_line,
    fit_line,
    get_verdict_mark,
    get_verdict_style,
    hang_text,
    join_pieces,
    wrap_text,
)

KEY_WIDTH = 13
"""Cells of the key column."""
COLUMN_WIDTH, COLUMN_GAP = 52, 3
"""Minimum cells of a column, and blanks between two columns."""
SCREEN_KEY_GROUPS: Mapping[type[Screen[Any]], KeyGroup] = {
    OverviewScreen: ("Overview", OVERVIEW_KEYS),
    DetailsScreen: ("Details", DETAILS_KEYS),
    HistoryScreen: ("History", HISTORY_KEYS),
    MachineScreen: ("This machine", MACHINE_KEYS),
    EventsScreen: ("Events", EVENTS_KEYS),
    ThemesScreen: ("Themes", THEMES_KEYS),
    ConnectScreen: ("Without a session", CONNECT_KEYS[:-1]),
    PastScreen: ("Past figures", PAST_SCREEN_KEYS),
    ChartScreen: ("Chart", CHART_SCREEN_KEYS),
}
"""Title and keys of each screen other than the dashboard."""
DASHBOARD_FORMS = (PastScreen, ChartScreen)
"""Screens in place of the dashboard, whose keys are those of the dashboard or of every list."""
OTHER_KEY_GROUPS = tuple(
    group for screen, group in SCREEN_KEY_GROUPS.items() if screen not in DASHBOARD_FORMS
)
"""Keys of the other screens."""
DASHBOARD_NAMES = frozenset({"Tab", "Shift+Tab", "/", "+", "-", "w"})
"""Names of the keys in `KEY_GROUPS` that do something on the dashboard only."""
VERDICT_MEANINGS = (
    (VerdictState.CAN_WORK, "CAN WORK", "no plan-wide window is full"),
    (
        VerdictState.ON_CREDITS,
        "ON CREDITS",
        "a plan-wide window is full (or the plan has none) and work continues on usage credits: real money",
    ),
    (VerdictState.WAIT, "WAIT", "a plan-wide window is full; usage credits are off or not available"),
    (
        VerdictState.BLOCKED,
        "BLOCKED",
        "a plan-wide window is full (or the plan has none) and usage credits are locked",
    ),
    (VerdictState.UNKNOWN, "UNKNOWN", "no successful read for 15 minutes, or no figures at all"),
    (
        VerdictState.UNKNOWN,
        NO_LIMITS,
        (
            "the plan has neither windows nor usage credits, as some Enterprise plans; "
            "for scripts this is UNKNOWN"
        ),
    ),
)
"""State, name and meaning of each verdict; the state has its mark and colour."""
MARK_MEANINGS = (
    (Severity.WARNING, "from 75%, or a warning from the server"),
    (Severity.CRITICAL, "from 90%, or critical according to the server"),
    (Severity.FULL, "from 100%, or locked"),
    (("┿ ┼", HEADING), "elapsed time of the window: a bar beyond it is ahead of an even pace"),
    (("·", MUTED), "not known"),
    (("~", MUTED), "estimated: a projection at the current pace, or a list price"),
)
"""Meaning of each severity's mark, and of each other mark with its style."""
ABOUT = """\
claudemeter reads the replies behind claude.ai's usage page once a minute, using your browser's login. \
They are undocumented and change without notice; a missing figure is shown as not known, never guessed. \
Nothing is sent anywhere else.

CAN WORK · credits BLOCKED: the plan has room, but usage credits are locked: work stops when a plan window \
is full. One source reports that prompts are refused even before that; this is not confirmed.
"""


class HelpScreen(PageScreen):
    """The help screen."""

    def build_title(self) -> tuple[str, str]:
        """Return the title and the version."""
        return "Help", f"claudemeter-tui {__version__}"

    def build_content(self, width: int) -> Content:
        """Return keys, verdicts, marks and sources, side by side if there is room."""
        count = max(1, min(3, (width + COLUMN_GAP) // (COLUMN_WIDTH + COLUMN_GAP)))
        cells = (width + COLUMN_GAP) // count - COLUMN_GAP
        keys, others = (
            [
                _build_section(title, [((key.display, "$selected"), key.purpose) for key in group], cells)
                for title, group in groups
            ]
            for groups in list_key_groups(self.opened_from)
        )
        meanings = _build_meanings(cells)
        sections = {1: [[*keys, *meanings, *others]], 2: [[*keys, *others], meanings]}
        columns = [_stack_sections(column) for column in sections.get(count, [keys, meanings, others])]
        rows = zip_longest(*columns, fillvalue=Content(""))
        lines = [join_pieces([fit_line(line, cells) for line in row], " " * COLUMN_GAP) for row in rows]
        return Content("\n").join(lines)


def list_key_groups(screen: type[Screen[Any]] | None) -> tuple[Sequence[KeyGroup], Sequence[KeyGroup]]:
    """Return the keys that work on a screen, its own first, then those of the other screens."""
    kinds = screen.__mro__ if screen is not None else ()
    own = next((SCREEN_KEY_GROUPS[kind] for kind in kinds if kind in SCREEN_KEY_GROUPS), None)
    if own is None:
        return KEY_GROUPS, OTHER_KEY_GROUPS
    title, keys = own
    names = {name for key in keys for name in key.display.split()}
    only_there = DASHBOARD_NAMES - names if screen in DASHBOARD_FORMS else DASHBOARD_NAMES
    general = [key for _, group in KEY_GROUPS for key in group]
    everywhere = [key.keep_names(lambda name: name not in DASHBOARD_NAMES | names) for key in general]
    dashboard = [key.keep_names(lambda name: name in only_there) for key in general]
    here = (f"{title} (here)", keys), ("Everywhere", tuple(key for key in everywhere if key.display))
    others = ("Dashboard", tuple(key for key in dashboard if key.display))
    return here, (others, *(group for group in OTHER_KEY_GROUPS if group is not own))


def _build_meanings(width: int) -> list[list[Content]]:
    """Return the sections about verdicts, marks, letters and the source of the figures."""
    marks = [
        ((SEVERITY_MARKS[mark], SEVERITY_STYLES[mark]) if isinstance(mark, Severity) else mark, meaning)
        for mark, meaning in MARK_MEANINGS
    ]
    about = [wrap_text(text, width - 2) for text in ABOUT.strip().split("\n\n")]
    return [
        _build_section("Verdicts", [*_iterate_verdicts()], width),
        _build_section("Marks", marks, width),
        _build_section(
            "Letters on the time axis", [((each.letter, ""), each.meaning) for each in EVENT_MARKS], width
        ),
        [
            Content.styled("Where the figures come from", HEADING),
            *(build_line("  ", line) for line in _stack_sections(about)),
        ],
    ]


def _iterate_verdicts() -> Iterator[tuple[tuple[str, str], str]]:
    """Yield mark and name of each verdict with their style, and its meaning."""
    for state, name, meaning in VERDICT_MEANINGS:
        severity = STATE_SEVERITIES[state]
        yield (f"{get_verdict_mark(state, severity)} {name}", get_verdict_style(state, severity)), meaning


def _build_section(title: str, terms: Iterable[tuple[tuple[str, str], str]], width: int) -> list[Content]:
    """Return a heading, then each term with its style and its meaning beside it, wrapped between words.

    A term that is too long for its column has a line of its own.
    """
    lines = [Content.styled(title, HEADING)]
    for term, meaning in terms:
        head = build_line("  ", term)
        if head.cell_length > KEY_WIDTH + 1:
            lines.append(head)
            head = build_line()
        head = fit_line(head, KEY_WIDTH + 2)
        lines += hang_text(head, meaning, width)
    return lines


def _stack_sections(sections: Iterable[list[Content]]) -> list[Content]:
    """Stack the sections, separated by blank lines."""
    first, *others = sections
    return [*first, *(line for section in others for line in (Content(""), *section))]
