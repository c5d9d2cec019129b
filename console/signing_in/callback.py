"""Waits on a loopback port for the browser to come back with a code (RFC 8252, section 7.3)."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import parse_qsl, urlsplit

from console.failure import CommandFailure

__all__ = ["Callback", "waiting_for_browser"]

PATH = "/callback"
MAX_LINE = 8192
REQUEST_SECONDS = 10.0
_PAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    '<meta name="color-scheme" content="light dark"><title>{title} - Rampart</title>'
    '<body style="font-family: system-ui; margin: 4rem auto; max-width: 30rem; padding: 0 1rem">'
    "<h1>{title}</h1><p>{words}</p></html>"
)
_HEADERS = "cache-control: no-store\r\ncontent-security-policy: default-src 'none'; style-src 'unsafe-inline'\r\n"


class Callback:
    """One answer for one request, which it is told by its state. Whatever else comes is answered, and means nothing."""

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer
        self._answer: asyncio.Future[dict[str, str]] = asyncio.get_running_loop().create_future()
        self.redirect_uri = ""
        self.state = ""

    async def code(self, seconds: float) -> str:
        """Returns the code. Raises CommandFailure if the person refuses, or nobody comes in time."""
        try:
            async with asyncio.timeout(seconds):
                answer = await asyncio.shield(self._answer)
        except TimeoutError:
            raise CommandFailure(f"Nobody has signed in within {seconds:g} s.") from None
        if "error" in answer:
            raise CommandFailure(f"Not signed in: {answer.get('error_description') or answer['error']}.")
        return answer["code"]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers one connection."""
        with suppress(OSError, ValueError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            async with asyncio.timeout(REQUEST_SECONDS):
                line = await reader.readuntil(b"\r\n")
                method, target, _ = line.decode("ascii").split(" ", 2)
                ours = method == "GET" and self._take(target)
                writer.write(self._page() if ours else _page("Not found", "", 404))
                await writer.drain()
        writer.close()

    def _page(self) -> bytes:
        """Tells the person how it ended."""
        refused = self._answer.done() and "error" in self._answer.result()
        return _page("Not signed in" if refused else "Signed in", "You can close this window.")

    def _take(self, target: str) -> bool:
        """Takes an answer that is for us, from the issuer that was asked (RFC 9207)."""
        parts = urlsplit(target)
        answer = dict(parse_qsl(parts.query))
        ours = hmac.compare_digest(answer.get("state", "").encode(), self.state.encode())
        if parts.path != PATH or not self.state or not ours or answer.get("iss") != self._issuer:
            return False
        if not self._answer.done() and ("code" in answer or "error" in answer):
            self._answer.set_result(answer)
        return True


@asynccontextmanager
async def waiting_for_browser(issuer: str) -> AsyncIterator[Callback]:
    """Listens on a port of its own for the block."""
    callback = Callback(issuer)
    server = await asyncio.start_server(callback.serve, "127.0.0.1", 0, limit=MAX_LINE)
    callback.redirect_uri = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}{PATH}"
    try:
        yield callback
    finally:
        server.close()


def _page(title: str, words: str, status: int = 200) -> bytes:
    body = _PAGE.format(title=title, words=words).encode()
    head = f"HTTP/1.1 {status} {title}\r\ncontent-type: text/html; charset=utf-8\r\n{_HEADERS}"
    return f"{head}content-length: {len(body)}\r\nconnection: close\r\n\r\n".encode() + body
