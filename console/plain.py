"""Keeps terminals from obeying what others have written."""

from __future__ import annotations

__all__ = ["plain"]

_KEPT = frozenset(map(ord, "\n\t"))
# Controls in 7 and in 8 bits, and what turns around the direction of what stands beside it.
_OBEYED = {*range(0x20), *range(0x7F, 0xA0), 0x061C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A)}
_SHOWN = dict.fromkeys(_OBEYED - _KEPT, "�")


def plain(text: str) -> str:
    """Returns a text in which all that a terminal would obey is replaced by a sign that something was there."""
    return text.translate(_SHOWN)
