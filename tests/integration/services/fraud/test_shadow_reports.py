"""Reports of shadows are kept in parts and added up: in PostgreSQL as in memory."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from meshkit.storage.postgres import Pool, transaction
from services.fraud.adapters.memory_shadows import MemoryShadowReports
from services.fraud.adapters.postgres_shadows import PostgresShadowReports
from services.fraud.domain.scenarios.scenario import VersionRef
from services.fraud.domain.scenarios.shadows import (
    MOST_EXAMPLES,
    RuleCounts,
    ShadowExample,
    ShadowReport,
    report_from_json,
    report_to_json,
)
from services.fraud.ports.shadows import ShadowKey, ShadowPart, ShadowReports
from tests.integration.conftest import FreshDatabase
from tests.support.fraud import new_tenant

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


@pytest.fixture(params=["memory", "postgres"])
def reports(request: pytest.FixtureRequest) -> ShadowReports:
    if request.param == "memory":
        return MemoryShadowReports()
    return PostgresShadowReports(request.getfixturevalue("pool"))


def key(tenant: str, number: int = 1) -> ShadowKey:
    return ShadowKey(tenant, VersionRef("cards", number))


def report(decisions: int, **changed: Any) -> ShadowReport:
    values: dict[str, Any] = {
        "outcomes": {("approve", "review"): decisions},
        "rules": {"HIGH": RuleCounts(1, 2, 3)},
        "errors": {"high": 1},
        "not_enough_data": {"low": 2},
        "examples": [ShadowExample(f"{decisions:032x}", "approve", "review", (), ("HIGH",))],
        "since": NOW,
        "until": NOW + timedelta(seconds=decisions),
    } | changed
    return ShadowReport(decisions=decisions, missed=1, failed=2, **values)


async def test_parts_add_up_and_the_same_part_takes_its_own_place(reports: ShadowReports, tenant: str) -> None:
    one, other = uuid4(), uuid4()
    await reports.save({ShadowPart(key(tenant), one): report(3)})
    await reports.save({ShadowPart(key(tenant), one): report(5), ShadowPart(key(tenant), other): report(7)})
    await reports.save({ShadowPart(key(tenant), one): report(5)})
    found = await reports.read(key(tenant))
    assert (found.decisions, found.missed, found.failed) == (12, 2, 4)
    assert found.outcomes == {("approve", "review"): 12}
    assert found.rules == {"HIGH": RuleCounts(2, 4, 6)}
    assert (found.errors, found.not_enough_data) == ({"high": 2}, {"low": 4})
    assert [int(each.decision_id, 16) for each in found.examples] == [7, 5]
    assert (found.since, found.until) == (NOW, NOW + timedelta(seconds=7))


async def test_versions_and_tenants_are_apart(reports: ShadowReports, tenant: str) -> None:
    other = new_tenant()
    kept = [key(tenant), key(tenant, 2), key(other)]
    await reports.save({ShadowPart(each, uuid4()): report(place) for place, each in enumerate(kept, 1)})
    assert [(await reports.read(each)).decisions for each in kept] == [1, 2, 3]
    assert await reports.read(key(other, 2)) == ShadowReport()


async def test_examples_are_the_newest_of_all_parts(reports: ShadowReports, tenant: str) -> None:
    def examples(numbers: range) -> list[ShadowExample]:
        return [ShadowExample(f"{number:032x}", "approve", "decline", (), ()) for number in numbers]

    parts = [report(9, examples=examples(range(start, start + 40, 2))) for start in (0, 1)]
    await reports.save({ShadowPart(key(tenant), uuid4()): each for each in parts})
    found = [int(each.decision_id, 16) for each in (await reports.read(key(tenant))).examples]
    assert found == sorted(range(20, 40), reverse=True)[:MOST_EXAMPLES]


def test_a_report_survives_its_text() -> None:
    assert report_from_json(report_to_json(report(4))) == report(4)
    assert report_from_json(report_to_json(ShadowReport())) == ShadowReport()


async def test_old_parts_go_whatever_the_tenant_and_young_ones_stay(
    pool: Pool, tenant: str, fresh_database: FreshDatabase
) -> None:
    reports = PostgresShadowReports(pool)
    aged, young = uuid4(), uuid4()
    await reports.save({ShadowPart(key(tenant), each): report(1) for each in (aged, young)})
    await _age(pool, tenant, aged, days=91)
    assert await reports.prune() == 1
    assert await reports.prune() == 0
    assert (await reports.read(key(tenant))).decisions == 1
    async with transaction(pool, [new_tenant()]) as connection:
        assert await connection.fetchval("SELECT count(*) FROM scenario_shadows") == 0


async def _age(pool: Pool, tenant: str, part: UUID, days: int) -> None:
    async with transaction(pool, [tenant]) as connection:
        query = "UPDATE scenario_shadows SET updated_at = now() - make_interval(days => $2) WHERE part = $1"
        await connection.execute(query, part, days)
