"""The starter scenario answers as the rules of the service do."""

from __future__ import annotations

import os
import random
from datetime import UTC, datetime

from services.fraud.domain.declared.starter import STARTER as FEATURES
from services.fraud.domain.declared.starter import STARTER_FEATURES
from services.fraud.domain.event import Money
from services.fraud.domain.event_types import PAYMENT
from services.fraud.domain.profile import Profile
from services.fraud.domain.rates import PAR, Rate, Spend
from services.fraud.domain.scenarios.checking import content_faults
from services.fraud.domain.scenarios.compiled import CompiledScenario
from services.fraud.domain.scenarios.facts import EventFacts, value_reader
from services.fraud.domain.scenarios.judging import Standing
from services.fraud.domain.scenarios.starter import STARTER, STARTER_REF, starter_trees
from services.fraud.domain.scenarios.vocabulary import variables_of
from tests.support.former_rules import FormerFacts, judge_as_before

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CASES = int(os.environ.get("RAMPART_STARTER_CASES", "6000"))
RATES = (PAR, None, Rate(1.08, "2026-01-01"), Rate(0.0066, "2026-02-01"), Rate(1e6, "2026-02-01"))
AMOUNTS = (0, 1, 4_999, 5_000, 5_001, 19_999, 20_000, 20_001, 499_999, 500_000, 500_001, 1_000_000)


def random_facts(choice: random.Random) -> FormerFacts:
    tier = choice.choice(["trusted", "standard", "elevated", "blocked"])
    profile = Profile(choice.random() < 0.5, round(choice.random(), 3), tier, choice.choice([0, 0, 0, 1, 2, 3, 7]))
    mean = choice.choice([0.2, 3, 10, 100])
    features = {name: int(choice.expovariate(1 / mean)) for name in FEATURES.names}
    features["user_new_device"] = choice.randrange(2)
    features["user_sum_24h"] = choice.choice([0, choice.randrange(10**7)])
    amount = choice.choice([choice.choice(AMOUNTS), choice.randrange(10 ** choice.randrange(1, 9))])
    spends = [
        Spend("EUR", choice.randrange(10**6), 2, choice.choice([None, Rate(1.08, "2026-01-01")]))
        for _ in range(choice.choice([0, 0, 1, 2]))
    ]
    rate = choice.choice(RATES)
    currency = "USD" if rate is PAR else "XTS"
    digits = choice.choice([0, 2, 2, 2, 3, 4])
    return FormerFacts(
        amount, digits, "online", features, choice.choice([None, profile, profile]), currency, rate, spends
    )


def as_now(former: FormerFacts) -> EventFacts:
    """Returns the same facts as rules of now read them."""
    features = {**former.features, "user_new_device": bool(former.features["user_new_device"])}
    return EventFacts(
        fields={"user_id": "u1", "amount": Money(former.amount_minor, former.currency), "channel": former.channel},
        features=[features[name] for name in FEATURES.names],
        currency=former.currency,
        digits=former.currency_digits,
        profile=former.profile,
        rate=former.rate,
        elsewhere=former.elsewhere,
    )


def test_every_answer_is_the_same() -> None:
    """RAMPART_STARTER_CASES says how many are compared."""
    choice = random.Random(9)
    compiled = CompiledScenario(STARTER_REF, STARTER, starter_trees())
    seen = set()
    for _ in range(CASES):
        facts, floor = random_facts(choice), choice.random() < 0.1
        profile = facts.profile
        standing = Standing(profile.base_risk, profile.tier == "trusted") if profile else None
        read = value_reader(compiled.names, PAYMENT, FEATURES, {facts.currency: facts.currency_digits})
        judgement = compiled.decide(read(as_now(facts)), standing, lambda _: None, NOW, review_floor=floor)
        assert judgement.verdict == judge_as_before(facts, floor), facts
        assert not judgement.errors
        seen |= {factor.code for factor in judgement.verdict.factors}
    assert seen == {rule.code for rule in STARTER.rules}


def test_it_is_well_formed_and_counts_what_it_names() -> None:
    variables = variables_of(PAYMENT, STARTER_FEATURES)
    assert not content_faults(STARTER, variables)
    declared = {feature.name for feature in STARTER_FEATURES}
    named = {name for name in variables if any(name in rule.expression + rule.words for rule in STARTER.rules)}
    assert named & {feature.name for feature in STARTER_FEATURES} <= declared
