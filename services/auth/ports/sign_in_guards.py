"""What makes it expensive to guess: slow hashes, counts of failures."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from services.auth.domain.links import NewLink
from services.auth.domain.members import Member
from services.auth.domain.throttling import FailureCharge

__all__ = ["FailureCounts", "LinkDelivery", "PasswordHasher"]


class PasswordHasher(Protocol):
    """Hashes passwords slowly, beside the event loop. Raises OVERLOADED if more wait than can be served soon."""

    def check_room(self) -> None:
        """Raises OVERLOADED if a hash that is asked for now would be refused."""
        ...

    async def hash(self, password: str) -> str: ...

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Tells whether it is the password; without a hash it is not, which takes as long to find out."""
        ...

    def outdated(self, password_hash: str) -> bool:
        """Tells whether the hash was made with other parameters than are in use."""
        ...


class FailureCounts(Protocol):
    """Counts of failed attempts."""

    async def charge(self, charges: Sequence[FailureCharge], now: datetime) -> float:
        """Counts an attempt everywhere, or nowhere: returns 0, or the seconds to wait for the next one."""
        ...

    async def refund(self, charges: Sequence[FailureCharge], forgotten: Collection[bytes], now: datetime) -> None:
        """Takes back what was counted of an attempt that was right, and forgets all of some counts."""
        ...


class LinkDelivery(Protocol):
    """Gets one-time links to the persons whom they are meant for."""

    async def deliver(self, member: Member, link: NewLink) -> bool:
        """Sends a link to the member's address; False if whoever asked for it has to pass it on."""
        ...
