"""Every scene of the golden copies: readings, and the moment at which their store is shown."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import httpx

from claudemeter_tui.claude_ai.api import ClaudeAiSource
from claudemeter_tui.claude_ai.client import CookieClient
from claudemeter_tui.demo.server import build_transport
from claudemeter_tui.formatting.credits import REASON_TEXTS
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.event_log import EventLog
from claudemeter_tui.model.events import Event
from claudemeter_tui.model.reading import (
    CLAUDE_CODE_LOGIN,
    NO_SESSION,
    ErrorKind,
    Failure,
    OrgReading,
    Reading,
    Reply,
    ScanResult,
    Schedule,
    Session,
)
from claudemeter_tui.model.secrets import Cookies
from claudemeter_tui.model.store import Store
from tests import golden_bodies, pii_fixtures
from tests.bodies import (
    ACCOUNT,
    NEXT_MONTH,
    extra_usage_body,
    locked_body,
    org_body,
    overage_body,
    prepaid_body,
    subscription_body,
    team_body,
    tranche_body,
    usage_body,
    window_body,
)
from tests.demo_timeline import story
from tests.responses import NOT_FOUND
from tests.scenes import (
    CREDITS_BLOCKED,
    INTERVAL,
    LABORATORY,
    NOW,
    PERSONAL,
    READ,
    SESSION,
    TEAM,
    WAITING,
    OrgBodies,
    org_of,
    parts,
    readings,
)
from tests.tui.afternoon_store import lived
from tests.tui.every_body import OURS, Seen, seen
from tests.tui.test_overview import many

DEMO_BEGINS = datetime(2026, 4, 25, 8, 0, tzinfo=UTC)
"""The first minute of the demo's day."""
DEMO_MINUTES = (0, 8, 22, 25, 45, 110, 122, 160, 270, 340, 400, 433, 450, 620, 720, 820, 1000, 1430)
"""Minutes of the demo's day, at least one after each kind of event."""
WORK = Session("Firefox", "work")
PLACES = (
    ScanResult(
        Session("Chrome", "Default"), "not signed in", "claude.ai was visited, but no one is signed in"
    ),
    ScanResult(Session("Firefox", "work"), "session expired", "Sign in to claude.ai in Firefox (work)."),
    ScanResult(Session("Claude Code"), "not signed in", "no login in the home folder's .claude"),
)


@dataclass(frozen=True)
class Scene:
    """Readings of one run, in order, and the moment after them."""

    name: str
    readings: tuple[Reading, ...]
    now: datetime = NOW

    @property
    def store(self) -> Store:
        """Return the store after all readings."""
        store = Store()
        for reading in self.readings:
            store = store.apply(reading)
        return store

    @property
    def events(self) -> tuple[Event, ...]:
        """Return the events of the run, oldest first."""
        store, journal = Store(), EventLog()
        for reading in self.readings:
            store = store.apply(reading)
            journal = journal.observe(store, reading.at)
        return journal.observe(store, self.now).events


class Playback:
    """A feed that posts the readings of a scene and ends; its clock shows the time of each."""

    def __init__(self, scene: Scene) -> None:
        """Start before the first reading."""
        self._scene = scene
        self._now = scene.readings[0].at

    def now(self) -> datetime:
        """Return the time of the newest reading, after the last one the moment of the scene."""
        return self._now

    async def poll_once(self, post: Callable[[Reading], object]) -> None:
        """Post every reading."""
        for reading in self._scene.readings:
            self._now = reading.at
            post(reading)
        self._now = self._scene.now

    async def run(self, post: Callable[[Reading], object]) -> None:
        """Post every reading and wait until each is printed."""
        await self.poll_once(post)
        for _ in range(10):
            await asyncio.sleep(0)


def scenes() -> tuple[Scene, ...]:
    """Return every scene made of this repository's own bodies."""
    return (*_of_bodies(OURS), *_together(), *_rare(), *_in_trouble(), *_of_sessions(), *days())


def captured_scenes() -> tuple[Scene, ...]:
    """Return a scene for each captured body, none if these are not on this machine."""
    return tuple(_of_bodies(seen()[len(OURS) :]))


def _of_bodies(found: Iterable[Seen]) -> Iterator[Scene]:
    for one in found:
        name = one.name.replace(" ", "_")
        yield Scene(name, tuple(readings(one.bodies, at=one.read_at)), one.now)


def _scene(name: str, *orgs: OrgBodies, after: timedelta = timedelta(0)) -> Scene:
    """Return a scene over these orgs, shown so much later than usual."""
    return Scene(name, tuple(readings(*orgs)), NOW + after)


def _together() -> Iterator[Scene]:
    """Yield scenes of several orgs, and of old figures."""
    trio = (PERSONAL, TEAM, LABORATORY)
    yield _scene("trio", *trio)
    yield _scene("trio_stale", *trio, after=timedelta(minutes=3))
    yield _scene("trio_unknown", *trio, after=timedelta(minutes=20))
    yield _scene("waiting_past_its_reset", WAITING, after=timedelta(hours=1, minutes=13))
    yield _scene("many", *many(12))


def _rare() -> Iterator[Scene]:
    """Yield bodies with keys that ordinary accounts do not have."""
    whole = OrgBodies(
        golden_bodies.org(),
        golden_bodies.usage(),
        golden_bodies.overage(),
        golden_bodies.overage(),
        golden_bodies.prepaid(),
        golden_bodies.subscription(),
    )
    yield _scene("whole_bodies", whole)
    yield Scene("planted", tuple(_readings_of(pii_fixtures.planted_store())))
    grants_in_use = copy.deepcopy(golden_bodies.GRANTS)
    full = usage_body(100.0, 100.0, seven_day_opus=window_body(100.0), cedar_ember=grants_in_use)
    yield _scene("early_reset", OrgBodies(usage=full, overage=locked_body()))
    grants = [
        {"usable_now": False},
        {"resets_left": 1, "usable_now": True, "ends_at": "2026-04-26T00:00:00Z"},
    ]
    once = window_body(100.0, "2026-04-25T14:00:00Z", limit_dollars=100, used_dollars=100)
    odd_grants = usage_body(cinder_cove=once, cedar_ember={"eligible": False, "grants": grants})
    odd_org = org_body(name="", capabilities=(), tier="")
    yield _scene(
        "odd_grants", OrgBodies(odd_org, odd_grants, prepaid=prepaid_body(auto_reload={"enabled": True}))
    )
    spent = tuple((minute, 4900 - 40 * minute - minute % 3) for minute in range(80, 0, -4))
    spending = OrgBodies(
        usage=usage_body(100.0, 67.0, extra_usage=extra_usage_body(4880.0)),
        overage=overage_body(4880),
        prepaid=prepaid_body(9_000, auto_reload={"enabled": True}),
        spent=spent,
    )
    yield _scene("spending", spending)
    slowly = replace(spending, overage=overage_body(4880, 900_000), prepaid=prepaid_body(None))
    yield _scene("spending_slowly", replace(slowly, spent=((75, 4000), (60, 4300), (45, 4500), (9, 4880))))
    pool = OrgBodies(team_body(), usage_body(100.0, 9.0), overage_body(4880, 9000), prepaid=prepaid_body(0))
    yield _scene("spending_of_the_pool", replace(pool, spent=spent))
    paused = subscription_body("paused", payment_paused_until="2026-06-01T00:00:00Z", next_charge=None)
    issue = org_body(billing_issue="invoice_overdue", billable_usage_paused_until=NEXT_MONTH)
    yield _scene("payment", OrgBodies(issue, overage=overage_body(), subscription=paused))
    ending = subscription_body("past_due", ends_at="2026-05-20T00:00:00Z")
    yield _scene("plan_ends", OrgBodies(overage=overage_body(), subscription=ending))
    gift = subscription_body(next_charge=None, gift_details={"paid_through": "2026-10-03"}, card=None)
    yield _scene("gift", OrgBodies(overage=overage_body(), subscription=gift))
    own = locked_body(used=100, limit_type="member", account_uuid=ACCOUNT)
    empty = overage_body(26_118, 100_000, out_of_credits=True)
    promo = [tranche_body(5_000, "2026-04-26T00:00:00Z"), tranche_body(1_000, None)]
    pool = OrgBodies(
        team_body(),
        usage_body(100.0, 9.0),
        empty,
        own,
        prepaid_body(0, promo=promo, auto_reload={"on": True}),
    )
    yield _scene("pool_empty", pool)
    yield _scene("pool_alone", OrgBodies(team_body(), usage_body(12.0, 9.0), overage_body(26_118, 100_000)))
    locked = usage_body(None, 41.0, seven_day_sonnet=window_body(None), iguana_necktie=window_body(100.0))
    locked["seven_day"] |= {"locked_reason": "capacity_protection"}
    yield _scene("locked_window", OrgBodies(usage=locked, overage=overage_body(reason="user_disabled")))
    strange = usage_body(41.0, 67.0, brand_new={"of": 1}, quiet_fern=window_body("many"))
    odd = overage_body(reason="user_disabled", used=-5, a_new_key=True)
    yield _scene("strange_values", OrgBodies(usage=strange, overage=odd))
    no_dates = usage_body(0.0, 99.4, resets_at=None, week_resets_at=None)
    yield _scene("no_dates", OrgBodies(usage=no_dates, overage=overage_body(None, None)))
    reasons = (*REASON_TEXTS, "capacity_protection", None)
    for state, percent in (("full", 100.0), ("free", 41.0)):
        orgs = (_refused(number, reason, percent) for number, reason in enumerate(reasons))
        yield _scene(f"every_reason_{state}", *orgs)


def _refused(number: int, reason: str | None, percent: float) -> OrgBodies:
    """Return an org that is named for its `disabled_reason`."""
    uuid = f"bbbbbbbb-0000-4000-8000-{number:012}"
    overage = overage_body(enabled=False, reason=reason, until=NEXT_MONTH if number % 2 else None)
    return OrgBodies(org_body(uuid, reason or "none"), usage_body(percent, 9.0), overage, subscription=None)


def _readings_of(store: Store) -> Iterator[Reading]:
    """Yield readings that make this store, which has one session."""
    (session,) = store.sessions
    account = session.replies[Endpoint.ACCOUNT]
    roster = tuple(state.org for state in store.orgs)
    yield Reading(session.session, READ, account=account, orgs=roster, scan_results=store.scan_results)
    for state in store.orgs:
        yield Reading(
            session.session, READ, org_readings=(OrgReading(state.org, {**state.replies, **state.failures}),)
        )
    yield Reading(session.session, READ, schedule=Schedule(READ + INTERVAL, INTERVAL))


def _in_trouble() -> Iterator[Scene]:
    """Yield scenes of replies that fail, at first and later."""
    failures = {
        Endpoint.USAGE: Failure(ErrorKind.SERVER_ERROR, Endpoint.USAGE, READ, "status 502"),
        Endpoint.OVERAGE: Failure(ErrorKind.TIMEOUT, Endpoint.OVERAGE, READ),
        Endpoint.SUBSCRIPTION: Failure(ErrorKind.MALFORMED, Endpoint.SUBSCRIPTION, READ, "not JSON"),
    }
    org = org_of(PERSONAL.org)
    who = next(iter(readings(PERSONAL)))
    closing = Reading(SESSION, READ, schedule=Schedule(READ + INTERVAL, INTERVAL))
    failed = Reading(SESSION, READ, org_readings=(OrgReading(org, failures),))
    yield Scene("nothing_read", (who, failed, closing))
    before = tuple(readings(replace(PERSONAL, spent=()), at=READ - INTERVAL))
    yield Scene("failing", (*before, failed, closing))
    yield Scene("failing_for_long", (*before, failed, closing), NOW + timedelta(minutes=20))
    held = Schedule(READ + timedelta(minutes=10), INTERVAL, is_backing_off=True)
    wait = timedelta(minutes=10)
    for trouble in (
        ErrorKind.EXPIRED,
        ErrorKind.CHALLENGE,
        ErrorKind.THROTTLED,
        ErrorKind.NO_ORGS,
        ErrorKind.DNS,
    ):
        failure = Failure(trouble, Endpoint.ACCOUNT, READ, "status 403", retry_after=wait)
        stopped = Reading(SESSION, READ, account=failure, schedule=held)
        name = trouble.name.lower()
        yield Scene(f"{name}_at_first", (stopped,))
        yield Scene(f"{name}_later", (*before, stopped))
    none = Failure(ErrorKind.NO_SESSION, Endpoint.ACCOUNT, READ, "Chrome: not signed in")
    yield Scene("no_session", (Reading(NO_SESSION, READ, none, schedule=held, scan_results=PLACES),))
    bug = Failure(ErrorKind.BUG, Endpoint.USAGE, READ, "KeyError at place.py:1", "place.py:1 somewhere")
    yield Scene(
        "bug", (*before, Reading(SESSION, READ, org_readings=(OrgReading(org, {Endpoint.USAGE: bug}),)))
    )


def _of_sessions() -> Iterator[Scene]:
    """Return sessions that end soon, have expired, or belong to Claude Code."""
    ends = Reading(SESSION, READ, expires_at=NOW + timedelta(days=2))
    yield Scene("expires_soon", (*readings(PERSONAL), ends))
    org = org_of(PERSONAL.org)
    usage = {Endpoint.USAGE: parts(PERSONAL, READ)[Endpoint.USAGE]}
    login = [
        reading._replace(session=CLAUDE_CODE_LOGIN)
        for reading in readings(PERSONAL)
        if reading.account is not None or reading.schedule is not None
    ]
    reported = Reading(CLAUDE_CODE_LOGIN, READ, org_readings=(OrgReading(org, usage),))
    yield Scene("claude_code", (login[0], reported, *login[1:]))
    moved = [login[0]._replace(account=_renewed(login[0])), reported]
    yield Scene("claude_code_stands_in", (*readings(PERSONAL, at=READ - 5 * INTERVAL), *moved, *login[1:]))
    expired = Reading(
        SESSION,
        READ,
        account=Failure(ErrorKind.EXPIRED, Endpoint.ACCOUNT, READ),
        schedule=Schedule(READ + INTERVAL, INTERVAL),
    )
    second = readings(PERSONAL, CREDITS_BLOCKED, session=WORK)
    yield Scene("two_sessions", (*readings(PERSONAL, TEAM, at=READ - INTERVAL), *second, expired))


def _renewed(reading: Reading) -> Reply | Failure | None:
    account = reading.account
    return replace(account, at=READ) if isinstance(account, Reply) else account


def days() -> Iterator[Scene]:
    """Yield the scenes with a past: an afternoon, the day of a story, and the demo's day."""
    afternoon = [reading for _, polled in lived() for reading in polled]
    yield Scene("afternoon", tuple(afternoon))
    bare = [reading for _, polled in lived(without_credits=True) for reading in polled]
    yield Scene("afternoon_without_credits", tuple(bare))
    story_readings = asyncio.run(_story())
    yield Scene("story", tuple(story_readings), story_readings[-1].at)
    demo = asyncio.run(_demo())
    for minute in DEMO_MINUTES:
        now = DEMO_BEGINS + timedelta(minutes=minute)
        until = tuple(reading for reading in demo if reading.at <= now)
        yield Scene(f"demo_{minute // 60:02}{minute % 60:02}", until, now)


class _Hands:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.at = DEMO_BEGINS

    def now(self) -> datetime:
        return self.at


async def _story() -> list[Reading]:
    """Poll at each moment of the story, through the real client."""
    clock, found, moments = _Hands(), list[Reading](), {moment.now: moment for moment in story()}

    def answer(request: httpx.Request) -> httpx.Response:
        sent = moments[clock.at].routes.get(request.url.path, NOT_FOUND)
        return httpx.Response(sent.status, headers=dict(sent.headers), stream=httpx.ByteStream(sent.body))

    client = CookieClient(Cookies([]), now=clock.now, transport=httpx.MockTransport(answer))
    source = ClaudeAiSource(Session("CLAUDEMETER_COOKIE"), client, clock.now)
    for moment in moments:
        clock.at = moment
        found += await _polled(source, moment)
    await source.aclose()
    return found


async def _demo() -> list[Reading]:
    """Poll the demo's server at the minutes of `DEMO_MINUTES`, through the real client."""
    clock, found = _Hands(), list[Reading]()
    client = CookieClient(Cookies([]), now=clock.now, transport=build_transport(clock.now, DEMO_BEGINS))
    source = ClaudeAiSource(Session("simulated"), client, clock.now)
    for minute in DEMO_MINUTES:
        clock.at = DEMO_BEGINS + timedelta(minutes=minute)
        found += await _polled(source, clock.at)
    await source.aclose()
    return found


async def _polled(source: ClaudeAiSource, now: datetime) -> list[Reading]:
    """Return the readings of one poll, the orgs in the server's order."""
    found = [reading async for reading in source.read(full=True)]
    found.sort(key=lambda reading: reading.org_readings[0].org.uuid if reading.org_readings else "")
    return [*found, Reading(source.session, now, schedule=Schedule(now + INTERVAL, INTERVAL))]
