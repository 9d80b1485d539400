"""The chart of an evidence bundle: true to the amounts, and of bounded size."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from xml.etree import ElementTree as ET

from claudemeter_tui.formatting.svg_chart import BOTTOM, HEIGHT, LEFT, RIGHT, WIDTH, MoneyChart
from claudemeter_tui.model.money import Money
from tests.scenes import READ

USD = ("USD", 2)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def usd(cents: int) -> Money:
    """Return an amount."""
    return Money(Decimal(cents), *USD)


def used_path(chart: MoneyChart) -> str:
    """Return the path of the used credits; the picture must be valid XML."""
    root = ET.fromstring(chart.format_svg("Used <credits> & more"))  # noqa: S314 - our own
    paths = [one.get("d", "") for one in root.iter("{http://www.w3.org/2000/svg}path")]
    return paths[-1]


def test_steps_are_at_their_times_and_amounts() -> None:
    """An amount holds until the next one is read; the highest one is near the top, zero at the bottom."""
    chart = MoneyChart(READ, READ + 100 * MINUTE, USD)
    chart.add_used(READ, READ + 49 * MINUTE, usd(0))
    chart.add_used(READ + 50 * MINUTE, READ + 100 * MINUTE, usd(2000))
    middle, bottom = round(LEFT + (WIDTH - LEFT - RIGHT) / 2), float(HEIGHT - BOTTOM)
    found = used_path(chart)
    assert found.startswith(f"M{LEFT} {bottom}h1H")
    assert f"H{middle}V" in found
    assert found.endswith(f"H{WIDTH - RIGHT}V{float(re.findall(r'V([0-9.]+)', found)[-1])}")
    assert float(re.findall(r"V([0-9.]+)", found)[-1]) < 30


def test_a_pause_is_a_gap() -> None:
    """No line connects two readings with a pause of more than a quarter of an hour between them."""
    chart = MoneyChart(READ, READ + DAY, USD)
    chart.add_used(READ, READ + MINUTE, usd(100))
    chart.add_used(READ + 17 * MINUTE, READ + 18 * MINUTE, usd(200))
    chart.add_used(READ + 34 * MINUTE, READ + 34 * MINUTE, usd(300))
    assert used_path(chart).count("M") == 3


def test_time_labels_differ() -> None:
    """However short or long the span is, no label of the time axis is there twice."""
    for span in (timedelta(seconds=30), 5 * MINUTE, 90 * MINUTE, 3 * DAY, 400 * DAY):
        root = ET.fromstring(MoneyChart(READ, READ + span, USD).format_svg("Used credits"))  # noqa: S314 - our own
        texts = root.iter("{http://www.w3.org/2000/svg}text")
        labels = [one.text for one in texts if one.get("y") == str(HEIGHT - 10)]
        assert len(set(labels)) == len(labels) == 6


def test_size_is_bounded_and_peaks_stay() -> None:
    """A year of changes every minute is a small picture that still has the only peak."""
    chart = MoneyChart(READ, READ + 20_000 * MINUTE, USD)
    for minute in range(20_000):
        amount = 9_000 if minute == 12_345 else minute % 7
        chart.add_used(READ + minute * MINUTE, READ + minute * MINUTE, usd(amount))
    picture = chart.format_svg("Used credits")
    assert len(picture) < 100_000
    assert "$90.00" in picture
    highest = min(float(y) for y in re.findall(r"V([0-9.]+)", used_path(chart)))
    assert highest < 30


def test_no_amounts_and_a_moment_draw_a_picture() -> None:
    """Neither an empty span nor one moment divides by zero."""
    chart = MoneyChart(READ, READ, USD)
    chart.add_used(READ, READ, usd(0))
    assert used_path(chart)
