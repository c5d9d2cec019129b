"""Records and writes for the entity logs, made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from services.fraud.domain.declared.records import EVENT, LogRecord, RecordLayout
from services.fraud.domain.declared.starter import STARTER
from services.fraud.domain.event import transaction_hash
from services.fraud.ports import LogKey, LogPart, LogStream, LogWrite, Restored

__all__ = ["LAYOUT", "SIZE", "key_of", "record", "record_of", "records", "restored", "write"]

PLAN = STARTER.plans["user_id"]
LAYOUT = RecordLayout(PLAN)
SIZE = LAYOUT.size
RETAIN_SECONDS = 32 * 86_400


def key_of(tenant: str, value: str = "u1") -> LogKey:
    return LogKey(LogStream(tenant, PLAN.schema), value)


def record(
    name: str | int, *, time: int = 1_700_000_000_000, kind: int = EVENT, attempt: int = 1, restored: bool = False
) -> bytes:
    """Returns a record of the transaction of a name."""
    transaction = int.from_bytes(sha256(str(name).encode()).digest()[:8])
    made = LogRecord(time, transaction, (1_250,), (7,), currency=1, kind=kind, attempt=attempt, restored=restored)
    return LAYOUT.pack(made)


def record_of(tenant: str, transaction_id: str, *, kind: int = EVENT, attempt: int = 7) -> bytes:
    """Returns a record that is known to be of this transaction."""
    transaction = transaction_hash(tenant, transaction_id)
    made = LogRecord(1_700_000_000_000, transaction, (1_250,), (7,), currency=1, kind=kind, attempt=attempt)
    return LAYOUT.pack(made)


def records(count: int, first: int = 0) -> list[bytes]:
    return [record(number) for number in range(first, first + count)]


def write(
    key: LogKey, data: Sequence[bytes], seen: LogPart | None = None, *, untimed: bool = False, refresh: bool = True
) -> LogWrite:
    return LogWrite(key, b"".join(data), SIZE, RETAIN_SECONDS, seen, untimed=untimed, refresh=refresh)


def restored(key: LogKey, data: Sequence[bytes], *, last: bool = True) -> Restored:
    return Restored(key, b"".join(data), SIZE, RETAIN_SECONDS, last)
