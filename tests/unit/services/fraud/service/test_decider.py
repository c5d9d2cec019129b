"""The pipeline, with its ports in memory."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from rampart.fraud.v1 import decision_pb2

from meshkit.apart import TravelsApart
from meshkit.errors import Kind, MeshError, internal, unavailable
from meshkit.rpc.batches import handle_valid
from services.fraud import convert
from services.fraud.adapters.logs.memory_logs import MemoryLogs
from services.fraud.adapters.memory import MemoryRates, MemoryRiskProfiles, MemoryStore
from services.fraud.adapters.memory_daily import MemoryDailyTotals
from services.fraud.domain.check import Basis, Check, Decided, Key
from services.fraud.domain.declared.starter import STARTER
from services.fraud.domain.profile import Profile
from services.fraud.domain.rates import DatedRate
from services.fraud.ports import CommitResult, Stored
from services.fraud.service import decider
from services.fraud.service.completing import PROMPT_EVENTS, Completer
from services.fraud.service.daily_reading import DailyReader
from services.fraud.service.decider import CheckCall, Decider, Outcome
from services.fraud.service.distrust import DistrustedTenants
from services.fraud.service.feature_sets import StarterFeatures
from services.fraud.service.fold_cache import FoldCache
from services.fraud.service.judging import DecisionPolicy
from services.fraud.service.log_folds import LogFolds
from services.fraud.service.rates import ExchangeRates
from services.fraud.service.reading import FeatureReader
from services.fraud.service.readings import Reading
from tests.support.fraud import IP, configured, judged, named, new_tenant, record, request, to_call

NOW = datetime(2026, 11, 21, 4, 10, 37, 123000, tzinfo=UTC)
TENANT, OTHER = new_tenant(), new_tenant()


class Reader(FeatureReader):
    """Remembers what it was told to settle."""

    def __init__(self, logs: MemoryLogs, store: MemoryStore, clock: Callable[[], datetime]) -> None:
        sets = StarterFeatures()
        super().__init__(
            logs,
            LogFolds(logs, Completer(logs, store), FoldCache(1 << 20)),
            sets,
            IP,
            DailyReader(MemoryDailyTotals()),
            clock,
        )
        self.committed: list[Key] = []
        self.withdrawn: list[Key] = []

    def settle(self, reading: Reading, checks: Sequence[Check], withdrawn: Collection[Key]) -> None:
        keys = [check.key for check in checks]
        self.committed += [key for key in keys if key not in withdrawn]
        self.withdrawn += [key for key in keys if key in withdrawn]
        super().settle(reading, checks, withdrawn)


class Store(MemoryStore):
    """Refuses the transactions named, those of tenants with a gap, or everything if it is down."""

    def __init__(self) -> None:
        super().__init__()
        self.away = False
        self.refused: set[str] = set()
        self.lookups: list[list[Key]] = []
        self.lookups_fail = False
        self.commits: list[list[Key]] = []
        self.gapped: set[str] = set()
        """Tenants of which nothing is stored that was decided from the logs."""

    async def stored(self, keys: Sequence[Key]) -> Mapping[Key, Stored]:
        self.lookups.append(list(keys))
        if self.lookups_fail:
            raise unavailable("postgres")
        return await super().stored(keys)

    async def commit(self, decided: Sequence[Decided]) -> CommitResult:
        if self.away:
            raise unavailable("postgres")
        self.commits.append([made.check.key for made in decided])
        refused: dict[Key, Stored | MeshError] = {
            made.check.key: internal() for made in decided if made.check.transaction_id in self.refused
        }
        unsure = [made for made in decided if made.check.tenant_id in self.gapped and made.features.basis is Basis.LOGS]
        kept = [made for made in decided if made.check.key not in refused and made not in unsure]
        result = await super().commit(kept)
        tenants = frozenset(made.check.tenant_id for made in unsure)
        return CommitResult(result.answers, {**result.earlier, **refused}, tenants)


class Platform:
    """A decider and all that it stands on. The clock is `now`."""

    def __init__(self, policy: DecisionPolicy = DecisionPolicy()) -> None:
        self.now = NOW
        self.logs = MemoryLogs(lambda: self.now.timestamp())
        self.profiles = MemoryRiskProfiles()
        self.rates = MemoryRates()
        self.store = Store()
        self.reader = Reader(self.logs, self.store, lambda: self.now)
        self.decider = Decider(
            reader=self.reader,
            profiles=self.profiles,
            rates=ExchangeRates(self.rates),
            store=self.store,
            policy=policy,
            states=configured,
            ip=IP,
            clock=lambda: self.now,
        )

    async def decide(self, *calls: CheckCall | MeshError) -> Sequence[Outcome | MeshError]:
        return await handle_valid(calls, self.decider.decide)

    async def one(self, call: CheckCall | MeshError) -> decision_pb2.Decision:
        (answer,) = await self.decide(call)
        return decision_of(answer)


@pytest.fixture
def platform() -> Platform:
    return Platform()


def decision_of(answer: Outcome | MeshError) -> decision_pb2.Decision:
    assert not isinstance(answer, MeshError), answer
    return decision_pb2.Decision.FromString(answer[0])


def error_of(answer: Outcome | MeshError) -> MeshError:
    assert isinstance(answer, MeshError)
    return answer


def call(
    transaction_id: str = "", *scopes: str, tenant: str = TENANT, currency: str = "USD", **fields: Any
) -> CheckCall | MeshError:
    return to_call(tenant, request(transaction_id, **fields), *scopes, currency=currency)


def at(when: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(when)
    return stamp


async def features_of(platform: Platform, asked: CheckCall | MeshError) -> dict[str, object]:
    """Returns what a check sees of its user."""
    (answer,) = await platform.decide(asked)
    assert not isinstance(answer, MeshError) and answer.decided is not None
    features = named(answer.decided.features)
    return {name: features[name] for name in ("user_count_1m", "user_sum_1m")}


async def test_answer_is_stored_before_it_is_given(platform: Platform) -> None:
    answer = await platform.one(call("t-1"))
    assert platform.store.commits == [[(TENANT, "t-1")]]
    assert platform.reader.committed == [(TENANT, "t-1")]
    assert (answer.transaction_id, answer.outcome, list(answer.degraded)) == ("t-1", "approve", [])


async def test_answers_come_in_the_order_of_the_calls_and_rows_are_written_in_key_order(platform: Platform) -> None:
    names = ["t-3", "t-1", "t-2"]
    answers = await platform.decide(*[call(name) for name in names])
    assert [decision_of(answer).transaction_id for answer in answers] == names
    assert platform.store.commits == [[(TENANT, name) for name in sorted(names)]]


async def test_each_check_of_a_batch_sees_the_ones_before_it(platform: Platform) -> None:
    answers = await platform.decide(*[call() for _ in range(6)])
    assert [("USER_VELOCITY_1M" in decision_of(answer).risk_factors) for answer in answers] == [False] * 5 + [True]


async def test_an_empty_batch_is_answered_without_a_commit(platform: Platform) -> None:
    assert await platform.decide() == []
    assert platform.store.commits == []


async def test_same_content_again_gets_the_same_bytes(platform: Platform) -> None:
    asked = call("t-1")
    (first,) = await platform.decide(asked)
    platform.now += timedelta(hours=3)
    (second,) = await platform.decide(asked)
    assert not isinstance(first, MeshError) and not isinstance(second, MeshError)
    assert first[0] == second[0]
    assert first[1] is not None
    assert second[1] is None, "what was decided before is not logged as decided again"


async def test_same_content_twice_in_a_batch_is_decided_once(platform: Platform) -> None:
    asked = call("t-1")
    answers = await platform.decide(asked, call("t-2"), asked)
    decisions = [decision_of(answer) for answer in answers]
    assert decisions[0] == decisions[2] != decisions[1]
    assert len(platform.store.commits[0]) == 2


@pytest.mark.parametrize("together", [True, False])
async def test_other_content_under_the_same_id_is_a_conflict(platform: Platform, together: bool) -> None:
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


async def test_tenants_share_no_identifiers_and_no_logs(platform: Platform) -> None:
    other = new_tenant()
    await platform.decide(*[call() for _ in range(10)])
    answers = await platform.decide(call("t-1", tenant=other), call("t-1", transaction_amount=1.0))
    assert "USER_VELOCITY_1M" not in decision_of(answers[0]).risk_factors
    assert "USER_VELOCITY_1M" in decision_of(answers[1]).risk_factors


@pytest.mark.parametrize(
    ("ahead", "scopes", "rule"),
    [
        (timedelta(minutes=5), (), None),
        (timedelta(minutes=5, milliseconds=1), (), "timestamp.future"),
        (timedelta(minutes=6), ("fraud:backfill",), "timestamp.future"),
        (timedelta(hours=-24), (), None),
        (timedelta(hours=-24, milliseconds=-1), (), "timestamp.past"),
        (timedelta(hours=-24, milliseconds=-1), ("fraud:backfill",), None),
        (timedelta(days=-4_000), ("fraud:backfill",), None),
    ],
)
async def test_event_time_is_bounded_by_the_clock_and_the_scope(
    platform: Platform, ahead: timedelta, scopes: tuple[str, ...], rule: str | None
) -> None:
    (answer,) = await platform.decide(call("", *scopes, event_time=at(NOW + ahead)))
    if rule is None:
        assert decision_of(answer).event_time.ToDatetime(UTC) == NOW + ahead
    else:
        (violation,) = error_of(answer).violations
        assert (violation.field, violation.reason) == ("event_time", rule)


@pytest.mark.parametrize("late", [timedelta(hours=25), timedelta(days=90)])
async def test_retry_gets_its_answer_also_when_its_event_time_has_grown_too_old(
    platform: Platform, late: timedelta
) -> None:
    asked = call("t-1", event_time=at(NOW - timedelta(hours=23)))
    (first,) = await platform.decide(asked)
    platform.now += late
    neighbour, again = await platform.decide(call("t-2", tenant=new_tenant()), asked)
    assert not isinstance(first, MeshError) and not isinstance(again, MeshError)
    assert (again.answer, again.decided) == (first.answer, None)
    assert decision_of(neighbour).transaction_id == "t-2"


async def test_other_content_under_an_old_id_is_a_conflict_whatever_its_time(platform: Platform) -> None:
    await platform.decide(call("t-1"))
    for moved in (timedelta(days=-30), timedelta(days=30)):
        (answer,) = await platform.decide(call("t-1", event_time=at(NOW + moved)))
        assert error_of(answer).reason == "IDEMPOTENCY_CONFLICT"


async def test_refusal_for_the_clock_says_when_it_ends_and_one_for_a_scope_names_it(platform: Platform) -> None:
    ahead, behind = await platform.decide(
        call("t-1", event_time=at(NOW + timedelta(minutes=7))), call("t-2", event_time=at(NOW - timedelta(days=2)))
    )
    assert error_of(ahead).retry_after == 120.0
    assert error_of(behind).metadata == {"scope": "fraud:backfill"}
    assert error_of(behind).retry_after is None


async def test_refused_check_costs_no_lookup_of_its_neighbours(platform: Platform) -> None:
    await platform.decide(call("t-1"), call("t-2"))
    assert platform.store.lookups == []
    await platform.decide(call("t-3"), call("t-4", event_time=at(NOW + timedelta(hours=1))))
    assert platform.store.lookups == [[(TENANT, "t-4")]]


async def test_refused_check_whose_lookup_fails_may_be_tried_again_and_its_neighbours_are_decided(
    platform: Platform,
) -> None:
    platform.store.lookups_fail = True
    good, bad = await platform.decide(call("t-1"), call("t-2", event_time=at(NOW + timedelta(hours=1))))
    assert decision_of(good).transaction_id == "t-1"
    assert error_of(bad).kind is Kind.UNAVAILABLE


async def test_check_that_would_hold_up_others_travels_apart_and_is_then_decided(platform: Platform) -> None:
    """Its device has a longer history than is read while others wait, and its log is lost."""
    for start in range(0, PROMPT_EVENTS + 1, 100):
        await platform.decide(*[call(user_id=f"u{start + n}", merchant_id="") for n in range(100)])
    platform.logs.lose()
    asked, good = call("long"), call("t-2", device_fingerprint="d2", ip_address="")
    assert not isinstance(asked, MeshError) and not isinstance(good, MeshError)
    prompt = await platform.decider.decide_prompt([asked, good])
    assert isinstance(prompt[0], TravelsApart)
    assert decision_of(prompt[1]).transaction_id == "t-2"
    assert platform.reader.withdrawn == [(TENANT, "long")]
    (answer,) = await platform.decider.decide([asked])
    assert decision_of(answer).transaction_id == "long"
    assert not isinstance(answer, MeshError) and answer.decided is not None
    count = named(answer.decided.features)["device_count_1h"]
    assert count is not None and count >= PROMPT_EVENTS


async def test_retry_of_a_late_check_is_answered_at_once_and_not_counted_twice(platform: Platform) -> None:
    await platform.decide(call("t-1"))
    early = NOW - timedelta(hours=30)
    asked = call("late", "fraud:backfill", event_time=at(early))
    (first,) = await platform.decide(asked)
    platform.now += timedelta(minutes=1)
    (again,) = await platform.decide(asked)
    assert not isinstance(first, MeshError) and not isinstance(again, MeshError)
    assert (again.answer, again.decided) == (first.answer, None)
    assert platform.reader.withdrawn == [(TENANT, "late")], "the attempt of the retry, not the first"
    after = call("", "fraud:backfill", event_time=at(early + timedelta(seconds=1)))
    assert await features_of(platform, after) == {"user_count_1m": 1, "user_sum_1m": 1_250}


async def test_amount_is_bounded_so_that_every_double_is_exact(platform: Platform) -> None:
    amounts = {"CLF": 99_999_999_999.9999, "KWD": 999_999_999_999.999, "USD": 999_999_999_999.99}
    for currency, amount in amounts.items():
        (answer,) = await platform.decide(call(transaction_amount=amount, currency=currency))
        assert decision_of(answer).transaction_amount == amount
    for currency, amount in {"CLF": 999_999_999_999.0, "UYW": 100_000_000_000.1}.items():
        (answer,) = await platform.decide(call(transaction_amount=amount, currency=currency))
        (violation,) = error_of(answer).violations
        assert (violation.field, violation.reason) == ("transaction_amount", "currency.range")
        assert "100000000000" in violation.message


async def test_event_time_defaults_to_receipt(platform: Platform) -> None:
    assert (await platform.one(call())).event_time.ToDatetime(UTC) == NOW


async def test_a_bad_item_never_fails_its_neighbours(platform: Platform) -> None:
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


async def test_a_row_that_the_store_refuses_fails_alone_and_leaves_the_logs(platform: Platform) -> None:
    platform.store.refused = {"t-2"}
    answers = await platform.decide(call("t-1"), call("t-2"), call("t-3"))
    assert [isinstance(answer, MeshError) for answer in answers] == [False, True, False]
    assert error_of(answers[1]).kind is Kind.INTERNAL
    assert platform.reader.committed == [(TENANT, "t-1"), (TENANT, "t-3")]
    assert platform.reader.withdrawn == [(TENANT, "t-2")]
    assert await features_of(platform, call()) == {"user_count_1m": 2, "user_sum_1m": 2_500}


async def test_without_the_store_nothing_is_answered_and_nothing_is_settled(platform: Platform) -> None:
    platform.store.away = True
    with pytest.raises(MeshError) as caught:
        await platform.decide(call())
    assert caught.value.kind is Kind.UNAVAILABLE
    assert platform.reader.committed == platform.reader.withdrawn == []


async def test_what_took_too_long_to_decide_is_not_committed_after_the_logs_may_have_lost_it(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as slow:
        slow.setattr(decider, "COMMIT_BY", 0.0)
        (late,) = await platform.decide(call("t-1"))
    assert isinstance(late, MeshError) and late.kind is Kind.DEADLINE_EXCEEDED
    assert platform.store.commits == []
    assert platform.reader.withdrawn == [(TENANT, "t-1")]
    (again,) = await platform.decide(call("t-1"))
    assert not isinstance(again, MeshError) and again.decided is not None
    assert named(again.decided.features)["user_count_1m"] == 0


async def test_retry_found_stored_takes_back_its_own_attempt_and_not_the_first(platform: Platform) -> None:
    asked = call("t-1")
    await platform.decide(asked)
    for _ in range(3):
        await platform.decide(asked)
        platform.now += timedelta(seconds=1)
    assert platform.reader.withdrawn == [(TENANT, "t-1")] * 3
    assert await features_of(platform, call()) == {"user_count_1m": 1, "user_sum_1m": 1_250}


async def test_attempt_made_anew_for_an_old_decision_is_counted_nowhere(platform: Platform) -> None:
    """The logs may have lost the first attempt: what was decided then is not counted now."""
    asked = call("t-1", event_time=at(NOW - timedelta(minutes=30)))
    await platform.decide(asked)
    platform.logs.lose()
    platform.now += timedelta(minutes=1)
    await platform.decide(asked)
    assert platform.reader.withdrawn == [(TENANT, "t-1")]
    platform.logs.available = False
    from_store = await features_of(platform, call())
    assert from_store == {"user_count_1m": 0, "user_sum_1m": 0}


async def test_profile_counts(platform: Platform) -> None:
    platform.profiles.profiles[(TENANT, "u1")] = Profile(True, 0.1, "blocked")
    answer = await platform.one(call())
    assert (answer.outcome, answer.is_fraudulent) == ("decline", True)
    assert answer.risk_factors[0] == "PROFILE_BLOCKED"


async def test_without_profiles_decisions_say_so_and_are_review_at_least(platform: Platform) -> None:
    platform.profiles.available = False
    answer = await platform.one(call())
    assert (list(answer.degraded), answer.outcome, answer.is_fraudulent) == (["user_profile"], "review", False)


async def test_operator_may_let_decisions_go_on_without_profiles() -> None:
    platform = Platform(DecisionPolicy(review_without=frozenset()))
    platform.profiles.available = False
    answer = await platform.one(call())
    assert (list(answer.degraded), answer.outcome) == (["user_profile"], "approve")


@pytest.mark.parametrize("loss", ["away", "emptied"])
async def test_without_logs_the_features_come_from_the_store(platform: Platform, loss: str) -> None:
    for _ in range(5):
        await platform.decide(call())
    if loss == "away":
        platform.logs.available = False
    else:
        platform.logs.lose()
    answer = await platform.one(call())
    assert list(answer.degraded) == ["features_slow_path"]
    assert "USER_VELOCITY_1M" in answer.risk_factors


async def test_log_that_was_lost_is_whole_again_for_the_next_check(platform: Platform) -> None:
    for _ in range(3):
        await platform.decide(call())
    platform.logs.lose()
    assert list((await platform.one(call())).degraded) == ["features_slow_path"]
    await asyncio.sleep(0)
    answer = await platform.one(call())
    assert list(answer.degraded) == []
    assert await features_of(platform, call()) == {"user_count_1m": 5, "user_sum_1m": 6_250}


async def test_decision_says_what_its_features_come_from(platform: Platform) -> None:
    found = []
    for state in ("whole", "lost", "away"):
        if state == "lost":
            platform.logs.lose()
        platform.logs.available = state != "away"
        (answer,) = await platform.decide(call())
        assert not isinstance(answer, MeshError) and answer.decided is not None
        found.append(answer.decided.features.basis)
    assert found == [Basis.LOGS, Basis.HISTORY, Basis.UNLOGGED]


async def test_decision_whose_logs_lack_something_is_made_again_from_the_store(platform: Platform) -> None:
    """What was decided without the logs is missing in them until the gap is filled."""
    await platform.decide(call())
    platform.logs.available = False
    await platform.decide(call(), call())
    platform.logs.available = True
    platform.store.gapped = {TENANT}
    ours, theirs = await platform.decide(call(), call(tenant=OTHER))
    assert not isinstance(ours, MeshError) and ours.decided is not None
    assert named(ours.decided.features)["user_count_1m"] == 3
    assert list(decision_of(ours).degraded) == ["features_slow_path"]
    assert list(decision_of(theirs).degraded) == []


async def test_while_logs_lack_something_decisions_are_made_once_and_after_a_moment_from_the_logs_again(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform.store.gapped = {TENANT}
    await platform.decide(call())
    assert len(platform.store.commits) == 2
    for _ in range(3):
        assert list((await platform.one(call())).degraded) == ["features_slow_path"]
    assert len(platform.store.commits) == 5
    assert list((await platform.one(call(tenant=OTHER))).degraded) == []
    platform.store.gapped = set()
    monkeypatch.setattr(platform.decider, "_distrusted", DistrustedTenants(time.monotonic))
    assert list((await platform.one(call())).degraded) == []


def test_a_tenant_is_distrusted_for_a_moment() -> None:
    now = [100.0]
    distrusted = DistrustedTenants(lambda: now[0])
    assert distrusted.among({TENANT}) == frozenset()
    distrusted.add({TENANT})
    assert distrusted.among({TENANT, OTHER}) == {TENANT}
    now[0] += 1.0
    assert distrusted.among({TENANT, OTHER}) == frozenset()


async def test_transaction_too_late_for_the_logs_has_its_features_from_the_store() -> None:
    """Its windows reach back to what logs have dropped, in a tenant that is old enough to have had something there."""
    platform = Platform()
    early, platform.now = NOW - timedelta(days=40), NOW - timedelta(days=40)
    await platform.decide(*[call(event_time=at(early + timedelta(seconds=n))) for n in range(3)])
    platform.now = NOW
    await platform.decide(call(event_time=at(NOW)))
    (answer,) = await platform.decide(call("late", "fraud:backfill", event_time=at(early + timedelta(seconds=9))))
    assert not isinstance(answer, MeshError) and answer.decided is not None
    assert answer.decided.features.basis is Basis.HISTORY
    shown = convert.stored_to_proto(answer.answer, record(answer.decided).inputs)
    assert shown.inputs.features["user_count_1m"] == 3


async def test_stored_decision_computed_again_is_identical(platform: Platform) -> None:
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


async def give_rates(platform: Platform, *rates: tuple[str, float], tenant: str = TENANT) -> None:
    await platform.rates.replace(tenant, [DatedRate(code, value, date(2000, 1, 1)) for code, value in rates])


async def test_amount_in_another_currency_is_judged_by_the_rate_of_its_tenant(platform: Platform) -> None:
    await give_rates(platform, ("JPY", 0.0066), ("KWD", 3.25))
    await give_rates(platform, ("JPY", 1.0), tenant=OTHER)
    checks = [("JPY", 5_000.0, TENANT), ("JPY", 5_000.0, OTHER), ("KWD", 4_999.0, TENANT)]
    answers = await platform.decide(
        *[
            call(
                user_id=f"{code}{tenant}",
                device_fingerprint=tenant,
                currency=code,
                transaction_amount=amount,
                tenant=tenant,
            )
            for code, amount, tenant in checks
        ]
    )
    decisions = [decision_of(answer) for answer in answers]
    assert [list(each.risk_factors) for each in decisions] == [[], ["AMOUNT_VERY_HIGH"], ["AMOUNT_VERY_HIGH"]]
    assert [list(each.degraded) for each in decisions] == [[], [], []]


async def test_amount_without_a_rate_is_told_and_never_passed_in_silence(platform: Platform) -> None:
    decision = await platform.one(call(currency="KWD", transaction_amount=250_000.0))
    assert (list(decision.risk_factors), list(decision.degraded)) == ([], ["exchange_rate"])
    strict = Platform(DecisionPolicy(frozenset({"exchange_rate"})))
    assert (await strict.one(call(currency="KWD", transaction_amount=1.0))).outcome == "review"
    assert (await strict.one(call(user_id="u2", transaction_amount=1.0))).outcome == "approve"


async def test_user_who_alternates_currencies_does_not_split_his_sums(platform: Platform) -> None:
    await give_rates(platform, ("EUR", 1.1))
    for number in range(8):
        await platform.one(call(currency="EUR" if number % 2 else "USD", transaction_amount=1_300.0))
    decision = await platform.one(call(transaction_amount=10.0))
    spent = [each.message for each in decision.explanations if each.reason_code == "USER_SPEND_24H"]
    assert spent == ["The user spent 10920.00 USD in the last 24 hours."]
    first = await platform.one(call(currency="KWD", transaction_amount=10.0))
    assert list(first.degraded) == ["exchange_rate"]
    assert "USER_SPEND_24H" in first.risk_factors, "what has a rate is enough"


async def test_switching_the_currency_is_not_above_the_usual(platform: Platform) -> None:
    await give_rates(platform, ("EUR", 1.1))
    for _ in range(4):
        await platform.one(call(transaction_amount=60.0))
    decisions = [await platform.one(call(currency="EUR", transaction_amount=60.0)) for _ in range(4)]
    assert [each for each in decisions if "AMOUNT_ABOVE_USUAL" in each.risk_factors] == []
    unusual = await platform.one(call(currency="EUR", transaction_amount=250.0))
    assert "AMOUNT_ABOVE_USUAL" in unusual.risk_factors


async def test_email_that_is_none_is_told_and_one_that_is_unusual_is_not(platform: Platform) -> None:
    for email, degraded in (("alice@", ["email"]), ("josé@münchen.de", []), ('"a b"@x.org', []), ("", [])):
        assert list((await platform.one(call(email=email))).degraded) == degraded, email


async def test_spellings_of_one_address_are_one_subject_of_the_logs(platform: Platform) -> None:
    spellings = ["2001:db8:78::b7", "2001:DB8:78:0::B7", "2001:0db8:78::b7"] * 11
    for number, ip in enumerate(spellings):
        decision = await platform.one(call(user_id=f"u{number}", device_fingerprint=f"d{number}", ip_address=ip))
    assert {"IP_SHARED", "IP_VELOCITY_1M"} <= set(decision.risk_factors)


async def test_time_of_the_answer_sent_back_gets_the_stored_answer(platform: Platform) -> None:
    cases: list[dict[str, Any]] = [{}, {"event_time": Timestamp(seconds=int(NOW.timestamp()), nanos=123_456_789)}]
    for fields in cases:
        name = f"t-{len(fields)}"
        first = await platform.one(call(name, **fields))
        assert await platform.one(call(name, event_time=first.event_time)) == first
        changed = Timestamp(seconds=first.event_time.seconds - 1)
        (answer,) = await platform.decide(call(name, event_time=changed))
        assert error_of(answer).reason == "IDEMPOTENCY_CONFLICT"


async def test_rates_are_read_again_after_a_while_and_kept_while_the_store_is_away() -> None:
    class Away(MemoryRates):
        away = False
        reads = 0

        async def read(self, tenants: Collection[str]) -> Mapping[str, Sequence[DatedRate]]:
            self.reads += 1
            if self.away:
                raise unavailable("postgres")
            return await super().read(tenants)

    now, store = [0.0], Away()
    rates = ExchangeRates(store, clock=lambda: now[0])

    async def euro() -> float:
        rate = (await rates.tables([TENANT]))[TENANT].at("EUR", date(2026, 1, 1))
        return rate.usd_per_unit if rate else 0.0

    await rates.replace(TENANT, [DatedRate("EUR", 1.1, date(2026, 1, 1))])
    assert (await euro(), await euro(), store.reads) == (1.1, 1.1, 1)
    await store.replace(TENANT, [DatedRate("EUR", 1.2, date(2026, 1, 1))])
    store.away = True
    now[0] = 21.0
    assert (await euro(), await euro(), store.reads) == (1.1, 1.1, 2)
    store.away = False
    now[0] = 23.0
    assert (await euro(), store.reads) == (1.2, 3)
    await rates.replace(TENANT, [])
    assert await euro() == 0.0
