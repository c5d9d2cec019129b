"""Near the caller's deadline a check is answered from what there is, and says what is missing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, cast

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from prometheus_client import REGISTRY
from rampart.fraud.v1 import decision_pb2

from meshkit.apart import TravelsApart
from meshkit.errors import Kind, MeshError, unavailable
from meshkit.rpc.batches import handle_valid
from meshkit.rpc.coalesce import Coalescer
from services.fraud import convert
from services.fraud.adapters.memory_event_types import MemoryDeclarations, MemoryEventTypes
from services.fraud.adapters.memory_scenarios import MemoryScenarioRows, MemoryScenarios
from services.fraud.domain.check import Basis, Decided, Features
from services.fraud.domain.scenarios.explaining import RuleState
from services.fraud.service.checks import waits
from services.fraud.service.daily.reading import DailyBatch
from services.fraud.service.deciding import ways as deciding_ways
from services.fraud.service.deciding.decider import CheckCall, Decider, Outcome
from services.fraud.service.deciding.judging import DecisionPolicy
from services.fraud.service.deciding.ways import CheckWays
from services.fraud.service.features.readings import Manner
from services.fraud.service.logs import admission, completing
from services.fraud.service.logs import slow as slow_logs
from services.fraud.service.tenants.configuration import Configurations
from services.fraud.service.tenants.feature_sets import StarterFeatures
from services.fraud.service.tenants.models import ModelCatalog
from services.fraud.service.tenants.rates import ExchangeRates
from services.fraud.service.tenants.states import TenantStates
from services.fraud.service.value_lists.catalog import ListCatalog, TenantLists
from services.fraud.service.verification.replaying import Replays
from tests.support.fraud import IP, configured, named, new_tenant, request, to_call
from tests.support.readers import patiently, reader_of
from tests.support.scorers import FakeModels
from tests.support.slow import SlowHistory, SlowLogs, SlowProfiles, SlowRates, SlowSets

NOW = datetime.fromtimestamp(1_800_000_000, UTC)
SECONDS = 0.4
"""What callers have left. Nothing that hangs is waited for so long that a test would not notice."""


class Bench:
    """A decider whose ports may hang."""

    def __init__(self) -> None:
        self.tenant = new_tenant()
        self.store, self.logs = SlowHistory(), SlowLogs()
        self.profiles, self.rates, self.sets = SlowProfiles(), SlowRates(), SlowSets()
        self.restart()

    def restart(self) -> None:
        """Goes on as another process, which has seen no logs yet."""
        self.decider = Decider(
            reader=reader_of(self.logs, self.store, self.sets, clock=lambda: NOW),
            profiles=self.profiles,
            rates=ExchangeRates(self.rates),
            store=self.store,
            policy=DecisionPolicy(),
            states=configured,
            ip=IP,
            clock=lambda: NOW,
        )

    def call(self, transaction_id: str = "", *, seconds: float | None = None, **fields: Any) -> CheckCall:
        currency = fields.pop("currency", "USD")
        made = to_call(self.tenant, request(transaction_id, **fields), currency=currency)
        assert not isinstance(made, MeshError)
        deadline = None if seconds is None else time.monotonic() + seconds
        return CheckCall(made.check, replace(made.context, deadline=deadline))

    async def decide(
        self, *calls: CheckCall, prompt: bool = False, sheds: bool = False
    ) -> Sequence[Outcome | MeshError]:
        decide = partial(self.decider.decide_prompt, sheds=sheds) if prompt else self.decider.decide
        async with asyncio.timeout(10):
            return await handle_valid(calls, decide)

    async def one(self, call: CheckCall) -> decision_pb2.Decision:
        (answer,) = await self.decide(call)
        return decision_of(answer)

    async def lose(self, *values: str) -> None:
        """Empties the logs after some checks were decided, and lets reads of the history hang."""
        for _ in range(3):
            await self.one(self.call())
        self.logs.lose()
        self.restart()
        self.store.long = set(values)
        self.store.gate.close()

    async def until_read(self, count: int) -> None:
        """Waits until the filler has read so many logs."""
        async with asyncio.timeout(10):
            while _read_later() < count:
                await asyncio.sleep(0.01)


def _read_later() -> float:
    return REGISTRY.get_sample_value("logs_read_later_total", {"result": "read"}) or 0.0


def decision_of(answer: Outcome | MeshError) -> decision_pb2.Decision:
    assert not isinstance(answer, MeshError), answer
    return decision_pb2.Decision.FromString(answer.answer)


def features_of(answer: Outcome | MeshError) -> Features:
    assert not isinstance(answer, MeshError) and answer.decided is not None, answer
    return answer.decided.features


@pytest.fixture
async def bench() -> Bench:
    return Bench()


async def test_what_a_history_does_not_tell_in_time_is_missing_named_and_a_reason_for_a_review(bench: Bench) -> None:
    await bench.lose("u1")
    (answer,) = await bench.decide(bench.call("t-1", seconds=SECONDS))
    decision, seen = decision_of(answer), named(features_of(answer))
    assert (list(decision.degraded), decision.outcome) == (["features_slow_path", "features"], "review")
    assert {name for name, value in seen.items() if value is None} >= {"user_count_1m", "user_sum_24h"}
    assert seen["device_count_1m"] == 3, "what another key has is whole"
    again = await bench.one(bench.call("t-1"))
    assert again == decision, "a retry gets what is stored"


async def test_explained_and_computed_again_what_was_missing_is_missing(bench: Bench) -> None:
    await bench.lose("u1")
    (answer,) = await bench.decide(bench.call(seconds=SECONDS))
    stored = await bench.store.get(bench.tenant, decision_id_of(answer))
    assert stored is not None
    recorded = convert.recorded_from_record(stored)
    scenarios, types = MemoryScenarios(MemoryScenarioRows()), MemoryEventTypes(MemoryDeclarations())
    replays = Replays(scenarios, types, StarterFeatures(), ModelCatalog(FakeModels()))
    bench.store.gate.open()
    assert await replays.replay(bench.tenant, recorded) == []
    explanation = await replays.explain(bench.tenant, recorded)
    states = {each.rule.code: each.state for each in explanation.rules}
    assert states["USER_VELOCITY_1M"] is RuleState.NOT_ENOUGH_DATA
    assert states["DEVICE_VELOCITY_1M"] is RuleState.NOT_FIRED
    assert explanation.values["user_count_1m"] is None


async def test_next_check_of_the_key_finds_what_was_read_meanwhile(bench: Bench) -> None:
    before = _read_later()
    await bench.lose("u1")
    await bench.one(bench.call(seconds=SECONDS))
    bench.store.gate.open()
    await bench.until_read(int(before) + 1)
    (answer,) = await bench.decide(bench.call(seconds=SECONDS))
    assert list(decision_of(answer).degraded) == []
    assert named(features_of(answer))["user_count_1m"] == 4, "the partial decision counts as every other"


async def test_log_that_is_being_read_already_is_not_read_by_each_check(bench: Bench) -> None:
    await bench.lose("u1")
    await bench.one(bench.call(seconds=SECONDS))
    await asyncio.sleep(0)
    held = bench.store.gate.held
    assert list((await bench.one(bench.call(seconds=SECONDS))).degraded) == ["features"]
    assert bench.store.gate.held == held


async def test_neighbours_do_not_wait_for_a_history_that_hangs(bench: Bench) -> None:
    await bench.lose()
    bench.store.gate.open()
    theirs: dict[str, Any] = {
        "user_id": "u2",
        "device_fingerprint": "d2",
        "ip_address": "192.0.2.2",
        "merchant_id": "m2",
    }
    await bench.one(bench.call(**theirs))
    bench.store.gate.close()
    slow, other = await bench.decide(bench.call(seconds=30), bench.call(**theirs), prompt=True)
    assert isinstance(slow, TravelsApart) and not decision_of(other).degraded


async def test_more_than_can_be_read_of_the_history_makes_nobody_late(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.lose()
    bench.store.gate.open()
    await bench.decide(bench.call(user_id="u9", seconds=30), prompt=True)
    bench.logs.lose()
    monkeypatch.setattr(admission, "BUDGET_SECONDS", 0.0)
    (answer,) = await bench.decide(bench.call(seconds=30), prompt=True, sheds=True)
    decision, seen = decision_of(answer), named(features_of(answer))
    assert (list(decision.degraded), decision.outcome) == (["features_slow_path", "features"], "review")
    assert seen["user_count_1m"] == 3, "one log is read at any time"
    assert seen["device_count_1m"] is None
    bench.logs.lose()
    (answer,) = await bench.decide(bench.call("t-2", seconds=30), prompt=True)
    assert isinstance(answer, TravelsApart), "who waits for a whole batch waits for the history as well"
    long_ago = Timestamp(seconds=int(NOW.timestamp()) - 3_600)
    bench.logs.lose()
    (answer,) = await bench.decide(bench.call("t-3", seconds=30, event_time=long_ago), prompt=True, sheds=True)
    assert isinstance(answer, TravelsApart), "and so does what happened an hour ago"
    bench.logs.lose()
    assert list((await bench.one(bench.call("t-2", seconds=30))).degraded) == ["features_slow_path"]


async def test_who_has_more_time_than_its_neighbours_is_read_again_rather_than_degraded(bench: Bench) -> None:
    await bench.lose("u1")
    hurried, patient = await bench.decide(bench.call("t-1", seconds=SECONDS), bench.call("t-2", seconds=30))
    assert "features" in decision_of(hurried).degraded
    assert isinstance(patient, TravelsApart)
    bench.store.gate.open()
    (answer,) = await bench.decide(bench.call("t-2", seconds=30))
    assert "features" not in decision_of(answer).degraded
    assert named(features_of(answer))["user_count_1m"] == 4, "its first attempt counts no longer, its neighbour does"


async def test_profile_that_does_not_come_in_time_is_missing(bench: Bench) -> None:
    bench.profiles.gate.close()
    decision = await bench.one(bench.call(seconds=SECONDS))
    assert (list(decision.degraded), decision.outcome) == (["user_profile"], "review")
    hurried, patient = await bench.decide(bench.call(seconds=SECONDS), bench.call(seconds=30))
    assert list(decision_of(hurried).degraded) == ["user_profile"] and isinstance(patient, TravelsApart)


async def test_logs_that_do_not_answer_cost_the_features_and_not_the_answer(bench: Bench) -> None:
    bench.logs.gate.close()
    (answer,) = await bench.decide(bench.call(seconds=SECONDS))
    decision, seen = decision_of(answer), features_of(answer)
    assert (list(decision.degraded), decision.outcome) == (["features"], "review")
    assert seen.basis is Basis.UNLOGGED, "the logs are told of it later"
    assert set(seen.values) == {None}


async def test_logs_are_not_passed_over_for_want_of_a_moment(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """It makes all of the tenant's decisions slow for a while, which who has little time must not bring about."""
    monkeypatch.setattr("services.fraud.service.features.reading.UNLOGGED_SECONDS", 60)
    bench.logs.gate.close()
    (answer,) = await bench.decide(bench.call("t-1", seconds=SECONDS))
    assert isinstance(answer, MeshError) and answer.kind is Kind.DEADLINE_EXCEEDED
    assert await bench.store.existing([(bench.tenant, "t-1")]) == set()


async def test_rates_that_do_not_come_in_time_are_missing(bench: Bench) -> None:
    bench.rates.gate.close()
    decision = await bench.one(bench.call(seconds=SECONDS, currency="EUR"))
    assert list(decision.degraded) == ["exchange_rate"]


async def test_check_that_cannot_be_stored_in_time_is_refused_at_once(bench: Bench) -> None:
    bench.logs.gate.close()
    (answer,) = await bench.decide(bench.call("t-1", seconds=waits.LEAST_SECONDS / 2))
    assert isinstance(answer, MeshError) and answer.kind is Kind.DEADLINE_EXCEEDED
    assert bench.logs.gate.held == 0, "nothing was appended"
    bench.logs.gate.open()
    late, other = await bench.decide(bench.call("t-2", seconds=0.0), bench.call("t-3", seconds=30))
    assert isinstance(late, MeshError) and not decision_of(other).degraded


async def test_history_that_is_too_long_is_missing_and_not_asked_for_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.lose()
    bench.store.gate.open()
    monkeypatch.setattr(completing, "PROMPT_EVENTS", 1)
    monkeypatch.setattr(completing, "PATIENT_EVENTS", 2)
    decision = await bench.one(bench.call(seconds=30))
    assert "features" in decision.degraded and decision.outcome == "review"


async def test_history_that_cannot_be_read_is_missing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    await bench.lose()

    async def fails(*_: object, **__: object) -> Any:
        raise unavailable("postgres")

    monkeypatch.setattr(bench.store, "read", fails)
    (answer,) = await bench.decide(bench.call(seconds=30))
    assert (
        list(decision_of(answer).degraded) == ["features_slow_path", "features"]
        or "features" in decision_of(answer).degraded
    )
    assert features_of(answer).basis is Basis.HISTORY, "no value of a log was used"
    assert set(features_of(answer).values) == {None}


async def test_logs_that_lack_decisions_are_not_read_in_place_of_a_history_that_hangs(bench: Bench) -> None:
    """What the store refused to take from the logs must not come from them after all."""
    await bench.one(bench.call())
    bench.store.gate.close()
    reader = bench.decider._reader
    call = bench.call(seconds=SECONDS)
    limits = waits.Waits({call.check.key: call})
    reading = await reader.read([call.check], Manner(limits, patient=True, gapped=frozenset({bench.tenant})))
    (seen,) = reading.features
    assert not isinstance(seen, MeshError)
    assert (set(seen.values), seen.basis, seen.degraded) == ({None}, Basis.HISTORY, ("features",))


async def test_checks_that_are_told_to_come_again_are_followed_to_their_end(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever way they came: alone, or in a batch whose sender waits for all of it."""
    monkeypatch.setattr(slow_logs, "PROMPT_SECONDS", 0.01)
    await bench.lose("u1")
    joined: list[Coalescer[CheckCall, Outcome]] = []

    def join(decide: Any) -> Coalescer[CheckCall, Outcome]:
        joined.append(Coalescer("test", decide, max_items=64, max_bytes=1 << 20, max_in_flight=1))
        return joined[0]

    ways = CheckWays(bench.decider, join, in_flight=1)
    hurried, patient = bench.call(seconds=SECONDS), bench.call(seconds=3 * SECONDS)
    async with asyncio.timeout(10):
        outcomes = await ways.decide_all([hurried, patient])
        assert ["features" in decision_of(each).degraded for each in outcomes] == [True, True]
        followed = await ways.decide_singles([bench.call(seconds=SECONDS), bench.call(seconds=3 * SECONDS)])
        for each in followed:
            assert isinstance(each, asyncio.Future)
            assert "features" in decision_of(await each).degraded


async def test_what_is_decided_of_a_batch_by_its_deadline_is_answered(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deciding_ways, "BATCH_ITEMS", 2)
    commit = bench.store.commit

    async def hangs_later(made: Sequence[Decided]) -> Any:
        if any(each.check.transaction_id == "t-3" for each in made):
            await asyncio.sleep(60)
        return await commit(made)

    monkeypatch.setattr(bench.store, "commit", hangs_later)
    ways = CheckWays(bench.decider, lambda _: cast(Any, None), in_flight=1)
    calls = [bench.call(f"t-{number}", seconds=SECONDS) for number in range(1, 6)]
    async with asyncio.timeout(5):
        *decided, third, fourth, fifth = await ways.decide_all(calls)
    assert [decision_of(each).degraded for each in decided] == [[], []]
    for late in (third, fourth, fifth):
        assert isinstance(late, MeshError) and late.kind is Kind.DEADLINE_EXCEEDED
    assert not isinstance((await ways.decide_all([bench.call("t-5", seconds=30)]))[0], MeshError), "its slot is free"


async def test_time_limit_of_something_inside_is_not_the_batch_s_own(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(_: object) -> Any:
        raise TimeoutError

    monkeypatch.setattr(bench.store, "commit", fails)
    ways = CheckWays(bench.decider, lambda _: cast(Any, None), in_flight=1)
    with pytest.raises(TimeoutError):
        await ways.decide_all([bench.call(seconds=30)])


async def test_decisions_without_an_input_are_counted_by_it(bench: Bench) -> None:
    def counted() -> float:
        return REGISTRY.get_sample_value("decisions_degraded_total", {"input": "features"}) or 0.0

    before = counted()
    bench.logs.gate.close()
    await bench.one(bench.call("t-1", seconds=SECONDS))
    await bench.one(bench.call("t-1", seconds=SECONDS))
    assert counted() == before + 1, "a repeated answer is no further decision"


class HangingCatalog:
    """Lists that are never read."""

    def known(self, tenant_id: str) -> TenantLists | None:
        return None

    async def of(self, tenant_id: str) -> TenantLists:
        await asyncio.Event().wait()
        raise AssertionError("it waits for ever")


async def test_configuration_and_lists_are_waited_for_no_longer_than_there_is_time() -> None:
    store = MemoryDeclarations()
    states = TenantStates(Configurations(store), cast("ListCatalog", HangingCatalog()), ModelCatalog(FakeModels()))
    async with asyncio.timeout(10):
        state = await states.of(new_tenant(), 0.05)
        assert state.missing == ("lists",)
        store.read = HangingCatalog().of  # type: ignore[method-assign, assignment]
        with pytest.raises(MeshError) as caught:
            await states.of(new_tenant(), 0.05)
    assert caught.value.kind is Kind.DEADLINE_EXCEEDED


def decision_id_of(answer: Outcome | MeshError) -> Any:
    assert not isinstance(answer, MeshError) and answer.decided is not None
    return answer.decided.decision_id


async def test_who_is_in_a_hurry_costs_neighbours_nothing_while_nobody_knows_what_is_counted(bench: Bench) -> None:
    bench.sets.gate.close()
    hurried, patient = await bench.decide(bench.call("t-1", seconds=SECONDS), bench.call("t-2", seconds=9.0))
    assert isinstance(hurried, MeshError) and hurried.kind is Kind.DEADLINE_EXCEEDED
    assert isinstance(patient, TravelsApart)


async def test_totals_of_days_are_waited_for_no_longer_than_there_is_time() -> None:
    hanging: asyncio.Task[dict[Any, Any]] = asyncio.create_task(asyncio.sleep(60, result={}))
    async with asyncio.timeout(5):
        await DailyBatch({}, {}, hanging).read(0.01)
    assert not hanging.done()
    hanging.cancel()


async def test_a_retry_waits_for_its_first_place_no_longer_than_there_is_time(bench: Bench) -> None:
    call = bench.call("t-1")
    reader = reader_of(bench.logs, bench.store, clock=lambda: NOW)
    await reader.read([call.check], patiently())
    bench.logs.asked.close()
    decision = await bench.one(bench.call("t-1", seconds=SECONDS))
    assert (bench.logs.asked.held, decision.transaction_id) == (1, "t-1")
