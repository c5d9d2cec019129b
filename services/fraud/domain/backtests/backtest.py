"""A backtest: which version, over which period, and where values come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from services.fraud.domain.backtests.tally import BacktestTally
from services.fraud.domain.names import FieldFault
from services.fraud.domain.scenarios.scenario import ScenarioVersion

__all__ = [
    "LONGEST_PERIOD",
    "MOST_UNFINISHED",
    "Backtest",
    "BacktestValues",
    "period_faults",
]

LONGEST_PERIOD = timedelta(days=400)
MOST_UNFINISHED = 10
"""Of a tenant."""


class BacktestValues(Enum):
    """Where the values of features come from."""

    CHOSEN = ""
    """STORED if everything that is asked for was stored, else RECOMPUTED."""
    STORED = "stored"
    RECOMPUTED = "recomputed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """A backtest as it was asked for, and what came of it."""

    tenant_id: str
    backtest_id: str
    scenario_id: str
    number: int
    """Of the version; 0 for the draft as it was when the backtest was created."""
    event_type: str
    since: datetime
    until: datetime
    """Decisions are looked at by the time at which they were made."""
    values: BacktestValues = BacktestValues.CHOSEN
    created_by: str = ""
    created_at: datetime
    task_id: str = ""
    """Of the task that does it."""
    draft: ScenarioVersion | None = None
    """The draft as it was, with the number 0."""
    result: BacktestTally | None = None


def period_faults(since: datetime, until: datetime, now: datetime) -> Sequence[FieldFault]:
    """Returns what is wrong with a period."""
    if since >= until:
        return [FieldFault("since", "since.order", "must be before until, and before now")]
    if until > now:
        return [FieldFault("until", "until.future", "must not be in the future")]
    if until - since > LONGEST_PERIOD:
        return [FieldFault("since", "since.period", f"must be at most {LONGEST_PERIOD.days} days before until")]
    return []
