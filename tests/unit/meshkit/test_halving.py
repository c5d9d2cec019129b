"""The one item that spoils work for many is found, and the work is done for all others."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from meshkit.halving import halving


class BadError(Exception):
    """What work fails with."""


class Work:
    """Fails if one of the bad items is in it. Remembers what it was done for."""

    def __init__(self, *bad: int) -> None:
        self.bad = set(bad)
        self.done: list[Sequence[int]] = []

    async def __call__(self, items: Sequence[int]) -> Sequence[str]:
        self.done.append(items)
        if self.bad & set(items):
            raise BadError
        return [str(item) for item in items]


async def run(work: Work, count: int) -> Sequence[str]:
    return await halving(range(count), work, splits=(BadError,), alone=lambda item, _: f"not {item}")


@pytest.mark.parametrize("bad", [(), (0,), (255,), (100, 101), (0, 128, 255), tuple(range(256))])
async def test_bad_items_fail_alone_and_all_others_are_done_once(bad: tuple[int, ...]) -> None:
    work = Work(*bad)
    assert await run(work, 256) == [f"not {item}" if item in bad else str(item) for item in range(256)]
    good = [item for items in work.done if not work.bad & set(items) for item in items]
    assert sorted(good) == [item for item in range(256) if item not in bad]


async def test_one_of_many_is_found_in_twice_the_logarithm() -> None:
    work = Work(77)
    await run(work, 256)
    assert len(work.done) == 1 + 2 * 8


async def test_most_neighbours_are_through_before_the_bad_one_is_found() -> None:
    work = Work(0)
    await run(work, 8)
    assert [len(items) for items in work.done] == [8, 4, 4, 2, 2, 1, 1]


async def test_nothing_is_done_for_nothing_and_other_errors_are_not_looked_into() -> None:
    work = Work()
    assert await run(work, 0) == []
    assert work.done == []
    with pytest.raises(BadError):
        await halving(range(4), Work(1), splits=(KeyError,), alone=lambda item, _: "")
