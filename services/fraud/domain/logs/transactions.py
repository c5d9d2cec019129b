"""Finds transactions in a log."""

from __future__ import annotations

import secrets
import struct
from collections.abc import Collection, Sequence
from typing import TypeAlias

from services.fraud.domain.declared.records import EVENT, KIND_AT, RESTORED
from services.fraud.domain.logs.rows import TRANSACTION, Rows

__all__ = ["TransactionIndex"]

SEARCHED = 16
"""Up to this many records a transaction is searched in the log itself."""
ENTRY = 8
MARK = 4
FIELDS, WHOLE = struct.Struct("<II"), struct.Struct("8s")
BUCKET = 96 * ENTRY
FANOUT_BITS = 4
FANOUT = 2**FANOUT_BITS
DEEPEST = 8 * MARK // FANOUT_BITS
# Whoever chooses transactions cannot choose marks.
SALT = secrets.randbits(64) | 1
ALL = 2 ** (8 * MARK) - 1
Node: TypeAlias = "bytearray | list[Node]"
"""A bucket, or as many as it was divided into or what they became."""


class TransactionIndex:
    """Finds the event record of a transaction: a mark made of its hash and a place, in buckets by the bits of the mark.

    Of records with a mark the log itself is asked. A bucket that is full becomes 16; no operation does more than one
    such step. Entries of forgotten records are passed over, and left behind when their bucket is divided.
    """

    __slots__ = ("_root", "_rows")

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._root: Node | None = None

    def size_bytes(self) -> int:
        return 0 if self._root is None else (ENTRY + 2) * (self._rows.end - self._rows.base)

    def find(self, transaction: int, before: int) -> int:
        """The place of the first event of the transaction before the given place; -1 if there is none."""
        if self._root is None:
            return self.search(transaction.to_bytes(8, "little"), before)
        rows, mark = self._rows, _mark(transaction)
        key, bucket = mark.to_bytes(MARK, "little"), self._bucket(mark)[0]
        at = bucket.find(key)
        while at >= 0:
            if not at % ENTRY:
                place = int.from_bytes(bucket[at + MARK : at + ENTRY], "little")
                if rows.base <= place < before and rows.transaction(place) == transaction:
                    return place
            at = bucket.find(key, at + 1)
        return -1

    def claim(self, transaction: int, place: int) -> bool:
        """Adds an event, or says that its transaction is there already."""
        if self._root is None and place - self._rows.base < SEARCHED:
            return self.search(transaction.to_bytes(8, "little"), place) < 0
        return not self.claim_all((transaction,), place)

    def claim_all(self, transactions: Sequence[int], start: int, but: Collection[int] = ()) -> list[int]:
        """Adds consecutive events but some. Returns the numbers of those whose transaction is there already."""
        base = self._rows.base
        if self._root is None and start + len(transactions) - base <= SEARCHED:
            if start == base and len(set(transactions)) == len(transactions):
                return []
            found = [at for at, each in enumerate(transactions) if self.find(each, start + at) >= 0]
            return [at for at in found if at not in but]
        root, found, pack = self._begun(start), [], FIELDS.pack
        for at, transaction in enumerate(transactions):
            if but and at in but:
                continue
            rest = mark = transaction * SALT >> 32 & ALL
            node = root
            while type(node) is list:
                node, rest = node[rest % FANOUT], rest >> FANOUT_BITS
            entry = pack(mark, start + at)
            if entry[:MARK] in node and self.find(transaction, start + at) >= 0:
                found.append(at)
                continue
            node += entry  # type: ignore[operator] # What is no list is a bucket.
            if len(node) >= BUCKET:
                root = self._divide(mark)
        return found

    def search(self, key: bytes | bytearray, before: int) -> int:
        """Finds as `find` does, by the bytes of the transaction, in the log itself."""
        rows, size = self._rows, self._rows.layout.size
        packed, stop = rows.packed, (before - rows.base) * size
        at = packed.find(key, 0, stop)
        while at >= 0:
            start = at - 8 * TRANSACTION
            if start >= 0 and not start % size and packed[start + KIND_AT] & ~RESTORED == EVENT:
                return rows.base + start // size
            at = packed.find(key, at + 1, stop)
        return -1

    def _begun(self, end: int) -> Node:
        """The root of the buckets, with the events before the place if there were no buckets yet."""
        if self._root is None:
            self._root, rows = bytearray(), self._rows
            for place in range(rows.base, end):
                if rows.kind(place) & ~RESTORED == EVENT:
                    self.claim(rows.transaction(place), place)
        return self._root

    def _bucket(self, mark: int) -> tuple[bytearray, int, list[Node] | None]:
        """The bucket of a mark, how deep it is, and what it is in."""
        assert self._root is not None
        node, depth = self._root, 0
        parent: list[Node] | None = None
        while not isinstance(node, bytearray):
            parent = node
            node = parent[(mark >> FANOUT_BITS * depth) % FANOUT]
            depth += 1
        return node, depth, parent

    def _divide(self, mark: int) -> Node:
        """Divides the bucket of a mark. Returns the root."""
        bucket, depth, parent = self._bucket(mark)
        if depth >= DEEPEST:
            return self._begun(0)
        base, shift = self._rows.base, FANOUT_BITS * depth
        parts = [bytearray() for _ in range(FANOUT)]
        for (other, place), (entry,) in zip(FIELDS.iter_unpack(bucket), WHOLE.iter_unpack(bucket), strict=True):
            if place >= base:
                parts[(other >> shift) % FANOUT] += entry
        if parent is None:
            self._root = list[Node](parts)
        else:
            parent[(mark >> shift - FANOUT_BITS) % FANOUT] = list[Node](parts)
        return self._begun(0)


def _mark(transaction: int) -> int:
    mark: int = transaction * SALT >> 32 & ALL
    return mark
