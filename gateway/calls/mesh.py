"""Calls the mesh: alone, coalesced into batches, or collapsed with identical reads, by policy."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import grpc
from prometheus_client import Counter

from gateway.calls.upstream import CacheUse
from gateway.compile.plan import MethodPlan
from meshkit.context import CallContext
from meshkit.errors import Kind, MeshError, deadline_exceeded
from meshkit.identity.policy import Policy
from meshkit.rpc.batches import BatchClient
from meshkit.rpc.spans import client_span
from meshkit.rpc.unary import invoke

if TYPE_CHECKING:
    from meshkit.tracing.span import Span

__all__ = ["MeshUpstream"]

_collapsed = Counter("collapsed_calls", "Reads answered by an identical one under way.", ["method"])

ReadKey = tuple[str, str, str, bytes, int]
"""Method, tenant, access token, serialised request, and the number of the last change of what is read.

The token and not only its tenant: what a service makes of one, an answer or an error, is for whoever holds it.
"""


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
        self._reads: dict[ReadKey, _Read] = {}

    async def call(self, method: MethodPlan, request: bytes, call: CallContext, use: CacheUse | None = None) -> bytes:
        """Sends a serialised request and returns the serialised response. Raises MeshError."""
        # Batches and single calls end at the deadline by themselves; only a caller that shares a read has to.
        if self._coalesce and method.policy.coalesce is not None:
            return await self._batch(method).submit(request, call)
        if self._coalesce and method.policy.collapsible and call.principal is not None:
            generation = use.generation if use is not None else 0
            key = (method.full_name, call.principal.tenant_id, call.token, request, generation)
            try:
                async with asyncio.timeout(call.remaining):
                    return await self._read(key, method, call)
            except TimeoutError:
                raise deadline_exceeded() from None
        return await self._send(method, request, call, client_span(method.full_name, call))

    async def _read(self, key: ReadKey, method: MethodPlan, call: CallContext) -> bytes:
        """Shares an identical read under way. One that runs out of time fails nobody who has time left."""
        while True:
            read = self._reads.get(key)
            if read is None:
                read = self._begin_read(key, method, call)
            elif call.span is not None and read.span is not None:
                call.span.link(read.span)
            read.callers += 1
            try:
                return await asyncio.shield(read.answer)
            except MeshError as error:
                if error.kind is not Kind.DEADLINE_EXCEEDED or not read.ends_before(call):
                    raise

    def _begin_read(self, key: ReadKey, method: MethodPlan, call: CallContext) -> _Read:
        """Begins a read that has all the time of its method: whoever joins it may have more than who began it."""
        deadline = time.monotonic() + method.policy.deadline
        context = replace(call, deadline=max(deadline, call.deadline or 0.0))
        span = client_span(method.full_name, context)
        answer = asyncio.create_task(self._send(method, key[3], context, span))
        read = self._reads[key] = _Read(answer, context, span)
        read.answer.add_done_callback(lambda _: self._read_finished(key))
        return read

    def _read_finished(self, key: ReadKey) -> None:
        read = self._reads.pop(key)
        if read.callers > 1:
            _collapsed.labels(key[0]).inc(read.callers - 1)
        if not read.answer.cancelled():
            # Marks the error as seen: every caller may have left.
            read.answer.exception()

    async def _send(self, method: MethodPlan, request: bytes, context: CallContext, span: Span | None) -> bytes:
        call = self._unary.get(method.full_name)
        if call is None:
            call = self._unary[method.full_name] = self._channels[method.service].unary_unary(method.full_name)
        answer: bytes = await invoke(
            call,
            request,
            timeout=context.remaining,
            call=context,
            span=span,
            dependency="upstream" if self._foreign else method.service,
            foreign=self._channels[method.service] if self._foreign else None,
        )
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
    """A read under way, and how many callers share it. It goes on when they leave."""

    __slots__ = ("_deadline", "answer", "callers", "span")

    def __init__(self, answer: asyncio.Task[bytes], context: CallContext, span: Span | None) -> None:
        self.answer = answer
        self.span = span
        self.callers = 0
        self._deadline = context.deadline

    def ends_before(self, call: CallContext) -> bool:
        """Tells whether a caller has time left when the read has none."""
        return self._deadline is not None and (call.deadline is None or call.deadline > self._deadline)
