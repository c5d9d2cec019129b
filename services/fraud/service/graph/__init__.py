"""The graph: kept from the outbox, read for checks and for people."""
