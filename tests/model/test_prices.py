"""List prices: names of models, exact costs, and the same prices in another library."""

from __future__ import annotations

from decimal import Decimal

import pytest
from genai_prices import Usage, calc_price
from genai_prices.data_snapshot import get_snapshot
from hypothesis import given
from hypothesis import strategies as st

from claudemeter_tui.model.money import Money
from claudemeter_tui.model.prices import (
    NANO_PER_DOLLAR,
    PRICES,
    WEB_SEARCH_PRICE,
    Price,
    build_dollars,
    find_price,
    label_model,
)
from claudemeter_tui.model.transcripts import TokenCounts

MILLION = 1_000_000
OPUS = PRICES["opus-5-5"]
token_counts = st.builds(TokenCounts, *[st.integers(0, 10**12)] * 6)

KNOWN_DIFFERENCES = {
    "fable-5-2: read from the cache 800 here, 200 in the library",
    "haiku-5-5: only in the library",
    "opus-4-0: only in the library",
    "opus-4-1: only in the library",
    "opus-4-5: only in the library",
    "opus-4-6: only in the library",
    "opus-4-7: only in the library",
    "opus-4-8: only in the library",
    "sonnet-4-0: only in the library",
    "sonnet-4-5: only in the library",
    "sonnet-4-6: only in the library",
    "sonnet-5-5: only in the library",
}
"""Our table has the prices of Anthropic's own list, and no others. Nano-dollars per token."""
USAGES = {
    "input": (Usage(input_tokens=1000), "input"),
    "output": (Usage(output_tokens=1000), "output"),
    "written to the cache": (Usage(input_tokens=1000, cache_write_tokens=1000), "write_5m"),
    "written for an hour": (
        Usage(input_tokens=1000, cache_write_tokens=1000, cache_write_1h_tokens=1000),
        "write_1h",
    ),
    "read from the cache": (Usage(input_tokens=1000, cache_read_tokens=1000), "cache_read"),
}
"""A thousand tokens of each kind for the library, and the field of `Price`."""


@pytest.mark.parametrize(
    ("expected", "model", "variant"),
    [
        (PRICES["opus-5"], "claude-opus-5-20260301", ""),
        (PRICES["opus-5"], "claude-opus-5", ""),
        (PRICES["opus-5-5"], "claude-opus-5-5", ""),
        (PRICES["haiku-4-5"], "claude-haiku-4-5-20251001", ""),
        (PRICES["fable-5-1"], "claude-fable-5-1-20260801", ""),
        (None, "claude-opus-5-20260301", "fast"),
        (None, "claude-opus-5-20260301", "fast batch"),
        (None, "claude-3-5-haiku-20241022", ""),
        (None, "claude-opus-4-8", ""),
        (None, "claude-opus-5-6", ""),
        (None, "claude-opus-5-5-preview", ""),
        (None, "claude-opus", ""),
        (None, "opus-5", ""),
        (None, "anthropic.claude-opus-5-20260301-v1:0", ""),
        (None, "", ""),
    ],
)
def test_price_is_that_of_the_very_model(expected: Price | None, model: str, variant: str) -> None:
    """A date behind the name changes nothing; another version, form or variant has no known price."""
    assert expected == find_price(model, variant)


@pytest.mark.parametrize(
    ("expected", "model"),
    [
        ("Opus 5.5", "claude-opus-5-5"),
        ("Opus 5", "claude-opus-5-20260301"),
        ("Fable 5.1", "claude-fable-5-1-20260801"),
        ("Haiku 4.5", "claude-haiku-4-5-20251001"),
        ("Opus 6", "claude-opus-6"),
        ("claude-3-5-haiku-20241022", "claude-3-5-haiku-20241022"),
        ("claude-novel-1", "claude-novel-1"),
        ("claude-opus-5-5-preview", "claude-opus-5-5-preview"),
        ("", ""),
    ],
)
def test_label_has_family_and_version(expected: str, model: str) -> None:
    """A known family gets its label, with or without a price; another name stays as it is."""
    assert expected == label_model(model)


@pytest.mark.parametrize(
    ("dollars", "model", "counts"),
    [
        ("5", "claude-opus-5", TokenCounts(input=MILLION)),
        ("25", "claude-opus-5", TokenCounts(output=MILLION)),
        ("6.25", "claude-opus-5", TokenCounts(write_5m=MILLION)),
        ("10", "claude-opus-5", TokenCounts(write_1h=MILLION)),
        ("0.5", "claude-opus-5", TokenCounts(cache_read=MILLION)),
        ("0.2", "claude-opus-5-5", TokenCounts(cache_read=MILLION)),
        ("0.25", "claude-fable-5-1", TokenCounts(cache_read=MILLION)),
        ("1", "claude-fable-5", TokenCounts(cache_read=MILLION)),
        ("0.8", "claude-fable-5-2", TokenCounts(cache_read=MILLION)),
        ("0.03", "claude-sonnet-5", TokenCounts(web_searches=3)),
        ("4.6", "claude-haiku-4-5", TokenCounts(MILLION // 2, MILLION // 2, 0, 0, MILLION, 150)),
    ],
)
def test_cost_follows_the_list(dollars: str, model: str, counts: TokenCounts) -> None:
    """Each kind of token has its price; the cost is exact."""
    price = find_price(model)
    assert price is not None
    assert Decimal(dollars) == build_dollars(price.compute_cost(counts)).major


@pytest.mark.parametrize(
    ("expected", "counts", "rebuilt"),
    [
        (0, TokenCounts(), 0),
        (0, TokenCounts(write_5m=MILLION), 0),
        (MILLION * (5000 - 200), TokenCounts(write_5m=MILLION), MILLION),
        (1000 * (5000 - 200), TokenCounts(write_5m=MILLION), 1000),
        (1000 * (8000 - 200), TokenCounts(write_1h=MILLION), 1000),
        (1000 * (7250 - 200), TokenCounts(write_5m=1000, write_1h=3000), 1000),
    ],
)
def test_rebuild_costs_writing_instead_of_reading(expected: int, counts: TokenCounts, rebuilt: int) -> None:
    """Tokens that were written again cost the difference, for the time that the calls wrote them for."""
    assert expected == OPUS.compute_rebuild_cost(counts, rebuilt)


@given(first=token_counts, second=token_counts, name=st.sampled_from(sorted(PRICES)))
def test_costs_add_up(first: TokenCounts, second: TokenCounts, name: str) -> None:
    """The cost of a sum of calls is the sum of their costs, and a rebuild never costs more than all."""
    price = PRICES[name]
    both = TokenCounts(*(one + other for one, other in zip(first, second, strict=True)))
    assert price.compute_cost(both) == price.compute_cost(first) + price.compute_cost(second)
    assert 0 <= price.compute_rebuild_cost(both, both.written) <= price.compute_cost(both)


@given(nano=st.integers(-(10**40), 10**40))
def test_dollars_are_exact(nano: int) -> None:
    """An amount in USD has every digit of the nano-dollars."""
    money = build_dollars(nano)
    assert money == Money(money.minor, "USD", 2)
    numerator, denominator = money.minor.as_integer_ratio()
    assert numerator * (NANO_PER_DOLLAR // 100) == nano * denominator


def list_differences() -> set[str]:
    """Return a line for each price that the library genai-prices does not have, or has another one."""
    found = set()
    for name, price in PRICES.items():
        for kind, (usage, field) in USAGES.items():
            ours = getattr(price, field)
            try:
                total = calc_price(usage, f"claude-{name}", provider_id="anthropic").total_price
            except LookupError:
                found.add(f"{name}: not in the library")
                break
            theirs = total * NANO_PER_DOLLAR / 1000
            if theirs != ours:
                found.add(f"{name}: {kind} {ours} here, {theirs.normalize():f} in the library")
    models = next(it.models for it in get_snapshot().providers if it.id == "anthropic")
    for model in models:
        # A label of its own shows that transcripts can have this form of the name.
        if label_model(model.id) != model.id and find_price(model.id) is None:
            found.add(f"{model.id.removeprefix('claude-')}: only in the library")
    return found


def test_prices_are_those_of_another_library() -> None:
    """The library genai-prices has the same prices, apart from differences that are listed here by name."""
    found = list_differences()
    assert sorted(KNOWN_DIFFERENCES) == sorted(found), (
        f"new: {sorted(found - KNOWN_DIFFERENCES)}, gone: {sorted(KNOWN_DIFFERENCES - found)}"
    )


def test_web_search_costs_the_same_in_another_library() -> None:
    """The library genai-prices has our price of a web search."""
    total = calc_price(Usage(web_searches=1000), "claude-opus-5", provider_id="anthropic").total_price
    assert total * NANO_PER_DOLLAR / 1000 == WEB_SEARCH_PRICE
