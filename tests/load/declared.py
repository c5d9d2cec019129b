"""Platforms whose tenant has declared features, and decides by a scenario of many rules."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import asyncpg
from rampart.fraud.v1 import decision_pb2

from console.api import Api, Json
from console.model_files import send_model
from console.target import Target as Login
from services.fraud.domain.declared.feature import Aggregate, Feature
from tests.load.folds import engine_features
from tests.load.forest import a_forest
from tests.load.platforms import COUNT_SECONDS, Rampart

__all__ = ["Declared", "StageMedians"]

FEATURES, MODELS, SCENARIOS, NAME = "/api/v1/features", "/api/v1/models", "/api/v1/scenarios", "measured"
MORE_NAMES = ("amount", "user_count_1h")
READY_SECONDS = 180.0
LATEST = 500
"""Decisions whose times are looked at."""
THRESHOLDS = {Aggregate.COUNT: "{} > {}", Aggregate.DISTINCT: "{} > {}", Aggregate.SUM: "{} > {}000.0"}
StageMedians = tuple[float, float]
"""Medians in ms: until everything was read, and until it was judged."""


class Declared(Rampart):
    """A tenant with 38 features of its own over 5 kinds of key, to 30 days, and a live version with some rules.

    With a model, that has 300 trees over these and two more, and approves everything.
    """

    def __init__(self, name: str, home: Path, rules: int, *, model: bool = False) -> None:
        super().__init__(name, home, coalesce=True)
        self._rules = rules
        self._model = model

    async def start(self) -> None:
        await super().start()
        client = self.dev["client"]
        login = Login(self.dev["base_url"], self.dev["token_url"], client["client_id"], client["client_secret"])
        with contextlib.closing(Api(login)) as api:
            async with asyncio.timeout(READY_SECONDS):
                await _declare(api)
                draft: Json = {"event_type": "payment", "rules": list(some_rules(self._rules))}
                if self._model:
                    draft |= await _import_model(api, self._home / "forest.ubj")
                await _go_live(api, draft)

    async def stage_times(self) -> StageMedians:
        """Returns what the latest decisions say of themselves."""
        connection = await asyncpg.connect(self.dev["dsn"]["fraud"], timeout=COUNT_SECONDS)
        try:
            rows = await connection.fetch(f"SELECT answer FROM decisions ORDER BY decision_id DESC LIMIT {LATEST}")
        finally:
            await connection.close(timeout=COUNT_SECONDS)
        stages = [decision_pb2.Decision.FromString(row["answer"]).stages for row in rows]
        return median(each.read_ms for each in stages), median(each.judge_ms for each in stages)


def some_rules(count: int) -> Sequence[Json]:
    """Returns rules of 2 to 5 terms that seldom fire, and then weigh next to nothing: the breaker must not end it."""
    dice = random.Random(count)
    terms = [(each.name, THRESHOLDS[each.aggregate]) for each in engine_features() if each.aggregate in THRESHOLDS]
    terms.append(("amount", "{} > {}.0"))
    return [_rule(number, dice, terms) for number in range(count)]


def _rule(number: int, dice: random.Random, terms: Sequence[tuple[str, str]]) -> Json:
    asked = [form.format(name, dice.randint(900, 9_000)) for name, form in dice.sample(terms, dice.randint(2, 5))]
    expression = asked[0]
    for term in asked[1:]:
        expression = f"({expression}) {dice.choice(('&&', '||'))} {term}"
    return {
        "rule_id": f"rule-{number}",
        "code": f"RULE_{number}",
        "words": "{amount:.2f} is beyond what is usual.",
        "expression": expression,
        "contribution": 0.001,
    }


def _declaration(feature: Feature) -> Json:
    body: Json = {
        "name": feature.name,
        "event_type": feature.event_type,
        "key": list(feature.key),
        "aggregate": feature.aggregate.value,
        "window": f"{feature.window_ms // 1000}s",
    }
    return body | ({"field": feature.field} if feature.field else {})


async def _declare(api: Api) -> None:
    """Declares the features, and waits until all of them are computed."""
    for feature in engine_features():
        await api.call("POST", FEATURES, _declaration(feature))
    while [one async for one in api.pages(FEATURES, "features", {}, None) if one["state"] == "filling"]:
        await asyncio.sleep(1.0)


async def _import_model(api: Api, file: Path) -> Json:
    """Returns what a scenario says to be scored by it."""
    names = [*[each.name for each in engine_features()], *MORE_NAMES]
    file.write_bytes((await asyncio.to_thread(a_forest, names)).booster)
    await api.call("POST", MODELS, {"name": NAME})
    made = await send_model(api, f"{MODELS}/{NAME}", str(file), {"format": "xgboost", "features": names})
    return {"model": {"name": NAME, "version": made["version"]}, "review_at": 1.0, "decline_at": 1.0}


async def _go_live(api: Api, draft: Json) -> None:
    await api.call("POST", SCENARIOS, {"scenario_id": NAME, "draft": draft})
    version = await api.call("POST", f"{SCENARIOS}/{NAME}/versions", {})
    await api.call("POST", f"{SCENARIOS}/{NAME}/versions/{version['version']}:deploy", {"target": "live"})
