"""A set of declared features compiles whole and in part, and computes the same wherever it is computed."""

from __future__ import annotations

from services.fraud.domain.backtests.anew import FeaturesAnew, asked_features
from services.fraud.domain.backtests.arrived import ArrivedEvent
from services.fraud.domain.declared.declaration import DeclaredFeatures, DeclaredSet, DerivedFeature
from services.fraud.domain.declared.feature import Aggregate
from services.fraud.domain.declared.feature_set import FeatureSet
from services.fraud.domain.declared.starter import STARTER
from services.fraud.domain.declared.vector import layout_of, rejoined, split
from services.fraud.domain.event import Fields, Money
from services.fraud.domain.event_types import BUILT_IN
from services.fraud.domain.expressions.types import ValueKind
from services.fraud.domain.scenarios.vocabulary import of_event
from services.fraud.service.tenants.features import TenantFeatures
from tests.support.features import counting, following

SMALL = counting("small_mean", aggregate=Aggregate.MEAN, field="amount", where="amount < 100.0")
LOGINS = counting("logins", event_type="login", counts=("payment",))


FRAUD, SHARE, KNOWN = (
    counting(each.value, aggregate=each)
    for each in (Aggregate.COUNT_FRAUD, Aggregate.SHARE_FRAUD, Aggregate.KNOWN_FRAUD)
)


def ratio(name: str, expression: str, event_type: str = "payment") -> DerivedFeature:
    return DerivedFeature(name=name, event_type=event_type, expression=expression)


def _compiled() -> FeatureSet:
    first = following(DeclaredSet(), SMALL, counting("n"), LOGINS)
    second = following(first, ratio("times", "amount / small_mean"), ratio("twice", "logins * 2", "login"))
    last = following(second, ratio("more", "times + double(n)"))
    return TenantFeatures(DeclaredFeatures(last, last), BUILT_IN).set


def paid(minor: int, currency: str = "EUR") -> Fields:
    return {"user_id": "u", "amount": Money(minor, currency), "channel": "web"}


def test_values_of_derived_features_stand_behind_the_others() -> None:
    features = _compiled()
    assert features.names[-3:] == ("times", "twice", "more")
    assert set(features.names) == {*STARTER.names, "small_mean", "n", "logins", "times", "twice", "more"}
    assert features.numbers >= {features.names.index(name) for name in ("small_mean", "times", "twice", "more")}


def test_a_part_has_what_its_derived_features_are_computed_of() -> None:
    part = asked_features(_compiled(), {"more", "amount"})
    assert set(part.names) == {"n", "small_mean", "times", "more"}
    assert asked_features(_compiled(), {"n"}).names == ("n",)


def test_what_is_known_of_fraud_is_a_whole_number_a_number_and_a_truth_value() -> None:
    kinds = of_event(BUILT_IN["payment"], [FRAUD, SHARE, KNOWN])
    assert [kinds[each.name] for each in (FRAUD, SHARE, KNOWN)] == [ValueKind.INT, ValueKind.DOUBLE, ValueKind.BOOL]
    layout = layout_of([FRAUD, SHARE, KNOWN])
    assert (set(layout.numbers), set(layout.flags)) == ({1}, {2})
    for values in ([3, 0.375, True], [0, 0.0, False]):
        found = rejoined(layout, *split(layout, values))
        assert [(each, type(each)) for each in found] == [(each, type(each)) for each in values]


def test_labels_belong_in_the_logs_whose_features_read_them_and_count_the_event() -> None:
    devices = counting(
        "d", key="device_fingerprint", event_type="login", counts=("payment",), aggregate=KNOWN.aggregate
    )
    both = counting("b", key="card_fingerprint+user_id", aggregate=SHARE.aggregate)
    features = FeatureSet("t1", [FRAUD, devices, both, counting("m", key="merchant_id")], BUILT_IN)
    fields: Fields = {"user_id": "u", "device_fingerprint": "d", "merchant_id": "m"}
    found = [(recorder.plan.name, value) for recorder, value in features.labelled("payment", fields)]
    assert found == [("user_id", "u"), ("device_fingerprint", "d")]
    whole = dict(fields, card_fingerprint="c")
    assert [value for _, value in features.labelled("payment", whole)] == ["u", "d", "c\0u"]
    assert list(features.labelled("login", fields)) == []


def test_features_are_computed_anew_with_their_conditions_and_in_units() -> None:
    anew = FeaturesAnew("7b0f9a52-6c1e-4d3a-9f10-2d4c6a8e0b11", asked_features(_compiled(), {"more", "twice"}), 0)
    login: Fields = {"user_id": "u", "success": True}
    payments: list[Fields] = [paid(5_000), paid(20_000), paid(3_000), paid(900, "USD")]
    found = []
    for number, fields in enumerate([*payments, login]):
        event_type = "login" if fields is login else "payment"
        values = anew.take(ArrivedEvent(f"t{number}", event_type, fields, number, number))
        found.append(dict(zip(anew.features.names, values, strict=True)))
    assert [each["small_mean"] for each in found] == [None, 5_000.0, 5_000.0, None, None]
    assert [each["times"] for each in found] == [None, 4.0, 0.6, None, None]
    assert [each["more"] for each in found] == [None, 5.0, 2.6, None, None]
    assert [each["twice"] for each in found] == [None, None, None, None, 8.0]
