"""Who may import whom, and what stays unloaded: looked at in the text and in a fresh interpreter."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib.util import resolve_name
from pathlib import Path

import pytest

import claudemeter_tui

PACKAGE = claudemeter_tui.__name__
ROOT = Path(claudemeter_tui.__file__).parent
MODULES = {
    ".".join((PACKAGE, *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in sorted(ROOT.rglob("*.py"))
}
HEAVY = ("httpx", "pydantic", "browser_cookie3", "plotext", "textual")

MAY_IMPORT = {
    "model": {"model"},
    "text": {"text", "model"},
    "polling": {"clock", "model"},
    "clock": set[str](),
    "feed": {"model"},
    "sources": {"sources", "model"},
    "tui": {"tui", "text", "model", "feed"},
    "config": {"config", "sources", "model"},
}
"""By room; any other module at the top wires and may import everything."""
LIBRARIES = {
    "model": set[str](),
    "text": {"plotext"},
    "polling": set[str](),
    "clock": set[str](),
    "feed": set[str](),
    "sources": {"httpx", "pydantic", "pydantic_core", "browser_cookie3"},
    "tui": {"textual", "rich"},
    "config": {"platformdirs"},
}
"""By room; what stands beside the standard library."""


def room(module: str) -> str:
    """The room of a module of ours: the part after the package's name; empty for the package itself."""
    return module.split(".")[1] if "." in module else ""


@cache
def imports(module: str) -> frozenset[str]:
    """Every module that is named in an import of this one, wherever in its text."""
    return frozenset(_imports(module))


def _imports(module: str) -> Iterator[str]:
    path = MODULES[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            base = resolve_name("." * node.level + (node.module or ""), package)
            inner = (f"{base}.{alias.name}" for alias in node.names)
            yield from (name if name in MODULES else base for name in inner)


def outside(module: str) -> set[str]:
    """The libraries that a module imports beside the standard one."""
    tops = {name.partition(".")[0] for name in imports(module)}
    return tops - sys.stdlib_module_names - {PACKAGE, "__future__"}


def of(name: str) -> tuple[str, ...]:
    """Every module of a room."""
    return tuple(module for module in MODULES if room(module) == name)


@cache
def loaded(*modules: str) -> frozenset[str]:
    """What a fresh interpreter has loaded after importing these modules: all that any of them loads."""
    asking = f"import sys, {', '.join(modules)}; print(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", asking], capture_output=True, text=True, check=True)
    return frozenset(told.stdout.split())


FIRST_FRAME = """
import sys
from datetime import UTC, datetime
from claudemeter_tui.tui.app import Claudemeter

def painted(app):
    print(*sys.modules, file=sys.__stdout__)
    app.exit()

Claudemeter.on_ready = painted
Claudemeter(None, now=lambda: datetime.now(UTC)).run(headless=True)
"""
"""Says what is loaded when the first frame is painted."""


def test_every_room_is_known() -> None:
    """What is read here is the package: a room that moves is not forgotten."""
    assert set(MAY_IMPORT) <= {room(module) for module in MODULES}


@pytest.mark.parametrize("module", [one for one in MODULES if room(one) in MAY_IMPORT])
def test_imports_point_one_way(module: str) -> None:
    """A room imports itself and the rooms below it, never one above."""
    ours = {room(name) for name in imports(module) if name.partition(".")[0] == PACKAGE}
    assert ours - {""} <= MAY_IMPORT[room(module)]


@pytest.mark.parametrize("module", [one for one in MODULES if room(one) in LIBRARIES])
def test_libraries_stay_in_their_rooms(module: str) -> None:
    """The model needs the standard library only; each other library has one room."""
    assert outside(module) <= LIBRARIES[room(module)]


def test_imports_are_found_in_the_text() -> None:
    """The finder sees imports at the top and within functions, whole modules and names from them."""
    assert "claudemeter_tui.model.reading" in set(imports("claudemeter_tui.polling"))
    assert "claudemeter_tui.text.format" in set(imports("claudemeter_tui.text.problems"))
    assert "claudemeter_tui.tui.app" in set(imports("claudemeter_tui.cli"))
    assert outside("claudemeter_tui.text.chart.canvas") == {"plotext"}


@pytest.mark.parametrize(
    ("modules", "unloaded"),
    [
        (("claudemeter_tui.tui.app",), ("httpx", "pydantic", "browser_cookie3", "plotext")),
        (("claudemeter_tui.cli",), HEAVY),
        (("claudemeter_tui.polling",), HEAVY),
        (of("text"), HEAVY),
    ],
    ids=["app", "cli", "polling", "text"],
)
def test_import_loads_no_more_than_it_needs(modules: tuple[str, ...], unloaded: tuple[str, ...]) -> None:
    """The first frame waits for no network and no chart library, and scripts do without Textual."""
    assert not set(unloaded) & loaded(*modules)


def test_model_loads_the_standard_library_only() -> None:
    """Beside what any interpreter has loaded, the model brings in nothing else, by whatever way."""
    tops = {name.partition(".")[0] for name in loaded(*of("model")) - loaded("sys")}
    assert tops - sys.stdlib_module_names <= {PACKAGE}


def test_first_frame_waits_for_no_figures() -> None:
    """What reads, judges and words is loaded once the first frame is painted."""
    told = subprocess.run([sys.executable, "-c", FIRST_FRAME], capture_output=True, text=True, check=True)
    ours = {room(name) for name in told.stdout.split() if name.partition(".")[0] == PACKAGE}
    assert "tui" in ours
    assert not ours & {"model", "text", "sources", "sessions", "polling"}


def test_app_loads_textual() -> None:
    """The look at what is loaded sees what is there."""
    assert "textual" in loaded("claudemeter_tui.tui.app")
    assert "httpx" in loaded("claudemeter_tui.sources.claude_ai.client")
