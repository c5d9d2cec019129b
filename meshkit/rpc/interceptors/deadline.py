"""Gives every call a deadline, a margin earlier than the caller's, and refuses work that cannot finish."""

from __future__ import annotations

import asyncio
import time

from google.protobuf.message import Message

from meshkit.errors import deadline_exceeded
from meshkit.rpc.interceptors.chain import Call, Handler

__all__ = ["MEANINGFUL_WORK", "RETURN_MARGIN", "deadline"]

# Time kept back so that the caller learns which hop ran out of time, and the least time worth starting with.
RETURN_MARGIN = 0.010
MEANINGFUL_WORK = 0.005


async def deadline(request: Message, call: Call, handler: Handler) -> Message:
    """Bounds the call by the caller's deadline and the policy's, whichever is earlier."""
    remaining = call.servicer.time_remaining()
    budget = call.policy.deadline
    if remaining is not None:
        budget = min(budget, remaining - RETURN_MARGIN)
    if budget < MEANINGFUL_WORK:
        raise deadline_exceeded()
    call.context.deadline = time.monotonic() + budget
    async with asyncio.timeout(budget):
        return await handler(request, call)
