"""Masks what identifies a person, so that it can be told apart by people at work and not by others."""

from __future__ import annotations

__all__ = ["MASK", "masked"]

MASK = "…"
SHOWN = 2
LEAST = 6
"""Characters from which any are shown: of a shorter value they would be most of it."""


def masked(value: str) -> str:
    """Returns the ends of a value around a mask, always the same for the same value; nothing of a short one."""
    if not value:
        return ""
    return f"{value[:SHOWN]}{MASK}{value[-SHOWN:]}" if len(value) >= LEAST else MASK
