"""The places of Claude Code's login, and every reason why a login is unusable."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from claudemeter_tui.claude_code.credentials import CommandResult, CommandRunner, find_login
from claudemeter_tui.model.secrets import Secret
from claudemeter_tui.model.session_search import Login, LoginError, LoginResult, NoLogin
from tests.claude_code.fake_login import NOON, TOKEN, Keychain, login_file, login_text, no_keychain

ITEM = "Claude Code-credentials"


def found(
    home: Path,
    system: str = "linux",
    environment: Mapping[str, str] | None = None,
    run: CommandRunner = no_keychain,
) -> LoginResult:
    """Search for a login without the person's own files."""
    return find_login(home=home, now=NOON, system=system, environment=environment or {}, run=run)


def lack(answer: LoginResult) -> LoginError:
    """Return why there is no login."""
    assert isinstance(answer, NoLogin)
    return answer.error


def token(answer: LoginResult) -> str:
    """Return the token of a login."""
    assert isinstance(answer, Login), answer
    return answer.token.reveal()


@pytest.mark.parametrize("system", ["linux", "win32"])
def test_login_of_the_file(tmp_path: Path, system: str) -> None:
    """Token, expiry, scopes and plan come from one file; no keychain is asked outside macOS."""
    login_file(tmp_path)
    scopes = frozenset({"user:inference", "user:profile"})
    expected = Login(Secret(TOKEN), "login file", NOON + timedelta(hours=8), scopes, "Max")
    assert expected == found(tmp_path, system)


def test_login_follows_the_config_folder(tmp_path: Path) -> None:
    """`CLAUDE_CONFIG_DIR` replaces `~/.claude`; an empty value counts as unset."""
    login_file(tmp_path, login_text("of-the-home"))
    login_file(tmp_path, login_text("of-the-work"), "work")
    assert token(found(tmp_path, environment={"CLAUDE_CONFIG_DIR": str(tmp_path / "work")})) == "of-the-work"
    assert token(found(tmp_path, environment={"CLAUDE_CONFIG_DIR": ""})) == "of-the-home"
    elsewhere = {"CLAUDE_CONFIG_DIR": str(tmp_path / "none")}
    assert lack(found(tmp_path, environment=elsewhere)) is LoginError.NO_LOGIN


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", LoginError.NOT_JSON),
        ("{", LoginError.NOT_JSON),
        (b"\xff\xfe{}", LoginError.NOT_JSON),
        ("[" * 100_000, LoginError.NOT_JSON),
        ("[]", LoginError.NO_TOKEN),
        ("null", LoginError.NO_TOKEN),
        ("{}", LoginError.NO_TOKEN),
        ('{"claudeAiOauth": "text"}', LoginError.NO_TOKEN),
        (login_text(None), LoginError.NO_TOKEN),
        (login_text(""), LoginError.NO_TOKEN),
        (login_text(4711), LoginError.NO_TOKEN),
        (login_text("two\nlines"), LoginError.NO_TOKEN),
        (login_text("ümlaut"), LoginError.NO_TOKEN),
        (login_text("x" * 10_000), LoginError.NO_TOKEN),
        (login_text(expires=NOON), LoginError.EXPIRED),
        (login_text(expires=NOON - timedelta(days=9)), LoginError.EXPIRED),
        (login_text(scopes=[]), LoginError.NO_SCOPE),
        (login_text(scopes=["user:inference"]), LoginError.NO_SCOPE),
        (login_text(scopes=["user:inference"], expires=NOON), LoginError.NO_SCOPE),
    ],
)
def test_unusable_login_has_a_reason(tmp_path: Path, text: str | bytes, expected: LoginError) -> None:
    """Each unusable login has a reason; a missing scope comes first, because no renewal cures it."""
    login_file(tmp_path, text)
    assert lack(found(tmp_path)) is expected


def test_missing_login_file_is_no_login(tmp_path: Path) -> None:
    """A missing file, or a file in place of its folder, means that there is no login."""
    assert lack(found(tmp_path)) is LoginError.NO_LOGIN
    (tmp_path / ".claude").write_text("")
    assert lack(found(tmp_path)) is LoginError.NO_LOGIN


def test_login_file_that_cannot_be_opened_names_the_cause(tmp_path: Path) -> None:
    """The system's reason is reported without the path."""
    (tmp_path / ".claude" / ".credentials.json").mkdir(parents=True)
    answer = found(tmp_path)
    expected = NoLogin(LoginError.UNREADABLE, "the login file cannot be read: is a directory")
    assert expected == answer


@pytest.mark.parametrize(
    "text", [login_text(expires=NOON + timedelta(seconds=1)), login_text().encode("utf-8-sig")]
)
def test_usable_login_is_accepted(tmp_path: Path, text: str | bytes) -> None:
    """A login is usable up to its last second, and with the byte order mark that some editors add."""
    login_file(tmp_path, text)
    assert token(found(tmp_path)) == TOKEN


@pytest.mark.parametrize("expires", [None, "soon", True, 1e300, [], float("nan")])
def test_unreadable_expiry_is_ignored(tmp_path: Path, expires: object) -> None:
    """A login without a readable expiry is tried, because the server decides."""
    login_file(tmp_path, login_text(expiresAt=expires))
    answer = found(tmp_path)
    assert isinstance(answer, Login)
    assert answer.expires_at is None


def test_expiry_counts_milliseconds(tmp_path: Path) -> None:
    """The expiry is in milliseconds; as seconds it would be the year 58,517."""
    login_file(tmp_path, login_text(expiresAt=1784443682444))
    answer = found(tmp_path)
    assert isinstance(answer, Login)
    assert datetime(2026, 7, 19, 6, 48, 2, 444000, tzinfo=UTC) == answer.expires_at


@pytest.mark.parametrize("odd", [None, 7, ["max"]])
def test_unreadable_scopes_and_plan_are_ignored(tmp_path: Path, odd: object) -> None:
    """A login without readable scopes is tried, because the server decides."""
    login_file(tmp_path, login_text(scopes=7 if odd is None else "user:profile", subscriptionType=odd))
    answer = found(tmp_path)
    assert isinstance(answer, Login)
    assert (answer.scopes, answer.plan) == (None, "")


def test_plan_is_sanitized(tmp_path: Path) -> None:
    """The plan is stripped of control characters, because the file comes from elsewhere."""
    login_file(tmp_path, login_text(subscriptionType="\x1b]0;team\x07"))
    answer = found(tmp_path)
    assert isinstance(answer, Login)
    assert answer.plan.isprintable()


def suffixed(folder: str) -> str:
    """Return the item's name for a folder that the environment names."""
    return f"{ITEM}-{hashlib.sha256(folder.encode()).hexdigest()[:8]}"


def test_keychain_comes_first_on_macos(tmp_path: Path) -> None:
    """The plain item is read first, and nothing else if it is good."""
    login_file(tmp_path, login_text("of-the-file"))
    keychain = Keychain({ITEM: login_text("of-the-keychain")})
    answer = found(tmp_path, "darwin", run=keychain)
    assert token(answer) == "of-the-keychain"
    assert isinstance(answer, Login)
    assert answer.place == "keychain"
    assert keychain.asked == [ITEM]


@pytest.mark.parametrize("tail", ["", "/"])
def test_keychain_item_of_a_config_folder(tmp_path: Path, tail: str) -> None:
    """The suffix is the hash of the variable's exact text, with a trailing slash if there is one."""
    folder = str(tmp_path / "work") + tail
    keychain = Keychain({ITEM: login_text("plain"), suffixed(folder): login_text("own")})
    assert token(found(tmp_path, "darwin", {"CLAUDE_CONFIG_DIR": folder}, keychain)) == "own"
    assert keychain.asked == [suffixed(folder)]


def test_keychain_suffix_matches_a_published_value(tmp_path: Path) -> None:
    """The suffix for this folder is the value that others published."""
    keychain = Keychain({"Claude Code-credentials-03abf0ee": login_text("own")})
    folder = {"CLAUDE_CONFIG_DIR": "/Users/test/.claude-work"}
    assert token(found(tmp_path, "darwin", folder, keychain)) == "own"


def test_keychain_suffix_of_a_decomposed_name(tmp_path: Path) -> None:
    """Accents are composed before the hash, as in Claude Code."""
    composed = "/Users/test/.caf\N{LATIN SMALL LETTER E WITH ACUTE}"
    keychain = Keychain({suffixed(composed): login_text("own")})
    folder = {"CLAUDE_CONFIG_DIR": unicodedata.normalize("NFD", composed)}
    assert token(found(tmp_path, "darwin", folder, keychain)) == "own"


@pytest.mark.parametrize("given", [True, False])
def test_keychain_other_name_comes_last(tmp_path: Path, *, given: bool) -> None:
    """The other name is tried last: some versions use the plain name despite a folder, or the suffix."""
    folder = str(tmp_path / ".claude")
    names = (suffixed(folder), ITEM) if given else (ITEM, suffixed(folder))
    keychain = Keychain({names[1]: login_text("other")})
    environment = {"CLAUDE_CONFIG_DIR": folder} if given else {}
    assert token(found(tmp_path, "darwin", environment, keychain)) == "other"
    assert keychain.asked == list(names)


@pytest.mark.parametrize("item", [login_text(expires=NOON), "no JSON", 36])
def test_file_replaces_an_unusable_keychain(tmp_path: Path, item: str | int) -> None:
    """A keychain that is locked or holds an old login does not hide a good file."""
    login_file(tmp_path, login_text("of-the-file"))
    assert token(found(tmp_path, "darwin", run=Keychain({ITEM: item}))) == "of-the-file"


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (36, NoLogin(LoginError.UNREADABLE, "the keychain is locked: run security unlock-keychain")),
        (51, NoLogin(LoginError.UNREADABLE, "the keychain did not accept the password")),
        (128, NoLogin(LoginError.UNREADABLE, "access to the keychain was declined")),
        (1, NoLogin(LoginError.UNREADABLE, "the keychain's tool failed (status 1)")),
        (TimeoutError(), NoLogin(LoginError.UNREADABLE, "the keychain did not answer in time")),
        (
            FileNotFoundError(),
            NoLogin(LoginError.UNREADABLE, "the keychain's tool cannot be run (FileNotFoundError)"),
        ),
        ("{", NoLogin(LoginError.NOT_JSON, "what the keychain holds is not JSON")),
    ],
)
def test_keychain_without_a_login_reports_the_first_failure(
    tmp_path: Path, item: str | int | OSError, expected: NoLogin
) -> None:
    """The first failure is reported in words."""
    assert expected == found(tmp_path, "darwin", run=Keychain({ITEM: item}))


def test_keychain_item_in_hexadecimal(tmp_path: Path) -> None:
    """An item in hexadecimal, the tool's form for anything but printable ASCII, is decoded."""
    text = login_text(subscriptionType="größer")
    assert token(found(tmp_path, "darwin", run=Keychain({ITEM: text.encode().hex()}))) == TOKEN


def test_keychain_item_in_broken_hexadecimal_is_not_json(tmp_path: Path) -> None:
    """An item that decodes to no text is no login."""
    assert lack(found(tmp_path, "darwin", run=Keychain({ITEM: "fffe"}))) is LoginError.NOT_JSON


def test_finished_prints_no_output() -> None:
    """The repr of a finished command hides its output, which is the login."""
    assert TOKEN not in repr(CommandResult(0, Secret(login_text())))
