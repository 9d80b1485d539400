"""The simulated claude.ai: which request gets which answer."""

from __future__ import annotations

import json
import math
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

import httpx

from claudemeter_tui.sources.demo import bodies
from claudemeter_tui.sources.demo.clock import Moment
from claudemeter_tui.sources.demo.day import ACCOUNT_UUID, ORGS
from claudemeter_tui.sources.demo.script import DemoOrg, Mishap
from claudemeter_tui.sources.demo.usage import usage

_GATEWAY = "<!doctype html><title>502 Bad Gateway</title><h1>502 Bad Gateway</h1>"
_BY_UUID = {org.uuid: org for org in ORGS}


class _Stream(httpx.AsyncByteStream):
    """A body that can be read as it comes; one given as `content` counts as read already."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._body


def transport(now: Callable[[], datetime], start: datetime) -> httpx.AsyncBaseTransport:
    """What stands in for the network: claude.ai as it is at the simulated moment of each request.

    Args:
        now: the simulated time, aware.
        start: when the first day begins, aware; the full minute that it lies in counts, as the
            real windows reset on full minutes.
    """
    first = start.astimezone(UTC).replace(second=0, microsecond=0)

    def handle(request: httpx.Request) -> httpx.Response:
        return _answer(request, Moment.of(now(), first))

    return httpx.MockTransport(handle)


def _answer(request: httpx.Request, moment: Moment) -> httpx.Response:
    match request.url.path.strip("/").split("/"):
        case ["api", "account"]:
            return _json(bodies.account())
        case ["api", "organizations"]:
            return _json(bodies.organizations())
        case ["api", "organizations", uuid, *what] if uuid in _BY_UUID:
            member = request.url.params.get("account_uuid")
            return _of_org(_BY_UUID[uuid], "/".join(what), member, moment)
        case _:
            return _not_found()


def _of_org(org: DemoOrg, what: str, member: str | None, moment: Moment) -> httpx.Response:
    if what == "usage":
        return _usage(org, moment)
    if org.own is None:
        return _not_found()
    match what:
        case "overage_spend_limit" if member is None:
            return _json(bodies.overage(org, org.pool or org.own, moment))
        case "overage_spend_limit" if member == ACCOUNT_UUID:
            return _json(bodies.overage(org, org.own, moment))
        case "prepaid/credits":
            return _json(bodies.prepaid(org, moment))
        case "subscription_details":
            return _json(bodies.subscription(org, moment))
        case _:
            return _not_found()


def _usage(org: DemoOrg, moment: Moment) -> httpx.Response:
    match org.mishap(moment.minute):
        case (_, Mishap.SERVER_ERROR):
            return _json(bodies.error("api_error", "Internal server error"), 500)
        case (over, Mishap.THROTTLED):
            seconds = max(1, math.ceil((over - moment.minute) * 60))
            body = bodies.error("rate_limit_error", "Rate limited. Please try again later.")
            return _json(body, 429, {"retry-after": str(seconds)})
        case (_, Mishap.WEB_PAGE):
            return _response(_GATEWAY, 502, {"content-type": "text/html; charset=utf-8"})
        case _:
            return _json(usage(org, moment))


def _not_found() -> httpx.Response:
    return _json(bodies.error("not_found_error", "Not found"), 404)


def _json(body: object, status: int = 200, headers: dict[str, str] | None = None) -> httpx.Response:
    content_type = {"content-type": "application/json"}
    return _response(json.dumps(body), status, {**content_type, **(headers or {})})


def _response(text: str, status: int, headers: dict[str, str]) -> httpx.Response:
    body = text.encode()
    return httpx.Response(status, headers={**headers, "content-length": str(len(body))}, stream=_Stream(body))
