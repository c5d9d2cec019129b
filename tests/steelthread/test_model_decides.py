"""A trained version decides through a scenario: its score, its reasons, what becomes of it, and how it goes again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
import pytest

from services.fraud.models.serving import ScoringModel
from services.fraud.models.signature import own_signature
from tests.steelthread.edge import CHECK, Edge, a_check, refusal
from tests.steelthread.platform import Platform
from tests.steelthread.test_models import MODELS, TRAINING, brought, ended, send, teach

SCENARIOS, DECISIONS = "/api/v1/scenarios", "/api/v1/decisions"
SECONDS = 20.0
ADDED = {
    "rule_id": "sure", "code": "MODEL_SURE", "words": "The model says {model.score:.2f}.",
    "expression": "model.score >= 0.3 && amount > 400.0", "contribution": 0.5,
}  # fmt: skip


class Deciding(NamedTuple):
    """A client whose payments version 1 of `cards` scores, and that version as it was downloaded."""

    edge: Edge
    features: Sequence[str]
    offline: ScoringModel


@pytest.fixture(scope="module")
async def deciding(platform: Platform) -> Deciding:
    edge = (await teach(platform)).edge
    await edge.post(MODELS, {"name": "cards"})
    ready = await ended(edge, await edge.post(f"{MODELS}/cards/versions:train", TRAINING))
    onnx = await edge.send("GET", f"{MODELS}/cards/versions/1:download")
    draft = {"event_type": "payment", "model": {"name": "cards", "version": 1}, "review_at": 0.3, "decline_at": 0.95}
    await edge.post(SCENARIOS, {"scenario_id": "scored", "draft": draft})
    await deploy(edge, 1)
    return Deciding(edge, ready["features"], ScoringModel(onnx.body, own_signature(ready["features"])))


async def deploy(edge: Edge, version: int) -> None:
    await edge.post(f"{SCENARIOS}/scored/versions", {})
    await edge.post(f"{SCENARIOS}/scored/versions/{version}:deploy", {"target": "live"})
    await decided(edge, version)


async def decided(edge: Edge, version: int, **changed: Any) -> Any:
    """Checks payments until all replicas decide by a version: each sees a change within two seconds."""
    until, seen = time.monotonic() + SECONDS, 0
    while seen < 10:
        made = await edge.post(CHECK, a_check(**changed))
        seen = seen + 1 if made["versions"]["scenario_version"] == version else 0
        assert time.monotonic() < until, made
        await asyncio.sleep(0.02)
    return made


async def test_live_scores_are_those_of_the_downloaded_model_for_the_stored_values(deciding: Deciding) -> None:
    made = [
        await deciding.edge.post(CHECK, a_check(user_id=f"u{number % 3}", transaction_amount=5.0 + 40 * number))
        for number in range(12)
    ]
    for each in made:
        assert (each["score_source"], each["degraded"]) == ("model", [])
        stored = (await deciding.edge.get(f"{DECISIONS}/{each['decision_id']}"))["inputs"]
        values = {**stored["features"], "amount": each["transaction_amount"]}
        row = np.array([[values.get(name, np.nan) for name in deciding.features]], np.float32)
        (score,) = deciding.offline.score(row)
        assert each["confidence_score"] == pytest.approx(score, abs=1e-6)
        assert stored["model"]["score"] == pytest.approx(score, abs=1e-6)


async def test_what_a_version_sees_is_compared_with_what_it_has_learned_from(deciding: Deciding) -> None:
    path, until = f"{MODELS}/cards/versions/1:drift", time.monotonic() + SECONDS
    while not int((found := await deciding.edge.get(path))["rows"]):
        assert time.monotonic() < until, found
        await deciding.edge.post(CHECK, a_check())
        await asyncio.sleep(0.2)
    assert {each["name"] for each in found["inputs"]} == {*deciding.features}
    assert found["score"]["name"] == "model.score"
    assert {each["state"] for each in found["inputs"]} == {"unknown"}
    assert found["days"][0]["day"] == datetime.now(UTC).date().isoformat()
    refused = await deciding.edge.send("GET", f"{MODELS}/cards/versions/9:drift")
    assert (refused.status, refusal(refused)["reason"]) == (404, "RESOURCE_NOT_FOUND")


async def test_what_did_most_is_told_with_a_review_and_of_an_approval_when_it_is_explained(deciding: Deciding) -> None:
    high = await deciding.edge.post(CHECK, a_check(transaction_amount=900.0))
    assert high["outcome"] in ("review", "decline")
    assert "MODEL_AMOUNT" in high["risk_factors"]
    told = next(each for each in high["explanations"] if each["reason_code"] == "MODEL_AMOUNT")
    assert (told["message"], told["contribution"] > 0) == ("amount is 900.", True)
    low = await deciding.edge.post(CHECK, a_check(transaction_amount=9.0))
    assert (low["outcome"], low["risk_factors"]) == ("approve", [])
    for each in (high, low):
        explained = await deciding.edge.get(f"{DECISIONS}/{each['decision_id']}:explain")
        assert explained["differences"] == []
        assert {one["feature"] for one in explained["model"]["contributions"]} <= set(deciding.features)
        assert explained["model"]["contributions"]


async def test_a_version_past_its_end_leaves_it_to_rules_and_a_rolled_back_one_is_gone(deciding: Deciding) -> None:
    edge = deciding.edge
    draft = (await edge.get(f"{SCENARIOS}/scored"))["draft"]
    await edge.put(f"{SCENARIOS}/scored/draft", {**draft, "rules": [ADDED]})
    await deploy(edge, 2)
    added = await edge.post(CHECK, a_check(transaction_amount=900.0))
    assert "MODEL_SURE" in added["risk_factors"]
    score = (await edge.get(f"{DECISIONS}/{added['decision_id']}"))["inputs"]["model"]["score"]
    assert added["confidence_score"] == pytest.approx(1 - (1 - score) * 0.5, abs=1e-5)
    await edge.post(f"{SCENARIOS}/scored/versions/2:rollback", {"reason": "Too much."})
    back = await decided(edge, 1, transaction_amount=900.0)
    assert "MODEL_SURE" not in back["risk_factors"]


async def test_a_model_that_decides_is_not_deleted_and_one_that_is_not_there_is_refused(deciding: Deciding) -> None:
    refused = await deciding.edge.send("DELETE", f"{MODELS}/cards")
    assert (refused.status, refusal(refused)["reason"]) == (409, "STATE_NOT_ALLOWED")
    for changed, field in (({"version": 9}, "model.version"), ({"name": "Cards"}, "model.name")):
        draft = {"event_type": "payment", "model": {"name": "cards", "version": 1} | changed}
        answer = await send(deciding.edge, "PUT", f"{SCENARIOS}/scored/draft", draft)
        assert answer.status == 400, answer
        assert [each["field"].rpartition("draft.")[2] for each in refusal(answer)["errors"]] == [field]


async def test_without_its_model_a_version_decides_by_rules_and_says_so(deciding: Deciding) -> None:
    edge = deciding.edge
    onnx = await edge.send("GET", f"{MODELS}/cards/versions/1:download")
    _, answer = await brought(edge, onnx.body, features=deciding.features)
    path = f"{MODELS}/cards/versions/{answer.json()['version']}"
    await edge.patch(path, {"valid_until": datetime.now(UTC).isoformat()})
    draft = {"event_type": "payment", "model": {"name": "cards", "version": answer.json()["version"]}}
    await edge.put(f"{SCENARIOS}/scored/draft", draft)
    await deploy(edge, 3)
    made = await edge.post(CHECK, a_check(transaction_amount=900.0))
    assert (made["score_source"], made["degraded"], made["outcome"]) == ("rules", ["model"], "approve")
    assert made["confidence_score"] < 0.3
