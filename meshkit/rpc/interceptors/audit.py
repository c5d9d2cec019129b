"""Tells the audit log of calls that were let in, as the last step before they take effect."""

from __future__ import annotations

from collections.abc import Iterable

from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message

from meshkit.audit.calls import CallAudit
from meshkit.audit.targets import target_of
from meshkit.identity.policy import PolicyError, policy_of
from meshkit.rpc.interceptors.chain import Call, Handler, Middleware

__all__ = ["audited", "check_audited"]


def audited(audit: CallAudit, services: Iterable[ServiceDescriptor]) -> Middleware:
    """Returns the middleware."""
    methods = {policy_of(method).path: method for service in services for method in service.methods}
    targets = {path: target_of(method) for path, method in methods.items() if audit.concerns(policy_of(method))}

    async def middleware(request: Message, call: Call, handler: Handler) -> Message:
        target = targets.get(call.policy.path)
        if target is None:
            return await handler(request, call)
        return await audit.let_in(call.context, call.policy, target(request), lambda: handler(request, call))

    return middleware


def check_audited(services: Iterable[ServiceDescriptor], audit: CallAudit | None) -> None:
    """Raises PolicyError for audited methods whose calls nobody would tell of."""
    for method in [method for service in services for method in service.methods]:
        if policy_of(method).audited and audit is None:
            raise PolicyError(f"{method.full_name} is audited, but its calls would not be events")
