"""Calls the mesh: alone, coalesced into batches, or collapsed with identical reads, by policy."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import grpc
from prometheus_client import Counter

from gateway.calls.upstream import CacheUse
from gateway.compile.plan import MethodPlan
from meshkit.context import CallContext
from meshkit.errors import deadline_exceeded, from_rpc_error
from meshkit.identity.policy import Policy
from meshkit.rpc.batches import BatchClient
from meshkit.rpc.channel import call_metadata

__all__ = ["MeshUpstream"]

_collapsed = Counter("collapsed_calls", "Reads answered by an identical one under way.", ["method"])

CollapseKey = tuple[str, str, bytes, int]


class MeshUpstream:
    """The mesh as the gateway sees it. `channels` are by short service name; `coalesce` off sends every call alone.

    Services that are `foreign` need not tell their errors as those of the mesh do.
    """

    def __init__(
        self,
        channels: Mapping[str, grpc.aio.Channel],
        policies: Mapping[str, Policy],
        *,
        coalesce: bool = True,
        foreign: bool = False,
    ) -> None:
        self._foreign = foreign
        self._channels = channels
        self._policies = policies
        self._coalesce = coalesce
        self._unary: dict[str, Any] = {}
        self._batches: dict[str, BatchClient] = {}
        self._reads: dict[CollapseKey, _Read] = {}

    async def call(self, method: MethodPlan, request: bytes, call: CallContext, use: CacheUse | None = None) -> bytes:
        """Sends a serialised request and returns the serialised response. Raises MeshError."""
        # Batches and single calls end at the deadline by themselves; only a caller that joins another's read has to.
        if self._coalesce and method.policy.coalesce is not None:
            return await self._batch(method).submit(request, call)
        if self._coalesce and method.policy.collapsible and call.principal is not None:
            generation = use.generation if use is not None else 0
            key = (method.full_name, call.principal.tenant_id, request, generation)
            try:
                async with asyncio.timeout(call.remaining):
                    return await self._collapse(key, method, call)
            except TimeoutError:
                raise deadline_exceeded() from None
        return await self._send(method, request, call)

    async def _collapse(self, key: CollapseKey, method: MethodPlan, context: CallContext) -> bytes:
        """Joins an identical read of the same tenant that is under way. A caller that leaves does not end it."""
        read = self._reads.get(key)
        if read is None:
            read = self._reads[key] = _Read(asyncio.create_task(self._send(method, key[2], context)))
            read.answer.add_done_callback(lambda _: self._read_finished(key))
        else:
            read.joined += 1
        return await asyncio.shield(read.answer)

    def _read_finished(self, key: CollapseKey) -> None:
        read = self._reads.pop(key)
        if read.joined:
            _collapsed.labels(key[0]).inc(read.joined)
        if not read.answer.cancelled():
            # Marks the error as seen: every caller may have left.
            read.answer.exception()

    async def _send(self, method: MethodPlan, request: bytes, context: CallContext) -> bytes:
        call = self._unary.get(method.full_name)
        if call is None:
            call = self._unary[method.full_name] = self._channels[method.service].unary_unary(method.full_name)
        try:
            answer: bytes = await call(request, timeout=context.remaining, metadata=call_metadata(context))
        except grpc.aio.AioRpcError as error:
            dependency = "upstream" if self._foreign else method.service
            raise from_rpc_error(error, dependency, foreign=self._foreign) from error
        return answer

    def _batch(self, method: MethodPlan) -> BatchClient:
        client = self._batches.get(method.full_name)
        if client is None:
            coalescing = method.policy.coalesce
            assert coalescing is not None
            client = BatchClient(
                self._channels[method.service], coalescing, self._policies[coalescing.method], method.service
            )
            self._batches[method.full_name] = client
        return client


class _Read:
    """A read under way, and how many callers have joined the one that began it."""

    __slots__ = ("answer", "joined")

    def __init__(self, answer: asyncio.Task[bytes]) -> None:
        self.answer = answer
        self.joined = 0
