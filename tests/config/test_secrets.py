"""A session key given in the wrong place appears in no output, not even in the error about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from claudemeter_tui.cli import main
from claudemeter_tui.config.actions import ACTION_FLAGS, build_flag_parser
from claudemeter_tui.config.resolution import COOKIE_VARIABLE
from claudemeter_tui.settings import SETTINGS, SettingsError

SECRET = "PLANTED-MARKER"
KEY = f"sk-ant-sid01-{SECRET}"
TEXTS = (
    *(KEY, KEY.upper(), f"x {KEY} y", f"it's {KEY}", f'"{KEY}"', f"{'x' * 190}{KEY}", f"{KEY}\n{KEY}"),
    *(f"https://{KEY.lower()}.example.com", f"https://claude.ai/{KEY}", f"https://pat:{KEY}@claude.ai"),
    *(f"Cookie: a=b; sessionKey={SECRET}; c=d", f"sessionKey={SECRET}", f"~{KEY}/x.svg", f"{KEY}/x.svg"),
    *(f"./{KEY}.svg", f"Chrome,{KEY}", f"Chrome:{KEY}", f"75,{KEY}", f"{{{KEY}}}", f"notify --key '{KEY}'"),
    *(f"notify {KEY} 'never closed", f"120x{KEY}", f"auto{KEY}"),
)
"""Texts that hold a secret, each in the form of some setting."""
FLAGS = sorted(option for one in build_flag_parser()._actions for option in one.option_strings)
NEEDS = {"--format": ["--line"], "--size": ["--screenshot", "x.svg"], "--watch": ["--json"]}
"""Flags that need another flag. --org gets --once, and every setting --config."""


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep everything in a folder without browsers, and without a network."""
    for name in (
        "HOME",
        "USERPROFILE",
        "APPDATA",
        "LOCALAPPDATA",
        "XDG_CONFIG_HOME",
        "XDG_DATA_HOME",
        "XDG_STATE_HOME",
    ):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.chdir(tmp_path)


def shown(capsys: pytest.CaptureFixture[str], arguments: Sequence[str]) -> str:
    """Return everything that the program prints, in lower case."""
    with suppress(SystemExit):  # --help and --version
        main(arguments)
    return "".join(capsys.readouterr()).lower()


def lines_with(flag: str, text: str) -> Iterator[list[str]]:
    """Yield command lines that give the text to the flag, or where the flag's name should be."""
    kind = {flag.name for flag in ACTION_FLAGS}
    base = NEEDS.get(flag, ["--once"] if flag == "--org" else [] if flag in kind else ["--config"])
    yield [*base, flag, text]
    yield [*base, f"{flag}={text}"]
    yield [*base, f"{flag}{text}"]


@pytest.mark.parametrize("flag", FLAGS)
def test_no_flag_shows_a_secret(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Every flag of the program with every text, as its value and glued to it."""
    for text in TEXTS:
        for arguments in lines_with(flag, text):
            assert SECRET.lower() not in shown(capsys, arguments), arguments


@pytest.mark.parametrize("variable", [COOKIE_VARIABLE, *(one.environment_variable for one in SETTINGS)])
def test_no_variable_shows_a_secret(
    variable: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every variable of the environment, listed by --config and refused by --sessions."""
    for text in TEXTS:
        monkeypatch.setenv(variable, text)
        assert SECRET.lower() not in shown(capsys, ["--config"]), text


@pytest.mark.parametrize("key", [*(one.key for one in SETTINGS), "alerts", "cookie", KEY, "unknown"])
def test_no_key_of_the_file_shows_a_secret(
    key: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every key with a text and with a list, and a secret in a key's place or in no TOML at all."""
    file = tmp_path / "claudemeter-tui" / "config.toml"
    file.parent.mkdir()
    for text in TEXTS:
        quoted = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        for value in (f'"{quoted}"', f'["{quoted}"]', f'[["{quoted}"]]', f'{{"{quoted}" = "{quoted}"}}', KEY):
            file.write_text(f"{key} = {value}\n")
            assert SECRET.lower() not in shown(capsys, ["--config"]), (key, value)


@pytest.mark.parametrize("text", TEXTS)
def test_no_argument_shows_a_secret(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Alone, after a flag without a value, and as a flag of its own."""
    for arguments in ([text], ["--once", text], [f"--{text}"], [f"-{text}"], ["--", text]):
        assert SECRET.lower() not in shown(capsys, arguments), arguments


def test_every_error_masks_secrets_itself() -> None:
    """A message that quotes a value without `quote_value` shows no secret either."""
    message = str(SettingsError(f"--x: {KEY!r} and {KEY}, 'sessionKey={SECRET}; a=b' are no sessionKey"))
    masked = "[hidden session key]"
    assert message == f"--x: {masked} and {masked} {masked} are no sessionKey"


@pytest.mark.parametrize(
    ("expected", "arguments"),
    [
        ("argument --format: a session key is not a valid value", ["--line", "--format", f"{{org}} {KEY}"]),
        ("argument --org: a session key is not a valid value", ["--once", "--org", KEY]),
        (
            "--base-url: a session key is not a host name",
            ["--config", "--base-url", f"https://{KEY.lower()}.example.com"],
        ),
        ("--browser: a session key is not a profile name", ["--config", "--browser", f"Chrome:{KEY}"]),
    ],
)
def test_secret_that_would_be_a_valid_value_is_refused(
    expected: str, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A line would print it, a name server would receive it, and the table of sessions would list it."""
    assert main(arguments) == 2
    assert expected in capsys.readouterr().err
