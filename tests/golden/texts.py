"""Output of every command for a scene, and every sentence of the wording modules for it."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from claudemeter_tui.commands import status as status_command
from claudemeter_tui.commands.once import run_once
from claudemeter_tui.commands.status import StatusPlace, StatusRequest
from claudemeter_tui.commands.watch import run_watch
from claudemeter_tui.formatting import problems
from claudemeter_tui.formatting import verdict as verdict_words
from claudemeter_tui.formatting.credits import format_credits_forecast, format_window_forecasts
from claudemeter_tui.formatting.figures import build_sections
from claudemeter_tui.formatting.overview import (
    OverviewColumn,
    OverviewRow,
    format_window,
    list_credit_forms,
    list_verdict_forms,
)
from claudemeter_tui.formatting.status_line import PLACEHOLDERS
from claudemeter_tui.formatting.template import DEFAULT_TEMPLATE
from claudemeter_tui.history.database import ARCHIVE_NAME
from claudemeter_tui.model.forecast import compute_spend_rate, forecast_limit
from claudemeter_tui.model.reading import Reading
from claudemeter_tui.model.store import OrgState, Store
from claudemeter_tui.model.verdict import judge
from claudemeter_tui.privacy import bug_report
from claudemeter_tui.privacy.redact import RedactedStore, Redactor
from claudemeter_tui.settings import SettingsError
from claudemeter_tui.tui.alerts import select_alerts
from tests.commands.status_bar import KEY, ORIGIN, record_poll
from tests.event_lines import format_event_line
from tests.golden.scenes import Playback, Scene
from tests.scenes import INTERVAL

EVERY_PLACEHOLDER = " | ".join(f"{name}={{{name}}}" for name in PLACEHOLDERS)
"""A `--format` with all placeholders."""
MOST_ORGS = 6
"""Number of orgs up to which the figures alone tell them apart."""
THRESHOLDS = (75.0, 90.0, 100.0)
VERSIONS = {"claudemeter-tui": "1.2.3", "textual": "8.2.8", "python": "3.11.7", "platform": "Linux"}


def headed(parts: Iterable[tuple[str, str]]) -> str:
    """Return the texts, each below a heading."""
    return "".join(f"===== {head}\n{text}\n\n" for head, text in parts)


def of_scene(scene: Scene) -> str:
    """Return everything that is printed about a scene."""
    return headed(_parts(scene))


def ran(run: Callable[[Callable[[str], None]], int]) -> str:
    """Return a command's output, its errors and its exit status."""
    out, complaints = io.StringIO(), list[str]()
    with redirect_stdout(out):
        try:
            status = run(complaints.append)
        except SettingsError as error:
            complaints.append(str(error))
            status = 2
    errors = "".join(f"stderr: {line}\n" for line in complaints)
    return f"{out.getvalue()}{errors}exit {status}"


def _parts(scene: Scene) -> Iterator[tuple[str, str]]:
    store = scene.store
    yield "--once", _once(scene, as_json=False)
    if _is_shown_whole(scene):
        yield "--json", _once(scene, as_json=True)
    yield "--json --watch", _watched(scene)
    yield from _bars(scene, store)
    yield "verdicts", _lines(_verdict(state, scene.now) for state in store.orgs)
    yield "overview", _lines(_row(state, scene.now) for state in store.orgs)
    yield "events and alerts", _happened(scene)
    yield "from poll to poll", _lines(_polls(scene))
    yield "problems", _lines(_problem(store, scene.now))
    if len(store.orgs) > MOST_ORGS:
        return
    for number, state in enumerate(store.orgs, 1):
        yield f"figures of org {number}", _lines(_figures(store, state, scene.now))
        yield f"forecasts of org {number}", _lines(_forecasts(state, scene.now))
    if _is_shown_whole(scene):
        private = RedactedStore(store.orgs, store.sessions, store.scan_results)
        yield "report, with names", report(private, scene.now)
        yield "report, as it is saved", report(store, scene.now)


def _is_shown_whole(scene: Scene) -> bool:
    """Return True if the replies are shown, too; those of the demo differ little from minute to minute."""
    return not scene.name.startswith("demo_") or scene.name == "demo_0045"


def _once(scene: Scene, *, as_json: bool) -> str:
    feed = Playback(scene)
    return ran(lambda tell: run_once(feed, feed.now, as_json=as_json, org=None, print_reason=tell))


def _watched(scene: Scene) -> str:
    feed = Playback(scene)
    return ran(lambda tell: run_watch(feed, feed.now, thresholds=THRESHOLDS, print_reason=tell))


def _bars(scene: Scene, store: Store) -> Iterator[tuple[str, str]]:
    """Yield `--check` and `--line`, from a poll and again from the archive."""
    wanted = [None, *(str(number) for number in range(1, len(store.orgs) + 1))]
    with TemporaryDirectory() as folder:
        place = StatusPlace(Path(folder) / ARCHIVE_NAME, ORIGIN, KEY, Path(folder) / "status-1")
        for form, name in (
            (None, "--check"),
            (DEFAULT_TEMPLATE, "--line"),
            (EVERY_PLACEHOLDER, "--line, every placeholder"),
        ):
            polled = _lines(_bar(scene, form, org, None) for org in wanted)
            kept = _lines(_bar(scene, form, org, place) for org in wanted)
            yield name, polled
            yield f"{name}, from kept figures", "the same" if kept == polled else kept


def _bar(scene: Scene, form: str | None, org: str | None, place: StatusPlace | None) -> str:
    def poll() -> Sequence[Reading]:
        return scene.readings if place is None else record_poll(place, scene.readings, lambda: scene.now)

    asked = StatusRequest(lambda: scene.now, poll, INTERVAL, org, form)

    def run(tell: Callable[[str], None]) -> int:
        answer = status_command.answer_request(asked, place, tell)
        print(answer.text)
        return answer.status

    return f"--org {org}: {ran(run)}" if org else ran(run)


def _verdict(state: OrgState, now: datetime) -> str:
    verdict = judge(state, now)
    facts = verdict_words.list_verdict_facts(verdict, now, UTC)
    said = (
        verdict_words.format_verdict_name(verdict),
        verdict_words.format_short_verdict(verdict, now, UTC),
        *(f"{label}: {value}" for label, value in facts),
    )
    return f"{state.org.display_name}: " + " | ".join(said)


def _row(state: OrgState, now: datetime) -> str:
    row = OverviewRow(state, judge(state, now))
    verdicts = (" · ".join(filter(None, form)) for form in list_verdict_forms(row, now, UTC))
    windows = (
        f"{column} {format_window(row.find_window(column), now)}"
        for column in (OverviewColumn.SESSION_WINDOW, OverviewColumn.WEEK_WINDOW, OverviewColumn.FULLEST)
    )
    return " | ".join(
        (row.name, *verdicts, *windows, *(form.text for form in list_credit_forms(row, now, UTC)))
    )


def _happened(scene: Scene) -> str:
    found = scene.events
    event_lines = [format_event_line(event, scene.now, UTC, event.owner_name) for event in found]
    called = select_alerts(found, UTC)
    return _lines((*event_lines, *(f"alert {one.severity}: {one.title}: {one.text}" for one in called)))


def _polls(scene: Scene) -> Iterator[str]:
    """Yield the verdict on every org after each poll that is not the last."""
    store = Store()
    for reading in scene.readings:
        store = store.apply(reading)
        if reading.schedule is not None and reading is not scene.readings[-1]:
            for state in store.orgs:
                said = verdict_words.format_verdict_line(judge(state, reading.at), reading.at, UTC)
                yield f"{reading.at:%H:%M} {state.org.display_name}: {said}"


def _problem(store: Store, now: datetime) -> Iterator[str]:
    for one in store.problems:
        words = problems.PROBLEM_TEXTS[one.error_kind]
        yield problems.format_problem_title(one, UTC)
        yield f"  {words.summary}"
        yield f"  {problems.describe_problem_cure(one)}"
        yield f"  {problems.describe_fallback_figures(one, store, now, UTC)}"


def _figures(store: Store, state: OrgState, now: datetime) -> Iterator[str]:
    for section in build_sections(store, state, now, UTC):
        yield section.title
        for figure in section.figures:
            key = f" [{figure.key}]" if figure.key else ""
            yield f"  {figure.format_line(now)}{key} {figure.severity.name.lower()}"


def _forecasts(state: OrgState, now: datetime) -> Iterator[str]:
    rate = compute_spend_rate(state.series, now)
    yield from format_credits_forecast(rate, forecast_limit(state.credits, rate, now), now, UTC)
    for window in state.plan.windows if state.plan else ():
        yield f"{window.label}: {' | '.join(format_window_forecasts(window, state, now, UTC))}"


def report(store: Store, now: datetime) -> str:
    """Return the bug report of a store."""
    return bug_report.build_report(
        store,
        now,
        Redactor(),
        size=(120, 36),
        terminal={"TERM": "xterm-256color", "TMUX": "/run/tmux,1,0"},
        settings={"interval": 60, "theme": "nord", "cookie_file": "/home/pat/key.txt"},
        choices={"theme": ("nord",)},
        versions=VERSIONS,
    )


def _lines(found: Iterable[str]) -> str:
    return "\n".join(found)
