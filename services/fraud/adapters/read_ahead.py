"""Reads rows page by page: the next page is on its way while one is looked at."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from uuid import UUID

import asyncpg

__all__ = ["pages_ahead"]


async def pages_ahead(
    read: Callable[[UUID], Awaitable[Sequence[asyncpg.Record]]], after: UUID, size: int
) -> AsyncGenerator[Sequence[asyncpg.Record], None]:
    """Yields pages of rows. `read` returns the rows after a decision, in the order of decisions, `size` at most."""
    reading = asyncio.ensure_future(read(after))
    try:
        while rows := await reading:
            if len(rows) == size:
                reading = asyncio.ensure_future(read(rows[-1]["decision_id"]))
            yield rows
            if len(rows) < size:
                return
            await asyncio.sleep(0)
    finally:
        reading.cancel()
