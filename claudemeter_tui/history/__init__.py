"""The archive: one SQLite file per user with every reply, and what follows from them."""
