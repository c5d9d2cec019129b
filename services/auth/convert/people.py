"""Converts members, links, accounts and passkeys."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable

from rampart.auth.v1 import account_pb2, member_pb2, member_service_pb2

from meshkit.context import Principal
from meshkit.errors import Violation, validation_failed
from meshkit.preconditions import Preconditions, check_etag, etag_from_revision, etag_mismatch
from meshkit.updates import Updates
from services.auth.domain.factors import AccountView
from services.auth.domain.links import NewLink
from services.auth.domain.members import Member, MemberState, MemberUpdate, SecondFactor
from services.auth.domain.passkeys import Passkey

__all__ = [
    "account_to_proto",
    "credential_from_proto",
    "delete_check_from_proto",
    "link_to_proto",
    "member_to_proto",
    "passkey_to_proto",
    "state_from_proto",
    "update_check_from_proto",
    "update_from_proto",
]

_MEMBER = Updates(
    "member",
    member_pb2.Member,
    identifier="member_id",
    mutable=["display_name", "roles"],
    fixed=["email", "create_time"],
    unversioned=["sign_in_time"],
    fixed_words="cannot be changed",
)


def member_to_proto(member: Member) -> member_pb2.Member:
    message = member_pb2.Member(
        member_id=member.member_id,
        email=member.email,
        display_name=member.display_name,
        roles=sorted(member.roles),
        state=member.state.value,
        etag=etag_from_revision(member.revision),
    )
    message.create_time.FromDatetime(member.created_at)
    message.update_time.FromDatetime(member.updated_at)
    if member.signed_in_at is not None:
        message.sign_in_time.FromDatetime(member.signed_in_at)
    return message


def state_from_proto(text: str) -> MemberState | None:
    return MemberState(text) if text else None


def update_from_proto(request: member_service_pb2.UpdateMemberRequest) -> MemberUpdate:
    """Raises VALIDATION_FAILED for a mask that names what is no field of a member, and for a member without roles."""
    changes = _MEMBER.changes(request.member, request.update_mask)
    if "roles" in changes and not request.member.roles:
        raise validation_failed(Violation("member.roles", "roles.least", "must name a role at least"))
    return MemberUpdate(
        request.member.display_name if "display_name" in changes else None,
        frozenset(request.member.roles) if "roles" in changes else None,
    )


def update_check_from_proto(request: member_service_pb2.UpdateMemberRequest) -> Callable[[Member], None]:
    """Returns what compares a member with what an update says of it besides its changes.

    What it returns raises ETAG_MISMATCH and VALIDATION_FAILED.
    """
    claims = _MEMBER.claims(request.member, request.update_mask)
    holds = _check_of_state(request.member.etag, request)

    def check(member: Member) -> None:
        holds(member)
        _MEMBER.check(claims, request.member, member_to_proto(member))

    return check


def delete_check_from_proto(request: member_service_pb2.DeleteMemberRequest) -> Callable[[Member], None]:
    """Returns what raises ETAG_MISMATCH for a member in another state than the request is for."""
    return _check_of_state(request.etag, request)


def _check_of_state(
    etag: str, request: member_service_pb2.UpdateMemberRequest | member_service_pb2.DeleteMemberRequest
) -> Callable[[Member], None]:
    asked = Preconditions(request.preconditions.if_match, request.preconditions.if_none_match)

    def check(member: Member) -> None:
        check_etag(etag, member.revision)
        if not asked.hold(etag_from_revision(member.revision)):
            raise etag_mismatch()

    return check


def link_to_proto(link: NewLink | None) -> member_pb2.OneTimeLink | None:
    """Returns None for a link that was sent to whom it is meant for."""
    if link is None:
        return None
    message = member_pb2.OneTimeLink(path=link.path)
    message.expire_time.FromDatetime(link.link.expires_at)
    return message


def account_to_proto(view: AccountView, caller: Principal) -> account_pb2.Account:
    there = {
        SecondFactor.PASSKEY: view.factors.passkeys,
        SecondFactor.RECOVERY_CODE: view.factors.recovery_codes,
        SecondFactor.TOTP: view.factors.totp,
    }
    return account_pb2.Account(
        subject=view.member.member_id,
        tenant_id=view.member.tenant_id,
        client_id=caller.client_id,
        email=view.member.email,
        display_name=view.member.display_name,
        roles=sorted(view.member.roles),
        scopes=sorted(caller.scopes),
        factors=[factor.value for factor, count in there.items() if count],
        second_factor_required=view.second_factor_required,
        recovery_codes_left=view.factors.recovery_codes,
        tenant=view.tenant,
    )


def passkey_to_proto(passkey: Passkey) -> account_pb2.Passkey:
    message = account_pb2.Passkey(
        passkey_id=base64.urlsafe_b64encode(passkey.credential_id).decode().rstrip("="),
        display_name=passkey.display_name,
    )
    message.create_time.FromDatetime(passkey.created_at)
    if passkey.used_at is not None:
        message.use_time.FromDatetime(passkey.used_at)
    return message


def credential_from_proto(passkey_id: str) -> bytes:
    """Returns the credential of a passkey; what cannot be one is nobody's."""
    try:
        return base64.b64decode(passkey_id + "=" * (-len(passkey_id) % 4), b"-_", validate=True)
    except binascii.Error:
        return b""
