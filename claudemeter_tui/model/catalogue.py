"""All facts about claude.ai: windows, reasons, endpoints, and the keys and values of its replies.

The service documents none of this. The facts come from replies captured between November 2025 and
November 2026; any of them can change without notice. Add a new key or code here for the parsers, the verdict,
privacy and the demo. The words and cures of a code are in `formatting/credits.py`; `claude_ai/API.md`
describes both.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple


class WindowKind(StrEnum):
    """Kind of a window: it limits the whole plan, or a part of its use."""

    SESSION = "session"
    """The 5-hour window: stops the whole plan."""
    WEEKLY = "weekly_all"
    """The 7-day window for all use: stops the whole plan."""
    SCOPED = "scoped"
    """Any other window: stops its own model or surface only."""


class WindowScope(StrEnum):
    """The part of all use that a scoped window limits."""

    MODEL = "model"
    """One model: if the window is full, other models work."""
    SURFACE = "surface"
    """One surface, such as Cowork: if the window is full, all other surfaces work."""


FIVE_HOURS, SEVEN_DAYS = timedelta(hours=5), timedelta(days=7)
WEEK_LABEL_PREFIX = "7-day "
"""Prefix of the label of every 7-day window."""
SCOPED_LIMIT_KIND = "weekly_scoped"
"""`kind` in `limits[]` of a 7-day window of one model or surface; also the prefix of its key."""
OTHER_ORDER, DOLLARS_ORDER = 39, 40
"""Display order of windows without one of their own, and of dollar allowances, which come last."""


class WindowFact(NamedTuple):
    """One window that the usage reply can report."""

    key: str
    """Name from the server."""
    label: str = ""
    """Label on screen. Empty for a code name of unknown meaning; its key is shown if it has a figure."""
    kind: WindowKind = WindowKind.SCOPED
    length: timedelta | None = None
    """Time from start to reset. None if not known."""
    order: int = OTHER_ORDER
    """Display order, lower numbers first."""
    is_one_time: bool = False
    """True if the window expires instead of resetting."""
    scope: WindowScope | None = None
    """The part of all use that a full window stops. None if it is the whole plan, or not known."""
    is_rarely_sent: bool = False
    """True if most replies lack the key; the others have it, null on plans without the window."""


WINDOWS: Mapping[str, WindowFact] = {
    window.key: window
    for window in (
        WindowFact("five_hour", "5-hour", WindowKind.SESSION, FIVE_HOURS, 0),
        WindowFact("seven_day", "7-day all", WindowKind.WEEKLY, SEVEN_DAYS, 10),
        # Windows of one model or surface: objects until May 2026, null since; now they are in `limits[]`.
        WindowFact(
            "seven_day_oauth_apps", "7-day OAuth apps", length=SEVEN_DAYS, order=22, scope=WindowScope.SURFACE
        ),
        WindowFact("seven_day_opus", "7-day Opus", length=SEVEN_DAYS, order=21, scope=WindowScope.MODEL),
        WindowFact("seven_day_sonnet", "7-day Sonnet", length=SEVEN_DAYS, order=20, scope=WindowScope.MODEL),
        WindowFact(
            "seven_day_cowork", "7-day Cowork", length=SEVEN_DAYS, order=24, scope=WindowScope.SURFACE
        ),
        WindowFact(
            "seven_day_omelette", "7-day Design", length=SEVEN_DAYS, order=23, scope=WindowScope.SURFACE
        ),
        WindowFact("tangelo"),
        # This one and `cinder_cove` are dollar allowances.
        WindowFact("iguana_necktie", "Cloud sessions", is_one_time=True),
        WindowFact("omelette_promotional"),
        WindowFact("nimbus_quill"),
        WindowFact("amber_ladder"),
        WindowFact("cinder_cove", "One-time credit", is_one_time=True),
        WindowFact("wattle_ember", is_rarely_sent=True),
        WindowFact("copper_kite", is_rarely_sent=True),
        WindowFact("brass_thimble", is_rarely_sent=True),
    )
}
"""Every known window by its key, in the order of a reply of October 2026."""


class RefusedLimit(StrEnum):
    """Groups of the limits that refuse a request of Claude Code."""

    FIVE_HOUR = "5-hour"
    WEEK = "week"
    CREDITS = "credits"
    UNKNOWN = "unknown"


REFUSED_LIMITS: Mapping[str, RefusedLimit] = {
    "five_hour": RefusedLimit.FIVE_HOUR,
    "seven_day": RefusedLimit.WEEK,
    "seven_day_opus": RefusedLimit.WEEK,
    "seven_day_sonnet": RefusedLimit.WEEK,
    "seven_day_overage_included": RefusedLimit.WEEK,
    "overage": RefusedLimit.CREDITS,
}
"""Every known `rateLimitType` of a refusal (Claude Code 2.1.240 to 2.1.263). Most are keys of `WINDOWS`."""

SESSION_LABEL = next(fact.label for fact in WINDOWS.values() if fact.kind is WindowKind.SESSION)
"""Label of the 5-hour window."""
SESSION_WINDOW_KEY = next(fact.key for fact in WINDOWS.values() if fact.kind is WindowKind.SESSION)
WEEK_WINDOW_KEY = next(fact.key for fact in WINDOWS.values() if fact.kind is WindowKind.WEEKLY)
"""Keys of the windows that stop the whole plan."""
SCOPED_WINDOW = WindowFact("", length=SEVEN_DAYS, order=29)
"""Facts shared by all 7-day windows of one model or surface in `limits[]`; each entry has its own name."""


MODEL_FAMILIES = ("Fable", "Opus", "Sonnet", "Haiku")
"""Names of models; each can be followed by a version."""
FAMILY_ON_CREDITS = "Fable"
"""The models that are included up to a share of the week, and continue on usage credits beyond it."""


def is_model_name(name: str) -> bool:
    """Return True if a name begins with the name of a model: `Fable`, `Fable 5`."""
    return name.startswith(MODEL_FAMILIES)


def continues_on_credits(label: str) -> bool:
    """Return True if the models of a full window with this label continue on open usage credits."""
    return FAMILY_ON_CREDITS.casefold() in label.casefold()


class CreditState(StrEnum):
    """State of the usage credits: only OPEN lets work continue on them."""

    OPEN = "open"
    LOCKED = "locked"
    OFF = "off"
    UNKNOWN = "unknown"
    ABSENT = "absent"
    """The org has no usage credits at all."""


class Cause(StrEnum):
    """Cause of a verdict or of a lock on the credits; each has its own cure."""

    WINDOW_SESSION = "window_session"
    WINDOW_WEEKLY = "window_weekly"
    NO_WINDOWS = "no_windows"
    """The plan has no plan-wide window: all use is charged to credits."""
    CAP = "cap"
    EMPTY_BALANCE = "empty_balance"
    OUT_OF_CREDITS = "out_of_credits"
    """`out_of_credits`, although the prepaid reply shows money."""
    ADMIN = "admin"
    """Setting or limit of the organization, seat tier, member or service; only an administrator can change
    it.
    """
    OFF = "off"
    """Never set up, or switched off."""
    PAUSED = "paused"
    """`billable_usage_paused_until`."""
    SERVER = "server"
    """Opaque or unknown code: quote it, do not interpret it."""
    CONTRADICTION = "contradiction"
    """One reply says that the credits are open, another one that they are not."""
    UNREADABLE = "unreadable"
    """A field that decides about a lock has a value that cannot be read."""
    NOT_READ = "not_read"
    """No good reply, or only replies that are too old."""
    NOT_REPORTED = "not_reported"
    """A good reply without the figure."""


class DisabledReason(NamedTuple):
    """One value of `disabled_reason`, in the overage reply, `extra_usage` and `spend`."""

    code: str
    """Code from the server; `formatting.credits` has the words and the cure."""
    state: CreditState = CreditState.LOCKED
    """State of credits that report the code."""
    cause: Cause = Cause.SERVER
    """Cause of the lock. SERVER if the meaning is not known, so that the code is quoted."""
    concerns_org: bool = False
    """True if it concerns the whole organization, even in one member's reply."""
    withdraws_meter: bool = False
    """True if the server withdraws the meter's figures together with this reason: their zero is not real."""


DISABLED_REASONS: Mapping[str, DisabledReason] = {
    reason.code: reason
    for reason in (
        # Never set up, or switched off: captures from November 2025 on.
        DisabledReason("overage_not_provisioned", CreditState.OFF, Cause.OFF),
        DisabledReason("user_disabled", CreditState.OFF, Cause.OFF),
        DisabledReason("no_limits_configured", CreditState.OFF, Cause.OFF),
        DisabledReason("org_level_disabled", CreditState.OFF, Cause.ADMIN, concerns_org=True),
        DisabledReason("seat_tier_level_disabled", CreditState.OFF, Cause.ADMIN),
        DisabledReason("member_level_disabled", CreditState.OFF, Cause.ADMIN),
        DisabledReason("org_service_level_disabled", CreditState.OFF, Cause.ADMIN),
        DisabledReason("seat_tier_zero_credit_limit", CreditState.OFF, Cause.ADMIN),
        DisabledReason("group_zero_credit_limit", CreditState.OFF, Cause.ADMIN),
        DisabledReason("member_zero_credit_limit", CreditState.OFF, Cause.ADMIN),
        DisabledReason("org_service_zero_credit_limit", CreditState.OFF, Cause.ADMIN),
        # Locked: captures from November 2025 on.
        DisabledReason("out_of_credits", CreditState.LOCKED, Cause.EMPTY_BALANCE),
        DisabledReason(
            "org_spend_cap_reached", CreditState.LOCKED, Cause.CAP, concerns_org=True, withdraws_meter=True
        ),
        DisabledReason("self_selected_spend_limit_reached", CreditState.LOCKED, Cause.CAP),
        DisabledReason(
            "org_level_disabled_until",
            CreditState.LOCKED,
            Cause.ADMIN,
            concerns_org=True,
            withdraws_meter=True,
        ),
        # Reported by one user, not seen in any capture.
        DisabledReason("capacity_protection", CreditState.LOCKED, Cause.SERVER),
        # With these codes, the server itself does not know the state.
        DisabledReason("fetch_error", CreditState.UNKNOWN, Cause.SERVER),
        DisabledReason("unknown", CreditState.UNKNOWN, Cause.SERVER),
    )
}
"""Every known `disabled_reason` by its code."""


def find_disabled_reason(code: str) -> DisabledReason:
    """Return the facts about a code; an unlisted code locks the credits, with the cause SERVER."""
    return DISABLED_REASONS.get(code) or DisabledReason(code)


PAYMENT_RESTRICTIONS = ("billing_issue", "access_block", "subscription_pause")
"""Restrictions that are shown as payment problems beside the verdict."""
API_RESTRICTIONS = ("api_disabled_reason", "api_disabled_until")
RESTRICTIONS = (*PAYMENT_RESTRICTIONS, *API_RESTRICTIONS, "billable_usage_paused_until")
"""Keys of an organization that are null unless it is restricted, in display order."""
PAYMENT_PROBLEM_STATUSES = frozenset({"past_due", "paused"})
"""Values of the subscription's `status` that require the user to act."""
SUBSCRIPTION_STATUSES = PAYMENT_PROBLEM_STATUSES | {"active", "trialing", "canceled"}
"""Every known value of the subscription's `status`; a canceled plan that still runs is `active`."""
MEMBER_LIMIT_TYPES = frozenset({"member", "seat_tier"})
"""Values of `limit_type` for a cap that an administrator sets for one member or seat tier."""
LIMIT_TYPES = MEMBER_LIMIT_TYPES | {"organization"}
"""Every known `limit_type` of the overage reply."""
SEVERITIES = ("normal", "warning", "critical")
"""Every known `severity` of `limits[]` and `spend` (since July 2026), mildest first."""
SHARED_PLANS: Mapping[str, str] = {"team": "Team", "enterprise": "Enterprise"}
"""Names of the plans with a pool, by the organization's `raven_type`."""


ORGANIZATIONS_PATH = "/api/organizations"
"""Path that lists the same orgs as the account reply; requested if that reply names none."""


SAVED_RESETS_QUERY = "?cedar_ember=1"


class EndpointFacts(NamedTuple):
    """Facts about one endpoint of claude.ai, from captures of its web pages."""

    path: str
    """Path and query, with `{org}` and `{account}` for the URL-quoted uuids."""
    optional_query: str = ""
    """End of `path`, left out in a second request if the server refuses the first one. Empty if there is
    none.
    """
    is_optional: bool = False
    """True if a 404 or 403 means that the org lacks the feature."""
    is_slow: bool = False
    """True if the reply rarely changes: one request every `SLOW_INTERVAL` is enough."""


SLOW_INTERVAL = timedelta(minutes=15)
"""Time between two requests of a reply that rarely changes."""


class Endpoint(StrEnum):
    """The replies about an account and its orgs, by their names on screen."""

    ACCOUNT = "account"
    USAGE = "usage"
    OVERAGE = "overage"
    """Cap and lock; on Team and Enterprise, those of the whole organization."""
    OWN_OVERAGE = "own overage"
    """Cap and lock of one member."""
    PREPAID = "prepaid"
    SUBSCRIPTION = "subscription"

    @property
    def facts(self) -> EndpointFacts:
        """Facts about the endpoint, from the table below."""
        return _ENDPOINT_FACTS[self]


_ENDPOINT_FACTS = {
    Endpoint.ACCOUNT: EndpointFacts("/api/account", is_slow=True),
    # The query adds the saved resets. Never send it to the endpoint of a Claude Code login.
    Endpoint.USAGE: EndpointFacts(
        f"/api/organizations/{{org}}/usage{SAVED_RESETS_QUERY}", optional_query=SAVED_RESETS_QUERY
    ),
    Endpoint.OVERAGE: EndpointFacts("/api/organizations/{org}/overage_spend_limit", is_optional=True),
    Endpoint.OWN_OVERAGE: EndpointFacts(
        "/api/organizations/{org}/overage_spend_limit?account_uuid={account}", is_optional=True
    ),
    Endpoint.PREPAID: EndpointFacts("/api/organizations/{org}/prepaid/credits", is_optional=True),
    Endpoint.SUBSCRIPTION: EndpointFacts(
        "/api/organizations/{org}/subscription_details", is_optional=True, is_slow=True
    ),
}


class MeterOrigin(StrEnum):
    """Source of a credit figure in the replies."""

    OVERAGE = "overage_spend_limit"
    OWN_OVERAGE = "overage_spend_limit?account_uuid"
    EXTRA_USAGE = "usage: extra_usage"
    SPEND = "usage: spend"

    @property
    def endpoint(self) -> Endpoint:
        """Endpoint of the reply that has the figure."""
        return _ORIGIN_FACTS[self][0]

    @property
    def cap_key(self) -> str:
        """Key of the cap in that reply."""
        return _ORIGIN_FACTS[self][1]


_ORIGIN_FACTS = {
    MeterOrigin.OVERAGE: (Endpoint.OVERAGE, "monthly_credit_limit"),
    MeterOrigin.OWN_OVERAGE: (Endpoint.OWN_OVERAGE, "monthly_credit_limit"),
    MeterOrigin.EXTRA_USAGE: (Endpoint.USAGE, "monthly_limit"),
    # `spend` calls its cap `limit`; `extra_usage` beside it holds the same cap under a clearer key.
    MeterOrigin.SPEND: (Endpoint.USAGE, "monthly_limit"),
}


NON_WINDOW_KEYS = frozenset(
    (
        *("limits", "extra_usage", "spend", "cedar_ember", "juniper_tide"),
        *("seven_day_breakdown", "member_dashboard_available"),
    )
)
"""Known keys of the usage reply that are not windows."""
USAGE_SIGN_KEYS = frozenset(
    (
        *("five_hour", "seven_day", "seven_day_oauth_apps", "seven_day_opus", "seven_day_sonnet"),
        *("cinder_cove", "extra_usage", "limits"),
    )
)
"""Keys of which every usage reply has at least one; Claude Code takes a reply without them for an error."""
OVERAGE_SIGN_KEYS = frozenset(
    (
        *("is_enabled", "monthly_credit_limit", "spend_limit_amount_cents", "used_credits"),
        *("out_of_credits", "spend_limit_reached", "disabled_reason", "disabled_until", "limit_type"),
    )
)
"""Keys of which every overage reply has at least one, or `type` with one of the limit types."""

_KEYS_BY_OBJECT = {
    # `/api/account`, and `account` of the login's profile.
    "account": """
        created_at display_name email email_address full_name has_claude_max has_claude_pro memberships
        settings tagged_id updated_at uuid
    """,
    # An element of `memberships`.
    "membership": "created_at organization role seat_tier updated_at",
    # An organization, in the account body, in the list of organizations and in the login's profile.
    "organization": """
        access_block active_flags analytics_subscription_plan api_disabled_reason api_disabled_until
        billable_usage_paused_until billing_issue billing_type capabilities
        claude_ai_bootstrap_models_config created_at data_retention data_retention_min_duration_days
        data_retention_periods external_mapping free_credits_status has_extra_usage_enabled has_icon
        home_stripe_account_region id is_internal_org is_workbench_cmek_blocked
        member_file_deletion_blocked_by_retention merchant_of_record monitoring_notice name
        organization_type parent_organization_uuid rate_limit_tier rate_limit_upsell raven_configuration
        raven_type settings subscription_created_at subscription_management subscription_pause
        subscription_status updated_at uuid visibility_status
    """,
    # The body for Claude Code's login.
    "profile": "account application organization",
    # A window under its own key of the usage reply; dollars since mid-2026, `locked_reason` since September.
    "window": "limit_dollars locked_reason remaining_dollars resets_at used_dollars utilization",
    # An element of `limits[]`, since July 2026.
    "limit": "group is_active kind locked_reason percent resets_at scope severity",
    # `scope` of such an element.
    "scope": "label model surface",
    # `model` and `surface` of a scope.
    "scope_name": "display_name id",
    # `cedar_ember`.
    "saved_resets": """
        at_limit cooldown_until eligible exhausted grants in_experiment ineligible_reason next_grant_id
        weekly_resets_at
    """,
    # An element of `grants` in `cedar_ember`.
    "saved_reset": """
        blocking clears ends_at id label paused percent_used resets_left resets_total starts_at usable_now
        use_requires_limit
    """,
    # `juniper_tide`.
    "session_reset": """
        arm available eligible ineligible_reason next_available_at resets_per_week weekly_resets_at
    """,
    # `seven_day_breakdown`.
    "breakdown": "rows",
    # An element of the breakdown's `rows`.
    "breakdown_row": "display_name key percent",
    # Percentages are computed here, so `utilization` is not read.
    "extra_usage": """
        credits_ever_enabled currency daily decimal_places disabled_reason disabled_until is_enabled
        monthly_limit out_of_credits spend_limit_reached used_credits user_disabled utilization weekly
    """,
    # Since July 2026.
    "spend": """
        auto_reload balance can_purchase_credits can_toggle cap disabled_reason disclaimer enabled limit
        percent severity used
    """,
    # `cap` of `spend`: it has one of the two.
    "cap": "credits money",
    # An amount with its unit.
    "money": "amount_minor currency exponent",
    # `/overage_spend_limit`, with the names that it had before 2026.
    "overage": """
        account_email account_name account_uuid balance_cents created_at currency decimal_places
        disabled_reason disabled_until discount_ends_at discount_percent group_deleted group_name
        group_uuid is_enabled limit_type monthly_credit_limit org_service_name organization_uuid
        out_of_credits period resolved_group_limit seat_tier settings spend_limit_amount_cents
        spend_limit_currency spend_limit_reached type updated_at used_credits used_credits_basis
    """,
    # `/prepaid/credits`.
    "prepaid": """
        amount amount_without_scoped_credits auto_reload_disabled_reason auto_reload_settings
        auto_reload_stripe_error_code balance balance_credits currency decimal_places expiry_policy_months
        last_paid_purchase_cents next_expires_at pending_invoice_amount_cents promo_tranches tranches
    """,
    # `balance` of the prepaid reply: it has one of the two.
    "balance": "credits money",
    # `auto_reload_settings`, as other programs read it; every capture had null. `is_enabled` is a guess.
    "auto_reload": "enabled is_enabled reload_amount threshold",
    # An element of `tranches` and `promo_tranches`.
    "tranche": "currency expires_at granted_at id name program_id remaining_amount_minor_units scope",
    # `scope` of such an element: the surfaces that can use it.
    "tranche_scope": "applies_to kind",
    # `/subscription_details`.
    "subscription": """
        billing_interval currency eligible_for_past_due_cycle_reset gift_details has_discounts
        has_schedule manual_pause_scheduled_at next_charge_at next_charge_date payment_method
        payment_paused_until plan_ending_at plan_ending_before scheduled_downgrade seat_tier_quantities
        status subscription_details_url subscription_payment_type team_promo_ends_at
        test_clock_frozen_time trial_end_ts
    """,
    # `payment_method`.
    "card": "brand country last4 type",
    # `scheduled_downgrade`.
    "downgrade": "base_price_in_minor_units billing_interval currency date plan_type",
    # `gift_details`.
    "gift": "paid_through",
    # The body of an error and the objects in it; only the codes are parsed.
    "error": "type error message details error_code error_visibility request_id",
}
REPLY_KEYS: Mapping[str, frozenset[str]] = {
    "usage": NON_WINDOW_KEYS | WINDOWS.keys(),
    **{name: frozenset(keys.split()) for name, keys in _KEYS_BY_OBJECT.items()},
}
"""Every key ever seen in a reply, by the JSON object that has it.

Parsers read some of them; the others have nothing to show. An unlisted key is reported as a new field.
"""
NULL_ONLY_KEYS: Mapping[str, frozenset[str]] = {
    "extra_usage": frozenset(("daily", "weekly")),
    "spend": frozenset(("balance", "auto_reload")),
}
"""Known keys that were only ever null, by their JSON object: any other value is reported as a new field."""
SESSION_RESET_CONTROL = "control"
"""`arm` of the session reset for accounts that cannot use it."""
SESSION_RESET_ARMS = frozenset(("reset", SESSION_RESET_CONTROL))
"""Every known `arm` of the session reset."""
