"""What the data service needs from outside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from services.data.domain.ledger import (
    Batch,
    Cursor,
    DailyTotal,
    DecidedPage,
    LedgerState,
    Position,
    Proof,
    Rebuild,
    Transaction,
)

__all__ = [
    "BatchStream",
    "DecidedLog",
    "EventOutbox",
    "Ledger",
    "LedgerDesk",
    "LedgerWriter",
    "TotalsQuery",
    "TransactionQuery",
]


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


class LedgerWriter(Protocol):
    """Follows the decisions, each exactly once in effect."""

    async def position(self) -> Position:
        """Returns how far the ledger has followed."""

    async def proof(self) -> Proof:
        """Returns what is kept with the position."""

    async def note(self, lost: str) -> None:
        """Keeps why the position is lost, empty if it is not."""

    async def apply(self, batch: Batch) -> Position:
        """Enters a batch and moves the position to its end in one transaction.

        A batch that does not continue the stored position changes nothing. Returns the position that is stored then.
        An event that the store refuses goes to the dead letters; the others are entered.
        """

    async def rebuild(self) -> Rebuild | None:
        """Returns the rebuild that was asked for and has not come to its end."""

    async def enter_page(self, page: DecidedPage) -> None:
        """Enters what the ledger lacks of a page and moves the rebuild behind it, in one transaction.

        After the last page the position is the one of the first page, no longer lost, and the rebuild has ended.
        """


class LedgerDesk(Protocol):
    """What an operator asks of the ledger. Raises MeshError UNAVAILABLE while the store cannot be used."""

    async def state(self) -> LedgerState: ...

    async def ask_rebuild(self) -> None:
        """Asks for a rebuild; one that is under way goes on."""


class BatchStream(Protocol):
    """The event stream of the fraud service: fast, and it may lose anything. Raises MeshError while it is away."""

    def rewind(self) -> None:
        """Makes the next read begin with the oldest entry."""
        ...

    async def rewind_if_emptied(self) -> None:
        """Rewinds a stream that was emptied: its new entries may come before those read so far."""
        ...

    async def read(self, known: Position, *, wait: float) -> Sequence[Batch] | None:
        """Returns what follows the last read, after up to `wait` seconds; None if nothing does.

        Entries that go no further than `known` are left out; one that cannot be read is an empty batch.
        """
        ...


class EventOutbox(Protocol):
    """The fraud service's outbox, which has every event that the stream may have lost."""

    async def read(self, after: Position, proof: Proof, limit: int) -> Batch:
        """Returns up to `limit` events after a position and acknowledges those up to it.

        Raises MeshError, STREAM_POSITION_LOST if not all that followed the position can be had.
        """


class DecidedLog(Protocol):
    """The stored decisions of the fraud service, for a ledger that has lost its place in the outbox."""

    async def read(self, after: Cursor, limit: int) -> DecidedPage:
        """Returns up to `limit` events of decisions after a cursor. Raises MeshError."""
