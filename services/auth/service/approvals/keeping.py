"""Keeps calls until a second person has decided on them, and until they are made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from meshkit.context import SYSTEM_TENANT, Principal
from meshkit.identity.access import require_scope
from meshkit.identity.policy import Policy
from meshkit.identity.roles import Roles
from meshkit.ids import uuid7
from meshkit.operators import is_named_operator, is_operator
from services.auth import errors
from services.auth.domain.approvals import MOST_CALL_BYTES, Approval, ApprovalState, digest_of
from services.auth.domain.audit import AuditEvent
from services.auth.domain.members import is_member_id
from services.auth.ports import MemberStore
from services.auth.ports.approvals import ApprovalStore
from services.auth.service.acts import act

__all__ = ["ApprovalKeeper", "Party"]


@dataclass(frozen=True, slots=True)
class Party:
    """Whoever asks for something, or decides on it."""

    tenant_id: str
    actor: str

    @classmethod
    def member(cls, caller: Principal) -> Party:
        return cls(caller.tenant_id, caller.actor)

    @classmethod
    def operator(cls, peer: str) -> Party:
        """Raises CALLER_NOT_ALLOWED for one whose certificate has no name: it may be anybody's."""
        if not is_named_operator(peer):
            raise errors.operator_unnamed()
        return cls(SYSTEM_TENANT, peer)


class ApprovalKeeper:
    """Has calls approved. `policies` are those of the methods, by their full names."""

    def __init__(
        self,
        store: ApprovalStore,
        members: MemberStore,
        roles: Roles,
        policies: Mapping[str, Policy],
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._members = members
        self._roles = roles
        self._policies = policies
        self._clock = clock

    async def requester(self, caller: Principal) -> Party:
        """Returns who asks in a tenant: a member, or an operator who acts in it.

        Raises SECOND_PERSON_NEEDED for a program: whoever has its secret could ask through it and approve as himself.
        """
        if not is_operator(caller.actor) and not await self._is_person(caller):
            raise errors.person_needed()
        return Party.member(caller)

    async def take(self, party: Party, method: str, call: str) -> Approval:
        """Uses up what somebody else has approved of exactly this call, or asks for it.

        Raises APPROVAL_REQUIRED once it waits, and STATE_NOT_ALLOWED if too much does.
        """
        now, digest = self._clock(), digest_of(call)
        taken = await self._store.use(
            party.tenant_id, party.actor, method, digest, now, lambda each: self._event(each.used(), "use", now)
        )
        if taken is not None:
            return taken
        if len(call.encode()) > MOST_CALL_BYTES:
            raise errors.call_too_large()
        asked = Approval(str(uuid7()), party.tenant_id, method, call, digest, party.actor, now)
        waiting = await self._store.ask(*self._event(asked, "request", now))
        if waiting is None:
            raise errors.too_many_approvals()
        raise errors.approval_required(waiting.approval_id, digest)

    async def together(self, caller: Principal, taken: Approval) -> Principal:
        """Returns the requester as far as who has approved may do the same, now.

        Raises STATE_NOT_ALLOWED if that one may not make the call any more.
        """
        approver = await self._members.find_member(taken.tenant_id, taken.decider)
        roles = approver.roles if approver is not None and approver.may_sign_in else frozenset[str]()
        scopes = taken.scopes & self._roles.permitted(roles)
        if scopes.isdisjoint(self._policies[taken.method].scopes):
            raise errors.approver_unfit()
        return replace(caller, scopes=caller.scopes & scopes, roles=caller.roles & roles)

    async def find(self, tenant_id: str, approval_id: str) -> Approval:
        """Raises RESOURCE_NOT_FOUND."""
        return _found(await self._store.find(tenant_id, approval_id, self._clock()))

    async def page(
        self, tenant_id: str, state: ApprovalState | None, before: str, limit: int
    ) -> tuple[list[Approval], bool]:
        """Returns a page of at most `limit` approvals and whether there are more."""
        found = await self._store.page(tenant_id, state, before, limit + 1, self._clock())
        return found[:limit], len(found) > limit

    async def grant(self, caller: Principal, approval_id: str, digest: bytes) -> Approval:
        """Approves a call of another member, as one who may make it himself. A program is no person.

        Raises RESOURCE_NOT_FOUND, STATE_NOT_ALLOWED, SECOND_PERSON_NEEDED, SCOPE_MISSING and VALIDATION_FAILED.
        """
        asked = await self.find(caller.tenant_id, approval_id)
        if not await self._is_person(caller):
            raise errors.fellow_needed(approval_id)
        policy = self._policies.get(asked.method)
        if policy is None:  # of a release that is newer, or gone
            raise errors.approval_not_found()
        require_scope(policy, caller)
        return await self._grant(Party.member(caller), approval_id, digest, caller.scopes)

    async def grant_as_operator(self, peer: str, approval_id: str, digest: bytes) -> Approval:
        """Approves a call of another operator. Raises CALLER_NOT_ALLOWED, and what `grant` raises."""
        return await self._grant(Party.operator(peer), approval_id, digest, frozenset())

    async def reject(self, party: Party, approval_id: str) -> Approval:
        """Ends what was not made yet; whoever asked for it withdraws it.

        Raises RESOURCE_NOT_FOUND and STATE_NOT_ALLOWED.
        """
        now = self._clock()

        def change(asked: Approval) -> tuple[Approval, AuditEvent]:
            if not asked.is_open:
                raise errors.approval_closed(asked.state.value)
            own = asked.requester == party.actor
            state, verb = (ApprovalState.WITHDRAWN, "withdraw") if own else (ApprovalState.REJECTED, "reject")
            return self._event(asked.decided(state, party.actor, now), verb, now)

        return _found(await self._store.decide(party.tenant_id, approval_id, now, change))

    async def _is_person(self, caller: Principal) -> bool:
        """Tells whether a caller is an active member."""
        known = is_member_id(caller.actor)
        member = await self._members.find_member(caller.tenant_id, caller.actor) if known else None
        return member is not None and member.may_sign_in

    async def _grant(self, party: Party, approval_id: str, digest: bytes, scopes: frozenset[str]) -> Approval:
        now = self._clock()

        def change(asked: Approval) -> tuple[Approval, AuditEvent]:
            if asked.requester == party.actor:
                raise errors.fellow_needed(approval_id)
            if asked.state is not ApprovalState.PENDING:
                raise errors.approval_closed(asked.state.value)
            if asked.digest != digest:
                raise errors.digest_differs()
            return self._event(asked.decided(ApprovalState.APPROVED, party.actor, now, scopes), "grant", now)

        return _found(await self._store.decide(party.tenant_id, approval_id, now, change))

    @staticmethod
    def _event(approval: Approval, verb: str, now: datetime) -> tuple[Approval, AuditEvent]:
        details = {"method": approval.method, "digest": approval.digest.hex(), "requester": approval.requester}
        target = f"approvals/{approval.approval_id}"
        return approval, act(f"approval.{verb}", target, now, tenant_id=approval.tenant_id, **details)


def _found(approval: Approval | None) -> Approval:
    if approval is None:
        raise errors.approval_not_found()
    return approval
