"""Scenarios: rules with their words and weights, versions of them, and which version decides what."""
