"""Situations of real accounts: organizations, windows, resets, allowances, new fields and errors."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.bodies import (
    PERSONAL,
    Json,
    account_body,
    extra_usage_body,
    limit_body,
    org_body,
    overage_body,
    spend_body,
    usage_body,
    window_body,
)
from tests.responses import NOT_FOUND, Answer, Sends
from tests.sources.outputs import Replies, Shown, full_window, later, play, room

pytestmark = pytest.mark.slow

CONSOLE = "bbbbbbbb-0000-4000-8000-000000000009"


def console_body(*capabilities: str, **more: Any) -> Json:
    """Return an organization of the API console."""
    tier = "auto_api_evaluation"
    billing = {"billing_type": "api_evaluation"} | more
    return org_body(CONSOLE, "Pat's Individual Org", capabilities=capabilities, tier=tier, **billing)


def play_orgs(*orgs: Json, by_list: bool = False) -> Shown:
    """Return the outputs for an account with these organizations; the usage of CONSOLE is refused."""
    listed: dict[str, Sends] = {
        "/api/account": Answer.json(account_body(*orgs) if not by_list else {"memberships": []}),
        "/api/organizations": Answer.json(list(orgs)) if by_list else NOT_FOUND,
        f"/api/organizations/{CONSOLE}/usage": Answer.json({}, 403),
    }
    return play(Replies(room(), routes=listed))


@pytest.mark.parametrize("by_list", [False, True])
@pytest.mark.parametrize("is_first", [False, True])
@pytest.mark.parametrize(
    "console",
    [
        console_body("api", "api_individual"),
        console_body("api_individual", "api"),
        console_body("api"),
        console_body("api_individual"),
        console_body("api", "api_individual", "prompt_library", billing_type="prepaid"),
    ],
    ids=lambda body: "+".join(body["capabilities"]),
)
def test_console_org_is_left_out_everywhere(console: Json, *, is_first: bool, by_list: bool) -> None:
    """An org with API capabilities only is not read and not shown, wherever it is listed."""
    orgs = (console, org_body()) if is_first else (org_body(), console)
    shown = play_orgs(*orgs, by_list=by_list)
    assert (shown.check_status, shown.once_status) == (0, 0)
    assert shown.check.startswith("CAN WORK  5-hour 41%, resets 16:48")
    assert shown.check.endswith("Personal")
    assert shown.line == "41% 31% · Personal"
    assert [state.org.name for state in shown.store.orgs] == ["Personal"]
    assert "Individual Org" not in shown.everything
    assert not [path for path in shown.paths if CONSOLE in path]
    assert shown.json["errors"] == []


@pytest.mark.parametrize(
    "capabilities",
    [("claude_max", "chat"), ("chat", "api"), ("api", "claude_pro"), ("api", "raven"), ("claude_max",), ()],
)
def test_org_with_any_plan_is_kept(capabilities: tuple[str, ...]) -> None:
    """An API capability beside that of a plan hides nothing."""
    shown = play_orgs(org_body(capabilities=capabilities), console_body("api", "api_individual"))
    assert [state.org.uuid for state in shown.store.orgs] == [PERSONAL]
    assert shown.check.startswith("CAN WORK  5-hour 41%")


def grant_body(**changes: Any) -> Json:
    """Return a saved reset that can be used now."""
    return {
        "id": "grant_k",
        "label": "Spring reset",
        "resets_total": 3,
        "resets_left": 1,
        "starts_at": later(days=-6),
        "ends_at": later(days=9),
        "clears": ["five_hour", "seven_day"],
        "blocking": [],
        "paused": False,
        "usable_now": True,
        "use_requires_limit": True,
        "percent_used": 0,
    } | changes


def granted(*grants: Json, full: str = "seven_day", **changes: Any) -> Shown:
    """Return the outputs for these grants while one window is full, with changes of `cedar_ember`."""
    resets = {
        "eligible": True,
        "in_experiment": True,
        "ineligible_reason": None,
        "next_grant_id": "grant_k",
        "at_limit": True,
        "exhausted": [full],
        "cooldown_until": None,
        "weekly_resets_at": later(days=4),
        "grants": list(grants or (grant_body(),)),
    } | changes
    body = room(23, 100) if full == "seven_day" else room(100, 23)
    return play(Replies(body | {"cedar_ember": resets}))


def find_cure(shown: Shown) -> str:
    """Return the part of `--check` about saved resets."""
    return next((part for part in shown.check.split(" · ") if "saved reset" in part), "")


@pytest.mark.parametrize("full", ["five_hour", "seven_day"])
def test_usable_grant_is_a_cure_with_its_expiry(full: str) -> None:
    """A saved reset that can be used is named beside the wait, with the day on which it is lost."""
    shown = granted(full=full)
    assert (shown.check_status, shown.json["verdict"]["state"]) == (20, "wait")
    assert "saved reset" in find_cure(shown)
    assert "1 left" in shown.banner
    assert re.search(r"saved reset.*(?:May 4|Mon 14:48)", shown.banner)
    assert (set(), set()) == (shown.new_fields, shown.odd_values)
    assert shown.json["errors"] == []


UNUSABLE: list[tuple[str, Json, Json, str]] = [
    ("not eligible", {"eligible": False, "ineligible_reason": "region_excluded"}, {}, "region_excluded"),
    ("not eligible, no reason", {"eligible": False}, {}, ""),
    ("paused", {}, {"paused": True}, "paused"),
    ("cooling down", {"cooldown_until": later(hours=5)}, {}, "19:48"),
    ("starts tomorrow", {}, {"starts_at": later(hours=25, minutes=7)}, "15:55"),
    ("starts in a minute", {}, {"starts_at": later(minutes=2)}, "14:50"),
    ("clears another window", {}, {"clears": ["five_hour"]}, ""),
    ("clears nothing", {}, {"clears": []}, ""),
    ("blocked", {}, {"blocking": ["payment_overdue"]}, "payment_overdue"),
    ("no next grant", {"next_grant_id": None}, {}, ""),
    ("another grant is next", {"next_grant_id": "grant_x"}, {}, ""),
    ("lost", {}, {"ends_at": later(days=-1)}, ""),
    ("lost a minute ago", {}, {"ends_at": later(minutes=-1)}, ""),
    ("none left", {}, {"resets_left": 0}, ""),
    ("not usable", {}, {"usable_now": False}, ""),
    ("not at the limit", {"at_limit": False}, {}, ""),
]


@pytest.mark.parametrize(
    ("changes", "of_grant", "reason"), [case[1:] for case in UNUSABLE], ids=[case[0] for case in UNUSABLE]
)
def test_unusable_grant_is_no_cure(changes: Json, of_grant: Json, reason: str) -> None:
    """One missing condition is enough: the grant is not called usable, and a known reason is shown."""
    usable, shown = find_cure(granted()), granted(grant_body(**of_grant), **changes)
    assert "saved reset" in usable
    assert (shown.check_status, shown.json["verdict"]["state"]) == (20, "wait")
    assert usable not in f"{shown.check}\n{shown.banner}\n{shown.screen}"
    assert "saved reset available" not in f"{shown.check}\n{shown.banner}\n{shown.screen}"
    assert ", usable now" not in shown.details
    assert reason in shown.rows_with("saved reset") + shown.banner
    assert (set(), set()) == (shown.new_fields, shown.odd_values)


def test_past_cooldown_does_not_matter() -> None:
    """A cooldown that is over leaves the grant usable."""
    assert find_cure(granted(cooldown_until=later(hours=-5))) == find_cure(granted())


def test_resets_of_several_grants_are_added() -> None:
    """Grants with 1 and 2 left are 3 resets, in any order."""
    other = grant_body(id="grant_m", label="Winter reset", resets_left=2)
    for grants in ((grant_body(), other), (other, grant_body())):
        shown = granted(*grants)
        assert "3 left" in shown.banner
        assert (set(), set()) == (shown.new_fields, shown.odd_values)


def tide_body(**changes: Any) -> Json:
    """Return a weekly session reset that can be used now."""
    return {
        "eligible": True,
        "arm": "reset",
        "available": True,
        "ineligible_reason": None,
        "next_available_at": None,
        "weekly_resets_at": later(days=4),
        "resets_per_week": 1,
    } | changes


def test_session_reset_is_a_cure() -> None:
    """A full 5-hour window can be cleared once a week; the use counts against the week."""
    shown = play(Replies(full_window(juniper_tide=tide_body())))
    assert (shown.check_status, shown.json["verdict"]["state"]) == (20, "wait")
    assert "session reset" in shown.check
    assert re.search("session reset.*(?:week|7-day)", shown.banner, re.DOTALL)
    assert (set(), set()) == (shown.new_fields, shown.odd_values)
    assert shown.json["errors"] == []


@pytest.mark.parametrize(
    "tide",
    [
        {"eligible": False, "ineligible_reason": "not_at_wall"},
        tide_body(eligible=False, ineligible_reason="not_at_wall"),
        tide_body(arm="control"),
    ],
)
def test_unusable_session_reset_is_no_cure(tide: Json) -> None:
    """Without all conditions no cure is shown, and nothing is an error."""
    shown = play(Replies(full_window(juniper_tide=tide)))
    assert (shown.check_status, shown.json["verdict"]["state"]) == (20, "wait")
    assert "session reset" not in f"{shown.check}\n{shown.banner}\n{shown.screen}"
    assert (set(), set()) == (shown.new_fields, shown.odd_values)
    assert shown.json["errors"] == []


def test_session_reset_of_next_week_is_no_cure() -> None:
    """A reset that was used this week cures nothing now."""
    usable = play(Replies(full_window(juniper_tide=tide_body())))
    used = tide_body(available=False, next_available_at=later(days=4))
    shown = play(Replies(full_window(juniper_tide=used)))
    cures = [part for part in usable.check.split(" · ") if "session reset" in part]
    assert len(cures) == 1
    assert cures[0] not in f"{shown.check}\n{shown.banner}\n{shown.screen}"
    assert (shown.new_fields, shown.odd_values) == (set(), set())


@pytest.mark.parametrize("value", [{"started": 3}, {"state": {"deep": 1}}, True, "soon", ["a"]], ids=str)
@pytest.mark.parametrize(
    "name", ["nimbus_quill", "tangelo", "amber_ladder", "wattle_ember", "copper_kite", "quartz_fern"]
)
def test_code_name_with_another_value_is_a_new_field(name: str, value: Any) -> None:
    """A code name that holds no window is listed, whether the name is known or not; it is never an error."""
    shown = play(Replies(room() | {name: value}))
    assert (shown.check_status, shown.json["verdict"]["state"]) == (0, "can_work")
    assert {name} == shown.new_fields
    assert set() == shown.odd_values
    assert shown.json["errors"] == []
    assert shown.row("error") == ""


@pytest.mark.parametrize("value", [True, "soon", ["a"]], ids=str)
def test_session_reset_of_another_type_is_a_new_field(value: object) -> None:
    """The key of the session reset is no exception."""
    shown = play(Replies(full_window(juniper_tide=value)))
    assert {"juniper_tide"} == shown.new_fields
    assert ([], set()) == (shown.json["errors"], shown.odd_values)


DOLLARS = ("limit_dollars", "used_dollars", "remaining_dollars")


def allowance(limit: float | None, used: float | None, left: float | None, **more: Any) -> Json:
    """Return an allowance in dollars that ends in six days."""
    dollars = dict(zip(DOLLARS, (limit, used, left), strict=True))
    return window_body(None, later(days=6), **dollars) | {"locked_reason": None} | more


@pytest.mark.parametrize("key", ["iguana_necktie", "cinder_cove", "wattle_ember", "nimbus_quill"])
def test_dollar_allowance_expires(key: str) -> None:
    """An allowance does not reset; the used part follows from the rest, and a full one stops nothing."""
    label = {"iguana_necktie": "Cloud sessions", "cinder_cove": "One-time credit"}.get(key, key)
    for body, percent in (
        (allowance(400, 92.5, 307.5, utilization=23.13), "23"),
        (allowance(80, None, 20), "75"),
        (allowance(80, 80, 0, utilization=100), "100"),
    ):
        shown = play(Replies(room() | {key: body}))
        assert (shown.check_status, shown.json["verdict"]["state"]) == (0, "can_work")
        assert re.search(rf"\b{percent}\b.*expires", shown.row(label))
        for text in shown.find_window(label):
            assert "expires" in text
            assert not re.search(r"\breset(?:s|\b)", text)
        assert (set(), set()) == (shown.new_fields, shown.odd_values)


def test_used_part_of_an_allowance_is_the_rest_of_its_limit() -> None:
    """With $20 of $80 left, $60 are used."""
    shown = play(Replies(room(wattle_ember=allowance(80, None, 20))))
    assert re.search(r"\$60(?:\.00)? of \$80(?:\.00)?", f"{shown.once}\n{shown.details}\n{shown.screen}")
    assert "75%" in shown.screen


@pytest.mark.parametrize("key", ["iguana_necktie", "cinder_cove", "wattle_ember"])
def test_past_allowance_is_not_called_due(key: str) -> None:
    """An allowance that has ended has expired; no reset is due."""
    ended = allowance(400, 92.5, 307.5, utilization=23.13, resets_at=later(minutes=-5))
    shown = play(Replies(room() | {key: ended}))
    assert "reset due" not in shown.everything
    assert "due" not in shown.line


@pytest.mark.parametrize("key", ["iguana_necktie", "cinder_cove", "wattle_ember"])
@pytest.mark.parametrize("resets_at", [None, later(days=6)])
def test_empty_allowance_is_not_drawn(key: str, resets_at: str | None) -> None:
    """Null dollars and a utilization of 0 are no allowance."""
    empty = allowance(None, None, None, utilization=0, resets_at=resets_at)
    shown, without = play(Replies(room() | {key: empty})), play(Replies(room()))
    assert without.once == shown.once
    assert without.screen == shown.screen


def scoped(percent: int, scope: Json | None) -> Json:
    """Return a week of one scope that resets in two days."""
    return limit_body("weekly_scoped", percent, later(days=2)) | {"scope": scope}


COWORK = {"model": None, "surface": {"display_name": "Cowork"}}
FABLE = {"model": {"id": None, "display_name": "Fable"}, "surface": None}


@pytest.mark.parametrize(
    "surface", [{"display_name": "Cowork"}, "Cowork", {"id": "x", "display_name": "Cowork"}]
)
def test_full_surface_leaves_the_rest_working(surface: object) -> None:
    """A surface is no model, so other models are not mentioned."""
    shown = play(Replies(room(limits=[scoped(100, {"model": None, "surface": surface})])))
    assert (shown.check_status, shown.json["verdict"]["state"]) == (0, "can_work")
    assert re.search(r"Cowork (?:is )?full until Mon 14:48", shown.check)
    assert re.search(r"(?:everything else|the rest|all else|other surfaces) work", shown.check)
    assert "models" not in f"{shown.check}\n{shown.banner}"
    assert "model" not in shown.rows_with("applies to")


@pytest.mark.parametrize(
    ("name", "scope"),
    [
        ("Fable", {"label": "Fable"}),
        ("Fable", {"model": None, "surface": None, "label": "Fable"}),
        ("Fable", {"model": {"id": "claude-fable-5", "display_name": "Fable"}, "label": "weekly"}),
        ("claude-fable-5", {"model": {"id": "claude-fable-5", "display_name": None}}),
        ("claude-fable-5", {"model": {"id": "claude-fable-5"}, "surface": None}),
        ("Design", {"surface": {"id": "omelette", "display_name": None}, "label": "Design"}),
        ("omelette", {"surface": {"id": "omelette", "display_name": None}}),
    ],
)
def test_scope_is_named_by_what_it_has(name: str, scope: Json) -> None:
    """The name is the display name, else the label, else the id."""
    shown = play(Replies(room(limits=[scoped(100, scope)])))
    assert re.search(rf"\b{name} (?:is )?full until Mon 14:48", shown.check)
    assert re.search(rf"^(?:7-day )?{name} +100", shown.once, re.MULTILINE)
    assert "weekly_scoped" not in f"{shown.once}\n{shown.screen}\n{shown.check}"
    assert (set(), set()) == (shown.new_fields, shown.odd_values)


def test_surface_and_models_are_each_named() -> None:
    """Full windows are called full, one with room is not, whatever names them."""
    limits = [
        scoped(100, COWORK),
        scoped(100, {"label": "Fable"}),
        scoped(37, {"model": {"id": "claude-opus-7", "display_name": None}}),
    ]
    for order in (limits, limits[::-1]):
        shown = play(Replies(room(limits=order)))
        assert (shown.check_status, shown.json["verdict"]["state"]) == (0, "can_work")
        for name in ("Cowork", "Fable"):
            assert re.search(rf"{name} (?:is |and \w+ are )?full", shown.check)
        assert "claude-opus-7" not in shown.check
        assert re.search(r"^(?:7-day )?claude-opus-7 +37", shown.once, re.MULTILINE)


@pytest.mark.parametrize(
    ("overage", "on_credits"),
    [
        (overage_body(2100, 6000), True),
        (overage_body(6000, 6000), False),
        (overage_body(2100, 6000, enabled=False, reason="user_disabled"), False),
    ],
)
def test_full_fable_continues_on_open_credits_only(overage: Json, *, on_credits: bool) -> None:
    """With credits open a full Fable window uses credits; else it is refused, and other models work."""
    shown = play(Replies(room(limits=[scoped(100, FABLE)]), overage=overage))
    said = re.search(r"Fable.*(?:\bon|uses?) (?:usage )?credits", shown.check)
    assert shown.check.startswith("CAN WORK")
    assert "Fable" in shown.check
    assert on_credits == bool(said)


VALUES = [{"limit": 900, "used": 900.0, "utilization": 100.0}, {}, [], [1], "on", 5, True, False]


@pytest.mark.parametrize("value", VALUES, ids=str)
@pytest.mark.parametrize(
    ("part", "key"),
    [("extra_usage", "daily"), ("extra_usage", "weekly"), ("spend", "balance"), ("spend", "auto_reload")],
)
def test_value_where_only_null_was_seen_is_a_new_field(part: str, key: str, value: object) -> None:
    """A value of such a key is listed, whatever it is, and does not change the verdict."""
    meters = {"extra_usage": extra_usage_body(), "spend": spend_body()}
    meters[part] |= {key: value}
    shown = play(Replies(full_window(**meters), overage=overage_body()))
    assert {f"{part}.{key}"} == shown.new_fields
    assert (shown.check_status, shown.json["verdict"]["state"]) == (10, "on_credits")
    assert shown.json["errors"] == []


def test_null_of_these_keys_is_no_new_field() -> None:
    """The usual null is not listed."""
    extra, spend = extra_usage_body(daily=None, weekly=None), spend_body() | {"auto_reload": None}
    assert set() == play(Replies(full_window(extra_usage=extra, spend=spend))).new_fields


def error_body(kind: str, message: str = "Overloaded") -> Json:
    """Return an error as claude.ai sends it."""
    return {"type": "error", "error": {"type": kind, "message": message}}


ERROR_WORDS = {
    "rate_limit_error": "throttled",
    "overloaded_error": "overloaded",
    "api_error": "server error",
}


@pytest.mark.parametrize("kind", ["overloaded_error", "api_error", "rate_limit_error", "brand_new_error"])
def test_error_with_status_200_is_an_error(kind: str) -> None:
    """The windows are not known, and the error is named."""
    shown = play(Replies(error_body(kind)))
    assert (shown.check_status, shown.json["verdict"]["state"]) == (4, "unknown")
    assert "no windows" not in shown.everything
    (error,) = shown.json["errors"]
    assert error["endpoint"] == "usage"
    words = ERROR_WORDS.get(kind, kind)
    assert words in shown.row("error").lower() or kind in shown.row("error")


@pytest.mark.parametrize("kind", ["overloaded_error", "not_found_error"])
def test_error_with_status_200_keeps_the_last_figures(kind: str) -> None:
    """The figures of the poll before remain, and the error is shown beside them."""
    shown = play(Replies(room(43, 29)), Replies(error_body(kind)))
    assert (shown.check_status, shown.json["verdict"]["state"]) == (0, "can_work")
    assert shown.row("5-hour").startswith("5-hour            43.0% used")
    assert "usage" in shown.row("error")
    assert [one["endpoint"] for one in shown.json["errors"]] == ["usage"]


def test_overage_error_with_status_200_is_no_open_lock() -> None:
    """The same error instead of the overage reply leaves the lock not known."""
    extra = extra_usage_body()
    shown = play(Replies(full_window(extra_usage=extra), overage=error_body("overloaded_error")))
    assert (shown.check_status, shown.json["verdict"]["state"]) == (20, "wait")
    assert shown.json["verdict"]["credits"] == "unknown"
    assert [one["endpoint"] for one in shown.json["errors"]] == ["overage"]


@pytest.mark.parametrize(
    ("percent", "utilization", "beside"),
    [
        ("120.0", 1.2, 100),
        ("113.0", 1.13, 100),
        ("100.0", 1, 100),
        ("97.0", 0.97, 97),
        ("150.0", 1.5, 140),
        ("1.2", 1.2, 1),
        ("1.0", 1, 1),
        ("0.6", 0.6, 1),
        ("60.0", 0.6, 60),
        ("106.0", 106, 100),
    ],
)
@pytest.mark.parametrize(("key", "kind"), [("five_hour", "session"), ("seven_day", "weekly_all")])
def test_reading_nearest_to_the_limit_counts(
    percent: str, utilization: float, beside: int, key: str, kind: str
) -> None:
    """A utilization is percent or a fraction: the one that is nearer to the entry of `limits[]`."""
    limits = [
        limit_body("weekly_scoped", 12, later(days=2), model="Fable"),
        limit_body(kind, beside, later(hours=2)),
    ]
    body = usage_body(12.0, 12.0, resets_at=later(hours=2), week_resets_at=later(hours=2), limits=limits)
    shown = play(Replies(body | {key: window_body(utilization, later(hours=2))}))
    label = {"five_hour": "5-hour", "seven_day": "7-day all"}[key]
    assert shown.row(label).split("%")[0].split()[-1] == percent
    full = float(percent) >= 100
    assert (20 if full else 0) == shown.check_status
    assert ("wait" if full else "can_work") == shown.json["verdict"]["state"]
