"""Put the use of Claude Code on this machine into words: tokens, cost at list prices, and rises.

A figure behind `~` is estimated; every other one was counted here or read from the server.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from decimal import ROUND_HALF_UP, Decimal

from claudemeter_tui.formatting.history import NOTHING, OTHER_WINDOW, format_minute, format_window
from claudemeter_tui.formatting.transcripts import format_project
from claudemeter_tui.formatting.values import (
    format_count,
    format_moment,
    format_money,
    format_percent_sum,
    to_local,
)
from claudemeter_tui.model.attribution import NoRate
from claudemeter_tui.model.history import USED_FIGURE, WINDOW_PREFIX
from claudemeter_tui.model.machine import FigureRises, ListCost, MachineSpan, MachineUsage
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.prices import PRICES_MONTH, build_dollars, label_model

ESTIMATED = "~"
"""Mark of an estimate."""
AT_LEAST = "≥"
"""Mark of a rise that was not read from the start of its span, or of a sum that lacks calls."""
AT_LEAST_NOTE = f"{AT_LEAST} at least: this program did not read the figure at the start of the period."
RESETS_NOTE = "A rise is the sum over all resets of a window, so it can be above 100%."
SUMS_NOTE = f"{AT_LEAST} at least: of the first hour of the period, only a sum with earlier calls is kept."
NO_PRICE = "no price"
ELSEWHERE, NOT_PLACED = "elsewhere", "not known"
PART_MEANINGS: Mapping[str, str] = {ELSEWHERE: "other devices, app, web", NOT_PLACED: "here or elsewhere"}
"""Meaning of the parts of a rise that belong to no project."""
READING_FIRST = (
    "Reading Claude Code's transcripts…",
    "The first time takes some seconds.",
)
TRANSCRIPTS_OFF = (
    "Transcripts are not read (transcripts = false).",
    "Turn them on in the settings to see the tokens, the cost and the refusals of Claude Code here.",
)
NEEDS_HISTORY = (
    "History is switched off (history.enabled).",
    "Everything that is read from transcripts is kept there; turn it on in the settings.",
)
RISES = "Rise on claude.ai"
"""Heading of the rises that the server counted, of every device."""
NO_RISES = "No figure of this org was read in these periods."
NO_CALLS = "No call in this period."
NO_REBUILDS = "No cache rebuild was found in 30 days."
NO_REFUSALS = "No refusal was found in 30 days."
REBUILD_NOTE = "Tokens written to the cache again that the call before had cached."
PRICE_NOTE = (
    f"{ESTIMATED} estimated: list prices of {PRICES_MONTH:%b %Y}, which a plan does not charge."
    " Figures without a mark are measured."
)
PARTS_NOTE = "The parts of a rise are estimated from the cost of the calls here and its usual rate."
NO_RATES = {
    NoRate.FEW: "too little data to attribute the rise.",
    NoRate.UNEVEN: "other devices were active too often to attribute the rise.",
}
_TOKEN_UNITS = ((10**9, "B"), (10**6, "M"), (10**3, "k"))


def format_tokens(count: int) -> str:
    """Return `999`, `12.3k`, `4.56M`, `1.20B`: three digits."""
    for size, unit in _TOKEN_UNITS:
        # 999,950 is no `1000k`.
        if count >= size * 0.9995 and count >= 1000:
            amount = count / size
            return f"{amount:.{2 if amount < 9.995 else 1 if amount < 99.95 else 0}f}{unit}"
    return str(count)


def format_cost(cost: ListCost) -> str:
    """Return `~$12.40`, `no price` if no token has one, or a dash without tokens."""
    if cost.nano is None:
        return NO_PRICE if cost.unpriced else NOTHING
    return format_estimate(build_dollars(cost.nano))


def mark_least(texts: Iterable[str], *, is_whole: bool) -> list[str]:
    """Return sums of a span, with the mark of a minimum if they can lack calls; a dash stays."""
    return [text if is_whole or text in {NOTHING, NO_PRICE} else f"{AT_LEAST}{text}" for text in texts]


def format_estimate(amount: float | Money) -> str:
    """Return `~41%`, `~$3.40`; `~<$0.01` just above nothing."""
    if not isinstance(amount, Money):
        return f"{ESTIMATED}{format_percent_sum(amount)}"
    if 0 < amount.minor < 1:
        return f"{ESTIMATED}<{format_money(Money(Decimal(1), *amount.unit))}"
    # An estimate is rounded; what the server has charged is cut.
    rounded = amount.minor.quantize(Decimal(1), ROUND_HALF_UP)
    return f"{ESTIMATED}{format_money(Money(rounded, *amount.unit))}"


def format_rise(figure: FigureRises) -> str:
    """Return `+12%`, `+$3.40`; if the start of the span was not read, `≥12%`, or a dash without a rise."""
    total = figure.total
    if not figure.is_whole and not any(rise.amount for rise in figure.rises):
        return NOTHING
    text = format_money(total) if isinstance(total, Money) else format_percent_sum(total)
    return f"{'+' if figure.is_whole else AT_LEAST}{text}"


def format_part(figure: FigureRises, amount: float) -> str:
    """Return an estimated part of a rise: `~4%`, `~$1.20`."""
    if figure.unit is None:
        return format_estimate(amount)
    return format_estimate(Money(Decimal(str(amount)), *figure.unit))


def name_figure(figure: str, labels: Mapping[str, str] | None = None) -> str:
    """Return `5-hour`, `7-day all`, `credits`; `other` for a window that is neither known nor in `labels`."""
    if figure == USED_FIGURE:
        return "credits"
    name = format_window(figure)
    return (labels or {}).get(figure.removeprefix(WINDOW_PREFIX), name) if name == OTHER_WINDOW else name


def name_projects(folders: Iterable[str]) -> dict[str, str]:
    """Return a name for each folder: its last part, with those before it if two would be equal."""
    names = {folder: format_project(folder) for folder in folders}
    for depth in range(2, 8):
        counts = Counter(names.values())
        for folder, name in names.items():
            if counts[name] > 1 and folder:
                parts = [part for part in folder.replace("\\", "/").split("/") if part]
                names[folder] = "/".join(parts[-depth:])
    return names


def name_model(model: str, variant: str) -> str:
    """Return `Opus 5.5`, `Opus 5.5 fast`, or `unknown model`."""
    return " ".join(filter(None, (label_model(model) or "unknown model", variant)))


def explain_parts(words: Collection[str]) -> str:
    """Return the meaning of those of these words that need one; empty if none does."""
    return " · ".join(f"{word}: {meaning}" for word, meaning in PART_MEANINGS.items() if word in words)


def format_since(span: MachineSpan, now: datetime, zone: tzinfo | None) -> str:
    """Return `since 14:00`; `since ~09:48` if the server did not report the start."""
    mark = "" if span.is_reported else ESTIMATED
    return f"since {mark}{format_moment(span.since, now, zone)}"


def format_start(span: MachineSpan, now: datetime, zone: tzinfo | None) -> str:
    """Return `14:00` today, else `Apr 21 14:00`, in one form for a column; `~` as in `format_since`."""
    mark = "" if span.is_reported else ESTIMATED
    there = to_local(span.since, zone)
    if there.date() == to_local(now, zone).date():
        return f"{mark}{there:%H:%M}"
    return f"{mark}{format_minute(span.since, now, zone, has_weekday=False)}"


def describe_no_transcripts(folders: Sequence[str]) -> tuple[str, ...]:
    """Return a heading, the searched folders, and the variable that names others."""
    searched = (f"Searched: {', '.join(folders)}.",) if folders else ()
    return (
        "No transcripts of Claude Code were found.",
        *searched,
        "Set CLAUDE_CONFIG_DIR if its config folder is another one.",
    )


def describe_first_call(usage: MachineUsage, zone: tzinfo | None) -> str:
    """Return `first call Mar 26 09:14`, before which nothing is known; empty without a call."""
    if usage.since is None:
        return ""
    return f"first call {format_minute(usage.since, usage.at, zone, has_weekday=False)}"


def describe_skipped(count: int) -> str:
    """Return a sentence about lines that could not be read; empty for none."""
    return f"{format_count(count, 'line')} of the transcripts could not be read." if count else ""


def describe_login(login_org: str | None, org_uuid: str | None, names: Mapping[str, str]) -> str:
    """Return a sentence if Claude Code is not known to be logged in to an org; else an empty text.

    Args:
        login_org: UUID of the org of the login, in lower case. None if not known.
        org_uuid: UUID of the selected org. None without an org.
        names: names of the known orgs by their UUID in lower case.
    """
    if org_uuid is None:
        return ""
    if login_org is None:
        return "Claude Code's login is not known: its calls can be those of another account."
    if login_org == org_uuid.lower():
        return ""
    name = names.get(login_org, "another org")
    return f"Claude Code is logged in to {name}, so no part of this org's rise is attributed here."


def describe_unpriced(tokens: int) -> str:
    """Return a sentence about tokens that the cost leaves out; empty for none."""
    if not tokens:
        return ""
    return f"The cost is without {format_tokens(tokens)} tokens of models that have no known price."


def format_reasons(reasons: Sequence[tuple[str, int]], calls: int) -> str:
    """Return `tools changed 3, system changed 1, not reported 2`, or `not reported` for all of the calls."""
    counts: Counter[str] = Counter()
    for reason, count in reasons:
        counts[reason.replace("_", " ")] += count
    texts = [f"{reason} {count}" for reason, count in counts.most_common()]
    if not texts:
        return "not reported"
    missing = calls - counts.total()
    return ", ".join([*texts, f"not reported {missing}"] if missing > 0 else texts)
