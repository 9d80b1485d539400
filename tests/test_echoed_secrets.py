"""A server that echoes the session's secrets in every text: no output, file or log has them."""

from __future__ import annotations

import base64
import json
import logging
import os
import re
import signal
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from claudemeter_tui.claude_ai.api import ClaudeAiSource
from claudemeter_tui.claude_ai.client import CookieClient
from claudemeter_tui.claude_ai.secret_filter import MARKER
from claudemeter_tui.formatting.events import format_event_json
from claudemeter_tui.formatting.export import ExportKind
from claudemeter_tui.history.database import ARCHIVE_NAME
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.event_log import EventLog
from claudemeter_tui.model.reading import Reading
from claudemeter_tui.model.secrets import Cookies
from claudemeter_tui.model.store import OrgState, SessionState, Store
from claudemeter_tui.tui.screenshots import export_svg
from tests import golden_bodies
from tests.bodies import PERSONAL
from tests.claude_ai.api_cases import SESSION
from tests.claude_code.fake_login import StillClock, login_file, login_text, polled, profile_body, source
from tests.history.recording import read_everything
from tests.responses import Answer, Request
from tests.scenes import NOW
from tests.server import LoopbackServer
from tests.tui.app_harness import Stage, app, screen

KEY = "sk-ant-sid01-Zq7xV0mNcR4yB8zKpL2wEuJhGsDfA6iO5-9XkZrYvQbMnWlPoIjUhTgFeDcSaRq1w2E-AAxyzQAA"
CLEARANCE = "b3FhZ.Zu1eTgV7nMk0pQwXyR5LsJ2dHcF9aBtO6iU-1777128480-1.2.1.1-Gm8"
HEADER = f"sessionKey={KEY}; cf_clearance={CLEARANCE}; lastActiveOrg={PERSONAL}; theme=dark"
SECRETS = (KEY, CLEARANCE)
PARTS = {part.lower() for secret in SECRETS for part in (secret[:20], secret[-20:], secret[30:50])}
KEPT = re.compile(
    r"[0-9a-f-]{36}|[0-9]{4}-[0-9]{2}-[0-9]{2}.*|chat|raven|session|weekly_\w+|[0-9]{4}|[A-Za-z]{3}"
)
"""Values without which a reply is not understood: ids, times, kinds, digits, currencies."""

FORMS: tuple[Callable[[str], str], ...] = (
    str,
    lambda secret: "".join(f"%{ord(char):02x}" for char in secret),
    lambda secret: secret[:25],
    lambda secret: secret[-25:],
    str.upper,
    lambda secret: secret.encode().hex(),
    lambda secret: base64.b64encode(f"={secret}".encode()).decode(),
)


def leaks(text: str) -> list[str]:
    """Return the parts of the secrets in a text, in any encoding of it."""
    plain = unquote(re.sub(r"\\+u([0-9a-f]{4})", lambda found: chr(int(found[1], 16)), text)).lower()
    shown = [plain, text.lower(), *(decoded.lower() for decoded in decode_runs(text))]
    return sorted(part for part in PARTS if any(part in one for one in shown))


def decode_runs(text: str) -> Iterator[str]:
    """Yield each long run of letters and digits, decoded from hex or Base64 at each alignment."""
    for run in re.findall(r"[0-9A-Za-z+/]{26,}", text):
        if re.fullmatch(r"(?:[0-9a-f]{2})+", run):
            yield bytes.fromhex(run).decode("latin-1")
        for first in range(4):
            whole = run[first : first + (len(run) - first) // 4 * 4]
            yield base64.b64decode(whole).decode("latin-1")


def echo(body: Any, forms: Iterator[Callable[[str], str]]) -> Any:
    """Return a body with a secret in every text and with two more keys in every object."""
    form = next(forms)
    match body:
        case dict():
            key, clearance = form(KEY), form(CLEARANCE)
            more = {key: {"utilization": 12, key: key}, f"x {clearance}": f"{key} {clearance}"}
            return {name: echo(value, forms) for name, value in body.items()} | more
        case list():
            return [echo(value, forms) for value in body]
        case str() if not KEPT.fullmatch(body):
            return f"{body} {form(KEY)} {form(CLEARANCE)}"
    return body


def every_form() -> Iterator[Callable[[str], str]]:
    """Yield the forms of a secret in turn, without an end."""
    while True:
        yield from FORMS


BODIES = {endpoint: echo(body, every_form()) for endpoint, body in golden_bodies.by_endpoint().items()}
ERROR = {
    "type": "error",
    "error": {"type": f"bad {KEY}", "message": f"no {KEY}", "details": {KEY: CLEARANCE}},
}


def serve(server: LoopbackServer, *, broken: bool = False) -> None:
    """Serve the bodies with the secrets; if broken, replies about an org are errors that echo them."""
    headers = {"Retry-After": KEY, "X-Echo": KEY}
    for endpoint, body in BODIES.items():
        for org in golden_bodies.account()["memberships"]:
            path = endpoint.facts.path.partition("?")[0].format(org=org["organization"]["uuid"])
            server.routes[path] = Answer(200, headers, json.dumps(body).encode())
            if broken and endpoint is Endpoint.OVERAGE:
                server.routes[path] = Answer.json(ERROR, status=404)
            if broken and endpoint is Endpoint.USAGE:
                server.routes[path] = Answer(302, {"Location": f"https://{KEY}.example.com/{CLEARANCE}"})
            if broken and endpoint is Endpoint.PREPAID:
                server.routes[path] = Answer(503, {"Content-Type": f"text/html; {KEY}"}, f"<p>{KEY}".encode())
            if broken and endpoint is Endpoint.SUBSCRIPTION:
                server.routes[path] = Answer(200, {}, f'{{"status": "{KEY}'.encode())


@pytest.fixture(params=[False, True], ids=["replies", "errors"])
def server(request: pytest.FixtureRequest) -> Iterator[LoopbackServer]:
    """Start a claude.ai that echoes the secrets."""
    with LoopbackServer() as started:
        serve(started, broken=request.param)
        yield started


def environment(home: Path, **more: str) -> dict[str, str]:
    """Return an environment with the cookies and a home folder of its own."""
    kept = {
        name: os.environ[name] for name in ("PATH", "PYTHONPATH", "PYTHONPYCACHEPREFIX") if name in os.environ
    }
    return kept | {"HOME": str(home), "TZ": "UTC", "LANG": "C.UTF-8", "CLAUDEMETER_COOKIE": HEADER} | more


def run(home: Path, *arguments: str) -> str:
    """Run the program to its end and return all that it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "claudemeter_tui", *arguments],
        env=environment(home),
        capture_output=True,
        stdin=subprocess.DEVNULL,
        check=False,
        text=True,
        timeout=60,
    )
    return done.stdout + done.stderr


def read_files(folder: Path) -> str:
    """Return the names and contents of all files below a folder; of a database also the compressed ones."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    texts = [f"{path}\n{path.read_bytes().decode('utf-8', 'replace')}\n" for path in files]
    texts += [read_everything(path) for path in files if path.read_bytes().startswith(b"SQLite format 3")]
    return "".join(texts)


COMMANDS = (
    ("--once",),
    ("--json",),
    ("--line", "--format", "{alarm} {windows} {window} {credits} {org} {plan}"),
    ("--check",),
    ("--sessions",),
    ("--config",),
)


def test_commands_print_and_keep_no_secret(server: LoopbackServer, tmp_path: Path) -> None:
    """Neither standard output and error nor any file of the program has a part of a secret."""
    picture = tmp_path / "picture.svg"
    commands = (*COMMANDS, ("--screenshot", str(picture)))
    printed = {command: run(tmp_path, *command, "--base-url", server.url) for command in commands}
    assert [(command, found) for command, text in printed.items() if (found := leaks(text))] == []
    assert [command[0] for command, text in printed.items() if not text] == ["--screenshot"]
    assert "unknown" not in printed[COMMANDS[2]]
    assert "<svg" in read_files(tmp_path)
    assert leaks(read_files(tmp_path)) == []
    assert all(f"sessionKey={KEY}" in request.headers["cookie"] for request in server.requests)


def test_history_and_damaged_files_keep_no_secret(server: LoopbackServer, tmp_path: Path) -> None:
    """Neither the archive nor one that was moved aside has a part of a secret; they have the replies."""
    run(tmp_path, "--once", "--base-url", server.url)
    (path,) = tmp_path.rglob(ARCHIVE_NAME)
    assert MARKER in read_everything(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE quarters")
    run(tmp_path, "--once", "--base-url", server.url)
    assert len([file for file in path.parent.iterdir() if ".damaged-" in file.name]) == 1
    assert leaks(read_files(tmp_path)) == []


EXPORTS = [
    *(("--export", f"{kind}.{end}", "--what", kind) for kind in ExportKind for end in ("csv", "json")),
    *(("--export", "bundle.zip"), ("--export", "x.ndjson"), ("--history",), ("--history", "--json")),
]


@pytest.mark.parametrize(
    "private",
    [pytest.param((), id="plain"), pytest.param(("--privacy",), id="private", marks=pytest.mark.slow)],
)
def test_exports_have_no_secret(server: LoopbackServer, tmp_path: Path, private: tuple[str, ...]) -> None:
    """No export of the archive, no file of the bundle and no printed history has a part of a secret."""
    run(tmp_path, "--once", "--base-url", server.url)
    folder = tmp_path / "exports"
    folder.mkdir()
    printed = ""
    for action, *others in EXPORTS:
        place = [str(folder / others[0]), *others[1:]] if action == "--export" else others
        printed += run(tmp_path, action, *place, *private, "--base-url", server.url)
    with zipfile.ZipFile(folder / "bundle.zip") as bundle:
        bundle.extractall(folder / "bundle")
    (folder / "bundle.zip").unlink()
    assert "Billing cycle" in printed
    assert read_files(folder).count("usage") > 10
    assert leaks(printed + read_files(folder)) == []
    if private:
        assert [org for org in (PERSONAL, "pat@example.com") if org in printed + read_files(folder)] == []


def test_json_has_markers(tmp_path: Path) -> None:
    """The replies did hold the secrets, in keys and in values."""
    with LoopbackServer() as server:
        serve(server)
        printed = run(tmp_path, "--json", "--base-url", server.url)
    assert printed.count(MARKER) > 50
    assert f'"{MARKER}":' in printed


def test_watch_prints_no_secret(server: LoopbackServer, tmp_path: Path) -> None:
    """No event in the stream quotes a secret."""
    command = [sys.executable, "-m", "claudemeter_tui", "--json", "--watch", "--base-url", server.url]
    with subprocess.Popen(
        command, env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=60)
    assert first
    assert leaks(first + rest + errors + read_files(tmp_path)) == []


async def read_all(url: str) -> list[Reading]:
    """Return the readings of two polls."""
    client = CookieClient(Cookies.parse(HEADER), base_url=url, now=lambda: NOW)
    reader = ClaudeAiSource(SESSION, client, lambda: NOW)
    readings = [one for _ in range(2) async for one in reader.read(full=True)]
    await reader.aclose()
    return readings


async def test_screens_pictures_reports_and_logs_show_no_secret(
    server: LoopbackServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """No screen, no SVG, no report, no event and no log line has a part of a secret."""
    caplog.set_level(logging.DEBUG)
    readings = await read_all(server.url)
    store, events, shown = Store(), EventLog(), [caplog.text, repr(readings)]
    for reading in readings:
        store = store.apply(reading)
        events = events.observe(store, NOW)
        shown += [format_event_json(event) for event in events.new_events]
    states: tuple[OrgState | SessionState, ...] = (*store.orgs, *store.sessions)
    replies = [reply for state in states for reply in state.replies.values()]
    failures = [failure for state in states for failure in state.failures.values()]
    shown += [reply.text for reply in replies] + [f"{one.detail} {one.trace}" for one in failures]
    dashboard = app(Stage(readings), pictures=tmp_path)
    async with dashboard.run_test(size=(160, 60), notifications=True) as pilot:
        await pilot.pause()
        for key in (
            "1",
            "2",
            "d",
            "right",
            "right",
            "right",
            "right",
            "escape",
            "e",
            "escape",
            "o",
            "escape",
            "s",
        ):
            await pilot.press(key)
            await pilot.pause()
            shown += [*screen(pilot), export_svg(dashboard)]
        shown.append(dashboard.title + str(dashboard.clipboard))
    assert {path.suffix for path in tmp_path.iterdir()} == {".svg", ".json"}
    assert len(replies) > 2
    assert leaks("\n".join(shown)) == []
    assert leaks(read_files(tmp_path)) == []


async def test_login_of_claude_code_is_not_shown(tmp_path: Path) -> None:
    """A bearer token that the server echoes is removed, too."""
    token = KEY.replace("sid01", "oat01")
    login_file(tmp_path / "home", login_text(token))

    def usage(request: Request) -> Answer:
        assert request.headers["authorization"] == f"Bearer {token}"
        body = golden_bodies.usage(**{token: {"utilization": 3, "locked_reason": token}})
        return Answer.json(body)

    with LoopbackServer() as server:
        server.routes["/api/oauth/profile"] = Answer.json(profile_body() | {"note": f"Bearer {token}"})
        server.routes["/api/oauth/usage"] = usage
        reader = source(server.url, tmp_path, StillClock())
        readings = await polled(reader)
        await reader.aclose()
    texts = [part.text for one in readings for org in one.org_readings for part in org.parts.values()]  # type: ignore[union-attr]
    assert MARKER in "".join(texts)
    assert leaks(repr(readings) + "".join(texts) + read_files(tmp_path / "state")) == []


def test_needles_are_found() -> None:
    """The search sees the secrets in every form that the server sends."""
    for body in BODIES.values():
        assert leaks(json.dumps(body))
    assert len(leaks(json.dumps([*BODIES.values()]))) == len(PARTS)
