"""Makes changes whose answers to named requests are encrypted at rest: one that is kept may hold a secret."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Self
from uuid import UUID

from meshkit.named_requests import Answered, NamedRequest
from meshkit.storage.named_requests import PostgresClaims
from meshkit.storage.postgres import Connection, Pool, transaction
from services.auth.adapters.act_rows import record
from services.auth.ports import RecordedAct, Sealer

__all__ = ["SealedChanges"]


class SealedChanges:
    """One transaction on what a tenant has. Implements `Claims`; an answer opens for its tenant and name alone."""

    def __init__(self, connection: Connection, tenant_id: str, sealer: Sealer) -> None:
        self._connection = connection
        self._tenant_id = tenant_id
        self._claims = PostgresClaims(connection, tenant_id)
        self._sealer = sealer
        self.acts: list[RecordedAct] = []

    @classmethod
    @asynccontextmanager
    async def begin(cls, pool: Pool, tenant_id: str, sealer: Sealer) -> AsyncIterator[Self]:
        """Opens the transaction, at whose end the acts are recorded."""
        async with transaction(pool, [tenant_id]) as connection:
            changes = cls(connection, tenant_id, sealer)
            yield changes
            await record(connection, *changes.acts)

    async def claim(self, request: NamedRequest) -> Answered | None:
        answered = await self._claims.claim(request)
        if answered is None or not answered.response:
            return answered
        opened = self._sealer.open(answered.response, self._name(request.request_id))
        return replace(answered, response=opened)

    async def answer(self, request_id: UUID, response: bytes) -> None:
        await self._claims.answer(request_id, self._sealer.seal(response, self._name(request_id)))

    def _name(self, request_id: UUID) -> str:
        return f"{self._tenant_id}/{request_id}"
