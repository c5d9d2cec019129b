"""A backtest says what the engine itself would have decided, had the version been live."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from rampart.fraud.v1 import decision_pb2

from meshkit.tasks import TaskFailure
from services.fraud.domain.backtests.anew import TooManyLogsError
from services.fraud.domain.backtests.backtest import BacktestValues
from services.fraud.domain.backtests.tally import BacktestTally, tally_from_json, tally_to_json
from services.fraud.domain.declared.feature import Aggregate, Feature
from services.fraud.domain.declared.feature_set import FeatureSet
from services.fraud.domain.declared.graph import GraphFeature
from services.fraud.domain.declared.starter import STARTER_FEATURES
from services.fraud.domain.event_types import BUILT_IN
from services.fraud.domain.graph.measures import GraphMeasure
from services.fraud.domain.profile import Profile
from services.fraud.domain.scenarios.deployment import Deployment
from services.fraud.domain.scenarios.scenario import ScenarioVersion
from services.fraud.ports.backtests import SupersededError
from services.fraud.service.deciding.decider import Outcome
from tests.support.backtests import BacktestBench, payments
from tests.support.deciding import STARTED, DecidingBench, ruled, version_of
from tests.support.fraud import new_tenant

STORED, RECOMPUTED = BacktestValues.STORED, BacktestValues.RECOMPUTED
LIVE = version_of(
    1, ruled("HIGH", "amount > 200.0", 0.4), ruled("BURST", "user_count_1m >= 3", 0.5),
    ruled("GONE", "user_new_device", 0.3),
)  # fmt: skip
OTHER = version_of(
    2, ruled("HIGH", "amount > 100.0", 0.5), ruled("BURST", "user_count_1m >= 2", 0.5),
    ruled("SPENT", "user_sum_1h > 500.0", 0.0, "review"), ruled("SHARED", "device_distinct_24h > 2", 0.7),
    ruled("RATIO", "user_count_1m / (device_count_1m - 2) > 3"), ruled("COUNTRY", 'ip.country == "XX"'),
    ruled("DOLLARS", "amount_usd > 3000.0", 0.0, "decline"), review_at=0.45,
)  # fmt: skip


def answers(outcomes: Sequence[Outcome]) -> list[decision_pb2.Decision]:
    return [decision_pb2.Decision.FromString(each.answer) for each in outcomes]


async def decided(tenant: str, version: ScenarioVersion, asked: Sequence[dict[str, Any]]) -> DecidingBench:
    bench = DecidingBench(Deployment(live=version.ref), (LIVE, OTHER), step=timedelta(seconds=11))
    bench.profiles.profiles[tenant, "u1"] = Profile(True, 0.5, "trusted", 0)
    bench.told = answers(await bench.decide(tenant, *map(dict, asked)))  # type: ignore[attr-defined]
    return bench


@pytest.mark.parametrize("values", [STORED, RECOMPUTED])
@pytest.mark.parametrize("seed", [1, 2])
async def test_a_backtest_equals_the_decisions_of_the_version_itself(seed: int, values: BacktestValues) -> None:
    tenant, asked = new_tenant(), payments(seed, 250)
    then, now = [await decided(tenant, version, asked) for version in (LIVE, OTHER)]
    found = await BacktestBench(then, tenant).result(OTHER, values)
    before: list[decision_pb2.Decision] = then.told  # type: ignore[attr-defined]
    after: list[decision_pb2.Decision] = now.told  # type: ignore[attr-defined]
    pairs = list(zip(before, after, strict=True))
    assert (found.decisions, found.unreadable, found.values) == (250, 0, values.value)
    assert found.outcomes == Counter((b.outcome, a.outcome) for b, a in pairs)
    assert len(found.outcomes) >= 5, "or the streams say little"
    assert found.before == Counter(code for b in before for code in b.risk_factors)
    assert found.after == Counter(code for a in after for code in a.risk_factors)
    assert found.alone == Counter(a.risk_factors[0] for a in after if len(a.risk_factors) == 1)
    assert found.errors == Counter(rule for a in after for rule in a.failed_rules) != Counter()
    assert found.not_enough_data["country"] == 250
    money: Counter[tuple[str, str, str]] = Counter()
    for b, a in pairs:
        money[b.outcome, a.outcome, b.currency] += round(b.transaction_amount * 100)
    assert found.money == money
    stricter = [(b, a) for b, a in pairs if ORDER[a.outcome] > ORDER[b.outcome]]
    for outcome in ("review", "decline"):
        users = {b.user_id for b, a in stricter if a.outcome == outcome}
        assert found.affected["user_id", outcome].count == len(users) > 0
    changed = {b.transaction_id: (b, a) for b, a in pairs if b.outcome != a.outcome}
    for change, kept in found.examples.items():
        assert len(kept) == min(50, found.outcomes[change])
        for each in kept:
            b, a = changed[each.transaction_id]
            assert change == (b.outcome, a.outcome)
            assert (each.score_before, each.score_after) == (b.confidence_score, a.confidence_score)
            assert set(each.new) == {*a.risk_factors} - {*b.risk_factors}
            assert set(each.gone) == {*b.risk_factors} - {*a.risk_factors}


ORDER = {"approve": 0, "review": 1, "decline": 2}


async def test_the_same_version_changes_nothing() -> None:
    tenant = new_tenant()
    bench = await decided(tenant, LIVE, payments(3, 60))
    found = await BacktestBench(bench, tenant).result(LIVE)
    assert all(before == after for before, after in found.outcomes)
    assert (found.before, found.examples, found.affected) == (found.after, {}, {})


async def test_a_period_is_from_its_beginning_to_before_its_end() -> None:
    tenant = new_tenant()
    bench = await decided(tenant, LIVE, payments(4, 40))
    since, until = STARTED + timedelta(seconds=110), STARTED + timedelta(seconds=220)
    for values in (STORED, RECOMPUTED):
        one = BacktestBench(bench, tenant)
        whole = await BacktestBench(bench, tenant).result(OTHER, values)
        part = await one.result(OTHER, values, since=since, until=until)
        assert (part.decisions, whole.decisions) == (10, 40)


async def test_what_was_before_the_period_counts_for_features_computed_anew() -> None:
    tenant = new_tenant()
    bench = await decided(tenant, LIVE, payments(5, 120))
    later = STARTED + timedelta(seconds=11 * 60)
    stored, anew = [
        await BacktestBench(bench, tenant).result(OTHER, values, since=later) for values in (STORED, RECOMPUTED)
    ]
    assert (anew.outcomes, anew.after) == (stored.outcomes, stored.after)


@pytest.mark.parametrize("values", [STORED, RECOMPUTED])
@pytest.mark.parametrize("stop", [1, 2, 7, 12])
async def test_an_attempt_that_dies_is_gone_on_with_to_the_same_result(values: BacktestValues, stop: int) -> None:
    tenant = new_tenant()
    bench = await decided(tenant, LIVE, payments(6, 150))
    whole = await BacktestBench(bench, tenant).result(OTHER, values)
    cut = BacktestBench(bench, tenant)
    first = await cut.news(cut.run(OTHER, values), most=stop)
    second = await cut.news(cut.run(OTHER, values))
    assert cut.stored == whole
    reached = max((each.done for each in first if each.stored), default=0)
    assert second[0].done == reached, "what was stored is not counted again"


async def test_an_attempt_that_was_given_up_stores_nothing_any_more() -> None:
    tenant = new_tenant()
    bench = await decided(tenant, LIVE, payments(7, 60))
    one = BacktestBench(bench, tenant)
    old = one.run(OTHER)
    told = old.run()
    await anext(told)
    await one.news(one.run(OTHER), most=2)
    with pytest.raises(SupersededError):
        [each async for each in told]
    with pytest.raises(SupersededError):
        await one.news(old)


async def test_progress_never_goes_back_and_ends_with_everything() -> None:
    tenant = new_tenant()
    bench = await decided(tenant, LIVE, payments(8, 55))
    one = BacktestBench(bench, tenant)
    told = await one.news(one.run(OTHER, RECOMPUTED))
    assert [each.done for each in told] == sorted(each.done for each in told)
    assert (told[-1].done, told[-1].total) == (55, 55)


async def test_values_are_chosen_by_what_was_stored() -> None:
    tenant = new_tenant()
    bench = await decided(tenant, LIVE, payments(9, 30))
    later = Feature(
        name="user_count_6h", event_type="payment", key=("user_id",), aggregate=Aggregate.COUNT, window_ms=21_600_000
    )
    features = FeatureSet("t1", [*STARTER_FEATURES, later], BUILT_IN)
    asks = with_feature("user_count_6h >= 3", "user_count_6h")
    one = BacktestBench(bench, tenant, features=features)
    found = await one.result(asks)
    assert found.values == "recomputed"
    counts: Counter[str] = Counter()
    for each in payments(9, 30):
        found.after["R"] -= counts[each["user_id"]] >= 3
        counts[each["user_id"]] += 1
    assert found.after["R"] == 0 and not found.not_enough_data
    stored = await BacktestBench(bench, tenant, features=features).result(asks, STORED)
    assert stored.not_enough_data == {"r": 30}, "a feature that was declared later was not stored"
    assert (await BacktestBench(bench, tenant).result(OTHER)).values == "stored"


async def test_windows_over_30_days_are_not_computed_again_and_the_backtest_says_so() -> None:
    tenant = new_tenant()
    bench = await decided(tenant, LIVE, payments(9, 5))
    year = Feature(
        name="year", event_type="payment", key=("user_id",), aggregate=Aggregate.COUNT, window_ms=365 * 86_400_000
    )
    one = BacktestBench(bench, tenant, features=FeatureSet("t1", [*STARTER_FEATURES, year], BUILT_IN))
    with pytest.raises(TaskFailure, match="stored values, or without year"):
        await one.result(with_feature("year >= 3", "year"), RECOMPUTED)
    assert (await one.result(OTHER, RECOMPUTED)).values == "recomputed"


async def test_values_of_the_graph_are_not_computed_again_and_the_backtest_says_so() -> None:
    tenant = new_tenant()
    bench = await decided(tenant, LIVE, payments(9, 5))
    size = GraphFeature(name="size", event_type="payment", key="user_id", measure=GraphMeasure.COMPONENT_SIZE)
    one = BacktestBench(bench, tenant, features=FeatureSet("t1", STARTER_FEATURES, BUILT_IN, graph=[size]))
    with pytest.raises(TaskFailure, match="stored values, or without size"):
        await one.result(with_feature("size >= 3", "size"), RECOMPUTED)
    assert (await one.result(OTHER, RECOMPUTED)).values == "recomputed"


def with_feature(expression: str, name: str) -> ScenarioVersion:
    known = version_of(3, ruled("R", expression.replace(name, "user_count_24h")))
    trees = tuple(tree.replace("user_count_24h", name) for tree in known.trees)
    return ScenarioVersion(
        scenario_id="cards", number=3, content=known.content, note="", authors=frozenset(), trees=trees,
        created_at=STARTED,
    )  # fmt: skip


async def test_too_much_to_fold_ends_the_backtest_with_words(monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = new_tenant()
    bench = await decided(tenant, LIVE, payments(1, 20))
    one = BacktestBench(bench, tenant)
    run = one.run(OTHER, RECOMPUTED)

    def full(*_: object) -> None:
        raise TooManyLogsError

    monkeypatch.setattr("services.fraud.domain.backtests.anew.FeaturesAnew.take", full)
    with pytest.raises(TaskFailure, match="more events than fit") as caught:
        await one.news(run)
    assert not caught.value.retryable


async def test_what_cannot_be_read_is_counted_and_the_rest_goes_on() -> None:
    tenant = new_tenant()
    bench = await decided(tenant, LIVE, payments(2, 20))
    one = BacktestBench(bench, tenant)
    run = one.run(OTHER, STORED)
    run._sets = {}
    await one.news(run)
    assert (one.stored.decisions, one.stored.unreadable) == (0, 20)


async def test_snoozed_then_is_snoozed_now() -> None:
    tenant = new_tenant()
    bench = await decided(tenant, LIVE, payments(2, 20))
    one = BacktestBench(bench, tenant)
    run = one.run(LIVE)
    pages = run._past.pages

    async def snoozed(*arguments: Any, **more: Any) -> Any:
        async for page in pages(*arguments, **more):
            yield [
                each._replace(answer=each.answer._replace(snoozed=["high"])) if each.answer else each for each in page
            ]

    run._past.pages = snoozed  # type: ignore[method-assign]
    await one.news(run)
    assert one.stored.after["HIGH"] == 0 < one.stored.before["HIGH"]


def test_a_tally_survives_its_text() -> None:
    assert tally_from_json(tally_to_json(BacktestTally())) == BacktestTally()
