"""Generates the readers of each event type: the values of a plan's features as an event of that type sees them.

What is generated has numbers of our own in it and no word of a declaration. There is a reader of tables and one of
streams. A window that lies in the tail of a stream is read in place; one that reaches further goes through `windows`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import sqrt
from typing import NamedTuple, Protocol

from services.fraud.domain.declared.feature import Aggregate, Boundary, Feature
from services.fraud.domain.declared.plan import KindPlan
from services.fraud.domain.declared.records import MISSING, LogRecord, RecordLayout, currency_letters
from services.fraud.domain.logs import windows
from services.fraud.domain.logs.rows import Rows
from services.fraud.domain.logs.stream import Stream
from services.fraud.domain.logs.stream_plan import StreamPlan, stream_of
from services.fraud.domain.logs.table import Likeness, Table, TablePlan

__all__ = ["Readable", "Reader", "bounds", "stream_readers", "table_readers"]


class Readable(Protocol):
    """What a reader needs of a fold."""

    table: Table
    likeness: Likeness
    streams: list[Stream | dict[int, Stream]]


Reader = Callable[[Readable, LogRecord], list[object]]
Window = tuple[int, int]
Group = dict[Window, list[tuple[int, Feature]]]


class Names(NamedTuple):
    """How generated text calls the columns of a stream."""

    times: str
    sums: str
    squares: str
    low: str
    high: str
    others: Mapping[int, str]
    """By the column of the plan."""


def bounds(feature: Feature) -> Window:
    """What is added to the current event's time for the window, from the first to before the second."""
    end = -feature.delay_ms + (feature.boundary is Boundary.AFTER_START)
    return end - feature.window_ms, end


def stream_readers(plan: KindPlan, streams: Sequence[StreamPlan]) -> Sequence[Reader]:
    """What reads streams, for each event type by its index."""
    return [_compile(plan, streams, _of_streams(plan, streams, at), at) for at in range(_types(plan))]


def table_readers(plan: KindPlan, streams: Sequence[StreamPlan], table: TablePlan) -> Sequence[Reader]:
    """What reads tables, for each event type by its index."""
    return [_compile(plan, streams, _of_table(plan, streams, table, at), at) for at in range(_types(plan))]


def _types(plan: KindPlan) -> int:
    return len(plan.types) + len(plan.readers)


def _groups(plan: KindPlan, streams: Sequence[StreamPlan], event_type: int) -> Iterator[tuple[int, StreamPlan, Group]]:
    """The windows of each stream, with the features that an event of the type reads of it and their places."""
    name = (plan.types + plan.readers)[event_type]
    origins = [each.origin for each in streams]
    groups: list[Group] = [{} for _ in streams]
    for place, feature in enumerate(plan.features):
        if feature.event_type == name:
            number = origins.index(stream_of(plan, feature))
            groups[number].setdefault(bounds(feature), []).append((place, feature))
    return ((number, streams[number], group) for number, group in enumerate(groups) if group)


def _compile(plan: KindPlan, streams: Sequence[StreamPlan], body: Iterator[str], event_type: int) -> Reader:
    lines = ["def read(fold, record):", f" values = [None] * {len(plan.features)}"]
    lines.append(" t, _, numbers, others, _, currency, filters, _, _, _ = record")
    scope: dict[str, object] = {
        "contains": windows.contains,
        "deviation": _deviation,
        "different": windows.different,
        "empty": [Stream(Rows(RecordLayout(plan)), stream) for stream in streams],
        "ends": windows.ends,
        "extremes": windows.extremes,
        "letters": currency_letters,
        "summary": windows.summary,
        "sums_by_currency": windows.sums_by_currency,
    }
    exec("from bisect import bisect_left\n" + "\n".join([*lines, *body, " return values"]), scope)  # noqa: S102 # The text is our own.
    return scope["read"]  # type: ignore[return-value]


def _of_streams(plan: KindPlan, streams: Sequence[StreamPlan], event_type: int) -> Iterator[str]:
    for number, stream, group in _groups(plan, streams, event_type):
        names = Names("times", "s.tail.sums", "s.tail.squares", "s.tail.lows.of(i, j)", "s.tail.highs.of(i, j)", {
            column: f"s.tail.counterparts[{at}]" for at, column in enumerate(stream.counterparts)
        })  # fmt: skip
        yield from _itself(stream, event_type)
        yield from _converted(
            group, lambda start, end, at=number: f"sums_by_currency(fold.streams[{at}], t + {start}, t + {end})"
        )
        get = f".get(currency, empty[{number}])" if stream.by_currency else ""
        yield f" if {'currency' if stream.by_currency else 'True'}:"
        yield f"  s = fold.streams[{number}]{get}"
        yield f"  times = s.tail.times; length = len(times); newest = times[-1] if length else t - {2**62}"
        for (start, end), features in _plain(group):
            yield f"  start = t + {start}; until = t + {end}"
            yield "  if start > s.sealed:"
            yield "   i = bisect_left(times, start); j = length if newest < until else bisect_left(times, until)"
            yield from _indented(3, _open(features, names))
            yield "  else:"
            yield from _indented(3, _sealed(features))
            yield from _indented(2, _linked(plan, stream, features, names))
            yield from _indented(2, map(_value, features))


def _of_table(plan: KindPlan, streams: Sequence[StreamPlan], table: TablePlan, event_type: int) -> Iterator[str]:
    groups = list(_groups(plan, streams, event_type))
    starts, ends = ({window[at]: None for _, _, group in groups for window in group} for at in (0, 1))
    yield f" {', '.join(table.columns)}, = fold.table"
    yield " _, own, inside = fold.likeness"
    yield f" length = len(times); newest = times[-1] if length else t - {2**62}"
    for at, start in enumerate(starts):
        yield f" i{at} = bisect_left(times, t + {start})"
    for at, end in enumerate(ends):
        yield f" j{at} = length if newest < t + {end} else bisect_left(times, t + {end})"
    others = {column: f"others{column}" for column in range(len(plan.counterparts))}
    for number, stream, group in groups:
        names = Names("times", f"sums{stream.number}", f"squares{stream.number}", *_extremes(stream.number), others)
        edges = {window: (list(starts).index(window[0]), list(ends).index(window[1])) for window in group}
        yield from _itself(stream, event_type)
        yield from _converted(group, lambda start, end, at=number, all_=edges, sums=names.sums: (
            "{{letters(own): {0}[j{2}] - {0}[i{1}]}} if inside & {3} and i{1} < j{2} else {{}}".format(sums, *all_[start, end], 1 << at)
        ))  # fmt: skip
        yield f" if {'currency' if stream.by_currency else 'True'}:"
        yield f"  inside_it = inside & {1 << number}{' and own == currency' if stream.by_currency else ''}"
        for window, features in _plain(group):
            yield "  i, j = (i{}, j{}) if inside_it else (0, 0)".format(*edges[window])
            yield from _indented(2, _open(features, names))
            yield from _indented(2, _searched(features, plan, names))
            yield from _indented(2, map(_value, features))


def _extremes(number: int) -> tuple[str, str]:
    return f"min(values{number}[i:j], default=None)", f"max(values{number}[i:j], default=None)"


def _plain(group: Group) -> Iterator[tuple[Window, list[tuple[int, Feature]]]]:
    for window, features in group.items():
        plain = [each for each in features if not each[1].converted]
        if plain:
            yield window, plain


def _converted(group: Group, text: Callable[[int, int], str]) -> Iterator[str]:
    for (start, end), features in group.items():
        for place, feature in features:
            if feature.converted:
                yield f" values[{place}] = sums = {text(start, end)}"
                if feature.include_current:
                    yield " if itself and currency: sums[letters(currency)] = sums.get(letters(currency), 0) + x"


def _itself(stream: StreamPlan, event_type: int) -> Iterator[str]:
    conditions = [str(event_type in stream.types)]
    if stream.number >= 0:
        yield f" x = numbers[{stream.number}]"
        conditions.append(f"x != {MISSING}")
    if stream.filter >= 0:
        conditions.append(f"filters >> {stream.filter} & 1")
    yield f" itself = {' and '.join(conditions)}"


def _indented(by: int, lines: Iterator[str]) -> Iterator[str]:
    return (" " * by + line for line in lines)


def _needs(features: Sequence[tuple[int, Feature]]) -> set[Aggregate]:
    return {feature.aggregate for _, feature in features}


def _open(features: Sequence[tuple[int, Feature]], names: Names) -> Iterator[str]:
    """Reads a window from number `i` to before `j`."""
    needs = _needs(features)
    yield "n = j - i"
    if needs & {Aggregate.SUM, Aggregate.MEAN, Aggregate.STDDEV}:
        yield f"total = {names.sums}[j] - {names.sums}[i]"
    if Aggregate.STDDEV in needs:
        yield f"square = {names.squares}[j] - {names.squares}[i]"
    if Aggregate.MIN in needs:
        yield f"low = {names.low}"
    if Aggregate.MAX in needs:
        yield f"high = {names.high}"
    if needs & {Aggregate.FIRST_SEEN, Aggregate.LAST_SEEN}:
        yield f"first, last = ({names.times}[i], {names.times}[j - 1]) if n else (None, None)"


def _sealed(features: Sequence[tuple[int, Feature]]) -> Iterator[str]:
    """Reads a window that reaches into sealed blocks."""
    needs = _needs(features)
    yield "n, total, square = summary(s, start, until)"
    if needs & {Aggregate.MIN, Aggregate.MAX}:
        yield "low, high = extremes(s, start, until)"
    if needs & {Aggregate.FIRST_SEEN, Aggregate.LAST_SEEN}:
        yield "first, last = ends(s, start, until)"


def _compared(plan: KindPlan, features: Sequence[tuple[int, Feature]]) -> Iterator[tuple[int, Feature, int]]:
    """The features that compare counterparts, with their columns."""
    for place, feature in features:
        if feature.aggregate in {Aggregate.DISTINCT, Aggregate.IS_NEW}:
            yield place, feature, plan.counterparts.index(feature.field)


def _searched(features: Sequence[tuple[int, Feature]], plan: KindPlan, names: Names) -> Iterator[str]:
    """Compares counterparts from number `i` to before `j`."""
    for place, feature, column in _compared(plan, features):
        if feature.aggregate is Aggregate.IS_NEW:
            yield f"d{place} = others[{column}] not in {names.others[column]}[i:j] if others[{column}] else None"
            continue
        yield f"found = set({names.others[column]}[i:j])"
        if feature.include_current:
            yield f"if itself: found.add(others[{column}])"
        yield f"d{place} = len(found) - (0 in found)"


def _linked(plan: KindPlan, stream: StreamPlan, features: Sequence[tuple[int, Feature]], names: Names) -> Iterator[str]:
    """Compares counterparts by their links, if there are any."""
    found = list(_compared(plan, features))
    if not found:
        return
    yield "if s.links.last:"
    for place, feature, column in found:
        own, at = f"others[{column}]", stream.counterparts.index(column)
        if feature.aggregate is Aggregate.IS_NEW:
            yield f" d{place} = not contains(s, {at}, {own}, start, until) if {own} else None"
            continue
        yield f" d{place} = different(s, {at}, start, until)"
        if feature.include_current:
            yield f" if itself and {own}: d{place} += not contains(s, {at}, {own}, start, until)"
    yield "else:"
    yield from _indented(1, _searched(features, plan, names))


def _value(placed: tuple[int, Feature]) -> str:
    place, feature = placed
    if feature.aggregate in {Aggregate.DISTINCT, Aggregate.IS_NEW}:
        return f"values[{place}] = d{place}"
    plain, own = _VALUES[feature.aggregate]
    return f"values[{place}] = " + (f"({own}) if itself else ({plain})" if feature.include_current else plain)


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
}
"""What makes a value, without the current event and with it."""
