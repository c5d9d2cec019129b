"""Entities of the pipeline: a transaction to check, its features, and what was decided about it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

from services.fraud.domain.rules import Facts
from services.fraud.domain.verdict import Verdict

__all__ = ["NOTHING_KEPT", "Check", "Decided", "Features", "Kept", "Key", "Spelling", "WindowEntry"]

Key = tuple[str, str]
"""(tenant_id, transaction_id): what makes a transaction one."""


class Spelling(NamedTuple):
    """An identifier that was sent in another spelling than its canonical one."""

    field: str
    """Of the request."""
    sent: str
    canonical: str


class Kept(NamedTuple):
    """What of a request is kept with its decision and counted nowhere."""

    card: str = ""
    email: str = ""
    """As sent, whatever it is."""
    attributes: Mapping[str, str] = MappingProxyType({})
    spellings: Sequence[Spelling] = ()
    unusable: tuple[str, ...] = ()
    """Optional fields whose value is none that rules could use, in the words of `Decided.degraded`."""


NOTHING_KEPT = Kept()


# Not frozen, which would cost as much as all else that is done to read a check. Nobody changes one.
@dataclass(slots=True, kw_only=True)
class WindowEntry:
    """What the sliding windows keep of a transaction: identifiers in their canonical form."""

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


@dataclass(slots=True, kw_only=True)
class Check(WindowEntry):
    """What the caller asked about, complete and within the bounds of its currency."""

    fingerprint: bytes
    """Hash of what is stored of the request, to tell a retry from other content under the same identifier."""
    amount: float
    currency_digits: int
    channel: str
    kept: Kept = NOTHING_KEPT
    other_fingerprints: Callable[[bytes], Collection[bytes]] = lambda _: ()
    """Further fingerprints under which the same content may be stored, given the answer that is stored with it."""

    def repeats(self, fingerprint: bytes, answer: bytes) -> bool:
        """Tells whether what is stored under the same key, with its serialised answer, is this transaction."""
        return fingerprint == self.fingerprint or fingerprint in self.other_fingerprints(answer)


class Features(NamedTuple):
    """The values of the features in the order of `features.NAMES`, and what could not be used for them."""

    values: Sequence[int]
    event_time: datetime
    degraded: tuple[str, ...] = ()
    reserved: bool = False
    """True if the reservation in the windows was made for this answer and not earlier."""
    whole: bool = True
    """False if the transaction came too late for the windows to hold everything before it."""
    elsewhere: Mapping[str, int] = MappingProxyType({})
    """The user's sums of the last 24 hours in other currencies, by code, in smallest units."""


class Decided(NamedTuple):
    """A verdict with everything that it was reached from, ready to be stored."""

    check: Check
    decision_id: str
    features: Features
    facts: Facts
    verdict: Verdict
    degraded: tuple[str, ...]
    """Inputs that the decision was made without."""
    create_time: datetime
