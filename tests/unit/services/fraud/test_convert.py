"""A stored decision can be computed again and comes out identical."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from rampart.fraud.v1 import decision_pb2, event_pb2, fraud_service_pb2

from meshkit.context import Principal
from meshkit.errors import MeshError
from services.fraud import convert
from services.fraud.domain.check import Check, Decided, Features
from services.fraud.domain.features import NAMES, VERSION
from services.fraud.domain.rules import Facts, Profile
from services.fraud.domain.verdict import Verdict, judge
from tests.support.fraud import check, facts, new_tenant, principal, request

TENANT = new_tenant()
NOW = datetime(2026, 11, 21, 4, 10, 37, 123456, tzinfo=UTC)


def check_of(asked: fraud_service_pb2.CheckFraudRequest, caller: Principal) -> Check:
    return convert.check_from_proto(asked, caller, "t-1")


def render(
    about: Check, basis: Facts, features: Features, verdict: Verdict, degraded: tuple[str, ...], when: datetime
) -> convert.DecisionRecord:
    return convert.decided_to_record(Decided(about, "d-1", features, basis, verdict, degraded, when))


def random_facts(choice: random.Random) -> Facts:
    profile = Profile(
        choice.random() < 0.5,
        choice.random(),
        choice.choice(["trusted", "standard", "elevated", "blocked"]),
        choice.choice([0, 0, 1, 3]),
    )
    values = {name: int(choice.expovariate(1 / choice.choice([1, 10, 100, 10_000]))) for name in NAMES}
    return facts(choice.choice([None, profile]), choice.randrange(10**7), choice.choice([0, 2, 3, 4]), **values)


@pytest.mark.parametrize("seed", range(20))
def test_decision_computed_again_from_its_stored_inputs_is_identical(seed: int) -> None:
    choice = random.Random(seed)
    for _ in range(50):
        basis = random_facts(choice)
        floor = choice.random() < 0.3
        features = Features(list(basis.features.values()), NOW)
        made = render(check(TENANT), basis, features, judge(basis, floor), ("user_profile",) if floor else (), NOW)
        answer = decision_pb2.Decision.FromString(made.answer)
        inputs = decision_pb2.DecisionInputs.FromString(made.inputs)
        again = judge(convert.facts_from_proto(inputs), review_floor="user_profile" in inputs.degraded)
        assert (again.outcome, again.score) == (answer.outcome, answer.confidence_score)
        assert [factor.code for factor in again.factors] == list(answer.risk_factors)
        assert [(factor.code, factor.message, factor.contribution) for factor in again.factors] == [
            (each.reason_code, each.message, each.contribution) for each in answer.explanations
        ]
        assert answer.is_fraudulent == (answer.outcome == "decline")


def test_inputs_are_shown_under_their_names() -> None:
    basis = facts(user_count_1m=3, user_new_device=1)
    made = render(check(TENANT), basis, Features(list(basis.features.values()), NOW), judge(basis), (), NOW)
    assert decision_pb2.DecisionInputs.FromString(made.inputs).vector.version == VERSION
    shown = convert.stored_to_proto(made.answer, made.inputs)
    assert set(shown.inputs.features) == set(NAMES)
    assert (shown.inputs.features["user_count_1m"], shown.inputs.features["user_new_device"]) == (3, 1)
    assert not shown.inputs.HasField("vector")
    shown.ClearField("inputs")
    assert shown == decision_pb2.Decision.FromString(made.answer)


@pytest.mark.parametrize(
    "when",
    [NOW, datetime(1970, 1, 1, tzinfo=UTC), datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
     datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)],
)  # fmt: skip
def test_times_are_rendered_as_protobuf_renders_them(when: datetime) -> None:
    basis, expected = facts(), Timestamp()
    expected.FromDatetime(when)
    made = render(check(TENANT), basis, Features(list(basis.features.values()), when), judge(basis), (), when)
    answer = decision_pb2.Decision.FromString(made.answer)
    event = event_pb2.DecisionEvent.FromString(made.event)
    assert answer.event_time == answer.create_time == event.event_time == event.create_time == expected


def test_event_says_what_was_decided_about_which_transaction() -> None:
    basis = facts(amount_minor=123_456)
    about = check(TENANT, "t-1", amount_minor=123_456, merchant="shop")
    made = render(
        about, basis, Features(list(basis.features.values()), NOW), judge(basis), (), NOW + timedelta(seconds=1)
    )
    event = event_pb2.DecisionEvent.FromString(made.event)
    assert (event.tenant_id, event.transaction_id, event.merchant_id) == (TENANT, "t-1", "shop")
    assert (event.amount_minor, event.currency, event.currency_digits) == (123_456, "USD", 2)
    assert (event.decision_id, event.outcome) == ("d-1", judge(basis).outcome)


@pytest.mark.parametrize(
    ("currency", "amount", "minor"),
    [("JPY", 10.0, 10), ("KWD", 1.234, 1234), ("USD", 10.25, 1025), ("", 1.234, 1234), ("CLF", 0.0001, 1)],
)
def test_amount_is_taken_in_the_smallest_units_of_its_currency(currency: str, amount: float, minor: int) -> None:
    """Without a currency it is the tenant's, here the Kuwaiti dinar."""
    made = check_of(request(transaction_amount=amount, currency=currency), principal(TENANT, currency="KWD"))
    assert (made.amount_minor, made.currency) == (minor, currency or "KWD")


@pytest.mark.parametrize(("currency", "amount"), [("JPY", 10.5), ("KWD", 1.2345), ("USD", 0.001), ("", 0.001)])
def test_amount_beyond_the_precision_of_its_currency_is_refused(currency: str, amount: float) -> None:
    with pytest.raises(MeshError) as caught:
        check_of(request(transaction_amount=amount, currency=currency), principal(TENANT))
    (violation,) = caught.value.violations
    assert (violation.field, violation.reason) == ("transaction_amount", "currency.precision")


@pytest.mark.parametrize(
    "changed",
    [{"transaction_amount": 12.51}, {"user_id": "u2"}, {"attributes": {"a": "b"}}, {"email": "a@example.com"},
     {"event_time": Timestamp(seconds=1)}],
)  # fmt: skip
def test_other_content_has_another_fingerprint(changed: dict[str, object]) -> None:
    caller = principal(TENANT)
    first, same = (check_of(request("t-1"), caller).fingerprint for _ in range(2))
    assert first == same != check_of(request("t-1", **changed), caller).fingerprint


def test_defaults_are_completed() -> None:
    made = check_of(request(), principal(TENANT, currency="EUR"))
    assert (made.currency, made.channel, made.event_time) == ("EUR", "online", None)
    anonymous = request()
    anonymous.transaction_id = ""
    assert check_of(anonymous, principal(TENANT)).transaction_id
