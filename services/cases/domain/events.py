"""Events of the fraud service as far as they have an effect here."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple, TypeAlias

from services.cases.domain.alerts import Evidence, RaisedFor

__all__ = ["OVERLAP", "AskedEvent", "DecidedEvent", "EventOfFraud", "LabelledEvent"]

OVERLAP = timedelta(minutes=5)
"""Events are not stored in the order of their times: those so long before the newest may come again."""


class DecidedEvent(NamedTuple):
    """A decision that may be worth an alert."""

    tenant_id: str
    evidence: Evidence
    rules: tuple[str, ...]
    """Those that ask for one."""

    @property
    def decide_time(self) -> datetime:
        return self.evidence.decide_time


class LabelledEvent(NamedTuple):
    """A label of a transaction."""

    tenant_id: str
    decide_time: datetime
    transaction_id: str
    label: str
    known_at: datetime


class AskedEvent(NamedTuple):
    """Something else that analysts are to be told of."""

    tenant_id: str
    decide_time: datetime
    raised_for: RaisedFor
    words: str


EventOfFraud: TypeAlias = DecidedEvent | LabelledEvent | AskedEvent
