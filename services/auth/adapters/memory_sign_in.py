"""Keeps attempts, sessions, codes, grants and devices in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from services.auth.adapters.memory_acts import MemoryActs
from services.auth.domain.audit import AuditEvent
from services.auth.domain.consents import Consent
from services.auth.domain.devices import DeviceAuthorization, DeviceState
from services.auth.domain.endings import AccessEnding
from services.auth.domain.grants import AuthorizationCode, Grant
from services.auth.domain.revocations import Revocation
from services.auth.domain.sessions import BrowserSession
from services.auth.domain.sign_in import SignInAttempt
from services.auth.ports.grants import DeviceChange, GrantChange, MadeGrant

__all__ = [
    "MemoryAttempts",
    "MemoryDevices",
    "MemoryGrants",
    "MemoryRevocationLog",
    "MemorySeenProofs",
    "MemorySessions",
    "SignInMemory",
]


@dataclass
class SignInMemory(MemoryActs):
    """What the stores of signing in keep together, and what they have told."""

    attempts: dict[str, SignInAttempt] = field(default_factory=dict)
    sessions: dict[str, BrowserSession] = field(default_factory=dict)
    consents: dict[tuple[str, str, str], Consent] = field(default_factory=dict)
    codes: dict[bytes, tuple[AuthorizationCode, str]] = field(default_factory=dict)
    grants: dict[str, Grant] = field(default_factory=dict)
    devices: dict[bytes, DeviceAuthorization] = field(default_factory=dict)
    proofs: dict[bytes, datetime] = field(default_factory=dict)

    def end_grant(self, grant_id: str, ending: AccessEnding) -> bool:
        """Ends a grant. False if it has ended."""
        grant = self.grants[grant_id]
        if grant.ended_at is not None:
            return False
        self.grants[grant_id] = replace(grant, ended_at=ending.at)
        self.revoke(grant.tenant_id, grant_id, ending)
        return True

    def drop_begun(self, tenant_id: str, member_id: str, client_id: str = "") -> None:
        """Forgets codes and devices of a member that have no grant yet, of one client or of all."""
        whose = (tenant_id, member_id)
        for name, (code, used) in list(self.codes.items()):
            if (code.tenant_id, code.member_id) == whose and client_id in ("", code.client_id) and not used:
                del self.codes[name]
        for name, device in list(self.devices.items()):
            allowed = device.state is DeviceState.ALLOWED and client_id in ("", device.client_id)
            if (device.tenant_id, device.member_id) == whose and allowed:
                del self.devices[name]

    def revoke(self, tenant_id: str, name: str, ending: AccessEnding) -> None:
        """Notes that tokens of a session or grant are of no use."""
        self.revocations.append(ending.of_session(tenant_id, name))


class MemoryAttempts:
    """Implements `AttemptStore`."""

    def __init__(self, memory: SignInMemory) -> None:
        self._kept = memory.attempts

    async def begin(self, attempt: SignInAttempt) -> None:
        self._kept[attempt.attempt_id] = attempt

    async def find(self, attempt_id: str) -> SignInAttempt | None:
        return self._kept.get(attempt_id)

    async def step(self, attempt: SignInAttempt) -> bool:
        before = self._kept.get(attempt.attempt_id)
        if before is None or before.revision != attempt.revision - 1:
            return False
        self._kept[attempt.attempt_id] = attempt
        return True

    async def finish(self, attempt: SignInAttempt) -> bool:
        before = self._kept.get(attempt.attempt_id)
        if before is None or before.revision != attempt.revision:
            return False
        del self._kept[attempt.attempt_id]
        return True


class MemorySessions:
    """Implements `SessionStore`."""

    def __init__(self, memory: SignInMemory) -> None:
        self._memory = memory

    async def open(self, session: BrowserSession, event: AuditEvent) -> None:
        self._memory.sessions[session.session_id] = session
        self._memory.events.append(event)

    async def renew(self, session: BrowserSession, event: AuditEvent) -> bool:
        kept = self._memory.sessions.get(session.session_id)
        if kept is None or kept.ended_at is not None:
            return False
        await self.open(session, event)
        return True

    async def find(self, secret_hash: bytes) -> BrowserSession | None:
        return next((each for each in self._memory.sessions.values() if each.secret_hash == secret_hash), None)

    async def use(self, session: BrowserSession, at: datetime) -> None:
        kept = self._memory.sessions[session.session_id]
        if kept.ended_at is None and (at - kept.used_at).total_seconds() > 60:
            self._memory.sessions[session.session_id] = replace(kept, used_at=at)

    async def of_member(self, tenant_id: str, member_id: str) -> list[BrowserSession]:
        found = [each for each in self._memory.sessions.values() if each.ended_at is None]
        own = [each for each in found if (each.tenant_id, each.member_id) == (tenant_id, member_id)]
        return sorted(own, key=lambda each: (-each.authenticated_at.timestamp(), each.session_id))[:200]

    async def end(self, tenant_id: str, member_id: str, session_id: str, ending: AccessEnding) -> bool:
        session = self._memory.sessions.get(session_id)
        if session is None or session.ended_at is not None:
            return False
        if (session.tenant_id, session.member_id) != (tenant_id, member_id):
            return False
        self._memory.sessions[session_id] = replace(session, ended_at=ending.at)
        self._memory.revoke(tenant_id, session_id, ending)
        for grant in [each for each in self._memory.grants.values() if each.session_id == session_id]:
            self._memory.end_grant(grant.grant_id, ending)
        self._memory.events.append(ending.event)
        return True

    async def end_all(self, tenant_id: str, member_id: str, ending: AccessEnding) -> None:
        memory, whose = self._memory, (tenant_id, member_id)
        for session in await self.of_member(tenant_id, member_id):
            memory.sessions[session.session_id] = replace(session, ended_at=ending.at)
        for grant in list(memory.grants.values()):
            if (grant.tenant_id, grant.member_id) == whose and grant.ended_at is None:
                memory.grants[grant.grant_id] = replace(grant, ended_at=ending.at)
        memory.drop_begun(tenant_id, member_id)
        memory.revocations.append(ending.of_member(tenant_id, member_id))
        memory.events.append(ending.event)


class MemoryGrants:
    """Implements `GrantStore`."""

    def __init__(self, memory: SignInMemory) -> None:
        self._memory = memory

    async def add_code(self, code: AuthorizationCode, *, by_consent: bool) -> bool:
        if by_consent and (code.tenant_id, code.member_id, code.client_id) not in self._memory.consents:
            return False
        self._memory.codes[code.code_hash] = (code, "")
        return True

    async def redeem(
        self,
        code_hash: bytes,
        plan: Callable[[AuthorizationCode], MadeGrant],
        reused: Callable[[AuthorizationCode, str], AccessEnding],
    ) -> tuple[AuthorizationCode, Grant] | None:
        if code_hash not in self._memory.codes:
            return None
        code, used = self._memory.codes[code_hash]
        if used:
            self._end(used, reused(code, used))
            return None
        made = plan(code)
        self._memory.grants[made.grant.grant_id] = made.grant
        self._memory.events.append(made.event)
        self._memory.codes[code_hash] = (code, made.grant.grant_id)
        return code, made.grant

    async def find_grant(self, grant_id: str) -> Grant | None:
        return self._memory.grants.get(grant_id)

    async def change(self, grant_id: str, plan: Callable[[Grant], GrantChange]) -> Grant | None:
        if grant_id not in self._memory.grants:
            return None
        change = plan(self._memory.grants[grant_id])
        if change.ending is not None:
            self._end(grant_id, change.ending)
        else:
            self._memory.grants[grant_id] = change.grant
        return change.grant

    async def of_member(self, tenant_id: str, member_id: str) -> list[Grant]:
        found = [each for each in self._memory.grants.values() if each.ended_at is None]
        own = [each for each in found if (each.tenant_id, each.member_id) == (tenant_id, member_id)]
        return sorted(own, key=lambda each: (-each.created_at.timestamp(), each.grant_id))[:200]

    def _end(self, grant_id: str, ending: AccessEnding) -> None:
        if self._memory.end_grant(grant_id, ending):
            self._memory.events.append(ending.event)


class MemoryDevices:
    """Implements `DeviceStore`."""

    def __init__(self, memory: SignInMemory) -> None:
        self._memory = memory

    async def add(self, device: DeviceAuthorization) -> bool:
        if await self.find_typed(device.user_code_hash) is not None:
            return False
        self._memory.devices[device.device_hash] = device
        return True

    async def find_typed(self, user_code_hash: bytes) -> DeviceAuthorization | None:
        return next((each for each in self._memory.devices.values() if each.user_code_hash == user_code_hash), None)

    async def change(
        self, device_hash: bytes, plan: Callable[[DeviceAuthorization], DeviceChange]
    ) -> DeviceChange | None:
        if device_hash not in self._memory.devices:
            return None
        change = plan(self._memory.devices[device_hash])
        self._memory.devices[device_hash] = change.device
        if change.made is not None:
            self._memory.grants[change.made.grant.grant_id] = change.made.grant
            self._memory.events.append(change.made.event)
        if change.event is not None:
            self._memory.events.append(change.event)
        return change


class MemorySeenProofs:
    """Implements `SeenProofs`."""

    def __init__(self, memory: SignInMemory) -> None:
        self._seen = memory.proofs

    async def first(self, proof_hash: bytes, expires_at: datetime) -> bool:
        new = proof_hash not in self._seen
        self._seen.setdefault(proof_hash, expires_at)
        return new


class MemoryRevocationLog:
    """Implements `RevocationLog`."""

    def __init__(self, memory: SignInMemory) -> None:
        self._memory = memory

    async def revoke(self, revocation: Revocation, event: AuditEvent) -> None:
        self._memory.revocations.append(revocation)
        self._memory.events.append(event)
