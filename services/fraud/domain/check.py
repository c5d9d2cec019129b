"""Entities of the pipeline: a transaction to check, its features, and what was decided about it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from types import MappingProxyType
from typing import NamedTuple

from services.fraud.domain.declared.feature_set import FeatureSet
from services.fraud.domain.declared.starter import STARTER
from services.fraud.domain.declared.vector import FeatureValue
from services.fraud.domain.event import Fields
from services.fraud.domain.event_types import PAYMENT
from services.fraud.domain.ip_signals import IpSignals
from services.fraud.domain.scenarios.facts import EventFacts
from services.fraud.domain.scenarios.judging import Judgement
from services.fraud.domain.scenarios.scenario import VersionRef
from services.fraud.domain.scenarios.shadows import Shadow
from services.fraud.domain.verdict import Verdict

__all__ = [
    "FEATURES",
    "FEATURES_SLOW_PATH",
    "NOTHING_KEPT",
    "Basis",
    "Check",
    "Decided",
    "Features",
    "GraphInputs",
    "Kept",
    "Key",
    "Spelling",
    "StageTimes",
]

FEATURES = "features"
"""In `degraded` of a decision: of some keys what they did was not read in time, so their features have no value."""
FEATURES_SLOW_PATH = "features_slow_path"
"""There: features come from the store. Whoever looks for both looks for what begins with `FEATURES`."""

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
_PAYMENT_COLUMNS = PAYMENT.columns


# Not frozen, which would cost as much as all else that is done to read a check. Nobody changes one.
@dataclass(slots=True, kw_only=True)
class Check:
    """What the caller asked about, complete, canonical and within the bounds of its currency."""

    tenant_id: str
    transaction_id: str
    event_type: str
    fields: Fields
    event_time: datetime | None
    """None means the time of receipt."""
    fingerprint: bytes
    """Hash of what is stored of the request, to tell a retry from other content under the same identifier."""
    user_id: str
    merchant: str
    amount: float
    amount_minor: int
    currency: str
    currency_digits: int
    channel: str
    kept: Kept = NOTHING_KEPT
    columns: Mapping[str, int] = field(default_factory=lambda: _PAYMENT_COLUMNS)
    """The column of the store that has each key."""
    other_fingerprints: Callable[[bytes], Collection[bytes]] = lambda _: ()
    """Further fingerprints under which the same content may be stored, given the answer that is stored with it."""

    @property
    def key(self) -> Key:
        return self.tenant_id, self.transaction_id

    def repeats(self, fingerprint: bytes, answer: bytes) -> bool:
        """Tells whether what is stored under the same key, with its serialised answer, is this transaction."""
        return fingerprint == self.fingerprint or fingerprint in self.other_fingerprints(answer)


class Basis(IntEnum):
    """Where the features of a decision come from, and whether the logs know of it."""

    LOGS = 0
    HISTORY = 1
    """From the store, with a record in the logs."""
    UNLOGGED = 2
    """From the store, without a record in the logs."""


class GraphInputs(NamedTuple):
    """How far what was read of the graph is to be trusted."""

    age_ms: int
    """How long before it was read something may have been decided that is not in it, in milliseconds."""
    partial: tuple[str, ...] = ()
    """The features that may be more than was counted of them."""


class Features(NamedTuple):
    """The values of a feature set, in its order, and what could not be used for them."""

    values: Sequence[FeatureValue]
    event_time: datetime
    degraded: tuple[str, ...] = ()
    basis: Basis = Basis.LOGS
    generation: bytes = b""
    """Of the logs that have the record; empty without one."""
    elsewhere: Mapping[str, int] = MappingProxyType({})
    """The user's sums of the last 24 hours in other currencies, by code, in smallest units."""
    set: FeatureSet = STARTER
    """The features that these are the values of."""
    ip: IpSignals | None = None
    """What is known of the event's address, if its place is in the logs: one look tells both."""
    arrival: int = 0
    """Where the check stands in the order of arrival: microseconds since 1970, by the logs' clock if there is one."""
    graph: GraphInputs | None = None
    """None if nothing was read of the graph."""


class StageTimes(NamedTuple):
    """How long the stages of a decision took, in milliseconds."""

    read_ms: float = 0.0
    judge_ms: float = 0.0


class Decided(NamedTuple):
    """A verdict with everything that it was reached from, ready to be stored."""

    check: Check
    decision_id: str
    features: Features
    facts: EventFacts
    judgement: Judgement
    scenario: VersionRef | None
    """What decided; None if no scenario decides events of this type."""
    degraded: tuple[str, ...]
    """Inputs that the decision was made without."""
    create_time: datetime
    times: StageTimes = StageTimes()
    required: tuple[str, ...] = ()
    """Those of `degraded` without which the operator approves nothing."""
    type_version: int = 1
    """Of the event type by which its fields were judged."""
    shadows: Sequence[Shadow] = ()
    """What looks on. None of them has judged yet."""

    @property
    def verdict(self) -> Verdict:
        return self.judgement.verdict
