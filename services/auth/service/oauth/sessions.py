"""Opens, finds and ends the sessions of browsers, and ends what came of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from meshkit.ids import uuid7
from services.auth import errors
from services.auth.domain.audit import AuditEvent
from services.auth.domain.endings import AccessEnding
from services.auth.domain.members import Member, Proven
from services.auth.domain.secrets import SESSION, new_secret, secret_hash
from services.auth.domain.sessions import BrowserSession, NewSession, SessionLimits
from services.auth.ports.sign_in import MemberReader, SessionStore
from services.auth.service.acts import act

__all__ = ["SessionKeeper", "SignedIn", "goes_on"]


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session that counts, and whose it is."""

    session: BrowserSession
    member: Member


def goes_on(member: Member, began_at: datetime) -> bool:
    """Tells whether what a member began at a time is still good, as far as the member goes."""
    return member.may_sign_in and (member.signed_out_at is None or began_at >= member.signed_out_at)


class SessionKeeper:
    """Keeps sessions. `token_life` is how long an access token may go on after its session."""

    def __init__(
        self,
        store: SessionStore,
        members: MemberReader,
        *,
        limits: SessionLimits,
        token_life: timedelta,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._members = members
        self._limits = limits
        self._token_life = token_life
        self._clock = clock

    async def find(self, secret: str) -> SignedIn | None:
        """Returns the session of a browser and notes its use; None if it is over, or its member may not sign in."""
        found = await self.peek(secret_hash(secret)) if secret else None
        if found is not None:
            await self._store.use(found.session, self._clock())
        return found

    async def peek(self, digest: bytes) -> SignedIn | None:
        """Returns the session with the hash of its secret, without noting a use."""
        session = await self._store.find(digest)
        if session is None or not session.good(self._clock(), self._limits):
            return None
        member = await self._members.find_member(session.tenant_id, session.member_id)
        return SignedIn(session, member) if member is not None and goes_on(member, session.authenticated_at) else None

    async def require(self, secret: str) -> SignedIn:
        """Returns the session of a browser. Raises SESSION_INVALID."""
        found = await self.find(secret)
        if found is None:
            raise errors.session_invalid()
        return found

    async def open(self, proven: Proven, former: SignedIn | None) -> NewSession:
        """Opens a session for who has proven to be a member.

        One that the browser had before goes on under another secret if it is the same member's, and ends otherwise.
        """
        member, now = proven.member, self._clock()
        secret = new_secret(SESSION)
        same = former is not None and former.member.member_id == member.member_id
        session = BrowserSession(
            session_id=former.session.session_id if former is not None and same else str(uuid7()),
            tenant_id=member.tenant_id,
            member_id=member.member_id,
            secret_hash=secret_hash(secret),
            methods=proven.methods,
            authenticated_at=_authenticated_at(proven, now),
            used_at=now,
            expires_at=now + self._limits.absolute,
        )
        if former is not None and not same:
            await self.end(former.session)
        if not (same and await self._store.renew(session, self._opened(session, "session.renew"))):
            session = replace(session, session_id=str(uuid7())) if same else session
            await self._store.open(session, self._opened(session, "session.create"))
        return NewSession(session, secret)

    async def end(self, session: BrowserSession) -> None:
        """Ends a session, and the grants that do not outlive it."""
        await self.end_named(session.tenant_id, session.member_id, session.session_id)

    async def end_named(self, tenant_id: str, member_id: str, session_id: str) -> bool:
        """Ends a session of the member. False if there is none that goes on."""
        ending = self.ending("session.end", tenant_id, member_id, f"sessions/{session_id}")
        return await self._store.end(tenant_id, member_id, session_id, ending)

    async def end_all(self, tenant_id: str, member_id: str) -> None:
        """Ends all sessions and grants of a member: everybody signs in again, and every program asks again."""
        ending = self.ending("session.end_all", tenant_id, member_id, f"members/{member_id}")
        await self._store.end_all(tenant_id, member_id, ending)

    async def of_member(self, tenant_id: str, member_id: str) -> list[BrowserSession]:
        """Returns the sessions of a member that count."""
        now, member = self._clock(), await self._members.find_member(tenant_id, member_id)
        found = await self._store.of_member(tenant_id, member_id)
        if member is None:
            return []
        return [each for each in found if each.good(now, self._limits) and goes_on(member, each.authenticated_at)]

    def ending(
        self, action: str, tenant_id: str, actor: str, target: str, client_id: str | None = None
    ) -> AccessEnding:
        """Returns the end, now, of what is acted on."""
        now = self._clock()
        event = act(action, target, now, tenant_id=tenant_id, actor=actor, client_id=client_id)
        return AccessEnding(now, now + self._token_life, event)

    def _opened(self, session: BrowserSession, action: str) -> AuditEvent:
        return act(
            action,
            f"sessions/{session.session_id}",
            session.used_at,
            tenant_id=session.tenant_id,
            actor=session.member_id,
            amr=" ".join(sorted(session.methods)),
        )


def _authenticated_at(proven: Proven, now: datetime) -> datetime:
    """Returns since when the session counts: nothing does from before the member was signed out everywhere."""
    if proven.at is None:
        return now
    return min(now, max(proven.at, proven.member.signed_out_at or proven.at))
