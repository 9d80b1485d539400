"""The badge and the popup: the worst org, no figure that is not known, and what helps."""

from __future__ import annotations

from datetime import timedelta

import pytest

from claudemeter_tui.extension.toolbar import (
    MAX_LINE_LENGTH,
    MAX_LINES,
    Toolbar,
    build_toolbar,
)
from claudemeter_tui.formatting.report import format_report
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.reading import ErrorKind, Failure, Reading, Schedule, name_session
from claudemeter_tui.model.store import Store
from tests.bodies import org_body, usage_body
from tests.scenes import (
    CREDITS_BLOCKED,
    INTERVAL,
    LABORATORY,
    NOW,
    PERSONAL,
    READ,
    TEAM,
    WAITING,
    OrgBodies,
    store,
)

SESSION = name_session("Chrome", 1)


@pytest.mark.parametrize(
    ("badge", "level", "orgs"),
    [
        ("67%", "normal", (PERSONAL,)),
        ("99%", "critical", (OrgBodies(usage=usage_body(99.6, 41.0)),)),
        ("0%", "normal", (OrgBodies(usage=usage_body(0.0, 0.0)),)),
        ("67%", "critical", (CREDITS_BLOCKED,)),
        ("100%", "warning", (LABORATORY,)),
        ("100%", "critical", (WAITING,)),
        ("!", "critical", (TEAM,)),
        ("!", "critical", (PERSONAL, TEAM, LABORATORY)),
        ("?", "unknown", (OrgBodies(usage=usage_body(None, None)),)),
    ],
)
def test_badge_shows_the_worst_org(badge: str, level: str, orgs: tuple[OrgBodies, ...]) -> None:
    """A percentage is 0 or 100 only if it is exact; BLOCKED has a mark of its own."""
    found = build_toolbar(store(*orgs), NOW)
    assert (found.badge, found.level) == (badge, level)
    assert len(found.badge) <= 4


def test_old_figures_are_not_current() -> None:
    """Figures that are out of date leave the badge unknown; the popup has them with their age."""
    found = build_toolbar(store(PERSONAL), NOW + timedelta(hours=3))
    assert (found.badge, found.level, found.read_at) == ("?", "unknown", READ)


def test_lines_are_those_of_once() -> None:
    """Every org has its block, the worst one first, with a blank line between two of them."""
    known = store(PERSONAL, TEAM)
    blocks = "\n\n".join(format_report(known, state, NOW) for state in reversed(known.orgs))
    assert build_toolbar(known, NOW).lines == tuple(blocks.splitlines())


def test_first_poll_is_awaited() -> None:
    """Before the first reply there is no figure, and no fault."""
    found = build_toolbar(Store(), NOW)
    assert found == Toolbar(
        "?",
        "unknown",
        "claudemeter: Waiting for the first reply of claude.ai.",
        ("Waiting for the first reply of claude.ai.",),
    )


def test_failure_names_what_helps_in_the_popup() -> None:
    """The cure names the button of the popup, and not a key of the dashboard."""
    failure = Failure(ErrorKind.CHALLENGE, Endpoint.ACCOUNT, NOW)
    known = Store().apply(Reading(SESSION, NOW, failure, schedule=Schedule(NOW + INTERVAL, INTERVAL)))
    (line,) = build_toolbar(known, NOW).lines
    assert line.startswith("Chrome, extension · Cloudflare challenge: Cloudflare wants a browser check.")
    assert "then click “Refresh now”" in line
    assert "press r" not in line


def test_message_is_bounded() -> None:
    """A long name and many orgs make a message that Chromium accepts."""
    many = [
        OrgBodies(org_body(f"bbbbbbbb-0000-4000-8000-{number:012}", "N" * 10_000)) for number in range(60)
    ]
    message = build_toolbar(store(*many), NOW).build_message()
    lines = message["lines"]
    assert isinstance(lines, list)
    assert len(lines) == MAX_LINES
    assert max(map(len, [*lines, message["title"]])) <= MAX_LINE_LENGTH
