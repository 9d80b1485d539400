"""What was looked at for a session, as a table; what became of a session given by hand, as a sentence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from claudemeter_tui.model.reading import Looked, Offered, Trouble
from claudemeter_tui.text import problems

NOWHERE = "Nothing was looked at."
NONE_WORKS = (
    "No session works: sign in to claude.ai in a browser on this machine,"
    " or run claude and sign in with /login."
)
_NOT_ACCEPTED = {
    Trouble.EXPIRED: "claude.ai does not accept it: it has expired, or it is not whole. Copy it anew.",
    Trouble.NO_ORGS: "claude.ai accepts it, but the account has no org with usage.",
    Trouble.CHALLENGE: "Cloudflare asks whether a person is there, so it could not be tried. Try later.",
}


def table(places: Iterable[Looked]) -> str:
    """A line for each place: browser, profile, outcome and what it says, in columns."""
    rows = [(place.session.browser, place.session.profile, place.outcome, place.detail) for place in places]
    if not rows:
        return NOWHERE
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "\n".join(_line(row, widths) for row in rows)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
    return "  ".join([*(cell for cell, width in zip(cells, widths, strict=True) if width), row[-1]]).rstrip()


def answer(offered: Offered) -> str:
    """What became of a session that was given by hand, in a sentence."""
    if offered.trouble is None:
        who = offered.account.email or offered.account.uuid if offered.account is not None else None
        return f"Signed in as {who}." if who else "The session works."
    if offered.trouble is Trouble.NO_SESSION:
        return f"This cannot be used: {offered.detail}."
    words = problems.TABLE[offered.trouble]
    return _NOT_ACCEPTED.get(offered.trouble, f"It could not be tried. {words.what}")
