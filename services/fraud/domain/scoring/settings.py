"""What a version is trained by: which events, which features, and which days are learned from and measured on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from services.fraud.domain.names import FieldFault

__all__ = [
    "LONGEST_TRAINING_PERIOD",
    "MOST_FEATURES",
    "NewTraining",
    "TrainingSettings",
    "TrainingTarget",
    "settings_faults",
    "settings_from_json",
    "settings_to_json",
]

LONGEST_TRAINING_PERIOD = timedelta(days=400)
MOST_FEATURES = 200
NO_CALIBRATION = "none"


class TrainingTarget(Enum):
    """What is learned."""

    FRAUD = "fraud"
    """Chargebacks as well."""
    CHARGEBACK = "chargeback"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTraining:
    """What is asked for; what is None or empty is the usual."""

    features: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    days: int = 90
    validation_days: int = 0
    test_days: int = 7
    delay_days: int = 7
    target: TrainingTarget = TrainingTarget.FRAUD
    entity_field: str = ""
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSettings:
    """Of events of a period the last days are measured on, what lies before the delay is learned from."""

    features: tuple[str, ...] = ()
    """Empty for all that there are."""
    since: datetime
    until: datetime
    """By the time of the event."""
    validation_days: int = 0
    test_days: int = 7
    delay_days: int = 7
    """After so many days fraud is known."""
    target: TrainingTarget = TrainingTarget.FRAUD
    entity_field: str = ""
    """The key whose values are compromised by fraud; empty for the usual one."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """How trees are grown, as far as it is said."""

    @property
    def test_since(self) -> datetime:
        return self.until - timedelta(days=self.test_days)

    @property
    def validation_since(self) -> datetime:
        return self.test_since - timedelta(days=self.validation_days)

    @property
    def learned_until(self) -> datetime:
        """Up to then events are learned from."""
        return self.validation_since - timedelta(days=self.delay_days)

    @property
    def labels_until(self) -> datetime:
        """What was known by then is learned."""
        return self.validation_since


def settings_faults(settings: TrainingSettings, now: datetime) -> Sequence[FieldFault]:
    """Returns what is wrong with the period."""
    if settings.until > now + timedelta(seconds=5):
        return [FieldFault("training.until", "until.future", "must not be in the future")]
    if settings.until - settings.since > LONGEST_TRAINING_PERIOD:
        words = f"must be at most {LONGEST_TRAINING_PERIOD.days} days before until"
        return [FieldFault("training.since", "since.period", words)]
    if settings.learned_until - settings.since < timedelta(days=1):
        words = "leaves no day to learn from before the days of delay, validation and test"
        return [FieldFault("training.since", "since.period", words)]
    if not settings.test_days and settings.parameters.get("calibration") == NO_CALIBRATION:
        words = "must be 1 at least without a calibration, whose folds could be measured on otherwise"
        return [FieldFault("training.test_days", "test_days.calibration", words)]
    return []


def settings_to_json(settings: TrainingSettings) -> str:
    told = {
        "features": settings.features,
        "since": settings.since.isoformat(),
        "until": settings.until.isoformat(),
        "validation_days": settings.validation_days,
        "test_days": settings.test_days,
        "delay_days": settings.delay_days,
        "target": settings.target.value,
        "entity_field": settings.entity_field,
        "parameters": dict(settings.parameters),
    }
    return json.dumps(told)


def settings_from_json(text: str) -> TrainingSettings:
    read = json.loads(text)
    times = {name: datetime.fromisoformat(read[name]) for name in ("since", "until")}
    rest = {"features": tuple(read["features"]), "target": TrainingTarget(read["target"])}
    return TrainingSettings(**{**read, **times, **rest})
