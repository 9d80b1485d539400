"""Where readings come from. Nothing beyond a source knows HTTP, browsers or JSON."""
