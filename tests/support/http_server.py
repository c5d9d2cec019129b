"""The HTTP connection of the gateway on a real socket, in front of an application that tells what it was given."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import uvicorn
import uvloop
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from gateway.server.connection import HttpConnection
from gateway.server.limits import Limits
from gateway.server.watch import Watch
from gateway.server.websocket import WebSocketProtocol

__all__ = ["Answer", "EchoServer", "running_server", "served", "split_answers"]

Test = Callable[..., Coroutine[Any, Any, None]]

TICK = 0.02
"""A second of the server's clock, in seconds of this one."""


@dataclass
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def header(self, name: str) -> str | None:
        return next((value for each, value in self.headers if each == name), None)


@dataclass
class EchoServer:
    """Answers with method, target, headers and body. A path says what else happens, for example `/gate`."""

    watch: Watch
    port: int = 0
    seen: list[str] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    state: ServerState = field(default_factory=ServerState)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        self.seen.append(path)
        if path.startswith("/gate"):
            await self.gate.wait()
        if scope["type"] == "websocket":
            await self._converse(path, receive, send)
            return
        if path == "/fail":
            raise ValueError("planned")
        if path in ("/stream", "/early"):
            await (self._stream(scope, receive, send) if path == "/stream" else _refuse_early(receive, send))
            return
        body = b"" if path == "/deaf" else await _read(receive)
        if body is None:
            self.seen.append("gone")
            return
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        told = {
            "method": scope["method"],
            "path": path,
            "raw_path": scope["raw_path"].decode(),
            "query": scope["query_string"].decode(),
            "headers": headers,
            "body": body.decode("latin-1"),
        }
        await _answer(path, json.dumps(told).encode(), send)

    async def _stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Streams until the gate is open or the caller is gone, and says when reading has ended."""
        await _read(receive)
        probed = asyncio.Event()
        scope["extensions"]["half_close"](probed.set)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"begin", "more_body": True})
        await probed.wait()
        await send({"type": "http.response.body", "body": b"probe", "more_body": True})
        gone, ended = asyncio.create_task(_read(receive)), asyncio.create_task(self.gate.wait())
        await asyncio.wait((gone, ended), return_when=asyncio.FIRST_COMPLETED)
        if gone.done():
            self.seen.append("gone")
        await send({"type": "http.response.body", "body": b"end"})
        gone.cancel()

    async def _converse(self, path: str, receive: Receive, send: Send) -> None:
        """Says what it hears; with `/slow-echo` once the gate is open."""
        if path == "/fail":
            raise ValueError("planned")
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive" or message.get("half_closed"):
            if path == "/slow-echo":
                await self.gate.wait()
            if message.get("half_closed"):
                await send({"type": "websocket.close", "code": 1000})
                return
            await send({"type": "websocket.send", "text": message["text"]})

    async def raw(self, *parts: bytes, wait: float = 0.0, half_close: bool = False) -> bytes:
        """Sends bytes as they are, with pauses between the parts, and returns all that comes until the end.

        With `half_close` it says behind them that nothing more comes.
        """
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            for part in parts:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(wait)
            if half_close:
                writer.write_eof()
            async with asyncio.timeout(5):
                return await reader.read()
        finally:
            writer.close()

    async def ask(self, *parts: bytes, wait: float = 0.0, half_close: bool = False) -> list[Answer]:
        """Like `raw`, with the answers told apart."""
        return split_answers(await self.raw(*parts, wait=wait, half_close=half_close))


async def _refuse_early(receive: Receive, send: Send) -> None:
    """Begins its answer before the body is there, and ends it when no more of that comes."""
    await receive()
    await send({"type": "http.response.start", "status": 413, "headers": []})
    await send({"type": "http.response.body", "body": b"ref", "more_body": True})
    while (await receive())["type"] != "http.disconnect":
        pass
    await send({"type": "http.response.body", "body": b"used"})


async def _read(receive: Receive) -> bytes | None:
    body = b""
    while True:
        message: dict[str, Any] = dict(await receive())
        if message["type"] == "http.disconnect":
            return None
        body += bytes(message["body"])
        if not message["more_body"]:
            return body


_SPLITTERS = {
    "/split": b"a\r\nset-cookie: b",
    "/split-lf": b"a\nset-cookie: b",
    "/split-cr": b"a\rset-cookie: b",
    "/nul": b"a\0b",
}


async def _answer(path: str, body: bytes, send: Send) -> None:
    headers = [(b"content-type", b"application/json")]
    if path == "/large":
        body = b"x" * (6 << 20)
    if path in _SPLITTERS:
        headers.append((b"x-own", _SPLITTERS[path]))
    if path == "/chunked":
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for part in (body[:10], b"", body[10:]):
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body"})
        return
    if path == "/short":
        body = body[:10]
        headers.append((b"content-length", b"11"))
    elif path == "/flood":
        body = b"x" * (16 << 20)
        headers.append((b"content-length", b"%d" % len(body)))
    else:
        headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    if path == "/flood":
        for _ in range(16):
            await send({"type": "http.response.body", "body": body[: 1 << 20], "more_body": True})
        await send({"type": "http.response.body"})
    else:
        await send({"type": "http.response.body", "body": body})


@contextlib.asynccontextmanager
async def running_server(limits: Limits | None = None) -> AsyncIterator[EchoServer]:
    """Serves while the block runs, with a clock on which a second takes `TICK`."""
    watch = Watch(limits or Limits(), seconds=TICK)
    echo = EchoServer(watch)
    config = uvicorn.Config(echo, loop="none", ws=WebSocketProtocol, lifespan="off", log_config=None, access_log=False)
    config.load()
    config.loaded_app = echo
    echo.state.default_headers = [(b"date", b"Thu, 01 Jan 1970 00:00:00 GMT")]
    loop = asyncio.get_running_loop()
    server = await loop.create_server(partial(HttpConnection, config, echo.state, {}, watch=watch), "127.0.0.1", 0)
    echo.port = server.sockets[0].getsockname()[1]
    sweep = asyncio.create_task(watch.run())
    try:
        yield echo
    finally:
        echo.gate.set()
        sweep.cancel()
        server.close()
        for connection in list(watch.connections):
            connection.transport.abort()  # type: ignore[attr-defined]
        await asyncio.gather(*echo.state.tasks, return_exceptions=True)


def served(limits: Limits | None = None) -> Callable[[Test], Callable[..., None]]:
    """Makes a test run with a server, its first argument, on the event loop that the gateway runs on.

    What loops do at the end of reading is where they differ.
    """

    def decorate(test: Test) -> Callable[..., None]:
        async def with_server(arguments: dict[str, Any]) -> None:
            async with running_server(limits) as server:
                await test(server, **arguments)

        def run(**arguments: Any) -> None:
            uvloop.run(with_server(arguments))

        signature = inspect.signature(test)
        run.__name__, run.__doc__ = test.__name__, test.__doc__
        run.__signature__ = signature.replace(parameters=[*signature.parameters.values()][1:])  # type: ignore[attr-defined]
        return run

    return decorate


def split_answers(data: bytes) -> list[Answer]:
    """Reads answers one after the other. Anything that is no well-formed answer fails."""
    answers = []
    while data:
        head, end, rest = data.partition(b"\r\n\r\n")
        assert end, data[:200]
        first, *lines = head.decode("latin-1").split("\r\n")
        version, status, _ = first.split(" ", 2)
        assert version == "HTTP/1.1", first
        headers = [(line.partition(": ")[0], line.partition(": ")[2]) for line in lines]
        body, data = _body(int(status), dict(headers), rest)
        answers.append(Answer(int(status), headers, body))
    return answers


def _body(status: int, headers: dict[str, str], rest: bytes) -> tuple[bytes, bytes]:
    if status < 200 or status in (204, 304):
        return b"", rest
    if headers.get("transfer-encoding") == "chunked":
        body = b""
        while True:
            size, _, rest = rest.partition(b"\r\n")
            chunk, rest = rest[: int(size, 16)], rest[int(size, 16) + 2 :]
            if not chunk:
                return body, rest
            body += chunk
    if "content-length" not in headers:
        return rest, b""
    length = int(headers["content-length"])
    assert len(rest) >= length, (length, rest[:200])
    return rest[:length], rest[length:]
