"""Makes and uses the one-time links with which members set their passwords."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from services.auth import errors
from services.auth.domain.links import LinkKind, MemberLink, NewLink
from services.auth.domain.members import Member, MemberState
from services.auth.domain.passwords import normalized_password, own_words, password_fault
from services.auth.domain.revocations import Revocation
from services.auth.domain.secrets import ACCESS_LINK, new_secret, secret_hash
from services.auth.ports import Directory, LinkDelivery, PasswordHasher
from services.auth.service.acts import act_on
from services.auth.service.people.guard import AttemptGuard
from services.auth.service.people.stores import PeopleStores

__all__ = ["LinkView", "Links", "hash_of_new_password"]


@dataclass(frozen=True, slots=True)
class LinkView:
    """What a page shows to whoever has a link."""

    kind: LinkKind
    tenant: str
    """Name."""
    email: str


class Links:
    """Links of members. The newest of a member is good, once, until it expires."""

    def __init__(
        self,
        directory: Directory,
        stores: PeopleStores,
        *,
        hasher: PasswordHasher,
        guard: AttemptGuard,
        delivery: LinkDelivery,
        clock: Callable[[], datetime],
    ) -> None:
        self._directory = directory
        self._stores = stores
        self._hasher = hasher
        self._guard = guard
        self._delivery = delivery
        self._clock = clock

    def new(self, member: Member) -> NewLink:
        """Returns a link of the kind that the member needs, which is not stored yet."""
        kind = LinkKind.INVITATION if member.state is MemberState.INVITED else LinkKind.RESET
        secret, expires_at = new_secret(ACCESS_LINK), self._clock() + kind.life
        return NewLink(MemberLink(secret_hash(secret), member.tenant_id, member.member_id, kind, expires_at), secret)

    async def reset(self, member: Member) -> NewLink | None:
        """Makes a link in place of those before it. Returns it if it has to be passed on, None if it was sent.

        Raises STATE_NOT_ALLOWED for a member who is disabled, and CONFLICT for one who was changed meanwhile.
        """
        if member.disabled_at is not None:
            raise errors.unfit_for_reset(member.state.value)
        link = self.new(member)
        act = act_on(member, "member.reset", self._clock(), kind=link.link.kind.value)
        if not await self._stores.links.put_link(link.link, member.roles, act):
            raise errors.member_changed()
        return await self.deliver(member, link)

    async def deliver(self, member: Member, link: NewLink) -> NewLink | None:
        """Sends a link. Returns it if whoever asked for it has to pass it on."""
        return None if await self._delivery.deliver(member, link) else link

    async def describe(self, secret: str) -> LinkView:
        """Returns what a link is for. Raises LINK_INVALID."""
        link, member = await self._find(secret)
        return LinkView(link.kind, await self._tenant_name(member.tenant_id), member.email)

    async def use(self, secret: str, password: str, address: str, device: str = "") -> Member:
        """Sets the password of whoever has the link, and ends all his sessions, grants and tokens.

        The browser counts as his own from then on. Raises LINK_INVALID, PASSWORD_REFUSED and OVERLOADED; a link
        whose password was refused is still good.
        """
        link, member = await self._find(secret)
        words = own_words(member.display_name, member.email, await self._tenant_name(member.tenant_id))
        hashed = await hash_of_new_password(self._hasher, password, words)
        marks, now = self._guard.origin(address, device).marks, self._clock()
        ended = Revocation.of_subject(member.tenant_id, member.member_id).up_to(now)
        act = act_on(member, "password.set", now, actor=member.member_id, revocation=ended, link=link.kind.value)
        if not await self._stores.links.use_link(link, hashed, marks, now, act):
            raise errors.link_invalid()
        return await self._stores.members.find_member(member.tenant_id, member.member_id) or member

    async def _find(self, secret: str) -> tuple[MemberLink, Member]:
        found = await self._stores.links.find_link(secret_hash(secret), self._clock())
        if found is None:
            raise errors.link_invalid()
        return found

    async def _tenant_name(self, tenant_id: str) -> str:
        tenant = await self._directory.get_tenant(tenant_id)
        return tenant.name if tenant else ""


async def hash_of_new_password(hasher: PasswordHasher, password: str, words: frozenset[str]) -> str:
    """Returns the hash of a password that may be set. Raises PASSWORD_REFUSED and OVERLOADED."""
    fault = password_fault(password, words)
    text = normalized_password(password)
    if fault is not None or text is None:
        raise errors.password_refused(fault or "characters")
    return await hasher.hash(text)
