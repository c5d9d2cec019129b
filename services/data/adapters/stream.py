"""Reads batches of decisions from the event stream."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from google.protobuf.message import DecodeError
from rampart.fraud.v1 import event_pb2

from meshkit.storage.event_stream import START, EventStream, precedes
from services.data.convert import batch_from_proto, position_from_proto
from services.data.domain.ledger import NO_BATCH, Batch, Position

__all__ = ["StreamedBatches"]

_log = logging.getLogger(__name__)

ENTRIES = 16


class StreamedBatches:
    """Implements `BatchStream`."""

    def __init__(self, stream: EventStream) -> None:
        self._stream = stream
        self._cursor = START

    def rewind(self) -> None:
        self._cursor = START

    async def rewind_if_emptied(self) -> None:
        newest = await self._stream.last()
        if newest is None or precedes(newest.id, self._cursor):
            self.rewind()

    async def read(self, known: Position, *, wait: float) -> Sequence[Batch] | None:
        entries = await self._stream.read(self._cursor, limit=ENTRIES, wait=wait)
        if not entries:
            return None
        self._cursor = entries[-1].id
        found = [_batch(entry.data, known) for entry in entries]
        return [batch for batch in found if batch is not None]


def _batch(data: bytes, known: Position) -> Batch | None:
    """Reads an entry; None for one that goes no further than `known`, whose events need no conversion."""
    try:
        message = event_pb2.EventBatch.FromString(data)
    except DecodeError:
        _log.error("an entry of the event stream cannot be read; its events are read from the outbox")
        return NO_BATCH
    if message.events and position_from_proto(message.last) <= known:
        return None
    return batch_from_proto(message)
