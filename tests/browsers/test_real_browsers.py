"""A real Chromium and a real Firefox, signed in at a loopback site, read while open and when closed."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from claudemeter_tui.browsers.scan import scan_browsers
from claudemeter_tui.model.session_search import ProfileScan
from tests.browsers import fake_profiles, real_browsers
from tests.browsers.site import Site, served, until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(sys.platform != "linux", reason="the browsers are started as on Linux"),
]


WORK_CONTAINER = "Firefox, default, Work container"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Serve the site in place of claude.ai."""
    with served(tmp_path) as running:
        yield running


def looks(home: Path) -> list[ProfileScan]:
    """Scan everything, as the program does."""
    return list(asyncio.run(scan_browsers(home=home, system="linux")))


def keys(home: Path) -> dict[str, str]:
    """Return the key of each session."""
    found = {each.session.label: each.cookies for each in looks(home)}
    return {label: dict(cookies.reveal())["sessionKey"] for label, cookies in found.items() if cookies}


def waited_for(home: Path, expected: dict[str, str]) -> dict[str, str]:
    """Wait for the expected keys, because a browser takes a moment to write, and return them.

    Firefox may write the names of its containers only when it exits: until then a number counts, too.
    """
    seen: list[dict[str, str]] = []

    def there() -> bool:
        found = keys(home)
        seen[:] = [{label.replace("container 2", "Work container"): found[label] for label in found}]
        return seen == [expected]

    until(there, lambda: f"{expected} on the disk, only {seen}")
    return seen[0]


def test_chromium_is_read_while_it_is_open_and_when_it_is_closed(tmp_path: Path, site: Site) -> None:
    """Chromium yields names, keys, its own User-Agent and a future expiry, open or closed."""
    real_browsers.binary("chromium", "chromium-browser")
    first, both = (
        {"Chromium, Your Chromium": "first"},
        {"Chromium, Your Chromium": "first", "Chromium, Person 1": "second"},
    )
    with real_browsers.chromium(tmp_path, "Default", site.server_port, "first") as open_one:
        assert waited_for(tmp_path, first) == first
        real_browsers.close_chromium(open_one)
    with real_browsers.chromium(tmp_path, "Profile 1", site.server_port, "second") as open_one:
        assert waited_for(tmp_path, both) == both
        real_browsers.close_chromium(open_one)
    assert keys(tmp_path) == both
    found = looks(tmp_path)
    assert {site.agents["first"].replace("HeadlessChrome", "Chrome")} == {each.user_agent for each in found}
    for each in found:
        assert each.cookies
        assert dict(each.cookies.reveal()).keys() == {"sessionKey", "lastActiveOrg"}
        assert each.expires
        assert timedelta(days=27) < each.expires - datetime.now(UTC) < timedelta(days=28)


def test_firefox_is_read_while_it_is_open_and_when_it_is_closed(tmp_path: Path, site: Site) -> None:
    """Firefox yields the newest sign-in at once, and the container's name after the exit."""
    real_browsers.binary("firefox-esr", "firefox")
    root, login = tmp_path / ".mozilla/firefox", f"https://claude.ai:{site.server_port}/login?as="
    fake_profiles.listed(root, {"a.default": "default", "b.work": "Work"})
    signed_in = {"Firefox, default": "newer", WORK_CONTAINER: "inside", "Firefox, Work": "work"}
    with ExitStack() as stack:
        one = stack.enter_context(real_browsers.firefox(tmp_path, root / "a.default"))
        two = stack.enter_context(real_browsers.firefox(tmp_path, root / "b.work"))
        one.visit(f"{login}older")
        two.visit(f"{login}work")
        one.visit(f"{login}newer")
        one.visit_in_container(f"{login}inside", 2)
        assert waited_for(tmp_path, signed_in) == signed_in
        one.close()
        two.close()
    assert keys(tmp_path) == signed_in
    found = looks(tmp_path)
    assert {site.agents["work"]} == {each.user_agent for each in found}
    for each in found:
        assert each.expires
        assert timedelta(days=27) < each.expires - datetime.now(UTC) < timedelta(days=28)
