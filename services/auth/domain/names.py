"""Tells names that people can read from those that look like others, or like nothing."""

from __future__ import annotations

import unicodedata

__all__ = ["name_readable"]

_UNSEEN = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})
"""Categories of characters that show nothing, or turn what stands beside them around."""
_JOINERS = frozenset("\u200c\u200d")
"""Some scripts need them inside words, and emoji."""


def name_readable(name: str) -> bool:
    """Tells whether all of a name can be seen. An empty one is none, which is shown as such."""
    seen = all(each in _JOINERS or unicodedata.category(each) not in _UNSEEN for each in name)
    return seen and (not name or any(not each.isspace() and each not in _JOINERS for each in name))
