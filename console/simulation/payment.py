"""Defines a simulated payment."""

from __future__ import annotations

from dataclasses import dataclass

DAY = 86_400
ONLINE = "online"
CARD_PRESENT = "card_present"


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment. `second` counts from the start of the simulation; scenario 0 is no fraud."""

    second: int
    user_id: str
    merchant_id: str
    cents: int
    channel: str
    device: str
    address: str
    card: str
    scenario: int = 0


def money(amount: float) -> int:
    """Rounds an amount to cents."""
    return int(amount * 100 + 0.5)
