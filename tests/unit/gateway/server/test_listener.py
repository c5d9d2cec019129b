"""Connections are let in also by a loop that is busy, on the event loop of the gateway."""

from __future__ import annotations

import asyncio
import errno
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import pytest
import uvloop

from gateway.server import listener as module
from gateway.server.listener import Listener


class Greeting(asyncio.Protocol):
    """Says hello to whoever is let in, and good-bye."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        answering = cast(asyncio.Transport, transport)
        answering.write(b"hello")
        answering.close()


@contextmanager
def bound() -> Iterator[socket.socket]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        yield listener


async def greeted(address: tuple[str, int]) -> bytes:
    reader, writer = await asyncio.open_connection(*address)
    try:
        return await reader.readexactly(5)
    finally:
        writer.close()


def test_a_busy_loop_lets_in_all_that_wait() -> None:
    assert uvloop.run(_seconds_until_all_are_in(100)) < 2.5, "one in a turn of 50 ms would take 5 s"


async def _seconds_until_all_are_in(count: int) -> float:
    loop, busy = asyncio.get_running_loop(), True

    def work() -> None:
        if busy:
            time.sleep(0.05)
            loop.call_soon(work)

    work()
    with bound() as sock:
        listener = Listener(sock, Greeting)
        begun = time.monotonic()
        await asyncio.to_thread(_greet_all, sock.getsockname(), count)
        lasted = time.monotonic() - begun
        busy = False
        listener.close()
        await asyncio.sleep(0.2)  # until the last is closed
    return lasted


def _greet_all(address: tuple[str, int], count: int) -> None:
    clients = [socket.create_connection(address, timeout=20) for _ in range(count)]
    for client in clients:
        assert client.recv(5) == b"hello"
        client.close()


async def test_nobody_is_let_in_after_the_end() -> None:
    with bound() as sock:
        address = sock.getsockname()
        listener = Listener(sock, Greeting)
        assert await greeted(address) == b"hello"
        listener.close()
        with pytest.raises(ConnectionRefusedError):
            await greeted(address)


async def test_an_accept_that_fails_is_tried_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.1)

    class Full(socket.socket):
        """Has no descriptor left for the first connection."""

        failures = 1

        def accept(self) -> tuple[socket.socket, object]:
            if self.failures:
                self.failures -= 1
                raise OSError(errno.EMFILE, "Too many open files")
            return super().accept()

    with Full() as sock:
        sock.bind(("127.0.0.1", 0))
        listener = Listener(sock, Greeting)
        assert await asyncio.wait_for(greeted(sock.getsockname()), 5) == b"hello"
        listener.close()
