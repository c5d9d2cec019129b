"""Encrypts the answers to named requests at rest: an answer that is kept for its repetition may hold a secret."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from meshkit.named_requests import Answered, Claims, NamedRequest
from services.auth.ports import Sealer

__all__ = ["SealedClaims"]


class SealedClaims:
    """Implements `Claims` by others that keep what they are given. An answer opens for its tenant and name alone."""

    def __init__(self, claims: Claims, tenant_id: str, sealer: Sealer) -> None:
        self._claims = claims
        self._owner = tenant_id
        self._sealer = sealer

    async def claim(self, request: NamedRequest) -> Answered | None:
        answered = await self._claims.claim(request)
        if answered is None or not answered.response:
            return answered
        opened = self._sealer.open(answered.response, self._name(request.request_id))
        return replace(answered, response=opened)

    async def answer(self, request_id: UUID, response: bytes) -> None:
        await self._claims.answer(request_id, self._sealer.seal(response, self._name(request_id)))

    def _name(self, request_id: UUID) -> str:
        return f"{self._owner}/{request_id}"
