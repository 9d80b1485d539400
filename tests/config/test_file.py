"""The config file, the environment beside it, and the output of `--config`."""

from __future__ import annotations

import os
import re
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claudemeter_tui.cli import main
from claudemeter_tui.config.actions import build_flag_parser
from claudemeter_tui.config.resolution import COOKIE_VARIABLE, Invocation, format_settings, load_settings
from claudemeter_tui.model.secrets import Cookies
from claudemeter_tui.settings import SETTINGS, SettingsError

MARKER = "sk-ant-sid01-PLANTED-MARKER"
KEY = Cookies([("sessionKey", MARKER)])
EVERYTHING = """
interval = 90
source = "cookie"
browser = ["Firefox", "Chrome:Work"]
ignore = ["Edge", "Old Org"]
base_url = "https://proxy.example.com"
theme = "nord"
ascii = true
screen = "overview"
privacy = true
pictures = "shots"
thresholds = [80, 95.5]
transcripts = false
metrics_token_file = "token"
on_event = ["notify", "--quiet"]
[alerts]
toast = false
bell = false
desktop = "osc777"
[orgs]
order = ["work", "Lab"]
[orgs.aliases]
"Acme Team" = "work"
[history]
enabled = false
replies_days = 30
max_mb = 100
"""


def chosen(text: str, folder: Path, *arguments: str, **environment: str) -> Invocation:
    """Return the settings with a config file of this text."""
    file = folder / "config.toml"
    file.write_text(text, "utf-8")
    return load_settings(arguments, environment, file)


def refusal(text: str, folder: Path, *arguments: str, **environment: str) -> str:
    """Return the error about unusable settings: one line, without a secret."""
    with pytest.raises(SettingsError) as caught:
        chosen(text, folder, *arguments, **environment)
    message = str(caught.value)
    assert "\n" not in message
    assert MARKER not in message
    return message


def test_file_gives_every_setting(tmp_path: Path) -> None:
    """Every setting can be in the file, and a path in it is relative to its folder."""
    (tmp_path / "shots").mkdir()
    found = chosen(EVERYTHING, tmp_path)
    assert found == Invocation(
        interval=timedelta(seconds=90),
        source="cookie",
        browser=("Firefox", "Chrome:Work"),
        ignore=("Edge", "Old Org"),
        orgs_order=("work", "Lab"),
        orgs_aliases=(("Acme Team", "work"),),
        base_url="https://proxy.example.com",
        theme="nord",
        ascii=True,
        screen="overview",
        privacy=True,
        pictures=tmp_path / "shots",
        thresholds=(80, 95.5),
        transcripts=False,
        metrics_token_file=tmp_path / "token",
        on_event=("notify", "--quiet"),
        alerts_toast=False,
        alerts_bell=False,
        alerts_desktop="osc777",
        history_enabled=False,
        history_replies_days=30,
        history_max_mb=100,
    )
    assert {key for key, one in found.resolved.items() if one.place} == {
        setting.key for setting in SETTINGS
    } - {"cookie_file"}


@pytest.mark.parametrize("text", ["", "# nothing\n", "\ufeff", "[alerts]\n"])
def test_empty_file_changes_nothing(text: str, tmp_path: Path) -> None:
    """An empty file, a comment, a byte order mark and an empty table change nothing."""
    assert chosen(text, tmp_path) == Invocation()


@pytest.mark.parametrize("name", ["none", "file"])
def test_missing_folder_for_pictures_is_refused_from_every_source(name: str, tmp_path: Path) -> None:
    """The error comes at the start, with the text of `--screenshot`, and no folder is made."""
    (tmp_path / "file").touch()
    folder = str(tmp_path / name)
    message = f"{folder!r} is not an existing folder"
    assert f"--pictures: {message}" == refusal("", tmp_path, "--pictures", folder)
    assert f"CLAUDEMETER_PICTURES: {message}" == refusal("", tmp_path, CLAUDEMETER_PICTURES=folder)
    file = str(tmp_path / "config.toml")
    assert f"{file!r}: pictures: {message}" == refusal(f'pictures = "{name}"', tmp_path)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("flag", ["--line", "--check", "--once", "--json"])
def test_commands_without_pictures_ignore_their_folder(flag: str, tmp_path: Path) -> None:
    """A missing disk does not keep a status bar from its figures."""
    assert chosen(f"pictures = {str(tmp_path / 'none')!r}", tmp_path, flag).pictures == tmp_path / "none"


@pytest.mark.parametrize("name", ["none.toml", "file/config.toml"])
def test_file_is_optional(name: str, tmp_path: Path) -> None:
    """Neither the file nor its folder has to exist."""
    (tmp_path / "file").touch()
    assert load_settings([], {}, tmp_path / name) == Invocation()


@pytest.mark.parametrize(
    ("expected", "arguments", "environment"),
    [
        (90, (), {}),
        (120, (), {"CLAUDEMETER_INTERVAL": "120"}),
        (180, ("--interval", "180"), {"CLAUDEMETER_INTERVAL": "120"}),
        (90, (), {"CLAUDEMETER_INTERVAL": ""}),
    ],
)
def test_flags_override_the_environment_which_overrides_the_file(
    expected: int, arguments: tuple[str, ...], environment: dict[str, str], tmp_path: Path
) -> None:
    """An empty variable counts as unset."""
    found = chosen("interval = 90", tmp_path, *arguments, **environment)
    assert found.interval == timedelta(seconds=expected)


@pytest.mark.parametrize(
    ("expected", "variable", "text"),
    [
        ({"browser": ("Chrome", "Firefox:Work")}, "BROWSER", "Chrome, Firefox:Work"),
        ({"thresholds": (50, 80)}, "THRESHOLDS", "80,50,80"),
        ({"on_event": ("say", "it is full")}, "ON_EVENT", "say 'it is full'"),
        ({"alerts_toast": False}, "ALERTS_TOAST", "off"),
        ({"alerts_desktop": "osc9"}, "ALERTS_DESKTOP", "OSC9"),
        ({"ascii": True}, "ASCII", "yes"),
        ({"privacy": True}, "PRIVACY", "True"),
        ({"ignore": ("Edge", "Old Org")}, "IGNORE", "Edge, Old Org, Edge"),
        (
            {"orgs_aliases": (("Acme", "work"), ("u", "lab"))},
            "ORGS_ALIASES",
            "Acme=work, u = lab",
        ),
    ],
)
def test_environment_gives_settings_as_text(expected: dict[str, Any], variable: str, text: str) -> None:
    """Lists are split at commas, switches are words, and a command is split as in a shell."""
    found = load_settings([], {f"CLAUDEMETER_{variable}": text})
    assert {name: getattr(found, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("expected", "arguments"),
    [
        ({"browser": ("Chrome", "firefox:Work")}, "--browser Chrome --browser firefox:Work"),
        ({"source": "claude-code"}, "--source claude-code"),
        ({"ascii": True}, "--ascii"),
        ({"ascii": False}, "--ascii=no"),
        ({"privacy": True}, "--privacy"),
        ({"privacy": False}, "--privacy no"),
        ({"theme": "nord"}, "--theme nord"),
    ],
)
def test_flags_give_settings(expected: dict[str, Any], arguments: str) -> None:
    """A switch needs no value, and `--browser` can be repeated."""
    found = load_settings(arguments.split(), {"CLAUDEMETER_ASCII": "auto", "LANG": "C"})
    assert {name: getattr(found, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("expected", "environment"),
    [
        (False, {}),
        (False, {"LANG": "en_US.UTF-8"}),
        (False, {"LANG": "C", "LC_ALL": "C.utf8"}),
        (False, {"LANG": "", "LC_ALL": ""}),
        (True, {"LANG": "C"}),
        (True, {"LANG": "C", "LC_CTYPE": "C.UTF-8"}),
        (False, {"LC_CTYPE": "C.UTF-8"}),
        (True, {"LANG": "de_DE@euro"}),
        (True, {"LANG": "en_US.UTF-8", "LC_CTYPE": "POSIX"}),
        (True, {"LC_CTYPE": "en_US.UTF-8", "LC_ALL": "C"}),
    ],
)
def test_locale_without_utf_8_means_ascii(expected: bool, environment: dict[str, str]) -> None:  # noqa: FBT001
    """The variable of highest priority decides; with none set, UTF-8 is assumed."""
    assert load_settings([], environment).ascii is expected


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ("interval: 'soon' is not a number of seconds", 'interval = "soon"'),
        ("interval: True is not a number of seconds", "interval = true"),
        ("interval: nan is not a number of seconds", "interval = nan"),
        ("interval: 5 is out of range (30 to 86400 seconds)", "interval = 5"),
        ("base_url: it must look like https://host or http://127.0.0.1:PORT", 'base_url = "claude.ai"'),
        ("base_url: 5 is not a quoted string", "base_url = 5"),
        ("source: 'web' is not one of auto, cookie, claude-code", 'source = "web"'),
        ("source: 'cooky' is not one of auto, cookie, claude-code; did you mean cookie?", 'source = "cooky"'),
        ("source: True is not one of auto, cookie, claude-code", "source = true"),
        ("ascii: 'maybe' is not one of auto, yes, no", 'ascii = "maybe"'),
        ("privacy: 1 is not yes or no", "privacy = 1"),
        ("browser: unknown browser 'Lynx'; supported: Chrome, ", 'browser = ["Chrome", "Lynx:x"]'),
        ("browser: [1] is not a list of quoted strings", "browser = [1]"),
        ("ignore: 5 is not a list of quoted strings", "ignore = 5"),
        ("orgs.aliases: ['work'] is not a table of quoted names", '[orgs]\naliases = ["work"]'),
        ("orgs.aliases: {'Acme': 5} is not a table of quoted names", "[orgs.aliases]\nAcme = 5"),
        ("orgs.aliases: {'Acme': ''} has an org without a name or an alias", '[orgs.aliases]\nAcme = ""'),
        ("thresholds: [0] is not a list of percentages (above 0, up to 100)", "thresholds = [0]"),
        ("thresholds: [75, 101] is not a list of percentages (above 0, up to 100)", "thresholds = [75, 101]"),
        ("thresholds: ['x'] is not a list of percentages (above 0, up to 100)", 'thresholds = ["x"]'),
        ("on_event: unclosed quotation mark", 'on_event = "say \'x"'),
        ("alerts.toast: 'maybe' is not yes or no", '[alerts]\ntoast = "maybe"'),
        ("alerts.desktop: 'popup' is not one of auto, osc9, osc777, off", 'alerts.desktop = "popup"'),
        ("pictures: not a valid file name", 'pictures = "a\\u0000b"'),
        ("pictures: '~no-such-one/x': home folder not found", 'pictures = "~no-such-one/x"'),
        ("intervall: unknown setting; did you mean interval?", "intervall = 60"),
        ("base-url: unknown setting; did you mean base_url?", 'base-url = "x"'),
        ("alerts.beep: unknown setting; did you mean alerts.bell?", "[alerts]\nbeep = true"),
        ("once: unknown setting; ", "once = true"),
        ("wibble: unknown setting; choose from interval, source, ", "wibble = true"),
        ("'\\x1b[31m': unknown setting; choose from ", '"\\u001b[31m" = 1'),
        ("alerts: this is a table; write [alerts] and its keys below it", "alerts = true"),
    ],
)
def test_bad_key_or_value_is_one_line_with_file_and_dotted_key(
    expected: str, text: str, tmp_path: Path
) -> None:
    """The value is quoted, without control characters."""
    message = refusal(text, tmp_path)
    assert message.startswith(f"{str(tmp_path / 'config.toml')!r}: {expected}")
    assert message.isprintable()


@pytest.mark.parametrize(
    ("expected", "content"),
    [
        ("Expected '=' after a key in a key/value pair (at line 2, column 10)", b"\ninterval 60\n"),
        ("Cannot overwrite a value (at line 2, column 13)", b"interval = 1\ninterval = 2\n"),
        ("not valid UTF-8", b"theme = '\xff'"),
        ("a number has too many digits", b"interval = " + b"9" * 5000),
        ("nested too deeply", b"x = " + b"[" * 100_000),
        ("too large for a config file", b"#" * (1 << 20) + b"\n"),
    ],
)
def test_broken_file_is_one_line_with_the_parsers_position(
    expected: str, content: bytes, tmp_path: Path
) -> None:
    """Nothing of a broken file is used."""
    file = tmp_path / "config.toml"
    file.write_bytes(content)
    with pytest.raises(SettingsError, match=re.escape(f"{str(file)!r}: {expected}")):
        load_settings([], {}, file)


def test_file_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    """The error has the system's words."""
    with pytest.raises(SettingsError, match=re.escape(f"{str(tmp_path)!r}: Is a directory")):
        load_settings([], {}, tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        f'cookie = "{MARKER}"',
        f'sessionKey = "{MARKER}"',
        f'session_key = "{MARKER}"',
        f'access_token = "{MARKER}"',
        f'"{MARKER}" = 1',
        f'cookie_file = "{MARKER}"',
        f'cookie_file = "a=b; sessionKey={MARKER}"',
        f'theme = ["{MARKER}"]',
        f'source = "{MARKER}"',
    ],
)
def test_secret_in_the_file_is_refused_and_never_quoted(text: str, tmp_path: Path) -> None:
    """A secret is not a setting, and the error names its place."""
    message = refusal(text, tmp_path)
    assert "cookie_file" in message or "session key" in message


def test_secret_argument_is_never_quoted() -> None:
    """A secret is not quoted, even in an unexpected argument."""
    for arguments in (["--cookie-file", MARKER], [MARKER], ["--interval", MARKER]):
        with pytest.raises(SettingsError) as caught:
            load_settings(arguments, {})
        assert MARKER not in str(caught.value)


def test_overridden_bad_value_is_refused(tmp_path: Path) -> None:
    """Every source is validated, even if a higher one overrides it."""
    assert "interval: 5 is out of range" in refusal("interval = 5", tmp_path, "--interval", "60")


COOKIE, BROWSERS = (KEY, ()), (None, ("Chrome",))


@pytest.mark.parametrize(
    ("expected", "text", "arguments", "environment"),
    [
        (COOKIE, 'cookie_file = "key.txt"', "", {}),
        (COOKIE, 'browser = ["Chrome"]', "--cookie-file {0}/key.txt", {}),
        (COOKIE, 'browser = ["Chrome"]', "", {COOKIE_VARIABLE: MARKER}),
        (COOKIE, 'source = "claude-code"', "", {COOKIE_VARIABLE: MARKER}),
        (COOKIE, 'cookie_file = "none"', "", {COOKIE_VARIABLE: MARKER}),
        (COOKIE, 'cookie_file = "key.txt"', "", {"CLAUDEMETER_BROWSER": ""}),
        (BROWSERS, 'cookie_file = "none"', "--browser Chrome", {}),
        (BROWSERS, "", "--browser Chrome", {COOKIE_VARIABLE: MARKER}),
        (BROWSERS, 'cookie_file = "none"', "", {"CLAUDEMETER_BROWSER": "Chrome"}),
        ((None, ()), 'cookie_file = "none"', "--source claude-code", {}),
    ],
)
def test_higher_source_decides_between_a_cookie_and_a_browser(
    expected: tuple[Cookies | None, tuple[str, ...]],
    text: str,
    arguments: str,
    environment: dict[str, str],
    tmp_path: Path,
) -> None:
    """The source that is left out is not even read."""
    (tmp_path / "key.txt").write_text(MARKER)
    found = chosen(text, tmp_path, *arguments.format(tmp_path).split(), **environment)
    assert (found.cookies, found.browser) == expected
    assert found.cookies is None or found.source != "claude-code"


@pytest.mark.parametrize(
    ("expected", "text", "arguments", "environment"),
    [
        ("--browser and --cookie-file can't be combined", "", "--browser Chrome --cookie-file x", {}),
        ("--source and --cookie-file can't be combined", "", "--source claude-code --cookie-file x", {}),
        (
            f"CLAUDEMETER_BROWSER and {COOKIE_VARIABLE} can't be combined",
            "",
            "",
            {"CLAUDEMETER_BROWSER": "Chrome", COOKIE_VARIABLE: MARKER},
        ),
        ("browser and cookie_file can't be combined", 'browser = ["Chrome"]\ncookie_file = "x"', "", {}),
    ],
)
def test_cookie_and_browser_in_one_source_are_refused(
    expected: str, text: str, arguments: str, environment: dict[str, str], tmp_path: Path
) -> None:
    """No setting is ignored silently."""
    assert expected in refusal(text, tmp_path, *arguments.split(), **environment)


def test_config_shows_each_value_with_its_source(tmp_path: Path) -> None:
    """The sources are flag, environment, file and default; the file's path comes first."""
    found = chosen("privacy = true", tmp_path, "--interval", "90", CLAUDEMETER_THEME="nord")
    shown = format_settings(found.resolved, {COOKIE_VARIABLE: MARKER}, tmp_path / "config.toml").splitlines()
    assert shown[0] == f"# {tmp_path / 'config.toml'}"
    assert shown[1] == f"# {COOKIE_VARIABLE} is set (value hidden)"
    assert {
        "interval = 90                   # --interval",
        'theme = "nord"                  # CLAUDEMETER_THEME',
        "privacy = true                  # this file",
        'ascii = "auto"                  # default',
    } <= set(shown)
    assert len(shown) == 2 + len(SETTINGS)


def test_config_prints_a_config_file(tmp_path: Path) -> None:
    """The output, read as a config file, gives the same settings."""
    (tmp_path / "shots").mkdir()
    found = chosen(EVERYTHING, tmp_path)
    shown = format_settings(found.resolved, {}, tmp_path / "config.toml")
    assert chosen(shown, tmp_path) == found


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_config_escapes_characters_that_are_not_printable(text: str) -> None:
    """The output is escaped as in TOML, and reads back as the same text."""
    given = load_settings([], {}).resolved
    shown = format_settings({**given, "pictures": given["pictures"]._replace(value=text)}, {}, Path("/none"))
    assert all(char.isprintable() or char == "\n" for char in shown)
    assert tomllib.loads(shown)["pictures"] == text


@pytest.mark.skipif(os.name == "nt", reason="the folders are those of Linux and macOS")
def test_program_reads_the_file_of_the_config_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--config` names the file, and a bad one exits with 2."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    assert main(["--config"]) == 0
    first = capsys.readouterr().out.partition("\n")[0]
    file = Path(first.removeprefix("# ").removesuffix(" (not found)"))
    file.parent.mkdir(parents=True)
    file.write_text("interval = 90\n")
    assert main(["--config"]) == 0
    assert f"# {file}\ninterval = 90                   # this file\n" in capsys.readouterr().out
    file.write_text("intervall = 90\n")
    assert main(["--config"]) == 2
    assert capsys.readouterr() == (
        "",
        f"claudemeter-tui: {str(file)!r}: intervall: unknown setting; did you mean interval?\n",
    )


def test_every_setting_has_its_flag_key_and_variable() -> None:
    """Names follow from the key, and `--help` lists each flag."""
    helped = build_flag_parser().format_help()
    for setting in SETTINGS:
        assert setting.environment_variable == "CLAUDEMETER_" + re.sub(r"\W", "_", setting.key).upper()
        assert setting.help[0].islower()
        assert setting.flag in helped
        assert bool(setting.flag) is setting.has_flag
