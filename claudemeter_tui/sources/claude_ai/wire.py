"""What the replies of claude.ai mean: parsed JSON bodies in, values of the model out.

Every function is pure, takes the body of one call, and raises `MalformedError` where the body as a
whole has the wrong shape; nothing else escapes. A key of the wrong type or out of range costs its
own figure, and is named in `odd_values`; what is not known is named in `new_fields`.
"""

from __future__ import annotations

from claudemeter_tui.model.usage import Account, Balance, Meter, Org, Origin, Plan, Subscription
from claudemeter_tui.sources.claude_ai import wire_billing, wire_credits, wire_orgs, wire_usage
from claudemeter_tui.sources.claude_ai.lenient import (
    MalformedError,
    Notes,
    Parsed,
    whole_list,
    whole_object,
)

__all__ = [
    "MalformedError",
    "Parsed",
    "account",
    "organizations",
    "overage",
    "prepaid",
    "subscription",
    "usage",
]


def account(body: object) -> Parsed[tuple[Account, tuple[Org, ...]]]:
    """Who is signed in, and the account's orgs in the server's order, each once."""
    notes = Notes()
    return notes.parsed(wire_orgs.account(whole_object(body), notes))


def organizations(body: object) -> Parsed[tuple[Org, ...]]:
    """The orgs of the list, in its order, each once."""
    notes = Notes()
    return notes.parsed(wire_orgs.orgs(notes.items(whole_list(body), ""), notes))


def usage(body: object) -> Parsed[Plan]:
    """Windows, meters, grants and shares; the same for the cookie and the bearer call."""
    notes = Notes()
    return notes.parsed(wire_usage.plan(whole_object(body), notes))


def overage(body: object, origin: Origin, *, shared: bool) -> Parsed[Meter | None]:
    """The meter of an overage reply; None where the server answers null: there is no metered billing.

    `origin` tells which of the two calls it was, `shared` whether the org is Team or Enterprise.
    """
    notes = Notes()
    meter = None if body is None else wire_credits.overage(whole_object(body), origin, notes, shared=shared)
    return notes.parsed(meter)


def prepaid(body: object) -> Parsed[Balance | None]:
    """The prepaid balance; None where the server answers null."""
    notes = Notes()
    return notes.parsed(None if body is None else wire_billing.prepaid(whole_object(body), notes))


def subscription(body: object) -> Parsed[Subscription | None]:
    """The subscription; None where the server answers null."""
    notes = Notes()
    return notes.parsed(None if body is None else wire_billing.subscription(whole_object(body), notes))
