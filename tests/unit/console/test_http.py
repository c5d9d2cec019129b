"""The HTTP client against a raw socket server, so that every byte of an answer is the test's."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from console.http import HttpClient, HttpError
from tests.support.listening import listening


class Server:
    """Answers each request with the next of the given bytes; `b""` closes the connection instead."""

    def __init__(self, *answers: bytes) -> None:
        self._answers = list(answers)
        self.requests: list[bytes] = []
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                self.requests.append(head + await reader.readexactly(length))
                answer = self._answers.pop(0)
                if not answer:
                    return
                writer.write(answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


@asynccontextmanager
async def serving(server: Server, *, connections: int = 4, timeout: float = 1.0) -> AsyncIterator[HttpClient]:
    async with listening(server.serve) as port:
        client = HttpClient(f"http://127.0.0.1:{port}/base/", connections=connections, timeout=timeout)
        try:
            yield client
        finally:
            client.close()


def ok(body: bytes, *headers: bytes) -> bytes:
    return b"\r\n".join([b"HTTP/1.1 200 OK", b"content-length: %d" % len(body), *headers, b"", b""]) + body


async def test_a_request_is_sent_as_it_is_given_and_its_answer_returned() -> None:
    server = Server(ok(b'{"a": 1}', b"X-Thing: yes"))
    async with serving(server) as client:
        answer = await client.request("POST", "/path?q=1", headers=[("x-mine", "1")], body=b"hello")
    assert (answer.status, answer.headers["x-thing"], answer.json()) == (200, "yes", {"a": 1})
    head, body = server.requests[0].split(b"\r\n\r\n")
    assert head.startswith(b"POST /base/path?q=1 HTTP/1.1\r\nhost: 127.0.0.1:")
    assert b"\r\nx-mine: 1" in head
    assert body == b"hello"


async def test_a_connection_is_kept_for_the_next_request() -> None:
    server = Server(ok(b"1"), ok(b"2"), ok(b"3"))
    async with serving(server) as client:
        assert [(await client.request("GET", "/")).body for _ in range(3)] == [b"1", b"2", b"3"]
    assert server.connections == 1


async def test_a_connection_that_the_server_ends_is_not_used_again() -> None:
    server = Server(ok(b"1", b"connection: close"), ok(b"2"))
    async with serving(server) as client:
        assert (await client.request("GET", "/")).body == b"1"
        assert (await client.request("GET", "/")).body == b"2"
    assert server.connections == 2


async def test_chunks_and_early_hints_make_one_answer() -> None:
    hints = b"HTTP/1.1 103 Early Hints\r\n\r\n"
    chunks = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
    async with serving(Server(hints + chunks)) as client:
        answer = await client.request("GET", "/")
    assert (answer.status, answer.body) == (200, b"abc")


async def test_no_more_connections_are_opened_than_allowed() -> None:
    server = Server(*[ok(b"x")] * 50)
    async with serving(server, connections=3) as client:
        await asyncio.gather(*(client.request("GET", "/") for _ in range(50)))
    assert server.connections <= 3


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"", "the server closed the connection"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc", "no answer in 0.3 s"),
        (b"SSH-2.0-OpenSSH\r\n", "the answer is not HTTP"),
    ],
)
async def test_what_is_no_answer_is_an_error_and_the_next_request_works(answer: bytes, message: str) -> None:
    async with serving(Server(answer, ok(b"fine")), timeout=0.3) as client:
        with pytest.raises(HttpError, match=message):
            await client.request("GET", "/")
        assert (await client.request("GET", "/")).body == b"fine"


async def test_an_answer_that_comes_too_late_is_not_taken_for_the_next() -> None:
    server = Server(ok(b"first") + ok(b"nobody asked"), ok(b"second"))
    async with serving(server) as client:
        assert (await client.request("GET", "/")).body == b"first"
        assert (await client.request("GET", "/")).body == b"second"


async def test_a_cancelled_request_leaves_the_client_usable() -> None:
    server = Server(b"HTTP/1.1 200 OK\r\n", ok(b"fine"))
    async with serving(server, connections=1, timeout=5) as client:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await client.request("GET", "/")
        started = time.monotonic()
        assert (await client.request("GET", "/")).body == b"fine"
        assert time.monotonic() - started < 1


async def test_a_body_that_is_no_json_object_is_an_error() -> None:
    async with serving(Server(ok(b"<html>"), ok(b"[]"))) as client:
        for _ in range(2):
            answer = await client.request("GET", "/")
            with pytest.raises(HttpError, match=r"is not (a )?JSON"):
                answer.json()


@pytest.mark.parametrize("url", ["ftp://host", "localhost:80", "http://"])
async def test_an_address_that_is_not_http_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="is not an http or https address"):
        HttpClient(url, connections=1)
