"""Reads request id, trace context and the peer's identity into the call's context."""

from __future__ import annotations

import re
from collections.abc import Iterable

from google.protobuf.message import Message

from meshkit.context import new_traceparent
from meshkit.ids import uuid7
from meshkit.rpc.interceptors.chain import Call, Handler, Middleware

__all__ = ["REQUEST_ID", "TRACEPARENT", "call_context"]

REQUEST_ID = "x-request-id"
TRACEPARENT = "traceparent"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


def call_context(trust_domain: str) -> Middleware:
    """Returns the middleware. The peer is the path of the one SPIFFE ID in its certificate, or empty."""
    prefix = f"spiffe://{trust_domain}/"

    async def middleware(request: Message, call: Call, handler: Handler) -> Message:
        context = call.context
        sent = _text(call.metadata.get(REQUEST_ID, ""))
        context.request_id = sent if _REQUEST_ID.fullmatch(sent) else str(uuid7())
        context.traceparent = new_traceparent(_text(call.metadata.get(TRACEPARENT, "")))
        context.peer = peer_identity(call.servicer.auth_context().get("peer_spiffe_id", ()), prefix)
        return await handler(request, call)

    return middleware


def peer_identity(spiffe_ids: Iterable[bytes | str], prefix: str) -> str:
    """Returns "service/gateway" for the one SPIFFE ID of the trust domain; anything else is nobody."""
    names = [_text(value) for value in spiffe_ids]
    if len(names) != 1 or not names[0].startswith(prefix):
        return ""
    return names[0].removeprefix(prefix)


def _text(value: bytes | str) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
