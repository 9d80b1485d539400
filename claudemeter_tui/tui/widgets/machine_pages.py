"""The pages of the screen "this machine": totals, projects, models, cache rebuilds, and refusals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, tzinfo

from rich.cells import cell_len, set_cell_size
from textual.content import Content

from claudemeter_tui.formatting.history import NOTHING, format_minute
from claudemeter_tui.formatting.machine import (
    AT_LEAST_NOTE,
    ELSEWHERE,
    ESTIMATED,
    NO_CALLS,
    NO_RATES,
    NO_REBUILDS,
    NO_REFUSALS,
    NO_RISES,
    NOT_PLACED,
    PARTS_NOTE,
    PRICE_NOTE,
    REBUILD_NOTE,
    RESETS_NOTE,
    RISES,
    SUMS_NOTE,
    describe_skipped,
    describe_unpriced,
    explain_parts,
    format_cost,
    format_part,
    format_reasons,
    format_rise,
    format_since,
    format_start,
    format_tokens,
    mark_least,
    name_figure,
    name_model,
    name_projects,
)
from claudemeter_tui.formatting.transcripts import (
    LOW_PRIORITY_FORMS,
    NO_PROOF,
    describe_refusal_causes,
    describe_stops,
)
from claudemeter_tui.formatting.values import format_count, format_day, format_percent, to_local
from claudemeter_tui.model.catalogue import SESSION_WINDOW_KEY, WEEK_WINDOW_KEY
from claudemeter_tui.model.history import USED_FIGURE, WINDOW_PREFIX
from claudemeter_tui.model.machine import (
    REFUSAL_DAYS,
    FigureRises,
    ListCost,
    MachineUsage,
    RebuildDay,
    SpanKind,
    SpanUsage,
    UsageRow,
    count_stops,
    group_rows,
    sum_costs,
    sum_counts,
)
from claudemeter_tui.model.refusals import Refusal
from claudemeter_tui.model.store import OrgKey
from claudemeter_tui.model.transcripts import TokenCounts
from claudemeter_tui.tui.styled_text import HEADING, MUTED, build_line, hang_text, wrap_text
from claudemeter_tui.tui.widgets.list_view import (
    BLANK_ROW,
    MARK_WIDTH,
    ListPage,
    ListRow,
    build_row,
    fix_row,
)
from claudemeter_tui.tui.widgets.tables import (
    COLUMN_GAP,
    BarColumn,
    Cell,
    Table,
    build_text_page,
    draw_cells,
    list_table_rows,
    wrap_cells,
)

MAX_NAME = 36
"""Cells of a name in a table; a longer one is cut, because no figure may be."""
ASIDE_TITLES = ("cost", "share")
"""Columns that the projects and models have in any case beside another page."""
MIN_BAR, MAX_BAR = 12, 30
"""Cells of a bar."""
SINCE = "since"
"""Label of the starts of the spans."""
_SHORT_KINDS = {SpanKind.WINDOW: "5-hour", SpanKind.CYCLE: "cycle"}
"""Names of spans above columns; all others have their own value."""
_WINDOW_OF = {
    SpanKind.WINDOW: SESSION_WINDOW_KEY,
    SpanKind.TODAY: SESSION_WINDOW_KEY,
    SpanKind.WEEK: WEEK_WINDOW_KEY,
    SpanKind.CYCLE: WEEK_WINDOW_KEY,
}
"""The window whose rise is attributed in each span."""


@dataclass(frozen=True)
class PageContext:
    """Everything besides the usage that a page needs."""

    zone: tzinfo | None
    width: int
    """Cells of a line with the cursor's mark."""
    has_org: bool = False
    """True if an org is selected."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Labels of the org's windows by their keys."""
    login_note: str = ""
    """Sentence about the login if it is not known to be that of the selected org. Empty if it is."""
    find_org: Callable[[str], OrgKey | None] = lambda _: None
    """Returns the key of the org with this UUID in lower case. None if it is not known."""
    is_aside: bool = False
    """True beside another page, which has the notes, with only the most important columns."""

    @property
    def room(self) -> int:
        """Cells of a line."""
        return self.width - MARK_WIDTH


Line = tuple[str, Sequence[str]]
"""Label, and a text for each span."""


def build_totals_page(usage: MachineUsage, context: PageContext) -> ListPage:
    """Return tokens, cost and the server's rises of all spans side by side, or one below the other."""
    sections: list[tuple[str, list[Line]]] = [
        ("Tokens", _list_token_lines(usage, context)),
        ("List price", _list_cost_lines(usage.spans)),
    ]
    rises = _list_rise_lines(usage.spans, context)
    if rises:
        sections.append((RISES, rises))
    rows = _build_span_tables(usage, sections, context) or _stack_spans(usage, sections, context)
    notes = [PRICE_NOTE]
    if context.has_org and not rises:
        notes.insert(0, NO_RISES)
    notes.append(_note_resets(figure for one in usage.spans for figure in one.figures))
    if any(not figure.is_whole for one in usage.spans for figure in one.figures):
        notes.append(AT_LEAST_NOTE)
    if not all(one.is_whole for one in usage.spans):
        notes.append(SUMS_NOTE)
    notes += [context.login_note if rises else "", describe_skipped(usage.skipped)]
    return ListPage([*rows, *_build_notes(notes, context)], context.width)


def _build_span_tables(
    usage: MachineUsage, sections: Sequence[tuple[str, list[Line]]], context: PageContext
) -> list[ListRow]:
    """Return as many spans side by side as fit, the others below; empty if not even two fit."""
    count = len(usage.spans)
    for size in range(count, 1, -1):
        tables = [
            _build_span_table(usage.spans, sections, range(first, min(first + size, count)))
            for first in range(0, count, size)
        ]
        if all(table.width <= context.room for table in tables):
            break
    else:
        return []
    rows: list[ListRow] = []
    for place, table in enumerate(tables):
        keys = [(title, (place, title, label), None) for title, lines in sections for label, _ in lines]
        rows += [BLANK_ROW] if rows else []
        starts = {key for _, key, _ in keys if key[-1] == SINCE}  # part of the head
        rows += (
            row._replace(is_selectable=False) if row.key in starts else row
            for row in list_table_rows(table, keys)
        )
    return rows


def _build_span_table(
    spans: Sequence[SpanUsage], sections: Sequence[tuple[str, list[Line]]], places: Sequence[int]
) -> Table:
    cells: list[list[Cell]] = [
        [(label, ""), *((texts[place], "") for place in places)]
        for _, lines in sections
        for label, texts in lines
    ]
    kinds = (spans[place].span.kind for place in places)
    titles = ("", *(_SHORT_KINDS.get(kind, kind) for kind in kinds))
    return Table(titles, cells, [title for title, _ in sections])


def _list_token_lines(usage: MachineUsage, context: PageContext) -> list[Line]:
    now, zone = usage.at, context.zone
    sums = [sum_counts(one.rows) for one in usage.spans]
    subagents = [sum_counts(row for row in one.rows if row.is_sidechain) for one in usage.spans]
    kinds: tuple[tuple[str, Callable[[TokenCounts], int]], ...] = (
        ("input", lambda counts: counts.input),
        ("output", lambda counts: counts.output),
        ("cache written", lambda counts: counts.written),
        ("cache read", lambda counts: counts.cache_read),
        ("all", lambda counts: counts.total),
    )
    lines: list[Line] = [
        *((label, [format_tokens(pick(counts)) for counts in sums]) for label, pick in kinds),
        ("of subagents", [format_tokens(counts.total) for counts in subagents]),
        ("web searches", [format_tokens(counts.web_searches) for counts in sums]),
    ]
    starts = [format_start(one.span, now, zone) for one in usage.spans]
    return [(SINCE, starts), *_mark_lines(lines, usage.spans)]


def _mark_lines(lines: Iterable[Line], spans: Sequence[SpanUsage]) -> list[Line]:
    """Return the lines with the sums of spans that can lack calls marked as minimums."""
    return [
        (
            label,
            [mark_least((text,), is_whole=one.is_whole)[0] for text, one in zip(texts, spans, strict=True)],
        )
        for label, texts in lines
    ]


def _list_cost_lines(spans: Sequence[SpanUsage]) -> list[Line]:
    costs = [sum_costs(one.rows) for one in spans]
    chains = {
        label: [sum_costs(row for row in one.rows if row.is_sidechain is is_sidechain) for one in spans]
        for label, is_sidechain in (("main chain", False), ("subagents", True))
    }
    lines: list[Line] = [("all", [format_cost(cost) for cost in costs])]
    lines += [(label, [format_cost(cost) for cost in found]) for label, found in chains.items()]
    if any(cost.unpriced for cost in costs):
        lines.append(
            ("no price for", [format_tokens(cost.unpriced) if cost.unpriced else NOTHING for cost in costs])
        )
    return _mark_lines(lines, spans)


def _list_rise_lines(spans: Sequence[SpanUsage], context: PageContext) -> list[Line]:
    """Return the rise of each figure; a dash in a span in which it was not read."""
    found: dict[tuple[str, object], list[str]] = {}
    for place, one in enumerate(spans):
        for figure in one.figures:
            texts = found.setdefault((figure.figure, figure.unit), [NOTHING] * len(spans))
            texts[place] = format_rise(figure)
    order = [f"{WINDOW_PREFIX}{key}" for key in (SESSION_WINDOW_KEY, WEEK_WINDOW_KEY)]
    ranked = sorted(found, key=lambda key: (key[0] == USED_FIGURE, key[0] not in order, key[0]))
    return [(name_figure(key[0], context.labels), found[key]) for key in ranked]


def _stack_spans(
    usage: MachineUsage, sections: Sequence[tuple[str, list[Line]]], context: PageContext
) -> list[ListRow]:
    """Return a block for each span, with whole figures in as many lines as they need."""
    rows: list[ListRow] = []
    for place, one in enumerate(usage.spans):
        rows += [BLANK_ROW] if rows else []
        since = format_since(one.span, usage.at, context.zone)
        rows.append(fix_row(build_line((one.span.kind.capitalize(), HEADING), (f" {since}", MUTED))))
        for title, lines in sections:
            cells = [
                (f"{label} {texts[place]}", "")
                for label, texts in lines
                if label != SINCE and texts[place] != NOTHING
            ]
            rows += _build_section((one.span.kind, title), title, cells, context)
    return rows


def _build_section(key: object, title: str, cells: Sequence[Cell], context: PageContext) -> list[ListRow]:
    """Return a row for each line, so that a small pane scrolls line by line; the first has the title."""
    wrapped = wrap_cells(cells, context.room, "  ", " · ")
    lines = [draw_cells(wrapped, place) for place in range(len(wrapped))]
    return [
        build_row((key, place), [line] if place else [build_line((title, MUTED)), line])
        for place, line in enumerate(lines)
    ]


def _build_notes(notes: Iterable[str], context: PageContext) -> list[ListRow]:
    """Return the sentences below a blank line; the cursor reaches them, because a pane can be small."""
    if context.is_aside:
        return []
    lines = [line for note in notes if note for line in wrap_text(note, context.room, MUTED)]
    return [BLANK_ROW, *(build_row(("note", place), [line]) for place, line in enumerate(lines))]


def build_projects_page(usage: MachineUsage, place: int, context: PageContext) -> ListPage:
    """Return the projects of a span by their cost, with the estimated part of the server's rise."""
    one = usage.spans[place]
    if not one.rows and not any(figure.total for figure in _list_attributed(one)):
        return build_text_page((NO_CALLS, *_list_notes(one, context)), context.width)
    groups = group_rows(one.rows, lambda row: row.project)
    costs = {folder: sum_costs(rows) for folder, rows in groups.items()}
    tokens = {folder: sum_counts(rows).total for folder, rows in groups.items()}
    ordered = sorted(groups, key=lambda folder: (-(costs[folder].nano or 0), -tokens[folder], folder))
    figures = [figure for figure in _list_attributed(one) if figure.attribution and figure.total]
    split = [figure for figure in figures if figure.attribution and figure.attribution.reason is None]
    split = [] if context.is_aside else split
    names = {folder: _cut_name(name, MAX_NAME) for folder, name in name_projects(ordered).items()}
    percents, shares = _list_shares(one, [groups[folder] for folder in ordered])
    rows: list[tuple[str, list[str]]] = [
        (
            names[folder],
            [
                *mark_least(
                    (format_tokens(tokens[folder]), format_cost(costs[folder])), is_whole=one.is_whole
                ),
                share,
                *(_format_attributed(figure, folder) for figure in split),
            ],
        )
        for folder, share in zip(ordered, shares, strict=True)
    ]
    if split:
        for label, name in ((ELSEWHERE, "elsewhere"), (NOT_PLACED, "unknown")):
            amounts = [float(getattr(figure.attribution, name)) for figure in split]
            if any(amounts) or name == "elsewhere":
                parts = (format_part(*pair) for pair in zip(split, amounts, strict=True))
                rows.append((label, [NOTHING, NOTHING, NOTHING, *parts]))
    totals = [
        *mark_least(
            (format_tokens(sum(tokens.values())), format_cost(sum_costs(one.rows))), is_whole=one.is_whole
        ),
        NOTHING,
        *map(format_rise, split),
    ]
    rows.append(("all", totals))
    titles = ("", "tokens", "cost", "share", *(name_figure(figure.figure) for figure in split))
    dropped = (("tokens",), ("tokens", "share"))
    notes = [explain_parts([name for name, _ in rows]) if split else "", *_list_notes(one, context)]
    return _build_share_page(
        rows, titles, "Projects", context, dropped=dropped, percents=percents, notes=notes
    )


def _list_attributed(one: SpanUsage) -> list[FigureRises]:
    """Return the window that fits the span, and the credits."""
    wanted = f"{WINDOW_PREFIX}{_WINDOW_OF[one.span.kind]}", USED_FIGURE
    return sorted(
        (figure for figure in one.figures if figure.figure in wanted),
        key=lambda figure: wanted.index(figure.figure),
    )


def _list_notes(one: SpanUsage, context: PageContext) -> list[str]:
    """Return why nothing is attributed, if so, and what the mark of an estimate says."""
    reasons = [
        f"{name_figure(figure.figure).capitalize()}: {NO_RATES[figure.attribution.reason]}"
        for figure in _list_attributed(one)
        if figure.attribution is not None and figure.attribution.reason is not None and figure.total
    ]
    split = [
        figure
        for figure in _list_attributed(one)
        if figure.attribution is not None and figure.attribution.reason is None and figure.total
    ]
    return [
        context.login_note,
        *dict.fromkeys(reasons),
        _note_unpriced(one),
        PRICE_NOTE,
        PARTS_NOTE if split else "",
        _note_resets(split),
        _note_sums(one),
    ]


def _note_unpriced(one: SpanUsage) -> str:
    """Return that some tokens are missing in the cost; empty if all of them have a price."""
    return describe_unpriced(sum_costs(one.rows).unpriced)


def _note_resets(figures: Iterable[FigureRises]) -> str:
    """Return the reason for a rise of more than 100%; empty without one."""
    is_above = any(it.unit is None and sum(rise.amount for rise in it.rises) > 100 for it in figures)
    return RESETS_NOTE if is_above else ""


def _note_sums(one: SpanUsage) -> str:
    return "" if one.is_whole else SUMS_NOTE


def _format_attributed(figure: FigureRises, folder: str) -> str:
    amount = figure.attribution.shares.get(folder, 0.0) if figure.attribution is not None else 0.0
    return format_part(figure, amount) if amount else NOTHING


def _list_shares(
    one: SpanUsage, groups: Iterable[Sequence[UsageRow]]
) -> tuple[list[float | None], list[str]]:
    """Return the share of each group and its text: of the cost, estimated, or of the tokens without a cost.

    A group without a share has None and a dash.
    """
    amounts = [(sum_costs(group).nano or 0, sum_counts(group).total) for group in groups]
    place = 0 if any(cost for cost, _ in amounts) else 1
    total = sum(pair[place] for pair in amounts)
    mark = "" if place and one.is_whole else ESTIMATED
    percents = [100 * pair[place] / total if pair[place] else None for pair in amounts]
    return percents, [NOTHING if it is None else f"{mark}{format_percent(it)}" for it in percents]


def _cut_name(name: str, width: int) -> str:
    return name if cell_len(name) <= width else f"{set_cell_size(name, width - 1).rstrip()}…"


def _build_share_page(
    rows: Sequence[tuple[str, Sequence[str]]],
    titles: tuple[str, ...],
    section: str,
    context: PageContext,
    *,
    dropped: Sequence[tuple[str, ...]],
    percents: Sequence[float | None],
    notes: Iterable[str],
) -> ListPage:
    """Return a table with as many columns as fit, or name and figures in lines of their own.

    Beside another page, whose frame has the heading, bars are more important than other columns.

    Args:
        rows: name and texts.
        titles: those of all columns, the first one empty.
        section: heading of the names.
        context: width of the page.
        dropped: titles of the columns to leave out, the fewest first.
        percents: shares of the first rows, for bars before the column "share" if there is room.
        notes: sentences below the table.
    """
    section = "" if context.is_aside else section
    cells = [[(text, "") for text in (name, *texts)] for name, texts in rows]
    whole = Table(titles, cells, (section,) if section else ())
    fewest = tuple(title for title in titles[1:] if title not in ASIDE_TITLES)
    choices = [(), *dropped, *([fewest] if context.is_aside else [])]
    shares = [*percents, *[None] * (len(rows) - len(percents))]
    tables = [_add_bars(whole.leave_out(without), shares, context, whole) for without in choices]
    place = _choose_table(tables, context)
    below = _build_notes(notes, context)
    if place is None:
        return ListPage([*_wrap_rows(rows, titles, section, context), *below], context.width)
    drawn = list_table_rows(tables[place], [(section, name, None) for name, _ in rows])
    return ListPage([*drawn, *below], context.width, dropped=len(choices[place]))


def _add_bars(table: Table, shares: Sequence[float | None], context: PageContext, whole: Table) -> Table:
    """Return the table with bars of the shares if there is room.

    Only beside another page they take the room of columns that the whole table has.
    """
    cells = min(MAX_BAR, context.room - table.width - COLUMN_GAP)
    is_wanted = "share" in table.titles and (context.is_aside or table.titles == whole.titles)
    return replace(table, bars=BarColumn("share", shares, cells)) if is_wanted and cells >= MIN_BAR else table


def _choose_table(tables: Sequence[Table], context: PageContext) -> int | None:
    """Return the place of the first table that fits; beside another page, of the first one with bars.

    None if no table fits.
    """
    fitting = [place for place, table in enumerate(tables) if table.width <= context.room]
    with_bars = [place for place in fitting if tables[place].bars is not None] if context.is_aside else []
    return next(iter([*with_bars, *fitting]), None)


def _wrap_rows(
    rows: Sequence[tuple[str, Sequence[str]]], titles: Sequence[str], section: str, context: PageContext
) -> Iterator[ListRow]:
    """Yield the names, each above its figures."""
    if section:
        yield fix_row(build_line((section, HEADING)))
    for name, texts in rows:
        named = [
            (f"{title} {text}", "") for title, text in zip(titles[1:], texts, strict=True) if text != NOTHING
        ]
        lines: list[Sequence[Cell]] = [[(_cut_name(name, context.room), "")]]
        lines += wrap_cells(named, context.room, "  ", " · ")
        yield build_row(name, [draw_cells(lines, part) for part in range(len(lines))])


def build_models_page(usage: MachineUsage, place: int, context: PageContext) -> ListPage:
    """Return the models of a span by their cost, with every kind of token."""
    one = usage.spans[place]
    if not one.rows:
        return build_text_page((NO_CALLS, PRICE_NOTE), context.width)
    groups = group_rows(one.rows, lambda row: name_model(row.model, row.variant))
    ordered = sorted(groups, key=lambda name: (-(sum_costs(groups[name]).nano or 0), name))
    found = [*((_cut_name(name, MAX_NAME), groups[name]) for name in ordered), ("all", one.rows)]
    percents, shares = _list_shares(one, [groups[name] for name in ordered])
    rows = [
        (name, [*mark_least(_list_model_texts(group), is_whole=one.is_whole), share])
        for (name, group), share in zip(found, [*shares, NOTHING], strict=True)
    ]
    titles = ("", "input", "output", "written", "read", "searches", "cost", "share")
    dropped = (("share",), ("searches", "share"))
    notes = [_note_unpriced(one), PRICE_NOTE, _note_sums(one)]
    return _build_share_page(rows, titles, "Models", context, dropped=dropped, percents=percents, notes=notes)


def _list_model_texts(rows: Sequence[UsageRow]) -> list[str]:
    counts = sum_counts(rows)
    kinds = (counts.input, counts.output, counts.written, counts.cache_read)
    searches = format_tokens(counts.web_searches) if counts.web_searches else NOTHING
    return [*map(format_tokens, kinds), searches, format_cost(sum_costs(rows))]


def build_rebuilds_page(usage: MachineUsage, context: PageContext) -> ListPage:
    """Return the cache rebuilds of each day, newest first, with their cost and the server's reasons."""
    if not usage.rebuilds:
        return build_text_page((NO_REBUILDS, REBUILD_NOTE), context.width)
    days: defaultdict[date, list[RebuildDay]] = defaultdict(list)
    for one in usage.rebuilds:
        days[one.day].append(one)
    today = to_local(usage.at, context.zone).date()
    rows = [(format_day(day, today), _list_rebuild_texts(found)) for day, found in days.items()]
    total = _list_rebuild_texts(usage.rebuilds)
    rows.insert(0, (f"{REFUSAL_DAYS} days", [*total[:-1], ""]))
    titles = ("", "calls", "tokens", "cost", "  reasons")
    section = "" if context.is_aside else "Cache rebuilds"
    cells = [[(name, ""), *((text, "") for text in texts)] for name, texts in rows]
    table = Table(titles, cells, (section,) if section else (), left=("", titles[-1]))
    if table.width <= context.room:
        drawn = list(list_table_rows(table, [(section, name, None) for name, _ in rows]))
    else:
        drawn = [fix_row(build_line((section, HEADING)))] if section else []
        drawn += [_wrap_rebuild(name, texts, context.room) for name, texts in rows]
    notes = [REBUILD_NOTE, PRICE_NOTE]
    return ListPage([*drawn, *_build_notes(notes, context)], context.width)


def _list_rebuild_texts(found: Iterable[RebuildDay]) -> list[str]:
    calls = rebuilt = 0
    cost = ListCost()
    reasons: list[tuple[str, int]] = []
    for one in found:
        calls, rebuilt, cost = calls + one.calls, rebuilt + one.rebuilt, cost.add(one.cost)
        reasons += one.reasons
    return [str(calls), format_tokens(rebuilt), format_cost(cost), f"  {format_reasons(reasons, calls)}"]


def _wrap_rebuild(name: str, texts: Sequence[str], room: int) -> ListRow:
    calls, tokens, cost, reasons = texts
    cells = [(name, ""), (format_count(int(calls), "call"), ""), (f"{tokens} tokens", ""), (cost, "")]
    wrapped = wrap_cells(cells, room, "", " · ")
    lines = [draw_cells(wrapped, part) for part in range(len(wrapped))]
    if reasons.strip():
        lines += [build_line("  ", line) for line in wrap_text(reasons.strip(), room - 2, MUTED)]
    return build_row(name, lines)


TIME_CELLS = 17
"""Cells of the time of a refusal: `Sat Apr 25 14:22 `."""
MAX_PROJECT = 20
"""Cells of the column with the projects of refusals."""
WIDE_FROM = 76
"""Cells from which a refusal has time, project and cause side by side."""


def build_refusals_page(usage: MachineUsage, context: PageContext) -> ListPage:
    """Return the refusals, newest first; those of one stop are one row."""
    if not usage.refusals:
        return build_text_page((NO_REFUSALS, NO_PROOF), context.width)
    head = describe_stops(count_stops(usage.refusals), REFUSAL_DAYS)
    stops: dict[tuple[object, ...], list[Refusal]] = {}
    for refusal in usage.refusals:
        stops.setdefault(refusal.stop, []).append(refusal)
    names = name_projects(dict.fromkeys(refusal.project for refusal in usage.refusals))
    heading = f"{head[0].upper()}{head[1:]}"
    rows = [fix_row(line) for line in wrap_text(heading, context.room, HEADING)]
    width = min(MAX_PROJECT, max(map(cell_len, names.values())))
    for found in sorted(stops.values(), key=lambda found: found[0].at, reverse=True):
        first = found[0]
        lines = _draw_refusal(found, names[first.project], width, usage.at, context)
        org_key = context.find_org(first.org) if first.org is not None else None
        rows.append(build_row(first.key, lines, first.at, org_key))
    return ListPage([*rows, *_build_notes([NO_PROOF], context)], context.width)


def _draw_refusal(
    found: Sequence[Refusal], project: str, width: int, now: datetime, context: PageContext
) -> list[Content]:
    """Return the lines of a stop; in a wide pane, the names have a column of this width."""
    first, last = found[0], found[-1]
    at = format_minute(first.at, now, context.zone)
    reasons = (refusal.credits_reason for refusal in reversed(found))
    texts = [describe_refusal_causes(first.limit, next(filter(None, reasons), ""))]
    if len(found) > 1:
        count = len({refusal.project for refusal in found})
        texts.append(f"{len(found)} refusals{f' in {count} projects' if count > 1 else ''}")
    if last.offers_low_priority:
        texts.append(LOW_PRIORITY_FORMS[0])
    if context.width >= WIDE_FROM:
        name = _cut_name(project, width)
        head = build_line((f"{at:<{TIME_CELLS}} ", MUTED), set_cell_size(name, width + COLUMN_GAP))
        blank = Content(" " * head.cell_length)
        parts = _join_fitting(texts, context.room - head.cell_length)
        hung = (hang_text(blank if place else head, part, context.room) for place, part in enumerate(parts))
        return [line for lines in hung for line in lines]
    name = _cut_name(project, max(8, context.room - len(at) - 2))
    wrapped = wrap_cells([(at, MUTED), (name, "")], context.room, "", "  ")
    lines = [draw_cells(wrapped, part) for part in range(len(wrapped))]
    parts = _join_fitting(texts, context.room - 2)
    return [*lines, *(build_line("  ", line) for part in parts for line in wrap_text(part, context.room - 2))]


def _join_fitting(texts: Iterable[str], width: int) -> list[str]:
    """Return the texts, as many as fit in one line, so that no separator ends a line."""
    lines: list[str] = []
    for text in texts:
        joined = f"{lines[-1]} · {text}" if lines else text
        if lines and cell_len(joined) <= width:
            lines[-1] = joined
        else:
            lines.append(text)
    return lines
