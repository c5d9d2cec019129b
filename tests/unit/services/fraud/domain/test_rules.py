"""Each rule at its boundary, and what holds for all of them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from services.fraud.domain.profile import Profile
from services.fraud.domain.rates import Rate, Spend
from services.fraud.domain.scenarios.facts import EventFacts
from services.fraud.domain.scenarios.rule import ScenarioRule
from services.fraud.domain.scenarios.starter import STARTER
from tests.support.fraud import facts, judged

ELEVATED = Profile(tier="elevated")
Case = dict[str, Any]

# Code, facts to which the rule just applies, facts to which it just does not.
BOUNDARIES: list[tuple[str, Case, Case]] = [
    ("PROFILE_BLOCKED", {"profile": Profile(tier="blocked")}, {"profile": ELEVATED}),
    ("PROFILE_ELEVATED", {"profile": ELEVATED}, {"profile": Profile(tier="trusted")}),
    ("CHARGEBACKS", {"profile": Profile(chargeback_count=1)}, {"profile": Profile(chargeback_count=0)}),
    ("CHARGEBACKS_REPEATED", {"profile": Profile(chargeback_count=3)}, {"profile": Profile(chargeback_count=2)}),
    ("AMOUNT_VERY_HIGH", {"amount_minor": 500_000}, {"amount_minor": 499_999}),
    ("AMOUNT_HIGH", {"amount_minor": 20_000}, {"amount_minor": 19_999}),
    ("AMOUNT_HIGH", {"amount_minor": 499_999}, {"amount_minor": 500_000}),
    ("AMOUNT_HIGH", {"amount_minor": 500, "currency": "JPY"}, {"amount_minor": 500, "currency": "KWD"}),
    (
        "AMOUNT_ABOVE_USUAL",
        {"amount_minor": 8_001, "user_currency_count_24h": 3, "user_sum_24h": 6_000},
        {"amount_minor": 8_000, "user_currency_count_24h": 3, "user_sum_24h": 6_000},
    ),
    (
        "AMOUNT_ABOVE_USUAL",
        {"amount_minor": 5_000, "user_currency_count_24h": 3, "user_sum_24h": 300},
        {"amount_minor": 4_999, "user_currency_count_24h": 3, "user_sum_24h": 300},
    ),
    (
        "AMOUNT_ABOVE_USUAL",
        {"amount_minor": 9_000, "user_currency_count_24h": 2, "user_sum_24h": 200},
        {"amount_minor": 9_000, "user_currency_count_24h": 1, "user_sum_24h": 100},
    ),
    ("USER_VELOCITY_1M", {"user_count_1m": 5}, {"user_count_1m": 4}),
    ("USER_VELOCITY_1H", {"user_count_1h": 20}, {"user_count_1h": 19}),
    ("USER_SPEND_24H", {"user_sum_24h": 1_000_000}, {"user_sum_24h": 999_999}),
    ("USER_MANY_DEVICES", {"user_distinct_24h": 4}, {"user_distinct_24h": 3}),
    ("NEW_DEVICE", {"user_new_device": 1, "user_count_24h": 1}, {"user_new_device": 1, "user_count_24h": 0}),
    ("NEW_DEVICE", {"user_new_device": 1, "user_count_24h": 1}, {"user_new_device": 0, "user_count_24h": 1}),
    ("DEVICE_VELOCITY_1M", {"device_count_1m": 10}, {"device_count_1m": 9}),
    ("DEVICE_SHARED", {"device_distinct_24h": 3}, {"device_distinct_24h": 2}),
    ("IP_VELOCITY_1M", {"ip_count_1m": 30}, {"ip_count_1m": 29}),
    ("IP_SHARED", {"ip_distinct_1h": 10}, {"ip_distinct_1h": 9}),
    ("MERCHANT_BURST", {"merchant_distinct_1m": 50}, {"merchant_distinct_1m": 49}),
]


def codes(made: EventFacts) -> set[str]:
    return {factor.code for factor in judged(made).verdict.factors}


@pytest.mark.parametrize(("code", "inside", "outside"), BOUNDARIES, ids=[case[0] for case in BOUNDARIES])
def test_rule_applies_at_its_boundary_and_not_beyond(code: str, inside: Case, outside: Case) -> None:
    assert code in codes(facts(**inside))
    assert code not in codes(facts(**outside))


def test_every_rule_has_a_boundary_in_the_table() -> None:
    assert {code for code, _, _ in BOUNDARIES} == {rule.code for rule in STARTER.rules}


def test_no_rule_applies_to_a_first_small_payment() -> None:
    assert codes(facts()) == set()


def test_rules_about_the_profile_are_silent_without_one() -> None:
    assert codes(facts(profile=None)) == set()


def test_codes_are_unique_and_upper_snake() -> None:
    found = [rule.code for rule in STARTER.rules]
    assert len(set(found)) == len(found)
    assert all(re.fullmatch(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*", code) for code in found)


@pytest.mark.parametrize("rule", STARTER.rules, ids=lambda rule: rule.code)
def test_weight_is_a_share_of_certainty_and_the_words_are_a_sentence(rule: ScenarioRule) -> None:
    assert 0 < rule.contribution < 1
    (inside, *_) = [case for code, case, _ in BOUNDARIES if code == rule.code]
    (words,) = [each.message for each in judged(facts(**inside)).verdict.factors if each.code == rule.code]
    assert re.fullmatch(r"[A-Z][^{}]*\.", words)


EUROS = Rate(1.1, "2026-01-01")
YEN = Rate(0.0066, "2026-01-01")
DINARS = Rate(3.25, "2026-01-01")


@pytest.mark.parametrize(
    ("currency", "minor", "rate", "expected"),
    [
        ("JPY", 5_000, YEN, set()),
        ("JPY", 40_000, YEN, {"AMOUNT_HIGH"}),
        ("JPY", 800_000, YEN, {"AMOUNT_VERY_HIGH"}),
        ("KWD", 4_999_000, DINARS, {"AMOUNT_VERY_HIGH"}),
        ("EUR", 18_182, EUROS, {"AMOUNT_HIGH"}),
        ("EUR", 18_181, EUROS, set()),
        ("KWD", 4_999_000, None, set()),
    ],
)
def test_amounts_are_judged_by_their_worth_in_dollars(
    currency: str, minor: int, rate: Rate | None, expected: set[str]
) -> None:
    assert codes(facts(amount_minor=minor, currency=currency, rate=rate)) == expected


def test_words_about_an_amount_say_its_currency_its_worth_and_the_day_of_the_rate() -> None:
    made = facts(amount_minor=4_700_00, currency="EUR", rate=Rate(1.08, "2026-10-01"))
    (factor,) = judged(made).verdict.factors
    assert factor.message == "The amount 4700.00 EUR, 5076.00 USD at the rate of 2026-10-01, is 5000 USD or more."
    (factor,) = judged(facts(amount_minor=540_000)).verdict.factors
    assert factor.message == "The amount 5400.00 USD is 5000 USD or more."


def test_mean_is_of_transactions_in_the_same_currency() -> None:
    """Five payments in another currency before do not thin out the mean of two in this one."""
    made = facts(amount_minor=10_000, user_count_24h=7, user_currency_count_24h=2, user_sum_24h=18_000)
    assert "AMOUNT_ABOVE_USUAL" not in codes(made)
    first = facts(amount_minor=10_000, user_count_24h=7, user_currency_count_24h=0, user_sum_24h=0)
    assert "AMOUNT_ABOVE_USUAL" not in codes(first)


def test_spend_is_over_all_currencies_that_have_a_rate() -> None:
    own = facts(user_sum_24h=600_000)
    elsewhere = [Spend("EUR", 400_000, 2, EUROS), Spend("JPY", 10**9, 0, None)]
    assert "USER_SPEND_24H" in codes(own._replace(elsewhere=elsewhere))
    assert "USER_SPEND_24H" not in codes(own._replace(elsewhere=elsewhere[1:]))
