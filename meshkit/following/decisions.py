"""The events of the fraud service as they travel: on its stream, from its outbox, and of its stored decisions."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Generic, TypeAlias, TypeVar

import grpc
from google.protobuf.message import DecodeError
from rampart.fraud.v1 import event_pb2, fraud_service_pb2, fraud_service_pb2_grpc

from meshkit.following.batches import BEGINNING, Batch, Cursor, DecidedPage, FollowedEvent, Position, Proof, Rejected
from meshkit.identity.policy import policies
from meshkit.rpc.channel import call_metadata, call_timeout
from meshkit.rpc.failures import from_rpc_error
from meshkit.storage.event_stream import START, EventStream, precedes

__all__ = [
    "FRAUD_EVENTS",
    "FRAUD_POLICIES",
    "ReadEvent",
    "RemoteDecisions",
    "RemoteOutbox",
    "StreamedBatches",
    "batch_from_proto",
    "decided_page_from_proto",
]

_log = logging.getLogger(__name__)

FRAUD_EVENTS = "events:fraud"
"""The key of the stream."""
FRAUD_POLICIES = policies([fraud_service_pb2.DESCRIPTOR.services_by_name["FraudService"]])
ENTRIES = 16

_EVENTS = FRAUD_POLICIES["/rampart.fraud.v1.FraudService/ReadEvents"]
_DECISIONS = FRAUD_POLICIES["/rampart.fraud.v1.FraudService/ReadDecisions"]
_NO_BATCH: Batch[Any] = Batch(BEGINNING, BEGINNING, (), ())
"""What an entry is that cannot be read: it continues nothing."""

Item = TypeVar("Item", bound=FollowedEvent)
ReadEvent: TypeAlias = Callable[[event_pb2.DecisionEvent], "Item | None"]
"""Returns what a follower makes of an event, None for one that does not concern it.

Raises ValueError and OverflowError for one that cannot be true.
"""


class StreamedBatches(Generic[Item]):
    """Implements `BatchStream`."""

    def __init__(self, stream: EventStream, read: ReadEvent[Item]) -> None:
        self._stream = stream
        self._read = read
        self._cursor = START

    def rewind(self) -> None:
        self._cursor = START

    async def rewind_if_emptied(self) -> None:
        newest = await self._stream.last()
        if newest is None or precedes(newest.id, self._cursor):
            self.rewind()

    async def read(self, known: Position, *, wait: float) -> Sequence[Batch[Item]] | None:
        entries = await self._stream.read(self._cursor, limit=ENTRIES, wait=wait)
        if not entries:
            return None
        self._cursor = entries[-1].id
        found = [self._batch(entry.data, known) for entry in entries]
        return [batch for batch in found if batch is not None]

    def _batch(self, data: bytes, known: Position) -> Batch[Item] | None:
        """Reads an entry; None for one that goes no further than `known`, whose events need no conversion."""
        try:
            message = event_pb2.EventBatch.FromString(data)
        except DecodeError:
            _log.error("an entry of the event stream cannot be read; its events are read from the outbox")
            return _NO_BATCH
        if message.events and _position(message.last) <= known:
            return None
        return batch_from_proto(message, self._read)


class RemoteOutbox(Generic[Item]):
    """Reads as one consumer. What it asks for it has stored, so each question is also an acknowledgement."""

    def __init__(self, channel: grpc.aio.Channel, consumer: str, read: ReadEvent[Item]) -> None:
        self._call: Any = fraud_service_pb2_grpc.FraudServiceStub(channel).ReadEvents
        self._consumer = consumer
        self._read = read

    async def read(self, after: Position, proof: Proof, limit: int) -> Batch[Item]:
        place = event_pb2.OutboxPosition(xid=after.xid, seq=after.seq)
        request = fraud_service_pb2.ReadEventsRequest(
            consumer=self._consumer, after=place, limit=limit, cluster=proof.cluster, event=proof.event
        )
        try:
            answer = await self._call(request, timeout=call_timeout(_EVENTS), metadata=call_metadata())
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error, "fraud") from error
        return batch_from_proto(answer.batch, self._read)


class RemoteDecisions(Generic[Item]):
    """Implements `DecidedLog`."""

    def __init__(self, channel: grpc.aio.Channel, read: ReadEvent[Item]) -> None:
        self._call: Any = fraud_service_pb2_grpc.FraudServiceStub(channel).ReadDecisions
        self._read = read

    async def read(self, after: Cursor, limit: int) -> DecidedPage[Item]:
        request = fraud_service_pb2.ReadDecisionsRequest(
            after_tenant_id=after.tenant_id, after_decision_id=after.decision_id, limit=limit
        )
        try:
            answer = await self._call(request, timeout=call_timeout(_DECISIONS), metadata=call_metadata())
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error, "fraud") from error
        return decided_page_from_proto(answer, self._read)


def batch_from_proto(message: event_pb2.EventBatch, read: ReadEvent[Item]) -> Batch[Item]:
    """Reads the events of a batch that concern its follower. One that cannot be read is rejected."""
    items, payloads, rejected = [], [], []
    for payload in message.events:
        try:
            item = read(event_pb2.DecisionEvent.FromString(payload))
        except (DecodeError, ValueError, OverflowError) as error:
            rejected.append(Rejected(payload, f"{type(error).__name__}: {error}"))
        else:
            if item is not None:
                items.append(item)
                payloads.append(payload)
    return Batch(
        _position(message.after),
        _position(message.last),
        items,
        payloads,
        rejected,
        Proof(message.cluster, hashlib.sha256(message.events[-1]).digest() if message.events else b""),
        message.relay,
        len(message.events) - len(items) - len(rejected),
    )


def decided_page_from_proto(
    message: fraud_service_pb2.ReadDecisionsResponse, read: ReadEvent[Item]
) -> DecidedPage[Item]:
    batch = batch_from_proto(event_pb2.EventBatch(last=message.newest, events=message.events), read)
    more = message.last_tenant_id != ""
    return DecidedPage(
        replace(batch, proof=Proof(message.cluster, message.newest_event)),
        Cursor(message.last_tenant_id, message.last_decision_id) if more else None,
    )


def _position(message: event_pb2.OutboxPosition) -> Position:
    """Reads a position; an unset message is the beginning."""
    return Position(message.xid, message.seq)
