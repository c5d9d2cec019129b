"""Sends a file of transactions through the REST edge and reports what was decided."""
