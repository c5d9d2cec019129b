"""Finds the one item that spoils work done for many at once, so that it fails alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

__all__ = ["halving"]

Item = TypeVar("Item")
Result = TypeVar("Result")


async def halving(
    items: Sequence[Item],
    work: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]],
    *,
    splits: tuple[type[Exception], ...],
    alone: Callable[[Item, Exception], Result],
) -> Sequence[Result]:
    """Returns the results of `work` for all items, in their order.

    Where it raises one of `splits` it is done for either half instead, until what fails stands alone: `alone` says what
    that gets. One such item among n costs 2·log2(n) further calls of `work`, which must leave nothing behind when it
    raises, or may be done again. The larger parts go first: most neighbours are through before the last is found.
    """
    results: list[Result | None] = [None] * len(items)
    parts = deque([(0, len(items))] if items else [])
    while parts:
        start, end = parts.popleft()
        try:
            results[start:end] = await work(items[start:end])
        except splits as error:
            if end - start == 1:
                results[start] = alone(items[start], error)
            else:
                middle = (start + end) // 2
                parts += (start, middle), (middle, end)
    return results  # type: ignore[return-value]
