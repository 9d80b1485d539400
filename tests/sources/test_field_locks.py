"""Situations of real accounts: causes of a lock on the credits, and replies that contradict each other."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from tests.bodies import (
    ACCOUNT,
    NEXT_MONTH,
    PERSONAL,
    Json,
    extra_usage_body,
    overage_body,
    prepaid_body,
    spend_body,
    team_body,
)
from tests.responses import NOT_FOUND, Answer, Sends
from tests.sources.outputs import Replies, Shown, full_window, later, play, room

pytestmark = pytest.mark.slow

MAY_1 = re.compile(r"\bMay 1\b")
UNTIL = "org_level_disabled_until"
TEAM_ORG = team_body(PERSONAL)


def verdict_of(shown: Shown) -> tuple[str, str, str | None]:
    """Return state, credits and cause of `--json`."""
    verdict = shown.json["verdict"]
    return verdict["state"], verdict["credits"], verdict["cause"]


def passed_cap(used: int = 8053, cap: int = 8000, **more: Any) -> Json:
    """Return `extra_usage` that the server has switched off because the user's own cap is passed."""
    flags = {"user_disabled": False, "spend_limit_reached": True, "credits_ever_enabled": True}
    off = {"is_enabled": False, "disabled_reason": UNTIL, "utilization": 100.0}
    return extra_usage_body(float(used), cap) | off | flags | more


def passed_overage(used: int = 8053, cap: int = 8000, reason: str = UNTIL) -> Json:
    """Return the overage reply beside it."""
    return overage_body(used, cap, enabled=False, reason=reason, until=NEXT_MONTH)


OWN_CAP = {
    "both replies": Replies(room(4, 31, extra_usage=passed_cap()), passed_overage()),
    "a little over": Replies(
        room(4, 31, extra_usage=passed_cap(12_070, 12_000)), passed_overage(12_070, 12_000)
    ),
    "other window first": Replies(room(31, 4, extra_usage=passed_cap()), passed_overage()),
    "other code": Replies(
        room(4, 31, extra_usage=passed_cap(disabled_reason="org_spend_cap_reached")),
        passed_overage(reason="org_spend_cap_reached"),
    ),
}


@pytest.mark.parametrize("replies", OWN_CAP.values(), ids=OWN_CAP)
def test_own_cap_of_a_personal_plan_is_no_matter_of_an_administrator(replies: Replies) -> None:
    """The cap is the cause whatever the code says: the user can raise it, and it ends with the month."""
    shown = play(replies)
    assert (shown.check_status, verdict_of(shown)) == (5, ("can_work", "locked", "cap"))
    for text in (shown.check, shown.banner, shown.events[0]):
        assert "your monthly cap is reached" in text
        assert len(re.findall(r"\buntil\b", text)) == 1
    assert "raise the cap" in shown.banner.lower()
    assert (len(MAY_1.findall(shown.check)), len(MAY_1.findall(shown.banner))) == (1, 1)
    assert not re.search("organi[sz]ation|administrator", shown.headlines + shown.screen)
    assert not re.search("ask an admin|your organi[sz]ation", shown.details)
    assert "credits BLOCKED" in shown.line


def test_own_cap_without_the_overage_reply() -> None:
    """`extra_usage` alone is enough; it has no date."""
    shown = play(Replies(room(4, 31, extra_usage=passed_cap())))
    assert (shown.check_status, verdict_of(shown)) == (5, ("can_work", "locked", "cap"))
    assert "your monthly cap is reached" in shown.check
    assert not re.search("organi[sz]ation|administrator", shown.headlines + shown.screen)


@pytest.mark.parametrize("replies", OWN_CAP.values(), ids=OWN_CAP)
def test_use_over_the_cap_has_one_percentage(replies: Replies) -> None:
    """All outputs round 100.66% in the same way."""
    shown = play(replies)
    figures = f"{shown.row('Extra usage')}\n{shown.screen}\n{shown.rows_with('of the cap')}"
    assert len(set(re.findall(r"\b10[01](?:\.\d)?%", figures))) == 1


@pytest.mark.parametrize("replies", OWN_CAP.values(), ids=OWN_CAP)
def test_work_stops_when_any_window_is_full(replies: Replies) -> None:
    """The sentence names both windows or none, because either of them can be full first."""
    shown = play(replies)
    for text in (shown.check, shown.banner):
        (sentence,) = re.findall("work stops[^·\n]*", text)
        assert ("5-hour" in sentence) == ("7-day" in sentence)


def pool_lock(amount: int = 35_000, **more: Any) -> Json:
    """Return the overage reply of an organization that has reached its cap."""
    return overage_body(amount, amount, reason=UNTIL, until=NEXT_MONTH) | more


POOL_LOCKS = {
    "out of credits": pool_lock(out_of_credits=True),
    "no flag": pool_lock(),
    "other code": pool_lock(disabled_reason="org_spend_cap_reached"),
    "passed": pool_lock(used_credits=35_211, out_of_credits=True),
    "no reason": pool_lock(disabled_reason=None, out_of_credits=True),
}


@pytest.mark.parametrize("limit_type", ["organization", None])
@pytest.mark.parametrize("lock", POOL_LOCKS.values(), ids=POOL_LOCKS)
def test_same_lock_in_two_replies_is_one_cause(lock: Json, limit_type: str | None) -> None:
    """The organization's cap is named once with its figures and date, and an administrator can raise it."""
    body = lock | {"limit_type": limit_type}
    shown = play(Replies(full_window(), overage=body, own=body, org=TEAM_ORG))
    assert (shown.check_status, verdict_of(shown)) == (30, ("blocked", "locked", "cap"))
    for text in (shown.check, shown.banner, shown.events[0], shown.json["verdict"]["text"]):
        assert re.search("organi[sz]ation's (?:monthly )?cap is reached", text)
        assert text.count("is reached") == 1
        assert len(MAY_1.findall(text)) <= 1
    assert len(MAY_1.findall(shown.check)) == 1
    assert re.search(r"\$35[02]\.[01][01] of \$350\.00", shown.banner)
    assert "administrator" in shown.banner
    assert "settings/usage" not in shown.banner
    assert not re.search("balance|empty|paused", shown.headlines)
    assert "empty" not in shown.screen + shown.details
    assert "BLOCKED" in shown.line


FLAG = {"out_of_credits": True}
OUT = {
    "flag": FLAG,
    "flag and reason": FLAG | {"disabled_reason": "out_of_credits"},
    "reason": {"disabled_reason": "out_of_credits"},
}


@pytest.mark.parametrize("amount", [18_720, 40_005])
@pytest.mark.parametrize("sign", OUT.values(), ids=OUT)
def test_out_of_credits_beside_money_is_a_contradiction(sign: Json, amount: int) -> None:
    """The credits are locked, but a balance with money in it is not called empty: both replies are shown."""
    shown = play(Replies(full_window(), overage_body(1350, 6000) | sign, prepaid=prepaid_body(amount)))
    assert (shown.check_status, *verdict_of(shown)[:2]) == (30, "blocked", "locked")
    assert not re.search("balance[^$\n]*empty", shown.everything)
    assert re.search("out[ _]of[ _]credits", shown.check)
    assert re.search("out[ _]of[ _]credits", shown.banner)
    money = f"${amount / 100:.2f}"
    assert money in shown.banner
    assert money in shown.row("Balance")


@pytest.mark.parametrize("sign", OUT.values(), ids=OUT)
@pytest.mark.parametrize("prepaid", [prepaid_body(0), NOT_FOUND], ids=["empty", "unread"])
def test_out_of_credits_without_a_contradiction_is_an_empty_balance(sign: Json, prepaid: Any) -> None:
    """Without money in the prepaid reply the balance is empty."""
    shown = play(Replies(full_window(), overage_body(0, 2500) | sign, prepaid=prepaid))
    assert (shown.check_status, verdict_of(shown)) == (30, ("blocked", "locked", "empty_balance"))
    assert "the prepaid balance is empty" in shown.check
    assert "add credits" in shown.banner.lower()


UNREADABLE: dict[str, Sends] = {
    "500": Answer(500, {"Content-Type": "text/plain"}, b"oops"),
    "503": Answer.json({}, 503),
    "web page": Answer(200, {"Content-Type": "text/html"}, b"<html>sign in</html>"),
    "list": Answer.json([]),
    "string": Answer.json("oops"),
    "number": Answer.json(5),
    "error": Answer.json({"type": "error", "error": {"type": "api_error", "message": "Internal"}}),
}


@pytest.mark.parametrize("org", [None, TEAM_ORG], ids=["personal", "team"])
@pytest.mark.parametrize("overage", UNREADABLE.values(), ids=UNREADABLE)
def test_unread_overage_reply_leaves_the_lock_unknown(overage: Sends, org: Json | None) -> None:
    """`extra_usage` that is on does not show that the credits are open."""
    usage = full_window(extra_usage=extra_usage_body(1350.0, 6000))
    shown = play(Replies(usage, overage, overage, org=org) if org else Replies(usage, overage))
    assert (shown.check_status, *verdict_of(shown)[:2]) == (20, "wait", "unknown")
    assert "not known" in shown.check
    assert "not known" in shown.banner
    assert "not known" in shown.screen
    assert "open" not in shown.rows_with("Usage credits")
    assert shown.row("error").startswith("error            overage: ")
    assert "ON CREDITS" not in shown.everything
    assert "on credits" not in shown.tab


@pytest.mark.parametrize("overage", UNREADABLE.values(), ids=UNREADABLE)
def test_lock_that_was_read_earlier_remains_with_its_age(overage: Sends) -> None:
    """The lock of the poll before decides, and the time of that poll is shown."""
    usage = full_window(extra_usage=extra_usage_body(1350.0, 6000))
    lock = overage_body(1350, 6000, reason="capacity_protection", until=NEXT_MONTH)
    shown = play(Replies(usage, lock), Replies(usage, overage), apart=timedelta(minutes=5))
    assert (shown.check_status, *verdict_of(shown)[:2]) == (30, "blocked", "locked")
    assert "capacity_protection" in shown.check
    assert re.search("5m ago|14:43", shown.check)
    assert re.search("5m ago|14:43", shown.banner)


LOCK_SIGNS: dict[str, tuple[Json, Json]] = {
    "flag": ({"spend_limit_reached": True}, {}),
    "reason": ({"disabled_reason": "out_of_credits"}, {}),
    "figures": ({"used_credits": 7000.0}, {}),
    "figures at the cap": ({"used_credits": 6000.0}, {}),
    "reason of spend": ({}, {"disabled_reason": "out_of_credits"}),
    "cap of spend": ({}, {"disabled_reason": "org_spend_cap_reached"}),
    "unknown reason": ({}, {"disabled_reason": "brand_new_lock"}),
    "all": (
        {"used_credits": 7000.0, "spend_limit_reached": True, "disabled_reason": "out_of_credits"},
        {"disabled_reason": "out_of_credits"},
    ),
}


@pytest.mark.parametrize(("of_extra", "of_spend"), LOCK_SIGNS.values(), ids=LOCK_SIGNS)
def test_one_sign_of_a_lock_in_the_usage_reply_is_enough(of_extra: Json, of_spend: Json) -> None:
    """An overage reply that says open does not open credits that the usage reply calls locked."""
    extra, spend = extra_usage_body(1350.0, 6000) | of_extra, spend_body(1350, 6000) | of_spend
    shown = play(Replies(full_window(extra_usage=extra, spend=spend), overage_body(1350, 6000)))
    state, credits_, _ = verdict_of(shown)
    assert (state, credits_) in {("blocked", "locked"), ("wait", "unknown")}
    assert shown.check_status in {20, 30}
    if credits_ == "unknown":
        assert "usage" in shown.banner
        assert "overage" in shown.banner
    assert re.search("locked|not known", shown.screen)


@pytest.mark.parametrize(("of_extra", "of_spend"), LOCK_SIGNS.values(), ids=LOCK_SIGNS)
def test_sign_of_a_lock_is_shown_beside_room(of_extra: Json, of_spend: Json) -> None:
    """With room in the plan the lock or the contradiction is shown, too."""
    extra, spend = extra_usage_body(1350.0, 6000) | of_extra, spend_body(1350, 6000) | of_spend
    shown = play(Replies(room(extra_usage=extra, spend=spend), overage_body(1350, 6000)))
    assert shown.json["verdict"]["state"] == "can_work"
    assert shown.json["verdict"]["credits"] in {"locked", "unknown"}


UNREADABLE_FIELDS: list[tuple[str, Any]] = [
    ("out_of_credits", "true"),
    ("out_of_credits", {"value": True}),
    ("out_of_credits", ["yes"]),
    ("disabled_reason", {"code": "out_of_credits"}),
    ("disabled_reason", ["out_of_credits"]),
    ("disabled_reason", True),
    ("disabled_until", "next month"),
    ("disabled_until", {"at": NEXT_MONTH}),
    ("spend_limit_reached", "true"),
    ("is_enabled", "yes"),
]


@pytest.mark.parametrize(("key", "value"), UNREADABLE_FIELDS, ids=str)
def test_unreadable_lock_field_leaves_the_lock_unknown(key: str, value: object) -> None:
    """A field of a wrong type may be a lock, so the credits are not open."""
    shown = play(Replies(full_window(), overage_body(1350, 6000) | {key: value}))
    assert (shown.check_status, *verdict_of(shown)[:2]) == (20, "wait", "unknown")
    assert "not known" in shown.check
    assert any(key in path for path in shown.odd_values)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("disabled_reason", {"code": "out_of_credits"}),
        ("spend_limit_reached", "true"),
        ("out_of_credits", "true"),
    ],
)
def test_unreadable_lock_field_of_the_usage_reply(key: str, value: object) -> None:
    """The same holds for `extra_usage` beside an overage reply that says open."""
    extra = extra_usage_body(1350.0, 6000) | {key: value}
    shown = play(Replies(full_window(extra_usage=extra), overage_body(1350, 6000)))
    assert (shown.check_status, *verdict_of(shown)[:2]) == (20, "wait", "unknown")


@pytest.mark.parametrize("cap", ["60 dollars", {"amount": 6000}, [6000], True], ids=str)
def test_unreadable_cap_leaves_the_lock_unknown(cap: object) -> None:
    """Use above a cap that cannot be read may be a lock, and no missing cap."""
    shown = play(Replies(full_window(), overage_body(7000) | {"monthly_credit_limit": cap}))
    assert (shown.check_status, *verdict_of(shown)[:2]) == (20, "wait", "unknown")
    assert "no cap" not in shown.everything


def test_readable_lock_beside_an_unreadable_one_locks() -> None:
    """A lock that can be read is enough."""
    shown = play(Replies(full_window(), overage_body(6000, 6000) | {"disabled_until": "next month"}))
    assert (shown.check_status, *verdict_of(shown)[:2]) == (30, "blocked", "locked")


MEMBER = overage_body(4500, 4500, limit_type="member")
MEMBER_LIMITS = {
    "overage": Replies(full_window(), MEMBER, org=TEAM_ORG),
    "both": Replies(full_window(), MEMBER, MEMBER, org=TEAM_ORG),
    "own, with room in the pool": Replies(
        full_window(), overage_body(26_000, 90_000), MEMBER | {"account_uuid": ACCOUNT}, org=TEAM_ORG
    ),
    "own, without the member type": Replies(
        full_window(),
        overage_body(26_000, 90_000),
        overage_body(4500, 4500, account_uuid=ACCOUNT),
        org=TEAM_ORG,
    ),
    "with a reason": Replies(
        full_window(), MEMBER | {"disabled_reason": "self_selected_spend_limit_reached"}, org=TEAM_ORG
    ),
    "in the usage reply": Replies(full_window(extra_usage=extra_usage_body(4500.0, 4500)), org=TEAM_ORG),
}


@pytest.mark.parametrize("replies", MEMBER_LIMITS.values(), ids=MEMBER_LIMITS)
def test_cap_of_a_member_is_raised_by_an_administrator(replies: Replies) -> None:
    """A member at the own cap cannot raise it."""
    shown = play(replies)
    assert (shown.check_status, verdict_of(shown)) == (30, ("blocked", "locked", "cap"))
    assert "your monthly cap is reached" in shown.check
    assert "administrator" in shown.banner
    assert "settings/usage" not in shown.banner + shown.details


def test_cap_of_a_personal_plan_is_raised_by_its_owner() -> None:
    """On a personal plan the same figures have the other cure."""
    shown = play(Replies(full_window(), overage_body(4500, 4500)))
    assert (shown.check_status, verdict_of(shown)) == (30, ("blocked", "locked", "cap"))
    assert "raise the cap on claude.ai/settings/usage" in shown.banner.lower()
    assert "administrator" not in shown.banner


OFF = [
    {"user_disabled": True},
    {"user_disabled": True, "disabled_reason": "user_disabled"},
    {"disabled_reason": "org_level_disabled"},
    {},
]


@pytest.mark.parametrize("off", OFF, ids=str)
def test_credits_that_are_off_say_so_beside_their_figures(off: Json) -> None:
    """Money that was already used does not look like credits that are on."""
    extra = extra_usage_body(4500.0, 9000) | {"is_enabled": False} | off
    shown = play(Replies(room(71, 20, extra_usage=extra)))
    assert (shown.check_status, *verdict_of(shown)[:2]) == (0, "can_work", "off")
    assert re.search(r"\$45\.00 / \$90\.00 \(50%\).*\boff\b", shown.row("Extra usage"))
    for text in (shown.line, shown.rows_with("Usage credits")):
        assert re.search(r"\boff\b", text)


def test_credits_off_in_one_reply_and_on_in_the_other_disagree() -> None:
    """Both replies are shown with what they say."""
    extra = extra_usage_body(4500.0, 9000) | {"is_enabled": False, "user_disabled": True}
    shown = play(Replies(room(71, 20, extra_usage=extra), overage_body(4500, 9000)))
    assert re.search(r"switch[^\n]*on \(overage\), off \(usage", shown.details)
    assert re.search(r"usage[^\n]*\boff\b", f"{shown.banner}\n{shown.screen}")


@pytest.mark.parametrize("ago", [{"days": -20}, {"days": -400}, {"minutes": -1}], ids=str)
def test_past_end_of_a_lock_means_nothing(ago: dict[str, float]) -> None:
    """Credits that are on are open, and the date of an earlier cycle is not shown as a lock."""
    overage = overage_body(140, 6000, until=later(**ago))
    shown = play(Replies(full_window(), overage))
    assert (shown.check_status, *verdict_of(shown)[:2]) == (10, "on_credits", "open")
    assert shown.json["verdict"]["until"] is None
    assert shown.row("Extra usage") == "Extra usage      $1.40 / $60.00 (2%)"
    assert not re.search("until Apr|until Sun Apr|until Sat", shown.check + shown.banner + shown.screen)


def test_future_end_of_a_lock_locks() -> None:
    """The same date in the future locks, even without a reason."""
    shown = play(Replies(full_window(), overage_body(140, 6000, until=later(days=5, hours=10))))
    assert (shown.check_status, *verdict_of(shown)[:2]) == (30, "blocked", "locked")


def test_panel_says_why_the_state_of_the_credits_is_not_known() -> None:
    """The credits panel names the field that cannot be read, also while the plan has room."""
    overage = overage_body(1720, 5000, disabled_until="next month")
    shown = play(Replies(room(41, 20), overage=overage))
    assert "not known: disabled_until of overage cannot be read" in shown.screen


def test_members_reply_that_ends_the_session_leaves_the_lock_unknown() -> None:
    """The own reply is missing because the session ended: it may hold the lock."""
    ended = Answer.json({"error": {"details": {"error_code": "account_session_invalid"}}}, 403)
    shown = play(Replies(full_window(), overage=overage_body(), own=ended, org=team_body(PERSONAL)))
    assert shown.check_status != 10
    assert "ON CREDITS" not in shown.check


def test_figures_from_before_the_clock_was_set_back_give_no_verdict() -> None:
    """A reading from the future has no known age."""
    failing = Answer.json({}, 500)
    apart, after = timedelta(hours=-3), timedelta(hours=2)
    shown = play(
        Replies(full_window(), overage=overage_body()),
        Replies(failing, overage=failing),
        apart=apart,
        after=after,
    )
    assert "UNKNOWN" in shown.check
    assert "clock was set back" in shown.check


def test_figures_of_a_reply_that_fails_have_their_age() -> None:
    """Beside a newer usage reply, the figures of an overage reply that fails are not current."""
    begin = Replies(
        room(41, 20, extra_usage=extra_usage_body(1720.0, 5000)), overage=overage_body(1720, 5000)
    )
    usage = room(41, 20, extra_usage=extra_usage_body(4990.0, 5000))
    broken = Replies(usage, overage=Answer.json({}, 500))
    shown = play(begin, *(broken for _ in range(4)))
    assert "$17.20 of $50.00 as of 14:4" in shown.screen
    assert "as of 14:4" in shown.line
    assert "not read since" in shown.screen
