"""A label: whether a transaction was fraud, who says so, and since when that is known.

Labels never change. At any time the label of a transaction is the one that had become known last by then, of two that
became known at once the one that was stored last.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import NamedTuple

from services.fraud.domain.event import Money
from services.fraud.domain.names import FieldFault

__all__ = [
    "LONGEST_WAIT",
    "MOST_LABELS",
    "LabelKind",
    "LabelState",
    "LabelledTransaction",
    "NewLabel",
    "StoredLabel",
    "assigned",
    "in_effect",
    "label_faults",
]

LONGEST_WAIT = timedelta(days=90)
"""For so long a label waits for its transaction."""
CLOCKS = timedelta(seconds=5)
"""By how much the clock of who tells may be ahead."""
MOST_LABELS = 100
"""Of one transaction."""


class LabelKind(Enum):
    """What is said of a transaction."""

    FRAUD = "fraud"
    CHARGEBACK = "chargeback"
    LEGITIMATE = "legitimate"
    FALSE_POSITIVE = "false_positive"

    @property
    def is_fraud(self) -> bool:
        return self in (LabelKind.FRAUD, LabelKind.CHARGEBACK)


class LabelState(Enum):
    """Where a label stands now."""

    PENDING = "pending"
    """Its transaction is waited for."""
    EFFECTIVE = "effective"
    SUPERSEDED = "superseded"
    """Another label is that of the transaction."""
    REFUSED = "refused"
    """Its transaction came, and had happened after the label was known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLabel:
    """A label as it is told."""

    transaction_id: str
    kind: LabelKind
    source: str
    reason: str = ""
    amount: Money | None = None
    known_at: datetime | None = None
    """None for now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredLabel:
    """A label as it is kept."""

    label_id: str
    number: int
    """Among those of its transaction, from 1; some may lack."""
    transaction_id: str
    kind: LabelKind
    source: str
    reason: str
    amount: Money | None
    known_at: datetime
    decision_id: str | None
    """None while the transaction is waited for."""
    refused: bool
    created_by: str
    created_at: datetime
    effective: bool = True
    """False if another label of the transaction is in effect."""

    @property
    def state(self) -> LabelState:
        if self.refused:
            return LabelState.REFUSED
        if self.decision_id is None:
            return LabelState.PENDING
        return LabelState.EFFECTIVE if self.effective else LabelState.SUPERSEDED

    def says(self, new: NewLabel) -> bool:
        """Tells whether this is what is told again, if it is in effect."""
        same = (self.kind, self.source, self.reason, self.amount) == (new.kind, new.source, new.reason, new.amount)
        return same and (new.known_at is None or self._may_be_of(new.known_at))

    def _may_be_of(self, told: datetime) -> bool:
        """Tells whether this may have been told with that time: one of a clock that is ahead is kept as now."""
        return told == self.known_at or self.known_at == self.created_at <= told <= self.created_at + CLOCKS


class LabelledTransaction(NamedTuple):
    """A transaction that labels are about."""

    decision_id: str | None
    """None if it was not decided yet."""
    event_at: datetime | None
    labels: Sequence[StoredLabel]
    """In the order of their numbers."""


def in_effect(labels: Iterable[StoredLabel], at: datetime | None = None) -> StoredLabel | None:
    """Returns the label of a transaction at a time, now if none is told; None if nothing was known."""
    known = (each for each in labels if not each.refused and (at is None or each.known_at <= at))
    return max(known, key=lambda each: (each.known_at, each.number), default=None)


def label_faults(new: NewLabel, event_at: datetime | None, now: datetime) -> Sequence[FieldFault]:
    """Returns what is wrong with the time of a label."""
    known_at = new.known_at or now
    if known_at > now + CLOCKS:
        return [FieldFault("known_time", "known_time.future", "must not be in the future")]
    if event_at is not None and known_at < event_at:
        when = event_at.isoformat().replace("+00:00", "Z")
        words = f"must not be before the transaction, which happened at {when}"
        return [FieldFault("known_time", "known_time.before_event", words)]
    return []


def assigned(
    new: NewLabel, known: LabelledTransaction, label_id: str, author: str, now: datetime
) -> tuple[StoredLabel, bool]:
    """Returns the label of a transaction that says what is told, and whether it is a new one."""
    again = next((each for each in known.labels if each.known_at == new.known_at and each.says(new)), None)
    current = in_effect(known.labels)
    if again is None and current is not None and current.says(new):
        again = current
    if again is not None:
        return replace(again, effective=again is current), False
    stored = StoredLabel(
        label_id=label_id,
        number=max((each.number for each in known.labels), default=0) + 1,
        transaction_id=new.transaction_id,
        kind=new.kind,
        source=new.source,
        reason=new.reason,
        amount=new.amount,
        known_at=min(new.known_at, now) if new.known_at is not None else now,
        decision_id=known.decision_id,
        refused=False,
        created_by=author,
        created_at=now,
    )
    effective = in_effect([*known.labels, stored]) is stored
    return replace(stored, effective=effective), True
