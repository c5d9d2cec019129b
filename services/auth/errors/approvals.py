"""Errors about calls that a second person approves."""

from __future__ import annotations

from meshkit.errors import Kind, MeshError, Violation, validation_failed

__all__ = [
    "approval_closed",
    "approval_not_found",
    "approval_required",
    "approver_unfit",
    "call_too_large",
    "digest_differs",
    "fellow_needed",
    "nobody_to_approve",
    "operator_unnamed",
    "person_needed",
    "too_many_approvals",
]


def approval_required(approval_id: str, digest: bytes) -> MeshError:
    """The call has not taken effect."""
    return MeshError(
        Kind.FAILED_PRECONDITION,
        "APPROVAL_REQUIRED",
        "somebody else must approve this call first, which then is to be repeated as it was",
        metadata={"approval_id": approval_id, "digest": digest.hex()},
    )


def fellow_needed(approval_id: str) -> MeshError:
    """The caller is the one who asked for it, or a program, or somebody who is no member."""
    return MeshError(
        Kind.PERMISSION_DENIED,
        "SECOND_PERSON_NEEDED",
        "a person approves who has not asked for it: another active member, or another operator",
        metadata={"approval_id": approval_id},
    )


def person_needed() -> MeshError:
    """A program asks for what two people decide."""
    return MeshError(
        Kind.PERMISSION_DENIED,
        "SECOND_PERSON_NEEDED",
        "the tenant has two people decide on this, and a program is none: make the call as a person who has signed in",
    )


def operator_unnamed() -> MeshError:
    return MeshError(
        Kind.PERMISSION_DENIED,
        "CALLER_NOT_ALLOWED",
        "where two operators are asked for, each has a certificate operator/NAME of his own",
    )


def approval_not_found() -> MeshError:
    return MeshError(
        Kind.NOT_FOUND, "RESOURCE_NOT_FOUND", "there is no such approval", metadata={"resource": "approval"}
    )


def digest_differs() -> MeshError:
    return validation_failed(Violation("digest", "digest.same", "is not that of the call which was asked for"))


def call_too_large() -> MeshError:
    return validation_failed(Violation("", "approval.size", "is larger than what somebody can be asked to approve"))


def approval_closed(state: str) -> MeshError:
    return _not_allowed("it was decided already", state)


def approver_unfit() -> MeshError:
    return _not_allowed("who approved it may not do it himself any more: ask again", "approver_unfit")


def nobody_to_approve() -> MeshError:
    return _not_allowed("the tenant has fewer than two active members who may change members", "too_few")


def too_many_approvals() -> MeshError:
    return _not_allowed("as much waits to be approved as can be kept", "full")


def _not_allowed(words: str, state: str) -> MeshError:
    return MeshError(Kind.FAILED_PRECONDITION, "STATE_NOT_ALLOWED", words, metadata={"state": state})
