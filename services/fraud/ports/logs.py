"""Ports of the entity logs: what each key did, as packed records in order of arrival, and the history behind them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from enum import Enum
from typing import NamedTuple, Protocol

from services.fraud.domain.check import Key

__all__ = [
    "WRITES_AT_ONCE",
    "Appended",
    "EntityLogs",
    "LogAnswer",
    "LogKey",
    "LogPart",
    "LogProof",
    "LogSlice",
    "LogState",
    "LogStream",
    "LogWrite",
    "LogsUnavailableError",
    "Overdue",
    "Restored",
    "Ticket",
]

WRITES_AT_ONCE = 128
"""Of a batch in one step, at 5 to 12 us each: what a caller sends must not hold up others for longer than 2 ms."""


class LogsUnavailableError(Exception):
    """The logs cannot be used now. The message says why, for the operator's log."""


class LogStream(NamedTuple):
    """All logs of a tenant whose records are alike."""

    tenant_id: str
    schema: str
    """Names the key kind and the columns of its records."""


class LogKey(NamedTuple):
    """Names a log: all that one value of a key kind did."""

    stream: LogStream
    value: str


class LogPart(NamedTuple):
    """How far a caller has read the open part of a log: that which records are still appended to."""

    start: int
    """Records before the open part."""
    read: int
    """Records of the open part that were read."""
    last: bytes
    """The last of them."""
    generation: bytes = b""
    """Of the logs when it was read (see `Appended`)."""


class LogWrite(NamedTuple):
    """Records to append to a log, and how far the caller has read it."""

    key: LogKey
    records: bytes
    """One after another."""
    size: int
    """Bytes of a record."""
    retain_seconds: int
    """For how long after its last record the log is of use."""
    seen: LogPart | None = None
    """None if nothing was read."""
    untimed: bool = False
    """True for records that get the time of their arrival: their first eight bytes are written over."""
    refresh: bool = True
    """False if the log was told not long ago how long to stay."""
    is_read: bool = True
    """False for a log that is being filled: nothing is answered of it, and one that is not there is not whole."""


class LogState(Enum):
    """What an answer says of its log."""

    WHOLE = "whole"
    """The log holds everything that was ever appended, as far as it is retained."""
    PARTIAL = "partial"
    """What happened before the log began is in the history alone."""
    STALE = "stale"
    """`seen` is of a log that is there no longer, or there is more than is read at once: load it."""
    BROKEN = "broken"
    """Something else is kept under its name."""


class LogAnswer(NamedTuple):
    """What a caller had not seen of a log, before its own records: what it saw in another generation is not seen."""

    state: LogState
    start: int = 0
    """Records before the open part. Those of a log that was not seen have to be loaded."""
    unseen: bytes = b""


class LogSlice(NamedTuple):
    """Consecutive records of a log."""

    start: int
    """Records before the part of the log that they are in, which is the open one at the end."""
    place: int
    """Records before these, in all."""
    records: bytes


class Ticket(NamedTuple):
    """Names the reservations of a batch until they are settled."""

    names: tuple[bytes, ...]


class Appended(NamedTuple):
    """What appending a batch has led to."""

    ticket: Ticket
    arrival_ms: int
    """When the records arrived, by the clock of the logs (milliseconds since 1970)."""
    answers: Sequence[LogAnswer]
    """One for each write, in order."""
    generation: bytes = b""
    """Of the logs: what was appended in another one may be lost."""
    order: int = 0
    """Where the first check of the batch stands in the order of arrival, the others behind it: microseconds since 1970,
    by the clock of the logs, that never go back and are never given twice."""


class LogProof(NamedTuple):
    """What is another one whenever a log is lost."""

    epoch: int
    """When the logs were found emptied, or their server restarted, for the last time. Never the same again."""
    lost: int
    """Keys that the server has evicted since."""
    turn: int = 0
    """Of the last change of any tenant's share (see `LogShare`), which loses nothing of the logs of others."""


class Restored(NamedTuple):
    """What the history holds of a log."""

    key: LogKey
    records: bytes
    size: int
    retain_seconds: int
    last: bool = True
    """True if that is everything that was committed before, and the log whole with it."""
    first: bytes = b""
    """Head of the record that the log began with when the history was asked for: another log gets nothing."""


class Overdue(NamedTuple):
    """A batch that was not settled in time: its process ended, or lost sight of the logs."""

    place: tuple[bytes, bytes]
    transactions: Sequence[Key]
    records: Sequence[tuple[bytes, int, bytes]]
    """Names of logs, bytes of their records, and heads of the records that were appended."""


class EntityLogs(Protocol):
    """The logs of all keys of all tenants. Every coroutine raises LogsUnavailableError."""

    async def append(self, transactions: Sequence[Key], writes: Sequence[LogWrite]) -> Appended:
        """Appends the records of a batch and returns what was not seen: `WRITES_AT_ONCE` in one atomic step.

        The transactions are reserved: those of a process that ends before it settles them are looked up in the store,
        and withdrawn where they were never committed.
        """
        ...

    def settle(self, ticket: Ticket, withdrawn: Sequence[LogWrite]) -> None:
        """Says that a batch is done, and appends the records that withdraw some of its transactions. Never waits."""
        ...

    async def restore(self, logs: Sequence[Restored], proof: LogProof | None = None) -> None:
        """Adds their history to logs that are not whole.

        A log that is not there stays away, unless the `proof` still holds under which it cannot have held anything that
        is being decided.
        """
        ...

    async def proof(self) -> LogProof:
        """Returns the present proof."""
        ...

    async def prove(self, streams: Collection[LogStream], proof: LogProof) -> bool:
        """Says that all history of streams of one tenant is in their logs.

        False if any was lost since the proof, or may go early.
        """
        ...

    async def prove_all(self, proof: LogProof) -> bool:
        """Says that all tenants are proven that have decisions and may be swept.

        The logs of those without decisions were never written.
        """
        ...

    async def may_be_swept(self, tenant_id: str) -> bool:
        """Tells whether logs of a tenant stay that are swept: not while it has more than its share."""
        ...

    async def arrivals(self, attempts: Mapping[Key, int]) -> Mapping[Key, int]:
        """Returns where attempts at transactions stand in the order of arrival.

        Of those that are not settled, and for a while of those that were withdrawn.
        """
        ...

    async def overdue(self, seconds: float) -> Sequence[Overdue]:
        """Returns batches that have not been settled for that long."""
        ...

    async def withdraw(self, batch: Overdue, gone: Collection[Key]) -> None:
        """Withdraws the transactions of an overdue batch that are not stored, and settles it."""
        ...

    def load(
        self, key: LogKey, size: int, retain_seconds: int, after: LogPart | None = None
    ) -> AsyncIterator[LogSlice]:
        """Yields a log in slices of some thousand records, from its beginning or from what was read of it.

        At least one, which may be empty; none if the log is not whole, or is not the one that was read.
        """
        ...

    async def whole(self, streams: Collection[LogStream]) -> Mapping[LogStream, bool]:
        """Tells of which streams every log that is not there was never written."""
        ...
