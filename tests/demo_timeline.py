"""A simulated day on claude.ai: the server's replies, and the expected screen and events.

Pat has one org, Personal, and for two hours another one. At each moment of the story there is a poll.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from tests.bodies import (
    PERSONAL,
    account_body,
    extra_usage_body,
    org_body,
    overage_body,
    prepaid_body,
    subscription_body,
    tranche_body,
    usage_body,
)
from tests.responses import Answer

DAY = "2026-04-25"
"""A Saturday."""
LAB = "bbbbbbbb-0000-4000-8000-000000000003"
TO_MAY = {"reason": "self_selected_spend_limit_reached", "until": "2026-05-01T00:00:00Z"}
OFF = {"enabled": False, "reason": "user_disabled"}
SIGNED_OUT = {
    "type": "error",
    "error": {
        "type": "permission_error",
        "message": "Invalid authorization",
        "details": {"error_code": "account_session_invalid"},
    },
}
CAN_WORK, ON_CREDITS, WAIT, BLOCKED, UNKNOWN = "CAN WORK", "ON CREDITS", "WAIT", "BLOCKED", "UNKNOWN"
YET_BLOCKED = "CAN WORK · credits BLOCKED"


@dataclass(frozen=True)
class Claude:
    """The replies of claude.ai at one moment, about Personal unless noted otherwise."""

    five_hour: float = 41
    resets: str = "12:00"
    """Reset of the 5-hour window."""
    week: float = 60
    used: int = 1000
    cap: int = 5000
    credits: dict[str, Any] = field(default_factory=dict)
    """Keys that lock the credits, or switch them off."""
    balance: int = 30_000
    lab: bool = False
    """True if the other org exists."""
    usage: int = 200
    """Status of the usage reply."""
    signed_out: bool = False

    def routes(self, email: str) -> dict[str, Answer]:
        """Return every reply by its path."""
        if self.signed_out:
            return {"/api/account": Answer.json(SIGNED_OUT, status=403)}
        orgs = [org_body(PERSONAL, "Personal"), *([org_body(LAB, "Lab")] if self.lab else [])]
        routes = {"/api/account": Answer.json(account_body(*orgs, email=email))}
        personal, lab = f"/api/organizations/{PERSONAL}", f"/api/organizations/{LAB}/usage"
        routes |= {f"{personal}/{path}": answer for path, answer in self._personal()}
        return routes | {lab: Answer.json(usage_body(9.0, 9.0, resets_at=f"{DAY}T19:30:00Z"))}

    def _personal(self) -> Iterator[tuple[str, Answer]]:
        resets_at, week_resets_at = f"{DAY}T{self.resets}:00.307270+00:00", "2026-04-28T13:59:59.612756+00:00"
        extra = extra_usage_body(float(self.used), self.cap)
        windows = usage_body(self.five_hour, self.week, resets_at=resets_at, week_resets_at=week_resets_at)
        usage = Answer.json(windows | {"extra_usage": extra})
        promotion = tranche_body(10_000, "2026-04-28T19:00:00Z")
        yield "usage", usage if self.usage == 200 else Answer(self.usage)
        yield "overage_spend_limit", Answer.json(overage_body(self.used, self.cap, **self.credits))
        yield "prepaid/credits", Answer.json(prepaid_body(self.balance, promo=[promotion]))
        yield "subscription_details", Answer.json(subscription_body())


@dataclass(frozen=True)
class Moment:
    """One moment of the day with a poll."""

    time: str
    claude: Claude
    state: str
    """State of Personal, as in the terminal's title."""
    says: str
    """Part of the verdict's words."""
    events: tuple[str, ...]
    """Events since the last moment, in order, each with its time."""
    alert: str | None
    """Text of the alert. None if there is none."""

    @property
    def now(self) -> datetime:
        """Return the time of the moment."""
        return datetime.fromisoformat(f"{DAY}T{self.time}:00").replace(tzinfo=UTC)

    @property
    def email(self) -> str:
        """E-mail of the account, different for each poll: the screen shows it once this poll was read."""
        return f"pat+{self.time.replace(':', '')}@example.com"

    @property
    def routes(self) -> dict[str, Answer]:
        """Return every reply by its path."""
        return self.claude.routes(self.email)


class _Story:
    """Builder of the day."""

    def __init__(self) -> None:
        self.claude = Claude()
        self.moments: list[Moment] = []

    def then(
        self,
        time: str,
        state: str,
        says: str = "",
        *events: str,
        alert: str | None = None,
        at: str = "",
        **changes: Any,
    ) -> None:
        """Add a moment after a change; `alert` is an event's text, `at` the time of the events."""
        self.claude = replace(self.claude, **changes)
        lines = tuple(f"{at or time} {event}" for event in events)
        self.moments.append(Moment(time, self.claude, state, says, lines, alert))


def story() -> tuple[Moment, ...]:
    """Return the whole day, from eight in the morning on."""
    day = _Story()
    then = day.then
    then("08:00", CAN_WORK, "7-day all 60%, resets Tue 14:00 (in 3d 6h)")
    past = "5-hour window at 76%, past 75%"
    then("08:30", CAN_WORK, "5-hour 76%, resets 12:00 (in 3h 30m)", past, alert=past, five_hour=76)
    then("08:31", CAN_WORK)
    past = "5-hour window at 92%, past 90%"
    then("09:39", CAN_WORK, "5-hour 92%, resets 12:00 (in 2h 21m)", past, alert=past, five_hour=92)
    metered = "ON CREDITS: 5-hour window full, until 12:00"
    then(
        "09:40",
        ON_CREDITS,
        "No spending seen since the window filled at 09:40",
        metered,
        alert=metered,
        five_hour=100,
    )
    past, spent = "credits at 76% of the cap, past 75%", "Spent $28.00 since the window filled at 09:40"
    then("09:50", ON_CREDITS, spent, past, alert=past, used=3800)
    past, spent = "credits at 92% of the cap, past 90%", "Spent $36.00 since the window filled at 09:40"
    then("10:10", ON_CREDITS, spent, past, alert=past, used=4600)
    why = "your monthly cap is reached"
    block, says = f"BLOCKED: {why}", "BLOCKED until 12:00 (in 1h 30m)"
    then("10:30", BLOCKED, says, block, alert=block, used=5000, credits=TO_MAY)
    then("10:31", BLOCKED, "BLOCKED until 12:00 (in 1h 29m)")
    cap, lifted = "cap changed: $50.00 → $80.00", f"can work again, on credits (was: {why})"
    then(
        "10:50",
        ON_CREDITS,
        "since the window filled at 09:40",
        cap,
        lifted,
        alert=lifted,
        cap=8000,
        credits={},
    )
    waits = "WAIT: credits no longer available, until 12:00"
    then("11:10", WAIT, "you have turned off usage credits · turn them on", waits, alert=waits, credits=OFF)
    reset = "5-hour window reset (was 100%)"
    then("12:01", CAN_WORK, "", reset, alert=reset, at="12:00", five_hour=0, resets="17:00")
    then("12:20", CAN_WORK, "7-day all 60%", five_hour=12, credits={})
    then("12:30", CAN_WORK, "read 10m ago", usage=502)
    then("12:31", CAN_WORK, "read 11m ago", "no update since 12:20")
    then("12:40", UNKNOWN, "No successful read for 20m: server error")
    then("12:50", CAN_WORK, "", "figures are up to date again", usage=200)
    stops = "Add credits on claude.ai/settings/usage · work stops when a plan window is full"
    why = "the prepaid balance is empty"
    block, empty = f"credits BLOCKED: {why}", {"out_of_credits": True}
    then("13:20", YET_BLOCKED, stops, block, alert=block, credits=empty, balance=0)
    refill, lifted = "balance refilled: $0.00 → $250.00", f"credits unblocked (was: {why})"
    then("13:50", CAN_WORK, "", refill, lifted, alert=lifted, credits={}, balance=25_000)
    metered = "ON CREDITS: 7-day all window full, until Tue 14:00"
    then("14:30", ON_CREDITS, "No spending seen since 14:30", metered, alert=metered, week=100)
    back = "back in the plan: CAN WORK, 7-day all window reset"
    then("15:00", CAN_WORK, "5-hour 12%", back, alert=back, week=3)
    then("16:00", CAN_WORK, "", "new org", lab=True)
    then("17:01", CAN_WORK, "", "5-hour window reset (was 12%)", at="17:00", five_hour=0, resets="22:00")
    then("18:00", CAN_WORK, "", "org removed", lab=False)
    then("19:00", CAN_WORK, "", "$100.00 of the balance expires Tue 19:00")
    gone = "session expired: unset CLAUDEMETER_COOKIE or set it to a fresh cookie, and restart"
    then(
        "20:00",
        UNKNOWN,
        "No successful read for 1h: session expired",
        gone,
        signed_out=True,
    )
    then("20:20", UNKNOWN, "No successful read for 1h 20m")
    back = "signed in again in CLAUDEMETER_COOKIE"
    then("20:30", CAN_WORK, "7-day all 3%", back, signed_out=False)
    return tuple(day.moments)
