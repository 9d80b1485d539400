"""What the replies of claude.ai mean: parsed JSON bodies in, values of the model out.

Every function is pure, takes the body of one call, and raises `MalformedError` where the body as a
whole has the wrong shape; nothing else escapes. A key of the wrong type or out of range costs its
own figure, and is named in `odd_values`; what is not known is named in `new_fields`.
"""

from __future__ import annotations

from claudemeter_tui.claude_ai import parse_account as account_parser
from claudemeter_tui.claude_ai import parse_billing as billing_parser
from claudemeter_tui.claude_ai import parse_credits as credits_parser
from claudemeter_tui.claude_ai import parse_usage as usage_parser
from claudemeter_tui.claude_ai.validation import ParsedBody, ParseReport, require_list, require_object
from claudemeter_tui.model.account import Account, Org, Subscription
from claudemeter_tui.model.catalogue import MeterOrigin
from claudemeter_tui.model.credits import Balance, Meter
from claudemeter_tui.model.windows import Plan


def parse_account(body: object) -> ParsedBody[tuple[Account, tuple[Org, ...]]]:
    """Who is signed in, and the account's orgs in the server's order, each once."""
    notes = ParseReport()
    return notes.build_parsed_body(account_parser.build_account(require_object(body), notes))


def parse_organizations(body: object) -> ParsedBody[tuple[Org, ...]]:
    """The orgs of the list, in its order, each once."""
    notes = ParseReport()
    return notes.build_parsed_body(account_parser.parse_orgs(notes.iter_items(require_list(body), ""), notes))


def parse_usage(body: object) -> ParsedBody[Plan]:
    """Windows, meters, grants and shares; the same for the cookie and the bearer call."""
    notes = ParseReport()
    return notes.build_parsed_body(usage_parser.build_plan(require_object(body), notes))


def parse_overage(body: object, origin: MeterOrigin, *, shared: bool) -> ParsedBody[Meter | None]:
    """The meter of an overage reply; None where the server answers null: there is no metered billing.

    `origin` tells which of the two calls it was, `shared` whether the org is Team or Enterprise.
    """
    notes = ParseReport()
    meter = (
        None
        if body is None
        else credits_parser.build_overage_meter(require_object(body), origin, notes, shared=shared)
    )
    return notes.build_parsed_body(meter)


def parse_prepaid(body: object) -> ParsedBody[Balance | None]:
    """The prepaid balance; None where the server answers null."""
    notes = ParseReport()
    return notes.build_parsed_body(
        None if body is None else billing_parser.build_balance(require_object(body), notes)
    )


def parse_subscription(body: object) -> ParsedBody[Subscription | None]:
    """The subscription; None where the server answers null."""
    notes = ParseReport()
    return notes.build_parsed_body(
        None if body is None else billing_parser.build_subscription(require_object(body), notes)
    )
