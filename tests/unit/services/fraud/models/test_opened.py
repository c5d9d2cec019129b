"""Stored versions are opened, proven and asked; one that is broken in whatever way is none that can be used."""

from __future__ import annotations

import asyncio
import gc
import json
from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import pytest

from services.fraud.adapters.opened_models import OpenedModel, StoredModels
from services.fraud.adapters.watched_models import WatchedModels
from services.fraud.domain.scoring.drift import SCORE
from services.fraud.domain.scoring.model import ModelRef, ServedModel
from services.fraud.domain.scoring.version import ModelUse
from services.fraud.models.artifact import ModelArtifact
from services.fraud.models.drift import SAMPLE_SECONDS
from services.fraud.models.serving import ScoringModel
from services.fraud.ports.drift import WatchedModel

REF = ModelRef("cards", 1)
TODAY, TOMORROW = date(2026, 11, 29), date(2026, 11, 30)
ROW = (500.0, 3.0, 0.9, 0.0)


class Served:
    """Implements `ServedModels` with one version."""

    def __init__(self, model: ServedModel) -> None:
        self.model = model
        self.read = 0

    async def served(self, tenant_id: str, ref: ModelRef) -> ServedModel | None:
        self.read += 1
        return self.model if ref == REF else None

    async def use(self, tenant_id: str, ref: ModelRef) -> ModelUse | None:
        return ModelUse(self.model.valid_until, self.model.most_missing) if ref == REF else None


@pytest.fixture
def served(artifact: ModelArtifact) -> Served:
    described = json.dumps(artifact.described())
    return Served(ServedModel(ref=REF, described=described, onnx=artifact.onnx, booster=artifact.booster))


async def opened(served: Served) -> OpenedModel:
    found = await StoredModels(served).load("t", REF)
    assert isinstance(found, OpenedModel)
    return found


async def test_an_opened_model_scores_as_it_did_when_it_was_made_and_says_why(
    served: Served, artifact: ModelArtifact
) -> None:
    model = await opened(served)
    offline = ScoringModel(artifact.onnx, artifact.signature).score(np.array([ROW], np.float32))
    assert model.score([ROW]) == offline
    (reasons,) = model.explain([ROW], 2)
    assert [each.feature in artifact.signature.features for each in reasons] == [True, True]
    assert abs(reasons[0].added) >= abs(reasons[1].added) > 0


async def test_a_model_without_trees_says_nothing_of_why(served: Served) -> None:
    served.model = replace(served.model, booster=b"")
    assert (await opened(served)).explain([ROW, ROW], 3) == [(), ()]


async def test_how_a_known_model_may_be_used_is_changed_without_reading_it_again(served: Served) -> None:
    model = await opened(served)
    end = datetime(2027, 1, 1, tzinfo=UTC)
    served.model = replace(served.model, valid_until=end, most_missing=0.25)
    changed = await StoredModels(served).load("t", REF, model)
    assert changed is not None and changed is not model
    assert (changed.valid_until, changed.most_missing, served.read) == (end, 0.25, 1)
    assert changed.score([ROW]) == model.score([ROW])
    assert (model.valid_until, model.most_missing) == (None, 1.0)


@pytest.mark.parametrize(
    ("name", "broken"),
    [
        ("onnx", lambda whole: whole[: len(whole) // 2]),
        ("booster", lambda _: b"{}"),
        ("described", lambda _: "[]"),
        ("described", lambda text: text.replace('"amount"', '"other"', 1)[:-1]),
        ("described", lambda text: json.dumps(json.loads(text) | {"golden": {"rows": []}})),
    ],
)
async def test_a_version_that_is_broken_is_none_that_can_be_used(
    served: Served, caplog: pytest.LogCaptureFixture, name: str, broken: object
) -> None:
    assert callable(broken)
    served.model = replace(served.model, **{name: broken(getattr(served.model, name))})
    assert await StoredModels(served).load("t", REF) is None
    assert "a model cannot be loaded" in caplog.text


async def test_a_model_that_no_longer_says_what_it_said_is_not_used(served: Served) -> None:
    described = json.loads(served.model.described)
    described["golden"]["scores"] = [1 - each for each in described["golden"]["scores"]]
    served.model = replace(served.model, described=json.dumps(described))
    assert await StoredModels(served).load("t", REF) is None


async def test_a_version_that_is_not_there_is_none(served: Served) -> None:
    assert await StoredModels(served).load("t", ModelRef("cards", 2)) is None


async def test_what_a_loaded_model_sees_is_told_once(served: Served) -> None:
    watched = WatchedModels()
    model = await StoredModels(served, watched).load("t", REF)
    assert model is not None and watched.take(TODAY) == []
    model.score([ROW, ROW])
    (part,) = watched.take(TODAY)
    assert (part.watched, part.seen.day, part.seen.rows) == (WatchedModel("t", REF), TODAY, 2)
    assert {*part.seen.counts} == {*model.features, SCORE}
    assert all(sum(counts) == 2 for counts in part.seen.counts.values())
    assert watched.take(TODAY) == []


async def test_a_day_is_told_whole_and_the_next_begins_anew(served: Served) -> None:
    watched = WatchedModels()
    model = await StoredModels(served, watched).load("t", REF)
    assert model is not None
    for rows, day in ((1, TODAY), (2, TODAY), (3, TOMORROW), (4, TOMORROW)):
        await asyncio.sleep(SAMPLE_SECONDS + 0.01)
        model.score([ROW] * rows)
        (part,) = watched.take(day)
        expected = {1: (TODAY, 1), 2: (TODAY, 3), 3: (TODAY, 6), 4: (TOMORROW, 4)}
        assert (part.seen.day, part.seen.rows) == expected[rows]


async def test_what_a_model_sees_goes_with_it(served: Served) -> None:
    watched = WatchedModels()
    model = await StoredModels(served, watched).load("t", REF)
    again = await StoredModels(served, watched).load("t", REF, model)
    assert model is not None and again is not None
    again.score([ROW])
    assert len(watched.take(TODAY)) == 1
    del model, again
    gc.collect()
    assert watched.take(TOMORROW) == []
