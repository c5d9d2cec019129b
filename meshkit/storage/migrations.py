"""Applies numbered, forward-only SQL migrations of one service.

Files are named `NNNN_words.sql`. Each runs once, in a transaction of its own, under a lock that makes concurrent starts
wait. `{service}` and the like stand for role names. A file that changed after it was applied stops the start.

A file that begins with `-- outside a transaction` builds indexes while the tables are written to. Its statements, each
ended by a semicolon, run one by one; after a failure all of them run again, so each must bear that.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg

from meshkit.settings import Reader, SettingsError

__all__ = ["MigrationError", "migrate", "migrate_service", "role_of"]

_log = logging.getLogger(__name__)
_LOCK = 0x52414D50
_LOCK_SECONDS = 0.1
_OUTSIDE = "-- outside a transaction\n"
_ROLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_APPLIED = "INSERT INTO schema_migrations (name, checksum) VALUES ($1, $2)"
_JOURNAL = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    name text PRIMARY KEY,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)"""


class MigrationError(SettingsError):
    """The migrations on disk do not continue those in the database, or cannot be applied with these settings."""


async def migrate_service(reader: Reader, service: str, folder: Path, **roles: str) -> None:
    """Applies a service's migrations as the owner of its database, or as its runtime role if no owner is named.

    `{service}` stands for the role of `RAMPART_<SERVICE>_DSN`, `{eraser}` for that of `RAMPART_<SERVICE>_ERASER_DSN`.
    `roles` names the variables whose roles stand for other placeholders; where one is not set, the runtime role does.
    """
    database = _Database.read(reader, service.upper())
    named = {name: role_of(reader.text(variable, database.dsn)) for name, variable in roles.items()}
    runtime = {"service": role_of(database.dsn), "eraser": role_of(database.eraser)}
    await migrate(database.owner or database.dsn, folder, runtime | named)


@dataclass(frozen=True, slots=True)
class _Database:
    dsn: str
    """The database as the service's own role sees it, which row-level security binds."""
    eraser: str
    """The same as the role sees it that exports and erases what one tenant has."""
    owner: str
    """The same as its owner sees it, who applies the migrations at the start; without one the service's role does."""

    @classmethod
    def read(cls, reader: Reader, service: str) -> _Database:
        return cls(
            dsn=reader.text(f"RAMPART_{service}_DSN"),
            eraser=reader.text(f"RAMPART_{service}_ERASER_DSN"),
            owner=reader.text(f"RAMPART_{service}_MIGRATE_DSN", ""),
        )


def role_of(dsn: str) -> str:
    """Returns the role that a connection URL names."""
    url = urlsplit(dsn)
    role = unquote(url.username or "") or parse_qs(url.query).get("user", [""])[0]
    if not role:
        raise MigrationError("a database URL names no role, which the migrations need for their grants")
    return role


async def migrate(dsn: str, folder: Path, roles: Mapping[str, str]) -> list[str]:
    """Applies what is missing and returns the names applied. `roles` maps placeholders to role names."""
    for name in roles.values():
        if not _ROLE.fullmatch(name):
            raise MigrationError(f"{name!r} cannot be used as a role name in migrations")
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        # Asked for again and again: who waits inside a statement holds a snapshot, for whose end an index waits that is
        # built beside other transactions.
        while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):  # noqa: ASYNC110
            await asyncio.sleep(_LOCK_SECONDS)
        await connection.execute(_JOURNAL)
        rows = await connection.fetch("SELECT name, checksum FROM schema_migrations")
        return await _apply(connection, folder, {row["name"]: row["checksum"] for row in rows}, roles)
    finally:
        await connection.close(timeout=5)


async def _apply(
    connection: asyncpg.Connection[asyncpg.Record], folder: Path, done: Mapping[str, str], roles: Mapping[str, str]
) -> list[str]:
    applied = []
    files = sorted(folder.glob("[0-9][0-9][0-9][0-9]_*.sql"))
    for unknown in sorted(set(done) - {file.stem for file in files}):
        raise MigrationError(f"the database has the migration {unknown}, which this version does not know")
    for file in files:
        text = file.read_text()
        checksum = hashlib.sha256(text.encode()).hexdigest()
        if file.stem in done:
            if done[file.stem] != checksum:
                raise MigrationError(f"{file.name} changed after it was applied")
            continue
        if text.startswith(_OUTSIDE):
            for statement in _statements(text):
                await connection.execute(_with_roles(statement, roles))
            await connection.execute(_APPLIED, file.stem, checksum)
        else:
            async with connection.transaction():
                await connection.execute(_with_roles(text, roles))
                await connection.execute(_APPLIED, file.stem, checksum)
        _log.info("applied the migration %s", file.stem)
        applied.append(file.stem)
    return applied


def _statements(text: str) -> list[str]:
    lines = [line for line in text.splitlines() if not line.startswith("--")]
    return [statement for part in "\n".join(lines).split(";") if (statement := part.strip())]


def _with_roles(text: str, roles: Mapping[str, str]) -> str:
    for placeholder, role in roles.items():
        text = text.replace("{" + placeholder + "}", f'"{role}"')
    return text
