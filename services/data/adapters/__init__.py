"""Implementations of the ports: PostgreSQL, memory, the event stream, the fraud service."""
