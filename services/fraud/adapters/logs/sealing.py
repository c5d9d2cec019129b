"""Closes the open parts of logs that have grown, beside the batches that made them grow."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextvars import Context
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from meshkit.errors import MeshError
from services.fraud.adapters.logs.names import chunk_name
from services.fraud.adapters.logs.proofs import StreamProofs
from services.fraud.adapters.logs.scripts import LogScripts
from services.fraud.adapters.logs.writes import HEAD_BYTES, LogHead, open_records
from services.fraud.ports import LogWrite

__all__ = ["OPEN_RECORDS", "LogSealing"]

_log = logging.getLogger(__name__)

OPEN_RECORDS = 1_024
"""Records of an open part, from which on it is closed."""
SOON_SECONDS = 0.05
WAITING = 2_000
"""Logs that wait for it, at most: what is not closed now is when it is next written to."""


class LogSealing:
    """Notes which logs have grown, and closes them soon after."""

    def __init__(self, redis: Redis, scripts: LogScripts, proofs: StreamProofs) -> None:
        self._redis = redis
        self._scripts = scripts
        self._proofs = proofs
        self._grown: dict[bytes, LogWrite] = {}
        self._task: asyncio.Task[None] | None = None

    def note(self, names: Sequence[bytes], writes: Sequence[LogWrite], found: Sequence[bytes | int]) -> None:
        """Looks at what the script has found for a batch. Never waits."""
        for name, write, each in zip(names, writes, found, strict=True):
            if write.is_read and len(self._grown) < WAITING and open_records(write, each) > OPEN_RECORDS:
                self._grown[name] = write
        if self._grown and (self._task is None or self._task.done()):
            # For many calls, so in the context of none; and by itself, for none of them waits for it.
            self._task = asyncio.create_task(self._seal_quietly(), context=Context())

    async def _seal_quietly(self) -> None:
        await asyncio.sleep(SOON_SECONDS)
        try:
            while self._grown:
                await self._seal(*self._grown.popitem())
        except (RedisError, OSError, TimeoutError, MeshError) as error:
            _log.warning("logs that have grown are closed later: %s", type(error).__name__)

    async def _seal(self, name: bytes, write: LogWrite) -> None:
        data: Any = await self._redis.getrange(name, 0, HEAD_BYTES - 1)
        if len(data) != HEAD_BYTES:
            return
        head = LogHead(data)
        if head.generation == self._scripts.generation and head.whole_by(self._proofs.swept(write.key.stream)):
            chunk = chunk_name(name, head.chunks)
            told = [data, b"%d" % write.size, b"%d" % OPEN_RECORDS, b"%d" % write.retain_seconds]
            await self._scripts.run("seal", [name, chunk], told)
