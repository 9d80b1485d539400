"""Time that one poll of a hundred orgs takes of the event loop, without drawing."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial, reduce
from itertools import accumulate

from claudemeter_tui.model.event_log import EventLog
from claudemeter_tui.model.forecast import compute_spend_rate, forecast_limit, forecast_window_full
from claudemeter_tui.model.store import OrgState, Store
from claudemeter_tui.model.verdict import judge as verdict
from tests.bench.orgs import after_a_week, one_poll
from tests.bench.table import PAIRS, Line, in_turn, limited, milliseconds
from tests.scenes import NOW, READ

MINUTE = timedelta(minutes=1)


def fold(times: int = PAIRS, orgs: int = 100) -> Line:
    """Fold every reading of one poll into a store with a week of samples."""
    store, readings = after_a_week(orgs), one_poll(orgs, READ + MINUTE, more=7)
    found = in_turn(lambda: timed(partial(reduce, Store.apply, readings, store)), run_loop, times)
    return limited(f"applying one poll of {orgs} orgs", found, 0.02, milliseconds)


def judge(times: int = PAIRS, orgs: int = 100) -> Line:
    """Compute the events after each reading of a poll, then verdict and forecasts of every org."""
    store, readings = after_a_week(orgs), one_poll(orgs, READ + MINUTE, more=7)
    journal = EventLog().observe(store, NOW)

    def ours() -> float:
        steps = tuple(accumulate(readings, Store.apply, initial=store))
        return timed(partial(_judged, steps, journal))

    return limited(
        f"events, verdicts, forecasts of {orgs} orgs", in_turn(ours, run_loop, times), 0.02, milliseconds
    )


def run_loop() -> float:
    """Run the yardstick: a hundred thousand multiplications in plain Python."""
    return timed(lambda: [number * number for number in range(100_000)])


def _judged(steps: Sequence[Store], journal: EventLog) -> object:
    for step in steps:
        journal = journal.observe(step, NOW + MINUTE)
    return journal, [_said(state) for state in steps[-1].orgs]


def _said(state: OrgState) -> object:
    now = NOW + MINUTE
    windows = state.plan.windows if state.plan else ()
    rate = compute_spend_rate(state.series, now)
    full = [forecast_window_full(window, now, state.read_at) for window in windows]
    return verdict(state, now), forecast_limit(state.credits, rate, now), full


def timed(work: Callable[[], object]) -> float:
    """Return the processor time of some work in seconds."""
    began = time.process_time()
    work()
    return time.process_time() - began
