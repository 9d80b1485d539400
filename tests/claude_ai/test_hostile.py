"""Hostile replies, through the real client and source, by a real socket."""

from __future__ import annotations

import asyncio
import gzip
import json

import pytest

from claudemeter_tui.claude_ai import api as poll_module
from claudemeter_tui.claude_ai.client import MAX_CONNECTIONS
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.reading import SESSION_WIDE_ERRORS, ErrorKind
from claudemeter_tui.model.store import Store
from claudemeter_tui.model.windows import Plan
from tests.bodies import PERSONAL, TEAM, org_body, usage_body
from tests.claude_ai.api_cases import Clock, account_troubles, poll, reading, serve, serve_account
from tests.model.readings import folded
from tests.responses import Answer, Drip, Held, Reset, Sends, cut_off, gzip_bomb, large, redirect
from tests.server import LoopbackServer

FIGURE = '{"five_hour": {"utilization": %s, "resets_at": null}, "seven_day": {"utilization": 67.0}}'
HTML = {"Content-Type": "text/html; charset=utf-8"}
LOGIN = b"<!doctype html><title>Welcome to Airport Wi-Fi</title><form>"


def said(text: str) -> Answer:
    """Return a 200 with this text."""
    return Answer(body=text.encode())


REPLIES: list[tuple[str, set[ErrorKind], Sends]] = [
    ("empty", {ErrorKind.MALFORMED}, said("")),
    ("blank", {ErrorKind.MALFORMED}, said(" \n")),
    ("cut off", {ErrorKind.CUT_OFF}, cut_off()),
    ("cut JSON", {ErrorKind.MALFORMED}, said('{"five_hour": {"utiliz')),
    ("HTML", {ErrorKind.LOGIN_PAGE}, said("<html>")),
    ("login page", {ErrorKind.LOGIN_PAGE}, Answer(200, HTML, LOGIN)),
    ("login page in latin-1", {ErrorKind.LOGIN_PAGE}, Answer(200, HTML, LOGIN + b"\xe9")),
    ("404 page", {ErrorKind.UNEXPECTED}, Answer(404, HTML, LOGIN)),
    ("not UTF-8", {ErrorKind.MALFORMED}, Answer(body=b'{"a": "\xff\xfe"}')),
    ("UTF-16", {ErrorKind.MALFORMED}, Answer(body='{"a": 1}'.encode("utf-16"))),
    ("binary", {ErrorKind.MALFORMED}, Answer(body=bytes(range(256)))),
    ("10,000 lists", {ErrorKind.MALFORMED}, said("[" * 10_000 + "]" * 10_000)),
    ("10,000 objects", {ErrorKind.MALFORMED}, said('{"a":' * 10_000 + "1" + "}" * 10_000)),
    ("10,000 deep and cut", {ErrorKind.MALFORMED}, said("[" * 10_000)),
    ("megabyte of digits", {ErrorKind.MALFORMED}, said("9" * 1_000_000)),
    ("figure of a megabyte", {ErrorKind.MALFORMED}, said(FIGURE % ("9" * 1_000_000))),
    ("NaN", {ErrorKind.MALFORMED}, said(FIGURE % "NaN")),
    ("Infinity", {ErrorKind.MALFORMED}, said(FIGURE % "-Infinity")),
    ("1e999", {ErrorKind.ODD_VALUE}, said(FIGURE % "1e999")),
    ("ten million bytes", {ErrorKind.TOO_LARGE}, large()),
    ("gzip bomb", {ErrorKind.TOO_LARGE}, gzip_bomb()),
    (
        "broken gzip",
        {ErrorKind.MALFORMED},
        Answer(headers={"Content-Encoding": "gzip"}, body=b"no gzip at all"),
    ),
    (
        "gzip without its end",
        {ErrorKind.CUT_OFF},
        Answer(headers={"Content-Encoding": "gzip"}, body=gzip.compress(b"{}")[:-6]),
    ),
    ("endless flood", {ErrorKind.TOO_LARGE}, Drip(0, b" " * 60_000)),
    ("endless drip", {ErrorKind.TIMEOUT}, Drip(0.02)),
    ("silence", {ErrorKind.TIMEOUT}, Held()),
    ("reset", {ErrorKind.CUT_OFF}, Reset()),
    ("redirect", {ErrorKind.REDIRECT}, redirect("https://elsewhere.invalid/login")),
    ("redirect to itself", {ErrorKind.REDIRECT}, redirect("")),
    ("redirect to nowhere", {ErrorKind.REDIRECT}, redirect("http://[\x01")),
    (
        "other encoding",
        {ErrorKind.MALFORMED},
        Answer(headers={"Content-Encoding": "zstd"}, body=b"(\xb5/\xfd"),
    ),
    ("server error", {ErrorKind.SERVER_ERROR}, Answer(502, HTML, LOGIN)),
    ("no content", {ErrorKind.UNEXPECTED}, Answer(204)),
    ("null", {ErrorKind.MALFORMED}, said("null")),
    ("list", {ErrorKind.MALFORMED}, said("[[], {}]")),
    ("string", {ErrorKind.MALFORMED}, said('"usage"')),
]
EACH = pytest.mark.parametrize(
    ("named", "reply"),
    [
        pytest.param(named, reply, id=name, marks=[pytest.mark.slow] if named == {ErrorKind.TIMEOUT} else [])
        for name, named, reply in REPLIES
    ],
)


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limit a poll to four seconds instead of twenty, a reply to one and a half."""
    monkeypatch.setattr(poll_module, "POLL_TIMEOUT", 4.0)
    monkeypatch.setattr(poll_module, "REPLY_TIMEOUT", 1.5)


@pytest.fixture
def server(server: LoopbackServer) -> LoopbackServer:
    """A server with a personal org and a Team org."""
    serve_account(server)
    return server


def percents(store: Store, org: str) -> list[float | None]:
    """Return the known percents of an org."""
    [plan] = [state.plan for state in store.orgs if state.org.uuid == org]
    assert isinstance(plan, Plan)
    return [window.percent for window in plan.windows]


@EACH
async def test_hostile_reply_is_a_named_problem_of_its_own(
    server: LoopbackServer, named: set[ErrorKind], reply: Sends
) -> None:
    """The org keeps its last good figures, the other one gets fresh ones, within the poll's time."""
    clock = Clock()
    async with reading(server.url, clock) as source:
        first = await poll(source)
        clock.move(minutes=1)
        serve(server, PERSONAL, usage=reply)
        serve(server, TEAM, usage=usage_body(99.0, 98.0))
        began = asyncio.get_running_loop().time()
        second = await poll(source)
    assert asyncio.get_running_loop().time() - began < 7
    store = folded(*first, *second)
    problems = [(it.org and it.org.uuid, it.error_kind, it.endpoint) for it in store.problems]
    assert [(PERSONAL, trouble, Endpoint.USAGE) for trouble in named] == problems
    assert percents(store, TEAM) == [99.0, 98.0]
    assert percents(store, PERSONAL)[-1] == 67.0


@EACH
async def test_hostile_account_is_replaced_by_the_list(
    server: LoopbackServer, named: set[ErrorKind], reply: Sends
) -> None:
    """With any account reply the list gives the orgs, and each has its figures."""
    server.routes["/api/account"] = reply
    async with reading(server.url) as source:
        readings = await poll(source)
    [trouble] = account_troubles(readings) or [ErrorKind.ODD_VALUE]
    assert {trouble} == named
    assert [percents(folded(*readings), org) for org in (PERSONAL, TEAM)] == [[41.0, 67.0]] * 2


@EACH
async def test_hostile_replies_everywhere_end_in_time(
    server: LoopbackServer, named: set[ErrorKind], reply: Sends
) -> None:
    """A server with only hostile replies is reported by kind, and nothing is left behind."""
    server.routes["/api/account"] = server.routes["/api/organizations"] = reply
    async with reading(server.url) as source:
        readings = await poll(source)
        assert len(asyncio.all_tasks()) == 1
    found = set(account_troubles(readings))
    assert found == (named if ErrorKind.ODD_VALUE not in named else {ErrorKind.MALFORMED})
    assert not found & SESSION_WIDE_ERRORS


@pytest.mark.slow
async def test_hostile_orgs_leave_connections_for_the_others(server: LoopbackServer) -> None:
    """Orgs that reset, drip and flood block no connection of the others."""
    bad: list[Sends] = [Reset(), Drip(0.02), Drip(0, b" " * 60_000), cut_off(), gzip_bomb()]
    orgs = [org_body(f"org-{number}") for number in range(20)]
    serve_account(server, *orgs)
    for number, reply in enumerate(bad):
        serve(server, f"org-{number}", usage=reply)
    async with reading(server.url) as source:
        polls = [await poll(source) for _ in range(3)]
    for readings in polls:
        store = folded(*polls[0], *readings)
        assert all(percents(store, f"org-{number}") == [41.0, 67.0] for number in range(len(bad), 20))
    assert server.peak <= MAX_CONNECTIONS + 1  # The server may notice a cancelled request later.


@pytest.mark.parametrize(
    "text", ["\x1b]0;owned\x07", "\u202eevil", "a\u200bb", "[/nope]", "x" * 10_000, "\r\nX: y", "\ud800"]
)
async def test_hostile_text_is_sanitized_in_every_value(server: LoopbackServer, text: str) -> None:
    """Names, reasons and keys lose control characters; the reply's own text is kept unchanged."""
    named = org_body(TEAM, text, billing_issue=text)
    serve_account(server, named)
    serve(server, TEAM, usage=usage_body(spend={text: text}) | {text: {"utilization": 5.0}})
    async with reading(server.url) as source:
        store = folded(*await poll(source))
    shown = repr((store.orgs, store.problems)).replace(repr(store.orgs[0].replies), "")
    assert all(char.isprintable() for char in shown)
    assert "\\x1b" not in shown
    assert "\\u202e" not in shown
    assert "x" * 1001 not in shown
    reply = store.orgs[0].replies[Endpoint.USAGE]
    assert text in json.loads(reply.text)
