from __future__ import annotations

from dataclasses import replace

import pytest

from services.fraud.domain.declared.checking import check_features
from services.fraud.domain.declared.feature import Aggregate, Boundary, Feature
from services.fraud.domain.declared.plan import KindFilter, KindPlan, NumberColumn, plan_kinds, plan_reading
from services.fraud.domain.event_types import BUILT_IN, EventType, Field, FieldType
from services.fraud.domain.scenarios.vocabulary import PREPARED

USER = Field("user_id", FieldType.STRING, key=True)
HOUR, DAY = 3_600_000, 86_400_000
COUNT = Feature(name="n", event_type="payment", key=("user_id",), aggregate=Aggregate.COUNT, window_ms=HOUR)
SUM = replace(COUNT, name="spent", aggregate=Aggregate.SUM, field="amount")
TRAVEL = replace(
    COUNT, name="kmh", event_type="login", aggregate=Aggregate.TRAVEL_SPEED, field="ip_address", window_ms=DAY
)
SHARE = replace(COUNT, name="share", aggregate=Aggregate.SHARE_FRAUD, delay_ms=7 * DAY)
DEVICES = replace(COUNT, name="devices", aggregate=Aggregate.DISTINCT, field="device_fingerprint")


def _plan(*features: Feature) -> KindPlan:
    (plan,) = plan_kinds(features, BUILT_IN).values()
    return plan


def test_a_kind_holds_what_its_features_need() -> None:
    other = replace(COUNT, name="m", key=("device_fingerprint",))
    both = replace(COUNT, name="b", key=("user_id", "device_fingerprint"), where="amount > 1.0")
    plans = plan_kinds([COUNT, other, SUM, both, DEVICES], BUILT_IN)
    assert set(plans) == {"user_id", "device_fingerprint", "device_fingerprint+user_id"}
    plan = plans["user_id"]
    assert (plan.features, plan.types, plan.numbers) == (
        (COUNT, SUM, DEVICES),
        ("payment",),
        (NumberColumn("amount", True),),
    )
    assert (plan.counterparts, plan.filters) == (("device_fingerprint",), ())
    assert plans["device_fingerprint+user_id"].filters == (KindFilter("amount > 1.0", ("payment",)),)


def test_a_type_that_only_reads_is_not_logged() -> None:
    plan = _plan(replace(COUNT, event_type="login", counts=("payment",)))
    assert (plan.types, plan.readers, plan.type_index("login")) == (("payment",), ("login",), 1)


def test_what_is_kept_is_as_long_as_the_widest_window_with_its_delay() -> None:
    assert _plan(COUNT, replace(SUM, window_ms=7 * DAY, delay_ms=DAY)).retention_ms == 8 * DAY
    assert _plan(COUNT, replace(SUM, window_ms=400 * DAY, delay_ms=DAY)).retention_ms == 31 * DAY


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


def test_a_log_without_places_is_the_one_that_it_was_before_there_were_any() -> None:
    assert _plan(COUNT, SUM, DEVICES).schema == "1fedabe822c3525c"
    with_places = _plan(COUNT, SUM, DEVICES, TRAVEL)
    assert with_places.schema != _plan(COUNT, SUM, DEVICES).schema
    assert with_places.numbers[1] == NumberColumn("ip_address", False, True)
    assert (with_places.has_place, _plan(COUNT, SUM, DEVICES).has_place) == (True, False)


@pytest.mark.parametrize("aggregate", [Aggregate.COUNT_FRAUD, Aggregate.SHARE_FRAUD, Aggregate.KNOWN_FRAUD])
def test_a_kind_with_a_feature_of_labels_has_them_in_a_log_of_its_own(aggregate: Aggregate) -> None:
    plain, labelled = _plan(COUNT, SUM, DEVICES), _plan(COUNT, SUM, DEVICES, replace(SHARE, aggregate=aggregate))
    assert (plain.labelled, labelled.labelled) == (False, True)
    assert (plain.schema, labelled.schema) == ("1fedabe822c3525c", "40837256e0bf9581")
    assert (labelled.numbers, labelled.counterparts) == (plain.numbers, plain.counterparts)


@pytest.mark.parametrize(
    ("logged", "missing"),
    [
        (_plan(replace(COUNT, delay_ms=7 * DAY)), {"share"}),
        (_plan(replace(COUNT, delay_ms=7 * DAY), replace(SHARE, name="s", aggregate=Aggregate.KNOWN_FRAUD)), set()),
        (_plan(COUNT, replace(SHARE, name="s", delay_ms=0)), {"share"}),
    ],
)
def test_a_share_of_fraud_is_read_of_logs_with_labels_that_reach_as_far(logged: KindPlan, missing: set[str]) -> None:
    read = plan_reading(logged, _plan(COUNT, SHARE))
    assert (set(read.missing), read.labelled, read.schema) == (missing, logged.labelled, logged.schema)


def test_equal_plans_are_one() -> None:
    assert _plan(COUNT, SUM) is _plan(COUNT, replace(SUM))
    assert _plan(COUNT, SUM) is not _plan(COUNT, replace(SUM, window_ms=DAY))


@pytest.mark.parametrize(
    ("feature", "is_read"),
    [
        (replace(SUM, name="x", aggregate=Aggregate.MAX), True),
        (replace(SUM, name="x", window_ms=7 * DAY), True),
        (replace(SUM, name="x", window_ms=7 * DAY, delay_ms=1), False),
        (replace(SUM, name="x", where="amount > 1.0"), True),
        (replace(SUM, name="x", where="amount > 2.0"), False),
        (replace(COUNT, name="x", counts=("payment", "login"), where="user_id == 'u'"), False),
        (replace(COUNT, name="x", event_type="login", counts=("payment",)), True),
        (replace(COUNT, name="x", event_type="login", counts=("login",)), False),
        (DEVICES, False),
        (replace(COUNT, name="x", aggregate=Aggregate.LAST_SEEN), True),
    ],
)
def test_logs_of_before_are_read_for_what_they_have(feature: Feature, is_read: bool) -> None:
    logged = _plan(replace(COUNT, window_ms=7 * DAY), SUM, replace(SUM, name="y", where="amount > 1.0"))
    wanted = _plan(COUNT, feature)
    read = plan_reading(logged, wanted)
    assert read.missing == (frozenset() if is_read else {feature.name})
    assert (read.features, read.schema, read.retention_ms) == (wanted.features, logged.schema, logged.retention_ms)
    assert read.readers == (("login",) if is_read and feature.event_type == "login" else ())


def test_a_schema_is_the_same_whatever_the_order() -> None:
    assert _plan(COUNT, SUM, DEVICES).schema == _plan(DEVICES, SUM, COUNT).schema


def test_sound_features_have_no_problem() -> None:
    of_both = replace(TRAVEL, name="both", counts=("login", "payment"), delay_ms=HOUR, where="user_id != 'x'")
    of_cards = replace(SHARE, name="c", key=("user_id", "card_fingerprint"), window_ms=30 * DAY, delay_ms=30 * DAY)
    assert check_features([COUNT, SUM, DEVICES, TRAVEL, of_both, SHARE, of_cards], BUILT_IN) == []


@pytest.mark.parametrize(
    ("feature", "field"),
    [
        (replace(COUNT, name="N"), "name"),
        (replace(COUNT, name="a" * 64), "name"),
        (replace(COUNT, name="amount"), "name"),
        (replace(COUNT, name="lists"), "name"),
        (replace(COUNT, name="while"), "name"),
        (replace(COUNT, name="double"), "name"),
        (replace(COUNT, name="amount_usd"), "name"),
        (replace(COUNT, key=()), "key"),
        (replace(COUNT, key=("user_id", "user_id")), "key"),
        (replace(COUNT, key=("channel",)), "key"),
        (replace(COUNT, event_type="nothing"), "event_type"),
        (replace(COUNT, counts=("nothing",)), "counts"),
        (replace(COUNT, counts=("payment", "payment")), "counts"),
        (replace(COUNT, counts=("claim",)), "key"),
        (replace(COUNT, window_ms=999), "window"),
        (replace(COUNT, window_ms=400 * DAY + 1), "window"),
        (replace(COUNT, aggregate=Aggregate.DISTINCT, field="channel", window_ms=30 * DAY + 1), "window"),
        (replace(COUNT, aggregate=Aggregate.IS_NEW, field="channel", window_ms=30 * DAY + 1), "window"),
        (replace(COUNT, delay_ms=-1), "delay"),
        (replace(COUNT, delay_ms=30 * DAY + 1), "delay"),
        (replace(COUNT, field="amount"), "field"),
        (replace(SUM, field=""), "field"),
        (replace(SUM, field="nothing"), "field"),
        (replace(SUM, field="channel"), "field"),
        (replace(COUNT, boundary=Boundary.FROM_START, include_current=True), "include_current"),
        (replace(COUNT, delay_ms=1, include_current=True), "include_current"),
        (replace(COUNT, counts=("login",), include_current=True), "include_current"),
        (replace(DEVICES, aggregate=Aggregate.IS_NEW, include_current=True), "include_current"),
        (replace(TRAVEL, field=""), "field"),
        (replace(TRAVEL, field="device_fingerprint"), "field"),
        (replace(TRAVEL, include_current=True), "include_current"),
        (replace(TRAVEL, window_ms=31 * DAY), "window"),
        (replace(SHARE, field="amount"), "field"),
        (replace(SHARE, delay_ms=0, include_current=True), "include_current"),
        (replace(SHARE, same_currency=True), "same_currency"),
        (replace(SHARE, converted=True), "converted"),
        (replace(SHARE, window_ms=30 * DAY + 1), "window"),
        (replace(SHARE, aggregate=Aggregate.COUNT_FRAUD, window_ms=31 * DAY), "window"),
        (replace(SHARE, aggregate=Aggregate.KNOWN_FRAUD, delay_ms=30 * DAY + 1), "delay"),
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
    problems = check_features([feature], BUILT_IN, PREPARED)
    assert [(problem.feature, problem.field) for problem in problems] == [(feature.name, field)]


@pytest.mark.parametrize(
    ("features", "field"),
    [
        ([COUNT, replace(SUM, name="n")], "name"),
        ([replace(COUNT, name=f"n{number}", where=f"amount > {number}.0") for number in range(17)], "where"),
    ],
)
def test_too_many_and_double_features_are_told(features: list[Feature], field: str) -> None:
    assert [problem.field for problem in check_features(features, BUILT_IN)] == [field]


@pytest.mark.parametrize(
    "field", [Field("ip_address", FieldType.STRING), Field("ip_address", FieldType.IP, retired=True), None]
)
def test_travel_needs_an_address_in_all_that_is_counted_and_in_what_reads(field: Field | None) -> None:
    types = {**BUILT_IN, "visit": EventType("visit", (USER, *([field] if field else ())))}
    for feature in (replace(TRAVEL, counts=("login", "visit")), replace(TRAVEL, event_type="visit", counts=("login",))):
        assert {(each.feature, each.field) for each in check_features([feature], types)} == {("kmh", "field")}


def test_limits_are_within_bounds() -> None:
    features = [replace(COUNT, name=f"n{number}", where=f"amount > {number % 16}.0") for number in range(200)]
    assert check_features(features, BUILT_IN) == []
