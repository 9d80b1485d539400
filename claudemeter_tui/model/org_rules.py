"""Apply the user's settings about orgs: which ones are ignored, their aliases and their order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from claudemeter_tui.model.account import Org

if TYPE_CHECKING:  # the store imports this module's users
    from claudemeter_tui.model.reading import Reading
    from claudemeter_tui.model.store import OrgState, Store


@dataclass(frozen=True, slots=True)
class OrgRules:
    """The settings about orgs. Each org is named by its name, in any case, or its UUID."""

    ignored: tuple[str, ...] = ()
    """Orgs that are neither read nor shown."""
    aliases: tuple[tuple[str, str], ...] = ()
    """Orgs, each with the name to show instead of its own."""
    order: tuple[str, ...] = ()
    """Orgs in the order of the screen, by name, UUID or alias; all others follow."""

    def __bool__(self) -> bool:
        """True if there is any rule."""
        return bool(self.ignored or self.aliases or self.order)

    def ignores(self, org: Org) -> bool:
        """Return True if the org is ignored."""
        return any(_is_named(org, name) for name in self.ignored)

    def name_org(self, org: Org) -> Org:
        """Return the org with its alias and its place."""
        alias = next((alias for name, alias in self.aliases if _is_named(org, name)), "")
        names = (name.casefold() for name in self.order)
        known = {org.uuid.casefold(), org.name.casefold(), *({alias.casefold()} if alias else ())}
        place = next((place for place, name in enumerate(names) if name in known), None)
        return replace(org, alias=alias, place=place)

    def apply(self, reading: Reading) -> Reading:
        """Return the reading without ignored orgs, and with the names of the others."""
        if not self:
            return reading
        orgs = reading.orgs
        reports = (one for one in reading.org_readings if not self.ignores(one.org))
        return reading._replace(
            orgs=None if orgs is None else tuple(self.name_org(org) for org in orgs if not self.ignores(org)),
            ignored_orgs=frozenset(org.uuid for org in orgs or () if self.ignores(org)),
            org_readings=tuple(report._replace(org=self.name_org(report.org)) for report in reports),
            restored_orgs=self.apply_to_states(reading.restored_orgs),
        )

    def apply_to_states(self, states: Iterable[OrgState]) -> tuple[OrgState, ...]:
        """Return the states without ignored orgs, and with the names of the others."""
        if not self:
            return tuple(states)
        return tuple(
            replace(state, org=self.name_org(state.org)) for state in states if not self.ignores(state.org)
        )

    def apply_to_store(self, store: Store) -> Store:
        """Return the store without ignored orgs, and with the names of the others."""
        if not self:
            return store
        return replace(store, all_orgs=self.apply_to_states(store.all_orgs)).distinguish_orgs()

    def list_unmatched(self, orgs: Iterable[Org]) -> list[tuple[str, str]]:
        """Return the key of each setting with a name that none of these orgs has, and that name."""
        known = [self.name_org(org) for org in orgs]
        named = [
            *(("ignore", name) for name in self.ignored),
            *(("orgs.aliases", name) for name, _ in self.aliases),
            *(("orgs.order", name) for name in self.order),
        ]
        return [
            (key, name)
            for key, name in named
            if not any(
                _is_named(org, name)
                or (key == "orgs.order" and bool(org.alias) and org.alias.casefold() == name.casefold())
                for org in known
            )
        ]


def _is_named(org: Org, name: str) -> bool:
    return name.casefold() in (org.name.casefold(), org.uuid.casefold())
