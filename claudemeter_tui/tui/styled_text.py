"""Bars, marks, rows and frames as styled text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, lru_cache

from rich.cells import cell_len
from textual.content import Content, Span

from claudemeter_tui.model.verdict import VerdictState
from claudemeter_tui.model.windows import Severity

StyledLine = Content
"""One line of the screen."""

MUTED, HEADING, FRAME = "$muted", "bold $foreground", "$frame"
"""Styles of secondary text, headings and frames."""
SHARE = "$area"
"""Style of a share of a sum, which is neither good nor bad."""
SELECTED = "bold $selected"
"""Style of the selected period or page, see `draw_selected`."""

SEVERITY_STYLES = {
    Severity.NORMAL: "$normal",
    Severity.WARNING: "$warning",
    Severity.CRITICAL: "$critical",
    Severity.FULL: "bold $full",
}
"""Style of a figure by severity; the theme defines the colour."""

SEVERITY_MARKS = {Severity.NORMAL: " ", Severity.WARNING: "▲", Severity.CRITICAL: "◆", Severity.FULL: "■"}
"""Mark beside a figure by severity, because colour alone never has a meaning."""

CALM_MARK, UNKNOWN_MARK = "●", "?"
"""Marks of a verdict that is neither a warning nor worse."""


def get_verdict_mark(state: VerdictState, severity: Severity) -> str:
    """Return the mark beside a verdict of this severity; it is never a blank."""
    if state is VerdictState.UNKNOWN:
        return UNKNOWN_MARK
    return CALM_MARK if severity is Severity.NORMAL else SEVERITY_MARKS[severity]


def get_verdict_style(state: VerdictState, severity: Severity) -> str:
    """Return the style of a verdict and of its mark."""
    return MUTED if state is VerdictState.UNKNOWN else SEVERITY_STYLES[severity]


def build_line(*parts: str | tuple[str, str] | Content) -> Content:
    """Return a line of plain and styled pieces without markup."""
    pieces = []
    for part in parts:  # no comprehension, which would be a call: hundreds of lines are built for a key
        if not isinstance(part, tuple) or part[0]:
            pieces.append(part)  # noqa: PERF401
    return Content.assemble(*pieces)


def fit_pieces(parts: Sequence[Content], width: int, between: str = " · ") -> Content:
    """Return as many whole pieces as fit, in order; always at least the first."""
    return pick_fitting(iterate_shorter(parts, between), width)


def iterate_shorter(parts: Sequence[Content], between: str = " · ") -> Iterator[Content]:
    """Yield all pieces joined, then all but the last, and so on down to the first."""
    return (join_pieces(parts[:end], between) for end in range(len(parts), 0, -1))


def join_pieces(parts: Sequence[Content], between: str = " · ") -> Content:
    """Join the pieces with a separator."""
    return Content.styled(between, MUTED).join(parts)


def pick_fitting(options: Iterable[Content], width: int) -> Content:
    """Return the first line that fits, from the fullest to the shortest; if none fits, the last one, cut."""
    line = build_line()
    for line in options:
        if line.cell_length <= width:
            break
    return fit_line(line, width)


MIN_NAME_PART = 4
"""Least cells for the beginning of a name that is shortened before its brackets."""


def shorten_name(name: str, width: int) -> str:
    """Return an org's name in at most `width` cells; what follows in brackets stays whole if it fits.

    The brackets hold what distinguishes two orgs of one name.
    """
    plain, _, note = name.rpartition(" (")
    room = width - cell_len(f" ({note}")
    if cell_len(name) > width and plain and note.endswith(")") and room >= MIN_NAME_PART:
        return Content(plain).truncate(room, ellipsis=True).plain + f" ({note}"
    return Content(name).truncate(width, ellipsis=True).plain.replace(" (…", "…")


def fit_line(line: Content, width: int) -> Content:
    """Return the line in exactly `width` cells: padded, or cut after a whole word with an ellipsis."""
    if width <= 0:
        return Content("")
    if line.cell_length == width:
        return line
    if line.cell_length > width:
        line = _cut_line(line, width)
    return line.truncate(width, ellipsis=True, pad=True)


def _cut_line(line: Content, width: int) -> Content:
    """Return the words that fit and an ellipsis; cut inside the first word if it is too long."""
    kept = line.truncate(max(1, width - 2))
    glued = _protect_figures(line.plain)
    end = glued[: len(kept.plain)].rstrip().rfind(" ")
    whole = " " in glued[len(kept.plain) - 1 : len(kept.plain) + 1]
    if not whole and end > 0 and kept.plain[:end].strip():
        kept = kept[:end]
    if not whole and end <= 0:
        return line
    said = _DANGLING_WORDS.sub("", kept.plain)
    return Content.assemble(kept[: len(said)] if said.strip() else kept.rstrip(), " …")


def spread_line(left: Content, right: Content, width: int) -> Content:
    """Place one piece at each end of the line; leave out the right one if both do not fit."""
    gap = width - left.cell_length - right.cell_length
    if gap < 1:
        return fit_line(left, width)
    return Content.assemble(left, " " * gap, right)


def select_visible_tabs(
    build_tab: Callable[[int], Content], count: int, selected: int, width: int, first: int = 0
) -> tuple[int, list[Content]]:
    """Return the number of the first tab that fits beside the selected one, and all tabs that fit.

    They begin with `first`, or as near to it as the selected tab allows. Two cells are left for the arrows.
    Only tabs near the selected one are built.
    """
    build = cache(build_tab)
    start, end, room = selected, selected + 1, width - 2 - build(selected).cell_length
    for place in range(selected - 1, first - 1, -1):
        if build(place).cell_length > room:
            break
        start, room = place, room - build(place).cell_length
    while end < count and build(end).cell_length <= room:
        room -= build(end).cell_length
        end += 1
    while start > 0 and build(start - 1).cell_length <= room:
        start -= 1
        room -= build(start).cell_length
    return start, [build(place) for place in range(start, end)]


@lru_cache(maxsize=256)
def break_text(words: str, width: int) -> tuple[str, ...]:
    """Return a text broken between words, never inside a figure, into lines of at most `width` cells.

    Cached, because a layout counts the lines of texts that are then drawn.
    """
    parts = Content(_protect_figures(words)).wrap(max(1, width))
    return tuple(part.plain.replace(_NO_BREAK_SPACE, " ").rstrip() for part in parts)


def wrap_text(words: str, width: int, style: str = "") -> list[Content]:
    """Return the lines of `break_text` in a style."""
    return [Content.styled(line, style) for line in break_text(words, width)]


def hang_text(head: Content, text: str, width: int, style: str = "") -> Iterator[Content]:
    """Yield a term with a text beside it, wrapped between words in a style."""
    for line in wrap_text(text, max(10, width - head.cell_length), style) or [Content("")]:
        yield build_line(head, line)
        head = Content(" " * head.cell_length)


_DANGLING_WORDS = re.compile(
    r"(?:[\s·,:(]|(?<!\S)(?:of|in|on|to|by|at|is|it|the|your|and|or|until|since|from|before|resets|says|not))+\Z"
)
"""Words after which a sentence is never truncated."""
_NO_BREAK_SPACE = "\ue000"  # a private-use character, because Textual breaks lines at U+00A0
_UNBREAKABLE = re.compile(
    r"\([^()]{1,14}\)|(?:\d\d?[dh] )?\d\d?[dhms] ago|\d\d?[dh] \d\d?[hm]|\b[A-Z]{3} [\d,.]*\d"
    r"|(?:[A-Z][a-z]{2} )?[A-Z][a-z]{2} \d\d?\b(?: \d{4}\b)?(?: \d\d:\d\d)?|[A-Z][a-z]{2} \d\d:\d\d"
)
"""Figures of more than one word: countdowns, percentages, amounts, dates."""


def _protect_figures(words: str) -> str:
    """Return the text with each figure joined into one word; no character moves."""
    return _UNBREAKABLE.sub(lambda figure: figure[0].replace(" ", _NO_BREAK_SPACE), words)


_ELAPSED_MARKS = {"━": "┿", "╸": "┽", "─": "┼"}
"""Mark of the elapsed time by the cell of the bar that it crosses."""


def draw_bar(percent: float | None, width: int, style: str, *, elapsed: float | None = None) -> Content:
    """Return the used share as a heavy line in half cells, crossed by a mark for the elapsed time.

    The bar is full only from 100 percent and empty only at 0. Without a figure it is dotted. The mark is
    heavy where the cell below it is used, so it hides nothing.

    Args:
        percent: Used share, 0 or more. None if it is not known.
        width: Cells of the bar.
        style: Style of the used part.
        elapsed: Elapsed part of the window, 0 to 1. None for a bar without a mark.
    """
    if width < 1:
        return Content("")
    if percent is None:
        return Content.styled("·" * width, MUTED)
    halves = min(2 * width, int(2 * width * percent / 100))
    if 0 < percent < 100:
        # A whole cell stays free, because a half one looks full in ASCII.
        halves = max(1, min(halves, 2 * width - 2))
    used = (halves + 1) // 2
    cells = "━" * (halves // 2) + "╸" * (halves % 2) + "─" * (width - used)
    spans = [Span(0, used, style), Span(used, width, FRAME)]
    if elapsed is not None and width > 2:
        place = min(width - 1, int(width * elapsed))
        cells = f"{cells[:place]}{_ELAPSED_MARKS[cells[place]]}{cells[place + 1 :]}"
        spans.append(Span(place, place + 1, HEADING))
    return Content(cells, [span for span in spans if span.start < span.end])


def draw_selected(*pieces: tuple[str, str]) -> Content:
    """Return pieces and their styles as the selected tab or period: reversed between half blocks.

    Also visible without colours; in ASCII, the half blocks are brackets.
    """
    body = [(text, f"reverse {style}") for text, style in pieces if text]
    (_, first), *_, (_, last) = (pieces[0], pieces[-1])
    return build_line(("▐", first), *body, ("▌", last))


def frame_lines(
    title: Content, note: Content, lines: Sequence[Content], width: int, style: str = FRAME
) -> list[Content]:
    """Return the lines in a rounded frame, with a title on the left and a note on the right."""
    inner = width - 4
    room = width - 6 - title.cell_length
    note = note if note.cell_length and room >= note.cell_length + 3 else Content("")
    dashes = width - 4 - title.cell_length - (note.cell_length + 2 if note.cell_length else 0)
    tail = (" ", note, " ") if note.cell_length else ()
    top = Content.assemble(("╭ ", style), title, (" " + "─" * (dashes - 1), style), *tail, ("─╮", style))
    rows = [Content.assemble(("│ ", style), fit_line(line, inner), (" │", style)) for line in lines]
    return [fit_line(top, width), *rows, Content.styled("╰" + "─" * (width - 2) + "╯", style)]


_ASCII_CHARS = str.maketrans(
    "■□●─━╸┃│┿┽┼╌╭╮╰╯┏┓┗┛▲◆▐▌‹›…·•↑↓←→↔▾▴▸–≥░▒▓█", "#.o-==||++|.++++++++!*[]<>>.*^v<>-v^>->-+*#"
)
"""ASCII replacement for each symbol; both are one cell wide."""


def convert_to_ascii(picture: Content) -> Content:
    """Return the text in ASCII, with the same columns, for terminals that draw nothing else."""
    cells = picture.plain.translate(_ASCII_CHARS)
    if cells.isascii():
        return Content(cells, list(picture.spans))
    marked = "".join(char if char.isascii() else "?" for char in cells)
    if cell_len(cells) == len(cells):
        return Content(marked, list(picture.spans))
    return Content("".join(char if char.isascii() else "?" * cell_len(char) for char in cells))
