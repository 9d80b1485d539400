"""Duration of a poll of many orgs, and of `--once` for one org."""

from __future__ import annotations

import asyncio
import json
import math
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from claudemeter_tui.claude_ai.api import ClaudeAiSource
from claudemeter_tui.claude_ai.client import MAX_CONNECTIONS, CookieClient
from claudemeter_tui.model.reading import Session
from claudemeter_tui.model.secrets import Cookies
from tests.bench.orgs import bodies
from tests.bench.pane import ROOT, environment
from tests.bench.table import PAIRS, Line, compared, in_turn, milliseconds
from tests.bodies import account_body

SCRIPT = str(Path(__file__).with_name("script.py"))
"""Script that makes the requests of `--once` and nothing else."""


def poll(pairs: int = PAIRS, orgs: int = 100, seconds: float = 0.05) -> Line:
    """Measure a full poll at so many seconds a reply, against the minimum over eight connections."""
    answers, ideal = _answers(orgs), 0.0
    found = []
    for _ in range(pairs):
        took, asked = asyncio.run(_polled(answers, seconds))
        ideal = seconds * (1 + math.ceil((asked - 1) / MAX_CONNECTIONS))
        found.append((took, ideal))
    figure = f"one poll of {orgs} orgs, {1000 * seconds:.0f} ms a reply"
    return compared(figure, found, 1.25, milliseconds)


def _answers(orgs: int) -> dict[str, bytes]:
    """Return every body by its path."""
    org_bodies = [bodies(org) for org in range(orgs)]
    found: dict[str, object] = {"/api/account": account_body(*(one.org for one in org_bodies))}
    for one in org_bodies:
        base = f"/api/organizations/{one.org['uuid']}"
        found[f"{base}/usage"] = one.usage
        found[f"{base}/overage_spend_limit"] = one.overage
        found[f"{base}/prepaid/credits"] = one.prepaid
        found[f"{base}/subscription_details"] = one.subscription
    return {path: json.dumps(body).encode() for path, body in found.items()}


class _Late(httpx.AsyncBaseTransport):
    """Answers each request after so many seconds."""

    def __init__(self, answers: dict[str, bytes], seconds: float) -> None:
        self.asked = 0
        self._answers, self._seconds = answers, seconds

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        await asyncio.sleep(self._seconds)
        headers = {"content-type": "application/json"}
        body = httpx.ByteStream(self._answers[request.url.path])
        return httpx.Response(200, headers=headers, stream=body)


async def _polled(answers: dict[str, bytes], seconds: float) -> tuple[float, int]:
    """Return the duration of a poll and its requests."""
    late = _Late(answers, seconds)
    client = CookieClient(Cookies.parse("sessionKey=none"), now=_now, transport=late)
    source = ClaudeAiSource(Session("bench"), client, _now)
    began = time.perf_counter()
    reports = [report async for reading in source.read(full=True) for report in reading.org_readings]
    took = time.perf_counter() - began
    await source.aclose()
    assert 4 * len(reports) + 1 == late.asked
    return took, late.asked


def _now() -> datetime:
    return datetime.now(UTC)


def once(pairs: int = PAIRS) -> Line:
    """Measure `--once` for one org on loopback, against a script that makes the same requests.

    In a home of its own: transcripts of Claude Code would be read by a further process.
    """
    with server() as url, TemporaryDirectory() as home:
        ours = ("-m", "claudemeter_tui", "--once", "--base-url", url)
        _run(home, *ours), _run(home, SCRIPT, url)  # By now everything is compiled and in the page cache.
        found = in_turn(lambda: _run(home, *ours), lambda: _run(home, SCRIPT, url), pairs)
    return compared("--once, one org on loopback", found, 1.3, milliseconds)


@contextmanager
def server() -> Iterator[str]:
    """Start a fake claude.ai with one org in its own process and yield its address."""
    command = [sys.executable, "-m", "tests.bench.served"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment()
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.stdin.close()


def _run(home: str, *arguments: str) -> float:
    """Return the seconds that a program runs."""
    env = environment() | {"CLAUDEMETER_COOKIE": "sessionKey=none", "HOME": home}
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True, cwd=ROOT, env=env)
    return time.perf_counter() - began
