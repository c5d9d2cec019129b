"""Finds the tables of tenants in the catalogue of the database, as the role of the connection may use them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter

import asyncpg

from meshkit.storage.postgres import Connection

__all__ = ["TableOfTenants", "deletion_order", "erasable", "exportable"]

# A partition is reached by its table alone, whose policies it does not have.
_TABLES = """
SELECT c.oid::bigint AS oid, c.relname AS name, c.relkind = 'p' AS partitioned,
    ARRAY(SELECT attname FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped ORDER BY attnum)
        AS columns,
    ARRAY(SELECT format_type(atttypid, atttypmod) FROM pg_attribute
        WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped ORDER BY attnum) AS types,
    ARRAY(SELECT attname FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey)
        WHERE indrelid = c.oid AND indisprimary) AS key,
    ARRAY(SELECT DISTINCT confrelid::bigint FROM pg_constraint
        WHERE conrelid = c.oid AND contype = 'f' AND confrelid <> c.oid) AS parents
FROM pg_class AS c
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
    AND relrowsecurity AND has_table_privilege(c.oid, $1)
ORDER BY relname"""


@dataclass(frozen=True, slots=True)
class TableOfTenants:
    """A table with row-level security."""

    oid: int
    name: str
    partitioned: bool
    columns: Sequence[tuple[str, str]]
    """Names and types."""
    key: Sequence[str]
    """Columns of the primary key."""
    parents: frozenset[int]
    """Tables that its foreign keys refer to."""

    @property
    def has_bytes(self) -> bool:
        """Whether single rows may be large."""
        return any(kind == "bytea" for _, kind in self.columns)


async def exportable(connection: Connection) -> list[TableOfTenants]:
    """Returns the tables that may be read, by name."""
    return [_table(row) for row in await connection.fetch(_TABLES, "SELECT")]


async def erasable(connection: Connection) -> list[TableOfTenants]:
    """Returns the tables from which may be deleted, in an order that foreign keys allow."""
    return deletion_order([_table(row) for row in await connection.fetch(_TABLES, "DELETE")])


def deletion_order(tables: Sequence[TableOfTenants]) -> list[TableOfTenants]:
    """Puts every table before those that it refers to. Raises CycleError if they refer to each other."""
    by_oid = {table.oid: table for table in tables}
    order = TopologicalSorter({table.oid: table.parents & by_oid.keys() for table in tables})
    return [by_oid[oid] for oid in reversed(list(order.static_order()))]


def _table(row: asyncpg.Record) -> TableOfTenants:
    columns = list(zip(row["columns"], row["types"], strict=True))
    return TableOfTenants(row["oid"], row["name"], row["partitioned"], columns, row["key"], frozenset(row["parents"]))
