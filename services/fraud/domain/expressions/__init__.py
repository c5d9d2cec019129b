"""Expressions of rules, of features and of what features count: typed, bounded, and run as generated Python."""
