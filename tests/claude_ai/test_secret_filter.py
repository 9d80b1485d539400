"""Secrets are removed from what the server sends: whole, in part and encoded, and nothing else is."""

from __future__ import annotations

import base64
import json
import logging
import re
from collections.abc import Callable
from html import escape
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.pretty import pretty_repr

from claudemeter_tui.claude_ai.client import CookieClient
from claudemeter_tui.claude_ai.responses import RequestFailedError, parse_body
from claudemeter_tui.claude_ai.secret_filter import (
    MARKER,
    MAX_SECRETS,
    MIN_FRAGMENT,
    SecretFilter,
    select_secrets,
)
from claudemeter_tui.claude_code.source import BearerClient
from claudemeter_tui.model.sanitize import sanitize_text
from claudemeter_tui.model.secrets import Cookies, Secret
from tests import golden_bodies
from tests.bodies import PERSONAL
from tests.claude_ai.api_cases import START, asking, saying
from tests.responses import Answer, Request, redirect
from tests.server import LoopbackServer

KEY = "sk-ant-sid01-qT7xV0mNcR4yB8zKpL2wEuJhGsDfA6iO5-9XkZrYvQbMnWlPoIjUhTgFeDcSaRq1w2E-AAxyzQAA"
JAR = Cookies([("sessionKey", KEY)])


def cleaned(text: str, *secrets: str) -> str:
    """Return a text after the filter of these secrets."""
    one = SecretFilter()
    for secret in secrets or (KEY,):
        one.add(Secret(secret))
    return one.clean_text(text)


def percent(text: str) -> str:
    """Return the text with every character percent-encoded."""
    return "".join(f"%{ord(char):02X}" for char in text)


def escaped(text: str) -> str:
    """Return the text with every character in JSON's long form."""
    return "".join(f"\\u{ord(char):04x}" for char in text)


FORMS: tuple[Callable[[str], str], ...] = (
    str,
    str.upper,
    str.lower,
    percent,
    escaped,
    lambda key: percent(percent(key)),
    lambda key: escaped(percent(key)),
    lambda key: percent(escaped(key)),
    lambda key: escaped(key).replace("\\", "\\\\"),
    lambda key: "".join(f"&#{ord(char)};" for char in key),
    lambda key: "".join(f"&#x{ord(char):x};" for char in key),
    lambda key: key.replace("-", "%2D"),
    "\u200b".join,
    "\\u200b".join,
    lambda key: "\u202e".join((key[:9], key[9:])),
    "\ue000\u0007".join,
    "\\u0007".join,
)


@pytest.mark.parametrize("form", FORMS)
def test_secret_is_removed_in_every_form(form: Callable[[str], str]) -> None:
    """One marker replaces the secret, however it is written, and the text around it stays."""
    assert cleaned(f"ab%{form(KEY)}\\n{form(KEY)}é") == f"ab%{MARKER}\\n{MARKER}é"


@given(first=st.integers(0, len(KEY)), length=st.integers(0, len(KEY)), form=st.sampled_from(FORMS))
def test_no_long_part_survives(first: int, length: int, form: Callable[[str], str]) -> None:
    """Each part of twenty characters or more is removed; a shorter one is none."""
    part = KEY[first : first + length]
    found = cleaned(f"<{form(part)}>")
    assert found == (f"<{MARKER}>" if len(part) >= MIN_FRAGMENT else f"<{form(part)}>")


SIGNS_KEY = f"{KEY[:40]}~?~>~?{KEY[40:]}"
"""A secret whose Base64 text differs between the two alphabets at each alignment."""
ENCODINGS: tuple[Callable[[bytes], bytes], ...] = (
    base64.b64encode,
    base64.urlsafe_b64encode,
    lambda content: base64.b64encode(content).rstrip(b"="),
    lambda content: content.hex().encode(),
    lambda content: content.hex().upper().encode(),
)


@pytest.mark.parametrize("encode", ENCODINGS)
@pytest.mark.parametrize("before", ["", "a", "ab", "sessionKey=", "Cookie: sessionKey=", 'x"'])
@pytest.mark.parametrize("secret", [KEY, SIGNS_KEY, "sk-ant-x", "short-key"])
def test_encoded_secret_is_removed(encode: Callable[[bytes], bytes], before: str, secret: str) -> None:
    """Base64 and hex hide no secret, whatever precedes it in the encoded text; JSON and URLs may wrap it."""
    encoded = encode(f"{before}{secret};".encode()).decode()
    # Characters of Base64 at the edges also depend on the text around the secret.
    kept = re.escape(encode(before.encode()).decode().rstrip("=")[:-1])
    expected = rf'{{"a": "{kept}[\w+/-]{{0,2}}{re.escape(MARKER)}[\w+/-]{{0,3}}=*"}}'
    for body in (json.dumps({"a": encoded}), json.dumps({"a": encoded}).replace("/", "\\/")):
        assert re.fullmatch(expected, cleaned(body, secret))
    assert MARKER in cleaned(quote(encoded, safe=""), secret)


@given(
    first=st.integers(0, len(SIGNS_KEY) - MIN_FRAGMENT),
    length=st.integers(MIN_FRAGMENT, len(SIGNS_KEY)),
    before=st.text(max_size=5).map(str.encode),
    encode=st.sampled_from(ENCODINGS),
)
def test_no_long_encoded_part_survives(
    first: int, length: int, before: bytes, encode: Callable[[bytes], bytes]
) -> None:
    """Each part of twenty characters or more is removed from Base64 and hex, too."""
    content = before + SIGNS_KEY[first : first + length].encode() + b"\n"
    assert MARKER in cleaned(encode(content).decode(), SIGNS_KEY)


@given(st.binary() | st.text(alphabet="%\\u&#x;0aé").map(str.encode))
def test_content_without_a_secret_is_unchanged(content: bytes) -> None:
    """Every byte stays, whatever looks like an escape in it."""
    one = SecretFilter()
    one.add(Secret(KEY))
    assert one.clean(content) == content


@pytest.mark.parametrize("secret", ["", "ab", "1234567", "17000000000000", "sk-1"])
def test_short_texts_and_numbers_are_no_secret(secret: str) -> None:
    """They would be removed from ordinary texts."""
    assert cleaned(f"{secret} {secret}", secret) == f"{secret} {secret}"


@pytest.mark.parametrize("secret", ["sk-ant-x", "sk-ant-sid01-MARKER", 'a"b\\c/d%20e', "%22quoted-key%22"])
def test_short_secret_is_removed_as_a_whole(secret: str) -> None:
    """A secret shorter than a fragment is one; quotes in it are found as JSON writes them."""
    body = json.dumps({"message": f"bad {secret}!", secret: 1})
    assert json.loads(cleaned(body, secret)) == {"message": f"bad {MARKER}!", MARKER: 1}
    assert cleaned(quote(secret), secret) == MARKER


def test_cleaned_body_is_json_with_the_same_form() -> None:
    """Keys and values with a secret get the marker, and the JSON stays whole."""
    body = {"a": [KEY, {KEY: f'"{KEY}"'}], "b": escape(f"'{KEY}'"), "c": 1.5, "d": "\u00e9\\"}
    expected = {"a": [MARKER, {MARKER: f'"{MARKER}"'}], "b": escape(f"'{MARKER}'"), "c": 1.5, "d": "\u00e9\\"}
    assert json.loads(cleaned(json.dumps(body))) == expected
    assert json.loads(cleaned(json.dumps(body, ensure_ascii=False))) == expected


def test_marker_is_shown_as_it_is() -> None:
    """Nothing is stripped from the marker, and it begins no web page."""
    assert sanitize_text(MARKER) == MARKER
    assert MARKER.isascii()
    assert not set(MARKER) & set('"\\<%&')


@pytest.mark.parametrize(
    ("expected", "name", "value"),
    [
        (True, "sessionKey", "sk-ant-x"),
        (True, "sessionKeyV3", "aaaaaaaa-0000-4000-8000-000000000001"),
        (True, "cf_clearance", "planted"),
        (True, "__cf_bm", "x"),
        (True, "routingHint", "x"),
        (True, "other", "Zm9vYmFyYmF6cXV4MTIzNA=="),
        (True, "other", "0123456789abcdef0123456789abcdef"),
        (False, "lastActiveOrg", PERSONAL),
        (False, "lastActiveOrg", "org_0123456789ABCDEFGHIJ"),
        (False, "ajs_user_id", f"%22{PERSONAL}%22"),
        (False, "ajs_email", "pat.of.the.long.name1@example.com"),
        (False, "consent", "2026-04-25T14:48:00.000Z"),
        (False, "consent", "%7B%22analytics%22%3Afalse%2C%22v%22%3A1%7D"),
        (False, "model", "claude-opus-4-5-20251101"),
        (False, "tier", "default_claude_max_20x"),
        (False, "locale", "en-US"),
        (False, "theme", "default-theme-with-a-dark-sidebar"),
    ],
)
def test_credentials_of_a_jar_are_secrets(expected: bool, name: str, value: str) -> None:  # noqa: FBT001 - a table
    """Ids, dates, models and settings stay, because replies contain them for good reasons."""
    assert [secret.reveal() for secret in select_secrets(Cookies([(name, value)]))] == [value] * expected


def test_old_secrets_are_remembered_and_few() -> None:
    """A renewed key is still removed, and the number of keys is bounded."""
    one = SecretFilter()
    for number in range(MAX_SECRETS + 1):
        one.add(Secret(f"secret-number-{number:04}"))
        one.add(Secret(KEY))
    text = " ".join(f"secret-number-{number:04}" for number in range(MAX_SECRETS + 1))
    assert one.clean_text(f"{KEY} {text}") == " ".join(
        (MARKER, "secret-number-0000", "secret-number-0001", *[MARKER] * (MAX_SECRETS - 1))
    )


def test_filter_prints_no_secret() -> None:
    """Neither the filter nor what it holds shows a part of the secret."""
    one = SecretFilter()
    one.add(Secret(KEY))
    shown = f"{one!r}{vars(one)!r}{pretty_repr(vars(one))}"
    assert "Secret()" in shown
    assert KEY[:MIN_FRAGMENT] not in shown


@pytest.mark.parametrize(
    "content",
    [b"x" * (1 << 20), b"%25" * 349_000, (KEY[:19].encode() + b" ") * 52_000, KEY.encode() * 12_000],
    ids=["plain", "encoded", "near", "secrets"],
)
def test_cost_is_bounded(content: bytes) -> None:
    """The largest body of the worst form is searched once for each level of encoding."""
    one = SecretFilter()
    one.add(Secret(KEY))
    assert (one.clean(content) == content) is (KEY.encode() not in content)


# The clients.


async def test_client_removes_its_cookies_from_bodies_and_headers() -> None:
    """Text, headers and the host of a redirect have the marker, in the reply that renews the key, too."""
    fresh = KEY[::-1]

    def echo(request: Request) -> Answer:
        more = {"Set-Cookie": f"sessionKey={fresh}; Path=/", "Retry-After": f"in {fresh}"}
        return Answer(200, more, json.dumps([request.headers["cookie"], fresh]).encode())

    with LoopbackServer() as server:
        server.routes["/"] = echo
        server.routes["/away"] = redirect(f"https://{KEY}.example.com/{fresh}")
        async with asking(server.url, JAR) as client:
            answers = [await client.get("/") for _ in range(3)]
            away = await client.get("/away")
    assert [json.loads(answer.text) for answer in answers] == [[f"sessionKey={MARKER}", MARKER]] * 3
    assert answers[0].headers["retry-after"] == f"in {MARKER}"
    with pytest.raises(RequestFailedError) as caught:
        parse_body(away)
    assert caught.value.detail == f"status 302 to {MARKER}.example.com"


async def test_client_removes_a_spare_key_before_it_is_sent() -> None:
    """A second key of the jar is hidden from the first reply on."""
    spare = KEY.replace("qT7", "zz9")
    jar = Cookies([("sessionKey", KEY)], spare_keys=[spare])
    with LoopbackServer() as server:
        server.routes["/"] = Answer.json({"name": spare})
        async with asking(server.url, jar) as client:
            answer = await client.get("/")
    assert spare not in answer.text
    assert MARKER in answer.text


async def test_client_of_a_token_removes_it() -> None:
    """The token of a login is removed, and so is the one before."""
    with LoopbackServer() as server:
        server.routes["/"] = Answer.json({"old": f"Bearer {KEY}", "new": KEY[::-1]})
        client = BearerClient(base_url=server.url, now=lambda: START)
        for token in (KEY, KEY[::-1], None):
            client.set_token(Secret(token) if token else None)
        answer = await client.get("/")
        await client.aclose()
    assert json.loads(answer.text) == {"old": f"Bearer {MARKER}", "new": MARKER}


async def test_reason_phrase_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    """A server words the phrase beside the status, which httpx logs."""
    caplog.set_level(logging.DEBUG)
    data = f"HTTP/1.1 200 {KEY}\r\nX-Echo: {KEY}\r\nContent-Length: 2\r\n\r\n{{}}".encode()
    async with saying(data) as url, asking(url, JAR) as client:
        await client.get("/")
    assert KEY not in caplog.text


async def test_ordinary_replies_are_unchanged() -> None:
    """A jar with an org's id and settings changes nothing in complete bodies."""
    pairs = [("sessionKey", KEY), ("lastActiveOrg", PERSONAL), ("tier", "default_claude_max_20x")]
    with LoopbackServer() as server:
        client = CookieClient(Cookies(pairs), base_url=server.url, now=lambda: START)
        for body in golden_bodies.by_endpoint().values():
            server.routes["/"] = Answer.json(body)
            assert json.loads((await client.get("/")).text) == body
        await client.aclose()
