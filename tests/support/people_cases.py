"""The use cases of people, put together for tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from meshkit.context import Principal
from meshkit.identity.roles import Roles
from services.auth.adapters.answered_links import AnsweredLinks
from services.auth.adapters.argon2_hasher import Argon2Hasher
from services.auth.adapters.argon2id import Argon2id
from services.auth.adapters.memory_people import PeopleInMemory
from services.auth.adapters.sealing import AesSealer
from services.auth.adapters.webauthn_passkeys import WebauthnPasskeys
from services.auth.domain.audit import AuditEvent
from services.auth.domain.members import Member
from services.auth.domain.origins import OriginKeys
from services.auth.service.people.account import OwnAccount
from services.auth.service.people.authentication import Authentication
from services.auth.service.people.ceremonies import PasskeyCeremonies
from services.auth.service.people.guard import AttemptGuard
from services.auth.service.people.links import Links
from services.auth.service.people.members import MemberKeeper
from tests.support.people import NOW, People, in_memory
from tests.support.tenants import add_tenant

__all__ = ["HOME", "ORIGIN", "PASSWORD", "RELYING_PARTY", "PeopleCases", "Trail"]

PASSWORD = "correct horse battery staple"
HOME = "192.0.2.7"
RELYING_PARTY, ORIGIN = "pay.example.com", "https://pay.example.com"


class Trail:
    """Implements `AuditTrail` with a list."""

    def __init__(self) -> None:
        self.events: list[AuditEvent] = []

    async def record(self, event: AuditEvent) -> None:
        self.events.append(event)


class PeopleCases:
    """The use cases, on a clock that stands still until it is moved."""

    def __init__(self, people: People | None = None, *, memory_kib: int = 8, passes: int = 1) -> None:
        self.people = people or in_memory()
        self.memory: PeopleInMemory = self.people.memory or PeopleInMemory()
        self.now = NOW
        self.trail = Trail()
        self.hasher = Argon2Hasher(Argon2id(memory_kib, passes), threads=2)
        self.roles = Roles.declared()
        clock, stores, directory = lambda: self.now, self.people.stores, self.people.directory
        guard = AttemptGuard(self.people.counts, OriginKeys(b"k" * 32), clock)
        self.sealer = sealer = AesSealer(b"s" * 32)
        ceremonies = PasskeyCeremonies(stores.passkeys, WebauthnPasskeys(RELYING_PARTY, [ORIGIN]), clock)
        self.links = Links(directory, stores, hasher=self.hasher, guard=guard, delivery=AnsweredLinks(), clock=clock)
        self.members = MemberKeeper(stores, self.links, self.roles, clock)
        self.authentication = Authentication(
            directory,
            stores,
            guard=guard,
            hasher=self.hasher,
            ceremonies=ceremonies,
            sealer=sealer,
            trail=self.trail,
            clock=clock,
        )
        self.account = OwnAccount(
            directory, stores, guard=guard, hasher=self.hasher, ceremonies=ceremonies, sealer=sealer, clock=clock
        )

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def caller(self, *roles: str, subject: str = "operator", without: frozenset[str] = frozenset()) -> Principal:
        """Returns a caller of the tenant who signed in just now."""
        return Principal(
            tenant_id=self.people.tenant.tenant_id,
            client_id="rampart-cli",
            scopes=self.roles.permitted(roles) - without,
            rate_limit=100,
            currency="EUR",
            subject=subject,
            roles=frozenset(roles),
            authenticated_at=self.now.timestamp(),
        )

    def own(self, member: Member) -> Principal:
        """Returns a member as the caller."""
        return replace(self.caller(*member.roles), subject=member.member_id)

    async def invite(self, email: str = "ada@example.com", *roles: str) -> tuple[Member, str]:
        """Returns a new member and the secret of the invitation."""
        if await self.people.directory.find_tenant(self.people.tenant.name) is None:
            await add_tenant(self.people.directory, self.people.tenant)
        member, link = await self.members.invite(self.caller("owner"), email, "Ada Byron", roles or ("analyst",))
        assert link is not None
        return member, link.secret

    async def join(self, email: str = "ada@example.com", *roles: str, address: str = HOME) -> Member:
        """Returns a new member who has set his password."""
        _, secret = await self.invite(email, *roles)
        return await self.links.use(secret, PASSWORD, address)
