"""Where codes, grants, waiting devices and proofs that were seen are kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.auth.domain.audit import AuditEvent
from services.auth.domain.devices import DeviceAuthorization
from services.auth.domain.endings import AccessEnding
from services.auth.domain.grants import AuthorizationCode, Grant
from services.auth.domain.revocations import Revocation

__all__ = ["DeviceChange", "DeviceStore", "GrantChange", "GrantStore", "MadeGrant", "RevocationLog", "SeenProofs"]


@dataclass(frozen=True, slots=True)
class MadeGrant:
    """A grant to be stored, and what the audit log says of it."""

    grant: Grant
    event: AuditEvent


@dataclass(frozen=True, slots=True)
class GrantChange:
    """What becomes of a grant: its next state, or its end."""

    grant: Grant
    ending: AccessEnding | None = None


@dataclass(frozen=True, slots=True)
class DeviceChange:
    """What becomes of a device that waits; `made` is the grant that it gets."""

    device: DeviceAuthorization
    made: MadeGrant | None = None
    event: AuditEvent | None = None


class GrantStore(Protocol):
    """Codes and the grants that come of them. Whatever `plan` raises leaves everything as it was."""

    async def add_code(self, code: AuthorizationCode, *, by_consent: bool) -> bool:
        """Stores a code. False if it is by a consent of its member, and the consent was taken back meanwhile."""
        ...

    async def redeem(
        self,
        code_hash: bytes,
        plan: Callable[[AuthorizationCode], MadeGrant],
        reused: Callable[[AuthorizationCode, str], AccessEnding],
    ) -> tuple[AuthorizationCode, Grant] | None:
        """Uses a code up for a grant. A second use ends the grant that came of the first. None for that, and for none.

        Of uses at the same time one is the first.
        """
        ...

    async def find_grant(self, grant_id: str) -> Grant | None: ...

    async def change(self, grant_id: str, plan: Callable[[Grant], GrantChange]) -> Grant | None:
        """Stores what `plan` makes of the grant, one caller at a time, and returns it; None if there is no such."""
        ...

    async def of_member(self, tenant_id: str, member_id: str) -> list[Grant]:
        """Returns the grants of a member that have not ended, the latest first; some may be over by time."""
        ...


class DeviceStore(Protocol):
    """Devices that wait to be let in."""

    async def add(self, device: DeviceAuthorization) -> bool:
        """Returns False if the code for people is taken."""
        ...

    async def find_typed(self, user_code_hash: bytes) -> DeviceAuthorization | None: ...

    async def change(
        self, device_hash: bytes, plan: Callable[[DeviceAuthorization], DeviceChange]
    ) -> DeviceChange | None:
        """Stores what `plan` makes of the device, one caller at a time; None if there is no such."""
        ...


class SeenProofs(Protocol):
    """Proofs of possession, each good once."""

    async def first(self, proof_hash: bytes, expires_at: datetime) -> bool:
        """Notes that a proof was seen until it expires; False if it was before."""
        ...


class RevocationLog(Protocol):
    """Access tokens that are not good any more."""

    async def revoke(self, revocation: Revocation, event: AuditEvent) -> None: ...
