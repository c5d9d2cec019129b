"""What is kept of alerts and cases, by the same tests in memory and in PostgreSQL."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from meshkit.errors import MeshError, unavailable
from meshkit.preconditions import etag_from_revision
from meshkit.storage import postgres
from meshkit.storage.reads import Reads
from services.cases.adapters import postgres_tenants
from services.cases.adapters.memory import MemoryCaseRows, MemoryCaseWriter
from services.cases.adapters.memory_reads import MemoryCaseReads, MemoryTenantsWithCases
from services.cases.adapters.postgres_changes import PostgresCaseWriter
from services.cases.adapters.postgres_reads import PostgresCaseReads
from services.cases.adapters.postgres_tenants import CaseOutboxRetention, PostgresTenantsWithCases
from services.cases.domain.alerts import AlertCause, AlertState
from services.cases.domain.cases import CaseDisposition, CaseState, StoredCase, begun_to_close
from services.cases.domain.events import LabelledEvent
from services.cases.domain.levels import CaseSettings, UrgencyLevel
from services.cases.ports import AlertFilter, CaseChanges, CaseFilter, CaseWriter, QueuePlace
from services.cases.service import cases, keeping
from services.cases.service.closing import CLOSING
from services.cases.service.keeping import CaseKeeper
from tests.support.cases import NOON, CaseWorld, decided_event
from tests.support.servers import Database

ANY, ALL = CaseFilter(), AlertFilter()


@pytest.fixture(params=["memory", "postgres"])
async def world(request: pytest.FixtureRequest, databases: dict[str, Database]) -> AsyncIterator[CaseWorld]:
    if request.param == "memory":
        rows = MemoryCaseRows()
        yield CaseWorld(MemoryCaseReads(rows), MemoryCaseWriter(rows), MemoryTenantsWithCases(rows))
        return
    async with postgres.pool(databases["cases"].dsn) as pool:
        yield CaseWorld(
            PostgresCaseReads(Reads(pool)),
            PostgresCaseWriter(pool),
            PostgresTenantsWithCases(pool),
            PostgresCaseWriter(pool, follow=False),
        )


async def the_case(world: CaseWorld, user: str = "user-1") -> StoredCase:
    (found, *_), _ = await world.desk.page(world.tenant, replace(ANY, entity=user), None, 10)
    return found


async def history(world: CaseWorld, case: StoredCase) -> list[str]:
    found, _ = await world.desk.history(world.tenant, UUID(case.case_id), 0, 100)
    assert [each.number for each in found] == list(range(1, len(found) + 1))
    return [each.action for each in found]


async def close(world: CaseWorld, case: StoredCase, chosen: tuple[str, ...] = (), etag: str = "") -> StoredCase:
    named = world.tenant, UUID(case.case_id), "ana"
    return await world.closing.close(*named, CaseDisposition.FRAUD, chosen, etag)


async def refusal(work: object) -> str:
    with pytest.raises(MeshError) as caught:
        await work  # type: ignore[misc]
    return caught.value.reason


async def test_alerts_of_an_entity_gather_what_comes_and_belong_to_one_case(world: CaseWorld) -> None:
    await world.decide("a", "burst", minor=100_00)
    await world.decide("b", score=0.99, minutes=5, currency="EUR")
    await world.decide("b", score=0.99, minutes=5, currency="EUR")
    await world.decide("low", score=0.9)
    await world.decide("other", user_id="user-2", tenant=str(uuid.uuid4()))
    alerts, more = await world.alerts.page(world.tenant, ALL, None, 10)
    by_cause = {each.raised_for.cause: each for each in alerts}
    assert (set(by_cause), more) == ({AlertCause.SCORE, AlertCause.RULE}, False)
    scored, case = by_cause[AlertCause.SCORE], await the_case(world)
    assert (scored.count, scored.score) == (2, 0.99)
    assert [(each.currency, each.minor) for each in scored.amounts] == [("EUR", 12_50), ("USD", 100_00)]
    assert (scored.first_time, scored.last_time) == (NOON, NOON + timedelta(minutes=5))
    assert by_cause[AlertCause.RULE].raised_for.subject == "burst"
    assert {each.case_id for each in alerts} == {case.case_id}
    assert (case.alert_count, case.transaction_count, case.priority) == (2, 3, UrgencyLevel.HIGH)
    _, evidence = await world.alerts.get(world.tenant, UUID(scored.alert_id))
    assert [each.transaction_id for each in evidence] == ["b", "a"]
    assert evidence[1] == decided_event(world.tenant, "a", minor=100_00).evidence
    assert await history(world, case) == ["opened", "alert_added", "alert_added"]
    found, _ = await world.desk.transactions(world.tenant, UUID(case.case_id), None, 1)
    (last,), more = await world.desk.transactions(
        world.tenant, UUID(case.case_id), (found[0].event_time, found[0].transaction_id), 1
    )
    assert ([found[0].transaction_id, last.transaction_id], more) == (["b", "a"], False)


async def test_evidence_is_bounded_to_the_newest(world: CaseWorld) -> None:
    for number in range(103):
        await world.decide(f"t{number:03}", minutes=number)
    (alert,), _ = await world.alerts.page(world.tenant, ALL, None, 10)
    _, evidence = await world.alerts.get(world.tenant, UUID(alert.alert_id))
    assert (alert.count, len(evidence), evidence[-1].transaction_id) == (103, 100, "t003")


async def test_threshold_is_the_tenants_and_changes_with_its_etag(world: CaseWorld) -> None:
    assert await world.alerts.settings(world.tenant) == CaseSettings()
    changed = await world.alerts.set(world.tenant, {"threshold": 0.6, "high_hours": 2}, '"0"')
    assert changed == await world.alerts.settings(world.tenant) == CaseSettings(threshold=0.6, high_hours=2, revision=1)
    assert await world.alerts.set(world.tenant, {"threshold": 0.6}, "") == changed
    assert await refusal(world.alerts.set(world.tenant, {"threshold": 0.7}, '"0"')) == "ETAG_MISMATCH"
    await world.decide("a", score=0.61)
    await world.decide("b", score=0.59, user_id="user-2")
    alerts, _ = await world.alerts.page(world.tenant, ALL, None, 10)
    assert [each.raised_for.entity.value for each in alerts] == ["user-1"]


async def test_after_a_dismissal_another_alert_is_raised_but_not_for_what_was_there(world: CaseWorld) -> None:
    await world.decide("a")
    (first,), _ = await world.alerts.page(world.tenant, ALL, None, 10)
    seen = await world.alerts.acknowledge(world.tenant, UUID(first.alert_id), "ana", '"2"')
    assert (seen.state, seen.changed_by) == (AlertState.ACKNOWLEDGED, "ana")
    await world.decide("b")
    dismissed = await world.alerts.dismiss(world.tenant, UUID(first.alert_id), "ana", "Ours.", "")
    again = await world.alerts.dismiss(world.tenant, UUID(first.alert_id), "bob", "Mine.", "")
    assert again == dismissed == (await world.alerts.get(world.tenant, UUID(first.alert_id)))[0]
    assert (dismissed.count, dismissed.reason) == (2, "Ours.")
    ended = world.alerts.acknowledge(world.tenant, UUID(first.alert_id), "ana", "")
    assert await refusal(ended) == "STATE_NOT_ALLOWED"
    await world.decide("a")
    await world.decide("c")
    live, _ = await world.alerts.page(world.tenant, replace(ALL, state=AlertState.OPEN), None, 10)
    assert [each.count for each in live] == [1]


async def test_lists_are_filtered_and_paged_in_their_order(world: CaseWorld) -> None:
    for number, minor in enumerate((900_00, 10_00, 10_00, 6_000_00)):
        world.now = NOON + timedelta(minutes=number)
        await world.decide(f"t{number}", user_id=f"user-{number}", minor=minor)
    place, seen = None, []
    for _ in range(4):
        (case,), more = await world.desk.page(world.tenant, ANY, place, 1)
        place = QueuePlace(int(case.priority), case.money, case.created_at, case.case_id)
        seen.append((case.entity.value, more))
    assert seen == [("user-3", True), ("user-0", True), ("user-1", True), ("user-2", False)]
    high, _ = await world.desk.page(world.tenant, replace(ANY, priority=UrgencyLevel.URGENT), None, 10)
    assert [each.entity.value for each in high] == ["user-3"]
    (newest,), more = await world.alerts.page(world.tenant, ALL, None, 1)
    rest, _ = await world.alerts.page(world.tenant, ALL, UUID(newest.alert_id), 10)
    assert ([newest.raised_for.entity.value, more], len(rest)) == (["user-3", True], 3)
    one, _ = await world.alerts.page(world.tenant, replace(ALL, entity="user-2", entity_kind="user"), None, 10)
    assert len(one) == 1
    assert (await world.desk.page(str(uuid.uuid4()), ANY, None, 10))[0] == []


async def test_a_case_is_assigned_noted_attached_to_closed_and_reopened(world: CaseWorld) -> None:
    await world.decide("a")
    case = await the_case(world)
    case_id = UUID(case.case_id)
    async with world.claiming.begin(world.tenant) as changes:
        claimed = await world.desk.claim(changes, "ana", UrgencyLevel.LOW)
        assert await refusal(world.desk.claim(changes, "ana", UrgencyLevel.LOW)) == "RESOURCE_NOT_FOUND"
    assert (claimed.case_id, claimed.assignee, claimed.state) == (case.case_id, "ana", CaseState.ASSIGNED)
    async with world.writer.begin(world.tenant) as changes:
        assert await refusal(world.desk.assign(changes, case_id, "bob", "bob", "")) == "STATE_NOT_ALLOWED"
        note = await world.desk.note(changes, case_id, "ana", "Called.")
        told = "s3://evidence/1", "one", "text/plain", 12
        file = await world.desk.attach(changes, case_id, "ana", *told)
    whole = await world.desk.whole(world.tenant, case_id)
    assert whole == (claimed, [note], [file]) or whole == (claimed, (note,), (file,))
    world.labels.be_away()
    assert await refusal(close(world, case)) == "DEPENDENCY_UNAVAILABLE"
    assert (await the_case(world)).state is CaseState.ASSIGNED
    closed = await close(world, case)
    assert await close(world, case) == closed == await the_case(world)
    assert world.labels.told == [(("a",), "fraud", f"case {case.case_id}")]
    assert (closed.disposition, closed.closed_at) == ("fraud", NOON)
    (alert,), _ = await world.alerts.page(world.tenant, ALL, None, 10)
    assert alert.state is AlertState.CLOSED
    async with world.writer.begin(world.tenant) as changes:
        reopened = await world.desk.reopen(changes, case_id, "bob", "The bank.", "")
    assert (reopened.state, reopened.assignee, reopened.closed_at) == (CaseState.ASSIGNED, "bob", None)
    done = ["opened", "alert_added", "assigned", "noted", "attached", "closed", "reopened"]
    assert await history(world, case) == done


async def test_a_case_is_closed_in_the_state_and_with_the_transactions_that_are_named(world: CaseWorld) -> None:
    await world.decide("a")
    await world.decide("b")
    case = await the_case(world)
    assert await refusal(close(world, case, ("c",))) == "VALIDATION_FAILED"
    assert await refusal(close(world, case, etag='"1"')) == "ETAG_MISMATCH"
    await close(world, case, ("b",))
    assert world.labels.told == [(("b",), "fraud", f"case {case.case_id}")]
    await world.decide("c")
    assert (await world.desk.page(world.tenant, replace(ANY, state=CaseState.OPEN), None, 10))[0] != []
    async with world.writer.begin(world.tenant) as changes:
        assert await refusal(world.desk.reopen(changes, UUID(case.case_id), "ana", "", "")) == "STATE_NOT_ALLOWED"


async def test_a_label_is_noted_where_its_transaction_is_and_the_latest_counts(world: CaseWorld) -> None:
    await world.decide("a", "burst")
    for label, hours in (("fraud", 2), ("legitimate", 1)):
        known = NOON + timedelta(hours=hours)
        async with world.writer.begin(world.tenant) as changes:
            await world.raising.take(changes, LabelledEvent(world.tenant, known, "a", label, known))
    case = await the_case(world)
    (found,), _ = await world.desk.transactions(world.tenant, UUID(case.case_id), None, 10)
    assert (found.label, found.label_known) == ("fraud", NOON + timedelta(hours=2))


async def test_cases_are_merged_and_split(world: CaseWorld) -> None:
    await world.decide("a", "burst")
    await world.decide("b", user_id="user-2", minor=900_00)
    one, other = await the_case(world), await the_case(world, "user-2")
    async with world.writer.begin(world.tenant) as changes:
        both = await world.closing.merge(changes, UUID(one.case_id), "ana", UUID(other.case_id), "")
        again = await world.closing.merge(changes, UUID(one.case_id), "ana", UUID(other.case_id), "")
    assert (both.alert_count, both.money, again) == (3, 925_00, both)
    gone = await the_case(world, "user-2")
    assert (gone.state, gone.disposition, gone.merged_into) == (CaseState.CLOSED, "merged", one.case_id)
    alerts, _ = await world.alerts.page(world.tenant, replace(ALL, case_id=one.case_id), None, 10)
    moving = [each.alert_id for each in alerts if each.raised_for.entity.value == "user-2"]
    async with world.writer.begin(world.tenant) as changes:
        every = world.closing.split(changes, UUID(one.case_id), "ana", [each.alert_id for each in alerts], "")
        assert await refusal(every) == "VALIDATION_FAILED"
        new = await world.closing.split(changes, UUID(one.case_id), "ana", moving, "")
    assert (new.alert_count, new.money, new.split_from) == (1, 900_00, one.case_id)
    left = await world.desk.get(world.tenant, UUID(one.case_id))
    assert (left.alert_count, left.money) == (2, 25_00)
    await world.decide("c")
    assert (await world.desk.get(world.tenant, UUID(one.case_id))).transaction_count == 3


async def test_what_waits_gets_older_and_is_told_of_once_when_it_is_overdue(world: CaseWorld) -> None:
    await world.decide("a")
    assert (await the_case(world)).priority is UrgencyLevel.NORMAL
    world.now = NOON + timedelta(hours=25)
    await world.keeper.round()
    aged = await the_case(world)
    assert (aged.priority, aged.overdue, aged.due_at) == (UrgencyLevel.HIGH, False, NOON + timedelta(hours=72))
    world.now = NOON + timedelta(hours=73)
    for _ in range(2):
        await world.keeper.round()
    late = await the_case(world)
    assert (late.priority, late.overdue) == (UrgencyLevel.URGENT, True)
    assert (await history(world, late))[-1] == "overdue"
    overdue, _ = await world.alerts.page(world.tenant, replace(ALL, cause=AlertCause.OVERDUE), None, 10)
    assert [(each.raised_for.subject, each.count) for each in overdue] == [(late.case_id, 1)]


class OneTenantAway:
    """A writer whose changes of one tenant fail."""

    def __init__(self, writer: CaseWriter, tenant_id: str) -> None:
        self._writer = writer
        self._away = tenant_id

    @asynccontextmanager
    async def begin(self, tenant_id: str) -> AsyncIterator[CaseChanges]:
        async with self._writer.begin(tenant_id) as changes:
            if tenant_id == self._away:
                raise unavailable("postgres")
            yield changes


async def test_a_tenant_whose_cases_cannot_be_changed_keeps_none_of_the_others_waiting(
    world: CaseWorld, caplog: pytest.LogCaptureFixture
) -> None:
    first, last = sorted((world.tenant, str(uuid.uuid4())))
    for tenant in (first, last):
        await world.decide("a", tenant=tenant)
    world.now = NOON + timedelta(hours=73)
    keeper = CaseKeeper(world.tenants, OneTenantAway(world.writer, first), world.raising, lambda: world.now)
    await keeper.round()
    overdue = replace(ANY, overdue=True)
    seen = [len((await world.desk.page(tenant, overdue, None, 10))[0]) for tenant in (first, last)]
    assert seen == [0, 1]
    (record,) = [each for each in caplog.records if each.name == "services.cases.service.keeping"]
    assert record.__dict__["fields"] == {"tenant": first, "reason": "DEPENDENCY_UNAVAILABLE"}
    await world.keeper.round()
    assert len((await world.desk.page(first, overdue, None, 10))[0]) == 1


async def test_many_cases_that_wait_are_seen_to_in_parts(world: CaseWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "AGED_AT_ONCE", 2)
    monkeypatch.setattr(keeping, "LATE_AT_ONCE", 3)
    for number in range(7):
        await world.decide(f"t{number}", user_id=f"user-{number}")
    world.now = NOON + timedelta(hours=25)
    async with world.writer.begin(world.tenant) as changes:
        assert await changes.age_cases(world.now, 2) == 2
    for hours, wanted in ((25, UrgencyLevel.HIGH), (73, UrgencyLevel.URGENT)):
        world.now = NOON + timedelta(hours=hours)
        await world.keeper.round()
        found, _ = await world.desk.page(world.tenant, ANY, None, 10)
        assert [(each.priority, each.overdue) for each in found] == [(wanted, hours == 73)] * 7


async def test_a_waiting_case_leaves_the_queue_with_its_last_alert_and_one_that_is_worked_on_stays(
    world: CaseWorld,
) -> None:
    for user in ("user-1", "user-2"):
        await world.decide(f"a-{user}", "burst", user_id=user)
    waiting, taken = [await the_case(world, user) for user in ("user-1", "user-2")]
    async with world.writer.begin(world.tenant) as changes:
        await world.desk.assign(changes, UUID(taken.case_id), "ana", "bo", "")
        # Somebody had begun to close it, and ended in between.
        await changes.save_case(begun_to_close(waiting, "fraud", NOON, NOON))
    alerts, _ = await world.alerts.page(world.tenant, ALL, None, 10)
    for alert in alerts:
        assert (await the_case(world)).state is CaseState.OPEN
        await world.alerts.dismiss(world.tenant, UUID(alert.alert_id), "ana", "Ours.", "")
    left, kept = [await the_case(world, user) for user in ("user-1", "user-2")]
    assert (left.case_id, left.state, left.disposition) == (waiting.case_id, CaseState.CLOSED, "inconclusive")
    assert (kept.state, kept.assignee) == (CaseState.ASSIGNED, "bo")
    assert world.labels.told == []


async def test_of_two_who_close_a_case_differently_only_the_first_labels_it(world: CaseWorld) -> None:
    await world.decide("a")
    case = await the_case(world)

    async def others() -> None:
        named = world.tenant, UUID(case.case_id), "bo"
        for other in (CaseDisposition.LEGITIMATE, CaseDisposition.INCONCLUSIVE):
            assert await refusal(world.closing.close(*named, other, (), "")) == "STATE_NOT_ALLOWED"
        async with world.writer.begin(world.tenant) as changes:
            assert await refusal(world.closing.close_unlabelled(changes, named[1], "bo")) == "STATE_NOT_ALLOWED"

    world.labels.meanwhile = others
    assert (await close(world, case)).disposition == "fraud"
    assert [label for _, label, _ in world.labels.told] == ["fraud"]


@pytest.mark.parametrize("fails", [True, False])
async def test_who_fails_to_close_a_case_keeps_others_from_it_no_longer_than_that_takes(
    world: CaseWorld, fails: bool
) -> None:
    await world.decide("a")
    case = await the_case(world)
    if fails:
        world.labels.be_away()
        assert await refusal(close(world, case)) == "DEPENDENCY_UNAVAILABLE"
    else:
        # Whoever began has ended in between.
        async with world.writer.begin(world.tenant) as changes:
            await changes.save_case(begun_to_close(case, "fraud", NOON, NOON + CLOSING))
        world.now = NOON + CLOSING
    closed = await world.closing.close(
        world.tenant, UUID(case.case_id), "bo", CaseDisposition.LEGITIMATE, (), etag_from_revision(case.revision)
    )
    assert closed.disposition == "legitimate"


async def test_only_tenants_with_a_case_that_it_is_time_for_are_visited(
    world: CaseWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_tenants, "TENANTS_AT_ONCE", 1)
    before = await world.tenants.watched(NOON)
    both = {world.tenant, str(uuid.uuid4())}
    for tenant in both:
        await world.decide("a", tenant=tenant)
    now = await world.tenants.watched(NOON)
    assert now.open[UrgencyLevel.NORMAL] - before.open.get(UrgencyLevel.NORMAL, 0) == 2
    assert both.isdisjoint(now.due)
    world.now = NOON + timedelta(hours=25)
    assert both.issubset((await world.tenants.watched(world.now)).due)
    await world.keeper.round()
    assert both.isdisjoint((await world.tenants.watched(world.now)).due)


async def test_two_analysts_never_get_one_case(world: CaseWorld) -> None:
    for number in range(50):
        await world.decide(f"t{number}", user_id=f"user-{number}")

    async def work(analyst: str) -> list[str]:
        taken: list[str] = []
        while True:
            async with world.claiming.begin(world.tenant) as changes:
                try:
                    found = await world.desk.claim(changes, analyst, UrgencyLevel.LOW)
                except MeshError:
                    return taken
                await asyncio.sleep(0.001)
            taken.append(found.case_id)

    ana, bob = await asyncio.gather(work("ana"), work("bob"))
    assert len(ana) + len(bob) == 50 == len({*ana, *bob})
    assert ana and bob


async def test_what_fails_leaves_nothing(world: CaseWorld) -> None:
    with pytest.raises(RuntimeError):
        async with world.writer.begin(world.tenant) as changes:
            await world.raising.take(changes, decided_event(world.tenant, "a"))
            raise RuntimeError
    assert (await world.desk.page(world.tenant, ANY, None, 10))[0] == []


async def test_the_outbox_is_told_in_the_commit_and_kept_for_its_time(databases: dict[str, Database]) -> None:
    async with postgres.pool(databases["cases"].dsn) as pool:
        assert await CaseOutboxRetention(pool).delete() == 0


async def test_a_change_waits_for_another_of_the_tenant_and_no_longer_than_it_can(
    databases: dict[str, Database],
) -> None:
    tenant = str(uuid.uuid4())
    async with postgres.pool(databases["cases"].dsn) as pool:
        writer, claiming = PostgresCaseWriter(pool), PostgresCaseWriter(pool, follow=False)
        async with writer.begin(tenant):
            async with claiming.begin(tenant):
                pass
            with pytest.raises(MeshError) as caught:
                async with writer.begin(tenant):
                    pass
        assert caught.value.reason == "DEPENDENCY_UNAVAILABLE"


async def dismiss(world: CaseWorld, cause: AlertCause) -> None:
    (alert,), _ = await world.alerts.page(world.tenant, replace(ALL, cause=cause), None, 10)
    await world.alerts.dismiss(world.tenant, UUID(alert.alert_id), "ana", "Wrong.", "")


async def test_a_dismissed_alert_weighs_nothing_and_its_transactions_get_no_label(world: CaseWorld) -> None:
    await world.decide("a", score=0.99, minor=10_000_00)
    await world.decide("b", "burst", score=0.9)
    await world.decide("both", "burst", score=0.96)
    assert ((await the_case(world)).level, (await the_case(world)).money) == (UrgencyLevel.URGENT, 10_000_00 + 37_50)
    await dismiss(world, AlertCause.SCORE)
    case = await the_case(world)
    assert (case.level, case.priority, case.score, case.money) == (
        UrgencyLevel.NORMAL,
        UrgencyLevel.NORMAL,
        0.96,
        25_00,
    )
    assert (case.due_at, case.alert_count, case.transaction_count) == (NOON + timedelta(hours=72), 2, 4)
    await close(world, case)
    assert world.labels.told == [(("b", "both"), "fraud", f"case {case.case_id}")]


async def test_a_transaction_of_a_dismissed_alert_is_labelled_where_it_is_named(world: CaseWorld) -> None:
    await world.decide("a")
    await world.decide("b", "burst", score=0.9)
    await dismiss(world, AlertCause.SCORE)
    await close(world, await the_case(world), ("a",))
    assert [names for names, _, _ in world.labels.told] == [("a",)]


async def test_a_case_with_an_alert_that_is_dismissed_while_it_is_closed_is_looked_at_again(world: CaseWorld) -> None:
    await world.decide("a")
    await world.decide("b", "burst", score=0.9)
    case = await the_case(world)
    world.labels.meanwhile = lambda: dismiss(world, AlertCause.SCORE)
    assert await refusal(close(world, case)) == "CONFLICT"
    assert (await the_case(world)).state is CaseState.OPEN
    await close(world, case)
    assert [names for names, _, _ in world.labels.told] == [("a", "b"), ("b",)]


async def test_a_case_whose_last_alert_is_dismissed_while_it_is_closed_leaves_the_queue(world: CaseWorld) -> None:
    await world.decide("a")
    case = await the_case(world)
    world.labels.meanwhile = lambda: dismiss(world, AlertCause.SCORE)
    assert await refusal(close(world, case)) == "CONFLICT"
    found = await the_case(world)
    assert (found.state, found.disposition, found.closing_as) == (CaseState.CLOSED, "inconclusive", "")


async def test_a_case_has_the_time_of_what_is_left_of_it(world: CaseWorld) -> None:
    await world.decide("a", score=0.99, minor=10_000_00)
    await world.decide("b", "burst", score=0.9)
    world.now = NOON + timedelta(hours=5)
    await world.keeper.round()
    case = await the_case(world)
    late = replace(ALL, cause=AlertCause.OVERDUE)
    assert case.overdue
    await dismiss(world, AlertCause.SCORE)
    found = await the_case(world)
    assert (found.overdue, found.due_at > world.now) == (False, True)
    (told,), _ = await world.alerts.page(world.tenant, late, None, 10)
    assert told.state is AlertState.CLOSED
    world.now = found.due_at + timedelta(minutes=1)
    await world.keeper.round()
    assert (await the_case(world)).overdue
    again, _ = await world.alerts.page(world.tenant, late, None, 10)
    assert [each.state for each in again] == [AlertState.OPEN, AlertState.CLOSED]


async def test_what_is_added_to_a_case_is_bounded_in_number_and_bytes(
    world: CaseWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.decide("a")
    case_id = UUID((await the_case(world)).case_id)
    monkeypatch.setattr(cases, "MOST_ADDED_BYTES", 63)
    monkeypatch.setattr(cases, "MOST_ADDED", 3)

    async def note(words: str) -> None:
        async with world.writer.begin(world.tenant) as changes:
            await world.desk.note(changes, case_id, "ana", words)

    async def attach(name: str) -> None:
        async with world.writer.begin(world.tenant) as changes:
            await world.desk.attach(changes, case_id, "ana", "s3://b/1", name, "text/plain", 12)

    await note("Звонок")
    assert await refusal(note("Ж" * 23)) == "STATE_NOT_ALLOWED"
    assert await refusal(attach("ж" * 14)) == "STATE_NOT_ALLOWED"
    await attach("ж" * 12)
    assert await refusal(note("ab")) == "STATE_NOT_ALLOWED"
    await note("")
    monkeypatch.setattr(cases, "MOST_ADDED_BYTES", 1_000)
    assert await refusal(note("More.")) == "STATE_NOT_ALLOWED"
    _, notes, files = await world.desk.whole(world.tenant, case_id)
    async with world.writer.begin(world.tenant) as changes:
        text_bytes = sum(each.bytes for each in notes) + sum(each.bytes for each in files)
        assert await changes.added(str(case_id)) == (3, text_bytes)


async def reopen(world: CaseWorld, case: StoredCase) -> StoredCase:
    async with world.writer.begin(world.tenant) as changes:
        return await world.desk.reopen(changes, UUID(case.case_id), "ana", "The bank.", "")


async def test_a_reopened_case_has_its_time_again_and_gets_old_from_then_on(world: CaseWorld) -> None:
    await world.decide("a")
    case = await the_case(world)
    await close(world, case)
    world.now = later = NOON + timedelta(days=30)
    again = await reopen(world, case)
    assert (again.due_at, again.priority, again.overdue) == (later + timedelta(hours=72), UrgencyLevel.NORMAL, False)
    await world.decide("b", minutes=30 * 24 * 60)
    await world.keeper.round()
    assert ((await the_case(world)).due_at, (await the_case(world)).overdue) == (again.due_at, False)
    async with world.writer.begin(world.tenant) as changes:
        await world.desk.assign_any(changes, UUID(case.case_id), "ana", "")
    for hours, priority, late in ((25, UrgencyLevel.HIGH, False), (73, UrgencyLevel.URGENT, True)):
        world.now = later + timedelta(hours=hours)
        await world.keeper.round()
        found = await the_case(world)
        assert (found.priority, found.overdue, found.reopened_at) == (priority, late, later)


async def test_the_alert_of_an_overdue_case_closes_with_it_and_is_raised_again_if_that_is_late_again(
    world: CaseWorld,
) -> None:
    await world.decide("a")
    await world.decide("b", user_id="user-2")
    world.now = NOON + timedelta(hours=73)
    await world.keeper.round()
    late, other = await the_case(world), await the_case(world, "user-2")
    overdue = replace(ALL, cause=AlertCause.OVERDUE)

    async def states(case: StoredCase) -> list[AlertState]:
        found, _ = await world.alerts.page(world.tenant, replace(overdue, entity=case.case_id), None, 10)
        return [each.state for each in found]

    assert (await states(late), await states(other)) == ([AlertState.OPEN], [AlertState.OPEN])
    async with world.writer.begin(world.tenant) as changes:
        await world.closing.merge(changes, UUID(late.case_id), "ana", UUID(other.case_id), "")
    assert (await states(late), await states(other)) == ([AlertState.OPEN], [AlertState.CLOSED])
    await close(world, late)
    assert await states(late) == [AlertState.CLOSED]
    again = await reopen(world, late)
    assert not again.overdue
    world.now += timedelta(hours=73)
    await world.keeper.round()
    assert await states(late) == [AlertState.OPEN, AlertState.CLOSED]
