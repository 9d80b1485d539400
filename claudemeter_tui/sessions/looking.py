"""Which browsers are looked at, and when: nobody is asked for a password again and again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from claudemeter_tui.model.reading import Session
from claudemeter_tui.sessions.ways import Looking
from claudemeter_tui.sources.browsers import BROWSERS, Look, Outcome
from claudemeter_tui.sources.browsers.folders import Kind
from claudemeter_tui.sources.browsers.wanted import Wanted

NAMES = tuple(browser.name for browser in BROWSERS)
_SAYS_NOTHING = (Outcome.TIMED_OUT, Outcome.LOCKED, Outcome.UNREADABLE, Outcome.UNDECRYPTABLE)
"""Outcomes of a look that do not tell whether there is a session."""
_MAY_HAVE_ASKED = (Outcome.TIMED_OUT, Outcome.UNDECRYPTABLE)
"""Outcomes behind which a password dialog may stand: such a browser is looked at only when a person asks."""


class Lookout:
    """Looks at browsers, one look after the other, and keeps what the last ones gave."""

    def __init__(self, look: Looking | None, wanted: Iterable[str], system: str) -> None:
        """Look by `look` at what is `wanted`, or at all; `system` is named as `sys.platform` does."""
        self._look = look
        self._wanted = {text: Wanted.parse(text).browser.name for text in wanted}
        self._guarded = frozenset(
            browser.name for browser in BROWSERS if system == "darwin" and browser.kind is Kind.CHROMIUM
        )
        self._last: dict[str, tuple[Look, ...]] = {}
        self._one_at_a_time = asyncio.Lock()

    @property
    def looks(self) -> list[Look]:
        """What the last look at each browser gave, browser by browser."""
        return [look for name in NAMES for look in self._last.get(name, ())]

    async def everywhere(self, tell: Callable[[Look], None], *, asked: bool) -> None:
        """Look at every browser, telling each look as it is done.

        Unless a person `asked` for it, those are left out that may put a dialog before somebody.
        """
        await self._at([name for name in NAMES if asked or not self._is_shy(name)], tell)

    def knows(self, session: Session) -> bool:
        """Whether it is one of a browser that is looked at."""
        return self._look is not None and session.browser in NAMES

    async def at(self, session: Session) -> Look | None:
        """What the profile of a session holds now; None where it is not found, or looking may disturb."""
        if not self.knows(session) or self._may_have_asked(session.browser):
            return None
        await self._at([session.browser], lambda _: None)
        looks = self._last.get(session.browser, ())
        return next((look for look in looks if look.session == session), None)

    def has_lost(self, session: Session) -> bool:
        """Whether its profile is not there any more, by the last look at its browser."""
        return not any(_is_about(look, session) for look in self._last.get(session.browser, ()))

    async def _at(self, names: list[str], tell: Callable[[Look], None]) -> None:
        texts = [text for text, name in self._wanted.items() if name in names] if self._wanted else names
        if self._look is None or not texts:
            return
        everything = not self._wanted and len(names) == len(NAMES)
        async with self._one_at_a_time:
            looks = await self._look(() if everything else texts, tell)
        for name in names:
            ours = (look for look in looks if look.session.browser == name)
            self._last[name] = tuple(look for look in ours if self._is_worth_a_word(look))

    def _is_worth_a_word(self, look: Look) -> bool:
        """A browser that is not there is, if it was asked for."""
        return bool(self._wanted) or look.outcome is not Outcome.NO_BROWSER

    def _is_shy(self, name: str) -> bool:
        return name in self._guarded or self._may_have_asked(name)

    def _may_have_asked(self, name: str) -> bool:
        return any(look.outcome in _MAY_HAVE_ASKED for look in self._last.get(name, ()))


def _is_about(look: Look, session: Session) -> bool:
    """Whether a look concerns the profile of a session: it names it, or the whole that it is a part of."""
    theirs, ours = look.session.profile, session.profile
    if look.session.browser != session.browser:
        return False
    return theirs == ours or ours.startswith(f"{theirs}, ") or (not theirs and look.outcome in _SAYS_NOTHING)
