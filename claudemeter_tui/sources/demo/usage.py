"""The usage body: windows, limits, and the credits beside them."""

from __future__ import annotations

from claudemeter_tui.sources.demo.clock import Moment
from claudemeter_tui.sources.demo.script import DAY, DemoOrg, Lock, Purse, Week, line

Body = dict[str, object]

_CODE_NAMES = (
    "seven_day_oauth_apps",
    "seven_day_opus",
    "seven_day_sonnet",
    "seven_day_cowork",
    "seven_day_omelette",
    "tangelo",
    "iguana_necktie",
    "omelette_promotional",
    "nimbus_quill",
    "amber_ladder",
)
_NO_DOLLARS = dict.fromkeys(("limit_dollars", "used_dollars", "remaining_dollars", "locked_reason"))
_DISCLAIMER = "Usage credits cover you when you hit your plan limits."
_ONE_TIME = 100_000
"""The one-time credit, minor units."""


def usage(org: DemoOrg, moment: Moment) -> Body:
    """`/usage`."""
    session = _session(org, moment)
    return {
        "five_hour": _window(session),
        "seven_day": _window(_week(org.week, moment)),
        **dict.fromkeys(_CODE_NAMES),
        "cinder_cove": _one_time(org, moment),
        "extra_usage": _extra_usage(org.own, moment),
        "limits": _limits(org, moment),
        "spend": _spend(org.own, moment),
        "cedar_ember": _grants(org, moment),
        "seven_day_breakdown": _breakdown(org),
        "member_dashboard_available": org.pool is not None,
    }


_Figures = tuple[int, str | None]
"""Percent of a window, and when it resets."""


def _session(org: DemoOrg, moment: Moment) -> _Figures | None:
    if not org.windows:
        return None
    running = org.window(moment.minute)
    return (running[0], moment.jittery(running[1])) if running else (0, None)


def _week(week: Week | None, moment: Moment) -> _Figures | None:
    return (line(week.points, moment.minute), moment.jittery(week.resets)) if week else None


def _window(figures: _Figures | None) -> Body | None:
    if figures is None:
        return None
    return {"utilization": float(figures[0]), "resets_at": figures[1], **_NO_DOLLARS}


def _one_time(org: DemoOrg, moment: Moment) -> Body | None:
    if org.credit is None:
        return None
    used = line(org.credit, moment.minute)
    return {
        "utilization": 100 * used / _ONE_TIME,
        "resets_at": moment.jittery(26 * DAY),
        "limit_dollars": _ONE_TIME // 100,
        "used_dollars": used / 100,
        "remaining_dollars": (_ONE_TIME - used) / 100,
        "locked_reason": None,
    }


def _limits(org: DemoOrg, moment: Moment) -> list[Body]:
    scope = {"model": {"id": None, "display_name": "Fable"}, "surface": None}
    rows = (
        ("session", "session", _session(org, moment), None),
        ("weekly_all", "weekly", _week(org.week, moment), None),
        ("weekly_scoped", "weekly", _week(org.fable, moment), scope),
    )
    known = [(kind, group, figures, scope) for kind, group, figures, scope in rows if figures]
    most = max((figures[0] for _, _, figures, _ in known), default=0)
    return [
        {
            "kind": kind,
            "group": group,
            "percent": percent,
            "severity": _severity(percent),
            "resets_at": resets_at,
            "scope": scope,
            "is_active": percent == most,
        }
        for kind, group, (percent, resets_at), scope in known
    ]


def _severity(percent: float) -> str:
    if percent < 75:
        return "normal"
    return "warning" if percent < 90 else "critical"


def _extra_usage(purse: Purse | None, moment: Moment) -> Body:
    if purse is None:
        nothing = ("monthly_limit", "used_credits", "utilization", "currency", "decimal_places")
        return {"is_enabled": False, **dict.fromkeys(nothing), **_gates(None, ever=False)}
    used, cap, locked = purse.used(moment.minute), purse.cap(moment.minute), purse.locked(moment.minute)
    return {
        "is_enabled": locked is None or locked.lock is not Lock.EMPTY,
        "monthly_limit": cap,
        "used_credits": float(used),
        "utilization": 100 * used / cap if cap else None,
        "currency": purse.currency,
        "decimal_places": 2,
        **_gates(locked.lock if locked else None, ever=True),
    }


def _gates(lock: Lock | None, *, ever: bool) -> Body:
    return {
        "disabled_reason": lock.value if lock else None,
        "user_disabled": False,
        "spend_limit_reached": lock is Lock.CAP,
        "credits_ever_enabled": ever,
        "daily": None,
        "weekly": None,
    }


def _spend(purse: Purse | None, moment: Moment) -> Body:
    currency = purse.currency if purse else "USD"
    used, cap = (purse.used(moment.minute), purse.cap(moment.minute)) if purse else (0, None)
    locked = purse.locked(moment.minute) if purse else None
    percent = int(100 * used / cap) if cap else 0
    return {
        "used": _amount(used, currency),
        "limit": _amount(cap, currency),
        "percent": percent,
        "severity": _severity(percent),
        "enabled": purse is not None and not (locked and locked.lock is Lock.EMPTY),
        "disabled_reason": locked.lock.value if locked else None,
        "cap": {"money": None, "credits": {"amount_minor": cap, "exponent": 2}} if cap else None,
        "balance": None,
        "auto_reload": None,
        "disclaimer": _DISCLAIMER,
        "can_purchase_credits": purse is not None,
        "can_toggle": purse is not None,
    }


def _amount(minor: int | None, currency: str) -> Body | None:
    return None if minor is None else {"amount_minor": minor, "currency": currency, "exponent": 2}


def _grants(org: DemoOrg, moment: Moment) -> Body | None:
    if not org.granted:
        return None
    span = {"starts_at": moment.whole(-3 * DAY), "ends_at": moment.whole(4 * DAY)}
    return {"eligible": True, "grants": [{"resets_left": 1, **span, "usable_now": True}]}


def _breakdown(org: DemoOrg) -> Body | None:
    if org.fable is None:
        return None
    shares = (("claude_code", "Claude Code", 64), ("chat", "Chat", 31), ("cowork", "Cowork", 5))
    return {"rows": [{"key": key, "display_name": name, "percent": part} for key, name, part in shares]}
