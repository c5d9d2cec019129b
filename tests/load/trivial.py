"""A server that does nothing but answer, to measure what the generator itself costs and where it ends.

`python -m tests.load.trivial` prints what it measures.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import sys
from multiprocessing.connection import Connection as Pipe
from typing import cast

import uvloop

from tests.load.closed import ClosedLoop
from tests.load.result import Result
from tests.load.workload import Target, fraud_checks

__all__ = ["measure_generator"]

START_SECONDS = 30.0
STOP_SECONDS = 5.0
BODY = json.dumps({"is_fraudulent": False, "confidence_score": 0.1, "risk_factors": [], "filler": "x" * 400}).encode()
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(BODY), BODY)


class Trivial(asyncio.Protocol):
    """Answers whatever arrives in one piece, as small requests on loopback do."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._transport.write(ANSWER)


def measure_generator(connections: int, warm_up: float, seconds: float) -> Result:
    """Loads a trivial server in another process with a closed loop. Raises RuntimeError if it does not start."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    server = context.Process(target=_serve, args=(theirs,), daemon=True)
    server.start()
    try:
        if not ours.poll(START_SECONDS):
            raise RuntimeError("the trivial server did not start")
        return uvloop.run(_load(ours.recv(), connections, warm_up, seconds))
    finally:
        server.terminate()
        server.join(STOP_SECONDS)


async def _load(port: int, connections: int, warm_up: float, seconds: float) -> Result:
    target = Target(f"http://127.0.0.1:{port}", "x" * 600)
    return await ClosedLoop(target.address, fraud_checks(target, seed=1), connections).run(warm_up, seconds)


def _serve(pipe: Pipe) -> None:
    uvloop.run(_listen(pipe))


async def _listen(pipe: Pipe) -> None:
    server = await asyncio.get_running_loop().create_server(Trivial, "127.0.0.1", 0)
    pipe.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


def main() -> int:
    print("\n".join(measure_generator(connections=128, warm_up=1.0, seconds=4.0).lines()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
