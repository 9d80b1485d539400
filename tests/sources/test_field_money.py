"""Situations of real accounts: balances, withdrawn figures, and money that is spent or lost."""

from __future__ import annotations

import re
from datetime import UTC
from typing import Any

import pytest

from claudemeter_tui.formatting.overview import OverviewRow, list_credit_forms
from claudemeter_tui.formatting.status_line import StatusContext, format_values
from claudemeter_tui.formatting.template import fill_template
from claudemeter_tui.model.verdict import judge
from tests.bodies import (
    PERSONAL,
    Json,
    extra_usage_body,
    limit_body,
    overage_body,
    prepaid_body,
    spend_body,
    team_body,
    tranche_body,
)
from tests.scenes import NOW
from tests.sources.outputs import Replies, Shown, full_window, later, play, room

pytestmark = pytest.mark.slow

UNTIL = "org_level_disabled_until"


@pytest.mark.parametrize(
    ("text", "amount"), [("-$23.07", -2307), ("-$47.18", -4718), ("-$0.02", -2), ("-$1,200.50", -120_050)]
)
@pytest.mark.parametrize("used", [1200.0, 6123.0])
def test_negative_balance_is_a_debt(text: str, amount: int, used: float) -> None:
    """An amount below zero is shown with its sign, and the balance is named as empty."""
    shown = play(Replies(room(extra_usage=extra_usage_body(used, 4000)), prepaid=prepaid_body(amount)))
    assert shown.row("Balance").startswith(f"Balance          {text.replace(',', '')}")
    assert text in shown.screen
    assert text in shown.details
    assert re.search("balance[^\n]*empty", f"{shown.check}\n{shown.banner}\n{shown.screen}")
    assert shown.odd_values == set()


NOTHING_BOUGHT: dict[str, Json] = {
    "minus one": prepaid_body(-1),
    "null": prepaid_body(None),
    "no currency": prepaid_body(0)
    | dict.fromkeys(("currency", "balance_credits", "tranches", "promo_tranches")),
    "only null": {"amount": 0, "currency": None, "next_expires_at": None, "auto_reload_settings": None},
}


@pytest.mark.parametrize("prepaid", NOTHING_BOUGHT.values(), ids=NOTHING_BOUGHT)
def test_balance_that_was_never_bought_has_no_amount(prepaid: Json) -> None:
    """Nothing was ever bought: no row of `--once`, no bare 0.00 anywhere."""
    shown = play(Replies(room(extra_usage=extra_usage_body(1200.0, 4000)), prepaid=prepaid))
    assert shown.row("Balance") == ""
    assert not re.search(r"\b0\.0|-0\.01", shown.rows_with("balance"))
    assert "empty" not in shown.everything
    assert "none" in shown.rows_with("balance")


def test_empty_balance_with_a_currency_is_an_amount() -> None:
    """An amount of 0 with a currency was bought and is used up."""
    shown = play(Replies(room(extra_usage=extra_usage_body(1200.0, 4000)), prepaid=prepaid_body(0)))
    assert shown.row("Balance") == "Balance          $0.00"


METER = extra_usage_body(18_740.0, 20_000, currency="GBP")
WITHDRAWN = {"is_enabled": False, "monthly_limit": None, "used_credits": 0.0, "utilization": 0.0}
EMPTY_SPEND = {
    "used": {"amount_minor": 0, "currency": "GBP", "exponent": 2},
    "limit": None,
    "cap": None,
    "percent": 0,
    "enabled": False,
}
BEFORE = {"extra_usage": METER, "spend": spend_body(18_740, 20_000, "GBP")}
AFTER: dict[str, Json] = {
    "paused": {"extra_usage": METER | WITHDRAWN | {"disabled_reason": UNTIL}},
    "cap": {"extra_usage": METER | WITHDRAWN | {"disabled_reason": "org_spend_cap_reached"}},
    "in both parts": {
        "extra_usage": METER | WITHDRAWN | {"disabled_reason": UNTIL},
        "spend": EMPTY_SPEND | {"disabled_reason": UNTIL},
    },
    "in spend alone": {
        "extra_usage": METER | WITHDRAWN,
        "spend": EMPTY_SPEND | {"disabled_reason": "org_spend_cap_reached"},
    },
}
TEAM_ORG = team_body(PERSONAL)


def without_spend(after: Json) -> Json:
    """Return the keys of the poll before that correspond to these of the poll after."""
    return {key: BEFORE[key] for key in after}


@pytest.mark.parametrize("org", [TEAM_ORG, None], ids=["team", "personal"])
@pytest.mark.parametrize("after", AFTER.values(), ids=AFTER)
def test_withdrawn_figures_remain_with_their_age(after: Json, org: Json | None) -> None:
    """The 0 of a withdrawn meter is no figure: the last true one is shown, and nothing was reset."""
    more: dict[str, Any] = {"org": org} if org else {}
    polls = (Replies(room(**without_spend(after)), **more), Replies(room(**after), **more))
    shown = play(*polls)
    assert (
        shown.check_status,
        shown.json["verdict"]["state"],
        shown.json["verdict"]["credits"],
    ) == (5, "can_work", "locked")
    assert re.search(r"187\.40 (?:/|of) (?:£|GBP )?200\.00", shown.row("Extra usage"))
    assert "187.40" in shown.screen
    assert re.search("1m ago|14:47", shown.row("Extra usage"))
    assert re.search("withdr", f"{shown.screen}\n{shown.details}")
    assert not re.search(r"\b0\.00\b(?! since)", shown.everything)
    assert not [
        event
        for event in shown.events
        if re.search("reset|cap changed|unblocked|can work again|no cap", event)
    ]
    assert [event for event in shown.events if "credits BLOCKED" in event]


@pytest.mark.parametrize("after", AFTER.values(), ids=AFTER)
def test_withdrawn_figures_are_no_drop_in_the_chart(after: Json) -> None:
    """The series of used credits keeps its level, then has a gap, until the figures are back."""
    first, gone = Replies(room(**without_spend(after)), org=TEAM_ORG), Replies(room(**after), org=TEAM_ORG)
    shown = play(first, gone, gone, first)
    assert [run.minor for run in shown.org.series.runs] == [18_740, None, 18_740]
    assert shown.org.series.spent.minor == 0


@pytest.mark.parametrize("after", AFTER.values(), ids=AFTER)
def test_withdrawn_figures_alone_are_no_figures(after: Json) -> None:
    """If only the withdrawn meter is known, the reason is shown and no amount."""
    shown = play(Replies(room(**after), org=TEAM_ORG))
    assert (
        shown.check_status,
        shown.json["verdict"]["state"],
        shown.json["verdict"]["credits"],
    ) == (5, "can_work", "locked")
    assert not re.search(r"0\.00", shown.everything)
    assert re.search("organization", shown.check)


@pytest.mark.parametrize("after", AFTER.values(), ids=AFTER)
def test_withdrawn_figures_have_their_age_in_every_output(after: Json) -> None:
    """No output shows them as current: scripts, the details, the overview and the panel date them."""
    first, gone = Replies(room(**without_spend(after)), org=TEAM_ORG), Replies(room(**after), org=TEAM_ORG)
    shown = play(first, gone, gone)
    figures = shown.json["credits"]
    assert (figures["used"]["minor"], figures["cap"]["minor"], figures["is_withdrawn"]) == (
        18_740,
        20_000,
        True,
    )
    assert figures["at"] == "2026-04-25T14:46:18Z"
    assert "GBP 187.40/200 as of 14:46" in shown.line
    form = "{used}, {cap}, {left}"
    context = StatusContext(shown.org, judge(shown.org, NOW), NOW, UTC)
    dated = ("GBP 187.40 as of 14:46", "GBP 200.00 as of 14:46", "GBP 12.60 as of 14:46")
    assert fill_template(form, format_values(context)) == ", ".join(dated)
    (row,) = [line for line in shown.details.splitlines() if line.startswith("used: GBP")][:1]
    assert "as of 14:46, withdrawn since" in row
    assert "2m ago" in row
    overview = OverviewRow(shown.org, context.verdict)
    forms = [form.text.replace(" locked", "") for form in list_credit_forms(overview, NOW, UTC)]
    assert forms == ["GBP 187.40 of 200 as of 14:46", "GBP 187.40 as of 14:46"]
    assert "as of 14:46, withdrawn by the server since" in shown.screen
    assert "runs out first" not in shown.screen


@pytest.mark.parametrize("size", [(150, 45), (120, 36), (80, 24), (60, 20), (40, 8), (80, 3)], ids=str)
def test_withdrawn_figures_have_their_age_at_every_size(size: tuple[int, int]) -> None:
    """Wherever the amount is drawn, the line has its time."""
    first, gone = (
        Replies(room(**parts), org=TEAM_ORG) for parts in (without_spend(AFTER["cap"]), AFTER["cap"])
    )
    screen = play(first, gone, gone).draw(size)
    # The scale of the chart has its times on its axis.
    drawn = [line for line in screen.splitlines() if "187.40" in line and "┤" not in line]
    assert drawn or size == (80, 3)
    assert all("as of 14:46" in line for line in drawn)


@pytest.mark.parametrize("after", AFTER.values(), ids=AFTER)
def test_withdrawn_figures_that_return_are_current(after: Json) -> None:
    """Once the server reports the meter again, no age is left, and only the true rise was spent."""
    first, gone = Replies(room(**without_spend(after)), org=TEAM_ORG), Replies(room(**after), org=TEAM_ORG)
    more: Json = {"extra_usage": extra_usage_body(19_040.0, 20_000, currency="GBP")}
    more["spend"] = spend_body(19_040, 20_000, "GBP")
    back = Replies(room(**{key: more[key] for key in after}), org=TEAM_ORG)
    shown = play(first, gone, gone, back)
    assert "as of" not in shown.everything
    assert "190.40" in shown.row("Extra usage")
    assert shown.org.series.spent.minor == 300
    assert not [event for event in shown.events if re.search("reset|cap changed", event)]


def test_last_figure_before_the_withdrawal_can_be_zero() -> None:
    """A zero of an enabled meter without a cap is a figure: older ones are no longer the last true ones."""
    none_used = extra_usage_body(0.0, None, currency="GBP")
    gone = Replies(room(**AFTER["paused"]), org=TEAM_ORG)
    first, zero = (Replies(room(extra_usage=extra), org=TEAM_ORG) for extra in (METER, none_used))
    shown = play(first, zero, gone)
    assert shown.json["credits"]["used"]["minor"] == 0
    assert shown.json["credits"]["at"] == "2026-04-25T14:47:18Z"


FAILED_RELOADS: dict[str, tuple[Json, tuple[str, ...]]] = {
    "both": (
        {"auto_reload_disabled_reason": "payment_failed", "auto_reload_stripe_error_code": "card_declined"},
        ("payment_failed", "card_declined"),
    ),
    "reason": ({"auto_reload_disabled_reason": "payment_failed"}, ("payment_failed",)),
    "code": (
        {"auto_reload_disabled_reason": None, "auto_reload_stripe_error_code": "expired_card"},
        ("expired_card",),
    ),
    "other reason": ({"auto_reload_disabled_reason": "monthly_cap"}, ("monthly_cap",)),
}


@pytest.mark.parametrize("amount", [0, 350])
@pytest.mark.parametrize(("failed", "codes"), FAILED_RELOADS.values(), ids=FAILED_RELOADS)
def test_auto_reload_that_has_stopped_does_not_top_up(
    failed: Json, codes: tuple[str, ...], amount: int
) -> None:
    """Auto-reload that is on but fails is called stopped, with the server's codes and a cure."""
    reload = {"enabled": True, "threshold": 700, "reload_amount": 2500}
    prepaid = prepaid_body(amount, auto_reload=reload, currency="EUR") | failed
    shown = play(Replies(full_window(), overage_body(1350, 6000, currency="EUR"), prepaid=prepaid))
    assert "auto-reload on" not in shown.everything
    assert "auto-reload: on" not in shown.details
    assert "stopped" in shown.row("Balance")
    assert "auto-reload stopped" in shown.screen
    assert re.search("payment method|settings/usage", shown.row("Balance"))
    for code in codes:
        assert code in shown.rows_with("reload")
    assert re.search("payment method|settings/(?:billing|usage)", f"{shown.screen}\n{shown.details}")
    assert (shown.new_fields, shown.odd_values) == (set(), set())


def test_working_auto_reload_is_on() -> None:
    """Without a reason and a code it is on."""
    reload = {"enabled": True, "threshold": 700, "reload_amount": 2500}
    prepaid = prepaid_body(350, auto_reload=reload) | dict.fromkeys(
        ("auto_reload_disabled_reason", "auto_reload_stripe_error_code")
    )
    shown = play(Replies(full_window(), overage_body(1350, 6000), prepaid=prepaid))
    assert shown.row("Balance") == "Balance          $3.50, auto-reload on"
    assert (shown.new_fields, shown.odd_values) == (set(), set())


def scoped_tranche(remaining: int, *surfaces: str) -> Json:
    """Return a part of the balance that only some surfaces can use."""
    return tranche_body(remaining, later(days=30)) | {
        "id": "t7",
        "name": "API credit",
        "program_id": "p1",
        "granted_at": later(days=-3),
        "scope": {"kind": "scoped", "applies_to": list(surfaces)},
    }


@pytest.mark.parametrize("surfaces", [("api",), ("code_review",), ("api", "code_review")], ids="+".join)
def test_scoped_part_of_the_balance_is_not_counted(surfaces: tuple[str, ...]) -> None:
    """Money for some surfaces is named with them; the rest alone is what runs out."""
    prepaid = prepaid_body(8000, tranches=[scoped_tranche(5500, *surfaces)])
    prepaid |= {"amount_without_scoped_credits": 2500}
    shown = play(Replies(full_window(), overage_body(4000, 10_000), prepaid=prepaid))
    for text in (shown.rows_with("balance"), shown.screen):
        assert "$80.00" in text
        assert "$55.00" in text
        assert all(surface in text for surface in surfaces)
    assert re.search(r"balance[^\n]*runs out first", shown.screen)
    assert not re.search(r"cap [^\n]*runs out first", shown.screen)
    assert re.search(r"balance left: \$25\.00", shown.details)
    assert (shown.new_fields, shown.odd_values) == (set(), set())


def test_balance_without_scoped_parts_counts_as_a_whole() -> None:
    """If nothing is scoped, the whole balance counts, and the cap runs out first."""
    prepaid = prepaid_body(8000) | {"amount_without_scoped_credits": 8000}
    shown = play(Replies(full_window(), overage_body(4000, 10_000), prepaid=prepaid))
    assert re.search(r"cap [^\n]*runs out first", shown.screen)
    assert "only" not in shown.rows_with("balance")


def spending(*used: float, percent: float = 97, **more: Any) -> Shown:
    """Return the outputs after polls with these used credits while the windows have room."""
    return play(
        *(Replies(room(percent, 31, extra_usage=extra_usage_body(cents, 9000), **more)) for cents in used)
    )


WITHOUT_A_FULL_WINDOW = re.compile("credits are being spent although no window is full")


@pytest.mark.parametrize(
    ("used", "percent"), [((2100.0, 2100.0, 2140.0, 2200.0), 97), ((2100.0, 2140.0, 2200.0), 12)], ids=str
)
def test_spending_with_room_in_the_plan_is_shown(used: tuple[float, ...], percent: float) -> None:
    """The first rise is an event with a likely cause, and the amount is shown beside CAN WORK."""
    shown = spending(*used, percent=percent)
    assert shown.json["verdict"]["state"] == "can_work"
    assert re.search(r"CAN WORK.*(?:\$1\.00|\$60\.00/h|spen)", shown.check)
    assert re.search("spen", shown.banner)
    (event,) = [event for event in shown.events if WITHOUT_A_FULL_WINDOW.search(event)]
    assert "likely" in event


def test_spending_beside_a_full_fable_window_names_it() -> None:
    """A full window of one model is the likely cause."""
    fable = limit_body("weekly_scoped", 100, later(days=2), model="Fable")
    shown = spending(2100.0, 2140.0, percent=41, limits=[fable])
    (event,) = [event for event in shown.events if "credits are being spent" in event]
    assert "Fable" in event
    assert "likely" in event
    assert "Fable" in shown.check


def test_steady_credits_are_no_spending() -> None:
    """Without a rise there is no event and no word of spending."""
    shown = spending(2100.0, 2100.0, 2100.0)
    assert not [event for event in shown.events if "spent" in event]
    assert "spen" not in shown.check


def balances(
    *amounts: int,
    used: tuple[int, ...] = (0, 0, 0),
    currency: str = "AUD",
) -> Shown:
    """Return the outputs after polls with these balances and used credits."""
    polls = (
        Replies(
            room(),
            overage_body(cents, 50_000, currency=currency),
            prepaid=prepaid_body(amount, currency=currency),
        )
        for amount, cents in zip(amounts, used, strict=False)
    )
    return play(*polls)


@pytest.mark.parametrize(
    ("amounts", "currency", "texts"),
    [
        ((41_250, 1250), "AUD", ("400.00", "412.50", "12.50")),
        ((41_250, 41_250, 1250), "AUD", ("400.00", "412.50", "12.50")),
        ((24_110, 4110), "USD", ("$200.00", "$241.10", " $41.10")),
        ((9000, 0), "USD", ("$90.00", "$0.00")),
    ],
    ids=str,
)
def test_fall_of_the_balance_without_spending_is_an_event(
    amounts: tuple[int, ...], currency: str, texts: tuple[str, ...]
) -> None:
    """Money that has gone without being spent has expired or was withdrawn: both amounts are shown."""
    shown = balances(*amounts, currency=currency)
    (event,) = [event for event in shown.events if re.search("balance fell", event)]
    assert "without spending" in event
    assert re.search("expired or withdrawn", event)
    for text in texts:
        assert text in event


def test_fall_of_the_balance_by_spending_is_no_event() -> None:
    """A fall that equals the rise of the used credits is ordinary."""
    shown = balances(41_250, 40_250, used=(0, 1000))
    assert not [event for event in shown.events if "balance fell" in event]


def test_level_balance_is_no_event() -> None:
    """Nothing falls, nothing is said."""
    assert not [event for event in balances(41_250, 41_250).events if "balance" in event]
