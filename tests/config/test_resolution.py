"""The settings: values of each flag, and the one-line error for a bad one."""

from __future__ import annotations

import re
import warnings
from datetime import timedelta
from pathlib import Path

import pytest
from textual.theme import BUILTIN_THEMES

from claudemeter_tui.config.actions import Action
from claudemeter_tui.config.resolution import (
    COOKIE_VARIABLE,
    MAX_COOKIE_FILE_BYTES,
    Invocation,
    load_settings,
)
from claudemeter_tui.model.secrets import Cookies
from claudemeter_tui.settings import THEME_NAMES, SettingsError
from claudemeter_tui.tui.theme import DASHBOARD_THEMES

MARKER = "sk-ant-sid01-PLANTED-MARKER"
KEY = Cookies([("sessionKey", MARKER)])
NETSCAPE = f"# Netscape HTTP Cookie File\n.claude.ai\tTRUE\t/\tTRUE\t0\tsessionKey\t{MARKER}\n"


def refusal(*arguments: str, **environment: str) -> str:
    """Return the error about unusable settings: one line, without the cookie."""
    with pytest.raises(SettingsError) as caught:
        load_settings(arguments, environment)
    message = str(caught.value)
    assert "\n" not in message
    assert MARKER not in message
    return message


def test_settings_without_arguments_are_the_defaults() -> None:
    """By default the dashboard polls claude.ai every minute with a browser's session."""
    chosen = load_settings([], {})
    assert chosen == Invocation()
    assert (chosen.interval, chosen.base_url, chosen.size) == (
        timedelta(minutes=1),
        "https://claude.ai",
        (120, 36),
    )


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        (timedelta(seconds=30), "30"),
        (timedelta(seconds=90.5), "90.5"),
        (timedelta(days=1), "86400"),
    ],
)
def test_interval_takes_seconds(expected: timedelta, text: str) -> None:
    """The interval is 30 seconds to a day."""
    assert load_settings(["--interval", text], {}).interval == expected


@pytest.mark.parametrize("text", ["", "soon", "1m", "nan", "1e999", "-inf", "0x40", "6\x1b[31m0"])
def test_interval_that_is_no_number_is_refused(text: str) -> None:
    """The error quotes the text."""
    assert refusal(f"--interval={text}") == f"--interval: {text!r} is not a number of seconds"


@pytest.mark.parametrize("text", ["29.9", "0", "-60", "86401", "1e9", " 5\n"])
def test_interval_out_of_range_is_refused(text: str) -> None:
    """A shorter interval would hammer the server, a longer one would make the dashboard useless."""
    expected = f"--interval: {text.strip()} is out of range (30 to 86400 seconds)"
    assert refusal(f"--interval={text}") == expected


@pytest.mark.parametrize("theme", THEME_NAMES)
def test_theme_is_a_known_one(theme: str) -> None:
    """The themes are our own and all of Textual's, by name."""
    assert load_settings(["--theme", f" {theme} "], {}).theme == theme


def test_themes_are_known_without_loading_them() -> None:
    """The settings know the same names as the dashboard."""
    assert (*(theme.name for theme in DASHBOARD_THEMES), *BUILTIN_THEMES) == THEME_NAMES


@pytest.mark.parametrize(
    "action",
    ["", "--demo", "--once", "--json", "--json --watch", "--check", "--line", "--sessions", "--config"],
)
def test_bad_value_is_refused_for_every_command(action: str) -> None:
    """A bad value is refused even if the command ignores the setting."""
    expected = "--theme: unknown theme 'nrod'; did you mean nord?"
    assert refusal(*action.split(), "--theme", "nrod").startswith(expected)


@pytest.mark.parametrize(
    ("expected", "text"), [((40, 1), "40x1"), ((120, 36), "120x36"), ((500, 200), "0500x200")]
)
def test_size_takes_columns_and_lines(expected: tuple[int, int], text: str) -> None:
    """The size is 40x1 to 500x200."""
    assert load_settings(["--screenshot", "x.svg", "--size", text], {}).size == expected


@pytest.mark.parametrize(
    "text", ["", "120", "120X36", "120x", "x36", "12.5x36", "120x36x1", "-120x36", "١٢٠x٣٦", " 1x2"]
)
def test_size_of_another_form_is_refused(text: str) -> None:
    """The error names the form."""
    assert refusal("--screenshot=x.svg", f"--size={text}") == f"--size: {text!r} is not a size such as 120x36"


@pytest.mark.parametrize("text", ["39x36", "120x0", "501x36", "120x201", "9999x9999"])
def test_size_out_of_range_is_refused(text: str) -> None:
    """The error names the range."""
    assert (
        refusal("--screenshot=x.svg", "--size", text) == f"--size: {text} is out of range (40x1 to 500x200)"
    )


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ("https://claude.ai", "https://claude.ai/"),
        ("https://proxy.example.com:8443", " HTTPS://Proxy.Example.com:8443 "),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("http://localhost", "http://localhost"),
        ("https://xn--exmple-cua.com", "https://xn--exmple-cua.com"),
    ],
)
def test_base_url_takes_an_origin(expected: str, text: str) -> None:
    """Https is allowed for any host, http for this machine only."""
    assert load_settings(["--base-url", text], {}).base_url == expected


SCHEME = "it must look like https://host or http://127.0.0.1:PORT"


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        (SCHEME, ""),
        (SCHEME, "claude.ai"),
        (SCHEME, "ftp://claude.ai"),
        (SCHEME, "https://"),
        (SCHEME, "https://:80"),
        ("it must have only scheme, host and port", "https://claude.ai/api"),
        ("it must have only scheme, host and port", "https://claude.ai?x=1"),
        ("it must have only scheme, host and port", f"https://pat:{MARKER}@claude.ai"),
        ("plain http would expose the session cookie; use https", "http://claude.ai"),
        ("plain http would expose the session cookie; use https", "http://192.168.1.5:80"),
        ("it is not a web address", "https://[::1"),
        ("it is not a web address", "https://claude.ai:99999"),
        ("it is not a web address", "https://claude.ai:http"),
        (SCHEME, "http://127.0.0.1:0"),
        (SCHEME, "https://a b"),
        (SCHEME, "https://exämple.com"),
        (SCHEME, f"https://a\\{MARKER}"),
    ],
)
def test_base_url_that_is_no_origin_is_refused(expected: str, text: str) -> None:
    """The error comes before any request."""
    message = refusal("--base-url", text)
    assert message.startswith("--base-url: ")
    assert expected in message


@pytest.mark.parametrize(
    "text",
    [MARKER, f"  {MARKER}\n", f"Cookie: a=b; sessionKey={MARKER}", NETSCAPE, f"#HttpOnly_{NETSCAPE[28:]}"],
)
def test_cookie_file_holds_a_header_a_key_or_netscape_lines(text: str, tmp_path: Path) -> None:
    """Each format gives the session key, and the flag overrides the environment."""
    path = tmp_path / "cookies.txt"
    path.write_text(text)
    chosen = load_settings(["--cookie-file", str(path)], {COOKIE_VARIABLE: "sessionKey=another"})
    assert chosen.cookies is not None
    assert chosen.cookies.select_session_key() == KEY
    assert chosen.cookies_origin == "cookie file"


@pytest.mark.parametrize(
    ("expected", "content"),
    [
        ("it is empty", b""),
        ("it is empty", b" \n"),
        (
            "it has a line break or a character that is not allowed in a cookie",
            f"{MARKER}\n{MARKER}".encode(),
        ),
        ("it has a line break or a character that is not allowed in a cookie", f"{MARKER}é".encode()),
        ("it has no sessionKey; expected a Cookie header", f"lastActiveOrg={MARKER}".encode()),
        ("it is neither a Cookie header nor a Netscape cookie file", f"a\t{MARKER}".encode()),
        ("it has no sessionKey for claude.ai", NETSCAPE.replace("claude.ai", "evil.com").encode()),
        ("is not a text file", MARKER.encode("utf-16")),
        ("too large for a cookie file", b"x" * (MAX_COOKIE_FILE_BYTES + 1)),
    ],
)
def test_cookie_file_without_a_session_is_refused(expected: str, content: bytes, tmp_path: Path) -> None:
    """The error names the file and its fault, without words of a library."""
    path = tmp_path / "cookies.txt"
    path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        message = refusal("--cookie-file", str(path))
    assert message.startswith(f"--cookie-file: {str(path)!r}")
    assert expected in message


@pytest.mark.parametrize(
    ("expected", "name"),
    [
        ("No such file or directory", "none.txt"),
        ("Is a directory", "."),
        ("Not a directory", "file/below"),
        ("File name too long", "x" * 300),
    ],
)
def test_cookie_file_that_cannot_be_read_is_refused(expected: str, name: str, tmp_path: Path) -> None:
    """The error has the system's words."""
    (tmp_path / "file").touch()
    assert refusal("--cookie-file", str(tmp_path / name)).endswith(f": {expected}")


def test_cookie_file_that_is_forbidden_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error has the system's words; permissions are faked, because root may read everything."""

    def forbidden(path: Path, *_: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", forbidden)
    assert refusal("--cookie-file", str(tmp_path)) == f"--cookie-file: {str(tmp_path)!r}: Permission denied"


def test_endless_cookie_file_is_refused() -> None:
    """The file is not read forever."""
    path = Path("/dev/zero")
    if not path.exists():
        pytest.skip("the system has no file without an end")
    assert refusal("--cookie-file", str(path)) == "--cookie-file: '/dev/zero': too large for a cookie file"


@pytest.mark.parametrize("flag", ["--cookie-file", "--screenshot"])
def test_home_of_an_unknown_user_is_refused(flag: str) -> None:
    """`~` of an unknown user is an error."""
    text = "~no-such-user-here/x.svg"
    assert refusal(flag, text) == f"{flag}: {text!r}: home folder not found"


def test_environment_gives_the_cookie() -> None:
    """The session is labelled with the variable's name."""
    chosen = load_settings([], {COOKIE_VARIABLE: MARKER})
    assert (chosen.cookies, chosen.cookies_origin) == (KEY, COOKIE_VARIABLE)


@pytest.mark.parametrize("text", ["", "a=b", f"{MARKER}\x1b", f"{MARKER}\udcff"])
def test_environment_without_a_session_is_refused(text: str) -> None:
    """The error names the variable, and nothing of its content."""
    assert refusal(**{COOKIE_VARIABLE: text}).startswith(f"{COOKIE_VARIABLE}: it ")


def test_demo_ignores_the_cookie() -> None:
    """The demo ignores even a bad cookie."""
    chosen = load_settings(["--demo", "--cookie-file", "/none"], {COOKIE_VARIABLE: ""})
    assert (chosen.demo, chosen.cookies) == (True, None)


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ("'{0}/picture.jpg' must end in .svg or .png", "picture.jpg"),
        ("'{0}/picture' must end in .svg or .png", "picture"),
        ("'{0}/none' is not an existing folder", "none/picture.svg"),
        ("'{0}/file' is not an existing folder", "file/picture.svg"),
        (": File name too long", f"{'x' * 300}/picture.svg"),
    ],
)
def test_screenshot_that_cannot_be_saved_is_refused(expected: str, text: str, tmp_path: Path) -> None:
    """The error comes before any poll."""
    (tmp_path / "file").touch()
    message = refusal("--screenshot", f"{tmp_path}/{text}")
    assert message.startswith("--screenshot: ")
    assert message.endswith(expected.format(tmp_path))


@pytest.mark.parametrize(
    ("expected", "arguments"),
    [
        ((Action.DASHBOARD, None, None), ""),
        ((Action.DASHBOARD, "2", None), "--org 2"),
        ((Action.SCREENSHOT, "2", None), "--screenshot x.svg --org 2"),
        ((Action.ONCE, None, None), "--once"),
        ((Action.JSON, None, None), "--json"),
        ((Action.JSON, None, None), "--once --json"),
        ((Action.ONCE, "2", None), "--once --org 2"),
        ((Action.WATCH, "2", None), "--json --watch --org 2"),
        ((Action.CHECK, "2", None), "--check --org 2"),
        ((Action.LINE, None, None), "--line"),
        ((Action.LINE, "2", "{org}"), "--line --org 2 --format {org}"),
        ((Action.SESSIONS, None, None), "--sessions"),
        ((Action.CONFIG, None, None), "--config"),
    ],
)
def test_command_is_selected_by_flags(
    expected: tuple[Action, str | None, str | None], arguments: str
) -> None:
    """`--json` implies `--once`, and `--watch` needs `--json`."""
    chosen = load_settings(arguments.split(), {})
    assert (chosen.action, chosen.org, chosen.line_format) == expected


@pytest.mark.parametrize(
    ("expected", "arguments"),
    [
        ("--screenshot and --once can't be combined", "--once --screenshot x.svg"),
        ("--screenshot and --json can't be combined", "--json --screenshot x.svg"),
        ("--line and --check can't be combined", "--line --check"),
        ("--check and --watch can't be combined", "--json --watch --check"),
        ("--sessions and --demo can't be combined", "--sessions --demo"),
        ("--watch requires --json", "--once --watch"),
        ("--config and --org can't be combined", "--org 1 --config"),
        ("--sessions and --org can't be combined", "--org 1 --sessions"),
        ("--forget and --org can't be combined", "--org 1 --forget all"),
        ("--format only works with --line", "--check --format {org}"),
        ("--size only works with --screenshot", "--once --size 80x24"),
        ("unrecognized arguments: --bogus; see --help", "--bogus"),
        ("unrecognized arguments: picture.svg; see --help", "picture.svg"),
        ("unrecognized arguments: --inter 60; did you mean --interval?", "--inter 60"),
        ("unrecognized arguments: --onec; did you mean --once?", "--onec"),
        ("unrecognized arguments: --jsn=x; did you mean --json?", "--theme=nord --jsn=x"),
        ("unrecognized arguments: -once; did you mean --once?", "-once"),
        ("unrecognized arguments: demo; did you mean --demo?", "demo"),
        ("argument --size: expected one argument; see --help", "--size"),
        ("argument --org: expected one argument; see --help", "--once --org"),
        ("argument --demo: ignored explicit argument 'yes'; see --help", "--demo=yes"),
    ],
)
def test_incompatible_flags_are_refused(expected: str, arguments: str) -> None:
    """No flag is ignored silently."""
    assert refusal(*arguments.split()) == expected


def test_help_and_version_exit_with_0(capsys: pytest.CaptureFixture[str]) -> None:
    """Both print their text and exit with success."""
    for flag, expected in (
        ("--help", "--cookie-file FILE"),
        ("--version", r"claudemeter-tui \d+\.\d+\.\d+\n"),
    ):
        with pytest.raises(SystemExit, match=r"^0$"):
            load_settings([flag], {})
        assert re.search(expected, capsys.readouterr().out)
