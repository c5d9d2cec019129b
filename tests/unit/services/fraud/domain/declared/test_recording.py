from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from meshkit.currencies import DIGITS
from services.fraud.domain.declared.conditions import condition_of
from services.fraud.domain.declared.declaration import DeclaredSet
from services.fraud.domain.declared.feature import Aggregate
from services.fraud.domain.declared.plan import filter_of, plan_kinds
from services.fraud.domain.declared.recording import KindRecorder, currency_of
from services.fraud.domain.declared.records import MISSING
from services.fraud.domain.event import Fields, Money
from services.fraud.domain.event_types import BUILT_IN, EventType, Field, FieldType
from services.fraud.domain.expressions.tree import tree_from_json
from services.fraud.expressions.patterns import compile_pattern
from tests.support.features import counting, declared

LOAN = EventType(
    "loan",
    (Field("user_id", FieldType.STRING, key=True), Field("paid", FieldType.MONEY), Field("owed", FieldType.MONEY),
     Field("rate", FieldType.NUMBER), Field("secured", FieldType.BOOL)),
)  # fmt: skip


def test_money_in_another_currency_than_the_first_is_missing() -> None:
    features = [
        counting(f"{field}_sum", event_type="loan", aggregate=Aggregate.SUM, field=field)
        for field in ("owed", "paid", "rate")
    ]
    (plan,) = plan_kinds(features, {"loan": LOAN}).values()
    recorder = KindRecorder(plan, "loan")
    fields: Fields = {"user_id": "u", "paid": Money(500, "EUR"), "owed": Money(900, "EUR"), "rate": 1.25}
    for changed, numbers in (
        ({}, (900, 500, 1_250_000)),
        ({"owed": Money(900, "USD")}, (MISSING, 500, 1_250_000)),
        ({"rate": True}, (900, 500, MISSING)),
    ):
        event: Fields = {**fields, **changed}
        assert recorder.record(event, currency_of(event), 0, 1, 0).numbers == numbers


@pytest.mark.parametrize(
    ("where", "fields", "holds"),
    [
        ("amount > 200.0", {"amount": Money(20_001, "EUR")}, True),
        ("amount > 200.0", {"amount": Money(20_000, "EUR")}, False),
        ("amount > 200.0", {"amount": Money(201, "JPY")}, True),
        ("amount > 200.0", {"amount": Money(200_001, "KWD")}, True),
        ('channel == "web"', {"channel": "web"}, True),
        ('channel == "web"', {}, False),
        ('channel != "web"', {}, False),
        ("present(channel) || amount > 1.0", {"amount": Money(500, "EUR")}, True),
        ('email_domain(email) == "example.org"', {"email": "no mailbox"}, False),
        ('email.matches("^j.*org$")', {"email": "jane@example.org"}, True),
    ],
)
def test_a_condition_sees_units_and_holds_only_where_it_has_a_value(where: str, fields: Fields, holds: bool) -> None:
    tree = tree_from_json(json.loads(declared(counting("n", where=where), DeclaredSet()).tree))
    assert condition_of(tree, DIGITS, compile_pattern)(fields) is holds


def test_a_filter_holds_for_its_event_types_alone() -> None:
    of_payments = counting("a", where='user_id == "u"')
    of_both = counting("b", counts=("login", "payment"), where='user_id == "u"')
    (plan,) = plan_kinds([of_payments, of_both], BUILT_IN).values()
    filters = {filter_of(each): lambda _: True for each in (of_payments, of_both)}
    bits = {name: KindRecorder(plan, name, filters).record({"user_id": "u"}, 0, 0, 1, 0).filters for name in plan.types}
    both, payments = (1 << plan.filters.index(filter_of(each)) for each in (of_both, of_payments))
    assert bits == {"payment": both | payments, "login": both}


def test_times_and_texts_are_compared_as_they_are() -> None:
    claims = counting(
        "n", key="claimant_id", event_type="claim", where='incident_time < timestamp("2026-01-01T00:00:00Z")'
    )
    tree = tree_from_json(json.loads(declared(claims, DeclaredSet()).tree))
    holds = condition_of(tree, DIGITS, compile_pattern)
    assert [holds({"incident_time": datetime(year, 1, 1, tzinfo=UTC)}) for year in (2025, 2026)] == [True, False]
