"""What the conformance suite asks: a request goes in, and the message that the service would get comes out.

The same question goes to three edges: the compiled plan with either codec, and the whole gateway over real HTTP in
front of a real gRPC service. What comes out is read by google.protobuf, which has no part in how it was made.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, cast

import grpc
import httptools
from google.api import http_pb2
from google.protobuf import text_format
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from gateway.compile.codec import ProtobufPyCodec
from gateway.compile.endpoint import Endpoint
from gateway.compile.plan import PathError, Plan, load_plan
from gateway.compile.router import Router
from gateway.compile.validation import RequestValidator
from gateway.errors.places import HttpViolation
from gateway.standalone.access import DefaultPolicy
from meshkit.errors import MeshError
from tests.support.json_format_codec import JsonFormatCodec
from tests.support.standalone import standalone

__all__ = [
    "CODECS", "JSON", "Asked", "Edge", "PlanEdge", "RawService", "Refused", "WireEdge", "compile_protos", "load",
    "raw_service", "text", "wire",
]  # fmt: skip

JSON = b"application/json"
CODECS: Mapping[str, Callable[[Plan], Any]] = {
    "protobuf-py": lambda plan: ProtobufPyCodec(plan.registry),
    "json_format": lambda plan: JsonFormatCodec(plan.pool, plan.registry),
}


@dataclass(frozen=True)
class Asked:
    """The service is asked."""

    method: str
    """Short name of the method."""
    message: str
    """The request message in text format."""


@dataclass(frozen=True)
class Refused:
    """The caller is told what is wrong and where; the service is not asked."""

    status: int
    place: str = ""
    name: str = ""


class Edge(Protocol):
    """Something that requests can be sent to."""

    async def ask(
        self, method: str, target: str, body: bytes | None = None, kind: bytes | None = JSON
    ) -> Asked | Refused: ...


def compile_protos(folder: Path, out: Path, *, names: Iterable[str] = (), imports: bool = True) -> Path:
    """Writes the descriptors of the protos in a folder, as `protoc` does for a user."""
    sources = [str(folder / name) for name in names] or sorted(map(str, folder.glob("*.proto")))
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{folder}", f"-I{Path(http_pb2.__file__).parents[2]}"]
    command += ["--include_imports"] if imports else []
    subprocess.run([*command, f"--descriptor_set_out={out}", *sources], check=True)
    return out


def load(descriptors: Path) -> Plan:
    """Compiles a plan in which anyone may call everything."""
    return load_plan(descriptors, DefaultPolicy(opens=True, deadline=10.0))


def text(pool: DescriptorPool, type_name: str, value: bytes | str) -> str:
    """Writes a message, given serialised or in text format, in the one text that its value has."""
    message: Message = GetMessageClass(pool.FindMessageTypeByName(type_name))()
    if isinstance(value, bytes):
        message.ParseFromString(value)
    else:
        text_format.Parse(value, message, descriptor_pool=pool)
    return text_format.MessageToString(message, as_utf8=True, descriptor_pool=pool)


class PlanEdge:
    """The compiled plan and a codec, without HTTP around them."""

    def __init__(self, plan: Plan, codec: str) -> None:
        self.plan = plan
        self.router = Router(plan, CODECS[codec](plan), RequestValidator())

    async def ask(
        self, method: str, target: str, body: bytes | None = None, kind: bytes | None = JSON
    ) -> Asked | Refused:
        path, _, query = target.partition("?")
        try:
            found = self.router.match(method, path)
        except PathError:
            return Refused(400, "path")
        if found is None:
            return Refused(405 if self.router.allowed(path) else 404)
        endpoint, captures = found
        try:
            request = endpoint.serialize(endpoint.decode(captures, query.encode(), body or b"", kind or b""))
        except MeshError as error:
            violation = error.violations[0]
            assert isinstance(violation, HttpViolation)
            return Refused(400, violation.place, violation.name)
        name = endpoint.method.full_name
        return Asked(name.rpartition("/")[2], text(self.plan.pool, endpoint.method.input.type_name, request))

    def endpoint(self, method: str, target: str) -> Endpoint:
        found = self.router.match(method, target)
        assert found is not None
        return found[0]

    def answer(self, method: str, target: str, message: str) -> Any:
        """Returns the JSON with which a message of the service is answered."""
        endpoint = self.endpoint(method, target)
        pool, type_name = self.plan.pool, endpoint.method.output.type_name
        found: Message = GetMessageClass(pool.FindMessageTypeByName(type_name))()
        text_format.Parse(message, found, descriptor_pool=pool)
        return json.loads(endpoint.encode(found.SerializeToString()))


@dataclass
class RawService:
    """A gRPC service that takes any call, remembers it, and answers with what it got, or with what it is told to."""

    address: str = ""
    calls: list[tuple[str, bytes]] = field(default_factory=list)
    answer: bytes | None = None

    async def call(self, name: str, request: bytes) -> bytes:
        self.calls.append((name, request))
        return request if self.answer is None else self.answer


class _Handlers(grpc.GenericRpcHandler):
    def __init__(self, service: RawService) -> None:
        self._service = service

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes]:
        name = handler_call_details.method

        async def handle(request: bytes, context: Any) -> bytes:
            return await self._service.call(name, request)

        found: Any = grpc.unary_unary_rpc_method_handler(handle)
        return cast("grpc.RpcMethodHandler[bytes, bytes]", found)


@contextlib.asynccontextmanager
async def raw_service() -> AsyncIterator[RawService]:
    """Runs the service while the block runs."""
    server = grpc.aio.server()
    service = RawService()
    service.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.add_generic_rpc_handlers((_Handlers(service),))
    await server.start()
    try:
        yield service
    finally:
        await server.stop(None)


class _Answer:
    """Collects a response; the parser calls it."""

    def __init__(self) -> None:
        self.headers: dict[bytes, bytes] = {}
        self.body = b""
        self.done = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.lower()] = value

    def on_body(self, data: bytes) -> None:
        self.body += data

    def on_message_complete(self) -> None:
        self.done = True


class WireEdge:
    """The gateway over HTTP/1.1. Targets go out exactly as they are written."""

    def __init__(self, address: tuple[str, int], plan: Plan, service: RawService) -> None:
        self.service = service
        self._plan = plan
        self._address = address

    async def ask(
        self, method: str, target: str, body: bytes | None = None, kind: bytes | None = JSON
    ) -> Asked | Refused:
        self.service.calls.clear()
        status, _, answer = await self.send(method, target, body, kind)
        if status == 200:
            [(name, request)] = self.service.calls
            message = text(self._plan.pool, self._plan.methods[name].input.type_name, request)
            return Asked(name.rpartition("/")[2], message)
        assert status < 500, (method, target, answer)
        assert not self.service.calls
        errors = json.loads(answer).get("errors") or [{}]
        return Refused(status, errors[0].get("in", ""), errors[0].get("pointer", errors[0].get("name", "")))

    async def send(
        self, method: str, target: str, body: bytes | None, kind: bytes | None, *headers: bytes
    ) -> tuple[int, dict[bytes, bytes], bytes]:
        """Sends one request on a connection of its own and returns status, headers and body."""
        lines = [f"{method} {target} HTTP/1.1".encode(), b"host: edge.test", b"connection: close", *headers]
        if body is not None:
            lines += [b"content-length: %d" % len(body)] + ([b"content-type: " + kind] if kind else [])
        async with asyncio.timeout(10):
            reader, writer = await asyncio.open_connection(*self._address)
            writer.write(b"\r\n".join([*lines, b"", body or b""]))
            answer = _Answer()
            parser = httptools.HttpResponseParser(answer)
            while not answer.done:
                data = await reader.read(65536)
                assert data, "the gateway closed the connection"
                parser.feed_data(data)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
        return parser.get_status_code(), answer.headers, answer.body


@contextlib.asynccontextmanager
async def wire(descriptors: Path) -> AsyncIterator[WireEdge]:
    """Runs the stand-alone gateway in front of a service that answers with what it gets."""
    async with raw_service() as service:
        options = ("--plaintext", "--default-policy", "open")
        async with standalone(descriptors, service.address, *options) as client:
            url = client.base_url
            yield WireEdge((url.host, url.port or 80), load(descriptors), service)
