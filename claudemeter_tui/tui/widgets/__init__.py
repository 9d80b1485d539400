"""One widget a file, each named for what it shows."""
