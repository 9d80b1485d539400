"""Tests of the browser extension, its host and their set-up."""
