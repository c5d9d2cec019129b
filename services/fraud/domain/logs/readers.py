"""Generates the reader of each event type: the values of a plan's features as an event of that type sees them.

What is generated has numbers of our own in it and no word of a declaration. A window that lies in the tail of a stream
is read in place; one that reaches further goes through `windows`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import sqrt
from typing import Protocol

from services.fraud.domain.declared.feature import Aggregate, Boundary, Feature
from services.fraud.domain.declared.plan import KindPlan
from services.fraud.domain.declared.records import MISSING, LogRecord, RecordLayout
from services.fraud.domain.logs import windows
from services.fraud.domain.logs.rows import Rows
from services.fraud.domain.logs.stream import Stream
from services.fraud.domain.logs.stream_plan import StreamPlan, plan_streams, stream_of

__all__ = ["Readable", "Reader", "bounds", "readers_of"]


class Readable(Protocol):
    """What a reader needs of a fold."""

    rows: Rows
    streams: list[Stream | dict[int, Stream]]

    def sums_by_currency(self, record: LogRecord, feature: Feature) -> dict[str, int]: ...


Reader = Callable[[Readable, LogRecord], list[object]]
Group = dict[tuple[int, int], list[tuple[int, Feature]]]


def bounds(feature: Feature) -> tuple[int, int]:
    """What is added to the current event's time for the window, from the first to before the second."""
    end = -feature.delay_ms + (feature.boundary is Boundary.AFTER_START)
    return end - feature.window_ms, end


def readers_of(plan: KindPlan) -> Sequence[Reader]:
    """The reader of each event type, by its index."""
    there = [each.name not in plan.missing for each in plan.features]
    return [
        _compile(
            plan, [found and each.event_type == name for found, each in zip(there, plan.features, strict=True)], at
        )
        for at, name in enumerate(plan.types + plan.readers)
    ]


def _compile(plan: KindPlan, wanted: Sequence[bool], event_type: int) -> Reader:
    streams = plan_streams(plan)
    origins = [each.origin for each in streams]
    groups: list[Group] = [{} for _ in streams]
    lines = ["def read(fold, record):", f" values = [None] * {len(plan.features)}", " t = record.time"]
    for place, feature in enumerate(plan.features):
        if wanted[place] and feature.converted:
            lines.append(f" values[{place}] = fold.sums_by_currency(record, features[{place}])")
        elif wanted[place]:
            number = origins.index(stream_of(plan, feature))
            groups[number].setdefault(bounds(feature), []).append((place, feature))
    for number, group in enumerate(groups):
        if group:
            lines += _stream(plan, number, streams[number], group, event_type)
    lines.append(" return values")
    scope: dict[str, object] = {
        "features": plan.features,
        "summary": windows.summary,
        "ends": windows.ends,
        "different": windows.different,
        "contains": windows.contains,
        "deviation": _deviation,
        "empty": [Stream(Rows(RecordLayout(plan)), stream) for stream in streams],
    }
    exec("from bisect import bisect_left\n" + "\n".join(lines), scope)  # noqa: S102 # The text is our own.
    return scope["read"]  # type: ignore[return-value]


def _stream(plan: KindPlan, number: int, stream: StreamPlan, group: Group, event_type: int) -> Iterator[str]:
    indent = " "
    if stream.by_currency:
        yield " if record.currency:"
        indent = "  "
    get = f".get(record.currency, empty[{number}])" if stream.by_currency else ""
    yield f"{indent}s = fold.streams[{number}]{get}"
    yield f"{indent}ts = s.tail.times; length = len(ts); newest = ts[-1] if length else t - {2**62}"
    if stream.number >= 0:
        yield f"{indent}x = record.numbers[{stream.number}]"
    conditions = [str(event_type in stream.types)]
    if stream.filter >= 0:
        conditions.append(f"record.filters >> {stream.filter} & 1")
    if stream.number >= 0:
        conditions.append(f"x != {MISSING}")
    yield f"{indent}itself = {' and '.join(conditions)}"
    for column, counterpart in enumerate(stream.counterparts):
        yield f"{indent}c{column} = record.counterparts[{counterpart}]"
    for (start, end), features in group.items():
        for line in _window(plan, stream, start, end, features):
            yield indent + line


def _window(
    plan: KindPlan, stream: StreamPlan, start: int, end: int, features: list[tuple[int, Feature]]
) -> Iterator[str]:
    needs = {feature.aggregate for _, feature in features}
    columns = {
        place: stream.counterparts.index(plan.counterparts.index(feature.field))
        for place, feature in features
        if feature.aggregate in {Aggregate.DISTINCT, Aggregate.IS_NEW}
    }
    yield f"start = t + {start}; until = t + {end}"
    yield "if start > s.sealed:"
    yield " i = bisect_left(ts, start)"
    yield " j = length if newest < until else bisect_left(ts, until)"
    yield from _from_tail(needs, features, columns)
    yield "else:"
    yield " pieces = s.pieces(start, until)"
    yield from _from_blocks(needs, features, columns)
    for place, feature in features:
        yield _value(place, feature, columns)


def _from_tail(needs: set[Aggregate], features: list[tuple[int, Feature]], columns: dict[int, int]) -> Iterator[str]:
    yield " n = j - i"
    if needs & {Aggregate.SUM, Aggregate.MEAN, Aggregate.STDDEV}:
        yield " total = s.tail.sums[j] - s.tail.sums[i]"
    if Aggregate.STDDEV in needs:
        yield " square = s.tail.squares[j] - s.tail.squares[i]"
    if Aggregate.MIN in needs:
        yield " low = min(s.tail.values[i:j]) if n else None"
    if Aggregate.MAX in needs:
        yield " high = max(s.tail.values[i:j]) if n else None"
    if needs & {Aggregate.FIRST_SEEN, Aggregate.LAST_SEEN}:
        yield " first, last = (ts[i], ts[j - 1]) if n else (None, None)"
    for place, feature in features:
        column = columns.get(place)
        if feature.aggregate is Aggregate.DISTINCT:
            yield f" found = set(s.tail.counterparts[{column}][i:j])"
            if feature.include_current:
                yield f" if itself: found.add(c{column})"
            yield f" d{place} = len(found) - (0 in found)"
        elif feature.aggregate is Aggregate.IS_NEW:
            yield f" d{place} = c{column} not in s.tail.counterparts[{column}][i:j]"


def _from_blocks(needs: set[Aggregate], features: list[tuple[int, Feature]], columns: dict[int, int]) -> Iterator[str]:
    yield " n, total, square, low, high = summary(s, pieces)"
    if needs & {Aggregate.FIRST_SEEN, Aggregate.LAST_SEEN}:
        yield " first, last = ends(fold.rows, pieces)"
    for place, feature in features:
        column = columns.get(place)
        if feature.aggregate is Aggregate.DISTINCT:
            yield f" d{place} = different(s, {column}, pieces, start)"
            if feature.include_current:
                yield f" if itself and c{column}: d{place} += not contains(s, {column}, c{column}, start, until)"
        elif feature.aggregate is Aggregate.IS_NEW:
            yield f" d{place} = not contains(s, {column}, c{column}, start, until)"


def _value(place: int, feature: Feature, columns: dict[int, int]) -> str:
    plain, own = _VALUES[feature.aggregate]
    value = f"({own}) if itself else ({plain})" if feature.include_current and own else plain
    return f"values[{place}] = " + value.format(different=f"d{place}", counterpart=f"c{columns.get(place)}")


def _deviation(count: int, total: int, square: int) -> float:
    """The standard deviation of the population, from exact sums."""
    return sqrt(count * square - total * total) / count


_VALUES = {
    Aggregate.COUNT: ("n", "n + 1"),
    Aggregate.SUM: ("total", "total + x"),
    Aggregate.MEAN: ("total / n if n else None", "(total + x) / (n + 1)"),
    Aggregate.STDDEV: ("deviation(n, total, square) if n else None", "deviation(n + 1, total + x, square + x * x)"),
    Aggregate.MIN: ("low if n else None", "min(low, x) if n else x"),
    Aggregate.MAX: ("high if n else None", "max(high, x) if n else x"),
    Aggregate.FIRST_SEEN: ("(t - first) / 1000 if n else None", "(t - first) / 1000 if n else 0.0"),
    Aggregate.LAST_SEEN: ("(t - last) / 1000 if n else None", "0.0"),
    Aggregate.DISTINCT: ("{different}", ""),
    Aggregate.IS_NEW: ("{different} if {counterpart} else None", ""),
}
"""What makes a value, without the current event and with it."""
