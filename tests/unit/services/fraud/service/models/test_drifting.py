"""What models see is kept and measured, and analysts are told once a day of what has drifted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from prometheus_client import REGISTRY

from meshkit.errors import MeshError
from services.fraud.adapters.memory_drift import MemoryDrift
from services.fraud.domain.scoring.drift import LabelledAlerts, SeenDay
from services.fraud.domain.scoring.model import ModelRef
from services.fraud.ports.drift import DriftReference, SeenPart, WatchedModel
from services.fraud.service.models.drifting import DriftKeeper, ModelDrifts

REF = ModelRef("cards", 2)
WATCHED = WatchedModel("t", REF)
MEASURE_SECONDS = 60.0
NOW = datetime(2026, 11, 29, 15, 30, tzinfo=UTC)
USUAL, OTHER = [900, 100, 0], [100, 900, 0]


class Watch:
    """Implements `SeenWatch` with what a test says."""

    def __init__(self) -> None:
        self.parts: list[SeenPart] = []

    def take(self, today: date) -> Sequence[SeenPart]:
        taken, self.parts = self.parts, []
        return taken

    def saw(self, counts: list[int], day: date = NOW.date(), part: UUID | None = None) -> None:
        seen = SeenDay(day, sum(counts), 3, {"amount": counts})
        self.parts.append(SeenPart(WATCHED, part or uuid4(), seen))


class Bench:
    def __init__(self) -> None:
        self.now, self.passed = NOW, 1_000.0
        self.watch, self.store = Watch(), MemoryDrift({WATCHED: DriftReference({"amount": (0.9, 0.1, 0.0)}, 0.002)})
        self.keeper = DriftKeeper(self.watch, self.store, lambda: self.now, MEASURE_SECONDS, lambda: self.passed)

    async def keep(self, after: float = MEASURE_SECONDS) -> None:
        self.passed += after
        await self.keeper.keep()

    @property
    def drifted(self) -> float | None:
        return REGISTRY.get_sample_value("models_drifted")


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_a_model_that_sees_what_it_learned_from_is_left_alone(bench: Bench) -> None:
    bench.watch.saw(USUAL)
    await bench.keep()
    assert (bench.store.told, bench.drifted) == ({}, 0)
    assert sum(each.rows for each in await bench.store.seen(WATCHED, NOW.date())) == 1_000


async def test_of_a_model_that_sees_others_analysts_are_told_once_a_day(bench: Bench) -> None:
    part = uuid4()
    for _ in range(3):
        bench.watch.saw(OTHER, part=part)
        await bench.keep()
    assert bench.drifted == 1
    ((told, day),), (words,) = bench.store.told, bench.store.told.values()
    assert (told, day) == (WATCHED, NOW.date())
    assert words.startswith("sees others than it has learned from, in 1,000 events: population stability of amount (3.")
    bench.now += timedelta(days=1)
    bench.watch.saw(OTHER, bench.now.date())
    await bench.keep()
    assert len(bench.store.told) == 2


async def test_measuring_waits_for_its_time_and_keeping_does_not(bench: Bench) -> None:
    await bench.keep()
    bench.watch.saw(OTHER)
    await bench.keep(1)
    assert (len(bench.store.parts), bench.store.told) == (1, {})
    await bench.keep()
    assert len(bench.store.told) == 1


async def test_a_version_that_is_gone_is_watched_no_longer(bench: Bench) -> None:
    await bench.keep()
    bench.watch.saw(OTHER)
    await bench.keep(1)
    bench.store.references.clear()
    await bench.keep()
    assert (bench.store.told, bench.drifted) == ({}, 0)


async def test_days_that_are_old_are_deleted(bench: Bench) -> None:
    for age in (89, 91):
        bench.watch.saw(USUAL, NOW.date() - timedelta(days=age))
    await bench.keep()
    assert await bench.keeper.prune() == 1


async def test_the_drift_of_a_period_is_told_with_what_became_known(bench: Bench) -> None:
    for age, counts in enumerate((OTHER, USUAL, USUAL)):
        bench.watch.saw(counts, NOW.date() - timedelta(days=age))
    await bench.keep()
    bench.store.alerts[WATCHED] = LabelledAlerts(4, 3)
    drifts = ModelDrifts(bench.store, lambda: NOW)
    since, drift, labelled = await drifts.of("t", REF, 2)
    assert since == datetime(2026, 11, 28, tzinfo=UTC)
    assert (drift.rows, [each.rows for each in drift.days], drift.usual_alert_rate) == (2_000, [1_000, 1_000], 0.002)
    assert labelled.precision == 0.75


@pytest.mark.parametrize(("tenant", "ref"), [("t", ModelRef("cards", 1)), ("other", REF)])
async def test_a_version_that_is_not_there_is_not_found(bench: Bench, tenant: str, ref: ModelRef) -> None:
    with pytest.raises(MeshError, match="model version"):
        await ModelDrifts(bench.store, lambda: NOW).of(tenant, ref, 7)
