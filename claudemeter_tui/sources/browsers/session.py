"""A look at one profile, put together the same way for every browser."""

from __future__ import annotations

from datetime import datetime

from claudemeter_tui.model.reading import Session
from claudemeter_tui.sources.browsers.outcome import Look, Outcome
from claudemeter_tui.sources.browsers.profiles import Profile
from claudemeter_tui.sources.cookies import Cookies


def look_at(
    profile: Profile,
    outcome: Outcome,
    detail: str = "",
    *,
    container: str = "",
    cookies: Cookies | None = None,
    expires: datetime | None = None,
) -> Look:
    """What a profile gave; a container of Firefox is part of its name: "default, Work container"."""
    label = ", ".join(part for part in (profile.label, container) if part)
    agent = profile.user_agent
    return Look(Session(profile.browser.name, label), outcome, detail, cookies, expires, agent)


def signed_out(profile: Profile, *, visited: bool) -> Look:
    """A profile that could be read and has no session."""
    words = (
        "claude.ai was visited, but nobody is signed in" if visited else "claude.ai was never visited here"
    )
    return look_at(profile, Outcome.NO_COOKIE, words)
