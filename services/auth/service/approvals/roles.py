"""Says which changes of members a tenant wants approved by a second person."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime

from meshkit.context import Principal
from meshkit.identity.roles import Roles
from services.auth import errors
from services.auth.domain.members import MemberState
from services.auth.ports import MemberStore
from services.auth.ports.approvals import ApprovalStore
from services.auth.service.acts import act

__all__ = ["RoleApprovals"]

CHANGES_MEMBERS = "member:write"
"""Whoever has it could make a second person of his own."""
ENOUGH = 2
PAGE = 200


class RoleApprovals:
    """What a tenant wants approved: whatever makes somebody who may change members, or gives such a one other roles.

    Disabling, signing out and deleting need nobody else: whoever sees that an account is in wrong hands ends it.
    """

    def __init__(self, store: ApprovalStore, members: MemberStore, roles: Roles, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._members = members
        self._powerful = frozenset(role for role, scopes in roles.grants.items() if CHANGES_MEMBERS in scopes)
        self._clock = clock

    async def asked(self, tenant_id: str) -> bool:
        """Tells whether the tenant asks for a second person at all."""
        return await self._store.role_changes_asked(tenant_id)

    async def concern_giving(self, tenant_id: str, roles: Collection[str]) -> bool:
        """Tells whether somebody new with these roles needs a second person."""
        return not self._powerful.isdisjoint(roles) and await self.asked(tenant_id)

    async def concern_change(self, tenant_id: str, member_id: str, roles: frozenset[str]) -> bool:
        """Tells whether a member who gets these roles instead of his own needs one.

        Also one who would keep his power: until the change is made somebody else may have taken it from him.
        """
        return await self.asked(tenant_id) and bool(self._powerful & (await self._roles(tenant_id, member_id) | roles))

    async def concern_return(self, tenant_id: str, member_id: str) -> bool:
        """Tells whether letting a member in needs one: again, or whoever has a link."""
        return await self.asked(tenant_id) and bool(self._powerful & await self._roles(tenant_id, member_id))

    async def set(self, caller: Principal, asked: bool) -> None:
        """Says whether a second person is asked for. Raises STATE_NOT_ALLOWED if there is none who could be it."""
        tenant_id = caller.tenant_id
        if asked and await self._count(tenant_id) < ENOUGH:
            raise errors.nobody_to_approve()
        event = act("approval_policy.set", "approval-policy", self._clock(), role_changes=str(asked).lower())
        await self._store.ask_role_changes(tenant_id, asked, event)

    async def _roles(self, tenant_id: str, member_id: str) -> frozenset[str]:
        member = await self._members.find_member(tenant_id, member_id)
        return member.roles if member is not None else frozenset()

    async def _count(self, tenant_id: str) -> int:
        """Counts who could be a second person, up to `ENOUGH`."""
        found, after = 0, ""
        while found < ENOUGH:
            members = await self._members.list_members(tenant_id, MemberState.ACTIVE, after, PAGE)
            found += sum(not self._powerful.isdisjoint(member.roles) for member in members)
            if len(members) < PAGE:
                break
            after = members[-1].member_id
        return found
