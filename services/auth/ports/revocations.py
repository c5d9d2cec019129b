"""Where the revocations of all tenants are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from services.auth.domain.revocations import Revocation

__all__ = ["RevocationPage", "RevocationRecord", "RevocationSource"]


@dataclass(frozen=True, slots=True)
class RevocationRecord:
    """A revocation with the number of the transaction that wrote it last."""

    xid: int
    revocation: Revocation


@dataclass(frozen=True, slots=True)
class RevocationPage:
    """What was written since a transaction."""

    records: Sequence[RevocationRecord]
    next: int
    """Transaction from which on to read next: all earlier ones have ended."""


class RevocationSource(Protocol):
    """Revocations of all tenants."""

    async def read(self, since: int) -> RevocationPage:
        """Returns the revocations that this transaction or a later one has written."""
        ...

    async def forget(self) -> int:
        """Deletes some of those that are over; returns how many."""
        ...
