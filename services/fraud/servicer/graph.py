"""The graph over gRPC."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, TypeAlias

import grpc
from rampart.fraud.v1 import graph_service_pb2 as pb

from meshkit.context import Principal, principal
from services.fraud.convert.graph import found_entities_to_proto, neighbourhood_to_proto
from services.fraud.domain.graph.entities import EntityName
from services.fraud.service.graph.neighbourhood import DEFAULT_DEPTH, DEFAULT_NODES, GraphView

__all__ = ["GraphServicer"]

GraphContext: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
PII = "pii:read"


class GraphServicer:
    """Implements `rampart.fraud.v1.GraphService`."""

    def __init__(self, view: GraphView) -> None:
        self._view = view

    async def GetNeighbourhood(
        self, request: pb.GetNeighbourhoodRequest, _: GraphContext
    ) -> pb.GetNeighbourhoodResponse:
        caller, name = principal(), EntityName(request.kind, request.value)
        depth, most = request.depth or DEFAULT_DEPTH, request.max_nodes or DEFAULT_NODES
        found = await self._view.around(caller.tenant_id, name, depth, most)
        return neighbourhood_to_proto(found, await self._shown(caller))

    async def BatchGetGraphEntities(
        self, request: pb.BatchGetGraphEntitiesRequest, _: GraphContext
    ) -> pb.BatchGetGraphEntitiesResponse:
        caller, names = principal(), [EntityName(request.kind, each) for each in request.values]
        found = await self._view.entities(caller.tenant_id, names)
        return found_entities_to_proto(request.values, found, await self._shown(caller))

    async def _shown(self, caller: Principal) -> Collection[str] | None:
        """Returns the kinds of entities whose values a caller sees as they are; None for all."""
        return None if PII in caller.scopes else await self._view.impersonal(caller.tenant_id)
