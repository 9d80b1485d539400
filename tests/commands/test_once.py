"""`--once` and `--json` as scripts run them: the real program with a real server."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from claudemeter_tui.commands.once import apply_readings, choose_orgs, explain_empty_store, poll_readings
from claudemeter_tui.formatting.extension import EXTENSION_HINT
from claudemeter_tui.model.account import Account, Org
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.reading import (
    NO_SESSION,
    ErrorKind,
    Failure,
    OrgReading,
    Reading,
    ScanResult,
    Schedule,
    Session,
)
from claudemeter_tui.model.session_search import HIDDEN_COOKIE_OUTCOMES, ScanOutcome
from claudemeter_tui.model.store import OrgState, Store
from claudemeter_tui.settings import SettingsError
from tests.bodies import (
    PERSONAL,
    TEAM,
    account_body,
    locked_body,
    org_body,
    overage_body,
    prepaid_body,
    subscription_body,
    team_body,
    usage_body,
    window_body,
)
from tests.responses import Answer, Held
from tests.server import LoopbackServer

MARKER = "sk-ant-sid01-PLANTED-MARKER"
NOW = datetime(2026, 4, 25, 14, 48, tzinfo=UTC)
Json = dict[str, Any]
Run = subprocess.CompletedProcess[str]


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    """Start a claude.ai with one account that has one org."""
    with LoopbackServer() as started:
        started.routes["/api/account"] = Answer.json(account_body())
        started.routes |= org_routes(PERSONAL)
        yield started


NEXT_CHARGE = f"{datetime.now(UTC) + timedelta(days=9):%Y-%m-%d}"
"""Day of the next charge; one in the past would not be shown."""


def org_routes(uuid: str, **bodies: Any) -> dict[str, Answer]:
    """Return the replies of an org, by default with ordinary bodies."""
    far = datetime.now(UTC) + timedelta(days=3, hours=1, minutes=30)
    usage = usage_body(resets_at=far.isoformat(), week_resets_at=far.isoformat())
    bodies = {
        "usage": usage,
        "overage_spend_limit": overage_body(),
        "subscription_details": subscription_body(next_charge=NEXT_CHARGE),
        "prepaid/credits": prepaid_body(),
    } | bodies
    return {f"/api/organizations/{uuid}/{name}": Answer.json(body) for name, body in bodies.items()}


def environment(home: Path, **more: str) -> dict[str, str]:
    """Return an environment without browsers and settings, but with a cookie."""
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPYCACHEPREFIX") if name in os.environ}
    return kept | {"HOME": str(home), "TZ": "UTC", "LANG": "C.UTF-8", "CLAUDEMETER_COOKIE": MARKER} | more


def program(home: Path, *arguments: str, env: dict[str, str] | None = None, **options: Any) -> Run:
    """Run the program to its end and check that its output does not hold the cookie."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "claudemeter_tui", *arguments],
        env=env or environment(home),
        **({"stdout": subprocess.PIPE} | options),
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        check=False,
        text=True,
        timeout=60,
    )
    assert MARKER not in f"{done.stdout}{done.stderr}"
    assert "Traceback" not in done.stderr
    return done


def test_once_prints_a_block_of_plain_lines(server: LoopbackServer, tmp_path: Path) -> None:
    """Each line has its format, each request is sent once with the cookie, and the status is 0."""
    done = program(tmp_path, "--once", "--base-url", server.url)
    forms = [
        r"Verdict          CAN WORK  7-day all 67%, resets \w{3} \d\d:\d\d \(in 3d 1h\)",
        r"Org              Personal   Max 5x",
        r"5-hour            41\.0% used    -> resets \w{3} \w{3} \d{1,2} \d\d:\d\d \(in 3d 1h\)",
        r"7-day all         67\.0% used    -> resets \w{3} \w{3} \d{1,2} \d\d:\d\d \(in 3d 1h\)",
        r"Extra usage      \$17\.20 / \$50\.00 \(34%\)",
        r"Balance          \$244\.35",
        rf"Next charge      {NEXT_CHARGE}   visa ••0000",
        r"fetched \d{4}(-\d\d){2} \d\d(:\d\d){2} UTC   pat@example\.com via CLAUDEMETER_COOKIE   org "
        + PERSONAL,
    ]
    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    assert [form for form, line in zip(forms, lines, strict=True) if not re.fullmatch(form, line)] == []
    assert len(server.requests) == 5
    assert {request.headers["cookie"] for request in server.requests} == {f"sessionKey={MARKER}"}


def test_once_prints_every_org_with_an_empty_line_between(server: LoopbackServer, tmp_path: Path) -> None:
    """Each org has a block, in the server's order, with the Team's pool beside the personal figure."""
    server.routes["/api/account"] = Answer.json(account_body(org_body(), team_body()))
    own, pool = overage_body(640, limit_type="member"), overage_body(26118, 100_000)
    server.routes |= org_routes(TEAM, overage_spend_limit=pool)
    query = "?account_uuid=aaaaaaaa-0000-4000-8000-000000000001"
    server.routes[f"/api/organizations/{TEAM}/overage_spend_limit{query}"] = Answer.json(own)
    done = program(tmp_path, "--once", "--base-url", server.url)
    first, second = done.stdout.split("\n\n")
    assert first.splitlines()[1] == "Org              Personal   Max 5x"
    assert "\nExtra usage      $6.40 / $50.00 (13%)\nExtra usage pool $261.18 / $1000.00 (26%)\n" in second


def test_json_has_the_replies_unchanged(server: LoopbackServer, tmp_path: Path) -> None:
    """Unknown keys and the server's form of numbers are kept; the output is ASCII."""
    raw = '{"five_hour": {"utilization": 41.00, "resets_at": null}, "neu\u00e9": ["\U0001f600", 1e2]}'
    server.routes[f"/api/organizations/{PERSONAL}/usage"] = Answer(body=raw.encode())
    overage = locked_body(a_new_key={"deep": [1, 2]})
    server.routes[f"/api/organizations/{PERSONAL}/overage_spend_limit"] = Answer.json(overage)
    done = program(tmp_path, "--json", "--base-url", server.url)
    assert (done.returncode, done.stderr) == (0, "")
    assert r'41.00, "resets_at": null}, "neu\u00e9": ["\ud83d\ude00", 1e2]},' in done.stdout
    assert done.stdout.isascii()
    (org,) = json.loads(done.stdout)
    bodies = (json.loads(raw), overage, subscription_body(next_charge=NEXT_CHARGE), prepaid_body())
    assert tuple(org[key] for key in ("usage", "overage", "subscription", "prepaid")) == bodies
    assert (org["errors"], org["stale"], org["verdict"]["state"]) == ([], False, "can_work")


def test_once_continues_without_a_failing_endpoint(server: LoopbackServer, tmp_path: Path) -> None:
    """The other replies are printed with an error line, and the exit status is 0."""
    server.routes[f"/api/organizations/{PERSONAL}/overage_spend_limit"] = Answer(502)
    done = program(tmp_path, "--once", "--base-url", server.url)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\nerror            overage: server error (status 502)\n" in done.stdout


EXPIRED = {
    "type": "error",
    "error": {"type": "permission_error", "details": {"error_code": "account_session_invalid"}},
}
CHALLENGE = Answer(
    403, {"cf-mitigated": "challenge", "Content-Type": "text/html"}, b"<title>Just a moment..."
)


@pytest.mark.parametrize(
    ("status", "reason", "answer"),
    [
        (3, "session expired (status 403)", Answer.json(EXPIRED, 403)),
        (4, "Cloudflare challenge (status 403)", CHALLENGE),
        (4, "throttled (status 429)", Answer.json({}, 429)),
        (4, "server error (status 500)", Answer(500)),
        (4, "redirected (status 302 to claude.ai)", Answer(302, {"Location": "https://claude.ai/login"})),
    ],
)
def test_failures_go_to_stderr_and_decide_the_exit_status(
    status: int, reason: str, answer: Answer, server: LoopbackServer, tmp_path: Path
) -> None:
    """The status is 3 for an expired session, 4 without any data; a JSON array is printed in any case."""
    server.routes = dict.fromkeys(("/api/account", "/api/organizations"), answer)
    done = program(tmp_path, "--json", "--base-url", server.url)
    assert (done.returncode, done.stdout) == (status, "[]\n")
    assert reason in done.stderr
    assert all(line.startswith("claudemeter-tui: ") for line in done.stderr.splitlines())


def test_once_names_a_session_that_ends_during_the_poll(server: LoopbackServer, tmp_path: Path) -> None:
    """The verdict line has the cause of the windows that were not read."""
    name = f"/api/organizations/{PERSONAL}/usage"
    for path in [path for path in server.routes if PERSONAL in path]:
        server.routes[path] = Answer.json(EXPIRED, 403)
    done = program(tmp_path, "--once", "--base-url", server.url)
    assert name in {request.path.partition("?")[0] for request in server.requests}
    first, *_, error, _ = done.stdout.splitlines()
    assert first == "Verdict          UNKNOWN  no reading yet: session expired"
    assert error == "error            usage: session expired (status 403)"


def test_account_without_orgs_exits_with_4(server: LoopbackServer, tmp_path: Path) -> None:
    """An account without orgs has nothing to read, and the error says so."""
    server.routes = {
        "/api/account": Answer.json(account_body() | {"memberships": []}),
        "/api/organizations": Answer.json([]),
    }
    done = program(tmp_path, "--once", "--base-url", server.url)
    assert (done.returncode, done.stdout) == (4, "")
    assert " no orgs: The account has no org with usage." in done.stderr


def test_known_org_without_data_exits_with_4(server: LoopbackServer, tmp_path: Path) -> None:
    """The block and stderr both name the failure."""
    server.routes |= dict.fromkeys(org_routes(PERSONAL), Answer(503))
    done = program(tmp_path, "--once", "--base-url", server.url)
    assert done.returncode == 4
    assert "error            usage: server error (status 503)\n" in done.stdout
    assert "claudemeter-tui: Personal · usage: server error (status 503): " in done.stderr


def test_missing_server_exits_with_4(tmp_path: Path) -> None:
    """A refused connection is reported without a traceback."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # Bound but not listening: it refuses, and no other program gets it.
        done = program(tmp_path, "--once", "--base-url", f"http://127.0.0.1:{taken.getsockname()[1]}")
    assert (done.returncode, done.stdout) == (4, "")
    assert "refused" in done.stderr


def test_missing_session_exits_with_3(tmp_path: Path) -> None:
    """Without a cookie and a browser the error says what to do."""
    bare = environment(tmp_path)
    del bare["CLAUDEMETER_COOKIE"]
    done = program(tmp_path, "--once", env=bare)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.splitlines()[-1].startswith("claudemeter-tui: Sign in to claude.ai in a browser")


def test_unknown_org_exits_with_2_and_lists_the_known_ones(server: LoopbackServer, tmp_path: Path) -> None:
    """The error is one line."""
    done = program(tmp_path, "--once", "--org", "Persnal", "--base-url", server.url)
    expected = f"claudemeter-tui: --org: unknown org 'Persnal'; choose from 1 Personal ({PERSONAL})\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", expected)


ORGS = [
    ("u-1", "Personal"),
    ("u-2", "Acme Team"),
    ("u-3", "2"),
    ("u-4", "Twin"),
    ("u-5", "Twin"),
    ("u-6", "twix"),
]


def org_states() -> list[OrgState]:
    """Return orgs with similar names."""
    return [OrgState(Org(uuid, name), Account(), Session("Chrome")) for uuid, name in ORGS]


@pytest.mark.parametrize(
    ("expected", "wanted"),
    [
        (["u-1", "u-2", "u-3", "u-4", "u-5", "u-6"], None),
        (["u-1"], "1"),
        (["u-2"], "2"),
        (["u-3"], "u-3"),
        (["u-2"], "Acme Team"),
        (["u-2"], "ACME team"),
        (["u-6"], "TWIX"),
        (["u-5"], "5"),
    ],
)
def test_org_is_selected_by_number_name_or_uuid(expected: list[str], wanted: str | None) -> None:
    """A number is the place in the list; a name may have another case if it is unique."""
    assert [state.org.uuid for state in choose_orgs(org_states(), wanted)] == expected


@pytest.mark.parametrize(
    ("expected", "wanted"),
    [
        ("--org: several orgs match 'Twin'; choose from 1 Personal (u-1), 2 ", "Twin"),
        ("--org: several orgs match 'TWIN'; choose from ", "TWIN"),
        ("--org: unknown org '0'; choose from ", "0"),
        ("--org: unknown org '7'; choose from ", "7"),
        ("--org: unknown org ''; choose from ", ""),
        ("--org: unknown org '\\x1b[31m'; choose from ", "\x1b[31m"),
    ],
)
def test_ambiguous_org_is_refused(expected: str, wanted: str) -> None:
    """With no match or several the error lists the candidates."""
    with pytest.raises(SettingsError, match=re.escape(expected)):
        choose_orgs(org_states(), wanted)


def test_org_of_an_unread_account_is_no_bad_argument(server: LoopbackServer, tmp_path: Path) -> None:
    """If the list of orgs cannot be read, its failure decides the exit status."""
    server.routes = {}
    done = program(tmp_path, "--once", "--org", "Personal", "--base-url", server.url)
    assert (done.returncode, "--org" in done.stderr) == (4, False)


def test_closed_pipe_ends_it_quietly(server: LoopbackServer, tmp_path: Path) -> None:
    """`claudemeter-tui --once | head -0` prints no error."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = program(tmp_path, "--once", "--base-url", server.url, stdout=writer)
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no device that is always full")
def test_full_disk_is_one_line(tmp_path: Path) -> None:
    """A full disk behind standard output is a one-line error."""
    with Path("/dev/full").open("wb") as full:
        done = program(tmp_path, "--once", "--demo", stdout=full)
    expected = "claudemeter-tui: standard output: No space left on device\n"
    assert (done.returncode, done.stderr) == (2, expected)


@pytest.mark.skipif(sys.platform == "win32", reason="signals are those of POSIX")
def test_ctrl_c_ends_it_quietly(server: LoopbackServer, tmp_path: Path) -> None:
    """Ctrl+C during a request exits with 130 and prints nothing."""
    server.routes["/api/account"] = Held()
    started = subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "claudemeter_tui", "--once", "--base-url", server.url],
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        server.wait_for(lambda asked: asked.under_way == 1)
        started.send_signal(signal.SIGINT)
        assert started.communicate(timeout=60) == ("", "")
    finally:
        started.kill()
        started.communicate()
    assert started.returncode == 130


HOSTILE = "\x1b]0;owned\x07\x1b[31mred\x9b1m\u202e\u200b\x00[bold]\r\n\tx"


def test_hostile_text_is_not_printed(server: LoopbackServer, tmp_path: Path) -> None:
    """Escape sequences, bidi and line breaks in any string of any body are not printed."""
    orgs = account_body(org_body(name=HOSTILE, billing_issue=HOSTILE), email=HOSTILE)
    server.routes["/api/account"] = Answer.json(orgs)
    scoped = {"kind": "weekly_scoped", "percent": 3, "scope": {"model": {"display_name": HOSTILE}}}
    server.routes |= org_routes(
        PERSONAL,
        usage=usage_body(limits=[scoped]) | {HOSTILE: window_body(3.0, None, locked_reason=HOSTILE)},
        overage_spend_limit=overage_body(reason=HOSTILE, currency=HOSTILE),
        subscription_details=subscription_body(HOSTILE, card=(HOSTILE, HOSTILE)),
    )
    block = program(tmp_path, "--once", "--base-url", server.url)
    bad = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
    assert (block.returncode, bad.findall(block.stdout + block.stderr)) == (0, [])
    labels = r"Verdict|Org|5-hour|7-day|Extra usage|Balance|Next charge|error|fetched|\]0;owned"
    assert [line for line in block.stdout.splitlines() if not re.match(labels, line)] == []
    array = program(tmp_path, "--json", "--base-url", server.url)
    assert bad.findall(array.stdout) == []
    assert json.loads(array.stdout)[0]["overage"]["disabled_reason"] == HOSTILE


def test_terminal_without_utf_8_gets_question_marks(server: LoopbackServer, tmp_path: Path) -> None:
    """A character that the terminal cannot show becomes a question mark."""
    poor = environment(tmp_path, PYTHONIOENCODING="ascii")
    done = program(tmp_path, "--once", "--base-url", server.url, env=poor)
    assert (done.returncode, "visa ??0000" in done.stdout) == (0, True)


@pytest.mark.parametrize(
    ("expected", "is_sign_in", "failed"),
    [
        (
            "Sign in to claude.ai in a browser on this machine, or provide",
            True,
            {"Chrome": ErrorKind.EXPIRED},
        ),
        ("Sign in to claude.ai in a browser on this machine, or provide", True, {"": ErrorKind.NO_SESSION}),
        (
            "CLAUDEMETER_COOKIE is set, so no browser is read, and its session has expired: unset",
            False,
            {"CLAUDEMETER_COOKIE": ErrorKind.EXPIRED},
        ),
        (
            "A cookie file is set, so no browser is read, and its session has expired: remove the setting",
            False,
            {"cookie file": ErrorKind.EXPIRED},
        ),
        (
            "Cloudflare wants a browser check, so the session was not tested and is probably fine: open",
            False,
            {"Chrome": ErrorKind.CHALLENGE, "Firefox": ErrorKind.EXPIRED},
        ),
    ],
)
def test_missing_session_is_worded_for_its_case(
    expected: str,
    is_sign_in: bool,  # noqa: FBT001 - a table
    failed: dict[str, ErrorKind],
) -> None:
    """The last line says what helps; only where that helps, to sign in."""
    readings = (
        Reading(Session(browser), NOW, Failure(kind, Endpoint.ACCOUNT, NOW))
        for browser, kind in failed.items()
    )
    found = list(explain_empty_store(apply_readings(readings, Store())))
    is_challenged = ErrorKind.CHALLENGE in failed.values()
    assert (found[-1] == EXTENSION_HINT) is is_challenged
    last = found[-2] if is_challenged else found[-1]
    assert last.startswith(expected)
    assert is_sign_in is last.startswith("Sign in")


def test_extension_is_named_last_where_it_helps() -> None:
    """It reads what no other program can: a profile whose cookies are hidden, and nothing else."""
    firefox, missing, offline = (
        Session("Firefox", "one"),
        Failure(ErrorKind.NO_SESSION, Endpoint.ACCOUNT, NOW),
        Failure(ErrorKind.DNS, Endpoint.ACCOUNT, NOW),
    )
    for outcome in ScanOutcome:
        places = (ScanResult(Session("Chrome", "Default"), outcome),)
        store = apply_readings([Reading(NO_SESSION, NOW, missing, scan_results=places)], Store())
        *_, last = explain_empty_store(store)
        assert (last == EXTENSION_HINT) is (outcome in HIDDEN_COOKIE_OUTCOMES), outcome
        unreachable = apply_readings([Reading(firefox, NOW, offline, scan_results=places)], Store())
        assert EXTENSION_HINT not in explain_empty_store(unreachable)
        ignored = replace(store.sessions[0], ignored_orgs=frozenset({TEAM}))
        assert EXTENSION_HINT not in explain_empty_store(replace(store, sessions=(ignored,)))
    challenged = Failure(ErrorKind.CHALLENGE, Endpoint.ACCOUNT, NOW)
    given = apply_readings([Reading(Session("CLAUDEMETER_COOKIE"), NOW, challenged)], Store())
    assert EXTENSION_HINT not in explain_empty_store(given)


def test_demo_needs_no_network_and_no_cookie(tmp_path: Path) -> None:
    """The demo prints the six orgs of its start without a network or cookie."""
    bare = environment(tmp_path)
    del bare["CLAUDEMETER_COOKIE"]
    done = program(tmp_path, "--once", "--demo", env=bare)
    assert (done.returncode, done.stderr, done.stdout.count("\n\n")) == (0, "", 5)
    assert "\nExtra usage      $34.54 / $50.00 (69%)\n" in done.stdout


NOT_LOADED = {"textual", "rich", "plotext", "browser_cookie3"}


def test_scripts_load_no_unneeded_library(server: LoopbackServer, tmp_path: Path) -> None:
    """With a cookie from the user, neither the dashboard's libraries nor the browsers' are loaded."""
    code = (
        "import sys; from claudemeter_tui.cli import main;"
        f"status = main(['--json', '--base-url', '{server.url}']);"
        f"print(status, {NOT_LOADED} & {{name.partition('.')[0] for name in sys.modules}}, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(tmp_path), capture_output=True, check=False, text=True
    )
    assert done.stderr == "0 set()\n"


class _Feed:
    """A feed that posts its readings once."""

    def __init__(self, *readings: object) -> None:
        self._readings = readings

    async def poll_once(self, post: Callable[[Reading], object]) -> None:
        for reading in self._readings:
            post(cast(Reading, reading))


END = Reading(Session("Chrome"), NOW, schedule=Schedule(NOW, timedelta(seconds=60)))


def test_one_poll_returns_all_readings_of_the_feed() -> None:
    """All readings of a poll are in one store."""
    feed = _Feed(Reading(Session("Chrome"), NOW, orgs=(Org("u-1", "Personal"),)), END)
    store = apply_readings(poll_readings(feed), Store())
    assert [state.org.name for state in store.orgs] == ["Personal"]


def test_one_poll_survives_a_reading_that_cannot_be_applied() -> None:
    """An unexpected exception becomes a problem in the store."""
    broken = Reading(Session("Chrome"), NOW, org_readings=(cast(OrgReading, None),))
    feed = _Feed(Reading(Session("Chrome"), NOW, orgs=(Org("u-1", "P"),)), broken, END)
    store = apply_readings(poll_readings(feed), Store())
    assert [problem.error_kind for problem in store.problems] == [ErrorKind.BUG]
    assert [state.org.uuid for state in store.orgs] == ["u-1"]


def test_one_poll_raises_the_exception_of_a_feed() -> None:
    """An exception of the feed itself is raised."""

    class Broken:
        async def poll_once(self, _post: Callable[[Reading], object]) -> None:
            raise LookupError("broken")

    with pytest.raises(LookupError, match="broken"):
        poll_readings(Broken())


RULES = f"""
ignore = ["{PERSONAL}", "Firefox", "Nobody"]
[orgs]
order = ["work"]
[orgs.aliases]
"Acme Team" = "work"
"Gone" = "x"
"""


@pytest.mark.parametrize(
    ("said", "arguments"),
    [
        ("", ["--once"]),
        ("[]\n", ["--json"]),
        ("? all orgs ignored\n", ["--line"]),
        ("UNKNOWN  no reading yet: all orgs ignored\n", ["--check"]),
    ],
)
def test_settings_that_ignore_every_org_are_named(
    said: str, arguments: list[str], server: LoopbackServer, tmp_path: Path
) -> None:
    """Every command says that the settings ignore all orgs, and what to do; no request is about one."""
    server.routes["/api/account"] = Answer.json(account_body(org_body(), team_body()))
    env = environment(tmp_path, CLAUDEMETER_IGNORE="personal,acme team")
    done = program(tmp_path, *arguments, "--base-url", server.url, env=env)
    assert (done.returncode, done.stdout) == (4, said)
    why = "The setting `ignore` covers all 2 orgs. Remove a name from it (--config shows its place), then"
    assert done.stderr.splitlines() == [f"claudemeter-tui: {why} restart."]
    assert server.paths() == ["/api/account"]


def test_ignored_org_is_not_requested_and_alias_is_shown(server: LoopbackServer, tmp_path: Path) -> None:
    """No request is about an ignored org; the alias is in every output, and both names choose the org."""
    config = tmp_path / ".config/claudemeter-tui"
    config.mkdir(parents=True)
    (config / "config.toml").write_text(RULES)
    server.routes["/api/account"] = Answer.json(account_body(org_body(), team_body()))
    server.routes |= org_routes(TEAM)
    place = ("--base-url", server.url)
    variables = environment(tmp_path) | {"XDG_CONFIG_HOME": str(tmp_path / ".config")}
    (one,) = json.loads(program(tmp_path, "--json", *place, env=variables).stdout)
    assert (one["org_name"], one["alias"], one["label"]) == ("Acme Team", "work", "work")
    assert [path for path in server.paths() if PERSONAL in path] == []
    for name in ("Work", "Acme Team", "1", TEAM):
        done = program(tmp_path, "--line", "--format", "{org}", "--org", name, *place, env=variables)
        assert (done.returncode, done.stdout) == (0, "work\n")
    assert "Org              work   Team" in program(tmp_path, "--once", *place, env=variables).stdout
    done = program(tmp_path, "--history", "--org", "work", *place, env=variables)
    assert (done.returncode, "work" in done.stdout) == (0, True)
    assert [path for path in server.paths() if PERSONAL in path] == []


def test_sessions_name_settings_that_match_nothing(server: LoopbackServer, tmp_path: Path) -> None:
    """The notes are below the table, and the exit status is that of the sessions."""
    config = tmp_path / ".config/claudemeter-tui"
    config.mkdir(parents=True)
    (config / "config.toml").write_text(RULES)
    server.routes["/api/account"] = Answer.json(account_body(org_body(), team_body()))
    variables = environment(tmp_path) | {"XDG_CONFIG_HOME": str(tmp_path / ".config")}
    done = program(tmp_path, "--sessions", "--base-url", server.url, env=variables)
    assert (done.returncode, done.stdout.splitlines()[1:]) == (
        0,
        [
            "ignore: 'Firefox' matches no browser, profile or org",
            "ignore: 'Nobody' matches no browser, profile or org",
            "orgs.aliases: 'Gone' matches no org",
        ],
    )


def test_sessions_without_an_org_do_not_judge_names(server: LoopbackServer, tmp_path: Path) -> None:
    """A name that no org can be compared with is not known yet."""
    config = tmp_path / ".config/claudemeter-tui"
    config.mkdir(parents=True)
    (config / "config.toml").write_text(RULES)
    server.routes["/api/account"] = Answer(401)
    variables = environment(tmp_path) | {"XDG_CONFIG_HOME": str(tmp_path / ".config")}
    done = program(tmp_path, "--sessions", "--base-url", server.url, env=variables)
    unknown = "not known yet, because no org was read"
    notes = [line for line in done.stdout.splitlines() if line.startswith(("ignore:", "orgs."))]
    assert f"ignore: 'Nobody' matches no browser or profile; as an org {unknown}" in notes
    assert f"orgs.aliases: 'Gone' {unknown}" in notes
    assert "matches no org" not in done.stdout
