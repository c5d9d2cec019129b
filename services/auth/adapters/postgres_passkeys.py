"""Stores passkeys and their ceremonies in PostgreSQL."""

from __future__ import annotations

from datetime import datetime

import asyncpg

from meshkit.storage.postgres import Pool, transaction
from services.auth.adapters.act_rows import record
from services.auth.adapters.factor_rows import lasting_factors
from services.auth.adapters.named_rows import open_row
from services.auth.domain.passkeys import Ceremony, CeremonyKind, Passkey
from services.auth.ports import FactorRemoval, RecordedAct

__all__ = ["PostgresPasskeys"]

_COLUMNS = "credential_id, tenant_id, member_id, public_key, sign_count, display_name, created_at, used_at"


class PostgresPasskeys:
    """Implements `PasskeyStore`. A ceremony is opened by its hash, a passkey by its identifier; see the migration."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def begin_ceremony(self, ceremony: Ceremony) -> None:
        async with transaction(self._pool, ()) as connection:
            await open_row(connection, "ceremony", ceremony.state_hash)
            await connection.execute(
                "INSERT INTO passkey_ceremonies (state_hash, kind, challenge, tenant_id, member_id, expires_at)"
                " VALUES ($1, $2, $3, $4, $5, $6)",
                ceremony.state_hash,
                ceremony.kind.value,
                ceremony.challenge,
                ceremony.tenant_id,
                ceremony.member_id,
                ceremony.expires_at,
            )

    async def end_ceremony(self, state_hash: bytes, now: datetime) -> Ceremony | None:
        async with transaction(self._pool, ()) as connection:
            await open_row(connection, "ceremony", state_hash)
            row = await connection.fetchrow(
                "DELETE FROM passkey_ceremonies WHERE state_hash = $1"
                " RETURNING kind, challenge, tenant_id, member_id, expires_at",
                state_hash,
            )
            if row is None or row["expires_at"] <= now:
                return None
            tenant_id, member_id = (str(row[name]) if row[name] else None for name in ("tenant_id", "member_id"))
            kind = CeremonyKind(row["kind"])
            return Ceremony(state_hash, kind, row["challenge"], tenant_id, member_id, row["expires_at"])

    async def add_passkey(self, passkey: Passkey, most: int, act: RecordedAct) -> bool | None:
        async with transaction(self._pool, [passkey.tenant_id]) as connection:
            await lasting_factors(connection, passkey.member_id)
            count = await connection.fetchval("SELECT count(*) FROM passkeys WHERE member_id = $1", passkey.member_id)
            if count >= most:
                return None
            done = await connection.execute(
                f"INSERT INTO passkeys ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
                " ON CONFLICT (credential_id) DO NOTHING",
                passkey.credential_id,
                passkey.tenant_id,
                passkey.member_id,
                passkey.public_key,
                passkey.sign_count,
                passkey.display_name,
                passkey.created_at,
                passkey.used_at,
            )
            if done != "INSERT 0 1":
                return False
            await record(connection, act)
            return True

    async def find_passkey(self, credential_id: bytes) -> Passkey | None:
        async with transaction(self._pool, ()) as connection:
            await open_row(connection, "passkey", credential_id)
            row = await connection.fetchrow(f"SELECT {_COLUMNS} FROM passkeys WHERE credential_id = $1", credential_id)
            return _passkey(row) if row else None

    async def passkeys_of(self, tenant_id: str, member_id: str) -> list[Passkey]:
        async with transaction(self._pool, [tenant_id]) as connection:
            found = await connection.fetch(
                f"SELECT {_COLUMNS} FROM passkeys WHERE member_id = $1 ORDER BY created_at, credential_id", member_id
            )
            return [_passkey(row) for row in found]

    async def use_passkey(self, passkey: Passkey, sign_count: int, at: datetime) -> bool:
        async with transaction(self._pool, [passkey.tenant_id]) as connection:
            # Authenticators that do not count say 0 each time.
            done = await connection.execute(
                "UPDATE passkeys SET sign_count = $2, used_at = $3"
                " WHERE credential_id = $1 AND (sign_count < $2 OR (sign_count = 0 AND $2 = 0))",
                passkey.credential_id,
                sign_count,
                at,
            )
            return done == "UPDATE 1"

    async def rename_passkey(
        self, tenant_id: str, member_id: str, credential_id: bytes, name: str, act: RecordedAct
    ) -> Passkey | None:
        async with transaction(self._pool, [tenant_id]) as connection:
            row = await connection.fetchrow(
                "UPDATE passkeys SET display_name = $3 WHERE member_id = $1 AND credential_id = $2"
                f" RETURNING {_COLUMNS}",
                member_id,
                credential_id,
                name,
            )
            if row is None:
                return None
            await record(connection, act)
            return _passkey(row)

    async def remove_passkey(
        self, tenant_id: str, member_id: str, credential_id: bytes, keep_one: bool, act: RecordedAct
    ) -> FactorRemoval:
        async with transaction(self._pool, [tenant_id]) as connection:
            left = await lasting_factors(connection, member_id)
            condition = "member_id = $1 AND credential_id = $2"
            if not await connection.fetchval(f"SELECT true FROM passkeys WHERE {condition}", member_id, credential_id):
                return FactorRemoval.ABSENT
            if keep_one and left == 1:
                return FactorRemoval.LAST
            await connection.execute(f"DELETE FROM passkeys WHERE {condition}", member_id, credential_id)
            await record(connection, act)
            return FactorRemoval.DONE


def _passkey(row: asyncpg.Record) -> Passkey:
    return Passkey(
        credential_id=row["credential_id"],
        tenant_id=str(row["tenant_id"]),
        member_id=str(row["member_id"]),
        public_key=row["public_key"],
        sign_count=row["sign_count"],
        display_name=row["display_name"],
        created_at=row["created_at"],
        used_at=row["used_at"],
    )
