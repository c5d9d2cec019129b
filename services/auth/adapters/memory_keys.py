"""Keeps signing keys in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from services.auth.domain.keys import SigningKey
from services.auth.ports import KeyChange

__all__ = ["MemorySigningKeyStore"]


class MemorySigningKeyStore:
    """Implements `SigningKeyStore`."""

    def __init__(self) -> None:
        self._keys: list[SigningKey] = []

    async def revise(self, plan: Callable[[Sequence[SigningKey]], KeyChange]) -> list[SigningKey]:
        change = plan(tuple(self._keys))
        self._keys = [key for key in self._keys if key not in change.remove] + list(change.add)
        return list(self._keys)
