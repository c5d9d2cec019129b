"""The servers that the cost of the edge is measured on, each a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import multiprocessing
import os
import socket
import time
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import grpc
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.assembly import GatewayParts, make_app, make_guard, make_router, start_background
from gateway.calls.mesh import MeshUpstream
from gateway.calls.upstream import CacheUse, Upstream
from gateway.compile.plan import MethodPlan, load_plan
from gateway.describe.documentation import Documentation
from gateway.edge.body import BodyReader
from gateway.edge.metrics import Telemetry, access_log
from gateway.server.serve import HttpServer
from meshkit.context import CallContext
from meshkit.descriptors import DESCRIPTORS
from meshkit.host import Host, run
from meshkit.identity.tokens import TokenVerifier
from meshkit.rpc.channel import upstream_channel
from tests.load.workload import CHECK_PATH
from tests.support.tokens import TRUSTED, Issuer

__all__ = ["CHECK", "Server", "bare_route", "edge", "grpc_service", "make_token", "running"]

CHECK = "/rampart.fraud.v1.FraudService/CheckFraud"
START_SECONDS = 30.0
STOP_SECONDS = 10.0
DECISION = {
    "decision_id": "01a1fc5a-3c62-7000-a1f6-6dcddde11fa1",
    "transaction_id": "01a1fc5a-3c62-7000-a1f6-6dcddde11fa2",
    "user_id": "u42",
    "outcome": "approve",
    "is_fraudulent": False,
    "confidence_score": 0.04,
    "risk_factors": ["new_device", "velocity_user"],
    "degraded": [],
}

Serve = Callable[..., Coroutine[Any, Any, None]]


class Server:
    """A running server."""

    def __init__(self, port: int, pid: int) -> None:
        self.port = port
        self.pid = pid


@contextlib.contextmanager
def running(serve: Serve, *arguments: Any) -> Iterator[Server]:
    """Runs `serve(port, *arguments)` in another process while the block runs."""
    port = _free_port()
    process = multiprocessing.get_context("spawn").Process(target=_run, args=(serve, port, *arguments), daemon=True)
    process.start()
    try:
        _await_listener(port)
        yield Server(port, process.pid or 0)
    finally:
        process.terminate()
        process.join(STOP_SECONDS)


async def bare_route(host: Host, port: int) -> None:
    """The least that answers the check: a Starlette route that reads the JSON and writes JSON, on uvicorn as it is."""

    async def check(request: Request) -> Response:
        json.loads(await request.body())
        return JSONResponse(DECISION)

    app = Starlette(routes=[Route(CHECK_PATH, check, methods=["POST"])])
    config = uvicorn.Config(
        app, port=port, loop="none", http="httptools", lifespan="off", access_log=False, log_config=None
    )
    server = uvicorn.Server(config)
    # Signals belong to the process, as in the gateway.
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
    serving = asyncio.create_task(server.serve())
    await host.stopping()
    server.should_exit = True
    await serving


async def edge(host: Host, port: int, issuer_key: dict[str, str], service: int | None) -> None:
    """The gateway with everything on, in front of a gRPC service on a port, or of an answer in memory."""
    plan = load_plan(DESCRIPTORS)
    policies = {name: method.policy for name, method in plan.methods.items()}

    async def keys() -> list[dict[str, str]]:
        return [issuer_key]

    verifier = TokenVerifier(keys, TRUSTED)
    with open(os.devnull, "w") as null:
        telemetry = Telemetry(access_log(null))
        upstream: Upstream = _Memory(plan.methods[CHECK])
        if service is not None:
            channel = await host.open(upstream_channel(f"127.0.0.1:{service}", None, policies))
            upstream = MeshUpstream(defaultdict(lambda: channel), policies, coalesce=False)
        parts = GatewayParts(
            router=make_router(plan),
            upstream=upstream,
            verifier=verifier,
            guard=make_guard(verifier, telemetry),
            readiness=host.readiness,
            telemetry=telemetry,
            bodies=BodyReader(max_bytes=1 << 20),
        )
        app = make_app(parts, Documentation("edge", ()))
        start_background(host, parts)
        await host.serve(HttpServer(app, f"127.0.0.1:{port}", drain_seconds=1))


async def grpc_service(host: Host, port: int) -> None:
    """A gRPC service that answers every check with the same decision."""
    answer = _answer(load_plan(DESCRIPTORS).methods[CHECK])

    async def check(_: bytes, __: Any) -> bytes:
        return answer

    server = grpc.aio.server()
    service, _, method = CHECK[1:].partition("/")
    handlers: dict[str, Any] = {method: grpc.unary_unary_rpc_method_handler(check)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await host.stopping()
    await server.stop(None)


class _Memory:
    """The answer without a call."""

    def __init__(self, method: MethodPlan) -> None:
        self._answer = _answer(method)

    async def call(self, method: MethodPlan, request: bytes, call: CallContext, use: CacheUse | None = None) -> bytes:
        return self._answer


def make_token(issuer: Issuer) -> str:
    """Returns a token with a limit beyond any load."""
    return issuer.token(time.time(), scope="decision:create", rate_limit=1_000_000)


def _answer(method: MethodPlan) -> bytes:
    data: bytes = method.output.type.from_json(json.dumps({"decision": DECISION})).to_binary()
    return data


def _run(serve: Serve, port: int, *arguments: Any) -> None:
    with open(os.devnull, "w") as null, contextlib.redirect_stdout(null), contextlib.redirect_stderr(null):
        run("bench", lambda host, _: serve(host, port, *arguments))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _await_listener(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("a server of the edge's cost did not start")
