"""Simulates fraud: five scenarios, each leaving a different trace.

1. amount: a payment of more than 220 is fraud, because ordinary ones are less. It shows by itself.
2. merchant: two merchants in ten thousand are compromised each day, and every payment there is fraud for 28 days.
3. customer: three customers in five thousand are compromised each day, and for 14 days a third of their payments is
   fraud of five times the amount.
4. device: one device pays, online, with the cards of several customers within hours.
5. address: several devices at one address pay, online, with the cards of several customers within two days.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from console.simulation.chance import Chance
from console.simulation.payment import DAY, ONLINE, Payment, money
from console.simulation.world import Customer, World, address, merchant_id

AMOUNT, MERCHANT, CUSTOMER, DEVICE, ADDRESS = range(1, 6)
TOO_MUCH = 22_000
MERCHANTS_A_DAY, MERCHANT_DAYS = 2 / 10_000, 28
CUSTOMERS_A_DAY, CUSTOMER_DAYS = 3 / 5_000, 14
RINGS_A_DAY = 2 / 5_000
"""Rings of each of the two kinds that start in a day, per customer."""


@dataclass(frozen=True)
class Ring:
    """Thieves with the cards of several customers, at one address, until a time in seconds of the simulation."""

    scenario: int
    victims: list[Customer]
    devices: list[str]
    address: str
    start: int
    end: int
    payments: int


class Fraud:
    """What is compromised today. Days are counted from 0 and taken in order."""

    def __init__(self, seed: int, world: World) -> None:
        self._seed = seed
        self._world = world
        self._merchants: dict[str, int] = {}
        self._customers: dict[str, int] = {}

    def begin(self, day: int) -> list[Ring]:
        """Compromises whom this day brings; returns the rings that start."""
        chance = Chance(self._seed, "fraud", day)
        for _ in range(chance.rounded(self._world.merchants * MERCHANTS_A_DAY)):
            self._merchants[merchant_id(chance.below(self._world.merchants))] = day + MERCHANT_DAYS
        for _ in range(chance.rounded(len(self._world.customers) * CUSTOMERS_A_DAY)):
            self._customers[chance.one_of(self._world.customers).user_id] = day + CUSTOMER_DAYS
        number = len(self._world.customers) * RINGS_A_DAY
        return [
            make_ring(chance, self._world, day, scenario)
            for scenario in (DEVICE, ADDRESS)
            for _ in range(chance.rounded(number))
        ]

    def mark(self, payment: Payment, day: int, chance: Chance) -> Payment:
        """Returns the payment as the scenarios 1 to 3 leave it, a later one overriding an earlier."""
        scenario = payment.scenario
        if payment.cents > TOO_MUCH:
            scenario = AMOUNT
        if self._merchants.get(payment.merchant_id, 0) > day:
            scenario = MERCHANT
        if self._customers.get(payment.user_id, 0) > day and chance.happens(1 / 3):
            return replace(payment, cents=payment.cents * 5, scenario=CUSTOMER)
        return replace(payment, scenario=scenario) if scenario else payment


def make_ring(chance: Chance, world: World, day: int, scenario: int) -> Ring:
    start = day * DAY + chance.below(DAY)
    hours = chance.between(1, 6) if scenario == DEVICE else chance.between(12, 48)
    victims = chance.some_of(world.customers, 4 + chance.below(7))
    devices = 1 if scenario == DEVICE else len(victims)
    return Ring(
        scenario=scenario,
        victims=victims,
        devices=[f"device-{chance.hexadecimal(16)}" for _ in range(devices)],
        address=address(chance),
        start=start,
        end=start + int(hours * 3600),
        payments=len(victims) * (1 + chance.below(3)),
    )


def ring_payments(chance: Chance, world: World, ring: Ring) -> list[Payment]:
    """Makes the payments of a ring, which may reach into the days after its start."""
    payments = []
    for number in range(ring.payments):
        victim = ring.victims[number % len(ring.victims)]
        payments.append(
            Payment(
                second=ring.start + chance.below(ring.end - ring.start),
                user_id=victim.user_id,
                merchant_id=merchant_id(chance.below(world.merchants)),
                cents=money(chance.between(20, 200)),
                channel=ONLINE,
                device=ring.devices[number % len(ring.devices)],
                address=ring.address,
                card=victim.card,
                scenario=ring.scenario,
            )
        )
    return payments
