"""Badge and popup in a real Chromium: what the host says, its age, and what is wrong without a host."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path

import pytest

from claudemeter_tui.extension.identity import EXTENSION_ORIGIN
from claudemeter_tui.model.store import UNKNOWN_AFTER
from tests.browsers.site import until
from tests.extension.chromium import Browser, Page, running
from tests.extension.hosts import Hosts, Message

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(sys.platform != "linux", reason="the browser is started as on Linux"),
]

LINES = (
    "Verdict          CAN WORK  5-hour 67%, resets 16:00 (in 1h 11m)",
    "Org              Personal   Max 5x",
    "5-hour            67.0% used    -> resets Sat Apr 25 16:00 (in 1h 11m)",
    "",
    "Extra usage      $17.20 / $50.00 (34%)",
)
INSTALL = "\nRun: claudemeter-tui --extension install"
NOT_INSTALLED = f"claudemeter-tui is not installed for this browser.{INSTALL}"
NOT_KNOWN = f"The installed claudemeter-tui does not know this extension.{INSTALL}"
ENDED_AT_ONCE = "claudemeter-tui ended at once.\nRun: claudemeter-tui --extension status"
ENDED = "claudemeter-tui ended. It is started again within a minute."
GREEN, YELLOW = [26, 112, 80, 255], [132, 97, 0, 255]
RED, GREY = [186, 0, 64, 255], [79, 92, 105, 255]


def build_show(*lines: object, age: float | None = 0, **more: object) -> Message:
    """Return what the host says, with figures of an age in seconds; `more` replaces keys."""
    read_at = None if age is None else int((time.time() - age) * 1000)
    facts = {"badge": "67%", "level": "normal", "title": "Personal: CAN WORK"}
    return {"type": "show", **facts, "lines": lines or LINES, "read_at": read_at, **more}


def read_lines(popup: Page) -> list[str]:
    """Return the lines of the popup."""
    return list(popup.run("Array.from(lines.children, (line) => line.textContent)"))


def wait_for_badge(popup: Page, text: str, color: list[int], title: str) -> None:
    """Wait until the icon has this text, colour and tooltip."""
    names = ("getBadgeText", "getBadgeBackgroundColor", "getTitle")
    calls = ", ".join(f"chrome.action.{name}({{}})" for name in names)
    popup.wait_for(f"Promise.all([{calls}])", [text, color, title])


def fire_alarm(popup: Page) -> None:
    """Let the alarm of the worker fire now: a folder's extension may set any time."""
    popup.run("chrome.alarms.create('connect', {when: Date.now()})")


def set_last_attempt(browser: Browser, script: str) -> None:
    """Set the time of the worker's last attempt to connect: the next one of its own is 5 seconds later."""
    browser.attach_worker().run(f"attemptedAt = {script}")


def test_popup_shows_the_lines_of_the_host(browser: Browser) -> None:
    """Badge, tooltip and lines are the host's words; before the first ones, the popup waits."""
    host, popup = browser.hosts.wait_for(), browser.open_popup()
    popup.wait_for_text("Waiting for claudemeter-tui.")
    wait_for_badge(popup, "?", GREY, "claudemeter")
    assert popup.run("age.textContent + problem.textContent") == ""
    host.send(build_show())
    popup.wait_for_text("CAN WORK")
    assert read_lines(popup) == list(LINES)
    assert popup.run("problem.hidden")
    wait_for_badge(popup, "67%", GREEN, "Personal: CAN WORK")


BADGES: tuple[tuple[object, str, str, list[int]], ...] = (
    ("100%", "critical", "100", RED),
    ("!", "critical", "!", RED),
    ("83%", "warning", "83%", YELLOW),
    ("?", "unknown", "?", GREY),
    ("123456", "purple", "1234", GREY),
    (7, "toString", "7", GREY),
)


def test_badge_has_text_and_color(browser: Browser) -> None:
    """The text says what the colour says; another level is grey, and no figure is cut."""
    host, popup = browser.hosts.wait_for(), browser.open_popup()
    for number, (badge, level, text, color) in enumerate(BADGES):
        host.send(build_show(badge=badge, level=level, title=str(number)))
        wait_for_badge(popup, text, color, str(number))
        assert popup.run("chrome.action.getBadgeTextColor({})") == [255, 255, 255, 255]


AGES = ((0, "0s"), (59.9, "59s"), (60, "1m"), (3599, "59m"), (3600, "1h 0m"), (7500, "2h 5m"), (-99, "0s"))


def test_age_counts_up(browser: Browser) -> None:
    """The age grows without a message, in seconds, minutes and hours."""
    host, popup = browser.hosts.wait_for(), browser.open_popup()
    for seconds, text in AGES:
        script = f"formatAge(Date.now() - {seconds} * 1000)"
        assert popup.run(script) == f"read {text} ago"
    host.send(build_show(age=2 * 3600 + 300))
    popup.wait_for("age.textContent", "read 2h 5m ago")
    host.send(build_show(age=None))
    popup.wait_for("age.textContent", "")

    def read_seconds() -> int:
        shown = re.fullmatch(r"read (\d+)s ago", str(popup.run("age.textContent")))
        return int(shown[1]) if shown else -1

    host.send(build_show(age=5))
    first = until(lambda: max(read_seconds(), 0), lambda: "an age")
    assert first >= 5
    until(lambda: read_seconds() > first, lambda: f"an age above {first}")


def test_hostile_lines_are_text(browser: Browser) -> None:
    """Markup in any text of the host is shown as it is, runs nothing and loads nothing."""
    script = "document.title='run'"
    hostile = f'<img src=https://evil.test/x onerror="{script}"><script>{script}</script>'
    host, popup = browser.hosts.wait_for(), browser.open_popup()
    host.send(build_show(hostile, "&amp;</div><b>", None, 7, {"a": 1}, badge="<b>", title=hostile))
    popup.wait_for("lines.children.length", 5)
    assert read_lines(popup) == [hostile, "&amp;</div><b>", "null", "7", "[object Object]"]
    assert popup.run("lines.querySelectorAll('*').length") == 5
    assert popup.run("document.title") == "claudemeter"
    wait_for_badge(popup, "<b>", GREEN, hostile)
    for key, value in (("lines", "<b>"), ("lines", None), ("read_at", "<b>"), ("title", None)):
        badge = f"{key[:2]}{value is None:d}"  # another one each time, so that the wait sees this message
        host.send(build_show("last", badge=badge) | {key: value})
        popup.wait_for("chrome.action.getBadgeText({})", badge)
        popup.wait_for("lines.textContent", "Waiting for claudemeter-tui." if key == "lines" else "last")
        assert "NaN" not in popup.text


def test_long_texts_are_not_cut(browser: Browser) -> None:
    """A long line wraps below its value, and nothing is wider than the popup."""
    host, popup = browser.hosts.wait_for(), browser.open_popup()
    host.send(build_show("Verdict          BLOCKED  " + "your monthly cap is reached " * 20, "x" * 500))
    popup.wait_for("lines.children.length", 2)
    assert popup.run("Array.from(lines.children).every((line) => line.scrollWidth <= line.clientWidth)")
    assert popup.run("document.body.scrollWidth <= document.body.clientWidth")
    assert popup.run("lines.children[0].clientHeight") > 40


def test_refresh_runs_until_the_host_has_spoken(browser: Browser) -> None:
    """The button asks the host once, is disabled until the next words, and for 25 seconds at most."""
    host, popup = browser.hosts.wait_for(), browser.open_popup()
    host.send(build_show())
    popup.wait_for_text("CAN WORK")
    assert popup.run("button.click(), button.click(), button.textContent") == "Refresh now"
    popup.wait_for("button.textContent + button.disabled", "Refreshing…true")
    host.wait_for("refresh")
    popup.run("button.click()")
    worker = browser.attach_worker()
    assert 20_000 < worker.run("refreshEndsAt - Date.now()") <= 25_000
    worker.run("refreshEndsAt += 3_600_000")
    host.send(build_show("new"))
    popup.wait_for("button.textContent + button.disabled", "Refresh nowfalse")
    assert read_lines(popup) == ["new"]
    assert [message["type"] for message in host.messages] == ["hello", "refresh"]
    popup.run("button.click()")
    popup.wait_for("button.disabled", True)
    worker.run("refreshEndsAt += 3_600_000")
    host.end()
    popup.wait_for("button.disabled", False)


def test_old_figures_are_not_shown_as_current(browser: Browser) -> None:
    """After 15 minutes without a reading, the badge says that it does not know, as the verdict does."""
    host, popup = browser.hosts.wait_for(), browser.open_popup()
    host.send(build_show(age=UNKNOWN_AFTER.total_seconds() + 1, title="old"))
    wait_for_badge(popup, "?", GREY, "old")
    host.send(build_show(title="new"))
    wait_for_badge(popup, "67%", GREEN, "new")
    worker, limit = browser.attach_worker(), UNKNOWN_AFTER.total_seconds() * 1000
    assert worker.run("MAX_FIGURE_AGE") == limit
    worker.run(f"{{ const now = Date.now; Date.now = () => now() + {limit} + 1; }}")
    fire_alarm(popup)
    wait_for_badge(popup, "?", GREY, "new")
    assert len(browser.hosts.started) == 1


def check_problem(popup: Page, sentence: str) -> None:
    """Check that popup, badge and tooltip all say what is wrong."""
    popup.wait_for("problem.textContent", sentence)
    assert popup.run("problem.hidden") is False
    assert popup.run("lines.textContent + age.textContent") == ""
    wait_for_badge(popup, "?", GREY, sentence)


def test_missing_host_is_named(hosts: Hosts) -> None:
    """Without a manifest, the popup says how to install the host; once it is installed, it is found."""
    with running(hosts) as browser:
        popup = browser.open_popup()
        check_problem(popup, NOT_INSTALLED)
        hosts.install()
        popup.run("button.click()")
        host = hosts.wait_for()
        host.wait_for("refresh")
        host.send(build_show())
        popup.wait_for_text("CAN WORK")
        assert popup.run("problem.hidden")


def test_opened_popup_looks_for_the_host_again(hosts: Hosts) -> None:
    """A popup that is opened after the installation of the host starts it, without a click or a wait."""
    with running(hosts) as browser:
        popup = browser.open_popup()
        check_problem(popup, NOT_INSTALLED)
        popup.run("chrome.alarms.clearAll()")  # The alarm would find it, too, a minute later.
        hosts.install()
        set_last_attempt(browser, "Date.now() - 10_000")
        browser.open_popup()
        hosts.wait_for().send(build_show())
        popup.wait_for_text("CAN WORK")


def test_host_that_cannot_be_used_is_named(hosts: Hosts, tmp_path: Path) -> None:
    """Each way in which a host cannot start has its sentence, and a click tries once more."""
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\necho this is no message\n")
    broken.chmod(0o700)
    with running(hosts) as browser:
        popup = browser.open_popup()
        check_problem(popup, NOT_INSTALLED)
        other = "chrome-extension://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/"
        for origin, program, sentence in (
            (other, hosts.program, NOT_KNOWN),
            (EXTENSION_ORIGIN, tmp_path / "missing", NOT_INSTALLED),
            (EXTENSION_ORIGIN, broken, ENDED_AT_ONCE),
        ):
            hosts.install(origin, program)
            popup.run("button.click()")
            check_problem(popup, sentence)
    assert hosts.started == []


def test_ended_host_is_started_once_a_minute(browser: Browser) -> None:
    """A host that ends is not started again by its end or by opened popups, but by the alarm and a click."""
    first, popup = browser.hosts.wait_for(), browser.open_popup()
    assert [it["periodInMinutes"] for it in popup.run("chrome.alarms.getAll()")] == [1]
    first.send(build_show())
    popup.wait_for_text("CAN WORK")
    set_last_attempt(browser, "Date.now() + 3_600_000")  # However slow this machine is, it was just now.
    first.end()
    check_problem(popup, ENDED)
    for _ in range(3):
        check_problem(browser.open_popup(), ENDED)
        fire_alarm(popup)
    assert len(browser.hosts.started) == 1
    set_last_attempt(browser, "Date.now() - 60_000")
    fire_alarm(popup)
    browser.hosts.wait_for(2).end()
    check_problem(popup, ENDED_AT_ONCE)
    popup.run("button.click()")
    third = browser.hosts.wait_for(3)
    third.wait_for("refresh")
    third.send(build_show("again"))
    popup.wait_for_text("again")
    assert popup.run("problem.hidden")
    assert len(browser.hosts.started) == 3
