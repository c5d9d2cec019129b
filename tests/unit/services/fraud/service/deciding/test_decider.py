"""Checks are decided in batches, stored before they are answered, and answered the same again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from rampart.fraud.v1 import decision_pb2

from meshkit.errors import Kind, MeshError
from services.fraud import convert
from services.fraud.domain.declared.starter import STARTER
from services.fraud.domain.profile import Profile
from tests.support.decider import TENANT, DeciderPlatform, call, decision_of, error_of
from tests.support.fraud import judged, new_tenant, record


async def test_answer_is_stored_before_it_is_given(platform: DeciderPlatform) -> None:
    answer = await platform.one(call("t-1"))
    assert platform.store.commits == [[(TENANT, "t-1")]]
    assert platform.reader.committed == [(TENANT, "t-1")]
    assert (answer.transaction_id, answer.outcome, list(answer.degraded)) == ("t-1", "approve", [])


async def test_answers_come_in_the_order_of_the_calls_and_rows_are_written_in_key_order(
    platform: DeciderPlatform,
) -> None:
    names = ["t-3", "t-1", "t-2"]
    answers = await platform.decide(*[call(name) for name in names])
    assert [decision_of(answer).transaction_id for answer in answers] == names
    assert platform.store.commits == [[(TENANT, name) for name in sorted(names)]]


async def test_each_check_of_a_batch_sees_the_ones_before_it(platform: DeciderPlatform) -> None:
    answers = await platform.decide(*[call() for _ in range(6)])
    assert [("USER_VELOCITY_1M" in decision_of(answer).risk_factors) for answer in answers] == [False] * 5 + [True]


async def test_an_empty_batch_is_answered_without_a_commit(platform: DeciderPlatform) -> None:
    assert await platform.decide() == []
    assert platform.store.commits == []


async def test_same_content_again_gets_the_same_bytes(platform: DeciderPlatform) -> None:
    asked = call("t-1")
    (first,) = await platform.decide(asked)
    platform.now += timedelta(hours=3)
    (second,) = await platform.decide(asked)
    assert not isinstance(first, MeshError) and not isinstance(second, MeshError)
    assert first[0] == second[0]
    assert first[1] is not None
    assert second[1] is None, "what was decided before is not logged as decided again"


async def test_same_content_twice_in_a_batch_is_decided_once(platform: DeciderPlatform) -> None:
    asked = call("t-1")
    answers = await platform.decide(asked, call("t-2"), asked)
    decisions = [decision_of(answer) for answer in answers]
    assert decisions[0] == decisions[2] != decisions[1]
    assert len(platform.store.commits[0]) == 2


@pytest.mark.parametrize("together", [True, False])
async def test_other_content_under_the_same_id_is_a_conflict(platform: DeciderPlatform, together: bool) -> None:
    first, second = call("t-1"), call("t-1", transaction_amount=13.0)
    if together:
        kept, refused = await platform.decide(first, second)
    else:
        ((kept,), (refused,)) = await platform.decide(first), await platform.decide(second)
    error = error_of(refused)
    assert (error.kind, error.reason) == (Kind.ALREADY_EXISTS, "IDEMPOTENCY_CONFLICT")
    assert error.metadata == {"transaction_id": "t-1"}
    assert decision_of(kept).transaction_amount == 12.5
    assert decision_of((await platform.decide(first))[0]).transaction_amount == 12.5


async def test_tenants_share_no_identifiers_and_no_logs(platform: DeciderPlatform) -> None:
    other = new_tenant()
    await platform.decide(*[call() for _ in range(10)])
    answers = await platform.decide(call("t-1", tenant=other), call("t-1", transaction_amount=1.0))
    assert "USER_VELOCITY_1M" not in decision_of(answers[0]).risk_factors
    assert "USER_VELOCITY_1M" in decision_of(answers[1]).risk_factors


async def test_amount_is_bounded_so_that_every_double_is_exact(platform: DeciderPlatform) -> None:
    amounts = {"CLF": 99_999_999_999.9999, "KWD": 999_999_999_999.999, "USD": 999_999_999_999.99}
    for currency, amount in amounts.items():
        (answer,) = await platform.decide(call(transaction_amount=amount, currency=currency))
        assert decision_of(answer).transaction_amount == amount
    for currency, amount in {"CLF": 999_999_999_999.0, "UYW": 100_000_000_000.1}.items():
        (answer,) = await platform.decide(call(transaction_amount=amount, currency=currency))
        (violation,) = error_of(answer).violations
        assert (violation.field, violation.reason) == ("transaction_amount", "currency.range")
        assert "100000000000" in violation.message


async def test_a_bad_item_never_fails_its_neighbours(platform: DeciderPlatform) -> None:
    answers = await platform.decide(
        call("t-1"),
        call("bad time", event_time=Timestamp(seconds=10**15)),
        call("bad time too", event_time=Timestamp(seconds=-(10**15))),
        call("bad nanos", event_time=Timestamp(seconds=1, nanos=-1)),
        call("bad amount", transaction_amount=10.5, currency="JPY"),
        call("t-2", transaction_amount=1.234, currency="KWD"),
    )
    assert [isinstance(answer, MeshError) for answer in answers] == [False, True, True, True, True, False]
    assert all(error_of(answer).kind is Kind.INVALID_ARGUMENT for answer in answers[1:5])
    assert platform.store.commits == [[(TENANT, "t-1"), (TENANT, "t-2")]]


async def test_stored_decision_computed_again_is_identical(platform: DeciderPlatform) -> None:
    platform.profiles.profiles[(TENANT, "u1")] = Profile(True, 0.3, "elevated", 2)
    for number in range(30):
        platform.now += timedelta(seconds=5)
        platform.profiles.available = number % 7 != 0
        (answer,) = await platform.decide(
            call(transaction_amount=float(number * 37), device_fingerprint=f"d{number % 5}")
        )
        stored = decision_of(answer)
        assert not isinstance(answer, MeshError) and answer.decided is not None
        kept = record(answer.decided)
        inputs = decision_pb2.DecisionInputs.FromString(kept.inputs)
        found = convert.facts_from_record(inputs, convert.fields_from_record(kept.fields), STARTER)
        again = judged(found, review_floor="user_profile" in inputs.degraded).verdict
        assert (again.outcome, again.score) == (stored.outcome, stored.confidence_score)
        assert [factor.code for factor in again.factors] == list(stored.risk_factors)


async def test_email_that_is_none_is_told_and_one_that_is_unusual_is_not(platform: DeciderPlatform) -> None:
    for email, degraded in (("alice@", ["email"]), ("josé@münchen.de", []), ('"a b"@x.org', []), ("", [])):
        assert list((await platform.one(call(email=email))).degraded) == degraded, email


async def test_spellings_of_one_address_are_one_subject_of_the_logs(platform: DeciderPlatform) -> None:
    spellings = ["2001:db8:78::b7", "2001:DB8:78:0::B7", "2001:0db8:78::b7"] * 11
    for number, ip in enumerate(spellings):
        decision = await platform.one(call(user_id=f"u{number}", device_fingerprint=f"d{number}", ip_address=ip))
    assert {"IP_SHARED", "IP_VELOCITY_1M"} <= set(decision.risk_factors)
