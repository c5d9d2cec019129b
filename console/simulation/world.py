"""Generates customers with habits, and merchants, on a square of 100 by 100."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from console.simulation.chance import Chance

SIDE = 100.0
NEARBY = 78
"""Merchants within a customer's reach, on average."""
CIRCLE = 3.14159265358979
SHARED_HOME = 0.15
"""Share of customers that live, and surf, with the customer before them."""


@dataclass(frozen=True)
class Customer:
    """A customer's habits. Amounts are in units of the currency, `daily` is in payments per day."""

    user_id: str
    card: str
    devices: tuple[str, ...]
    home_address: str
    amount: float
    deviation: float
    daily: float
    merchants: tuple[int, ...]


@dataclass(frozen=True)
class World:
    """Everyone there is. Merchants are known by their number."""

    customers: list[Customer]
    merchants: int


def address(chance: Chance) -> str:
    """Draws an address from the range for tests between networks (RFC 2544), so that it is nobody's."""
    return f"198.{18 + chance.below(2)}.{chance.below(256)}.{1 + chance.below(254)}"


def merchant_id(number: int) -> str:
    return f"merchant-{number:05}"


def make_world(seed: int, customers: int, merchants: int) -> World:
    """Places everyone. A customer pays at the merchants within reach, or at any if there is none."""
    chance = Chance(seed, "world")
    reach = (NEARBY * SIDE * SIDE / (CIRCLE * merchants)) ** 0.5
    places = [(chance.between(0, SIDE), chance.between(0, SIDE)) for _ in range(merchants)]
    grid = Grid(places, reach)
    people: list[Customer] = []
    for number in range(customers):
        x, y = chance.between(0, SIDE), chance.between(0, SIDE)
        shares_home = bool(people) and chance.happens(SHARED_HOME)
        home = people[-1].home_address if shares_home else address(chance)
        people.append(make_customer(chance, number, home, grid.near(x, y) or tuple(range(merchants))))
    return World(people, merchants)


def make_customer(chance: Chance, number: int, home: str, merchants: tuple[int, ...]) -> Customer:
    amount = chance.between(5, 100)
    return Customer(
        user_id=f"customer-{number:05}",
        card=f"card-{chance.hexadecimal(16)}",
        devices=tuple(f"device-{chance.hexadecimal(16)}" for _ in range(1 + chance.below(2))),
        home_address=home,
        amount=amount,
        deviation=amount / 2,
        daily=chance.between(0, 4),
        merchants=merchants,
    )


class Grid:
    """Finds the places near a point by looking into the cells around it."""

    def __init__(self, places: list[tuple[float, float]], reach: float) -> None:
        self._places = places
        self._reach = reach
        self._cells: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
        for number, (x, y) in enumerate(places):
            self._cells[int(x / reach), int(y / reach)].append(number)

    def near(self, x: float, y: float) -> tuple[int, ...]:
        column, row = int(x / self._reach), int(y / self._reach)
        around = [(column + right, row + down) for right in (-1, 0, 1) for down in (-1, 0, 1)]
        numbers = sorted(number for cell in around for number in self._cells.get(cell, ()))
        return tuple(number for number in numbers if self._distance(number, x, y) <= self._reach)

    def _distance(self, number: int, x: float, y: float) -> float:
        other_x, other_y = self._places[number]
        return float(((other_x - x) ** 2 + (other_y - y) ** 2) ** 0.5)
