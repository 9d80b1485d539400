"""What is remembered of orgs, so that each transition is told once and flapping replies tell none.

The server now and then sends a placeholder (a window of 0 % without a reset), a null in place of an
object, a reset that is a second off. A figure that vanishes must stay away before it counts as gone.
"""

HELD_FOR = 3
"""Replies in a row that must lack a figure before it counts as gone."""
