"""The worker in a real Chromium: requests what it may, nothing else, and says what happened."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from claudemeter_tui.extension.identity import (
    EXTENSION_FOLDER,
    EXTENSION_ORIGIN,
    EXTENSION_VERSION,
    read_extension_manifest,
)
from claudemeter_tui.model.catalogue import ORGANIZATIONS_PATH, Endpoint
from tests.bodies import ACCOUNT, PERSONAL, account_body
from tests.browsers.site import until
from tests.extension.chromium import Browser, running
from tests.extension.hosts import Hosts, Message
from tests.responses import (
    MEBIBYTE,
    Answer,
    Drip,
    Held,
    Request,
    Reset,
    Sends,
    cut_off,
    gzip_bomb,
    large,
    redirect,
)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(sys.platform != "linux", reason="the browser is started as on Linux"),
]

COOKIES = {
    "sessionKey": "Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=999",
    "lastActiveOrg": "Path=/; Secure; SameSite=Lax; Max-Age=999",
}
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def list_paths() -> list[str]:
    """Return every path that the program requests, without its optional query, too."""
    paths = [ORGANIZATIONS_PATH]
    for endpoint in Endpoint:
        path = endpoint.facts.path.format(org=PERSONAL, account=ACCOUNT)
        paths += {path, path.removesuffix(endpoint.facts.optional_query)}
    return sorted(paths)


def sign_in(browser: Browser) -> None:
    """Sign in to the stand-in, in a tab."""
    cookies = "\r\nSet-Cookie: ".join(f"{name}=secret; {rules}" for name, rules in COOKIES.items())
    browser.site.routes["/login"] = Answer(headers={"Set-Cookie": cookies, "Content-Type": "text/html"})
    browser.visit("https://claude.ai/login")


def list_requests(browser: Browser) -> list[Request]:
    """Return the requests besides those of the tab."""
    return [each for each in browser.site.requests if each.path not in {"/login", "/favicon.ico"}]


def describe(reply: Message) -> object:
    """Return the error of a reply, or its status and body."""
    assert reply.keys() in ({"type", "id", "error"}, {"type", "id", "status", "headers", "body"})
    return reply.get("error") or (reply["status"], reply["body"])


def test_extension_introduces_itself(browser: Browser) -> None:
    """The browser names our extension to the host, and the first message has version and browser."""
    host = browser.hosts.wait_for()
    assert host.arguments[0] == EXTENSION_ORIGIN
    assert host.messages == [{"type": "hello", "version": EXTENSION_VERSION, "browser": "Chromium"}]


BRANDS: tuple[tuple[list[str] | None, str], ...] = (
    (["Not:A-Brand", "Chromium", "Google Chrome"], "Google Chrome"),
    (["Brave", "Not(A:Brand", "Chromium"], "Brave"),
    (["Chromium", "Not_A Brand"], "Chromium"),
    ([" Not;A Brand"], "Chromium"),
    ([], "Chromium"),
    (["x" * 99], "x" * 40),
    (None, "Chromium"),
)


def test_browser_has_the_name_of_its_best_brand(browser: Browser) -> None:
    """The invented brand is skipped, Chromium comes last, and the name is bounded."""
    worker = browser.attach_worker()
    for brands, name in BRANDS:
        data = None if brands is None else {"brands": [{"brand": brand} for brand in brands]}
        facts = f"{{value: {json.dumps(data)}, configurable: true}}"
        worker.run(f"Object.defineProperty(navigator, 'userAgentData', {facts})")
        assert worker.run("findBrowserName()") == name, brands


def test_every_path_of_the_program_is_requested(browser: Browser) -> None:
    """Each is a plain GET with the cookies of the session, and the reply comes back whole."""
    sign_in(browser)
    paths = list_paths()
    assert len(paths) == 8
    for number, path in enumerate(paths):
        browser.site.routes[path] = Answer.json(number)
    replies = browser.hosts.wait_for().get(*paths)
    assert [describe(reply) for reply in replies] == [(200, f"{n}") for n in range(len(paths))]
    requests = list_requests(browser)
    assert sorted(request.path for request in requests) == paths
    for request in requests:
        assert (request.method, request.body, request.headers["host"]) == ("GET", b"", "claude.ai")
        assert request.headers["cookie"] == "sessionKey=secret; lastActiveOrg=secret"
        assert request.headers["cache-control"] == "no-cache"  # `no-store` also asks the caches on the way
        assert not {"origin", "referer"} & request.headers.keys()


ORG = f"/api/organizations/{PERSONAL}"
OTHER_VALUES: tuple[object, ...] = (
    *("", "/", "/api", "/api/", "/login", ORG, f"{ORG}/members", f"{ORG}/chat_conversations"),
    *(f"/api/organizations/{uuid}/usage" for uuid in (PERSONAL.replace("-", ""), f"{{{PERSONAL}}}", "..")),
    *(f"{ORG}/usage?cedar_ember=2", f"{ORG}/usage?account_uuid={ACCOUNT}", f"{ORG}/../account/usage"),
    *(f"{ORG}/overage_spend_limit?account_uuid=", f"{ORG}/overage_spend_limit?cedar_ember=1"),
    *("data:text/plain,x", "file:///etc/passwd", "javascript:1", "chrome://version", None, 7, True),
)
PARTS = ("/", ".", "?", "#", "\n", "%2e", "g", "/../", "&x=1")
"""Parts that make a bad path of a good one, wherever they are inserted."""
FRAMES = (
    *("/{}", "/{}/", " {}", "//evil.test{}", "@evil.test{}", ".evil.test{}", "https://evil.test{}"),
    *("https://claude.ai{}", "{}\n/api/account", "/api/account\n{}", "{}/../../account", "{}?x=1"),
)


def iterate_bad_paths() -> Iterator[object]:
    """Yield paths that differ from a good one in one place, and other values."""
    for path in list_paths():
        digits = [place for found in UUID.finditer(path) for place in range(*found.span())]
        for place in range(len(path) + 1):
            begin, end = path[:place], path[place:]
            yield from (begin + part + end for part in PARTS)
            yield from (begin, begin + end[1:], begin + ("g" if place in digits else "~") + end[1:])
        yield from (frame.format(path) for frame in FRAMES)
        yield from (path.upper(), [path], {"path": path})
    yield from OTHER_VALUES


def test_every_other_path_is_refused(browser: Browser) -> None:
    """A path that differs in one character, another address or another type never leaves the browser."""
    good = list_paths()
    bad = [path for path in iterate_bad_paths() if path not in good]
    assert len(bad) > 5000
    replies = browser.hosts.wait_for().get(*bad)
    assert [path for path, reply in zip(bad, replies, strict=True) if describe(reply) != "refused"] == []
    assert browser.site.requests == []


def test_uuids_may_have_either_case(browser: Browser) -> None:
    """An org is a uuid in lower or upper case."""
    host = browser.hosts.wait_for()
    paths = [f"/api/organizations/{uuid}/usage" for uuid in (PERSONAL, PERSONAL.upper())]
    assert [reply["status"] for reply in host.get(*paths)] == [404, 404]


def test_host_can_choose_nothing_but_the_path(browser: Browser) -> None:
    """A method, a body, headers and an origin in the message have no effect."""
    host, url = browser.hosts.wait_for(), "https://evil.test"
    extra = {"method": "POST", "body": "x", "headers": {"X-Odd": "1"}, "origin": url, "url": url}
    host.send({"type": "get", "id": 1, "path": "/api/account", "options": extra, **extra})
    assert [reply["status"] for reply in host.wait_for("reply")] == [404]
    [request] = browser.site.requests
    assert (request.method, request.body, request.headers["host"]) == ("GET", b"", "claude.ai")
    assert "x-odd" not in request.headers


def test_unknown_messages_are_ignored(browser: Browser) -> None:
    """A message of another type or shape, even one that is no object, gets no reply and breaks nothing."""
    host = browser.hosts.wait_for()
    host.send({"type": "post", "path": "/api/account"}, {"type": None}, {}, [{"type": "get"}], None, 7, "get")
    assert [reply["status"] for reply in host.get("/api/account")] == [404]
    assert [message["type"] for message in host.messages] == ["hello", "reply"]


def test_three_headers_are_passed_on(browser: Browser) -> None:
    """A challenge and a pause reach the host, each header bounded; cookies and other headers do not."""
    odd = {"Set-Cookie": "sessionKey=new; Path=/; Secure", "X-Odd": "1", "Location": "/"}
    marks = {"Content-Type": "text/html", "cf-mitigated": "challenge"}
    browser.site.routes |= {
        "/api/account": Answer(403, {**marks, **odd}, b"Just a moment..."),
        "/api/organizations": Answer(429, {"Retry-After": "7", "Content-Type": "x" * 999}),
    }
    challenge, pause = browser.hosts.wait_for().get("/api/account", "/api/organizations")
    assert challenge["headers"] == {name.lower(): value for name, value in marks.items()}
    assert describe(challenge) == (403, "Just a moment...")
    assert pause["headers"] == {"content-type": "x" * 200, "retry-after": "7"}
    assert describe(pause) == (429, "")


OUTCOMES: tuple[tuple[Sends, object], ...] = (
    (redirect("/api/organizations"), "failed"),
    (redirect("https://evil.test/api/account"), "failed"),
    (large(MEBIBYTE), (200, '"' + "x" * (MEBIBYTE - 2) + '"')),
    (large(MEBIBYTE + 1), "too large"),
    (gzip_bomb(), "too large"),
    (Answer(headers={"Content-Encoding": "gzip"}, body=gzip.compress(b"{}")), (200, "{}")),
    (Answer(headers={"Content-Encoding": "gzip"}, body=b"no gzip"), "failed"),
    (Answer(204), (204, "")),
    (Answer(body="\ufeff{}é€\U0001f600".encode()), (200, "{}é€\U0001f600")),
    (Answer(body=b"\xff\x00\xc3"), (200, "\ufffd\x00\ufffd")),
    (Reset(), "failed"),
    (cut_off(), "failed"),
)


def test_each_reply_has_its_outcome(browser: Browser) -> None:
    """A redirect is never followed, a body has at most 1 MiB after decoding, and half a body is a failure."""
    host, worker = browser.hosts.wait_for(), browser.attach_worker()
    # Loopback alone counts as offline.
    worker.run("Object.defineProperty(navigator, 'onLine', {value: true})")
    for answer, expected in OUTCOMES:
        browser.site.routes["/api/account"] = answer
        assert [describe(reply) for reply in host.get("/api/account")] == [expected], answer
    assert {request.path for request in browser.site.requests} == {"/api/account"}


def test_failures_without_a_network_are_named(browser: Browser) -> None:
    """A request that fails while the browser is offline has an error of its own."""
    browser.site.routes["/api/account"] = Reset()
    assert [describe(reply) for reply in browser.hosts.wait_for().get("/api/account")] == ["offline"]


@pytest.mark.slow
def test_requests_end_after_ten_seconds(browser: Browser) -> None:
    """A server that never replies, and one that never stops, are timeouts; others are not kept waiting."""
    held = Held()
    browser.site.routes |= {"/api/account": held, "/api/organizations": Drip(0.1)}
    host = browser.hosts.wait_for()
    usage = f"/api/organizations/{PERSONAL}/usage"
    host.send(*({"type": "get", "id": number, "path": path} for number, path in enumerate(list_paths()[:2])))
    host.send({"type": "get", "id": 2, "path": usage})
    assert [(reply["id"], describe(reply)) for reply in host.wait_for("reply", 3)][1:] == [
        (0, "timeout"),
        (1, "timeout"),
    ]
    browser.site.wait_for(lambda server: server.under_way == 0)


def test_replies_of_an_ended_host_are_dropped(browser: Browser) -> None:
    """A reply that arrives after its host has ended is not sent to the next host."""
    held = Held(Answer.json(account_body()))
    browser.site.routes["/api/account"] = held
    first, popup = browser.hosts.wait_for(), browser.open_popup()
    first.send({"type": "get", "id": 5, "path": "/api/account"})
    browser.site.wait_for(lambda server: server.under_way == 1)
    first.end()
    popup.wait_for_text("ended")
    popup.run("button.click()")
    second = browser.hosts.wait_for(2)
    held.release()
    assert [reply["status"] for reply in second.get("/api/organizations")] == [404]
    assert [message["type"] for message in second.messages] == ["hello", "refresh", "reply"]


OTHER_ADDRESSES = (
    *("https://evil.test/", "http://claude.ai/", "https://api.claude.ai/", "https://claude.ai:8443/"),
    *("https://claude.ai.evil.test/", "wss://evil.test/", "http://127.0.0.1/"),
)
TRY = """new Promise((resolve) => {
  addEventListener("securitypolicyviolation", (event) => resolve(event.effectiveDirective), { once: true });
  fetch(URL).then(() => resolve("sent"), () => 0);
})"""


def test_nothing_but_claude_ai_can_be_reached(browser: Browser) -> None:
    """Even code in the worker cannot request anything else: the browser refuses it."""
    browser.hosts.wait_for()
    worker = browser.attach_worker()
    for url in OTHER_ADDRESSES:
        assert worker.run(TRY.replace("URL", repr(url))) == "connect-src", url


def test_worker_sends_what_it_is_asked_for_alone(browser: Browser) -> None:
    """From start to end, the worker's requests are those of the host, and all reach the stand-in."""
    host, worker = browser.hosts.wait_for(), browser.attach_worker()
    browser.devtools.call("Network.enable", worker.session)
    popup = browser.open_popup()
    host.get(*list_paths(), "/login", "https://evil.test/")
    popup.run("button.click()")
    host.wait_for("refresh")
    host.get(*list_paths())
    expected = sorted(f"https://claude.ai{path}" for path in list_paths() * 2)

    def list_sent() -> list[str]:
        worker.run("0")  # Events are read with the next result.
        events = [it for it in browser.devtools.events if it["method"] == "Network.requestWillBeSent"]
        return sorted(event["params"]["request"]["url"] for event in events)

    until(lambda: len(list_sent()) >= len(expected), lambda: f"{expected}, only {list_sent()}")
    assert list_sent() == expected
    assert sorted(f"https://claude.ai{request.path}" for request in browser.site.requests) == expected


def test_cookies_are_sent_where_other_sites_get_none(browser: Browser) -> None:
    """The session works in a browser that blocks third-party cookies."""
    settings = browser.visit("chrome://settings/cookies")
    settings.run("chrome.settingsPrivate.setPref('profile.cookie_controls_mode', 1)")
    assert settings.run("chrome.settingsPrivate.getPref('profile.cookie_controls_mode')")["value"] == 1
    sign_in(browser)
    browser.hosts.wait_for().get("/api/account")
    assert [it.headers["cookie"] for it in list_requests(browser)] == [
        "sessionKey=secret; lastActiveOrg=secret"
    ]


def test_host_ends_with_the_browser(browser: Browser) -> None:
    """The standard input of the host ends if the browser is killed."""
    host = browser.hosts.wait_for()
    browser.kill()
    assert host.has_ended.wait(60)
    assert len(browser.hosts.started) == 1


def test_host_starts_with_the_browser(hosts: Hosts) -> None:
    """A browser that is started again starts the host at once, without an open page of the extension."""
    hosts.install()
    with running(hosts) as browser:
        hosts.wait_for()
        browser.open_popup().run("chrome.alarms.clearAll()")
        browser.kill()
    with running(hosts):
        assert hosts.wait_for(2).messages[0]["type"] == "hello"


def test_host_ends_with_the_extension_and_starts_again_with_it(browser: Browser) -> None:
    """Disabling the extension ends the host, and enabling it starts one at once."""
    host = browser.hosts.wait_for()
    browser.open_popup().run("chrome.alarms.clearAll()")  # The alarm would start it, too, a minute later.
    browser.set_enabled(is_enabled=False)
    assert host.has_ended.wait(60)
    assert len(browser.hosts.started) == 1
    browser.set_enabled(is_enabled=True)
    assert browser.hosts.wait_for(2).messages[0]["type"] == "hello"


def test_reload_happens_once_in_ten_minutes(browser: Browser) -> None:
    """A renewed copy is loaded once; a host that asks again gets no second reload before ten minutes."""
    browser.allow_unpacked()
    browser.hosts.wait_for().send({"type": "reload"})
    second = browser.hosts.wait_for(2)
    assert browser.hosts.started[0].has_ended.wait(60)
    second.send({"type": "reload"}, {"type": "reload"})
    assert [describe(reply) for reply in second.get("/x")] == ["refused"]
    worker = browser.attach_worker()
    assert worker.run("reload()") is None
    assert not second.has_ended.is_set()
    worker.run("{ const now = Date.now; Date.now = () => now() + 10 * 60_000; }")
    second.send({"type": "reload"})
    assert browser.hosts.wait_for(3).messages[0]["type"] == "hello"
    assert len(browser.hosts.started) == 3


def test_reload_loads_the_files_of_the_disk(hosts: Hosts, tmp_path: Path) -> None:
    """After a reload, the extension has the version of the renewed copy."""
    copy = tmp_path / "extension"
    shutil.copytree(EXTENSION_FOLDER, copy)
    hosts.install()
    with running(hosts, copy) as browser:
        browser.allow_unpacked()
        first = hosts.wait_for()
        manifest = read_extension_manifest(copy) | {"version": "2.1"}
        (copy / "manifest.json").write_text(json.dumps(manifest))
        first.send({"type": "reload"})
        second = hosts.wait_for(2)
        assert [each.messages[0]["version"] for each in (first, second)] == [EXTENSION_VERSION, "2.1"]
        # The version is another one now, but the pause still counts.
        second.send({"type": "reload"})
        assert [describe(reply) for reply in second.get("/x")] == ["refused"]
        assert not second.has_ended.is_set()
