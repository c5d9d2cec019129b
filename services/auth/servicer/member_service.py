"""Implements `rampart.auth.v1.MemberService`. The tenant comes only from the verified token."""

from __future__ import annotations

from typing import Any, TypeAlias

import grpc
from rampart.auth.v1 import member_pb2
from rampart.auth.v1 import member_service_pb2 as pb

from meshkit.context import principal
from meshkit.pages import Pages, page_size
from services.auth.convert import people as convert
from services.auth.service.people.members import MemberKeeper

__all__ = ["MemberServicer"]

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class MemberServicer:
    """Implements `rampart.auth.v1.MemberService`."""

    def __init__(self, members: MemberKeeper, pages: Pages) -> None:
        self._members = members
        self._pages = pages

    async def InviteMember(self, request: pb.InviteMemberRequest, _: Context) -> pb.InviteMemberResponse:
        member, link = await self._members.invite(principal(), request.email, request.display_name, request.roles)
        return pb.InviteMemberResponse(member=convert.member_to_proto(member), link=convert.link_to_proto(link))

    async def GetMember(self, request: pb.GetMemberRequest, _: Context) -> pb.GetMemberResponse:
        member = await self._members.get(principal().tenant_id, request.member_id)
        return pb.GetMemberResponse(member=convert.member_to_proto(member))

    async def ListMembers(self, request: pb.ListMembersRequest, _: Context) -> pb.ListMembersResponse:
        tenant_id, size = principal().tenant_id, page_size(request.page_size)
        place = self._pages.decode(tenant_id, request, request.page_token, 1)
        state = convert.state_from_proto(request.state)
        members, more = await self._members.page(tenant_id, state, place[0] if place else "", size)
        following = self._pages.encode(tenant_id, request, [members[-1].member_id]) if more else ""
        return pb.ListMembersResponse(members=map(convert.member_to_proto, members), next_page_token=following)

    async def UpdateMember(self, request: pb.UpdateMemberRequest, _: Context) -> pb.UpdateMemberResponse:
        update, check = convert.update_from_proto(request), convert.update_check_from_proto(request)
        member = await self._members.update(principal(), request.member.member_id, update, check)
        return pb.UpdateMemberResponse(member=convert.member_to_proto(member))

    async def DisableMember(self, request: pb.DisableMemberRequest, _: Context) -> pb.DisableMemberResponse:
        member = await self._members.disable(principal(), request.member_id)
        return pb.DisableMemberResponse(member=convert.member_to_proto(member))

    async def EnableMember(self, request: pb.EnableMemberRequest, _: Context) -> pb.EnableMemberResponse:
        member = await self._members.enable(principal(), request.member_id)
        return pb.EnableMemberResponse(member=convert.member_to_proto(member))

    async def DeleteMember(self, request: pb.DeleteMemberRequest, _: Context) -> pb.DeleteMemberResponse:
        await self._members.delete(principal(), request.member_id, convert.delete_check_from_proto(request))
        return pb.DeleteMemberResponse()

    async def ResetMember(self, request: pb.ResetMemberRequest, _: Context) -> pb.ResetMemberResponse:
        link = await self._members.reset(principal(), request.member_id)
        return pb.ResetMemberResponse(link=convert.link_to_proto(link))

    async def EndMemberSessions(self, request: pb.EndMemberSessionsRequest, _: Context) -> pb.EndMemberSessionsResponse:
        await self._members.end_sessions(principal(), request.member_id)
        return pb.EndMemberSessionsResponse()

    async def GetSignInPolicy(self, _: pb.GetSignInPolicyRequest, __: Context) -> pb.GetSignInPolicyResponse:
        required = await self._members.second_factor_required(principal().tenant_id)
        return pb.GetSignInPolicyResponse(policy=member_pb2.SignInPolicy(second_factor_required=required))

    async def SetSignInPolicy(self, request: pb.SetSignInPolicyRequest, _: Context) -> pb.SetSignInPolicyResponse:
        await self._members.require_second_factor(principal().tenant_id, request.policy.second_factor_required)
        return pb.SetSignInPolicyResponse(policy=request.policy)
