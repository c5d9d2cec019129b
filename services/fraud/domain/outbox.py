"""Entities of the outbox: places and pages of events, in the order of their commits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["BEGINNING", "OutboxPage", "Place", "PlaceProof", "StoredPage"]


class Place(NamedTuple):
    """A place in the outbox: the transaction that wrote a row, and the row's number."""

    xid: int
    seq: int


BEGINNING = Place(0, 0)


@dataclass(frozen=True, slots=True)
class OutboxPage:
    """Consecutive events: all that there are after `after`, up to `last`."""

    after: Place
    last: Place
    events: Sequence[bytes]
    """Serialised, as they were written."""
    oldest: float | None = None
    """When the first of them was written (Unix seconds)."""
    cluster: str = ""
    """Identifies the PostgreSQL cluster whose places these are."""


class PlaceProof(NamedTuple):
    """What a consumer keeps with its place, to know the outbox again. Empty parts are unknown and not compared."""

    cluster: str = ""
    event: bytes = b""
    """SHA-256 of the event at the place."""


@dataclass(frozen=True, slots=True)
class StoredPage:
    """Events of stored decisions, in the order of tenants and identifiers."""

    events: Sequence[bytes]
    last: tuple[str, str] | None
    """Tenant and decision after which to go on; None if there are no more."""
    newest: Place
    """What was committed up to here is among the decisions of this page and of those that follow."""
    proof: PlaceProof
