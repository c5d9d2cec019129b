"""The HTTP connection of the gateway on a real socket, in front of an application that tells what it was given."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from gateway.server.connection import HttpConnection
from gateway.server.limits import Limits
from gateway.server.watch import Watch

__all__ = ["Answer", "EchoServer", "running_server", "split_answers"]

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
        if path == "/fail":
            raise ValueError("planned")
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

    async def raw(self, *parts: bytes, wait: float = 0.0) -> bytes:
        """Sends bytes as they are, with pauses between the parts, and returns all that comes until the end."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            for part in parts:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(wait)
            async with asyncio.timeout(5):
                return await reader.read()
        finally:
            writer.close()

    async def ask(self, *parts: bytes, wait: float = 0.0) -> list[Answer]:
        """Like `raw`, with the answers told apart."""
        return split_answers(await self.raw(*parts, wait=wait))


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
    config = uvicorn.Config(echo, loop="none", ws="none", lifespan="off", log_config=None, access_log=False)
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
