"""Which replies are believed, each the newest one or one shortly before it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from claudemeter_tui.model.reading import Endpoint, Reply, Value
from claudemeter_tui.model.usage import Balance, Meter, Plan, Window
from claudemeter_tui.model.watch import HELD_FOR


@dataclass(frozen=True, slots=True)
class Believed:
    """The replies to judge by."""

    replies: Mapping[Endpoint, Reply] = field(default_factory=dict)
    doubts: Mapping[Endpoint, int] = field(default_factory=dict)
    """Replies in a row that said less than the one believed; an endpoint without any is missing."""

    def is_all_of(self, replies: Mapping[Endpoint, Reply]) -> bool:
        """Whether nothing in these replies is doubted or completed."""
        if self.replies is replies:
            return True
        return all(self.replies.get(endpoint) is reply for endpoint, reply in replies.items())

    def after(self, fresh: Mapping[Endpoint, Reply], windows: tuple[Window, ...]) -> Believed:
        """What is believed after these new replies, with these windows in the usage reply."""
        replies, doubts = dict(self.replies), dict(self.doubts)
        for endpoint, new in fresh.items():
            old = self.replies.get(endpoint) if doubts.get(endpoint, 0) + 1 < HELD_FOR else None
            whole = _whole_usage(new, old, windows) if endpoint is Endpoint.USAGE else _whole(new, old)
            replies[endpoint], doubtful = whole
            doubts[endpoint] = doubts.get(endpoint, 0) + 1 if doubtful else 0
        return Believed(replies, {endpoint: count for endpoint, count in doubts.items() if count})


def _whole(new: Reply, old: Reply | None) -> tuple[Reply, bool]:
    """The reply to believe, and whether the new one is doubted; without an old one it is not."""
    if old is not None and _is_null(new.value) and not _is_null(old.value):
        return old, True
    return new, False


def _is_null(value: Value) -> bool:
    """Whether a reply about credits says nothing."""
    match value:
        case Meter():
            return value.enabled is None and value.used is None and value.reason is None
        case Balance():
            return value.amount is None
    return value is None


def _whole_usage(new: Reply, old: Reply | None, windows: tuple[Window, ...]) -> tuple[Reply, bool]:
    """The usage reply with these windows, and with the meters that only this one lacks."""
    plan = new.value if isinstance(new.value, Plan) else Plan(reported=False)
    was = old.value if old is not None and isinstance(old.value, Plan) else Plan()
    lost = tuple(_lost(plan, was))
    if windows == plan.windows and not lost:
        return new, False
    reported = plan.reported or bool(windows)
    whole = replace(plan, windows=windows, meters=(*plan.meters, *lost), reported=reported)
    return replace(new, value=whole), bool(lost)


def _lost(plan: Plan, was: Plan) -> Iterator[Meter]:
    origins = {meter.origin for meter in plan.meters}
    return (meter for meter in was.meters if meter.origin not in origins)
