"""A failure in words: what happened, what to do, and what is shown meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo

from claudemeter_tui.model.reading import CLAUDE_CODE, PASTED, Endpoint, Session, Trouble
from claudemeter_tui.model.store import OrgState, Problem, Store, is_one
from claudemeter_tui.text import format as form

_BACKS_OFF = "Nothing: it waits as long as it was told to, or longer each time, and asks again by itself."
_NEXT_POLL = "Nothing: the next poll asks again."
_REPORT = "Save a picture with s and report it: the reply has changed, or this program is wrong."


@dataclass(frozen=True, slots=True)
class Words:
    """What a trouble is called, in whole sentences."""

    what: str
    """What happened."""
    cure: str
    """What the person can do."""


TABLE: dict[Trouble, Words] = {
    Trouble.NO_ROUTE: Words(
        "The network is not reachable.", "Check the connection, then press r; it also tries again by itself."
    ),
    Trouble.DNS: Words(
        "The server's name could not be looked up.",
        "Check the connection or the name server, then press r; it also tries again by itself.",
    ),
    Trouble.REFUSED: Words(
        "The server's machine refused the connection.",
        "Check the firewall, the proxy settings, and --base-url where it is set, then press r.",
    ),
    Trouble.TLS: Words(
        "The server could not prove who it is, or TLS failed, so nothing was sent.",
        "On a public network open its own page first; behind a company proxy set SSL_CERT_FILE to its"
        " certificate and start again.",
    ),
    Trouble.PROXY: Words(
        "The proxy did not let the request through.", "Check HTTPS_PROXY and NO_PROXY, then start again."
    ),
    Trouble.TIMEOUT: Words("The answer did not come in time.", _NEXT_POLL),
    Trouble.CUT_OFF: Words("The answer broke off half-way.", _NEXT_POLL),
    Trouble.NO_SESSION: Words(
        "There is no session to read with.",
        "Sign in to claude.ai in a browser on this machine, then press r.",
    ),
    Trouble.EXPIRED: Words(
        "The session has expired, or was signed out.",
        "Sign in to claude.ai in that browser again, then press r.",
    ),
    Trouble.FORBIDDEN: Words(
        "The server does not allow this account to read it.",
        "Nothing here: a member's role in the org decides that.",
    ),
    Trouble.WRONG_ORG: Words(
        "The org does not belong to the account that is signed in.",
        "If you have switched accounts in the browser, press r.",
    ),
    Trouble.CHALLENGE: Words(
        "Cloudflare asks whether a person is there. The session itself is fine, as far as is known.",
        "Open claude.ai in the browser once and let it pass the check; Claude Code's login, where there is"
        " one, reads the windows meanwhile.",
    ),
    Trouble.DENIED: Words(
        "The edge in front of claude.ai denied access: to this address or program, not to the session.",
        "If claude.ai does not open in the browser either, leave the VPN or proxy; then press r.",
    ),
    Trouble.REGION: Words(
        "claude.ai does not serve this place or this client.",
        "Leave the VPN or proxy, if there is one, then press r.",
    ),
    Trouble.REDIRECT: Words(
        "Instead of data came a redirect to another page, which is never followed.",
        "Open claude.ai in the browser: it shows what it asks for. Then press r.",
    ),
    Trouble.TOKEN_INVALID: Words(
        "The credentials were not accepted.", "Sign in again where they come from, then press r."
    ),
    Trouble.TOKEN_SCOPE: Words(
        "The credentials are of a kind that may not read usage.", "Sign in again with a full login."
    ),
    Trouble.NOT_FOUND: Words("The server knows no such thing for this org.", _NEXT_POLL),
    Trouble.THROTTLED: Words("The server asks us to slow down.", _BACKS_OFF),
    Trouble.SERVER_ERROR: Words("The server has a fault of its own.", _NEXT_POLL),
    Trouble.UNEXPECTED: Words("The server gave an answer that is not known here.", _REPORT),
    Trouble.LOGIN_PAGE: Words(
        "A web page came instead of data: a login page, or that of a public network.",
        "Open any page in the browser and sign in where it asks, then press r.",
    ),
    Trouble.MALFORMED: Words("The answer cannot be read.", _NEXT_POLL),
    Trouble.TOO_LARGE: Words("The answer is larger than any real one, and was not read.", _NEXT_POLL),
    Trouble.NO_ORGS: Words(
        "The account has no org with usage.", "Sign in with the account that has the plan, then press r."
    ),
    Trouble.BUG: Words("A bug of ours: this program met something it does not handle.", _REPORT),
    Trouble.EXPIRES_SOON: Words(
        "The session ends within three days.", "Sign in to claude.ai in that browser again before it does."
    ),
    Trouble.NEW_FIELD: Words(
        "The reply has a field that this program does not know.",
        "Nothing: it is kept, and the known figures are right.",
    ),
    Trouble.ODD_VALUE: Words(
        "A figure has a form that this program does not know, and is left out.", _REPORT
    ),
}
"""Every trouble in words; none is missing."""


def is_remark(problem: Problem) -> bool:
    """Whether it is only worth knowing: nothing failed, no figure is missing."""
    return problem.trouble in (Trouble.NEW_FIELD, Trouble.EXPIRES_SOON)


def cure(problem: Problem) -> str:
    """What the person can do; where a session is to be renewed, how that is done with this one."""
    session, trouble = problem.session, problem.trouble
    if trouble not in RENEWED or not session.browser:
        return TABLE[trouble].cure
    how = renewal(session)
    if trouble is Trouble.EXPIRES_SOON:
        return f"{how} again before it does."
    if session == CLAUDE_CODE:
        return f"{how}; it is looked at every few minutes."
    if session.browser in _BY_HAND:
        return f"{how}."
    looked = "; it is looked at every minute, and at once with r" if trouble is Trouble.EXPIRED else ""
    return f"{how}{looked or ', then press r'}."


def renewal(session: Session) -> str:
    """How a session is renewed: `Sign in to claude.ai in Chrome (Profile 1)`."""
    if session.browser in _BY_HAND:
        return _BY_HAND[session.browser]
    where = f"{session.browser} ({session.profile})" if session.profile else session.browser
    return f"Sign in to claude.ai in {where}"


RENEWED = frozenset(
    {
        Trouble.EXPIRED,
        Trouble.EXPIRES_SOON,
        Trouble.TOKEN_INVALID,
        Trouble.TOKEN_SCOPE,
        Trouble.NO_SESSION,
    }
)
"""Troubles that a new session ends."""
_BY_HAND = {
    "cookie file": "Export the cookies anew and start again",
    "CLAUDEMETER_COOKIE": "Set CLAUDEMETER_COOKIE anew and start again",
    PASTED: "Start again and paste a cookie from a browser that is signed in",
    CLAUDE_CODE.browser: "Run claude, which renews its login, or asks to sign in with /login",
}
"""Sessions that no browser can renew, and what renews them."""


def title(problem: Problem, zone: tzinfo | None = None) -> str:
    """`Acme Team · usage: server error (status 502)`; a session that ends names the day in that zone."""
    whose = problem.org.name or problem.org.uuid if problem.org else problem.session.label
    where = f"{problem.endpoint}: " if problem.org or problem.endpoint is not Endpoint.ACCOUNT else ""
    ends = form.local(problem.ends, zone) if problem.ends is not None else None
    said = f"{ends:%a %b} {ends.day}" if ends is not None else problem.detail
    detail = f" ({said})" if said else ""
    return f"{whose} · {where}{problem.trouble}{detail}" if whose else f"{where}{problem.trouble}{detail}"


def meanwhile(problem: Problem, store: Store, now: datetime, zone: tzinfo | None = None) -> str:
    """What the screen goes on showing: the last good figures with their time, or nothing yet."""
    concerned = [state for state in store.orgs if state.session == problem.session]
    if problem.org is not None:
        concerned = [state for state in concerned if state.org.uuid == problem.org.uuid]
    reads = [read for read in (_read_at(state, problem) for state in concerned) if read is not None]
    if is_remark(problem):
        return "Everything is shown as usual."
    if problem.trouble is Trouble.ODD_VALUE:
        return "All other figures of the reply are shown."
    stand_ins = " and ".join(_stand_ins(problem, store))
    kept = form.when(min(reads), now, zone) if reads else ""
    if stand_ins and kept:
        return f"Some figures come from {stand_ins} meanwhile, the others of {kept} stay on screen."
    if stand_ins:
        return f"The figures come from {stand_ins} meanwhile."
    if not kept:
        return "Nothing is shown for it: there was no good answer yet."
    return f"The figures of {kept} stay on screen."


def _stand_ins(problem: Problem, store: Store) -> list[str]:
    """The other sessions that serve orgs of the account whose session fails."""
    account = store.session(problem.session).account
    if problem.org is not None:
        return []
    serving = (state.session for state in store.orgs if is_one(state.account, account))
    return list(dict.fromkeys(session.label for session in serving if session != problem.session))


def _read_at(state: OrgState, problem: Problem) -> datetime | None:
    """When the figures that the problem concerns were last read."""
    if problem.org is None:
        return state.read_at
    reply = state.replies.get(problem.endpoint)
    return reply.at if reply is not None else None
