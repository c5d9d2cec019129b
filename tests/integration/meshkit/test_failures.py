"""What a service says and what happens to the connection, over real sockets: both fail with the same codes.

The words by which a transport describes its own failures belong to the pinned grpcio: these tests hold them.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
import pytest
import pytest_asyncio

from meshkit.errors import Kind, MeshError
from meshkit.rpc.channel import upstream_channel
from meshkit.rpc.failures import from_rpc_error
from tests.support.listening import listening

pytestmark = pytest.mark.asyncio(loop_scope="module")

WORDS = "maintenance until 5 pm"
CODES = ("UNAVAILABLE", "CANCELLED", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "UNIMPLEMENTED", "ABORTED")
SETTINGS = b"\0\0\0\x04\0\0\0\0\0" + b"\0\0\0\x04\x01\0\0\0\0"
FIRST_STREAM = b"\0\0\0\x01"
CALL = b"\x01\x04" + FIRST_STREAM
"""All headers of the first stream (RFC 9113, section 6.2)."""

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def _unary(request: bytes, context: Any) -> bytes:
    how, _, code = request.decode().partition(" ")
    if how == "headers":
        await context.send_initial_metadata((("a", "b"),))
    if how == "sleep":
        await asyncio.sleep(10)
    if how == "large":
        return b"x" * (9 << 20)
    await context.abort(grpc.StatusCode[code], WORDS)
    return b""


async def _stream(request: bytes, context: Any) -> AsyncIterator[bytes]:
    yield b"first"
    if request == b"large":
        yield b"x" * (9 << 20)
    await context.abort(grpc.StatusCode[request.decode()], WORDS)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def channel() -> AsyncIterator[grpc.aio.Channel]:
    """The channel to a service that says what it is asked to say."""
    handlers: dict[str, Any] = {
        "Unary": grpc.unary_unary_rpc_method_handler(_unary),
        "Stream": grpc.unary_stream_rpc_method_handler(_stream),
    }
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("s.S", handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with upstream_channel(f"127.0.0.1:{port}", None, {}) as opened:
        yield opened
    await server.stop(None)


async def unary(channel: grpc.aio.Channel, request: bytes = b"", seconds: float = 5.0) -> MeshError:
    """Returns the error of a call with one answer."""
    call: Any = channel.unary_unary("/s.S/Unary")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(request, timeout=seconds)
    return from_rpc_error(caught.value, "upstream", foreign=channel)


async def stream(channel: grpc.aio.Channel, request: bytes) -> MeshError:
    """Returns the error of a call that fails after its first answer."""
    begin: Any = channel.unary_stream("/s.S/Stream")
    call = begin(request, timeout=5)
    assert await call.read() == b"first"
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call.read()
    return from_rpc_error(caught.value, "upstream", foreign=channel)


@contextlib.asynccontextmanager
async def peer(behave: Behaviour) -> AsyncIterator[grpc.aio.Channel]:
    """Runs what answers connections by hand, and opens a channel to it."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            await behave(reader, writer)
        # A connection that ended before the caller has read would be told as its end.
        await asyncio.Event().wait()

    async with listening(serve) as port, upstream_channel(f"127.0.0.1:{port}", None, {}) as opened:
        yield opened


def sends(*frames: bytes) -> Behaviour:
    """Opens HTTP/2, and sends frames once the call is there; without frames it hangs up then."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(SETTINGS)
        heard = b""
        while CALL not in heard and (more := await reader.read(65536)):
            heard += more
        writer.write(b"".join(frames))
        if not frames:
            writer.close()

    return behave


def reset(code: int) -> bytes:
    return b"\0\0\x04\x03\0" + FIRST_STREAM + code.to_bytes(4)


def status(code: bytes) -> bytes:
    block = b"\x08\x03" + code
    return len(block).to_bytes(3) + b"\x01\x05" + FIRST_STREAM + block


@pytest.mark.parametrize("code", CODES)
async def test_a_code_and_words_of_the_service_are_told_as_it_said_them(channel: grpc.aio.Channel, code: str) -> None:
    told = [await unary(channel, f"{how} {code}".encode()) for how in ("trailers", "headers")]
    told.append(await stream(channel, code.encode()))
    for error in told:
        assert (error.kind.name, error.reason, error.domain, error.message) == (code, code, "", WORDS)
        assert (error.metadata, error.retry_after) == ({}, None)


GOAWAY = b"\0\0\x08\x07\0\0\0\0\0" + bytes(8)


@pytest.mark.parametrize(
    ("frames", "kind", "reason"),
    [
        ([], Kind.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE"),
        ([GOAWAY], Kind.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE"),
        ([reset(7)], Kind.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE"),
        ([reset(8)], Kind.CANCELLED, "CANCELLED"),
        ([reset(11)], Kind.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE"),
        ([reset(2)], Kind.INTERNAL, "INTERNAL"),
        ([status(b"503")], Kind.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE"),
        ([status(b"404")], Kind.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE"),
        ([status(b"403")], Kind.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE"),
    ],
    ids=["closed", "goaway", "refused", "cancelled", "calm", "internal", "503", "404", "403"],
)
async def test_what_happens_to_a_connection_is_told_in_our_words(frames: list[bytes], kind: Kind, reason: str) -> None:
    async with peer(sends(*frames)) as channel:
        error = await unary(channel)
    assert (error.kind, error.reason, error.domain) == (kind, reason, "rampart")
    for word in ("Stream removed", "127.0.0.1", "RST_STREAM", "http2", "GOAWAY"):
        assert word not in error.message


async def test_what_is_no_grpc_service_is_told_to_be_none() -> None:
    async with peer(sends(status(b"404"))) as channel:
        assert (await unary(channel)).message == "upstream answers with HTTP status 404 in place of gRPC"


async def test_nobody_at_the_address_is_a_dependency_that_cannot_be_reached() -> None:
    for address in ("127.0.0.1:1", "unix:/nothing/here", "no.such.host.invalid:1"):
        async with upstream_channel(address, None, {}) as channel:
            error = await unary(channel)
        assert (error.reason, error.message) == ("DEPENDENCY_UNAVAILABLE", "upstream cannot be reached")
        assert (error.metadata, error.retry_after) == ({"dependency": "upstream"}, 1.0)


async def test_the_log_has_what_the_transport_said(caplog: pytest.LogCaptureFixture) -> None:
    async with upstream_channel("127.0.0.1:1", None, {}) as channel:
        call: Any = channel.unary_unary("/s.S/Unary")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(b"")
        from_rpc_error(caught.value, "never heard of before", foreign=channel)
    assert "Connection refused" in caplog.text


async def test_our_own_deadline_is_told_in_our_words(channel: grpc.aio.Channel) -> None:
    error = await unary(channel, b"sleep", 0.1)
    assert (error.kind, error.reason, error.domain) == (Kind.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", "rampart")


async def test_an_answer_that_is_too_large_for_us_is_nobodys_quota(channel: grpc.aio.Channel) -> None:
    for error in (await unary(channel, b"large"), await stream(channel, b"large")):
        assert (error.kind, error.reason) == (Kind.INTERNAL, "ANSWER_UNWRITABLE")
