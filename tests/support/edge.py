"""A real HTTP server with the two endpoints that a replay uses, and troubles on demand."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar, cast

import httptools

Reply = tuple[int, dict[str, str], bytes]
DISCONNECT: Reply = (0, {}, b"")


def decision(request: dict[str, Any]) -> dict[str, Any]:
    """Decides by the amount alone, so that a test knows the answer."""
    amount = request["transaction_amount"]
    outcome = "decline" if amount > 200 else "review" if amount > 100 else "approve"
    return {"outcome": outcome, "confidence_score": min(amount / 1000, 1), "degraded": []}


@dataclass
class Edge:
    """Answers fraud checks. `trouble` may answer in place of the decision; it sees the request and its attempt."""

    trouble: Callable[[dict[str, Any], int], Reply | None] = lambda request, attempt: None
    delay: float = 0.0
    token_lifetime: int = 600
    received: list[dict[str, Any]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    """When each was received, on the monotonic clock."""
    decided: Counter[str] = field(default_factory=Counter)
    attempts: Counter[str] = field(default_factory=Counter)
    tokens: int = 0
    port: int = 0
    in_flight: list[dict[str, Any]] = field(default_factory=list)
    overlaps: list[tuple[str, str]] = field(default_factory=list)
    _server: asyncio.Server | None = None
    _open: set[_Connection] = field(default_factory=set)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def dev_json(self) -> dict[str, Any]:
        """What `make up` would write."""
        client = {"tenant": "acme", "client_id": "client-1", "client_secret": "secret"}
        return {"base_url": self.base_url, "token_url": f"{self.base_url}/api/v1/oauth/token", "client": client}

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        """Goes away at once, with requests under way."""
        if self._server is not None:
            self._server.close()
        for connection in list(self._open):
            connection.close()

    async def answer(self, path: str, headers: dict[str, str], body: bytes) -> Reply:
        if path == "/api/v1/oauth/token":
            return self._token(headers, body)
        if headers.get("authorization") != f"Bearer token-{self.tokens}":
            return problem(401, "TOKEN_INVALID")
        request = json.loads(body)
        return await self._check(request)

    def _token(self, headers: dict[str, str], body: bytes) -> Reply:
        if headers.get("authorization") != "Basic Y2xpZW50LTE6c2VjcmV0" or body != b"grant_type=client_credentials":
            return 401, {}, b'{"error":"invalid_client"}'
        self.tokens += 1
        token = {"access_token": f"token-{self.tokens}", "token_type": "Bearer", "expires_in": self.token_lifetime}
        return 200, {}, json.dumps(token).encode()

    async def _check(self, request: dict[str, Any]) -> Reply:
        name = request["transaction_id"]
        self.received.append(request)
        self.times.append(time.monotonic())
        self.attempts[name] += 1
        self._note_overlaps(request)
        self.in_flight.append(request)
        try:
            await asyncio.sleep(self.delay)
            reply = self.trouble(request, self.attempts[name])
        finally:
            self.in_flight.remove(request)
        if reply is not None:
            return reply
        self.decided[name] += 1
        return 200, {}, json.dumps(decision(request)).encode()

    def _note_overlaps(self, request: dict[str, Any]) -> None:
        for other in self.in_flight:
            for key in ("user_id", "merchant_id", "device_fingerprint", "ip_address"):
                if key in request and request[key] == other.get(key):
                    self.overlaps.append((other["transaction_id"], request["transaction_id"]))


def problem(status: int, reason: str, **headers: str) -> Reply:
    """An error as the edge renders it."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return status, names, json.dumps({"status": status, "reason": reason}).encode()


class _Connection(asyncio.Protocol):
    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self._parser = httptools.HttpRequestParser(self)
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._edge._open.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._edge._open.discard(self)

    def close(self) -> None:
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        self._path, self._headers, self._body = "", dict[str, str](), b""

    def on_url(self, url: bytes) -> None:
        self._path = url.decode()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode().lower()] = value.decode()

    def on_body(self, data: bytes) -> None:
        self._body += data

    def on_message_complete(self) -> None:
        task = asyncio.get_running_loop().create_task(self._reply(self._path, self._headers, self._body))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _reply(self, path: str, headers: dict[str, str], body: bytes) -> None:
        reply = await self._edge.answer(path, headers, body)
        status, extra, content = reply
        if reply is DISCONNECT:
            self.close()
            return
        lines = [f"HTTP/1.1 {status} X", f"content-length: {len(content)}"]
        lines += [f"{name}: {value}" for name, value in extra.items()]
        self._transport.write("\r\n".join([*lines, "\r\n"]).encode() + content)


class Startable(Protocol):
    """A server of a test."""

    async def start(self) -> None: ...

    def stop(self) -> None: ...


Served = TypeVar("Served", bound=Startable)


@contextlib.contextmanager
def running(edge: Served) -> Iterator[Served]:
    """Runs the server in a thread of its own, for commands that bring their own event loop."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(edge.start(), loop).result(10)
        yield edge
    finally:
        loop.call_soon_threadsafe(edge.stop)
        asyncio.run_coroutine_threadsafe(_settle(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _settle() -> None:
    """Ends what still runs in this loop."""
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
