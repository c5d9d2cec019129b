"""Decisions about transactions: features, rules, outcomes, and the streams of them."""
