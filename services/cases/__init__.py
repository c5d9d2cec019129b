"""Alerts of each tenant, and the cases that its analysts investigate."""
