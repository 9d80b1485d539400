"""What belongs to a bug report beside the picture: one moment as JSON, without anything personal."""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from importlib import metadata
from typing import Any

from claudemeter_tui import __version__
from claudemeter_tui.formatting import problems, verdict
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.reading import Failure, Reply
from claudemeter_tui.model.store import OrgState, Problem, SessionState, Store
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
"""The variables of the environment that tell what the terminal can do."""
PUBLIC_SETTINGS = frozenset(("theme", "source", "ascii", "alerts.desktop"))
"""Settings whose text is a choice of ours, and so nobody's secret."""

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
    versions: Mapping[str, str],
) -> str:
    """The report as ASCII JSON, indented, every time in UTC.

    Args:
        store: Everything known; what is personal in it gets a pseudonym here.
        now: The moment of the picture.
        redaction: The pseudonyms of the picture, so that both tell of the same orgs.
        size: Columns and lines.
        terminal: The environment; only what `TERMINAL` names is taken from it.
        settings: By their names. Paths, secrets and free text are told as "given".
        versions: Of what takes part, see `versions`.
    """
    private = redaction.redact_store(store)
    whole = {
        "made_at": _format_utc(now),
        "versions": dict(versions),
        "terminal": {**_collect_terminal(terminal), "columns": size[0], "lines": size[1]},
        "settings": {name: _sanitize_setting(name, value) for name, value in settings.items()},
        "problems": [_build_problem(problem) for problem in private.problems],
        "sessions": [_build_session(state) for state in private.sessions],
        "orgs": [_build_org(state, now) for state in private.orgs],
    }
    return json.dumps(whole, indent=2) + "\n"


def collect_versions() -> dict[str, str]:
    """Of this program, what draws it, what runs it, and the system below."""
    return {
        "claudemeter-tui": __version__,
        "textual": metadata.version("textual"),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.release()} {platform.machine()}",
    }


def _collect_terminal(environment: Mapping[str, str]) -> JsonObject:
    """Variables with a plain word as it is, others only that they are set."""
    found = {name: environment[name] for name in TERMINAL_VARIABLES if name in environment}
    return {name: text if _SAFE_WORD.fullmatch(text) else "set" for name, text in found.items()}


def _sanitize_setting(name: str, value: object) -> object:
    """A figure or a choice as it is; of anything else only whether it was given."""
    match value:
        case None | bool() | int() | float():
            return value
        case timedelta():
            return value.total_seconds()
        case str() if value in ("", CLAUDE_AI_URL) or (
            name in PUBLIC_SETTINGS and _SAFE_WORD.fullmatch(value)
        ):
            return value
        case list() | tuple() if all(isinstance(part, int | float) for part in value):
            return list(value)
        case _:
            return "given"


def _build_problem(problem: Problem) -> JsonObject:
    told = problems.PROBLEM_TEXTS[problem.error_kind]
    return {
        "since": _format_utc(problem.at),
        "problem": problems.format_problem_title(problem, UTC),
        "what": told.summary,
    }


def _build_session(state: SessionState) -> JsonObject:
    schedule = state.schedule
    return {
        "session": state.session.label,
        "account": state.account.email or state.account.uuid,
        "polling": state.is_polling,
        "interval_seconds": schedule.interval.total_seconds() if schedule else None,
        "next_at": _format_utc(schedule.next_at) if schedule else None,
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
        "verdict": verdict.format_verdict_line(judge(state, now), now, UTC),
        "gates": dict(state.org.restrictions),
        **_build_replies(state.replies, state.failures),
    }


def _build_replies(replies: Mapping[Endpoint, Reply], failures: Mapping[Endpoint, Failure]) -> JsonObject:
    return {
        "replies": {endpoint: _build_reply(reply) for endpoint, reply in replies.items()},
        "failures": {endpoint: _build_failure(failure) for endpoint, failure in failures.items()},
    }


def _build_reply(reply: Reply) -> JsonObject:
    return {
        "at": _format_utc(reply.at),
        "status": reply.status,
        "took_seconds": reply.duration.total_seconds(),
        "new_fields": list(reply.new_fields),
        "odd_values": list(reply.odd_values),
        "body": _parse_body(reply.text),
    }


def _parse_body(text: str) -> object:
    """The JSON value of a redacted body; the text where it is none."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _build_failure(failure: Failure) -> JsonObject:
    wait = failure.retry_after
    return {
        "since": _format_utc(failure.at),
        "trouble": failure.error_kind,
        "detail": failure.detail,
        "retry_after_seconds": wait.total_seconds() if wait is not None else None,
        "trace": failure.trace.splitlines(),
    }


def _format_utc(moment: datetime) -> str:
    """`2026-04-25T14:48:05Z`."""
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='seconds')}Z"
