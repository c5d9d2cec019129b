"""Carries out changes once, however often they are asked for (AIP-155)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from services.user import errors
from services.user.domain.requests import NamedRequest
from services.user.ports import Changes, Writer

__all__ = ["Change", "IdempotentChanges"]

Change = Callable[[Changes], Awaitable[bytes]]
"""Does what a request asks for and returns the serialised response."""


class IdempotentChanges:
    """Carries out changes. The response to a named request is stored in the transaction of its effect.

    Either both are there or neither, so a retry either finds the first answer or is the first. A change that fails
    leaves no trace: its name can be used again.
    """

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def run(self, tenant_id: str, request: NamedRequest | None, change: Change) -> bytes:
        """Returns the response of the change, or to the first request of this name. Raises IDEMPOTENCY_CONFLICT."""
        async with self._writer.begin(tenant_id) as changes:
            if request is None:
                return await change(changes)
            earlier = await changes.claim(request)
            if earlier is None:
                response = await change(changes)
                await changes.answer(request.request_id, response)
                return response
        if not earlier.answers(request):
            raise errors.request_differs(str(request.request_id))
        return earlier.response
