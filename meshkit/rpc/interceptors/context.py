"""Reads request id, trace context and the peer's identity into the call's context."""

from __future__ import annotations

import re

from google.protobuf.message import Message

from meshkit.identity.svid import PeerIdentities
from meshkit.ids import uuid7_text
from meshkit.rpc.interceptors.chain import Call, Handler, Middleware

__all__ = ["REQUEST_ID", "TRACEPARENT", "TRACESTATE", "call_context"]

REQUEST_ID = "x-request-id"
TRACEPARENT = "traceparent"
TRACESTATE = "tracestate"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


def call_context(peers: PeerIdentities) -> Middleware:
    """Returns the middleware. The peer is the path of the SPIFFE ID in its certificate, or empty."""

    async def middleware(request: Message, call: Call, handler: Handler) -> Message:
        context = call.context
        sent = _text(call.metadata.get(REQUEST_ID, ""))
        context.request_id = sent if _REQUEST_ID.fullmatch(sent) else uuid7_text()
        context.follow(_text(call.metadata.get(TRACEPARENT, "")), _text(call.metadata.get(TRACESTATE, "")))
        context.peer = peers.of(call.servicer.auth_context())
        return await handler(request, call)

    return middleware


def _text(value: bytes | str) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
