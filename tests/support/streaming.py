"""A gRPC service whose methods stream as a test tells them to, and a real gateway in front of it."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from io import StringIO
from typing import Any

import grpc
from google.protobuf.message_factory import GetMessageClass

from gateway.assembly import GatewayParts, make_app, make_guard, make_router
from gateway.calls.mesh import MeshUpstream
from gateway.calls.mesh_streams import MeshStreams
from gateway.compile.plan import Plan, compile_plan
from gateway.compile.router import Router
from gateway.describe.documentation import Documentation
from gateway.edge.body import BodyReader
from gateway.edge.headers.cors import Cors
from gateway.edge.headers.security import SecurityHeaders
from gateway.edge.metrics import Telemetry, access_log
from gateway.edge.streams.registry import OpenStreams
from gateway.server.serve import HttpServer
from meshkit.rpc.channel import upstream_channel
from meshkit.telemetry.admin import Readiness
from tests.support.gateway import MemoryVerifier
from tests.support.processes import free_port
from tests.support.protos import compile_proto

__all__ = ["News", "Service", "grpc_service", "message", "news", "router", "streaming_plan"]

PUBLIC = "public: true, rate_limit: {class: RATE_CLASS_INTERNAL}"
SCOPED = 'scopes: ["decision:read"], rate_limit: {class: RATE_CLASS_INTERNAL}'

PROTO = """
import "google/api/httpbody.proto";

service News {
  rpc Watch(WatchRequest) returns (stream Item) {
    option (google.api.http) = {
      get: "/v1/{topic}/news" additional_bindings: {post: "/v1/news:watch" body: "*"}
      additional_bindings: {get: "/v1/{topic}/lines" response_body: "text"}
    };
    option (rampart.mesh.v1.policy) = {@public, deadline: {seconds: 60}};
  }
  rpc WatchBriefly(WatchRequest) returns (stream Item) {
    option (google.api.http) = {get: "/v1/{topic}/brief"};
    option (rampart.mesh.v1.policy) = {@public, deadline: {nanos: 300000000}};
  }
  rpc WatchSecrets(WatchRequest) returns (stream Item) {
    option (google.api.http) = {get: "/v1/{topic}/secrets"};
    option (rampart.mesh.v1.policy) = {@scoped, deadline: {seconds: 60}};
  }
  rpc Download(WatchRequest) returns (stream google.api.HttpBody) {
    option (google.api.http) = {get: "/v1/{topic}/file"};
    option (rampart.mesh.v1.policy) = {@public, deadline: {seconds: 60}};
  }
  rpc Upload(stream Item) returns (Item) {
    option (google.api.http) = {post: "/v1/{topic}/news:upload" body: "*"};
    option (rampart.mesh.v1.policy) = {@public, deadline: {seconds: 60}};
  }
  rpc Chat(stream Item) returns (stream Item) {
    option (google.api.http) = {get: "/v1/{topic}/chat"};
    option (rampart.mesh.v1.policy) = {@public, deadline: {seconds: 60}};
  }
  rpc GetItem(WatchRequest) returns (Item) {
    option (google.api.http) = {get: "/v1/{topic}/item"};
    option (rampart.mesh.v1.policy) = {@public, deadline: {seconds: 60}};
  }
}
message WatchRequest {
  string topic = 1 [(buf.validate.field).string.max_len = 20];
  int32 count = 2;
  string after = 3 [(rampart.mesh.v1.field).resume_after = true, (buf.validate.field).string.max_len = 20];
}
message Item {
  string topic = 1;
  string text = 2;
  int64 number = 3 [(buf.validate.field).int64.gte = 0];
  string position = 4 [(rampart.mesh.v1.field).event_id = true];
  string language = 5;
}
""".replace("@public", PUBLIC).replace("@scoped", SCOPED)


@functools.cache
def streaming_plan() -> Plan:
    return compile_plan(compile_proto(PROTO))


@functools.cache
def router() -> Router:
    return make_router(streaming_plan())


def message(name: str, **fields: Any) -> Any:
    """Builds a message of the service."""
    full = name if "." in name else f"test.lib.v1.{name}"
    return GetMessageClass(streaming_plan().pool.FindMessageTypeByName(full))(**fields)


Watch = Callable[[Any, Any], AsyncIterator[Any]]
Upload = Callable[[AsyncIterator[Any], Any], Awaitable[Any]]


async def _count(request: Any, _: Any) -> AsyncIterator[Any]:
    """Answers with as many items as asked for, after the place asked for."""
    first = int(request.after or 0) + 1
    for number in range(first, request.count + 1):
        yield message("Item", topic=request.topic, number=number, position=str(number))


async def _join(requests: AsyncIterator[Any], _: Any) -> Any:
    received = [request async for request in requests]
    return message("Item", number=len(received), text=" ".join(request.text for request in received))


async def _echo(requests: Any, _: Any) -> AsyncIterator[Any]:
    async for request in requests:
        yield request


@dataclass
class Service:
    """What the methods do, and what became of their calls."""

    watch: Watch = _count
    upload: Upload = _join
    chat: Watch = _echo
    requests: list[Any] = field(default_factory=list)
    metadata: list[dict[str, str]] = field(default_factory=list)
    remaining: list[float | None] = field(default_factory=list)
    running: int = 0
    cancelled: int = 0

    @contextlib.contextmanager
    def _noted(self, context: Any) -> Any:
        self.metadata.append({key: str(value) for key, value in context.invocation_metadata() or ()})
        self.remaining.append(context.time_remaining())
        self.running += 1
        try:
            yield
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.running -= 1

    async def serve_watch(self, request: Any, context: Any) -> AsyncIterator[Any]:
        self.requests.append(request)
        with self._noted(context):
            async for item in self.watch(request, context):
                yield item

    async def serve_upload(self, requests: AsyncIterator[Any], context: Any) -> Any:
        with self._noted(context):
            return await self.upload(requests, context)

    async def serve_chat(self, requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        with self._noted(context):
            async for item in self.chat(requests, context):
                yield item

    async def until(self, condition: Callable[[Service], bool]) -> None:
        async with asyncio.timeout(5):
            while not condition(self):
                await asyncio.sleep(0.005)


@dataclass
class News:
    """The gateway at work."""

    address: str
    service: Service
    streams: OpenStreams
    verifier: MemoryVerifier
    telemetry: Telemetry
    lines: StringIO
    stop: asyncio.Event
    server: asyncio.Task[None]

    @property
    def url(self) -> str:
        return f"http://{self.address}"


def _until(stop: asyncio.Event) -> Callable[[], Awaitable[None]]:
    async def stopping() -> None:
        await stop.wait()

    return stopping


@contextlib.asynccontextmanager
async def news(*, limit: int = 10, max_message: int = 1 << 20, origins: tuple[str, ...] = ()) -> AsyncIterator[News]:
    """Runs both until the block ends."""
    service = Service()
    async with grpc_service(service) as channel:
        plan = streaming_plan()
        policies = {name: method.policy for name, method in plan.methods.items()}
        lines, streams, verifier = StringIO(), OpenStreams(limit), MemoryVerifier()
        telemetry = Telemetry(access_log(lines))
        parts = GatewayParts(
            router=router(),
            upstream=MeshUpstream({"lib": channel}, policies),
            stream_upstream=MeshStreams({"lib": channel}),
            open_streams=streams,
            verifier=verifier,
            guard=make_guard(verifier, telemetry),
            readiness=Readiness({}),
            telemetry=telemetry,
            bodies=BodyReader(max_bytes=1 << 20),
            security=SecurityHeaders(Cors(origins)),
        )
        app = make_app(parts, Documentation("edge", ()))
        address, stop = f"127.0.0.1:{free_port()}", asyncio.Event()
        http = HttpServer(app, address, drain_seconds=5, max_message=max_message, drain=streams.drain)
        server = asyncio.create_task(http.run(_until(stop)))
        await _listening(address)
        try:
            yield News(address, service, streams, verifier, telemetry, lines, stop, server)
        finally:
            stop.set()
            await server


@contextlib.asynccontextmanager
async def grpc_service(service: Service) -> AsyncIterator[grpc.aio.Channel]:
    """Runs the service until the block ends; yields a channel to it."""
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.lib.v1.News", _handlers(service)),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with upstream_channel(f"127.0.0.1:{port}", None, {}, streams=True) as channel:
            yield channel
    finally:
        await server.stop(None)


def _handlers(service: Service) -> dict[str, grpc.RpcMethodHandler[Any, Any]]:
    handlers: dict[str, Any] = {}
    for name, method in streaming_plan().methods.items():
        request = GetMessageClass(streaming_plan().pool.FindMessageTypeByName(method.input.type_name))
        codecs = {
            "request_deserializer": request.FromString,
            "response_serializer": lambda item: item.SerializeToString(),
        }
        short = name.rpartition("/")[2]
        if short == "Upload":
            handlers[short] = grpc.stream_unary_rpc_method_handler(service.serve_upload, **codecs)
        elif short == "Chat":
            handlers[short] = grpc.stream_stream_rpc_method_handler(service.serve_chat, **codecs)
        elif method.server_streaming:
            handlers[short] = grpc.unary_stream_rpc_method_handler(service.serve_watch, **codecs)
    return handlers


async def _listening(address: str) -> None:
    host, _, port = address.rpartition(":")
    async with asyncio.timeout(5):
        while True:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection(host, int(port))
                writer.close()
                return
            await asyncio.sleep(0.01)
