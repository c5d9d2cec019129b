"""What the data service needs from outside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from meshkit.following.batches import FIRST, Cursor, DecidedPage
from meshkit.following.ports import FollowingWriter
from services.data.domain.ledger import DailyTotal, LedgerState, Transaction

__all__ = ["Ledger", "LedgerDesk", "LedgerWriter", "Rebuild", "TotalsQuery", "TransactionQuery"]


@dataclass(frozen=True, slots=True)
class TransactionQuery:
    """Which transactions of a tenant, newest event first. Empty and None mean all."""

    tenant_id: str
    limit: int
    user_id: str = ""
    merchant_id: str = ""
    start: datetime | None = None
    """Inclusive."""
    end: datetime | None = None
    """Exclusive."""
    after: tuple[datetime, str] | None = None
    """Event time and transaction id of the last one of the page before."""


@dataclass(frozen=True, slots=True)
class TotalsQuery:
    """Which totals of a tenant, newest day first, then by currency and outcome. Both days are inclusive."""

    tenant_id: str
    limit: int
    start: date | None = None
    end: date | None = None
    after: tuple[date, str, str] | None = None
    """Day, currency and outcome of the last one of the page before."""


class Ledger(Protocol):
    """Answers questions. Raises MeshError UNAVAILABLE while the store cannot be used."""

    async def transactions(self, query: TransactionQuery) -> list[Transaction]: ...

    async def totals(self, query: TotalsQuery) -> list[DailyTotal]: ...


@dataclass(frozen=True, slots=True)
class Rebuild:
    """How far the ledger has read the decisions, to have what it lost its place among."""

    after: Cursor = FIRST
    begun: bool = False
    """False before the first page, which fixes where the outbox will be followed from."""


class LedgerWriter(FollowingWriter[Transaction], Protocol):
    """Follows the decisions, each exactly once in effect."""

    async def rebuild(self) -> Rebuild | None:
        """Returns the rebuild that was asked for and has not come to its end."""

    async def enter_page(self, page: DecidedPage[Transaction]) -> None:
        """Enters what the ledger lacks of a page and moves the rebuild behind it, in one transaction.

        After the last page the position is the one of the first page, no longer lost, and the rebuild has ended.
        """


class LedgerDesk(Protocol):
    """What an operator asks of the ledger. Raises MeshError UNAVAILABLE while the store cannot be used."""

    async def state(self) -> LedgerState: ...

    async def ask_rebuild(self) -> None:
        """Asks for a rebuild; one that is under way goes on."""
