"""Closes the open parts of logs that have grown, beside the batches that made them grow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis

from services.fraud.adapters.logs.names import chunk_name
from services.fraud.adapters.logs.proofs import StreamProofs
from services.fraud.adapters.logs.scripts import LogScripts
from services.fraud.adapters.logs.writes import HEAD_BYTES, LogHead
from services.fraud.ports import LogAnswer, LogState, LogWrite

__all__ = ["OPEN_RECORDS", "LogSealing"]

OPEN_RECORDS = 1_024
"""Records of an open part, from which on it is closed."""
WAITING = 2_000
"""Logs that wait for it, at most: what is not closed now is when it is next written to."""


class LogSealing:
    """Notes which logs have grown, and closes them when it is asked to."""

    def __init__(self, redis: Redis, scripts: LogScripts, proofs: StreamProofs) -> None:
        self._redis = redis
        self._scripts = scripts
        self._proofs = proofs
        self._grown: dict[bytes, LogWrite] = {}

    def __bool__(self) -> bool:
        return bool(self._grown)

    def note(self, names: Sequence[bytes], writes: Sequence[LogWrite], answers: Sequence[LogAnswer]) -> None:
        """Looks at what a batch was answered. Never waits."""
        for name, write, answer in zip(names, writes, answers, strict=True):
            # Of a log that has to be loaded nobody knows the length: that is asked when it is closed.
            grown = answer.state is LogState.STALE or _open(write, answer) > OPEN_RECORDS
            if grown and write.is_read and len(self._grown) < WAITING:
                self._grown[name] = write

    async def seal(self) -> None:
        """Closes what was noted. Raises RedisError and OSError, and what the fence raises."""
        while self._grown:
            name, write = self._grown.popitem()
            data: Any = await self._redis.getrange(name, 0, HEAD_BYTES - 1)
            if len(data) != HEAD_BYTES:
                continue
            head = LogHead(data)
            if head.generation == self._scripts.generation and head.whole_by(self._proofs.swept(write.key.stream)):
                chunk = chunk_name(name, head.chunks)
                told = [data, b"%d" % write.size, b"%d" % OPEN_RECORDS, b"%d" % write.retain_seconds]
                await self._scripts.run("seal", [name, chunk], told)


def _open(write: LogWrite, answer: LogAnswer) -> int:
    """Returns how many records the open part has after a write."""
    if answer.state is not LogState.WHOLE:
        return 0
    seen = write.seen.read if write.seen is not None else 0
    return seen + (len(answer.unseen) + len(write.records)) // write.size
