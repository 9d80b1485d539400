"""Word the values of the model in one place, for every screen and script."""
