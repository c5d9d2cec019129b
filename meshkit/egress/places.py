"""Gives out places, of all and of each tenant: nobody waits for one."""

from __future__ import annotations

import threading
from collections import Counter as Tally

from meshkit.egress.errors import EgressError, EgressFault

__all__ = ["TenantPlaces"]


class TenantPlaces:
    """Counts who has a place, whatever thread gives it back."""

    def __init__(self, at_once: int, of_one: int) -> None:
        self._at_once = at_once
        self._of_one = of_one
        self._taken: Tally[str] = Tally()
        self._lock = threading.Lock()

    def take(self, whose: str) -> None:
        """Takes a place for a tenant. Raises EgressError."""
        with self._lock:
            if self._taken.total() >= self._at_once or self._taken[whose] >= self._of_one:
                raise EgressError(EgressFault.BUSY)
            self._taken[whose] += 1

    def leave(self, whose: str) -> None:
        """Gives a place back."""
        with self._lock:
            self._taken[whose] -= 1
            self._taken += Tally()
