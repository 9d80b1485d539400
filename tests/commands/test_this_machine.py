"""`this_machine` of `--json`: what Claude Code's transcripts on this machine have of each org."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from claudemeter_tui.formatting.report import format_json_array
from claudemeter_tui.history.database import ARCHIVE_NAME, open_for_writing, to_millis
from claudemeter_tui.history.machine import load_uses
from claudemeter_tui.history.transcripts import sum_calls_before
from claudemeter_tui.model.machine import OrgUse
from claudemeter_tui.model.store import Store
from claudemeter_tui.model.transcripts import TokenCounts
from tests.bodies import ACCOUNT, PERSONAL, TEAM, account_body, org_body, team_body
from tests.commands.test_once import environment, org_routes, program
from tests.formatting.test_json_schema import check
from tests.model.readings import org
from tests.model.values import NOW
from tests.responses import Answer
from tests.server import LoopbackServer
from tests.transcripts.kept import COUNTS, build_call, build_refusal, keep, log_in
from tests.transcripts.lines import call_line, encode, refusal_line

HOUR = timedelta(hours=1)
PLANTED = "planted prompt"
NOTHING = dict.fromkeys(
    ("input", "output", "cache_write_5m", "cache_write_1h", "cache_read", "web_searches", "calls")
)
"""Counts if no call is known to be the org's."""


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    """Start a claude.ai with two orgs."""
    with LoopbackServer() as started:
        started.routes["/api/account"] = Answer.json(account_body(org_body(), team_body()))
        started.routes |= org_routes(PERSONAL) | org_routes(TEAM)
        yield started


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Open an archive."""
    with closing(open_for_writing(tmp_path / "data" / ARCHIVE_NAME)) as opened:
        yield opened


def report(server: LoopbackServer, home: Path, *arguments: str, **more: str) -> dict[str, dict[str, Any]]:
    """Run `--json`; return `this_machine` by the name of the org."""
    shared = ("--json", "--base-url", server.url, *arguments)
    done = program(home, *shared, env=environment(home, **more))
    assert (done.returncode, PLANTED in done.stdout) == (0, False), done.stderr
    return {one["org_name"]: one["this_machine"] for one in check("orgs", done.stdout)}


def write_login(home: Path, org_uuid: str) -> None:
    """Write the login of Claude Code."""
    login = {"organizationUuid": org_uuid, "accountUuid": ACCOUNT}
    (home / ".claude.json").write_text(json.dumps({"oauthAccount": login}))


def test_json_has_the_calls_and_refusals_of_the_login(server: LoopbackServer, tmp_path: Path) -> None:
    """They count for the org of the login only; calls before its first observation count for no org."""
    transcript = tmp_path / ".claude" / "projects" / "-home-pat-src-lab" / "session.jsonl"
    transcript.parent.mkdir(parents=True)
    early = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
    transcript.write_bytes(encode(call_line("early", timestamp=early)))
    write_login(tmp_path, PERSONAL)
    first = report(server, tmp_path)
    month = f"{datetime.now(UTC):%Y-%m-01T00:00:00Z}"
    assert first == {
        "Personal": {"account": ACCOUNT, "since": month, "tokens": NOTHING, "refusals": []},
        "Acme Team": {"account": None, "since": month, "tokens": NOTHING, "refusals": []},
    }
    at = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
    with transcript.open("ab") as file:
        file.write(encode(call_line(timestamp=at), call_line(timestamp=at), refusal_line(timestamp=at)))
    second = first
    for _ in range(20):  # a run does not wait for the transcripts, and the next one continues
        second = report(server, tmp_path)
        if second != first:
            break
    counts = {"input": 5, "output": 40, "cache_write_5m": 300, "cache_write_1h": 0, "cache_read": 2000}
    assert second["Personal"]["tokens"] == counts | {"web_searches": 0, "calls": 1}
    (refusal,) = second["Personal"]["refusals"]
    assert refusal.pop("at")[:16] == at[:16]
    assert refusal == {
        "project": "/home/pat/src/lab",
        "limit": "five_hour",
        "resets_at": "2026-04-25T16:00:00Z",
        "credits_reason": "org_spend_cap_reached",
        "low_priority_offered": True,
    }
    assert second["Acme Team"] == first["Acme Team"]
    private = report(server, tmp_path, "--privacy")
    assert private["Personal"]["refusals"][0]["project"] == "project 1"
    unread = {"account": None, "since": month, "tokens": NOTHING, "refusals": None}
    for off in ({"CLAUDEMETER_TRANSCRIPTS": "no"}, {"CLAUDEMETER_HISTORY_ENABLED": "no"}):
        assert report(server, tmp_path, **off) == {"Personal": unread, "Acme Team": unread}


def test_without_transcripts_nothing_is_known() -> None:
    """Every value that is not known is null, never 0."""
    state = org()
    (shown,) = check("orgs", format_json_array(Store((state,)), [state], NOW))
    assert shown["this_machine"] == {
        "account": None,
        "since": "2026-04-01T00:00:00Z",
        "tokens": NOTHING,
        "refusals": None,
    }


def test_only_calls_of_a_known_login_count(connection: sqlite3.Connection) -> None:
    """Calls before, after and between two logins, of another org and of an earlier cycle count for no org."""
    logged_in, month = NOW - 20 * HOUR, datetime(2026, 4, 1, tzinfo=UTC)
    keys = [(ACCOUNT, PERSONAL), (ACCOUNT, TEAM)]
    assert load_uses(keys, NOW, connection) == {}
    log_in(connection, month - 9 * HOUR, month + 9 * HOUR)
    log_in(connection, logged_in, NOW - 10 * HOUR)
    log_in(connection, NOW - 8 * HOUR, NOW, TEAM)
    counted = [month, month + 9 * HOUR, logged_in, NOW - 10 * HOUR]
    others = [month - HOUR, month + 10 * HOUR, logged_in - HOUR, NOW - 9 * HOUR, NOW + HOUR]
    calls = [build_call(key, at) for key, at in enumerate([*counted, *others, NOW - HOUR])]
    refused = build_refusal(100, logged_in + HOUR), build_refusal(101, logged_in - HOUR)
    keep(connection, *calls, refusals=refused, now=NOW)
    expected = {
        keys[0]: OrgUse(
            month, None, 4, TokenCounts(*(4 * one for one in COUNTS)), (refused[0]._replace(org=PERSONAL),)
        ),
        keys[1]: OrgUse(month, ACCOUNT, 1, COUNTS, ()),
    }
    assert load_uses(keys, NOW, connection) == expected
    sum_calls_before(connection, to_millis(NOW))
    assert connection.execute("SELECT count(*) FROM calls").fetchone() == (1,)
    assert load_uses(keys, NOW, connection) == expected


def test_another_account_of_the_org_has_its_own_seat(connection: sqlite3.Connection) -> None:
    """Of two accounts of one org, only that of the login has its calls; an unknown one may be the same."""
    log_in(connection, NOW - HOUR, NOW)
    keep(connection, build_call(1, NOW - HOUR), now=NOW)
    found = load_uses(
        [(ACCOUNT, PERSONAL), ("other", PERSONAL), ("pat@example.com", PERSONAL)], NOW, connection
    )
    assert [(use.account, use.calls) for use in found.values()] == [(ACCOUNT, 1), (None, 0), (ACCOUNT, 1)]
