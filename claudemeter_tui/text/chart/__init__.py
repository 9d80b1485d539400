"""Charts as lines of text: steps, gaps as gaps, the cap as a line when near, events as marks.

frame     what part of the past is shown, and how large: its edges in time and in cells
steps     runs of unchanged figures as dots from left to right
scale     where a value stands, and what is written beside it
times     round local times between the edges
marks     events as letters
canvas    dots as characters, by plotext
lines     steps as lines, each piece with its ink
axis      the time axis as lines
picture   all of it put together, and what a pointer finds
subjects  what can be shown: credits, or windows
"""

from claudemeter_tui.text.chart.frame import FRESH, LOWEST, NARROWEST, Frame
from claudemeter_tui.text.chart.lines import Ink, Line
from claudemeter_tui.text.chart.marks import MARKS, Mark
from claudemeter_tui.text.chart.picture import Chart, Pointed
from claudemeter_tui.text.chart.subjects import credits_chart, windows_chart

__all__ = [
    "FRESH",
    "LOWEST",
    "MARKS",
    "NARROWEST",
    "Chart",
    "Frame",
    "Ink",
    "Line",
    "Mark",
    "Pointed",
    "credits_chart",
    "windows_chart",
]
