"""The short line for status bars: placeholders, and parts that vanish if unknown."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from claudemeter_tui.formatting.status_line import PLACEHOLDERS, StatusContext, format_values
from claudemeter_tui.formatting.template import DEFAULT_TEMPLATE, check_template, fill_template
from claudemeter_tui.model.verdict import judge
from tests.bodies import NEXT_MONTH, limit_body, org_body, overage_body, usage_body
from tests.scenes import (
    CREDITS_BLOCKED,
    ENTERPRISE,
    LABORATORY,
    NOW,
    PERSONAL,
    READ,
    SERVER_LOCK,
    TEAM,
    WAITING,
    OrgBodies,
    store,
)

LATER = READ + timedelta(minutes=3)
"""Time at which the figures are stale."""
LONG_AFTER = READ + timedelta(minutes=41)
EVENING = datetime(2026, 4, 25, 16, 1, tzinfo=UTC)
"""Time after the reset of the 5-hour window."""
FREE = OrgBodies(usage=usage_body(41.0, None), overage=None, subscription=None)
EURO = OrgBodies(overage=overage_body(40843, None, currency="CAD"))
FULL_MODEL = OrgBodies(
    usage=usage_body(
        100.0, 58.0, limits=[limit_body("session", 100), limit_body("weekly_scoped", 100, model="Fable")]
    ),
    overage=overage_body(),
)
LOCKED_ENTERPRISE = replace(
    ENTERPRISE,
    overage=overage_body(1_200_000, 5_000_000, reason="org_level_disabled_until", until=NEXT_MONTH),
)
YEN = OrgBodies(overage=overage_body(1720, 50_000, currency="JPY"))


def make_context(bodies: OrgBodies, now: datetime = NOW) -> StatusContext:
    """Return the values for a line about that org."""
    (state,) = store(bodies).orgs
    return StatusContext(state, judge(state, now), now, UTC)


def format_status_line(context: StatusContext, template: str = DEFAULT_TEMPLATE) -> str:
    """Return the line of that org."""
    return fill_template(template, format_values(context))


@pytest.mark.parametrize(
    ("expected", "bodies"),
    [
        ("67% 41% $17.20/50 · Personal", PERSONAL),
        ("BLOCKED 100% 71% $50.00/50 · Acme Team", TEAM),
        ("on credits 100% 58% $8.12 · Lab", LABORATORY),
        ("WAIT 16:00 100% 82% $4.26/60 off · Personal", WAITING),
        ("credits BLOCKED 41% 67% $0.00/20 · Personal", CREDITS_BLOCKED),
        ("on credits $2,119.26/5,000 · Globex", ENTERPRISE),
        ("BLOCKED 100% 100% $12.00/50 · Personal", SERVER_LOCK),
        ("41% · Personal", FREE),
        ("41% 67% CAD 408.43 · Personal", EURO),
        ("41% 67% JPY 1720/50,000 · Personal", YEN),
    ],
)
def test_line_shows_the_most_important_parts(expected: str, bodies: OrgBodies) -> None:
    """The blocking cause comes first, then windows, credits, the org."""
    assert format_status_line(make_context(bodies)) == expected


@pytest.mark.parametrize(
    ("expected", "now"),
    [
        ("67% 41% $17.20/50 · Personal", NOW),
        ("67% 41% $17.20/50 · Personal 3m ago", LATER),
        ("? 67% 41% $17.20/50 · Personal 41m ago", LONG_AFTER),
        ("? due 41% $17.20/50 · Personal 1h 13m ago", EVENING),
    ],
)
def test_old_figures_show_their_age(expected: str, now: datetime) -> None:
    """Stale figures have an age, after 15 minutes there is no verdict, and a due window has no figure."""
    assert format_status_line(make_context(PERSONAL, now)) == expected


@pytest.mark.parametrize(
    ("expected", "form"),
    [
        ("CAN WORK", "{verdict}"),
        ("CAN WORK 5-hour 67%, resets 16:00 (in 1h 11m)", "{text}"),
        ("67% 41% 67%", "{session} {weekly} {fullest}"),
        ("5-hour resets 16:00 in 1h 11m", "{window} resets {resets} in {in}"),
        ("$17.20 of $50.00, $32.80 left, $244.35", "{used} of {cap}, {left} left, {balance}"),
        ("Personal Max 5x", "{org} {plan}"),
        ("", "{alarm} {lifts} {age}"),
        ("Personal", "{alarm} · {org} · {age}"),
        ("a b", "  a   b "),
        ("67%67%", "{session}{session}"),
    ],
)
def test_placeholders_are_filled(expected: str, form: str) -> None:
    """An empty placeholder is removed with the blanks, or the dot, around it."""
    check_template(form, PLACEHOLDERS)
    assert format_status_line(make_context(PERSONAL), form) == expected


@pytest.mark.parametrize(
    ("expected", "bodies", "now"),
    [
        ("CAN WORK|Fable 12%", PERSONAL, NOW),
        (
            "BLOCKED until 16:00 · your monthly cap is reached, until Fri May 1 00:00 (in 5d 9h)|Fable 12%",
            TEAM,
            NOW,
        ),
        ("ON CREDITS until 16:00|", LABORATORY, NOW),
        ("ON CREDITS|", ENTERPRISE, NOW),
        (
            "BLOCKED · your organization has paused usage credits, until Fri May 1 00:00 (in 5d 9h)|",
            LOCKED_ENTERPRISE,
            NOW,
        ),
        ("WAIT until 16:00|", WAITING, NOW),
        ("CAN WORK · credits BLOCKED · the prepaid balance is empty|", CREDITS_BLOCKED, NOW),
        (
            "UNKNOWN · no successful read for 41m · last known: CAN WORK 41m ago|Fable 12%",
            PERSONAL,
            LONG_AFTER,
        ),
        ("ON CREDITS until 16:00|Fable is full until Tue 14:00 and continues on credits", FULL_MODEL, NOW),
    ],
)
def test_state_and_models_have_their_ends(expected: str, bodies: OrgBodies, now: datetime) -> None:
    """The verdict has its end, once if that is the lock's; a full model has its reset and its effect."""
    assert format_status_line(make_context(bodies, now), "{state}|{models}") == expected


def test_lifts_shows_when_work_can_continue() -> None:
    """`{lifts}` is the time of the first end."""
    assert (
        format_status_line(make_context(TEAM), "{alarm} until {lifts}, {window}")
        == "BLOCKED until 16:00, 5-hour"
    )


@pytest.mark.parametrize("name", ["x", "", "org.name", "org!r", " org", "Org"])
def test_unknown_placeholder_is_refused(name: str) -> None:
    """The error names the known placeholders."""
    with pytest.raises(ValueError, match=re.escape(f"unknown placeholder {{{name}}}; known: alarm, ")):
        check_template(f"{{org}} {{{name}}}", PLACEHOLDERS)


def test_every_placeholder_can_be_empty() -> None:
    """An org that was never read fills every placeholder."""
    full = make_context(PERSONAL)
    bare = full._replace(state=replace(full.state, replies={}))
    unknown = bare._replace(verdict=judge(bare.state, NOW))
    form = "|".join(f"{{{name}}}" for name in PLACEHOLDERS)
    filled = dict(zip(PLACEHOLDERS, format_status_line(unknown, form).split("|"), strict=True))
    named = {name for name, text in filled.items() if text}
    assert named == {"alarm", "verdict", "state", "text", "org", "plan"}
    assert format_status_line(unknown, DEFAULT_TEMPLATE) == "? · Personal"


def test_personal_and_pooled_credits_are_distinct() -> None:
    """The organization's figure is never shown as the personal one."""
    pool = OrgBodies(
        org=org_body(capabilities=("chat", "raven"), tier="default_claude_zero", raven_type="team"),
        usage=usage_body(None, None),
        overage=overage_body(26_118, 100_000),
    )
    assert "pool $261.18/1,000" in format_status_line(make_context(pool))


def test_hostile_text_stays_one_line_of_text() -> None:
    """Hostile text leaves no control character in the line."""
    state = make_context(PERSONAL).state
    named = replace(state, org=replace(state.org, name="a\x1b]0;x\x07\n\u202eb"))
    assert format_status_line(StatusContext(named, judge(named, NOW), NOW, UTC), "{org}") == "a ]0;x b"
