"""The sweep fills logs of new columns when every process writes to them, and not before."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import pytest
from prometheus_client import REGISTRY

from services.fraud.adapters.logs.memory_logs import MemoryLogs
from services.fraud.adapters.logs.memory_shares import MemoryLogShares
from services.fraud.adapters.memory import MemoryStore
from services.fraud.adapters.memory_event_types import MemoryDeclarations
from services.fraud.adapters.memory_features import MemoryFeatureHeads, MemoryFeatures, MemoryFeatureWriter
from services.fraud.domain.declared.feature import Aggregate
from services.fraud.ports import FeatureHead, LogProof, LogsUnavailableError, Restored
from services.fraud.service.logs import restoring
from services.fraud.service.logs import sweep as log_sweep
from services.fraud.service.logs.restoring import HistoryRestorer
from services.fraud.service.logs.sweep import LogSweep
from services.fraud.service.tenants.configuration import Configurations
from services.fraud.service.tenants.feature_sets import ConfiguredFeatures
from tests.support.features import counting, declare
from tests.support.fraud import check, decided, new_tenant

CARDS = counting("cards", aggregate=Aggregate.DISTINCT, field="card_fingerprint")


class NoMore:
    """Implements `OldDecisions` for some tenants, and counts how often it is asked."""

    def __init__(self, *tenants: str) -> None:
        self.tenants = sorted(tenants)
        self.asked = 0

    async def next_tenant(self, after: str) -> str | None:
        self.asked += 1
        return next((each for each in self.tenants if each > after), None)

    async def delete(self, tenant_id: str) -> int:
        return 0

    async def prepare(self) -> None:
        return


class Bench:
    def __init__(self, *tenants: str, whole: bool = True) -> None:
        self.declarations = MemoryDeclarations()
        self.features = MemoryFeatures(self.declarations)
        self.writer = MemoryFeatureWriter(self.features)
        self.heads = MemoryFeatureHeads(self.features)
        self.known = Configurations(self.declarations)
        self.sets = ConfiguredFeatures(self.known)
        self.logs, self.store = MemoryLogs(time.time, whole=whole), MemoryStore()
        self.tenants = NoMore(*tenants)
        self.sweep = LogSweep(
            logs=self.logs,
            restorer=HistoryRestorer(self.logs, self.store, self.sets),
            tenants=self.tenants,
            sets=self.sets,
            heads=self.heads,
            clock=lambda: datetime.now(UTC),
        )

    async def head(self, tenant: str) -> FeatureHead:
        return FeatureHead.of(await self.features.declared(tenant))

    async def swept(self) -> None:
        await self.known.refresh()
        await self.sweep.sweep()


@pytest.fixture
def tenant() -> str:
    return new_tenant()


async def test_a_change_takes_effect_step_by_step_once_it_is_settled(tenant: str) -> None:
    bench = Bench(tenant)
    await bench.store.commit([decided(check(tenant))])
    await declare(bench.writer, tenant, CARDS)
    bench.heads.settled = False
    for _ in range(2):
        await bench.swept()
        assert await bench.head(tenant) == FeatureHead(1, 0)
    bench.heads.settled = True
    seen = []
    for _ in range(4):
        await bench.swept()
        seen.append(await bench.head(tenant))
    assert seen == [FeatureHead(1, 1, 0), *[FeatureHead(1, 1)] * 3]


async def test_what_is_not_settled_is_not_filled_and_the_rest_is_whole_again(tenant: str) -> None:
    bench = Bench(tenant, whole=False)
    await bench.store.commit([decided(check(tenant))])
    await declare(bench.writer, tenant, CARDS)
    bench.heads.settled = False
    await bench.swept()
    await bench.sets.prepare([tenant])
    features = bench.sets.of(tenant)
    whole = await bench.logs.whole(features.streams(tenant))
    assert {stream for stream, known in whole.items() if not known} == features.filled(tenant)
    assert len(features.filled(tenant)) == 1


async def test_a_tenant_is_behind_while_it_is_swept(tenant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bench, behind = Bench(tenant, whole=False), []
    restore = bench.logs.restore

    async def noted(logs: Sequence[Restored], proof: LogProof | None = None) -> None:
        behind.append(REGISTRY.get_sample_value("tenants_unswept"))
        await restore(logs, proof)

    monkeypatch.setattr(bench.logs, "restore", noted)
    await bench.store.commit([decided(check(tenant))])
    await bench.swept()
    assert behind == [1.0]
    assert REGISTRY.get_sample_value("tenants_unswept") == 0.0


@pytest.mark.parametrize("lost", [False, True])
async def test_a_moment_without_the_logs_does_not_begin_a_sweep_anew_unless_they_are_lost(
    tenant: str, lost: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restoring, "PAUSE_SECONDS", 0.0)
    bench, tries = Bench(tenant, whole=False), []
    restore = bench.logs.restore

    async def failing(logs: Sequence[Restored], proof: LogProof | None = None) -> None:
        tries.append(len(logs))
        if len(tries) == 1:
            if lost:
                bench.logs.lose()
            raise LogsUnavailableError("for a moment")
        await restore(logs, proof)

    monkeypatch.setattr(bench.logs, "restore", failing)
    await bench.store.commit([decided(check(tenant))])
    await bench.sets.prepare([tenant])
    streams = bench.sets.of(tenant).streams(tenant)
    if lost:
        with pytest.raises(LogsUnavailableError):
            await bench.swept()
        assert len(tries) == 1
    else:
        await bench.swept()
        assert len(tries) == 2
    assert all((await bench.logs.whole(streams)).values()) is not lost


async def test_who_has_no_decision_yet_gets_features_too(tenant: str) -> None:
    bench = Bench()
    await declare(bench.writer, tenant, CARDS)
    await bench.swept()
    assert await bench.head(tenant) == FeatureHead(1, 1, 0)


async def test_nothing_is_done_by_features_of_before(tenant: str) -> None:
    bench = Bench(tenant)
    await declare(bench.writer, tenant, CARDS)
    await bench.swept()
    await declare(bench.writer, tenant, without=["cards"])
    await bench.sweep.sweep()
    assert await bench.head(tenant) == FeatureHead(2, 1, 0), "this process does not know the change"
    await bench.swept()
    assert await bench.head(tenant) == FeatureHead(2, 2, 1)


async def test_tenants_are_gone_through_again_only_after_something_changed(
    tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(tenant)
    await bench.swept()
    asked = bench.tenants.asked
    await bench.swept()
    assert bench.tenants.asked == asked
    await declare(bench.writer, tenant, CARDS)
    await bench.swept()
    assert bench.tenants.asked > asked
    for _ in range(3):
        await bench.swept()
    asked = bench.tenants.asked
    bench.logs.lose()
    await bench.swept()
    assert bench.tenants.asked > asked
    asked = bench.tenants.asked
    monkeypatch.setattr(log_sweep, "AGAIN_SECONDS", 0.0)
    bench.logs.lose()
    for _ in range(2):
        await bench.swept()
    assert bench.tenants.asked >= asked + 4, "also when nothing did, in a while"


async def test_a_loss_leads_to_another_sweep_of_a_tenant_at_rest(tenant: str) -> None:
    bench = Bench(tenant)
    made = decided(check(tenant, UUID(int=1).hex))
    await bench.store.commit([made])
    await declare(bench.writer, tenant, CARDS)
    for _ in range(3):
        await bench.swept()
    streams = bench.sets.of(tenant).streams(tenant)
    bench.logs.lose()
    assert not any((await bench.logs.whole(streams)).values())
    await bench.swept()
    assert all((await bench.logs.whole(streams)).values())


async def test_who_has_more_than_its_share_is_left_out_and_nobody_waits_for_it(tenant: str) -> None:
    other = new_tenant()
    bench = Bench(tenant, other, whole=False)
    shares = MemoryLogShares(bench.logs, time.time)
    for each in (tenant, other):
        await bench.store.commit([decided(check(each))])
    await shares.crowd(tenant.encode(), 60)
    await bench.swept()
    await bench.sets.prepare([tenant, other])
    streams = {each: bench.sets.of(each).streams(each) for each in (tenant, other)}
    assert all((await bench.logs.whole(streams[other])).values())
    assert not any((await bench.logs.whole(streams[tenant])).values())
    assert REGISTRY.get_sample_value("tenants_unswept") == 0.0
    assert await shares.ease(tenant.encode()) and await shares.open(tenant.encode(), 0)
    await bench.swept()
    assert all((await bench.logs.whole(streams[tenant])).values())


async def test_a_sweep_of_who_gets_more_than_its_share_meanwhile_ends_and_proves_nothing(
    tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(tenant, whole=False)
    shares, restore = MemoryLogShares(bench.logs, time.time), bench.logs.restore

    async def crowding(logs: Sequence[Restored], proof: LogProof | None = None) -> None:
        await restore(logs, proof)
        await shares.crowd(tenant.encode(), 60)

    monkeypatch.setattr(bench.logs, "restore", crowding)
    await bench.store.commit([decided(check(tenant))])
    await bench.swept()
    await bench.sets.prepare([tenant])
    assert not any((await bench.logs.whole(bench.sets.of(tenant).streams(tenant))).values())


async def test_features_of_who_has_more_than_its_share_take_effect_without_a_sweep(tenant: str) -> None:
    bench = Bench(tenant)
    await bench.store.commit([decided(check(tenant))])
    await MemoryLogShares(bench.logs, time.time).crowd(tenant.encode(), 60)
    await declare(bench.writer, tenant, CARDS)
    for _ in range(4):
        await bench.swept()
    assert await bench.head(tenant) == FeatureHead(1, 1)
    streams = bench.sets.of(tenant).streams(tenant)
    assert not any((await bench.logs.whole(streams)).values())
