"""What the verdict says of windows: which are full, until when, and what else is to be known of them."""

from __future__ import annotations

from collections.abc import Iterator

from claudemeter_tui.model.usage import Window
from claudemeter_tui.model.verdict import Lift, State, Verdict
from claudemeter_tui.text import format as forms
from claudemeter_tui.text.verdict.clock import Clock


def all_full(verdict: Verdict, clock: Clock) -> Iterator[str]:
    """Every full window; of several with known, different resets also which binds and which lifts first."""
    resets = [clock.ahead(window.resets_at) for window in verdict.full]
    marks = [""] * len(resets)
    if None not in resets and len(set(resets)) > 1:
        marks[0], marks[-1] = ", binds", "" if any(first_of_two(verdict, clock)) else ", lifts first"
    for window, reset, mark in zip(verdict.full, resets, marks, strict=True):
        fact = f"until {clock.until(reset)}" if reset else _no_reset(window)
        yield f"{window.label} {_fullness(window)} {fact}{mark}"


def full_too(verdict: Verdict, clock: Clock) -> Iterator[str]:
    """Every full window in a line of its own, beside credits that are refused."""
    order = ""
    if any(first_of_two(verdict, clock)):
        before = ", first" if len(verdict.full) == 1 else ", before the credits"
        order = before if verdict.first is Lift.WINDOW else ", after the credits"
    for window in verdict.full:
        reset = clock.ahead(window.resets_at)
        told = f"it resets {clock.at(reset)}{order}" if reset else _no_reset(window)
        yield f"the {window.label} window is {_fullness(window)} too: {told}"
        order = ""


def first_of_two(verdict: Verdict, clock: Clock) -> Iterator[str]:
    """Which side lifts first, where both have a date."""
    window = clock.ahead(verdict.full[0].resets_at) if verdict.full else None
    if window is not None and clock.ahead(verdict.opens) is not None:
        yield "the window lifts first" if verdict.first is Lift.WINDOW else "the credits lift first"


def early_reset(verdict: Verdict) -> Iterator[str]:
    """The cure that a grant is."""
    if verdict.grant is not None:
        left = verdict.grant.resets_left
        yield "an early reset can be used now" + (f" ({left} left)" if left is not None else "")


def work_stops(verdict: Verdict) -> str:
    """Where the plan has room and credits are locked: when work stops."""
    if verdict.fullest is None:
        return "work stops when a plan window is full"
    room = forms.percent(verdict.fullest.percent)
    return f"work stops when the {verdict.fullest.label} window is full ({room})"


def standing(verdict: Verdict, clock: Clock) -> Iterator[str]:
    """How full the fullest window is and when it resets."""
    window = verdict.fullest
    if window is None:
        return
    reset, said = clock.ahead(window.resets_at), f"{window.label} {forms.percent(window.percent)}"
    if reset is not None:
        yield f"{said}, resets {clock.until(reset)}"
    elif window.resets_at is not None:
        yield f"{window.label} reset due"
    else:
        yield f"{said}, {'no reset is reported' if window.percent else 'not started'}"


def dues(verdict: Verdict) -> Iterator[str]:
    """Windows whose reset is over."""
    return (f"{window.label} reset due" for window in verdict.due)


def beside(verdict: Verdict, clock: Clock) -> Iterator[str]:
    """Windows that decide nothing: without a figure, or of one model or surface only."""
    if verdict.unreported and verdict.state is not State.UNKNOWN:
        yield f"{labels(verdict.unreported)} not reported"
    if verdict.scoped:
        yield _scoped(verdict, clock)


def labels(windows: tuple[Window, ...]) -> str:
    """`5-hour and 7-day all`."""
    return " and ".join(window.label for window in windows)


def _fullness(window: Window) -> str:
    """`full`; quoted where the server locked the window for a reason."""
    return "full" if window.locked_reason is None else f'locked ("{window.locked_reason}")'


def _no_reset(window: Window) -> str:
    return "but its reset is due" if window.resets_at is not None else "and no reset is reported"


def _scoped(verdict: Verdict, clock: Clock) -> str:
    said = ", ".join(_own_stop(window, clock) for window in verdict.scoped)
    works = verdict.state in (State.CAN_WORK, State.ON_CREDITS)
    if not works or all(window.limit is not None for window in verdict.scoped):
        return said
    models = all(_is_model(window) for window in verdict.scoped)
    return f"{said}, {'other models work' if models else 'the rest works'}"


def _own_stop(window: Window, clock: Clock) -> str:
    label, reset = window.label.removeprefix("7-day "), clock.ahead(window.resets_at)
    if window.limit is not None:
        return f"{label} used up"
    lock = f' locked ("{window.locked_reason}")' if window.locked_reason is not None else ""
    if reset is not None:
        return f"{label}{lock} until {clock.when(reset)}"
    return f"{label}{lock or ' full'}" if window.resets_at is None else f"{label} reset due"


def _is_model(window: Window) -> bool:
    return window.key in ("seven_day_opus", "seven_day_sonnet") or window.key.startswith("weekly_scoped:")
