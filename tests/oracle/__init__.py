"""The specification written a second time, for tests. See rows.py."""
