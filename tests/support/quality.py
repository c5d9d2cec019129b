"""Reports of quality, and a history of payments at random with what became known of them, for tests."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from rampart.fraud.v1 import quality_pb2

from meshkit.ids import uuid7_text
from services.fraud.adapters.memory import MemoryStore
from services.fraud.adapters.memory_labels import MemoryLabelRows
from services.fraud.domain.check import Decided
from services.fraud.domain.labels.label import LabelKind, StoredLabel, in_effect
from services.fraud.domain.quality.question import QualityQuestion, question_faults
from services.fraud.domain.quality.report import QualityReport
from services.fraud.domain.scenarios.scenario import VersionRef
from services.fraud.domain.scoring.model import ModelRef, ModelScore
from services.fraud.domain.verdict import Factor, Verdict
from tests.support.fraud import check, decided, milliseconds
from tests.support.labels import label

__all__ = ["NOW", "PaidHistory", "quality_report", "question", "read_result"]

NOW = milliseconds(datetime.now(UTC) - timedelta(hours=1))
"""Decisions are stored when tests run, and none is stored before its event."""
DAYS = 40
CODES = ("BURST", "NEW_DEVICE", "TOR")


def question(**changed: Any) -> QualityQuestion:
    """Returns what is asked of all payments of forty days, with labels that take ten."""
    values: dict[str, Any] = {
        "event_type": "payment", "since": NOW - timedelta(days=DAYS), "until": NOW, "as_of": NOW,
        "stored_before": NOW, "label_delay": timedelta(days=10), "entity_field": "user_id", "review_capacity": 3,
    } | changed  # fmt: skip
    asked = QualityQuestion(**values)
    assert not question_faults(asked, NOW)
    return asked


def quality_report(tenant_id: str, **changed: Any) -> QualityReport:
    values: dict[str, Any] = {
        "report_id": uuid7_text(), "question": question(), "task_id": uuid7_text(), "created_by": "alice",
        "created_at": datetime.now(UTC),
    } | changed  # fmt: skip
    return QualityReport(tenant_id=tenant_id, **values)


def read_result(report: QualityReport | None) -> quality_pb2.QualityResult:
    assert report is not None and report.result is not None
    return quality_pb2.QualityResult.FromString(report.result)


@dataclass
class PaidHistory:
    """Payments at random, decided when they happened, and labels of them, some of which correct others."""

    tenant_id: str
    count: int = 300
    seed: int = 7
    decisions: list[Decided] = field(default_factory=list)
    labels: dict[str, list[StoredLabel]] = field(default_factory=dict)
    """By transaction, in the order of their numbers."""

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        for number in range(self.count):
            made = self._decided(f"t{number}", NOW - timedelta(days=DAYS) * (1 - number / self.count))
            self.decisions.append(made)
            self.labels[made.check.transaction_id] = self._labels(made)

    async def stored(self) -> tuple[MemoryStore, MemoryLabelRows]:
        """Returns stores in memory that have the history."""
        store, rows = MemoryStore(), MemoryLabelRows()
        await store.commit(self.decisions)
        rows.labels = {(self.tenant_id, name): list(labels) for name, labels in self.labels.items()}
        return store, rows

    def known(self, made: Decided, asked: QualityQuestion) -> LabelKind | None:
        """Returns what the label of a decision says, as of the time that is asked for."""
        labels = [each for each in self.labels[made.check.transaction_id] if each.created_at < asked.stored_before]
        found = in_effect(labels, asked.as_of)
        return found.kind if found is not None else None

    def _decided(self, transaction_id: str, when: datetime) -> Decided:
        chance = self.chance
        currency, minor = chance.choice([("USD", 2), ("EUR", 2), ("JPY", 0)])[0], chance.randrange(1, 100_000)
        made = decided(
            check(
                self.tenant_id, transaction_id, user_id=f"u{chance.randrange(20)}", merchant=f"m{chance.randrange(4)}",
                currency=currency, amount_minor=minor, event_time=when,
            ),
            when,
        )  # fmt: skip
        codes = [code for code in CODES if chance.random() < 0.3]
        score = round(chance.random(), 2)
        outcome = "decline" if score > 0.7 else "review" if score > 0.5 else "approve"
        verdict = Verdict(outcome, score, [Factor(code, f"{code}.", 0.1) for code in codes])
        model = ModelScore(ModelRef("stolen", chance.choice([1, 2])), score) if chance.random() < 0.8 else None
        return made._replace(
            judgement=made.judgement._replace(verdict=verdict),
            facts=made.facts._replace(model=model),
            scenario=VersionRef("cards", chance.choice([1, 2, 3])),
        )

    def _labels(self, made: Decided) -> list[StoredLabel]:
        found: list[StoredLabel] = []
        when = made.create_time
        for number in range(1, self.chance.choice([0, 0, 1, 1, 1, 2]) + 1):
            when += timedelta(days=self.chance.uniform(0, 12))
            kind = self.chance.choice(["fraud", "chargeback", "legitimate", "false_positive"])
            stored = min(when + timedelta(days=self.chance.choice([0, 0, 5])), NOW)
            found.append(
                label(
                    number, kind, known=min(when, NOW), created_at=stored, decision_id=made.decision_id,
                    transaction_id=made.check.transaction_id, refused=self.chance.random() < 0.1,
                )
            )  # fmt: skip
        return found
