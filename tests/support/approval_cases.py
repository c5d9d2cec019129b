"""Calls of the auth service that a second person approves, put together for tests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from google.protobuf.message import Message
from rampart.auth.v1 import (
    approval_service_pb2,
    auth_service_pb2,
    identity_provider_service_pb2,
    member_pb2,
    member_service_pb2,
    tenant_service_pb2,
)

from meshkit.context import CallContext, Principal, set_current
from meshkit.continuations import Continuations
from meshkit.errors import MeshError
from meshkit.identity.policy import policies
from meshkit.pages import Pages
from services.auth.adapters.memory_approvals import MemoryApprovals
from services.auth.domain.members import Member
from services.auth.service.approvals.keeping import ApprovalKeeper
from services.auth.service.approvals.roles import RoleApprovals
from services.auth.servicer.approval_desk import ServedApprovals
from services.auth.servicer.approval_service import ApprovalServicer
from services.auth.servicer.member_service import MemberServicer
from tests.support.people_cases import PeopleCases

__all__ = ["BY_NAME", "ApprovalCases", "approved", "failing", "held", "role_update", "roles_of"]

POLICIES = policies(
    file.DESCRIPTOR.services_by_name[name]
    for file, name in (
        (approval_service_pb2, "ApprovalService"),
        (auth_service_pb2, "AuthService"),
        (identity_provider_service_pb2, "IdentityProviderService"),
        (member_service_pb2, "MemberService"),
        (tenant_service_pb2, "TenantService"),
    )
)
BY_NAME = {path.rpartition("/")[2]: policy for path, policy in POLICIES.items()}


def role_update(member: Member, *roles: str) -> member_service_pb2.UpdateMemberRequest:
    """Returns the request that makes a member what `roles` say."""
    return member_service_pb2.UpdateMemberRequest(
        member=member_pb2.Member(member_id=member.member_id, roles=roles), update_mask={"paths": ["roles"]}
    )


class ApprovalCases(PeopleCases):
    """Use cases of people behind the desk that holds calls back, as a server has them."""

    def __init__(self, *, two_operators: bool = True) -> None:
        super().__init__()
        self.approvals = MemoryApprovals()
        members = self.people.stores.members
        methods = {path.removeprefix("/"): policy for path, policy in POLICIES.items()}
        self.keeper = ApprovalKeeper(self.approvals, members, self.roles, methods, lambda: self.now)
        rules = RoleApprovals(self.approvals, members, self.roles, lambda: self.now)
        self.desk = ServedApprovals(self.keeper, rules, two_operators=two_operators)
        pages = Pages(Continuations([b"p" * 32]))
        self.servicer = ApprovalServicer(self.keeper, rules, pages)
        self._members = MemberServicer(self.members, pages)

    async def call(self, caller: Principal, request: Message) -> Any:
        """Makes the call that the request is named after, as a verified caller."""
        name = request.DESCRIPTOR.name.removesuffix("Request")
        method = getattr(self._members, name, None) or getattr(self.servicer, name)
        return await self.held(CallContext(principal=caller), request, lambda: method(request, None))

    async def operate(self, peer: str, request: Message, handle: Callable[[], Awaitable[Any]]) -> Any:
        """Makes a call as an operator."""
        return await self.held(CallContext(peer=peer), request, handle)

    async def held(self, call: CallContext, request: Message, handle: Callable[[], Awaitable[Any]]) -> Any:
        set_current(call)
        policy = BY_NAME[request.DESCRIPTOR.name.removesuffix("Request")]
        return await (self.desk.let_in(call, policy, request, handle) if policy.approval.is_enforced else handle())

    async def two(self) -> tuple[Member, Member]:
        """Returns two administrators of a tenant that asks for a second person."""
        first, second = await self.join("first@example.com", "admin"), await self.join("second@example.com", "admin")
        await self.ask(first)
        return first, second

    async def ask(self, member: Member, asked: bool = True) -> None:
        request = approval_service_pb2.SetApprovalPolicyRequest(policy={"role_changes": asked})
        await self.call(self.own(member), request)

    async def grant(self, caller: Principal, approval_id: str, digest: str) -> Any:
        request = approval_service_pb2.GrantApprovalRequest(approval_id=approval_id, digest=digest)
        return (await self.call(caller, request)).approval

    async def elsewhere(self) -> Principal:
        """Returns an owner of another tenant."""
        return replace(self.caller("owner"), tenant_id="01a1fc5a-3c62-7000-a1f6-6dcddde11fff")


async def failing(call: Awaitable[Any]) -> MeshError:
    """Returns the error that a call must fail with."""
    with pytest.raises(MeshError) as caught:
        await call
    return caught.value


async def held(cases: ApprovalCases, caller: Principal, request: Message) -> tuple[str, str]:
    """Returns the identifier and digest of the approval for which a call has to wait."""
    error = await failing(cases.call(caller, request))
    assert error.reason == "APPROVAL_REQUIRED", error
    return error.metadata["approval_id"], error.metadata["digest"]


async def approved(cases: ApprovalCases, first: Member, second: Member, request: Message) -> str:
    """Returns the identifier of what the first has asked for and the second has approved."""
    approval_id, digest = await held(cases, cases.own(first), request)
    await cases.grant(cases.own(second), approval_id, digest)
    return approval_id


def roles_of(cases: ApprovalCases, member: Member) -> frozenset[str]:
    """Returns the roles that a member has now."""
    return cases.memory.members[member.member_id].roles
