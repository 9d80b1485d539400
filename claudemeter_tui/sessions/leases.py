"""Agreement between processes: one of them polls an account, and the others follow it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from claudemeter_tui.model.account import Account
from claudemeter_tui.model.reading import Reading, Session


class AccountLeases(Protocol):
    """The leases of accounts. Without a usable archive, every process may poll."""

    async def identify(self, session: Session) -> Account | None:
        """Return the account of a browser's session without a request.

        None unless another process polls this account and watches the same session.
        """

    async def claim(self, session: Session, account: Account) -> bool:
        """Take or renew the lease of the account that the server named for a session.

        Return True if this process may poll it; False if another one does.
        """

    async def follow(
        self,
        session: Session,
        account: Account,
        read_times: Mapping[str, datetime],
        post: Callable[[Sequence[Reading]], object],
    ) -> bool:
        """Post what another process reads until it no longer polls the account.

        Args:
            session: the session under which the readings are posted.
            account: the account to follow.
            read_times: time of the last reply of each org, by uuid, that is known already.
            post: receives what is new, oldest first; the first time even if nothing is.

        Returns:
            False if the session now reads another account.
        """

    async def request_poll(self, account: Account) -> None:
        """Ask the process that polls an account to do so now."""

    def keep_only(self, accounts: Collection[Account]) -> None:
        """Release the leases of all other accounts."""

    async def tend(
        self, on_request: Callable[[Account], object], on_loss: Callable[[Account], object]
    ) -> None:
        """Renew the leases until cancelled.

        Args:
            on_request: called if another process asks for a poll of an account.
            on_loss: called if another process has taken the lease of an account.
        """

    def close(self) -> None:
        """Release all leases; may block."""


class NoLeases:
    """Let every process poll: nothing connects it with others."""

    async def identify(self, session: Session) -> Account | None:
        """Return None: no other process is known."""
        del session
        return None

    async def claim(self, session: Session, account: Account) -> bool:
        """Return True."""
        del session, account
        return True

    async def follow(
        self,
        session: Session,
        account: Account,
        read_times: Mapping[str, datetime],
        post: Callable[[Sequence[Reading]], object],
    ) -> bool:
        """Return True at once: there is nothing to follow."""
        del session, account, read_times, post
        return True

    async def request_poll(self, account: Account) -> None:
        """Do nothing."""

    def keep_only(self, accounts: Collection[Account]) -> None:
        """Do nothing."""

    async def tend(
        self, on_request: Callable[[Account], object], on_loss: Callable[[Account], object]
    ) -> None:
        """Return at once."""

    def close(self) -> None:
        """Do nothing."""
