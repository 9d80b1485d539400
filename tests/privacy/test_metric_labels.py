"""Identifiers and names in the labels of the metrics: stable, distinct, bounded, and nothing personal."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace

import pytest

from claudemeter_tui.formatting.metrics import MetricsView, list_samples
from claudemeter_tui.formatting.report import format_json_array
from claudemeter_tui.model.account import Account, Org
from claudemeter_tui.model.identifiers import hash_parts
from claudemeter_tui.model.org_rules import OrgRules
from claudemeter_tui.model.reading import Session
from claudemeter_tui.model.store import SessionState, Store
from claudemeter_tui.model.windows import Window
from claudemeter_tui.privacy.metric_labels import MAX_LABEL_LENGTH, build_view, label_windows
from tests import pii_fixtures, scenes
from tests.model.readings import CHROME, FIREFOX, PERSONAL, SAM, TEAM, closed, folded, listed, reported
from tests.model.test_seats import both, seat
from tests.scenes import LABORATORY, NOW

IDENTIFIER = re.compile(r"[0-9a-f]{12}")
UUID = "bbbbbbbb-0000-4000-8000-000000000001"


def view(store: Store, *, shows_names: bool = False) -> MetricsView:
    """Return the view of a store."""
    return build_view(store, NOW, shows_names=shows_names)


def list_orgs(store: Store) -> dict[str, str]:
    """Return the identifier of each org by its name."""
    return {org.state.org.name: org.labels.org for org in view(store).orgs}


def everything(store: Store, *, shows_names: bool = False) -> str:
    """Return every sample as text."""
    return repr(list(list_samples(view(store, shows_names=shows_names))))


def test_identifiers_are_the_same_in_every_process_and_order() -> None:
    """An identifier follows from the UUID alone, so that a series continues after a restart."""
    orgs = list_orgs(scenes.store(scenes.PERSONAL, scenes.TEAM, LABORATORY))
    assert len(set(orgs.values())) == 3
    assert all(IDENTIFIER.fullmatch(org) for org in orgs.values())
    assert list_orgs(scenes.store(LABORATORY, scenes.PERSONAL)).items() <= orgs.items()
    program = "from claudemeter_tui.model.identifiers import *; import sys; print(hash_parts(*sys.argv[1:]))"
    command = [sys.executable, "-c", program, "org", UUID]
    assert subprocess.check_output(command, text=True).strip() == orgs["Personal"]
    assert orgs["Personal"] == hash_parts("org", UUID)


def test_alias_and_account_note_change_no_identifier() -> None:
    """Settings and other orgs only change what names show."""
    store = scenes.store(scenes.PERSONAL, scenes.TEAM)
    named = OrgRules(aliases=(("Personal", "mine"),), order=("Acme Team",)).apply_to_store(store)
    assert list_orgs(named) == list_orgs(store)
    assert {org.labels.name for org in view(named, shows_names=True).orgs} == {"mine", "Acme Team"}


def test_nothing_personal_without_names() -> None:
    """No name, e-mail, UUID, profile, unknown window, reason or path is in any sample."""
    for store in (pii_fixtures.planted_store(), pii_fixtures.store(None, *pii_fixtures.FAILURES)):
        assert pii_fixtures.found(everything(store)) == []
    shown = everything(scenes.store(scenes.PERSONAL, scenes.TEAM))
    for text in ("Personal", "Acme", "pat@example.com", "Default", UUID, "aaaaaaaa"):
        assert text not in shown


def test_names_are_shown_on_request() -> None:
    """Only the `_info` metrics have them."""
    store = scenes.store(scenes.TEAM)
    (org,), (source,) = view(store, shows_names=True).orgs, view(store, shows_names=True).sources
    assert (org.labels.name, org.labels.account, org.labels.plan) == ("Acme Team", "pat@example.com", "Team")
    assert source.labels[1:] == ("Chrome", "Default", "pat@example.com")
    for metric, samples in list_samples(view(store, shows_names=True)):
        assert metric.is_info or "Acme" not in repr(samples)


def test_seats_of_an_org_have_identifiers_of_their_own() -> None:
    """Two accounts with different figures are two series; with the same figures they are the org's one."""
    apart = [org.labels.org for org in view(both(seat(0, 10), seat(0, 80))).orgs]
    same = [org.labels.org for org in view(both(seat(0, 10), seat(0, 10))).orgs]
    assert (len(set(apart)), len(same)) == (2, 1)
    assert same == [hash_parts("org", TEAM.uuid)]
    again = [org.labels.org for org in view(both(seat(1, 20), seat(1, 90))).orgs]
    assert again == apart


def test_json_names_the_org_of_each_identifier() -> None:
    """`--json` has the label of every org beside its name, also of one org alone and of seats."""
    for store in (
        scenes.store(scenes.PERSONAL, scenes.TEAM),
        both(seat(0, 10), seat(0, 80)),
        both(seat(0, 10), seat(0, 10)),
    ):
        expected = {org.labels.org: org.state.org.display_name for org in view(store).orgs}
        shown = json.loads(format_json_array(store, store.orgs, NOW))
        assert expected == {one["metrics_org"]: one["label"] for one in shown}
        (last,) = json.loads(format_json_array(store, store.orgs[-1:], NOW))
        assert last == shown[-1]


def test_emails_are_never_hashed_alone() -> None:
    """A hash of an e-mail can be guessed, so an account without a UUID has no identifier."""
    bare = Account(None, "pat@example.com")
    state = replace(scenes.store(scenes.PERSONAL).orgs[0], account=bare)
    store = Store((state,), (SessionState(state.session, bare, schedule=None),))
    assert view(store).orgs[0].labels.account == ""
    sources = view(folded(listed(0, PERSONAL, account=bare), closed(0))).sources
    assert [source.labels.source for source in sources] == ["Chrome 1"]


def test_source_is_the_same_in_every_poll() -> None:
    """It is that of the session and its account; the archive's account counts before the first reply."""
    store = folded(listed(0, PERSONAL), reported(0, PERSONAL, seat(0, 10)), closed(0))
    known = [source.labels.source for source in view(store).sources]
    assert IDENTIFIER.fullmatch(known[0])
    unread = replace(store, sessions=(SessionState(CHROME, schedule=store.sessions[0].schedule),))
    assert [source.labels.source for source in view(unread).sources] == known
    others = folded(
        listed(0, PERSONAL, account=SAM, session=FIREFOX), closed(0, session=FIREFOX), store=store
    )
    assert len({source.labels.source for source in view(others).sources}) == 2
    assert view(others).orgs[0].labels.source == known[0]


@pytest.mark.parametrize(
    ("expected", "keys"),
    [
        (["five_hour", "seven_day", "iguana_necktie"], ["five_hour", "seven_day", "iguana_necktie"]),
        (
            ["weekly_scoped:Fable", "weekly_scoped:Opus 4.5"],
            ["weekly_scoped:Fable", "weekly_scoped:Opus 4.5"],
        ),
        (["weekly_scoped:cowork"], ["weekly_scoped:cowork"]),
        (["other", "five_hour", "other 2"], ["weekly_scoped:Pat's model", "five_hour", "pat_window"]),
        (["other"], ['weekly_scoped:Fable"}\nevil 1']),
        (["other"], ["five_hour:Fable"]),
    ],
)
def test_only_known_windows_have_their_keys(expected: list[str], keys: list[str]) -> None:
    """A model's name is public if it looks like one of the known models, as a whole."""
    assert [label for label, _ in label_windows([Window(key, key) for key in keys])] == expected


def test_long_names_are_cut_and_plans_are_known() -> None:
    """A label has a bounded length, and a plan that is no plan's name is `other`."""
    org = Org(UUID, "x\x1b[31m" + "y" * 5000, plan_name="Pat's own plan")
    store = folded(listed(0, org), reported(0, org, seat(0, 10)), closed(0))
    (labels,) = (one.labels for one in view(store, shows_names=True).orgs)
    assert len(labels.name) == MAX_LABEL_LENGTH
    assert labels.name.isprintable()
    assert labels.plan == "other"


def test_sessions_of_the_program_itself_are_no_sources() -> None:
    """Problems of the history file have no source."""
    history = SessionState(Session("History"), failures={})
    assert view(Store((), (history,))).sources == ()
