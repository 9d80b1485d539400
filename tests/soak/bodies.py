"""Mutated bodies through the parsers, the verdict and the screen: no crash, and no invented figure."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any

from claudemeter_tui.claude_ai.responses import HttpResponse, RequestFailedError, parse_body
from claudemeter_tui.claude_ai.validation import MalformedError
from claudemeter_tui.formatting import verdict as words
from claudemeter_tui.formatting.figures import build_sections
from claudemeter_tui.model.verdict import judge
from tests.claude_ai.test_parse_properties import CALLS, EDGES, check, unreported
from tests.golden_bodies import Place, at_place, places, put
from tests.scenes import READ, OrgBodies
from tests.soak.parts import Part
from tests.tui.every_body import OURS, captured, seen
from tests.tui.figure_checks import width_defects
from tests.tui.test_no_cut_figure import SIZES, Scene, scene_of, stacked

_ENDINGS = {
    "account": "account",
    "organizations": "organizations",
    "usage": "usage",
    "overage": "overage_spend_limit",
    "prepaid": "prepaid/credits",
    "subscription": "subscription_details",
}
"""Ending of each call's address in the captures."""
_TEXTS = ("2026-04-25T16:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01", "[/b]", "\x1b[2J", "\u202e", "é" * 99)


@cache
def _whole_bodies(name: str) -> tuple[Any, ...]:
    """Return the complete bodies of a call: ours, and the captured ones if there are any."""
    return (CALLS[name][1](), *captured(_ENDINGS[name]).values())


def _value(chance: random.Random, body: Any) -> Any:
    """Return a value that a server should not send, or one from another place of the body."""
    kinds: list[Callable[[], Any]] = [
        lambda: chance.choice(EDGES),
        lambda: chance.choice(_TEXTS),
        lambda: chance.randint(-(10**12), 10**12),
        lambda: chance.uniform(-200, 200),
        lambda: "".join(map(chr, chance.choices(range(0x2000), k=chance.randrange(40)))),
        lambda: [chance.choice(EDGES) for _ in range(chance.randrange(6))],
        lambda: {chance.choice(("utilization", "x", "")): chance.choice(EDGES)},
        lambda: at_place(body, chance.choice(list(places(body)))),
    ]
    return chance.choice(kinds)()


def mutated(chance: random.Random, body: Any) -> Any:
    """Return a copy of the body with one change at a random place."""
    inner: list[Place] = [place for place in places(body) if place]
    if not inner:
        return body
    place = chance.choice(inner)
    match chance.choice(("put", "put", "put", "drop", "rename", "more")):
        case "put":
            return put(body, place, _value(chance, body))
        case "drop":
            changed = put(body, place, None)
            del at_place(changed, place[:-1])[place[-1]]
            return changed
        case "rename" if isinstance(place[-1], str):
            key = chance.choice([step for one in inner for step in one if isinstance(step, str)])
            return put(body, (*place[:-1], key), at_place(body, place))
        case _:
            repeated = at_place(body, place)
            return put(body, place, [repeated] * chance.randrange(1, 60))


def mutate_body(chance: random.Random) -> None:
    """Parse a body with one to six changes."""
    name = chance.choice(list(CALLS))
    body = chance.choice(_whole_bodies(name))
    for _ in range(chance.randint(1, 6)):
        body = mutated(chance, body)
    _parse(name, body)


def mutate_text(chance: random.Random) -> None:
    """Read a reply whose bytes were changed, cut or doubled."""
    name = chance.choice(list(CALLS))
    raw = bytearray(json.dumps(chance.choice(_whole_bodies(name))).encode())
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(raw) or 1)
        match chance.choice(("flip", "cut", "insert", "double", "end")):
            case "flip" if raw:
                raw[at] ^= 1 << chance.randrange(8)
            case "cut":
                del raw[at : at + chance.randrange(9)]
            case "insert":
                raw[at:at] = chance.choice(
                    (b'"', b"{", b"]", b"1e999", b"NaN", b"\xff", b"\\ud800", b"-", b",")
                )
            case "double":
                raw[at:at] = raw[at : at + chance.randrange(200)]
            case _ if chance.random() < 0.1:
                del raw[at:]
    text = bytes(raw).decode("utf-8", "surrogateescape")
    try:
        body = parse_body(HttpResponse(200, text, READ, timedelta(0)))
    except RequestFailedError:
        return
    _parse(name, body)


def draw_mutated_org(chance: random.Random) -> None:
    """Judge, word and draw an org whose bodies were changed."""
    org = chance.choice(OURS if chance.random() < 0.5 else seen())
    bodies = replace(org.bodies, spent=org.bodies.spent if chance.random() < 0.5 else ())
    kinds = [kind for kind in ("usage", "overage", "own", "prepaid", "subscription") if getattr(bodies, kind)]
    for kind in chance.choices(kinds, k=chance.randint(1, 8)) if kinds else ():
        bodies = _changed(bodies, kind, mutated(chance, getattr(bodies, kind)))
    scene = scene_of(replace(org, bodies=bodies))
    state, view = scene.view.state, scene.view
    assert state is not None
    for minutes in (0, chance.randrange(100), chance.randrange(100_000)):
        words.format_verdict_line(judge(state, view.now + timedelta(minutes=minutes)), view.now)
    build_sections(view.store, state, view.now, view.zone)
    for size in chance.sample(SIZES, k=3):
        _draw(scene, size, ascii_only=chance.random() < 0.2)


def _changed(bodies: OrgBodies, kind: str, body: Any) -> OrgBodies:
    return replace(bodies, **{kind: body})


def _draw(scene: Scene, size: tuple[int, int], *, ascii_only: bool) -> None:
    for part, lines in stacked(scene, size, ascii_only=ascii_only).items():
        assert list(width_defects(lines, size[0])) == [], (part, size)


def _parse(name: str, body: Any) -> None:
    """Parse a body and check all that holds for any reading."""
    try:
        parsed = CALLS[name][0](body)
    except MalformedError:
        assert not isinstance(body, list if name == "organizations" else dict), body
        return
    check(parsed)
    if name == "usage":
        assert unreported(body, parsed.value) == [], body


PARTS = {
    "bodies": Part(mutate_body, 60_000),
    "texts": Part(mutate_text, 40_000),
    "screens": Part(draw_mutated_org, 6_000),
}
