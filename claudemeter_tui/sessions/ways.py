"""What the front door finds and reads sessions with: built by whoever starts the program, or by a test."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass

from claudemeter_tui.model.reading import Session
from claudemeter_tui.polling import Source
from claudemeter_tui.sources.browsers import Look
from claudemeter_tui.sources.claude_code.credentials import Found
from claudemeter_tui.sources.cookies import Cookies

Looking = Callable[[Collection[str], Callable[[Look], None]], Awaitable[tuple[Look, ...]]]
"""Looks at the browsers of these names, or at all, and tells each look as soon as it is done."""


@dataclass(frozen=True, slots=True)
class Connection:
    """One session's way to the server. It prints no cookie."""

    source: Source
    use: Callable[[Cookies], None]
    """Send these cookies from now on, and no others."""
    present: Callable[[], Cookies]
    """What is sent now, with everything that the server has set anew since."""


@dataclass(frozen=True, slots=True)
class ClaudeCodeLogin:
    """Claude Code's login, found and read."""

    find: Callable[[], Found]
    """Look for it; slow."""
    connect: Callable[[], Source]
    """A source that reads with it; slow."""


@dataclass(frozen=True, slots=True)
class Ways:
    """Where sessions come from."""

    connect: Callable[[Session, Cookies, str | None], Connection]
    """Reach the server with a session's cookies, under the name of its browser; slow."""
    look: Looking | None = None
    """None: no browser is looked at."""
    wanted: tuple[str, ...] = ()
    """The browsers and profiles to look at, as in `--browser`. Empty: all."""
    searched: str = ""
    """For people: which browsers are looked for, and where."""
    claude_code: ClaudeCodeLogin | None = None
    """None: it is not used."""
    given: tuple[Session, Cookies] | None = None
    """A session given by hand: the only one. None: none was given."""
    system: str = sys.platform
    """Whose keychains and folders there are, named as `sys.platform` does."""
