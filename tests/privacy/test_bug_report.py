"""The JSON beside a picture: complete, ASCII, and without personal data."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from claudemeter_tui.config.resolution import load_settings
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.events import Event, EventKind
from claudemeter_tui.model.reading import Failure
from claudemeter_tui.model.secrets import Cookies
from claudemeter_tui.model.store import Store
from claudemeter_tui.model.trackers import EventSink
from claudemeter_tui.privacy import bug_report
from claudemeter_tui.privacy.redact import Redactor
from tests import golden_bodies, pii_fixtures, scenes
from tests.scenes import LABORATORY, NOW, PERSONAL, READ, TEAM

VERSIONS = {"claudemeter-tui": "1.2.3", "python": "3.11"}


def document(
    store: Store,
    *,
    redaction: Redactor | None = None,
    terminal: Mapping[str, str] | None = None,
    settings: Mapping[str, object] | None = None,
    choices: Mapping[str, Collection[str]] | None = None,
    events: Iterable[Event] = (),
) -> str:
    """Return a report of this store."""
    return bug_report.build_report(
        store,
        NOW,
        redaction or Redactor(),
        size=(120, 36),
        terminal=terminal or {},
        settings=settings or {},
        choices=choices or {},
        versions=VERSIONS,
        events=events,
    )


def report(store: Store, **more: Any) -> Any:
    """Return the report, parsed."""
    return json.loads(document(store, **more))


def test_report_has_the_moment_and_the_environment() -> None:
    """Versions, terminal and size are included, because most bugs depend on them."""
    made = report(Store(), terminal={"TERM": "xterm-256color", "HOME": "/home/pat"})
    assert made["made_at"] == "2026-04-25T14:48:18Z"
    assert made["versions"] == VERSIONS
    assert made["terminal"] == {"TERM": "xterm-256color", "columns": 120, "lines": 36}
    assert made["problems"] == made["sessions"] == made["orgs"] == []


def test_report_has_every_reply() -> None:
    """Each org has its replies with time, status, duration and remarks, each body as JSON."""
    store = scenes.store(PERSONAL, TEAM, LABORATORY)
    made = report(store)
    assert [org["org"] for org in made["orgs"]] == ["Org A", "Org B", "Org C"]
    for org, state in zip(made["orgs"], store.orgs, strict=True):
        assert list(org["replies"]) == list(state.replies)
    usage = made["orgs"][1]["replies"]["usage"]
    assert usage["at"] == "2026-04-25T14:48:00Z"
    assert usage["status"] == 200
    assert usage["took_seconds"] == 0.0
    assert usage["body"]["five_hour"]["utilization"] == 100.0
    assert made["sessions"][0]["replies"]["account"]["body"]["email_address"] == "person 1"
    assert made["orgs"][1]["verdict"].startswith("BLOCKED  your monthly cap is reached")
    assert made["orgs"][1]["plan"] == "Team"


def test_report_has_the_events_of_the_last_day() -> None:
    """They have pseudonyms, the fields of the event log and its words; older events are left out."""
    state = scenes.store(TEAM).orgs[0]
    events: list[Event] = []
    for at in (NOW - timedelta(days=1), NOW - timedelta(hours=23), NOW):
        sink = EventSink(at, (), state, events)
        sink.emit(EventKind.WINDOW_FILLED, subject="5-hour", before=98.0, after=100.0)
    made = report(scenes.store(TEAM), events=events)
    assert [event["at"] for event in made["events"]] == ["2026-04-24T15:48:18Z", "2026-04-25T14:48:18Z"]
    assert (made["events"][1]["org_name"], made["events"][1]["kind"]) == ("Org A", "window_filled")
    assert made["events"][1]["text"] == "5-hour window full"
    assert state.org.name not in document(scenes.store(TEAM), events=events)


def test_report_has_only_the_month_of_accounts_and_memberships() -> None:
    """The exact time at which an account or a membership began identifies a person."""
    times = {
        "created_at": "2025-03-04T18:02:13.149911Z",
        "updated_at": "2026-01-31",
        "resets_at": "2026-05-01",
    }
    body = {**times, "memberships": [{"organization": times}]}
    months = {"created_at": "2025-03", "updated_at": "2026-01", "resets_at": "2026-05-01"}
    redactor = Redactor()
    once = redactor.redact_body(json.dumps(body))
    assert json.loads(once) == {**months, "memberships": [{"organization": months}]}
    assert redactor.redact_body(once) == once
    assert "1741111333" not in redactor.redact_body('{"created_at": 1741111333}')


def test_report_has_problems_in_words() -> None:
    """Problems are worded as on screen, with their time."""
    made = report(pii_fixtures.store(None, *pii_fixtures.FAILURES))
    assert made["problems"][0] == {
        "since": "2026-04-25T14:48:00Z",
        "problem": "Org B · usage: redirected (status 302 to <host>)",
        "what": "claude.ai sent a redirect instead of data; redirects are not followed.",
    }
    failed = made["orgs"][1]["failures"]["overage"]
    assert failed["trouble"] == "not readable"
    assert failed["detail"] == "could not read <path>"


def test_report_has_the_trace_of_a_bug_without_values() -> None:
    """A bug is reported with its places in the code, and without any variable's value."""
    nothing: dict[str, int] = {}
    try:
        nothing[pii_fixtures.NAME]
    except KeyError as error:
        bug = replace(Failure.from_exception(error, Endpoint.USAGE, READ), retry_after=timedelta(seconds=90))
    made = report(pii_fixtures.store(None, bug))["orgs"][1]["failures"]["usage"]
    assert made["trouble"] == "claudemeter bug"
    assert made["detail"].startswith("KeyError at test_bug_report.py:")
    assert made["trace"][-1].endswith("test_report_has_the_trace_of_a_bug_without_values")
    assert made["retry_after_seconds"] == 90.0


def test_report_has_settings_but_no_path_and_no_secret() -> None:
    """Figures, switches and choices are included; of all other settings only that they were set."""
    settings = {
        "demo": False,
        "interval": timedelta(seconds=60),
        "base_url": "https://claude.ai",
        "cookies": Cookies([("sessionKey", "sk-zaphod")]),
        "cookies_from": "",
        "screenshot": Path("/home/zaphod/x.svg"),
        "folder": "/home/zaphod",
        "size": (120, 36),
        "org": "zaphod",
        "theme": "textual-dark",
        "source": "claude-code",
        "ascii": "/home/zaphod",
        "browsers": ("Chrome", "zaphod"),
        "browser": [],
        "thresholds": [75.0, 90.0],
        "alerts.desktop": "osc9",
        "hook": None,
    }
    choices = {
        "theme": ("textual-dark",),
        "source": ("auto", "claude-code"),
        "ascii": ("auto",),
        "alerts.desktop": ("osc9",),
    }
    assert report(Store(), settings=settings, choices=choices)["settings"] == {
        "demo": False,
        "interval": 60.0,
        "base_url": "https://claude.ai",
        "cookies": "given",
        "cookies_from": "",
        "screenshot": "given",
        "folder": "given",
        "size": [120, 36],
        "org": "given",
        "theme": "textual-dark",
        "source": "claude-code",
        "ascii": "given",
        "browsers": "given",
        "browser": [],
        "thresholds": [75.0, 90.0],
        "alerts.desktop": "osc9",
        "hook": None,
    }
    other = report(Store(), settings={"base_url": "https://zaphod.example"})
    assert other["settings"] == {"base_url": "given"}


def test_report_calls_no_default_given() -> None:
    """Without a config the report has every setting with its default, an empty alias table too."""
    resolved = load_settings([], {}).resolved
    settings = report(
        Store(),
        settings={key: one.value for key, one in resolved.items()},
        choices={key: one.setting.choices for key, one in resolved.items()},
    )["settings"]
    assert settings["screen"] == "dashboard"
    assert settings["orgs.aliases"] == {}
    assert "given" not in settings.values()
    assert report(Store(), settings={"orgs.aliases": {"Zaphod": "z"}})["settings"] == {
        "orgs.aliases": "given"
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("screen-256color", "screen-256color"),
        ("/run/tmux-1000/zaphod,1,0", "set"),
        ("my term", "set"),
        ("", "set"),
    ],
)
def test_report_has_variables_that_are_plain_words(text: str, expected: str) -> None:
    """The terminal's variables are included, except for paths."""
    assert report(Store(), terminal={"TMUX": text})["terminal"]["TMUX"] == expected


def test_report_is_ascii_without_planted_data() -> None:
    """With personal data in every place the report is plain ASCII and holds none of it."""
    text = document(
        pii_fixtures.planted_store(),
        terminal={"TMUX": pii_fixtures.PATH},
        settings={"org": pii_fixtures.NAME},
    )
    assert text.isascii()
    assert pii_fixtures.found(text) == []
    assert pii_fixtures.found(json.dumps(json.loads(text), ensure_ascii=False)) == []


@pytest.mark.parametrize("endpoint", golden_bodies.by_endpoint())
def test_report_has_no_planted_text_of_any_place(endpoint: Endpoint) -> None:
    """A planted text at any single place of any body is not in the report."""
    body = golden_bodies.by_endpoint()[endpoint]
    for turn, place in enumerate(golden_bodies.places(body)):
        text = pii_fixtures.TEXTS[turn % len(pii_fixtures.TEXTS)]
        made = document(pii_fixtures.store({endpoint: golden_bodies.put(body, place, text)}))
        assert pii_fixtures.found(made) == [], (place, text)


@pytest.mark.parametrize("endpoint", golden_bodies.by_endpoint())
def test_report_hides_everything_below_unknown_keys(endpoint: Endpoint) -> None:
    """A new key of any reply shows its place and the type of its value, and nothing else."""
    hidden = {
        "birthday": "1985-03-11",
        "zipcode": "10115",
        "card_digits": 9371,
        "geo": {"lat": 52.5208, "lon": 13.4094, "city": "Berlin"},
        "Zaphod Quux": {"age": 41, "is_member": True, "joined": None, "tags": ["Lepus", 9371]},
    }
    body = golden_bodies.by_endpoint()[endpoint] | hidden
    text = document(pii_fixtures.store({endpoint: body}))
    keys = [f'"{key}"' for key in ("lat", "lon", "city", "age", "is_member", "joined", "tags")]
    words = ["birthday", "1985", "zipcode", "10115", "card_digits", "9371", "geo", "52.5", "13.4", "Berlin"]
    assert [word for word in (*words, *keys, "Zaphod", "Lepus") if word in text] == []
    made = json.loads(text)
    part = made["sessions"][0] if endpoint is Endpoint.ACCOUNT else made["orgs"][0]
    shown = list(part["replies"][endpoint]["body"].values())[-5:]
    born, place, digits, (lat, lon, city), (age, member, joined, (tag, same)) = (
        tuple(value.values()) if isinstance(value, dict) else value for value in shown
    )
    texts = [born, place, digits, lat, lon, city, age, tag]
    kinds = [pseudonym.split()[0] for pseudonym in texts]
    assert kinds == ["time", "text", "int", "float", "float", "text", "int", "text"]
    assert len(set(texts)) == len(texts)
    assert (member, joined, same) == (True, None, digits)


def test_report_names_orgs_as_the_picture_does() -> None:
    """Report and picture share the run's pseudonyms."""
    redaction = Redactor()
    store = scenes.store(PERSONAL, TEAM)
    redaction.redact_store(Store(store.orgs[::-1]))
    assert [org["org"] for org in report(store, redaction=redaction)["orgs"]] == ["Org B", "Org A"]


def test_versions_are_the_running_ones() -> None:
    """The versions of the program, its libraries, Python and the system are all known."""
    made = bug_report.collect_versions()
    assert list(made) == ["claudemeter-tui", "textual", "python", "platform"]
    assert all(made.values())
