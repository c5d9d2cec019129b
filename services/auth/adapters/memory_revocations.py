"""Keeps revocations in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from services.auth.domain.revocations import Revocation, RevocationKind
from services.auth.ports.revocations import RevocationPage, RevocationRecord

__all__ = ["MemoryRevocations"]

_Name = tuple[str, RevocationKind, str]


class MemoryRevocations:
    """Implements `RevocationSource`; each change counts as a transaction."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._records: dict[_Name, RevocationRecord] = {}
        self._last = 0

    def append(self, revocation: Revocation) -> None:
        """Refuses tokens; see `revocation_rows.append`."""
        name = _name(revocation)
        known = self._records.get(name)
        if known is not None:
            before = _wider(known.revocation.issued_before, revocation.issued_before)
            until = _wider(known.revocation.until, revocation.until)
            revocation = replace(revocation, issued_before=before, until=until)
        self._put(name, revocation)

    def lift(self, left: Revocation) -> None:
        """Lets new tokens be good again; see `revocation_rows.lift`."""
        name = _name(left)
        known = self._records.get(name)
        if known is not None and known.revocation.issued_before is None:
            self._put(name, left)

    async def read(self, since: int) -> RevocationPage:
        return RevocationPage([each for each in self._records.values() if each.xid >= since], self._last + 1)

    async def forget(self) -> int:
        last = self._clock() - timedelta(minutes=10)
        over = [name for name, each in self._records.items() if (each.revocation.until or self._clock()) < last]
        for name in over:
            del self._records[name]
        return len(over)

    def _put(self, name: _Name, revocation: Revocation) -> None:
        self._last += 1
        self._records[name] = RevocationRecord(self._last, revocation)


def _name(revocation: Revocation) -> _Name:
    return revocation.tenant_id, revocation.kind, revocation.name


def _wider(known: datetime | None, new: datetime | None) -> datetime | None:
    return None if known is None or new is None else max(known, new)
