from __future__ import annotations

from dataclasses import replace

import pytest

from services.fraud.domain.declared.checking import check_features
from services.fraud.domain.declared.feature import Aggregate, Boundary, Feature
from services.fraud.domain.declared.plan import KindPlan, NumberColumn, covers, plan_kinds
from services.fraud.domain.event_types import BUILT_IN

HOUR, DAY = 3_600_000, 86_400_000
COUNT = Feature(name="n", event_type="payment", key=("user_id",), aggregate=Aggregate.COUNT, window_ms=HOUR)
SUM = replace(COUNT, name="spent", aggregate=Aggregate.SUM, field="amount")
DEVICES = replace(COUNT, name="devices", aggregate=Aggregate.DISTINCT, field="device_fingerprint")


def _plan(*features: Feature) -> KindPlan:
    (plan,) = plan_kinds(features, BUILT_IN).values()
    return plan


def test_a_kind_holds_what_its_features_need_and_knows_their_places() -> None:
    other = replace(COUNT, name="m", key=("device_fingerprint",))
    both = replace(COUNT, name="b", key=("user_id", "device_fingerprint"), where="amount > 1.0")
    plans = plan_kinds([COUNT, other, SUM, both, DEVICES], BUILT_IN)
    assert set(plans) == {"user_id", "device_fingerprint", "device_fingerprint+user_id"}
    plan = plans["user_id"]
    assert (plan.places, plan.types, plan.numbers) == ((0, 2, 4), ("payment",), (NumberColumn("amount", True),))
    assert (plan.counterparts, plan.filters) == (("device_fingerprint",), ())
    assert plans["device_fingerprint+user_id"].filters == ("amount > 1.0",)


def test_a_type_that_only_reads_is_not_logged() -> None:
    plan = _plan(replace(COUNT, event_type="login", counts=("payment",)))
    assert (plan.types, plan.readers, plan.type_index("login")) == (("payment",), ("login",), 1)


def test_what_is_kept_is_as_long_as_the_widest_window_with_its_delay() -> None:
    assert _plan(COUNT, replace(SUM, window_ms=7 * DAY, delay_ms=DAY)).retention_ms == 8 * DAY


@pytest.mark.parametrize(
    ("feature", "same"),
    [
        (replace(SUM, name="x", window_ms=30 * DAY), True),
        (replace(SUM, name="x", aggregate=Aggregate.MAX, delay_ms=DAY, boundary=Boundary.FROM_START), True),
        (DEVICES, False),
        (replace(COUNT, name="x", where="amount > 1.0"), False),
        (replace(COUNT, name="x", counts=("login",)), False),
    ],
)
def test_a_schema_depends_on_columns_and_not_on_windows(feature: Feature, same: bool) -> None:
    old, new = _plan(COUNT, SUM), _plan(COUNT, SUM, feature)
    assert (old.schema == new.schema) is same
    assert covers(old, new) is same
    assert covers(new, old)


def test_a_schema_is_the_same_whatever_the_order() -> None:
    assert _plan(COUNT, SUM, DEVICES).schema == _plan(DEVICES, SUM, COUNT).schema


def test_sound_features_have_no_problem() -> None:
    assert check_features([COUNT, SUM, DEVICES], BUILT_IN) == []


@pytest.mark.parametrize(
    ("feature", "field"),
    [
        (replace(COUNT, name="N"), "name"),
        (replace(COUNT, name="a" * 64), "name"),
        (replace(COUNT, name="amount"), "name"),
        (replace(COUNT, name="lists"), "name"),
        (replace(COUNT, key=()), "key"),
        (replace(COUNT, key=("user_id", "user_id")), "key"),
        (replace(COUNT, key=("channel",)), "key"),
        (replace(COUNT, event_type="nothing"), "event_type"),
        (replace(COUNT, counts=("nothing",)), "counts"),
        (replace(COUNT, counts=("payment", "payment")), "counts"),
        (replace(COUNT, counts=("claim",)), "key"),
        (replace(COUNT, window_ms=999), "window"),
        (replace(COUNT, window_ms=30 * DAY + 1), "window"),
        (replace(COUNT, delay_ms=-1), "delay"),
        (replace(COUNT, delay_ms=30 * DAY + 1), "delay"),
        (replace(COUNT, field="amount"), "field"),
        (replace(SUM, field=""), "field"),
        (replace(SUM, field="nothing"), "field"),
        (replace(SUM, field="channel"), "field"),
        (replace(COUNT, boundary=Boundary.FROM_START, include_current=True), "include_current"),
        (replace(COUNT, delay_ms=1, include_current=True), "include_current"),
        (replace(DEVICES, aggregate=Aggregate.IS_NEW, include_current=True), "include_current"),
        (replace(SUM, same_currency=True), "same_currency"),
        (replace(SUM, aggregate=Aggregate.MEAN, converted=True), "converted"),
        (replace(SUM, event_type="login", counts=("payment",)), "event_type"),
        (
            replace(DEVICES, aggregate=Aggregate.IS_NEW, event_type="login", counts=("payment",), field="channel"),
            "field",
        ),
    ],
)
def test_a_wrong_declaration_is_told_with_the_field_that_is_wrong(feature: Feature, field: str) -> None:
    problems = check_features([feature], BUILT_IN)
    assert [(problem.feature, problem.field) for problem in problems] == [(feature.name, field)]


@pytest.mark.parametrize(
    ("features", "field"),
    [
        ([COUNT, replace(SUM, name="n")], "name"),
        ([replace(COUNT, name=f"n{number}") for number in range(201)], "features"),
        ([replace(COUNT, name=f"n{number}", where=f"amount > {number}.0") for number in range(17)], "where"),
    ],
)
def test_too_many_and_double_features_are_told(features: list[Feature], field: str) -> None:
    assert [problem.field for problem in check_features(features, BUILT_IN)] == [field]


def test_limits_are_within_bounds() -> None:
    features = [replace(COUNT, name=f"n{number}", where=f"amount > {number % 16}.0") for number in range(200)]
    assert check_features(features, BUILT_IN) == []
