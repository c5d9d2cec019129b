"""Places are ordered by transaction, then by number."""

from __future__ import annotations

from rampart.fraud.v1 import event_pb2

from services.fraud.convert import place_from_proto
from services.fraud.domain.outbox import BEGINNING, Place


def test_places_are_ordered_by_transaction_then_by_number() -> None:
    assert BEGINNING < Place(5, 9) < Place(6, 1) < Place(6, 2)


def test_an_unset_place_is_the_beginning() -> None:
    assert place_from_proto(event_pb2.EventBatch().after) == BEGINNING
    assert place_from_proto(event_pb2.OutboxPosition(xid=3, seq=4)) == Place(3, 4)
