"""What the edge costs: CPU against a bare Starlette route with the same JSON, time against a direct gRPC call.

`python -m tests.load.edge` prints what it measures. The route and the edge run in the same server on the same loop;
in the edge everything is on (token, limits, validation, metrics, access log), only the answer comes from memory. The
time is measured one call at a time, REST and gRPC in turn, against the same gRPC service in a process of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import grpc
import uvloop
from rampart.fraud.v1 import fraud_service_pb2

from tests.load.closed import ClosedLoop
from tests.load.edge_servers import CHECK, Server, bare_route, edge, grpc_service, make_token, running
from tests.load.machine import cpu_seconds
from tests.load.workload import Target, fraud_checks
from tests.support.tokens import Issuer

__all__ = ["EdgeCost", "measure_edge"]

CONNECTIONS = 16
PAUSE_SECONDS = 0.004
"""Between two calls that are timed: low load."""


@dataclass(frozen=True)
class EdgeCost:
    """The cost of the edge, one figure for each round."""

    cpu_us: Mapping[str, Sequence[float]]
    """CPU per request of "bare route" and "edge"."""
    p50_ms: Mapping[str, Sequence[float]]
    """Median time of "direct gRPC" and "REST"."""

    @property
    def ratios(self) -> list[float]:
        return [one / other for one, other in zip(self.cpu_us["edge"], self.cpu_us["bare route"], strict=True)]

    @property
    def added_ms(self) -> list[float]:
        return [one - other for one, other in zip(self.p50_ms["REST"], self.p50_ms["direct gRPC"], strict=True)]

    def lines(self) -> list[str]:
        """Returns the figures for people."""
        bare, own = (median(self.cpu_us[name]) for name in ("bare route", "edge"))
        direct, rest = (median(self.p50_ms[name]) for name in ("direct gRPC", "REST"))
        return [
            f"The edge alone: {own:.0f} us CPU per request, a bare Starlette route {bare:.0f}: "
            f"{median(self.ratios):.2f} times ({min(self.ratios):.2f}..{max(self.ratios):.2f})",
            f"p50 of one call at a time: REST {rest:.2f} ms, direct gRPC {direct:.2f} ms: "
            f"the edge adds {median(self.added_ms):.2f} ms ({min(self.added_ms):.2f}..{max(self.added_ms):.2f})",
        ]


def measure_edge(rounds: int, seconds: float, calls: int) -> EdgeCost:
    """Measures in rounds, each with `seconds` of load on either server and `calls` timed calls of either kind."""
    issuer = Issuer()
    token = make_token(issuer)
    with contextlib.ExitStack() as stack:
        bare, own, service = (
            stack.enter_context(running(*each)) for each in ((bare_route,), (edge, issuer.jwk, None), (grpc_service,))
        )
        front = stack.enter_context(running(edge, issuer.jwk, service.port))
        servers = {"bare route": bare, "edge": own}
        return uvloop.run(_measure(rounds, seconds, calls, token, servers, service, front))


async def _measure(
    rounds: int, seconds: float, calls: int, token: str, servers: Mapping[str, Server], service: Server, front: Server
) -> EdgeCost:
    cpu: dict[str, list[float]] = {name: [] for name in servers}
    times: dict[str, list[float]] = {"direct gRPC": [], "REST": []}
    for number in range(rounds + 1):
        for name, server in servers.items():
            cost = await _cpu_per_request(server, token, seconds)
            if number:  # the first round warms up
                cpu[name].append(cost)
        direct, rest = await _times(service, front, token, calls)
        if number:
            times["direct gRPC"].append(direct)
            times["REST"].append(rest)
    return EdgeCost(cpu, times)


async def _cpu_per_request(server: Server, token: str, seconds: float) -> float:
    target = Target(f"http://127.0.0.1:{server.port}", token)
    load = ClosedLoop(target.address, fraud_checks(target, seed=1), CONNECTIONS)
    before = cpu_seconds({"server": server.pid})["server"]
    result = await load.run(0.0, seconds)
    if result.errors:
        raise RuntimeError(f"the edge's cost cannot be measured: {result.errors}")
    return (cpu_seconds({"server": server.pid})["server"] - before) / result.accepted * 1e6


async def _times(service: Server, front: Server, token: str, calls: int) -> tuple[float, float]:
    """Returns the median milliseconds of a direct call and of one through the edge, taken in turn."""
    target = Target(f"http://127.0.0.1:{front.port}", token)
    requests = fraud_checks(target, seed=2)
    reader, writer = await asyncio.open_connection("127.0.0.1", front.port)
    found: tuple[list[float], list[float]] = ([], [])
    message = fraud_service_pb2.CheckFraudRequest(
        user_id="u1", transaction_amount=12.5, device_fingerprint="d-1", ip_address="203.0.113.7"
    ).SerializeToString()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{service.port}") as channel:
        direct: Any = channel.unary_unary(CHECK)
        for _ in range(calls):
            begun = time.perf_counter()
            await direct(message, timeout=5, metadata=(("authorization", f"Bearer {token}"),))
            found[0].append(time.perf_counter() - begun)
            await asyncio.sleep(PAUSE_SECONDS)
            begun = time.perf_counter()
            writer.write(random.choice(requests))
            await _answer(reader)
            found[1].append(time.perf_counter() - begun)
            await asyncio.sleep(PAUSE_SECONDS)
    writer.close()
    return median(found[0]) * 1000, median(found[1]) * 1000


async def _answer(reader: asyncio.StreamReader) -> None:
    async with asyncio.timeout(5):
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200 "):
            raise RuntimeError(f"the edge answered {head[:60]!r}")
        length = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        await reader.readexactly(int(length.partition(b":")[2]))


def main() -> int:
    print("\n".join(measure_edge(rounds=5, seconds=2.0, calls=200).lines()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
