"""Tells names that people can read from those that look like others, or like nothing."""

from __future__ import annotations

import unicodedata

__all__ = ["UNREADABLE", "address_readable", "name_readable", "readable_part"]

UNREADABLE = "must be readable: nothing that is invisible"
"""What is said of a name that is refused."""
_UNSEEN = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})
"""Categories of characters that show nothing, or turn what stands beside them around."""
_FILLERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and marks that show nothing, either."""
_JOINERS = frozenset("\u200c\u200d\ufe0e\ufe0f")
"""Some scripts need them inside words, and emoji."""


def name_readable(name: str) -> bool:
    """Tells whether all of a name can be seen. An empty one is none, which is shown as such."""
    seen = all(each in _JOINERS or _seen(each) for each in name)
    return seen and (not name or any(not each.isspace() and each not in _JOINERS for each in name))


def readable_part(name: str) -> str:
    """Returns what can be seen of a name that others have given; empty if that is none."""
    seen = "".join(each for each in name if each in _JOINERS or _seen(each))
    return seen if name_readable(seen) else ""


def address_readable(address: str) -> bool:
    """Tells whether all of an e-mail address can be seen, so that no two that are different look the same for that."""
    return all(_seen(each) and not each.isspace() and each not in _JOINERS for each in address)


def _seen(character: str) -> bool:
    return unicodedata.category(character) not in _UNSEEN and character not in _FILLERS
