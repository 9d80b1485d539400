"""The browser extension, and the program that talks to it: a source that reads no cookie."""
