"""What comes again is answered as it was, at the cost of an ordinary check."""

from __future__ import annotations

from collections.abc import Sequence
from unittest.mock import Mock

import pytest
from redis.asyncio import Redis

from meshkit.errors import MeshError
from meshkit.storage.postgres import Pool
from services.fraud.domain.check import Check
from services.fraud.domain.logs.fold import Fold
from services.fraud.service.deciding.decider import Outcome
from tests.support.engine import engines
from tests.support.fraud import check, named
from tests.support.readers import logs_in, patiently
from tests.support.servers import Database
from tests.support.verifying import verify

pytestmark = pytest.mark.usefixtures("pool")


@pytest.fixture
def fraud_database(logged_database: Database) -> Database:
    return logged_database


def payments(tenant: str, count: int) -> Sequence[Check]:
    return [check(tenant, f"p-{n}", user_id="u1", device="d1", ip="", merchant="m1") for n in range(count)]


def decided(answers: Sequence[Outcome | MeshError]) -> list[bytes]:
    assert all(isinstance(each, Outcome) for each in answers), answers
    return [each.answer for each in answers if isinstance(each, Outcome)]


@pytest.mark.parametrize("replicas", [1, 2])
async def test_what_is_stored_is_answered_again_and_nothing_is_read_as_of_then(
    redis: Redis, fraud_database: Database, tenant: str, monkeypatch: pytest.MonkeyPatch, replicas: int
) -> None:
    """A thousand payments of one user that are sent again would each have to undo those of the others."""
    monkeypatch.setattr(Fold, "read_as_of", Mock(side_effect=AssertionError("read as of an earlier arrival")))
    async with engines(fraud_database, *[redis] * replicas) as started:
        sent = payments(tenant, 150)
        first = decided(await started[0].decide(*sent))
        assert decided(await started[-1].decide(*sent)) == first
        (seen,) = await started[-1].see(check(tenant, "next", user_id="u1"))
        assert named(seen)["user_count_1h"] == 150


async def test_of_what_comes_again_in_part_the_rest_reads_what_its_first_attempt_read(
    redis: Redis, pool: Pool, fraud_database: Database, tenant: str
) -> None:
    async with engines(fraud_database, redis, redis) as (engine, dying):
        both = payments(tenant, 20)
        first = decided(await engine.decide(*both[:10]))
        await dying.reader.read(both[10:], patiently())
        await engine.see(check(tenant, "between", user_id="u1"))
        answers = await engine.decide(*both)
        assert decided(answers)[:10] == first
        rest = [each.decided.features for each in answers[10:] if isinstance(each, Outcome) and each.decided]
        assert [named(each)["user_count_1h"] for each in rest] == list(range(10, 20))
    found = await verify(pool, logs_in(redis, pool), tenant)
    assert (found.differences, found.summary.decisions) == ([], 21)
