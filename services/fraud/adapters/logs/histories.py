"""Packs histories of logs for the script that restores them."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

from services.fraud.adapters.logs.batches import told
from services.fraud.ports import WRITES_AT_ONCE, LogKey, LogProof, Restored

__all__ = ["Portion", "portions", "restore_call"]

RESTORED_BYTES = 65_536
_RESTORED = struct.Struct("<IB24sI")
Portion = Sequence[tuple[Restored, bytes, bool]]
"""Logs with records of them, and whether these are the last that there are."""


def portions(logs: Sequence[Restored]) -> Sequence[Portion]:
    """Cuts histories into parts that one call of the script takes, a long one into several."""
    found: list[list[tuple[Restored, bytes, bool]]] = [[]]
    room = RESTORED_BYTES
    for log in logs:
        most = RESTORED_BYTES // log.size * log.size
        for start in range(0, len(log.records), most) or (0,):
            records = log.records[start : start + most]
            if len(records) > room or len(found[-1]) >= WRITES_AT_ONCE:
                found.append([])
                room = RESTORED_BYTES
            room -= len(records)
            found[-1].append((log, records, start + most >= len(log.records)))
    return found


def restore_call(
    portion: Portion, name: Callable[[LogKey], bytes], proof: LogProof | None
) -> tuple[Sequence[bytes], Sequence[bytes]]:
    """Returns keys and arguments of the script."""
    keys = [name(log.key) for log, _, _ in portion]
    parts: list[bytes] = []
    for log, records, last in portion:
        parts += (_RESTORED.pack(log.retain_seconds, last and log.last, log.first, len(records)), records)
    return keys, [told(proof), b"".join(parts)]
