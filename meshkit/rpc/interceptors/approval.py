"""Holds calls back that a second person has to approve, as the policies of their methods say."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message

from meshkit.context import CallContext
from meshkit.identity.policy import Policy, PolicyError, policy_of
from meshkit.rpc.interceptors.chain import Call, Handler, Middleware

__all__ = ["ApprovalDesk", "approved", "check_approvals"]


class ApprovalDesk(Protocol):
    """Knows what has been approved."""

    async def let_in(
        self, call: CallContext, policy: Policy, request: Message, handle: Callable[[], Awaitable[Message]]
    ) -> Message:
        """Handles a call that needs nobody else or that was approved. Raises APPROVAL_REQUIRED for any other."""
        ...


def approved(desk: ApprovalDesk) -> Middleware:
    """Returns the middleware, the last before the method itself."""

    async def middleware(request: Message, call: Call, handler: Handler) -> Message:
        if not call.policy.approval.is_enforced:
            return await handler(request, call)
        return await desk.let_in(call.context, call.policy, request, lambda: handler(request, call))

    return middleware


def check_approvals(services: Iterable[ServiceDescriptor], desk: ApprovalDesk | None) -> None:
    """Raises PolicyError for methods that need an approval which nobody would ask for."""
    for method in [method for service in services for method in service.methods]:
        if policy_of(method).approval.is_enforced and desk is None:
            raise PolicyError(f"{method.full_name} needs an approval, but its calls would not be held back")
