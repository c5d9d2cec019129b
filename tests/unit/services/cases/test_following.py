"""The place in the outbox is found again, on twins in memory: nothing is lost, and nothing counts twice."""

from __future__ import annotations

from datetime import datetime

import pytest

from meshkit.following.batches import Batch, Position
from services.cases.adapters.memory import MemoryCaseRows
from services.cases.adapters.memory_reads import MemoryCaseFollower
from services.cases.service import recovering
from services.cases.service.raising import AlertRaising
from services.cases.service.recovering import PlaceRecovery
from tests.support.cases import NEWEST, NOON, PROOF, PagedDecisions, decided_event
from tests.support.outbox import TENANT


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recovering, "RETRY_SECONDS", 0.001)


def clock() -> datetime:
    return NOON


async def test_a_lost_place_is_found_and_what_was_missed_counts_once() -> None:
    rows = MemoryCaseRows()
    follower = MemoryCaseFollower(rows, AlertRaising(clock).take)
    events = [decided_event(TENANT, f"t{number}", minutes=10 * number) for number in range(7)]
    await follower.apply(Batch(Position(0, 0), Position(5, 1), events[:4], [b""] * 4))
    recovery = PlaceRecovery(PagedDecisions(events))
    assert not await recovery.run(follower)
    await follower.note("the database is older than it")
    assert await recovery.run(follower)
    assert (await follower.position(), await follower.proof(), await follower.lost()) == (NEWEST, PROOF, "")
    (alert,) = rows.alerts.values()
    assert alert.count == 7


async def test_who_has_followed_nothing_begins_with_what_comes() -> None:
    rows = MemoryCaseRows()
    follower = MemoryCaseFollower(rows, AlertRaising(clock).take)
    decisions = PagedDecisions([decided_event(TENANT, f"t{number}") for number in range(7)])
    await follower.note("what follows it is kept no longer")
    assert await PlaceRecovery(decisions).run(follower)
    assert (await follower.position(), decisions.reads, rows.alerts) == (NEWEST, 1, {})
