"""What the connect screen says: what can be done now, and where a session was looked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from claudemeter_tui.model.reading import Looked
from claudemeter_tui.model.usage import Severity
from claudemeter_tui.text import sessions as words
from claudemeter_tui.tui import ink
from claudemeter_tui.tui.keys import Key
from claudemeter_tui.tui.layout import FRAMES_FROM

ABOUT = (
    "claudemeter reads what claude.ai says of your limits and credits, with the session of a browser that is"
    " signed in. The session stays in memory and is sent to claude.ai alone."
)
CLAUDE_CODE = "or run claude and use /login: it shows the windows"
"""What can be done without any key: Claude Code's login is used where it is found."""
BESIDE_FROM = 40
"""Cells that what a place says needs to stand beside it; with less it stands below."""
TALL_FROM, ROOMY_FROM = 16, 24
"""Lines from which every doing has one, and from which there is room to say what this is."""
_CALM = ("not signed in", "not installed", "none found")
"""Outcomes that nothing is wrong with."""


def page(places: Sequence[Looked], doings: Sequence[Key], width: int, height: int) -> list[ink.Line]:
    """The text in lines of at most `width` cells, for a terminal of that height.

    In a low one the footer alone tells what can be done.
    """
    found = any(place.outcome not in _CALM for place in places)
    head = "No session works yet" if found else "No session of claude.ai was found"
    if height < TALL_FROM:
        short = ink.wrapped(f"{head}: sign in to claude.ai in a browser, then press r.", width - 2)
        return _indented([*short, *_places(places, width - 2)])
    lines = [ink.text((head, ink.TITLE))]
    if height >= ROOMY_FROM:
        lines = [ink.text(""), *lines, *ink.wrapped(ABOUT, width - 2, ink.MUTED), ink.text("")]
    inner = width - (4 if width >= FRAMES_FROM else 2)
    return [
        *_indented(lines),
        *_part("What you can do now", list(_doings(doings, inner)), width),
        *_part("Where a session was looked for", list(_places(places, inner)), width),
    ]


def _part(title: str, lines: list[ink.Line], width: int) -> list[ink.Line]:
    """A part of the page: in a frame, where there is room for frames."""
    head = ink.text((title, ink.TITLE))
    if width >= FRAMES_FROM:
        return ink.framed(head, ink.text(""), lines, width)
    return _indented([ink.text(""), head, *lines])


def _indented(lines: Sequence[ink.Line]) -> list[ink.Line]:
    return [ink.text(" ", line) for line in lines]


def _doings(doings: Sequence[Key], width: int) -> Iterator[ink.Line]:
    """A key and what it does, each."""
    for key in doings:
        yield from _beside(ink.text((f"{key.shown}  ", "$selected")), key.purpose, width)
        if key.shown == "r":
            yield from _beside(ink.text("   "), CLAUDE_CODE, width)


def _places(places: Sequence[Looked], width: int) -> Iterator[ink.Line]:
    """What was looked at: the place and its outcome, and beside them or below what it says."""
    if not places:
        yield from ink.wrapped(words.NOWHERE, width)
    names = max((ink.text(place.session.label).cell_length for place in places), default=0) + 2
    outcomes = max((len(place.outcome) for place in places), default=0) + 4
    for place in places:
        outcome = _outcome(place)
        if width - names - outcomes >= BESIDE_FROM:
            head = ink.text(ink.fit(ink.text(place.session.label), names), ink.fit(outcome, outcomes))
            yield from _beside(head, place.detail, width, ink.MUTED)
        else:
            yield from _stacked(place, outcome, width)


def _stacked(place: Looked, outcome: ink.Line, width: int) -> Iterator[ink.Line]:
    """The place, at the line's other end or below it the outcome, and below that what it says."""
    label = ink.text(place.session.label)
    if label.cell_length + outcome.cell_length < width:
        yield ink.spread(label, outcome, width)
    else:
        yield from ink.wrapped(place.session.label, width)
        yield ink.text("  ", outcome)
    yield from (ink.text("  ", line) for line in ink.wrapped(place.detail, width - 2, ink.MUTED))


def _outcome(place: Looked) -> ink.Line:
    """`▲ session expired`; what is nothing but so is muted."""
    calm = place.outcome in _CALM
    mark = "·" if calm else ink.MARK[Severity.WARNING]
    return ink.text((f"{mark} {place.outcome}", ink.MUTED if calm else ink.STYLE[Severity.WARNING]))


def _beside(head: ink.Line, said: str, width: int, style: str = "") -> Iterator[ink.Line]:
    """A term, and what is said of it beside it, broken between words."""
    first, *rest = ink.wrapped(said, max(10, width - head.cell_length), style) or [ink.text("")]
    yield ink.text(head, first)
    yield from (ink.text(" " * head.cell_length, line) for line in rest)
