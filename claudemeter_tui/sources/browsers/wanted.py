"""Which browsers and profiles a person asked for: `--browser NAME[:PROFILE]`."""

from __future__ import annotations

from dataclasses import dataclass

from claudemeter_tui.model.reading import Session
from claudemeter_tui.sources.browsers.folders import BROWSERS, Browser
from claudemeter_tui.sources.browsers.profiles import Profile


class UnknownBrowserError(ValueError):
    """No browser of that name can be read. Its text names those that can."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One browser, and one of its profiles or all."""

    browser: Browser
    profile: str = ""
    """A label or a folder, in any case. Empty: all profiles."""

    @classmethod
    def parse(cls, text: str) -> Wanted:
        """Read `NAME[:PROFILE]`; case does not matter, and `chrome-beta` is Chrome Beta.

        Raises:
            UnknownBrowserError: there is no such browser.
        """
        name, _, profile = text.partition(":")
        meant = name.replace("-", " ").replace("_", " ").strip().casefold()
        for browser in BROWSERS:
            if browser.name.casefold() == meant:
                return cls(browser, profile.strip())
        names = ", ".join(browser.name for browser in BROWSERS)
        raise UnknownBrowserError(f"no browser is called {name.strip()!r}; there are {names}")

    def reaches(self, profile: Profile) -> bool:
        """Whether the profile is meant, or one of its containers."""
        inside = self.profile.casefold().startswith(f"{profile.label.casefold()}, ")
        return not self.profile or profile.called(self.profile) or inside

    def admits(self, profile: Profile, session: Session) -> bool:
        """Whether a session of a profile is meant."""
        whole = not self.profile or profile.called(self.profile)
        return whole or session.profile.casefold() == self.profile.casefold()
