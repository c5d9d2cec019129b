"""Judges checks by what was read for them: lists → rules → outcome. Only the tenants' exchange rates are read here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from meshkit.currencies import DIGITS
from meshkit.ids import uuid7_text
from services.fraud.domain.check import Check, Decided, Features
from services.fraud.domain.profile import Profile
from services.fraud.domain.rates import RULE_CURRENCY, RateTable, Spend
from services.fraud.domain.scenarios.facts import EventFacts
from services.fraud.domain.scenarios.judging import NO_RULES, NOTHING_FIRED, Standing
from services.fraud.service.configuration import Configuration
from services.fraud.service.rates import ExchangeRates

__all__ = ["DecisionPolicy", "Judge", "ReadCheck"]

_NO_RATES = RateTable()
TRUSTED = "trusted"


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
    configuration: Configuration


class Judge:
    """Reaches judgements, with the scenarios and the exchange rates of each check's tenant."""

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
            each.check.tenant_id
            for each in inputs
            if each.check.currency not in ("", RULE_CURRENCY) or each.features.elsewhere
        }
        return await self._rates.tables(tenants) if tenants else {}

    def _judge(
        self,
        check: Check,
        features: Features,
        profile: Profile | None,
        configuration: Configuration,
        tables: Mapping[str, RateTable],
    ) -> Decided:
        table, day = tables.get(check.tenant_id, _NO_RATES), features.event_time.date()
        facts = EventFacts(
            fields=check.fields,
            features=features.values,
            currency=check.currency,
            digits=check.currency_digits,
            profile=profile,
            rate=table.at(check.currency, day),
            elsewhere=_spends(features.elsewhere, table, day) if features.elsewhere else (),
        )
        degraded = (*features.degraded, *_missing(check, facts), *check.kept.unusable)
        floor, now = not self._policy.review_without.isdisjoint(degraded), self._clock()
        key = check.user_id or check.transaction_id
        version = configuration.scenarios.deciding(check.tenant_id, check.event_type, key).version
        standing = Standing(profile.base_risk, profile.tier == TRUSTED) if profile is not None else None
        if version is None:
            judgement = NO_RULES.judge(NOTHING_FIRED, facts.fields.get, standing, review_floor=floor)
            return Decided(check, uuid7_text(), features, facts, judgement, None, degraded, now)
        values = configuration.values(version, check.event_type, features.set)(facts)
        snoozes = configuration.scenarios.snoozes
        judgement = version.decide(values, standing, facts.fields.get, now, snoozes, review_floor=floor)
        return Decided(check, uuid7_text(), features, facts, judgement, version.ref, degraded, now)


def _spends(sums: Mapping[str, int], table: RateTable, day: date) -> Sequence[Spend]:
    # A code that was taken before codes were looked up may be no currency: it has no rate either.
    return [Spend(code, amount, DIGITS.get(code, 0), table.at(code, day)) for code, amount in sorted(sums.items())]


def _missing(check: Check, facts: EventFacts) -> Sequence[str]:
    """Names the inputs that a check is judged without."""
    missing = []
    if check.user_id and facts.profile is None:
        missing.append("user_profile")
    if facts.currency and (facts.rate is None or any(spend.rate is None for spend in facts.elsewhere)):
        missing.append("exchange_rate")
    return missing
