"""Converts between protobuf messages and the domain of the user service. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from rampart.user.v1 import user_pb2 as pb
from rampart.user.v1 import user_service_pb2

from meshkit.named_requests import NamedRequest, named_request
from meshkit.preconditions import Preconditions
from meshkit.updates import Updates
from services.user.domain.users import DEFAULT_TIER, ProfileChange, Revision, RiskProfile, User, UserChange

__all__ = [
    "Changing",
    "Conditional",
    "admits_from_proto",
    "profile_change_from_proto",
    "profile_check_from_proto",
    "profile_to_proto",
    "request_from_proto",
    "state_from_proto",
    "user_change_from_proto",
    "user_check_from_proto",
    "user_from_proto",
    "user_to_proto",
]

Changing = (
    user_service_pb2.CreateUserRequest
    | user_service_pb2.UpdateUserRequest
    | user_service_pb2.DeleteUserRequest
    | user_service_pb2.UpdateRiskProfileRequest
)
"""Requests that may have a name."""
Conditional = (
    user_service_pb2.UpdateUserRequest | user_service_pb2.DeleteUserRequest | user_service_pb2.UpdateRiskProfileRequest
)
"""Requests that may be for some states alone."""

_USER_FIELDS = ("display_name", "email", "phone", "country")
_PROFILE_FIELDS = ("base_risk", "tier", "chargeback_count")
_USER = Updates("user", pb.User, identifier="user_id", mutable=_USER_FIELDS, fixed=["create_time"])
# A user may be created after its profile, deleted, and created again.
_PROFILE = Updates("risk_profile", pb.RiskProfile, identifier="user_id", mutable=_PROFILE_FIELDS)
_NO_STATE = UUID(int=(1 << 128) - 1)
"""The tag that no state has (RFC 9562, section 5.10)."""


def request_from_proto(message: Changing) -> NamedRequest | None:
    """Returns the name of a request and what it is worth, None if it has none.

    Of equal worth are requests that ask to store the same, whatever else they hold.
    """
    return named_request(message, _reduce)


def _reduce(content: Changing) -> None:
    if isinstance(content, user_service_pb2.UpdateRiskProfileRequest):
        _PROFILE.reduce(content.risk_profile, content.update_mask)
    elif isinstance(content, user_service_pb2.UpdateUserRequest):
        _USER.reduce(content.user, content.update_mask)
    elif isinstance(content, user_service_pb2.CreateUserRequest):
        _USER.reduce(content.user, FieldMask())
        content.user.etag = ""


def state_from_proto(message: pb.User | pb.RiskProfile | user_service_pb2.DeleteUserRequest) -> UUID | None:
    """Returns the tag of the state that an etag names, None without one. The quotes of the etag may be missing."""
    if not message.etag:
        return None
    try:
        return UUID(message.etag.strip('"'))
    except ValueError:
        return _NO_STATE


def admits_from_proto(request: Conditional) -> Callable[[UUID], bool] | None:
    """Returns what tells which states a change is for besides that of an etag, None for any."""
    asked = Preconditions(request.preconditions.if_match, request.preconditions.if_none_match)
    return (lambda tag: asked.hold(_etag(tag))) if asked else None


def user_from_proto(message: pb.User, revision: Revision) -> User:
    """Returns the user to create. What the service sets itself is not read."""
    fields = _values(message, _USER_FIELDS)
    return User(message.user_id, **fields, created_at=revision.at, updated_at=revision.at, tag=revision.tag)


def user_change_from_proto(message: pb.User, mask: FieldMask) -> UserChange:
    """Raises VALIDATION_FAILED for a mask that names what is no field of a user."""
    return UserChange(**_values(message, _USER.changes(message, mask)))


def user_check_from_proto(message: pb.User, mask: FieldMask) -> Callable[[User], None] | None:
    """Returns what compares a user with what an update says of it besides its changes, None if it says nothing.

    What it returns raises VALIDATION_FAILED.
    """
    claims = _USER.claims(message, mask)
    return (lambda user: _USER.check(claims, message, user_to_proto(user))) if claims else None


def profile_change_from_proto(message: pb.RiskProfile, mask: FieldMask) -> ProfileChange:
    """Raises VALIDATION_FAILED for a mask that names what is no field of a profile. An emptied tier is the default."""
    values = _values(message, _PROFILE.changes(message, mask))
    if values.get("tier") == "":
        values["tier"] = DEFAULT_TIER
    return ProfileChange(**values)


def profile_check_from_proto(message: pb.RiskProfile, mask: FieldMask) -> Callable[[RiskProfile], None] | None:
    """Does for a profile what `user_check_from_proto` does for a user."""
    claims = _PROFILE.claims(message, mask)
    return (lambda profile: _PROFILE.check(claims, message, profile_to_proto(profile))) if claims else None


def user_to_proto(user: User) -> pb.User:
    message = pb.User(
        user_id=user.user_id,
        display_name=user.display_name,
        email=user.email,
        phone=user.phone,
        country=user.country,
        etag=_etag(user.tag),
    )
    message.create_time.FromDatetime(user.created_at)
    message.update_time.FromDatetime(user.updated_at)
    return message


def profile_to_proto(profile: RiskProfile) -> pb.RiskProfile:
    message = pb.RiskProfile(
        user_id=profile.user_id,
        known=profile.known,
        base_risk=profile.base_risk,
        tier=profile.tier,
        chargeback_count=profile.chargeback_count,
        country=profile.country,
        etag=_etag(profile.tag),
    )
    if profile.created_at is not None:
        message.create_time.FromDatetime(profile.created_at)
    return message


def _etag(tag: UUID) -> str:
    return f'"{tag.hex}"'


def _values(message: Message, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(message, name) for name in names}
