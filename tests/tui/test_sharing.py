"""Everything that leaves the screen: privacy, pictures, alerts, title."""

from __future__ import annotations

import json
from pathlib import Path

from claudemeter_tui.model.store import OrgKey
from claudemeter_tui.tui.screenshots import ConfirmScreen
from tests.scenes import INTERVAL, LABORATORY, PERSONAL, READ, TEAM, WAITING, OrgBodies, readings
from tests.tui.app_harness import app, stage, text

PERSONAL_DATA = ("Acme Team", "Personal", "pat@example.com", "bbbbbbbb-0000", "Default")


async def test_privacy_hides_and_shows_everything_personal() -> None:
    """`p` replaces names by pseudonyms, keeps the org on screen, and shows the names again."""
    async with app(stage(PERSONAL, TEAM)).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        await pilot.press("2", "p")
        await pilot.pause()
        assert "Org B" in text(pilot)
        assert "BLOCKED" in text(pilot)
        assert not any(word in text(pilot) for word in PERSONAL_DATA)
        await pilot.press("1")
        await pilot.pause()
        assert "$17.20 of $50.00" in text(pilot)
        await pilot.press("p")
        await pilot.pause()
        assert "Acme Team" in text(pilot)


async def test_picture_for_a_report_is_private(tmp_path: Path) -> None:
    """`s` saves an SVG and a JSON without personal data, while the screen shows names."""
    dashboard = app(stage(PERSONAL, TEAM), pictures=tmp_path)
    async with dashboard.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        await pilot.press("2", "s")
        await pilot.pause()
        assert "Acme Team" in text(pilot)
        picture = tmp_path / "claudemeter-2026-04-25-144818.svg"
        report = picture.with_suffix(".json")
        assert str(picture) == dashboard.clipboard
        (toast,) = dashboard._notifications
        assert toast.message == f"Saved, path copied: {picture} and {report.name}"
        for file in (picture, report):
            content = file.read_text("utf-8")
            assert not any(word in content for word in PERSONAL_DATA)
        assert "BLOCKED" in picture.read_text("utf-8")
        assert "url(" not in picture.read_text("utf-8").replace("url(#", "")
        assert json.loads(report.read_text("utf-8"))["orgs"]
        await pilot.press("s")
        await pilot.pause()
        assert len(list(tmp_path.glob("*.svg"))) == 2


async def test_picture_of_the_screen_needs_a_confirmation(tmp_path: Path) -> None:
    """`S` asks first; Escape saves nothing, a second `S` does."""
    async with app(stage(PERSONAL, TEAM), pictures=tmp_path).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        await pilot.press("S")
        await pilot.pause()
        assert isinstance(pilot.app.screen, ConfirmScreen)
        await pilot.press("escape")
        await pilot.pause()
        assert list(tmp_path.iterdir()) == []
        await pilot.press("S")
        await pilot.pause()
        await pilot.press("S")
        await pilot.pause()
        (picture,) = tmp_path.iterdir()
        assert "Acme" in picture.read_text("utf-8")


async def test_failed_picture_is_explained(tmp_path: Path) -> None:
    """A toast reports the failure and its cause, and the program continues."""
    (tmp_path / "taken").write_text("")
    dashboard = app(stage(PERSONAL), pictures=tmp_path / "taken")
    async with dashboard.run_test(size=(120, 36), notifications=True) as pilot:
        await pilot.pause()
        await pilot.press("s")
        await pilot.pause()
        (toast,) = dashboard._notifications
        assert f"Not saved: there is no folder {str(tmp_path / 'taken')!r}" == toast.message


async def test_event_is_shown_and_listed() -> None:
    """An event between two polls is on the last line, and in the list of the run."""
    scene = stage(PERSONAL)
    async with app(scene).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        full = OrgBodies(org=PERSONAL.org, usage=WAITING.usage, overage=WAITING.overage)
        await scene.post(pilot, *readings(full, at=READ + INTERVAL))
        assert "14:48  Personal · 5-hour window full, resets 16:00" in text(pilot)
        await pilot.press("e")
        await pilot.pause()
        assert "time" in text(pilot)
        assert "14:48  ■ 5-hour window full  " in text(pilot)


async def test_theme_and_org_are_saved() -> None:
    """At the end theme and org are saved; at the start they are restored."""
    kept: list[tuple[str, OrgKey | None]] = []
    first = app(stage(PERSONAL, LABORATORY), save_state=lambda theme, org: kept.append((theme, org)))
    async with first.run_test() as pilot:
        await pilot.pause()
        await pilot.press("2")
        first.theme = "nord"
    theme, org = kept[0]
    assert theme == "nord"
    second = app(stage(PERSONAL, LABORATORY), theme=theme, org=org)
    async with second.run_test() as pilot:
        await pilot.pause()
        assert second.selected == org
        assert second.theme == "nord"
