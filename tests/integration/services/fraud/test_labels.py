"""What is kept of labels: every store of them holds to the same, and tenants see their own alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import pytest
from rampart.fraud.v1 import event_pb2

from meshkit.errors import MeshError
from meshkit.ids import uuid7_text
from meshkit.storage.postgres import Pool, connected, open_pool
from meshkit.storage.reads import Reads
from services.fraud.adapters.event_keys import EventKeys
from services.fraud.adapters.memory_labels import (
    MemoryLabelImports,
    MemoryLabelRows,
    MemoryLabels,
    MemoryLabelWriter,
    MemoryUntoldLabels,
)
from services.fraud.adapters.postgres_label_imports import PostgresLabelImports
from services.fraud.adapters.postgres_labels import PostgresLabels, PostgresLabelWriter
from services.fraud.adapters.postgres_store import PostgresStore
from services.fraud.adapters.postgres_untold_labels import PostgresUntoldLabels
from services.fraud.domain.event import Money, StoredEvent
from services.fraud.domain.labels.imports import MOST_REFUSED, ImportedRows, LabelImport, RefusedRow
from services.fraud.domain.labels.label import LabelState, NewLabel, StoredLabel
from services.fraud.ports.labels import LabelFilter, LabelImports, LabelReads, LabelWriter, UntoldLabels
from services.fraud.service.labels.keeping import LabelService, ToldLabel
from tests.support.fraud import check, decided, milliseconds, new_tenant
from tests.support.labels import label, said
from tests.support.servers import Database


class Kept(NamedTuple):
    """One store of labels."""

    reads: LabelReads
    writer: LabelWriter
    imports: LabelImports
    untold: UntoldLabels
    rows: MemoryLabelRows | None
    store: PostgresStore | None

    async def decide(self, tenant: str, transaction_id: str, when: datetime) -> None:
        """Has a payment decided that happened at a time."""
        made = decided(check(tenant, transaction_id, event_time=when))
        if self.rows is not None:
            event = StoredEvent(transaction_id, "payment", when, made.create_time, made.check.fields)
            self.rows.decide(tenant, made.decision_id, event)
        if self.store is not None:
            await self.store.commit([made])

    async def told(self, tenant: str, *labels: NewLabel) -> Sequence[ToldLabel | MeshError]:
        service = LabelService(self.reads, lambda: datetime.now(UTC))
        async with self.writer.begin(tenant) as changes:
            return await service.store(changes, "alice", labels)

    async def labelled(self, tenant: str, *labels: NewLabel) -> Sequence[StoredLabel]:
        results = await self.told(tenant, *labels)
        return [each.label for each in results if isinstance(each, ToldLabel)]

    async def waiting(self, tenant: str) -> Sequence[StoredLabel]:
        return await self.untold.untold(tenant, datetime.now(UTC) + timedelta(seconds=1), 10)


@pytest.fixture(params=["memory", "postgres"])
async def kept(request: pytest.FixtureRequest, pool: Pool, fraud_database: Database) -> AsyncIterator[Kept]:
    imports: LabelImports
    untold: UntoldLabels
    if request.param == "memory":
        rows = MemoryLabelRows()
        imports, untold = MemoryLabelImports(rows), MemoryUntoldLabels(rows)
        yield Kept(MemoryLabels(rows), MemoryLabelWriter(rows), imports, untold, rows, None)
        return
    relay = await open_pool(fraud_database.relay_dsn)
    reads = Reads(pool)
    imports, untold = PostgresLabelImports(reads), PostgresUntoldLabels(relay, pool)
    store = PostgresStore(pool, EventKeys(pool))
    yield Kept(PostgresLabels(reads), PostgresLabelWriter(pool), imports, untold, None, store)
    await relay.close()


@pytest.fixture
def hour_ago() -> datetime:
    return milliseconds(datetime.now(UTC) - timedelta(hours=1))


async def test_a_label_is_kept_as_it_was_told(kept: Kept, tenant: str, hour_ago: datetime) -> None:
    await kept.decide(tenant, "tx-1", hour_ago)
    new = said("tx-1", "chargeback", source="issuer", reason="4837", amount=Money(4250, "EUR"), known=hour_ago)
    (label,) = await kept.labelled(tenant, new)
    found = await kept.reads.get(tenant, UUID(label.label_id))
    assert found is not None
    assert found == label
    assert (found.kind.value, found.source, found.reason, found.amount) == ("chargeback", "issuer", "4837", new.amount)
    assert (found.known_at, found.number, found.state, found.created_by) == (hour_ago, 1, LabelState.EFFECTIVE, "alice")


async def test_a_correction_supersedes_and_the_history_stays(kept: Kept, tenant: str, hour_ago: datetime) -> None:
    await kept.decide(tenant, "tx-1", hour_ago)
    await kept.labelled(tenant, said("tx-1", "fraud"))
    await kept.labelled(tenant, said("tx-1", "false_positive"))
    history = await kept.reads.page(tenant, LabelFilter(transaction_id="tx-1"), None, 10)
    shown = [(each.number, each.kind.value, each.state.value) for each in history]
    assert shown == [(2, "false_positive", "effective"), (1, "fraud", "superseded")]


async def test_the_same_label_again_stores_nothing(kept: Kept, tenant: str, hour_ago: datetime) -> None:
    await kept.decide(tenant, "tx-1", hour_ago)
    results = [await kept.told(tenant, said("tx-1")) for _ in range(2)]
    (first,), (second,) = results
    assert isinstance(first, ToldLabel) and isinstance(second, ToldLabel)
    assert (first.created, second.created) == (True, False)
    assert first.label == second.label
    assert len(await kept.reads.page(tenant, LabelFilter(), None, 10)) == 1


async def test_of_a_batch_each_label_succeeds_or_fails_for_itself(kept: Kept, tenant: str, hour_ago: datetime) -> None:
    await kept.decide(tenant, "tx-1", hour_ago)
    early = said("tx-1", known=hour_ago - timedelta(hours=1))
    results = await kept.told(tenant, early, said("tx-1"), said("tx-1", "legitimate"), said("tx-2"))
    assert isinstance(results[0], MeshError)
    assert results[0].violations[0].field == "known_time"
    labels = [each.label for each in results[1:] if isinstance(each, ToldLabel)]
    assert [(each.transaction_id, each.number, each.state.value) for each in labels] == [
        ("tx-1", 1, "effective"),
        ("tx-1", 2, "effective"),
        ("tx-2", 1, "pending"),
    ]


async def test_labels_are_listed_by_what_they_say(kept: Kept, tenant: str, hour_ago: datetime) -> None:
    await kept.decide(tenant, "tx-1", hour_ago)
    await kept.labelled(tenant, said("tx-1"), said("tx-2", source="issuer"), said("tx-3", "legitimate"))

    async def listed(only: LabelFilter, before: UUID | None = None, limit: int = 10) -> list[str]:
        return [each.transaction_id for each in await kept.reads.page(tenant, only, before, limit)]

    assert await listed(LabelFilter()) == ["tx-3", "tx-2", "tx-1"]
    assert await listed(LabelFilter(kind=said(kind="fraud").kind)) == ["tx-2", "tx-1"]
    assert await listed(LabelFilter(source="issuer")) == ["tx-2"]
    assert await listed(LabelFilter(pending=True)) == ["tx-3", "tx-2"]
    (newest,) = await kept.reads.page(tenant, LabelFilter(), None, 1)
    assert await listed(LabelFilter(), UUID(newest.label_id), 1) == ["tx-2"]


async def test_tenants_see_and_match_their_own_labels_alone(kept: Kept, tenant: str, hour_ago: datetime) -> None:
    other = new_tenant()
    await kept.decide(other, "tx-1", hour_ago)
    (label,) = await kept.labelled(tenant, said("tx-1"))
    assert label.state is LabelState.PENDING
    assert await kept.reads.get(other, UUID(label.label_id)) is None
    assert await kept.reads.page(other, LabelFilter(), None, 10) == []
    assert (await kept.untold.match(tenant, "", 10)).labels == []


async def test_a_label_that_came_first_finds_its_transaction(kept: Kept, tenant: str, hour_ago: datetime) -> None:
    await kept.labelled(tenant, said("tx-1"), said("tx-2"))
    assert tenant in await kept.untold.tenants()
    assert await kept.waiting(tenant) == []
    await kept.decide(tenant, "tx-1", hour_ago)
    matched = await kept.untold.match(tenant, "", 10)
    assert [each.transaction_id for each in matched.labels] == ["tx-1"]
    assert [each.transaction_id for each in await kept.waiting(tenant)] == ["tx-1"]
    assert (await kept.untold.match(tenant, "", 10)).labels == []


async def test_a_label_is_stored_beside_one_whose_predecessors_were_deleted(kept: Kept, tenant: str) -> None:
    async with kept.writer.begin(tenant) as changes:
        await changes.add([label(2, decision_id=None)])
    (stored,) = await kept.labelled(tenant, said("tx-1", "legitimate"))
    assert stored.number == 3


async def test_labels_that_are_waited_for_are_looked_at_in_turns(kept: Kept, tenant: str, hour_ago: datetime) -> None:
    await kept.labelled(tenant, *(said(f"tx-{number}") for number in range(5)))
    await kept.decide(tenant, "tx-3", hour_ago)
    first = await kept.untold.match(tenant, "", 2)
    assert (first.labels, first.last) == ([], "tx-1")
    second = await kept.untold.match(tenant, first.last, 2)
    assert [each.transaction_id for each in second.labels] == ["tx-3"]


async def test_a_label_that_was_known_before_its_transaction_is_refused_when_that_comes(
    kept: Kept, tenant: str, hour_ago: datetime
) -> None:
    (label,) = await kept.labelled(tenant, said("tx-1", known=hour_ago - timedelta(hours=1)))
    await kept.decide(tenant, "tx-1", hour_ago)
    assert (await kept.untold.match(tenant, "", 10)).labels == []
    found = await kept.reads.get(tenant, UUID(label.label_id))
    assert found is not None and found.state is LabelState.REFUSED
    assert await kept.waiting(tenant) == []
    assert await kept.untold.of(["tx-1"], tenant) == []


async def test_the_other_services_are_told_again_when_its_transaction_comes(
    pool: Pool, fraud_database: Database, tenant: str, hour_ago: datetime
) -> None:
    relay, committed = await open_pool(fraud_database.relay_dsn), list[bool]()
    reads, untold = Reads(pool), PostgresUntoldLabels(relay, pool, lambda: committed.append(True))
    kept = Kept(
        PostgresLabels(reads), PostgresLabelWriter(pool), PostgresLabelImports(reads), untold, None,
        PostgresStore(pool, EventKeys(pool)),
    )  # fmt: skip
    await kept.labelled(tenant, said("tx-1", known=hour_ago), said("tx-2"), said("tx-3", known=hour_ago))
    await kept.decide(tenant, "tx-1", hour_ago)
    await kept.decide(tenant, "tx-3", hour_ago + timedelta(minutes=1))
    (correction,) = await kept.labelled(tenant, said("tx-1", "legitimate", known=hour_ago))
    assert await told_of_labels(relay, tenant) == [("tx-1", 1, ""), ("tx-2", 1, ""), ("tx-3", 1, ""), (
        "tx-1", 2, correction.decision_id)]  # fmt: skip
    assert [each.number for each in (await kept.untold.match(tenant, "", 10)).labels] == [1]
    both = [("tx-1", number, correction.decision_id) for number in (1, 2)]
    assert (await told_of_labels(relay, tenant))[4:] == both
    await kept.untold.match(tenant, "", 10)
    assert (len(await told_of_labels(relay, tenant)), committed) == (6, [True])
    await relay.close()


async def told_of_labels(relay: Pool, tenant: str) -> list[tuple[str, int, str]]:
    """Returns what the other services were told of the labels of a tenant, in its order."""
    async with connected(relay) as connection:
        rows = await connection.fetch("SELECT payload FROM outbox WHERE tenant_id = $1 ORDER BY xid, seq", tenant)
    events = [event_pb2.DecisionEvent.FromString(row["payload"]) for row in rows]
    return [
        (each.transaction_id, each.label.number, each.label.labelled_decision_id)
        for each in events
        if each.HasField("label")
    ]


async def test_labels_are_told_once_and_keep_their_first_place(kept: Kept, tenant: str, hour_ago: datetime) -> None:
    await kept.decide(tenant, "tx-1", hour_ago)
    labels = await kept.labelled(tenant, said("tx-1"), said("tx-1", "legitimate"))
    assert list(await kept.waiting(tenant)) == [replaced(each) for each in labels]
    await kept.untold.told(tenant, labels, 17)
    await kept.untold.told(tenant, labels, 18)
    assert await kept.waiting(tenant) == []
    assert tenant not in await kept.untold.tenants()
    (event,) = await kept.untold.events(tenant, {UUID(labels[0].decision_id or "")})
    assert (event.transaction_id, event.event_time) == ("tx-1", hour_ago)


async def test_a_file_advances_once_and_lists_its_refused_rows(kept: Kept, tenant: str) -> None:
    new = LabelImport(
        tenant_id=tenant, import_id=uuid7_text(), task_id=uuid7_text(), rows=4, created_by="alice",
        created_at=milliseconds(datetime.now(UTC)),
    )  # fmt: skip
    place = tenant, UUID(new.import_id)
    refused = [RefusedRow(3, "label", "must be another")]
    async with kept.writer.begin(tenant) as changes:
        await changes.add_import(new, b"rows")
        assert await changes.unfinished_imports() == 1
    async with kept.writer.begin(tenant) as changes:
        assert await changes.advance(new.import_id, 0, ImportedRows(1, 1, refused), whole=False)
    async with kept.writer.begin(tenant) as changes:
        assert not await changes.advance(new.import_id, 0, ImportedRows(1, 1, refused), whole=False)
    found = await kept.imports.get(*place)
    assert found is not None
    assert (found.done, found.stored, found.unchanged, found.refused) == (3, 1, 1, 1)
    assert await kept.imports.data(*place) == b"rows"
    async with kept.writer.begin(tenant) as changes:
        assert await changes.advance(new.import_id, 3, ImportedRows(1, 0, []), whole=True)
        assert await changes.unfinished_imports() == 0
    assert await kept.imports.data(*place) == b""
    assert await kept.imports.errors(*place, 0, 10) == refused
    assert await kept.imports.errors(*place, 3, 10) == []
    assert await kept.imports.get(new_tenant(), place[1]) is None


async def test_of_a_file_with_many_faults_the_first_are_kept(kept: Kept, tenant: str) -> None:
    rows = MOST_REFUSED + 5
    new = LabelImport(
        tenant_id=tenant, import_id=uuid7_text(), task_id=uuid7_text(), rows=rows, created_by="alice",
        created_at=milliseconds(datetime.now(UTC)),
    )  # fmt: skip
    refused = [RefusedRow(number, "label", "must be another") for number in range(2, rows + 2)]
    async with kept.writer.begin(tenant) as changes:
        await changes.add_import(new, b"rows")
        await changes.advance(new.import_id, 0, ImportedRows(0, 0, refused[:-10]), whole=False)
        await changes.advance(new.import_id, rows - 10, ImportedRows(0, 0, refused[-10:]), whole=True)
    found = await kept.imports.errors(tenant, UUID(new.import_id), MOST_REFUSED - 1, 10)
    assert found == refused[MOST_REFUSED - 2 : MOST_REFUSED]


def replaced(label: StoredLabel) -> StoredLabel:
    """Returns a label as whoever tells of it sees it: which one is in effect is not asked there."""
    return replace(label, effective=True)
