"""The token is read and sent, and never printed, stored, renewed or written."""

from __future__ import annotations

import io
import logging
from pathlib import Path
from typing import NoReturn

import pytest
from rich.console import Console
from rich.traceback import Traceback

from claudemeter_tui.claude_code import credentials
from claudemeter_tui.claude_code import source as source_module
from claudemeter_tui.claude_code.credentials import CommandResult
from claudemeter_tui.claude_code.source import PROFILE_PATH, USAGE_PATH, BearerClient
from claudemeter_tui.model.secrets import Secret
from claudemeter_tui.model.session_search import Login
from tests.bodies import usage_body
from tests.claude_code.fake_login import (
    NOON,
    REFRESH,
    TOKEN,
    Keychain,
    StillClock,
    login_file,
    login_text,
    no_keychain,
    polled,
    profile_body,
    source,
)
from tests.responses import Answer, in_turn
from tests.server import LoopbackServer

PLANTED = (TOKEN, REFRESH, "planted")


def contents(folder: Path) -> dict[str, tuple[bytes, int, int]]:
    """Return every file below a folder with its mode and its time of change."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path): (path.read_bytes(), path.stat().st_mode, path.stat().st_mtime_ns) for path in files}


def shown(error: BaseException) -> str:
    """Return a traceback with every local variable, as a crash screen prints it."""
    page = io.StringIO()
    traceback = Traceback.from_exception(type(error), error, error.__traceback__, show_locals=True)
    Console(file=page, width=300).print(traceback)
    return page.getvalue()


def fail(*_: object, **__: object) -> NoReturn:
    """Raise an unexpected exception."""
    raise ZeroDivisionError


def hides(text: str) -> bool:
    """Return True if the text holds nothing of the login."""
    return not any(part in text for part in PLANTED)


async def test_login_is_never_written_or_renewed(tmp_path: Path) -> None:
    """After good replies, a 401 and an expiry the file is unchanged, and only two paths were requested."""
    login_file(tmp_path / "home")
    before = contents(tmp_path / "home")
    clock = StillClock()
    with LoopbackServer() as server:
        server.routes[PROFILE_PATH] = Answer.json(profile_body())
        server.routes[USAGE_PATH] = in_turn(Answer.json(usage_body()), Answer.json({}, status=401))
        code = source(server.url, tmp_path, clock)
        for seconds in (0, 180, 180, 9 * 3600):
            clock.later(seconds)
            await polled(code, full=True)
        await code.aclose()
        assert {PROFILE_PATH, USAGE_PATH} == set(server.paths())
        assert {"GET"} == {request.method for request in server.requests}
        assert not any(REFRESH in str(request) for request in server.requests)
    assert before == contents(tmp_path / "home")


async def test_nothing_of_the_login_is_printed_or_stored(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """No reading, debug log, standard output or state folder holds anything of the login."""
    caplog.set_level(logging.DEBUG)
    login_file(tmp_path / "home")
    with LoopbackServer() as server:
        server.routes[PROFILE_PATH] = Answer.json(profile_body())
        server.routes[USAGE_PATH] = Answer.json(usage_body())
        code = source(server.url, tmp_path, StillClock())
        readings = await polled(code)
        await code.aclose()
    stored = b"".join(content for content, _, _ in contents(tmp_path / "state").values()).decode()
    assert stored
    assert hides(repr(readings) + repr(vars(code)) + caplog.text + "".join(capsys.readouterr()) + stored)
    assert "pat@example.com" not in stored


async def test_bug_in_a_poll_shows_no_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception in a poll becomes a failure with a place and no values."""
    monkeypatch.setattr(source_module, "parse_usage", fail)
    login_file(tmp_path / "home")
    with LoopbackServer() as server:
        server.routes[PROFILE_PATH] = Answer.json(profile_body())
        server.routes[USAGE_PATH] = Answer.json(usage_body())
        code = source(server.url, tmp_path, StillClock())
        readings = await polled(code)
        await code.aclose()
    (failure,) = readings[-1].org_readings[0].parts.values()
    assert "ZeroDivisionError" in repr(failure)
    assert hides(repr(failure) + getattr(failure, "trace", ""))


@pytest.mark.parametrize("system", ["linux", "darwin"])
def test_traceback_of_a_failing_search_shows_no_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str
) -> None:
    """No local variable of any frame holds the token, from the file or from the keychain."""
    monkeypatch.setattr(credentials, "Login", fail)
    login_file(tmp_path)
    run = no_keychain if system == "linux" else Keychain({"Claude Code-credentials": login_text()})
    if isinstance(run, Keychain):
        monkeypatch.setattr(Keychain, "__repr__", lambda _: "Keychain()")
    with pytest.raises(ZeroDivisionError) as raised:
        credentials.find_login(home=tmp_path, now=NOON, system=system, environment={}, run=run)
    page = shown(raised.value)
    assert "Secret()" in page
    assert hides(page.replace("test_secrets", ""))


async def test_traceback_of_a_failing_request_shows_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """No local variable of ours or of httpx's client holds the token if a request fails below the client."""
    with LoopbackServer() as server:
        client = BearerClient(base_url=server.url, now=StillClock().now)
        client.set_token(Secret(TOKEN))
        monkeypatch.setattr(client._http._transport, "handle_async_request", fail)
        with pytest.raises(ZeroDivisionError) as raised:
            await client.get(USAGE_PATH)
        await client.aclose()
    page = shown(raised.value)
    assert "BearerClient" in page
    assert TOKEN not in page


def test_values_print_no_secret() -> None:
    """No value that holds a secret prints it, alone or nested."""
    login = Login(Secret(TOKEN), "login file")
    assert hides(
        repr(login) + repr(Secret(TOKEN)) + str(Secret(TOKEN)) + repr(CommandResult(0, Secret(REFRESH)))
    )
    assert Secret(TOKEN) == Secret(TOKEN)
    assert Secret(TOKEN) != Secret(REFRESH)
    assert len({Secret(TOKEN), Secret(TOKEN)}) == 1


async def test_token_is_dropped_with_its_login(tmp_path: Path) -> None:
    """After a sign-out of Claude Code the client no longer holds the token."""
    path = login_file(tmp_path / "home")
    with LoopbackServer() as server:
        server.routes[PROFILE_PATH] = Answer.json(profile_body())
        server.routes[USAGE_PATH] = Answer.json(usage_body())
        code = source(server.url, tmp_path, StillClock())
        await polled(code)
        assert code._client.headers["Authorization"] == f"Bearer {TOKEN}"
        path.unlink()
        await polled(code)
        assert "Authorization" not in code._client.headers
        await code.aclose()
