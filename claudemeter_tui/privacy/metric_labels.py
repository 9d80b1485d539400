"""Give sources, orgs and windows the label values of the metrics, from which no name can be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from claudemeter_tui.formatting.metrics import (
    MetricsView,
    OrgFigures,
    OrgLabels,
    SourceFigures,
    SourceLabels,
)
from claudemeter_tui.model.account import Account
from claudemeter_tui.model.catalogue import SCOPED_LIMIT_KIND, WINDOWS
from claudemeter_tui.model.identifiers import hash_parts, identify_orgs
from claudemeter_tui.model.sanitize import sanitize_text
from claudemeter_tui.model.store import OrgState, SessionState, Store
from claudemeter_tui.model.windows import Window
from claudemeter_tui.privacy.allowlist import KNOWN_SURFACES, MODEL_PATTERN, PLAN_PATTERN

MAX_LABEL_LENGTH = 120
"""Maximum characters of a name in a label; a longer one is cut."""
OTHER = "other"
"""Label of a plan or a window with a name that this program does not know."""
MAX_OTHER_WINDOWS = 8
"""Maximum number of windows with unknown names; more are left out."""


def build_view(store: Store, now: datetime, *, shows_names: bool) -> MetricsView:
    """Return the view of a store with its label values.

    Args:
        store: everything that was read.
        now: the time.
        shows_names: True for the names of orgs, accounts and profiles; False for pseudonyms.
    """
    states = [state for state in store.sessions if state.session.browser and state.schedule is not None]
    sources = tuple(
        SourceFigures(labels, state, tuple(org for org in store.orgs if org.session == state.session))
        for state, labels in zip(states, _label_sources(states, store, shows_names), strict=True)
    )
    by_session = {source.state.session: source.labels.source for source in sources}
    identifiers = identify_orgs(store.orgs)
    orgs = tuple(
        OrgFigures(
            _label_org(state, identifiers[state.key], by_session.get(state.session, ""), shows_names),
            state,
            tuple(label_windows(state.plan.windows if state.plan is not None else ())),
            now,
        )
        for state in store.orgs
    )
    return MetricsView(store, sources, orgs, now)


def _label_org(state: OrgState, org: str, source: str, shows_names: bool) -> OrgLabels:  # noqa: FBT001
    """Return the labels of an org with this identifier."""
    name = _shorten(state.org.display_name) if shows_names else org
    plan = state.org.plan_name if PLAN_PATTERN.fullmatch(state.org.plan_name) else OTHER
    return OrgLabels(org, name, _label_account(state.account, shows_names), plan, source)


def _label_sources(
    states: Sequence[SessionState],
    store: Store,
    shows_names: bool,  # noqa: FBT001
) -> list[SourceLabels]:
    """Return the labels of the sources; without a known account, the sources of a browser are numbered."""
    numbers: Counter[str] = Counter()
    found = []
    for state in states:
        browser, profile = state.session.browser, state.session.profile
        account = state.account
        if account.uuid is None:  # the archive may know it
            known = (org.account for org in store.all_orgs if org.session == state.session)
            account = next(known, account)
        if account.uuid is not None:
            source = hash_parts("source", account.uuid, browser, profile)
        else:
            numbers[browser] += 1
            source = f"{browser} {numbers[browser]}"
        shown = _shorten(profile) if shows_names else ""
        found.append(SourceLabels(source, browser, shown, _label_account(account, shows_names)))
    return found


def _label_account(account: Account, shows_names: bool) -> str:  # noqa: FBT001
    if shows_names and account.email:
        return _shorten(account.email)
    return hash_parts("account", account.uuid) if account.uuid else ""


def label_windows(windows: Sequence[Window]) -> list[tuple[str, Window]]:
    """Return the windows with their keys as labels; unknown ones are numbered in the order of the reply."""
    found: dict[str, Window] = {}
    others = 0
    for window in windows:
        label = window.key
        if not _is_known_window(label):
            others += 1
            label = OTHER if others == 1 else f"{OTHER} {others}"
        if others <= MAX_OTHER_WINDOWS:
            found.setdefault(label, window)
    return list(found.items())


def _is_known_window(key: str) -> bool:
    """Return True for a key of the catalogue, and for the week of a known model or surface."""
    kind, _, name = key.partition(":")
    is_public = MODEL_PATTERN.fullmatch(name) is not None or name.lower() in KNOWN_SURFACES
    return key in WINDOWS or (kind == SCOPED_LIMIT_KIND and is_public)


def _shorten(name: str) -> str:
    return sanitize_text(name)[:MAX_LABEL_LENGTH]
