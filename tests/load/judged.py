"""`python -m tests.load.judged`: measures features, rules and a model in one loop, with a Redis of its own.

CPU time of this process a check, in batches of 32, with 40 features, 250 rules and 300 trees: by rules alone, by a
model, and by a model beside a rule that has a twentieth reviewed, of which it says why.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean, median
from time import process_time
from typing import NamedTuple

import uvloop

from console.up.state import State
from meshkit.storage.redis import open_redis
from services.fraud.adapters.memory import MemoryRates
from services.fraud.adapters.opened_models import OpenedModel
from services.fraud.domain.check import Check, Decided
from services.fraud.domain.event_types import BUILT_IN
from services.fraud.domain.profile import Profile
from services.fraud.domain.scenarios.deployment import Deployment
from services.fraud.domain.scenarios.publication import DeploymentState
from services.fraud.domain.scenarios.rule import RuleOutcome, ScenarioRule
from services.fraud.domain.scenarios.scenario import ScenarioContent, ScenarioModel, ScenarioVersion
from services.fraud.domain.scenarios.vocabulary import variables_of
from services.fraud.domain.scoring.model import ModelRef, ServedModel
from services.fraud.domain.verdict import APPROVE
from services.fraud.expressions.rules import CelRules
from services.fraud.ports import Declarations
from services.fraud.ports.scenarios import DeclaredScenarios
from services.fraud.service.deciding.judging import DecisionPolicy, Judge, ReadCheck
from services.fraud.service.tenants.configuration import compiled
from services.fraud.service.tenants.rates import ExchangeRates
from services.fraud.service.tenants.states import TenantState
from tests.load.declared import some_rules
from tests.load.engine import Engine, EngineFeatures, Load
from tests.load.forest import TREES, a_forest
from tests.support.fraud import IP
from tests.support.readers import settled
from tests.support.servers import valkey_server

__all__: list[str] = []

RULES, BATCH = 250, 32
REVIEWED = ScenarioRule(
    rule_id="large", code="LARGE", words="{amount:.2f} is much.", expression="amount > 855.0",
    outcome=RuleOutcome.REVIEW,
)  # fmt: skip
"""One payment in twenty."""
MODEL = ModelRef("measured", 1)
PROFILE = Profile()


def opened(names: Sequence[str]) -> OpenedModel:
    made = a_forest(names)
    described = json.dumps(made.described())
    return OpenedModel(ServedModel(ref=MODEL, described=described, onnx=made.onnx, booster=made.booster))


def version_of(number: int, sets: EngineFeatures, model: bool, *more: ScenarioRule) -> ScenarioVersion:
    rules = (*[ScenarioRule(**each) for each in some_rules(RULES)], *more)
    variables = variables_of(BUILT_IN["payment"], sets.set.features)
    trees = [CelRules().check(rule.expression, variables) for rule in rules]
    assert all(isinstance(tree, str) for tree in trees), trees
    content = ScenarioContent(
        event_type="payment", rules=rules, review_at=1.0, decline_at=1.0,
        model=ScenarioModel(name=MODEL.name, version=MODEL.number) if model else None,
    )  # fmt: skip
    return ScenarioVersion(
        scenario_id="measured", number=number, content=content, note="", authors=frozenset(),
        trees=tuple(map(str, trees)), created_at=datetime.now(UTC),
    )  # fmt: skip


def state_of(version: ScenarioVersion, model: OpenedModel) -> TenantState:
    deployments = [DeploymentState("payment", Deployment(live=version.ref))]
    declared = DeclaredScenarios(deployments=deployments, versions=(version,))
    return TenantState(compiled(Declarations(scenarios=declared)))._replace(models={MODEL: model})


class Round(NamedTuple):
    """CPU seconds of a batch, and what was decided."""

    appended: float
    """Asking Redis."""
    folded: float
    judged: float
    made: Sequence[Decided]


class Loop:
    """Reads and judges batches, and says what either takes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._judge = Judge(ExchangeRates(MemoryRates()), IP, DecisionPolicy(), lambda: datetime.now(UTC))

    async def run(self, checks: Sequence[Check], state: TenantState) -> Round:
        before = self._engine.appending
        features, took = await self._engine.read(checks)
        appended = self._engine.appending - before
        inputs = [ReadCheck(check, read, PROFILE, state) for check, read in zip(checks, features, strict=True)]
        began = process_time()
        made = await self._judge.judge_all(inputs)
        judged = process_time() - began
        assert not any("model" in each.degraded for each in made), "the model says something of all"
        return Round(appended, took - appended, judged, made)


async def measure(url: str, records: int, rounds: int) -> None:
    redis, load, sets = open_redis(url, timeout=30), Load(random.Random(1)), EngineFeatures()
    engine = Engine(redis, sets)
    await engine.restore(load, records)
    model = await asyncio.to_thread(opened, sorted(sets.set.names))
    loop, states = Loop(engine), _states(sets, model)
    found: dict[str, list[Round]] = {name: [] for name in states}
    for _ in range(rounds):
        for name, state in states.items():
            found[name].append(await loop.run([load.check() for _ in range(BATCH)], state))
    print(f"{len(sets.set.features)} features, {RULES} rules, {TREES} trees: us of CPU a check, batches of {BATCH}")
    for name, runs in found.items():
        print(f"{name:20} {_words(runs[rounds // 4 :])}")
    await settled(engine.logs)
    await redis.aclose()


def _words(runs: Sequence[Round]) -> str:
    columns = ([getattr(each, name) / BATCH * 1e6 for each in runs] for name in ("appended", "folded", "judged"))
    append, fold, judge = (f"{median(each):6.1f} (least {min(each):6.1f}, mean {mean(each):6.1f})" for each in columns)
    reviewed = [made.verdict.outcome != APPROVE for each in runs for made in each.made]
    return f"append {append}, fold {fold}, judge {judge}, {100 * sum(reviewed) / len(reviewed):.1f} % not approved"


def _states(sets: EngineFeatures, model: OpenedModel) -> Mapping[str, TenantState]:
    return {
        "rules": state_of(version_of(1, sets, False), model),
        "model": state_of(version_of(2, sets, True), model),
        "model, with reasons": state_of(version_of(3, sets, True, REVIEWED), model),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=60, help="in each log")
    parser.add_argument("--rounds", type=int, default=200)
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="rampart-judged-") as folder,
        valkey_server(State.open(Path(folder))) as url,
    ):
        uvloop.run(measure(url, arguments.records, arguments.rounds))
    return 0


if __name__ == "__main__":
    sys.exit(main())
