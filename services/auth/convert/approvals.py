"""Converts approvals, and writes calls as what is approved."""

from __future__ import annotations

import hashlib
import json

from google.protobuf import json_format
from google.protobuf.message import Message
from rampart.auth.v1 import approval_pb2

from meshkit.errors import Violation, validation_failed
from services.auth.domain.approvals import Approval, ApprovalState

__all__ = ["approval_to_proto", "call_from_proto", "digest_from_proto", "state_from_proto"]


_SECRETS = frozenset({"rampart.auth.v1.SetIdentityProviderRequest.client_secret"})
"""Fields that nobody but the caller is to read."""


def call_from_proto(method: str, request: Message) -> str:
    """Returns a call in its one form: JSON (RFC 8785) of the method and of the request without its defaults.

    Fields that this release does not know are not part of it, for nobody could read them. For a secret its SHA-256
    stands. Raises VALIDATION_FAILED for a request that no JSON stands for.
    """
    try:
        written = json_format.MessageToDict(request, preserving_proto_field_name=True)
    except (json_format.Error, ValueError):
        raise validation_failed(Violation("", "approval.json", "cannot be written as JSON to be approved")) from None
    for name in [name for name in written if f"{request.DESCRIPTOR.full_name}.{name}" in _SECRETS]:
        written[name] = f"sha256:{hashlib.sha256(written[name].encode()).hexdigest()}"
    return json.dumps({"method": method, "request": written}, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def approval_to_proto(approval: Approval) -> approval_pb2.Approval:
    message = approval_pb2.Approval(
        approval_id=approval.approval_id,
        state=approval.state.value,
        method=approval.method,
        call=approval.call,
        digest=approval.digest.hex(),
        requester=approval.requester,
        decider=approval.decider,
    )
    message.create_time.FromDatetime(approval.requested_at)
    message.expire_time.FromDatetime(approval.expires_at)
    if approval.decided_at is not None:
        message.decide_time.FromDatetime(approval.decided_at)
    return message


def state_from_proto(text: str) -> ApprovalState | None:
    return ApprovalState(text) if text else None


def digest_from_proto(text: str) -> bytes:
    return bytes.fromhex(text)
