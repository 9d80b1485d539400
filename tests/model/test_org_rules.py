"""The settings about orgs: ignored ones, aliases and order, applied to readings."""

from __future__ import annotations

import pytest

from claudemeter_tui.model.account import Org
from claudemeter_tui.model.org_rules import OrgRules
from claudemeter_tui.model.reading import ErrorKind, OrgReading
from claudemeter_tui.model.store import Store
from tests.model.readings import CHROME, FIREFOX, LAB, PERSONAL, TEAM, folded, listed, reported, usage

RULES = OrgRules(ignored=("PERSONAL",), aliases=(("acme team", "work"), ("org-3", "lab")), order=("Work",))


def test_ignored_orgs_are_in_no_reading() -> None:
    """The list, the figures and the states of an ignored org are left out; all others have their names."""
    kept = folded(
        listed(0, PERSONAL, TEAM, LAB), reported(1, PERSONAL, usage(1)), reported(1, TEAM, usage(1))
    )
    rules = RULES
    account = rules.apply(listed(0, PERSONAL, TEAM, LAB))
    assert [(org.uuid, org.alias, org.place) for org in account.orgs or ()] == [
        ("org-2", "work", 0),
        ("org-3", "lab", None),
    ]
    assert rules.apply(reported(1, PERSONAL, usage(1))).org_readings == ()
    (report,) = rules.apply(reported(1, TEAM, usage(1))).org_readings
    assert isinstance(report, OrgReading)
    assert report.org.display_name == "work"
    states = rules.apply_to_states(kept.all_orgs)
    assert [state.org.display_name for state in states] == ["work", "lab"]
    assert [state.org.display_name for state in rules.apply_to_store(kept).orgs] == ["work", "lab"]


def test_ignored_orgs_are_counted_only_if_there_is_no_other() -> None:
    """Two sessions of one account count an org once; an org that is left makes ignored ones unremarkable."""
    everything = OrgRules(ignored=("personal", "org-2"))
    both = [everything.apply(listed(0, PERSONAL, TEAM, session=one)) for one in (CHROME, FIREFOX)]
    store = folded(*both)
    assert store.ignored_org_count == 2
    assert [problem.error_kind for problem in store.problems] == [ErrorKind.ALL_IGNORED] * 2
    left = store.apply(everything.apply(listed(1, PERSONAL, TEAM, LAB)))
    assert (left.ignored_org_count, left.problems) == (0, ())


def test_no_rules_change_nothing() -> None:
    """Without settings every reading and every store stays the same object."""
    reading, store = listed(0, PERSONAL), Store()
    assert OrgRules().apply(reading) is reading
    assert OrgRules().apply_to_store(store) is store


@pytest.mark.parametrize(
    ("expected", "rules"),
    [
        (["lab", "work", "Personal"], OrgRules(aliases=RULES.aliases, order=("org-3", "WORK"))),
        (["Personal", "Acme Team", "Lab"], OrgRules(order=("missing",))),
        (["Lab", "Personal", "Acme Team"], OrgRules(order=("lab",))),
    ],
)
def test_order_takes_names_uuids_and_aliases(expected: list[str], rules: OrgRules) -> None:
    """All orgs that are not named follow in their own order."""
    store = folded(rules.apply(listed(0, PERSONAL, TEAM, LAB)))
    assert [state.org.display_name for state in store.orgs] == expected


def test_name_that_matches_nothing_is_listed() -> None:
    """Each is listed with its setting; an alias is a name for the order."""
    rules = OrgRules(("Old", "lab"), (("Acme Team", "work"), ("Gone", "x")), ("work", "x", "org-1"))
    expected = [("ignore", "Old"), ("orgs.aliases", "Gone"), ("orgs.order", "x")]
    assert rules.list_unmatched((PERSONAL, TEAM, LAB)) == expected
    assert rules.ignores(Org("LAB", "")) is True
