"""Reads what is on lists of values for those who answer from memory: columns of numbers, packed by the server.

A million entries so become no object each on their way, and arrive in the order in which memory keeps them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from meshkit.storage.postgres import Pool, transaction
from services.fraud.adapters.list_rows import LIST_COLUMNS, column, list_of, stored_key
from services.fraud.domain.value_lists.lists import ValueList
from services.fraud.ports.value_lists import EntryPage

__all__ = ["PostgresListContents"]

WAIT_SECONDS = 2.0
"""Nobody waits for what is read here but who needs a list for the first time."""

_REVISIONS = "SELECT tenant_id, revision FROM value_list_heads WHERE tenant_id = ANY ($1::uuid[])"
_LISTS = f"SELECT {LIST_COLUMNS} FROM value_lists WHERE tenant_id = $1 AND deleted_at IS NULL ORDER BY name"

# Ends have 32 bits without a sign, for which the server has no type: the last four bytes of eight.
_PACKED = """
string_agg(int2send(key_group), '') AS groups, string_agg(int8send(key), '') AS keys,
string_agg(substring(int8send(ends) FROM 5), '') AS ends"""

_READ = f"""
SELECT {_PACKED} FROM (
    SELECT key_group, key, ends FROM value_list_entries
    WHERE tenant_id = $1 AND number = $2 AND NOT removed AND (key_group, key) > ($3, $4)
    ORDER BY key_group, key LIMIT $5
) AS page"""

# One statement, hence one state: what is cleared away after `cleared` was read is still seen.
_CHANGED = f"""
SELECT l.cleared, l.changes, page.* FROM value_lists AS l, LATERAL (
    SELECT {_PACKED}, count(*) AS count, max(change) AS last FROM (
        SELECT key_group, key, change, CASE WHEN removed THEN 0 ELSE ends END AS ends FROM value_list_entries
        WHERE tenant_id = $1 AND number = $2 AND change > $3 ORDER BY change LIMIT $4
    ) AS changed
) AS page
WHERE l.tenant_id = $1 AND l.number = $2"""

_BEGINNING = (-1, 0)


class PostgresListContents:
    """Implements `ListContents`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def revisions(self, tenants: Collection[str]) -> Mapping[str, int]:
        async with transaction(self._pool, tenants, wait=WAIT_SECONDS) as connection:
            rows = await connection.fetch(_REVISIONS, list(tenants))
        return {str(row["tenant_id"]): row["revision"] for row in rows}

    async def lists(self, tenant_id: str) -> Sequence[ValueList]:
        async with transaction(self._pool, [tenant_id], wait=WAIT_SECONDS) as connection:
            return [list_of(row) for row in await connection.fetch(_LISTS, tenant_id)]

    async def read(self, tenant_id: str, number: int, after: tuple[int, int] | None, limit: int) -> EntryPage:
        group, key = (after[0], stored_key(after[1])) if after is not None else _BEGINNING
        async with transaction(self._pool, [tenant_id], wait=WAIT_SECONDS) as connection:
            row = await connection.fetchrow(_READ, tenant_id, number, group, key, limit)
        assert row is not None
        return EntryPage(column("h", row["groups"]), column("Q", row["keys"]), column("I", row["ends"]))

    async def changed(self, tenant_id: str, number: int, after: int, limit: int) -> EntryPage | None:
        async with transaction(self._pool, [tenant_id], wait=WAIT_SECONDS) as connection:
            row = await connection.fetchrow(_CHANGED, tenant_id, number, after, limit)
        if row is None or after < row["cleared"]:
            return None
        last = row["last"] if row["count"] == limit else row["changes"]
        return EntryPage(column("h", row["groups"]), column("Q", row["keys"]), column("I", row["ends"]), last)
