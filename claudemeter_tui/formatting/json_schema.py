"""Describe every JSON text that the commands print as a JSON Schema, for `--json-schema`.

Each key has a description with its unit, its range and the meaning of null. A test compares the schema with
what the commands print in every scene: each printed key is described, and each described key is printed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from claudemeter_tui.formatting import SCHEMA_VERSION
from claudemeter_tui.formatting.export import COLUMNS, ExportKind
from claudemeter_tui.formatting.report import BODY_ENDPOINTS
from claudemeter_tui.model.catalogue import Cause, CreditState, Endpoint
from claudemeter_tui.model.events import EventKind
from claudemeter_tui.model.history import CycleSource, PeriodKind
from claudemeter_tui.model.reading import ErrorKind
from claudemeter_tui.model.verdict import VerdictState
from claudemeter_tui.model.windows import Severity

JsonSchema = dict[str, Any]
"""A JSON Schema, or a part of one."""

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_PROMISE = (
    "Every JSON text that claudemeter-tui prints or writes. Changes are additions: a later version may add"
    " keys, and values to an enumeration, so ignore those that you do not know. schema_version rises only if"
    " a key is removed or changes its meaning."
)
_SEVERITIES = tuple(severity.name.lower() for severity in Severity)


def build_schema() -> JsonSchema:
    """Return the schema: one definition for each kind of JSON text, and any of them at the root."""
    definitions = {
        "orgs": _list(
            _refer("org"), "Output of --json: the orgs in the order of their numbers. Empty if none."
        ),
        "org": _org(),
        "event": _event(),
        "line": _status_line(),
        "history": _history(),
        **{f"{kind}_row": _row(kind, columns) for kind, columns in COLUMN_SCHEMAS.items()},
        **{f"{kind}_line": _line(kind) for kind in ExportKind},
        **{f"{kind}_export": _export(kind) for kind in ExportKind},
        "manifest": _manifest(),
        "money": _money(),
    }
    texts = [name for name in definitions if name not in ("org", "money") and not name.endswith("_row")]
    return {
        "$schema": DIALECT,
        "title": "JSON of claudemeter-tui",
        "description": _PROMISE,
        "anyOf": [_refer(name) for name in texts],
        "$defs": definitions,
    }


def _describe(says: str, null: str) -> str:
    """Return the description of a value; `null` is the meaning of null, empty if it cannot be null."""
    return f"{says} Null {null}." if null else says


def _typed(kind: str, says: str, *, null: str = "", **more: Any) -> JsonSchema:
    return {"description": _describe(says, null), "type": [kind, "null"] if null else kind, **more}


def _text(says: str, *, null: str = "") -> JsonSchema:
    return _typed("string", says, null=null)


def _number(says: str, *, null: str = "", **more: Any) -> JsonSchema:
    return _typed("number", says, null=null, **more)


def _count(says: str, *, null: str = "") -> JsonSchema:
    return _typed("integer", says, null=null, minimum=0)


def _flag(says: str) -> JsonSchema:
    return _typed("boolean", says)


def _time(says: str, *, null: str = "") -> JsonSchema:
    """Describe a time in UTC, such as `2026-04-25T14:48:18Z`."""
    return _text(f"{says} A time in UTC.", null=null) | {"format": "date-time"}


def _word(words: type[StrEnum] | Iterable[str], says: str, *, null: str = "") -> JsonSchema:
    listed: list[str | None] = [str(word) for word in words]
    return _text(says, null=null) | {"enum": [*listed, None] if null else listed}


def _list(item: JsonSchema, says: str) -> JsonSchema:
    return {"description": says, "type": "array", "items": item}


def _object(says: str, keys: Mapping[str, JsonSchema], *, null: str = "") -> JsonSchema:
    """Describe an object that always has these keys; more keys are allowed, because changes are additions."""
    return _typed("object", says, null=null, properties=dict(keys), required=list(keys))


def _refer(name: str) -> JsonSchema:
    return {"$ref": f"#/$defs/{name}"}


def _amount(says: str, *, null: str) -> JsonSchema:
    return {"description": _describe(says, null), "anyOf": [_refer("money"), {"type": "null"}]}


def _version() -> JsonSchema:
    return {"description": "Version of this schema.", "const": SCHEMA_VERSION}


def _money() -> JsonSchema:
    return _object(
        "An amount of money: minor / 10^exponent in whole units of the currency.",
        {
            "minor": _number(
                "The amount in minor units (cents for USD); below 0 for a debt, with a fraction if"
                " the server sent one."
            ),
            "currency": _text("ISO 4217 code, such as USD. Empty if not reported."),
            "exponent": _count("Digits of the currency after the point: 2 for USD, 0 for JPY."),
        },
    )


def _org() -> JsonSchema:
    bodies = {
        str(endpoint): {
            "description": f"The {endpoint} reply unchanged and undocumented: this schema"
            " promises nothing about its keys. Null if it could not be read."
        }
        for endpoint in BODY_ENDPOINTS
    }
    unread = "if it could not be read"
    return _object(
        "One org.",
        {
            "schema_version": _version(),
            "org_uuid": _text("UUID of the org."),
            "org_name": _text("Name of the org as the server sent it. May be empty."),
            "browser": _text("Browser, or other source, of the session that read the org."),
            "account_email": _text("E-mail address of the account.", null="if not reported"),
            "fetched_at": _time("Last reply about the org.", null="if there was none"),
            "verdict": _object(
                "Whether work can go on.",
                {
                    "state": _word(VerdictState, "The verdict."),
                    "credits": _word(CreditState, "State of the usage credits."),
                    "cause": _word(
                        Cause,
                        "Why work stops or costs credits; for can_work, why the credits are locked.",
                        null="if nothing stops work",
                    ),
                    "until": _time("End of the lock of the credits.", null="if there is no lock or no date"),
                    "lifts": _time(
                        "When work can continue in the plan or on credits.",
                        null="if work can continue now, or if that is not known",
                    ),
                    "spending": _amount(
                        "Credits spent lately although no plan-wide window is full.", null="if none were"
                    ),
                    "text": _text("The verdict in one line, for people: it may be worded differently later."),
                },
            ),
            "credits": _object(
                "The usage credits: the last real figures, even if the server has withdrawn them.",
                {
                    "used": _amount("Credits used in this billing month.", null="if not reported"),
                    "cap": _amount("The monthly cap.", null="if there is none, or it is not reported"),
                    "is_personal": _flag("True for the user's own cap, false for that of the whole org."),
                    "is_withdrawn": _flag("True if the server no longer sends the figures."),
                    "at": _time("Reply with the figures.", null="if not known"),
                },
                null="if no reply has such figures",
            ),
            "pace": _list(
                _object(
                    "An estimate for one window, at the pace so far.",
                    {
                        "window": _text("Key of the window in the usage reply, such as five_hour."),
                        "full_at": _time("When it is full.", null="if it resets before"),
                        "percent_at_reset": _number(
                            "Percent of the allowance used at the reset, from 0 to below 100.",
                            null="if it is full before, or if there is no estimate",
                            minimum=0,
                            maximum=100,
                        ),
                    },
                ),
                "Estimates, for windows that allow one. Empty if none does.",
            ),
            **bodies,
            "read_at": _object(
                "Time of each reply.",
                {str(one): _time(f"The {one} reply.", null=unread) for one in BODY_ENDPOINTS},
            ),
            "errors": _list(
                _object(
                    "A problem of the org or of its session.",
                    {
                        "endpoint": _word(Endpoint, "The reply that failed."),
                        "trouble": _word(ErrorKind, "Kind of the problem."),
                        "detail": _text("Detail for diagnosis, such as a status. Empty if there is none."),
                        "at": _time("When it was seen."),
                    },
                ),
                "Open problems. Empty if there are none.",
            ),
            "stale": _flag("True if the figures are older than two intervals."),
            "alias": _text("Name that the settings give the org.", null="if they give none"),
            "label": _text("Name on screen: the alias or the org's name; with the account if it is shared."),
            "also_via": _list(
                _object(
                    "Another way to the same figures.",
                    {
                        "account_email": _text("E-mail address of the account.", null="if not reported"),
                        "browser": _text("Browser, or other source, of its session."),
                    },
                ),
                "Other accounts and sessions that read the same figures. Empty if there are none.",
            ),
            "this_machine": _this_machine(),
            "metrics_org": _text("Identifier of the org in the metrics: the label org of --metrics."),
        },
    )


TOKEN_COLUMNS: Mapping[str, str] = {
    "input": "Input tokens that were neither written to the cache nor read from it.",
    "output": "Output tokens.",
    "cache_write_5m": "Tokens written to the cache for 5 minutes.",
    "cache_write_1h": "Tokens written to the cache for an hour.",
    "cache_read": "Tokens read from the cache.",
    "web_searches": "Number of web searches.",
}


def _this_machine() -> JsonSchema:
    no_call = "if no call is known to be the org's"
    counts = {**TOKEN_COLUMNS, "calls": "Number of calls."}
    refusal = _object(
        "A request that the server refused.",
        {
            "at": _time("When it was refused."),
            "project": _PROJECT,
            "limit": _text("The server's rateLimitType, such as five_hour.", null="if not reported"),
            "resets_at": _time("Reset of that limit.", null="if not reported"),
            "credits_reason": _text("The server's code for the lock of the credits.", null="if not reported"),
            "low_priority_offered": _flag("True if the server offered to continue at lower priority."),
        },
    )
    return _object(
        "Use of Claude Code on this machine, from its transcripts, as far as its login was this org's.",
        {
            "account": _text(
                "UUID of the account of Claude Code's login.",
                null="if the login is not known, or if it is that of another org",
            ),
            "since": _time("Start of the billing cycle, and of the counts and refusals here."),
            "tokens": _object(
                "Sums of the calls whose login is known to be the org's.",
                {key: _count(says, null=no_call) for key, says in counts.items()},
            ),
            "refusals": {
                **_list(
                    refusal,
                    "Refusals whose login is known to be the org's, oldest first. An empty list does not"
                    " show that no request was refused. Null if no transcript was read.",
                ),
                "type": ["array", "null"],
            },
        },
    )


def _event_value(says: str) -> JsonSchema:
    kinds: list[JsonSchema] = [_refer("money"), {"type": ["number", "string", "null"]}]
    return {
        "description": f"{says} A percentage from 0, a word or code, a time in UTC, or an amount. Null if not"
        " known, or if the kind has none.",
        "anyOf": kinds,
    }


def _event() -> JsonSchema:
    return _object(
        "Output of --json --watch, and input of on_event: one line for each event.",
        {
            "schema_version": _version(),
            "at": _time("When the event was detected; for a reset, the time of the reset."),
            "kind": _word(EventKind, "Kind of the event; first_read is the state of an org at the start."),
            "severity": _word(_SEVERITIES, "Severity of the new state."),
            "org_uuid": _text("UUID of the org.", null="if the event concerns a whole session"),
            "org_name": _text("Name of the org.", null="if the event concerns a whole session"),
            "org_label": _text("Name of the org on screen.", null="if the event concerns a whole session"),
            "session": _text("The session that reads the org, such as 'Chrome, Default'."),
            "subject": _text(
                "The window, credits, reply or session concerned.", null="if the kind needs none"
            ),
            "before": _event_value("The value before."),
            "after": _event_value("The value after."),
            "amount": _amount(
                "For balance_fell, the part of the fall that was not spent.", null="for every other kind"
            ),
            "threshold": _number(
                "For threshold_passed, the passed percentage, above 0 and up to 100.",
                null="for every other kind",
                exclusiveMinimum=0,
                maximum=100,
            ),
            "cause": _word(Cause, "Cause of the lock of the credits.", null="if the event has no lock"),
            "reason": _text("The server's disabled_reason.", null="if the cause follows from other figures"),
            "until": _time(
                "End of the new state: a reset or an expiry. Of lifted and back_in_plan the end of the old"
                " state, if it passed while nothing was read.",
                null="if not known",
            ),
            "replies": _list(
                _word(Endpoint, "A reply."), "Replies that showed the event. Empty if only the clock did."
            ),
            "text": _text("The event in one line, for people: it may be worded differently later."),
        },
    )


def _status_line() -> JsonSchema:
    return _object(
        "Output of --line --json: the worst org, or that of --org, in the form of Waybar and other bars.",
        {
            "schema_version": _version(),
            "text": _text("The line, as --line prints it without --json."),
            "tooltip": _text("More about the org, in lines for people."),
            "class": _list(
                _typed("string", "A word."),
                "The verdict, credits_blocked or spending; then normal, warning, critical or full; then stale"
                " if the figures are older than two intervals, or the last poll failed.",
            ),
            "percentage": _count(
                "Percent of the limiting window, else of the fullest one; above 100 if the server says so.",
                null="if it is not known now",
            ),
        },
    )


_OWNER = {
    "account": _text("E-mail address of the account, else its UUID.", null="if the row has no owner"),
    "org": _text("Name of the org.", null="if the row concerns the account or a whole session"),
    "org_uuid": _text("UUID of the org.", null="if the row concerns the account or a whole session"),
}
_NO_LOGIN = "if the login of Claude Code is not known for that time"
_LOGIN_OWNER = {
    "account": _text(
        "E-mail address of the account, else its UUID.", null=f"{_NO_LOGIN}, or if not reported"
    ),
    "org": _text("Name of the org. Empty if no session has read it.", null=_NO_LOGIN),
    "org_uuid": _text("UUID of the org.", null=_NO_LOGIN),
}
_PROJECT = _text("Folder in which Claude Code was started, with --privacy a pseudonym.", null="if not known")
_NO_REPLY = "if no single reply shows it, or if the reply was removed"
_SOURCE = {
    "endpoint": _text("The reply that the row is from, such as usage.", null=_NO_REPLY),
    "status": _count("HTTP status of that reply.", null=_NO_REPLY),
    "session": _text("The session that read it.", null=_NO_REPLY),
    "reply_first_at": _time("When that reply arrived first.", null=_NO_REPLY),
    "reply_confirmed_at": _time("When an equal reply arrived last.", null=_NO_REPLY),
}
_DECIMAL = "an amount of money is a decimal text in whole units, such as 17.20"
_CYCLE = {
    "cycle": _text("window: and the key of a window, or month for a billing month."),
    "start_at": _time("Start of the cycle."),
    "start_source": _word(CycleSource, "Origin of the start."),
    "end_at": _time("End of the cycle.", null="if not known"),
    "end_source": _word(CycleSource, "Origin of the end."),
    "peak": {
        "description": f"The highest percentage, from 0; for a month the most used credits; {_DECIMAL}.",
        "type": ["number", "string"],
    },
    "unit": _text("% or the currency of the peak."),
    "peak_at": _time("First reading with the peak."),
    "full_at": _time(
        "First reading at 100% or with a lock; of a month, at its cap.", null="if there was none"
    ),
    "full_seconds": _number("Seconds in which it was full.", minimum=0),
    "spent": _text(f"Credits spent in the cycle; {_DECIMAL}.", null="if none were"),
    "spent_currency": _text("Currency of spent.", null="if none were"),
    "confirmed_at": _time("Last reading of the cycle."),
    **_SOURCE,
}
_NOT_READABLE = "if another version wrote an event that this one cannot read"


def _row_value(says: str, *, null: str = "") -> JsonSchema:
    kinds = ["number", "string", *(["null"] if null else [])]
    said = f"{says} A percentage from 0, or a text: a word, a time, or {_DECIMAL}."
    return {"description": _describe(said, null), "type": kinds}


COLUMN_SCHEMAS: Mapping[ExportKind, Mapping[str, JsonSchema]] = {
    ExportKind.FIGURES: {
        **_OWNER,
        "figure": _text("window: and its key, used, cap, balance, credits or verdict."),
        "value": _row_value("The figure."),
        "unit": _text("%, the currency of an amount, or empty for a word."),
        "first_at": _time("First reading with the value."),
        "confirmed_at": _time("Last reading with the value."),
        "resets_at": _time("Reset of the window.", null="if not reported, or for another figure"),
        "cause": _text("Cause of a verdict or a lock. Empty for other figures."),
        **_SOURCE,
    },
    ExportKind.CYCLES: {**_OWNER, **_CYCLE},
    ExportKind.EVENTS: {
        **_OWNER,
        "at": _time("When the event was detected."),
        "kind": _text("Kind of the event, as in --json --watch, or that of another version."),
        "text": _text("The event in one line, for people.", null=_NOT_READABLE),
        "subject": _text("The window, credits, reply or session concerned.", null="if the kind needs none"),
        "before": _row_value("The value before.", null="if not known"),
        "before_unit": _text("Currency of before.", null="if it is no amount"),
        "after": _row_value("The value after.", null="if not known"),
        "after_unit": _text("Currency of after.", null="if it is no amount"),
        "until": _time("End of the new state.", null="if not known"),
        **_SOURCE,
    },
    ExportKind.REPLIES: {
        **_OWNER,
        "endpoint": _text("Name of the request, such as usage."),
        "status": _count("HTTP status.", null="for a failed request"),
        "session": _text("The session that made the request."),
        "first_at": _time("When the reply arrived first."),
        "confirmed_at": _time("When an equal reply arrived last."),
        "count": _count("Number of equal replies, or of equal failures, in a row."),
        "duration_ms": _count(
            "Milliseconds from the first request to its reply.", null="for a failed request"
        ),
        "failure": _text("Why there is no body.", null="if there is one"),
        "failure_detail": _text("Detail for diagnosis.", null="if there is a body, or no detail is known"),
        "bytes": _count("Length of the body in UTF-8.", null="if there is no body"),
        "sha256": _text("SHA-256 of these bytes, in hexadecimal.", null="if there is no body"),
        "body": _text("The body exactly as sent.", null="if there is none"),
    },
    ExportKind.TOKENS: {
        **_LOGIN_OWNER,
        "hour_at": _time("Start of the hour in UTC."),
        "project": _PROJECT,
        "model": _text("The model, as Claude Code names it.", null="if not reported"),
        "variant": _text("Kind of service with a price of its own, such as fast. Empty for the usual one."),
        "subagent": _flag("True for calls of subagents, false for the main conversation."),
        "calls": _count("Number of calls."),
        **{key: _count(says) for key, says in TOKEN_COLUMNS.items()},
        "cache_rebuilt": _count("Tokens written to the cache again that the call before had cached."),
    },
    ExportKind.REFUSALS: {
        **_LOGIN_OWNER,
        "at": _time("When the request was refused."),
        "project": _PROJECT,
        "limit": _text("The server's rateLimitType, such as five_hour.", null="if not reported"),
        "resets_at": _time("Reset of that limit.", null="if not reported"),
        "credits_status": _text("rejected if credits did not pay either.", null="if not reported"),
        "credits_reason": _text("The server's code for the lock of the credits.", null="if not reported"),
        "credits_until": _time("End of the lock of the credits.", null="if not reported"),
        "used_credits": _flag("True if credits already paid for the request."),
        "low_priority_offered": _flag("True if the server offered to continue at lower priority."),
    },
}
"""The columns of each kind of rows, described; the order is that of `COLUMNS`."""


def _row(kind: ExportKind, columns: Mapping[str, JsonSchema]) -> JsonSchema:
    return _object(f"A row of {kind}.", {name: columns[name] for name in COLUMNS[kind]})


def _line(kind: ExportKind) -> JsonSchema:
    """Describe a line of NDJSON; in an evidence bundle the name of the file says what the rows are."""
    head = {"schema_version": _version(), "what": _word([kind], "Rows of the file, as in --what.")}
    line = _object(
        f"Line of an .ndjson file with {kind}.", head | _row(kind, COLUMN_SCHEMAS[kind])["properties"]
    )
    if kind is ExportKind.REPLIES:
        line["description"] += " An evidence bundle has such lines without what."
        line["required"].remove("what")
    return line


_HEADER = {
    "schema_version": _version(),
    "program": _text("Name and version of the program that wrote the file."),
    "exported_at": _time("When it was written."),
    "origin": _text("Server whose replies the rows are from, such as https://claude.ai."),
    "since": _time("Start of the span.", null="for everything before its end"),
    "until": _time("End of the span, not included.", null="for everything after its start"),
    "privacy": _flag("True if names, ids and unknown texts are pseudonyms."),
}


def _export(kind: ExportKind) -> JsonSchema:
    rows = _list(_refer(f"{kind}_row"), "The rows, oldest first for each org.")
    what = _word([kind], "Rows of the file, as in --what.")
    return _object(f"A .json file with {kind}.", {**_HEADER, "what": what, "rows": rows})


def _manifest() -> JsonSchema:
    file = _object(
        "A file of the bundle.",
        {
            "path": _text("Its name in the bundle."),
            "sha256": _text("SHA-256 of its bytes, in hexadecimal."),
            "bytes": _count("Its length."),
        },
    )
    return _object(
        "manifest.json of an evidence bundle.",
        {
            **_HEADER,
            "replies_as_sent": _flag("True if the replies are exactly as sent, false with --privacy."),
            "notes": _list(_text("A sentence."), "What the hashes show, and what they do not."),
            "files": _list(file, "All other files but SHA256SUMS."),
        },
    )


def _history() -> JsonSchema:
    amount = _object(
        "Credits spent in one period, in one currency.",
        {
            "from": _typed("string", "First local day of the period.", format="date"),
            "amount": _text(f"Credits spent; {_DECIMAL}."),
            "at_most": _text(
                f"The same with what was spent while nothing was read around its ends; {_DECIMAL}."
            ),
            "currency": _text("Currency of the amount."),
        },
    )
    spent = {
        str(kind): _list(amount, f"Sums of each {kind} with spent credits, by local days.")
        for kind in (PeriodKind.DAY, PeriodKind.WEEK, PeriodKind.MONTH)
    }
    org = _object(
        "The history of one org.",
        {
            **_OWNER,
            "cycles": _list(_object("A cycle.", _CYCLE), "5-hour windows, weeks and billing months."),
            "spent": _object("Credits spent.", spent),
        },
    )
    return _object(
        "Output of --history --json.",
        {
            "schema_version": _version(),
            "made_at": _time("When it was printed."),
            "since": _HEADER["since"],
            "until": _HEADER["until"],
            "orgs": _list(org, "The orgs in the order of their numbers."),
        },
    )
