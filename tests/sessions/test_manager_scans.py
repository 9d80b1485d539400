"""Times of scans, the output of `--sessions`, and the secrecy of both."""

from __future__ import annotations

import io
from collections.abc import Callable, Collection
from pathlib import Path
from typing import NoReturn

import pytest
from rich.console import Console
from rich.traceback import Traceback

from claudemeter_tui.browsers.folders import BROWSERS, list_guarded_browsers
from claudemeter_tui.commands.sessions import check_sessions, report_sessions
from claudemeter_tui.formatting.extension import EXTENSION_HINT
from claudemeter_tui.formatting.problems import (
    NOTHING_SCANNED,
    PROBLEM_TEXTS,
    describe_missing_session,
    describe_offered_session,
    format_session_table,
)
from claudemeter_tui.model.account import Account
from claudemeter_tui.model.reading import ErrorKind, Session
from claudemeter_tui.model.secrets import Cookies
from claudemeter_tui.model.session_search import PasteResult, ProfileScan, ScanOutcome
from claudemeter_tui.sessions.discovery import BrowserScanner
from claudemeter_tui.sessions.renewable import BrowserProvider
from claudemeter_tui.wiring import Machine, build_machine_providers
from tests.browsers.fake_profiles import Made
from tests.sessions.manager_cases import CHALLENGE, OF_PAT, TOKEN, ClaudeAi, Home, opened
from tests.sessions.poller_cases import FakeClock

PLANTED = "sk-ant-sid01-PLANTED-MARKER"
CHROME, FIREFOX = Session("Chrome", "Default"), Session("Firefox", "one")


class Browsers:
    """Browsers with scripted profiles, and the number of scans of each."""

    def __init__(self, *looks: ProfileScan) -> None:
        self.looks = looks
        self.asked: list[tuple[str, ...]] = []

    async def look(
        self, wanted: Collection[str], tell: Callable[[ProfileScan], None]
    ) -> tuple[ProfileScan, ...]:
        """Return the scans of the selected browsers."""
        self.asked.append(tuple(wanted))
        names = {text.partition(":")[0].casefold() for text in wanted}
        found = tuple(one for one in self.looks if not names or one.session.browser.casefold() in names)
        for one in found:
            tell(one)
        return found

    def provider(self, system: str = "linux") -> BrowserProvider:
        """Return what the scanner gets on a system."""
        names = tuple(browser.name for browser in BROWSERS)
        return BrowserProvider(self.look, names, list_guarded_browsers(system))


def found(session: Session, key: str = "k") -> ProfileScan:
    """Return a session."""
    return ProfileScan(session, ScanOutcome.FOUND, cookies=Cookies.parse(f"sessionKey={key}"))


@pytest.mark.parametrize("outcome", [ScanOutcome.TIMED_OUT, ScanOutcome.UNDECRYPTABLE])
async def test_browser_with_a_dialog_is_scanned_on_request_only(
    outcome: ScanOutcome,
) -> None:
    """An unanswered password dialog does not appear again every minute."""
    browsers = Browsers(ProfileScan(CHROME, outcome), found(FIREFOX))
    lookout = BrowserScanner(browsers.provider())
    await lookout.scan_all(lambda _: None, asked=True)
    await lookout.scan_all(lambda _: None, asked=False)
    assert browsers.asked[0] == ()
    assert "Chrome" not in browsers.asked[1]
    assert "Firefox" in browsers.asked[1]
    assert await lookout.scan_session(CHROME) is None
    assert len(browsers.asked) == 2
    await lookout.scan_all(lambda _: None, asked=True)
    assert browsers.asked[2] == ()
    assert [look.session for look in lookout.scans] == [CHROME, FIREFOX]


async def test_keychain_is_opened_on_request_only() -> None:
    """On macOS each scan of a Chromium browser may ask for its key, so none is made by the clock."""
    browsers = Browsers(found(CHROME), found(FIREFOX))
    lookout = BrowserScanner(browsers.provider("darwin"))
    await lookout.scan_all(lambda _: None, asked=True)
    await lookout.scan_all(lambda _: None, asked=False)
    assert {"Chrome", "Arc", "Edge"}.isdisjoint(browsers.asked[1])
    assert {"Firefox", "Safari"} <= set(browsers.asked[1])
    assert not lookout.has_lost_session(CHROME)


@pytest.mark.parametrize(
    ("lost", "looks"),
    [
        (False, [found(FIREFOX)]),
        (False, [ProfileScan(FIREFOX, ScanOutcome.NO_COOKIE)]),
        (False, [ProfileScan(FIREFOX, ScanOutcome.TIMED_OUT)]),
        (False, [ProfileScan(Session("Firefox"), ScanOutcome.UNREADABLE)]),
        (True, [ProfileScan(Session("Firefox"), ScanOutcome.NO_COOKIE)]),
        (True, [found(Session("Firefox", "two"))]),
        (True, []),
    ],
)
async def test_profile_is_removed_by_a_complete_scan_only(lost: bool, looks: list[ProfileScan]) -> None:  # noqa: FBT001 - a table
    """A failed scan removes no profile, one that lists other profiles does."""
    browsers = Browsers(*looks)
    lookout = BrowserScanner(browsers.provider())
    await lookout.scan_all(lambda _: None, asked=True)
    assert lost is lookout.has_lost_session(FIREFOX)


async def test_container_is_part_of_its_profile() -> None:
    """A signed-out profile removes its containers, too."""
    browsers = Browsers(ProfileScan(FIREFOX, ScanOutcome.NO_COOKIE))
    lookout = BrowserScanner(browsers.provider())
    await lookout.scan_all(lambda _: None, asked=True)
    assert not lookout.has_lost_session(Session("Firefox", "one, container 2"))


# `--sessions`.


def everyone(home: Home, server: ClaudeAi) -> None:
    """Sign in one session of each kind: working, expired, challenged, signed out, and a login."""
    home.profile("works", PLANTED)
    home.profile("over", Made(f"{PLANTED}-2"), Made("x", "other"))
    home.profile("walled", f"{PLANTED}-3")
    home.profile("empty")
    home.login()
    server.people |= {PLANTED: OF_PAT, TOKEN: OF_PAT}
    server.instead[f"{PLANTED}-3"] = CHALLENGE


async def test_sessions_are_checked_and_listed_without_a_secret(tmp_path: Path) -> None:
    """Each place has a line, and each session one request, an expired and a challenged one two."""
    clock = FakeClock()
    with ClaudeAi(clock) as server:
        home = Home(tmp_path / "home")
        home.folder.mkdir()
        everyone(home, server)
        machine = Machine(home.folder, tmp_path / "state", "linux")
        places = await check_sessions(build_machine_providers(machine, clock.now, base_url=server.url))
        again = await check_sessions(build_machine_providers(machine, clock.now, base_url=server.url))
    text = format_session_table(places)
    assert [line.rstrip() for line in text.splitlines()] == [
        "Firefox      works   works                 pat@example.com, 2 orgs",
        "Firefox      over    session expired       Sign in to claude.ai in Firefox (over).",
        f"Firefox      walled  Cloudflare challenge  {PROBLEM_TEXTS[ErrorKind.CHALLENGE].summary}",
        "Firefox      empty   not signed in         claude.ai was never visited",
        "Claude Code          works                 pat@example.com, 1 org",
    ]
    assert [place.is_working for place in places] == [True, False, False, False, True]
    assert [place.is_working for place in again] == [True, False, False, False, False]
    assert "three minutes" in again[-1].detail
    assert {one.what for one in server.asked} == {"account", "oauth/profile", "organizations"}
    assert {one.key for one in server.asked if one.what == "organizations"} == {f"{PLANTED}-3"}
    assert [one.cookie for one in server.asked if one.key == f"{PLANTED}-2"][-1] == f"sessionKey={PLANTED}-2"
    assert PLANTED not in text + repr(places)


@pytest.mark.parametrize(("status", "key"), [(0, "k1"), (3, "k2")])
def test_sessions_list_has_an_exit_status(tmp_path: Path, status: int, key: str) -> None:
    """The status is 0 if a session works, else 3 with what to do; the table is printed either way."""
    clock, written = FakeClock(), list[str]()
    with ClaudeAi(clock) as server:
        server.people["k1"] = OF_PAT
        given = Session("cookie file"), Cookies.parse(f"sessionKey={key}")
        machine = Machine(tmp_path, tmp_path / "state", "linux")
        found = build_machine_providers(machine, clock.now, base_url=server.url, given=given)
        assert status == report_sessions(found, written.append)
    assert written[0].startswith("cookie file  ")
    cure = describe_missing_session([(given[0], ErrorKind.EXPIRED)]).cure
    assert "A cookie file is set, so no browser is read" in cure
    assert (status == 3) is written[0].endswith(f"\n\n{cure}")


@pytest.mark.parametrize(
    ("expected", "outcome"), [(True, ScanOutcome.UNSUPPORTED), (False, ScanOutcome.NO_COOKIE)]
)
def test_sessions_list_ends_with_the_extension_if_it_helps(
    tmp_path: Path, outcome: ScanOutcome, *, expected: bool
) -> None:
    """If no session works and the cookies of a browser are hidden, the extension is named last."""
    written: list[str] = []
    browsers = Browsers(ProfileScan(CHROME, outcome, "why"))
    bare = build_machine_providers(Machine(tmp_path, system="linux"), FakeClock().now, source="cookie")
    found = bare._replace(browsers=browsers.provider())
    assert report_sessions(found, written.append) == 3
    end = f" {EXTENSION_HINT}" if expected else ""
    assert written[0].endswith(f"\n\n{describe_missing_session([]).cure}{end}")


NO_BROWSER = (
    (
        "Browsers     none found     searched for Chrome, Chrome Beta, Chrome Dev, Chromium, Brave, Edge,"
        " Vivaldi, Opera,"
        " Firefox and LibreWolf in the home folder's .config, .librewolf, .mozilla, .var"
        " and snap"
    ),
    "Claude Code  not signed in  no login in the home folder's .claude: run claude and sign in with /login",
)


async def test_machine_without_a_browser_lists_the_searched_places(tmp_path: Path) -> None:
    """`--sessions` and the dashboard list the browsers, their folders, and Claude Code's."""
    machine = Machine(tmp_path / "home", tmp_path / "state", "linux")
    places = await check_sessions(build_machine_providers(machine, FakeClock().now))
    assert tuple(format_session_table(places).splitlines()) == NO_BROWSER
    async with opened(tmp_path, lambda *_: None) as here:
        assert here.store.scan_results == tuple(places)
        here.home.profile("one", "k1")
        await here.poll_now()
        assert [place.session.browser for place in here.store.scan_results or ()] == [
            "Firefox",
            "Claude Code",
        ]


async def test_source_without_browsers_lists_none(tmp_path: Path) -> None:
    """With `--source claude-code` no browser is missing."""
    machine = Machine(tmp_path / "home", tmp_path / "state", "linux")
    places = await check_sessions(build_machine_providers(machine, FakeClock().now, source="claude-code"))
    assert tuple(format_session_table(places).splitlines()) == NO_BROWSER[1:]


def test_empty_table_is_a_sentence() -> None:
    """Without a place there is a sentence and no empty table."""
    assert format_session_table([]) == NOTHING_SCANNED


@pytest.mark.parametrize(
    ("expected", "offered"),
    [
        ("Signed in as pat@example.com.", PasteResult(Account("a", "pat@example.com"), 1)),
        ("The session works.", PasteResult(Account(), 1)),
        (
            "Not usable: it is empty.",
            PasteResult(error_kind=ErrorKind.NO_SESSION, detail="it is empty"),
        ),
        (
            "The cookie was not tested. The server name could not be resolved.",
            PasteResult(error_kind=ErrorKind.DNS),
        ),
    ],
)
def test_result_of_an_offered_session_is_a_sentence(expected: str, offered: PasteResult) -> None:
    """The sentence has the account, or the cause of the rejection."""
    assert expected == describe_offered_session(offered)


@pytest.mark.parametrize("trouble", ErrorKind)
def test_result_has_words_for_every_problem(trouble: ErrorKind) -> None:
    """Each problem has a complete sentence."""
    assert describe_offered_session(PasteResult(error_kind=trouble, detail="x")).endswith(".")


# Secrets.


async def test_posted_values_hold_no_secret(tmp_path: Path) -> None:
    """Readings, store, problems, scan results and the session manager hold no secret."""
    async with opened(tmp_path, everyone) as here:
        await here.door.offer_session(f"a=b; sessionKey={PLANTED}")
        await here.advance(120)
        shown = (
            repr(here.posted) + repr(here.store) + repr(vars(here.door)) + repr(vars(here.door._discovery))
        )
        for seat in here.door._scheduler.slots:
            shown += (
                repr(vars(seat))
                + repr(vars(seat.source))
                + (repr(vars(seat.renewal)) if seat.renewal else "")
            )
        assert PLANTED not in shown
        assert TOKEN not in shown
    state = "".join(path.read_text() for path in (tmp_path / "state").rglob("*") if path.is_file())
    assert PLANTED not in state


async def test_crash_while_a_session_is_validated_shows_no_secret(tmp_path: Path) -> None:
    """A traceback with every local variable has nothing of the pasted text."""

    def prepare(home: Home, _: ClaudeAi) -> None:
        home.profile("one")

    async with opened(tmp_path, prepare) as here:

        def fail(*_: object) -> NoReturn:
            raise ZeroDivisionError

        discovery = here.door._discovery
        discovery._providers = discovery._providers._replace(connect=fail)
        page = io.StringIO()
        try:
            await here.door.offer_session(f"a=b; sessionKey={PLANTED}")
        except ZeroDivisionError as error:
            trace = Traceback.from_exception(type(error), error, error.__traceback__, show_locals=True)
            trace.trace.stacks[0].frames.pop(0)  # The test's own frame.
            Console(file=page, width=300).print(trace)
        assert "connect_slot" in page.getvalue()
        assert PLANTED not in page.getvalue()
