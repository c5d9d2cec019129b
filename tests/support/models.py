"""Models, and a few weeks of payments of which some are fraud, for tests of the fraud service."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import uuid4

from meshkit.ids import uuid7_text
from services.fraud.domain.scoring.model import ModelOrigin
from services.fraud.domain.scoring.settings import TrainingSettings
from services.fraud.domain.scoring.version import FraudModel, ModelOutcome, ModelVersion
from services.fraud.ports.training import MadeModel

__all__ = ["FEATURES", "PARAMETERS", "MadePayment", "made_model", "made_payments", "model", "settings", "version"]

FEATURES = ("amount", "user_count_1h", "user_new_device")
PARAMETERS = {"trees": 10, "folds": 2}
"""Quick to grow."""
DELAY_DAYS = 2


class MadePayment(NamedTuple):
    """A payment, and whether it was fraud."""

    transaction_id: str
    user_id: str
    amount: float
    when: datetime
    is_fraud: bool
    known: datetime
    """When that became known."""


def made_payments(until: datetime, count: int = 600, days: int = 14, seed: int = 5) -> list[MadePayment]:
    """Returns payments of some days in the order of their times: the larger, the more of them are fraud."""
    chance = random.Random(seed)
    found = []
    for number in range(count):
        when = until - timedelta(days=days) + number * timedelta(days=days) / count
        amount = round(chance.lognormvariate(3.5, 1.0), 2)
        is_fraud = chance.random() < (0.75 if amount > 90 else 0.04)
        known = min(when + timedelta(hours=30), until)
        found.append(MadePayment(f"p{number}", f"u{number}", amount, when, is_fraud, known))
    return found


def settings(until: datetime, **changed: Any) -> TrainingSettings:
    """Returns a training on two weeks, of which the last four days are measured on."""
    values: dict[str, Any] = {
        "features": FEATURES, "since": until - timedelta(days=14, hours=1), "until": until, "test_days": 4,
        "delay_days": DELAY_DAYS, "entity_field": "user_id", "parameters": PARAMETERS,
    }  # fmt: skip
    return TrainingSettings(**values | changed)


def model(name: str = "cards", **changed: Any) -> FraudModel:
    now = datetime.now(UTC)
    values: dict[str, Any] = {"event_type": "payment", "tag": uuid4(), "created_at": now, "updated_at": now}
    return FraudModel(name=name, **values | changed)


def version(tenant: str, number: int = 1, **changed: Any) -> ModelVersion:
    """Returns a version that is to be trained."""
    now = datetime.now(UTC)
    values: dict[str, Any] = {
        "name": "cards", "origin": ModelOrigin.TRAINED, "event_type": "payment", "settings": settings(now),
        "task_id": uuid7_text(), "created_by": "alice", "created_at": now,
    } | changed  # fmt: skip
    return ModelVersion(tenant_id=tenant, number=number, **values)


def made_model(features: tuple[str, ...] = FEATURES, **changed: Any) -> MadeModel:
    """Returns what is stored of a model, which nobody could score by."""
    outcome = ModelOutcome(features=features, fingerprint="f" * 64, libraries={"numpy": "2"}, **changed)
    return MadeModel(outcome=outcome, described='{"form": 1}', onnx=b"onnx", booster=b"trees")
