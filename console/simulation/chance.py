"""Draws random numbers that are the same on every machine."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")
PARTS = 12


class Chance:
    """Draws made of `random.Random.random` and exact arithmetic only.

    Python keeps that one method's sequence from version to version, and sums and products round alike everywhere;
    neither is true of the module's other methods and of the mathematical functions of the machine.
    """

    def __init__(self, *seed: object) -> None:
        self.share = random.Random("/".join(map(str, seed))).random
        """Draws from 0 up to but not including 1."""

    def happens(self, probability: float) -> bool:
        return self.share() < probability

    def between(self, low: float, high: float) -> float:
        return low + (high - low) * self.share()

    def below(self, count: int) -> int:
        """Draws a whole number from 0 up to but not including `count`."""
        return int(self.share() * count)

    def one_of(self, items: Sequence[Item]) -> Item:
        return items[self.below(len(items))]

    def some_of(self, items: Sequence[Item], count: int) -> list[Item]:
        """Draws different items, or all of them if there are not so many."""
        chosen: dict[int, None] = {}
        while len(chosen) < min(count, len(items)):
            chosen[self.below(len(items))] = None
        return [items[place] for place in chosen]

    def normal(self, mean: float, deviation: float) -> float:
        """Draws from a normal distribution, as the sum of 12 even ones: nothing is farther off than 6 deviations."""
        return mean + deviation * (sum(self.share() for _ in range(PARTS)) - PARTS / 2)

    def count(self, mean: float) -> int:
        """Draws how many of 24 chances come true, of which `mean` (up to 24) do on average."""
        probability = mean / 24
        return sum(1 for _ in range(24) if self.share() < probability)

    def rounded(self, mean: float) -> int:
        """Returns one of the two whole numbers next to `mean`, so that `mean` is the average."""
        return int(mean) + self.happens(mean - int(mean))

    def hexadecimal(self, digits: int) -> str:
        return "".join("0123456789abcdef"[self.below(16)] for _ in range(digits))
