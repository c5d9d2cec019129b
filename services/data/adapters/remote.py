"""Reads the fraud service's outbox over the mesh."""

from __future__ import annotations

from typing import Any

import grpc
from rampart.fraud.v1 import event_pb2, fraud_service_pb2, fraud_service_pb2_grpc

from meshkit.errors import from_rpc_error
from meshkit.identity.policy import policies
from meshkit.rpc.channel import call_metadata, call_timeout
from services.data.convert import batch_from_proto
from services.data.domain.ledger import Batch, Position

__all__ = ["FRAUD_POLICIES", "RemoteOutbox"]

FRAUD_POLICIES = policies([fraud_service_pb2.DESCRIPTOR.services_by_name["FraudService"]])

_CONSUMER = "data"
_POLICY = FRAUD_POLICIES["/rampart.fraud.v1.FraudService/ReadEvents"]


class RemoteOutbox:
    """Reads as the consumer "data". What it asks for it has stored, so each question is also an acknowledgement."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._read: Any = fraud_service_pb2_grpc.FraudServiceStub(channel).ReadEvents

    async def read(self, after: Position, limit: int) -> Batch:
        place = event_pb2.OutboxPosition(xid=after.xid, seq=after.seq)
        request = fraud_service_pb2.ReadEventsRequest(consumer=_CONSUMER, after=place, limit=limit)
        try:
            answer = await self._read(request, timeout=call_timeout(_POLICY), metadata=call_metadata())
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error, "fraud") from error
        return batch_from_proto(answer.batch)
