"""Reads streams of a real server that stalls, breaks off and says what is not HTTP."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from console import lines
from console.http import HttpError
from console.lines import RefusedError, read_lines
from tests.support.listening import listening

HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


@asynccontextmanager
async def saying(parts: Sequence[bytes], *, stall: float = 0.0) -> AsyncIterator[str]:
    """Serves one answer, each part for itself, then waits and closes."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.01)
        await asyncio.sleep(stall)
        writer.close()

    async with listening(converse) as port:
        yield f"http://127.0.0.1:{port}"


async def read(base_url: str, idle: float = 5.0) -> list[bytes]:
    return [line async for line in read_lines(base_url, "/watch", [], idle=idle)]


async def test_lines_are_whole_however_they_travel() -> None:
    parts = [HEAD, chunk(b"on"), chunk(b"e\ntw"), chunk(b" \n \n"), chunk(b"three"), END]
    async with saying(parts) as base_url:
        assert await read(base_url) == [b"one", b"tw ", b"three"]


async def test_an_answer_that_breaks_off_is_no_end() -> None:
    async with saying([HEAD, chunk(b"one\n")]) as base_url:
        found = []
        with pytest.raises(HttpError, match="closed the connection"):
            async for line in read_lines(base_url, "/watch", [], idle=5):
                found.append(line)
    assert found == [b"one"]


async def test_silence_is_a_cut() -> None:
    async with saying([HEAD, chunk(b"one\n")], stall=2.0) as base_url:
        begun = time.monotonic()
        with pytest.raises(HttpError, match="nothing came"):
            await read(base_url, idle=0.2)
    assert time.monotonic() - begun < 1.5


async def test_an_error_comes_with_its_body() -> None:
    async with saying([b"HTTP/1.1 404 Not Found\r\ncontent-length: 4\r\n\r\n", b"{", b"\n\n}"]) as base_url:
        with pytest.raises(RefusedError) as refused:
            await read(base_url)
    assert (refused.value.response.status, refused.value.response.body) == (404, b"{\n\n}")


async def test_what_is_not_http_is_said_so() -> None:
    async with saying([b"SSH-2.0-OpenSSH_9.6\r\n"], stall=1.0) as base_url:
        with pytest.raises(HttpError, match="not HTTP"):
            await read(base_url)


async def test_a_line_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "LONGEST_LINE", 1000)
    async with saying([HEAD, *[chunk(b"x" * 400)] * 4], stall=1.0) as base_url:
        with pytest.raises(HttpError, match="more than 1000 bytes"):
            await read(base_url)
