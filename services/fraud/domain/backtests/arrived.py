"""What arrives in logs that are folded anew: events, and labels of them."""

from __future__ import annotations

from typing import NamedTuple

from services.fraud.domain.event import Fields
from services.fraud.domain.travel import GeoPoint

__all__ = ["ArrivedEvent", "ArrivedLabel"]


class ArrivedEvent(NamedTuple):
    """An event, its times in ms since 1970."""

    transaction_id: str
    event_type: str
    fields: Fields
    time: int
    arrival: int
    place: GeoPoint | None = None
    """Where its address was taken to be when it was decided."""


class ArrivedLabel(NamedTuple):
    """A label of an event, which may arrive before the event does."""

    transaction_id: str
    event_type: str
    fields: Fields
    """Those of the event."""
    known_ms: int
    """When it became known, in ms since 1970."""
    number: int
    """Of the labels of the transaction, from 1 on."""
    fraud: bool
