"""Implements `ApprovalDesk`: holds calls of this process back until a second person has approved them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from google.protobuf.message import Message
from rampart.auth.v1 import approval_service_pb2, identity_provider_service_pb2, member_service_pb2

from meshkit.context import CallContext, Principal, principal
from meshkit.identity.policy import ApprovalRule, Policy
from services.auth.convert.approvals import call_from_proto
from services.auth.convert.people import update_from_proto
from services.auth.service.approvals.keeping import ApprovalKeeper, Party
from services.auth.service.approvals.roles import RoleApprovals

__all__ = ["ServedApprovals"]

Asks: TypeAlias = Callable[[Principal, Any], Awaitable[bool]]


class ServedApprovals:
    """Implements `ApprovalDesk` for the methods of auth.

    Where a tenant asks for a second person it does so for some requests of a method; for a method that is not among
    those told apart here it does for every one.
    """

    def __init__(self, keeper: ApprovalKeeper, roles: RoleApprovals, *, two_operators: bool) -> None:
        self._keeper = keeper
        self._roles = roles
        self._two_operators = two_operators
        self._asks: dict[type[Message], Asks] = {
            member_service_pb2.InviteMemberRequest: self._invitation,
            member_service_pb2.UpdateMemberRequest: self._update,
            member_service_pb2.EnableMemberRequest: self._return,
            member_service_pb2.ResetMemberRequest: self._return,
            identity_provider_service_pb2.UnlinkMemberRequest: self._return,
            approval_service_pb2.SetApprovalPolicyRequest: self._policy,
        }

    async def let_in(
        self, call: CallContext, policy: Policy, request: Message, handle: Callable[[], Awaitable[Message]]
    ) -> Message:
        if policy.approval is ApprovalRule.TENANT:
            await self._of_tenant(call, policy, request)
        elif self._two_operators:
            party = Party.operator(call.peer)
            await self._keeper.take(party, *_named(policy, request))
        return await handle()

    async def _of_tenant(self, call: CallContext, policy: Policy, request: Message) -> None:
        caller = principal()
        asks = self._asks.get(type(request))
        if not await (asks(caller, request) if asks is not None else self._roles.asked(caller.tenant_id)):
            return
        taken = await self._keeper.take(await self._keeper.requester(caller), *_named(policy, request))
        # From here on the call may do what both of them may.
        call.principal = await self._keeper.together(caller, taken)

    async def _invitation(self, caller: Principal, request: member_service_pb2.InviteMemberRequest) -> bool:
        return await self._roles.concern_giving(caller.tenant_id, request.roles)

    async def _update(self, caller: Principal, request: member_service_pb2.UpdateMemberRequest) -> bool:
        roles = update_from_proto(request).roles
        return roles is not None and await self._roles.concern_change(caller.tenant_id, request.member.member_id, roles)

    async def _return(
        self,
        caller: Principal,
        request: member_service_pb2.EnableMemberRequest
        | member_service_pb2.ResetMemberRequest
        | identity_provider_service_pb2.UnlinkMemberRequest,
    ) -> bool:
        return await self._roles.concern_return(caller.tenant_id, request.member_id)

    async def _policy(self, caller: Principal, request: approval_service_pb2.SetApprovalPolicyRequest) -> bool:
        return not request.policy.role_changes and await self._roles.asked(caller.tenant_id)


def _named(policy: Policy, request: Message) -> tuple[str, str]:
    """Returns the full name of a method and the call of it."""
    method = policy.path.removeprefix("/")
    return method, call_from_proto(method, request)
