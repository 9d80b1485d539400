"""The command line itself: help, every refusal, the list of settings, and the table of sessions."""

from __future__ import annotations

import io
import itertools
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from claudemeter_tui.cli import main
from claudemeter_tui.clock import WallClock
from claudemeter_tui.commands.sessions import report_sessions
from claudemeter_tui.config.resolution import COOKIE_VARIABLE, format_settings, load_settings
from claudemeter_tui.formatting.status_line import PLACEHOLDERS
from claudemeter_tui.model.reading import Session
from claudemeter_tui.model.secrets import Cookies
from claudemeter_tui.settings import SettingsError
from claudemeter_tui.wiring import Machine, build_machine_providers
from tests.bodies import (
    PERSONAL,
    TEAM,
    account_body,
    org_body,
    overage_body,
    prepaid_body,
    subscription_body,
    team_body,
    usage_body,
)
from tests.browsers.fake_profiles import Made
from tests.responses import Answer
from tests.scenes import NOW
from tests.server import LoopbackServer
from tests.sessions.manager_cases import CHALLENGE, OF_PAT, TOKEN, ClaudeAi, Home
from tests.sessions.poller_cases import FakeClock

KEY = "sk-ant-sid01-PLANTED-MARKER"
FLAGS = (
    ("--demo",),
    ("--once",),
    ("--json",),
    ("--watch",),
    ("--check",),
    ("--line",),
    ("--statusline",),
    ("--format", "{org}"),
    ("--org", "1"),
    ("--screenshot", "x.svg"),
    ("--size", "80x24"),
    ("--sessions",),
    ("--config",),
    ("--history",),
    ("--export", "x.csv"),
    ("--metrics", ":19190"),
    ("--what", "cycles"),
    ("--since", "1d"),
    ("--until", "2026-04-25"),
    ("--color", "tmux"),
    ("--completion", "bash"),
    ("--json-schema",),
    ("--extension", "status"),
)
"""Flags that ask for an action, or belong to one."""
BAD_VALUES = (
    *("--bogus", "picture.svg", "--inter 60", "--demo=yes", "--size", "--org", f"--browser {KEY}", KEY),
    *("--interval soon", "--interval 5", "--interval 86401", "--interval nan", f"--interval {KEY}"),
    *("--screenshot x.svg --size big", "--screenshot x.svg --size 1x1", "--screenshot x.svg --size 501x36"),
    *("--screenshot x.jpg", "--screenshot none/x.svg", "--screenshot ~no-such-one/x.svg"),
    *("--base-url claude.ai", "--base-url http://example.com", "--base-url https://claude.ai/api"),
    *("--base-url https://[::1", "--base-url ftp://claude.ai", "--base-url https://pat:pw@claude.ai"),
    *("--cookie-file none", "--cookie-file .", "--cookie-file ~no-such-one/x", f"--cookie-file {KEY}"),
    *("--cookie-file empty", "--cookie-file no_key", "--cookie-file lines", "--cookie-file tabs"),
    *("--cookie-file other_site", "--cookie-file binary", "--cookie-file large"),
    *("--theme nrod", "--source web", "--ascii maybe", "--privacy perhaps", "--browser Lynx", "--browser :x"),
    *("--thresholds 0", "--thresholds 75,101", "--thresholds many", "--pictures none", "--pictures empty"),
    *("--browser Chrome --cookie-file key", "--source claude-code --cookie-file key"),
    *("--export x.txt", "--export none/x.csv", "--export x.csv --what all", "--export x.zip --what cycles"),
    *("--extension", "--extension start"),
    *("--metrics x", "--metrics ::1:19190", "--metrics :0", "--metrics :65536", "--metrics x.prom/x"),
    *("--metrics none/x.prom", "--metrics 0.0.0.0:19190", "--metrics [::]:19190", f"--metrics {KEY}"),
    *("--metrics :19190 --metrics-token-file none", "--metrics :19190 --metrics-token-file empty"),
    *("--metrics :19190 --metrics-token-file key", "--metrics :19190 --metrics-token-file tabs"),
    *("--history --since soon", "--history --until 2026-02-30", "--history --since 1d --until 2d"),
    *("--line --format {gift}", "--org", "--format", "--once --org", "--line --format"),
)
"""Unusable arguments, separated by blanks."""
BAD_FILES = (
    *('interval = "soon"', "interval = true", "interval = 5", "base_url = 5", 'source = "web"'),
    *('ascii = "maybe"', "privacy = 1", "browser = [1]", 'browser = ["Lynx"]', "thresholds = [0]"),
    *('thresholds = ["x"]', 'on_event = "say \'x"', '[alerts]\ntoast = "maybe"', 'alerts.desktop = "popup"'),
    *('pictures = "a\\u0000b"', 'pictures = "none"', "intervall = 60", 'base-url = "x"', "once = true"),
    *("wibble = true", '"\\u001b[31m" = 1', "alerts = true", "[alerts]\nbeep = true", "interval 60"),
    *("interval = 1\ninterval = 2", f'cookie = "{KEY}"', f'"{KEY}" = 1', 'session_key = "x"'),
    *(f'cookie_file = "{KEY}"', 'cookie_file = "none"', 'browser = ["Chrome"]\ncookie_file = "key"'),
)
"""Unusable config files."""
GOOD_FILE = """
interval = 90
source = "cookie"
browser = ["Firefox", "Chrome:Work"]
base_url = "https://proxy.example.com"
theme = "nord"
ascii = true
privacy = true
pictures = "."
thresholds = [80, 95.5]
on_event = ["notify", "--quiet \\"x\\""]
[alerts]
toast = false
desktop = "osc777"
"""
FILES: Mapping[str, bytes] = {
    "key": KEY.encode(),
    "empty": b" \n",
    "no_key": b"lastActiveOrg=x",
    "lines": f"{KEY}\n{KEY}".encode(),
    "tabs": b"a\tb",
    "other_site": b"# Netscape HTTP Cookie File\n.evil.example\tTRUE\t/\tTRUE\t0\tsessionKey\tx\n",
    "binary": b"\xff\xfe\x00",
    "large": b"x" * ((1 << 20) + 1),
}
"""Files that arguments name, in the folder in which every command here runs."""


def printed(*arguments: str, **environment: str) -> str:
    """Return the program's output with these arguments, in a folder of its own, then its exit status."""
    with TemporaryDirectory() as folder, chdir(folder):
        home = {
            "HOME": folder,
            "XDG_DATA_HOME": folder,
            "XDG_STATE_HOME": folder,
            "XDG_CONFIG_HOME": f"{folder}/config",
        }
        for name, content in FILES.items():
            Path(name).write_bytes(content)
        surroundings = {"COLUMNS": "100", **home, **environment}
        with patch.dict(os.environ, surroundings), patch.object(sys, "__stdin__", None):
            return _captured(lambda: main(arguments)).replace(folder, "<folder>")


def _captured(run: Callable[[], int]) -> str:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            status = run()
        except SystemExit as leaving:
            status = int(leaving.code or 0)
    errors = "".join(f"stderr: {line}\n" for line in err.getvalue().splitlines())
    return f"{out.getvalue()}{errors}exit {status}"


def of_help() -> Iterator[tuple[str, str]]:
    """Yield the help, and the placeholders of `--format`."""
    yield "--help", printed("--help")
    yield "placeholders", "\n".join(f"{name}: {place[0]}" for name, place in PLACEHOLDERS.items())


def of_refusals() -> Iterator[tuple[str, str]]:
    """Yield the errors for every pair and many a trio of flags, and for bad values."""
    combinations = [*itertools.combinations(FLAGS, 1), *itertools.combinations(FLAGS, 2)]
    combinations += [(("--json",), ("--watch",), one) for one in FLAGS]
    combinations += [(("--line",), ("--format", "{org}"), one) for one in FLAGS]
    chosen = ([part for flag in flags for part in flag] for flags in combinations)
    yield "flags together", "\n".join(f"{' '.join(one)}: {_asked(one)}" for one in chosen)
    bad = (f"{text}: {printed(*text.split(' '))}".replace(KEY, "<key>") for text in BAD_VALUES)
    yield "values", "\n".join(bad)
    yield "config files", "\n".join(_refused_file(text).replace(KEY, "<key>") for text in BAD_FILES)
    both = {"CLAUDEMETER_BROWSER": "Chrome", COOKIE_VARIABLE: KEY}
    for environment in ({COOKIE_VARIABLE: ""}, {COOKIE_VARIABLE: "a=b"}, both, {"CLAUDEMETER_INTERVAL": "x"}):
        shown = ", ".join(environment)
        yield f"environment {shown}", printed("--once", **environment)
    yield "dashboard without a terminal", printed()


def _asked(arguments: Sequence[str]) -> str:
    try:
        return f"asks for {load_settings(arguments, {}).action}"
    except SettingsError as error:
        return str(error)


def _refused_file(text: str) -> str:
    with TemporaryDirectory() as folder, chdir(folder):
        file = Path("config.toml")
        file.write_text(text, "utf-8")
        try:
            load_settings([], {}, file)
        except SettingsError as error:
            return f"{text!r}: {error}"
    return f"{text!r}: accepted"


def of_config() -> Iterator[tuple[str, str]]:
    """Yield `--config` without a file, with one, and with values from every source."""
    file = Path("config.toml")
    cookie = {COOKIE_VARIABLE: KEY}
    with TemporaryDirectory() as folder, chdir(folder):
        yield "without a file", format_settings(load_settings(["--config"], {}, file).resolved, {}, file)
        file.write_text(GOOD_FILE, "utf-8")
        yield "with a file", format_settings(load_settings(["--config"], cookie, file).resolved, cookie, file)
        flags = ["--config", "--interval", "120", "--privacy=no", "--browser", "Edge", "--ascii"]
        environment = {"CLAUDEMETER_THEME": "dracula", "CLAUDEMETER_ALERTS_BELL": "off"}
        yield (
            "from every place",
            format_settings(load_settings(flags, environment, file).resolved, environment, file),
        )
    yield "as a command", printed("--config")


def of_polls() -> Iterator[tuple[str, str]]:
    """Yield the whole program's output for a server that works and for one that fails."""
    with LoopbackServer() as server:
        server.routes["/api/account"] = Answer.json(account_body(org_body(), team_body()))
        for uuid in (PERSONAL, TEAM):
            server.routes |= _routes(uuid)
        yield from _polled(server.url)
        server.routes[f"/api/organizations/{TEAM}/usage"] = Answer(502)
        yield "--once, one reply fails", _run(server.url, "--once")
        server.routes = dict.fromkeys(("/api/account", "/api/organizations"), CHALLENGE)
        for flag in ("--once", "--json", "--check", "--line"):
            yield f"{flag}, challenged", _run(server.url, flag)
        server.routes = {"/api/account": Answer.json(account_body() | {"memberships": []})}
        server.routes["/api/organizations"] = Answer.json([])
        yield "--once, no orgs", _run(server.url, "--once")


def _polled(url: str) -> Iterator[tuple[str, str]]:
    for flag in ("--once", "--json", "--check", "--line"):
        for org in ((), ("--org", "acme team"), ("--org", "Persnal")):
            yield " ".join((flag, *org)), _run(url, flag, *org)
    form = "{verdict} {windows} {credits} {balance}"
    yield f"--line --format '{form}'", _run(url, "--line", "--format", form)


def _routes(uuid: str) -> dict[str, Answer]:
    """Return the replies of an org without resets, so that the time of day makes no difference."""
    bodies = {
        "usage": usage_body(41.0, 67.0, resets_at=None, week_resets_at=None),
        "overage_spend_limit": overage_body(),
        "subscription_details": subscription_body(),
        "prepaid/credits": prepaid_body(),
    }
    return {f"/api/organizations/{uuid}/{name}": Answer.json(body) for name, body in bodies.items()}


def _run(url: str, *arguments: str) -> str:
    if arguments[0] in ("--check", "--line"):
        return printed(*arguments, "--base-url", url, CLAUDEMETER_COOKIE=KEY)
    with patch.object(WallClock, "now", lambda _: NOW):
        return printed(*arguments, "--base-url", url, CLAUDEMETER_COOKIE=KEY)


def of_sessions() -> Iterator[tuple[str, str]]:
    """Yield `--sessions`: with one session of each kind, with one given by hand, and without any."""
    with TemporaryDirectory() as folder, ClaudeAi(FakeClock()) as server:
        home = Home(Path(folder) / "home")
        home.folder.mkdir()
        home.profile("works", "k-works")
        home.profile("over", Made("k-over"), Made("x", "other"))
        home.profile("walled", "k-walled")
        home.profile("empty")
        home.login()
        server.people |= {"k-works": OF_PAT, TOKEN: OF_PAT}
        server.instead["k-walled"] = CHALLENGE
        machine = Machine(home.folder, Path(folder) / "state", "linux")
        yield "one of each kind", _checked(machine, server.url)
        yield "a moment later", _checked(machine, server.url)
        for key in ("k-works", "k-unknown"):
            yield f"given by hand, {key}", _checked(machine, server.url, key)
        bare = Machine(Path(folder) / "nowhere", Path(folder) / "state", "linux")
        yield "none", _checked(bare, server.url)


def _checked(machine: Machine, url: str, given: str = "") -> str:
    by_hand = (Session("cookie file"), Cookies.parse(f"sessionKey={given}")) if given else None
    found = build_machine_providers(machine, FakeClock().now, base_url=url, given=by_hand)
    written: list[str] = []
    status = report_sessions(found, written.append)
    return "\n".join((*written, f"exit {status}"))
