"""One short line about an org, for a status bar: `41% 67% $17.20/50 · Personal`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo

from claudemeter_tui.model.money import Money
from claudemeter_tui.model.store import OrgState
from claudemeter_tui.model.usage import Meter, Window, WindowKind
from claudemeter_tui.model.verdict import State, Verdict
from claudemeter_tui.text import format as forms
from claudemeter_tui.text import verdict as words

USUAL = "{alarm} {windows} {credits} · {org} {age}"
"""What a line says unless told otherwise."""
BETWEEN = " · "
"""Goes where one side of it has nothing to say."""
_PLACE = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Told:
    """What a line is about."""

    state: OrgState
    verdict: Verdict
    now: datetime
    zone: tzinfo | None = None

    @property
    def lead(self) -> Meter | None:
        """The meter of one's own credits, else of the pool."""
        return self.state.credits.lead

    @property
    def window(self) -> Window | None:
        """The window that binds, else the fullest one; of what was, where nothing is known now."""
        told = self.verdict.was or self.verdict
        return next(iter(told.full), told.fullest)

    def wide(self, *kinds: WindowKind) -> list[Window]:
        """The plan's windows of these kinds."""
        plan = self.state.plan
        return [window for window in (plan.windows if plan else ()) if window.kind in kinds]


def check(form: str) -> None:
    """See that every placeholder is one.

    Raises:
        ValueError: one is not; it names those there are.
    """
    for name in _PLACE.findall(form):
        if name not in PLACES:
            raise ValueError(f"there is no placeholder {{{name}}}; there are {', '.join(PLACES)}")


def line(told: Told, form: str = USUAL) -> str:
    """The line of this form: what a placeholder has no value for goes, with the blanks around it."""
    parts = (_filled(part, told) for part in form.split(BETWEEN))
    return BETWEEN.join(filter(None, parts))


def _filled(part: str, told: Told) -> str:
    filled = _PLACE.sub(lambda found: PLACES[found[1]][1](told), part)
    shown = "".join(char if char.isprintable() else " " for char in filled)
    return " ".join(shown.split())


def _alarm(told: Told) -> str:
    calm = told.verdict.state is State.CAN_WORK and not told.verdict.locked
    return "" if calm else words.short(told.verdict, told.now, told.zone)


def _used(window: Window | None, now: datetime) -> str:
    """`41%`, `due` where its reset has passed, `?` where the server reports no figure."""
    if window is None:
        return ""
    if window.is_due(now):
        return "due"
    if window.locked_reason is not None:
        return "locked"
    return "?" if window.percent is None else f"{forms.figure(window.percent)}%"


def _all_used(told: Told, *kinds: WindowKind) -> str:
    return " ".join(_used(window, told.now) for window in told.wide(*kinds))


def _credits(told: Told) -> str:
    """`$17.20/50`; without a cap `$17.20`; the organization's as `pool $261.18/1,000`."""
    lead = told.lead
    if lead is None or lead.used is None:
        return ""
    cap = "" if lead.cap is None else f"/{_cap(lead.cap, lead.used)}"
    return f"{'' if lead.personal else 'pool '}{forms.money(lead.used)}{cap}"


def _cap(cap: Money, used: Money) -> str:
    """The cap without what it has in common with the amount before it: `50`, `CAD 50.00` after dollars."""
    if cap.unit != used.unit:
        return forms.money(cap)
    bare = forms.money(Money(cap.minor, "", cap.exponent))
    return bare.removesuffix(f".{'0' * cap.exponent}")


def _money(amount: Money | None) -> str:
    return forms.money(amount) if amount is not None else ""


def _balance(told: Told) -> str:
    balance = told.state.credits.balance
    return _money(balance.amount) if balance is not None else ""


def _at(moment: datetime | None, told: Told) -> str:
    return forms.when(moment, told.now, told.zone) if moment is not None and moment > told.now else ""


def _in(moment: datetime | None, told: Told) -> str:
    return forms.countdown(moment - told.now) if moment is not None and moment > told.now else ""


def _age(told: Told) -> str:
    old = told.verdict.stale and told.state.read_at is not None
    return forms.age(told.now - told.state.read_at) if old and told.state.read_at else ""


def _resets(told: Told) -> datetime | None:
    return told.window.resets_at if told.window is not None else None


_WIDE = (WindowKind.SESSION, WindowKind.WEEKLY)
PLACES: Mapping[str, tuple[str, Callable[[Told], str]]] = {
    "alarm": (
        "BLOCKED, WAIT 16:00, on credits, credits BLOCKED or ?; empty while all is well",
        _alarm,
    ),
    "verdict": (
        "the verdict's name: CAN WORK, ON CREDITS, WAIT, BLOCKED",
        lambda told: words.name(told.verdict),
    ),
    "text": (
        "the verdict in a whole sentence",
        lambda told: words.line(told.verdict, told.now, told.zone),
    ),
    "windows": ("the windows that stop the whole plan: 41% 67%", lambda told: _all_used(told, *_WIDE)),
    "session": ("the 5-hour window: 41%", lambda told: _all_used(told, WindowKind.SESSION)),
    "weekly": ("the 7-day window: 67%", lambda told: _all_used(told, WindowKind.WEEKLY)),
    "fullest": ("the window that binds, else the fullest: 67%", lambda told: _used(told.window, told.now)),
    "window": ("its name: 5-hour", lambda told: told.window.label if told.window else ""),
    "resets": ("when it resets: 16:00", lambda told: _at(_resets(told), told)),
    "in": ("how long until then: 1h 12m", lambda told: _in(_resets(told), told)),
    "lifts": ("when work can go on: Tue 14:00", lambda told: _at(told.verdict.lifts, told)),
    "credits": ("used credits and the cap: $17.20/50", _credits),
    "used": ("used credits: $17.20", lambda told: _money(told.lead.used if told.lead else None)),
    "cap": ("the monthly cap: $50.00", lambda told: _money(told.lead.cap if told.lead else None)),
    "left": ("what is left under it: $32.80", lambda told: _money(told.lead.left if told.lead else None)),
    "balance": ("the prepaid balance: $244.35", _balance),
    "org": ("the org's name", lambda told: told.state.org.called),
    "plan": ("its plan: Max 5x", lambda told: told.state.org.plan),
    "age": ("how old the figures are, once they are stale: 3m ago", _age),
}
"""What can stand in braces: in words for people, and how it is filled."""
