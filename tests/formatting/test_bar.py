"""The line of a status bar in colours and as JSON: severity, escapes, and no figure that is not known."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from claudemeter_tui.commands.status import StatusRequest, answer_request
from claudemeter_tui.config import actions
from claudemeter_tui.formatting import bar
from claudemeter_tui.formatting.bar import BarState, style_line
from claudemeter_tui.formatting.template import DEFAULT_TEMPLATE
from claudemeter_tui.model.windows import Severity
from tests.bodies import org_body, overage_body, usage_body
from tests.scenes import (
    CREDITS_BLOCKED,
    INTERVAL,
    LABORATORY,
    NOW,
    PERSONAL,
    TEAM,
    WAITING,
    OrgBodies,
    readings,
)
from tests.terminal import Terminal

HOSTILE = "#[fg=red]#{pid}#(touch ran)#,%H}"
"""An org's name that tmux would take for styles, formats, a command and the time."""


FULL = "5-hour full until 16:00 (in 1h 11m) · 5-hour window frees up first"


def ask(org: OrgBodies, style: str = "json", template: str = DEFAULT_TEMPLATE) -> str:
    """Return the line about an org."""
    asked = StatusRequest(lambda: NOW, lambda: list(readings(org)), INTERVAL, None, template, style)
    return answer_request(asked, None, lambda _: None).text


def ask_json(org: OrgBodies) -> Any:
    """Return the object about an org."""
    return json.loads(ask(org))


@pytest.mark.parametrize(
    ("expected", "percent", "org"),
    [
        (["can_work", "normal"], 67, PERSONAL),
        (["can_work", "critical"], 99, OrgBodies(usage=usage_body(99.6, 41.0))),
        (["can_work", "normal"], 42, OrgBodies(usage=usage_body(41.6, 0.0))),
        (["can_work", "normal"], 0, OrgBodies(usage=usage_body(0.0, 0.0))),
        (["credits_blocked", "critical"], 67, CREDITS_BLOCKED),
        (["on_credits", "warning"], 100, LABORATORY),
        (["wait", "critical"], 100, WAITING),
        (["blocked", "full"], 100, TEAM),
        (["unknown", "warning"], None, OrgBodies(usage=usage_body(None, None))),
    ],
)
def test_json_has_verdict_severity_and_percent(
    expected: list[str], percent: int | None, org: OrgBodies
) -> None:
    """The classes say the verdict and its severity; a percentage is 0 or 100 only if it is exact."""
    found = ask_json(org)
    assert (found["class"], found["percentage"]) == (expected, percent)
    assert found["text"] == ask(org, style="")


def test_tooltip_has_a_line_for_each_known_figure() -> None:
    """Names come first, then the verdict, the windows and the credits; what is not known has no line."""
    assert ask_json(TEAM)["tooltip"].split("\n") == [
        "Acme Team · Team",
        f"BLOCKED your monthly cap is reached, until Fri May 1 00:00 (in 5d 9h) · {FULL}",
        "5-hour 100%",
        "7-day 71%",
        "credits $50.00/50",
        "balance $244.35",
    ]
    bare = OrgBodies(usage=usage_body(41.0, None), subscription=None)
    assert [line.partition(" ")[0] for line in ask_json(bare)["tooltip"].split("\n")] == [
        "Personal",
        "CAN",
        "5-hour",
    ]


def test_stale_figures_have_a_class() -> None:
    """Figures that the last poll did not renew are marked."""
    state = BarState("can_work", "normal", 41, ("Personal",), is_stale=True)
    assert json.loads(style_line("41%", state, "json"))["class"] == ["can_work", "normal", "stale"]


@pytest.mark.parametrize(
    ("expected", "severity", "color"),
    [
        ("41% ## 1", Severity.NORMAL, "tmux"),
        ("#[fg=yellow]41% ## 1#[default]", Severity.WARNING, "tmux"),
        ("#[fg=red]41% ## 1#[default]", Severity.CRITICAL, "tmux"),
        ("#[fg=red,bold]41% ## 1#[default]", Severity.FULL, "tmux"),
        ("41% # 1", Severity.NORMAL, "ansi"),
        ("\x1b[33m41% # 1\x1b[0m", Severity.WARNING, "ansi"),
        ("\x1b[31m41% # 1\x1b[0m", Severity.CRITICAL, "ansi"),
        ("\x1b[1;31m41% # 1\x1b[0m", Severity.FULL, "ansi"),
        ("41% # 1", Severity.FULL, ""),
    ],
)
def test_colours_follow_the_severity(expected: str, severity: Severity, color: str) -> None:
    """A normal line has no colour, and every other one ends its own."""
    state = BarState("can_work", severity.name.lower(), 41, (), is_stale=False)
    assert style_line("41% # 1", state, color) == expected


def test_flags_offer_the_existing_colours() -> None:
    """`--color` accepts what the line can be printed in; the flags must not load it."""
    assert tuple(bar.COLORS) == actions.COLORS


@pytest.mark.tools
def test_tmux_shows_a_hostile_name_as_it_is(tmp_path: Path) -> None:
    """A real tmux runs nothing that is in a name, and expands nothing."""
    org = OrgBodies(org_body(name=HOSTILE), usage_body(100.0, 41.0), overage_body(enabled=False))
    line = ask(org, "tmux", "{alarm} {org}")
    assert line.startswith("#[fg=red]WAIT")
    (tmp_path / "line").write_text(f"{line}\n", "utf-8")
    (tmp_path / "conf").write_text(
        "set -g status-right-length 100\nset -g status-interval 1\nset -g status-right '#(cat line)'\n"
    )
    tmux = ["tmux", "-S", str(tmp_path / "socket")]
    with Terminal([*tmux, "-f", "conf", "new-session", "sleep", "60"], rows=10, cwd=tmp_path) as terminal:
        try:
            terminal.wait_for("WAIT")
            assert terminal.lines[-1].endswith(f"WAIT 16:00 {HOSTILE}")
            assert b"\x1b[31m" in terminal.raw
        finally:
            subprocess.run([*tmux, "kill-server"], check=True, timeout=60)
    assert not (tmp_path / "ran").exists()
