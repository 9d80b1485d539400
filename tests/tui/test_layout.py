"""What is shown at which size."""

from __future__ import annotations

import pytest

from claudemeter_tui.tui.layout import Layout, Needs, arrange

BUSY = Needs(orgs=3, verdict=4, boxed=True, windows=3, credits=6, chart=True, status=True)
CALM = Needs(orgs=1, verdict=1, windows=2, credits=4)
WIDTHS = (40, 60, 80, 100, 120, 250)


@pytest.mark.parametrize("needs", [BUSY, CALM], ids=["busy", "calm"])
@pytest.mark.parametrize("width", WIDTHS)
def test_layout_fits_every_height(needs: Needs, width: int) -> None:
    """Nothing is laid out below the last line, and the verdict is always there."""
    for height in range(1, 71):
        layout = arrange(width, height, needs)
        assert layout.total <= height
        assert layout.verdict >= 1


@pytest.mark.parametrize("needs", [BUSY, CALM], ids=["busy", "calm"])
@pytest.mark.parametrize("width", WIDTHS)
def test_layout_never_shows_a_part_less_in_a_taller_terminal(needs: Needs, width: int) -> None:
    """What is needed most does not vanish when the terminal grows."""
    for height in range(1, 70):
        small, tall = arrange(width, height, needs), arrange(width, height + 1, needs)
        for part in ("verdict", "limits", "credits"):
            assert bool(getattr(tall, part)) >= bool(getattr(small, part))


@pytest.mark.parametrize(
    ("height", "expected"),
    [
        (1, Layout()),
        (2, Layout(limits=1)),
        (3, Layout(limits=1, credits=1)),
        (5, Layout(limits=3, credits=1)),
        (6, Layout(limits=3, credits=1, tabs=1)),
        (8, Layout(limits=3, credits=1, tabs=1, verdict=3)),
        (9, Layout(limits=3, credits=1, tabs=1, verdict=3, keys=1)),
    ],
)
def test_order_of_need_in_a_narrow_pane(height: int, expected: Layout) -> None:
    """The verdict, the tightest window, the credit line, the other windows, then the rest."""
    assert expected == arrange(40, height, BUSY)


def test_room_that_is_left_goes_to_the_chart() -> None:
    """A tall terminal is filled to its last line."""
    assert arrange(120, 60, BUSY).total == 60
    assert arrange(120, 60, BUSY).chart > arrange(120, 40, BUSY).chart


def test_panels_stand_side_by_side_only_where_they_fit() -> None:
    """From 100 columns on; then they share their lines."""
    assert not arrange(99, 40, BUSY).wide
    wide = arrange(100, 40, BUSY)
    assert wide.wide
    assert wide.panels == max(wide.limits, wide.credits) + 2
