"""What models see is added up for each tenant alone, and analysts are told once a day: in PostgreSQL as in memory."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest
from rampart.fraud.v1 import event_pb2

from meshkit.storage.postgres import Pool
from meshkit.storage.reads import Reads
from services.fraud.adapters.memory_drift import MemoryDrift
from services.fraud.adapters.postgres_drift import PostgresDrift
from services.fraud.adapters.postgres_labels import PostgresLabels, PostgresLabelWriter
from services.fraud.adapters.postgres_model_changes import PostgresModelWriter
from services.fraud.adapters.postgres_models import PostgresTrainingAttempts
from services.fraud.domain.scoring.drift import LabelledAlerts, SeenDay
from services.fraud.domain.scoring.model import ModelRef, ModelScore
from services.fraud.ports.drift import DriftReference, SeenPart, SeenStore, WatchedModel
from services.fraud.service.labels.keeping import LabelService
from tests.support.fraud import check, decided, milliseconds, new_tenant
from tests.support.labels import said
from tests.support.models import made_model, model, version
from tests.support.readers import store_of
from tests.support.servers import Database

TODAY = datetime.now(UTC).date()
FIRST = ModelRef("cards", 1)
REFERENCE = {"amount": [0.5, 0.5, 0.0], "model.score": [0.9, 0.1, 0.0]}
DESCRIBED = {
    "reference": {name: {"edges": [1.0], "shares": shares} for name, shares in REFERENCE.items()},
    "evaluation": {"rows": 200, "thresholds": [{"threshold": 0.9, "acted": 9}, {"threshold": 0.95, "acted": 1}]},
}


@pytest.fixture(params=["memory", "postgres"])
def store(request: pytest.FixtureRequest, tenant: str) -> SeenStore:
    """With the first version of the tenant's model."""
    if request.param == "memory":
        return MemoryDrift({WatchedModel(tenant, FIRST): DriftReference(REFERENCE, 0.005)})
    request.getfixturevalue("trained")
    return PostgresDrift(request.getfixturevalue("pool"))


@pytest.fixture
async def trained(pool: Pool, tenant: str) -> None:
    await add_model(pool, tenant)


async def add_model(pool: Pool, tenant: str) -> None:
    async with PostgresModelWriter(pool).begin(tenant) as changes:
        await changes.create(model())
        await changes.add_version(version(tenant))
    attempts = PostgresTrainingAttempts(pool)
    await attempts.begin(tenant, FIRST, 1)
    await attempts.finish(tenant, FIRST, 1, replace(made_model(), described=json.dumps(DESCRIBED)))


def part(tenant: str, rows: int, part: UUID, day: date = TODAY, ref: ModelRef = FIRST) -> SeenPart:
    counts = {"amount": [rows - 1, 1, 0], "model.score": [rows, 0, 0]}
    return SeenPart(WatchedModel(tenant, ref), part, SeenDay(day, rows, 1, counts))


async def rows_of(store: SeenStore, tenant: str, since: date = TODAY) -> Sequence[int]:
    return sorted(each.rows for each in await store.seen(WatchedModel(tenant, FIRST), since))


async def test_a_version_is_compared_with_what_it_has_learned_from(store: SeenStore, tenant: str) -> None:
    assert await store.reference(WatchedModel(tenant, FIRST)) == DriftReference(REFERENCE, 0.005)
    assert await store.reference(WatchedModel(tenant, ModelRef("cards", 2))) is None
    assert await store.reference(WatchedModel(new_tenant(), FIRST)) is None


async def test_what_is_told_again_of_a_day_takes_the_place_of_what_was_told(store: SeenStore, tenant: str) -> None:
    one, other = uuid4(), uuid4()
    await store.add([part(tenant, 10, one), part(tenant, 5, other)])
    await store.add([part(tenant, 12, one)])
    await store.add([])
    assert await rows_of(store, tenant) == [5, 12]
    (found,) = [each for each in await store.seen(WatchedModel(tenant, FIRST), TODAY) if each.rows == 12]
    assert found == SeenDay(TODAY, 12, 1, {"amount": [11, 1, 0], "model.score": [12, 0, 0]})
    assert await rows_of(store, new_tenant()) == []


async def test_days_before_the_period_are_left_out_and_old_ones_go(store: SeenStore, tenant: str) -> None:
    old = TODAY - timedelta(days=120)
    await store.add([part(tenant, 3, uuid4(), old), part(tenant, 4, uuid4())])
    assert await rows_of(store, tenant) == [4]
    assert await rows_of(store, tenant, old) == [3, 4]
    assert await store.prune(TODAY - timedelta(days=95)) >= 1
    assert await rows_of(store, tenant, old) == [4]


async def test_what_a_version_saw_that_is_gone_is_left_out(store: SeenStore, tenant: str) -> None:
    await store.add([part(tenant, 3, uuid4(), ref=ModelRef("gone", 1)), part(tenant, 4, uuid4())])
    assert await rows_of(store, tenant) == [4]
    assert await store.seen(WatchedModel(tenant, ModelRef("gone", 1)), TODAY) == []


async def test_analysts_are_told_once_a_day(store: SeenStore, tenant: str) -> None:
    watched = WatchedModel(tenant, FIRST)
    assert [await store.tell(watched, TODAY, f"words {number}") for number in (1, 2)] == [True, False]
    assert await store.tell(watched, TODAY + timedelta(days=1), "words 3")


async def test_the_alert_leaves_through_the_outbox(pool: Pool, fraud_database: Database, tenant: str) -> None:
    await add_model(pool, tenant)
    for _ in range(2):
        await PostgresDrift(pool).tell(WatchedModel(tenant, FIRST), TODAY, "sees others")
    connection = await asyncpg.connect(fraud_database.relay_dsn, timeout=5)
    rows = await connection.fetch("SELECT payload FROM outbox WHERE tenant_id = $1", tenant)
    await connection.close(timeout=5)
    (event,) = [event_pb2.DecisionEvent.FromString(payload) for (payload,) in rows]
    assert (event.event_type, event.tenant_id) == ("alert.asked", tenant)
    assert (event.alert.cause, event.alert.subject, event.alert.words) == ("drift", "cards", "Version 1 sees others")


async def decide(pool: Pool, tenant: str, transaction_id: str, ref: ModelRef, score: float) -> None:
    made = decided(check(tenant, transaction_id, event_time=milliseconds(datetime.now(UTC) - timedelta(hours=2))))
    made = made._replace(facts=made.facts._replace(model=ModelScore(ref, score)))
    await store_of(pool).commit([made])


async def label(pool: Pool, tenant: str, known: datetime | None = None, **kinds: str) -> None:
    service = LabelService(PostgresLabels(Reads(pool)), lambda: datetime.now(UTC))
    async with PostgresLabelWriter(pool).begin(tenant) as changes:
        await service.store(changes, "alice", [said(each, kind, known=known) for each, kind in kinds.items()])


async def test_alerts_are_compared_with_what_became_known_of_them(pool: Pool, tenant: str) -> None:
    await add_model(pool, tenant)
    scored = {"t1": (FIRST, 0.99), "t2": (FIRST, 0.96), "t3": (FIRST, 0.5), "t4": (ModelRef("other", 1), 0.99)}
    for transaction_id, (ref, score) in scored.items():
        await decide(pool, tenant, transaction_id, ref, score)
    await decide(pool, tenant, "unlabelled", FIRST, 0.99)
    await label(pool, tenant, t1="fraud", t2="chargeback", t3="fraud", t4="fraud")
    watched, store, before = WatchedModel(tenant, FIRST), PostgresDrift(pool), datetime.now(UTC) - timedelta(days=1)
    assert await store.labelled(watched, before) == LabelledAlerts(2, 2)
    await label(pool, tenant, datetime.now(UTC) - timedelta(hours=1), t1="legitimate")
    assert await store.labelled(watched, before) == LabelledAlerts(2, 2), (
        "what is older than what is known changes nothing"
    )
    await label(pool, tenant, t2="false_positive")
    found = await store.labelled(watched, before)
    assert (found, found.precision) == (LabelledAlerts(2, 1), 0.5)
    assert await store.labelled(watched, datetime.now(UTC) + timedelta(minutes=1)) == LabelledAlerts(0, 0)
    assert await store.labelled(WatchedModel(new_tenant(), FIRST), before) == LabelledAlerts(0, 0)
