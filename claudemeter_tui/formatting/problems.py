"""Put failures into words: summary, cure and remaining figures; also the results of a session scan."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, NamedTuple

from claudemeter_tui.formatting.values import format_count, format_moment, format_short_day, to_local
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.problems import INFORMATIONAL_ERRORS, RENEWABLE_ERRORS, ProblemGroup
from claudemeter_tui.model.reading import (
    ARCHIVE_ERRORS,
    CLAUDE_CODE_LOGIN,
    IGNORED_PLACE,
    PASTED_COOKIE,
    ErrorKind,
    ScanResult,
    Session,
    is_extension_session,
)
from claudemeter_tui.model.store import OrgState, Problem, Store, same_account

if TYPE_CHECKING:
    from claudemeter_tui.model.session_search import PasteResult

COOKIE_VARIABLE_SESSION, COOKIE_FILE_SESSION = "CLAUDEMETER_COOKIE", "cookie file"
"""Names in place of the browser's for a session that the user provided."""
_UNIGNORE = "Remove a name from it (--config shows its place), then restart"


class Controls(NamedTuple):
    """Ways to act on a problem at a place on screen, as the words of a cure name them."""

    refresh: str
    """Way to poll now, within a sentence."""
    report: str
    """Way to report a bug; begins a sentence."""


DASHBOARD = Controls("press r", "Press s to save a screenshot, and report it")
"""The keys of the dashboard."""


class Cure(NamedTuple):
    """Parts of the sentence that says how a problem ends."""

    action: str
    """Action of the user; begins with a verb. For a report, the reason for it."""
    polls_then: bool = False
    """True if a poll has to follow that does not wait for the next one."""
    note: str = ""
    """The end of the sentence, with the blank or the mark before it. Empty for none."""
    is_report: bool = False
    """True if only a report helps."""

    def format(self, controls: Controls = DASHBOARD) -> str:
        """Return the sentence."""
        action = f"{controls.report}: {self.action}" if self.is_report else self.action
        poll = f", then {controls.refresh}" if self.polls_then else ""
        return f"{action}{poll}{self.note}."


class ProblemText(NamedTuple):
    """An error in whole sentences."""

    summary: str
    """The cause, in a sentence."""
    cure: Cure


_RETRIES = Cure("Nothing to do – it retries automatically")
_ALSO_RETRIES = "; it also retries automatically"
_REPORT = Cure("the reply has changed, or claudemeter has a bug", is_report=True)
PROBLEM_TEXTS: dict[ErrorKind, ProblemText] = {
    ErrorKind.NO_ROUTE: ProblemText(
        "The network is unreachable.", Cure("Check the connection", polls_then=True, note=_ALSO_RETRIES)
    ),
    ErrorKind.DNS: ProblemText(
        "The server name could not be resolved.",
        Cure("Check the connection and DNS", polls_then=True, note=_ALSO_RETRIES),
    ),
    ErrorKind.CONNECTION_REFUSED: ProblemText(
        "Connection refused.",
        Cure("Check the firewall, the proxy settings and --base-url (if set)", polls_then=True),
    ),
    ErrorKind.TLS: ProblemText(
        "TLS failed or the certificate is not trusted, so nothing was sent.",
        Cure(
            "Open the login page of a public network first; behind a company proxy, set SSL_CERT_FILE to its"
            " certificate and restart"
        ),
    ),
    ErrorKind.PROXY: ProblemText(
        "The proxy cannot be used, or it rejected the request.",
        Cure("Check HTTPS_PROXY and NO_PROXY, then restart"),
    ),
    ErrorKind.TIMEOUT: ProblemText("The reply did not arrive in time.", _RETRIES),
    ErrorKind.CUT_OFF: ProblemText("Connection dropped mid-reply.", _RETRIES),
    ErrorKind.FETCH_FAILED: ProblemText(
        "The browser got no answer from claude.ai: no network, a redirect, or a blocked request.",
        Cure("Open claude.ai in that browser to see what it says", polls_then=True, note=_ALSO_RETRIES),
    ),
    ErrorKind.BROWSER_CLOSED: ProblemText(
        "The browser that reads this account is closed, or its extension is off.",
        Cure("Start the browser; if that does not help, claudemeter-tui --extension status says more"),
    ),
    ErrorKind.EXTENSION_OLD: ProblemText(
        "The extension in the browser is older than claudemeter and does not send this request.",
        Cure("Reload the extension on the browser's page of extensions"),
    ),
    ErrorKind.NO_SESSION: ProblemText(
        "No session found.", Cure("Sign in to claude.ai in a browser on this machine", polls_then=True)
    ),
    ErrorKind.EXPIRED: ProblemText(
        "The session has expired or was signed out.",
        Cure("Sign in to claude.ai in that browser again", polls_then=True),
    ),
    ErrorKind.FORBIDDEN: ProblemText(
        "This account is not allowed to read the reply.",
        Cure("Ask an administrator for access: it depends on your role in the org"),
    ),
    ErrorKind.WRONG_ORG: ProblemText(
        "The org does not belong to the signed-in account.",
        Cure("Check which account the browser is signed in to", polls_then=True),
    ),
    ErrorKind.CHALLENGE: ProblemText(
        "Cloudflare wants a browser check. Your session is probably fine.",
        Cure(
            "Open claude.ai in the browser once to pass the check",
            polls_then=True,
            note="; meanwhile Claude Code's login, if there is one, reads the limits",
        ),
    ),
    ErrorKind.DENIED: ProblemText(
        "claude.ai's firewall denied access to this address or program; the session is not the cause.",
        Cure("Leave the VPN or proxy if claude.ai does not open in the browser either", polls_then=True),
    ),
    ErrorKind.REGION: ProblemText(
        "claude.ai is not available in this region or to this client.",
        Cure("Leave the VPN or proxy, if there is one", polls_then=True),
    ),
    ErrorKind.REDIRECT: ProblemText(
        "claude.ai sent a redirect instead of data; redirects are not followed.",
        Cure("Open claude.ai in the browser to see what it asks for", polls_then=True),
    ),
    ErrorKind.TOKEN_INVALID: ProblemText(
        "The credentials were rejected.",
        Cure("Sign in again in the program that they come from", polls_then=True),
    ),
    ErrorKind.TOKEN_SCOPE: ProblemText(
        "These credentials have no permission to read usage.", Cure("Sign in again with a full login")
    ),
    ErrorKind.NOT_FOUND: ProblemText("claude.ai has no such data for this org.", _RETRIES),
    ErrorKind.THROTTLED: ProblemText("claude.ai limits the rate of requests.", _RETRIES),
    ErrorKind.SERVER_ERROR: ProblemText("claude.ai reported an internal error.", _RETRIES),
    ErrorKind.UNEXPECTED: ProblemText("claude.ai sent an unexpected reply.", _REPORT),
    ErrorKind.LOGIN_PAGE: ProblemText(
        "A web page arrived instead of data, perhaps the login page of a public network.",
        Cure("Open any page in the browser, sign in if asked", polls_then=True),
    ),
    ErrorKind.MALFORMED: ProblemText("Unreadable reply.", _RETRIES),
    ErrorKind.TOO_LARGE: ProblemText("The reply is too large and was not read.", _RETRIES),
    ErrorKind.NO_ORGS: ProblemText(
        "The account has no org with usage.",
        Cure("Sign in with the account that has the plan", polls_then=True),
    ),
    ErrorKind.ALL_IGNORED: ProblemText(
        "The setting `ignore` covers every org of the account.", Cure(_UNIGNORE)
    ),
    ErrorKind.UNREAD: ProblemText(
        "The poll ran out of time before this reply: claude.ai is slow, or the account has many orgs.",
        Cure("Nothing to do – the next poll begins with it"),
    ),
    ErrorKind.BUG: ProblemText("Bug in claudemeter – please report it.", _REPORT),
    ErrorKind.EXPIRES_SOON: ProblemText(
        "The session expires within three days.",
        Cure("Sign in to claude.ai in that browser again before then"),
    ),
    ErrorKind.NEW_FIELD: ProblemText(
        "The reply has a field that claudemeter does not know.",
        Cure("Nothing to do – the known figures are right"),
    ),
    ErrorKind.ODD_VALUE: ProblemText("A figure has an unknown format and is left out.", _REPORT),
    ErrorKind.ARCHIVE_FAILED: ProblemText(
        "The history file cannot be written, so this reading is only on screen.",
        Cure("Free some disk space, or make the data folder writable; it retries at every poll"),
    ),
    ErrorKind.ARCHIVE_NEWER: ProblemText(
        "A newer version of claudemeter wrote the history file, so this one does not change it.",
        Cure("Update claudemeter, or set history.enabled = false"),
    ),
    ErrorKind.ARCHIVE_DAMAGED: ProblemText(
        "The history file was damaged. It was renamed, and what could be read is in a new file.",
        Cure("Check the disk; then delete the renamed file in the data folder"),
    ),
}
"""Summary and cure of every kind of error."""


def format_error(error_kind: ErrorKind, detail: str) -> str:
    """Return `server error (status 502)`, or the name alone if there is no detail."""
    return f"{error_kind} ({detail})" if detail else str(error_kind)


def is_informational(problem: Problem) -> bool:
    """True if nothing failed and no figure is missing."""
    return problem.error_kind in INFORMATIONAL_ERRORS


def describe_problem_cure(problem: Problem, controls: Controls = DASHBOARD) -> str:
    """Return the cure with the controls of the place; if a session has to be renewed, the cure names it."""
    return _find_cure(problem, controls).format(controls)


def _find_cure(problem: Problem, controls: Controls) -> Cure:
    session, trouble = problem.session, problem.error_kind
    if trouble not in RENEWABLE_ERRORS or not session.browser:
        return PROBLEM_TEXTS[trouble].cure
    how = describe_session_renewal(session)
    if trouble is ErrorKind.EXPIRES_SOON:
        return Cure(how, note=" before then")
    if session == CLAUDE_CODE_LOGIN:
        return Cure(how, note=" (checked every few minutes)")
    if session.browser in _MANUAL_RENEWALS:
        return Cure(how)
    if trouble is ErrorKind.EXPIRED and not is_extension_session(session):
        return Cure(how, note=f" (checked every minute; {controls.refresh} to check now)")
    return Cure(how, polls_then=True)


def describe_session_renewal(session: Session) -> str:
    """Return the cure for a session: `Sign in to claude.ai in Chrome (Profile 1)`."""
    if session.browser in _MANUAL_RENEWALS:
        return _MANUAL_RENEWALS[session.browser]
    is_named = session.profile and not is_extension_session(session)
    where = f"{session.browser} ({session.profile})" if is_named else session.browser
    return f"Sign in to claude.ai in {where}"


_MANUAL_RENEWALS = {
    COOKIE_FILE_SESSION: "Export fresh cookies and restart",
    COOKIE_VARIABLE_SESSION: "Unset CLAUDEMETER_COOKIE or set it to a fresh cookie, and restart",
    PASTED_COOKIE: "Restart and paste a cookie from a signed-in browser",
    CLAUDE_CODE_LOGIN.browser: "Run claude to renew its login, or log in with /login",
}
"""Sessions that no browser can renew, with their cure."""


def format_problem_title(problem: Problem, zone: tzinfo | None = None) -> str:
    """Return `Acme Team · usage: server error (status 502)`, or the end of a session that expires soon."""
    whose = problem.org.display_name if problem.org else problem.session.label
    where = f"{problem.endpoint}: " if problem.org or problem.endpoint is not Endpoint.ACCOUNT else ""
    ends = to_local(problem.ends_at, zone) if problem.ends_at is not None else None
    note = f"{ends:%a} {format_short_day(ends)}" if ends is not None else problem.detail
    return (f"{whose} · " if whose else "") + where + format_error(problem.error_kind, note)


def describe_source(state: OrgState) -> str:
    """Return `pat@example.com (Chrome, Default)`: the account and the session that an org is read through."""
    who = state.account.email or state.account.uuid
    return f"{who} ({state.session.label})" if who else state.session.label


def format_group_title(group: ProblemGroup, zone: tzinfo | None = None, since: str = "") -> str:
    """Return `claude.ai unreachable since 13:53: 13 replies of 7 orgs`, or the only problem's title.

    `since` is the text about the start of the problem, with a blank before it; empty to leave it out.
    """
    first, *others = group.problems
    if not others:
        return f"{format_problem_title(first, zone)}{since}"
    kind, session = group.cause.error_kind, group.cause.session
    name = OUTAGE_NAME if kind is None else str(kind)
    whose = f"{session.label} · " if session is not None and session.label else ""
    affected = f"{len(group.problems)} {'values' if kind is ErrorKind.ODD_VALUE else 'replies'}"
    orgs = f" of {format_count(group.org_count, 'org')}" if group.org_count else ""
    return f"{whose}{name}{since}: {affected}{orgs}"


def describe_group(group: ProblemGroup) -> tuple[str, str]:
    """Return summary and cure of a group."""
    kinds = dict.fromkeys(problem.error_kind for problem in group.problems)
    if len(kinds) > 1:
        return f"Requests fail: {', '.join(kinds)}.", PROBLEM_TEXTS[ErrorKind.NO_ROUTE].cure.format()
    first = group.problems[0]
    return PROBLEM_TEXTS[first.error_kind].summary, describe_problem_cure(first)


OUTAGE_NAME = "claude.ai unreachable"
"""Name of an outage, which can have several kinds of errors."""


def describe_fallback_figures(
    problem: Problem, store: Store, now: datetime, zone: tzinfo | None = None
) -> str:
    """Return a sentence about the figures that stay on screen."""
    if is_informational(problem):
        return "Everything is shown as usual."
    if problem.error_kind is ErrorKind.ARCHIVE_DAMAGED:
        return "All current figures are shown; a part of their history may be missing."
    if problem.error_kind in ARCHIVE_ERRORS:
        return "All current figures are shown; only their history is not kept."
    if problem.error_kind is ErrorKind.ODD_VALUE:
        return "All other figures of the reply are shown."
    served = [state for state in store.all_orgs if state.session == problem.session]
    if problem.org is None:
        reads = [state.read_at for state in served if state.read_at is not None]
        # Other sessions may serve orgs of the same account.
        account = store.find_session_state(problem.session).account
        serving = (state.session for state in store.all_orgs if same_account(state.account, account))
        labels = [session.label for session in serving if session != problem.session]
    else:
        replies = [
            state.replies.get(problem.endpoint) for state in served if state.org.uuid == problem.org.uuid
        ]
        reads, labels = [reply.at for reply in replies if reply is not None], []
    stand_ins = " and ".join(dict.fromkeys(labels))
    kept = format_moment(min(reads), now, zone) if reads else ""
    if stand_ins and kept:
        return f"Some figures come from {stand_ins} meanwhile, the others are from {kept}."
    if stand_ins:
        return f"The figures come from {stand_ins} meanwhile."
    if not kept:
        return "No figures yet: there was no successful read."
    return f"The figures from {kept} stay on screen."


NOTHING_SCANNED = "No browser was scanned."
SIGN_IN = "sign in to claude.ai in a browser"


class SignInText(NamedTuple):
    """The lack of a session in words for its case."""

    title: str
    """The cause, in a few words."""
    cure: str
    """The cause and the cure, in whole sentences."""
    retry: str = f"{SIGN_IN}, then retry"
    """The purpose of the key that tries again; begins with a verb."""


NO_SESSION = SignInText(
    "No session works yet",
    "No working session: sign in to claude.ai in a browser on this machine,"
    " or log in to Claude Code (/login).",
)
_READ_AGAIN = "read the sessions again"
_BROWSERS_IGNORED = SignInText(
    "No session in a browser that is not ignored",
    f"No working session, and the setting `ignore` covers some browsers or profiles. {_UNIGNORE}."
    " Or sign in to claude.ai in another browser.",
)
_CHALLENGED = SignInText(
    "Cloudflare wants a browser check",
    "Cloudflare wants a browser check, so the session was not tested and is probably fine: open claude.ai in"
    " the browser once to pass the check, then try again.",
    "open claude.ai in the browser to pass the check, then retry",
)
_GIVEN_SESSIONS = {
    COOKIE_VARIABLE_SESSION: SignInText(
        "The session in CLAUDEMETER_COOKIE has expired",
        "CLAUDEMETER_COOKIE is set, so no browser is read, and its session has expired: unset the variable,"
        " or set it to a fresh cookie, then restart.",
        "try the session of CLAUDEMETER_COOKIE again",
    ),
    COOKIE_FILE_SESSION: SignInText(
        "The session in the cookie file has expired",
        "A cookie file is set, so no browser is read, and its session has expired: remove the setting, or"
        " export fresh cookies, then restart.",
        "try the session of the cookie file again",
    ),
}


def describe_missing_session(
    failures: Iterable[tuple[Session, ErrorKind]],
    places: Iterable[ScanResult] = (),
    ignored_org_count: int = 0,
) -> SignInText:
    """Return why no org can be shown.

    Args:
        failures: the failure of each session.
        places: the places that were searched for sessions.
        ignored_org_count: number of the orgs that the settings ignore if there is no other org, else 0.
    """
    if ignored_org_count:
        count = f"all {ignored_org_count} orgs" if ignored_org_count > 1 else "the only org"
        title = f"Your settings ignore {count}"
        return SignInText(title, f"The setting `ignore` covers {count}. {_UNIGNORE}.", _READ_AGAIN)
    known = list(failures)
    for session, error_kind in known:
        if error_kind is ErrorKind.EXPIRED and session.browser in _GIVEN_SESSIONS:
            return _GIVEN_SESSIONS[session.browser]
    # A session that was not tested may work, so signing in again is not the cure.
    if any(error_kind is ErrorKind.CHALLENGE for _, error_kind in known):
        return _CHALLENGED
    return _BROWSERS_IGNORED if any(place.outcome == IGNORED_PLACE for place in places) else NO_SESSION


_REJECTION_TEXTS = {
    ErrorKind.EXPIRED: "claude.ai rejected this cookie – it has expired or is incomplete. Copy it again.",
    ErrorKind.TOKEN_INVALID: "claude.ai rejected this cookie. Copy it again.",
    ErrorKind.FORBIDDEN: "claude.ai accepted this cookie, but does not let its account read usage.",
    ErrorKind.NO_ORGS: "claude.ai accepted this cookie, but the account has no org with usage.",
    ErrorKind.CHALLENGE: "Cloudflare wants a browser check, so the cookie was not tested."
    " Open claude.ai in the browser once to pass the check, then try again.",
}


def describe_scan_result(place: ScanResult) -> str:
    """Return the sentence beside a scanned place; for a rejected session, the cure or the cause."""
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
    return format_columns(rows) if rows else NOTHING_SCANNED


def format_columns(rows: Iterable[tuple[str, ...]]) -> str:
    """Return the rows as lines of columns that are aligned on the left, without those that are empty."""
    columns = [column for column in zip(*rows, strict=True) if any(column)]
    padded = ([cell.ljust(max(map(len, column))) for cell in column] for column in columns)
    return "\n".join("  ".join(cells).rstrip() for cells in zip(*padded, strict=True))


def describe_offered_session(offered: PasteResult) -> str:
    """Return a sentence about the result of a pasted session."""
    if offered.error_kind is None:
        who = offered.account.email or offered.account.uuid if offered.account is not None else None
        return f"Signed in as {who}." if who else "The session works."
    if offered.error_kind is ErrorKind.NO_SESSION:
        return f"Not usable: {offered.detail}."
    words = PROBLEM_TEXTS[offered.error_kind]
    return _REJECTION_TEXTS.get(offered.error_kind, f"The cookie was not tested. {words.summary}")
