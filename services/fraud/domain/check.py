"""Entities of the pipeline: a transaction to check, its features, and what was decided about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.fraud.domain.rules import Facts
from services.fraud.domain.verdict import Verdict

__all__ = ["Check", "Decided", "Features", "Key", "WindowEntry"]

Key = tuple[str, str]
"""(tenant_id, transaction_id): what makes a transaction one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowEntry:
    """What the sliding windows keep of a transaction."""

    tenant_id: str
    transaction_id: str
    user_id: str
    device: str
    ip: str
    merchant: str
    amount_minor: int
    currency: str
    event_time: datetime | None
    """None means the time of receipt."""

    @property
    def key(self) -> Key:
        return self.tenant_id, self.transaction_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Check(WindowEntry):
    """What the caller asked about, complete and within the bounds of its currency."""

    fingerprint: bytes
    """Hash of the request, to tell a retry from other content under the same identifier."""
    amount: float
    currency_digits: int
    channel: str


@dataclass(frozen=True, slots=True)
class Features:
    """The values of the features in the order of `features.NAMES`, and what could not be used for them."""

    values: Sequence[int]
    event_time: datetime
    degraded: tuple[str, ...] = ()
    reserved: bool = False
    """True if the reservation in the windows was made for this answer and not earlier."""
    whole: bool = True
    """False if the transaction came too late for the windows to hold everything before it."""


@dataclass(frozen=True, slots=True)
class Decided:
    """A verdict with everything that it was reached from, ready to be stored."""

    check: Check
    decision_id: str
    features: Features
    facts: Facts
    verdict: Verdict
    degraded: tuple[str, ...]
    """Inputs that the decision was made without."""
    create_time: datetime
