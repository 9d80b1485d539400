"""The value of each setting and the place it was given in: a flag, the environment, the file, or nowhere."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from pathlib import Path
from typing import Any

from claudemeter_tui.config.errors import SettingsError
from claudemeter_tui.config.file import keys_of
from claudemeter_tui.config.table import SETTINGS, Setting


class Rank(IntEnum):
    """Where a value was given; the higher one wins."""

    DEFAULT = 0
    FILE = 1
    ENVIRONMENT = 2
    FLAG = 3


@dataclass(frozen=True, slots=True)
class Given:
    """The value of one setting."""

    setting: Setting
    value: Any
    """As its kind gives it."""
    rank: Rank
    place: str = ""
    """As a message begins: `--interval`, `CLAUDEMETER_INTERVAL`, `'/…/config.toml': interval`."""

    folder: Path | None = None
    """Of the file that it was given in. None: it was given elsewhere."""

    @property
    def name(self) -> str:
        """The place in a word: the flag, the variable or the key."""
        return self.setting.key if self.rank is Rank.FILE else self.place

    def refusal(self, why: str) -> SettingsError:
        """What is to be raised if the value turns out to be of no use."""
        return SettingsError(f"{self.place}: {why}")


def resolve(flags: Namespace, environment: Mapping[str, str], file: Path | None) -> dict[str, Given]:
    """Every setting by its key; each place is looked at whole, also where a stronger one wins.

    Raises:
        SettingsError: something that was given cannot be used.
    """
    keys = keys_of(file, [setting.key for setting in SETTINGS]) if file is not None else {}
    return {setting.key: list(_places(setting, flags, environment, keys, file))[-1] for setting in SETTINGS}


def _places(
    setting: Setting,
    flags: Namespace,
    environment: Mapping[str, str],
    keys: Mapping[str, object],
    file: Path | None,
) -> Iterator[Given]:
    """The setting in every place in which it was given, the weakest first."""
    yield Given(setting, setting.default, Rank.DEFAULT)
    if file is not None and setting.key in keys:
        place = f"{str(file)!r}: {setting.key}"
        yield replace(_read(setting, keys[setting.key], Rank.FILE, place), folder=file.parent)
    if environment.get(setting.variable):
        yield _read(setting, environment[setting.variable], Rank.ENVIRONMENT, setting.variable)
    flag = getattr(flags, setting.key, None)
    if flag is not None:
        yield _read(setting, flag, Rank.FLAG, setting.flag)


def _read(setting: Setting, raw: object, rank: Rank, place: str) -> Given:
    try:
        return Given(setting, setting.kind(raw), rank, place)
    except ValueError as error:
        raise SettingsError(f"{place}: {error}") from None
