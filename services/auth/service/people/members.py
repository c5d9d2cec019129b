"""Keeps the people of a tenant."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime
from typing import Any

from meshkit.context import Principal
from meshkit.identity.roles import Roles
from meshkit.ids import uuid7
from services.auth import errors
from services.auth.domain.links import NewLink
from services.auth.domain.members import OWNER, Member, MemberState, MemberUpdate
from services.auth.domain.revocations import Revocation
from services.auth.ports import MemberChange, RecordedAct
from services.auth.service.acts import act, act_on
from services.auth.service.names import check_address, check_name
from services.auth.service.people.links import Links
from services.auth.service.people.reach import check_reach
from services.auth.service.people.stores import PeopleStores
from services.auth.service.quotas import check_room

__all__ = ["MemberKeeper"]


class MemberKeeper:
    """Keeps the members of a tenant. `caller` is the verified principal, whose tenant it is.

    Nobody gives or takes a role that may do what his own token may not, or acts on somebody who has one: else whoever
    may reset passwords could do what he may not. Owners are made, and acted on, by owners alone, although an admin may
    do as much: else he could make himself an owner and put the others out. The tenant keeps an owner, whatever happens
    at once.
    """

    def __init__(self, stores: PeopleStores, links: Links, roles: Roles, clock: Callable[[], datetime]) -> None:
        self._stores = stores
        self._links = links
        self._roles = roles
        self._clock = clock

    async def invite(
        self, caller: Principal, email: str, display_name: str, roles: Collection[str]
    ) -> tuple[Member, NewLink | None]:
        """Returns the member and the link to pass on.

        Raises VALIDATION_FAILED, RESOURCE_EXISTS, ROLE_NOT_GRANTED and QUOTA_EXCEEDED.
        """
        check_name(display_name)
        check_address(email)
        check_reach(self._roles, caller, roles)
        now = self._clock()
        member = Member(str(uuid7()), caller.tenant_id, email, display_name, frozenset(roles), now, now)
        link = self._links.new(member)
        done = act_on(member, "member.invite", now, roles=" ".join(sorted(roles)))
        if not await self._stores.members.create_member(member, link.link, done, check_room):
            raise errors.member_exists()
        return member, await self._links.deliver(member, link)

    async def get(self, tenant_id: str, member_id: str) -> Member:
        """Raises RESOURCE_NOT_FOUND."""
        return _found(await self._stores.members.find_member(tenant_id, member_id))

    async def page(
        self, tenant_id: str, state: MemberState | None, after: str, limit: int
    ) -> tuple[list[Member], bool]:
        """Returns a page of at most `limit` members and whether there are more."""
        members = await self._stores.members.list_members(tenant_id, state, after, limit + 1)
        return members[:limit], len(members) > limit

    async def update(
        self, caller: Principal, member_id: str, update: MemberUpdate, check: Callable[[Member], None]
    ) -> Member:
        """Changes a member in whom `check` finds nothing wrong. Another set of roles ends the tokens with the old one.

        Raises VALIDATION_FAILED, RESOURCE_NOT_FOUND, ROLE_NOT_GRANTED, LAST_OWNER, and what `check` raises.
        """
        check_name(update.display_name or "", "member.display_name")

        def decide(member: Member, other_owners: int) -> MemberChange | None:
            check(member)
            roles = member.roles if update.roles is None else update.roles
            if roles != member.roles:
                check_reach(self._roles, caller, roles | member.roles)
                _keep_owner(member, OWNER in roles, other_owners)
            name = member.display_name if update.display_name is None else update.display_name
            if (roles, name) == (member.roles, member.display_name):
                return None
            now = self._clock()
            ended = _tokens(member).up_to(now) if roles != member.roles else None
            done = act_on(member, "member.update", now, revocation=ended, roles=" ".join(sorted(roles)))
            return MemberChange(_next(member, now, roles=roles, display_name=name), done)

        return await self._change(caller, member_id, decide)

    async def disable(self, caller: Principal, member_id: str) -> Member:
        """Keeps a member out. Raises RESOURCE_NOT_FOUND, ROLE_NOT_GRANTED and LAST_OWNER."""

        def decide(member: Member, other_owners: int) -> MemberChange | None:
            check_reach(self._roles, caller, member.roles)
            if member.disabled_at is not None:
                return None
            _keep_owner(member, False, other_owners)
            now = self._clock()
            done = act_on(member, "member.disable", now, revocation=_tokens(member))
            return MemberChange(_next(member, now, disabled_at=now, signed_out_at=now), done)

        return await self._change(caller, member_id, decide)

    async def enable(self, caller: Principal, member_id: str) -> Member:
        """Lets a member in again. Raises RESOURCE_NOT_FOUND and ROLE_NOT_GRANTED."""

        def decide(member: Member, _: int) -> MemberChange | None:
            check_reach(self._roles, caller, member.roles)
            if member.disabled_at is None:
                return None
            now = self._clock()
            done = act_on(member, "member.enable", now, lifted=[_tokens(member).up_to(now)])
            return MemberChange(_next(member, now, disabled_at=None), done)

        return await self._change(caller, member_id, decide)

    async def delete(self, caller: Principal, member_id: str, check: Callable[[Member], None]) -> None:
        """Erases what is known of a member in whom `check` finds nothing wrong. Raises what `update` raises."""

        def decide(member: Member, other_owners: int) -> MemberChange:
            check(member)
            check_reach(self._roles, caller, member.roles)
            _keep_owner(member, False, other_owners)
            now = self._clock()
            done = act_on(member, "member.delete", now, revocation=_tokens(member))
            return MemberChange(_next(member.erased(now), now), done)

        await self._change(caller, member_id, decide)

    async def reset(self, caller: Principal, member_id: str) -> NewLink | None:
        """Returns a new link to pass on.

        Raises RESOURCE_NOT_FOUND, ROLE_NOT_GRANTED, STATE_NOT_ALLOWED and CONFLICT.
        """
        member = await self.get(caller.tenant_id, member_id)
        check_reach(self._roles, caller, member.roles)
        return await self._links.reset(member)

    async def end_sessions(self, caller: Principal, member_id: str) -> None:
        """Ends all sessions, grants and tokens of a member. Raises RESOURCE_NOT_FOUND and ROLE_NOT_GRANTED."""

        def decide(member: Member, _: int) -> MemberChange:
            check_reach(self._roles, caller, member.roles)
            now = self._clock()
            done = act_on(member, "member.end_sessions", now, revocation=_tokens(member).up_to(now))
            return MemberChange(replace(member, signed_out_at=now), done)

        await self._change(caller, member_id, decide)

    async def second_factor_required(self, tenant_id: str) -> bool:
        """Tells whether members of the tenant must have a second factor."""
        return await self._stores.members.second_factor_required(tenant_id)

    async def require_second_factor(self, tenant_id: str, required: bool) -> None:
        """Says whether members of the tenant must have a second factor."""
        event = act(
            "sign_in_policy.set",
            "sign-in-policy",
            self._clock(),
            tenant_id=tenant_id,
            second_factor_required=str(required).lower(),
        )
        await self._stores.members.require_second_factor(tenant_id, required, RecordedAct(event))

    async def _change(
        self, caller: Principal, member_id: str, decide: Callable[[Member, int], MemberChange | None]
    ) -> Member:
        return _found(await self._stores.members.change_member(caller.tenant_id, member_id, decide))


def _next(member: Member, at: datetime, **values: Any) -> Member:
    return replace(member, updated_at=at, revision=member.revision + 1, **values)


def _keep_owner(member: Member, stays: bool, other_owners: int) -> None:
    """Raises LAST_OWNER if the tenant would lose the one who answers for it."""
    if member.owns and not stays and other_owners == 0:
        raise errors.last_owner()


def _found(member: Member | None) -> Member:
    if member is None:
        raise errors.member_not_found()
    return member


def _tokens(member: Member) -> Revocation:
    return Revocation.of_subject(member.tenant_id, member.member_id)
