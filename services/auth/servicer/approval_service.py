"""Implements `rampart.auth.v1.ApprovalService`. The tenant comes only from the verified token."""

from __future__ import annotations

from typing import Any, TypeAlias

import grpc
from rampart.auth.v1 import approval_pb2
from rampart.auth.v1 import approval_service_pb2 as pb

from meshkit.context import SYSTEM_TENANT, current, principal
from meshkit.pages import Pages, page_size
from services.auth.convert import approvals as convert
from services.auth.service.approvals.keeping import ApprovalKeeper, Party
from services.auth.service.approvals.roles import RoleApprovals

__all__ = ["ApprovalServicer"]

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
ListRequest: TypeAlias = pb.ListApprovalsRequest | pb.ListPlatformApprovalsRequest


class ApprovalServicer:
    """Implements `rampart.auth.v1.ApprovalService`."""

    def __init__(self, keeper: ApprovalKeeper, roles: RoleApprovals, pages: Pages) -> None:
        self._keeper = keeper
        self._roles = roles
        self._pages = pages

    async def ListApprovals(self, request: pb.ListApprovalsRequest, _: Context) -> pb.ListApprovalsResponse:
        approvals, following = await self._page(principal().tenant_id, request)
        return pb.ListApprovalsResponse(approvals=approvals, next_page_token=following)

    async def GetApproval(self, request: pb.GetApprovalRequest, _: Context) -> pb.GetApprovalResponse:
        found = await self._keeper.find(principal().tenant_id, request.approval_id)
        return pb.GetApprovalResponse(approval=convert.approval_to_proto(found))

    async def GrantApproval(self, request: pb.GrantApprovalRequest, _: Context) -> pb.GrantApprovalResponse:
        digest = convert.digest_from_proto(request.digest)
        granted = await self._keeper.grant(principal(), request.approval_id, digest)
        return pb.GrantApprovalResponse(approval=convert.approval_to_proto(granted))

    async def RejectApproval(self, request: pb.RejectApprovalRequest, _: Context) -> pb.RejectApprovalResponse:
        rejected = await self._keeper.reject(Party.member(principal()), request.approval_id)
        return pb.RejectApprovalResponse(approval=convert.approval_to_proto(rejected))

    async def GetApprovalPolicy(self, _: pb.GetApprovalPolicyRequest, __: Context) -> pb.GetApprovalPolicyResponse:
        asked = await self._roles.asked(principal().tenant_id)
        return pb.GetApprovalPolicyResponse(policy=approval_pb2.ApprovalPolicy(role_changes=asked))

    async def SetApprovalPolicy(self, request: pb.SetApprovalPolicyRequest, _: Context) -> pb.SetApprovalPolicyResponse:
        await self._roles.set(principal(), request.policy.role_changes)
        return pb.SetApprovalPolicyResponse(policy=request.policy)

    async def ListPlatformApprovals(
        self, request: pb.ListPlatformApprovalsRequest, _: Context
    ) -> pb.ListPlatformApprovalsResponse:
        approvals, following = await self._page(SYSTEM_TENANT, request)
        return pb.ListPlatformApprovalsResponse(approvals=approvals, next_page_token=following)

    async def GetPlatformApproval(
        self, request: pb.GetPlatformApprovalRequest, _: Context
    ) -> pb.GetPlatformApprovalResponse:
        found = await self._keeper.find(SYSTEM_TENANT, request.approval_id)
        return pb.GetPlatformApprovalResponse(approval=convert.approval_to_proto(found))

    async def GrantPlatformApproval(
        self, request: pb.GrantPlatformApprovalRequest, _: Context
    ) -> pb.GrantPlatformApprovalResponse:
        digest = convert.digest_from_proto(request.digest)
        granted = await self._keeper.grant_as_operator(current().peer, request.approval_id, digest)
        return pb.GrantPlatformApprovalResponse(approval=convert.approval_to_proto(granted))

    async def RejectPlatformApproval(
        self, request: pb.RejectPlatformApprovalRequest, _: Context
    ) -> pb.RejectPlatformApprovalResponse:
        rejected = await self._keeper.reject(Party.operator(current().peer), request.approval_id)
        return pb.RejectPlatformApprovalResponse(approval=convert.approval_to_proto(rejected))

    async def _page(self, tenant_id: str, request: ListRequest) -> tuple[list[approval_pb2.Approval], str]:
        size = page_size(request.page_size)
        place = self._pages.decode(tenant_id, request, request.page_token, 1)
        state = convert.state_from_proto(request.state)
        found, more = await self._keeper.page(tenant_id, state, place[0] if place else "", size)
        following = self._pages.encode(tenant_id, request, [found[-1].approval_id]) if more else ""
        return [convert.approval_to_proto(each) for each in found], following
