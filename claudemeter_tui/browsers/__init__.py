"""Sessions of every browser profile.

Importing this loads no browser_cookie3: the thread that needs it does.
"""
