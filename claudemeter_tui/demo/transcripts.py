"""The transcripts of the demo: calls of some projects, and refusals, that fit the figures of one org.

Everything follows from the figures in the demo's archive: a rise of the 5-hour window or of the used credits
was caused by calls here, except in some hours of the plan, in which another device was used. A refusal
follows the begin of each stop.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from claudemeter_tui.demo.scenario import DEMO_ACCOUNT_UUID, PERSONAL
from claudemeter_tui.demo.timeline import DemoLockCause, find_first_day
from claudemeter_tui.history.database import from_millis, to_millis
from claudemeter_tui.history.figures import USED, name_window
from claudemeter_tui.history.machine import load_rises
from claudemeter_tui.history.transcripts import FileToKeep, keep_transcripts, load_refusals, observe_logins
from claudemeter_tui.model.catalogue import SESSION_WINDOW_KEY, Cause
from claudemeter_tui.model.history import VERDICT_FIGURE, WINDOW_PREFIX
from claudemeter_tui.model.prices import Price, find_price
from claudemeter_tui.model.reading import NO_SESSION, Reading
from claudemeter_tui.model.refusals import Refusal, TranscriptNews
from claudemeter_tui.model.transcripts import Call, Login, TokenCounts, TranscriptPosition, TranscriptReading
from claudemeter_tui.model.verdict import VerdictState

SIMULATED_ORG = PERSONAL
"""The org that Claude Code is logged in to."""
PAUSE = 2.0
"""Real seconds before new lines are kept, as in `transcript_process`."""
SPAN = timedelta(days=31)
"""Time before the demo from which on there are transcripts."""
REFUSAL_DELAY = timedelta(seconds=90)
"""Time from the begin of a stop to the first refusal."""
CONFIG_FOLDER = "/home/pat/.claude"
PROJECTS = (("/home/pat/src/webshop", 5), ("/home/pat/src/ledger", 3), ("/home/pat/notes", 1))
"""Folders, and how often each is worked in."""
MODELS = (("claude-opus-5-5", 6), ("claude-sonnet-5", 3), ("claude-fable-5-1", 1))
SUBAGENT_MODEL = "claude-haiku-4-5-20251001"
PERCENT_COST = 900_000_000
"""List cost of one percent of the 5-hour window, in nano-dollars."""
MINOR_COST = 10_000_000
"""Nano-dollars of a minor unit of the credits."""
_SITTING = 90 * 60_000
"""Milliseconds in which one project is worked in most of the time."""
_ELSEWHERE = 5
"""One sitting of so many is one on another device."""
_WINDOW = name_window(SESSION_WINDOW_KEY)
_NEWS_SPAN = timedelta(days=1)


def find_last_moment(start: datetime) -> datetime:
    """Return the end of the first day of a demo that starts at this time."""
    return find_first_day(start) + timedelta(days=1)


class DemoTranscripts:
    """The feed of the simulated transcripts."""

    def __init__(self, keep: Callable[[], TranscriptNews | None]) -> None:
        """Store the function that keeps everything up to now; it blocks, so it is called in a thread."""
        self._keep = keep

    async def run(self, post: Callable[[Reading], object]) -> None:
        """Post what is new, until cancelled; nothing before the first figures are on screen."""
        while True:
            await asyncio.sleep(PAUSE)
            await self._post_news(post)

    async def poll_once(self, post: Callable[[Reading], object], polled: asyncio.Event) -> None:
        """Post what is new after the polls, whose figures it follows."""
        await polled.wait()
        await self._post_news(post)

    async def _post_news(self, post: Callable[[Reading], object]) -> None:
        news = await asyncio.to_thread(self._keep)
        if news is not None:
            post(Reading(NO_SESSION, news.read_at, transcripts=news, is_archived=True))


class TranscriptSimulation:
    """Keeps the simulated transcripts in the demo's archive, as those of real sessions are kept."""

    def __init__(self, connection: sqlite3.Connection, org_id: int, start: datetime) -> None:
        """Begin `SPAN` before the start of the demo, and end with its first day.

        The next day repeats the first one, with lower figures: a real server's never fall before their reset.
        """
        self._connection, self._org_id = connection, org_id
        self._until = start - SPAN
        self._end = find_last_moment(start)

    def keep(self, now: datetime) -> TranscriptNews | None:
        """Keep everything up to the last reading before now; return the news, None if there are none."""
        # The thread that keeps the readings may be behind: a rise must not be missed.
        (read_at,) = self._connection.execute(
            "SELECT max(confirmed_at) FROM all_runs WHERE org_id = ?", (self._org_id,)
        ).fetchone()
        now = min(now, self._end, from_millis(read_at or 0))
        since = self._until
        if now <= since:
            return None
        self._observe_login(now)
        files = {
            project: TranscriptReading(project, TranscriptPosition("demo", 0, project))
            for project, _ in PROJECTS
        }
        for project, call in self._simulate_calls(since, now):
            files[project].calls.append(call)
        for refusal in self._simulate_refusals(since, now):
            files[refusal.project].refusals.append(refusal)
        self._until = now
        found = [FileToKeep(file, CONFIG_FOLDER) for file in files.values() if file.calls or file.refusals]
        if not found:
            return None
        keep_transcripts(self._connection, found, now)
        return TranscriptNews(now, load_refusals(self._connection, now - _NEWS_SPAN, now))

    def _observe_login(self, now: datetime) -> None:
        """Keep that the login was the same all the time: it is seen at least once a day."""
        login = {CONFIG_FOLDER: Login(SIMULATED_ORG.uuid, DEMO_ACCOUNT_UUID)}
        at = self._until
        while at < now:
            observe_logins(self._connection, login, at)
            at += _NEWS_SPAN
        observe_logins(self._connection, login, now)

    def _simulate_calls(self, since: datetime, now: datetime) -> Iterator[tuple[str, Call]]:
        """Yield the calls behind the rises of a span, with their projects."""
        for figure in load_rises(self._connection, self._org_id, since, now):
            factor = {_WINDOW: PERCENT_COST, USED: MINOR_COST}.get(figure.figure)
            for rise in figure.rises if factor is not None else ():
                at = rise.at
                chance = random.Random(f"{figure.figure} {at}")  # noqa: S311 - the same each time
                sitting = random.Random(at // _SITTING)  # noqa: S311 - the same each time
                if sitting.randrange(_ELSEWHERE) or figure.figure == USED:
                    usual = _pick(sitting, PROJECTS)
                    project = usual if chance.random() < 0.8 else _pick(chance, PROJECTS)
                    cost = int(rise.amount * (factor or 0) * chance.uniform(0.9, 1.1))
                    yield project, _build_call(chance, at, cost)
                    if chance.random() < 0.4:
                        yield project, _build_subagent_call(chance, at, cost // 12)

    def _simulate_refusals(self, since: datetime, now: datetime) -> Iterator[Refusal]:
        """Yield a refusal for each stop that began in a span."""
        rows = self._connection.execute(
            "SELECT first_at, value, detail FROM all_runs JOIN names ON names.id = figure_id"
            " WHERE org_id = ? AND name = ? AND value IN (?, ?) AND first_at > ? AND first_at <= ?"
            " ORDER BY first_at",
            (
                *(self._org_id, VERDICT_FIGURE, VerdictState.BLOCKED, VerdictState.WAIT),
                *(to_millis(since - REFUSAL_DELAY), to_millis(now - REFUSAL_DELAY)),
            ),
        ).fetchall()
        for first_at, state, cause in rows:
            full = self._connection.execute(
                "SELECT name, detail FROM all_runs JOIN names ON names.id = figure_id"
                " WHERE org_id = ? AND name LIKE ? AND CAST(value AS REAL) >= 100"
                " AND first_at <= ? AND confirmed_at >= ? ORDER BY name LIMIT 1",
                (self._org_id, f"{WINDOW_PREFIX}%", first_at, first_at),
            ).fetchone()
            window, reset = full or (_WINDOW, "")
            at = from_millis(first_at) + REFUSAL_DELAY
            sitting = random.Random(to_millis(at) // _SITTING)  # noqa: S311 - the same each time
            is_capped = state == VerdictState.BLOCKED and cause == Cause.CAP
            sitting.randrange(_ELSEWHERE)
            yield Refusal(
                key=first_at,
                at=at,
                project=_pick(sitting, PROJECTS),
                limit=window.removeprefix(WINDOW_PREFIX),
                resets_at=from_millis(int(reset)) if reset else None,
                credits_status="rejected",
                credits_reason=DemoLockCause.CAP.value if is_capped else "",
            )


def _pick(chance: random.Random, weighted: tuple[tuple[str, int], ...]) -> str:
    names, weights = zip(*weighted, strict=True)
    return str(chance.choices(names, weights)[0])


def _build_call(chance: random.Random, at: int, cost: int) -> Call:
    """Return a call of the main chain with this list cost, some seconds before its rise is read."""
    model = _pick(chance, MODELS)
    counts = _split_cost(model, cost, reading=0.40, writing=0.25)
    is_rebuilt = chance.random() < 0.1
    return Call(
        key=chance.getrandbits(62),
        at=at - chance.randrange(5_000, 50_000),
        model=model,
        variant="",
        counts=counts._replace(web_searches=int(chance.random() < 0.03)),
        is_sidechain=False,
        rebuilt=counts.written * 3 // 4 if is_rebuilt else 0,
        cache_miss=chance.choice(("tools_changed", "system_changed", "")) if is_rebuilt else "",
    )


def _build_subagent_call(chance: random.Random, at: int, cost: int) -> Call:
    """Return a call of a subagent with this list cost."""
    return Call(
        key=chance.getrandbits(62),
        at=at - chance.randrange(5_000, 50_000),
        model=SUBAGENT_MODEL,
        variant="",
        counts=_split_cost(SUBAGENT_MODEL, cost, reading=0.30, writing=0.30),
        is_sidechain=True,
    )


def _split_cost(model: str, cost: int, *, reading: float, writing: float) -> TokenCounts:
    """Return tokens that cost so many nano-dollars: two parts for the cache, the rest mostly output."""
    price = find_price(model) or Price(1, 1, 1, 1, 1)
    rest = cost * (1 - reading - writing)
    return TokenCounts(
        input=int(rest * 0.1 / price.input),
        output=int(rest * 0.9 / price.output),
        write_5m=int(cost * writing / price.write_5m),
        cache_read=int(cost * reading / price.cache_read),
    )
