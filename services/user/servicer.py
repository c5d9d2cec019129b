"""Implements the gRPC methods of the user service: convert, call, convert.

The tenant comes only from the verified token.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeAlias, TypeVar

import grpc
from google.protobuf.message import Message
from rampart.user.v1 import user_service_pb2 as pb

from meshkit.context import principal
from meshkit.errors import MeshError
from meshkit.identity.policy import Policy
from meshkit.identity.tokens import TokenVerifier
from meshkit.named_requests import IdempotentChanges
from meshkit.pages import Pages, page_size
from meshkit.rpc.batches import BatchCall, serve_batch
from services.user import convert
from services.user.ports import Changes
from services.user.service.users import UserService

__all__ = ["UserServicer"]

_audit = logging.getLogger("audit")

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Response = TypeVar("Response", bound=Message)


class UserServicer:
    """Implements `rampart.user.v1.UserService`."""

    def __init__(
        self,
        service: UserService,
        idempotent: IdempotentChanges[Changes],
        *,
        pages: Pages,
        verifier: TokenVerifier,
        batch_policy: Policy,
    ) -> None:
        self._service = service
        self._pages = pages
        self._idempotent = idempotent
        self._verifier = verifier
        self._batch_policy = batch_policy

    async def CreateUser(self, request: pb.CreateUserRequest, _: Context) -> pb.CreateUserResponse:
        async def create(changes: Changes) -> pb.CreateUserResponse:
            user = await self._service.create(changes, partial(convert.user_from_proto, request.user))
            return pb.CreateUserResponse(user=convert.user_to_proto(user))

        return await self._change(request, create, pb.CreateUserResponse)

    async def GetUser(self, request: pb.GetUserRequest, _: Context) -> pb.GetUserResponse:
        user = await self._service.get(principal().tenant_id, request.user_id)
        return pb.GetUserResponse(user=convert.user_to_proto(user))

    async def UpdateUser(self, request: pb.UpdateUserRequest, _: Context) -> pb.UpdateUserResponse:
        change = convert.user_change_from_proto(request.user, request.update_mask)
        check = convert.user_check_from_proto(request.user, request.update_mask)
        state, admits = convert.state_from_proto(request.user), convert.admits_from_proto(request)

        async def update(changes: Changes) -> pb.UpdateUserResponse:
            user = await self._service.update(changes, request.user.user_id, change, state, check, admits)
            return pb.UpdateUserResponse(user=convert.user_to_proto(user))

        return await self._change(request, update, pb.UpdateUserResponse)

    async def DeleteUser(self, request: pb.DeleteUserRequest, _: Context) -> pb.DeleteUserResponse:
        state, admits = convert.state_from_proto(request), convert.admits_from_proto(request)

        async def delete(changes: Changes) -> pb.DeleteUserResponse:
            await self._service.delete(changes, request.user_id, state, admits)
            return pb.DeleteUserResponse()

        answer = await self._change(request, delete, pb.DeleteUserResponse)
        caller = principal()
        _audit.info("user deleted", extra={"fields": {"tenant": caller.tenant_id, "client_id": caller.client_id}})
        return answer

    async def ListUsers(self, request: pb.ListUsersRequest, _: Context) -> pb.ListUsersResponse:
        tenant_id, size = principal().tenant_id, page_size(request.page_size)
        place = self._pages.decode(tenant_id, request, request.page_token, 1)
        users, more = await self._service.page(tenant_id, place[0] if place else "", size)
        following = self._pages.encode(tenant_id, request, [users[-1].user_id]) if more else ""
        return pb.ListUsersResponse(users=map(convert.user_to_proto, users), next_page_token=following)

    async def GetRiskProfile(self, request: pb.GetRiskProfileRequest, _: Context) -> pb.GetRiskProfileResponse:
        (profile,) = await self._service.risk_profiles([(principal().tenant_id, request.user_id)])
        return pb.GetRiskProfileResponse(risk_profile=convert.profile_to_proto(profile))

    async def UpdateRiskProfile(self, request: pb.UpdateRiskProfileRequest, _: Context) -> pb.UpdateRiskProfileResponse:
        sent = request.risk_profile
        change = convert.profile_change_from_proto(sent, request.update_mask)
        check = convert.profile_check_from_proto(sent, request.update_mask)
        state, admits = convert.state_from_proto(sent), convert.admits_from_proto(request)

        async def update(changes: Changes) -> pb.UpdateRiskProfileResponse:
            profile = await self._service.update_risk_profile(changes, sent.user_id, change, state, check, admits)
            return pb.UpdateRiskProfileResponse(risk_profile=convert.profile_to_proto(profile))

        return await self._change(request, update, pb.UpdateRiskProfileResponse)

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

    async def _change(
        self, request: convert.Changing, change: Callable[[Changes], Awaitable[Response]], answer: type[Response]
    ) -> Response:
        named = convert.request_from_proto(request)
        return await self._idempotent.respond(principal().tenant_id, named, change, answer)

    async def _risk_profiles(self, calls: Sequence[BatchCall[pb.GetRiskProfileRequest]]) -> list[Message | MeshError]:
        keys = [(call.principal.tenant_id, call.request.user_id) for call in calls]
        profiles = await self._service.risk_profiles(keys)
        return [pb.GetRiskProfileResponse(risk_profile=convert.profile_to_proto(profile)) for profile in profiles]
