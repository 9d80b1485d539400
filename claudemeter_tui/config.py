"""The settings of one run, validated. Bad ones are told in one clear line."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

from claudemeter_tui import __version__
from claudemeter_tui.sources.cookies import BadCookieError, Cookies
from claudemeter_tui.sources.origin import CLAUDE_AI, BadOriginError, origin

COOKIE_VARIABLE = "CLAUDEMETER_COOKIE"
SHORTEST_INTERVAL = timedelta(seconds=30)
SMALLEST, LARGEST = (40, 1), (500, 200)
"""Columns and lines of a picture."""
LARGEST_COOKIE_FILE = 1 << 20
"""Bytes; real ones have a few thousand."""


class SettingsError(ValueError):
    """A setting that cannot be used. Its text names it and says what to do."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the person asked for."""

    demo: bool = False
    interval: timedelta = timedelta(seconds=60)
    """Between two polls, 30 s or more."""
    base_url: str = CLAUDE_AI
    """An origin: scheme, host and port."""
    cookies: Cookies | None = None
    """Given by hand. None: look for a browser's session."""
    cookies_from: str = ""
    """Where they were given, for people; empty without them."""
    screenshot: Path | None = None
    """Save one picture there and exit. None: open the dashboard."""
    size: tuple[int, int] = (120, 36)
    """Columns and lines of the picture."""
    once: bool = False
    """Poll once, print what was read, and exit."""
    as_json: bool = False
    """Print it as JSON."""
    org: str | None = None
    """The one org to print: its number, name or uuid. None: all of them."""


class _Flags(argparse.ArgumentParser):
    """Tells what is wrong in one line, like every other bad setting."""

    def error(self, message: str) -> NoReturn:
        raise SettingsError(f"{message}; --help tells what there is")


def parser() -> argparse.ArgumentParser:
    """The flags."""
    flags = _Flags(
        prog="claudemeter-tui",
        description="Can I go on working with Claude, am I paying for it, and when does the limit lift?",
        epilog=f"The session comes from --cookie-file, {COOKIE_VARIABLE}, or a browser that is signed in.",
        allow_abbrev=False,
    )
    flags.add_argument("--version", action="version", version=f"claudemeter-tui {__version__}")
    flags.add_argument("--demo", action="store_true", help="a simulated day; no account, no network")
    flags.add_argument("--interval", metavar="SECONDS", help="between two polls, 30 at least (60)")
    flags.add_argument(
        "--cookie-file", metavar="FILE", help="a Cookie header, a bare sessionKey, or a Netscape cookie file"
    )
    flags.add_argument(
        "--base-url", metavar="URL", help=f"another origin than {CLAUDE_AI}; http only on this machine"
    )
    flags.add_argument(
        "--screenshot", metavar="FILE.svg", help="save one picture, without a terminal, and exit"
    )
    flags.add_argument("--size", metavar="COLSxLINES", help="of the picture (120x36)")
    flags.add_argument("--once", action="store_true", help="print every org's figures, and exit")
    flags.add_argument("--json", action="store_true", help="print them and the replies as JSON, and exit")
    flags.add_argument("--org", metavar="ORG", help="print only this one: its number, name or uuid")
    return flags


def settings(arguments: Sequence[str], environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of these arguments and this environment.

    Raises:
        SettingsError: one of them cannot be used.
    """
    given = parser().parse_args(arguments)
    once = given.once or given.json
    if once and given.screenshot is not None:
        raise SettingsError("--screenshot: a picture cannot be had together with --once or --json")
    if given.org is not None and not once:
        raise SettingsError("--org: it chooses what --once or --json print; give one of them too")
    try:
        base_url = origin(given.base_url) if given.base_url is not None else CLAUDE_AI
    except BadOriginError as error:
        raise SettingsError(f"--base-url: {error}") from None
    cookies, place = (None, "") if given.demo else _cookies(given.cookie_file, environment, base_url)
    return Settings(
        demo=given.demo,
        interval=_interval(given.interval),
        base_url=base_url,
        cookies=cookies,
        cookies_from=place,
        screenshot=_picture(given.screenshot),
        size=_size(given.size),
        once=once,
        as_json=given.json,
        org=given.org,
    )


def _interval(text: str | None) -> timedelta:
    if text is None:
        return Settings().interval
    try:
        seconds = timedelta(seconds=float(text))
    except (ValueError, OverflowError):
        raise SettingsError(f"--interval: {text!r} is not a number of seconds") from None
    if not SHORTEST_INTERVAL <= seconds <= timedelta(days=1):
        raise SettingsError(f"--interval: {text.strip()} is out of range; 30 to 86400 seconds are possible")
    return seconds


def _size(text: str | None) -> tuple[int, int]:
    if text is None:
        return Settings().size
    match = re.fullmatch(r"([0-9]{1,4})x([0-9]{1,4})", text)
    if match is None:
        raise SettingsError(f"--size: {text!r} is not of the form 120x36")
    columns, lines = int(match[1]), int(match[2])
    if not (SMALLEST[0] <= columns <= LARGEST[0] and SMALLEST[1] <= lines <= LARGEST[1]):
        raise SettingsError(f"--size: {text} is out of range; 40x1 to 500x200 are possible")
    return columns, lines


def _picture(text: str | None) -> Path | None:
    if text is None:
        return None
    path = _path("--screenshot", text)
    if path.suffix.lower() != ".svg":
        raise SettingsError(f"--screenshot: {text!r} must end in .svg")
    try:
        if path.parent.is_dir():
            return path
    except OSError as error:
        raise SettingsError(f"--screenshot: {str(path.parent)!r}: {_why(error)}") from None
    raise SettingsError(f"--screenshot: there is no folder {str(path.parent)!r}")


def _path(flag: str, text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise SettingsError(f"{flag}: {text!r}: there is no such home folder") from None


def _why(error: OSError) -> str:
    return error.strerror or "it cannot be read"


def _cookies(file: str | None, environment: Mapping[str, str], base_url: str) -> tuple[Cookies | None, str]:
    """The cookies given by hand and where; the flag wins over the environment."""
    if file is not None:
        return _cookie_file(_path("--cookie-file", file), base_url), "cookie file"
    text = environment.get(COOKIE_VARIABLE)
    if text is None:
        return None, ""
    try:
        return Cookies.parse(text), COOKIE_VARIABLE
    except BadCookieError as error:
        raise SettingsError(f"{COOKIE_VARIABLE}: {error}") from None


def _cookie_file(path: Path, base_url: str) -> Cookies:
    hosts = [urlsplit(url).hostname or "" for url in (CLAUDE_AI, base_url)]
    try:
        text = _text(path)
        if text.lstrip().startswith("#") or "\t" in text:
            return Cookies.from_netscape(path, hosts)
        return Cookies.parse(text)
    except OSError as error:
        raise SettingsError(f"--cookie-file: {str(path)!r}: {_why(error)}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"--cookie-file: {str(path)!r} is not a text file") from None
    except BadCookieError as error:
        raise SettingsError(f"--cookie-file: {str(path)!r}: {error}") from None


def _text(path: Path) -> str:
    """A file's text, as far as it can be a cookie file."""
    with path.open("rb") as file:
        content = file.read(LARGEST_COOKIE_FILE + 1)
    if len(content) > LARGEST_COOKIE_FILE:
        raise BadCookieError("it is larger than any cookie file")
    return content.decode()
