"""Has access tokens wait until what their member has just had revoked does not refuse them.

Tokens say in whole seconds when they were issued, and a revocation refuses all of its second, for what a replica is
about to issue as it comes must not get past it. Whoever signs in again within that second gets his tokens in the next.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

from services.auth.domain.members import Member

__all__ = ["Settling"]


class Settling:
    """Waits for a second at most. `sleep` takes seconds."""

    def __init__(self, clock: Callable[[], datetime], sleep: Callable[[float], Awaitable[None]]) -> None:
        self._clock = clock
        self._sleep = sleep

    async def wait(self, member: Member) -> bool:
        """Returns whether it has waited, after which the member is to be read again: he may be another by then."""
        began = [each for each in (member.signed_out_at, member.updated_at if member.revision > 1 else None) if each]
        ahead = max((int(each.timestamp()) + 1 for each in began), default=0) - self._clock().timestamp()
        # A clock of another replica that is ahead keeps nobody waiting for longer.
        if not 0 < ahead <= 1:
            return False
        await self._sleep(ahead)
        return True
