"""Reads daily totals for checks, and puts them together with what logs have of windows of more than 30 days.

Totals are read beside the append to the logs, one query a batch, and kept for an hour: but for events that come more
than 29 days late they change once a day.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

from prometheus_client import Counter, Gauge

from meshkit.errors import MeshError
from services.fraud.domain.check import Check
from services.fraud.domain.declared.daily import daily_days, first_kept
from services.fraud.domain.declared.recording import currency_of
from services.fraud.domain.event import Fields
from services.fraud.domain.logs.days import DayTotal, total_of
from services.fraud.domain.logs.readers import finished
from services.fraud.ports import DailyKey, DailyTotals
from services.fraud.service.logs.groups import CheckRecords
from services.fraud.service.tenants.features import DailyReading

__all__ = ["DAILY_DEGRADED", "DailyBatch", "DailyReader"]

_log = logging.getLogger(__name__)
_reads = Counter("daily_totals_reads", "Keys whose daily totals were read from PostgreSQL.")
_bytes = Gauge("daily_totals_cache_bytes", "Bytes of daily totals that this process keeps at hand.")

DAILY_DEGRADED = "daily_totals"
READ_SECONDS = 0.2
"""For how long checks wait for totals, from when their records are appended."""
PAUSE_SECONDS = 1.0
"""For how long nobody waits for totals again after they could not be read."""
FRESH_SECONDS = 3_600.0
CACHE_BYTES = 32 << 20
OVERHEAD = 500
"""Bytes of totals that are at hand, besides their own."""
MOST_WINDOWS = 16
"""Of a key, whose totals are kept."""


class _AtHand(NamedTuple):
    """The totals of a key, and those of windows that were asked for."""

    packed: bytes
    read_at: float
    windows: dict[tuple[int, int, int], DayTotal]

    @property
    def size(self) -> int:
        return OVERHEAD + len(self.packed)

    def total(self, currency: int, first: int, until: int) -> DayTotal:
        """Returns the total of a window, which is the same for a day."""
        window = currency, first, until
        found = self.windows.get(window)
        if found is None:
            if len(self.windows) >= MOST_WINDOWS:
                self.windows.clear()
            found = self.windows[window] = total_of(self.packed, *window)
        return found


_Asked: TypeAlias = "dict[CheckRecords, Sequence[tuple[DailyReading, DailyKey | None]]]"
"""What checks read, and of which keys."""


class DailyReader:
    """Reads for many checks at once. What cannot be had in time is missing, and the check says so."""

    def __init__(
        self,
        totals: DailyTotals,
        *,
        read_seconds: float = READ_SECONDS,
        fresh_seconds: float = FRESH_SECONDS,
        cache_bytes: int = CACHE_BYTES,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._totals = totals
        self._read_seconds = read_seconds
        self._fresh_seconds = fresh_seconds
        self._cache_bytes = cache_bytes
        self._clock = clock
        self._known: OrderedDict[DailyKey, _AtHand] = OrderedDict()
        self._size = 0
        self._reading: set[asyncio.Task[dict[DailyKey, _AtHand]]] = set()
        self._paused_until = 0.0

    def begin(self, checks: Sequence[Check], records: Sequence[CheckRecords]) -> DailyBatch | None:
        """Begins to read what is not at hand of what checks ask for; None if none of them asks for anything."""
        asked: _Asked = {}
        for check, each in zip(checks, records, strict=True):
            if each.features.set.daily:
                readings = each.features.daily(check.event_type)
                asked[each] = [(reading, _key(check.tenant_id, reading, check.fields)) for reading in readings]
        if not asked:
            return None
        keys = {key: None for own in asked.values() for _, key in own if key is not None}
        now = self._now()
        found = {key: at_hand for key in keys if (at_hand := self._at_hand(key, now)) is not None}
        missing = [key for key in keys if key not in found]
        if not missing or now < self._paused_until:
            return DailyBatch(asked, found, None)
        task = asyncio.create_task(self._read(missing, now))
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)
        return DailyBatch(asked, found, task)

    def _at_hand(self, key: DailyKey, now: float) -> _AtHand | None:
        known = self._known.get(key)
        if known is None or now - known.read_at > self._fresh_seconds:
            return None
        self._known.move_to_end(key)
        return known

    async def _read(self, keys: Sequence[DailyKey], now: float) -> dict[DailyKey, _AtHand]:
        try:
            async with asyncio.timeout(self._read_seconds):
                read = await self._totals.read(keys)
        except TimeoutError:
            return self._without("not in time")
        except MeshError as error:
            return self._without(error.message)
        _reads.inc(len(read))
        found = {key: _AtHand(packed, now, {}) for key, packed in read.items()}
        for key, each in found.items():
            self._keep(key, each)
        _bytes.set(self._size)
        return found

    def _without(self, why: str) -> dict[DailyKey, _AtHand]:
        _log.warning("daily totals cannot be read: %s", why)
        self._paused_until = self._now() + PAUSE_SECONDS
        return {}

    def _keep(self, key: DailyKey, new: _AtHand) -> None:
        before = self._known.pop(key, None)
        self._size += new.size - (before.size if before is not None else 0)
        self._known[key] = new
        while self._size > self._cache_bytes:
            self._size -= self._known.popitem(last=False)[1].size

    def _now(self) -> float:
        return self._clock() if self._clock is not None else asyncio.get_running_loop().time()


class DailyBatch:
    """The totals of a batch of checks."""

    def __init__(
        self,
        asked: _Asked,
        found: dict[DailyKey, _AtHand],
        reading: asyncio.Task[dict[DailyKey, _AtHand]] | None,
    ) -> None:
        self._asked = asked
        self._found = found
        self._reading = reading

    async def read(self, seconds: float) -> None:
        """Waits for what is being read, so long at most. What comes later is at hand for the next check."""
        if self._reading is not None:
            done, _ = await asyncio.wait({self._reading}, timeout=seconds)
            for each in done:
                self._found |= each.result()

    def complete(self, check: Check, records: CheckRecords, values: list[Any], time: int, now: int) -> tuple[str, ...]:
        """Puts values into the place of what the logs had of them. Returns what could not be used for it."""
        degraded: tuple[str, ...] = ()
        kept, currency = first_kept(now), currency_of(check.fields)
        for reading, key in self._asked[records]:
            at_hand = self._found.get(key) if key is not None else None
            for place, feature, stream in reading.features:
                part, values[place] = values[place], None
                first, until = daily_days(feature, time)
                if part is None or key is None or first < kept:
                    continue
                if at_hand is None:
                    degraded = (DAILY_DEGRADED,)
                    continue
                total = at_hand.total(currency if stream.by_currency else 0, first, until)
                values[place] = finished(feature, time, part.merged(total) if total.n else part)
        return degraded


def _key(tenant_id: str, reading: DailyReading, fields: Fields) -> DailyKey | None:
    """Returns whose totals a feature needs: none for an event without the key, and while they are not whole."""
    value = reading.recorder.key(fields) if reading.is_whole else None
    return DailyKey(tenant_id, reading.stream, value) if value is not None else None
