"""Judges checks by what was read for them: rules → outcome. Only the tenants' exchange rates are read here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from meshkit.currencies import DIGITS
from meshkit.ids import uuid7_text
from services.fraud.domain.check import Check, Decided, Features
from services.fraud.domain.declared.starter import STARTER
from services.fraud.domain.rates import RULE_CURRENCY, RateTable, Spend
from services.fraud.domain.rules import Facts, Profile
from services.fraud.domain.verdict import judge
from services.fraud.service.rates import ExchangeRates

__all__ = ["DecisionPolicy", "Judge", "ReadCheck"]

_NO_RATES = RateTable()


@dataclass(frozen=True, slots=True)
class DecisionPolicy:
    """What the operator decides about decisions."""

    review_without: frozenset[str] = frozenset({"user_profile"})
    """Inputs whose absence makes the outcome review at least."""


class ReadCheck(NamedTuple):
    """A check with what was read for it."""

    check: Check
    features: Features
    profile: Profile | None


class Judge:
    """Reaches verdicts, with the exchange rates of each check's tenant."""

    def __init__(self, rates: ExchangeRates, policy: DecisionPolicy, clock: Callable[[], datetime]) -> None:
        self._rates = rates
        self._policy = policy
        self._clock = clock

    async def judge_all(self, inputs: Sequence[ReadCheck]) -> Sequence[Decided]:
        """Decides about each check, in order."""
        tables = await self._tables(inputs)
        return [self._judge(*each, tables) for each in inputs]

    async def _tables(self, inputs: Sequence[ReadCheck]) -> Mapping[str, RateTable]:
        """Returns the exchange rates of the tenants that need any: dollars do not."""
        tenants = {
            each.check.tenant_id for each in inputs if each.check.currency != RULE_CURRENCY or each.features.elsewhere
        }
        return await self._rates.tables(tenants) if tenants else {}

    def _judge(
        self, check: Check, features: Features, profile: Profile | None, tables: Mapping[str, RateTable]
    ) -> Decided:
        table, day = tables.get(check.tenant_id, _NO_RATES), features.event_time.date()
        rate = table.at(check.currency, day)
        elsewhere = _spends(features.elsewhere, table, day) if features.elsewhere else ()
        facts = Facts(
            check.amount_minor,
            check.currency_digits,
            check.channel,
            _by_name(features),
            profile,
            check.currency,
            rate,
            elsewhere,
        )
        degraded = (*features.degraded, *_missing(facts), *check.kept.unusable)
        verdict = judge(facts, review_floor=not self._policy.review_without.isdisjoint(degraded))
        return Decided(check, uuid7_text(), features, facts, verdict, degraded, self._clock())


def _by_name(features: Features) -> Mapping[str, float]:
    """Names the values that rules ask for; one that is missing counts as nothing."""
    return {name: value or 0 for name, value in zip(STARTER.names, features.values, strict=True)}


def _spends(sums: Mapping[str, int], table: RateTable, day: date) -> Sequence[Spend]:
    # A code that was taken before codes were looked up may be no currency: it has no rate either.
    return [Spend(code, amount, DIGITS.get(code, 0), table.at(code, day)) for code, amount in sorted(sums.items())]


def _missing(facts: Facts) -> Sequence[str]:
    """Names the inputs that a check is judged without."""
    missing = []
    if facts.profile is None:
        missing.append("user_profile")
    if facts.rate is None or (facts.elsewhere and any(spend.rate is None for spend in facts.elsewhere)):
        missing.append("exchange_rate")
    return missing
