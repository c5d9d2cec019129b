"""What traces cost the parts of a check that make spans: the least of many, whatever else runs.

`python -m tests.load.trace_parts` measures the edge with an answer from memory, and a service's part of a batch. What
is exported is thrown away: encoding and sending is the work of another thread.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import uvloop
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio
from opentelemetry.trace import SpanKind
from rampart.fraud.v1 import fraud_service_pb2 as pb
from rampart.mesh.v1 import batch_pb2

from meshkit.collector import spare_collector
from meshkit.context import CallContext, Principal, set_current
from meshkit.identity.policy import policies
from meshkit.rpc.batches import serve_batch
from meshkit.tracing import setup, w3c
from tests.support.gateway import Gateway
from tests.support.spans import recording

MODES = {"off": None, "1 in 100": 0.01, "all": 1.0}
ITEMS = 32
REPEATS = 3_000
BATCH = policies([pb.DESCRIPTOR.services_by_name["FraudService"]])["/rampart.fraud.v1.FraudService/CoalesceCheckFraud"]
CHECK: dict[str, Any] = {
    "user_id": "u",
    "transaction_amount": 12.5,
    "device_fingerprint": "d",
    "ip_address": "203.0.113.7",
}


class _Empty:
    """Answers every call with an empty message, and knows every token."""

    async def call(self, *_: Any) -> bytes:
        return b""

    async def verify(self, _: str) -> Principal:
        return Principal("t", "c", frozenset({"decision:create"}), 1, "USD")


async def least_us(work: Callable[[], Awaitable[object]]) -> float:
    """Returns the shortest time that the work took, in microseconds."""
    best = float("inf")
    for _ in range(REPEATS):
        begun = time.perf_counter()
        await work()
        best = min(best, time.perf_counter() - begun)
    return best * 1e6


async def _edge() -> float:
    gateway, body = Gateway(upstream=_Empty()), json.dumps(CHECK).encode()
    spare_collector()
    return await least_us(lambda: gateway.request("POST", "/api/v1/fraud-check", body))


async def _batch(ratio: float | None) -> float:
    """Returns the time of one item in a batch of which as many items are recorded as the ratio says."""
    recorded = round(ITEMS * (ratio or 0.0))
    parents = [w3c.started() if n < recorded else w3c.unsampled(w3c.started()) for n in range(ITEMS)]
    request = pb.CheckFraudRequest(**CHECK).SerializeToString()
    items = [batch_pb2.BatchItem(request=request, timeout_ms=1_000, traceparent=parent) for parent in parents]
    batch = batch_pb2.Batch(tokens=["t"], items=items)

    empty: Any = _Empty()

    async def answer(calls: Sequence[Any]) -> list[bytes]:
        return [b"x"] * len(calls)

    async def serve() -> None:
        call = CallContext(traceparent=parents[0])
        recorder = setup.recorder()
        if recorder is not None and recorded:
            call.record(recorder, "batch", SpanKind.SERVER, {})
        set_current(call)
        await serve_batch(
            batch,
            policy=BATCH,
            verifier=empty,
            request_class=pb.CheckFraudRequest,
            handle=answer,
        )
        if call.span is not None:
            call.span.end()

    return await least_us(serve) / ITEMS


async def _measure() -> None:
    for name, ratio in MODES.items():
        if ratio is None:
            edge, item = await _edge(), await _batch(ratio)
        else:
            with recording(ParentBasedTraceIdRatio(ratio), SpanProcessor()):
                edge, item = await _edge(), await _batch(ratio)
        print(f"{name}: {edge:.1f} us for a request at the edge, {item:.1f} us for an item of a batch of {ITEMS}")


def main() -> int:
    uvloop.run(_measure())
    return 0


if __name__ == "__main__":
    sys.exit(main())
