"""Time that one scrape of the metrics takes, from the request of a client to the last byte."""

from __future__ import annotations

import urllib.request
from functools import partial, reduce
from itertools import cycle

from claudemeter_tui.commands.metrics import MetricsRenderer
from claudemeter_tui.model.store import Store
from tests.bench.fold_time import MINUTE, run_loop, timed
from tests.bench.orgs import after_a_week, one_poll
from tests.bench.table import PAIRS, Line, in_turn, limited, milliseconds
from tests.metrics_client import serve
from tests.scenes import NOW, READ

ACCEPT = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
"""Formats as Prometheus prefers them; the first one takes longer than the others."""


def scrape(times: int = PAIRS, orgs: int = 100) -> Line:
    """Scrape the figures of many orgs after a week of samples, each time after a poll.

    Server and client are one process.
    """
    before = after_a_week(orgs)
    after = reduce(Store.apply, one_poll(orgs, READ + MINUTE, more=7), before)
    stores = cycle((after, before))
    renderer = MetricsRenderer(lambda: NOW, shows_names=False)
    with serve(renderer) as server:
        scrape_once = partial(_scrape_once, server.url)
        scrape_once()  # loads the library

        def ours() -> float:
            renderer.store = next(stores)
            return timed(scrape_once)

        found = in_turn(ours, run_loop, times)
    return limited(f"scrape of {orgs} orgs", found, 0.1, milliseconds)


def _scrape_once(url: str) -> None:
    with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": ACCEPT})) as reply:  # noqa: S310
        assert reply.read().endswith(b"# EOF\n")
