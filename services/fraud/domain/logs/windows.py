"""Reads windows of a stream that reach into its sealed blocks."""

from __future__ import annotations

from collections.abc import Sequence

from services.fraud.domain.declared.records import NOBODY
from services.fraud.domain.logs.blocks import FAR, NEVER, Block, Level
from services.fraud.domain.logs.rows import Rows
from services.fraud.domain.logs.stream import Stream
from services.fraud.domain.logs.stream_plan import StreamPlan
from services.fraud.domain.logs.tree import Pieces

__all__ = ["contains", "different", "ends", "summary"]


def summary(stream: Stream, pieces: Pieces) -> tuple[int, int, int, int, int]:
    """Count, sum, sum of squares, least (FAR if none) and greatest number (NEVER if none) of a window."""
    plan = stream.plan
    count = sum(end - start for _, start, end in pieces.parts)
    count += sum(sum(level.counts[start:end]) for level, start, end in pieces.spans)
    if plan.number < 0 or not count:
        return count, 0, 0, FAR, NEVER
    total, square = _sums(pieces, plan)
    low, high = _extremes(pieces, plan) if plan.values else (FAR, NEVER)
    return count, total, square, low, high


def _sums(pieces: Pieces, plan: StreamPlan) -> tuple[int, int]:
    total = square = 0
    for block, start, end in pieces.parts:
        total += block.sums[end] - block.sums[start]
        if plan.squares:
            square += block.squares[end] - block.squares[start]
    for level, start, end in pieces.spans:
        total += sum(level.totals[start:end])
        if plan.squares:
            square += sum(level.squares[start:end])
    return total, square


def _extremes(pieces: Pieces, plan: StreamPlan) -> tuple[int, int]:
    lows: list[Sequence[int]] = [
        block.values[start:end] for block, start, end in pieces.parts if block.values is not None and end > start
    ]
    highs = [*lows, *(level.highs[start:end] for level, start, end in pieces.spans if end > start)]
    lows += [level.lows[start:end] for level, start, end in pieces.spans if end > start]
    return min(map(min, lows)) if plan.least else FAR, max(map(max, highs)) if plan.greatest else NEVER


def ends(rows: Rows, pieces: Pieces) -> tuple[int, int]:
    """The times of the first and the last record of a window; FAR and NEVER if it has none."""
    first, last = FAR, NEVER
    for block, start, end in pieces.parts:
        if end > start:
            first = min(first, rows.time(block.places[start]))
            last = max(last, rows.time(block.places[end - 1]))
    for level, start, end in pieces.spans:
        if end > start:
            first = min(first, level.firsts[start])
            last = max(last, _last(rows, level.children[end - 1]))
    return first, last


def different(stream: Stream, column: int, pieces: Pieces, start: int) -> int:
    """How many different counterparts a window has that begins at `start`."""
    found = 0
    for block, begin, end in pieces.parts:
        if begin == 0 and end == len(block.places):
            found += block.rank(column, start)
        else:
            found += sum(map(start.__gt__, block.previous[column][begin:end]))
    for level, begin, end in pieces.spans:
        for child in level.children[begin:end]:
            found += child.rank(column, start)
    return found


def contains(stream: Stream, column: int, counterpart: int, start: int, until: int) -> bool:
    """Tells whether a window has a record with the counterpart."""
    if counterpart == NOBODY:
        return False
    last = stream.links.last[column].get(counterpart)
    if last < until:
        return last >= start
    for block, begin, end in stream.pieces(start, until).blocks():
        if begin <= block.find(column, counterpart, begin) < end:
            return True
    return False


def _last(rows: Rows, child: Block | Level) -> int:
    while isinstance(child, Level):
        child = child.children[-1]
    return rows.time(child.places[-1])
