"""A version with a model decides by the model's score and what rules add; without a usable score rules decide."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from rampart.fraud.v1 import decision_pb2

from meshkit.errors import MeshError
from services.fraud import convert
from services.fraud.adapters.memory_event_types import MemoryDeclarations, MemoryEventTypes
from services.fraud.adapters.memory_scenarios import MemoryScenarioRows, MemoryScenarios
from services.fraud.domain.check import Decided
from services.fraud.domain.scenarios.deployment import Deployment
from services.fraud.domain.scenarios.rule import ScenarioRule
from services.fraud.domain.scenarios.scenario import ModelReason, ScenarioModel, ScenarioVersion
from services.fraud.domain.scoring.model import ModelRef
from services.fraud.ports import StoredDecision
from services.fraud.service.checks.calls import Outcome
from services.fraud.service.tenants.feature_sets import StarterFeatures
from services.fraud.service.tenants.models import ModelCatalog
from services.fraud.service.verification.replaying import Replays
from tests.support.deciding import STARTED, DecidingBench, ruled, version_of
from tests.support.fraud import new_tenant, record, request, to_call
from tests.support.scorers import FRAUD, FakeModels, FakeScorer

WORDS = "{amount:.2f} is much."
MODEL = ScenarioModel(name=FRAUD.name, version=FRAUD.number)
TOLD = replace(MODEL, reasons=(ModelReason(feature="amount", code="LARGE", words=WORDS),))


def of_model(*rules: ScenarioRule, model: ScenarioModel = MODEL, number: int = 1) -> ScenarioVersion:
    return version_of(number, *rules, model=model)


class Bench:
    """A tenant whose live version has a model: the score of a payment is its amount."""

    def __init__(self, *rules: ScenarioRule, model: ScenarioModel = MODEL, **scorer: Any) -> None:
        version = of_model(*rules, model=model)
        self.scorer = FakeScorer(**scorer)
        self.bench = DecidingBench(Deployment(live=version.ref), (version,))
        self.bench.state = self.bench.state._replace(models={self.scorer.ref: self.scorer})
        self.tenant = new_tenant()

    async def decide(self, amount: float, **fields: Any) -> Decided:
        (found,) = await self.bench.decide(self.tenant, {"transaction_amount": amount, **fields})
        assert found.decided is not None
        return found.decided


def answer_of(made: Decided) -> decision_pb2.Decision:
    return decision_pb2.Decision.FromString(record(made).answer)


async def test_the_score_is_that_of_the_model_and_says_so() -> None:
    answer = answer_of(await Bench().decide(0.3))
    assert (answer.confidence_score, answer.score_source, answer.outcome) == (0.3, "model", "approve")
    assert (list(answer.degraded), list(answer.risk_factors)) == ([], [])


async def test_rules_add_to_the_score_read_it_and_force_outcomes() -> None:
    added = await Bench(ruled("BURST", "amount > 0.0", 0.5)).decide(0.4)
    assert added.verdict.score == pytest.approx(1 - 0.6 * 0.5)
    read = await Bench(ruled("CERTAIN", "model.score > 0.35", 0.0, "decline")).decide(0.4)
    assert (read.verdict.score, read.verdict.outcome) == (0.4, "decline")
    spared = await Bench(ruled("KNOWN", "amount > 0.0", 0.0, "approve_at_once")).decide(0.95)
    assert (spared.verdict.score, spared.verdict.outcome) == (0.95, "approve")


async def test_a_model_that_is_named_like_its_version_reads_what_is_its_own() -> None:
    same = ModelRef(*of_model().ref)
    many = ruled("MANY", "user_count_1h > 20")
    bench = Bench(many, model=ScenarioModel(name=same.name, version=same.number), ref=same)
    made = await bench.decide(40.0)
    assert made.facts.model is not None
    assert made.facts.model.score == 40.0
    assert "MANY" not in [each.code for each in made.verdict.factors]


async def test_what_is_not_approved_says_what_the_score_is_made_of_and_the_parts_add_up() -> None:
    bench = Bench(ruled("BURST", "amount > 0.0", 0.3), model=TOLD, features=("amount", "user_count_1h"))
    made = await bench.decide(0.6)
    found = {each.code: each for each in made.verdict.factors}
    assert set(found) == {"BURST", "LARGE", "MODEL_USER_COUNT_1H"}
    assert (found["LARGE"].message, found["MODEL_USER_COUNT_1H"].message) == ("0.60 is much.", "user_count_1h is 0.")
    assert sum(each.contribution for each in made.verdict.factors) == pytest.approx(made.verdict.score, abs=1e-5)
    assert [each.contribution for each in made.verdict.factors] == sorted(
        (each.contribution for each in made.verdict.factors), reverse=True
    )
    assert (await bench.decide(0.1)).facts.model == (FRAUD, 0.1, ())


@pytest.mark.parametrize(
    "scorer",
    [
        {"failing": True},
        {"valid_until": STARTED},
        {"features": ("amount", "gone", "gone_as_well"), "most_missing": 0.3},
        {"ref": ModelRef("fraud", 4)},
    ],
    ids=["failing", "expired", "inputs missing", "not there"],
)
async def test_a_model_that_says_nothing_leaves_it_to_the_rules_and_the_decision_says_so(
    scorer: dict[str, Any],
) -> None:
    made = await Bench(ruled("BURST", "amount > 0.0", 0.5), **scorer).decide(0.9, channel="card_present")
    answer = answer_of(made)
    assert (answer.score_source, list(answer.degraded)) == ("rules", ["model"])
    assert answer.confidence_score == pytest.approx(1 - 0.95 * 0.5)


async def test_a_model_is_valid_until_its_time_and_not_longer() -> None:
    bench = Bench(valid_until=STARTED + timedelta(seconds=2))
    assert [(await bench.decide(0.3)).facts.model is None for _ in range(2)] == [False, True]


async def test_a_rule_about_a_score_that_is_not_there_lacks_data() -> None:
    made = await Bench(ruled("CERTAIN", "model.score > 0.0", 0.5), failing=True).decide(0.9)
    assert made.judgement.not_enough_data == ("certain",)


async def test_a_batch_is_scored_in_one_call() -> None:
    bench = Bench()
    calls = [to_call(bench.tenant, request(transaction_amount=each / 100), currency="USD") for each in range(1, 6)]
    answers = await bench.bench.decider.decide([each for each in calls if not isinstance(each, MeshError)])
    scores = [each.decided.verdict.score for each in answers if isinstance(each, Outcome) and each.decided]
    assert (scores, bench.scorer.batches) == ([0.01, 0.02, 0.03, 0.04, 0.05], [5])


async def test_a_decision_by_a_model_is_replayed_without_it() -> None:
    version = of_model(ruled("BURST", "amount > 0.0", 0.3), model=TOLD)
    rows = MemoryScenarioRows()
    bench = Bench(ruled("BURST", "amount > 0.0", 0.3), model=TOLD, features=("amount", "user_count_1h"))
    rows.versions[bench.tenant, version.ref] = version
    replays = Replays(
        MemoryScenarios(rows),
        MemoryEventTypes(MemoryDeclarations()),
        StarterFeatures(),
        ModelCatalog(FakeModels(bench.scorer)),
    )
    for amount in (0.05, 0.6, 0.95):
        kept = record(await bench.decide(amount))
        recorded = convert.recorded_from_record(StoredDecision(kept.answer, kept.inputs, kept.fields))
        bench.scorer.failing = True
        assert await replays.replay(bench.tenant, recorded) == []
        bench.scorer.failing = False


async def test_what_the_score_of_an_approval_is_made_of_is_told_when_that_is_asked_for() -> None:
    version, rows = of_model(), MemoryScenarioRows()
    bench = Bench(features=("amount", "user_count_1h"))
    rows.versions[bench.tenant, version.ref] = version
    models = ModelCatalog(FakeModels(bench.scorer))
    replays = Replays(MemoryScenarios(rows), MemoryEventTypes(MemoryDeclarations()), StarterFeatures(), models)
    kept = record(await bench.decide(0.25))
    recorded = convert.recorded_from_record(StoredDecision(kept.answer, kept.inputs, kept.fields))
    assert recorded.facts.model is not None and recorded.facts.model.reasons == []
    told = (await replays.explain(bench.tenant, recorded)).model
    assert told is not None
    assert [(each.feature, each.value) for each in told.reasons] == [("amount", 0.25), ("user_count_1h", 0.0)]


async def test_a_shadow_is_judged_by_its_own_model() -> None:
    live, shadow = of_model(number=1), of_model(number=2, model=ScenarioModel(name="other", version=1))
    other = FakeScorer(ref=ModelRef("other", 1), features=("user_count_1h",))
    bench = DecidingBench(Deployment(live=live.ref, shadows=(shadow.ref,)), (live, shadow))
    bench.state = bench.state._replace(models={FRAUD: FakeScorer(), other.ref: other})
    (answer,) = await bench.decide(new_tenant(), {"transaction_amount": 0.4})
    assert answer.decided is not None
    assert answer.decided.verdict.score == 0.4
    assert [each.judge().verdict.score for each in answer.decided.shadows] == [0.0]
