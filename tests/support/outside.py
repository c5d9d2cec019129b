"""A host outside: a server that answers what it is told to, as raw bytes or slowly, and remembers what it was sent."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

__all__ = ["OutsideHost", "answer", "served_outside"]

Handler = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


def answer(body: bytes = b"{}", status: str = "200 OK", *fields: str) -> bytes:
    """Returns an answer as it is sent."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *fields, "", ""]
    return "\r\n".join(lines).encode() + body


@dataclass
class OutsideHost:
    """What the host says next, and what it has heard. `gate` holds answers back while it is closed."""

    port: int = 0
    replies: list[bytes] = field(default_factory=list)
    """Answers, the last again and again."""
    pieces: int = 0
    """Octets after which an answer pauses for a moment; 0 for none."""
    heard: list[bytes] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    names: list[Sequence[str]] = field(default_factory=list)
    """What look-ups answer, the last again and again; without any this machine."""
    looked_up: list[str] = field(default_factory=list)

    @property
    def origin(self) -> str:
        return f"http://id.test:{self.port}"

    def lookup(self, host: str, _: int) -> Sequence[str]:
        self.looked_up.append(host)
        if not self.names:
            return ["127.0.0.1"]
        return self.names.pop(0) if len(self.names) > 1 else self.names[0]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower()[:15] == b"content-length:"), 0)
        self.heard.append(head + await reader.readexactly(length))
        self.asked.set()
        await self.gate.wait()
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        for begin in range(0, len(reply), self.pieces or len(reply) or 1):
            writer.write(reply[begin : begin + (self.pieces or len(reply))])
            await writer.drain()
            await asyncio.sleep(0.01 if self.pieces else 0)
        writer.close()


@asynccontextmanager
async def served_outside(tls: ssl.SSLContext | None = None) -> AsyncIterator[OutsideHost]:
    """Serves a host on a port of this machine."""
    host = OutsideHost(replies=[answer()])
    host.gate.set()

    async def quietly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await host.serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(quietly, "127.0.0.1", 0, ssl=tls)
    host.port = server.sockets[0].getsockname()[1]
    try:
        yield host
    finally:
        host.gate.set()
        server.close()
