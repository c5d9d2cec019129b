"""GCRA in memory (ITU-T I.371): one number for each key, no timers, exact at any rate.

The number is the time at which the key's whole burst is there again. What lies ahead of now is the key's backlog, in
seconds: every unit adds the time in which it comes back, and time itself takes it away.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from itertools import islice

from meshkit.limits.limiter import Limit, LimitVerdict

__all__ = ["MAX_KEYS", "MemoryRateLimiter"]

MAX_KEYS = 100_000
HASTE = 4
"""A key that used one part in so many of its window since the last exchange is worth an early one."""
ACTIVE_SECONDS = 0.1
"""A key whose backlog is less than this is whole again before the next exchange, unless it is used."""
_EPSILON = 1e-9


class _Cell:
    """The state of one key."""

    __slots__ = ("used", "whole_at")

    def __init__(self) -> None:
        self.whole_at = 0.0
        self.used = 0.0
        """Seconds of backlog that were added here since the last exchange with other limiters."""


class MemoryRateLimiter:
    """Decides alone, from what it knows. The least recently used keys are forgotten.

    `sharers` limiters that know nothing of each other hold a limit together if each allows its part. With `hasten` the
    limiter keeps account of its use, for an exchange with others (see `gateway.edge.ratelimit.reconciler`), and calls
    it when one is urgent.
    """

    def __init__(self, max_keys: int = MAX_KEYS, *, sharers: int = 1, hasten: Callable[[], None] | None = None) -> None:
        self.sharers = sharers
        self._max_keys = max_keys
        self._hasten = hasten
        self._cells: OrderedDict[str, _Cell] = OrderedDict()
        self._changed: dict[str, _Cell] = {}

    def take(self, limit: Limit, cost: int, now: float, paid: int = 0) -> LimitVerdict:
        """Charges a call; a limit, or this limiter's part of it, is never so small that it allows nothing.

        What is more than the part is allowed once the part is whole, but for what the call has paid before, and is
        charged all the same: the calls after it wait.
        """
        key = limit.key
        cell = self._cells.get(key)
        if cell is None:
            cell = self._add(key)
        else:
            self._cells.move_to_end(key)
        interval = limit.interval * self.sharers
        window = limit.window if limit.window > interval else interval
        charge = cost * interval
        start = cell.whole_at if cell.whole_at > now else now
        owed = 0.0
        if charge + paid * interval > window:
            room = max(0.0, window - paid * interval)
            charge, owed = room, max(0.0, min(charge, limit.burst * interval) - room) if self.sharers > 1 else 0.0
        after = start + charge - now
        if after - window > _EPSILON:
            return LimitVerdict(
                False, max(0, int((window - start + now) / interval + 1e-6)), start - now, after - window
            )
        charge += owed
        after += owed
        cell.whole_at = start + charge
        if self._hasten is not None:
            if not cell.used:
                self._changed[key] = cell
            # In terms of the whole limit, however many share it: the others count in the same.
            cell.used = used = cell.used + charge / self.sharers
            if used * HASTE > limit.window:
                self._hasten()
        return LimitVerdict(True, max(0, int((window - after) / interval + 1e-6)), after, 0.0)

    def take_all(self, limits: Sequence[Limit], cost: int, now: float, paid: int = 0) -> list[LimitVerdict]:
        verdicts = [self.take(limit, cost, now, paid) for limit in limits]
        if len(limits) > 1 and not all(verdict.allowed for verdict in verdicts):
            for limit, verdict in zip(limits, verdicts, strict=True):
                if verdict.allowed:
                    self._give_back(limit, cost)
        return verdicts

    def peek(self, limit: Limit, cost: int, now: float) -> LimitVerdict:
        cell = self._cells.get(limit.key)
        interval = limit.interval * self.sharers
        window = max(limit.window, interval)
        backlog = max(0.0, cell.whole_at - now) if cell is not None else 0.0
        wait = backlog + min(cost * interval, window) - window
        left = max(0, int((window - backlog) / interval + 1e-6))
        return LimitVerdict(wait <= _EPSILON, left, backlog, max(0.0, wait) if wait > _EPSILON else 0.0)

    def give_back(self, limits: Sequence[Limit], cost: int) -> None:
        for limit in limits:
            self._give_back(limit, cost)

    def learn(self, key: str, backlog: float, now: float) -> None:
        """Hears the backlog of all limiters together, apart from what was used here since the last `drain`.

        Knowledge only ever raises the backlog: what was used here is known here better than anywhere.
        """
        cell = self._cells.get(key)
        if cell is not None:
            cell.whole_at = max(cell.whole_at, now + backlog + max(0.0, cell.used))

    def drain(self, count: int, now: float) -> dict[str, float]:
        """Returns what was used since it was last asked, in seconds by key, of at most `count` keys, oldest first.

        A key stays due while it has a backlog worth hearing more of: others may be adding to it.
        """
        used = {}
        for key in list(islice(self._changed, count)):
            cell = self._changed.pop(key)
            used[key], cell.used = cell.used, 0.0
            if cell.whole_at > now + ACTIVE_SECONDS:
                self._changed[key] = cell
        return used

    def forget_use(self) -> None:
        """Drops the account of what was used: the exchange is broken, and an outage must not become a debt."""
        for cell in self._changed.values():
            cell.used = 0.0
        self._changed.clear()

    @property
    def due(self) -> int:
        """Number of keys that are to be exchanged."""
        return len(self._changed)

    def hold(self, limits: Iterable[Limit]) -> None:
        """Makes room for keys that are charged elsewhere, so that what is learnt of them is kept."""
        for limit in limits:
            if limit.key not in self._cells:
                self._add(limit.key)

    def _add(self, key: str) -> _Cell:
        cell = self._cells[key] = _Cell()
        if len(self._cells) > self._max_keys:
            self._cells.popitem(last=False)
        return cell

    def _give_back(self, limit: Limit, cost: int) -> None:
        cell = self._cells.get(limit.key)
        if cell is None:
            return
        interval = limit.interval * self.sharers
        most = limit.burst * interval if self.sharers > 1 else max(limit.window, interval)
        charge = min(cost * interval, most)
        cell.whole_at -= charge
        if self._hasten is not None:
            cell.used -= charge / self.sharers
