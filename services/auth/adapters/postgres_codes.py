"""Stores one-time passwords and recovery codes in PostgreSQL."""

from __future__ import annotations

from collections.abc import Collection

from meshkit.storage.postgres import Pool, transaction
from services.auth.adapters.act_rows import record
from services.auth.adapters.factor_rows import lasting_factors
from services.auth.domain.factors import MemberFactors
from services.auth.domain.totp import Totp
from services.auth.ports import FactorRemoval, RecordedAct

__all__ = ["PostgresCodes"]

_FACTORS = (
    "SELECT EXISTS (SELECT FROM member_totp WHERE member_id = $1 AND sealed_secret IS NOT NULL) AS totp,"
    " (SELECT count(*) FROM passkeys WHERE member_id = $1) AS passkeys,"
    " (SELECT count(*) FROM recovery_codes WHERE member_id = $1) AS codes"
)


class PostgresCodes:
    """Implements `CodeStore`. Codes are used up by single statements, so that of many that try at once one succeeds."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def factors(self, tenant_id: str, member_id: str) -> MemberFactors:
        async with transaction(self._pool, [tenant_id]) as connection:
            row = await connection.fetchrow(_FACTORS, member_id)
            assert row is not None
            return MemberFactors(row["totp"], row["passkeys"], row["codes"])

    async def find_totp(self, tenant_id: str, member_id: str) -> Totp | None:
        async with transaction(self._pool, [tenant_id]) as connection:
            row = await connection.fetchrow(
                "SELECT sealed_secret, pending_secret, last_step FROM member_totp WHERE member_id = $1", member_id
            )
            return Totp(row["sealed_secret"], row["pending_secret"], row["last_step"]) if row else None

    async def begin_totp(self, tenant_id: str, member_id: str, sealed: bytes, act: RecordedAct) -> None:
        async with transaction(self._pool, [tenant_id]) as connection:
            await connection.execute(
                "INSERT INTO member_totp (member_id, tenant_id, pending_secret) VALUES ($1, $2, $3)"
                " ON CONFLICT (member_id) DO UPDATE SET pending_secret = excluded.pending_secret",
                member_id,
                tenant_id,
                sealed,
            )
            await record(connection, act)

    async def confirm_totp(self, tenant_id: str, member_id: str, sealed: bytes, step: int, act: RecordedAct) -> bool:
        async with transaction(self._pool, [tenant_id]) as connection:
            done = await connection.execute(
                "UPDATE member_totp SET sealed_secret = pending_secret, pending_secret = NULL, last_step = $3"
                " WHERE member_id = $1 AND pending_secret = $2",
                member_id,
                sealed,
                step,
            )
            if done != "UPDATE 1":
                return False
            await record(connection, act)
            return True

    async def use_step(self, tenant_id: str, member_id: str, step: int) -> bool:
        async with transaction(self._pool, [tenant_id]) as connection:
            done = await connection.execute(
                "UPDATE member_totp SET last_step = $2"
                " WHERE member_id = $1 AND sealed_secret IS NOT NULL AND last_step < $2",
                member_id,
                step,
            )
            return done == "UPDATE 1"

    async def remove_totp(self, tenant_id: str, member_id: str, keep_one: bool, act: RecordedAct) -> FactorRemoval:
        async with transaction(self._pool, [tenant_id]) as connection:
            left = await lasting_factors(connection, member_id)
            if not await connection.fetchval(
                "SELECT true FROM member_totp WHERE member_id = $1 AND sealed_secret IS NOT NULL", member_id
            ):
                return FactorRemoval.ABSENT
            if keep_one and left == 1:
                return FactorRemoval.LAST
            await connection.execute("DELETE FROM member_totp WHERE member_id = $1", member_id)
            await record(connection, act)
            return FactorRemoval.DONE

    async def replace_codes(self, tenant_id: str, member_id: str, hashes: Collection[bytes], act: RecordedAct) -> None:
        async with transaction(self._pool, [tenant_id]) as connection:
            # Of two sets that are made at once one stays.
            await connection.execute("SELECT FROM members WHERE member_id = $1 FOR UPDATE", member_id)
            await connection.execute("DELETE FROM recovery_codes WHERE member_id = $1", member_id)
            await connection.execute(
                "INSERT INTO recovery_codes (member_id, tenant_id, code_hash)"
                " SELECT $1, $2, hash FROM unnest($3::bytea[]) AS hash",
                member_id,
                tenant_id,
                list(hashes),
            )
            await record(connection, act)

    async def use_code(self, tenant_id: str, member_id: str, code_hash: bytes, act: RecordedAct) -> bool:
        async with transaction(self._pool, [tenant_id]) as connection:
            done = await connection.execute(
                "DELETE FROM recovery_codes WHERE member_id = $1 AND code_hash = $2", member_id, code_hash
            )
            if done != "DELETE 1":
                return False
            await record(connection, act)
            return True
