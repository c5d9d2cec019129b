"""What somebody with the database can do to the audit log, and that it is found."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from meshkit.errors import MeshError
from meshkit.ids import uuid7
from meshkit.storage.postgres import Pool, transaction
from services.auth.adapters.audit_contents import content_of
from services.auth.adapters.audit_rows import append
from services.auth.adapters.audit_sealing import HmacAuditSealer
from services.auth.adapters.postgres_audit import PostgresAuditLog, PostgresAuditNotary, PostgresAuditTrail
from services.auth.service.audit_notary import NotaryDuty
from tests.integration.services.auth.test_audit_log import event, everything, faults, ready_pool
from tests.support.servers import Database

SEALER = HmacAuditSealer([secrets.token_bytes(32)])


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    pool = await ready_pool(database.dsn)
    yield pool
    await pool.close()


@pytest.fixture
async def notary(database: Database) -> AsyncIterator[Pool]:
    pool = await ready_pool(database.server.dsn(database.name, "rampart_auth_notary"), size=1)
    yield pool
    await pool.close()


@pytest.fixture
async def tenant_id(pool: Pool, notary: Pool) -> str:
    """A tenant with five events, of which the fourth was the last when the log was anchored."""
    found, trail = str(uuid7()), PostgresAuditTrail(pool)
    for number in range(1, 5):
        await trail.record(event(found, number))
    await duty(notary).anchor()
    await trail.record(event(found, 5))
    return found


def duty(notary: Pool, *, days: float = 0) -> NotaryDuty:
    """Returns the notary's work as it is in some days."""
    now = datetime.now(UTC) + timedelta(days=days)
    return NotaryDuty(PostgresAuditNotary(notary), SEALER, kept_days=31, clock=lambda: now)


@asynccontextmanager
async def superuser(database: Database) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """Connects as one whom neither policies nor triggers bind."""
    connection = await asyncpg.connect(database.server.dsn(database.name))
    try:
        await connection.execute("SET session_replication_role = replica")
        yield connection
    finally:
        await connection.close()


CHANGED = 'UPDATE audit_events SET content = replace(content, \'"number":"3"\', \'"number":"9"\')'
LINKED = "sha256(previous || int8send(sequence) || sha256(convert_to(content, 'UTF8')))"


@pytest.mark.parametrize(
    ("what", "statements", "where"),
    [
        ("change", [f"{CHANGED} WHERE tenant_id = $1 AND sequence = 3"], 3),
        (
            "change that fits",
            [
                f"{CHANGED} WHERE tenant_id = $1 AND sequence = 3",
                f"UPDATE audit_events SET hash = {LINKED} WHERE tenant_id = $1 AND sequence = 3",
            ],
            4,
        ),
        ("removal", ["DELETE FROM audit_events WHERE tenant_id = $1 AND sequence = 2"], 2),
        ("removal of the first", ["DELETE FROM audit_events WHERE tenant_id = $1 AND sequence = 1"], 1),
        (
            "reordering",
            [
                "UPDATE audit_events SET sequence = 99 WHERE tenant_id = $1 AND sequence = 2",
                "UPDATE audit_events SET sequence = 2 WHERE tenant_id = $1 AND sequence = 3",
                "UPDATE audit_events SET sequence = 3 WHERE tenant_id = $1 AND sequence = 99",
            ],
            2,
        ),
        ("truncation", ["DELETE FROM audit_events WHERE tenant_id = $1 AND sequence > 3"], 4),
        (
            "truncation with the head",
            [
                "DELETE FROM audit_events WHERE tenant_id = $1 AND sequence > 3",
                "UPDATE audit_heads SET (sequence, hash) = (SELECT sequence, hash FROM audit_events"
                " WHERE tenant_id = $1 AND sequence = 3) WHERE tenant_id = $1",
            ],
            4,
        ),
        (
            "forged append",
            [
                "INSERT INTO audit_events (tenant_id, sequence, previous, hash, content) SELECT tenant_id, 6, hash,"
                " sha256('x'), content FROM audit_events WHERE tenant_id = $1 AND sequence = 5",
                "UPDATE audit_heads SET sequence = 6, hash = sha256('x') WHERE tenant_id = $1",
            ],
            6,
        ),
        ("head moved back", ["UPDATE audit_heads SET sequence = 4 WHERE tenant_id = $1"], 5),
    ],
)
async def test_tampering_is_found_where_it_was_done(
    database: Database, pool: Pool, tenant_id: str, what: str, statements: list[str], where: int
) -> None:
    log = PostgresAuditLog(pool)
    assert await faults(log, tenant_id) == []
    async with superuser(database) as connection:
        for statement in statements:
            assert not (await connection.execute(statement, tenant_id)).endswith(" 0"), what
    found = await faults(log, tenant_id)
    assert found and found[0].startswith(f"{where} "), found


async def test_log_written_anew_is_found_by_its_anchor(database: Database, pool: Pool, tenant_id: str) -> None:
    contents = [content_of(event(tenant_id, 10 + number)) for number in range(6)]
    async with superuser(database) as connection:
        await connection.execute("DELETE FROM audit_events WHERE tenant_id = $1", tenant_id)
        await connection.execute("DELETE FROM audit_heads WHERE tenant_id = $1", tenant_id)
        await connection.execute("SELECT set_config('rampart.tenants', $1, false)", tenant_id)
        await connection.execute("SELECT audit_append($1, $2)", tenant_id, contents)
    assert await faults(PostgresAuditLog(pool), tenant_id) == [
        "4 is not the event that an anchor names: the log was written anew"
    ]


async def test_notary_finds_a_log_that_was_cut_off(
    database: Database, notary: Pool, tenant_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with superuser(database) as connection:
        await connection.execute("DELETE FROM audit_events WHERE tenant_id = $1 AND sequence > 3", tenant_id)
    await duty(notary).anchor()
    lines = [record for record in caplog.records if "does not hold" in record.message]
    assert {"tenant_id": tenant_id, "sequence": 4} in [record.fields for record in lines]  # type: ignore[attr-defined]


async def test_anchor_is_a_line_of_the_log_with_all_that_proves_it(
    pool: Pool, notary: Pool, tenant_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    await duty(notary).anchor()
    lines = [vars(record)["fields"] for record in caplog.records if record.message == "audit anchor"]
    (line,) = [line for line in lines if line["tenant_id"] == tenant_id]
    (seal,) = await PostgresAuditLog(pool).anchors(tenant_id, 4, 10)
    assert (line["sequence"], line["hash"], line["seal"]) == (5, seal.hash.hex(), seal.seal.hex())
    assert SEALER.holds(seal)


WRITES = (
    "INSERT INTO audit_events (tenant_id, sequence, previous, hash, content) SELECT tenant_id, 6, hash, hash, content"
    " FROM audit_events WHERE tenant_id = $1 AND sequence = 5",
    "UPDATE audit_events SET content = content WHERE tenant_id = $1",
    "DELETE FROM audit_events WHERE tenant_id = $1",
    "UPDATE audit_heads SET sequence = 1 WHERE tenant_id = $1",
    "DELETE FROM audit_heads WHERE tenant_id = $1",
    "DELETE FROM audit_anchors WHERE tenant_id = $1",
    "INSERT INTO audit_anchors SELECT tenant_id, 5, hash, sealed_at, seal FROM audit_anchors WHERE tenant_id = $1",
    "INSERT INTO audit_checkpoints SELECT tenant_id, 3, hash, sealed_at, seal FROM audit_anchors WHERE tenant_id = $1",
    "SELECT audit_prune($1, 1, now(), sha256(''))",
)


@pytest.mark.parametrize("statement", WRITES)
async def test_role_of_the_service_can_only_append(pool: Pool, tenant_id: str, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with transaction(pool, [tenant_id]) as connection:
            await connection.execute(statement, tenant_id)
    assert await faults(PostgresAuditLog(pool), tenant_id) == []


@pytest.mark.parametrize("statement", ["SELECT content FROM audit_events", WRITES[1], WRITES[2], WRITES[3], WRITES[5]])
async def test_role_of_the_notary_reads_no_event_and_changes_none(notary: Pool, tenant_id: str, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with transaction(notary, [tenant_id]) as connection:
            await connection.execute(statement, *([tenant_id] if "$1" in statement else []))


@pytest.mark.parametrize("statement", [WRITES[1], WRITES[2], WRITES[5], "TRUNCATE audit_events"])
async def test_owner_is_bound_too_until_it_takes_the_triggers_away(
    database: Database, tenant_id: str, statement: str
) -> None:
    owner = await asyncpg.connect(database.owner_dsn)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
            async with owner.transaction():
                await owner.execute("SELECT set_config('rampart.tenants', $1, true)", tenant_id)
                await owner.execute(statement, *([tenant_id] if "$1" in statement else []))
    finally:
        await owner.close()


async def test_event_of_another_tenant_is_refused(pool: Pool, tenant_id: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        async with transaction(pool, [str(uuid7())]) as connection:
            await append(connection, event(tenant_id))
    with pytest.raises(asyncpg.CheckViolationError):
        async with transaction(pool, [tenant_id]) as connection:
            await connection.execute("SELECT audit_append($1, $2)", tenant_id, [content_of(event(str(uuid7())))])


async def test_event_of_a_change_that_fails_is_not_there(pool: Pool, tenant_id: str) -> None:
    with pytest.raises(RuntimeError):
        async with transaction(pool, [tenant_id]) as connection:
            await append(connection, event(tenant_id))
            raise RuntimeError
    assert len(await everything(PostgresAuditLog(pool), tenant_id)) == 5
    await PostgresAuditTrail(pool).record(event(tenant_id))
    assert await faults(PostgresAuditLog(pool), tenant_id) == []


async def test_changes_and_records_of_fifty_callers_are_one_chain(database: Database, tenant_id: str) -> None:
    pool, own = await ready_pool(database.dsn, size=16), await ready_pool(database.dsn, size=2)
    trail, other = PostgresAuditTrail(own), str(uuid7())

    async def change(number: int) -> None:
        async with transaction(pool, [tenant_id], wait=5) as connection:
            await append(connection, event(tenant_id, number))

    async def record(number: int) -> None:
        await trail.record(event(other if number % 3 else tenant_id, number))

    await asyncio.gather(*[(change if number % 2 else record)(number) for number in range(100)])
    for each, count in ((tenant_id, 5 + 50 + 17), (other, 33)):
        assert len(await everything(PostgresAuditLog(pool), each)) == count
        assert await faults(PostgresAuditLog(pool), each) == []
    await pool.close()
    await own.close()


async def test_log_that_is_held_keeps_back_no_other(database: Database, pool: Pool, tenant_id: str) -> None:
    impatient = await ready_pool(database.dsn, size=2, seconds=0.3)
    trail, other = PostgresAuditTrail(impatient), str(uuid7())
    async with transaction(pool, [tenant_id]) as connection:
        await append(connection, event(tenant_id))
        results = await asyncio.gather(
            trail.record(event(tenant_id)), trail.record(event(other)), return_exceptions=True
        )
    assert isinstance(results[0], MeshError) and results[1] is None
    assert len(await everything(PostgresAuditLog(pool), other)) == 1
    await impatient.close()


async def test_old_events_go_and_the_rest_still_verifies(database: Database, pool: Pool, notary: Pool) -> None:
    tenant_id, trail, log = str(uuid7()), PostgresAuditTrail(pool), PostgresAuditLog(pool)
    for number in range(5):
        await trail.record(event(tenant_id, number))
    await duty(notary).anchor()
    assert await duty(notary).prune() == 0
    async with superuser(database) as connection:
        await connection.execute(
            "UPDATE audit_events SET recorded_at = now() - interval '40 days' WHERE tenant_id = $1 AND sequence <= 3",
            tenant_id,
        )
    assert await duty(notary).prune() == 3
    assert await duty(notary).prune() == 0
    checkpoint = await log.checkpoint(tenant_id)
    assert checkpoint is not None and checkpoint.sequence == 3 and SEALER.holds(checkpoint)
    await trail.record(event(tenant_id))
    assert [each.sequence for each in await everything(log, tenant_id)] == [4, 5, 6]
    assert await faults(log, tenant_id) == []


async def test_young_events_stay_whoever_asks(notary: Pool, pool: Pool, tenant_id: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="30 days"):
        await duty(notary, days=100).prune()
    assert await faults(PostgresAuditLog(pool), tenant_id) == []
