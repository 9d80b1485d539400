"""What a chart can show: the credits that were used, or how full the windows were."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from claudemeter_tui.model.events import Event
from claudemeter_tui.model.history import Histories
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.samples import Series
from claudemeter_tui.text import format as forms
from claudemeter_tui.text.chart.frame import Frame
from claudemeter_tui.text.chart.picture import Chart, Plot, picture
from claudemeter_tui.text.chart.scale import amount, money_labels, money_scale, percent_labels, percent_scale
from claudemeter_tui.text.chart.steps import Curve


def credits_chart(
    series: Series, frame: Frame, *, cap: Money | None = None, events: Iterable[Event] = ()
) -> Chart | None:
    """The used credits; None where there is no room, or nothing to see.

    Args:
        series: What to draw.
        frame: What part of it, and how large.
        cap: A line where it is near. None: there is none.
        events: Those of the org.
    """
    if not frame.has_room or not series.runs:
        return None
    since = series.runs[0].first.timestamp()
    start = frame.start(since)
    curve = Curve.of_series(series, start)
    seen = curve.seen(start, frame.now.timestamp(), frame.fresh.total_seconds())
    if seen is None:
        return None
    limit = float(cap.minor) if cap is not None and cap.unit == series.unit else None
    scale = money_scale(seen, limit, frame.rows, frame.fine)
    labels = money_labels(scale, seen, series.unit)
    plot = Plot(curve, partial(amount, unit=series.unit))
    return picture(frame, since, (plot,), scale=scale, labels=labels, events=events)


def windows_chart(histories: Histories, frame: Frame, *, events: Iterable[Event] = ()) -> Chart | None:
    """How full each window was, the first one in front; None where there is no room, or nothing to see."""
    plots = [Plot(Curve.of_history(it), partial(_filled, label)) for label, it in histories.items()]
    if not frame.has_room or not plots:
        return None
    since, now = min(plot.curve.firsts[0] for plot in plots), frame.now.timestamp()
    start, fresh = frame.start(since), frame.fresh.total_seconds()
    seen = [found for plot in plots if (found := plot.curve.seen(start, now, fresh)) is not None]
    if not seen:
        return None
    scale = percent_scale(max(seen, key=lambda found: found.high), frame.rows, frame.fine)
    return picture(frame, since, plots, scale=scale, labels=percent_labels(scale), events=events)


def _filled(label: str, percent: float) -> str:
    return f"{label} {forms.percent(percent)}"
