"""Import borders, and modules that stay unloaded: read from the source and from a fresh interpreter."""

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
HEAVY = (
    "httpx",
    "pydantic",
    "browser_cookie3",
    "plotext",
    "textual",
    "sqlite3",
    "filelock",
    "shtab",
    "msgspec",
    "prometheus_client",
)

WIRES = frozenset({"cli", "extension_host", "wiring"})
"""The modules that connect the packages and may import everything."""
MAY_IMPORT: dict[str, set[str]] = {
    "": set(),
    "__main__": {"cli", "commands", "gc_control", "interruption"},
    "clock": set(),
    "feed": {"model"},
    "gc_control": set(),
    "interruption": set(),
    "settings": {"browsers", "model"},
    "storage": {"interruption", "model"},
    "transcript_process": {"claude_code", "history", "model", "transcripts"},
    "config": {"model", "settings", "storage"},
    "model": set(),
    "claude_ai": {"model"},
    "claude_code": {"claude_ai", "clock", "model", "storage"},
    "browsers": {"clock", "model"},
    "sessions": {"clock", "model"},
    "demo": {"history", "model"},
    "extension": {"browsers", "claude_ai", "feed", "formatting", "model", "storage"},
    "history": {"model", "storage"},
    "transcripts": {"model"},
    "formatting": {"model"},
    "privacy": {"formatting", "model"},
    "charts": {"formatting", "model"},
    "commands": {
        "claude_code",
        "clock",
        "config",
        "extension",
        "feed",
        "formatting",
        "history",
        "model",
        "privacy",
        "sessions",
        "settings",
        "storage",
    },
    "tui": {
        "charts",
        "feed",
        "formatting",
        "gc_control",
        "interruption",
        "model",
        "privacy",
        "settings",
        "storage",
    },
}
"""Each package and top-level module with the packages that it may import besides itself."""
LIBRARIES: dict[str, set[str]] = {
    "storage": {"filelock", "platformdirs"},
    "claude_ai": {"httpx", "pydantic", "pydantic_core"},
    "claude_code": {"httpx", "pydantic"},
    "browsers": {"browser_cookie3"},
    "demo": {"httpx"},
    "charts": {"plotext"},
    "transcripts": {"msgspec"},
    "commands": {"prometheus_client", "shtab"},
    "transcript_process": {"filelock"},
    "tui": {"resvg_py", "rich", "textual"},
}
"""The libraries of each package besides the standard one; all others have none."""


def package_of(module: str) -> str:
    """Return the part of a module's name after the program's; empty for the program itself."""
    return module.split(".")[1] if "." in module else ""


@cache
def list_imports(module: str) -> frozenset[str]:
    """Return every module that this one names in an import, wherever in its source."""
    return frozenset(_iterate_imports(module))


def _iterate_imports(module: str) -> Iterator[str]:
    path = MODULES[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            base = resolve_name("." * node.level + (node.module or ""), package)
            inner = (f"{base}.{alias.name}" for alias in node.names)
            yield from (name if name in MODULES else base for name in inner)


def list_libraries(module: str) -> set[str]:
    """Return the libraries that a module imports besides the standard one."""
    tops = {name.partition(".")[0] for name in list_imports(module)}
    return tops - sys.stdlib_module_names - {PACKAGE, "__future__"}


def list_modules(*packages: str) -> tuple[str, ...]:
    """Return every module of these packages."""
    return tuple(module for module in MODULES if package_of(module) in packages)


@cache
def list_loaded(*modules: str) -> frozenset[str]:
    """Return all modules that a fresh interpreter has loaded after importing these."""
    program = f"import sys, {', '.join(modules)}; print(*sys.modules)"
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return frozenset(printed.stdout.split())


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
"""Program that prints the loaded modules when the first frame is painted."""

FIRST_FIGURES = """
import asyncio
import sys
from claudemeter_tui.model.reading import NO_SESSION, Reading
from claudemeter_tui.model.store import Store
from claudemeter_tui.tui.app import Claudemeter
from claudemeter_tui.tui.widgets.chart_panel import ChartPanel
from tests.scenes import NOW, PERSONAL, readings

class Scene:
    async def run(self, post):
        store = Store()
        for reading in readings(PERSONAL, at=NOW):
            store = store.apply(reading)
        post(Reading(NO_SESSION, NOW, restored_orgs=store.orgs, is_archived=True))
        await asyncio.Event().wait()

def look(panel):
    shown = "\\n".join(strip.text for strip in panel.screen._compositor.render_strips())
    print(*sys.modules, "$17.20" if "$17.20" in shown else "", file=sys.__stdout__)
    panel.app.exit()

draw = ChartPanel.draw
is_first = True

def draw_and_look(panel, *size):
    global is_first
    lines = draw(panel, *size)
    if is_first:
        print(*sys.modules, file=sys.__stdout__)
        is_first = False
    if any("$0" in line.plain for line in lines):
        panel.call_after_refresh(look, panel)
    return lines

ChartPanel.draw = draw_and_look
Claudemeter(Scene(), now=lambda: NOW).run(headless=True, size=(120, 36))
"""
"""Program that prints the modules that the first dashboard has loaded; in a second line, those of the chart.

The second line ends with a figure that is on screen then.
"""


def test_every_package_has_a_row() -> None:
    """No package and no top-level module is exempt, and no row names a removed one."""
    assert {package_of(module) for module in MODULES} == MAY_IMPORT.keys() | WIRES


def test_imports_stay_within_their_borders() -> None:
    """Each package imports itself and what its row names; the list shows every violation."""
    violations = [
        f"{module} imports {name}"
        for module in MODULES
        if package_of(module) not in WIRES
        for name in sorted(list_imports(module))
        if name.partition(".")[0] == PACKAGE
        and package_of(name) not in {"", package_of(module), *MAY_IMPORT[package_of(module)]}
    ]
    assert violations == []


def test_libraries_stay_in_their_packages() -> None:
    """The model needs the standard library only; each other library has its packages."""
    violations = [
        f"{module} imports {library}"
        for module in MODULES
        for library in sorted(list_libraries(module) - LIBRARIES.get(package_of(module), set()))
    ]
    assert violations == []


def test_every_row_is_needed() -> None:
    """A permission that no import uses is not given."""
    used = {
        (package_of(module), package_of(name))
        for module in MODULES
        for name in list_imports(module)
        if name.partition(".")[0] == PACKAGE
    }
    given = {(package, other) for package, others in MAY_IMPORT.items() for other in others}
    assert given - used - RESERVED == set()


RESERVED = {("commands", "privacy")}
"""Permissions of the design that nothing uses yet."""


def test_imports_are_found_in_the_source() -> None:
    """The finder sees imports at the top and within functions, whole modules and names from them."""
    assert "claudemeter_tui.model.reading" in set(list_imports("claudemeter_tui.sessions.poller"))
    assert "claudemeter_tui.formatting.values" in set(list_imports("claudemeter_tui.formatting.problems"))
    assert "claudemeter_tui.tui.app" in set(list_imports("claudemeter_tui.cli"))
    assert list_libraries("claudemeter_tui.charts.bars") == {"plotext"}


@pytest.mark.parametrize(
    ("modules", "unloaded"),
    [
        (("claudemeter_tui.tui.app",), tuple({*HEAVY} - {"textual"})),
        (("claudemeter_tui.cli",), HEAVY),
        (("claudemeter_tui.wiring",), HEAVY),
        (list_modules("sessions"), tuple({*HEAVY} - {"sqlite3"})),
        (list_modules("formatting", "privacy", "charts", "commands"), tuple({*HEAVY} - {"sqlite3"})),
    ],
    ids=["app", "cli", "wiring", "sessions", "formatting"],
)
def test_import_loads_no_more_than_it_needs(modules: tuple[str, ...], unloaded: tuple[str, ...]) -> None:
    """The first frame waits for no network and no chart library, and scripts run without Textual."""
    assert not set(unloaded) & list_loaded(*modules)


def test_model_loads_the_standard_library_only() -> None:
    """Besides what any interpreter has loaded, the model brings in nothing else."""
    tops = {name.partition(".")[0] for name in list_loaded(*list_modules("model")) - list_loaded("sys")}
    assert tops - sys.stdlib_module_names <= {PACKAGE}


def test_first_frame_loads_no_late_modules() -> None:
    """The modules that read, decide and word are loaded after the first frame."""
    printed = subprocess.run([sys.executable, "-c", FIRST_FRAME], capture_output=True, text=True, check=True)
    ours = {package_of(name) for name in printed.stdout.split() if name.partition(".")[0] == PACKAGE}
    assert "tui" in ours
    assert ours <= {"", "feed", "gc_control", "settings", "tui"}


def test_first_figures_wait_for_no_late_modules() -> None:
    """Events, lists and past moments are loaded after the first figures; plotext still later."""
    printed = subprocess.run(
        [sys.executable, "-c", FIRST_FIGURES], capture_output=True, text=True, check=True
    )
    dashboard, chart = (line.split() for line in printed.stdout.splitlines())
    assert "$17.20" in chart
    late = {"plotext", *(f"{PACKAGE}.{name}" for name in ("privacy.redact", "privacy.bug_report"))}
    assert not late & {*dashboard, *chart}
    names = (
        "formatting.events",
        "formatting.past",
        "model.archive_rows",
        "model.content_hash",
        "charts.event_marks",
        "model.event_log",
        "model.events",
        "model.extension",
        "model.session_search",
        "model.transcripts",
        "tui.alerts",
        "tui.screens.connect",
        "tui.screens.lists",
        "tui.widgets.list_view",
    )
    assert not {f"{PACKAGE}.{name}" for name in names} & {*dashboard}


NO_TUPLES = {"model.money.Money"}
"""Values that must not be added, compared or unpacked as tuples."""


def test_values_are_named_tuples() -> None:
    """A dataclass takes ten times as long to create, so it is only for what a NamedTuple cannot do."""
    records = {
        f"{module}.{node.name}".removeprefix(f"{PACKAGE}."): node
        for module, path in MODULES.items()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef) and not node.bases and is_frozen_dataclass(node)
    }
    assert "model.store.Store" in records
    without_reason = {name for name, node in records.items() if not has_more_than_a_tuple(node)}
    assert without_reason == NO_TUPLES


def is_frozen_dataclass(node: ast.ClassDef) -> bool:
    """Return whether a class is a dataclass of values that never change and are compared by their fields."""
    kinds = {"dataclass(frozen=True)", "dataclass(frozen=True, slots=True)"}
    return bool(kinds & {ast.unparse(decorator) for decorator in node.decorator_list})


def has_more_than_a_tuple(node: ast.ClassDef) -> bool:
    """Return whether a class has a field or method that a NamedTuple cannot have."""
    for part in node.body:
        match part:
            case ast.AnnAssign(target=ast.Name(id="count" | "index")):
                return True  # methods of every tuple
            case ast.AnnAssign(value=ast.Call(func=ast.Name(id="field"))):
                return True
            case ast.FunctionDef(name=name, decorator_list=decorators):
                if name == "__bool__" or "cached_property" in map(ast.unparse, decorators):
                    return True
    return False


def test_screenshots_do_not_load_the_app() -> None:
    """The app imports the screenshots; nothing leads back at run time."""
    assert "claudemeter_tui.tui.app" not in list_loaded("claudemeter_tui.tui.screenshots")


def test_garbage_collector_is_controlled_in_one_place() -> None:
    """Only one module of the program imports `gc`."""
    assert [module for module in MODULES if "gc" in list_imports(module)] == [f"{PACKAGE}.gc_control"]


def test_files_of_browsers_are_written_on_request_only() -> None:
    """The set-up of the extension is reached by its command and by the wires, and so by no screen itself."""
    name = f"{PACKAGE}.extension.install"
    users = {module for module in MODULES if name in list_imports(module)}
    assert users == {f"{PACKAGE}.{part}" for part in ("commands.extension", "extension_host", "wiring")}


def test_app_loads_textual() -> None:
    """The list of loaded modules is not empty."""
    assert "textual" in list_loaded("claudemeter_tui.tui.app")
    assert "httpx" in list_loaded("claudemeter_tui.claude_ai.client")
