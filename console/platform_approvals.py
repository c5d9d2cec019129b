"""What operators have asked for, through the auth service with an operator's certificate."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import grpc
from google.protobuf import json_format
from google.protobuf.message import Message
from rampart.auth.v1 import approval_service_pb2 as pb
from rampart.auth.v1 import approval_service_pb2_grpc

from console.api import Json
from console.directory import CALL_SECONDS, refusals
from meshkit.rpc.keys import open_auth_channel
from meshkit.settings import TlsFiles

__all__ = ["PlatformApprovals", "open_platform_approvals"]

PAGE = 200


class PlatformApprovals:
    """Implements `console.approvals.Approvals`. What is refused raises CommandFailure."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub: Any = approval_service_pb2_grpc.ApprovalServiceStub(channel)

    async def list(self, state: str, limit: int | None) -> AsyncIterator[Json]:
        left, page = limit, ""
        while left is None or left > 0:
            size = PAGE if left is None else min(left, PAGE)
            request = pb.ListPlatformApprovalsRequest(state=state, page_size=size, page_token=page)
            answer = await self._call("ListPlatformApprovals", request)
            for each in answer.approvals:
                yield _to_json(each)
            left, page = None if left is None else left - len(answer.approvals), answer.next_page_token
            if not page:
                return

    async def get(self, approval_id: str) -> Json:
        return await self._one("GetPlatformApproval", pb.GetPlatformApprovalRequest(approval_id=approval_id))

    async def grant(self, approval_id: str, digest: str) -> Json:
        request = pb.GrantPlatformApprovalRequest(approval_id=approval_id, digest=digest)
        return await self._one("GrantPlatformApproval", request)

    async def reject(self, approval_id: str) -> Json:
        return await self._one("RejectPlatformApproval", pb.RejectPlatformApprovalRequest(approval_id=approval_id))

    async def _one(self, method: str, request: Message) -> Json:
        return _to_json((await self._call(method, request)).approval)

    async def _call(self, method: str, request: Message) -> Any:
        async with refusals("auth"):
            return await getattr(self._stub, method)(request, timeout=CALL_SECONDS)


@contextlib.asynccontextmanager
async def open_platform_approvals(address: str, tls: TlsFiles) -> AsyncIterator[PlatformApprovals]:
    """Connects to the auth service at host:port."""
    channel = open_auth_channel(address, tls)
    try:
        yield PlatformApprovals(channel)
    finally:
        await channel.close(None)


def _to_json(message: Message) -> Json:
    return json_format.MessageToDict(message, preserving_proto_field_name=True)
