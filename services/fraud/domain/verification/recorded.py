"""A decision as it is verified: the event, its place in the order of arrival, and the values that were stored."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import NamedTuple
from uuid import UUID

from services.fraud.domain.backtests.past import StoredVector
from services.fraud.domain.event import Fields
from services.fraud.domain.travel import GeoPoint

__all__ = ["LAWFUL", "Cause", "RecordedCheck", "RecordedExtent", "ValueDifference", "made_us"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Cause(Enum):
    """Why a stored value is not the one that is computed anew."""

    ALTERED = "altered"
    """The row is not what was stored: its digest does not fit."""
    SLOW_PATH = "slow_path"
    """The decision was made from the store, or without what was not read in time, as it says."""
    FILLING = "filling"
    """The feature had no value in any decision before: its logs were still being filled."""
    ORDER_UNKNOWN = "order_unknown"
    """The decision was made before decisions kept their place in the order of arrival."""
    GAP = "gap"
    """Without what was decided at the same time without the logs, the values are equal."""
    DELETED = "deleted"
    """The window reaches to before what is still stored of the tenant."""
    WITHDRAWN = "withdrawn"
    """The log has the stored value, and an attempt before the event that was withdrawn after it."""
    UNEXPLAINED = "unexplained"


LAWFUL = frozenset(Cause) - {Cause.ALTERED, Cause.UNEXPLAINED}
"""Of which something is known that explains them."""


class RecordedCheck(NamedTuple):
    """A decision with what is verified of it."""

    decision_id: str
    transaction_id: str
    event_type: str
    event_time: datetime
    create_time: datetime
    fields: Fields
    arrival: int
    """Its place in the order of arrival, in microseconds since 1970; 0 if it is of before."""
    unlogged: bool
    """True if it was made without the logs."""
    slow: bool
    """True if it says that values come from the store, or are missing."""
    vector: StoredVector
    elsewhere: Mapping[str, int]
    """Sums of the user in other currencies than that of the event, by currency."""
    place: GeoPoint | None = None
    """Where its address was taken to be then."""

    @property
    def order(self) -> int:
        """Its place in the order of arrival, as far as that is known."""
        return self.arrival or made_us(self.decision_id)


class RecordedExtent(NamedTuple):
    """What there is of a period."""

    decisions: int
    latest_event: float
    """By how many seconds the latest event came late, at most."""
    sets: tuple[str, ...]
    """Versions of the features of the first and the last decision."""
    deleted_before: datetime | None
    """Before which decisions of the tenant were deleted; None if none was."""


class ValueDifference(NamedTuple):
    """A stored value that is not the one that is computed anew."""

    decision_id: str
    transaction_id: str
    event_time: datetime
    feature: str
    stored: object
    """None if the value is missing."""
    recomputed: object
    cause: Cause


def made_us(decision_id: str) -> int:
    """Returns when an identifier was made, in microseconds since 1970 (UUIDv7: to the millisecond)."""
    return (UUID(decision_id).int >> 80) * 1_000
