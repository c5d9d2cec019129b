"""Models are loaded once for all who ask, kept, and looked at again after a while."""

from __future__ import annotations

import asyncio

from meshkit.errors import unavailable
from services.fraud.domain.scoring.model import ModelRef
from services.fraud.ports.scoring import Scorer
from services.fraud.service.tenants.models import AGAIN_SECONDS, ModelCatalog
from tests.support.scorers import FRAUD, FakeModels, FakeScorer

OTHER = ModelRef("other", 1)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_a_model_is_loaded_once_for_all_who_ask_and_then_at_hand() -> None:
    models, scorer = FakeModels(FakeScorer()), None
    catalog = ModelCatalog(models)
    assert not catalog.knows("t", {FRAUD})
    found = await asyncio.gather(*[catalog.of("t", {FRAUD}) for _ in range(3)])
    scorer = models.scorers[FRAUD]
    assert found == [{FRAUD: scorer}] * 3
    assert models.loads == [("t", FRAUD)]
    assert catalog.knows("t", {FRAUD})
    assert catalog.at_hand("t", {FRAUD}) == {FRAUD: scorer}


async def test_tenants_have_models_of_their_own() -> None:
    models = FakeModels(FakeScorer())
    catalog = ModelCatalog(models)
    await catalog.of("t", {FRAUD})
    assert not catalog.knows("other", {FRAUD})


async def test_a_model_that_is_not_there_is_known_to_be_missing_and_asked_for_again_later() -> None:
    models, clock = FakeModels(), Clock()
    catalog = ModelCatalog(models, clock=clock)
    assert await catalog.of("t", {OTHER}) == {}
    assert catalog.knows("t", {OTHER})
    models.scorers[OTHER] = scorer = FakeScorer(ref=OTHER)
    assert catalog.at_hand("t", {OTHER}) == {}
    clock.now = AGAIN_SECONDS + 1
    catalog.at_hand("t", {OTHER})
    await asyncio.sleep(0.01)
    assert catalog.at_hand("t", {OTHER}) == {OTHER: scorer}


async def test_of_a_model_that_is_known_it_is_only_asked_how_it_may_be_used() -> None:
    class Told(FakeModels):
        known: Scorer | None = None

        async def load(self, tenant_id: str, ref: ModelRef, known: Scorer | None = None) -> Scorer | None:
            self.known = known
            return await super().load(tenant_id, ref)

    models, clock = Told(FakeScorer()), Clock()
    catalog = ModelCatalog(models, clock=clock)
    first = (await catalog.of("t", {FRAUD}))[FRAUD]
    assert models.known is None
    models.scorers[FRAUD] = changed = FakeScorer(most_missing=0.5)
    clock.now = AGAIN_SECONDS + 1
    assert catalog.at_hand("t", {FRAUD}) == {FRAUD: first}
    await asyncio.sleep(0.01)
    assert models.known is first
    assert catalog.at_hand("t", {FRAUD}) == {FRAUD: changed}


async def test_what_is_loaded_goes_on_while_the_store_is_away() -> None:
    class Away(FakeModels):
        async def load(self, tenant_id: str, ref: ModelRef, known: Scorer | None = None) -> Scorer | None:
            if self.loads:
                raise unavailable("postgres")
            return await super().load(tenant_id, ref)

    clock, models = Clock(), Away(FakeScorer())
    catalog = ModelCatalog(models, clock=clock)
    await catalog.of("t", {FRAUD})
    clock.now = AGAIN_SECONDS + 1
    catalog.at_hand("t", {FRAUD})
    await asyncio.sleep(0.01)
    assert catalog.at_hand("t", {FRAUD}) == {FRAUD: models.scorers[FRAUD]}


async def test_who_was_not_asked_for_the_longest_time_goes_first() -> None:
    refs = [ModelRef("m", number) for number in range(1, 5)]
    catalog = ModelCatalog(FakeModels(*(FakeScorer(ref=ref) for ref in refs)), most=3)
    for ref in refs[:3]:
        await catalog.of("t", {ref})
    catalog.at_hand("t", {refs[0]})
    await catalog.of("t", {refs[3]})
    assert [catalog.knows("t", {ref}) for ref in refs] == [True, False, True, True]
