"""Whoever takes more than its share has logs that go early, for minutes at least, and nobody else ever has."""

from __future__ import annotations

import asyncio
import logging

import pytest
from prometheus_client import REGISTRY

from services.fraud.adapters.logs.memory_logs import MemoryLogs
from services.fraud.adapters.logs.memory_shares import MemoryLogShares
from services.fraud.domain.logs.shares import LEAST_SECONDS
from services.fraud.ports import LogSample, ShareState
from services.fraud.service.logs import pressure as log_pressure
from services.fraud.service.logs.pressure import EASED_SECONDS, LogPressure

MOST = 1_000_000


class Machine:
    """A Redis that tenants fill, a keeper of it, and the time of both."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_000.0
        self.logs = MemoryLogs(lambda: self.now)
        self.shares = MemoryLogShares(self.logs, lambda: self.now)
        self.pressure = LogPressure(self.shares)
        self.shares.most = MOST
        monkeypatch.setattr(log_pressure, "APART_SECONDS", 0.0)
        monkeypatch.setattr(log_pressure, "_now", lambda: self.now)

    async def rounds(self, count: int, **usage: int) -> None:
        """Does rounds, one a second, while tenants take so many bytes each."""
        self.shares.used, self.shares.keys = sum(usage.values()), sum(usage.values()) // 100
        self.shares.samples = [
            LogSample(name.encode(), 100) for name, size in usage.items() for _ in range(size // 10_000)
        ]
        for _ in range(count):
            self.now += 1.0
            await self.pressure.relieve()

    def state(self, tenant: str) -> ShareState | None:
        share = self.logs.shares.get(tenant)
        return share.state if share is not None else None

    def seconds(self, tenant: str) -> int:
        return self.logs.shares[tenant].seconds


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


@pytest.mark.parametrize("most", [0, 10 * MOST])
async def test_nothing_is_sampled_without_a_limit_or_far_from_it(machine: Machine, most: int) -> None:
    machine.shares.most = most
    await machine.rounds(20, a=900_000, b=100_000)
    assert (machine.shares.sampled, machine.logs.shares) == (0, {})


async def test_who_takes_the_most_is_over_its_share_and_the_others_are_not(
    machine: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    await machine.rounds(3, a=700_000, b=100_000, c=10_000)
    assert (machine.state("a"), machine.state("b"), machine.state("c")) == (ShareState.CROWDED, None, None)
    assert REGISTRY.get_sample_value("tenants_over_share") == 1.0
    (line,) = caplog.records
    told = line.__dict__["fields"]
    assert (line.levelno, told["tenant"], told["bytes"], told["level"]) == (logging.WARNING, "a", 700_000, 590_000)
    assert set(machine.shares.drained) == {b"a"}
    await machine.rounds(5, a=580_000, b=100_000, c=10_000)
    assert not machine.shares.drained, "it takes no more than it may"


async def test_one_tenant_at_a_time_unless_it_is_urgent(machine: Machine) -> None:
    await machine.rounds(1, a=440_000, b=390_000)
    assert (machine.state("a"), machine.state("b")) == (ShareState.CROWDED, None)
    await machine.rounds(1, a=490_000, b=480_000)
    assert machine.state("b") is ShareState.CROWDED


async def test_logs_go_early_as_fast_as_they_come(machine: Machine) -> None:
    for used in range(300_000, 801_000, 50_000):
        await machine.rounds(1, a=used, b=20_000)
    assert machine.seconds("a") == LEAST_SECONDS


async def test_what_grows_slowly_may_stay_for_long(machine: Machine) -> None:
    for used in range(735_000, 751_000, 50):
        await machine.rounds(1, a=used - 20_000, b=20_000)
    assert machine.seconds("a") == pytest.approx(3_000, abs=1), "0.15 of the memory at 50 bytes a second"


async def test_they_stay_longer_while_there_is_room_and_shorter_when_it_is_urgent(machine: Machine) -> None:
    await machine.rounds(1, a=800_000, b=20_000)
    await machine.shares.crowd(b"a", 100)
    await machine.rounds(250, a=600_000, b=20_000)
    grown = machine.seconds("a")
    assert grown > 120
    await machine.rounds(1, a=900_000, b=20_000)
    assert machine.seconds("a") == max(LEAST_SECONDS, grown // 2)


async def test_it_comes_back_after_minutes_of_taking_little_and_later_each_time(machine: Machine) -> None:
    lasted = []
    for _ in range(2):
        await machine.rounds(1, a=800_000, b=20_000)
        began = machine.now
        assert machine.state("a") is ShareState.CROWDED
        while machine.state("a") is ShareState.CROWDED:
            await machine.rounds(1, a=50_000, b=20_000)
        lasted.append(machine.now - began)
        eased = machine.now
        while machine.state("a") is ShareState.EASED:
            await machine.rounds(1, a=50_000, b=20_000)
        assert machine.now - eased >= EASED_SECONDS
        assert await machine.logs.may_be_swept("a")
    assert 300 <= lasted[0] <= 310 and 600 <= lasted[1] <= 610


async def test_it_does_not_come_back_while_it_takes_what_it_may(machine: Machine) -> None:
    await machine.rounds(1, a=800_000, b=20_000)
    await machine.rounds(2_000, a=500_000, b=20_000)
    assert machine.state("a") is ShareState.CROWDED


async def test_it_comes_back_once_there_is_no_limit_any_more(machine: Machine) -> None:
    await machine.rounds(1, a=800_000, b=20_000)
    machine.shares.most = 0
    await machine.rounds(330, a=800_000, b=20_000)
    assert machine.state("a") is ShareState.OPEN


async def test_what_another_keeper_began_is_ended_by_the_next(machine: Machine) -> None:
    await machine.rounds(1, a=800_000, b=20_000)
    machine.pressure = LogPressure(machine.shares)
    await machine.rounds(330, a=50_000, b=20_000)
    assert machine.state("a") is ShareState.OPEN
    assert REGISTRY.get_sample_value("tenants_over_share") == 0.0


async def test_what_is_no_log_leaves_less_to_share_but_never_nothing(machine: Machine) -> None:
    machine.shares.samples = [LogSample(b"", 400)] * 10 + [LogSample(b"a", 100)] * 10 + [LogSample(b"b", 100)] * 2
    machine.shares.used, machine.shares.keys = 950_000, 1_000
    await machine.pressure.relieve()
    await asyncio.sleep(0)
    assert machine.logs.shares == {}, "logs take little: it is not they that are too many"
