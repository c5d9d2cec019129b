"""The user service over gRPC: convert, call, convert. The tenant comes only from the verified token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import grpc
from google.protobuf.message import Message
from rampart.user.v1 import user_service_pb2 as pb

from meshkit import pages
from meshkit.batches import BatchCall, serve_batch
from meshkit.context import principal
from meshkit.errors import MeshError
from meshkit.policy import Policy
from meshkit.tokens import TokenVerifier
from services.user import convert
from services.user.service import UserService

__all__ = ["UserServicer"]

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class UserServicer:
    """Implements `rampart.user.v1.UserService`."""

    def __init__(self, service: UserService, *, verifier: TokenVerifier, batch_policy: Policy) -> None:
        self._service = service
        self._verifier = verifier
        self._batch_policy = batch_policy

    async def CreateUser(self, request: pb.CreateUserRequest, _: Context) -> pb.CreateUserResponse:
        user = convert.new_user(request.user, self._service.now())
        created = await self._service.create(principal().tenant_id, user)
        return pb.CreateUserResponse(user=convert.user_message(created))

    async def GetUser(self, request: pb.GetUserRequest, _: Context) -> pb.GetUserResponse:
        user = await self._service.get(principal().tenant_id, request.user_id)
        return pb.GetUserResponse(user=convert.user_message(user))

    async def UpdateUser(self, request: pb.UpdateUserRequest, _: Context) -> pb.UpdateUserResponse:
        change = convert.user_change(request.user, request.update_mask)
        user = await self._service.update(principal().tenant_id, request.user.user_id, change)
        return pb.UpdateUserResponse(user=convert.user_message(user))

    async def ListUsers(self, request: pb.ListUsersRequest, _: Context) -> pb.ListUsersResponse:
        place = pages.decode(request, request.page_token, 1)
        size = pages.page_size(request.page_size)
        users, more = await self._service.page(principal().tenant_id, place[0] if place else "", size)
        following = pages.encode(request, [users[-1].user_id]) if more else ""
        return pb.ListUsersResponse(users=map(convert.user_message, users), next_page_token=following)

    async def GetRiskProfile(self, request: pb.GetRiskProfileRequest, _: Context) -> pb.GetRiskProfileResponse:
        (profile,) = await self._service.risk_profiles([(principal().tenant_id, request.user_id)])
        return pb.GetRiskProfileResponse(risk_profile=convert.profile_message(profile))

    async def UpdateRiskProfile(self, request: pb.UpdateRiskProfileRequest, _: Context) -> pb.UpdateRiskProfileResponse:
        change = convert.profile_change(request.risk_profile, request.update_mask)
        user_id = request.risk_profile.user_id
        profile = await self._service.update_risk_profile(principal().tenant_id, user_id, change)
        return pb.UpdateRiskProfileResponse(risk_profile=convert.profile_message(profile))

    async def CoalesceGetRiskProfile(
        self, request: pb.CoalesceGetRiskProfileRequest, _: Context
    ) -> pb.CoalesceGetRiskProfileResponse:
        reply = await serve_batch(
            request.batch,
            policy=self._batch_policy,
            verifier=self._verifier,
            request_class=pb.GetRiskProfileRequest,
            handle=self._risk_profiles,
        )
        return pb.CoalesceGetRiskProfileResponse(reply=reply)

    async def _risk_profiles(self, calls: Sequence[BatchCall[pb.GetRiskProfileRequest]]) -> list[Message | MeshError]:
        keys = [(call.principal.tenant_id, call.request.user_id) for call in calls]
        profiles = await self._service.risk_profiles(keys)
        return [pb.GetRiskProfileResponse(risk_profile=convert.profile_message(profile)) for profile in profiles]
