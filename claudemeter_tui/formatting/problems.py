"""Word failures: summary, cure and remaining figures; and the results of a session scan."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from claudemeter_tui.formatting.values import format_moment, format_short_day, to_local
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.reading import (
    CLAUDE_CODE_LOGIN,
    PASTED_COOKIE,
    ErrorKind,
    PasteResult,
    ScanResult,
    Session,
)
from claudemeter_tui.model.store import OrgState, Problem, Store, same_account

_BACKS_OFF = "Nothing: it waits as long as it was told to, or longer each time, and asks again by itself."
_NEXT_POLL = "Nothing: the next poll asks again."
_REPORT = "Save a picture with s and report it: the reply has changed, or this program is wrong."


@dataclass(frozen=True, slots=True)
class ProblemText:
    """An error in whole sentences."""

    summary: str
    """The event, in a sentence."""
    cure: str
    """The cure."""


PROBLEM_TEXTS: dict[ErrorKind, ProblemText] = {
    ErrorKind.NO_ROUTE: ProblemText(
        "The network is not reachable.", "Check the connection, then press r; it also tries again by itself."
    ),
    ErrorKind.DNS: ProblemText(
        "The server's name could not be looked up.",
        "Check the connection or the name server, then press r; it also tries again by itself.",
    ),
    ErrorKind.CONNECTION_REFUSED: ProblemText(
        "The server's machine refused the connection.",
        "Check the firewall, the proxy settings, and --base-url where it is set, then press r.",
    ),
    ErrorKind.TLS: ProblemText(
        "The server could not prove who it is, or TLS failed, so nothing was sent.",
        "On a public network open its own page first; behind a company proxy set SSL_CERT_FILE to its"
        " certificate and start again.",
    ),
    ErrorKind.PROXY: ProblemText(
        "The proxy did not let the request through.", "Check HTTPS_PROXY and NO_PROXY, then start again."
    ),
    ErrorKind.TIMEOUT: ProblemText("The answer did not come in time.", _NEXT_POLL),
    ErrorKind.CUT_OFF: ProblemText("The answer broke off half-way.", _NEXT_POLL),
    ErrorKind.NO_SESSION: ProblemText(
        "There is no session to read with.",
        "Sign in to claude.ai in a browser on this machine, then press r.",
    ),
    ErrorKind.EXPIRED: ProblemText(
        "The session has expired, or was signed out.",
        "Sign in to claude.ai in that browser again, then press r.",
    ),
    ErrorKind.FORBIDDEN: ProblemText(
        "The server does not allow this account to read it.",
        "Nothing here: a member's role in the org decides that.",
    ),
    ErrorKind.WRONG_ORG: ProblemText(
        "The org does not belong to the account that is signed in.",
        "If you have switched accounts in the browser, press r.",
    ),
    ErrorKind.CHALLENGE: ProblemText(
        "Cloudflare asks whether a person is there. The session itself is fine, as far as is known.",
        "Open claude.ai in the browser once and let it pass the check; Claude Code's login, where there is"
        " one, reads the windows meanwhile.",
    ),
    ErrorKind.DENIED: ProblemText(
        "The edge in front of claude.ai denied access: to this address or program, not to the session.",
        "If claude.ai does not open in the browser either, leave the VPN or proxy; then press r.",
    ),
    ErrorKind.REGION: ProblemText(
        "claude.ai does not serve this place or this client.",
        "Leave the VPN or proxy, if there is one, then press r.",
    ),
    ErrorKind.REDIRECT: ProblemText(
        "Instead of data came a redirect to another page, which is never followed.",
        "Open claude.ai in the browser: it shows what it asks for. Then press r.",
    ),
    ErrorKind.TOKEN_INVALID: ProblemText(
        "The credentials were not accepted.", "Sign in again where they come from, then press r."
    ),
    ErrorKind.TOKEN_SCOPE: ProblemText(
        "The credentials are of a kind that may not read usage.", "Sign in again with a full login."
    ),
    ErrorKind.NOT_FOUND: ProblemText("The server knows no such thing for this org.", _NEXT_POLL),
    ErrorKind.THROTTLED: ProblemText("The server asks us to slow down.", _BACKS_OFF),
    ErrorKind.SERVER_ERROR: ProblemText("The server has a fault of its own.", _NEXT_POLL),
    ErrorKind.UNEXPECTED: ProblemText("The server gave an answer that is not known here.", _REPORT),
    ErrorKind.LOGIN_PAGE: ProblemText(
        "A web page came instead of data: a login page, or that of a public network.",
        "Open any page in the browser and sign in where it asks, then press r.",
    ),
    ErrorKind.MALFORMED: ProblemText("The answer cannot be read.", _NEXT_POLL),
    ErrorKind.TOO_LARGE: ProblemText("The answer is larger than any real one, and was not read.", _NEXT_POLL),
    ErrorKind.NO_ORGS: ProblemText(
        "The account has no org with usage.", "Sign in with the account that has the plan, then press r."
    ),
    ErrorKind.BUG: ProblemText("A bug of ours: this program met something it does not handle.", _REPORT),
    ErrorKind.EXPIRES_SOON: ProblemText(
        "The session ends within three days.", "Sign in to claude.ai in that browser again before it does."
    ),
    ErrorKind.NEW_FIELD: ProblemText(
        "The reply has a field that this program does not know.",
        "Nothing: it is kept, and the known figures are right.",
    ),
    ErrorKind.ODD_VALUE: ProblemText(
        "A figure has a form that this program does not know, and is left out.", _REPORT
    ),
}
"""Words for every kind of error; none is missing."""


def format_error(error_kind: ErrorKind, detail: str) -> str:
    """Return `server error (status 502)`, or the name alone if there is no detail."""
    return f"{error_kind} ({detail})" if detail else str(error_kind)


def is_informational(problem: Problem) -> bool:
    """True if nothing failed and no figure is missing."""
    return problem.error_kind in (ErrorKind.NEW_FIELD, ErrorKind.EXPIRES_SOON)


def describe_problem_cure(problem: Problem) -> str:
    """Return the cure; if a session has to be renewed, for this session."""
    session, trouble = problem.session, problem.error_kind
    if trouble not in RENEWABLE_ERRORS or not session.browser:
        return PROBLEM_TEXTS[trouble].cure
    how = describe_session_renewal(session)
    if trouble is ErrorKind.EXPIRES_SOON:
        return f"{how} again before it does."
    if session == CLAUDE_CODE_LOGIN:
        return f"{how}; it is looked at every few minutes."
    if session.browser in _MANUAL_RENEWALS:
        return f"{how}."
    looked = "; it is looked at every minute, and at once with r" if trouble is ErrorKind.EXPIRED else ""
    return f"{how}{looked or ', then press r'}."


def describe_session_renewal(session: Session) -> str:
    """Return the cure for a session: `Sign in to claude.ai in Chrome (Profile 1)`."""
    if session.browser in _MANUAL_RENEWALS:
        return _MANUAL_RENEWALS[session.browser]
    where = f"{session.browser} ({session.profile})" if session.profile else session.browser
    return f"Sign in to claude.ai in {where}"


RENEWABLE_ERRORS = frozenset(
    {
        ErrorKind.EXPIRED,
        ErrorKind.EXPIRES_SOON,
        ErrorKind.TOKEN_INVALID,
        ErrorKind.TOKEN_SCOPE,
        ErrorKind.NO_SESSION,
    }
)
"""Errors that end with a new session."""
_MANUAL_RENEWALS = {
    "cookie file": "Export the cookies anew and start again",
    "CLAUDEMETER_COOKIE": "Set CLAUDEMETER_COOKIE anew and start again",
    PASTED_COOKIE: "Start again and paste a cookie from a browser that is signed in",
    CLAUDE_CODE_LOGIN.browser: "Run claude, which renews its login, or asks to sign in with /login",
}
"""Sessions that no browser can renew, with their cure."""


def format_problem_title(problem: Problem, zone: tzinfo | None = None) -> str:
    """Return `Acme Team · usage: server error (status 502)`; the day if the session is about to end."""
    whose = problem.org.name or problem.org.uuid if problem.org else problem.session.label
    where = f"{problem.endpoint}: " if problem.org or problem.endpoint is not Endpoint.ACCOUNT else ""
    ends = to_local(problem.ends_at, zone) if problem.ends_at is not None else None
    note = f"{ends:%a} {format_short_day(ends)}" if ends is not None else problem.detail
    return (f"{whose} · " if whose else "") + where + format_error(problem.error_kind, note)


def describe_fallback_figures(
    problem: Problem, store: Store, now: datetime, zone: tzinfo | None = None
) -> str:
    """Return a sentence about the figures that stay on screen."""
    concerned = [state for state in store.orgs if state.session == problem.session]
    if problem.org is not None:
        concerned = [state for state in concerned if state.org.uuid == problem.org.uuid]
    reads = [read for read in (_find_read_time(state, problem) for state in concerned) if read is not None]
    if is_informational(problem):
        return "Everything is shown as usual."
    if problem.error_kind is ErrorKind.ODD_VALUE:
        return "All other figures of the reply are shown."
    stand_ins = " and ".join(_list_fallback_sessions(problem, store))
    kept = format_moment(min(reads), now, zone) if reads else ""
    if stand_ins and kept:
        return f"Some figures come from {stand_ins} meanwhile, the others of {kept} stay on screen."
    if stand_ins:
        return f"The figures come from {stand_ins} meanwhile."
    if not kept:
        return "Nothing is shown for it: there was no good answer yet."
    return f"The figures of {kept} stay on screen."


def _list_fallback_sessions(problem: Problem, store: Store) -> list[str]:
    """Return the other sessions that serve orgs of the account whose session fails."""
    account = store.find_session_state(problem.session).account
    if problem.org is not None:
        return []
    serving = (state.session for state in store.orgs if same_account(state.account, account))
    return list(dict.fromkeys(session.label for session in serving if session != problem.session))


def _find_read_time(state: OrgState, problem: Problem) -> datetime | None:
    """Return the last time the figures of a problem were read. None if never."""
    if problem.org is None:
        return state.read_at
    reply = state.replies.get(problem.endpoint)
    return reply.at if reply is not None else None


NOTHING_SCANNED = "Nothing was looked at."
NO_SESSION_WORKS = (
    "No session works: sign in to claude.ai in a browser on this machine,"
    " or run claude and sign in with /login."
)
_REJECTION_TEXTS = {
    ErrorKind.EXPIRED: "claude.ai does not accept it: it has expired, or it is not whole. Copy it anew.",
    ErrorKind.NO_ORGS: "claude.ai accepts it, but the account has no org with usage.",
    ErrorKind.CHALLENGE: "Cloudflare asks whether a person is there, so it could not be tried. Try later.",
}


def describe_scan_result(place: ScanResult) -> str:
    """Return the sentence beside a scanned place; for a rejected session, its cure or its cause."""
    if place.error_kind is None:
        return place.detail
    if place.error_kind in RENEWABLE_ERRORS:
        return f"{describe_session_renewal(place.session)}."
    return PROBLEM_TEXTS[place.error_kind].summary


def format_session_table(places: Iterable[ScanResult]) -> str:
    """Return a line for each profile, in columns: browser, profile, outcome and detail."""
    rows = [
        (place.session.browser, place.session.profile, place.outcome, describe_scan_result(place))
        for place in places
    ]
    if not rows:
        return NOTHING_SCANNED
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "\n".join(_format_table_row(row, widths) for row in rows)


def _format_table_row(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
    return "  ".join([*(cell for cell, width in zip(cells, widths, strict=True) if width), row[-1]]).rstrip()


def describe_offered_session(offered: PasteResult) -> str:
    """Return a sentence about the result of a pasted session."""
    if offered.error_kind is None:
        who = offered.account.email or offered.account.uuid if offered.account is not None else None
        return f"Signed in as {who}." if who else "The session works."
    if offered.error_kind is ErrorKind.NO_SESSION:
        return f"This cannot be used: {offered.detail}."
    words = PROBLEM_TEXTS[offered.error_kind]
    return _REJECTION_TEXTS.get(offered.error_kind, f"It could not be tried. {words.summary}")
