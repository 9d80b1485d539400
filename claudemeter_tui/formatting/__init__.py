"""Values of the model in words: worded once, used by every screen and script."""
