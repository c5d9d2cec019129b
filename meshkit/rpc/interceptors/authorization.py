"""Checks who calls: the peer's certificate against the method's callers, then the access token against its scopes."""

from __future__ import annotations

from google.protobuf.message import Message

from meshkit.audit.calls import CallAudit
from meshkit.errors import Kind, MeshError
from meshkit.identity.access import bearer_token, require_scope, token_missing
from meshkit.identity.tokens import TokenVerifier
from meshkit.rpc.interceptors.chain import Call, Handler, Middleware
from meshkit.rpc.interceptors.possession import check_sender

__all__ = ["authorization"]


def authorization(verifier: TokenVerifier, audit: CallAudit | None = None) -> Middleware:
    """Returns the middleware, which tells `audit` of whom it refuses.

    Methods that carry a batch authorize each item for itself (see `meshkit.rpc.batches`).
    """

    async def middleware(request: Message, call: Call, handler: Handler) -> Message:
        try:
            await _admit(request, call, verifier)
        except MeshError as error:
            if audit is not None:
                audit.refused(call.context, call.policy.path, error)
            raise
        return await handler(request, call)

    return middleware


async def _admit(request: Message, call: Call, verifier: TokenVerifier) -> None:
    policy, context = call.policy, call.context
    if not policy.admits(context.peer):
        raise MeshError(Kind.PERMISSION_DENIED, "CALLER_NOT_ALLOWED", "this peer may not call this method")
    if policy.scopes and not carries_batch(request):
        context.token = bearer_token(_text(call.metadata.get("authorization", "")))
        if not context.token:
            raise token_missing()
        context.principal = await verifier.verify(context.token)
        bound = context.principal.confirmation
        if bound is not None:
            check_sender(bound, context.peer, call.servicer.auth_context())
        require_scope(policy, context.principal)


def carries_batch(request: Message) -> bool:
    field = request.DESCRIPTOR.fields_by_name.get("batch")
    return (
        field is not None and field.message_type is not None and field.message_type.full_name == "rampart.mesh.v1.Batch"
    )


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
