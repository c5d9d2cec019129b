"""Implementations of the ports: PostgreSQL, Redis, memory, the user service."""
