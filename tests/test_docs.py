"""The pages for contributors name files, commands, packages and dependencies that exist."""

from __future__ import annotations

import re
import tomllib
from importlib.util import find_spec
from itertools import chain
from pathlib import Path

import pytest

import claudemeter_tui
from tests.test_borders import MAY_IMPORT, WIRES

PACKAGE = Path(claudemeter_tui.__file__).parent
ROOT = PACKAGE.parent
ARCHITECTURE = ROOT / ".github" / "ARCHITECTURE.md"
CONTRIBUTING = ROOT / ".github" / "CONTRIBUTING.md"
PATH_PATTERN = re.compile(r"(?!\.venv/)[\w.-]*/[\w./-]*|[\w-]+\.(?:md|py|tcss|toml|yaml|yml)")


def read_table(page: Path, heading: str) -> set[str]:
    """Return the first cells of the first table below a heading, without backticks."""
    section = page.read_text("utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return set(re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE))


@pytest.mark.parametrize("page", [ARCHITECTURE, CONTRIBUTING], ids=lambda page: page.stem)
def test_named_files_exist(page: Path) -> None:
    """Each path in backticks is below the repository, the package or the page's folder."""
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    named = {code for code in re.findall(r"`([^`\n]+)`", text) if PATH_PATTERN.fullmatch(code)}
    assert len(named) >= 15
    missing = {name for name in named if not any((at / name).exists() for at in (ROOT, PACKAGE, page.parent))}
    assert missing == set()


@pytest.mark.parametrize("page", [ARCHITECTURE, CONTRIBUTING], ids=lambda page: page.stem)
def test_named_commands_exist(page: Path) -> None:
    """Each module that a page starts with `python -m` can be started."""
    modules = set(re.findall(r"python -m (tests\.\w+)", page.read_text("utf-8")))
    assert {name for name in modules if find_spec(name) is None} == set()
    assert page == ARCHITECTURE or len(modules) >= 5


def test_every_package_has_a_line() -> None:
    """The table of packages has the rows of the border test, and no others."""
    parts = {part for part in {*MAY_IMPORT, *WIRES} if part}
    expected = {f"{part}/" if (PACKAGE / part).is_dir() else f"{part}.py" for part in parts}
    assert expected == read_table(ARCHITECTURE, "Packages")


def test_every_dependency_has_a_reason() -> None:
    """The table of dependencies has those of pyproject.toml, the optional ones too, and no others."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    declared = chain(project["dependencies"], *project["optional-dependencies"].values())
    names = {re.split(r"[<>=!~\[; ]", requirement)[0] for requirement in declared}
    assert names == read_table(ARCHITECTURE, "Dependencies")
