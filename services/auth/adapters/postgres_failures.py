"""Counts failed attempts in PostgreSQL, and cleans away what is over."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from meshkit.storage.postgres import Pool, connected, transaction
from services.auth.domain.throttling import FailureCharge

__all__ = ["PostgresFailureCounts", "PostgresSignInSweep"]

_GIVEN = (
    "SELECT * FROM unnest($1::bytea[], $2::float8[], $3::float8[], $4::float8[], $5::float8[], $7::float8[])"
    " AS given (key, free, first, most, forget, top)"
)
# As `FailureCount.charged` has it. Rows are taken in the order of their keys, lest two attempts wait for each other.
_CHARGE = f"""
WITH given AS ({_GIVEN})
INSERT INTO sign_in_failures AS count (key, failures, at, blocked_until)
SELECT key, 1, $6::timestamptz, to_timestamp(0) FROM given ORDER BY key
ON CONFLICT (key) DO UPDATE SET (failures, at, blocked_until) = (
    SELECT failures, greatest(count.at, $6::timestamptz), CASE WHEN failures <= free THEN count.blocked_until
        ELSE $6::timestamptz + interval '1 second' * least(most, first * power(2, failures - free - 1)) END
    FROM (
        SELECT free, first, most, least(top, greatest(0, count.failures
            - greatest(0, extract(epoch FROM $6::timestamptz - count.at)::float8) / forget) + 1
        ) AS failures
        FROM given WHERE given.key = count.key
    ) AS counted
)
WHERE count.blocked_until <= $6
RETURNING key
"""
_BLOCKED = "SELECT max(blocked_until) FROM sign_in_failures WHERE key = ANY ($1::bytea[])"
_REFUND = """
UPDATE sign_in_failures SET failures = greatest(0, failures - 1), blocked_until = least(blocked_until, $2)
WHERE key IN (SELECT key FROM sign_in_failures WHERE key = ANY ($1::bytea[]) ORDER BY key FOR UPDATE)
"""
_FORGET = "DELETE FROM sign_in_failures WHERE key = ANY ($1::bytea[])"
_SWEEP = """
DELETE FROM sign_in_failures WHERE key IN
(SELECT key FROM sign_in_failures WHERE at < now() - interval '1 day' LIMIT 500 FOR UPDATE SKIP LOCKED)
"""
_SWEEP_CEREMONIES = """
DELETE FROM passkey_ceremonies WHERE state_hash IN
(SELECT state_hash FROM passkey_ceremonies WHERE expires_at < now() LIMIT 500)
"""
_SWEEP_MARKS = """
DELETE FROM member_marks WHERE (member_id, mark) IN
(SELECT member_id, mark FROM member_marks WHERE seen_at < now() - interval '30 days' LIMIT 500)
"""


class _WaitingError(Exception):
    """Takes back what was counted of an attempt that has to wait elsewhere."""


class PostgresFailureCounts:
    """Implements `FailureCounts`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def charge(self, charges: Sequence[FailureCharge], now: datetime) -> float:
        try:
            # The refusal that follows is in the audit log, and makes this durable with itself.
            async with transaction(self._pool, (), durable=False) as connection:
                counted = await connection.fetch(_CHARGE, *_columns(charges, now))
                if len(counted) == len(charges):
                    return 0.0
                until = await connection.fetchval(_BLOCKED, [charge.key for charge in charges])
                # What the others have counted is taken back with the transaction.
                raise _WaitingError((until - now).total_seconds())
        except _WaitingError as waiting:
            return float(waiting.args[0])

    async def refund(self, charges: Sequence[FailureCharge], forgotten: Collection[bytes], now: datetime) -> None:
        kept = [charge.key for charge in charges if charge.key not in forgotten]
        async with transaction(self._pool, ()) as connection:
            await connection.execute(_FORGET, list(forgotten))
            await connection.execute(_REFUND, kept, now)


class PostgresSignInSweep:
    """Deletes counts, ceremonies and marks of which nobody asks any more, in chunks."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def delete(self) -> int:
        """Deletes a chunk of each and returns how many rows that were."""
        deleted = 0
        for statement in (_SWEEP, _SWEEP_CEREMONIES, _SWEEP_MARKS):
            async with connected(self._pool) as connection:
                deleted += int((await connection.execute(statement)).removeprefix("DELETE "))
        return deleted


def _columns(charges: Sequence[FailureCharge], now: datetime) -> list[object]:
    limits = [charge.limit for charge in charges]
    return [
        [charge.key for charge in charges],
        [float(limit.free) for limit in limits],
        [limit.first for limit in limits],
        [limit.most for limit in limits],
        [limit.forget for limit in limits],
        now,
        [float(limit.top) for limit in limits],
    ]
