"""A stored decision can be computed again and comes out identical."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from rampart.fraud.v1 import decision_pb2, event_pb2, fraud_service_pb2

from meshkit.context import Principal
from meshkit.errors import MeshError
from services.fraud import convert
from services.fraud.domain.check import NOTHING_KEPT, Check, Decided, Features
from services.fraud.domain.declared.starter import NAMES_OF_BEFORE, STARTER
from services.fraud.domain.event import Money
from services.fraud.domain.profile import Profile
from services.fraud.domain.rates import Rate, Spend
from services.fraud.domain.scenarios.facts import EventFacts
from services.fraud.domain.scenarios.starter import STARTER_REF
from tests.support.fraud import check, facts, judged, new_tenant, principal, request

TENANT = new_tenant()
NOW = datetime(2026, 11, 21, 4, 10, 37, 123456, tzinfo=UTC)


def check_of(asked: fraud_service_pb2.CheckFraudRequest, caller: Principal) -> Check:
    return convert.check_from_proto(asked, caller, "t-1")


def render(about: Check, basis: EventFacts, when: datetime = NOW, *, floor: bool = False) -> convert.DecisionRecord:
    """Returns how a decision is rendered that is made of these facts, by the starter scenario."""
    degraded = ("user_profile",) if floor else ()
    judgement, features = judged(basis, review_floor=floor), Features(basis.features, when)
    made = Decided(about, "d-1", features, basis, judgement, STARTER_REF, degraded, when)
    return convert.decided_to_record(made)


def about(basis: EventFacts, **changed: Any) -> Check:
    """Returns the check that has the amount of the facts."""
    amount = basis.fields["amount"]
    assert isinstance(amount, Money)
    money: dict[str, Any] = {"amount_minor": amount.minor, "currency": amount.currency, "currency_digits": basis.digits}
    return check(TENANT, **money, **changed)


def random_facts(choice: random.Random) -> EventFacts:
    profile = Profile(
        choice.random() < 0.5,
        choice.random(),
        choice.choice(["trusted", "standard", "elevated", "blocked"]),
        choice.choice([0, 0, 1, 3]),
    )
    values: dict[str, Any] = {
        name: int(choice.expovariate(1 / choice.choice([1, 10, 100, 10_000]))) for name in STARTER.names
    }
    return facts(
        choice.choice([None, profile]), choice.randrange(10**7), choice.choice(["JPY", "USD", "KWD", "CLF"]), **values
    )


@pytest.mark.parametrize("seed", range(20))
def test_decision_computed_again_from_its_stored_inputs_is_identical(seed: int) -> None:
    choice = random.Random(seed)
    for _ in range(50):
        basis = random_facts(choice)
        floor = choice.random() < 0.3
        made = render(about(basis), basis, floor=floor)
        answer = decision_pb2.Decision.FromString(made.answer)
        inputs = decision_pb2.DecisionInputs.FromString(made.inputs)
        found = convert.facts_from_record(inputs, convert.fields_from_record(made.fields), STARTER)
        again = judged(found, review_floor="user_profile" in inputs.degraded).verdict
        assert (again.outcome, again.score) == (answer.outcome, answer.confidence_score)
        assert [factor.code for factor in again.factors] == list(answer.risk_factors)
        assert [(factor.code, factor.message, factor.contribution) for factor in again.factors] == [
            (each.reason_code, each.message, each.contribution) for each in answer.explanations
        ]
        assert answer.is_fraudulent == (answer.outcome == "decline")


@pytest.mark.parametrize("profile", [None, Profile(), Profile(True, 0.0, "", 0), Profile(True, 0.9, "", 2)])
def test_profile_is_read_back_also_without_a_tier(profile: Profile | None) -> None:
    basis = facts(profile)
    made = render(about(basis), basis)
    inputs = decision_pb2.DecisionInputs.FromString(made.inputs)
    assert convert.facts_from_record(inputs, convert.fields_from_record(made.fields), STARTER).profile == profile


def test_profile_of_before_is_read_back_by_its_tier() -> None:
    basis = facts()
    made = render(about(basis), basis)
    inputs = decision_pb2.DecisionInputs.FromString(made.inputs)
    for name in ("format", "user_profile_read"):
        inputs.ClearField(name)
    fields = convert.fields_from_record(made.fields)
    assert convert.facts_from_record(inputs, fields, STARTER).profile == Profile()
    inputs.user_tier = ""
    assert convert.facts_from_record(inputs, fields, STARTER).profile is None


def test_inputs_are_shown_under_their_names() -> None:
    basis = facts(user_count_1m=3, user_new_device=1)
    made = render(about(basis), basis)
    assert decision_pb2.DecisionInputs.FromString(made.inputs).vector.version == STARTER.version
    shown = convert.stored_to_proto(made.answer, made.inputs)
    assert set(shown.inputs.features) == set(STARTER.names)
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
    made = render(about(basis), basis, when)
    answer = decision_pb2.Decision.FromString(made.answer)
    event = event_pb2.DecisionEvent.FromString(made.event)
    assert answer.event_time == answer.create_time == event.event_time == event.create_time == expected


def test_event_says_what_was_decided_about_which_transaction() -> None:
    basis = facts(amount_minor=123_456)
    made = render(about(basis, transaction_id="t-1", merchant="shop"), basis)
    event = event_pb2.DecisionEvent.FromString(made.event)
    assert (event.tenant_id, event.transaction_id, event.merchant_id) == (TENANT, "t-1", "shop")
    assert (event.amount_minor, event.currency, event.currency_digits) == (123_456, "USD", 2)
    assert (event.decision_id, event.outcome) == ("d-1", judged(basis).verdict.outcome)


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


@pytest.mark.parametrize("seed", range(5))
def test_event_made_again_from_what_is_stored_is_the_one_that_was_published(seed: int) -> None:
    choice = random.Random(seed)
    for merchant in ("m1", ""):
        basis = random_facts(choice)
        made = render(about(basis, merchant=merchant), basis, NOW - timedelta(hours=choice.randrange(30)))
        again = convert.event_from_record(TENANT, made.fields, made.answer, made.inputs)
        assert event_pb2.DecisionEvent.FromString(again) == event_pb2.DecisionEvent.FromString(made.event)


LATER = Timestamp(seconds=1_790_000_000, nanos=123_000_000)
NANOS = Timestamp(seconds=1_790_000_000, nanos=123_456_789)


def stored(event_time: datetime) -> bytes:
    """Returns the answer that is stored with a transaction of this time."""
    return decision_pb2.Decision(event_time=event_time).SerializeToString()


@pytest.mark.parametrize(
    ("first", "again"),
    [
        ({}, {"currency": "USD", "channel": "online"}),
        ({"transaction_amount": 85.65}, {"transaction_amount": 85.64999999999999}),
        ({"transaction_amount": 0.0}, {"transaction_amount": -0.0}),
        ({"ip_address": "2001:db8::7"}, {"ip_address": "2001:DB8:0::7"}),
        ({"ip_address": "198.51.100.7"}, {"ip_address": "::ffff:198.51.100.7"}),
        ({"email": "ada@example.com"}, {"email": "Ada@EXAMPLE.com"}),
        ({"event_time": NANOS}, {"event_time": LATER}),
        ({"attributes": {"a": "1", "b": "2"}}, {"attributes": {"b": "2", "a": "1"}}),
    ],
)
def test_content_that_is_stored_alike_is_the_same(first: dict[str, object], again: dict[str, object]) -> None:
    caller = principal(TENANT)
    made, repeated = (check_of(request("t-1", **fields), caller) for fields in (first, again))
    assert repeated.fingerprint == made.fingerprint
    assert repeated.repeats(made.fingerprint, stored(NOW))


def test_time_of_the_answer_sent_back_is_the_same_content_and_another_time_is_not() -> None:
    caller = principal(TENANT)
    made = check_of(request("t-1"), caller)
    answer = stored(LATER.ToDatetime(UTC))
    assert check_of(request("t-1", event_time=LATER), caller).repeats(made.fingerprint, answer)
    assert not check_of(request("t-1", event_time=Timestamp(seconds=1_790_000_001)), caller).repeats(
        made.fingerprint, answer
    )
    timed = check_of(request("t-1", event_time=LATER), caller)
    assert not made.repeats(timed.fingerprint, answer), "one that says no time says now"


@pytest.mark.parametrize("fields", [{}, {"event_time": NANOS}, {"ip_address": "2001:DB8:0::7", "email": "A@b.example"}])
def test_what_was_stored_under_a_fingerprint_of_before_is_known_again(fields: dict[str, object]) -> None:
    """Such a fingerprint is over the request as it was sent, and has no version."""
    asked = request("t-1", **fields)
    before = blake2b(asked.SerializeToString(deterministic=True), digest_size=16).digest()
    made = check_of(asked, principal(TENANT))
    assert made.fingerprint != before
    assert made.repeats(before, stored(NOW))
    assert not check_of(request("t-1", user_id="u2", **fields), principal(TENANT)).repeats(before, stored(NOW))


def test_texts_that_meet_at_their_ends_are_other_content() -> None:
    caller = principal(TENANT)
    one = check_of(request("t-1", merchant_id="ab", card_fingerprint="c"), caller)
    other = check_of(request("t-1", merchant_id="a", card_fingerprint="bc"), caller)
    assert one.fingerprint != other.fingerprint


def test_identifiers_are_counted_in_their_canonical_form_and_kept_as_sent() -> None:
    asked = request("t-1", ip_address="2001:DB8:78:0::b7", email="Ada@MÜNCHEN.de", card_fingerprint="c1")
    made = check_of(asked, principal(TENANT))
    assert (made.kept.email, made.kept.unusable) == ("Ada@MÜNCHEN.de", ())
    assert made.fields == {
        "user_id": "u1",
        "amount": Money(1250, "USD"),
        "channel": "online",
        "device_fingerprint": "d1",
        "ip_address": "2001:db8:78::b7",
        "merchant_id": "m1",
        "card_fingerprint": "c1",
        "email": "ada@xn--mnchen-3ya.de",
    }
    basis = facts()
    rendered = render(made, basis)
    inputs = convert.stored_to_proto(rendered.answer, rendered.inputs).inputs
    assert [(each.field, each.sent, each.canonical) for each in inputs.spellings] == [
        ("ip_address", "2001:DB8:78:0::b7", "2001:db8:78::b7"),
        ("email", "Ada@MÜNCHEN.de", "ada@xn--mnchen-3ya.de"),
    ]
    assert (inputs.email, inputs.card_fingerprint, inputs.currency) == ("Ada@MÜNCHEN.de", "c1", "USD")


def test_opaque_identifiers_are_never_folded() -> None:
    fields = {"user_id": "E\u0301 ", "device_fingerprint": " D1", "merchant_id": "M"}
    made = check_of(request("t-1", **fields), principal(TENANT))
    assert {name: made.fields[name] for name in fields} == fields
    assert (made.user_id, made.merchant, made.kept) == ("E\u0301 ", "M", NOTHING_KEPT)


@pytest.mark.parametrize(
    ("fields", "field", "reason"),
    [
        ({"currency": "ZZZ"}, "currency", "currency.known"),
        ({"currency": "XXX"}, "currency", "currency.known"),
        ({"ip_address": "fe80::1%eth0"}, "ip_address", "ip_address.bare"),
        ({"ip_address": "192.0.2.1:80"}, "ip_address", "ip_address.bare"),
    ],
)
def test_what_a_rule_needs_and_cannot_use_is_refused(fields: dict[str, object], field: str, reason: str) -> None:
    with pytest.raises(MeshError) as caught:
        check_of(request("t-1", **fields), principal(TENANT))
    assert [(each.field, each.reason) for each in caught.value.violations] == [(field, reason)]


def test_currency_of_the_tenant_is_looked_up_as_well() -> None:
    with pytest.raises(MeshError) as caught:
        check_of(request("t-1"), principal(TENANT, currency="ZZZ"))
    assert caught.value.violations[0].field == "currency"


def test_decision_in_another_currency_is_computed_again_from_its_stored_rates() -> None:
    basis = facts(
        amount_minor=4_700_00,
        currency="EUR",
        rate=Rate(1.08, "2026-10-01"),
        elsewhere=[Spend("JPY", 10**7, 0, Rate(0.0066, "2026-01-01")), Spend("KWD", 5, 3, None)],
        user_sum_24h=100,
    )
    made = render(about(basis), basis)
    inputs = decision_pb2.DecisionInputs.FromString(made.inputs)
    found = convert.facts_from_record(inputs, convert.fields_from_record(made.fields), STARTER)
    assert judged(found) == judged(basis)


def test_features_of_an_earlier_version_are_shown_without_what_was_added_since() -> None:
    inputs = decision_pb2.DecisionInputs(vector=decision_pb2.FeatureVector(version="1", values=range(37)))
    shown = convert.stored_to_proto(b"", inputs.SerializeToString())
    assert set(shown.inputs.features) == set(NAMES_OF_BEFORE[:37])
