"""Reads windows of a stream that reach into its sealed blocks, from `start` to before `until`."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping

from services.fraud.domain.declared.records import NOBODY, currency_letters
from services.fraud.domain.logs.blocks import FAR, NEVER, Block
from services.fraud.domain.logs.sealed import Sealed
from services.fraud.domain.logs.stream import Stream

__all__ = ["contains", "different", "ends", "extremes", "summary", "sums_by_currency"]


def summary(stream: Stream, start: int, until: int) -> tuple[int, int, int]:
    """Count, sum and sum of squares of a window."""
    sealed, tail, squares = stream.blocks, stream.tail, stream.plan.squares
    begin = sealed.before(start)
    if until <= stream.sealed:
        end = sealed.before(until)
        return end.records - begin.records, end.total - begin.total, end.square - begin.square
    end, times = sealed.totals, tail.times
    count = len(times) if until > stream.newest else bisect_left(times, until)  # type: ignore[arg-type] # It is open.
    if stream.plan.number < 0:
        return end.records - begin.records + count, 0, 0
    total = end.total - begin.total + tail.sums[count] - tail.sums[0]
    square = end.square - begin.square + tail.squares[count] - tail.squares[0] if squares else 0
    return end.records - begin.records + count, total, square


def extremes(stream: Stream, start: int, until: int) -> tuple[int, int]:
    """The least number of a window, FAR if it has none, and the greatest, NEVER if it has none."""
    first, last = _whole_blocks(stream, start, until)
    parts: list[tuple[Block | Sealed, int, int]] = [*_edges(stream, start, until), (stream.blocks, first, last)]
    lows = [each.lows.of(begin, end) for each, begin, end in parts if each.lows is not None]
    highs = [each.highs.of(begin, end) for each, begin, end in parts if each.highs is not None]
    return min(lows, default=FAR), max(highs, default=NEVER)


def ends(stream: Stream, start: int, until: int) -> tuple[int, int]:
    """The times of the first and the last record of a window; FAR and NEVER if it has none."""
    first, last = FAR, NEVER
    for block, begin, end in _edges(stream, start, until):
        assert block.times is not None
        first, last = min(first, block.times[begin]), max(last, block.times[end - 1])
    begin, end = _whole_blocks(stream, start, until)
    sealed = stream.blocks
    if end > begin:
        first, last = min(first, sealed.firsts[begin]), max(last, sealed.open(sealed.blocks[end - 1])[-1])
    return first, last


def different(stream: Stream, column: int, start: int, until: int) -> int:
    """How many different counterparts a window of a linked stream has."""
    last = stream.links.last[column]
    if until > stream.newest:
        return last.count_since(start)
    first, end = _whole_blocks(stream, start, until)
    if end - first < len(stream.blocks.blocks) - end:
        found = sum(block.rank(column, start) for block in stream.blocks.blocks[first:end])
        edges = _edges(stream, start, until)
        return found + sum(sum(map(start.__gt__, block.previous[column][at:to])) for block, at, to in edges)
    # Those last seen in the window, and those that are seen next after it.
    found = last.count(start, until)
    first, end = _whole_blocks(stream, until, FAR)
    for block in stream.blocks.blocks[first:end]:
        found += block.rank(column, until) - block.rank(column, start)
    for block, at, to in _edges(stream, until, FAR):
        found += sum(start <= each < until for each in block.previous[column][at:to])
    return found


def contains(stream: Stream, column: int, counterpart: int, start: int, until: int) -> bool:
    """Tells whether a window of a linked stream has a record with the counterpart."""
    if counterpart == NOBODY:
        return False
    last = stream.links.last[column].get(counterpart)
    if last < until:
        return last >= start
    for block, at, end in _edges(stream, start, until):
        if at <= block.find(column, counterpart, at) < end:
            return True
    first, end = _whole_blocks(stream, start, until)
    return any(block.find(column, counterpart) >= 0 for block in stream.blocks.blocks[first:end])


def sums_by_currency(streams: Mapping[int, Stream], start: int, until: int) -> dict[str, int]:
    """The sum of a window for each currency that has a record in it, by the currency's letters."""
    sums = {}
    for currency, stream in streams.items():
        if start > stream.sealed:
            times, sums_of = stream.tail.times, stream.tail.sums
            first, end = bisect_left(times, start), bisect_left(times, until)  # type: ignore[arg-type] # It is open.
            count, total = end - first, sums_of[end] - sums_of[first]
        else:
            count, total, _ = summary(stream, start, until)
        if count:
            sums[currency_letters(currency)] = total
    return sums


def _edges(stream: Stream, start: int, until: int) -> Iterator[tuple[Block, int, int]]:
    """The open blocks of which only a part is in the window, and the parts, which are not empty."""
    sealed, tail = stream.blocks, stream.tail
    if sealed.blocks and start <= stream.sealed:
        first, at = sealed.place(start)
        last, end = sealed.place(until) if until <= stream.sealed else (len(sealed.blocks), 0)
        same = first == last
        left = sealed.blocks[first]
        to = end if same else len(left.places)
        if to > at:
            sealed.open(left)
            yield left, at, to
        if not same and end:
            right = sealed.blocks[last]
            sealed.open(right)
            yield right, 0, end
    times = tail.times
    assert times is not None
    at, end = bisect_left(times, start), bisect_left(times, until)
    if end > at:
        yield tail, at, end


def _whole_blocks(stream: Stream, start: int, until: int) -> tuple[int, int]:
    """The sealed blocks that are wholly in the window beside its edges: from one number to before another."""
    sealed = stream.blocks
    if not sealed.blocks or start > stream.sealed:
        return 0, 0
    first = max(bisect_left(sealed.firsts, start) - 1, 0) + 1
    last = max(bisect_left(sealed.firsts, until) - 1, 0) if until <= stream.sealed else len(sealed.blocks)
    return first, max(first, last)
