"""Decisions as a stream: one reader of the outbox per process feeds everybody who watches."""
