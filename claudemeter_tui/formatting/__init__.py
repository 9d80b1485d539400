"""Put the values of the model into words in one place, for every screen and script."""
