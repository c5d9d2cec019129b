"""Where attempts to sign in, the sessions of browsers and consents are kept."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from services.auth.domain.audit import AuditEvent
from services.auth.domain.consents import Consent
from services.auth.domain.endings import AccessEnding
from services.auth.domain.members import Member
from services.auth.domain.sessions import BrowserSession
from services.auth.domain.sign_in import SignInAttempt
from services.auth.domain.tenants import Tenant

__all__ = ["AttemptStore", "ConsentStore", "MemberReader", "SessionStore", "TenantReader"]


class MemberReader(Protocol):
    """Members, as those read them who know that they have proven who they are."""

    async def find_member(self, tenant_id: str, member_id: str) -> Member | None: ...


class TenantReader(Protocol):
    """Tenants, by what is known of them."""

    async def find_tenant(self, name: str) -> Tenant | None: ...

    async def get_tenant(self, tenant_id: str) -> Tenant | None: ...


class AttemptStore(Protocol):
    """Attempts to sign in."""

    async def begin(self, attempt: SignInAttempt) -> None: ...

    async def find(self, attempt_id: str) -> SignInAttempt | None: ...

    async def step(self, attempt: SignInAttempt) -> bool:
        """Stores the attempt in place of the one of the revision before; False if another step came first."""
        ...

    async def finish(self, attempt: SignInAttempt) -> bool:
        """Ends an attempt for good; False if it was no longer of this revision. It can be finished once."""
        ...


class SessionStore(Protocol):
    """Sessions of browsers. What ends one ends the grants that were made in it and do not outlive it."""

    async def open(self, session: BrowserSession, event: AuditEvent) -> None: ...

    async def renew(self, session: BrowserSession, event: AuditEvent) -> bool:
        """Gives a session that goes on another secret, and what was proven now; False if it has ended."""
        ...

    async def find(self, secret_hash: bytes) -> BrowserSession | None: ...

    async def use(self, session: BrowserSession, at: datetime) -> None:
        """Notes that the session is in use."""
        ...

    async def of_member(self, tenant_id: str, member_id: str) -> list[BrowserSession]:
        """Returns the sessions of a member that have not ended, the latest first; some may be over by time."""
        ...

    async def end(self, tenant_id: str, member_id: str, session_id: str, ending: AccessEnding) -> bool:
        """Ends a session of the member; False if there is none, or it has ended."""
        ...

    async def end_all(self, tenant_id: str, member_id: str, ending: AccessEnding) -> None:
        """Ends all sessions and all grants of a member."""
        ...


class ConsentStore(Protocol):
    """What members have consented to."""

    async def consented(self, tenant_id: str, member_id: str, client_id: str) -> frozenset[str]:
        """Returns the scopes that the client may have without being asked for again."""
        ...

    async def consent(
        self, tenant_id: str, member_id: str, client_id: str, scopes: frozenset[str], event: AuditEvent
    ) -> None:
        """Adds scopes to those consented to."""
        ...

    async def of_member(self, tenant_id: str, member_id: str) -> list[Consent]:
        """Returns what a member has consented to, the latest first, `MOST_CONSENTS` at most."""
        ...

    async def withdraw(self, tenant_id: str, member_id: str, client_id: str, ending: AccessEnding) -> bool:
        """Forgets the consent to a client; False if there is none.

        With it end the grants that the client has from the member, with their tokens, and what was to become one.
        """
        ...
