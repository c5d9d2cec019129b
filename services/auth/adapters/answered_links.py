"""Leaves one-time links to whoever asked for them: there is no mail service."""

from __future__ import annotations

from services.auth.domain.links import NewLink
from services.auth.domain.members import Member

__all__ = ["AnsweredLinks"]


class AnsweredLinks:
    """Implements `LinkDelivery`: the answer carries the link, once."""

    async def deliver(self, member: Member, link: NewLink) -> bool:
        return False
