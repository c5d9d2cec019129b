"""What differs is explained by what is known of it, and by nothing else."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from meshkit.errors import MeshError
from meshkit.tasks import TaskFailure
from services.fraud.adapters.memory_event_types import MemoryDeclarations
from services.fraud.adapters.memory_features import MemoryFeatures
from services.fraud.adapters.memory_labels import MemoryLabelArrivals, MemoryLabelRows
from services.fraud.domain.backtests.past import StoredVector
from services.fraud.domain.declared.declaration import DeclaredSet
from services.fraud.domain.declared.feature_set import FeatureSet
from services.fraud.domain.declared.starter import STARTER
from services.fraud.domain.event import Money
from services.fraud.domain.event_types import PAYMENT
from services.fraud.domain.verification.arrivals import ArrivalOrder
from services.fraud.domain.verification.recorded import Cause, RecordedCheck, RecordedExtent, ValueDifference
from services.fraud.domain.verification.union import ComparedSet, united
from services.fraud.expressions.patterns import compile_pattern
from services.fraud.ports.verification import (
    LogTestimony,
    VerificationNews,
    VerificationOrder,
    VerificationProgress,
    VerificationSummary,
)
from services.fraud.service.verification.run import VerifyRun
from services.fraud.service.verification.sets import numbers_of, verified_sets
from services.fraud.service.verification.verifying import Verifications
from tests.support.features import DAY_MS, counting, declared

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
US = 1_000_000


def made(number: int, seconds: float, count: int | None, **changed: Any) -> RecordedCheck:
    """Returns a payment of u1, decided so many seconds after noon, that read a count."""
    when = NOW + timedelta(seconds=seconds)
    milliseconds = int(when.timestamp() * 1000)
    values = {
        "decision_id": str(UUID(int=milliseconds << 80 | number)), "transaction_id": str(number),
        "event_type": "payment", "event_time": when, "create_time": when,
        "fields": {"user_id": "u1", "amount": Money(100, "USD")}, "arrival": milliseconds * 1_000, "unlogged": False,
        "slow": False, "elsewhere": {},
        "vector": vector(count),
    }  # fmt: skip
    return RecordedCheck(**{**values, **changed})


def vector(count: int | None) -> StoredVector:
    place = STARTER.names.index("user_count_24h")
    missing = [each for each in range(len(STARTER.names)) if each != place or count is None]
    return StoredVector(STARTER.version, [] if count is None else [count], [], missing)


class Rows:
    """Implements `RecordedChecks` and `LogWitness` on what is told."""

    def __init__(self, *checks: RecordedCheck, deleted_before: datetime | None = None) -> None:
        self.checks = sorted(checks, key=lambda each: each.decision_id)
        self.deleted_before = deleted_before
        self.altered: set[str] = set()
        self.said: LogTestimony | None = None

    async def extent(self, tenant_id: str, since: datetime, until: datetime) -> RecordedExtent:
        return RecordedExtent(len(self.checks), 0.0, (STARTER.version,), self.deleted_before)

    async def pages(self, *_: object) -> AsyncGenerator[Sequence[RecordedCheck], None]:
        for each in self.checks:
            yield [each]

    async def intact(self, tenant_id: str, decision_id: str) -> bool:
        return decision_id not in self.altered

    async def testify(self, check: RecordedCheck) -> LogTestimony | None:
        return self.said


async def differences(rows: Rows, since: datetime = NOW) -> Sequence[tuple[str, object, object, Cause]]:
    compared = ComparedSet(STARTER, ["user_count_24h"])
    order = VerificationOrder(tenant_id="t", since=since, until=NOW + timedelta(days=1))
    run = VerifyRun(
        order, checks=rows, labels=MemoryLabelArrivals(MemoryLabelRows()),
        extent=await rows.extent("t", since, order.until), sets={STARTER.version: compared},
        union=union_of(compared), witness=rows,
    )  # fmt: skip
    news = [each async for each in run.run()]
    assert isinstance(news[-1], VerificationSummary)
    found = [each for each in news if isinstance(each, ValueDifference)]
    assert sum(news[-1].causes.values()) == len(found)
    return [(each.transaction_id, each.stored, each.recomputed, each.cause) for each in found]


def union_of(compared: ComparedSet) -> FeatureSet:
    union = STARTER.part({"user_count_24h"})
    assert [each.name for each in united([compared])] == [each.name for each in union.features]
    return union


async def test_checks_are_counted_in_the_order_in_which_they_arrived_and_not_in_that_of_their_decisions() -> None:
    first, second = made(1, 0, 1), made(2, 0.5, 0, event_time=NOW)
    late = first._replace(arrival=second.arrival + 1)
    assert await differences(Rows(late, second, made(3, 1, 2))) == []
    assert [each[0] for each in await differences(Rows(first, second))] == ["1", "2"]


async def test_what_happened_before_the_period_is_counted_and_not_compared() -> None:
    assert await differences(Rows(made(1, -3_600, 7), made(2, 1, 1))) == []


async def test_a_clock_of_the_logs_that_is_behind_changes_nothing() -> None:
    behind = [made(n, n / 10, 4 - n, arrival=(1_000 - n) * US, event_time=NOW) for n in range(5)]
    assert await differences(Rows(*behind)) == []


@pytest.mark.parametrize(
    ("changed", "cause"),
    [
        ({}, Cause.UNEXPLAINED),
        ({"slow": True}, Cause.SLOW_PATH),
        ({"arrival": 0}, Cause.ORDER_UNKNOWN),
    ],
)
async def test_what_a_decision_says_of_itself_explains_it(changed: dict[str, Any], cause: Cause) -> None:
    assert await differences(Rows(made(1, 0, 0), made(2, 1, 5, **changed))) == [("2", 5, 1, cause)]


async def test_a_row_that_does_not_fit_its_digest_was_altered_whatever_it_says() -> None:
    rows = Rows(made(1, 0, 0), wrong := made(2, 1, 5, slow=True))
    rows.altered.add(wrong.decision_id)
    assert await differences(rows) == [("2", 5, 1, Cause.ALTERED)]


async def test_what_was_decided_without_the_logs_at_the_same_time_explains_who_did_not_see_it() -> None:
    beside = made(1, 0, 0, unlogged=True, slow=True)
    assert await differences(Rows(beside, made(2, 1, 0))) == [("2", 0, 1, Cause.GAP)]
    assert await differences(Rows(beside, made(2, 1, 3))) == [("2", 3, 1, Cause.UNEXPLAINED)]
    assert await differences(Rows(beside, made(2, 120, 0))) == [("2", 0, 1, Cause.UNEXPLAINED)]


async def test_a_window_that_reaches_to_what_was_deleted_explains_it() -> None:
    rows = [made(1, 0, 0), made(2, 1, 5)]
    assert (await differences(Rows(*rows, deleted_before=NOW - timedelta(hours=23))))[0][-1] is Cause.DELETED
    assert (await differences(Rows(*rows, deleted_before=NOW - timedelta(hours=25))))[0][-1] is Cause.UNEXPLAINED


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        (LogTestimony([{"user_count_24h": 4}, {"user_count_24h": 5}], withdrawn=True), Cause.WITHDRAWN),
        (LogTestimony([{"user_count_24h": 4}], withdrawn=True), Cause.UNEXPLAINED),
        (LogTestimony([{"user_count_24h": 5}], withdrawn=False), Cause.UNEXPLAINED),
        (LogTestimony([], withdrawn=True), Cause.UNEXPLAINED),
    ],
)
async def test_logs_explain_what_they_have_as_it_was_stored_and_withdrew_since(
    said: LogTestimony, cause: Cause
) -> None:
    rows = Rows(made(1, 0, 0), made(2, 1, 5))
    rows.said = said
    assert await differences(rows) == [("2", 5, 1, cause)]


async def test_a_value_of_a_built_in_feature_is_never_taken_for_one_that_is_being_filled() -> None:
    assert (await differences(Rows(made(1, 0, None))))[0][-1] is Cause.UNEXPLAINED


def test_features_of_one_name_that_are_not_the_same_stand_beside_each_other() -> None:
    day, hour = (counting("mine", window_ms=each) for each in (DAY_MS, 3_600_000))
    sets = [ComparedSet(STARTER), ComparedSet(STARTER)]
    sets[0].part = _Part([day, counting("by_card", key="card_fingerprint")])  # type: ignore[assignment]
    sets[1].part = _Part([counting("of_ip", key="ip_address"), hour, day])  # type: ignore[assignment]
    assert [each.name for each in united(sets)] == ["mine", "mine~1", "by_card", "of_ip"]
    assert [each.places for each in sets] == [[0, 2], [3, 1, 0]]


class _Part:
    def __init__(self, features: Sequence[Any]) -> None:
        self.features = features


def test_an_order_of_arrival_holds_back_no_more_than_it_may() -> None:
    order = ArrivalOrder(waiting_us=10 * US, most=3)
    checks = [made(n, n, 0) for n in range(20)]
    assert list(order.take(checks[:3])) == []
    assert list(order.take(checks[3:5])) == checks[:2], "no more than three wait"
    assert list(order.take([])) == []
    assert list(order.take([checks[19]])) == checks[2:5]
    assert list(order.rest()) == [checks[19]]


def test_sets_between_the_first_and_the_last_are_asked_for_unless_they_are_very_many() -> None:
    assert list(numbers_of(["3", "t2"])) == [1, 2, 3, 4, 5]
    assert list(numbers_of(["t9", "t7"])) == [4, 5, 6, 7, 8, 9, 10, 11, 12]
    with pytest.raises(TaskFailure, match="shorter"):
        numbers_of(["t1", "t500"])


class Runner:
    """Implements `VerificationRunner`: says that it began, and fails if it is told to."""

    def __init__(self, failure: TaskFailure | None = None) -> None:
        self.failure = failure

    async def run(self, order: VerificationOrder) -> AsyncGenerator[VerificationNews, None]:
        yield VerificationProgress(0, 1, "")
        if self.failure is not None:
            raise self.failure


async def ended(verifications: Verifications, *, since: datetime = NOW - timedelta(days=1)) -> MeshError | None:
    try:
        [each async for each in verifications.verify("t", since, verifications.latest, [])]
    except MeshError as error:
        return error
    return None


async def test_one_verification_at_a_time_runs_in_a_process_and_none_when_nobody_reads_it() -> None:
    verifications = Verifications(Runner(), 400, lambda: NOW)
    first = verifications.verify("t", NOW - timedelta(days=1), verifications.latest, [])
    await anext(first)
    busy = await ended(verifications)
    assert busy is not None and (busy.reason, busy.retry_after) == ("OVERLOADED", 5.0)
    await first.aclose()
    assert await ended(verifications) is None


@pytest.mark.parametrize(
    ("failure", "reason"),
    [("TooManyEvents", "STATE_NOT_ALLOWED"), ("NoFeatures", "VALIDATION_FAILED"), ("ProcessEnded", "INTERNAL")],
)
async def test_why_nothing_can_be_verified_is_said(failure: str, reason: str) -> None:
    error = await ended(Verifications(Runner(TaskFailure(failure, "words")), 400, lambda: NOW))
    assert error is not None and error.reason == reason
    assert "words" not in error.message or reason == "STATE_NOT_ALLOWED"


async def test_a_period_that_has_no_end_before_now_is_refused() -> None:
    error = await ended(Verifications(Runner(), 400, lambda: NOW), since=NOW)
    assert error is not None and [each.field for each in error.violations] == ["since"]


@pytest.mark.parametrize("only", [["nothing"], ["user_count_1h", "nothing"], ["user_count_1h", "aged"]])
async def test_a_name_of_which_nothing_is_verified_is_named(only: Sequence[str]) -> None:
    features, types = MemoryFeatures(MemoryDeclarations()), {"payment": PAYMENT}
    aged = declared(counting("aged", window_ms=365 * DAY_MS), DeclaredSet())
    features.sets["t", 1] = DeclaredSet().following([aged], types)
    with pytest.raises(TaskFailure, match=f"not {only[-1]}"):
        await verified_sets(features, "t", types, ["3", "t1"], only, compile_pattern)
    found = await verified_sets(features, "t", types, ["3", "t1"], ["user_count_1h"], compile_pattern)
    assert set(found.sets) == {"3", "t1"}
