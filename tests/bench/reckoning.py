"""What one poll of a hundred orgs costs the event loop, beside the drawing."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from functools import reduce

from claudemeter_tui.model.forecast import reach, spend_rate, window_full
from claudemeter_tui.model.store import OrgState, Store
from claudemeter_tui.model.verdict import judge as verdict
from tests.bench.orgs import after_a_week, one_poll
from tests.bench.table import PAIRS, Line, limited, milliseconds
from tests.scenes import NOW, READ

NEXT = READ + timedelta(minutes=1)


def fold(times: int = PAIRS, orgs: int = 100) -> Line:
    """One poll, every reading of it, folded into a store that holds a week of samples."""
    store, readings = after_a_week(orgs), one_poll(orgs, NEXT, more=7)
    took = [_timed(lambda: reduce(Store.after, readings, store)) for _ in range(times)]
    return limited(f"folding one poll of {orgs} orgs", took, 0.02, milliseconds)


def judge(times: int = PAIRS, orgs: int = 100) -> Line:
    """Verdict and forecast of every org after such a poll; nothing is known from the poll before."""
    store, readings = after_a_week(orgs), one_poll(orgs, NEXT, more=7)
    took = []
    for _ in range(times):
        after = reduce(Store.after, readings, store)
        took.append(_timed(lambda after=after: [_judged(state) for state in after.orgs]))
    return limited(f"verdicts and forecasts of {orgs} orgs", took, 0.02, milliseconds)


def _judged(state: OrgState) -> object:
    now = NOW + timedelta(minutes=1)
    windows = state.plan.windows if state.plan else ()
    rate = spend_rate(state.series, now)
    full = [window_full(window, now, state.read_at) for window in windows]
    return verdict(state, now), reach(state.credits, rate, now), full


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
