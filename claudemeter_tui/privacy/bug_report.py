"""Build the report beside a screenshot: one moment as JSON, without anything personal."""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from claudemeter_tui import __version__
from claudemeter_tui.formatting.events import format_event_json
from claudemeter_tui.formatting.problems import PROBLEM_TEXTS, format_problem_title
from claudemeter_tui.formatting.values import build_money_object, format_utc
from claudemeter_tui.formatting.verdict import format_verdict_line
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.events import Event
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.past import EVENTS_SPAN, PastFigures
from claudemeter_tui.model.reading import Failure, Reply
from claudemeter_tui.model.store import OrgState, SessionState, Store
from claudemeter_tui.model.verdict import judge
from claudemeter_tui.privacy.redact import Redactor

CLAUDE_AI_URL = "https://claude.ai"
TERMINAL_VARIABLES = (
    "TERM",
    "COLORTERM",
    "TERM_PROGRAM",
    "TERM_PROGRAM_VERSION",
    "NO_COLOR",
    "TMUX",
    "SSH_TTY",
)
"""Environment variables that describe the abilities of the terminal."""

# A path, a host or a sentence does not match this pattern, so that it never gets into a report.
_SAFE_WORD = re.compile(r"[A-Za-z0-9._+-]{1,40}")

JsonObject = dict[str, Any]


def build_report(
    store: Store,
    now: datetime,
    redaction: Redactor,
    *,
    size: tuple[int, int],
    terminal: Mapping[str, str],
    settings: Mapping[str, object],
    choices: Mapping[str, Collection[str]],
    versions: Mapping[str, str],
    past_figures: PastFigures | None = None,
    events: Iterable[Event] = (),
) -> str:
    """Return the report as indented ASCII JSON, with all times in UTC.

    Args:
        store: Everything known; personal parts get pseudonyms here.
        now: Moment of the picture.
        redaction: The picture's pseudonyms, so that picture and report use the same names.
        size: Columns and lines.
        terminal: The environment; only `TERMINAL_VARIABLES` are read from it.
        settings: Settings by name. Paths, secrets and free text become "given".
        choices: The fixed values of settings by name, which reveal nothing personal.
        versions: Versions of the programs involved, see `collect_versions`.
        past_figures: Redacted figures of a past moment without kept replies. None if there are none.
        events: The known events; those of the last day get pseudonyms here.
    """
    redacted = redaction.redact_store(store)
    variables = {name: terminal[name] for name in TERMINAL_VARIABLES if name in terminal}
    report = {
        "made_at": format_utc(now),
        "versions": dict(versions),
        "terminal": {
            **{name: text if _SAFE_WORD.fullmatch(text) else "set" for name, text in variables.items()},
            "columns": size[0],
            "lines": size[1],
        },
        "settings": {
            name: _sanitize_setting(value, choices.get(name, ())) for name, value in settings.items()
        },
        "problems": [
            {
                "since": format_utc(problem.at),
                "problem": format_problem_title(problem, UTC),
                "what": PROBLEM_TEXTS[problem.error_kind].summary,
            }
            for problem in redacted.problems
        ],
        "sessions": [_build_session(state) for state in redacted.sessions],
        "orgs": [_build_org(state, now) for state in redacted.orgs],
        "events": [
            json.loads(format_event_json(event))
            for event in redaction.redact_events(
                tuple(event for event in events if now - EVENTS_SPAN < event.at <= now)
            )
        ],
        **({"past_figures": _build_past_figures(past_figures)} if past_figures is not None else {}),
    }
    return json.dumps(report, indent=2) + "\n"


def collect_versions() -> dict[str, str]:
    """Return the versions of this program, Textual, Python and the system."""
    from importlib import metadata  # noqa: PLC0415 - half a MiB with its imports, which only a report needs

    return {
        "claudemeter-tui": __version__,
        "textual": metadata.version("textual"),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.release()} {platform.machine()}",
    }


def _sanitize_setting(value: object, choices: Collection[str]) -> object:
    """Return a figure, a known choice or an empty value unchanged; "given" for any other value."""
    match value:
        case None | bool() | int() | float():
            return value
        case timedelta():
            return value.total_seconds()
        case str() if value in ("", CLAUDE_AI_URL, *choices):
            return value
        case dict() if not value:
            return value
        case list() | tuple() if all(isinstance(part, int | float) for part in value):
            return list(value)
        case _:
            return "given"


def _build_session(state: SessionState) -> JsonObject:
    schedule = state.schedule
    return {
        "session": state.session.label,
        "account": state.account.email or state.account.uuid,
        "polling": state.is_polling,
        "interval_seconds": schedule.interval.total_seconds() if schedule else None,
        "next_at": format_utc(schedule.next_at) if schedule else None,
        "held": schedule.is_backing_off if schedule else None,
        **_build_replies(state.replies, state.failures),
    }


def _build_org(state: OrgState, now: datetime) -> JsonObject:
    return {
        "org": state.org.name,
        "uuid": state.org.uuid,
        "plan": state.org.plan_name,
        "session": state.session.label,
        "account": state.account.email or state.account.uuid,
        "verdict": format_verdict_line(judge(state, now), now, UTC),
        "gates": dict(state.org.restrictions),
        **_build_replies(state.replies, state.failures),
    }


def _build_past_figures(figures: PastFigures) -> JsonObject:
    org = figures.owner.org
    return {
        "org": org.name if org is not None else None,
        "uuid": org.uuid if org is not None else None,
        "figures": [
            {
                "figure": row.figure,
                "value": build_money_object(row.value) if isinstance(row.value, Money) else row.value,
                "cause": row.cause,
                "resets_at": format_utc(row.resets_at) if row.resets_at is not None else None,
                "since": format_utc(row.first_at),
                "confirmed_at": format_utc(row.confirmed_at),
            }
            for row in figures.rows
        ],
    }


def _build_replies(replies: Mapping[Endpoint, Reply], failures: Mapping[Endpoint, Failure]) -> JsonObject:
    return {
        "replies": {
            endpoint: {
                "at": format_utc(reply.at),
                "status": reply.status,
                "took_seconds": reply.duration.total_seconds(),
                "new_fields": list(reply.new_fields),
                "odd_values": list(reply.odd_values),
                "body": _parse_body(reply.text),
            }
            for endpoint, reply in replies.items()
        },
        "failures": {
            endpoint: {
                "since": format_utc(failure.at),
                "trouble": failure.error_kind,
                "detail": failure.detail,
                "retry_after_seconds": None
                if failure.retry_after is None
                else failure.retry_after.total_seconds(),
                "trace": failure.trace.splitlines(),
            }
            for endpoint, failure in failures.items()
        },
    }


def _parse_body(text: str) -> object:
    """Return the JSON value of a redacted body; the text itself if it is not JSON."""
    try:
        return json.loads(text)
    except ValueError:
        return text
