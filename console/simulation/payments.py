"""Generates the stream of payments, day by day."""

from __future__ import annotations

from collections.abc import Iterator

from console.simulation.chance import Chance
from console.simulation.fraud import Fraud, ring_payments
from console.simulation.payment import CARD_PRESENT, DAY, ONLINE, Payment, money
from console.simulation.world import Customer, World, merchant_id

NOON, HOURS = DAY / 2, 20_000
"""Payments lie around noon with this deviation, in seconds."""
ON_THE_MOVE = 0.2
"""Share of online payments made through a mobile network, whose addresses change."""


def payments(seed: int, world: World, days: int, online_share: float) -> Iterator[Payment]:
    """Yields the payments in the order of their times, keeping no more than the open days in memory."""
    fraud = Fraud(seed, world)
    later: list[Payment] = []
    for day in range(days):
        chance = Chance(seed, "day", day)
        today = [made for ring in fraud.begin(day) for made in ring_payments(chance, world, ring)]
        for customer in world.customers:
            for payment in customer_payments(chance, customer, day, online_share):
                today.append(fraud.mark(payment, day, chance))
        end = (day + 1) * DAY
        today += later
        later = [payment for payment in today if payment.second >= end]
        yield from sorted((payment for payment in today if payment.second < end), key=lambda payment: payment.second)


def customer_payments(chance: Chance, customer: Customer, day: int, online_share: float) -> Iterator[Payment]:
    """Makes the payments of a customer's day; those that would fall outside of it are not made."""
    for _ in range(chance.count(customer.daily)):
        second = int(chance.normal(NOON, HOURS))
        if not 0 <= second < DAY:
            continue
        amount = chance.normal(customer.amount, customer.deviation)
        if amount < 0:
            amount = chance.between(0, 2 * customer.amount)
        online = chance.happens(online_share)
        yield Payment(
            second=day * DAY + second,
            user_id=customer.user_id,
            merchant_id=merchant_id(chance.one_of(customer.merchants)),
            cents=max(1, money(amount)),
            channel=ONLINE if online else CARD_PRESENT,
            device=chance.one_of(customer.devices) if online else "",
            address=online_address(chance, customer) if online else "",
            card=customer.card,
        )


def online_address(chance: Chance, customer: Customer) -> str:
    if not chance.happens(ON_THE_MOVE):
        return customer.home_address
    # Carriers hand these out to many customers (RFC 6598).
    return f"100.64.{chance.below(64)}.{1 + chance.below(254)}"
