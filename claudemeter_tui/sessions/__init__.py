"""The front door: every session there is, which of them polls, and the life of each."""

from claudemeter_tui.sessions.front_door import FrontDoor
from claudemeter_tui.sessions.ways import ClaudeCodeLogin, Connection, Ways

__all__ = ["ClaudeCodeLogin", "Connection", "FrontDoor", "Ways"]
