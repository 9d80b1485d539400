"""Words for the use of this machine: tokens, costs, rises, names and notes."""

from __future__ import annotations

from datetime import UTC, timedelta
from decimal import Decimal

import pytest

from claudemeter_tui.formatting.machine import (
    describe_login,
    describe_no_transcripts,
    describe_skipped,
    describe_unpriced,
    format_cost,
    format_estimate,
    format_part,
    format_reasons,
    format_rise,
    format_since,
    format_start,
    format_tokens,
    name_figure,
    name_model,
    name_projects,
)
from claudemeter_tui.formatting.transcripts import describe_stops
from claudemeter_tui.model.attribution import Rise
from claudemeter_tui.model.machine import FigureRises, ListCost, MachineSpan, SpanKind
from claudemeter_tui.model.money import Money
from tests.scenes import NOW

USD = ("USD", 2)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("0", 0),
        ("999", 999),
        ("1.00k", 1_000),
        ("12.3k", 12_345),
        ("123k", 123_456),
        ("999k", 999_400),
        ("1.00M", 999_900),
        ("10.0M", 9_999_999),
        ("4.56M", 4_560_000),
        ("1.20B", 1_200_000_000),
        ("12345B", 12_345_000_000_000),
    ],
)
def test_tokens_have_three_digits(text: str, count: int) -> None:
    """A number below a thousand is exact, and no unit has a fourth digit before the next one."""
    assert format_tokens(count) == text


@pytest.mark.parametrize(
    ("text", "cost"),
    [
        ("~$12.40", ListCost(12_400_000_000)),
        ("~$0.00", ListCost(0)),
        ("~<$0.01", ListCost(9_999_999)),
        ("~$0.01", ListCost(10_000_000)),
        ("no price", ListCost(None, 5)),
        ("~$1.00", ListCost(1_000_000_000, 5)),
        ("–", ListCost()),
    ],
)
def test_cost_is_marked_as_estimated(text: str, cost: ListCost) -> None:
    """Something is never `$0.00`, and tokens without a price have no amount."""
    assert format_cost(cost) == text


@pytest.mark.parametrize(
    ("text", "amount", "unit", "is_whole"),
    [
        ("+12%", 12.0, None, True),
        ("+0%", 0.0, None, True),
        ("≥12%", 12.0, None, False),
        ("+$3.40", 340.0, USD, True),
        ("≥$3.40", 340.0, USD, False),
        ("+JPY 340", 340.0, ("JPY", 0), True),
    ],
)
def test_rise_says_if_it_is_whole(
    text: str,
    amount: float,
    unit: tuple[str, int] | None,
    is_whole: bool,  # noqa: FBT001
) -> None:
    """A rise that was not read from the start on is a lower bound."""
    rises = (Rise(0, 1, amount),) if amount else ()
    assert format_rise(FigureRises("used", rises, unit, is_whole)) == text


def test_part_of_a_rise_is_marked_as_estimated() -> None:
    """Percent and amounts, and less than one unit is not nothing."""
    percent, money = FigureRises("window:five_hour", ()), FigureRises("used", (), USD)
    assert [format_part(percent, one) for one in (12.4, 0.3)] == ["~12%", "~<1%"]
    assert [format_part(money, one) for one in (120.7, 0.2)] == ["~$1.21", "~<$0.01"]
    assert format_estimate(Money(Decimal(0), *USD)) == "~$0.00"


def test_projects_of_one_name_are_distinguished() -> None:
    """The last part of the folder is enough for all others."""
    assert name_projects(["/a/shop", "/a/work/api", "/b/home/api", "C:\\x\\tool", "", "/api"]) == {
        "/a/shop": "shop",
        "/a/work/api": "work/api",
        "/b/home/api": "home/api",
        "C:\\x\\tool": "tool",
        "": "unknown project",
        "/api": "api",
    }
    assert name_projects(["/a/x/y", "/b/x/y"]) == {"/a/x/y": "a/x/y", "/b/x/y": "b/x/y"}


@pytest.mark.parametrize(
    ("text", "model", "variant"),
    [
        ("Opus 5.5", "claude-opus-5-5", ""),
        ("Opus 5 fast", "claude-opus-5-20260301", "fast"),
        ("new-model", "new-model", ""),
        ("unknown model", "", ""),
    ],
)
def test_models_have_their_labels(text: str, model: str, variant: str) -> None:
    """A kind of service with its own price is part of the name."""
    assert name_model(model, variant) == text


def test_figures_have_the_labels_of_the_org() -> None:
    """A window that the catalogue does not know is named by the org's reply."""
    assert name_figure("used") == "credits"
    assert name_figure("window:five_hour", {"five_hour": "another"}) == "5-hour"
    assert name_figure("window:new", {"new": "7-day New"}) == "7-day New"
    assert name_figure("window:new") == "other"


def test_start_is_marked_if_it_is_assumed() -> None:
    """The server did not report the reset."""
    today = MachineSpan(SpanKind.WINDOW, NOW - timedelta(hours=3))
    before = MachineSpan(SpanKind.WEEK, NOW - timedelta(days=3), is_reported=False)
    assert [format_start(one, NOW, UTC) for one in (today, before)] == ["11:48", "~Apr 22 14:48"]
    assert format_since(today, NOW, UTC) == "since 11:48"
    assert format_since(before, NOW, UTC) == "since ~Wed Apr 22 14:48"


def test_stops_are_counted_by_their_limit() -> None:
    """An unknown limit has words of its own, and one stop is one time."""
    counts = {"5-hour": 7, "credits": 3, "week": 2}
    assert describe_stops(counts, 30) == "stopped 12 times in 30 days: 5-hour 7, credits 3, week 2"
    assert describe_stops({"unknown": 1}, 30) == "stopped 1 time in 30 days: other limit 1"


def test_reasons_are_summed() -> None:
    """The most frequent one is first; without any the server reported none."""
    found = (("tools_changed", 1), ("system_changed", 2), ("tools_changed", 2))
    assert format_reasons(found, 5) == "tools changed 3, system changed 2"
    assert format_reasons(found, 9) == "tools changed 3, system changed 2, not reported 4"
    assert format_reasons((), 2) == "not reported"


def test_login_of_another_org_is_named() -> None:
    """Nothing is said if the login is that of the selected org, or if there is no org."""
    names = {"a": "Acme"}
    assert describe_login("a", "A", names) == ""
    assert describe_login("a", None, names) == ""
    assert (
        describe_login("a", "b", names)
        == "Claude Code is logged in to Acme, so no part of this org's rise is attributed here."
    )
    assert "another org" in describe_login("c", "b", names)
    assert "not known" in describe_login(None, "b", names)


def test_notes_name_folders_and_lines() -> None:
    """Without folders that can be shown, the sentence about them is left out."""
    assert describe_skipped(0) == ""
    assert describe_skipped(1) == "1 line of the transcripts could not be read."
    assert "Searched: ~/a, ~/b." in describe_no_transcripts(("~/a", "~/b"))
    assert not any("Searched" in one for one in describe_no_transcripts(()))


def test_tokens_without_a_price_are_named_beside_the_cost() -> None:
    """Otherwise the cost would look like that of all tokens."""
    expected = "The cost is without 52.5k tokens of models that have no known price."
    assert expected == describe_unpriced(52_500)
    assert describe_unpriced(0) == ""
