"""Stores answers in memory, bounded in bytes and number; evicts the least recently used."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

__all__ = ["AnswerStore", "CachedAnswer", "Key"]

Key = tuple[str, str, bytes]
"""Tenant, full name of the method, serialised request."""

OVERHEAD_BYTES = 400
"""What an entry takes besides its texts."""


@dataclass(frozen=True, slots=True)
class CachedAnswer:
    """A serialised response. Times are of `time.monotonic()`."""

    data: bytes
    stored_at: float
    expires_at: float
    since: int
    """What `Freshness.now` said before it was read."""


class AnswerStore:
    """Keeps answers by key. Tenants share the room; none sees what another has stored."""

    def __init__(self, max_bytes: int, *, max_entries: int = 50_000) -> None:
        self._max_bytes = max_bytes
        self._max_entries = max_entries
        self._answers: OrderedDict[Key, CachedAnswer] = OrderedDict()
        self.size = 0

    def __len__(self) -> int:
        return len(self._answers)

    def get(self, key: Key, now: float) -> CachedAnswer | None:
        """Returns an answer that has not expired."""
        answer = self._answers.get(key)
        if answer is None:
            return None
        if answer.expires_at <= now:
            self.drop(key)
            return None
        self._answers.move_to_end(key)
        return answer

    def put(self, key: Key, answer: CachedAnswer) -> None:
        """Stores an answer. One that would take more than a sixteenth of the room is not worth it."""
        self.drop(key)
        size = _size(key, answer)
        if size > self._max_bytes // 16:
            return
        self._answers[key] = answer
        self.size += size
        while self.size > self._max_bytes or len(self._answers) > self._max_entries:
            self.drop(next(iter(self._answers)))

    def drop(self, key: Key) -> None:
        answer = self._answers.pop(key, None)
        if answer is not None:
            self.size -= _size(key, answer)


def _size(key: Key, answer: CachedAnswer) -> int:
    return len(key[0]) + len(key[2]) + len(answer.data) + OVERHEAD_BYTES
