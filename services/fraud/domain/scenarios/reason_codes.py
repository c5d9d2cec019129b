"""Says in codes and words which features made a model's score what it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from services.fraud.domain.scenarios.scenario import ModelReason
from services.fraud.domain.scenarios.words import Words
from services.fraud.domain.scoring.model import Contribution
from services.fraud.domain.verdict import Factor

__all__ = ["ReasonCodes", "default_code"]

LONGEST_CODE = 63


class ReasonCodes:
    """The codes of one scenario: the tenant's where it has given any, else made of the names of features."""

    __slots__ = ("_own",)

    def __init__(self, reasons: Sequence[ModelReason]) -> None:
        self._own = {each.feature: (each.code, Words(each.words) if each.words else None) for each in reasons}

    def factors(
        self, reasons: Sequence[Contribution], share: float, value_of: Callable[[str], object]
    ) -> Sequence[Factor]:
        """Divides a share of the score among the contributions that speak for fraud."""
        towards = [each for each in reasons if each.added > 0]
        total = sum(each.added for each in towards)
        return [self._factor(each, share * each.added / total, value_of) for each in towards]

    def _factor(self, reason: Contribution, contribution: float, value_of: Callable[[str], object]) -> Factor:
        code, words = self._own.get(reason.feature, (default_code(reason.feature), None))
        message = words.fill(value_of) if words is not None else _told(reason)
        return Factor(code, message, round(contribution, 6))


def default_code(feature: str) -> str:
    return f"MODEL_{feature.upper()}"[:LONGEST_CODE]


def _told(reason: Contribution) -> str:
    value = "missing" if reason.value is None else f"{reason.value:.6g}"
    return f"{reason.feature} is {value}."
