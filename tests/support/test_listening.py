from __future__ import annotations

import asyncio
import contextlib
import socket

import pytest

from tests.support.listening import listening


async def wait_for_ever(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize("turns", range(6))
async def test_a_connection_is_closed_however_far_its_accepting_was_when_the_block_ended(turns: int) -> None:
    async with listening(wait_for_ever) as port:
        client = socket.create_connection(("127.0.0.1", port), timeout=5)
        for _ in range(turns):
            await asyncio.sleep(0)
    with client, contextlib.suppress(ConnectionResetError):
        assert await asyncio.to_thread(client.recv, 1) == b""
