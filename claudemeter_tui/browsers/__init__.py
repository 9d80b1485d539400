"""Read the claude.ai session of every browser profile.

Importing this package does not load browser_cookie3 (75 ms): the thread that decrypts imports it.
"""
