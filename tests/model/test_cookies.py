"""The cookies of one session, and the forms in which a person gives them."""

from __future__ import annotations

import pickle
import traceback
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claudemeter_tui.model.secrets import BadCookieError, Cookies, matches_host

KEY = "sk-ant-sid01-MARKER_-AA"
NETSCAPE = "# Netscape HTTP Cookie File"


def row(name: str, value: str, domain: str = ".claude.ai") -> str:
    """Return a line of a Netscape file."""
    return f"{domain}\tTRUE\t/\tTRUE\t1799999999\t{name}\t{value}"


def netscape(tmp_path: Path, *lines: str, end: str = "\n") -> Path:
    """Return a Netscape file of these lines."""
    path = tmp_path / "cookies.txt"
    path.write_bytes(end.join((NETSCAPE, *lines, "")).encode())
    return path


@pytest.mark.parametrize(
    ("pairs", "text"),
    [
        ((("sessionKey", KEY),), KEY),
        ((("sessionKey", KEY),), f" {KEY}\n"),
        ((("sessionKey", KEY),), f"\ufeff{KEY}\r\n"),
        ((("sessionKey", KEY),), f"sessionKey={KEY}"),
        ((("a", "1"), ("sessionKey", KEY), ("b", "x=y==")), f"a=1; sessionKey={KEY};b=x=y== ;"),
        ((("a", "1"), ("sessionKey", KEY)), f"Cookie: a=1; sessionKey={KEY}"),
        ((("a", "1"), ("sessionKey", KEY)), f"COOKIE:a=1; sessionKey={KEY}"),
        ((("sessionKey", KEY),), f"cookie: {KEY}"),
        ((("sessionKey", KEY), ("cookie:", "x")), f"sessionKey={KEY}; cookie:=x"),
        ((("sessionKey", "new"),), "sessionKey=old; sessionKey=new"),
        ((("sessionKey", KEY), ("flag", "")), f"sessionKey={KEY}; flag; =odd"),
        ((("j", '{"a": "b c"}'), ("sessionKey", KEY)), f'j={{"a": "b c"}}; sessionKey={KEY}'),
    ],
)
def test_cookies_are_read_from_a_header_or_a_key(pairs: tuple[tuple[str, str], ...], text: str) -> None:
    """A header, with or without its name, and the bare value of the key are read."""
    assert pairs == Cookies.parse(text).reveal()


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        ("empty", ""),
        ("empty", " \n"),
        ("empty", "Cookie:"),
        ("no sessionKey", "a=1; b=2"),
        ("no sessionKey", "sessionKey="),
        ("no sessionKey", "sessionkey=MARKER"),
        ("no sessionKey", ";"),
        ("line break", "sessionKey=MARKER\r\nX-Injected: 1"),
        ("character", "sessionKey=MARK\x00ER"),
        ("character", "sessionKey=MARKÉR"),
        ("character", "sessionKey=MARK\tER"),
        ("it is not a session key; expected a Cookie header", "MARKER"),
        ("it is not a session key; expected a Cookie header", "sk-ant-sid01-MARKER and more"),
        ("an API key or another token, not a session key", "sk-ant-api03-MARKER"),
        ("an API key or another token, not a session key", "sk-ant-oat01-MARKER"),
    ],
)
def test_bad_cookies_are_refused_without_a_quote(reason: str, text: str) -> None:
    """The error states the reason, but quotes nothing of the input, which may be most of a key."""
    with pytest.raises(BadCookieError, match=reason) as caught:
        Cookies.parse(text)
    assert "MARK" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_netscape_file_gives_the_cookies_of_its_host(tmp_path: Path, end: str) -> None:
    """Cookies of the host and its subdomains are read, http-only and expired ones included, and no others."""
    path = netscape(
        tmp_path,
        "",
        "# a comment\twith tabs",
        f"#HttpOnly_{row('sessionKey', KEY)}",
        row("host", "1", "Claude.ai"),
        row("spaces", "a b"),
        row("empty", ""),
        row("cut", "").rstrip("\t"),
        row("foreign", "1", ".notclaude.ai"),
        row("evil", "1", "claude.ai.evil.example"),
        ".claude.ai\tFALSE\t/\tFALSE\t\told\tx",
        end=end,
    )
    wanted = (("sessionKey", KEY), ("host", "1"), ("spaces", "a b"), ("old", "x"))
    assert wanted == Cookies.from_netscape(path, ["claude.ai", "127.0.0.1"]).reveal()


@pytest.mark.parametrize(
    "line",
    [
        f"sessionKey={KEY}",
        f".claude.ai TRUE / TRUE 0 sessionKey {KEY}",
        f".claude.ai\tTRUE\t/\tTRUE\tsessionKey\t{KEY}\t0\t1",
        row("sessionKey", KEY) + "\textra",
    ],
)
def test_bad_netscape_file_is_refused_without_a_quote(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], line: str
) -> None:
    """A line with the wrong number of fields is no cookie, and is printed nowhere."""
    with pytest.raises(BadCookieError, match="neither") as caught:
        Cookies.from_netscape(netscape(tmp_path, line), ["claude.ai"])
    assert "MARKER" not in "".join((*traceback.format_exception(caught.value), *capfd.readouterr()))


@pytest.mark.parametrize("line", ["", row("other", "1"), row("sessionKey", KEY, ".evil.example")])
def test_netscape_file_without_a_key_names_the_host(tmp_path: Path, line: str) -> None:
    """The error names the first host, which people know."""
    with pytest.raises(BadCookieError, match=r"no sessionKey for claude\.ai"):
        Cookies.from_netscape(netscape(tmp_path, line), ["claude.ai", "localhost"])


@pytest.mark.parametrize(
    "pair",
    [
        ("", "1"),
        ("a=b", "1"),
        ("a;b", "1"),
        ("a b", "1"),
        ("a", "1;b=2"),
        ("a", "x\r\nX-Injected: 1"),
        ("a", "\x00"),
        ("a\x7f", "1"),
        ("a", "\ud800"),
    ],
)
def test_cookies_drop_what_no_header_can_hold(pair: tuple[str, str]) -> None:
    """A cookie that no header can hold is dropped, and the key stays."""
    assert Cookies([pair, ("sessionKey", KEY)]).reveal() == (("sessionKey", KEY),)


def test_empty_key_counts_as_missing() -> None:
    """An empty key counts as missing; the key is sent alone if the other cookies do harm."""
    cookies = Cookies([("a", "1"), ("sessionKey", KEY)])
    assert [
        cookies.has_session_key,
        Cookies([("a", "1")]).has_session_key,
        Cookies([("sessionKey", "")]).has_session_key,
    ] == [True, False, False]
    assert Cookies([("sessionKey", KEY)]) == cookies.select_session_key()
    assert hash(Cookies([("sessionKey", KEY)])) == hash(cookies.select_session_key())


@given(st.text(min_size=8))
def test_cookies_show_no_value(value: str) -> None:
    """No repr, str, format or error shows a value."""
    cookies = Cookies([("sessionKey", f"MARKER{value}")])
    with pytest.raises(TypeError) as caught:
        len(cookies)  # type: ignore[arg-type]
    assert "MARKER" not in f"{cookies!r} {cookies} {cookies:} {vars(type(cookies))} {caught.value!r}"


def test_cookies_refuse_to_be_pickled() -> None:
    """Cookies refuse to be pickled, because a pickle ends up in a file."""
    with pytest.raises(TypeError, match="Cookies"):
        pickle.dumps(Cookies([("sessionKey", KEY)]))


@pytest.mark.parametrize(
    ("expected", "domain"),
    [
        (True, "claude.ai"),
        (True, ".claude.ai"),
        (True, "www.claude.ai"),
        (False, "notclaude.ai"),
        (False, ".notclaude.ai"),
        (False, "claude.ai.evil.example"),
        (False, "ai"),
        (False, ""),
    ],
)
def test_cookie_belongs_to_its_host_and_those_below(expected: bool, domain: str) -> None:  # noqa: FBT001 - a table
    """A cookie belongs to its host and subdomains, not to a host whose name only contains the host's."""
    assert expected is matches_host(domain, "claude.ai")
