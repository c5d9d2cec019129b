"""The event that a decision is about: its fields, typed, and how the keys among them are hashed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple, TypeAlias
from uuid import UUID

from services.fraud.domain.travel import GeoPoint

__all__ = ["FieldValue", "Fields", "Money", "SaidOfEvent", "StoredEvent", "key_hash", "transaction_hash"]


class Money(NamedTuple):
    """An amount in its currency's smallest units."""

    minor: int
    currency: str


FieldValue: TypeAlias = "str | float | bool | datetime | Money"
Fields: TypeAlias = "Mapping[str, FieldValue]"
"""Fields by name. One that the event does not have is left out, and so is an empty text."""


class SaidOfEvent(NamedTuple):
    """What a label says of an event."""

    number: int
    """Among the labels of the event's transaction."""
    known_ms: int
    """When it became known, in ms since 1970."""
    is_fraud: bool


class StoredEvent(NamedTuple):
    """An event as the store keeps it."""

    transaction_id: str
    event_type: str
    event_time: datetime
    create_time: datetime
    fields: Fields
    place: GeoPoint | None = None
    """Where its address was taken to be when it was decided. Read only for who asks."""
    labels: Sequence[SaidOfEvent] = ()
    """Those of its transaction, if any says fraud. Read only for who asks."""


@lru_cache(maxsize=131_072)
def key_hash(secret: bytes, tenant_id: str, field: str, value: str) -> int:
    """Returns 64 signed bits of SHA-256 over secret, tenant, field and value: `key_hash` of the migrations."""
    hashed = _of_tenant(secret, tenant_id).copy()
    hashed.update(f"{field}\1{value}".encode())
    return int.from_bytes(hashed.digest()[:8], signed=True)


@lru_cache(maxsize=4_096)
def _of_tenant(secret: bytes, tenant_id: str) -> hashlib._Hash:
    return hashlib.sha256(secret + UUID(tenant_id).bytes)


def transaction_hash(tenant_id: str, transaction_id: str) -> int:
    """Returns what names a transaction in the entity logs, in 64 bits."""
    return int.from_bytes(hashlib.sha256(f"{tenant_id}\0{transaction_id}".encode()).digest()[:8])
