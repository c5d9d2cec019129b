"""Backtests: decides past events anew by any version, and counts what would have been otherwise."""
