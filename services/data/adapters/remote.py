"""Reads the fraud service's outbox, and its decisions, over the mesh."""

from __future__ import annotations

from typing import Any

import grpc
from rampart.fraud.v1 import event_pb2, fraud_service_pb2, fraud_service_pb2_grpc

from meshkit.identity.policy import policies
from meshkit.rpc.channel import call_metadata, call_timeout
from meshkit.rpc.failures import from_rpc_error
from services.data.convert import batch_from_proto, decided_page_from_proto
from services.data.domain.ledger import Batch, Cursor, DecidedPage, Position, Proof

__all__ = ["FRAUD_POLICIES", "RemoteDecisions", "RemoteOutbox"]

FRAUD_POLICIES = policies([fraud_service_pb2.DESCRIPTOR.services_by_name["FraudService"]])

_CONSUMER = "data"
_EVENTS = FRAUD_POLICIES["/rampart.fraud.v1.FraudService/ReadEvents"]
_DECISIONS = FRAUD_POLICIES["/rampart.fraud.v1.FraudService/ReadDecisions"]


class RemoteOutbox:
    """Reads as the consumer "data". What it asks for it has stored, so each question is also an acknowledgement."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._read: Any = fraud_service_pb2_grpc.FraudServiceStub(channel).ReadEvents

    async def read(self, after: Position, proof: Proof, limit: int) -> Batch:
        place = event_pb2.OutboxPosition(xid=after.xid, seq=after.seq)
        request = fraud_service_pb2.ReadEventsRequest(
            consumer=_CONSUMER, after=place, limit=limit, cluster=proof.cluster, event=proof.event
        )
        try:
            answer = await self._read(request, timeout=call_timeout(_EVENTS), metadata=call_metadata())
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error, "fraud") from error
        return batch_from_proto(answer.batch)


class RemoteDecisions:
    """Implements `DecidedLog`."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._read: Any = fraud_service_pb2_grpc.FraudServiceStub(channel).ReadDecisions

    async def read(self, after: Cursor, limit: int) -> DecidedPage:
        request = fraud_service_pb2.ReadDecisionsRequest(
            after_tenant_id=after.tenant_id, after_decision_id=after.decision_id, limit=limit
        )
        try:
            answer = await self._read(request, timeout=call_timeout(_DECISIONS), metadata=call_metadata())
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error, "fraud") from error
        return decided_page_from_proto(answer)
