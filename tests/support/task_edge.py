"""A real HTTP server with the addresses that `rampart task` and `rampart schedule` use, and streams on demand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

Json = dict[str, Any]
TASK_ID = "0199c2a4-5f6e-7c31-9d0a-4b8e2f6a1c57"
TIME = "2026-01-01T00:00:00Z"
CUT = "cut"
"""In a stream: the connection breaks here."""

Script = Sequence[Json | str | float]
"""Of one stream: frames, CUT, and pauses in seconds."""


@dataclass
class Call:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    body: Json | None


Answer = Callable[[Call], tuple[int, Json] | None]


def task(**changes: Any) -> Json:
    """A task as the API shows it."""
    return {
        "task_id": TASK_ID, "title": "Nightly report", "priority": "normal", "kind": "report.daily", "state": "pending",
        "assignee": "", "max_attempts": 5, "attempt_count": 0, "progress": None, "error": None, "create_time": TIME,
        "update_time": TIME, "etag": '"1"',
    } | changes  # fmt: skip


def schedule(**changes: Any) -> Json:
    return {
        "schedule_id": "nightly", "title": "Nightly report", "cron": "30 2 * * *", "time_zone": "Europe/Berlin",
        "kind": "report.daily", "priority": "normal", "max_attempts": 5, "state": "active",
        "next_run_time": "2026-01-02T01:30:00Z", "create_time": TIME, "update_time": TIME, "etag": '"1"',
    } | changes  # fmt: skip


def told(**changes: Any) -> Json:
    """A frame with a task."""
    return {"result": {"task": task(**changes)}}


def ended(code: int = 0, message: str = "") -> Json:
    """The last frame of a stream."""
    return {"status": {"code": code, "message": message, "details": []}}


def problem(status: int, reason: str, detail: str, **more: Any) -> tuple[int, Json]:
    return status, {"status": status, "reason": reason, "detail": detail, **more}


@dataclass
class TaskEdge:
    """Answers as `answer` says; each stream follows the next script, the last one again and again."""

    answer: Answer = lambda call: None
    streams: list[Script] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    tokens: int = 0
    port: int = 0
    _server: asyncio.Server | None = None

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def dev_json(self) -> Json:
        """What `make up` would write."""
        client = {"tenant": "acme", "client_id": "client-1", "client_secret": "secret"}
        return {"base_url": self.base_url, "token_url": f"{self.base_url}/api/v1/oauth/token", "client": client}

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._converse, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        if self._server is not None:
            self._server.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = int(head.lower().partition("content-length: ")[2].partition("\r\n")[0] or 0)
                await self._serve(head, await reader.readexactly(length), writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _serve(self, head: str, body: bytes, writer: asyncio.StreamWriter) -> None:
        method, target, _ = head.split(" ", 2)
        parts = urlsplit(target)
        if parts.path == "/api/v1/oauth/token":
            self.tokens += 1
            _write(writer, 200, {"access_token": f"token-{self.tokens}", "expires_in": 600})
            return
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        is_json = "content-type: application/json" in head.lower()
        call = Call(method, parts.path, query, json.loads(body) if body and is_json else None)
        self.calls.append(call)
        if f"bearer token-{self.tokens}\r\n" not in head.lower():
            _write(writer, *problem(401, "TOKEN_INVALID", "the token is not valid"))
        elif (said := self.answer(call)) is not None:
            _write(writer, *said)
        elif parts.path.endswith((":watch", ":verify", ":rebuild")):
            await self._stream(writer, self.streams.pop(0) if len(self.streams) > 1 else self.streams[0])
        else:
            _write(writer, *problem(404, "RESOURCE_NOT_FOUND", "there is no such thing"))

    async def _stream(self, writer: asyncio.StreamWriter, script: Script) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n")
        for step in script:
            if isinstance(step, float):
                await asyncio.sleep(step)
            elif isinstance(step, str):
                raise ConnectionError(step)
            else:
                chunk = b" " + json.dumps(step).encode() + b"\n"  # the space is a sign of life
                writer.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
                await writer.drain()
        writer.write(b"0\r\n\r\n")


def _write(writer: asyncio.StreamWriter, status: int, body: Json) -> None:
    content = json.dumps(body).encode()
    writer.write(b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n%b" % (status, len(content), content))
