"""Pictures for a bug report: private, without toasts, and saved completely or not at all."""

from __future__ import annotations

import errno
import html
import os
import re
import stat
import sys
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input

from claudemeter_tui.model.archive_rows import FigureRow, Owner
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.day import Today
from claudemeter_tui.model.past import PastFigures
from claudemeter_tui.model.store import Store
from claudemeter_tui.privacy.archive_rows import RowRedactor
from claudemeter_tui.tui import screenshots
from claudemeter_tui.tui.app import Claudemeter
from claudemeter_tui.tui.screens.details import DetailsScreen
from claudemeter_tui.tui.screens.events import EventsScreen
from claudemeter_tui.tui.screens.help import HelpScreen
from claudemeter_tui.tui.screens.overview import OverviewScreen
from claudemeter_tui.tui.screenshots import (
    ScreenshotError,
    export_svg,
    redact_view,
    remove_web_fonts,
    save_screenshot,
    write_screenshot,
)
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets.key_hints import KeyHints
from claudemeter_tui.tui.widgets.list_view import VirtualList
from tests import golden_bodies, pii_fixtures
from tests.scenes import LABORATORY, NOW, PERSONAL, TEAM
from tests.tui.app_harness import app, screen, stage, text

SIZES = ((160, 45), (120, 36), (80, 24), (60, 20), (40, 8), (120, 1))
SCREENS: tuple[Callable[[View], Screen[Any]], ...] = (OverviewScreen, DetailsScreen, EventsScreen, HelpScreen)


def read_words(picture: str) -> str:
    """Return the words in a picture."""
    lines = re.findall(r"<text[^>]*>([^<]*)</text>", picture)
    return html.unescape("\n".join(lines)).replace("\xa0", " ")


def colours(picture: str) -> set[str]:
    """Return every colour in a picture: a scroll bar has its own."""
    return set(re.findall(r"#[0-9a-f]{6}", picture))


def planted() -> Claudemeter:
    """Return the dashboard with a store of planted personal data."""
    dashboard = app(stage())
    dashboard.set_reactive(Claudemeter.store, pii_fixtures.planted_store())
    return dashboard


def long_named() -> Store:
    """Return a store with names of many lines, whose pseudonyms have one."""
    body = golden_bodies.account()
    body["memberships"][1]["organization"] |= {
        "name": "a very long name " * 50,
        "access_block": "it is so " * 9,
    }
    reason = "a reason of a very long name " * 9
    overage = golden_bodies.overage(disabled_reason=reason)
    return pii_fixtures.store({Endpoint.ACCOUNT: body, Endpoint.OVERAGE: overage}, *pii_fixtures.FAILURES)


async def shown(pilot: Pilot[Any], store: Store) -> None:
    """Show a store on screen."""
    assert isinstance(pilot.app, Claudemeter)
    pilot.app.store = Store()
    pilot.app.store = store
    await pilot.pause()


# Content of a picture.


async def test_private_picture_of_the_dashboard_has_no_planted_data() -> None:
    """No size of the dashboard shows planted data of any org."""
    dashboard = planted()
    async with dashboard.run_test() as pilot:
        await shown(pilot, pii_fixtures.planted_store())
        redaction = RowRedactor()
        for size in SIZES:
            await pilot.resize_terminal(*size)
            for state in dashboard.store.orgs:
                dashboard.selected = state.key
                await pilot.pause()
                picture = export_svg(dashboard, redaction)
                assert pii_fixtures.found(picture) == [], size
                assert pii_fixtures.found(read_words(picture)) == [], size


@pytest.mark.slow
@pytest.mark.parametrize("page", SCREENS)
async def test_private_picture_of_every_screen_has_no_planted_data(
    page: Callable[[View], Screen[Any]],
) -> None:
    """No screen over the dashboard shows planted data."""
    dashboard = planted()
    async with dashboard.run_test() as pilot:
        await shown(pilot, pii_fixtures.planted_store())
        happened = pii_fixtures.happened(dashboard.store)
        dashboard.push_screen(page(View(dashboard.store, NOW, dashboard.selected, UTC, events=happened)))
        redaction = RowRedactor()
        for size in ((120, 36), (40, 8)):
            await pilot.resize_terminal(*size)
            for _ in range(8 if page is DetailsScreen else 1):
                assert pii_fixtures.found(read_words(export_svg(dashboard, redaction))) == []
                await pilot.press("right", "end")


async def test_open_picture_has_the_real_names() -> None:
    """Without redaction the picture shows the real names."""
    dashboard = planted()
    async with dashboard.run_test(size=(160, 45)) as pilot:
        await shown(pilot, pii_fixtures.planted_store())
        words = read_words(export_svg(dashboard))
        assert pii_fixtures.NAME in words
        assert pii_fixtures.EMAIL in words
        assert pii_fixtures.DIGITS in words


async def test_private_picture_keeps_all_but_the_names() -> None:
    """Verdict, figures and times are as on screen; only names differ."""
    dashboard = app(stage(PERSONAL, TEAM, LABORATORY))
    async with dashboard.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        await pilot.press("2")
        await pilot.pause()
        words = read_words(export_svg(dashboard, RowRedactor()))
        for piece in (
            "BLOCKED",
            "Your monthly cap is reached",
            "$50.00",
            "Org B",
            "person 1",
            "profile 1",
        ):
            assert piece in words
        for piece in ("Acme", "pat@example.com", "Default"):
            assert piece not in words


@pytest.mark.parametrize("page", [None, *SCREENS])
@pytest.mark.parametrize("size", [(120, 36), (60, 20)])
async def test_private_picture_has_the_layout_of_a_private_screen(
    page: Callable[[View], Screen[Any]] | None, size: tuple[int, int]
) -> None:
    """Parts are laid out for the pseudonyms, because shorter names may leave room for more."""
    dashboard, redaction = planted(), RowRedactor()
    store = long_named()
    view = View(store, NOW, store.orgs[1].key, UTC)
    async with dashboard.run_test(size=size) as pilot:
        pictures = []
        for shown, other in ((view, redaction), (redact_view(view, redaction), None)):
            dashboard.selected, dashboard.store = shown.key, shown.store
            if page is not None:
                await dashboard.push_screen(page(shown))
            await pilot.pause()
            pictures.append(export_svg(dashboard, other))
            if page is not None:
                dashboard.pop_screen()
        assert read_words(pictures[0]) == read_words(pictures[1])
        assert colours(pictures[0]) == colours(pictures[1])
        assert "very long name" not in read_words(pictures[0])


@pytest.mark.parametrize("page", [None, *SCREENS])
async def test_screen_stays_unchanged(page: Callable[[View], Screen[Any]] | None) -> None:
    """A private picture changes nothing on screen, neither at once nor after the next repaint."""
    dashboard = app(stage(PERSONAL, TEAM, LABORATORY))
    async with dashboard.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.pause()
        await pilot.press("2")
        if page is not None:
            dashboard.push_screen(page(View(dashboard.store, NOW, dashboard.selected, UTC)))
        dashboard.notify("Saved pat's picture", timeout=60)
        await pilot.pause()
        before = screen(pilot)
        view = dashboard.screen_stack[1].view  # type: ignore[attr-defined]
        for redaction in (RowRedactor(), None):
            export_svg(dashboard, redaction)
            assert screen(pilot) == before
            await pilot.pause()
            assert screen(pilot) == before
        assert dashboard.screen_stack[1].view is view  # type: ignore[attr-defined]


async def test_pseudonyms_are_never_painted(monkeypatch: pytest.MonkeyPatch) -> None:
    """No frame with pseudonyms reaches the terminal."""
    painted: list[bool] = []
    dashboard = app(stage(PERSONAL, TEAM))
    async with dashboard.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        monkeypatch.setattr(
            type(dashboard), "_display", lambda self, *_: painted.append(self._batch_count == 0)
        )
        export_svg(dashboard, RowRedactor())
        assert True not in painted


async def test_pending_repaint_follows_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """A part that waits for its repaint while the picture is taken is repainted afterwards."""
    painted: list[str] = []
    dashboard = app(stage(PERSONAL))
    async with dashboard.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        monkeypatch.setattr(
            type(dashboard),
            "_display",
            lambda self, _, update: painted.append(update.render_segments(self.console) if update else ""),
        )
        dashboard.screen._dirty_widgets.add(dashboard.screen.query_exactly_one(KeyHints))
        export_svg(dashboard)
        painted.clear()
        await pilot.pause()
        assert "refresh" in "".join(painted)


async def test_toasts_are_not_in_the_picture() -> None:
    """A toast hides a part of the screen and shows paths: it stays on screen, but not in the picture."""
    dashboard = app(stage(PERSONAL))
    async with dashboard.run_test(size=(120, 36), notifications=True) as pilot:
        await pilot.pause()
        dashboard.notify("Saved in the folder of zaphod", timeout=60)
        await pilot.pause()
        assert "zaphod" in text(pilot)
        for redaction in (None, RowRedactor()):
            words = read_words(export_svg(dashboard, redaction))
            assert "zaphod" not in words
            assert "quit" in words
        assert "zaphod" in text(pilot)


async def test_private_picture_hides_the_search() -> None:
    """The text of a search may be a name: it is not in the picture, and still in the search."""
    dashboard = app(stage(PERSONAL, TEAM, LABORATORY))
    async with dashboard.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        dashboard.push_screen(OverviewScreen(View(dashboard.store, NOW, dashboard.selected, UTC)))
        await pilot.pause()
        await pilot.press("slash", *"acme")
        await pilot.pause()
        before = screen(pilot)
        assert "acme" not in read_words(export_svg(dashboard, RowRedactor())).lower()
        await pilot.pause()
        assert screen(pilot) == before
        assert dashboard.screen.query_exactly_one(Input).value == "acme"


async def test_picture_keeps_the_scroll_position() -> None:
    """A page that is shorter with pseudonyms has its scroll position afterwards."""
    store = long_named()
    dashboard = app(stage())
    async with dashboard.run_test(size=(60, 20)) as pilot:
        dashboard.push_screen(EventsScreen(View(store, NOW, store.orgs[0].key, UTC)))
        await pilot.pause()
        scroll = dashboard.screen.query_exactly_one(VirtualList)
        scroll.scroll_end(animate=False, immediate=True)
        await pilot.pause()
        place = scroll.scroll_offset
        assert place.y > 20
        export_svg(dashboard, RowRedactor())
        await pilot.pause()
        assert scroll.scroll_offset == place


async def test_private_view_is_made_once() -> None:
    """A private view is not redacted again: Org A stays Org A."""
    redaction = RowRedactor()
    store = pii_fixtures.planted_store()
    view = View(store, NOW, store.orgs[1].key, UTC, events=pii_fixtures.happened(store))
    private = redact_view(view, redaction)
    assert pii_fixtures.found(repr(private)) == []
    assert private.looks_like(redact_view(view, redaction))
    assert private.state is not None
    assert private.state.org.name == "Org B"
    assert redact_view(private, redaction) is private
    assert redact_view(View(store, NOW), redaction).key is None


async def test_private_view_with_every_archived_part_is_not_drawn_again() -> None:
    """The parts that are compared by identity stay the same objects, after other events too."""
    redaction = RowRedactor()
    store = pii_fixtures.planted_store()
    key, owner = store.orgs[1].key, Owner(store.orgs[1].account, store.orgs[1].org)
    figure = FigureRow(owner, "verdict", "open", NOW, NOW)
    parts: dict[str, Any] = {
        "earlier_events": pii_fixtures.happened(store),
        "today": Today(NOW, {key: None}),
        "past_figures": PastFigures(NOW, key, owner, (figure,)),
    }
    first, second = (
        View(store, NOW, key, UTC, events=pii_fixtures.happened(store), **parts) for _ in range(2)
    )
    private = redact_view(first, redaction)
    assert pii_fixtures.found(repr(private)) == []
    assert private.looks_like(redact_view(first, redaction))
    later = redact_view(second, redaction)
    assert later.events is not private.events
    assert [getattr(later, name) is getattr(private, name) for name in parts] == [True] * 3


async def test_picture_names_no_font_of_the_web() -> None:
    """Installed fonts stay named, and an opened picture loads nothing."""
    dashboard = app(stage(PERSONAL))
    async with dashboard.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        picture = export_svg(dashboard)
        assert 'local("FiraCode-Regular");' in picture
        assert "monospace" in picture
        assert set(re.findall(r"url\((?!#)[^)]*\)", picture)) == set()
        assert set(re.findall(r"https?://[^\s\"<]*", picture)) == {
            "http://www.w3.org/2000/svg",
            "https://www.textualize.io",
        }
        assert "cdnjs" in dashboard.export_screenshot()


def test_clean_svg_touches_fonts_only() -> None:
    """Words in the picture that look like a font stay, because an org may have such a name."""
    words = '<text>@font-face {src: url("x") format("y")}</text>'
    face = (
        '@font-face { src: local("A"), url("https://x/y.woff2") format("woff2"), url(z); font-weight: 400; }'
    )
    made = remove_web_fonts(f"<svg><style>{face} .a {{ clip-path: url(#b) }}</style>{words}</svg>")
    kept = '@font-face { src: local("A"); font-weight: 400; }'
    assert made == f"<svg><style>{kept} .a {{ clip-path: url(#b) }}</style>{words}</svg>"


# Saving a picture.


def test_names_are_dated_and_never_overwrite(tmp_path: Path) -> None:
    """Picture and report have the same name with the time; a second pair of that time gets a number."""
    first = save_screenshot(tmp_path, NOW, "<svg/>", "{}", UTC)
    second = save_screenshot(tmp_path, NOW, "<svg>2</svg>", "{}", UTC)
    third = save_screenshot(tmp_path, NOW, "<svg>3</svg>", zone=UTC)
    assert [path.name for path in (first, second, third)] == [
        "claudemeter-2026-04-25-144818.svg",
        "claudemeter-2026-04-25-144818-2.svg",
        "claudemeter-2026-04-25-144818-3.svg",
    ]
    assert first.read_text() == "<svg/>"
    assert first.with_suffix(".json").read_text() == "{}"
    assert not third.with_suffix(".json").exists()
    assert len(list(tmp_path.iterdir())) == 5


def test_name_is_free_if_both_files_are(tmp_path: Path) -> None:
    """An existing report keeps its name, and its picture's."""
    (tmp_path / "claudemeter-2026-04-25-144818.json").write_text("old")
    path = save_screenshot(tmp_path, NOW, "<svg/>", "{}", UTC)
    assert path.name == "claudemeter-2026-04-25-144818-2.svg"
    assert (tmp_path / "claudemeter-2026-04-25-144818.json").read_text() == "old"
    assert sorted(one.suffix for one in tmp_path.iterdir()) == [".json", ".json", ".svg"]


@pytest.mark.parametrize("name", ["none", "file", "file/below"])
def test_missing_folder_is_reported_and_not_made(name: str, tmp_path: Path) -> None:
    """A missing folder may be a disk that was taken out; a file is no folder either."""
    (tmp_path / "file").touch()
    place = tmp_path / name
    with pytest.raises(ScreenshotError, match=rf"^there is no folder {re.escape(repr(str(place)))}$"):
        save_screenshot(place, NOW, "<svg/>", zone=UTC)
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_files_are_private(tmp_path: Path) -> None:
    """The files have mode 0600."""
    path = save_screenshot(tmp_path, NOW, "<svg/>", "{}", UTC)
    assert {stat.S_IMODE(one.stat().st_mode) for one in (path, path.with_suffix(".json"))} == {0o600}


def test_picture_takes_any_text(tmp_path: Path) -> None:
    """A lone surrogate from a hostile body breaks no file."""
    assert (
        save_screenshot(tmp_path, NOW, "<svg>\ud800é</svg>", zone=UTC).read_text("utf-8") == "<svg>?é</svg>"
    )


@pytest.mark.parametrize("at", [1, 2])
def test_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    """If either file does not fit, neither is left, and the error is shown."""
    opened = os.fdopen
    calls = []

    def full(handle: int, mode: str) -> Any:
        calls.append(handle)
        file = opened(handle, mode)
        if len(calls) == at:
            file.close()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return file

    monkeypatch.setattr(os, "fdopen", full)
    with pytest.raises(ScreenshotError, match="no space left on device"):
        save_screenshot(tmp_path, NOW, "<svg/>", "{}", UTC)
    assert list(tmp_path.iterdir()) == []


def test_failure_of_the_last_step_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reserved name is freed after a failure."""

    def refuse(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(ScreenshotError, match="input/output error"):
        save_screenshot(tmp_path, NOW, "<svg/>", "{}", UTC)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="nothing is forbidden here")
def test_forbidden_folder_is_reported(tmp_path: Path) -> None:
    """The error has the folder and the reason."""
    tmp_path.chmod(0o500)
    with pytest.raises(ScreenshotError, match="permission denied"):
        save_screenshot(tmp_path, NOW, "<svg/>", zone=UTC)


def test_used_up_names_are_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than a thousand pictures in one second are refused with an error."""
    monkeypatch.setattr(screenshots, "_MAX_NAMES", 2)
    save_screenshot(tmp_path, NOW, "<svg/>", zone=UTC)
    with pytest.raises(ScreenshotError, match="too many screenshots in the same second"):
        save_screenshot(tmp_path, NOW, "<svg/>", zone=UTC)
    assert len(list(tmp_path.iterdir())) == 1


def test_date_beyond_the_calendar_has_a_name(tmp_path: Path) -> None:
    """A broken clock does not prevent the saving."""
    moment = datetime.max.replace(tzinfo=UTC)
    assert save_screenshot(tmp_path, moment, "<svg/>").name.startswith("claudemeter-9999-12-31-")


# A given name.


def test_given_name_is_overwritten(tmp_path: Path) -> None:
    """A file that was named explicitly is replaced as a whole."""
    path = tmp_path / "x.svg"
    path.write_text("old")
    write_screenshot(path, "<svg/>")
    assert path.read_text() == "<svg/>"
    assert list(tmp_path.iterdir()) == [path]


def test_failure_keeps_the_old_file_of_a_given_name(tmp_path: Path) -> None:
    """Without a folder there is an error, and no incomplete file."""
    with pytest.raises(ScreenshotError, match="no such file or directory"):
        write_screenshot(tmp_path / "none" / "x.svg", "<svg/>")


def test_png_without_its_library_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the library and the alternative, and the old file stays."""
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    path = tmp_path / "x.PNG"
    path.write_text("old")
    with pytest.raises(ScreenshotError) as caught:
        write_screenshot(path, "<svg/>")
    assert str(caught.value) == (
        "a PNG needs one more library: run pip install resvg-py in this program's environment,"
        " or use a name that ends in .svg"
    )
    assert path.read_text() == "old"


def test_png_library_is_in_the_extra() -> None:
    """The package's extra installs the library that the hint names."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))["project"]
    (library,) = project["optional-dependencies"]["png"]
    assert f"pip install {re.split('[<>=]', library)[0]} " in screenshots.NO_PNG_MESSAGE


def test_png_is_drawn_by_its_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that ends in .png gets the library's conversion of the picture."""
    library = SimpleNamespace(svg_to_bytes=lambda svg_string, **_: b"PNG of " + svg_string.encode())
    monkeypatch.setitem(sys.modules, "resvg_py", library)
    write_screenshot(tmp_path / "x.png", "<svg/>")
    assert (tmp_path / "x.png").read_bytes() == b"PNG of <svg/>"


def test_failing_png_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library's error becomes a sentence."""

    def refuse(**_: object) -> bytes:
        raise ValueError("unknown token at 1:1")

    monkeypatch.setitem(sys.modules, "resvg_py", SimpleNamespace(svg_to_bytes=refuse))
    with pytest.raises(ScreenshotError, match="cannot draw the PNG: unknown token at 1:1"):
        screenshots.render_png("nonsense")


async def test_real_png_has_the_size_of_the_picture() -> None:
    """With the extra installed the PNG has the SVG's size."""
    pytest.importorskip("resvg_py")
    dashboard = app(stage(PERSONAL))
    async with dashboard.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        picture = export_svg(dashboard)
    drawn = screenshots.render_png(picture)
    width, height = (float(found) for found in re.findall(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', picture)[0])
    assert drawn[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(drawn[16:20]) == pytest.approx(width, abs=1)
    assert int.from_bytes(drawn[20:24]) == pytest.approx(height, abs=1)
