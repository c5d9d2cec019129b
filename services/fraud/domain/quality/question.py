"""What a report of quality is asked: which decisions, known by when, and how they are grouped."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import NamedTuple

from services.fraud.domain.event import Money
from services.fraud.domain.names import FieldFault

__all__ = [
    "LONGEST_REPORT_PERIOD",
    "Condition",
    "NewQualityReport",
    "QualityQuestion",
    "Unlabelled",
    "question_faults",
    "question_from_json",
    "question_to_json",
]

LONGEST_REPORT_PERIOD = timedelta(days=400)
CLOCKS = timedelta(seconds=5)
"""By how much the clock of who asks may be ahead."""
_TIMES = ("since", "until", "as_of", "stored_before")


class Unlabelled(Enum):
    """What a decision without a label counts as once the delay of labels has passed."""

    LEGITIMATE = "legitimate"
    """As where frauds alone are labelled."""
    UNKNOWN = "unknown"


class Condition(NamedTuple):
    """Which decisions are counted: those of which a group has a value."""

    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewQualityReport:
    """What is asked for; what is None or empty is the usual."""

    event_type: str
    since: datetime
    until: datetime | None = None
    as_of: datetime | None = None
    stored_before: datetime | None = None
    label_delay: timedelta | None = None
    unlabelled: Unlabelled = Unlabelled.LEGITIMATE
    group_by: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()
    entity_field: str = ""
    review_capacity: int = 0
    review_cost: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityQuestion:
    """What is asked, with everything that nobody said filled in: a report hangs on this and the store alone."""

    event_type: str
    since: datetime
    until: datetime
    """By the time of the event, without its end."""
    as_of: datetime
    """What became known later is not seen."""
    stored_before: datetime
    """What was stored from then on is not seen either: decisions, and labels that say what was known before."""
    label_delay: timedelta
    """After so long a decision without a label is mature."""
    unlabelled: Unlabelled = Unlabelled.LEGITIMATE
    group_by: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()
    entity_field: str
    """Of whose values there is capacity to review some a day."""
    review_capacity: int
    review_cost: Money | None = None
    """Of one review."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of groups that are asked for: those that are told, then those of the conditions."""
        return (*self.group_by, *(each.name for each in self.conditions))

    @property
    def mature_at(self) -> datetime:
        """From then on all decisions of the period are mature."""
        return self.until + self.label_delay

    def is_mature(self, event_time: datetime) -> bool:
        """Tells whether what there is to know of an event was known, if anybody labels it."""
        return event_time + self.label_delay <= self.as_of


def question_faults(question: QualityQuestion, now: datetime) -> Sequence[FieldFault]:
    """Returns what is wrong with the times."""
    latest = now + CLOCKS
    if question.as_of > latest:
        return [FieldFault("as_of", "as_of.future", "must not be in the future")]
    if question.stored_before > latest:
        return [FieldFault("stored_before", "stored_before.future", "must not be in the future")]
    if question.until > question.as_of:
        return [FieldFault("until", "until.as_of", "must not be after as_of: nothing is known of what comes later")]
    if question.since >= question.until:
        return [FieldFault("since", "since.order", "must be before until")]
    if question.until - question.since > LONGEST_REPORT_PERIOD:
        words = f"must be at most {LONGEST_REPORT_PERIOD.days} days before until"
        return [FieldFault("since", "since.period", words)]
    return []


def question_to_json(question: QualityQuestion) -> str:
    told = asdict(question) | {name: getattr(question, name).isoformat() for name in _TIMES}
    told |= {
        "label_delay": question.label_delay // timedelta(microseconds=1),
        "unlabelled": question.unlabelled.value,
    }
    return json.dumps(told)


def question_from_json(text: str) -> QualityQuestion:
    read = json.loads(text)
    cost = read["review_cost"]
    return QualityQuestion(
        **{
            **read,
            **{name: datetime.fromisoformat(read[name]) for name in _TIMES},
            "label_delay": timedelta(microseconds=read["label_delay"]),
            "unlabelled": Unlabelled(read["unlabelled"]),
            "group_by": tuple(read["group_by"]),
            "conditions": tuple(Condition(*each) for each in read["conditions"]),
            "review_cost": Money(*cost) if cost is not None else None,
        }
    )
