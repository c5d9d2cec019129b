"""One-time links with which a member sets a password."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

__all__ = ["LinkKind", "MemberLink", "NewLink"]

PATH: Final = "/link/"
"""Before the secret. The page takes it out of the address at once; the edge logs routes, never paths."""


class LinkKind(Enum):
    """What a link is for."""

    INVITATION = "invitation"
    RESET = "reset"

    @property
    def life(self) -> timedelta:
        return timedelta(days=7) if self is LinkKind.INVITATION else timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class MemberLink:
    """The one link of a member that is good, as stored."""

    link_hash: bytes
    tenant_id: str
    member_id: str
    kind: LinkKind
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class NewLink:
    """A stored link and its secret, which is known this once."""

    link: MemberLink
    secret: str = field(repr=False)

    @property
    def path(self) -> str:
        """Path of the page at the platform's address that takes the password."""
        return PATH + self.secret
