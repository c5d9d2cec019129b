"""The text of generated readers: what reads one window of a stream, given what its columns are called.

There are numbers of our own in it and no word of a declaration.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from services.fraud.domain.declared.feature import Aggregate, Feature
from services.fraud.domain.declared.plan import OF_LABELS, KindPlan
from services.fraud.domain.declared.records import MISSING
from services.fraud.domain.logs.blocks import FAR, NEVER
from services.fraud.domain.logs.stream_plan import StreamPlan

__all__ = [
    "Group", "Names", "compared", "converted", "finisher", "indented", "itself", "labelled", "linked", "nested",
    "opened", "plain", "reaching", "searched", "value",
]  # fmt: skip

Placed = Sequence[tuple[int, Feature]]
"""Features with their places among the values."""
Group = dict[tuple[int | str, int], list[tuple[int, Feature]]]
"""The features that read a stream, by their windows."""


class Names(NamedTuple):
    """How a text calls the columns of a stream, and the edges of a window in them."""

    i: str
    j: str
    times: str
    sums: str
    squares: str
    low: str
    """With the edges to be put in; so is the next."""
    high: str
    others: Mapping[int, str]
    """By the column of the plan."""


def plain(group: Group) -> Iterator[tuple[tuple[int | str, int], list[tuple[int, Feature]]]]:
    """The windows with the features of which there is one value, whatever the currencies."""
    for window, features in group.items():
        plain = [each for each in features if not each[1].converted]
        if plain:
            yield window, plain


def converted(group: Group, text: Callable[[int | str, int], str]) -> Iterator[str]:
    """Reads the sums by currency, of which `text` reads one for a window."""
    for (start, end), features in group.items():
        for place, feature in features:
            if feature.converted:
                yield f" values[{place}] = sums = {text(start, end)}"
                if feature.include_current:
                    yield " if itself and currency: sums[letters(currency)] = sums.get(letters(currency), 0) + x"


def itself(stream: StreamPlan, event_type: int) -> Iterator[str]:
    """Tells whether the current event is in the stream, and its number."""
    conditions = [str(event_type in stream.types)]
    if stream.number >= 0:
        yield f" x = numbers[{stream.number}]"
        conditions.append(f"x != {MISSING}")
    if stream.filter >= 0:
        conditions.append(f"filters >> {stream.filter} & 1")
    yield f" itself = {' and '.join(conditions)}"


def indented(by: int, lines: Iterable[str]) -> Iterator[str]:
    return (" " * by + line for line in lines)


def _needs(features: Placed) -> set[Aggregate]:
    return {feature.aggregate for _, feature in features}


def opened(features: Placed, names: Names) -> Iterator[str]:
    """Reads a window."""
    i, j = names.i, names.j
    needs = _needs(features)
    yield f"n = {j} - {i}"
    if needs & {Aggregate.SUM, Aggregate.MEAN, Aggregate.STDDEV}:
        yield f"total = {names.sums}[{j}] - {names.sums}[{i}]"
    if Aggregate.STDDEV in needs:
        yield f"square = {names.squares}[{j}] - {names.squares}[{i}]"
    if Aggregate.MIN in needs:
        yield f"low = {names.low.format(i, j)}"
    if Aggregate.MAX in needs:
        yield f"high = {names.high.format(i, j)}"
    if Aggregate.TRAVEL_SPEED in needs:
        yield f"if n: last = {names.times}[{j} - 1]; k = bisect_left({names.times}, last, {i}, {j})"
        yield f"if n: low, high = {names.low.format('k', j)}, {names.high.format('k', j)}"
    if needs & {Aggregate.FIRST_SEEN, Aggregate.LAST_SEEN}:
        yield f"first, last = ({names.times}[{i}], {names.times}[{j} - 1]) if n else (None, None)"


def reaching(features: Placed) -> Iterator[str]:
    """Reads a window that reaches into sealed blocks."""
    needs = _needs(features)
    yield "n, total, square = summary(s, start, until)"
    if needs & {Aggregate.MIN, Aggregate.MAX}:
        yield "low, high = extremes(s, start, until)"
    if needs & {Aggregate.FIRST_SEEN, Aggregate.LAST_SEEN}:
        yield "first, last = ends(s, start, until)"
    if Aggregate.TRAVEL_SPEED in needs:
        yield "if n: _, last = ends(s, start, until); low, high = extremes(s, last, last + 1)"


def labelled(number: int, features: Placed, start: str, until: str) -> Iterator[str]:
    """Counts the events of a window of the stream with a number that are known to be fraud."""
    if _needs(features) & OF_LABELS:
        yield f"fraud = fold.labels.streams[{number}].count(t, {start}, {until})"


def compared(plan: KindPlan, features: Placed) -> Iterator[tuple[int, Feature, int]]:
    """The features that compare counterparts, with their columns."""
    for place, feature in features:
        if feature.aggregate in {Aggregate.DISTINCT, Aggregate.IS_NEW}:
            yield place, feature, plan.counterparts.index(feature.field)


def searched(features: Placed, plan: KindPlan, names: Names) -> Iterator[str]:
    """Compares the counterparts of a window."""
    for place, feature, column in compared(plan, features):
        inside = f"{names.others[column]}[{names.i}:{names.j}]"
        if feature.aggregate is Aggregate.IS_NEW:
            yield f"d{place} = others[{column}] not in {inside} if others[{column}] else None"
            continue
        yield f"found = set({inside})"
        if feature.include_current:
            yield f"if itself: found.add(others[{column}])"
        yield f"d{place} = len(found) - (0 in found)"


def nested(column: int, j: str, windows: Iterable[tuple[str, int, Feature]]) -> Iterator[str]:
    """Counts the different counterparts of windows that end at `j`, each of which holds the one before it."""
    others, own, before = f"others{column}", f"others[{column}]", ""
    for i, place, feature in windows:
        yield (
            f"if {i} < {before}: found.update({others}[{i}:{before}])" if before else f"found = set({others}[{i}:{j}])"
        )
        yield f"d{place} = len(found) - (0 in found)"
        if feature.include_current:
            yield f"d{place} += itself and {own} != 0 and {own} not in found"
        before = i


def linked(plan: KindPlan, stream: StreamPlan, features: Placed, names: Names) -> Iterator[str]:
    """Compares counterparts by their links, if there are any."""
    found = list(compared(plan, features))
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
    yield from indented(1, searched(features, plan, names))


def value(placed: tuple[int, Feature]) -> str:
    place, feature = placed
    if feature.by_day:
        return f"values[{place}] = " + _part(feature)
    if feature.aggregate in {Aggregate.DISTINCT, Aggregate.IS_NEW}:
        return f"values[{place}] = d{place}"
    plain, own = _VALUES[feature.aggregate]
    return f"values[{place}] = " + (f"({own}) if itself else ({plain})" if feature.include_current else plain)


def _part(feature: Feature) -> str:
    """What is read of a window whose other part comes from daily totals."""
    of_parts = {"n": ("n", "n + 1"), **{name: _PARTS[name] for name in _OF_AGGREGATE.get(feature.aggregate, ())}}
    plain, own = (", ".join(f"{name}={texts[at]}" for name, texts in of_parts.items()) for at in (0, 1))
    return f"DayTotal({own}) if itself else DayTotal({plain})" if feature.include_current else f"DayTotal({plain})"


def finisher(aggregate: Aggregate) -> str:
    """A function that makes the value of a total, which the current event is in if it counts, at the time `t`."""
    return f"lambda t, n, total, square, low, high, first, last: {_VALUES[aggregate][0]}"


_OF_AGGREGATE = {
    Aggregate.SUM: ("total",),
    Aggregate.MEAN: ("total",),
    Aggregate.STDDEV: ("total", "square"),
    Aggregate.MIN: ("low",),
    Aggregate.MAX: ("high",),
    Aggregate.FIRST_SEEN: ("first",),
    Aggregate.LAST_SEEN: ("last",),
}
"""What a total needs besides the count."""
_PARTS = {
    "total": ("total", "total + x"),
    "square": ("square", "square + x * x"),
    "low": (f"low if n else {FAR}", "min(low, x) if n else x"),
    "high": (f"high if n else {NEVER}", "max(high, x) if n else x"),
    "first": (f"first if n else {FAR}", "first if n else t"),
    "last": (f"last if n else {NEVER}", "t"),
}
"""What is in a total, without the current event and with it."""
_VALUES = {
    Aggregate.COUNT: ("n", "n + 1"),
    Aggregate.SUM: ("total", "total + x"),
    Aggregate.MEAN: ("total / n if n else None", "(total + x) / (n + 1)"),
    Aggregate.STDDEV: ("deviation(n, total, square) if n else None", "deviation(n + 1, total + x, square + x * x)"),
    Aggregate.MIN: ("low if n else None", "min(low, x) if n else x"),
    Aggregate.MAX: ("high if n else None", "max(high, x) if n else x"),
    Aggregate.FIRST_SEEN: ("(t - first) / 1000 if n else None", "(t - first) / 1000 if n else 0.0"),
    Aggregate.LAST_SEEN: ("(t - last) / 1000 if n else None", "0.0"),
    Aggregate.TRAVEL_SPEED: (f"fastest(x, low, high, t - last) if n and x != {MISSING} else None", "None"),
    Aggregate.COUNT_FRAUD: ("fraud", "None"),
    Aggregate.SHARE_FRAUD: ("fraud / n if n else 0.0", "None"),
    Aggregate.KNOWN_FRAUD: ("fraud > 0", "None"),
}
"""What makes a value, without the current event and with it."""
