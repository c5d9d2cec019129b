"""A set of 64-bit keys, each with the second at which it ends, in 9 bytes a key (14 where keys end).

The first bits of a key name its bucket, a sorted array. Keys must be spread evenly. A set never changes: a change
makes a new one that shares all buckets but those it touches, so that readers see the one or the other.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Generator, Iterable

from services.fraud.domain.value_lists.lists import NEVER

__all__ = ["TURN_ROWS", "Digests"]

BUCKET = 128
"""Most keys of a bucket on average, half of it at least."""
TURN_ROWS = 512
"""Keys after which a change lets others have their turn."""
TURN_BUCKETS = 512


class Digests:
    """Implements the set. `size` also counts keys that have ended and are not swept out yet."""

    __slots__ = ("_ends", "_keys", "_shift", "size")

    def __init__(self, bits: int = 0) -> None:
        self._shift = 64 - bits
        self._keys: list[array[int]] = [_NO_KEYS] * (1 << bits)
        self._ends: list[array[int] | None] = [None] * (1 << bits)
        self.size = 0

    @classmethod
    def sized(cls, expected: int) -> Digests:
        """Returns an empty set that takes so many keys without being built anew."""
        return cls(max(0, (expected - 1) // BUCKET).bit_length())

    def end(self, key: int) -> int:
        """Returns the second at which a key ends, `NEVER` for one without an end; 0 if it is not there."""
        place = key >> self._shift
        keys = self._keys[place]
        at = bisect_left(keys, key)
        if at == len(keys) or keys[at] != key:
            return 0
        ends = self._ends[place]
        return NEVER if ends is None else ends[at]

    def changed(self, changes: Iterable[tuple[int, int]], now: int) -> Generator[None, None, Digests]:
        """Returns the set after changes: each a key with its end, 0 for one that goes. The last of a key counts.

        A generator, so that its caller can do something else in between. What has ended before `now` is swept out of
        the buckets that are touched.
        """
        wanted: dict[int, dict[int, int]] = {}
        made = self._copied()
        count = 0
        for count, (key, end) in enumerate(changes, 1):
            wanted.setdefault(key >> made._shift, {})[key] = end
            if not count % TURN_ROWS:
                yield
        done = 0
        for place, ends in wanted.items():
            made._replace(place, ends, now)
            done += len(ends)
            if done >= TURN_ROWS:
                done = 0
                yield
        while made.size > BUCKET * len(made._keys):
            made = yield from made._doubled()
        return made

    def _copied(self) -> Digests:
        made = Digests.__new__(Digests)
        made._shift, made.size = self._shift, self.size
        made._keys, made._ends = self._keys.copy(), self._ends.copy()
        return made

    def _replace(self, place: int, changes: dict[int, int], now: int) -> None:
        """Puts a changed copy in place of a bucket."""
        keys, kept = self._keys[place][:], self._ends[place]
        ends = _FOREVER * len(keys) if kept is None else kept[:]
        before = len(keys)
        for key, end in changes.items():
            at = bisect_left(keys, key)
            there = at < len(keys) and keys[at] == key
            if there and end:
                ends[at] = end
            elif there:
                del keys[at], ends[at]
            elif end:
                keys.insert(at, key)
                ends.insert(at, end)
        first = min(ends, default=NEVER)
        if first <= now:
            left = [at for at, end in enumerate(ends) if end > now]
            keys, ends = array("Q", [keys[at] for at in left]), array("I", [ends[at] for at in left])
            first = min(ends, default=NEVER)
        self.size += len(keys) - before
        # Copies, because what has grown has room to spare.
        self._keys[place], self._ends[place] = keys[:], None if first == NEVER else ends[:]

    def _doubled(self) -> Generator[None, None, Digests]:
        """Returns the same set with every bucket cut in two."""
        made = Digests.__new__(Digests)
        made._shift, made.size, made._keys, made._ends = self._shift - 1, self.size, [], []
        for place, (keys, ends) in enumerate(zip(self._keys, self._ends, strict=True)):
            cut = bisect_left(keys, (2 * place + 1) << made._shift)
            made._keys += (keys[:cut], keys[cut:])
            made._ends += (None, None) if ends is None else (ends[:cut], ends[cut:])
            if not (place + 1) % TURN_BUCKETS:
                yield
        return made


_NO_KEYS: array[int] = array("Q")
_FOREVER: array[int] = array("I", [NEVER])
