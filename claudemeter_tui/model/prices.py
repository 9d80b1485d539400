"""List prices of the models, and the cost of tokens at these prices.

Such a cost is an estimate: a plan does not charge for single tokens, and usage credits can have a discount.
All amounts are whole nano-dollars (1,000,000,000 for one USD), so every price and every sum is exact.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from claudemeter_tui.model.catalogue import MODEL_FAMILIES
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.transcripts import TokenCounts

PRICES_MONTH = date(2026, 11, 1)
"""First day of the month of which the prices are (source: Anthropic's list of prices for its API)."""
NANO_PER_DOLLAR = 1_000_000_000
WEB_SEARCH_PRICE = NANO_PER_DOLLAR // 100
"""Nano-dollars for a web search, with any model."""


class Price(NamedTuple):
    """List prices of one model, in nano-dollars per token."""

    input: int
    output: int
    write_5m: int
    """For a token written to the cache for 5 minutes: 1.25 times the input."""
    write_1h: int
    """For a token written to the cache for an hour: twice the input."""
    cache_read: int

    def compute_cost(self, counts: TokenCounts) -> int:
        """Return the cost of these tokens and web searches, in nano-dollars."""
        return (
            counts.input * self.input
            + counts.output * self.output
            + counts.write_5m * self.write_5m
            + counts.write_1h * self.write_1h
            + counts.cache_read * self.cache_read
            + counts.web_searches * WEB_SEARCH_PRICE
        )

    def compute_rebuild_cost(self, counts: TokenCounts, rebuilt: int) -> int:
        """Return how much more it cost to write tokens to the cache again than to read them from it.

        Transcripts do not say for how long rebuilt tokens were written: they count as the written ones of
        the same calls, in proportion.

        Args:
            counts: all tokens of one or more calls of the model.
            rebuilt: tokens among those written that had been cached before, at most `counts.written`.

        Returns:
            Nano-dollars, rounded down; 0 or more.
        """
        if not counts.written:
            return 0
        written = counts.write_5m * self.write_5m + counts.write_1h * self.write_1h
        return rebuilt * written // counts.written - rebuilt * self.cache_read


def _build_price(input_price: int, output_price: int, *, cached: str = "0.1") -> Price:
    """Return the prices of a model from its list entry.

    Args:
        input_price: USD for a million tokens.
        output_price: the same.
        cached: price of a token read from the cache, as a part of the input's.
    """
    per_token = input_price * 1000
    return Price(
        per_token, output_price * 1000, per_token * 5 // 4, per_token * 2, int(per_token * Decimal(cached))
    )


PRICES = {
    "fable-5": _build_price(10, 50),
    "fable-5-1": _build_price(10, 50, cached="0.025"),
    "fable-5-2": _build_price(8, 40),
    "haiku-4-5": _build_price(1, 5),
    "opus-5": _build_price(5, 25),
    "opus-5-5": _build_price(4, 20, cached="0.05"),
    "sonnet-5": _build_price(2, 10),
}
"""Every known price, as of `PRICES_MONTH`, by the model's name without `claude-` and its date."""

_MODEL = re.compile(r"claude-(?P<name>(?P<family>[a-z]+)-(?P<version>\d{1,2}(?:-\d{1,2})?))(?:-\d{8})?")
"""Name of a model since version 4: `claude-opus-5-5`, `claude-haiku-4-5-20251001`."""


def find_price(model: str, variant: str = "") -> Price | None:
    """Return the list prices of a model. None if no list price is known.

    Args:
        model: name as in a transcript, such as `claude-opus-5-20260301`.
        variant: `Call.variant`. No list price of any variant, such as `fast`, is known.
    """
    found = _MODEL.fullmatch(model)
    return PRICES.get(found["name"]) if found is not None and not variant else None


def label_model(model: str) -> str:
    """Return the label of a model: "Opus 5.5", "Fable 5.1". The name as given if it has another form."""
    found = _MODEL.fullmatch(model)
    family = found["family"].capitalize() if found is not None else ""
    if found is None or family not in MODEL_FAMILIES:
        return model
    return f"{family} {found['version'].replace('-', '.')}"


def build_dollars(nano: int) -> Money:
    """Return an amount of nano-dollars in USD, exactly."""
    # Digits and exponent, because arithmetic would round to the context's precision.
    sign, digits, _ = Decimal(nano).as_tuple()
    return Money(Decimal((sign, digits, -7)), "USD")
