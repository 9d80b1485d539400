"""A terminal dashboard for the limits and credits of claude.ai."""

__version__ = "0.1.0"
