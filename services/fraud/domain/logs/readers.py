"""Generates the readers of each event type: the values of a plan's features as an event of that type sees them.

What is generated has numbers of our own in it and no word of a declaration. There is a reader of tables and one of
streams. A window that lies in the tail of a stream is read in place; one that reaches further goes through `windows`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple, Protocol

from services.fraud.domain.declared.daily import BY_DAY, EXACT_DAYS, end_of
from services.fraud.domain.declared.feature import DAY_MS, Aggregate, Feature
from services.fraud.domain.declared.plan import KindPlan
from services.fraud.domain.declared.records import LogRecord, RecordLayout, currency_letters
from services.fraud.domain.logs import windows
from services.fraud.domain.logs.days import DayTotal, deviation
from services.fraud.domain.logs.labels import Labels
from services.fraud.domain.logs.rows import Rows
from services.fraud.domain.logs.stream import Stream
from services.fraud.domain.logs.stream_plan import StreamPlan, stream_of
from services.fraud.domain.logs.streams import Streams
from services.fraud.domain.logs.table import Likeness, Table, TablePlan
from services.fraud.domain.logs.texts import (
    Group,
    Names,
    compared,
    converted,
    finisher,
    indented,
    itself,
    labelled,
    linked,
    nested,
    opened,
    plain,
    reaching,
    searched,
    value,
)
from services.fraud.domain.travel import fastest_kmh

__all__ = ["Readable", "Reader", "bounds", "finished", "stream_readers", "table_readers"]


class Readable(Protocol):
    """What a reader needs of a fold."""

    @property
    def table(self) -> Table | None: ...

    @property
    def likeness(self) -> Likeness: ...

    @property
    def streams(self) -> Streams: ...

    @property
    def labels(self) -> Labels | None: ...


Reader = Callable[[Readable, LogRecord], list[object]]
Window = tuple[int | str, int]


def bounds(feature: Feature) -> Window:
    """What is added to the current event's time for the window, from the first to before the second.

    Of a window that reaches further than logs do, the part that begins with a day is read.
    """
    end = end_of(feature)
    if feature.by_day:
        return f"(t + {end}) // {DAY_MS} * {DAY_MS} - {EXACT_DAYS * DAY_MS} - t", end
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
        if feature.event_type == name and feature.name not in plan.missing:
            number = origins.index(stream_of(plan, feature))
            groups[number].setdefault(bounds(feature), []).append((place, feature))
    return ((number, streams[number], group) for number, group in enumerate(groups) if group)


def _compile(plan: KindPlan, streams: Sequence[StreamPlan], body: Iterator[str], event_type: int) -> Reader:
    lines = ["def read(fold, record):", f" values = [None] * {len(plan.features)}"]
    lines.append(" t, _, numbers, others, _, currency, filters, _, _, _ = record")
    scope: dict[str, object] = {
        "contains": windows.contains,
        "DayTotal": DayTotal,
        "deviation": deviation,
        "different": windows.different,
        "empty": [Stream(Rows(RecordLayout(plan)), stream) for stream in streams],
        "ends": windows.ends,
        "extremes": windows.extremes,
        "fastest": fastest_kmh,
        "letters": currency_letters,
        "summary": windows.summary,
        "sums_by_currency": windows.sums_by_currency,
    }
    text = "\n".join(["from bisect import bisect_left", *lines, *body, " return values"])
    exec(text, scope)  # noqa: S102 # The text is our own.
    return scope["read"]  # type: ignore[return-value]


def _of_streams(plan: KindPlan, streams: Sequence[StreamPlan], event_type: int) -> Iterator[str]:
    for number, stream, group in _groups(plan, streams, event_type):
        others = {column: f"s.tail.counterparts[{at}]" for at, column in enumerate(stream.counterparts)}
        extremes = "s.tail.lows.of({}, {})", "s.tail.highs.of({}, {})"
        names = Names("i", "j", "times", "s.tail.sums", "s.tail.squares", *extremes, others)
        yield from itself(stream, event_type)
        yield from converted(group, f"sums_by_currency(fold.streams.of[{number}], t + {{}}, t + {{}})".format)
        get = f".get(currency, empty[{number}])" if stream.by_currency else ""
        yield f" if {'currency' if stream.by_currency else 'True'}:"
        yield f"  s = fold.streams.of[{number}]{get}"
        yield f"  times = s.tail.times; length = len(times); newest = times[-1] if length else t - {2**62}"
        for (start, end), features in plain(group):
            yield f"  start = t + {start}; until = t + {end}"
            yield "  if start > s.sealed:"
            yield "   i = bisect_left(times, start); j = length if newest < until else bisect_left(times, until)"
            yield from indented(3, opened(features, names))
            yield "  else:"
            yield from indented(3, reaching(features))
            yield from indented(2, linked(plan, stream, features, names))
            yield from indented(2, labelled(number, features, "start", "until"))
            yield from indented(2, map(value, features))


def _of_table(plan: KindPlan, streams: Sequence[StreamPlan], table: TablePlan, event_type: int) -> Iterator[str]:
    groups = list(_groups(plan, streams, event_type))
    starts = list({start: None for _, _, group in groups for start, _ in group})
    ends = list({end: None for _, _, group in groups for _, end in group})
    yield f" {', '.join(table.columns)}, = fold.table"
    yield " _, own, inside = fold.likeness"
    yield f" length = len(times); newest = times[-1] if length else t - {2**62}"
    for at, start in enumerate(starts):
        yield f" i{at} = bisect_left(times, t + {start})"
    for at, end in enumerate(ends):
        yield f" j{at} = length if newest < t + {end} else bisect_left(times, t + {end})"
    windows = _TableWindows(plan, groups, starts, ends, event_type)
    yield f" if inside == {(1 << len(streams)) - 1} and own == currency:"
    yield from indented(1, windows.read(alike=True))
    yield "  return values"
    yield from windows.read(alike=False)


class _TableWindows(NamedTuple):
    """The windows of a table."""

    plan: KindPlan
    groups: Sequence[tuple[int, StreamPlan, Group]]
    starts: Sequence[int | str]
    ends: Sequence[int]
    event_type: int

    def read(self, *, alike: bool) -> Iterator[str]:
        """Reads them for all features. `alike` says that the records are in every stream, and in that currency."""
        for number, stream, group in self.groups:
            yield from itself(stream, self.event_type)
            yield from converted(group, partial(self._sums, number, stream.number))
            yield f" if {'currency' if stream.by_currency else 'True'}:"
            yield "  pass"
            if alike:
                yield from indented(2, self._counted(group))
            else:
                yield f"  inside_it = inside & {1 << number}{' and own == currency' if stream.by_currency else ''}"
            for window, features in plain(group):
                i, j = self._edges(window)
                if not alike:
                    yield f"  i, j = ({i}, {j}) if inside_it else (0, 0)"
                    i, j = "i", "j"
                yield from indented(2, labelled(number, features, f"t + {window[0]}", f"t + {window[1]}"))
                yield from indented(2, self._window(stream.number, i, j, features, counted=alike))

    def _counted(self, group: Group) -> Iterator[str]:
        """Counts the different counterparts of windows that end together, the shortest first."""
        found: dict[tuple[int, str], list[tuple[str, int, Feature]]] = {}
        fixed = [(window[0], window, features) for window, features in plain(group) if isinstance(window[0], int)]
        for _, window, features in sorted(fixed, key=lambda each: -each[0]):
            i, j = self._edges(window)
            for place, feature, column in compared(self.plan, features):
                if feature.aggregate is Aggregate.DISTINCT:
                    found.setdefault((column, j), []).append((i, place, feature))
        for (column, j), starting in found.items():
            yield from nested(column, j, starting)

    def _window(
        self, number: int, i: str, j: str, features: list[tuple[int, Feature]], *, counted: bool
    ) -> Iterator[str]:
        others = {column: f"others{column}" for column in range(len(self.plan.counterparts))}
        low, high = (f"{extreme}(values{number}[{{}}:{{}}], default=None)" for extreme in ("min", "max"))
        names = Names(i, j, "times", f"sums{number}", f"squares{number}", low, high, others)
        yield from opened(features, names)
        left = [each for each in features if not (counted and each[1].aggregate is Aggregate.DISTINCT)]
        yield from searched(left, self.plan, names)
        yield from map(value, features)

    def _edges(self, window: Window) -> tuple[str, str]:
        return f"i{self.starts.index(window[0])}", f"j{self.ends.index(window[1])}"

    def _sums(self, stream: int, number: int, start: int | str, end: int) -> str:
        i, j = self._edges((start, end))
        has = f"inside & {1 << stream} and {i} < {j}"
        return f"{{letters(own): sums{number}[{j}] - sums{number}[{i}]}} if {has} else {{}}"


def _finishers() -> Mapping[Aggregate, Callable[..., object]]:
    texts = {each: finisher(each) for each in BY_DAY}
    return {each: eval(text, {"deviation": deviation}) for each, text in texts.items()}  # noqa: S307 # Our own.


_FINISHERS = _finishers()


def finished(feature: Feature, time: int, whole: DayTotal) -> object:
    """The value of a feature over more than 30 days, of all that its window holds as an event of a time sees it."""
    return _FINISHERS[feature.aggregate](time, *whole)
