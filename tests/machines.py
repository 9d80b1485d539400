"""An archive with the use of a machine whose figures are known, written by the real writer."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache

from claudemeter_tui.demo.history import SimulatedPast, fill_archive
from claudemeter_tui.history.database import to_millis
from claudemeter_tui.history.machine import query_machine
from claudemeter_tui.history.schema import MIGRATIONS
from claudemeter_tui.history.transcripts import FileToKeep, keep_transcripts, observe_logins
from claudemeter_tui.model.machine import MachineRequest, MachineUsage, choose_spans
from claudemeter_tui.model.refusals import Refusal
from claudemeter_tui.model.store import OrgKey
from claudemeter_tui.model.transcripts import Call, Login, TokenCounts, TranscriptPosition, TranscriptReading
from tests.bodies import ACCOUNT, PERSONAL, TEAM
from tests.scenes import NOW

SHOP, SHOP_API, OTHER_API = "/home/pat/shop", "/home/pat/work/mayflower/api", "/home/pat/private/api"
PROJECTS = (SHOP, SHOP_API, OTHER_API)
PLANTED = ("shop", "mayflower", "private/api", "quokka", "zebra_code", "wombat")
"""Names that a private screen must not have."""
CONFIG_FOLDER = "/home/pat/.claude"
TEAM_ROW, PERSONAL_ROW = 1, 2
STEP = timedelta(minutes=20)
STEPS = 90
"""Rises of the 5-hour window, each by 5%; the last one 8 minutes ago."""
DOLLAR_OUTPUT = 50_000
"""Output tokens of Opus 5.5 for a dollar."""
MODEL, UNKNOWN_MODEL = "claude-opus-5-5", "claude-quokka-9"


@cache
def build_machine_archive(now: datetime = NOW, login: str = TEAM) -> sqlite3.Connection:
    """Return an archive of two orgs; Claude Code is logged in to one of them.

    Each percent of the 5-hour window costs 20 cents here; every fifth rise was caused elsewhere.
    """
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    connection.executescript("".join(MIGRATIONS))
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    connection.execute("INSERT INTO accounts VALUES (1, 'https://claude.ai', ?, NULL)", (ACCOUNT,))
    for row, uuid in ((TEAM_ROW, TEAM), (PERSONAL_ROW, PERSONAL)):
        connection.execute("INSERT INTO orgs VALUES (?, 1, ?, '', '', 0, 1)", (row, uuid))
    fill_archive(connection, TEAM_ROW, SimulatedPast(runs=list(_iterate_runs(now))))
    for day in range(32, -1, -1):
        observe_logins(connection, {CONFIG_FOLDER: Login(login, ACCOUNT)}, now - timedelta(days=day))
    files = []
    for project in PROJECTS:
        position = TranscriptPosition("1:2", 10, project)
        calls = [call for place, call in _iterate_calls(now) if place == project]
        refusals = [refusal for refusal in iterate_refusals(now) if refusal.project == project]
        reading = TranscriptReading(project, position, calls, refusals, skipped=1)
        files.append(FileToKeep(reading, CONFIG_FOLDER))
    keep_transcripts(connection, files, now)
    return connection


def find_step(now: datetime, number: int) -> datetime:
    """Return the time of a rise, counted from the oldest."""
    return now - timedelta(minutes=8) - (STEPS - 1 - number) * STEP


def _iterate_runs(now: datetime) -> Iterator[tuple[str, int, int, object, str, str]]:
    """Yield windows with resets every five hours, a week that rises by 2% in each, and credits."""
    percent, week = 0, 0
    for number in range(STEPS):
        at, until = find_step(now, number), find_step(now, number + 1) - timedelta(minutes=1)
        last = min(until, now)
        reset = find_step(now, number - number % 15 + 15) - timedelta(minutes=2)
        percent = 5 if number % 15 == 0 else percent + 5
        week += number % 15 == 0
        week_reset = now + timedelta(days=3)
        for name, value, detail in (
            ("window:five_hour", percent, reset),
            ("window:seven_day", 2 * week, week_reset),
        ):
            yield name, to_millis(at), to_millis(last), value, "percent", str(to_millis(detail))
    hour = 3_600_000
    for begun, seen, cents in ((40, 2, 1_000), (1, 0, 1_340)):
        yield "used", to_millis(now) - begun * hour, to_millis(now) - seen * hour, cents, "USD:2", ""


def _iterate_calls(now: datetime) -> Iterator[tuple[str, Call]]:
    for number in range(STEPS):
        at = to_millis(find_step(now, number)) - 30_000
        if number % 5 == 4:
            continue
        project = PROJECTS[number % 3]
        half = TokenCounts(output=DOLLAR_OUTPUT // 2)
        yield project, Call(2 * number + 1, at, MODEL, "", half, is_sidechain=False)
        is_rebuild = number % 30 == 0
        writes = TokenCounts(write_5m=100_000)  # 50 cents
        sidechain = Call(2 * number + 2, at, MODEL, "", writes, is_sidechain=not is_rebuild)
        if is_rebuild:
            sidechain = sidechain._replace(rebuilt=80_000, cache_miss="zebra_code")
        yield project, sidechain
    for place, (model, variant) in enumerate(((UNKNOWN_MODEL, ""), (MODEL, "wombat"))):
        at = to_millis(now - timedelta(days=20, hours=place))
        yield SHOP, Call(10_000 + place, at, model, variant, TokenCounts(input=1_200), is_sidechain=False)


def iterate_refusals(now: datetime) -> Iterator[Refusal]:
    """Yield refusals of three stops; one was refused twice, and one offers lower priority."""
    reset = now + timedelta(hours=1)
    for key, hours, limit in ((1, 60, "seven_day"), (2, 50, "overage"), (3, 1, "five_hour")):
        yield Refusal(key, now - timedelta(hours=hours), SHOP_API, limit, now + timedelta(hours=2 - hours))
    yield Refusal(
        4,
        now - timedelta(minutes=20),
        SHOP_API,
        "five_hour",
        reset,
        "rejected",
        "self_selected_spend_limit_reached",
        offers_low_priority=True,
    )
    yield Refusal(5, now - timedelta(days=3), OTHER_API, "zebra_code")


def build_request(now: datetime = NOW) -> MachineRequest:
    """Return a request for the spans of no org, in UTC."""
    return MachineRequest(now, choose_spans(None, now, UTC), UTC)


def build_machine_loader(login: str = TEAM) -> Callable[[OrgKey | None, MachineRequest], MachineUsage]:
    """Return the source of usage for a dashboard of these orgs."""
    rows = {TEAM: TEAM_ROW, PERSONAL: PERSONAL_ROW}

    def load(key: OrgKey | None, request: MachineRequest) -> MachineUsage:
        row = rows.get(key[1]) if key is not None else None
        return query_machine(build_machine_archive(NOW, login), row, request)

    return load
