"""Reads the features of transactions: from the windows, or from the store where these cannot tell them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from operator import itemgetter

from meshkit.errors import MeshError
from services.fraud import errors
from services.fraud.domain.check import Check, Features
from services.fraud.domain.features import LARGEST, NAMES
from services.fraud.ports import DecisionStore, Windows, WindowsUnavailableError

__all__ = ["FeatureReader"]

_log = logging.getLogger(__name__)
# Of the longest window: no other value of a subject is larger.
_sums_of = itemgetter(*[place for place, name in enumerate(NAMES) if name.endswith("_sum_24h")])


class FeatureReader:
    """Reads for many checks at once. One whose features cannot be had fails for itself."""

    def __init__(self, windows: Windows, store: DecisionStore, clock: Callable[[], datetime]) -> None:
        self._windows = windows
        self._store = store
        self._clock = clock

    async def read(self, checks: Sequence[Check], *, apart: bool) -> Sequence[Features | MeshError]:
        """Reserves the transactions and returns the features of each, in order, or its own error.

        What the windows do not tell is read from the store if nobody else waits for it, which is `apart`; otherwise it
        is left as it is, not whole. A reservation whose check gets an error is withdrawn.
        """
        if not checks:
            return []
        try:
            found: list[Features | MeshError] = list(await self._windows.reserve(checks))
        except WindowsUnavailableError as error:
            _log.warning("features come from the store: %s", error)
            found = list(await self._store.features(checks, self._clock()))
        else:
            if apart:
                await self._complete(checks, found)
        self._check_range(checks, found)
        return found

    async def _complete(self, checks: Sequence[Check], found: list[Features | MeshError]) -> None:
        """Reads what a transaction came too late for, or what its windows do not tell, from the store."""
        late = [index for index, each in enumerate(found) if isinstance(each, Features) and not each.whole]
        if not late:
            return
        slow = await self._store.features([checks[index] for index in late], self._clock(), apart=True)
        for index, features in zip(late, slow, strict=True):
            reserved = found[index]
            assert isinstance(reserved, Features)
            if isinstance(features, MeshError):
                self._withdraw(checks[index], reserved)
                found[index] = features
            else:
                found[index] = reserved._replace(values=features.values, elsewhere=features.elsewhere)

    def _check_range(self, checks: Sequence[Check], found: list[Features | MeshError]) -> None:
        for index, features in enumerate(found):
            if isinstance(features, Features) and _largest(features) > LARGEST:
                self._withdraw(checks[index], features)
                found[index] = errors.sum_too_large()

    def _withdraw(self, check: Check, features: Features) -> None:
        if features.reserved:
            self._windows.settle([], [check.key])


def _largest(features: Features) -> int:
    largest: int = max(_sums_of(features.values))
    return max(largest, *features.elsewhere.values()) if features.elsewhere else largest
