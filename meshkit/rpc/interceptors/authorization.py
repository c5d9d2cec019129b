"""Checks who calls: the peer's certificate against the method's callers, then the access token against its scopes."""

from __future__ import annotations

from google.protobuf.message import Message

from meshkit.context import Principal
from meshkit.errors import Kind, MeshError
from meshkit.identity.policy import Policy
from meshkit.identity.tokens import TokenVerifier
from meshkit.rpc.interceptors.chain import Call, Handler, Middleware

__all__ = ["authorization", "authorize", "bearer"]


def authorization(verifier: TokenVerifier) -> Middleware:
    """Returns the middleware. Methods that carry a batch authorize each item for itself (see `meshkit.rpc.batches`)."""

    async def middleware(request: Message, call: Call, handler: Handler) -> Message:
        policy, context = call.policy, call.context
        if not policy.admits(context.peer):
            raise MeshError(Kind.PERMISSION_DENIED, "CALLER_NOT_ALLOWED", "this peer may not call this method")
        if policy.scopes and not carries_batch(request):
            context.token = bearer(call.metadata.get("authorization", ""))
            context.principal = await verifier.verify(context.token)
            authorize(policy, context.principal)
        return await handler(request, call)

    return middleware


def carries_batch(request: Message) -> bool:
    field = request.DESCRIPTOR.fields_by_name.get("batch")
    return (
        field is not None and field.message_type is not None and field.message_type.full_name == "rampart.mesh.v1.Batch"
    )


def authorize(policy: Policy, principal: Principal) -> None:
    """Refuses a principal that has none of the method's scopes."""
    if policy.scopes.isdisjoint(principal.scopes):
        scope = " or ".join(sorted(policy.scopes))
        raise MeshError(
            Kind.PERMISSION_DENIED, "SCOPE_MISSING", f"the token lacks the scope {scope}", metadata={"scope": scope}
        )


def bearer(header: str | bytes) -> str:
    """Returns the token of an `Authorization: Bearer` value (RFC 6750, section 2.1)."""
    value = header.decode("latin-1") if isinstance(header, bytes) else header
    scheme, _, token = value.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise MeshError(Kind.UNAUTHENTICATED, "TOKEN_MISSING", "the call carries no access token")
    return token.strip()
