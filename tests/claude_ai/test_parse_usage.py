"""The windows of a usage reply: their order, percent and resets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from claudemeter_tui.claude_ai.parse_usage import parse_usage
from claudemeter_tui.claude_ai.validation import MalformedError, ParsedBody
from claudemeter_tui.model.catalogue import WINDOWS, WindowKind, WindowScope
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.windows import Plan, Severity, Window
from tests import golden_bodies

RESET = "2026-04-28T14:00:00Z"


def parse(body: dict[str, Any]) -> ParsedBody[Plan]:
    """Return the parsed body, which has no 5-hour window unless it has the key."""
    return parse_usage({"five_hour": None} | body)


def entry(kind: str, percent: object, name: str | None = None, **more: Any) -> dict[str, Any]:
    """Return an element of `limits[]`."""
    scope = None if name is None else {"model": {"id": None, "display_name": name}, "surface": None}
    return {"kind": kind, "percent": percent, "resets_at": RESET, "scope": scope, **more}


def labels(body: dict[str, Any]) -> list[tuple[str, float | None]]:
    """Return label and percent of each window, in order."""
    return [(window.label, window.percent) for window in parse(body).value.windows]


def only(body: dict[str, Any]) -> Window:
    """Return the body's single window."""
    (window,) = parse(body).value.windows
    return window


def money(amount: int) -> Money:
    """Return whole dollars."""
    return Money(minor=amount * 100, currency="USD")  # type: ignore[arg-type] # equal to the Decimal


def test_windows_of_a_complete_body() -> None:
    """Five-hour comes first, then the week, its scoped parts, and dollar allowances; each limit once."""
    expected = [
        ("5-hour", 41.0),
        ("7-day all", 67.5),
        ("7-day Opus", 9.0),
        ("7-day Fable", 83.0),
        ("One-time credit", 25.0),
    ]
    parsed = parse_usage(golden_bodies.usage())
    assert expected == [(window.label, window.percent) for window in parsed.value.windows]
    assert (parsed.new_fields, parsed.odd_values) == ((), ())


def test_windows_carry_kind_length_and_key() -> None:
    """Only the 5-hour and the whole 7-day window stop the plan; known lengths allow a pace mark."""
    week = timedelta(days=7)
    expected = [
        ("five_hour", WindowKind.SESSION, timedelta(hours=5)),
        ("seven_day", WindowKind.WEEKLY, week),
        ("seven_day_opus", WindowKind.SCOPED, week),
        ("weekly_scoped:Fable", WindowKind.SCOPED, week),
        ("cinder_cove", WindowKind.SCOPED, None),
    ]
    found = parse_usage(golden_bodies.usage()).value.windows
    assert expected == [(window.key, window.kind, window.length) for window in found]
    assert [window.key for window in found if window.is_one_time] == ["cinder_cove"]


@pytest.mark.parametrize(
    ("key", "label"),
    [
        ("five_hour", "5-hour"),
        ("seven_day", "7-day all"),
        ("seven_day_sonnet", "7-day Sonnet"),
        ("seven_day_opus", "7-day Opus"),
        ("seven_day_oauth_apps", "7-day OAuth apps"),
        ("seven_day_omelette", "7-day Design"),
        ("seven_day_cowork", "7-day Cowork"),
        ("iguana_necktie", "Cloud sessions"),
        ("cinder_cove", "One-time credit"),
        ("nimbus_quill", "nimbus_quill"),
    ],
)
def test_window_label_of_a_known_key(key: str, label: str) -> None:
    """Every known key has its label, code names have their own, and none is noted as new."""
    parsed = parse({key: {"utilization": 3, "resets_at": None}})
    assert (label, 3.0) == (parsed.value.windows[0].label, parsed.value.windows[0].percent)
    assert parsed.new_fields == ()


@pytest.mark.parametrize("value", [0, 1, 1.0, 2.5, 58.0, 100, 117.25, 99_999])
def test_percent_is_percent(value: float) -> None:
    """A lone value of 0, 1 or more is percent, and 1 means one percent."""
    assert value == only({"five_hour": {"utilization": value}}).percent


@pytest.mark.parametrize(
    ("value", "beside", "percent"),
    [
        (0.6, None, 60.0),
        (0.29, None, 29.0),
        (0.6, 60, 60.0),
        (0.6, 1, 0.6),
        (0.4, 0, 0.4),
        (1.0, 100, 100.0),
        (1.0, 1, 1.0),
        (1.0, 0, 1.0),
        (1.07, 107, 107.0),
        (1.28, 1, 1.28),
        (41, 41, 41.0),
        (1.2, 100, 120.0),
        (1.0, 60, 100.0),
        (1.0, 50, 1.0),
        (41, 60, 41.0),
        (0.995, None, 99.5),
        (0.9999999999999999, None, 99.99999999999999),
    ],
)
def test_percent_has_the_scale_of_its_limit(value: float, beside: int | None, percent: float) -> None:
    """The percent in `limits[]` decides the scale; without it only 0 to 1 is a fraction."""
    body = {"five_hour": {"utilization": value}, "limits": [entry("session", beside)]}
    assert percent == only(body).percent


@pytest.mark.parametrize(
    ("other", "percent"),
    [({"utilization": 0.4}, 100.0), ({"utilization": 40}, 1.0), ({"utilization": 1}, 1.0), (None, 1.0)],
)
def test_percent_of_exactly_one_follows_the_other_windows(other: object, percent: float) -> None:
    """Exactly 1 is a full window only if another window of the body counts from 0 to 1."""
    found = parse({"five_hour": {"utilization": 1.0}, "seven_day": other}).value.windows[0]
    assert percent == found.percent


@pytest.mark.parametrize(
    ("values", "percents"),
    [
        ((1.0, 0.5), [100.0, 50.0]),
        ((0.5, 1.0), [50.0, 100.0]),
        ((1.0, 1.0), [1.0, 1.0]),
        ((1.0, 0.0), [1.0, 0.0]),
        ((1.0, 2.0), [1.0, 2.0]),
    ],
)
def test_scale_is_decided_by_one_reply(values: tuple[float, float], percents: list[float]) -> None:
    """All windows of a reply decide the scale of a 1; replies before and after it change nothing."""
    body = dict(zip(("five_hour", "seven_day"), ({"utilization": value} for value in values), strict=True))
    first, _, second = (parse(one).value for one in (body, {"five_hour": {"utilization": 0.97}}, body))
    assert percents == [window.percent for window in first.windows]
    assert first == second


def test_percent_of_dollars_is_no_fraction() -> None:
    """Half a percent of a dollar allowance stays so, and makes no other value a fraction."""
    body = {
        "cinder_cove": {"utilization": 0.5, "limit_dollars": 1000, "used_dollars": 5},
        "tangelo": {"utilization": 1},
    }
    assert labels(body) == [("tangelo", 1.0), ("One-time credit", 0.5)]


@pytest.mark.parametrize(
    "value", ["41", True, False, [], {}, -1, -0.5, 100_001, float("nan"), float("inf"), 10**400]
)
def test_odd_percent_is_unknown(value: object) -> None:
    """A value that is no percentage is noted and unknown, never 0 or 100."""
    parsed = parse({"five_hour": {"utilization": value, "resets_at": RESET}})
    assert (None, datetime(2026, 4, 28, 14, tzinfo=UTC)) == (
        parsed.value.windows[0].percent,
        parsed.value.windows[0].resets_at,
    )
    assert parsed.odd_values == ("five_hour.utilization",)


@pytest.mark.parametrize("window", [{"resets_at": None}, {"utilization": None}, {}])
def test_missing_percent_is_unknown(window: object) -> None:
    """A window without a figure has no percent, and is not odd."""
    parsed = parse({"five_hour": window})
    assert (parsed.value.windows[0].percent, parsed.odd_values) == (None, ())


def test_plan_wide_window_that_is_no_object_is_kept() -> None:
    """A plan-wide window of a wrong form is unknown, not absent."""
    parsed = parse({"five_hour": 41})
    assert labels({"five_hour": 41}) == [("5-hour", None)]
    assert parsed.odd_values == ("five_hour",)


def test_null_windows_are_none() -> None:
    """A body of null windows has no windows, and is still a reply."""
    plan = parse({"five_hour": None, "seven_day": None, "limits": [], "tangelo": None}).value
    assert (plan.windows, plan.is_reported) == ((), True)


def test_empty_body_reports_nothing() -> None:
    """`{}` is an org without usage."""
    assert not parse_usage({}).value.is_reported


@pytest.mark.parametrize(
    "body",
    [
        {"message": "temporarily unavailable"},
        {"error": "overloaded"},
        {"detail": "Not authenticated"},
        {"five_hour_v2": {"utilization": 40}, "spend": None},
    ],
    ids=str,
)
def test_foreign_object_is_malformed(body: dict[str, Any]) -> None:
    """An object without any key of a usage body is an error, not a plan without windows."""
    with pytest.raises(MalformedError, match="a usage body was expected"):
        parse_usage(body)


UNREPORTED = [("5-hour", None), ("7-day all", None)]


@pytest.mark.parametrize(
    "body",
    [
        {"five_hour_v2": {"percent": 40}, "extra_usage": {"is_enabled": True}},
        {"extra_usage": None},
        {"limits": []},
        {"limits": None},
        {"five_hour": None, "limits": {}},
        {"five_hour": None, "limits": {"session": {"percent": 40}}},
        {"five_hour": None, "limits": ["session", "weekly_all"]},
        {"five_hour": None, "limits": "none"},
        {"five_hour": None, "seven_day": None, "limits": 0},
    ],
    ids=str,
)
def test_windows_that_cannot_be_read_are_not_absent(body: dict[str, Any]) -> None:
    """If the body does not show that the plan has no windows, these are not reported."""
    plan = parse_usage(body).value
    assert [(window.label, window.percent) for window in plan.wide_windows] == UNREPORTED


@pytest.mark.parametrize("other", ["x", {"kind": "monthly_all", "percent": 3}], ids=str)
def test_one_unread_entry_may_be_a_plan_wide_window(other: object) -> None:
    """A scoped entry beside one that is not understood does not show that the plan has no windows."""
    body = {"five_hour": None, "limits": [entry("weekly_scoped", 12, "Fable"), other]}
    assert [(window.label, window.percent) for window in parse_usage(body).value.wide_windows] == UNREPORTED


def test_unread_limits_add_nothing_to_a_plan_wide_window() -> None:
    """One plan-wide window with an object is enough."""
    assert labels({"seven_day": {"utilization": 67}, "limits": ["x"]}) == [("7-day all", 67.0)]


def test_scoped_limits_alone_leave_no_plan_wide_window() -> None:
    """Entries that are all understood show that the plan has no plan-wide window."""
    assert parse_usage({"limits": [entry("weekly_scoped", 12, "Fable")]}).value.wide_windows == ()


def test_limits_alone_are_windows() -> None:
    """Entries without a legacy object are windows; a scoped week needs no whole one."""
    body = {"limits": [entry("weekly_scoped", 12, "Fable"), entry("session", 3)]}
    assert labels(body) == [("5-hour", 3.0), ("7-day Fable", 12.0)]


@pytest.mark.parametrize(
    ("legacy", "name"),
    [
        ("seven_day_opus", "Opus"),
        ("seven_day_sonnet", "sonnet"),
        ("seven_day_omelette", "Design"),
        ("seven_day_cowork", "Cowork"),
        ("seven_day_oauth_apps", "OAuth apps"),
        ("seven_day_fable", "Fable"),
    ],
)
def test_limit_is_shown_once(legacy: str, name: str) -> None:
    """A scoped entry and the legacy object of the same name are one window."""
    body = {legacy: {"utilization": 12.4}, "limits": [entry("weekly_scoped", 12, name)]}
    assert [(legacy, f"7-day {name}".casefold(), 12.4, WindowKind.SCOPED)] == [
        (window.key, window.label.casefold(), window.percent, window.kind)
        for window in parse(body).value.windows
    ]


@pytest.mark.parametrize("name", ["All", "all"])
def test_scoped_limit_is_never_the_whole_week(name: str) -> None:
    """A scoped entry that is named like the plan-wide window stays a window of its own."""
    body = {
        "five_hour": {"utilization": 3},
        "seven_day": {"utilization": None},
        "limits": [entry("weekly_scoped", 100, name)],
    }
    found = parse_usage(body).value.windows
    assert [(window.key, window.percent, window.is_plan_wide) for window in found] == [
        ("five_hour", 3.0, True),
        ("seven_day", None, True),
        (f"weekly_scoped:{name}", 100.0, False),
    ]


def test_limit_completes_its_window() -> None:
    """Percent, reset, severity and activity come from the entry if the legacy object lacks them."""
    body = {"five_hour": {}, "limits": [entry("session", 92, severity="critical", is_active=True)]}
    found = only(body)
    assert (92.0, datetime(2026, 4, 28, 14, tzinfo=UTC)) == (found.percent, found.resets_at)
    assert (found.server_severity, found.is_active) == (Severity.CRITICAL, True)


def test_limits_of_one_name_are_all_kept() -> None:
    """Entries of one name with different figures are all kept, those with the same figures are one."""
    body = {"limits": [entry("weekly_scoped", percent, "Opus") for percent in (12, 40, 7)] * 2}
    expected = [("7-day Opus", 12.0), ("7-day Opus (2)", 40.0), ("7-day Opus (3)", 7.0)]
    assert expected == labels(body)


@pytest.mark.parametrize(
    ("more", "label"),
    [
        ({"group": "session"}, "5-hour"),
        ({"group": "weekly"}, "7-day all"),
        ({"group": "weekly", "scope": {"model": {"display_name": "Fable"}}}, "7-day Fable"),
        ({"group": "weekly", "scope": {"surface": "cowork"}}, "7-day cowork"),
        ({"group": "weekly", "scope": {"surface": {"display_name": "Cowork"}}}, "7-day Cowork"),
        ({}, "limits[0]"),
    ],
)
def test_limit_without_a_kind_is_named_by_its_group(more: dict[str, Any], label: str) -> None:
    """Without a kind the group and scope name the entry, else its place does."""
    assert [(label, 5.0)] == [pair for pair in labels({"limits": [{"percent": 5, **more}]}) if pair[1]]


def test_limit_of_an_unknown_kind_keeps_its_name() -> None:
    """An unknown kind stops only itself, and is noted as new."""
    parsed = parse({"limits": [entry("monthly_all", 100)]})
    found = parsed.value.windows[-1]
    assert (found.label, found.percent, found.kind) == ("monthly_all", 100.0, WindowKind.SCOPED)
    assert parsed.new_fields == ("limits[0].kind = monthly_all",)


def test_limit_of_an_unknown_severity_is_normal() -> None:
    """An unknown severity raises nothing, and is noted as new."""
    parsed = parse({"limits": [entry("session", 5, severity="apocalyptic")]})
    assert Severity.NORMAL is parsed.value.windows[0].server_severity
    assert parsed.new_fields == ("limits[0].severity = apocalyptic",)


@pytest.mark.parametrize("item", [None, "x", 5, [], True])
def test_limit_that_is_no_object_is_left_out(item: object) -> None:
    """A bad element affects no other."""
    parsed = parse({"limits": [entry("session", 41), item, entry("weekly_all", 67)]})
    assert [window.percent for window in parsed.value.windows] == [41.0, 67.0]
    assert parsed.odd_values == ("limits[1]",)


@pytest.mark.parametrize("limits", [{}, "x", 0, False, 1.5])
def test_limits_that_are_no_list_are_odd(limits: object) -> None:
    """A value of another type is noted, and the legacy windows stay."""
    parsed = parse({"five_hour": {"utilization": 41}, "limits": limits})
    assert [window.percent for window in parsed.value.windows] == [41.0]
    assert parsed.odd_values == ("limits",)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"utilization": 7}, True),
        ({"used_dollars": 3, "limit_dollars": 4}, True),
        ({"utilization": 0.0, "limit_dollars": None}, False),
        ({"utilization": 0, "locked_reason": "paused"}, True),
        ({"utilization": None}, False),
        ({"percent": 7}, False),
        (7, False),
        ("x", False),
        (None, False),
        ({"utilization": True}, False),
    ],
)
def test_unknown_key_is_a_window_if_it_has_a_figure(value: object, *, shown: bool) -> None:
    """An unknown key is noted as new, and with a figure it is a window of its own name."""
    parsed = parse({"plum_orchard": value})
    assert ["plum_orchard"] * shown == [window.label for window in parsed.value.windows]
    assert "plum_orchard" in parsed.new_fields


def test_unknown_key_inside_a_window_is_noted() -> None:
    """An unknown key beside the utilization is noted with its path."""
    parsed = parse({"five_hour": {"utilization": 7, "burst": 3}})
    assert (parsed.value.windows[0].percent, parsed.new_fields) == (7.0, ("five_hour.burst",))


def test_unknown_key_like_a_known_one_does_not_replace_it() -> None:
    """A key with an additional invisible character does not replace the real one."""
    body = {"five_hour": {"utilization": 41}, "five_hour\u200b": {"utilization": 99}}
    assert labels(body) == [("5-hour", 41.0)]


@pytest.mark.parametrize("value", [True, False, "soon", "", ["a"], [], 5, {}, {"started": 3}], ids=repr)
@pytest.mark.parametrize(
    "key", [key for key, fact in WINDOWS.items() if fact.length is None] + ["juniper_tide", "cedar_ember"]
)
def test_code_name_without_a_window_is_a_new_field(key: str, value: object) -> None:
    """A code name with another value than a window is listed, and is no error."""
    parsed = parse({key: value})
    has_model = key in ("juniper_tide", "cedar_ember")
    expected = tuple(f"{key}.{name}" for name in value) if isinstance(value, dict) and has_model else (key,)
    assert (expected, (), ()) == (parsed.new_fields, parsed.odd_values, parsed.value.windows)


@pytest.mark.parametrize("key", [key for key, fact in WINDOWS.items() if fact.length is None])
@pytest.mark.parametrize("utilization", [None, 0, 0.0])
@pytest.mark.parametrize("resets_at", [None, RESET])
def test_code_name_with_nulls_carries_nothing(key: str, utilization: object, resets_at: object) -> None:
    """A window of nulls, or of 0 without dollars, is neither shown nor new."""
    nulls = dict.fromkeys(("limit_dollars", "used_dollars", "remaining_dollars", "locked_reason"))
    parsed = parse({key: {"utilization": utilization, "resets_at": resets_at, **nulls}})
    assert (parsed.value.windows, parsed.new_fields, parsed.odd_values) == ((), (), ())


@pytest.mark.parametrize(
    ("used", "remaining", "expected"), [(None, 40, 60), (None, 150, 0), (10, 40, 10), (None, None, None)]
)
def test_used_dollars_are_the_rest_of_the_limit(
    used: int | None, remaining: int | None, expected: int | None
) -> None:
    """Used dollars that are null follow from what remains of the limit."""
    dollars = {"limit_dollars": 100, "used_dollars": used, "remaining_dollars": remaining}
    found = only({"wattle_ember": {"utilization": None, "resets_at": RESET, **dollars}})
    assert (None if expected is None else money(expected)) == found.used
    assert found.percent == expected


@pytest.mark.parametrize("key", ["five_hour", "seven_day", "wattle_ember", "plum_orchard"])
def test_allowance_under_any_key_stops_no_plan(key: str) -> None:
    """A limit in dollars makes the window an allowance, whatever its key."""
    found = only({key: {"utilization": 100, "resets_at": RESET, "limit_dollars": 5, "used_dollars": 5}})
    assert (found.is_allowance, found.is_plan_wide) == (True, False)


@pytest.mark.parametrize(
    ("scope", "label", "kind"),
    [
        ({"model": {"display_name": "Opus"}}, "7-day Opus", WindowScope.MODEL),
        ({"model": {"id": "claude-x"}, "label": "X"}, "7-day X", WindowScope.MODEL),
        ({"label": "Fable 5"}, "7-day Fable 5", WindowScope.MODEL),
        ({"label": "Projects"}, "7-day Projects", None),
        ({"surface": "cowork"}, "7-day cowork", WindowScope.SURFACE),
        ({"surface": {"id": "omelette"}}, "7-day omelette", WindowScope.SURFACE),
        (
            {"model": {"display_name": "Fable"}, "surface": {"display_name": "Cowork"}},
            "7-day Fable, Cowork",
            None,
        ),
    ],
)
def test_scope_is_a_model_or_a_surface(scope: object, label: str, kind: WindowScope | None) -> None:
    """A scope is named by display name, label or id; it is both or neither if its parts say so."""
    body = {"limits": [{"kind": "weekly_scoped", "percent": 5, "resets_at": RESET, "scope": scope}]}
    assert (label, kind) == (only(body).label, only(body).scope)
    assert only(body).continues_on_credits is ("Fable" in label)


def test_dollars_are_whole_dollars() -> None:
    """`*_dollars` are dollars, not cents."""
    found = parse_usage(golden_bodies.usage()).value.windows[-1]
    assert tuple(f"{part.major.normalize():f}" for part in (found.used, found.limit) if part) == (
        "250.5",
        "1000",
    )
    assert {("USD", 2)} == {part.unit for part in (found.used, found.limit) if part}


@pytest.mark.parametrize(
    ("used", "limit", "percent"), [(250, 1000, 25.0), (1500.0, 1000, 150.0), (0, 1000, 0.0), (5, 0, None)]
)
def test_dollars_give_a_missing_percent(used: float, limit: float, percent: float | None) -> None:
    """An allowance without utilization has the percent of its dollars, and none if it is zero."""
    assert percent == only({"cinder_cove": {"limit_dollars": limit, "used_dollars": used}}).percent


@pytest.mark.parametrize("amount", [-1, "5", True, 10**14, float("nan")])
def test_odd_dollars_cost_only_themselves(amount: object) -> None:
    """A wrong amount is left out, the rest of the allowance stays."""
    body = {"cinder_cove": {"utilization": 25, "limit_dollars": 1000, "used_dollars": amount}}
    parsed = parse(body)
    found = parsed.value.windows[0]
    assert (25.0, None, money(1000)) == (found.percent, found.used, found.limit)
    assert parsed.odd_values == ("cinder_cove.used_dollars",)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-04-28T14:00:00Z", "2026-04-28 14:00"),
        ("2026-04-28T14:00:00z", "2026-04-28 14:00"),
        ("2026-04-28T13:59:59.571131+00:00", "2026-04-28 14:00"),
        ("2026-04-28T14:00:01.046380+00:00", "2026-04-28 14:00"),
        ("2026-04-28T16:00:00+02:00", "2026-04-28 14:00"),
        ("2026-04-28T08:00:00-06:00", "2026-04-28 14:00"),
        ("2026-04-28T14:00:00", "2026-04-28 14:00"),
        ("2026-04-28 14:00", "2026-04-28 14:00"),
        (" 2026-04-28T14:00:00Z\n", "2026-04-28 14:00"),
        (1777384800, "2026-04-28 14:00"),
        (1777384799.6, "2026-04-28 14:00"),
        (1777384800000, "2026-04-28 14:00"),
        ("2199-12-31T00:00:00Z", "2199-12-31 00:00"),
    ],
)
def test_reset_of_every_known_form(value: object, expected: str) -> None:
    """Microseconds, offsets and epoch numbers give a time in UTC to the nearest minute."""
    parsed = parse({"five_hour": {"utilization": 1, "resets_at": value}})
    found = parsed.value.windows[0].resets_at
    assert (f"{expected}:00+00:00", ()) == (str(found), parsed.odd_values)


@pytest.mark.parametrize(
    "value",
    [
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59-06:00",
        "1999-12-31T23:59:59Z",
        "2200-01-01T00:00:00Z",
        "soon",
        "",
        "\ud800",
        0,
        -5,
        True,
        [],
        {},
        10**400,
        1e308,
        float("inf"),
        float("nan"),
    ],
)
def test_reset_that_is_no_time_is_unknown(value: object) -> None:
    """A value that is no time between 2000 and 2199 is noted, and costs the time only."""
    parsed = parse({"five_hour": {"utilization": 7, "resets_at": value}})
    found = parsed.value.windows[0]
    assert (found.percent, found.resets_at, parsed.odd_values) == (7.0, None, ("five_hour.resets_at",))


@pytest.mark.parametrize(("value", "reason"), [("weekly_cap", "weekly_cap"), ("", None), (None, None)])
def test_locked_reason_is_kept(value: object, reason: str | None) -> None:
    """A lock keeps the server's words, and an empty one is none."""
    assert reason == only({"five_hour": {"utilization": 7, "locked_reason": value}}).locked_reason


def test_many_windows_are_bounded() -> None:
    """A body with too many windows keeps the known ones and a few more."""
    stuffed = {f"key_{index}": {"utilization": 1} for index in range(5_000)}
    limits = [entry("weekly_scoped", 5, f"Model {index}") for index in range(5_000)]
    parsed = parse({**stuffed, "limits": limits, "five_hour": {"utilization": 41}})
    assert len(parsed.value.windows) == 100
    assert (parsed.value.windows[0].label, parsed.value.windows[0].percent) == ("5-hour", 41.0)
    assert (len(parsed.new_fields), parsed.odd_values) == (50, ("limits",))


def test_every_window_of_the_catalogue_is_read_and_is_no_new_field() -> None:
    """A known key with a figure is a window under its label, a code name under its key."""
    for fact in WINDOWS.values():
        parsed = parse({fact.key: {"utilization": 41, "resets_at": RESET}})
        (window,) = parsed.value.windows
        assert (fact.key, fact.label or fact.key) == (window.key, window.label)
        assert (fact.kind, fact.length, fact.is_one_time) == (window.kind, window.length, window.is_one_time)
        assert parsed.new_fields == ()
