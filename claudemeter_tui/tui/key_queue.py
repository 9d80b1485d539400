"""The order of keys: each one acts on what the last one has led to, however fast they are typed."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from textual.app import App
from textual.dom import DOMNode
from textual.events import Key

ROUNDS = 3
"""Times that everything on its way to the app is waited for: the key, its messages, and their messages."""
TIMEOUT = 2.0
"""Seconds after which the next key no longer waits: the widget that had a key may have closed with it."""


class KeyQueue:
    """Keys in their order; each waits until the last one and its messages are handled.

    Textual passes a key to the widget with the focus, and runs its action only after the key has passed all
    widgets. A key that is typed meanwhile would act on the screen before: a letter would not reach a search
    that is about to open, and a key behind Enter would not find what Enter has chosen.
    """

    def __init__(self, app: App[Any]) -> None:
        """Handle no key yet."""
        self._app = app
        self.waiting: deque[Key] = deque()
        """Keys that wait, in their order."""
        self._handled: Key | None = None
        """The key that is being handled. None if there is none."""
        self._timeout: asyncio.TimerHandle | None = None
        """Ends the wait for that key. None if no other key waits for it."""

    @property
    def is_busy(self) -> bool:
        """True if the next key has to wait for the last one."""
        return self._handled is not None

    def hold(self, key: Key) -> None:
        """Let a key wait."""
        self.waiting.append(key)
        self._limit_wait()

    def _limit_wait(self) -> None:
        """End the wait for a key after some time if others wait for it."""
        if self.waiting and self._handled is not None and self._timeout is None:
            loop = asyncio.get_running_loop()
            self._timeout = loop.call_later(TIMEOUT, self._app.call_later, self._finish, self._handled)

    def begin(self, key: Key) -> None:
        """Let all others wait until this key is handled."""
        self._handled = key

    def follow(self, key: Key, node: DOMNode | None, rounds: int = ROUNDS) -> None:
        """Handle the next key once the messages between this node and the app have arrived, in each round."""
        while node is not None and node is not self._app:
            if node.call_later(self.follow, key, node.parent, rounds):
                return
            node = node.parent  # this one is closing
        self._app.call_later(self._end_round, key, rounds)

    async def _end_round(self, key: Key, rounds: int) -> None:
        if rounds > 1 and self._app.screen_stack:
            self.follow(key, self._app.focused or self._app.screen, rounds - 1)
        else:
            await self._finish(key)

    async def _finish(self, key: Key) -> None:
        """Handle the next key, unless another one is being handled by now."""
        if key is self._handled:
            self._handled = None
            await self.release()

    async def release(self) -> None:
        """Handle the first key that waits; the others follow it."""
        if self._timeout is not None:
            self._timeout.cancel()
            self._timeout = None
        if self.waiting and not self.is_busy:
            await self._app.on_event(self.waiting.popleft())
            self._limit_wait()
