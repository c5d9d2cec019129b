"""Reads the revocations of all tenants from PostgreSQL."""

from __future__ import annotations

import asyncpg

from meshkit.storage.postgres import Pool, transaction
from services.auth.domain.revocations import Revocation, RevocationKind
from services.auth.ports.revocations import RevocationPage, RevocationRecord

__all__ = ["PostgresRevocations"]

CHUNK = 1_000

# One statement, hence one snapshot.
_READ = """
SELECT pg_snapshot_xmin(head)::text AS next, r.tenant_id, r.kind, r.name, r.issued_before, r.until, r.xid::text
FROM pg_current_snapshot() AS head LEFT JOIN revocations AS r ON r.xid >= $1::text::xid8"""

# What is over has no tenant to be opened for: the policy of the table lets it go whosever it is, some time after.
_FORGET = """
DELETE FROM revocations WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM revocations WHERE until < now() - interval '10 minutes' LIMIT $1))"""


class PostgresRevocations:
    """Implements `RevocationSource`. The rows of all tenants are opened for one transaction, to read them."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def read(self, since: int) -> RevocationPage:
        async with transaction(self._pool, ()) as connection:
            await connection.execute("SELECT set_config('rampart.all_revocations', 'on', true)")
            rows = await connection.fetch(_READ, str(since))
        return RevocationPage([_record(row) for row in rows if row["xid"] is not None], int(rows[0]["next"]))

    async def forget(self) -> int:
        async with transaction(self._pool, ()) as connection:
            await connection.execute("SELECT set_config('rampart.all_revocations', 'on', true)")
            done = await connection.execute(_FORGET, CHUNK)
        return int(done.rpartition(" ")[2])


def _record(row: asyncpg.Record) -> RevocationRecord:
    revocation = Revocation(
        RevocationKind(row["kind"]), str(row["tenant_id"]), row["name"], row["issued_before"], row["until"]
    )
    return RevocationRecord(int(row["xid"]), revocation)
