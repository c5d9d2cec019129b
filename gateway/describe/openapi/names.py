"""Names components so that no two become one, and none becomes what generators of clients name after operations.

Generators write a name in the case of their language, so `a.B_c` and `ABC` are one name to them. Of an operation
`listBooks` they make types of their own: `ListBooksRequest` holds its parameters, `ListBooksResponse` its answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import count

__all__ = ["ComponentNames", "plain"]

_OF_OPERATIONS = {"Request": "Input", "Response": "Reply", "Params": "Parameters"}
"""What generators put behind the name of an operation, and what a component has there instead."""
_BODY = "Request"


def plain(name: str) -> str:
    """Returns what is left of a name in every language: names of which that is equal are one."""
    return re.sub(r"[^A-Za-z0-9]", "", name).lower()


class ComponentNames:
    """Gives names, each once."""

    def __init__(self, bodies: Mapping[str, str], taken: Iterable[str]) -> None:
        """`bodies` are the messages that operations take as a whole, by operation; empty if there is none.

        `taken` are names that are given already.
        """
        self._bodies = {plain(operation): message for operation, message in bodies.items()}
        self._taken = {plain(name) for name in taken}

    def give(self, *choices: str, message: str = "") -> str:
        """Returns the first of `choices` that is free, or the last with a number. `message` is what has the name."""
        wanted = [self._safe(name, message) for name in choices]
        numbered = (f"{wanted[-1]}_{number}" for number in count(2))
        name = next((name for name in wanted if plain(name) not in self._taken), None)
        name = name or next(name for name in numbered if plain(name) not in self._taken)
        self._taken.add(plain(name))
        return name

    def _safe(self, name: str, message: str) -> str:
        for suffix, other in _OF_OPERATIONS.items():
            operation = plain(name.removesuffix(suffix)) if name.endswith(suffix) else ""
            if operation not in self._bodies:
                continue
            # What an operation takes as it is, every generator sees beside the operation.
            if suffix != _BODY or not message or self._bodies[operation] != message:
                return name.removesuffix(suffix) + other
        return name
