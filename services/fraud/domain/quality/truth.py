"""What is known of a decision: fraud or not, or nothing, and then whether something may still become known."""

from __future__ import annotations

from datetime import datetime

from services.fraud.domain.labels.label import LabelKind
from services.fraud.domain.quality.question import QualityQuestion, Unlabelled

__all__ = ["FRAUD", "IMMATURE", "LEGITIMATE", "TRUTHS", "UNLABELLED", "good_truths", "truth_of"]

FRAUD, LEGITIMATE = "fraud", "legitimate"
"""So says the label in effect."""
UNLABELLED = "unlabelled"
"""There is no label though its delay has passed."""
IMMATURE = "immature"
"""There is no label yet: never counted as anything."""
TRUTHS = (FRAUD, LEGITIMATE, UNLABELLED, IMMATURE)


def truth_of(label: LabelKind | None, event_time: datetime, question: QualityQuestion) -> str:
    """Returns one of `TRUTHS`. `label` is the one in effect as of the time that the question names."""
    if label is not None:
        return FRAUD if label.is_fraud else LEGITIMATE
    return UNLABELLED if question.is_mature(event_time) else IMMATURE


def good_truths(unlabelled: Unlabelled) -> frozenset[str]:
    """Returns what counts as legitimate in rates."""
    return frozenset({LEGITIMATE, UNLABELLED} if unlabelled is Unlabelled.LEGITIMATE else {LEGITIMATE})
